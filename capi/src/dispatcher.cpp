#include "consilia/c/dispatcher.h"

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "consilia/core/clock.hpp"
#include "consilia/inference/dispatcher.hpp"
#include "inference.hpp"

namespace core = consilia::core;
namespace inference = consilia::inference;
using consilia::capi::borrow;
using consilia::capi::bytes_of;
using consilia::capi::cleared;
using consilia::capi::cleared_sized;
using consilia::capi::copy_options;
using consilia::capi::enumerator;
using consilia::capi::fill_sized;
using consilia::capi::guard;
using consilia::capi::report;
using consilia::capi::require;
using consilia::capi::to_buffer;
using consilia::capi::view;
using inference::BatchOutcome;
using inference::Diagnosis;
using inference::Dispatcher;

static_assert(offsetof(consilia_dispatcher_options_t, batch_wait_ms) == 48);
static_assert(offsetof(consilia_dispatcher_options_t, is_caller_driven) == 80);
static_assert(offsetof(consilia_request_options_t, deadline_ms) == 24 &&
              offsetof(consilia_request_options_t, user_data) == 48);
static_assert(offsetof(consilia_request_counts_t, running) == 112);
static_assert(static_cast<int>(inference::RequestStage::Running) == CONSILIA_REQUEST_RUNNING);
static_assert(static_cast<int>(inference::StopMode::Cancel) == CONSILIA_STOP_CANCEL);

struct consilia_dispatcher {
    std::shared_ptr<inference::Engine> engine;
    std::shared_ptr<Dispatcher> dispatcher;  ///< Shared for a wait that has to ask it, no longer.
};

struct consilia_request {
    std::weak_ptr<Dispatcher> dispatcher;
    std::shared_future<Diagnosis> answer;
    inference::Ticket ticket{};

    [[nodiscard]] bool is_answered() const {
        return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    }
};

