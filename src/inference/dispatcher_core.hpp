#pragma once
// The state of a dispatcher and what its thread does with it.
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/inference/dispatcher.hpp"
#include "inference/arrival_rates.hpp"
#include "inference/device_run.hpp"
#include "inference/dispatcher_metrics.hpp"
#include "inference/dispatcher_trace.hpp"
#include "inference/request_queue.hpp"
#include "inference/service_times.hpp"

namespace consilia::inference {

/// How an admitted request ended.
enum class Ending : std::uint8_t { Completed, Failed, Cancelled, TimedOut };

/// Why a request is not admitted.
struct Refusal {
    enum class Reason : std::uint8_t { Overloaded, Deadline, Stopped };
    Reason reason = Reason::Overloaded;
    double retry_ms = 0;
    double predicted_ms = 0;
    double deadline_ms = 0;
    std::size_t queue_length = 0;
};
[[nodiscard]] std::exception_ptr request_cancelled_error();
[[nodiscard]] std::exception_ptr dispatcher_stopped_error();
[[nodiscard]] constexpr double to_seconds(std::int64_t us) noexcept {
    return static_cast<double>(us) / 1e6;
}
[[noreturn]] void throw_refusal(const Refusal& refusal);

/// Shared by the dispatcher, its thread and, weakly, its requests. Threading: safe.
class DispatcherCore : public std::enable_shared_from_this<DispatcherCore> {
public:
    DispatcherCore(BatchRunner runner, DispatcherOptions options);

    /// @throws Unavailable (`engine.forked`)
    void check_process() const;
    [[nodiscard]] bool is_forked() const noexcept;
    [[nodiscard]] bool is_own_thread() const noexcept {
        return thread_id_.load() == std::this_thread::get_id();
    }

    RequestPointer admit(Request request, Dispatcher::Callback callback, bool is_future);
    void require_room(Priority priority, std::optional<std::chrono::microseconds> deadline);
    bool cancel(PendingRequest& request);
    void warm_up();

    /// Refuses from now on, and cancels what waits and runs if it says so.
    void begin_stop(StopMode mode);
    /// The thread's body: until it is stopped and nothing is left to answer.
    void loop() noexcept;
    /// Answers what is due and runs at most one batch. See `Dispatcher::run_pending`.
    std::optional<std::chrono::microseconds> step();
    /// A step on the caller's thread, which is the dispatcher's meanwhile.
    std::optional<std::chrono::microseconds> drive();

    [[nodiscard]] DispatcherCounts counts() const;
    [[nodiscard]] std::string metrics() const;
    [[nodiscard]] std::string trace() const;

    const DispatcherOptions options;

private:
    struct Answer {
        RequestPointer request;
        BatchOutcome outcome;
    };
    using Lock = std::unique_lock<std::mutex>;

    [[nodiscard]] std::int64_t now_us() const { return std::llround(watch_.elapsed_ms() * 1e3); }
    void predict();
    void predict_contained() noexcept;

    // Admission; dispatcher_admission.cpp.
    void check(const Request& request) const;
    void prepare(Request& request);
    [[nodiscard]] std::optional<Refusal> refusal_of_full_queue() noexcept;
    [[nodiscard]] std::optional<Refusal> find_refusal(const Lock&, std::int64_t at_us,
                                                      const PendingRequest& request, bool& is_probe);
    [[nodiscard]] std::optional<Refusal> find_missed_deadline(const Lock&, std::int64_t at_us,
                                                              const PendingRequest& request,
                                                              bool& is_probe) const;
    [[nodiscard]] double remaining_ms(std::int64_t at_us) const;
    [[nodiscard]] double finish_ms(std::int64_t at_us, Priority priority, std::size_t position,
                                   std::size_t total) const;
    [[nodiscard]] bool delays_others(std::int64_t at_us, const PendingRequest& request,
                                     std::size_t position) const;
    void count_refusal(Refusal::Reason reason) noexcept;
    [[noreturn]] void refuse(const Refusal& refusal);

    // Batching; dispatcher_batching.cpp.
    /// When the next batch starts: in the past for at once, kNever while nothing waits.
    [[nodiscard]] std::int64_t launch_us(const Lock&) const;
    [[nodiscard]] std::vector<RequestPointer> take_batch(const Lock& lock, std::int64_t at_us);
    [[nodiscard]] std::size_t fitting_size(std::int64_t at_us) const;
    void drop_late(const Lock& lock, std::int64_t at_us);
    [[nodiscard]] std::int64_t duration_us(std::size_t batch_size) const;

    // Running; dispatcher_running.cpp.
    void run(const std::vector<RequestPointer>& batch);
    [[nodiscard]] std::vector<BatchOutcome> run_contained(const std::vector<RequestPointer>& batch);
    void between_members(const std::vector<RequestPointer>& batch, const BatchProgress& progress);
    [[nodiscard]] bool is_unwanted(PendingRequest& request) const;
    [[nodiscard]] Ending settle(PendingRequest& request, BatchOutcome& outcome, std::int64_t end_us);
    void record(const Lock&, const std::vector<RequestPointer>& batch,
                const std::vector<BatchOutcome>& outcomes, std::int64_t begin_us, std::int64_t end_us);
    void end(const Lock&, PendingRequest& request, Ending ending, std::int64_t at_us);
    void deliver(std::vector<Answer>& answers) noexcept;
    void answer(Answer& answer) noexcept;
    template <class Call>
    void contain(const Call& call) noexcept {
        try {
            call();
        } catch (...) {
            note_callback_error();
        }
    }
    void note_callback_error() noexcept;
    [[nodiscard]] std::vector<Answer> take_answers(const Lock&);

    const BatchRunner runner_;
    const ::pid_t pid_;
    const Stopwatch watch_;
    std::atomic<std::thread::id> thread_id_{};
    std::atomic<std::uint64_t> arrivals_{0};
    std::atomic<std::uint64_t> callback_errors_{0};
    std::array<std::atomic<std::uint64_t>, 3> refused_{};
    // As of the last change, for a refusal without the lock.
    std::atomic<std::size_t> queue_length_{0};
    std::atomic<std::int64_t> batch_end_us_{0};
    std::atomic<bool> is_stopped_now_{false};  // A stop that cancels: asked between members.

    mutable std::mutex mutex_;  // Guards what follows. Never held while a callback or the runner runs.
    std::condition_variable changed_;
    std::uint64_t changes_ = 0;
    RequestQueue queue_;
    ServiceTimes times_;
    TraceRing trace_;
    DispatcherMetrics metrics_;
    DispatcherCounts counts_;
    std::vector<Answer> answers_;  // Of requests that never ran, to be given by the thread.
    std::uint64_t next_id_ = 1;
    std::size_t running_ = 0;
    std::int64_t running_since_us_ = 0;
    bool is_stopping_ = false;
    bool is_warm_ = false;  // What is measured from now on is not the bringing in.
    ArrivalRates rates_;
};

}  // namespace consilia::inference
