#include "operation.hpp"

#include "consilia/core/error.hpp"
#include "ddl.hpp"

namespace consilia::data {
namespace {

using core::quote_identifier;
using core::SqlDialect;
using Statements = std::vector<std::string>;

[[noreturn]] void throw_misfit(const std::string& why, const std::string& table) {
    throw core::InvalidArgument("migration.file", "an operation " + why + " `" + table + '`',
                                {{"table", table}});
}

const Table& require(const Tables& tables, const std::string& name) {
    const auto found = tables.find(name);
    if (found == tables.end()) throw_misfit("names a table that is not there:", name);
    return found->second;
}

/// Everything that the constructor of a model refuses is refused in a file too.
void check_description(const Table& table) {
    Model model(table.name);
    for (const Column& column : table.columns) model.add_column(column);
    for (const TableIndex& index : table.indexes) {
        model.add_index({.columns = index.columns, .is_unique = index.is_unique, .where = index.where});
    }
    for (const core::Expression& check : table.checks) model.add_check(check);
    for (const TableReference& reference : table.references) {
        if (model.find_column(reference.column) == nullptr) {
            throw_misfit("refers from a column that is not there, in", table.name);
        }
    }
}

void add(Tables& tables, Table table) {
    check_description(table);
    const std::string name = table.name;
    if (!tables.emplace(name, std::move(table)).second) throw_misfit("creates a table twice:", name);
}

Table taken(Tables& tables, const std::string& name) {
    Table table = require(tables, name);
    tables.erase(name);
    return table;
}

void rename_table(Tables& tables, const RenameTable& rename) {
    Table table = taken(tables, rename.from);
    table.name = rename.to;
    add(tables, std::move(table));
    for (auto& [name, other] : tables) {
        for (TableReference& reference : other.references) {
            if (reference.target == rename.from) reference.target = rename.to;
        }
    }
}

void change_table(Tables& tables, const TableChange& change) {
    add(tables, changed(taken(tables, change.table), change));
    for (const auto& [from, to] : change.renamed_columns) {
        for (auto& [name, other] : tables) {
            for (TableReference& reference : other.references) {
                if (reference.target == change.table && reference.target_key == from)
                    reference.target_key = to;
            }
        }
    }
}

Statements create_sql(const Table& table, SqlDialect dialect) {
    Statements sql{ddl::create_table(table, dialect)};
    for (const TableIndex& index : table.indexes) sql.push_back(ddl::create_index(table, index, dialect));
    if (table.has_history) {
        for (std::string& each : ddl::create_history(table, dialect)) sql.push_back(std::move(each));
    }
    return sql;
}

Statements drop_sql(const Table& table, SqlDialect dialect) {
    Statements sql;
    if (table.has_history) sql = ddl::drop_history(table, dialect);
    sql.push_back("DROP TABLE " + quote_identifier(table.name));
    return sql;
}

Statements rename_sql(const Table& before, const Table& after, SqlDialect dialect) {
    Statements sql;
    if (before.has_history) sql = ddl::drop_history(before, dialect);
    sql.push_back("ALTER TABLE " + quote_identifier(before.name) + " RENAME TO " +
                  quote_identifier(after.name));
    for (std::size_t i = 0; i < before.indexes.size(); ++i) {
        const std::string old_name = index_name(before, before.indexes[i]);
        if (dialect == SqlDialect::PostgreSql) {
            sql.push_back("ALTER INDEX " + quote_identifier(old_name) + " RENAME TO " +
                          quote_identifier(index_name(after, after.indexes[i])));
        } else {
            sql.push_back(ddl::drop_index(old_name));
            sql.push_back(ddl::create_index(after, after.indexes[i], dialect));
        }
    }
    if (after.has_history) {
        for (std::string& each : ddl::create_history(after, dialect)) sql.push_back(std::move(each));
    }
    return sql;
}

struct Inverter {
    const PlacedOperation& placed;

