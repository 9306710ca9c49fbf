// The statements of a change. PostgreSQL alters in place. SQLite does where its ALTER TABLE can; else the
// table is made anew and its rows are copied ("Making Other Kinds Of Table Schema Changes",
// https://sqlite.org/lang_altertable.html).
#include <algorithm>
#include <set>

#include "consilia/core/error.hpp"
#include "ddl.hpp"
#include "table_change.hpp"

namespace consilia::data {
namespace {

using core::quote_identifier;
using core::SqlDialect;
using core::ValueType;

using Statements = std::vector<std::string>;

void append(Statements& to, Statements what) {
    for (std::string& sql : what) to.push_back(std::move(sql));
}

/// The name that a column of the changed table had.
std::string old_name(const TableChange& change, const std::string& name) {
    for (const auto& [from, to] : change.renamed_columns) {
        if (to == name) return from;
    }
    return name;
}

/// A value under its new type. @throws InvalidArgument (`migration.type`) where no meaning is defined.
std::string converted(const std::string& sql, ValueType from, ValueType to, SqlDialect dialect) {
    const bool is_sqlite = dialect == SqlDialect::Sqlite;
    const auto is = [&](ValueType a, ValueType b) { return from == a && to == b; };
    if (from == to) return sql;
    if (is(ValueType::Int64, ValueType::Double)) {
        return is_sqlite ? "CAST(" + sql + " AS REAL)" : sql + "::double precision";
    }
    if (is(ValueType::Double, ValueType::Int64)) {
        return is_sqlite ? "CAST(" + sql + " AS INTEGER)" : "trunc(" + sql + ")::bigint";
    }
    if (is(ValueType::Bool, ValueType::Int64)) return is_sqlite ? sql : sql + "::int::bigint";
    if (is(ValueType::Int64, ValueType::Bool)) return '(' + sql + " <> 0)";
    if (is(ValueType::Int64, ValueType::Text)) {
        return is_sqlite ? "CAST(" + sql + " AS TEXT)" : sql + "::text";
    }
    if (is(ValueType::Json, ValueType::Text)) return is_sqlite ? sql : sql + "::text";
    if (is(ValueType::Text, ValueType::Json)) {
        // json() refuses what is no document; the text itself is kept.
        return is_sqlite ? "CASE WHEN json_valid(" + sql + ") THEN " + sql + " ELSE json(" + sql + ") END"
                         : sql + "::jsonb";
    }
    throw core::InvalidArgument("migration.type",
                                "a column cannot change from " + std::string(core::to_string(from)) + " to " +
                                    std::string(core::to_string(to)) +
                                    ": add a column, copy with an operation `sql`, drop the old one",
                                {{"from", core::to_string(from)}, {"to", core::to_string(to)}});
}

/// The names of rules that must be dropped, and the rules that must be added. A column of another type has
/// its rules written anew.
struct CheckChange {
    Statements dropped;
    std::vector<TableCheck> added;
};

CheckChange compare_checks(const Table& before, const TableChange& change, const Table& after) {
    std::set<std::string> retyped;
    for (const Column& column : change.changed_columns) {
        const Column* known = before.find_column(old_name(change, column.name));
        if (known != nullptr && known->type != column.type) retyped.insert(column.name);
    }
    const auto is_touched = [&](const TableCheck& check) {
        const auto paths = core::field_paths(check.condition);
        return std::any_of(paths.begin(), paths.end(),
                           [&](const std::string& path) { return retyped.contains(path); });
    };
    const auto missing = [&](const std::vector<TableCheck>& from, const std::vector<TableCheck>& of) {
        std::vector<TableCheck> result;
        for (const TableCheck& check : from) {
            const bool is_there =
                std::any_of(of.begin(), of.end(), [&](const TableCheck& c) { return c.name == check.name; });
            if (!is_there || is_touched(check)) result.push_back(check);
        }
        return result;
    };
    CheckChange result;
    for (const TableCheck& check : missing(checks_of(before), checks_of(after))) {
        result.dropped.push_back(check.name);
    }
    result.added = missing(checks_of(after), checks_of(before));
    return result;
}

std::string alter(const Table& table, const std::string& what) {
    return "ALTER TABLE " + quote_identifier(table.name) + ' ' + what;
}

Statements rename_sql(const Table& table, const TableChange& change) {
    Statements sql;
    for (const auto& [from, to] : change.renamed_columns) {
        sql.push_back(
            alter(table, "RENAME COLUMN " + quote_identifier(from) + " TO " + quote_identifier(to)));
    }
    return sql;
}

Statements history_sql(const TableChange& change, const Table& after, SqlDialect dialect) {
    Statements sql;
    if (!after.has_history) return sql;
    append(sql, ddl::create_history(after, dialect));
    if (change.begins_history) sql.push_back(ddl::begin_history(after, dialect));
    return sql;
}

/// An added column that SQLite's ALTER TABLE takes although there are rows.
bool is_addable(const Column& column) {
    const bool has_constant_default = !column.default_value.is_null() && !column.defaults_to_now;
    return !column.is_primary_key && !column.defaults_to_now && (column.is_nullable || has_constant_default);
}

bool needs_rebuild(const Table& before, const TableChange& change, const Table& after) {
    if (!change.dropped_columns.empty() || !change.changed_columns.empty() ||
        !change.dropped_references.empty() || !change.added_references.empty()) {
        return true;
    }
    const CheckChange checks = compare_checks(before, change, after);
    std::size_t added_with_columns = 0;
    for (const Column& column : change.added_columns) {
        if (!is_addable(column)) return true;
        added_with_columns += checks_of(column).size();
    }
    return !checks.dropped.empty() || checks.added.size() != added_with_columns;
}

Statements rebuild_sql(const Table& before, const TableChange& change, const Table& after) {
    constexpr auto kDialect = SqlDialect::Sqlite;
    const std::string name = bounded_name("consilia_new_" + after.name);
    const std::string quoted = quote_identifier(name);
    std::string columns;
    std::string values;
    for (const Column& column : after.columns) {
        const Column* known = before.find_column(old_name(change, column.name));
        if (known == nullptr) continue;  // Its default.
        const std::string own = quote_identifier(column.name);
        std::string value = converted(own, known->type, column.type, kDialect);
        const std::string fill = ddl::default_of(column, kDialect);
        if (known->is_nullable && !column.is_nullable && !fill.empty()) {
            value = "coalesce(" + value + ", " + fill + ')';
        }
        columns += (columns.empty() ? "" : ", ") + own;
        values += (values.empty() ? "" : ", ") + value;
    }
    const std::string old = quote_identifier(before.name);
    Statements sql{ddl::create_table(after, kDialect, {.as = name})};
    if (!columns.empty()) {
        sql.push_back("INSERT INTO " + quoted + " (" + columns + ") SELECT " + values + " FROM " + old);
    }
    if (after.primary_key() != nullptr) {
        // The id of a deleted row is never given again.
        sql.push_back("DELETE FROM sqlite_sequence WHERE name = '" + name + '\'');
        sql.push_back("INSERT INTO sqlite_sequence (name, seq) SELECT '" + name +
                      "', seq FROM sqlite_sequence WHERE name = '" + before.name + '\'');
    }
    sql.push_back("DROP TABLE " + old);
    // The old behaviour leaves what refers to the table by its name as it is.
    sql.push_back("PRAGMA legacy_alter_table = ON");
    sql.push_back("ALTER TABLE " + quoted + " RENAME TO " + old);
    sql.push_back("PRAGMA legacy_alter_table = OFF");
    for (const TableIndex& index : after.indexes) sql.push_back(ddl::create_index(after, index, kDialect));
    return sql;
}

Statements sqlite_sql(const Table& before, const TableChange& change, const Table& after) {
    constexpr auto kDialect = SqlDialect::Sqlite;
    Statements sql;
    if (before.has_history) append(sql, ddl::drop_history(before, kDialect));
    for (const TableIndex& index : change.dropped_indexes) {
        sql.push_back(ddl::drop_index(index_name(before, index)));
    }
    append(sql, rename_sql(before, change));
    if (needs_rebuild(before, change, after)) {
        append(sql, rebuild_sql(before, change, after));
    } else {
        for (const Column& column : change.added_columns) {
            std::string text = "ADD COLUMN " + ddl::column(column, kDialect);
            for (const TableCheck& check : checks_of(column)) text += ' ' + ddl::check(check, kDialect);
            sql.push_back(alter(after, text));
        }
        for (const TableIndex& index : change.added_indexes) {
            sql.push_back(ddl::create_index(after, index, kDialect));
        }
    }
    append(sql, history_sql(change, after, kDialect));
    return sql;
}

Statements alter_column_sql(const Table& table, const Column& known, const Column& column) {
    constexpr auto kDialect = SqlDialect::PostgreSql;
    const std::string own = quote_identifier(column.name);
    const std::string prefix = "ALTER COLUMN " + own + ' ';
    const std::string old_default = ddl::default_of(known, kDialect);
    const std::string fill = ddl::default_of(column, kDialect);
    const bool is_retyped = known.type != column.type;
    Statements sql;
    if (!old_default.empty() && (is_retyped || fill.empty()))
        sql.push_back(alter(table, prefix + "DROP DEFAULT"));
    if (is_retyped) {
        sql.push_back(alter(table, prefix + "TYPE " + std::string(ddl::type(column.type, kDialect)) +
                                       " USING " + converted(own, known.type, column.type, kDialect)));
    }
    if (!fill.empty() && (is_retyped || fill != old_default)) {
        sql.push_back(alter(table, prefix + "SET DEFAULT " + fill));
    }
    if (known.is_nullable && !column.is_nullable) {
        if (!fill.empty()) {
            sql.push_back("UPDATE " + quote_identifier(table.name) + " SET " + own + " = " + fill +
                          " WHERE " + own + " IS NULL");
        }
        sql.push_back(alter(table, prefix + "SET NOT NULL"));
    } else if (!known.is_nullable && column.is_nullable) {
        sql.push_back(alter(table, prefix + "DROP NOT NULL"));
    }
    return sql;
}

/// Indexes stay where their names and conditions do. One whose condition mentions a column of another type is
/// refused by PostgreSQL itself.
Statements postgres_sql(const Table& before, const TableChange& change, const Table& after) {
    constexpr auto kDialect = SqlDialect::PostgreSql;
    const CheckChange checks = compare_checks(before, change, after);
    const auto drop_constraint = [&](const std::string& name) {
        return alter(before, "DROP CONSTRAINT " + quote_identifier(name));
    };
    Statements sql;
    if (before.has_history) append(sql, ddl::drop_history(before, kDialect));
    for (const TableReference& reference : change.dropped_references) {
        sql.push_back(drop_constraint(ddl::reference_name(reference.column)));
    }
    for (const TableIndex& index : change.dropped_indexes) {
        sql.push_back(ddl::drop_index(index_name(before, index)));
    }
    for (const std::string& name : checks.dropped) sql.push_back(drop_constraint(name));
    append(sql, rename_sql(before, change));
    for (const std::string& name : change.dropped_columns) {
        sql.push_back(alter(after, "DROP COLUMN " + quote_identifier(name)));
    }
    for (const Column& column : change.changed_columns) {
        append(sql, alter_column_sql(after, *before.find_column(old_name(change, column.name)), column));
    }
    for (const Column& column : change.added_columns) {
        sql.push_back(alter(after, "ADD COLUMN " + ddl::column(column, kDialect)));
    }
    for (const TableCheck& check : checks.added) {
        sql.push_back(alter(after, "ADD " + ddl::check(check, kDialect)));
    }
    for (const TableReference& reference : change.added_references) {
        sql.push_back(alter(after, "ADD " + ddl::reference(reference)));
    }
    for (const TableIndex& index : change.added_indexes) {
        sql.push_back(ddl::create_index(after, index, kDialect));
    }
    append(sql, history_sql(change, after, kDialect));
    return sql;
}

}  // namespace

std::vector<std::string> change_sql(const Table& before, const TableChange& change, const Table& after,
                                    SqlDialect dialect) {
    return dialect == SqlDialect::Sqlite ? sqlite_sql(before, change, after)
                                         : postgres_sql(before, change, after);
}

}  // namespace consilia::data
