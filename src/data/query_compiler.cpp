#include "query_compiler.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/core/expression_types.hpp"
#include "consilia/core/sql.hpp"

namespace consilia::data {
namespace {

using core::Expression;
using core::ValueType;

constexpr std::size_t kPathShown = 100;  // Of an unknown path in an error: it may come from outside.

}  // namespace

void throw_unknown(const Model& model, std::string_view path) {
    std::string known;
    for (const Column& column : model.columns()) known += (known.empty() ? "" : ", ") + column.name;
    for (const Reference& reference : model.references()) known += ", " + reference.relation + ".";
    const std::string_view shown = path.substr(0, kPathShown);
    throw core::InvalidArgument("query.unknown_field", "no field `" + std::string(shown) + "`",
                                {{"field", shown}, {"model", model.table()}, {"known", known}});
}

Joins::Found Joins::column(std::string_view path) {
    const std::size_t dot = path.rfind('.');
    const std::string_view relation =
        dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
    const std::string_view name = dot == std::string_view::npos ? path : path.substr(dot + 1);
    if (dot == 0) throw_unknown(model_, path);
    const Model& model = follow(relation, path);
    const Column* column = model.find_column(name);
    if (column == nullptr) throw_unknown(model, path);
    return {column, alias(relation) + '.' + core::quote_identifier(column->name),
            column->is_nullable || !is_certain(relation)};
}

const Model& Joins::follow(std::string_view relation, std::string_view path) {
    if (relation.ends_with('.')) throw_unknown(model_, path);
    const Model* model = &model_;
    std::size_t start = 0;
    while (start < relation.size()) {
        const std::size_t dot = std::min(relation.find('.', start), relation.size());
        const Reference* reference = model->find_reference(relation.substr(start, dot - start));
        if (reference == nullptr) throw_unknown(*model, path);
        join(relation.substr(0, start == 0 ? 0 : start - 1), relation.substr(0, dot), *model, *reference);
        model = reference->target.get();
        start = dot + 1;
    }
    return *model;
}

std::string Joins::alias(std::string_view relation) const {
    return core::quote_identifier(relation.empty() ? std::string_view(model_.table()) : relation);
}

bool Joins::is_certain(std::string_view relation) const noexcept {
    if (relation.empty()) return true;
    return std::any_of(joined_.begin(), joined_.end(), [&](const Joined& joined) {
        return joined.relation == relation && joined.is_certain;
    });
}

/// A left join where a row may be missing: its fields are then null, and the logic of expressions deals with
/// null. An inner one elsewhere, so that the planner may start from either side.
void Joins::join(std::string_view from, std::string_view to, const Model& model, const Reference& reference) {
    if (std::any_of(joined_.begin(), joined_.end(),
                    [&](const Joined& known) { return known.relation == to; }))
        return;
    const bool certain = is_certain(from) && !model.find_column(reference.column)->is_nullable;
    joined_.push_back({std::string(to), certain});
    text_ += certain ? " JOIN " : " LEFT JOIN ";
    text_ += core::quote_identifier(reference.target->table()) + " AS " + alias(to) + " ON " + alias(to) +
             '.' + core::quote_identifier(reference.target->primary_key()->name) + " = " + alias(from) + '.' +
             core::quote_identifier(reference.column);
}

void check_types(const Expression& condition, Joins& joins) {
    const core::FieldTypes types{
        .field = [&](std::string_view path) { return joins.column(path).column->type; }};
    try {
        core::check_condition(condition, types);
    } catch (const core::InvalidArgument& error) {
        if (error.code() != "expression.type") throw;
        throw core::InvalidArgument("query.type", error.what(), error.details());
    }
}

void check_value(const Column& column, const core::Value& value) {
    const bool fits = value.is_null() || value.type() == column.type ||
                      (value.type() == ValueType::Int64 && column.type == ValueType::Double);
    if (fits) return;
    throw core::InvalidArgument(
        "query.type",
        "column `" + column.name + "` takes `" + std::string(to_string(column.type)) + "`, not `" +
            std::string(to_string(value.type())) + "`",
        {{"column", column.name}, {"found", to_string(value.type())}, {"wanted", to_string(column.type)}});
}

Expression follows(std::span<const OrderedBy> order, std::span<const core::Value> key, Joins& joins) {
    // Over the columns from the last to the first: beyond here, or equal here and beyond further right.
    Expression beyond = Expression::literal(false);
    for (std::size_t i = order.size(); i-- > 0;) {
        const core::Term field = core::field(order[i].path);
        const bool is_nullable = joins.column(order[i].path).is_nullable;
        const core::Value& value = key[i];
        if (value.is_null()) {
            const Expression tied = field.is_null() && beyond;
            beyond = order[i].is_descending ? tied : field.is_not_null() || tied;
            continue;
        }
        const Expression here = order[i].is_descending ? field < value : field > value;
        if (order[i].is_descending && is_nullable) {
            beyond = here || field.is_null() || (field == value && beyond);
        } else {
            // The first operand says nothing new; it is the range that an index can be entered at.
            const Expression range = order[i].is_descending ? field <= value : field >= value;
            beyond = range && (here || (field == value && beyond));
        }
    }
    return beyond;
}

}  // namespace consilia::data
