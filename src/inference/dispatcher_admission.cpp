// Which requests may wait, and which are told at once that waiting is in vain.
#include <algorithm>
#include <cmath>

#include "inference/dispatcher_core.hpp"

namespace consilia::inference {
namespace {

constexpr std::chrono::microseconds kDeadlineMax = std::chrono::hours(24);
/// More urgent requests count as at most this share of the time: a wait stays a number.
constexpr double kUrgentShareMax = 0.99;
/// Margin for their number, of Poisson's deviations: 99 of 100 times there are not more.
constexpr double kUrgentDeviations = 2.33;
/// Whoever waits for more batches than this counts on one hiccup. What happens once in 256 batches, which is
/// as far back as hiccups are known, meets fewer than one in a hundred of those that wait for two.
constexpr std::size_t kSteadyBatches = 2;

/// Bytes of the tensors; one that several members share counts once.
std::uint64_t size_of(const Inputs& inputs) {
    std::uint64_t size_bytes = 0;
    for (auto tensor = inputs.tensors.begin(); tensor != inputs.tensors.end(); ++tensor) {
        if (*tensor && std::find(inputs.tensors.begin(), tensor, *tensor) == tensor) {
            size_bytes += (*tensor)->size_bytes();
        }
    }
    return size_bytes;
}

void check_deadline(std::optional<std::chrono::microseconds> deadline) {
    if (!deadline || (deadline->count() > 0 && *deadline <= kDeadlineMax)) return;
    throw core::InvalidArgument("request.deadline", "a deadline must be above 0 and at most a day",
                                {{"found_us", static_cast<std::int64_t>(deadline->count())}});
}

void check_priority(Priority priority) {
    if (static_cast<std::size_t>(priority) < kPriorityLevels) return;
    throw core::InvalidArgument("request.priority", "there is no such priority",
                                {{"found", static_cast<std::int64_t>(priority)}});
}

std::int64_t rounded_up_ms(double ms) {
    return std::max<std::int64_t>(1, std::llround(std::ceil(ms)));
}

}  // namespace

void throw_refusal(const Refusal& refusal) {
    const auto length = static_cast<std::int64_t>(refusal.queue_length);
    switch (refusal.reason) {
        case Refusal::Reason::Overloaded:
            throw core::Unavailable(
                "dispatcher.overloaded", "the queue is full: " + std::to_string(length) + " requests wait",
                {{"retry_after_ms", rounded_up_ms(refusal.retry_ms)}, {"queue_length", length}});
        case Refusal::Reason::Deadline:
            throw core::Unavailable("dispatcher.deadline", "the deadline cannot be met",
                                    {{"retry_after_ms", rounded_up_ms(refusal.retry_ms)},
                                     {"predicted_ms", refusal.predicted_ms},
                                     {"deadline_ms", refusal.deadline_ms},
                                     {"queue_length", length}});
        case Refusal::Reason::Stopped:
            break;
    }
    throw core::Unavailable("dispatcher.stopped", "the dispatcher takes no more requests");
}

void DispatcherCore::check(const Request& request) const {
    check_priority(request.priority);
    check_deadline(request.deadline);
    if (runner_.check) runner_.check(request.inputs);
}

/// Of the deadline at least an instant is left: whether that is enough is for the estimate to say.
void DispatcherCore::prepare(Request& request) {
    const std::int64_t begin_us = now_us();
    require_room(request.priority, request.deadline);
    request.inputs = request.prepare();
    request.prepare = nullptr;
    if (!request.deadline) return;
    const std::chrono::microseconds spent(now_us() - begin_us);
    request.deadline = std::max(std::chrono::microseconds(1), *request.deadline - spent);
}

void DispatcherCore::count_refusal(Refusal::Reason reason) noexcept {
    refused_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
}

void DispatcherCore::refuse(const Refusal& refusal) {
    count_refusal(refusal.reason);
    throw_refusal(refusal);
}

/// Without the lock: under an overload most requests end here. A place is free when the next batch is taken.
std::optional<Refusal> DispatcherCore::refusal_of_full_queue() noexcept {
    const std::size_t length = queue_length_.load(std::memory_order_relaxed);
    if (length < options.queue_max) return std::nullopt;
    const std::int64_t free_us = batch_end_us_.load(std::memory_order_relaxed) - now_us();
    return Refusal{.retry_ms = static_cast<double>(free_us) / 1e3, .queue_length = length};
}

RequestPointer DispatcherCore::admit(Request request, Dispatcher::Callback callback, bool is_future) {
    check_process();
    if (request.prepare) prepare(request);
    check(request);
    arrivals_.fetch_add(1, std::memory_order_relaxed);
    if (const auto full = refusal_of_full_queue()) refuse(*full);

    const auto pending = std::make_shared<PendingRequest>();
    pending->size_bytes = size_of(request.inputs);
    if (pending->size_bytes > options.queue_bytes_max) {
        throw core::InvalidArgument(
            "request.inputs", "the tensors of a request are larger than the queue",
            {{"size_bytes", static_cast<std::int64_t>(pending->size_bytes)},
             {"queue_bytes_max", static_cast<std::int64_t>(options.queue_bytes_max)}});
    }
    pending->inputs = std::move(request.inputs);
    pending->priority = request.priority;
    pending->progress = std::move(request.progress);
    pending->callback = std::move(callback);
    pending->is_future = is_future;
    pending->owner = weak_from_this();

    std::optional<Refusal> refusal;
    {
        const Lock lock(mutex_);
        const std::int64_t at_us = now_us();
        pending->submitted_us = at_us;
        if (request.deadline) pending->deadline_us = at_us + request.deadline->count();
        refusal = find_refusal(lock, at_us, *pending, pending->is_probe);
        if (!refusal) {
            pending->id = next_id_++;
            queue_.push(pending);
            rates_.count_admitted(pending->priority);
            ++counts_.admitted;
            ++changes_;
            queue_length_.store(queue_.size(), std::memory_order_relaxed);
        }
    }
    if (refusal) refuse(*refusal);
    changed_.notify_one();
    // Last: it may cancel the request at once.
    if (request.stop.stop_possible())
        pending->on_stop.emplace(request.stop, PendingRequest::CancelOnStop{pending});
    return pending;
}

void DispatcherCore::require_room(Priority priority, std::optional<std::chrono::microseconds> deadline) {
    check_process();
    check_priority(priority);
    check_deadline(deadline);
    if (const auto full = refusal_of_full_queue()) refuse(*full);
    PendingRequest asked;
    asked.priority = priority;
    std::optional<Refusal> refusal;
    {
        const Lock lock(mutex_);
        const std::int64_t at_us = now_us();
        asked.submitted_us = at_us;
        if (deadline) asked.deadline_us = at_us + deadline->count();
        refusal = find_refusal(lock, at_us, asked, asked.is_probe);
    }
    if (refusal) refuse(*refusal);
}

std::optional<Refusal> DispatcherCore::find_refusal(const Lock& lock, std::int64_t at_us,
                                                    const PendingRequest& request, bool& is_probe) {
    if (is_stopping_) return Refusal{.reason = Refusal::Reason::Stopped};
    if (queue_.size() >= options.queue_max ||
        queue_.size_bytes() + request.size_bytes > options.queue_bytes_max) {
        return Refusal{.retry_ms = remaining_ms(at_us), .queue_length = queue_.size()};
    }
    if (request.deadline_us == kNever) return std::nullopt;
    return find_missed_deadline(lock, at_us, request, is_probe);
}

/// What is left of the running batch. Past its expected end nothing is known but how long it is over already:
/// it is taken to need as long again.
double DispatcherCore::remaining_ms(std::int64_t at_us) const {
    if (running_ == 0) return 0;
    const double elapsed = static_cast<double>(at_us - running_since_us_) / 1e3;
    return std::abs(times_.expected_ms(running_) - elapsed);
}

/// When the request at this place of a queue of `total` is expected to be answered, from now. What comes
/// meanwhile and is more urgent goes before it: the wait grows by the share of the time that this takes, as
/// in A. Cobham, *Priority Assignment in Waiting Line Problems* (Journal of the Operations Research Society
/// of America, 1954). Its own batch counts as filled by those that wait and by those that will have come
/// until it starts.
double DispatcherCore::finish_ms(std::int64_t at_us, Priority priority, std::size_t position,
                                 std::size_t total) const {
    const std::size_t batch_max = options.batch_max;
    const std::size_t batches_ahead = position / batch_max;
    const double full = times_.expected_ms(batch_max);
    const double urgent_ms = full / static_cast<double>(batch_max);
    const double urgent_per_ms = rates_.admitted_per_ms_before(priority);
    const double start = (remaining_ms(at_us) + static_cast<double>(batches_ahead) * full) /
                         (1 - std::min(kUrgentShareMax, urgent_per_ms * urgent_ms));
    const std::size_t waiting = total - batches_ahead * batch_max;
    const double filled = static_cast<double>(waiting) + std::floor(rates_.submitted_per_ms() * start);
    const std::size_t own_size =
        filled >= static_cast<double>(batch_max) ? batch_max : static_cast<std::size_t>(filled);
    const double own = times_.expected_ms(own_size);
    const double before = running_ == 0 ? 0 : times_.expected_ms(running_);
    const double sum = before + static_cast<double>(batches_ahead) * full + own;
    const double squares = before * before + static_cast<double>(batches_ahead) * full * full + own * own;
    const double urgent_margin = kUrgentDeviations * urgent_ms * std::sqrt(urgent_per_ms * start);
    const std::size_t batches = batches_ahead + (running_ == 0 ? 1 : 2);
    const double hiccup = batches > kSteadyBatches ? times_.hiccup_ms() : 0;
    return start + own + hiccup + std::hypot(times_.margin_ms(sum, squares), urgent_margin);
}

/// Whether a request of the same level, at or after this place, would now miss a deadline that it would meet
/// without the new one.
bool DispatcherCore::delays_others(std::int64_t at_us, const PendingRequest& request,
                                   std::size_t position) const {
    const std::size_t total = queue_.size();
    bool is_missed = false;
    queue_.visit_level_from(static_cast<std::size_t>(request.priority), position,
                            [&](std::size_t place, std::int64_t deadline_us) {
                                if (is_missed || deadline_us == kNever) return;
                                const double left = static_cast<double>(deadline_us - at_us) / 1e3;
                                is_missed = finish_ms(at_us, request.priority, place + 1, total + 1) > left &&
                                            finish_ms(at_us, request.priority, place, total) <= left;
                            });
    return is_missed;
}

std::optional<Refusal> DispatcherCore::find_missed_deadline(const Lock&, std::int64_t at_us,
                                                            const PendingRequest& request,
                                                            bool& is_probe) const {
    const std::size_t position =
        queue_.count_ahead(static_cast<std::size_t>(request.priority), at_us, request.deadline_us);
    const double deadline_ms = static_cast<double>(request.deadline_us - at_us) / 1e3;
    const double predicted_ms = finish_ms(at_us, request.priority, position, queue_.size() + 1);
    if (predicted_ms <= deadline_ms && !delays_others(at_us, request, position)) return std::nullopt;
    const bool is_idle = running_ == 0 && queue_.size() == 0;
    if (is_idle && times_.is_measured() && times_.predicted_ms(1) <= deadline_ms) {
        is_probe = true;  // Only running tells whether what was measured still holds.
        return std::nullopt;
    }
    return Refusal{.reason = Refusal::Reason::Deadline,
                   .retry_ms = predicted_ms - deadline_ms,
                   .predicted_ms = predicted_ms,
                   .deadline_ms = deadline_ms,
                   .queue_length = queue_.size()};
}

}  // namespace consilia::inference
