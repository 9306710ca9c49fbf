#include "inference/dispatcher_core.hpp"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "consilia/core/log.hpp"

namespace consilia::inference {
namespace {

constexpr std::string_view kLogger = "inference.dispatcher";

std::string_view to_string(Ending ending) noexcept {
    switch (ending) {
        case Ending::Completed:
            return "completed";
        case Ending::Failed:
            return "failed";
        case Ending::Cancelled:
            return "cancelled";
        case Ending::TimedOut:
            break;
    }
    return "timed_out";
}

}  // namespace

void PendingRequest::CancelOnStop::operator()() const noexcept {
    try {
        const RequestPointer pending = request.lock();
        const auto core = pending ? pending->owner.lock() : nullptr;
        if (core) core->cancel(*pending);
    } catch (...) {
        // In a forked child, or out of memory: nothing is left to cancel with.
        core::log(core::LogLevel::Warning, kLogger, "a request could not be cancelled");
    }
}

DispatcherCore::DispatcherCore(BatchRunner runner, DispatcherOptions given)
    : options(std::move(given)),
      runner_(std::move(runner)),
      pid_(::getpid()),
      watch_(options.clock),
      queue_(options.age_after, options.patience),
      times_(options.batch_max),
      trace_(options.trace_max) {
    predict();
}

bool DispatcherCore::is_forked() const noexcept {
    return ::getpid() != pid_;
}

void DispatcherCore::check_process() const {
    if (!is_forked()) return;
    throw core::Unavailable("engine.forked",
                            "this dispatcher was opened before a fork: open another one in this process");
}

void DispatcherCore::predict() {
    if (!runner_.predict_ms) return;
    std::vector<double> predictions(options.batch_max + 1);
    for (std::size_t size = 1; size < predictions.size(); ++size)
        predictions[size] = runner_.predict_ms(size);
    const Lock lock(mutex_);
    for (std::size_t size = 1; size < predictions.size(); ++size) times_.predict(size, predictions[size]);
}

/// A plan changes as runs tell more of its members: asked for again ever more seldom.
void DispatcherCore::predict_contained() noexcept {
    try {
        predict();
    } catch (const std::exception& error) {
        core::log(core::LogLevel::Warning, kLogger, "a prediction failed",
                  {{"error", std::string(error.what())}});
    }
}

bool DispatcherCore::cancel(PendingRequest& request) {
    check_process();
    Answer answered;
    {
        const Lock lock(mutex_);
        if (request.stage == RequestStage::Done) return false;
        if (request.stage == RequestStage::Running) return !request.is_cancelled.exchange(true);
        answers_.reserve(answers_.size() + 1);
        answered = {queue_.remove(request), {.error = request_cancelled_error()}};
        end(lock, request, Ending::Cancelled, now_us());
        if (!request.is_future) answers_.push_back(std::exchange(answered, {}));
        ++changes_;
    }
    changed_.notify_one();
    if (answered.request) answer(answered);
    return true;
}

void DispatcherCore::begin_stop(StopMode mode) {
    {
        const Lock lock(mutex_);
        is_stopping_ = true;
        ++changes_;
        if (mode == StopMode::Cancel) {
            is_stopped_now_ = true;
            answers_.reserve(answers_.size() + queue_.size());
            while (queue_.size() > 0) {
                answers_.push_back({queue_.pop(), {.error = dispatcher_stopped_error()}});
                end(lock, *answers_.back().request, Ending::Cancelled, now_us());
            }
        }
    }
    changed_.notify_one();
}

void DispatcherCore::warm_up() {
    check_process();
    if (!runner_.example) {
        throw core::InvalidArgument("dispatcher.example", "the runner has no example to warm up with");
    }
    const Inputs example = runner_.example();
    for (const std::size_t size : {std::size_t{1}, options.batch_max}) {
        const std::vector<Inputs> batch(size, example);
        for (const bool is_measured : {false, true}) {
            const std::int64_t begin_us = now_us();
            for (const BatchOutcome& outcome : runner_.run(batch, {})) {
                if (outcome.error) std::rethrow_exception(outcome.error);
            }
            const Lock lock(mutex_);
            if (is_measured) times_.record(size, to_seconds(now_us() - begin_us) * 1e3);
        }
        if (options.batch_max == 1) break;
    }
    predict();
    const Lock lock(mutex_);
    is_warm_ = true;
}

void DispatcherCore::loop() noexcept {
    thread_id_ = std::this_thread::get_id();
    while (true) {
        std::optional<std::chrono::microseconds> wait = std::chrono::milliseconds(100);
        std::uint64_t seen = 0;
        try {
            {
                const Lock lock(mutex_);
                seen = changes_;
            }
            wait = step();
        } catch (const std::exception& error) {
            core::log(core::LogLevel::Error, kLogger, "a step failed",
                      {{"error", std::string(error.what())}});
            // Out of memory around a batch: what it held is gone, and a future says so by a broken promise.
            const Lock lock(mutex_);
            counts_.running = running_ = 0;
        }
        if (is_forked()) return;  // A callback forked, and this is the child.
        Lock lock(mutex_);
        if (is_stopping_ && queue_.size() == 0 && answers_.empty()) return;
        const auto is_changed = [&] { return changes_ != seen; };
        if (!wait) {
            changed_.wait(lock, is_changed);
        } else if (wait->count() > 0) {
            changed_.wait_for(lock, *wait, is_changed);
        }
    }
}

std::vector<DispatcherCore::Answer> DispatcherCore::take_answers(const Lock&) {
    return std::exchange(answers_, {});
}

std::optional<std::chrono::microseconds> DispatcherCore::step() {
    std::vector<RequestPointer> batch;
    std::vector<Answer> answers;
    {
        const Lock lock(mutex_);
        const std::int64_t at_us = now_us();
        queue_.promote(at_us);
        drop_late(lock, at_us);
        if (launch_us(lock) <= at_us) batch = take_batch(lock, at_us);
        counts_.running = batch.size();
        answers = take_answers(lock);
    }
    deliver(answers);
    if (!batch.empty()) run(batch);
    const Lock lock(mutex_);
    if (!answers_.empty()) return std::chrono::microseconds(0);
    const std::int64_t launch = launch_us(lock);
    if (launch == kNever) return std::nullopt;
    return std::chrono::microseconds(std::max<std::int64_t>(0, launch - now_us()));
}

std::optional<std::chrono::microseconds> DispatcherCore::drive() {
    struct Mark {
        std::atomic<std::thread::id>& id;
        explicit Mark(std::atomic<std::thread::id>& marked) : id(marked) { id = std::this_thread::get_id(); }
        ~Mark() { id = std::thread::id(); }
        Mark(const Mark&) = delete;
        Mark& operator=(const Mark&) = delete;
    };
    const Mark mark(thread_id_);
    return step();
}

void DispatcherCore::end(const Lock&, PendingRequest& request, Ending ending, std::int64_t at_us) {
    const bool has_run = request.stage == RequestStage::Running;
    const std::int64_t left_us = has_run ? request.started_us : at_us;
    metrics_.queue_seconds.observe(to_seconds(left_us - request.submitted_us));
    if (ending == Ending::Completed)
        metrics_.latency_seconds.observe(to_seconds(at_us - request.submitted_us));
    const std::string outcome(to_string(ending));
    trace_.add({.kind = TraceSpan::Kind::Queued,
                .priority = request.priority,
                .begin_us = request.submitted_us,
                .duration_us = left_us - request.submitted_us,
                .id = request.id,
                .label = has_run ? "" : outcome});
    if (has_run) {
        trace_.add({.kind = TraceSpan::Kind::Running,
                    .priority = request.priority,
                    .begin_us = left_us,
                    .duration_us = at_us - left_us,
                    .id = request.id,
                    .label = outcome});
    }
    const std::array<std::uint64_t*, 4> totals{&counts_.completed, &counts_.failed, &counts_.cancelled,
                                               &counts_.timed_out};
    ++*totals[static_cast<std::size_t>(ending)];
    request.stage = RequestStage::Done;
    queue_length_.store(queue_.size(), std::memory_order_relaxed);
}

void DispatcherCore::note_callback_error() noexcept {
    callback_errors_.fetch_add(1, std::memory_order_relaxed);
    core::log(core::LogLevel::Warning, kLogger, "a callback failed", {{"dispatcher", options.name}});
}

void DispatcherCore::answer(Answer& answer) noexcept {
    contain([&] { answer.request->callback(std::move(answer.outcome)); });
    // What the callback holds goes with the answer, however long a ticket is kept.
    contain([&] {
        answer.request->callback = nullptr;
        answer.request->progress = nullptr;
        answer.request->inputs = {};
    });
}

void DispatcherCore::deliver(std::vector<Answer>& answers) noexcept {
    for (Answer& one : answers) answer(one);
}

DispatcherCounts DispatcherCore::counts() const {
    check_process();
    const Lock lock(mutex_);
    DispatcherCounts counts = counts_;
    counts.refused_overloaded = refused_[static_cast<std::size_t>(Refusal::Reason::Overloaded)];
    counts.refused_deadline = refused_[static_cast<std::size_t>(Refusal::Reason::Deadline)];
    counts.refused_stopped = refused_[static_cast<std::size_t>(Refusal::Reason::Stopped)];
    counts.submitted =
        counts.admitted + counts.refused_overloaded + counts.refused_deadline + counts.refused_stopped;
    counts.callback_errors = callback_errors_;
    counts.queued = queue_.size();
    counts.queued_bytes = queue_.size_bytes();
    return counts;
}

std::string DispatcherCore::metrics() const {
    const DispatcherCounts counts_now = counts();
    Lock lock(mutex_);
    const QueueLengths queued{queue_.size(0), queue_.size(1), queue_.size(2)};
    const DispatcherMetrics metrics = metrics_;
    lock.unlock();
    return prometheus_text(options.name, counts_now, queued, metrics);
}

std::string DispatcherCore::trace() const {
    check_process();
    Lock lock(mutex_);
    std::vector<TraceSpan> spans = trace_.spans();
    lock.unlock();
    return chrome_trace_json(options.name, std::move(spans));
}

}  // namespace consilia::inference
