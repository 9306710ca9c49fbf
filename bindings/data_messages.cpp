// What goes over a session beside records: messages between programs, and several reads at once.
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/listener.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

using Clock = std::chrono::steady_clock;

/// A listener and the database that it must not outlive. One thread waits at a time.
class BoundListener {
public:
    BoundListener(std::shared_ptr<data::Database> database, std::vector<std::string> channels)
        : database_(std::move(database)) {
        const GilReleased released;
        listener_.emplace(*database_, std::move(channels));
    }

    std::optional<data::Notification> wait(std::optional<double> timeout_s) {
        const Waiting waiting(*this);
        const double seconds = timeout_s.value_or(kLongestS);
        const auto end =
            Clock::now() + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(seconds > 0 ? std::min(seconds, kLongestS) : 0));
        // Ctrl-C reaches Python's main thread, and does not end a wait by itself.
        const auto slice = is_main_thread() ? std::chrono::milliseconds{200} : std::chrono::hours{1};
        while (true) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
            std::optional<data::Notification> message;
            {
                const GilReleased released;
                message = listener_->wait(std::clamp<std::chrono::milliseconds>(left, {}, slice));
            }
            if (message || is_interrupted_.exchange(false)) return message;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            if (timeout_s && Clock::now() >= end) return std::nullopt;
        }
    }

    void interrupt() {
        is_interrupted_ = true;
        if (listener_) listener_->interrupt();
    }

    void close() {
        const Waiting waiting(*this, true);
        const std::optional<data::Listener> ended = std::move(listener_);
        listener_.reset();  // Under the GIL: `interrupt` looks at it.
    }

private:
    static constexpr double kLongestS = 1e9;

    static bool is_main_thread() {
        const py::module_ threading = py::module_::import("threading");
        return threading.attr("current_thread")().is(threading.attr("main_thread")());
    }

    /// Holds the listener for one thread.
    class Waiting {
    public:
        explicit Waiting(BoundListener& listener, bool may_be_closed = false) : listener_(listener) {
            if (listener.is_used_)
                throw core::InvalidArgument("database.session", "the listener is used by another thread");
            if (!listener.listener_ && !may_be_closed)
                throw core::InvalidArgument("database.session", "the listener is closed");
            listener.is_used_ = true;
        }
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
        ~Waiting() { listener_.is_used_ = false; }

    private:
        BoundListener& listener_;
    };

    std::shared_ptr<data::Database> database_;
    std::optional<data::Listener> listener_;
    std::atomic<bool> is_interrupted_ = false;
    bool is_used_ = false;  // Guarded by the GIL.
};

}  // namespace

void bind_messages(py::module_& module) {
    py::class_<data::Notification>(module, "Notification", "A message of another program.")
        .def_readonly("channel", &data::Notification::channel)
        .def_readonly("payload", &data::Notification::payload)
        .def_readonly("process", &data::Notification::process, "Of the server, for who sent it.");
    py::class_<BoundListener>(
        module, "Listener",
        "Waits for messages on channels of a PostgreSQL database, on a connection of its own.")
        .def(py::init([](const py::object& database, const py::args& channels) {
                 return std::make_unique<BoundListener>(as_session(database.ptr())->database,
                                                        channels.cast<std::vector<std::string>>());
             }),
             py::arg("database"))
        .def("wait", &BoundListener::wait, py::arg("timeout_s") = py::none(),
             "The next message; None after the timeout or an interruption.")
        .def("interrupt", &BoundListener::interrupt,
             "Makes the wait that runs, or the next one, return None.")
        .def("close", &BoundListener::close, "Stops listening.")
        .def("__enter__", [](const py::object& self) { return self; })
        .def("__exit__", [](BoundListener& self, const py::args&) { self.close(); })
        .def("__iter__", [](const py::object& self) { return self; })
        .def(
            "__next__",
            [](BoundListener& self) {
                if (auto message = self.wait(std::nullopt)) return *std::move(message);
                throw py::stop_iteration();
            },
            "The next message; ends when it is interrupted.");
}

PyObject* session_notify(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&]() -> PyObject* {
        const Arguments arguments("notify", {"channel", "payload"}, 1, given, count, names);
        const std::string_view channel = text_of(arguments[0]);
        const std::string_view payload = arguments[1] == nullptr ? "" : text_of(arguments[1]);
        with_session(self, [&](const data::Session& on) { data::notify(on, channel, payload); });
        Py_RETURN_NONE;
    });
}

PyObject* session_query_all(PyObject* self, PyObject* given) {
    return guarded([&] {
        const py::list held(py::reinterpret_borrow<py::object>(given));  // Keeps the texts.
        std::vector<std::vector<core::Value>> values;
        std::vector<data::Statement> statements;
        values.reserve(held.size());
        for (const py::handle each : held) {
            const bool is_text = PyUnicode_Check(each.ptr());
            if (!is_text && (PyTuple_Check(each.ptr()) == 0 || PyTuple_GET_SIZE(each.ptr()) != 2))
                throw_type_error("a statement is a text, or a text and its values");
            values.push_back(is_text ? std::vector<core::Value>{}
                                     : values_of(PyTuple_GET_ITEM(each.ptr(), 1)));
            statements.push_back(
                {text_of(is_text ? each.ptr() : PyTuple_GET_ITEM(each.ptr(), 0)), values.back()});
        }
        py::list results;
        for (data::RowSet& rows :
             with_session(self, [&](const data::Session& on) { return on.query_all(statements); })) {
            auto shape = shape_of(nullptr, rows.columns());
            results.append(owned(make_rows(std::move(rows), std::move(shape))));
        }
        return results.release().ptr();
    });
}

}  // namespace consilia::bindings
