#include "consilia/data/database.hpp"

#include <SQLiteCpp/Exception.h>

#include <algorithm>
#include <utility>

#include "connection.hpp"
#include "consilia/core/error.hpp"

namespace consilia::data {
namespace {

constexpr std::size_t kReservedMax = std::size_t{1}
                                     << 16;  // Cells, or bytes, that a result has room for at once.

void bind_all(sqlite3_stmt* statement, std::span<const core::Value> values) {
    if (static_cast<int>(values.size()) != sqlite3_bind_parameter_count(statement)) {
        throw core::InvalidArgument("database.bindings", "the statement wants another number of values",
                                    {{"wanted", sqlite3_bind_parameter_count(statement)},
                                     {"given", static_cast<std::int64_t>(values.size())}});
    }
    CellWriter to(statement);
    for (std::size_t i = 0; i < values.size(); ++i) to.value(static_cast<int>(i), values[i]);
}

std::string_view column_bytes(sqlite3_stmt* statement, int column, bool is_text) {
    const void* data = is_text ? static_cast<const void*>(sqlite3_column_text(statement, column))
                               : sqlite3_column_blob(statement, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
    return {size == 0 ? "" : static_cast<const char*>(data), size};
}

/// Copies a cell as it is stored, under the declared type where it fits what is stored.
void append_cell(RowSet& rows, sqlite3_stmt* statement, int column, core::ValueType declared) {
    using core::ValueType;
    switch (sqlite3_column_type(statement, column)) {
        case SQLITE_NULL:
            rows.append_null();
            return;
        case SQLITE_INTEGER: {
            const std::int64_t number = sqlite3_column_int64(statement, column);
            if (declared == ValueType::Double) {
                rows.append_double(static_cast<double>(number));
            } else {
                const bool is_integral = declared == ValueType::Bool || declared == ValueType::Timestamp;
                rows.append_int64(is_integral ? declared : ValueType::Int64, number);
            }
            return;
        }
        case SQLITE_FLOAT:
            rows.append_double(sqlite3_column_double(statement, column));
            return;
        case SQLITE_TEXT: {
            const bool is_textual = declared == ValueType::Json || declared == ValueType::Date;
            rows.append_bytes(is_textual ? declared : ValueType::Text, column_bytes(statement, column, true));
            return;
        }
        default:
            rows.append_bytes(declared == ValueType::Uuid ? declared : ValueType::Blob,
                              column_bytes(statement, column, false));
    }
}

std::string path_of(std::string_view url) {
    constexpr std::string_view kScheme = "sqlite:";
    if (!url.starts_with(kScheme) || url.size() == kScheme.size()) {
        throw core::InvalidArgument("database.url", "the database's URL must be `sqlite:` and a path");
    }
    return std::string(url.substr(kScheme.size()));
}

}  // namespace

void Database::State::check_process() const {
    if (process_mark() != process) {
        throw core::Unavailable("database.forked",
                                "the database was opened before a fork: open another one in the child");
    }
}

std::unique_ptr<Connection> Database::State::acquire() {
    check_process();
    std::unique_lock lock(mutex);
    const bool in_time = is_free.wait_for(
        lock, options.busy_timeout, [&] { return !idle.empty() || open_count < options.connections_max; });
    if (!in_time) throw core::Unavailable("database.pool", "all connections are in use");
    if (!idle.empty()) {
        auto connection = std::move(idle.back());
        idle.pop_back();
        return connection;
    }
    ++open_count;
    lock.unlock();
    try {
        return std::make_unique<Connection>(path, options);
    } catch (const SQLite::Exception& error) {
        const std::lock_guard relock(mutex);
        --open_count;
        is_free.notify_one();
        throw core::StorageError("database.open",
                                 std::string("the database cannot be opened: ") + error.what());
    } catch (...) {
        const std::lock_guard relock(mutex);
        --open_count;
        is_free.notify_one();
        throw;
    }
}

void Database::State::release(std::unique_ptr<Connection> connection) noexcept {
    if (process_mark() != process) {
        (void)connection.release();  // Closing an inherited handle would drop the parent's file locks.
        return;
    }
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(connection));  // Room was reserved when the database was opened.
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

Session::Lease::Lease(std::shared_ptr<Database::State> pool)
    : pool_(std::move(pool)), connection_(pool_->acquire()) {}

Session::Lease::~Lease() {
    pool_->release(std::move(connection_));
    leave_writer();
}

Connection& Session::Lease::connection() const {
    pool_->check_process();
    if (kind == Kind::Autocommit) return *connection_;
    if (!is_open) throw core::InvalidArgument("database.transaction", "the transaction has ended already");
    if (sqlite3_get_autocommit(connection_->handle()) != 0) {
        // After a full disk, for one. What followed would commit by itself, without what came before.
        throw core::StorageError("database.rolled_back", "the database has rolled the transaction back");
    }
    return *connection_;
}

void Session::Lease::begin(Kind as) {
    if (as == Kind::Transaction) {
        pool_->enter_writer();
        is_writer_ = true;  // From here on the destructor leaves.
    }
    connection_->run(as == Kind::Transaction ? "BEGIN IMMEDIATE" : "BEGIN");
    kind = as;
}

void Session::Lease::end(std::string_view sql) {
    connection().run(sql);
    is_open = false;
    leave_writer();
}

void Session::Lease::leave_writer() noexcept {
    if (std::exchange(is_writer_, false)) pool_->leave_writer();
}

Session::Session(std::unique_ptr<Lease> lease) : lease_(std::move(lease)) {}
Session::Session(Session&&) noexcept = default;
Session::~Session() = default;

Connection& Session::connection() const {
    return lease_->connection();
}

/// The statement of a text, if this session may run it.
CachedStatement& Session::prepare(std::string_view sql) const {
    CachedStatement& statement = connection().prepare(sql);
    if (lease_->kind == Lease::Kind::ReadScope && sqlite3_stmt_readonly(statement.handle) == 0) {
        throw core::InvalidArgument("database.read_scope", "a read scope only reads");
    }
    return statement;
}

RowSet Session::query(std::string_view sql, std::span<const core::Value> values,
                      std::vector<RowColumn> columns) const {
    return query(sql, values, std::make_shared<const std::vector<RowColumn>>(std::move(columns)));
}

RowSet Session::query(std::string_view sql, std::span<const core::Value> values,
                      std::shared_ptr<const std::vector<RowColumn>> columns) const {
    const Statement statement(prepare(sql));
    bind_all(statement.get(), values);
    const int column_count = sqlite3_column_count(statement.get());
    if (columns->empty()) {
        std::vector<RowColumn> named;
        for (int i = 0; i < column_count; ++i) named.push_back({sqlite3_column_name(statement.get(), i), {}});
        columns = std::make_shared<const std::vector<RowColumn>>(std::move(named));
    }
    if (static_cast<int>(columns->size()) != column_count) {
        throw core::InvalidArgument("database.columns", "the statement gives another number of columns");
    }
    RowSet rows(columns);
    rows.reserve(statement.cached().cells, statement.cached().bytes);
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
        for (int i = 0; i < column_count; ++i) {
            append_cell(rows, statement.get(), i, (*columns)[static_cast<std::size_t>(i)].type);
        }
    }
    if (code != SQLITE_DONE) throw_sqlite_error(sqlite3_db_handle(statement.get()), code);
    statement.cached().cells = std::min(rows.cell_count(), kReservedMax);
    statement.cached().bytes = std::min(rows.arena_bytes(), kReservedMax);
    return rows;
}

std::int64_t Session::execute(std::string_view sql, std::span<const core::Value> values) const {
    const Statement statement(prepare(sql));
    bind_all(statement.get(), values);
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(statement.get());
    if (code != SQLITE_DONE) throw_sqlite_error(sqlite3_db_handle(statement.get()), code);
    return sqlite3_changes64(sqlite3_db_handle(statement.get()));
}

std::int64_t Session::run(std::string_view sql, BindCells bind, ReadCells read) const {
    const Statement statement(prepare(sql));
    if (bind) {
        CellWriter to(statement.get());
        bind(to);
    }
    const CellReader row(statement.get());
    std::int64_t count = 0;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
        if (read) read(row);
        ++count;
    }
    if (code != SQLITE_DONE) throw_sqlite_error(sqlite3_db_handle(statement.get()), code);
    const bool gives_rows = sqlite3_column_count(statement.get()) != 0;
    return gives_rows ? count : sqlite3_changes64(sqlite3_db_handle(statement.get()));
}

