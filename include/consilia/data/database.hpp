#pragma once
// A database, SQLite or PostgreSQL: pooled connections, transactions, snapshots for reading.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/cells.hpp"
#include "consilia/data/row_set.hpp"

namespace consilia::data {

class StatementWatch;   // statement_watch.hpp
struct StatementEvent;  // statement_watch.hpp
class Connection;       // Private.

struct DatabaseOptions {
    std::size_t connections_max = 8;                 ///< Open at once; a caller waits for a free one.
    std::chrono::milliseconds busy_timeout{10'000};  ///< Longest wait for a connection, a lock or a writer.
    std::size_t statements_max = 128;                ///< Prepared statements kept for each connection.
    /// PostgreSQL: a connection that was idle for so long is asked whether the server ended it before it is
    /// used again; one that was not may answer `database.lost` to its first statement.
    std::chrono::milliseconds idle_check_after{500};
    /// PostgreSQL: false behind a pool that changes the server connection with each transaction (PgBouncer):
    /// nothing is then prepared, and settings hold for one transaction.
    bool prepared_statements = true;
};

/// What a writing transaction is protected from. SQLite has one writer at a time: it is always serializable.
enum class Isolation : std::uint8_t {
    ReadCommitted,  ///< Each statement sees what was committed before it.
    Serializable,   ///< As if transactions ran one after another; some then fail with
                    ///< `database.serialization`.
};

struct TransactionOptions {
    Isolation isolation = Isolation::ReadCommitted;
};

/// How often and how soon `Database::transact` tries again. The wait doubles with each attempt, up to its
/// maximum, and a random part of up to the half of it is taken off, so that rivals do not meet again.
struct RetryOptions {
    int attempts_max = 5;
    std::chrono::milliseconds wait_min{5};
    std::chrono::milliseconds wait_max{500};
    Isolation isolation = Isolation::ReadCommitted;
};

/// One of the reads that `Session::query_all` runs together; everything is borrowed for the call.
struct Statement {
    std::string_view sql;
    std::span<const core::Value> values = {};
    std::shared_ptr<const std::vector<RowColumn>> columns = {};  ///< As for `Session::query`; may be null.
};

/// What statements run on: a transaction, a read scope, or single statements. Threading: confined.
///
/// Trusted SQL is written for the database that it runs on: placeholders are `?` in SQLite and `$1`, `$2` in
/// PostgreSQL. A statement that fails ends a PostgreSQL transaction, except inside a savepoint: what follows
/// answers `database.rolled_back`.
class CONSILIA_API Session {
public:
    Session(Session&& other) noexcept;
    Session& operator=(Session&&) = delete;

    [[nodiscard]] core::SqlDialect dialect() const noexcept;

