#include "consilia/data/database.hpp"

#include <SQLiteCpp/Exception.h>

#include <array>

#include "connection.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"

namespace consilia::data {
namespace {

/// Binds without a copy: the values outlive the statement's run.
void bind(sqlite3* handle, sqlite3_stmt* statement, int index, const core::Value& value) {
    const auto bind_text = [&](std::string_view text) {
        return sqlite3_bind_text64(statement, index, text.data() == nullptr ? "" : text.data(), text.size(),
                                   SQLITE_STATIC, SQLITE_UTF8);
    };
    int code = SQLITE_OK;
    switch (value.type()) {
        case core::ValueType::Null: code = sqlite3_bind_null(statement, index); break;
        case core::ValueType::Bool: code = sqlite3_bind_int64(statement, index, value.as<bool>() ? 1 : 0); break;
        case core::ValueType::Int64: code = sqlite3_bind_int64(statement, index, value.as<std::int64_t>()); break;
        case core::ValueType::Double: code = sqlite3_bind_double(statement, index, value.as<double>()); break;
        case core::ValueType::Text: code = bind_text(value.as<std::string>()); break;
        case core::ValueType::Json: code = bind_text(value.as<core::Json>().text); break;
        case core::ValueType::Date: {
            const std::string day = core::to_iso8601(value.as<core::Date>());
            code = sqlite3_bind_text(statement, index, day.data(), static_cast<int>(day.size()), SQLITE_TRANSIENT);
            break;
        }
        case core::ValueType::Timestamp:
            code = sqlite3_bind_int64(statement, index, value.as<core::Timestamp>().microseconds);
            break;
        case core::ValueType::Uuid: {
            const auto& bytes = value.as<core::Uuid>().bytes;
            code = sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_STATIC);
            break;
        }
        case core::ValueType::Blob: {
            const auto& bytes = value.as<core::Blob>().bytes;
            code = bytes.empty() ? sqlite3_bind_zeroblob(statement, index, 0)
                                 : sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_STATIC);
            break;
        }
    }
    if (code != SQLITE_OK) throw_sqlite_error(handle, code);
}

void bind_all(sqlite3* handle, sqlite3_stmt* statement, std::span<const core::Value> values) {
    if (static_cast<int>(values.size()) != sqlite3_bind_parameter_count(statement)) {
        throw core::InvalidArgument("database.bindings", "the statement wants another number of values",
                                    {{"wanted", sqlite3_bind_parameter_count(statement)},
                                     {"given", static_cast<std::int64_t>(values.size())}});
    }
    for (std::size_t i = 0; i < values.size(); ++i) bind(handle, statement, static_cast<int>(i) + 1, values[i]);
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
        case SQLITE_NULL: rows.append_null(); return;
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
        case SQLITE_FLOAT: rows.append_double(sqlite3_column_double(statement, column)); return;
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
    if (::getpid() != owner) {
        throw core::Unavailable("database.forked",
                                "the database was opened before a fork: open another one in the child");
    }
}

std::unique_ptr<Connection> Database::State::acquire() {
    check_process();
    std::unique_lock lock(mutex);
    const bool in_time = is_free.wait_for(lock, options.busy_timeout,
                                          [&] { return !idle.empty() || open_count < options.connections_max; });
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
        throw core::StorageError("database.open", std::string("the database cannot be opened: ") + error.what());
    } catch (...) {
        const std::lock_guard relock(mutex);
        --open_count;
        is_free.notify_one();
        throw;
    }
}

void Database::State::release(std::unique_ptr<Connection> connection) noexcept {
    if (::getpid() != owner) {
        (void)connection.release();  // Closing an inherited handle would drop the parent's file locks.
        return;
    }
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(connection));  // Room was reserved when the database was opened.
    is_free.notify_one();
}

Session::Lease::Lease(std::shared_ptr<Database::State> pool) : pool_(std::move(pool)), connection_(pool_->acquire()) {}

Session::Lease::~Lease() { pool_->release(std::move(connection_)); }

Connection& Session::Lease::connection() const {
    pool_->check_process();
    return *connection_;
}

