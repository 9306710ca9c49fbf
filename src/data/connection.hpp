#pragma once
// One SQLite connection with its statements, and the pool that it belongs to.
#include <sqlite3.h>

#include <condition_variable>
#include <cstdint>
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

/// A prepared statement of a connection's cache, with the size of its newest result: the next one is likely
/// alike.
struct CachedStatement {
    std::string text;
    sqlite3_stmt* handle = nullptr;
    bool is_in_use = false;
    std::size_t cells = 0;
    std::size_t bytes = 0;
};

/// A cached statement while it is in use; reset and without values when destroyed.
class Statement {
public:
    explicit Statement(CachedStatement& cached) noexcept : cached_(cached) { cached_.is_in_use = true; }
    ~Statement() {
        sqlite3_reset(cached_.handle);
        sqlite3_clear_bindings(cached_.handle);  // They point at borrowed memory.
        cached_.is_in_use = false;
    }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    [[nodiscard]] sqlite3_stmt* get() const noexcept { return cached_.handle; }
    [[nodiscard]] CachedStatement& cached() const noexcept { return cached_; }

private:
    CachedStatement& cached_;
};

/// Threading: confined to the session that leased it.
struct Connection {
    Connection(const std::string& path, const DatabaseOptions& options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The prepared statement of a text, from the cache where it is there.
    /// One that is running already gets a twin. @throws InvalidArgument (`database.statement`).
    [[nodiscard]] CachedStatement& prepare(std::string_view sql);
    /// Runs a constant text without rows, prepared once: BEGIN, COMMIT. @throws as `Session::execute`.
    void run(std::string_view sql);
    [[nodiscard]] sqlite3* handle() const noexcept { return database.getHandle(); }

    SQLite::Database database;

private:
    void set_up(const char* pragma);
    CachedStatement& add(std::string_view sql);

    using Statements = std::list<CachedStatement>;
    Statements statements_;  ///< Most recently used first.
    std::unordered_map<std::string_view, Statements::iterator> by_text_;
    std::size_t statements_max_;
};

/// A number that no other process has, children made by fork included.
[[nodiscard]] std::uint64_t process_mark() noexcept;

struct Database::State {
    std::string path;
    DatabaseOptions options;
    std::uint64_t process = process_mark();
    std::mutex mutex;
    std::condition_variable is_free;
    std::vector<std::unique_ptr<Connection>> idle;
    std::size_t open_count = 0;
    std::condition_variable writer_is_gone;
    bool has_writer = false;

    /// @throws Unavailable (`database.forked`) in a process that did not open the database.
    void check_process() const;
    std::unique_ptr<Connection> acquire();
    void release(std::unique_ptr<Connection> connection) noexcept;
    /// One writer at a time within the process: they wait in a queue here, and need not poll the file.
    void enter_writer();
    void leave_writer() noexcept;
};

/// A connection that is given back when the session ends.
class Session::Lease {
public:
    explicit Lease(std::shared_ptr<Database::State> pool);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    enum class Kind : std::uint8_t { Autocommit, Transaction, ReadScope };

    /// @throws Unavailable (`database.forked`); InvalidArgument (`database.transaction`) after its end;
    /// StorageError
    ///         (`database.rolled_back`) if the database ended it.
    [[nodiscard]] Connection& connection() const;
    void begin(Kind as);
    void end(std::string_view sql);

    Kind kind = Kind::Autocommit;
    bool is_open = true;  ///< False once a transaction has ended.

private:
    void leave_writer() noexcept;

    std::shared_ptr<Database::State> pool_;
    std::unique_ptr<Connection> connection_;
    bool is_writer_ = false;
};

/// Translates the error of the last call on `handle`. The message never holds a bound value.
[[noreturn]] void throw_sqlite_error(sqlite3* handle, int code);
/// @throws Unavailable (`database.two_sqlite`).
void check_one_sqlite();

}  // namespace consilia::data
