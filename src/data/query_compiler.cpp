#include "query_compiler.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "full_text.hpp"
#include "plan_cache.hpp"
#include "query_writer.hpp"

namespace consilia::data {

using core::Expression;
using core::SqlDialect;
using core::ValueType;

QueryWriter::QueryWriter(const QueryStep& last, const PlanContext& context)
    : last_(last),
      context_(context),
      joins_(*last.model, context.around == nullptr ? "" : "#" + std::to_string(last.expression_depth + 1)) {
    steps_.resize(last.position + std::size_t{1});
    for (const QueryStep* step = &last; step != nullptr; step = step->parent.get()) {
        steps_[step->position] = step;
    }
    options_.dialect = context.dialect;
    options_.column = [this](std::string_view path) { return joins_.column(path).sql; };
    options_.type = [this](std::string_view path) { return joins_.column(path).column->type; };
    if (context.around != nullptr) {
        options_.outer_column = context.around->outer_column;
        options_.outer_type = context.around->outer_type;
        options_.parser_entries = context.around->parser_entries;
        first_placeholder_ = context.around->first_placeholder;
    }
    types_ = {options_.type, options_.outer_type};
}

std::string QueryWriter::placeholder() const {
    return is_sqlite() ? "?" : "$" + std::to_string(first_placeholder_ + value_count_);
}

std::string QueryWriter::bound_value(BoundPart part) {
    std::string text = placeholder();
    bind(part, 1);
    return text;
}

std::string QueryWriter::expression(const Expression& value, BoundPart part, ExpressionRole role) {
    check(value, role);
    options_.first_placeholder = first_placeholder_ + value_count_;
    const bool is_condition = role == ExpressionRole::Condition || role == ExpressionRole::GroupCondition;
    options_.allows_aggregates = role == ExpressionRole::GroupValue || role == ExpressionRole::GroupCondition;
    options_.allows_windows = role == ExpressionRole::Value || role == ExpressionRole::GroupValue;
    core::SqlFragment sql =
        is_condition ? core::compile_sql(value, options_) : core::compile_value_sql(value, options_);
    bind(part, sql.bindings.size());
    return std::move(sql.text);
}

/// Refuses comparisons of a field with a value of another type, which the database would convert and memory
/// refuse: what is left means the same in both.
ValueType QueryWriter::check(const Expression& value, ExpressionRole role) const {
    try {
        if (role != ExpressionRole::Condition && role != ExpressionRole::GroupCondition) {
            return core::check_types(value, types_);
        }
        core::check_condition(value, types_);
        return ValueType::Bool;
    } catch (const core::InvalidArgument& error) {
        if (error.code() != "expression.type") throw;
        throw core::InvalidArgument("query.type", error.what(), error.details());
    }
}

std::string QueryWriter::step_expression(const QueryStep& step, ExpressionRole role) {
    return expression(step.expression, {BoundPart::Kind::Expression, step.position}, role);
}

/// What the result consists of, in its order.
std::vector<QueryWriter::Item> QueryWriter::items() const {
    std::vector<Item> items;
    const auto add_name = [&](std::string_view name) {
        items.push_back({std::string(name), find_annotation(last_, name), nullptr});
    };
    const auto add_columns = [&](const Model& model, std::string_view relation,
                                 std::span<const std::string_view> left_out) {
        for (const Column& column : model.columns()) {
            if (std::find(left_out.begin(), left_out.end(), column.name) != left_out.end()) continue;
            items.push_back({std::string(relation) + column.name, nullptr, nullptr});
        }
    };
    const QueryStep* grouped = last_step(StepKind::GroupBy);
    const QueryStep* selected = last_step(StepKind::Select);
    if (grouped != nullptr || selected != nullptr) {
        for (const std::string_view name : names_of((selected != nullptr ? selected : grouped)->text)) add_name(name);
    } else {
        std::vector<std::string_view> deferred;
        for (const QueryStep* step : steps_) {
            if (step->kind != StepKind::Defer) continue;
            for (const std::string_view name : names_of(step->text)) deferred.push_back(name);
        }
        add_columns(*last_.model, {}, deferred);
    }
    for (const QueryStep* step : steps_) {
        if (step->kind == StepKind::Include) {
            add_columns(require_relation(*last_.model, step->text), step->text + '.', {});
        } else if (step->kind == StepKind::Annotate) {
            const bool is_known = std::any_of(items.begin(), items.end(),
                                              [&](const Item& item) { return item.name == step->text; });
            const bool is_hidden = grouped != nullptr && step->position < grouped->position;
            if (!is_known && !is_hidden) items.push_back({step->text, step, nullptr});
        } else if (step->kind == StepKind::Search && !step->text.empty()) {
            std::erase_if(items, [&](const Item& item) { return item.name == step->text; });
            items.push_back({step->text, nullptr, step});
        }
    }
    return items;
}

std::vector<RowColumn> QueryWriter::columns() {
    std::vector<RowColumn> columns;
    for (Item& item : items()) {
        ValueType type = ValueType::Double;
        if (item.annotation != nullptr) {
            type = core::result_type(item.annotation->expression, types_);
        } else if (item.search == nullptr) {
            type = require_field(*last_.model, item.name).type;
        }
        columns.push_back({std::move(item.name), type});
    }
    return columns;
}

const QueryStep* QueryWriter::last_step(StepKind kind) const noexcept {
    if (!last_.has(kind)) return nullptr;
    const auto found = std::find_if(steps_.rbegin(), steps_.rend(),
                                    [&](const QueryStep* step) { return step->kind == kind; });
    return found == steps_.rend() ? nullptr : *found;
}

std::string QueryWriter::item_sql(const Item& item) {
    if (item.search != nullptr) return rank_sql(*this, *item.search);
    if (item.annotation == nullptr) return joins_.column(item.name).sql;
    const bool is_grouped = last_.has(StepKind::GroupBy);
    if (!is_grouped && item.annotation->expression.has_aggregate()) {
        throw core::InvalidArgument("query.aggregate",
                                    "annotation `" + item.name + "` is an aggregate: group the query, or take it of a subquery",
                                    {{"name", item.name}});
    }
    return step_expression(*item.annotation, is_grouped ? ExpressionRole::GroupValue : ExpressionRole::Value);
}

std::string QueryWriter::from_sql() {
    const QueryStep& source = *steps_.front();
    std::string sql = " FROM ";
    if (!source.extra) {
        const std::string table = core::quote_identifier(last_.model->table());
        const std::string alias = joins_.alias({});
        sql += table;
        if (alias != table) sql += " AS " + alias;
        return sql;
    }
    sql += '(';
    const auto& queries = source.extra->queries;
    for (std::size_t i = 0; i < queries.size(); ++i) {
        if (i != 0) sql += source.flag ? " UNION " : " UNION ALL ";
        const QueryStep& inner = *QueryStep::of(queries[i]);
        const bool is_bare = queries.size() == 1 ||
                             (order_of(inner).empty() && !inner.has(StepKind::Limit) && !inner.has(StepKind::Offset));
        // A member of a union takes neither order nor limit of its own.
        if (!is_bare) sql += "SELECT * FROM (";
        sql += nested_sql(queries[i], {BoundPart::Kind::ExtraQuery, source.position, static_cast<std::uint16_t>(i)});
        if (!is_bare) sql += is_sqlite() ? ")" : ") AS \"part\"";
    }
    return sql + ") AS " + joins_.alias({});
}

std::string QueryWriter::nested_sql(const Query& query, BoundPart part) {
    core::SubqueryContext around;
    around.dialect = context_.dialect;
    around.first_placeholder = first_placeholder_ + value_count_;
    around.parser_entries = options_.parser_entries;
    around.outer_column = options_.outer_column;
    around.outer_type = options_.outer_type;
    const Plan plan = compile(*QueryStep::of(query), {context_.dialect, &around, true});
    std::vector<core::Value> values;
    collect(plan, *QueryStep::of(query), values);
    bind(part, values.size());
    return plan.text;
}

std::string QueryWriter::where_sql() {
    std::string sql;
    const auto add = [&](const std::string& condition) {
        sql += sql.empty() ? " WHERE " : " AND ";
        sql += condition;
    };
    const bool is_table = !steps_.front()->extra;
    if (is_table && last_.model->has_soft_delete()) {
        const std::string column = joins_.alias({}) + ".\"is_deleted\" = ";
        if (last_.has(StepKind::OnlyDeleted)) {
            add(column + (is_sqlite() ? "1" : "TRUE"));
        } else if (!last_.has(StepKind::WithDeleted)) {
            add(column + (is_sqlite() ? "0" : "FALSE"));
        }
    }
    for (const QueryStep* step : steps_) {
        if (step->kind == StepKind::Where || step->kind == StepKind::After) {
            add(step_expression(*step, ExpressionRole::Condition));
        } else if (step->kind == StepKind::Search) {
            add(match_sql(*this, *step));
        } else if (step->kind == StepKind::Keys) {
            const std::string column = joins_.column(step->text).sql;
            const std::string keys = bound_value({BoundPart::Kind::ExtraValue, step->position});
            add(column + (is_sqlite()
                              ? " IN (SELECT value FROM json_each(" + keys + "))"
                              : " IN (SELECT value::bigint FROM jsonb_array_elements_text(" + keys + "))"));
        }
    }
    return sql;
}

std::string QueryWriter::group_sql() {
    const QueryStep* grouped = last_step(StepKind::GroupBy);
    if (grouped == nullptr) return {};
    std::string sql;
    for (const std::string_view name : names_of(grouped->text)) {
        const QueryStep* annotation = find_annotation(last_, name);
        sql += sql.empty() ? " GROUP BY " : ", ";
        sql += annotation != nullptr ? group_key_sql(*annotation) : joins_.column(name).sql;
    }
    std::string having;
    for (const QueryStep* step : steps_) {
        if (step->kind != StepKind::Having) continue;
        having += having.empty() ? " HAVING " : " AND ";
        having += step_expression(*step, ExpressionRole::GroupCondition);
    }
    // Without keys, HAVING alone makes one group of all rows.
    return sql + having;
}

/// A calculated key by its number in the result, so that its values are bound once.
std::string QueryWriter::group_key_sql(const QueryStep& annotation) {
    const std::size_t number = number_in_result(annotation.text);
    if (number != 0) return std::to_string(number);
    return step_expression(annotation, ExpressionRole::Value);
}

std::size_t QueryWriter::number_in_result(std::string_view name) const {
    const auto found =
        std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.name == name; });
    return found == items_.end() ? 0 : static_cast<std::size_t>(found - items_.begin()) + 1;
}

