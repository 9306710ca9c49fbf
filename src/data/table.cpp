#include "table.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"

namespace consilia::data {
namespace {

using core::Expression;
using core::ValueType;

constexpr std::size_t kNameMax = 63;  // Of PostgreSQL (NAMEDATALEN - 1).
constexpr std::size_t kHashShown = 8;

std::string fingerprint(std::string_view text) {
    return core::sha256(text).substr(0, kHashShown);
}

}  // namespace

const Column* Table::find_column(std::string_view column) const noexcept {
    const auto found =
        std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == column; });
    return found == columns.end() ? nullptr : &*found;
}

const TableReference* Table::find_reference(std::string_view column) const noexcept {
    const auto found = std::find_if(references.begin(), references.end(),
                                    [&](const TableReference& r) { return r.column == column; });
    return found == references.end() ? nullptr : &*found;
}

const Column* Table::primary_key() const noexcept {
    const auto found =
        std::find_if(columns.begin(), columns.end(), [](const Column& c) { return c.is_primary_key; });
    return found == columns.end() ? nullptr : &*found;
}

Table table_of(const Model& model) {
    Table table{.name = model.table(), .has_history = model.has_history()};
    table.columns.assign(model.columns().begin(), model.columns().end());
    for (const Reference& reference : model.references()) {
        table.references.push_back({reference.relation, reference.column, reference.target->table(),
                                    reference.target->primary_key()->name, reference.on_delete});
    }
    for (const Column& column : model.columns()) {
        if (column.is_unique) table.indexes.push_back({.columns = {column.name}, .is_unique = true});
    }
    for (Column& column : table.columns) column.is_unique = false;  // Said once, by the index.
    for (const Index& index : model.indexes()) {
        Expression where = index.where;
        if (index.ignores_deleted) {
            if (!model.has_soft_delete()) {
                throw core::InvalidArgument("model.index",
                                            "an index ignores deleted rows of a model without soft delete",
                                            {{"model", model.table()}});
            }
            where = where && core::field("is_deleted") == false;
        }
        table.indexes.push_back({index.columns, index.is_unique, std::move(where)});
    }
    table.checks.assign(model.checks().begin(), model.checks().end());
    return table;
}

Table history_of(const Table& table) {
    Table history{.name = table.name + "_history"};
    history.columns = {
        {.name = "history_id", .type = ValueType::Int64, .is_primary_key = true},
        {.name = "history_action", .choices = {"insert", "update", "delete", "baseline"}},
        {.name = "history_at", .type = ValueType::Timestamp},
        {.name = "history_by", .type = ValueType::Int64, .is_nullable = true},
    };
    for (const Column& column : table.columns) {
        history.columns.push_back({.name = column.name, .type = column.type, .is_nullable = true});
    }
    history.indexes = {{.columns = {table.primary_key()->name, "history_id"}}};
    return history;
}

Tables tables_of(std::span<const std::shared_ptr<const Model>> models) {
    Tables tables;
    const auto add = [&](Table table) {
        std::string name = table.name;
        if (!tables.try_emplace(name, std::move(table)).second) {
            throw core::InvalidArgument("model.duplicate", "two models have the table `" + name + "`",
                                        {{"name", name}});
        }
    };
    for (const auto& model : models) {
        add(table_of(*model));
        if (model->has_history()) add(history_of(table_of(*model)));
    }
    for (const auto& [name, table] : tables) {
        for (const TableReference& reference : table.references) {
            if (tables.contains(reference.target)) continue;
            throw core::InvalidArgument(
                "model.reference",
                "`" + name + "` refers to `" + reference.target + "`, which is not among the models",
                {{"model", name}, {"target", reference.target}});
        }
    }
    return tables;
}

bool same_column(const Column& a, const Column& b) {
    return a.type == b.type && a.is_nullable == b.is_nullable && a.is_primary_key == b.is_primary_key &&
           a.default_value == b.default_value && a.defaults_to_now == b.defaults_to_now &&
           a.length_max == b.length_max && a.choices == b.choices && a.check.same_as(b.check);
}

std::string bounded_name(const std::string& name) {
    if (name.size() <= kNameMax) return name;
    return name.substr(0, kNameMax - kHashShown - 1) + '_' + fingerprint(name);
}

std::string index_name(const Table& table, const TableIndex& index) {
    std::string name = table.name;
    for (const std::string& column : index.columns) {
        name += column.starts_with('-') ? '_' + column.substr(1) + "_desc" : '_' + column;
    }
    if (!index.where.is_always_true()) name += '_' + fingerprint(core::to_text(index.where));
    return bounded_name(name + (index.is_unique ? "_key" : "_idx"));
}

std::vector<TableCheck> checks_of(const Column& column) {
    std::vector<TableCheck> checks;
    if (column.length_max != 0) {
        checks.push_back({.name = bounded_name(column.name + "_max" + std::to_string(column.length_max)),
                          .condition = {},
                          .column = column.name,
                          .length_max = column.length_max});
    }
    if (!column.choices.empty()) {
        std::vector<core::Value> choices(column.choices.begin(), column.choices.end());
        const Expression condition = core::field(column.name).in(choices);
        checks.push_back(
            {bounded_name(column.name + "_choice_" + fingerprint(core::to_text(condition))), condition});
    }
    if (!column.check.is_always_true()) {
        checks.push_back(
            {bounded_name(column.name + "_check_" + fingerprint(core::to_text(column.check))), column.check});
    }
    return checks;
}

std::vector<TableCheck> checks_of(const Table& table) {
    std::vector<TableCheck> checks;
    for (const Column& column : table.columns) {
        for (TableCheck& check : checks_of(column)) checks.push_back(std::move(check));
    }
    for (const Expression& condition : table.checks) {
        checks.push_back({"check_" + fingerprint(core::to_text(condition)), condition});
    }
    return checks;
}

}  // namespace consilia::data
