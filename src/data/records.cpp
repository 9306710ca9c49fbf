#include "consilia/data/records.hpp"

#include <algorithm>

#include "connection.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/repository.hpp"
#include "query_compiler.hpp"
#include "query_run.hpp"

namespace consilia::data {
namespace {

using core::SqlDialect;

/// The names of columns that exist.
std::vector<std::string_view> column_names(const std::vector<const Column*>& columns) {
    std::vector<std::string_view> names;
    for (const Column* column : columns) names.emplace_back(column->name);
    return names;
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

/// The rows are checked before the first is written.
void check_rows(const std::vector<const Column*>& columns, std::span<const std::vector<core::Value>> rows) {
    for (const std::vector<core::Value>& row : rows) {
        if (row.size() != columns.size()) {
            throw core::InvalidArgument("query.rows",
                                        "a row has another number of values than there are columns",
                                        {{"columns", static_cast<std::int64_t>(columns.size())},
                                         {"values", static_cast<std::int64_t>(row.size())}});
        }
        for (std::size_t i = 0; i < row.size(); ++i) check_value(*columns[i], row[i]);
    }
}

/// Binds one row after another.
auto binder(std::span<const std::vector<core::Value>> rows) {
    return [rows, next = rows.begin()](CellWriter& to) mutable {
        if (next == rows.end()) return false;
        for (std::size_t i = 0; i < next->size(); ++i) to.value(static_cast<int>(i), (*next)[i]);
        ++next;
        return true;
    };
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
    std::string sql = insert_text(model.table(), column_names(columns), dialect);
    const Column* key = model.primary_key();
    if (dialect == SqlDialect::PostgreSql && key != nullptr)
        sql += " RETURNING " + core::quote_identifier(key->name);
    session.execute(sql, bindings);
    return session.last_insert_id();
}

std::int64_t insert_many(const Session& session, const Model& model, const std::vector<std::string>& columns,
                         std::span<const std::vector<core::Value>> rows) {
    const std::vector<const Column*> found = require_columns(model, columns);
    check_rows(found, rows);
    if (rows.empty()) return 0;
    const std::vector<std::string_view> names = column_names(found);
    auto next = binder(rows);
    // Rows of nothing but defaults cannot be copied.
    if (names.empty()) return session.run_many(insert_text(model.table(), names, session.dialect()), next);
    return session.copy_in(model.table(), names, next);
}

std::int64_t upsert_many(const Session& session, const Model& model, const std::vector<std::string>& columns,
                         std::span<const std::vector<core::Value>> rows, const UpsertOptions& options) {
    const std::vector<const Column*> found = require_columns(model, columns);
    const SqlDialect dialect = session.dialect();
    const std::string sql = insert_text(model.table(), column_names(found), dialect) +
                            conflict_sql(model, columns, options, dialect);
    check_rows(found, rows);
    return rows.empty() ? 0 : session.run_many(sql, binder(rows));
}

namespace detail {

std::vector<std::int64_t> new_keys(const Session& session, const Model& model, std::size_t count) {
    // The sequence is found once; without one there are no rows.
    constexpr std::string_view kSql =
        "WITH found AS MATERIALIZED (SELECT pg_get_serial_sequence($1, $2)::regclass AS sequence) "
        "SELECT nextval(sequence) FROM found, generate_series(1, $3::bigint) WHERE sequence IS NOT NULL";
    std::vector<std::int64_t> keys;
    if (count == 0) return keys;
    keys.reserve(count);
    const std::string table = core::quote_identifier(model.table());
    session.run(
        kSql,
        [&](CellWriter& to) {
            to.text(0, table);
            to.text(1, model.primary_key()->name);
            to.int64(2, static_cast<std::int64_t>(count));
        },
        [&](const CellReader& row) { keys.push_back(row.int64(0)); });
    return keys;
}

std::string upsert_text(const Model& model, const std::vector<std::string>& by, bool has_key,
                        SqlDialect dialect) {
    std::vector<std::string> columns;
    UpsertOptions options{.conflict = by};
    std::string all;
    for (const Column& column : model.columns()) {
        all += (all.empty() ? "" : ", ") + core::quote_identifier(column.name);
        if (column.is_primary_key && !has_key) continue;
        columns.push_back(column.name);
        const bool is_kept = column.is_primary_key || column.name == "created_at" ||
                             column.name == "created_by" ||
                             std::find(by.begin(), by.end(), column.name) != by.end();
        if (!is_kept) options.update.push_back(column.name);
    }
    // A row that is left alone would not be returned.
    if (options.update.empty()) options.update.push_back(by.front());
    const std::vector<std::string_view> names(columns.begin(), columns.end());
    return insert_text(model.table(), names, dialect) + conflict_sql(model, columns, options, dialect) +
           " RETURNING " + all;
}

}  // namespace detail
}  // namespace consilia::data
