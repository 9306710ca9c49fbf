// The dispatcher for Python: what waits, waits without the GIL; callbacks take it. Futures are made in
// Python.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "bind_errors.hpp"
#include "bindings.hpp"
#include "consilia/core/files.hpp"
#include "consilia/inference/dispatcher.hpp"
#include "image_source.hpp"
#include "shared_function.hpp"

namespace consilia::bindings {
namespace {

using inference::BatchOutcome;
using inference::BatchProgress;
using inference::Dispatcher;
using inference::DispatcherCounts;
using inference::DispatcherOptions;
using inference::Engine;
using inference::RequestStage;
using inference::StopMode;
using inference::Ticket;
using std::chrono::microseconds;

/// Calls `function(text, error)` with the diagnosis as JSON, which is made without the GIL, or an exception.
Dispatcher::Callback to_callback(py::object function) {
    return [shared = SharedFunction(std::move(function))](BatchOutcome outcome) {
        const std::string json = outcome.error ? std::string() : outcome.diagnosis.to_json();
        const py::gil_scoped_acquire gil;
        if (outcome.error) {
            shared.get()(py::none(), to_exception(outcome.error));
        } else {
            shared.get()(json, py::none());
        }
    };
}

std::function<void(const BatchProgress&)> to_progress(py::object function) {
    if (function.is_none()) return {};
    return [shared = SharedFunction(std::move(function))](const BatchProgress& at) {
        const py::gil_scoped_acquire gil;
        shared.get()(std::string(at.member_id), at.members_done, at.members_total);
    };
}

double to_ms(microseconds time) {
    return static_cast<double>(time.count()) / 1e3;
}

/// A dispatcher and its engine. Ending waits for the thread, which may be waiting for the GIL.
class EngineDispatcher {
public:
    EngineDispatcher(std::shared_ptr<Engine> engine, DispatcherOptions options)
        : engine_(std::move(engine)),
          dispatcher_(std::make_unique<Dispatcher>(inference::engine_runner(engine_), std::move(options))) {}
    ~EngineDispatcher() {
        const py::gil_scoped_release release;
        dispatcher_.reset();
    }
    EngineDispatcher(const EngineDispatcher&) = delete;
    EngineDispatcher& operator=(const EngineDispatcher&) = delete;

