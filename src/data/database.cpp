#include "consilia/data/database.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "actor.hpp"
#include "connection.hpp"
#include "consilia/core/error.hpp"
#include "consilia/data/statement_watch.hpp"
#include "pool.hpp"
#include "postgres_connection.hpp"
#include "sqlite_connection.hpp"

namespace consilia::data {
namespace {

thread_local const StatementLabel* innermost_label = nullptr;

bool may_succeed_later(const core::Error& error) {
    return error.code() == "database.serialization" || error.code() == "database.busy";
}

/// Doubled with each attempt, less a random part of up to the half.
std::chrono::microseconds wait_before(int attempt, const RetryOptions& options) {
    thread_local std::minstd_rand random{std::random_device{}()};
    using std::chrono::microseconds;
    const std::int64_t least = microseconds(options.wait_min).count();
    const std::int64_t most = microseconds(options.wait_max).count();
    const std::int64_t wait = std::min(most, least << std::min(attempt, 20));
    return microseconds(wait - std::uniform_int_distribution<std::int64_t>(0, wait / 2)(random));
}

/// Of the savepoint that has so many around it.
std::string savepoint_name(std::size_t around) {
    return "sp" + std::to_string(around + 1);
}

}  // namespace

StatementLabel::StatementLabel(std::string_view name, const std::source_location& where) noexcept
    : name_(name), where_(where), outer_(std::exchange(innermost_label, this)) {}

StatementLabel::~StatementLabel() {
    innermost_label = outer_;
}

const StatementLabel* StatementLabel::current() noexcept {
    return innermost_label;
}

Session::Session(std::unique_ptr<Lease> lease) : lease_(std::move(lease)) {}
Session::Session(Session&&) noexcept = default;
Session::~Session() = default;

Connection& Session::connection() const {
    return lease_->connection();
}

core::SqlDialect Session::dialect() const noexcept {
    return lease_->pool().dialect;
}

/// Runs a statement and tells the watches of it.
template <class F>
auto Session::watched(std::string_view sql, const F& body) const {
    Connection& on = connection();
    Database::State& pool = lease_->pool();
    if (!pool.is_watched.load(std::memory_order_relaxed)) [[likely]]
        return body(on);
    const auto start = std::chrono::steady_clock::now();
    StatementEvent event{.sql = sql, .label = StatementLabel::current()};
    std::optional<std::invoke_result_t<const F&, Connection&>> result;
    try {
        result.emplace(body(on));
    } catch (const core::Error& error) {
        event.duration = std::chrono::steady_clock::now() - start;
        event.error = &error;
        pool.tell(event);
        throw;
    }
    event.duration = std::chrono::steady_clock::now() - start;
    if constexpr (std::is_same_v<std::invoke_result_t<const F&, Connection&>, RowSet>) {
        event.rows = static_cast<std::int64_t>(result->size());
    } else {
        event.rows = *result;
    }
    pool.tell(event);
    return *std::move(result);
}

RowSet Session::query(std::string_view sql, std::span<const core::Value> values,
                      std::vector<RowColumn> columns) const {
    return query(sql, values, std::make_shared<const std::vector<RowColumn>>(std::move(columns)));
}

RowSet Session::query(std::string_view sql, std::span<const core::Value> values,
                      std::shared_ptr<const std::vector<RowColumn>> columns) const {
    return watched(sql, [&](Connection& on) { return on.query(sql, values, std::move(columns)); });
}

std::vector<RowSet> Session::query_all(std::span<const Statement> statements) const {
    if (statements.empty()) return {};
    Connection& on = connection();
    Database::State& pool = lease_->pool();
    const auto start = std::chrono::steady_clock::now();
    std::vector<RowSet> results = on.query_all(statements);
    if (!pool.is_watched.load(std::memory_order_relaxed)) [[likely]]
        return results;
    // They ran together: each is told with its part of the time.
    StatementEvent event{.sql = {}, .label = StatementLabel::current()};
    event.duration = (std::chrono::steady_clock::now() - start) / statements.size();
    for (std::size_t i = 0; i < statements.size(); ++i) {
        event.sql = statements[i].sql;
        event.rows = static_cast<std::int64_t>(results[i].size());
        pool.tell(event);
    }
    return results;
}

std::int64_t Session::execute(std::string_view sql, std::span<const core::Value> values) const {
    return watched(sql, [&](Connection& on) { return on.execute(sql, values); });
}

std::int64_t Session::run(std::string_view sql, BindCells bind, ReadCells read) const {
    return watched(sql, [&](Connection& on) { return on.run(sql, bind, read); });
}

bool Session::run_first(std::string_view sql, BindCells bind, ReadCells read) const {
    return watched(sql, [&](Connection& on) { return std::int64_t{on.run_first(sql, bind, read)}; }) != 0;
}

std::int64_t Session::run_many(std::string_view sql, NextRow next, ReadCells read) const {
    return watched(sql, [&](Connection& on) { return on.run_many(sql, next, read); });
}

std::int64_t Session::copy_in(std::string_view table, std::span<const std::string_view> columns,
                              NextRow next) const {
    return watched("COPY " + std::string(table),
                   [&](Connection& on) { return on.copy_in(table, columns, next); });
}

std::int64_t Session::last_insert_id() const {
    return connection().last_insert_id();
}

std::optional<std::int64_t> Session::actor() const noexcept {
    return lease_->actor;
}

Transaction::Transaction(std::unique_ptr<Lease> lease, const TransactionOptions& options)
    : Session(std::move(lease)) {
    lease_->begin(SessionKind::Transaction, options.isolation);
}

Transaction::~Transaction() {
    rollback();
}

void Transaction::commit() {
    forget_actor();
    lease_->commit();
    for (auto& action : std::exchange(on_commit_, {})) action();
}

void Transaction::rollback() noexcept {
    if (!lease_ || !lease_->is_open) return;
    on_commit_.clear();
    end_quietly();
}

void Transaction::on_commit(std::function<void()> action) {
    (void)connection();  // Refuses an ended transaction: the action would never run.
    on_commit_.push_back(std::move(action));
}

void Transaction::act_as(std::int64_t actor) {
    set_actor(*this, actor);
    lease_->actor = actor;
}

/// SQLite holds the actor in a row, which no later transaction may find.
void Transaction::forget_actor() const {
    if (lease_->actor && dialect() == core::SqlDialect::Sqlite) set_actor(*this, std::nullopt);
}

void Transaction::savepoint(const std::function<void()>& body) {
    begin_savepoint();
    try {
        body();
    } catch (...) {
        undo_savepoint();
        throw;
    }
    release_savepoint();
}

void Transaction::begin_savepoint() {
    connection().command("SAVEPOINT " + savepoint_name(savepoints_.size()));
    savepoints_.push_back({on_commit_.size(), actor()});
}

void Transaction::release_savepoint() {
    (void)end_savepoint();
    connection().command("RELEASE " + savepoint_name(savepoints_.size()));
}

void Transaction::undo_savepoint() {
    const Savepoint ended = end_savepoint();
    const std::string name = savepoint_name(savepoints_.size());
    on_commit_.resize(std::min(ended.actions, on_commit_.size()));
    lease_->actor = ended.actor;
    try {
        lease_->failed_connection().command("ROLLBACK TO " + name);
        connection().command("RELEASE " + name);
    } catch (const std::exception&) {
        // The whole transaction is gone, and every further statement says so; what went wrong inside is the
        // reason.
        return;
    }
}

Transaction::Savepoint Transaction::end_savepoint() {
    if (savepoints_.empty())
        throw core::InvalidArgument("database.transaction", "the transaction has no open savepoint");
    const Savepoint ended = savepoints_.back();
    savepoints_.pop_back();
    return ended;
}

ReadScope::ReadScope(std::unique_ptr<Lease> lease) : Session(std::move(lease)) {
    lease_->begin(SessionKind::ReadScope);
}

ReadScope::~ReadScope() {
    end_quietly();
}

Autocommit::Autocommit(std::unique_ptr<Lease> lease) : Session(std::move(lease)) {}

void Session::end_quietly() noexcept {
    if (!lease_ || !lease_->is_open) return;
    try {
        lease_->rollback();
    } catch (const std::exception&) {
        // Either the database has rolled back already, or this is a forked child and the transaction is the
        // parent's.
        lease_->is_open = false;
    }
}

Database::Database(std::string_view url, DatabaseOptions options) : state_(std::make_shared<State>()) {
    if (options.connections_max == 0 || options.statements_max < 2) {
        throw core::InvalidArgument("database.options", "a database needs a connection and two statements");
    }
    state_->options = options;
    constexpr std::string_view kSqlite = "sqlite:";
    if (url.starts_with(kSqlite) && url.size() > kSqlite.size()) {
        check_one_sqlite();
        state_->source = url.substr(kSqlite.size());
        if (state_->source == ":memory:") state_->options.connections_max = 1;
    } else if (is_postgres_url(url)) {
        state_->source = url;
        state_->dialect = core::SqlDialect::PostgreSql;
    } else {
        throw core::InvalidArgument("database.url",
                                    "the database's URL must be `sqlite:` and a path, or `postgresql://` and "
                                    "what libpq understands");
    }
    state_->idle.reserve(state_->options.connections_max);
    state_->release(state_->acquire());  // Fails now rather than at the first query.
}

Database::~Database() {
    if (process_mark() == state_->process) return;
    for (auto& kept : state_->idle) (void)kept.connection.release();
}

core::SqlDialect Database::dialect() const noexcept {
    return state_->dialect;
}

Transaction Database::begin(const TransactionOptions& options) {
    return {std::make_unique<Session::Lease>(state_), options};
}
ReadScope Database::read() {
    return ReadScope(std::make_unique<Session::Lease>(state_));
}
Autocommit Database::autocommit() {
    return Autocommit(std::make_unique<Session::Lease>(state_));
}

void Database::run_transaction(const std::function<void(Transaction&)>& body, const RetryOptions& options) {
    for (int attempt = 1;; ++attempt) {
        std::vector<std::function<void()>> on_commit;
        try {
            Transaction transaction = begin({.isolation = options.isolation});
            body(transaction);
            transaction.lease_->commit();
            on_commit = std::move(transaction.on_commit_);
        } catch (const core::Unavailable& error) {
            if (attempt >= options.attempts_max || !may_succeed_later(error)) throw;
            std::this_thread::sleep_for(wait_before(attempt - 1, options));
            continue;
        }
        for (auto& action : on_commit) action();  // What they throw is no reason to write again.
        return;
    }
}

StatementWatch Database::on_statement(std::function<void(const StatementEvent&)> action) {
    auto shared = std::make_shared<const State::Watch>(std::move(action));
    const std::lock_guard lock(state_->mutex);
    state_->watches.push_back(shared);
    state_->is_watched = true;
    return {state_, std::move(shared)};
}

RowSet Database::query(std::string_view sql, std::span<const core::Value> values,
                       std::vector<RowColumn> columns) {
    return autocommit().query(sql, values, std::move(columns));
}

std::int64_t Database::execute(std::string_view sql, std::span<const core::Value> values) {
    return autocommit().execute(sql, values);
}

}  // namespace consilia::data
