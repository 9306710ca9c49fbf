// Paths across references, and the joins that they need.
#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "query_compiler.hpp"

namespace consilia::data {
namespace {

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

void throw_unsupported(const char* why) {
    throw core::InvalidArgument("query.unsupported", why);
}

void check_plain_name(std::string_view name) {
    const bool is_plain = !name.empty() && name.size() <= 63 && (name[0] < '0' || name[0] > '9') &&
                          std::ranges::all_of(name, [](char c) {
                              return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                          });
    if (!is_plain) {
        throw core::InvalidArgument("query.name", "a name must be lower-case letters, digits and `_`",
                                    {{"name", name.substr(0, 100)}});
    }
}

const Model& require_relation(const Model& model, std::string_view relation) {
    const Model* at = &model;
    std::string_view rest = relation;
    while (true) {
        const std::size_t dot = rest.find('.');
        const Reference* reference = at->find_reference(rest.substr(0, dot));
        if (reference == nullptr) throw_unknown(*at, relation);
        at = reference->target.get();
        if (dot == std::string_view::npos) return *at;
        rest.remove_prefix(dot + 1);
    }
}

const Column& require_field(const Model& model, std::string_view path) {
    const std::size_t dot = path.rfind('.');
    const Model& owner = dot == std::string_view::npos ? model : require_relation(model, path.substr(0, dot));
    const Column* column = owner.find_column(dot == std::string_view::npos ? path : path.substr(dot + 1));
    if (column == nullptr) throw_unknown(owner, path);
    return *column;
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

/// A relation may have the name of the queried table, and no table has `#` in its name.
std::string Joins::alias(std::string_view relation) const {
    std::string name(relation.empty() ? std::string_view(model_.table()) : relation);
    if (relation == model_.table()) name += '#';
    return core::quote_identifier(name + suffix_);
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

void check_type(const Column& column, core::ValueType found) {
    const bool fits = found == core::ValueType::Null || found == column.type ||
                      (found == core::ValueType::Int64 && column.type == core::ValueType::Double);
    if (fits) return;
    throw core::InvalidArgument(
        "query.type",
        "column `" + column.name + "` takes `" + std::string(to_string(column.type)) + "`, not `" +
            std::string(to_string(found)) + "`",
        {{"column", column.name}, {"found", to_string(found)}, {"wanted", to_string(column.type)}});
}

void check_value(const Column& column, const core::Value& value) {
    check_type(column, value.type());
}

core::Expression follows(const QueryStep& last, std::span<const core::Value> key) {
    const std::vector<const QueryStep*> order = order_of(last);
    Joins joins(*last.model);
    // Over the columns from the last to the first: beyond here, or equal here and beyond further right.
    core::Expression beyond = core::Expression::literal(false);
    for (std::size_t i = order.size(); i-- > 0;) {
        const core::Term field = core::field(order[i]->text);
        const bool is_nullable = joins.column(order[i]->text).is_nullable;
        const bool is_descending = order[i]->flag;
        const bool nulls_come_last =
            order[i]->nulls == Nulls::Default ? is_descending : order[i]->nulls == Nulls::Last;
        const core::Value& value = key[i];
        if (value.is_null()) {
            const core::Expression tied = field.is_null() && beyond;
            beyond = nulls_come_last ? tied : field.is_not_null() || tied;
            continue;
        }
        const core::Expression here = is_descending ? field < value : field > value;
        if (nulls_come_last && is_nullable) {
            beyond = here || field.is_null() || (field == value && beyond);
        } else {
            // The first operand says nothing new; it is the range that an index can be entered at.
            const core::Expression range = is_descending ? field <= value : field >= value;
            beyond = range && (here || (field == value && beyond));
        }
    }
    return beyond;
}

}  // namespace consilia::data
