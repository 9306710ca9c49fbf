#pragma once
// The text of data definition statements in both dialects. Names come from checked models, values are quoted
// literals: definitions cannot be bound.
#include <string>
#include <string_view>
#include <vector>

#include "table.hpp"

namespace consilia::data::ddl {

using core::SqlDialect;

/// @throws InvalidArgument (`model.value`) for a text with a zero byte or a number that is not finite.
[[nodiscard]] std::string literal(const core::Value& value, SqlDialect dialect);
/// The type of a column as it is declared.
[[nodiscard]] std::string_view type(core::ValueType type, SqlDialect dialect) noexcept;
/// A condition with its values written as literals.
[[nodiscard]] std::string condition(const core::Expression& expression, SqlDialect dialect);
/// The default of a column; empty: none.
[[nodiscard]] std::string default_of(const Column& column, SqlDialect dialect);
/// The present time as the database stores it in a column of a type, timestamp or date.
[[nodiscard]] std::string_view now(core::ValueType type, SqlDialect dialect) noexcept;

/// A column as it stands in CREATE TABLE, without its rules.
[[nodiscard]] std::string column(const Column& column, SqlDialect dialect);
[[nodiscard]] std::string check(const TableCheck& check, SqlDialect dialect);
[[nodiscard]] std::string reference(const TableReference& reference);
[[nodiscard]] std::string reference_name(std::string_view column);

struct CreateOptions {
    bool if_missing = false;  ///< `IF NOT EXISTS`.
    std::string_view as{};    ///< Another name for the table than its own.
};
[[nodiscard]] std::string create_table(const Table& table, SqlDialect dialect, CreateOptions options = {});
[[nodiscard]] std::string create_index(const Table& table, const TableIndex& index, SqlDialect dialect,
                                       bool if_missing = false);
[[nodiscard]] std::string drop_index(const std::string& name);

/// Triggers that write each change of a table's rows into its history; written anew where they are there.
[[nodiscard]] std::vector<std::string> create_history(const Table& table, SqlDialect dialect);
[[nodiscard]] std::vector<std::string> drop_history(const Table& table, SqlDialect dialect);
/// The names of these triggers.
[[nodiscard]] std::vector<std::string> history_triggers(const Table& table, SqlDialect dialect);
/// Copies the rows that are there into the history, as its first version.
[[nodiscard]] std::string begin_history(const Table& table, SqlDialect dialect);

}  // namespace consilia::data::ddl

namespace consilia::data {

/// Waits until no other transaction of this library changes definitions. On SQLite there is one writer
/// anyway; on PostgreSQL the lock is the transaction's, so that it holds behind PgBouncer too.
void lock_definitions(const Session& session);

}  // namespace consilia::data