namespace {

Dispatcher& dispatcher_of(const consilia_dispatcher_t* dispatcher) {
    return *require(dispatcher, "dispatcher").dispatcher;
}

inference::DispatcherOptions dispatcher_options(const consilia_dispatcher_options_t& given) {
    inference::DispatcherOptions options;
    if (given.name.size != 0) options.name = view(given.name);
    if (given.queue_max != 0) options.queue_max = given.queue_max;
    if (given.queue_bytes_max != 0) options.queue_bytes_max = given.queue_bytes_max;
    if (given.batch_max != 0) options.batch_max = given.batch_max;
    if (given.batch_wait_ms != 0) {
        options.batch_wait = core::from_ms(given.batch_wait_ms < 0 ? 0 : given.batch_wait_ms);
    }
    if (given.age_after_ms != 0) options.age_after = core::from_ms(given.age_after_ms);
    if (given.patience_ms != 0) options.patience = core::from_ms(given.patience_ms);
    if (given.trace_max != 0) {
        options.trace_max = given.trace_max < 0 ? 0 : static_cast<std::size_t>(given.trace_max);
    }
    options.is_caller_driven = given.is_caller_driven != 0;
    return options;
}

/// `prepare` is called before the request is admitted, and not kept.
inference::Request request_of(const consilia_request_options_t& given,
                              std::function<inference::Inputs()> prepare) {
    inference::Request request;
    request.prepare = std::move(prepare);
    if (given.priority.size != 0) request.priority = inference::parse_priority(view(given.priority));
    if (given.deadline_ms != 0) request.deadline = core::from_ms(given.deadline_ms);
    if (given.progress != nullptr) {
        std::stop_source stop;
        request.stop = stop.get_token();
        request.progress = [progress = given.progress, user_data = given.user_data,
                            stop](const inference::BatchProgress& at) mutable {
            if (report(progress, user_data, at)) stop.request_stop();
        };
    }
    return request;
}

void tell(consilia_answer_fn answer, void* user_data, const BatchOutcome& outcome) {
    std::string json;
    consilia_error_t* error = nullptr;
    const consilia_status_t status = guard(&error, [&] {
        if (outcome.error) std::rethrow_exception(outcome.error);
        json = outcome.diagnosis.to_json();
    });
    answer(status == CONSILIA_OK ? borrow(json) : consilia_str_t{}, error, user_data);
    consilia_error_free(error);
}

/// The callback comes first: who has waited for the answer may take away what it uses.
Dispatcher::Callback answer_to(const consilia_request_options_t& given,
                               std::shared_ptr<std::promise<Diagnosis>> promise) {
    return [answer = given.answer, user_data = given.user_data,
            kept = std::move(promise)](BatchOutcome outcome) {
        if (answer != nullptr) tell(answer, user_data, outcome);
        if (outcome.error) {
            kept->set_exception(outcome.error);
        } else {
            kept->set_value(std::move(outcome.diagnosis));
        }
    };
}

using Prepare = std::function<inference::Inputs(const inference::Engine&)>;

Prepare prepare_file(consilia_str_t path) {
    return [path](const inference::Engine& engine) {
        const std::filesystem::path file = view(path);
        return engine.prepare(file, core::sha256_file(file));
    };
}

Prepare prepare_bytes(const void* data, std::size_t size) {
    return [data, size](const inference::Engine& engine) { return engine.prepare(bytes_of(data, size)); };
}

void submit(consilia_dispatcher_t* dispatcher, const Prepare& prepare,
            const consilia_request_options_t* options, consilia_request_t** out_request) {
    if (out_request != nullptr) *out_request = nullptr;
    const consilia_dispatcher_t& to = require(dispatcher, "dispatcher");
    const consilia_request_options_t known = copy_options(options);
    if (out_request == nullptr && known.answer == nullptr) {
        throw core::InvalidArgument("request.callback",
                                    "neither `answer` nor `out_request` takes the answer");
    }
    const auto promise = std::make_shared<std::promise<Diagnosis>>();
    auto made = std::make_unique<consilia_request_t>(
        consilia_request_t{to.dispatcher, promise->get_future().share()});
    made->ticket = to.dispatcher->submit(request_of(known, [&] { return prepare(*to.engine); }),
                                         answer_to(known, promise));
    if (out_request != nullptr) *out_request = made.release();
}

void infer(consilia_dispatcher_t* dispatcher, const Prepare& prepare,
           const consilia_request_options_t* options, consilia_buffer_t* out_json) {
    consilia_buffer_t& out = cleared(out_json, "out_json");
    const consilia_dispatcher_t& by = require(dispatcher, "dispatcher");
    const consilia_request_options_t known = copy_options(options);
    if (known.answer != nullptr) {
        throw core::InvalidArgument("request.callback", "`answer` is for requests that are submitted");
    }
    out = to_buffer(by.dispatcher->infer(request_of(known, [&] { return prepare(*by.engine); })).to_json());
}

void wait(const consilia_request_t& request, double timeout_ms) {
    if (const auto dispatcher = request.dispatcher.lock()) dispatcher->check_may_wait();
    if (timeout_ms < 0) return request.answer.wait();
    const std::chrono::microseconds timeout = core::from_ms(timeout_ms);
    if (timeout.count() < 0) {
        throw core::InvalidArgument("request.timeout", "`timeout_ms` is no time that can be waited");
    }
    request.answer.wait_for(timeout);
}

}  // namespace

extern "C" {

consilia_status_t consilia_dispatcher_open(consilia_engine_t* engine,
                                           const consilia_dispatcher_options_t* options,
                                           consilia_dispatcher_t** out_dispatcher,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_dispatcher_t*& out = cleared(out_dispatcher, "out_dispatcher");
        const auto& shared = require(engine, "engine").engine;
        const inference::DispatcherOptions known = dispatcher_options(copy_options(options));
        out = new consilia_dispatcher_t{
            shared, std::make_shared<Dispatcher>(inference::engine_runner(shared), known)};
    });
}

void consilia_dispatcher_free(consilia_dispatcher_t* dispatcher) {
    delete dispatcher;
}

consilia_status_t consilia_dispatcher_submit_file(consilia_dispatcher_t* dispatcher, consilia_str_t path,
                                                  const consilia_request_options_t* options,
                                                  consilia_request_t** out_request,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] { submit(dispatcher, prepare_file(path), options, out_request); });
}

consilia_status_t consilia_dispatcher_submit_bytes(consilia_dispatcher_t* dispatcher, const void* data,
                                                   size_t size, const consilia_request_options_t* options,
                                                   consilia_request_t** out_request,
                                                   consilia_error_t** out_error) {
    return guard(out_error, [&] { submit(dispatcher, prepare_bytes(data, size), options, out_request); });
}

