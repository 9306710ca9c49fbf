#pragma once
// Requests of many callers meet in a bounded queue, are batched, and are refused at once where waiting is in
// vain.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/inference/engine.hpp"

namespace consilia::inference {

/// Which requests go first. A level is given up to by waiting: see `DispatcherOptions::age_after`.
enum class Priority : std::uint8_t { High, Normal, Low };
/// `high`, `normal`, `low`.
CONSILIA_API std::string_view to_string(Priority priority) noexcept;
/// @throws InvalidArgument (`request.priority`) for any other word.
CONSILIA_API Priority parse_priority(std::string_view text);

/// What runs the batches of a dispatcher.
struct BatchRunner {
    /// Runs all items together; one outcome an item, in their order. What it throws is every item's error.
    /// Called on the dispatcher's thread, and by `Dispatcher::warm_up` on its caller's. Required.
    std::function<std::vector<BatchOutcome>(std::span<const Inputs>, const BatchOptions&)> run{};
    /// Milliseconds that a batch of this size is expected to take, before any was measured. Called when the
    /// dispatcher opens and between batches. Null: nothing is known beforehand.
    std::function<double(std::size_t batch_size)> predict_ms{};
    /// Throws for inputs that would spoil the batch that they are in. Called by whoever submits. May be null.
    std::function<void(const Inputs&)> check{};
    /// Inputs that stand for any image, to warm up with. May be null.
    std::function<Inputs()> example{};
};
/// What runs batches on an engine, which it keeps alive. Several may share one: their batches take turns.
/// @throws InvalidArgument (`dispatcher.engine`) for a null one; Unavailable (`engine.forked`).
[[nodiscard]] CONSILIA_API BatchRunner engine_runner(std::shared_ptr<Engine> engine);

/// What a dispatcher is opened with. Everything that can grow has its bound here.
struct DispatcherOptions {
    std::string name = "default";                  ///< The label `dispatcher` of its metrics; 1 to 64 bytes.
    std::size_t queue_max = 256;                   ///< Requests that may wait; 1 to 65536.
    std::uint64_t queue_bytes_max = 512ULL << 20;  ///< Their tensors together; above 0.
    std::size_t batch_max = 8;                     ///< Requests run together; 1 to 256.
    /// Longest that a request waits, on an idle device, for others to share its batch. 0 to 10 s.
    std::chrono::microseconds batch_wait = std::chrono::milliseconds(2);
    /// A waiting request rises one level each time this has passed. Above 0.
    std::chrono::microseconds age_after = std::chrono::seconds(2);
    /// Within a level the earliest due goes first: its deadline, or this long after its submission if that is
    /// earlier or there is no deadline. Above 0.
    std::chrono::microseconds patience = std::chrono::seconds(10);
    std::size_t trace_max = 4096;  ///< Spans that `trace` can tell of, the newest; 0 to 1048576.
    /// No thread: the owner calls `run_pending`, from a loop of its own or from a test.
    bool is_caller_driven = false;
    const core::Clock* clock = nullptr;  ///< Must outlive the dispatcher. Null: the machine's steady clock.
};

/// One image to be judged.
struct Request {
    Inputs inputs{};
    /// Makes the inputs instead, on the thread that submits and once there is room, so that no image is
    /// decoded in vain. Counts towards the deadline; what it throws is thrown by `submit`. May be null.
    std::function<Inputs()> prepare{};
    Priority priority = Priority::Normal;
    /// Counted from the submission; above 0, at most a day. None: it waits as long as it takes.
    std::optional<std::chrono::microseconds> deadline{};
    /// A stop asked for here cancels the request, as `Ticket::cancel` does.
    std::stop_token stop{};
    /// After each member of the batch that the request is in. On the dispatcher's thread, holding no lock;
    /// what it throws is counted and dropped.
    std::function<void(const BatchProgress&)> progress{};
};

struct PendingRequest;

/// Where a request is.
enum class RequestStage : std::uint8_t { Queued, Running, Done };

/// A hold on a submitted request. Copies are the same request; a default one is `Done`. May outlive the
/// dispatcher. Threading: safe.
class CONSILIA_API Ticket {
public:
    Ticket() = default;
    /// Withdraws the request: from the queue at once, from a running batch before the next member. Its answer
    /// is then Cancelled (`request.cancelled`). False if it has been answered, or cancelled, already.
    bool cancel() const;
    [[nodiscard]] RequestStage stage() const noexcept;

private:
    friend class Dispatcher;
    explicit Ticket(std::shared_ptr<PendingRequest> request) noexcept : request_(std::move(request)) {}
    std::shared_ptr<PendingRequest> request_;
};

/// What has become of the requests so far. `submitted` is `admitted` and the refused; `admitted` is the
/// sum of `completed`, `failed`, `cancelled`, `timed_out`, `queued` and `running`.
struct DispatcherCounts {
    std::uint64_t submitted = 0;
    std::uint64_t admitted = 0;
    std::uint64_t refused_overloaded = 0;  ///< The queue was full, in requests or in bytes.
    std::uint64_t refused_deadline = 0;    ///< The deadline could not be met.
    std::uint64_t refused_stopped = 0;
    std::uint64_t completed = 0;
    std::uint64_t completed_late = 0;  ///< Of the completed: after their deadline.
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t timed_out = 0;  ///< Dropped because the deadline had passed or could not be met any more.
    std::uint64_t callback_errors = 0;  ///< Exceptions of callbacks, contained.
    std::uint64_t batches = 0;
    std::size_t queued = 0;
    std::uint64_t queued_bytes = 0;
    std::size_t running = 0;
};

/// What happens to waiting requests when a dispatcher stops.
enum class StopMode : std::uint8_t {
    Drain,   ///< They are run first.
    Cancel,  ///< They are cancelled, and the running batch stops before its next member.
};

/// Takes requests from any thread, batches them across callers, and runs the batches one at a time.
///
/// Order: the more urgent level first; within a level the earliest due. Waiting raises a request by a level
/// each `age_after`, and a due is at most `patience` away, so that nothing waits for ever: after the longer
/// of `2 × age_after` and `patience` a request goes before all that come later.
///
/// Batching: a batch starts when `batch_max` wait, when the longest waiting has waited `batch_wait`, or when
/// waiting on would cost the earliest deadline. Unless more wait than fit, it is cut where one more item
/// would make it too long for a deadline in it.
///
/// Admission: refused at once are requests that find the queue full, and those whose deadline would be missed
/// by the estimate, or would make a waiting one of the same level miss its own. The estimate is what is left
/// of the running batch, the batches ahead, what is expected to come meanwhile and be more urgent (A. Cobham,
/// *Priority Assignment in Waiting Line Problems*, 1954), and its own batch, filled as the rate of arrivals
/// lets expect; with times of batches that were measured, mean and deviation as V. Jacobson has them for
/// round trips (*Congestion Avoidance and Control*, 1988, appendix A; RFC 6298), and for those that wait
/// long one hiccup as bad as the worst of late. What urgent requests
/// overtake against expectation, so that it can no longer be in time, is dropped (TimedOut) before it runs.
/// An idle dispatcher whose measured times alone speak against a request runs it, to measure again.
///
/// Callbacks run on the dispatcher's thread, between members too, holding no lock. They may submit and
/// cancel, not wait. After a fork the child's calls throw Unavailable (`engine.forked`); destroying it there
/// is allowed. Threading: safe, except for destruction.
///
///     auto engine = std::make_shared<Engine>(members);
///     Dispatcher dispatcher(engine_runner(engine), {.batch_max = 16});
///     dispatcher.warm_up();
///     std::future<Diagnosis> answer = dispatcher.submit({.inputs = engine.prepare(bytes), .deadline =
///     200ms});
class CONSILIA_API Dispatcher {
public:
    /// Called once a request. On the dispatcher's thread; what it throws is counted and dropped.
    using Callback = std::function<void(BatchOutcome)>;