bool Session::run_first(std::string_view sql, BindCells bind, ReadCells read) const {
    const Statement statement(prepare(sql));
    if (bind) {
        CellWriter to(statement.get());
        bind(to);
    }
    const int code = sqlite3_step(statement.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        throw_sqlite_error(sqlite3_db_handle(statement.get()), code);
    if (code == SQLITE_ROW && read) read(CellReader(statement.get()));
    return code == SQLITE_ROW;
}

std::int64_t Session::last_insert_id() const {
    return sqlite3_last_insert_rowid(connection().handle());
}

Transaction::Transaction(std::unique_ptr<Lease> lease) : Session(std::move(lease)) {
    lease_->begin(Lease::Kind::Transaction);
}

Transaction::~Transaction() {
    rollback();
}

void Transaction::commit() {
    lease_->end("COMMIT");
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

void Transaction::savepoint(const std::function<void()>& body) {
    const std::string name = "sp" + std::to_string(++savepoints_);
    const std::size_t actions = on_commit_.size();
    connection().run("SAVEPOINT " + name);
    try {
        body();
    } catch (...) {
        --savepoints_;
        on_commit_.resize(actions);
        undo_savepoint(name);
        throw;
    }
    --savepoints_;
    connection().run("RELEASE " + name);
}

void Transaction::undo_savepoint(const std::string& name) const noexcept {
    try {
        connection().run("ROLLBACK TO " + name);
        connection().run("RELEASE " + name);
    } catch (const std::exception&) {
        // The whole transaction is gone, and every further statement says so; what `body` threw is the
        // reason.
        return;
    }
}

ReadScope::ReadScope(std::unique_ptr<Lease> lease) : Session(std::move(lease)) {
    lease_->begin(Lease::Kind::ReadScope);
}

ReadScope::~ReadScope() {
    end_quietly();
}

Autocommit::Autocommit(std::unique_ptr<Lease> lease) : Session(std::move(lease)) {}

void Session::end_quietly() noexcept {
    if (!lease_ || !lease_->is_open) return;
    try {
        lease_->end("ROLLBACK");
    } catch (const std::exception&) {
        // Either the database has rolled back already, or this is a forked child and the transaction is the
        // parent's.
        lease_->is_open = false;
    }
}

Database::Database(std::string_view url, DatabaseOptions options) : state_(std::make_shared<State>()) {
    check_one_sqlite();
    state_->path = path_of(url);
    state_->options = options;
    if (state_->path == ":memory:") state_->options.connections_max = 1;
    if (options.connections_max == 0 || options.statements_max < 2) {
        throw core::InvalidArgument("database.options", "a database needs a connection and two statements");
    }
    state_->idle.reserve(state_->options.connections_max);
    state_->release(state_->acquire());  // Fails now rather than at the first query.
}

Database::~Database() {
    if (process_mark() == state_->process) return;
    for (auto& connection : state_->idle) (void)connection.release();
}

Transaction Database::begin() {
    return Transaction(std::make_unique<Session::Lease>(state_));
}
ReadScope Database::read() {
    return ReadScope(std::make_unique<Session::Lease>(state_));
}
Autocommit Database::autocommit() {
    return Autocommit(std::make_unique<Session::Lease>(state_));
}

RowSet Database::query(std::string_view sql, std::span<const core::Value> values,
                       std::vector<RowColumn> columns) {
    return autocommit().query(sql, values, std::move(columns));
}

std::int64_t Database::execute(std::string_view sql, std::span<const core::Value> values) {
    return autocommit().execute(sql, values);
}

}  // namespace consilia::data
