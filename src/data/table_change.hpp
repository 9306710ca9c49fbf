#pragma once
// What is to be done to one table so that it becomes another, in a form that people can review.
#include <string>
#include <utility>
#include <vector>

#include "table.hpp"

namespace consilia::data {

/// Old and new name of a column.
using ColumnRename = std::pair<std::string, std::string>;

/// Applied in this order: first what is dropped but the columns, then renames, columns, and what is added.
/// What mentions a renamed column is dropped and added.
struct TableChange {
    std::string table;
    std::vector<TableReference> dropped_references{};
    std::vector<TableIndex> dropped_indexes{};
    std::vector<core::Expression> dropped_checks{};
    std::vector<ColumnRename> renamed_columns{};  ///< A renamed column loses its rules; `changed` has them.
    std::vector<std::string> dropped_columns{};
    std::vector<Column> changed_columns{};  ///< As they become.
    std::vector<Column> added_columns{};
    std::vector<core::Expression> added_checks{};
    std::vector<TableReference> added_references{};
    std::vector<TableIndex> added_indexes{};
    bool begins_history = false;
    bool ends_history = false;

    [[nodiscard]] bool is_empty() const noexcept;
};

/// @throws InvalidArgument (`migration.rename`) for a rename from or to a column that does not allow it.
[[nodiscard]] TableChange change_between(const Table& before, const Table& after,
                                         const std::vector<ColumnRename>& renames = {});
/// @throws InvalidArgument (`migration.file`) for a change that does not fit the table.
[[nodiscard]] Table changed(Table table, const TableChange& change);

/// The statements of a change from `before` to `after`.
/// @throws InvalidArgument (`migration.type`) for a change of type that is not defined.
[[nodiscard]] std::vector<std::string> change_sql(const Table& before, const TableChange& change,
                                                  const Table& after, core::SqlDialect dialect);

/// A line for each part of a change, for people.
struct ChangeNote {
    std::string text;
    bool loses_data = false;
};
[[nodiscard]] std::vector<ChangeNote> notes_of(const Table& before, const TableChange& change);

}  // namespace consilia::data
