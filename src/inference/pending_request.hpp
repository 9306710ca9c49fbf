#pragma once
// A request between its submission and its answer.
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>

#include "consilia/inference/dispatcher.hpp"

namespace consilia::inference {

class DispatcherCore;

inline constexpr std::size_t kPriorityLevels = 3;
/// An instant that never comes, in microseconds since the dispatcher opened.
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// Times are in microseconds since the dispatcher opened. What is not atomic is the submitter's until it is
/// queued, then guarded by the dispatcher's lock, and the dispatcher's thread's once it runs.
struct PendingRequest {
    /// Cancels the request when its stop token says so.
    struct CancelOnStop {
        std::weak_ptr<PendingRequest> request;
        void operator()() const noexcept;
    };

    std::uint64_t id = 0;
    Inputs inputs{};
    std::uint64_t size_bytes = 0;
    Priority priority = Priority::Normal;
    std::size_t level = 0;  ///< Its priority, less what it has gained by waiting.
    std::int64_t submitted_us = 0;
    std::int64_t deadline_us = kNever;
    std::int64_t started_us = 0;
    bool is_probe = false;  ///< Run whatever the estimate says.
    Dispatcher::Callback callback{};
    bool is_future = false;  ///< The callback is our own and may be called on any thread.
    std::function<void(const BatchProgress&)> progress{};
    std::atomic<RequestStage> stage{RequestStage::Queued};
    std::atomic<bool> is_cancelled{false};  ///< While it runs.
    bool is_dropped = false;                ///< The runner was told that it is not wanted any more.
    std::weak_ptr<DispatcherCore> owner{};
    std::optional<std::stop_callback<CancelOnStop>> on_stop{};
};

using RequestPointer = std::shared_ptr<PendingRequest>;

}  // namespace consilia::inference
