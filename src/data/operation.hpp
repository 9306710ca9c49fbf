#pragma once
// One step of a migration: applied to tables as data, written as SQL, turned round, read from and written to
// JSON.
#include <nlohmann/json.hpp>

#include <string>
#include <variant>
#include <vector>

#include "table_change.hpp"

namespace consilia::data {

struct CreateTable {
    Table table;
};
struct DropTable {
    std::string table;
};
struct RenameTable {
    std::string from;
    std::string to;
};
/// Trusted statements for what models do not describe: data, views, triggers. They leave described tables as
/// they are.
struct RunSql {
    struct Texts {
        std::vector<std::string> up;
        std::vector<std::string> down;  ///< Empty: cannot be rolled back.
    };
    Texts sqlite;
    Texts postgresql;
};

using Operation = std::variant<CreateTable, DropTable, RenameTable, TableChange, RunSql>;

/// @throws InvalidArgument (`migration.file`) for an operation that does not fit the tables.
void apply_operation(Tables& tables, const Operation& operation);

/// An operation together with the tables before and after it.
struct PlacedOperation {
    Operation operation;
    Tables before;
    Tables after;
};
/// Each operation in its place. @throws as `apply`.
[[nodiscard]] std::vector<PlacedOperation> place(const Tables& start,
                                                 const std::vector<Operation>& operations);

/// What undoes it, to be applied to `after`. @throws InvalidArgument (`migration.irreversible`).
[[nodiscard]] Operation inverse(const PlacedOperation& placed);
[[nodiscard]] std::vector<std::string> sql_of(const PlacedOperation& placed, core::SqlDialect dialect);
[[nodiscard]] std::vector<ChangeNote> notes_of(const PlacedOperation& placed);
/// The table that an operation is about; empty: none.
[[nodiscard]] std::string table_of(const Operation& operation);

/// A table or column that gets another name; `column` empty: the table.
struct RenameOf {
    std::string table;
    std::string column;
    std::string to;
};
/// The operations that make `before` into `after`, in an order that a database takes.
/// @throws InvalidArgument (`migration.rename`, `migration.type`, `migration.key`).
[[nodiscard]] std::vector<Operation> operations_between(const Tables& before, const Tables& after,
                                                        const std::vector<RenameOf>& renames = {});

using Json = nlohmann::ordered_json;
[[nodiscard]] Json to_json(const Operation& operation);
/// @throws InvalidArgument (`migration.file`).
[[nodiscard]] Operation operation_from(const Json& json);

}  // namespace consilia::data
