#include "pool.hpp"

#include <algorithm>
#include <utility>

#include "consilia/core/error.hpp"
#include "postgres_connection.hpp"
#include "sqlite_connection.hpp"

namespace consilia::data {

void Database::State::check_process() const {
    if (process_mark() != process) {
        throw core::Unavailable("database.forked",
                                "the database was opened before a fork: open another one in the child");
    }
}

std::unique_ptr<Connection> Database::State::acquire() {
    check_process();
    std::unique_lock lock(mutex);
    const auto has_one = [&] { return !idle.empty() || open_count < options.connections_max; };
    if (!has_one() && !is_free.wait_for(lock, options.busy_timeout, has_one))  // Which would ask the clock.
        throw core::Unavailable("database.pool", "all connections are in use");
    std::unique_ptr<Connection> dead;  // Closed outside the lock.
    if (!idle.empty()) {
        Idle kept = std::move(idle.back());
        idle.pop_back();
        if (is_usable(kept)) return std::move(kept.connection);
        dead = std::move(kept.connection);
    } else {
        ++open_count;
    }
    lock.unlock();
    try {
        return connect();
    } catch (...) {
        forget_one();
        throw;
    }
}

bool Database::State::is_usable(const Idle& kept) const noexcept {
    if (dialect == core::SqlDialect::Sqlite) return true;
    const bool is_fresh = std::chrono::steady_clock::now() - kept.since < options.idle_check_after;
    return is_fresh || kept.connection->is_alive();
}

std::unique_ptr<Connection> Database::State::connect() const {
    if (dialect == core::SqlDialect::PostgreSql) return std::make_unique<PostgresConnection>(source, options);
    return std::make_unique<SqliteConnection>(source, options);
}

void Database::State::forget_one() noexcept {
    const std::lock_guard lock(mutex);
    --open_count;
    is_free.notify_one();
}

void Database::State::release(std::unique_ptr<Connection> connection) noexcept {
    if (process_mark() != process) {
        // Closing an inherited handle would drop the parent's file locks, or end its server connection.
        (void)connection.release();
        return;
    }
    if (!connection->is_clean()) {
        connection.reset();
        forget_one();
        return;
    }
    Idle kept{std::move(connection), {}};
    if (dialect == core::SqlDialect::PostgreSql) kept.since = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(kept));  // Room was reserved when the database was opened.
    is_free.notify_one();
}

void Database::State::enter_writer() {
    std::unique_lock lock(mutex);
    if (!writer_is_gone.wait_for(lock, options.busy_timeout, [&] { return !has_writer; })) {
        throw core::Unavailable("database.busy", "another writer holds the database");
    }
    has_writer = true;
}

void Database::State::leave_writer() noexcept {
    if (process_mark() != process) return;
    const std::lock_guard lock(mutex);
    has_writer = false;
    writer_is_gone.notify_one();
}

void Database::State::tell(const StatementEvent& event) {
    std::vector<std::shared_ptr<const Watch>> now;
    {
        const std::lock_guard lock(mutex);
        now = watches;
    }
    for (const auto& watch : now) (*watch)(event);
}

Session::Lease::Lease(std::shared_ptr<Database::State> pool)
    : pool_(std::move(pool)), connection_(pool_->acquire()) {}

Session::Lease::~Lease() {
    pool_->release(std::move(connection_));
    leave_writer();
}

Connection& Session::Lease::connection() const {
    Connection& connection = failed_connection();
    if (kind_ != SessionKind::Autocommit && !connection.is_in_transaction()) {
        // After a full disk, for one. What followed would commit by itself, without what came before.
        throw core::StorageError("database.rolled_back", "the database has rolled the transaction back");
    }
    return connection;
}

Connection& Session::Lease::failed_connection() const {
    pool_->check_process();
    if (!is_open) throw core::InvalidArgument("database.transaction", "the transaction has ended already");
    return *connection_;
}

void Session::Lease::begin(SessionKind as, Isolation isolation) {
    if (as == SessionKind::Transaction && pool_->dialect == core::SqlDialect::Sqlite) {
        pool_->enter_writer();
        is_writer_ = true;  // From here on the destructor leaves.
    }
    connection_->begin(as, isolation);
    kind_ = as;
}

void Session::Lease::commit() {
    connection().command("COMMIT");
    is_open = false;
    leave_writer();
}

void Session::Lease::rollback() {
    failed_connection().command("ROLLBACK");
    is_open = false;
    leave_writer();
}

void Session::Lease::leave_writer() noexcept {
    if (std::exchange(is_writer_, false)) pool_->leave_writer();
}

StatementWatch::StatementWatch(std::shared_ptr<Database::State> database,
                               std::shared_ptr<const Action> action) noexcept
    : database_(std::move(database)), action_(std::move(action)) {}

StatementWatch::~StatementWatch() {
    if (database_ == nullptr || process_mark() != database_->process) return;
    const std::lock_guard lock(database_->mutex);
    std::erase(database_->watches, action_);
    database_->is_watched = !database_->watches.empty();
}

}  // namespace consilia::data
