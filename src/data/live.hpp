#pragma once
// A database's own description of its tables, as text, and its comparison with what was declared.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/data/database.hpp"
#include "table.hpp"

namespace consilia::data {

struct LiveColumn {
    std::string name;
    std::string sql_type;  ///< As `ddl::type` writes it, for types that are ours.
    bool is_not_null = false;
    bool is_primary_key = false;
    std::string default_sql;  ///< Empty: none.
    std::int64_t length_max = 0;
};

struct LiveIndex {
    std::string name;
    std::vector<std::string> columns;  ///< As in `Index`; an empty name stands for an expression.
    bool is_unique = false;
    std::string where_sql;
};

struct LiveReference {
    std::vector<std::string> columns;
    std::string target;
    std::vector<std::string> target_columns;
    OnDelete on_delete = OnDelete::Restrict;
};

struct LiveTable {
    std::string name;
    std::vector<LiveColumn> columns{};
    std::vector<LiveIndex> indexes{};
    std::vector<LiveReference> references{};
    std::map<std::string, std::string> checks{};  ///< Names and conditions.
    std::vector<std::string> triggers{};
};

using LiveTables = std::map<std::string, LiveTable, std::less<>>;

[[nodiscard]] LiveTables read_live(const Session& session);
[[nodiscard]] LiveTables read_live_sqlite(const Session& session);
[[nodiscard]] LiveTables read_live_postgres(const Session& session);

/// The value type of a declared type; none: not known.
[[nodiscard]] std::optional<core::ValueType> value_type(std::string_view sql_type, core::SqlDialect dialect);

struct LiveDefault {
    core::Value value;
    bool is_now = false;
};
/// Reads the text of a default; none: an expression that is not ours.
[[nodiscard]] std::optional<LiveDefault> read_default(std::string_view sql, core::ValueType type,
                                                      core::SqlDialect dialect);

/// The parts of a table and what they are: `column fee` → `double not null default 0.0`. Equal shapes, equal
/// tables.
using Shape = std::map<std::string, std::string>;
[[nodiscard]] Shape shape(const Table& table, core::SqlDialect dialect);
[[nodiscard]] Shape shape(const LiveTable& table, core::SqlDialect dialect);

/// What differs between declared tables and the live ones of the same names, a line each:
/// ``visits: column `fee` is missing``. Other live tables are not looked at.
[[nodiscard]] std::vector<std::string> differences(const Tables& declared, const LiveTables& live,
                                                   core::SqlDialect dialect);

/// The same for the conditions of partial indexes and checks on PostgreSQL, which writes them anew: the
/// server says how it understands both. Only for tables without other differences.
[[nodiscard]] std::vector<std::string> rule_differences_postgres(const Session& session,
                                                                 const Tables& declared,
                                                                 const LiveTables& live);

}  // namespace consilia::data
