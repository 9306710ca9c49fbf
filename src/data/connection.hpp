#pragma once
// The seam between sessions and databases: one connection, of SQLite or of PostgreSQL.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/database.hpp"

namespace consilia::data {

using SharedColumns = std::shared_ptr<const std::vector<RowColumn>>;

enum class SessionKind : std::uint8_t { Autocommit, Transaction, ReadScope };

/// One call is one statement, so that a virtual call weighs nothing; cells go through a branch instead. The
/// functions named as those of `Session` do what is said there. Threading: confined to the session that
/// leased it.
class Connection {
public:
    explicit Connection(core::SqlDialect its_dialect) noexcept : dialect(its_dialect) {}
    virtual ~Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    virtual RowSet query(std::string_view sql, std::span<const core::Value> values,
                         SharedColumns columns) = 0;
    virtual std::vector<RowSet> query_all(std::span<const Statement> statements) = 0;
    virtual std::int64_t execute(std::string_view sql, std::span<const core::Value> values) = 0;
    virtual std::int64_t run(std::string_view sql, BindCells bind, ReadCells read) = 0;
    virtual bool run_first(std::string_view sql, BindCells bind, ReadCells read) = 0;
    virtual std::int64_t run_many(std::string_view sql, NextRow next, ReadCells read) = 0;
    virtual std::int64_t copy_in(std::string_view table, std::span<const std::string_view> columns,
                                 NextRow next) = 0;
    [[nodiscard]] virtual std::int64_t last_insert_id() const = 0;

    /// Begins a transaction or a read scope.
    virtual void begin(SessionKind kind, Isolation isolation) = 0;
    /// Runs a constant text without rows and values: COMMIT, SAVEPOINT.
    virtual void command(std::string_view sql) = 0;
    /// Whether a transaction is open and takes statements.
    [[nodiscard]] virtual bool is_in_transaction() const noexcept = 0;
    /// Whether the connection is between transactions and not known to be lost, so that it may be kept.
    [[nodiscard]] virtual bool is_clean() const noexcept = 0;
    /// Whether a kept connection, asked again, may serve another session.
    [[nodiscard]] virtual bool is_alive() const noexcept = 0;

    const core::SqlDialect dialect;
};

/// @throws InvalidArgument (`database.bindings`) unless they are equal.
inline void check_value_count(std::size_t wanted, std::size_t given) {
    if (wanted == given) return;
    throw core::InvalidArgument("database.bindings", "the statement wants another number of values",
                                {{"wanted", wanted}, {"given", given}});
}

/// `INSERT` of one row with a value for each column.
[[nodiscard]] inline std::string insert_text(std::string_view table,
                                             std::span<const std::string_view> columns,
                                             core::SqlDialect dialect) {
    std::string names;
    std::string places;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        names += (i == 0 ? "" : ", ") + core::quote_identifier(columns[i]);
        places += i == 0 ? "" : ", ";
        places += dialect == core::SqlDialect::Sqlite ? "?" : "$" + std::to_string(i + 1);
    }
    return "INSERT INTO " + core::quote_identifier(table) +
           (columns.empty() ? " DEFAULT VALUES" : " (" + names + ") VALUES (" + places + ")");
}

}  // namespace consilia::data
