#include "consilia/tasks/queue.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"
#include "consilia/data/query.hpp"

namespace consilia::tasks {

namespace {

using core::field;
using core::Value;
using core::ValueType;

constexpr std::size_t kMaxNameBytes = 100;
constexpr std::size_t kMaxKeyBytes = 200;
constexpr std::size_t kMaxErrorBytes = 1000;
constexpr int kMaxRetries = 1000;
constexpr std::chrono::hours kMaxBackoff{24 * 365};

// `available_at` carries the whole life of a task: when a pending one is due, when the lease of a leased one
// ends, null once it is finished. One index then serves both questions of `lease`.
const data::Model& task_model() {
    static const data::Model model = [] {
        data::Model made("consilia_tasks");
        made.add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
        made.add_column({.name = "kind"});
        made.add_column({.name = "payload", .type = ValueType::Json});
        made.add_column({.name = "status"});
        made.add_column({.name = "priority", .type = ValueType::Int64});
        made.add_column({.name = "attempts", .type = ValueType::Int64});
        made.add_column({.name = "available_at", .type = ValueType::Timestamp, .is_nullable = true});
        made.add_column(
            {.name = "unique_key", .is_nullable = true, .is_unique = true});  // null once finished
        made.add_column({.name = "worker_id", .is_nullable = true});
        made.add_column({.name = "last_error"});
        made.add_column({.name = "created_at", .type = ValueType::Timestamp});
        made.add_column({.name = "finished_at", .type = ValueType::Timestamp, .is_nullable = true});
        made.add_index(
            {.columns = {"-priority", "available_at", "id"}, .where = field("available_at").is_not_null()});
        return made;
    }();
    return model;
}

data::Query tasks() {
    return data::Query(task_model());
}

// At most `limit` bytes, cut where a UTF-8 character ends, on one line.
std::string shortened(std::string_view text, std::size_t limit) {
    std::size_t end = std::min(text.size(), limit);
    while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    std::string line(text.substr(0, end));
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

TaskStatus parse_status(std::string_view text) {
    for (const TaskStatus status :
         {TaskStatus::Pending, TaskStatus::Leased, TaskStatus::Completed, TaskStatus::Dead}) {
        if (to_string(status) == text) return status;
    }
    throw core::StorageError("tasks.status", "a task has the unknown status `" + shortened(text, 40) + "`");
}

Task task_at(const data::RowSet& rows, std::size_t row) {
    const auto column = [&](std::string_view name) { return rows.column_index(name); };
    Task task;
    task.id = rows.int64(row, column("id"));
    task.kind = rows.text(row, column("kind"));
    task.payload.text = rows.text(row, column("payload"));
    task.status = parse_status(rows.text(row, column("status")));
    task.priority = static_cast<int>(rows.int64(row, column("priority")));
    task.attempts = rows.int64(row, column("attempts"));
    task.last_error = rows.text(row, column("last_error"));
    task.created_at = {rows.int64(row, column("created_at"))};
    if (const std::size_t at = column("available_at"); !rows.is_null(row, at)) {
        task.available_at = core::Timestamp{rows.int64(row, at)};
    }
    return task;
}

[[noreturn]] void throw_stale(const Lease& lease) {
    throw core::Conflict("tasks.stale_lease",
                         "the lease of task " + std::to_string(lease.task_id) +
                             " is no longer the newest, or the task is finished",
                         {{"task_id", Value(lease.task_id)}, {"attempt", Value(lease.attempt)}});
}

// The row of a lease, if it is still the newest: the attempt number fences off earlier holders.
data::Query held_by(const Lease& lease) {
    return tasks().where(field("id") == lease.task_id && field("status") == to_string(TaskStatus::Leased) &&
                         field("attempts") == lease.attempt);
}

void require_option(bool is_sound, const char* message) {
    if (!is_sound) throw core::InvalidArgument("tasks.options", message);
}

void require_payload(const core::Json& payload, std::size_t bytes_max) {
    if (payload.text.size() <= bytes_max && nlohmann::json::accept(payload.text)) return;
    throw core::InvalidArgument("tasks.payload",
                                "a payload is JSON of at most " + std::to_string(bytes_max) + " bytes",
                                {{"limit_bytes", Value(static_cast<std::int64_t>(bytes_max))}});
}

}  // namespace

std::string_view to_string(TaskStatus status) noexcept {
    switch (status) {
        case TaskStatus::Pending:
            return "pending";
        case TaskStatus::Leased:
            return "leased";
        case TaskStatus::Completed:
            return "completed";
        case TaskStatus::Dead:
            return "dead";
    }
    return "dead";
}

struct Queue::State {
    data::Database& database;
    QueueOptions options;
    const core::Clock& clock;
    std::mutex mutex;  // of the generator
    std::mt19937_64 generator{std::random_device{}()};

