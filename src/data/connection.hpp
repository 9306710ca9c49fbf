#pragma once
// One SQLite connection with its statements, and the pool that it belongs to.
#include <sqlite3.h>
#include <unistd.h>

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <SQLiteCpp/Database.h>

#include "consilia/data/database.hpp"

namespace consilia::data {

/// A cached prepared statement while it is in use; reset when destroyed.
class Statement {
public:
    explicit Statement(sqlite3_stmt* handle) noexcept : handle_(handle) {}
    ~Statement() {
        sqlite3_reset(handle_);
        sqlite3_clear_bindings(handle_);
    }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    [[nodiscard]] sqlite3_stmt* get() const noexcept { return handle_; }

private:
    sqlite3_stmt* handle_;
};

/// Threading: confined to the session that leased it.
struct Connection {
    Connection(const std::string& path, const DatabaseOptions& options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The prepared statement of a text, from the cache where it is there.
    [[nodiscard]] sqlite3_stmt* prepare(std::string_view sql);
    /// Runs a constant text: BEGIN, PRAGMA. @throws as `Session::execute`.
    void run(const char* sql);
    [[nodiscard]] sqlite3* handle() const noexcept { return database.getHandle(); }

    SQLite::Database database;

private:
    using Statements = std::list<std::pair<std::string, sqlite3_stmt*>>;
    Statements statements_;  ///< Most recently used first.
    std::unordered_map<std::string_view, Statements::iterator> by_text_;
    std::size_t statements_max_;
};

struct Database::State {
    std::string path;
    DatabaseOptions options;
    pid_t owner = ::getpid();
    std::mutex mutex;
    std::condition_variable is_free;
    std::vector<std::unique_ptr<Connection>> idle;
    std::size_t open_count = 0;

    /// @throws Unavailable (`database.forked`) in a process that did not open the database.
    void check_process() const;
    std::unique_ptr<Connection> acquire();
    void release(std::unique_ptr<Connection> connection) noexcept;
};

/// A connection that is given back when the session ends.
class Session::Lease {
public:
    explicit Lease(std::shared_ptr<Database::State> pool);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    [[nodiscard]] Connection& connection() const;
    bool is_in_transaction = false;

private:
    std::shared_ptr<Database::State> pool_;
    std::unique_ptr<Connection> connection_;
};

/// Translates the error of the last call on `handle`. The message never holds a bound value.
[[noreturn]] void throw_sqlite_error(sqlite3* handle, int code);
/// @throws Unavailable (`database.two_sqlite`); looks once in a process.
void check_one_sqlite();

}  // namespace consilia::data
