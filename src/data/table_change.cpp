#include "table_change.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"

namespace consilia::data {
namespace {

using core::Expression;
using core::ValueType;

bool same(const TableIndex& a, const TableIndex& b) {
    return a.columns == b.columns && a.is_unique == b.is_unique && a.where.same_as(b.where);
}
bool same(const Expression& a, const Expression& b) {
    return a.same_as(b);
}
bool same(const TableReference& a, const TableReference& b) {
    return a == b;
}

/// The elements of `from` that are not in `of`.
template <class T>
std::vector<T> missing(const std::vector<T>& from, const std::vector<T>& of) {
    std::vector<T> result;
    for (const T& each : from) {
        if (std::none_of(of.begin(), of.end(), [&](const T& other) { return same(each, other); })) {
            result.push_back(each);
        }
    }
    return result;
}

template <class T>
void take(std::vector<T>& from, const std::vector<T>& what) {
    for (const T& each : what) {
        const auto found =
            std::find_if(from.begin(), from.end(), [&](const T& other) { return same(each, other); });
        if (found == from.end()) {
            throw core::InvalidArgument("migration.file", "a change drops what the table does not have");
        }
        from.erase(found);
    }
}

Column without_rules(Column column) {
    column.length_max = 0;
    column.choices.clear();
    column.check = Expression();
    return column;
}

Column& require(Table& table, std::string_view name) {
    for (Column& column : table.columns) {
        if (column.name == name) return column;
    }
    throw core::InvalidArgument("migration.file", "a change names a column that the table does not have",
                                {{"table", table.name}, {"column", name}});
}

void check_renames(const Table& before, const Table& after, const std::vector<ColumnRename>& renames) {
    for (const auto& [from, to] : renames) {
        if (before.find_column(from) != nullptr && before.find_column(to) == nullptr &&
            after.find_column(from) == nullptr && after.find_column(to) != nullptr) {
            continue;
        }
        throw core::InvalidArgument("migration.rename",
                                    "`" + before.name + "." + from + "` cannot become `" + to +
                                        "`: the old name must be in the tables as migrated, the new one in "
                                        "the models, and in no other",
                                    {{"table", before.name}, {"from", from}, {"to", to}});
    }
}

/// The columns of a table, by what becomes of them.
void compare_columns(const Table& before, const Table& after, TableChange& change) {
    const auto old_name = [&](const std::string& name) {
        for (const auto& [from, to] : change.renamed_columns) {
            if (to == name) return from;
        }
        return name;
    };
    for (const Column& column : after.columns) {
        const std::string from = old_name(column.name);
        const Column* known = before.find_column(from);
        if (known == nullptr) {
            change.added_columns.push_back(column);
        } else if (!same_column(from == column.name ? *known : without_rules(*known), column)) {
            change.changed_columns.push_back(column);
        }
    }
    for (const Column& column : before.columns) {
        const bool is_kept = std::any_of(after.columns.begin(), after.columns.end(),
                                         [&](const Column& c) { return old_name(c.name) == column.name; });
        if (!is_kept) change.dropped_columns.push_back(column.name);
    }
}

bool loses_values(ValueType from, ValueType to) {
    return !(from == to || (from == ValueType::Bool && to == ValueType::Int64) ||
             (from == ValueType::Int64 && to == ValueType::Text) ||
             (from == ValueType::Json && to == ValueType::Text) ||
             (from == ValueType::Text && to == ValueType::Json));
}

std::string described(const TableIndex& index) {
    std::string text = index.is_unique ? "unique index on " : "index on ";
    for (const std::string& column : index.columns) {
        text += (&column == &index.columns.front() ? "" : ", ") + column;
    }
    return index.where.is_always_true() ? text : text + " where " + core::to_text(index.where);
}

void note_column(const Table& before, const TableChange& change, const Column& column,
                 std::vector<ChangeNote>& notes) {
    std::string old_name = column.name;
    for (const auto& [from, to] : change.renamed_columns) {
        if (to == column.name) old_name = from;
    }
    const Column* known = before.find_column(old_name);
    const bool is_lossy = known != nullptr && loses_values(known->type, column.type);
    std::string text = "change column `" + column.name + '`';
    if (known != nullptr && known->type != column.type) {
        text += " from " + std::string(core::to_string(known->type)) + " to " +
                std::string(core::to_string(column.type));
    }
    if (is_lossy) text += ": values that do not fit are changed or refused";
    notes.push_back({std::move(text), is_lossy});
}

}  // namespace

bool TableChange::is_empty() const noexcept {
    return dropped_references.empty() && dropped_indexes.empty() && dropped_checks.empty() &&
           renamed_columns.empty() && dropped_columns.empty() && changed_columns.empty() &&
           added_columns.empty() && added_checks.empty() && added_references.empty() &&
           added_indexes.empty() && !begins_history && !ends_history;
}

TableChange change_between(const Table& before, const Table& after,
                           const std::vector<ColumnRename>& renames) {
    check_renames(before, after, renames);
    TableChange change{.table = before.name, .renamed_columns = renames};
    compare_columns(before, after, change);
    change.dropped_references = missing(before.references, after.references);
    change.added_references = missing(after.references, before.references);
    change.dropped_indexes = missing(before.indexes, after.indexes);
    change.added_indexes = missing(after.indexes, before.indexes);
    change.dropped_checks = missing(before.checks, after.checks);
    change.added_checks = missing(after.checks, before.checks);
    change.begins_history = after.has_history && !before.has_history;
    change.ends_history = before.has_history && !after.has_history;
    return change;
}

Table changed(Table table, const TableChange& change) {
    take(table.references, change.dropped_references);
    take(table.indexes, change.dropped_indexes);
    take(table.checks, change.dropped_checks);
    for (const auto& [from, to] : change.renamed_columns) {
        Column& column = require(table, from);
        column = without_rules(column);
        column.name = to;
    }
    for (const std::string& name : change.dropped_columns) {
        const Column* column = &require(table, name);
        table.columns.erase(table.columns.begin() + (column - table.columns.data()));
    }
    for (const Column& column : change.changed_columns) require(table, column.name) = column;
    const auto append = [](auto& to, const auto& what) { to.insert(to.end(), what.begin(), what.end()); };
    append(table.columns, change.added_columns);
    append(table.references, change.added_references);
    append(table.indexes, change.added_indexes);
    append(table.checks, change.added_checks);
    if (change.begins_history || change.ends_history) table.has_history = change.begins_history;
    return table;
}

std::vector<ChangeNote> notes_of(const Table& before, const TableChange& change) {
    std::vector<ChangeNote> notes;
    const auto note = [&](std::string text, bool loses_data = false) {
        notes.push_back({std::move(text), loses_data});
    };
    for (const TableReference& reference : change.dropped_references) {
        note("drop reference `" + reference.column + '`');
    }
    for (const TableIndex& index : change.dropped_indexes) note("drop " + described(index));
    for (const Expression& check : change.dropped_checks) note("drop check " + core::to_text(check));
    for (const auto& [from, to] : change.renamed_columns)
        note("rename column `" + from + "` to `" + to + '`');
    for (const std::string& column : change.dropped_columns) {
        note("drop column `" + column + "` with its values", true);
    }
    for (const Column& column : change.changed_columns) note_column(before, change, column, notes);
    for (const Column& column : change.added_columns) {
        const bool wants_value =
            !column.is_nullable && column.default_value.is_null() && !column.defaults_to_now;
        note("add column `" + column.name + '`' +
             (wants_value ? ": refused while there are rows, it has no default" : ""));
    }
    for (const Expression& check : change.added_checks) note("add check " + core::to_text(check));
    for (const TableReference& reference : change.added_references) {
        note("add reference `" + reference.column + "` to `" + reference.target + '`');
    }
    for (const TableIndex& index : change.added_indexes) note("add " + described(index));
    if (change.begins_history) note("keep history");
    if (change.ends_history) note("keep no more history");
    return notes;
}

}  // namespace consilia::data