std::string QueryWriter::order_sql() {
    std::string sql;
    for (const QueryStep* step : order_of(last_)) {
        sql += sql.empty() ? " ORDER BY " : ", ";
        bool is_nullable = true;
        const QueryStep* annotation = step->text.empty() ? nullptr : find_annotation(last_, step->text);
        const bool is_field = !step->text.empty() && annotation == nullptr && find_rank(step->text) == nullptr;
        const std::size_t number = step->text.empty() ? 0 : number_in_result(step->text);
        if (last_.has(StepKind::Distinct) && number == 0) {
            throw_unsupported("the order of a distinct query must be by columns of its result");
        }
        if (is_field) {
            const Joins::Found found = joins_.column(step->text);
            is_nullable = found.is_nullable;
            sql += found.sql;
        } else if (number != 0) {
            sql += std::to_string(number);
        } else if (annotation != nullptr) {
            sql += item_sql({step->text, annotation, nullptr});
        } else if (!step->text.empty()) {
            sql += item_sql({step->text, nullptr, find_rank(step->text)});
        } else {
            sql += step_expression(*step, last_.has(StepKind::GroupBy) ? ExpressionRole::GroupValue
                                                                       : ExpressionRole::Value);
        }
        if (step->flag) sql += " DESC";
        // PostgreSQL takes null for the greatest value, SQLite for the least. Said only where it changes
        // something: an index of the other order does not serve.
        const bool nulls_come_last = step->nulls == Nulls::Default ? step->flag : step->nulls == Nulls::Last;
        const bool natural_last = is_sqlite() ? step->flag : !step->flag;
        if (is_nullable && nulls_come_last != natural_last) sql += nulls_come_last ? " NULLS LAST" : " NULLS FIRST";
    }
    return sql;
}