    Operation operator()(const CreateTable& create) const { return DropTable{create.table.name}; }
    Operation operator()(const DropTable& drop) const {
        return CreateTable{require(placed.before, drop.table)};
    }
    Operation operator()(const RenameTable& rename) const { return RenameTable{rename.to, rename.from}; }
    Operation operator()(const TableChange& change) const {
        std::vector<ColumnRename> back;
        for (const auto& [from, to] : change.renamed_columns) back.emplace_back(to, from);
        return change_between(require(placed.after, change.table), require(placed.before, change.table),
                              back);
    }
    Operation operator()(const RunSql& run) const {
        if ((run.sqlite.down.empty() && !run.sqlite.up.empty()) ||
            (run.postgresql.down.empty() && !run.postgresql.up.empty())) {
            throw core::InvalidArgument("migration.irreversible",
                                        "an operation `sql` without `down` cannot be rolled back");
        }
        return RunSql{{run.sqlite.down, run.sqlite.up}, {run.postgresql.down, run.postgresql.up}};
    }
};

struct Writer {
    const PlacedOperation& placed;
    SqlDialect dialect;

    Statements operator()(const CreateTable& create) const { return create_sql(create.table, dialect); }
    Statements operator()(const DropTable& drop) const {
        return drop_sql(require(placed.before, drop.table), dialect);
    }
    Statements operator()(const RenameTable& rename) const {
        return rename_sql(require(placed.before, rename.from), require(placed.after, rename.to), dialect);
    }
    Statements operator()(const TableChange& change) const {
        return change_sql(require(placed.before, change.table), change, require(placed.after, change.table),
                          dialect);
    }
    Statements operator()(const RunSql& run) const {
        return dialect == SqlDialect::Sqlite ? run.sqlite.up : run.postgresql.up;
    }
};

struct Noter {
    const PlacedOperation& placed;

    std::vector<ChangeNote> operator()(const CreateTable& create) const {
        return {{"create table `" + create.table.name + '`', false}};
    }
    std::vector<ChangeNote> operator()(const DropTable& drop) const {
        return {{"drop table `" + drop.table + "` with its rows", true}};
    }
    std::vector<ChangeNote> operator()(const RenameTable& rename) const {
        return {{"rename table `" + rename.from + "` to `" + rename.to + '`', false}};
    }
    std::vector<ChangeNote> operator()(const TableChange& change) const {
        std::vector<ChangeNote> notes = notes_of(require(placed.before, change.table), change);
        for (ChangeNote& note : notes) note.text = change.table + ": " + note.text;
        return notes;
    }
    std::vector<ChangeNote> operator()(const RunSql&) const { return {{"run statements", false}}; }
};

}  // namespace

void apply_operation(Tables& tables, const Operation& operation) {
    struct Visitor {
        Tables& tables;
        void operator()(const CreateTable& create) const { add(tables, create.table); }
        void operator()(const DropTable& drop) const { (void)taken(tables, drop.table); }
        void operator()(const RenameTable& rename) const { rename_table(tables, rename); }
        void operator()(const TableChange& change) const { change_table(tables, change); }
        void operator()(const RunSql&) const {}
    };
    std::visit(Visitor{tables}, operation);
}

std::vector<PlacedOperation> place(const Tables& start, const std::vector<Operation>& operations) {
    std::vector<PlacedOperation> placed;
    Tables tables = start;
    for (const Operation& operation : operations) {
        Tables before = tables;
        apply_operation(tables, operation);
        placed.push_back({operation, std::move(before), tables});
    }
    return placed;
}

Operation inverse(const PlacedOperation& placed) {
    return std::visit(Inverter{placed}, placed.operation);
}

std::vector<std::string> sql_of(const PlacedOperation& placed, SqlDialect dialect) {
    return std::visit(Writer{placed, dialect}, placed.operation);
}

std::vector<ChangeNote> notes_of(const PlacedOperation& placed) {
    return std::visit(Noter{placed}, placed.operation);
}

std::string table_of(const Operation& operation) {
    struct Visitor {
        std::string operator()(const CreateTable& create) const { return create.table.name; }
        std::string operator()(const DropTable& drop) const { return drop.table; }
        std::string operator()(const RenameTable& rename) const { return rename.from; }
        std::string operator()(const TableChange& change) const { return change.table; }
        std::string operator()(const RunSql&) const { return {}; }
    };
    return std::visit(Visitor{}, operation);
}

}  // namespace consilia::data