    /// Runs trusted SQL with bound values and gives its rows. The text must never hold outside input.
    /// `columns` declares the result's names and types; empty: the names of the statement, types as stored.
    /// @throws StorageError; for broken rules Conflict (`database.unique`, `database.foreign_key`) or
    /// ValidationError (`database.not_null`, `database.check`) naming table and column; Unavailable if a lock
    /// did not come free in time (`database.busy`), the transaction met another one
    /// (`database.serialization`; run it again, see `Database::transact`) or the server is gone
    /// (`database.lost`).
    RowSet query(std::string_view sql, std::span<const core::Value> values = {},
                 std::vector<RowColumn> columns = {}) const;
    RowSet query(std::string_view sql, std::span<const core::Value> values,
                 std::shared_ptr<const std::vector<RowColumn>> columns) const;
    /// Runs independent reads together: one round trip on PostgreSQL, one after another on SQLite.
    /// @throws as `query`, for the first that fails; the others' rows are lost.
    std::vector<RowSet> query_all(std::span<const Statement> statements) const;
    /// Runs trusted SQL and gives the number of rows that it changed.
    std::int64_t execute(std::string_view sql, std::span<const core::Value> values = {}) const;
    /// Runs a trusted statement with typed cells: `bind` gives its values, `read` is called for each row. No
    /// allocation and no value object between; for loops that must cost what the database costs. A result
    /// that did not arrive at once is read as it comes, never held whole, so `read` may see any number of
    /// rows; a statement that runs on this session meanwhile makes the rest be held.
    /// @return the number of rows that were read; of a statement that gives none, the number that it changed.
    std::int64_t run(std::string_view sql, BindCells bind = nullptr, ReadCells read = nullptr) const;
    /// As `run`, for a statement that gives at most one row, by a key or a LIMIT: only the first is read, and
    /// what PostgreSQL sends behind it is received and dropped. @return whether there was one.
    bool run_first(std::string_view sql, BindCells bind, ReadCells read) const;
    /// Runs a trusted statement for each row that `next` binds, until it answers false; all of them or none:
    /// prepared once, and on PostgreSQL sent without waiting for the answers. `read` is called for each row
    /// that they give, in their order. On PostgreSQL no other statement may run on this session meanwhile.
    /// @return the number of rows that were read; of a statement that gives none, the number that it changed.
    /// @throws as `query`, and what `next` and `read` throw.
    std::int64_t run_many(std::string_view sql, NextRow next, ReadCells read = nullptr) const;
    /// Adds rows at the database's best speed (COPY on PostgreSQL), all of them or none: `next` binds the
    /// columns of one row after another until it answers false. Names must be those of a declared schema. On
    /// PostgreSQL no other statement may run on this session meanwhile.
    /// @return the number of rows. @throws as `query`, and what `next` throws.
    std::int64_t copy_in(std::string_view table, std::span<const std::string_view> columns,
                         NextRow next) const;
    /// The id of the newest row that this session inserted. PostgreSQL tells it only to an INSERT that says
    /// `RETURNING` and the key first. @throws InvalidArgument (`database.statement`) if there is none.
    [[nodiscard]] std::int64_t last_insert_id() const;
    /// Who acts: what `Transaction::act_as` was given.
    [[nodiscard]] std::optional<std::int64_t> actor() const noexcept;

protected:
    class Lease;  // Gives the connection back to its pool.
    explicit Session(std::unique_ptr<Lease> lease);
    ~Session();
    [[nodiscard]] Connection& connection() const;
    void end_quietly() noexcept;