    State(data::Database& used, QueueOptions given)
        : database(used),
          options(std::move(given)),
          clock(options.clock != nullptr ? *options.clock : core::SystemClock::instance()) {}

    double random() {
        if (options.random) return options.random();
        const std::scoped_lock lock(mutex);
        return std::uniform_real_distribution<double>(0, 1)(generator);
    }

    // Exponential back-off with jitter on top, so that a wait is never shorter than promised.
    std::chrono::microseconds backoff(std::int64_t failures) {
        const auto longest = std::chrono::duration<double>(options.backoff_max).count();
        const auto base = std::chrono::duration<double>(options.backoff_base).count();
        const double wait = std::min(longest, std::ldexp(base, static_cast<int>(failures - 1)));
        const double stretched = wait * (1 + options.jitter * random());
        return std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::duration<double>(stretched));
    }

    [[nodiscard]] std::int64_t attempts_max() const { return std::int64_t{options.retries_max} + 1; }
};

Queue::Queue(data::Database& database, QueueOptions options) {
    require_option(options.retries_max >= 0 && options.retries_max <= kMaxRetries,
                   "retries must be 0 to 1000");
    require_option(options.backoff_base.count() > 0 && options.backoff_max >= options.backoff_base &&
                       options.backoff_max <= kMaxBackoff,
                   "the back-off must be above zero, with a maximum from its base to a year");
    require_option(options.jitter >= 0 && options.jitter <= 1, "the jitter must be 0 to 1");
    state_ = std::make_unique<State>(database, std::move(options));
}

Queue::~Queue() = default;

void Queue::create_schema() {
    const data::Model* const models[] = {&task_model()};
    data::create_tables(state_->database, models);
}

Enqueued Queue::enqueue(data::Transaction& transaction, const NewTask& task) {
    if (task.kind.empty() || task.kind.size() > kMaxNameBytes) {
        throw core::InvalidArgument("tasks.kind", "the kind of a task has 1 to 100 bytes");
    }
    if (task.unique_key.size() > kMaxKeyBytes) {
        throw core::InvalidArgument("tasks.unique_key", "a unique key has at most 200 bytes");
    }
    require_payload(task.payload, state_->options.payload_bytes_max);
    if (!task.unique_key.empty()) {
        const data::RowSet same =
            tasks().where(field("unique_key") == task.unique_key).select({"id"}).run(transaction);
        if (!same.empty()) return {same.int64(0, 0), false};
    }
    const core::Timestamp now = state_->clock.now();
    const Value values[] = {task.kind,
                            task.payload,
                            to_string(TaskStatus::Pending),
                            task.priority,
                            task.run_at.value_or(now),
                            task.unique_key.empty() ? Value() : Value(task.unique_key),
                            now};
    transaction.execute(
        "insert into consilia_tasks (kind, payload, status, priority, attempts, available_at, unique_key, "
        "last_error, "
        "created_at) values (?, ?, ?, ?, 0, ?, ?, '', ?)",
        values);
    return {transaction.last_insert_id(), true};
}

std::optional<Lease> Queue::lease(std::string_view worker_id, std::chrono::microseconds duration,
                                  const std::vector<std::string>& kinds) {
    data::Transaction transaction = state_->database.begin();
    std::optional<Lease> taken = lease(transaction, worker_id, duration, kinds);
    if (taken) transaction.commit();
    return taken;
}

std::optional<Lease> Queue::lease(data::Transaction& transaction, std::string_view worker_id,
                                  std::chrono::microseconds duration, const std::vector<std::string>& kinds) {
    if (worker_id.empty() || worker_id.size() > kMaxKeyBytes || duration.count() <= 0) {
        throw core::InvalidArgument("tasks.lease",
                                    "a lease needs a worker id of 1 to 200 bytes and a duration above zero");
    }
    const core::Timestamp now = state_->clock.now();
    data::Query due =
        tasks().where(field("available_at") <= now && field("attempts") < state_->attempts_max());
    if (!kinds.empty()) {
        const std::vector<Value> wanted(kinds.begin(), kinds.end());
        due = due.where(field("kind").in(std::span(wanted)));
    }
    const data::RowSet rows =
        due.order_by("-priority").order_by("available_at").order_by("id").limit(1).run(transaction);
    if (rows.empty()) return std::nullopt;
    Task task = task_at(rows, 0);
    Lease taken{task.id, task.attempts + 1, std::move(task.kind), std::move(task.payload), now + duration};
    // The condition on `attempts` makes the update safe also where a transaction does not exclude other
    // writers.
    const std::int64_t changed =
        tasks()
            .where(field("id") == taken.task_id && field("attempts") == task.attempts)
            .update(transaction, {{"status", to_string(TaskStatus::Leased)},
                                  {"attempts", taken.attempt},
                                  {"available_at", taken.expires_at},
                                  {"worker_id", worker_id}});
    if (changed != 1) return std::nullopt;
    return taken;
}

void Queue::heartbeat(Lease& lease, std::chrono::microseconds duration) {
    data::Transaction transaction = state_->database.begin();
    const core::Timestamp expires_at = state_->clock.now() + duration;
    if (held_by(lease).update(transaction, {{"available_at", expires_at}}) != 1) throw_stale(lease);
    transaction.commit();
    lease.expires_at = expires_at;
}

void Queue::complete(data::Transaction& transaction, const Lease& lease) {
    const std::int64_t changed =
        held_by(lease).update(transaction, {{"status", to_string(TaskStatus::Completed)},
                                            {"available_at", Value()},
                                            {"unique_key", Value()},
                                            {"finished_at", state_->clock.now()}});
    if (changed != 1) throw_stale(lease);
}

TaskStatus Queue::fail(data::Transaction& transaction, const Lease& lease, std::string_view error,
                       Retry retry) {
    const core::Timestamp now = state_->clock.now();
    const Value last_error = shortened(error, kMaxErrorBytes);
    const bool is_dead = retry == Retry::Never || lease.attempt >= state_->attempts_max();
    std::vector<data::Assignment> assignments;
    if (is_dead) {
        assignments = {{"status", to_string(TaskStatus::Dead)},
                       {"available_at", Value()},
                       {"unique_key", Value()},
                       {"finished_at", now},
                       {"last_error", last_error}};
    } else {
        assignments = {{"status", to_string(TaskStatus::Pending)},
                       {"available_at", now + state_->backoff(lease.attempt)},
                       {"last_error", last_error}};
    }
    if (held_by(lease).update(transaction, assignments) != 1) throw_stale(lease);
    return is_dead ? TaskStatus::Dead : TaskStatus::Pending;
}

std::vector<Task> Queue::bury_expired(data::Transaction& transaction, std::size_t limit) {
    const core::Timestamp now = state_->clock.now();
    const data::RowSet rows =
        tasks()
            .where(field("available_at") <= now && field("attempts") >= state_->attempts_max())
            .order_by("id")
            .limit(static_cast<std::int64_t>(std::min<std::size_t>(limit, 10'000)))
            .run(transaction);
    std::vector<Task> buried;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        Task task = task_at(rows, row);
        task.status = TaskStatus::Dead;
        task.available_at.reset();
        task.last_error = "the lease of the last attempt ran out";
        tasks()
            .where(field("id") == task.id)
            .update(transaction, {{"status", to_string(TaskStatus::Dead)},
                                  {"available_at", Value()},
                                  {"unique_key", Value()},
                                  {"finished_at", now},
                                  {"last_error", task.last_error}});
        buried.push_back(std::move(task));
    }
    return buried;
}

std::optional<Task> Queue::find(std::int64_t task_id) {
    const data::ReadScope scope = state_->database.read();
    const data::RowSet rows = tasks().where(field("id") == task_id).run(scope);
    if (rows.empty()) return std::nullopt;
    return task_at(rows, 0);
}

QueueStatistics Queue::statistics() {
    const data::ReadScope scope = state_->database.read();
    const data::RowSet counts = tasks().count_by(scope, "status");
    QueueStatistics result;
    for (std::size_t row = 0; row < counts.size(); ++row) {
        const std::int64_t count = counts.int64(row, 1);
        switch (parse_status(counts.text(row, 0))) {
            case TaskStatus::Pending:
                result.pending = count;
                break;
            case TaskStatus::Leased:
                result.leased = count;
                break;
            case TaskStatus::Completed:
                result.completed = count;
                break;
            case TaskStatus::Dead:
                result.dead = count;
                break;
        }
    }
    return result;
}

std::int64_t Queue::purge_completed(core::Timestamp before) {
    data::Transaction transaction = state_->database.begin();
    const std::int64_t removed =
        tasks()
            .where(field("status") == to_string(TaskStatus::Completed) && field("finished_at") < before)
            .remove(transaction);
    transaction.commit();
    return removed;
}

}  // namespace consilia::tasks