Session::Session(std::unique_ptr<Lease> lease) : lease_(std::move(lease)) {}
Session::Session(Session&&) noexcept = default;
Session::~Session() = default;

Connection& Session::connection() const { return lease_->connection(); }

RowSet Session::query(std::string_view sql, std::span<const core::Value> values,
                      std::vector<RowColumn> columns) const {
    Connection& on = connection();
    const Statement statement(on.prepare(sql));
    bind_all(on.handle(), statement.get(), values);
    const int column_count = sqlite3_column_count(statement.get());
    if (columns.empty()) {
        for (int i = 0; i < column_count; ++i) columns.push_back({sqlite3_column_name(statement.get(), i), {}});
    }
    if (static_cast<int>(columns.size()) != column_count) {
        throw core::InvalidArgument("database.columns", "the statement gives another number of columns");
    }
    RowSet rows(std::move(columns));
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
        for (int i = 0; i < column_count; ++i) {
            append_cell(rows, statement.get(), i, rows.columns()[static_cast<std::size_t>(i)].type);
        }
    }
    if (code != SQLITE_DONE) throw_sqlite_error(on.handle(), code);
    return rows;
}

std::int64_t Session::execute(std::string_view sql, std::span<const core::Value> values) const {
    Connection& on = connection();
    const Statement statement(on.prepare(sql));
    bind_all(on.handle(), statement.get(), values);
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(statement.get());
    if (code != SQLITE_DONE) throw_sqlite_error(on.handle(), code);
    return sqlite3_changes64(on.handle());
}

std::int64_t Session::last_insert_id() const { return sqlite3_last_insert_rowid(connection().handle()); }

Transaction::Transaction(std::unique_ptr<Lease> lease) : Session(std::move(lease)) {
    connection().run("BEGIN IMMEDIATE");
    lease_->is_in_transaction = true;
}

Transaction::~Transaction() { rollback(); }

void Transaction::commit() {
    if (!lease_->is_in_transaction) {
        throw core::InvalidArgument("database.transaction", "the transaction has ended already");
    }
    connection().run("COMMIT");
    lease_->is_in_transaction = false;
    for (auto& action : std::exchange(on_commit_, {})) action();
}

void Transaction::rollback() noexcept {
    if (!lease_ || !lease_->is_in_transaction) return;
    lease_->is_in_transaction = false;
    on_commit_.clear();
    try {
        // A failed statement may have rolled everything back already; then there is nothing to do.
        if (sqlite3_get_autocommit(connection().handle()) == 0) connection().run("ROLLBACK");
    } catch (const core::Error&) {
        return;  // In a forked child the parent's transaction is not ours to end.
    }
}

void Transaction::on_commit(std::function<void()> action) { on_commit_.push_back(std::move(action)); }

void Transaction::savepoint(const std::function<void()>& body) {
    const std::string name = "sp" + std::to_string(++savepoints_);
    const std::size_t actions = on_commit_.size();
    connection().run(("SAVEPOINT " + name).c_str());
    try {
        body();
    } catch (...) {
        --savepoints_;
        on_commit_.resize(actions);
        connection().run(("ROLLBACK TO " + name + "; RELEASE " + name).c_str());
        throw;
    }
    --savepoints_;
    connection().run(("RELEASE " + name).c_str());
}

ReadScope::ReadScope(std::unique_ptr<Lease> lease) : Session(std::move(lease)) { connection().run("BEGIN"); }

ReadScope::~ReadScope() {
    if (!lease_) return;
    try {
        if (sqlite3_get_autocommit(connection().handle()) == 0) connection().run("ROLLBACK");
    } catch (const core::Error&) {
        return;  // As for a transaction.
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
    if (::getpid() == state_->owner) return;
    for (auto& connection : state_->idle) (void)connection.release();
}

Transaction Database::begin() { return Transaction(std::make_unique<Session::Lease>(state_)); }
ReadScope Database::read() { return ReadScope(std::make_unique<Session::Lease>(state_)); }

}  // namespace consilia::data
