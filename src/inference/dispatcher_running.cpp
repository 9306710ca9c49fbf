// One batch, from its inputs to its answers.
#include <algorithm>
#include <bit>
#include <utility>

#include "inference/dispatcher_core.hpp"

namespace consilia::inference {
namespace {

std::exception_ptr passed_error() {
    return std::make_exception_ptr(core::TimedOut("request.deadline", "the deadline passed while it ran"));
}

}  // namespace

std::exception_ptr request_cancelled_error() {
    return std::make_exception_ptr(core::Cancelled("request.cancelled", "the request was cancelled"));
}
std::exception_ptr dispatcher_stopped_error() {
    return std::make_exception_ptr(core::Cancelled("dispatcher.stopped", "the dispatcher was stopped"));
}

bool DispatcherCore::is_unwanted(PendingRequest& request) const {
    if (!is_stopped_now_ && !request.is_cancelled && now_us() <= request.deadline_us) return false;
    request.is_dropped = true;
    return true;
}

std::vector<BatchOutcome> DispatcherCore::run_contained(const std::vector<RequestPointer>& batch) {
    std::exception_ptr error;
    try {
        std::vector<Inputs> inputs;
        inputs.reserve(batch.size());
        for (const RequestPointer& request : batch) inputs.push_back(std::move(request->inputs));
        const BatchOptions between{
            .is_cancelled = [&](std::size_t item) { return is_unwanted(*batch[item]); },
            .progress = [&](const BatchProgress& progress) { between_members(batch, progress); }};
        auto outcomes = runner_.run(inputs, between);
        if (outcomes.size() == batch.size()) return outcomes;
        throw core::Internal("dispatcher.runner", "a batch of " + std::to_string(batch.size()) + " has " +
                                                      std::to_string(outcomes.size()) + " outcomes");
    } catch (...) {
        error = std::current_exception();
    }
    std::vector<BatchOutcome> outcomes(batch.size());
    for (BatchOutcome& outcome : outcomes) outcome.error = error;
    return outcomes;
}

void DispatcherCore::between_members(const std::vector<RequestPointer>& batch,
                                     const BatchProgress& progress) {
    for (const RequestPointer& request : batch) {
        if (request->progress && !request->is_dropped) contain([&] { request->progress(progress); });
    }
    std::vector<Answer> answers;
    {
        const Lock lock(mutex_);
        drop_late(lock, now_us());
        answers = take_answers(lock);
    }
    deliver(answers);
}

Ending DispatcherCore::settle(PendingRequest& request, BatchOutcome& outcome, std::int64_t end_us) {
    if (request.is_cancelled) {
        outcome = {.error = request_cancelled_error()};
        return Ending::Cancelled;
    }
    if (!outcome.error) {
        if (end_us > request.deadline_us) ++counts_.completed_late;
        return Ending::Completed;
    }
    if (!request.is_dropped) return Ending::Failed;
    outcome.error = is_stopped_now_ ? dispatcher_stopped_error() : passed_error();
    return is_stopped_now_ ? Ending::Cancelled : Ending::TimedOut;
}

void DispatcherCore::record(const Lock&, const std::vector<RequestPointer>& batch,
                            const std::vector<BatchOutcome>& outcomes, std::int64_t begin_us,
                            std::int64_t end_us) {
    const auto told = std::find_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return !o.error; });
    const Diagnosis* diagnosis = told == outcomes.end() ? nullptr : &told->diagnosis;
    if (diagnosis != nullptr) metrics_.add_members(*diagnosis);
    metrics_.batch_seconds.observe(to_seconds(end_us - begin_us));
    metrics_.batch_size.observe(static_cast<double>(batch.size()));
    trace_.add_batch(++counts_.batches, batch.size(), begin_us, end_us, diagnosis);
}

void DispatcherCore::run(const std::vector<RequestPointer>& batch) {
    const std::int64_t begin_us = batch.front()->started_us;
    std::vector<BatchOutcome> outcomes = run_contained(batch);
    std::vector<Answer> answers;
    answers.reserve(batch.size());
    bool is_time_to_predict = false;
    {
        const Lock lock(mutex_);
        const std::int64_t end_us = now_us();
        record(lock, batch, outcomes, begin_us, end_us);
        is_time_to_predict = std::has_single_bit(counts_.batches);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            end(lock, *batch[i], settle(*batch[i], outcomes[i], end_us), end_us);
            answers.push_back({batch[i], std::move(outcomes[i])});
        }
        counts_.running = 0;
    }
    deliver(answers);
    if (is_time_to_predict) predict_contained();
    const Lock lock(mutex_);
    // With the answers: they keep the next batch waiting too. The first batch brings the members in, and one
    // that nobody wanted any more was not run to its end: neither tells how long a batch takes.
    const bool is_whole =
        std::any_of(batch.begin(), batch.end(), [](const auto& r) { return !r->is_dropped; });
    if (is_whole && std::exchange(is_warm_, true)) {
        times_.record(batch.size(), to_seconds(now_us() - begin_us) * 1e3);
    }
    running_ = 0;
}

}  // namespace consilia::inference
