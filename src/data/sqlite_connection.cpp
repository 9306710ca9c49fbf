#include "sqlite_connection.hpp"

#include <SQLiteCpp/Exception.h>

#include <algorithm>
#include <thread>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "sqlite_cells.hpp"
#include "sqlite_functions.hpp"

namespace consilia::data {
namespace {

void bind_all(sqlite3_stmt* statement, std::span<const core::Value> values) {
    check_value_count(static_cast<std::size_t>(sqlite3_bind_parameter_count(statement)), values.size());
    CellWriter to(statement, core::SqlDialect::Sqlite);
    for (std::size_t i = 0; i < values.size(); ++i) to.value(static_cast<int>(i), values[i]);
}

/// Copies a cell as it is stored, under the declared type where it fits what is stored.
void append_cell(RowSet& rows, sqlite3_stmt* statement, int column, core::ValueType declared) {
    using core::ValueType;
    sqlite3_value* const cell = sqlite3_column_value(statement, column);
    switch (sqlite3_value_type(cell)) {
        case SQLITE_NULL:
            rows.append_null();
            return;
        case SQLITE_INTEGER: {
            const std::int64_t number = sqlite3_value_int64(cell);
            if (declared == ValueType::Double) {
                rows.append_double(static_cast<double>(number));
            } else {
                const bool is_integral = declared == ValueType::Bool || declared == ValueType::Timestamp;
                rows.append_int64(is_integral ? declared : ValueType::Int64, number);
            }
            return;
        }
        case SQLITE_FLOAT:
            rows.append_double(sqlite3_value_double(cell));
            return;
        case SQLITE_TEXT: {
            const bool is_textual = declared == ValueType::Json || declared == ValueType::Date;
            rows.append_bytes(is_textual ? declared : ValueType::Text, sqlite_text(cell));
            return;
        }
        default:
            rows.append_bytes(declared == ValueType::Uuid ? declared : ValueType::Blob, sqlite_bytes(cell));
    }
}

SQLite::Database open(const std::string& path) {
    try {
        return {path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX};
    } catch (const SQLite::Exception& error) {
        throw core::StorageError("database.open",
                                 std::string("the database cannot be opened: ") + error.what());
    }
}

}  // namespace

/// A statement while it is in use; reset and without values when destroyed.
class SqliteConnection::Running {
public:
    explicit Running(SqliteStatement& statement) noexcept : statement_(statement) {
        statement_.is_in_use = true;
    }
    ~Running() {
        sqlite3_reset(get());
        sqlite3_clear_bindings(get());  // They point at borrowed memory.
        statement_.is_in_use = false;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    [[nodiscard]] sqlite3_stmt* get() const noexcept { return statement_.handle.get(); }
    [[nodiscard]] SqliteStatement& statement() const noexcept { return statement_; }

    void bind(BindCells bind) const {
        if (!bind) return;
        CellWriter to(get(), core::SqlDialect::Sqlite);
        bind(to);
    }
    /// Moves on to the next row. @return whether there is one.
    [[nodiscard]] bool step() const {
        const int code = sqlite3_step(get());
        if (code == SQLITE_ROW) return true;
        if (code != SQLITE_DONE) throw_sqlite_error(sqlite3_db_handle(get()), code);
        return false;
    }

private:
    SqliteStatement& statement_;
};

SqliteConnection::SqliteConnection(const std::string& path, const DatabaseOptions& options)
    : Connection(core::SqlDialect::Sqlite),
      database_(open(path)),
      busy_timeout_(options.busy_timeout),
      statements_(options.statements_max) {
    sqlite3_extended_result_codes(handle(), 1);
    sqlite3_busy_handler(handle(), wait_for_writer, this);
    set_up("PRAGMA journal_mode = WAL");
    set_up("PRAGMA synchronous = FULL");  // What was acknowledged survives a power cut.
    set_up("PRAGMA foreign_keys = ON");
    set_up("PRAGMA case_sensitive_like = ON");  // As expressions have it.
    set_up("PRAGMA recursive_triggers = ON");   // What REPLACE displaces is seen by histories.
    set_up("PRAGMA temp_store = MEMORY");
    // Triggers write full-text indexes and checks call JSON functions, which an untrusted schema may not. Our
    // own functions are for statements alone (SQLITE_DIRECTONLY): a file from elsewhere runs none of them.
    set_up("PRAGMA trusted_schema = ON");
    add_functions(handle());
}

// Writers that follow one another closely leave the file free for microseconds. SQLite's own handler soon
// looks every 100 ms only, and of 8 busy processes some then never meet such a moment within 10 s (measured).
int SqliteConnection::wait_for_writer(void* connection, int looks) noexcept {
    constexpr std::chrono::microseconds kPauseMin{100};
    constexpr int kDoublingsMax = 4;
    auto& self = *static_cast<SqliteConnection*>(connection);
    const auto now = std::chrono::steady_clock::now();
    if (looks == 0) self.waits_since_ = now;
    if (now - self.waits_since_ >= self.busy_timeout_) return 0;
    std::this_thread::sleep_for(kPauseMin * (1 << std::min(looks, kDoublingsMax)));
    return 1;
}

void SqliteConnection::set_up(const char* pragma) {
    const int code = sqlite3_exec(handle(), pragma, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) throw_sqlite_error(handle(), code);
}

SqliteStatement& SqliteConnection::prepare(std::string_view sql) {
    if (SqliteStatement* known = statements_.find(sql)) return *known;
    sqlite3_stmt* handle_made = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle_made, &rest);
    SqliteStatement made{.text = std::string(sql)};
    made.handle.reset(handle_made);
    if (code != SQLITE_OK) throw_sqlite_error(handle(), code);
    if (made.handle == nullptr || rest != sql.data() + sql.size()) {
        throw core::InvalidArgument("database.statement", "the text must be one statement");
    }
    return statements_.add(std::move(made));
}

SqliteStatement& SqliteConnection::prepare_allowed(std::string_view sql) {
    SqliteStatement& statement = prepare(sql);
    if (only_reads_ && sqlite3_stmt_readonly(statement.handle.get()) == 0) {
        throw core::InvalidArgument("database.read_scope", "a read scope only reads");
    }
    return statement;
}

RowSet SqliteConnection::query(std::string_view sql, std::span<const core::Value> values,
                               SharedColumns columns) {
    const Running running(prepare_allowed(sql));
    bind_all(running.get(), values);
    const int column_count = sqlite3_column_count(running.get());
    if (columns == nullptr || columns->empty()) {
        std::vector<RowColumn> named;
        for (int i = 0; i < column_count; ++i) named.push_back({sqlite3_column_name(running.get(), i), {}});
        columns = std::make_shared<const std::vector<RowColumn>>(std::move(named));
    }
    if (static_cast<int>(columns->size()) != column_count) {
        throw core::InvalidArgument("database.columns", "the statement gives another number of columns");
    }
    RowSet rows(columns);
    rows.reserve(running.statement().extent);
    while (running.step()) {
        for (int i = 0; i < column_count; ++i) {
            append_cell(rows, running.get(), i, (*columns)[static_cast<std::size_t>(i)].type);
        }
    }
    rows.measure(running.statement().extent);
    return rows;
}

std::vector<RowSet> SqliteConnection::query_all(std::span<const Statement> statements) {
    std::vector<RowSet> results;
    results.reserve(statements.size());
    for (const Statement& statement : statements) {
        results.push_back(query(statement.sql, statement.values, statement.columns));
    }
    return results;
}

std::int64_t SqliteConnection::execute(std::string_view sql, std::span<const core::Value> values) {
    const Running running(prepare_allowed(sql));
    bind_all(running.get(), values);
    while (running.step()) {
    }
    return sqlite3_changes64(handle());
}

std::int64_t SqliteConnection::run(std::string_view sql, BindCells bind, ReadCells read) {
    const Running running(prepare_allowed(sql));
    running.bind(bind);
    const CellReader row(running.get(), core::SqlDialect::Sqlite);
    std::int64_t count = 0;
    for (; running.step(); ++count) {
        if (read) read(row);
    }
    return sqlite3_column_count(running.get()) != 0 ? count : sqlite3_changes64(handle());
}

bool SqliteConnection::run_first(std::string_view sql, BindCells bind, ReadCells read) {
    const Running running(prepare_allowed(sql));
    running.bind(bind);
    const bool is_there = running.step();
    if (is_there && read) read(CellReader(running.get(), core::SqlDialect::Sqlite));
    return is_there;
}

std::int64_t SqliteConnection::copy_in(std::string_view table, std::span<const std::string_view> columns,
                                       NextRow next) {
    return run_many(insert_text(table, columns, dialect), next, nullptr);
}

std::int64_t SqliteConnection::run_many(std::string_view sql, NextRow next, ReadCells read) {
    command("SAVEPOINT run_many");  // All rows or none; outside a transaction it is one.
    std::int64_t count = 0;
    try {
        const Running running(prepare_allowed(sql));
        CellWriter to(running.get(), core::SqlDialect::Sqlite);
        const CellReader row(running.get(), core::SqlDialect::Sqlite);
        const int width = sqlite3_bind_parameter_count(running.get());
        const bool is_tracked = width <= CellWriter::kPlacesTracked;
        const bool gives_rows = sqlite3_column_count(running.get()) != 0;
        while (next(to)) {
            if (is_tracked) to.end_row(width);
            for (; running.step(); ++count) {
                if (read) read(row);
            }
            if (!gives_rows) count += sqlite3_changes64(handle());
            sqlite3_reset(running.get());
            if (!is_tracked) sqlite3_clear_bindings(running.get());
        }
    } catch (...) {
        if (sqlite3_get_autocommit(handle()) == 0) {
            command("ROLLBACK TO run_many");
            command("RELEASE run_many");
        }
        throw;
    }
    command("RELEASE run_many");
    return count;
}

std::int64_t SqliteConnection::last_insert_id() const {
    return sqlite3_last_insert_rowid(handle());
}

void SqliteConnection::begin(SessionKind kind, Isolation) {
    command(kind == SessionKind::Transaction ? "BEGIN IMMEDIATE" : "BEGIN");
    only_reads_ = kind == SessionKind::ReadScope;
}

void SqliteConnection::command(std::string_view sql) {
    const Running running(prepare(sql));
    (void)running.step();
    if (sqlite3_get_autocommit(handle()) != 0) only_reads_ = false;
}

bool SqliteConnection::is_in_transaction() const noexcept {
    return sqlite3_get_autocommit(handle()) == 0;
}

}  // namespace consilia::data