const QueryStep* QueryWriter::find_rank(std::string_view name) const noexcept {
    const QueryStep* search = last_step(StepKind::Search);
    return search != nullptr && search->text == name ? search : nullptr;
}

std::string QueryWriter::limit_sql() {
    const QueryStep* limit = last_step(StepKind::Limit);
    const QueryStep* offset = last_step(StepKind::Offset);
    const bool skips = offset != nullptr && (offset->number != 0 || context_.around == nullptr);
    std::string sql;
    if (limit != nullptr) {
        sql += " LIMIT " + std::to_string(limit->number);
    } else if (skips && is_sqlite()) {
        sql += " LIMIT -1";
    }
    if (!skips) return sql;
    sql += " OFFSET ";
    if (context_.around != nullptr) return sql + std::to_string(offset->number);
    if (is_sqlite()) return sql + bound_value({BoundPart::Kind::Offset, offset->position});
    splices_offset_ = true;  // Its digits follow: bound, it would be planned anew each time.
    return sql;
}

Plan QueryWriter::select(const SelectParts& parts) {
    items_ = items();
    Plan plan;
    plan.columns = std::make_shared<const std::vector<RowColumn>>(columns());
    std::string list;
    for (const Item& item : items_) {
        list += (list.empty() ? "" : ", ") + item_sql(item);
        if (context_.names_columns) list += " AS " + core::quote_identifier(item.name);
    }
    const std::string from = from_sql();
    const std::string where = where_sql();
    const std::string group = group_sql();
    const std::string order = parts.has_order ? order_sql() : std::string();
    const std::string limit = parts.has_limit ? limit_sql() : std::string();
    plan.text = std::string("SELECT ") + (last_.has(StepKind::Distinct) ? "DISTINCT " : "") + list + from + joins_.text() +
                search_join_ + where + group + order + limit;
    if (splices_offset_) plan.offset_at = plan.text.size();
    const QueryStep* lock = last_step(StepKind::Lock);
    if (lock != nullptr && !is_sqlite()) {
        plan.text += " FOR UPDATE OF " + joins_.alias({}) + (lock->flag ? " SKIP LOCKED" : "");
    }
    plan.parts = std::move(parts_);
    return plan;
}

