#include "consilia/inference/dispatcher.hpp"

#include <mutex>
#include <thread>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/log.hpp"
#include "inference/dispatcher_core.hpp"

namespace consilia::inference {
namespace {

using std::chrono::microseconds;

void require(bool holds, std::string_view option, const std::string& wanted) {
    if (holds) return;
    throw core::InvalidArgument("dispatcher.options", "`" + std::string(option) + "` must be " + wanted,
                                {{"option", std::string(option)}});
}

DispatcherOptions checked(DispatcherOptions options) {
    require(!options.name.empty() && options.name.size() <= 64, "name", "1 to 64 bytes");
    require(options.queue_max >= 1 && options.queue_max <= 65536, "queue_max", "1 to 65536");
    require(options.queue_bytes_max >= 1, "queue_bytes_max", "above 0");
    require(options.batch_max >= 1 && options.batch_max <= 256, "batch_max", "1 to 256");
    require(options.batch_wait >= microseconds(0) && options.batch_wait <= std::chrono::seconds(10),
            "batch_wait", "0 to 10 s");
    const auto is_positive = [](microseconds time) {
        return time.count() > 0 && time <= std::chrono::hours(24);
    };
    require(is_positive(options.age_after), "age_after", "above 0 and at most a day");
    require(is_positive(options.patience), "patience", "above 0 and at most a day");
    require(options.trace_max <= 1U << 20, "trace_max", "at most 1048576");
    return options;
}

BatchRunner checked(BatchRunner runner) {
    require(runner.run != nullptr, "run", "a function");
    return runner;
}

[[noreturn]] void throw_waiting() {
    throw core::InvalidArgument("dispatcher.waiting",
                                "nobody would run a request while this thread waits for it");
}

}  // namespace

std::string_view to_string(Priority priority) noexcept {
    switch (priority) {
        case Priority::High:
            return "high";
        case Priority::Normal:
            return "normal";
        case Priority::Low:
            return "low";
    }
    return "unknown";
}

Priority parse_priority(std::string_view text) {
    for (const Priority priority : {Priority::High, Priority::Normal, Priority::Low}) {
        if (text == to_string(priority)) return priority;
    }
    throw core::InvalidArgument("request.priority", "a priority is `high`, `normal` or `low`",
                                {{"found", std::string(text.substr(0, 40))}});
}

bool Ticket::cancel() const {
    const auto core = request_ ? request_->owner.lock() : nullptr;
    return core && core->cancel(*request_);
}

RequestStage Ticket::stage() const noexcept {
    return request_ ? request_->stage.load() : RequestStage::Done;
}

struct Dispatcher::State {
    const std::shared_ptr<DispatcherCore> core;
    std::mutex join_mutex;
    std::thread thread;

    State(BatchRunner runner, DispatcherOptions options)
        : core(std::make_shared<DispatcherCore>(std::move(runner), std::move(options))) {
        if (core->options.is_caller_driven) return;
        thread = std::thread([shared = core] { shared->loop(); });
    }

    void stop(StopMode mode) {
        core->begin_stop(mode);
        if (core->is_own_thread()) return;
        const std::lock_guard lock(join_mutex);
        if (thread.joinable()) {
            thread.join();
        } else if (core->options.is_caller_driven) {
            while (core->drive()) continue;
        }
    }
};

Dispatcher::Dispatcher(BatchRunner runner, DispatcherOptions options)
    : state_(std::make_unique<State>(checked(std::move(runner)), checked(std::move(options)))) {}

Dispatcher::~Dispatcher() {
    if (state_->core->is_forked()) {
        // SAFETY: the thread does not exist here, and whatever lock it held is never given back.
        static_cast<void>(state_.release());
        return;
    }
    try {
        state_->stop(StopMode::Cancel);
    } catch (const std::exception& error) {
        core::log(core::LogLevel::Error, "inference.dispatcher", "stopping failed",
                  {{"error", std::string(error.what())}});
    }
    if (state_->thread.joinable()) state_->thread.detach();  // Destroyed by a callback: it ends by itself.
}

Diagnosis Dispatcher::infer(Request request) {
    check_may_wait();
    return submit(std::move(request)).get();
}

void Dispatcher::check_may_wait() const {
    state_->core->check_process();
    if (state_->core->options.is_caller_driven || state_->core->is_own_thread()) throw_waiting();
}

std::future<Diagnosis> Dispatcher::submit(Request request) {
    const auto promise = std::make_shared<std::promise<Diagnosis>>();
    auto future = promise->get_future();
    const auto keep = [promise](BatchOutcome outcome) {
        if (outcome.error) {
            promise->set_exception(outcome.error);
        } else {
            promise->set_value(std::move(outcome.diagnosis));
        }
    };
    state_->core->admit(std::move(request), keep, true);
    return future;
}

Ticket Dispatcher::submit(Request request, Callback callback) {
    if (!callback) throw core::InvalidArgument("request.callback", "the callback is empty");
    return Ticket(state_->core->admit(std::move(request), std::move(callback), false));
}

void Dispatcher::require_room(Priority priority, std::optional<microseconds> deadline) const {
    state_->core->require_room(priority, deadline);
}

void Dispatcher::warm_up() {
    state_->core->warm_up();
}

void Dispatcher::stop(StopMode mode) {
    state_->core->check_process();
    state_->stop(mode);
}

std::optional<microseconds> Dispatcher::run_pending() {
    if (!state_->core->options.is_caller_driven) {
        throw core::InvalidArgument("dispatcher.driven", "this dispatcher has a thread of its own");
    }
    state_->core->check_process();
    const std::shared_ptr<DispatcherCore> core = state_->core;  // A callback may destroy the dispatcher.
    if (core->is_own_thread()) throw_waiting();
    return core->drive();
}

DispatcherCounts Dispatcher::counts() const {
    return state_->core->counts();
}
std::string Dispatcher::metrics() const {
    return state_->core->metrics();
}
std::string Dispatcher::trace() const {
    return state_->core->trace();
}
const DispatcherOptions& Dispatcher::options() const noexcept {
    return state_->core->options;
}

}  // namespace consilia::inference
