#pragma once
// A database: pooled connections, transactions that cannot deadlock on upgrade, snapshots for reading.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/cells.hpp"
#include "consilia/data/row_set.hpp"

namespace consilia::data {

struct DatabaseOptions {
    std::size_t connections_max = 8;                 ///< Open at once; a caller waits for a free one.
    std::chrono::milliseconds busy_timeout{10'000};  ///< Longest wait for a connection or for another writer.
    std::size_t statements_max = 128;                ///< Prepared statements kept for each connection.
};

struct CachedStatement;  // Private.
struct Connection;       // Private.

/// What statements run on: a transaction, a read scope, or single statements. Threading: confined.
class CONSILIA_API Session {
public:
    Session(Session&& other) noexcept;
    Session& operator=(Session&&) = delete;

    /// Runs trusted SQL with bound values and gives its rows. The text must never hold outside input.
    /// `columns` declares the result's names and types; empty: the names of the statement, types as stored.
    /// @throws StorageError, and for broken rules Conflict (`database.unique`, `database.foreign_key`) or
    /// ValidationError
    ///         (`database.not_null`, `database.check`) naming table and column; Unavailable
    ///         (`database.busy`).
    RowSet query(std::string_view sql, std::span<const core::Value> values = {},
                 std::vector<RowColumn> columns = {}) const;
    RowSet query(std::string_view sql, std::span<const core::Value> values,
                 std::shared_ptr<const std::vector<RowColumn>> columns) const;
    /// Runs trusted SQL and gives the number of rows that it changed.
    std::int64_t execute(std::string_view sql, std::span<const core::Value> values = {}) const;
    /// Runs a trusted statement with typed cells: `bind` gives its values, `read` is called for each row. No
    /// allocation and no value object between; for loops that must cost what the database costs.
    /// @return the number of rows that were read; of a statement that gives none, the number that it changed.
    std::int64_t run(std::string_view sql, BindCells bind = nullptr, ReadCells read = nullptr) const;
    /// As `run`, but stops after the first row. @return whether there was one.
    bool run_first(std::string_view sql, BindCells bind, ReadCells read) const;
    /// The id of the newest inserted row of this session.
    [[nodiscard]] std::int64_t last_insert_id() const;

protected:
    class Lease;  // Gives the connection back to its pool.
    explicit Session(std::unique_ptr<Lease> lease);
    ~Session();
    [[nodiscard]] Connection& connection() const;
    [[nodiscard]] CachedStatement& prepare(std::string_view sql) const;
    void end_quietly() noexcept;

    std::unique_ptr<Lease> lease_;

private:
    friend class Database;
};

/// A writing transaction, begun immediately: it waits for other writers now, never later. Rolled back when
/// destroyed without `commit`.
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
    /// Runs `body` so that its changes are undone if it throws, and the rest of the transaction stays.
    void savepoint(const std::function<void()>& body);

private:
    friend class Database;
    explicit Transaction(std::unique_ptr<Lease> lease);
    void undo_savepoint(const std::string& name) const noexcept;
    std::vector<std::function<void()>> on_commit_;
    int savepoints_ = 0;
};

/// One snapshot for any number of reads: consistent, and cheaper than as many single ones.
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

/// A SQLite database, set for a web server: WAL, foreign keys enforced, LIKE case-sensitive, full durability.
///
/// After a fork the child must open its own: every call answers Unavailable (`database.forked`) there, and
/// inherited connections are abandoned, never closed. A session must end before its database. Threading:
/// safe.
class CONSILIA_API Database {
public:
    /// `url`: `sqlite:/path/to/file.db`, relative `sqlite:file.db`, or `sqlite::memory:` (one connection).
    /// @throws InvalidArgument (`database.url`), StorageError (`database.open`), Unavailable
    /// (`database.two_sqlite`) if
    ///         the process holds two copies of SQLite, which would drop each other's file locks.
    explicit Database(std::string_view url, DatabaseOptions options = {});
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Begins a writing transaction. @throws Unavailable (`database.busy`, `database.pool`) after the busy
    /// timeout.
    [[nodiscard]] Transaction begin();
    /// Begins a snapshot for reading. @throws as `begin`.
    [[nodiscard]] ReadScope read();
    /// A connection on which each statement commits by itself. @throws as `begin`.
    [[nodiscard]] Autocommit autocommit();
    /// Runs one trusted SELECT by itself; see `Session::query`.
    RowSet query(std::string_view sql, std::span<const core::Value> values = {},
                 std::vector<RowColumn> columns = {});
    /// Runs one trusted statement by itself; see `Session::execute`.
    std::int64_t execute(std::string_view sql, std::span<const core::Value> values = {});

private:
    friend class Session;
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace consilia::data
