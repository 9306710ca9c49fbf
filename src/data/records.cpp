#include "consilia/data/records.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "query_compiler.hpp"
#include "query_run.hpp"

namespace consilia::data {
namespace {

using core::SqlDialect;

std::string insert_sql(const Model& model, const std::vector<const Column*>& columns, SqlDialect dialect) {
    std::string names;
    std::string places;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        names += (i == 0 ? "" : ", ") + core::quote_identifier(columns[i]->name);
        places += i == 0 ? "" : ", ";
        places += dialect == SqlDialect::Sqlite ? "?" : "$" + std::to_string(i + 1);
    }
    return "INSERT INTO " + core::quote_identifier(model.table()) +
           (columns.empty() ? " DEFAULT VALUES" : " (" + names + ") VALUES (" + places + ")");
}

std::vector<const Column*> require_columns(const Model& model, const std::vector<std::string>& names) {
    std::vector<const Column*> columns;
    for (const std::string& name : names) {
        const Column* column = model.find_column(name);
        if (column == nullptr) throw_unknown(model, name);
        if (std::find(columns.begin(), columns.end(), column) != columns.end()) {
            throw core::InvalidArgument("query.assignments", "a column is assigned twice",
                                        {{"column", column->name}});
        }
        columns.push_back(column);
    }
    return columns;
}

/// Behind the columns of a conflict: the condition of the unique index over just these columns.
/// @throws InvalidArgument (`query.upsert`) if there is none.
std::string unique_condition(const Model& model, std::vector<std::string> names, SqlDialect dialect) {
    std::sort(names.begin(), names.end());
    const Column* only = names.size() == 1 ? model.find_column(names.front()) : nullptr;
    if (only != nullptr && (only->is_unique || only->is_primary_key)) return {};
    for (const Index& index : model.indexes()) {
        std::vector<std::string> columns;
        for (const std::string& column : index.columns) {
            columns.push_back(column.starts_with('-') ? column.substr(1) : column);
        }
        std::sort(columns.begin(), columns.end());
        if (!index.is_unique || !index.where.is_always_true() || columns != names) continue;
        if (!index.ignores_deleted) return {};
        return dialect == SqlDialect::Sqlite ? " WHERE \"is_deleted\" = 0" : " WHERE \"is_deleted\" = FALSE";
    }
    throw core::InvalidArgument("query.upsert", "rows are recognised by the columns of a unique index",
                                {{"model", model.table()}});
}

std::string conflict_sql(const Model& model, const std::vector<std::string>& columns,
                         const UpsertOptions& options, SqlDialect dialect) {
    const std::string condition = unique_condition(model, options.conflict, dialect);
    std::string sql = " ON CONFLICT (";
    for (const Column* column : require_columns(model, options.conflict)) {
        sql += (sql.ends_with('(') ? "" : ", ") + core::quote_identifier(column->name);
    }
    std::string changes;
    for (const Column* column : require_columns(model, options.update)) {
        if (std::find(columns.begin(), columns.end(), column->name) == columns.end())
            throw_unknown(model, column->name);
        const std::string name = core::quote_identifier(column->name);
        changes += (changes.empty() ? "" : ", ") + name + " = excluded." + name;
    }
    return sql + ")" + condition + (changes.empty() ? " DO NOTHING" : " DO UPDATE SET " + changes);
}

/// Runs a statement for each row, prepared once. The rows are checked before the first is written.
std::int64_t run_rows(const Session& session, const std::string& sql,
                      const std::vector<const Column*>& columns,
                      std::span<const std::vector<core::Value>> rows) {
    for (const std::vector<core::Value>& row : rows) {
        if (row.size() != columns.size()) {
            throw core::InvalidArgument("query.rows",
                                        "a row has another number of values than there are columns",
                                        {{"columns", static_cast<std::int64_t>(columns.size())},
                                         {"values", static_cast<std::int64_t>(row.size())}});
        }
        for (std::size_t i = 0; i < row.size(); ++i) check_value(*columns[i], row[i]);
    }
    std::int64_t count = 0;
    for (const std::vector<core::Value>& row : rows) {
        count += session.run(sql, [&](CellWriter& to) {
            for (std::size_t i = 0; i < row.size(); ++i) to.value(static_cast<int>(i), row[i]);
        });
    }
    return count;
}

}  // namespace

std::int64_t insert(const Session& session, const Model& model, const std::vector<Assignment>& values) {
    std::vector<std::string> names;
    std::vector<core::Value> bindings;
    for (const Assignment& assignment : values) {
        if (assignment.value.op() != core::Operator::Literal) {
            throw_unsupported("a new row has no columns to calculate from");
        }
        names.push_back(assignment.name);
        bindings.push_back(assignment.value.value());
    }
    const std::vector<const Column*> columns = require_columns(model, names);
    for (std::size_t i = 0; i < columns.size(); ++i) check_value(*columns[i], bindings[i]);
    const SqlDialect dialect = dialect_of(session);
    std::string sql = insert_sql(model, columns, dialect);
    const Column* key = model.primary_key();
    if (dialect == SqlDialect::PostgreSql && key != nullptr)
        sql += " RETURNING " + core::quote_identifier(key->name);
    session.execute(sql, bindings);
    return session.last_insert_id();
}

std::int64_t insert_many(const Session& session, const Model& model, const std::vector<std::string>& columns,
                         std::span<const std::vector<core::Value>> rows) {
    const std::vector<const Column*> found = require_columns(model, columns);
    return run_rows(session, insert_sql(model, found, dialect_of(session)), found, rows);
}

std::int64_t upsert_many(const Session& session, const Model& model, const std::vector<std::string>& columns,
                         std::span<const std::vector<core::Value>> rows, const UpsertOptions& options) {
    const std::vector<const Column*> found = require_columns(model, columns);
    const SqlDialect dialect = dialect_of(session);
    const std::string sql =
        insert_sql(model, found, dialect) + conflict_sql(model, columns, options, dialect);
    return run_rows(session, sql, found, rows);
}

}  // namespace consilia::data
