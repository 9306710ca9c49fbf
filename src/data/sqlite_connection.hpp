#pragma once
// One SQLite connection with its statements.
#include <sqlite3.h>

#include <chrono>
#include <memory>
#include <string>

#include <SQLiteCpp/Database.h>

#include "connection.hpp"
#include "statement_cache.hpp"

namespace consilia::data {

/// A prepared statement, with what its newest result took: the next one is likely alike.
struct SqliteStatement {
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
    };
    std::string text;
    std::unique_ptr<sqlite3_stmt, Finalize> handle = {};
    bool is_in_use = false;
    RowSetExtent extent = {};
};

class SqliteConnection final : public Connection {
public:
    /// `path` may be `:memory:`. @throws StorageError (`database.open`) and as `throw_sqlite_error`.
    SqliteConnection(const std::string& path, const DatabaseOptions& options);

    RowSet query(std::string_view sql, std::span<const core::Value> values, SharedColumns columns) override;
    std::vector<RowSet> query_all(std::span<const Statement> statements) override;
    std::int64_t execute(std::string_view sql, std::span<const core::Value> values) override;
    std::int64_t run(std::string_view sql, BindCells bind, ReadCells read) override;
    bool run_first(std::string_view sql, BindCells bind, ReadCells read) override;
    std::int64_t run_many(std::string_view sql, NextRow next, ReadCells read) override;
    std::int64_t copy_in(std::string_view table, std::span<const std::string_view> columns,
                         NextRow next) override;
    [[nodiscard]] std::int64_t last_insert_id() const override;
    void begin(SessionKind kind, Isolation isolation) override;
    void command(std::string_view sql) override;
    [[nodiscard]] bool is_in_transaction() const noexcept override;
    [[nodiscard]] bool is_clean() const noexcept override { return true; }
    [[nodiscard]] bool is_alive() const noexcept override { return true; }

private:
    class Running;

    [[nodiscard]] sqlite3* handle() const noexcept { return database_.getHandle(); }
    void set_up(const char* pragma);
    /// SQLite's busy handler. @return 0 when the time is up.
    static int wait_for_writer(void* connection, int looks) noexcept;
    /// From the cache where it is there; one that is running already gets a twin.
    /// @throws InvalidArgument (`database.statement`).
    [[nodiscard]] SqliteStatement& prepare(std::string_view sql);
    /// As `prepare`, for a statement of the caller's: a read scope only reads.
    [[nodiscard]] SqliteStatement& prepare_allowed(std::string_view sql);

    SQLite::Database database_;
    std::chrono::milliseconds busy_timeout_;
    std::chrono::steady_clock::time_point waits_since_{};
    StatementCache<SqliteStatement> statements_;
    bool only_reads_ = false;
};

/// Translates the error of the last call on `handle`. The message never holds a bound value.
[[noreturn]] void throw_sqlite_error(sqlite3* handle, int code);
/// @throws Unavailable (`database.two_sqlite`).
void check_one_sqlite();

}  // namespace consilia::data