Plan QueryWriter::count() {
    static const auto kColumns =
        std::make_shared<const std::vector<RowColumn>>(std::vector<RowColumn>{{"count", ValueType::Int64}});
    if (last_.has(StepKind::Distinct) || last_.has(StepKind::GroupBy)) {
        Plan plan = select({.has_order = false, .has_limit = false});
        plan.text = "SELECT count(*) FROM (" + plan.text + ") AS \"rows\"";
        plan.columns = kColumns;
        return plan;
    }
    const std::string from = from_sql();
    const std::string where = where_sql();
    return {"SELECT count(*)" + from + joins_.text() + search_join_ + where, std::move(parts_), kColumns};
}

Plan QueryWriter::exists() {
    if (last_.has(StepKind::GroupBy) || last_.has(StepKind::Limit) || last_.has(StepKind::Offset)) {
        Plan plan = select({.has_order = false, .has_limit = true});
        // What is left of the statement stands behind the offset's digits.
        constexpr std::string_view kBefore = "SELECT 1 FROM (";
        plan.text = std::string(kBefore) + plan.text + ") AS \"rows\" LIMIT 1";
        if (plan.offset_at != std::string::npos) plan.offset_at += kBefore.size();
        plan.columns = nullptr;
        return plan;
    }
    const std::string from = from_sql();
    const std::string where = where_sql();
    return {"SELECT 1" + from + joins_.text() + search_join_ + where + " LIMIT 1", std::move(parts_), nullptr};
}

Plan QueryWriter::aggregate() {
    std::string list;
    std::vector<RowColumn> columns;
    const auto& values = last_.extra->expressions;
    for (std::size_t i = 0; i < values.size(); ++i) {
        list += list.empty() ? "" : ", ";
        list += expression(values[i].value,
                           {BoundPart::Kind::ExtraExpression, last_.position, static_cast<std::uint16_t>(i)},
                           ExpressionRole::GroupValue);
        columns.push_back({values[i].name, core::result_type(values[i].value, types_)});
    }
    const std::string from = from_sql();
    const std::string where = where_sql();
    return {"SELECT " + list + from + joins_.text() + search_join_ + where, std::move(parts_),
            std::make_shared<const std::vector<RowColumn>>(std::move(columns))};
}

Plan compile(const QueryStep& last, const PlanContext& context) {
    QueryWriter writer(last, context);
    switch (last.kind) {
        case StepKind::Count:
            return writer.count();
        case StepKind::Exists:
            return writer.exists();
        case StepKind::Aggregate:
            return writer.aggregate();
        case StepKind::Update:
            return writer.update();
        case StepKind::Remove:
            return writer.remove();
        default:
            return writer.select({});
    }
}

std::vector<RowColumn> result_columns(const QueryStep& last) {
    return QueryWriter(last, {}).columns();
}

void collect(const Plan& plan, const QueryStep& last, std::vector<core::Value>& values) {
    constexpr std::size_t kFew = 32;
    const QueryStep* few[kFew];
    std::vector<const QueryStep*> many;
    const QueryStep** steps = few;
    if (last.position >= kFew) {
        many.resize(last.position + std::size_t{1});
        steps = many.data();
    }
    for (const QueryStep* step = &last; step != nullptr; step = step->parent.get()) steps[step->position] = step;
    static const core::Parameters kNone;
    for (const BoundPart& part : plan.parts) {
        const QueryStep& step = *steps[part.step];
        switch (part.kind) {
            case BoundPart::Kind::Expression:
                core::collect_bindings(step.expression, kNone, values);
                break;
            case BoundPart::Kind::ExtraExpression:
                core::collect_bindings(step.extra->expressions[part.item].value, kNone, values);
                break;
            case BoundPart::Kind::ExtraValue:
                values.push_back(step.extra->values[part.item]);
                break;
            case BoundPart::Kind::ExtraQuery:
                collect_nested(QueryStep::of(step.extra->queries[part.item]), values);
                break;
            case BoundPart::Kind::Offset:
                values.emplace_back(step.number);
                break;
        }
    }
}

}  // namespace consilia::data