    Ticket submit(const py::object& image, py::object callback, const std::string& priority_name,
                  std::optional<double> deadline_ms, py::object progress) {
        const ImageSource source(image);
        inference::Request request{.prepare = [&] { return source.prepare(*engine_); },
                                   .priority = inference::parse_priority(priority_name),
                                   .progress = to_progress(std::move(progress))};
        if (deadline_ms) request.deadline = core::from_ms(*deadline_ms);
        Dispatcher::Callback answer = to_callback(std::move(callback));
        const py::gil_scoped_release release;
        return dispatcher_->submit(std::move(request), std::move(answer));
    }
    void stop(const std::string& mode) {
        if (mode != "drain" && mode != "cancel") {
            throw core::InvalidArgument("dispatcher.stop", "a dispatcher stops by `drain` or `cancel`");
        }
        const py::gil_scoped_release release;
        dispatcher_->stop(mode == "drain" ? StopMode::Drain : StopMode::Cancel);
    }
    template <class Call>
    auto unlocked(const Call& call) {
        const py::gil_scoped_release release;
        return call(*dispatcher_);
    }

private:
    std::shared_ptr<Engine> engine_;
    std::unique_ptr<Dispatcher> dispatcher_;
};

std::string stage_name(const Ticket& ticket) {
    switch (ticket.stage()) {
        case RequestStage::Queued:
            return "queued";
        case RequestStage::Running:
            return "running";
        case RequestStage::Done:
            break;
    }
    return "done";
}

py::dict to_dict(const DispatcherCounts& counts) {
    return py::dict(py::arg("submitted") = counts.submitted, py::arg("admitted") = counts.admitted,
                    py::arg("refused_overloaded") = counts.refused_overloaded,
                    py::arg("refused_deadline") = counts.refused_deadline,
                    py::arg("refused_stopped") = counts.refused_stopped,
                    py::arg("completed") = counts.completed,
                    py::arg("completed_late") = counts.completed_late, py::arg("failed") = counts.failed,
                    py::arg("cancelled") = counts.cancelled, py::arg("timed_out") = counts.timed_out,
                    py::arg("callback_errors") = counts.callback_errors, py::arg("batches") = counts.batches,
                    py::arg("queued") = counts.queued, py::arg("queued_bytes") = counts.queued_bytes,
                    py::arg("running") = counts.running);
}

void bind_opening(py::class_<EngineDispatcher>& type) {
    const DispatcherOptions defaults;
    type.def(py::init([](std::shared_ptr<Engine> engine, std::string name, std::size_t queue_max,
                         std::uint64_t queue_bytes_max, std::size_t batch_max, double batch_wait_ms,
                         double age_after_ms, double patience_ms, std::size_t trace_max) {
                 DispatcherOptions options{.name = std::move(name),
                                           .queue_max = queue_max,
                                           .queue_bytes_max = queue_bytes_max,
                                           .batch_max = batch_max,
                                           .batch_wait = core::from_ms(batch_wait_ms),
                                           .age_after = core::from_ms(age_after_ms),
                                           .patience = core::from_ms(patience_ms),
                                           .trace_max = trace_max};
                 const py::gil_scoped_release release;
                 return std::make_unique<EngineDispatcher>(std::move(engine), std::move(options));
             }),
             py::arg("engine"), py::kw_only(), py::arg("name") = defaults.name,
             py::arg("queue_max") = defaults.queue_max, py::arg("queue_bytes_max") = defaults.queue_bytes_max,
             py::arg("batch_max") = defaults.batch_max, py::arg("batch_wait_ms") = to_ms(defaults.batch_wait),
             py::arg("age_after_ms") = to_ms(defaults.age_after),
             py::arg("patience_ms") = to_ms(defaults.patience), py::arg("trace_max") = defaults.trace_max,
             "Starts a thread that runs batches on the engine, which it keeps alive.\n\n"
             "Args:\n"
             "    engine: Several dispatchers may share one: their batches take turns.\n"
             "    name: The label `dispatcher` of the metrics.\n"
             "    queue_max: Requests that may wait.\n"
             "    queue_bytes_max: Their tensors together.\n"
             "    batch_max: Requests run together.\n"
             "    batch_wait_ms: Longest that a request waits, on an idle device, for others to share its "
             "batch.\n"
             "    age_after_ms: A waiting request rises one level each time this has passed.\n"
             "    patience_ms: What a request without a deadline counts as due after.\n"
             "    trace_max: Spans that `trace` can tell of, the newest.");
}

void bind_calls(py::class_<EngineDispatcher>& type) {
    type.def(
        "submit_to", &EngineDispatcher::submit, py::arg("image"), py::arg("callback"), py::kw_only(),
        py::arg("priority") = "normal", py::arg("deadline_ms") = py::none(), py::arg("progress") = py::none(),
        "Submits an encoded image, a path or bytes; `callback(text, error)` gets the diagnosis as JSON or "
        "the exception,\n"
        "on the dispatcher's thread, and so does `progress(member_id, done, total)` after each member. "
        "What they raise is\n"
        "counted and dropped. Raises Unavailable at once if the request is refused, before the image is "
        "decoded.");
    type.def(
        "check_may_wait",
        [](EngineDispatcher& self) { self.unlocked([](Dispatcher& d) { d.check_may_wait(); }); },
        "Raises InvalidArgument (`dispatcher.waiting`) in a callback, where a wait would never end.");
    type.def(
        "warm_up", [](EngineDispatcher& self) { self.unlocked([](Dispatcher& d) { d.warm_up(); }); },
        "Brings every member in and measures batches of one and of `batch_max`: for before the first "
        "request.");
    type.def(
        "stop", &EngineDispatcher::stop, py::arg("mode") = "drain",
        "Refuses requests from now on and waits for the rest: `drain` runs what waits, `cancel` cancels it.");
    type.def(
        "counts",
        [](EngineDispatcher& self) {
            return to_dict(self.unlocked([](Dispatcher& d) { return d.counts(); }));
        },
        "What has become of the requests so far.");
    type.def(
        "metrics",
        [](EngineDispatcher& self) { return self.unlocked([](Dispatcher& d) { return d.metrics(); }); },
        "Counts, queue and times in Prometheus' text format.");
    type.def(
        "trace",
        [](EngineDispatcher& self) { return self.unlocked([](Dispatcher& d) { return d.trace(); }); },
        "The newest spans as JSON in the Chrome trace event format: requests, batches, members.");
}

}  // namespace

void bind_dispatcher(py::module_& module) {
    py::class_<Ticket>(module, "Ticket", "A hold on a submitted request.")
        .def("cancel", &Ticket::cancel, py::call_guard<py::gil_scoped_release>(),
             "Withdraws the request: from the queue at once, from a running batch before the next member. "
             "False "
             "if it is too\n"
             "late.")
        .def_property_readonly("stage", &stage_name, "`queued`, `running` or `done`.");
    py::class_<EngineDispatcher> type(module, "Dispatcher",
                                      "Takes requests from any thread, batches them across callers, refuses "
                                      "at once where waiting is in vain.");
    bind_opening(type);
    bind_calls(type);
}

}  // namespace consilia::bindings