    /// @throws InvalidArgument (`dispatcher.options`, with `option`).
    explicit Dispatcher(BatchRunner runner, DispatcherOptions options = {});
    /// Stops as `StopMode::Cancel` does: waits for no more than the member that runs.
    ~Dispatcher();
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;

    /// Waits for the answer.
    /// @throws what `submit` and `check_may_wait` throw, and what the future would.
    Diagnosis infer(Request request);
    /// @throws InvalidArgument (`dispatcher.waiting`) on the dispatcher's own thread, in a callback, or if it
    ///         has none: an answer that is waited for here could never come. Nor in a child: Unavailable
    ///         (`engine.forked`).
    void check_may_wait() const;
    /// The answer later: a diagnosis or the runner's error; Cancelled (`request.cancelled`,
    /// `dispatcher.stopped`); TimedOut (`request.deadline`).
    /// @throws Unavailable `dispatcher.overloaded` (`retry_after_ms`, `queue_length`), `dispatcher.deadline`
    ///         (`retry_after_ms`, `predicted_ms`, `deadline_ms`), `dispatcher.stopped`; `engine.forked`.
    /// @throws InvalidArgument (`request.deadline`, `request.priority`, `request.inputs`: larger than the
    ///         queue can ever hold, or not what the runner takes). Nothing is kept of a request that was not
    ///         admitted.
    std::future<Diagnosis> submit(Request request);
    /// The answer to a callback, which must not be null (InvalidArgument, `request.callback`).
    /// @throws as above.
    Ticket submit(Request request, Callback callback);
    /// Throws what `submit` would, now, for a request with these two: before an image is decoded in vain.
    void require_room(Priority priority, std::optional<std::chrono::microseconds> deadline) const;

    /// Brings everything in and measures batches of one and of `batch_max`, each after a run that is not
    /// measured, on this thread. For before the first request; later it takes turns with them.
    /// @throws the error of a run; InvalidArgument (`dispatcher.example`) if the runner has no example.
    void warm_up();

    /// Refuses requests from now on, deals with those that wait, and returns when the thread has ended.
    /// On the dispatcher's own thread (in a callback) it does not wait. A second call may turn a drain into a
    /// cancellation.
    void stop(StopMode mode = StopMode::Drain);

    /// In a caller-driven dispatcher: gives the answers that are due and runs at most one batch.
    /// @return when it is due again, zero for at once; nothing while no request waits.
    /// @throws InvalidArgument (`dispatcher.driven`) if it has a thread, (`dispatcher.waiting`) in a
    /// callback.
    ///         Threading: one call at a time.
    std::optional<std::chrono::microseconds> run_pending();

    [[nodiscard]] DispatcherCounts counts() const;
    /// Prometheus' text exposition format, version 0.0.4: `consilia_inference_*`, each with the label
    /// `dispatcher`. docs/requests.md has the list.
    [[nodiscard]] std::string metrics() const;
    /// The newest spans as JSON in the Chrome trace event format: requests (queued, running), batches, and
    /// what the members did. Opens in Perfetto and `chrome://tracing`.
    [[nodiscard]] std::string trace() const;
    [[nodiscard]] const DispatcherOptions& options() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace consilia::inference
