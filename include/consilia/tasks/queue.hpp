#pragma once
// A durable queue in a table beside the data that its tasks belong to: at least once, with leases and
// retries.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::data {
class Database;
class Transaction;
}  // namespace consilia::data

namespace consilia::tasks {

/// What a queue does with failures, and where it takes time and chance from.
struct QueueOptions {
    int retries_max = 3;                    ///< Further attempts after the first; then a dead letter.
    std::chrono::seconds backoff_base{60};  ///< Wait before retry n (from 0): base · 2ⁿ, with jitter.
    std::chrono::seconds backoff_max{24 * 3600};  ///< Longest wait, before jitter.
    double jitter = 0.1;                          ///< Part of the wait that is drawn at random, in [0, 1].
    std::size_t payload_bytes_max = std::size_t{64} << 10;  ///< Longest payload.
    const core::Clock* clock = nullptr;                     ///< Must outlive the queue. Null: the machine's.
    std::function<double()> random = {};  ///< Uniform in [0, 1); safe to call. Empty: a seeded generator.
};

/// A task to be done.
struct NewTask {
    std::string kind;                            ///< What is to be done, `screening.predict`; 1 to 100 bytes.
    core::Json payload{"{}"};                    ///< The arguments.
    int priority = 0;                            ///< Higher first.
    std::optional<core::Timestamp> run_at = {};  ///< Not before. Empty: now.
    std::string unique_key = {};  ///< At most one unfinished task has this key. Empty: no such bound.
};

struct Enqueued {
    std::int64_t task_id = 0;
    bool is_new =
        true;  ///< False: an unfinished task with the same key is there already; `task_id` is its id.
};

/// The right to do a task until `expires_at`. The attempt number is the fencing token: each lease of a task
/// has a higher one, and only the newest can finish it.
struct Lease {
    std::int64_t task_id = 0;
    std::int64_t attempt = 0;  ///< 1 for the first.
    std::string kind;
    core::Json payload;
    core::Timestamp expires_at;
};

enum class TaskStatus : std::uint8_t { Pending, Leased, Completed, Dead };
/// The lower-case name of a status: `pending`.
CONSILIA_API std::string_view to_string(TaskStatus status) noexcept;

/// One task as it is stored.
struct Task {
    std::int64_t id = 0;
    std::string kind;
    core::Json payload;
    TaskStatus status = TaskStatus::Pending;
    int priority = 0;
    std::int64_t attempts = 0;  ///< Leases given so far.
    std::string last_error;     ///< Of the newest failed attempt.
    core::Timestamp created_at;
    std::optional<core::Timestamp> available_at;  ///< When it may next be leased; empty once finished.
};

/// Number of tasks by status.
struct QueueStatistics {
    std::int64_t pending = 0;
    std::int64_t leased = 0;
    std::int64_t completed = 0;
    std::int64_t dead = 0;
};

/// What becomes of a failed attempt.
enum class Retry : std::uint8_t { Allowed, Never };

/// A durable queue over the table `consilia_tasks`. Delivery is at least once; completion, in the transaction
/// of the caller's own writes, is exactly once.
///
/// Threading: safe. Any number of threads and processes may use queues over one database.
class CONSILIA_API Queue {
public:
    /// `database` must outlive the queue. Nothing is read or created yet.
    /// @throws InvalidArgument (`tasks.options`) for options without a meaning.
    explicit Queue(data::Database& database, QueueOptions options = {});
    ~Queue();
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    /// Creates the table and its indexes where they are missing.
    void create_schema();

    /// Adds a task that exists once, and only if, `transaction` is committed.
    /// @throws InvalidArgument (`tasks.kind`, `tasks.payload`, `tasks.unique_key`) past a bound.
    Enqueued enqueue(data::Transaction& transaction, const NewTask& task);

    /// Takes the due task of the highest priority, the longest due first: a pending one, or one whose lease
    /// has expired. `kinds` empty: any. In a transaction of its own.
    /// @throws InvalidArgument (`tasks.lease`) unless `worker_id` has 1 to 200 bytes and `duration` is
    /// positive.
    [[nodiscard]] std::optional<Lease> lease(std::string_view worker_id, std::chrono::microseconds duration,
                                             const std::vector<std::string>& kinds = {});
    /// As above, as part of `transaction`, which must be a writing one.
    [[nodiscard]] std::optional<Lease> lease(data::Transaction& transaction, std::string_view worker_id,
                                             std::chrono::microseconds duration,
                                             const std::vector<std::string>& kinds = {});

    /// Moves the end of a lease to `duration` from now. @throws Conflict (`tasks.stale_lease`) if it is not
    /// the newest.
    void heartbeat(Lease& lease, std::chrono::microseconds duration);

    /// Finishes a task together with the caller's writes.
    /// @throws Conflict (`tasks.stale_lease`) if another lease was given since, or the task is finished: roll
    /// back.
    void complete(data::Transaction& transaction, const Lease& lease);

    /// Ends an attempt: the task waits for its next one, or is a dead letter after the last. `error` is kept,
    /// shortened.
    /// @return the status that the task now has: Pending or Dead.
    /// @throws Conflict (`tasks.stale_lease`).
    TaskStatus fail(data::Transaction& transaction, const Lease& lease, std::string_view error,
                    Retry retry = Retry::Allowed);

    /// Buries the tasks whose last attempt's lease has expired, at most `limit`: whoever had them never came
    /// back. Returns them, so that the caller fails what belongs to them in the same transaction.
    std::vector<Task> bury_expired(data::Transaction& transaction, std::size_t limit = 100);

    [[nodiscard]] std::optional<Task> find(std::int64_t task_id);
    [[nodiscard]] QueueStatistics statistics();
    /// Deletes tasks that were completed before `before`; dead letters stay. Returns how many.
    std::int64_t purge_completed(core::Timestamp before);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace consilia::tasks