consilia_status_t consilia_dispatcher_infer_file(consilia_dispatcher_t* dispatcher, consilia_str_t path,
                                                 const consilia_request_options_t* options,
                                                 consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] { infer(dispatcher, prepare_file(path), options, out_json); });
}

consilia_status_t consilia_dispatcher_infer_bytes(consilia_dispatcher_t* dispatcher, const void* data,
                                                  size_t size, const consilia_request_options_t* options,
                                                  consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] { infer(dispatcher, prepare_bytes(data, size), options, out_json); });
}

consilia_status_t consilia_request_wait(const consilia_request_t* request, double timeout_ms,
                                        int32_t* out_is_done, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int32_t& out = cleared(out_is_done, "out_is_done");
        const consilia_request_t& asked = require(request, "request");
        if (timeout_ms != 0 && !asked.is_answered()) wait(asked, timeout_ms);
        out = asked.is_answered() ? 1 : 0;
    });
}

consilia_status_t consilia_request_result(const consilia_request_t* request, consilia_buffer_t* out_json,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        const consilia_request_t& asked = require(request, "request");
        if (!asked.is_answered()) throw core::Conflict("request.pending", "the request has no answer yet");
        out = to_buffer(asked.answer.get().to_json());
    });
}

consilia_status_t consilia_request_cancel(const consilia_request_t* request, int32_t* out_is_cancelled,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        if (out_is_cancelled != nullptr) *out_is_cancelled = 0;
        const bool is_cancelled = require(request, "request").ticket.cancel();
        if (out_is_cancelled != nullptr) *out_is_cancelled = is_cancelled ? 1 : 0;
    });
}

int32_t consilia_request_stage(const consilia_request_t* request) {
    if (request == nullptr || request->is_answered()) return CONSILIA_REQUEST_DONE;
    return request->ticket.stage() == inference::RequestStage::Queued ? CONSILIA_REQUEST_QUEUED
                                                                      : CONSILIA_REQUEST_RUNNING;
}

void consilia_request_free(consilia_request_t* request) {
    delete request;
}

consilia_status_t consilia_dispatcher_warm_up(consilia_dispatcher_t* dispatcher,
                                              consilia_error_t** out_error) {
    return guard(out_error, [&] { dispatcher_of(dispatcher).warm_up(); });
}

consilia_status_t consilia_dispatcher_stop(consilia_dispatcher_t* dispatcher, int32_t mode,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        dispatcher_of(dispatcher).stop(enumerator(mode, inference::StopMode::Cancel, "mode"));
    });
}

consilia_status_t consilia_dispatcher_run_pending(consilia_dispatcher_t* dispatcher, double* out_due_ms,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        double& out = cleared(out_due_ms, "out_due_ms");
        const auto due = dispatcher_of(dispatcher).run_pending();
        out = due ? std::chrono::duration<double, std::milli>(*due).count() : -1;
    });
}

consilia_status_t consilia_dispatcher_counts(const consilia_dispatcher_t* dispatcher,
                                             consilia_request_counts_t* out_counts,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_request_counts_t& out = cleared_sized(out_counts, "out_counts");
        const inference::DispatcherCounts found = dispatcher_of(dispatcher).counts();
        fill_sized(out, {.struct_size = 0,
                         .submitted = found.submitted,
                         .admitted = found.admitted,
                         .refused_overloaded = found.refused_overloaded,
                         .refused_deadline = found.refused_deadline,
                         .refused_stopped = found.refused_stopped,
                         .completed = found.completed,
                         .completed_late = found.completed_late,
                         .failed = found.failed,
                         .cancelled = found.cancelled,
                         .timed_out = found.timed_out,
                         .batches = found.batches,
                         .queued = found.queued,
                         .queued_bytes = found.queued_bytes,
                         .running = found.running});
    });
}

consilia_status_t consilia_dispatcher_metrics(const consilia_dispatcher_t* dispatcher,
                                              consilia_buffer_t* out_text, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_text, "out_text");
        out = to_buffer(dispatcher_of(dispatcher).metrics());
    });
}

consilia_status_t consilia_dispatcher_trace(const consilia_dispatcher_t* dispatcher,
                                            consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(dispatcher_of(dispatcher).trace());
    });
}

}  // extern "C"
