// When a batch starts, and who is in it.
#include <algorithm>
#include <cmath>

#include "inference/dispatcher_core.hpp"

namespace consilia::inference {
namespace {

std::exception_ptr late_error() {
    return std::make_exception_ptr(core::TimedOut(
        "request.deadline", "the deadline passed, or could not be met any more, before it ran"));
}

}  // namespace

std::int64_t DispatcherCore::duration_us(std::size_t batch_size) const {
    const double ms = times_.expected_ms(batch_size);
    return std::llround((ms + times_.margin_ms(ms, ms * ms)) * 1e3);
}

std::int64_t DispatcherCore::launch_us(const Lock&) const {
    const std::size_t count = queue_.size();
    if (count == 0) return kNever;
    if (is_stopping_ || count >= options.batch_max) return 0;
    std::int64_t oldest_us = kNever;
    std::int64_t deadline_us = kNever;
    queue_.visit_first(count, [&](const PendingRequest& request) {
        oldest_us = std::min(oldest_us, request.submitted_us);
        deadline_us = std::min(deadline_us, request.deadline_us);
    });
    const std::int64_t waited_us = oldest_us + options.batch_wait.count();
    return deadline_us == kNever ? waited_us : std::min(waited_us, deadline_us - duration_us(count));
}

/// Without a backlog: the largest batch, of the first in the order, that is in time for every deadline in it.
std::size_t DispatcherCore::fitting_size(std::int64_t at_us) const {
    std::vector<std::int64_t> earliest_us;
    earliest_us.reserve(options.batch_max);
    queue_.visit_first(queue_.size(), [&](const PendingRequest& request) {
        const std::int64_t own_us = request.is_probe ? kNever : request.deadline_us;
        earliest_us.push_back(earliest_us.empty() ? own_us : std::min(own_us, earliest_us.back()));
    });
    std::size_t size = earliest_us.size();
    while (size > 1 && earliest_us[size - 1] != kNever && at_us + duration_us(size) > earliest_us[size - 1])
        --size;
    return size;
}

/// Work is not spent on what cannot be in time, not even alone; with a backlog, not in a full batch: smaller
/// batches would then cost more requests than they save.
void DispatcherCore::drop_late(const Lock& lock, std::int64_t at_us) {
    const auto expected_us = [this](std::size_t size) {
        return std::llround(times_.expected_ms(size) * 1e3);
    };
    std::vector<RequestPointer> late;
    queue_.take_before(at_us + expected_us(1), late);
    while (queue_.size() > options.batch_max) {
        const std::int64_t limit_us = at_us + expected_us(options.batch_max);
        const std::size_t before = late.size();
        std::vector<const PendingRequest*> first;
        queue_.visit_first(options.batch_max, [&](const PendingRequest& request) {
            if (request.deadline_us < limit_us && !request.is_probe) first.push_back(&request);
        });
        for (const PendingRequest* request : first) late.push_back(queue_.remove(*request));
        if (late.size() == before) break;
    }
    answers_.reserve(answers_.size() + late.size());
    for (RequestPointer& request : late) {
        end(lock, *request, Ending::TimedOut, at_us);
        answers_.push_back({std::move(request), {.error = late_error()}});
    }
}

std::vector<RequestPointer> DispatcherCore::take_batch(const Lock&, std::int64_t at_us) {
    rates_.update(at_us, arrivals_.load(std::memory_order_relaxed));
    const std::size_t size = queue_.size() > options.batch_max ? options.batch_max : fitting_size(at_us);
    std::vector<RequestPointer> batch;
    batch.reserve(size);
    while (batch.size() < size) {
        batch.push_back(queue_.pop());
        batch.back()->started_us = at_us;
        batch.back()->stage = RequestStage::Running;
    }
    running_ = size;
    running_since_us_ = at_us;
    batch_end_us_.store(at_us + duration_us(size), std::memory_order_relaxed);
    queue_length_.store(queue_.size(), std::memory_order_relaxed);
    return batch;
}

}  // namespace consilia::inference
