#pragma once
// The connections of one database, and the lease of one by a session.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "consilia/data/statement_watch.hpp"
#include "process_mark.hpp"

namespace consilia::data {

struct Database::State {
    using Watch = std::function<void(const StatementEvent&)>;

    std::string source;  ///< A path of SQLite, a URL of PostgreSQL.
    core::SqlDialect dialect = core::SqlDialect::Sqlite;
    DatabaseOptions options;
    std::uint64_t process = process_mark();
    std::mutex mutex;
    std::condition_variable is_free;
    struct Idle {
        std::unique_ptr<Connection> connection;
        std::chrono::steady_clock::time_point since;
    };
    std::vector<Idle> idle;
    std::size_t open_count = 0;
    std::condition_variable writer_is_gone;
    bool has_writer = false;
    std::atomic<bool> is_watched = false;
    std::vector<std::shared_ptr<const Watch>> watches;

    /// @throws Unavailable (`database.forked`) in a process that did not open the database.
    void check_process() const;
    std::unique_ptr<Connection> acquire();
    void release(std::unique_ptr<Connection> connection) noexcept;
    /// One writer of SQLite at a time within the process: they wait in a queue here, and need not poll the
    /// file.
    void enter_writer();
    void leave_writer() noexcept;
    void tell(const StatementEvent& event);

private:
    [[nodiscard]] bool is_usable(const Idle& kept) const noexcept;
    [[nodiscard]] std::unique_ptr<Connection> connect() const;
    void forget_one() noexcept;
};

/// A connection that is given back when the session ends.
class Session::Lease {
public:
    explicit Lease(std::shared_ptr<Database::State> pool);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    /// @throws Unavailable (`database.forked`); InvalidArgument (`database.transaction`) after its end;
    /// StorageError (`database.rolled_back`) if the database ended it.
    [[nodiscard]] Connection& connection() const;
    /// The connection of a transaction that may have failed: to undo a savepoint.
    [[nodiscard]] Connection& failed_connection() const;
    void begin(SessionKind as, Isolation isolation = Isolation::ReadCommitted);
    void commit();
    void rollback();
    [[nodiscard]] Database::State& pool() const noexcept { return *pool_; }

    bool is_open = true;  ///< False once a transaction has ended.
    std::optional<std::int64_t> actor;

private:
    void leave_writer() noexcept;

    std::shared_ptr<Database::State> pool_;
    std::unique_ptr<Connection> connection_;
    SessionKind kind_ = SessionKind::Autocommit;
    bool is_writer_ = false;
};

}  // namespace consilia::data
