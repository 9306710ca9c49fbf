#pragma once
// Tables as plain data, without pointers between them: what DDL, migrations and reflection work on.
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/sql.hpp"
#include "consilia/data/model.hpp"

namespace consilia::data {

/// Refuses what is no name of a table, column or relation. @throws InvalidArgument (`model.name`).
void check_schema_name(const std::string& name);

struct TableReference {
    std::string relation;
    std::string column;
    std::string target;      ///< Its table.
    std::string target_key;  ///< Its primary key.
    OnDelete on_delete = OnDelete::Restrict;
    friend bool operator==(const TableReference&, const TableReference&) = default;
};

/// An index with its whole condition; unique columns are among them.
struct TableIndex {
    std::vector<std::string> columns;  ///< `-` before a name: descending.
    bool is_unique = false;
    core::Expression where{};
};

/// A rule that the database holds, under a name that changes with its content: equal names, equal rules.
struct TableCheck {
    std::string name;
    core::Expression condition;
    std::string column{};         ///< With `length_max`: the text that may not be longer.
    std::int64_t length_max = 0;  ///< 0: `condition` is the rule.
};

struct Table {
    std::string name;
    std::vector<Column> columns{};
    std::vector<TableReference> references{};
    std::vector<TableIndex> indexes{};
    std::vector<core::Expression> checks{};
    bool has_history = false;

    [[nodiscard]] const Column* find_column(std::string_view column) const noexcept;
    [[nodiscard]] const TableReference* find_reference(std::string_view column) const noexcept;
    [[nodiscard]] const Column* primary_key() const noexcept;
};

/// The tables of a database by name.
using Tables = std::map<std::string, Table, std::less<>>;

[[nodiscard]] Table table_of(const Model& model);
/// The table with the versions of another's rows.
[[nodiscard]] Table history_of(const Table& table);
/// Models and their history tables. @throws InvalidArgument (`model.duplicate`) for a table that is there
/// twice, (`model.reference`) for a reference to a table that is not there.
[[nodiscard]] Tables tables_of(std::span<const std::shared_ptr<const Model>> models);

/// Same type, default, rules and so on; the name is not looked at.
[[nodiscard]] bool same_column(const Column& a, const Column& b);

/// A name within the 63 bytes that PostgreSQL keeps: a longer one ends with its hash.
[[nodiscard]] std::string bounded_name(const std::string& name);
[[nodiscard]] std::string index_name(const Table& table, const TableIndex& index);
/// The rules of columns (length, choices, check) and of the whole table.
[[nodiscard]] std::vector<TableCheck> checks_of(const Table& table);
/// The rules of one column.
[[nodiscard]] std::vector<TableCheck> checks_of(const Column& column);

}  // namespace consilia::data