    std::unique_ptr<Lease> lease_;

private:
    friend class Database;
    template <class F>
    auto watched(std::string_view sql, const F& body) const;
};

/// A writing transaction. On SQLite it is begun immediately: it waits for other writers now, never later.
/// Rolled back when destroyed without `commit`.
class CONSILIA_API Transaction : public Session {
public:
    Transaction(Transaction&&) noexcept = default;
    ~Transaction();
    /// Makes all changes permanent, then calls what `on_commit` was given, in order. @throws as `execute`.
    void commit();
    void rollback() noexcept;
    /// Called after a successful commit, on the same thread; what it throws leaves `commit`, after the data
    /// is safe.
    void on_commit(std::function<void()> action);
    /// Says who acts from here to the end of the transaction: repositories write it where a mapping has
    /// `audit`, and the database writes it into the history of what changes, whoever changes it.
    void act_as(std::int64_t actor);
    /// Runs `body` so that its changes are undone if it throws, and the rest of the transaction stays.
    void savepoint(const std::function<void()>& body);
    /// As `savepoint`, for languages whose blocks are no functions: what is begun is released or undone once,
    /// the innermost first. @throws InvalidArgument (`database.transaction`) without one that is open.
    void begin_savepoint();
    void release_savepoint();
    void undo_savepoint();

private:
    friend class Database;
    /// What stood when a savepoint began.
    struct Savepoint {
        std::size_t actions;
        std::optional<std::int64_t> actor;
    };
    Transaction(std::unique_ptr<Lease> lease, const TransactionOptions& options);
    void forget_actor() const;
    Savepoint end_savepoint();
    std::vector<std::function<void()>> on_commit_;
    std::vector<Savepoint> savepoints_;
};

/// One snapshot for any number of reads: consistent, and on SQLite cheaper than as many single ones.
class CONSILIA_API ReadScope : public Session {
public:
    ReadScope(ReadScope&&) noexcept = default;
    ~ReadScope();  ///< Writing on it is InvalidArgument (`database.read_scope`).

private:
    friend class Database;
    explicit ReadScope(std::unique_ptr<Lease> lease);
};

/// Statements that are each their own transaction: for single reads and single trusted writes.
class CONSILIA_API Autocommit : public Session {
public:
    Autocommit(Autocommit&&) noexcept = default;
    ~Autocommit() = default;

private:
    friend class Database;
    explicit Autocommit(std::unique_ptr<Lease> lease);
};

/// A database behind a bounded pool of connections, opened when they are needed.
///
/// SQLite is set for a web server: WAL, foreign keys enforced, LIKE case-sensitive, full durability.
/// PostgreSQL connections speak UTF-8 and UTC and give up waiting for a lock after `busy_timeout`; one that
/// died while it was idle is replaced unnoticed (see `DatabaseOptions::idle_check_after`).
///
/// After a fork the child must open its own: every call answers Unavailable (`database.forked`) there, and
/// inherited connections are abandoned, never closed. A session must end before its database. Threading:
/// safe.
class CONSILIA_API Database {
public:
    /// `url`: `sqlite:/path/to/file.db`, relative `sqlite:file.db`, or `sqlite::memory:` (one connection);
    /// `postgresql://user@host/database?option=value` as libpq has it.
    /// @throws InvalidArgument (`database.url`, `database.options`), StorageError (`database.open`),
    /// Unavailable if the server does not answer (`database.lost`), or if the process holds two copies of
    /// SQLite, which would drop each other's file locks (`database.two_sqlite`).
    explicit Database(std::string_view url, DatabaseOptions options = {});
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    [[nodiscard]] core::SqlDialect dialect() const noexcept;

    /// Begins a writing transaction. @throws Unavailable (`database.busy`, `database.pool`) after the busy
    /// timeout, or if the server is gone (`database.lost`).
    [[nodiscard]] Transaction begin(const TransactionOptions& options = {});
    /// Begins a snapshot for reading. @throws as `begin`.
    [[nodiscard]] ReadScope read();
    /// A connection on which each statement commits by itself. @throws as `begin`.
    [[nodiscard]] Autocommit autocommit();

    /// Runs `body` in a transaction of its own, commits it, and gives what `body` gave. Where the database
    /// asks for it (`database.serialization`, `database.busy`), everything is rolled back and `body` runs
    /// again: it must change nothing but the database, and what it means for later goes to `on_commit`.
    /// @throws what `body` throws, and the error of the last attempt.
    template <class F>
    auto transact(F&& body, const RetryOptions& options = {}) {
        using Result = std::invoke_result_t<F&, Transaction&>;
        if constexpr (std::is_void_v<Result>) {
            run_transaction([&](Transaction& transaction) { body(transaction); }, options);
        } else {
            std::optional<Result> result;
            run_transaction([&](Transaction& transaction) { result.emplace(body(transaction)); }, options);
            return *std::move(result);
        }
    }

    /// Runs one trusted SELECT by itself; see `Session::query`.
    RowSet query(std::string_view sql, std::span<const core::Value> values = {},
                 std::vector<RowColumn> columns = {});
    /// Runs one trusted statement by itself; see `Session::execute`.
    std::int64_t execute(std::string_view sql, std::span<const core::Value> values = {});

    /// Calls `action` after each statement of any session, on the thread that ran it, until what is returned
    /// is destroyed: for query logs and counters. It must not use the database; what it throws leaves the
    /// statement, which has run. Without a watch, statements pay one load of a flag.
    [[nodiscard]] StatementWatch on_statement(std::function<void(const StatementEvent&)> action);

private:
    friend class Session;
    friend class Listener;
    friend class StatementWatch;
    struct State;
    void run_transaction(const std::function<void(Transaction&)>& body, const RetryOptions& options);
    std::shared_ptr<State> state_;
};

}  // namespace consilia::data
