// UPDATE and DELETE by query.
#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/data/query.hpp"
#include "query_run.hpp"
#include "query_writer.hpp"

namespace consilia::data {
namespace {

constexpr StepKind kNotChanged[] = {
    StepKind::Limit,   StepKind::Offset, StepKind::After, StepKind::Distinct, StepKind::GroupBy,
    StepKind::Include, StepKind::Select, StepKind::Defer, StepKind::Prefetch, StepKind::Lock};

/// The step of an UPDATE, checked as far as the model alone tells.
QueryStep update_step(const QueryStep& last, const std::vector<Assignment>& assignments) {
    if (assignments.empty())
        throw core::InvalidArgument("query.assignments", "an update needs something to change");
    auto extra = std::make_shared<StepExtra>();
    for (const Assignment& assignment : assignments) {
        const Column* column = last.model->find_column(assignment.name);
        if (column == nullptr) throw_unknown(*last.model, assignment.name);
        const bool is_twice =
            std::any_of(extra->expressions.begin(), extra->expressions.end(),
                        [&](const NamedExpression& known) { return known.name == assignment.name; });
        if (is_twice) {
            throw core::InvalidArgument("query.assignments", "a column is assigned twice",
                                        {{"column", column->name}});
        }
        if (assignment.value.op() == core::Operator::Literal) check_value(*column, assignment.value.value());
        extra->expressions.emplace_back(assignment.name, with_annotations(assignment.value, last));
    }
    QueryStep step{.kind = StepKind::Update};
    step.extra = std::move(extra);
    return step;
}

/// Runs the last step, which changes rows, and gives their number.
std::int64_t change(const Session& session, const std::shared_ptr<const QueryStep>& last) {
    const Runnable made = runnable(last, dialect_of(session));
    return session.execute(made.text(), made.values);
}

}  // namespace

/// Refuses what UPDATE and DELETE have no meaning for, and gives their condition.
std::string QueryWriter::change_condition() {
    const bool is_refused = steps_.front()->extra || !order_of(last_).empty() ||
                            std::any_of(std::begin(kNotChanged), std::end(kNotChanged),
                                        [&](StepKind kind) { return last_.has(kind); });
    if (is_refused)
        throw_unsupported("a change by query takes conditions only: no order, limit, groups or others");
    // Tried on another writer, which tells whether the condition needs joins; these want a subquery.
    QueryWriter trial(*last_.parent, context_);
    (void)trial.where_sql();
    if (trial.joins_.text().empty() && trial.search_join_.empty()) return where_sql();
    if (model().primary_key() == nullptr) throw_unsupported("a change across references needs a primary key");
    const std::string key = core::quote_identifier(model().primary_key()->name);
    const std::string from = from_sql();
    const std::string where = where_sql();
    return " WHERE " + key + " IN (SELECT " + alias() + '.' + key + from + joins_.text() + search_join_ +
           where + ")";
}

Plan QueryWriter::update() {
    std::string sql = "UPDATE " + core::quote_identifier(model().table()) + " SET ";
    const auto& assignments = last_.extra->expressions;
    for (std::size_t i = 0; i < assignments.size(); ++i) {
        const Column& column = require_field(model(), assignments[i].name);
        check_type(column, check(assignments[i].value, ExpressionRole::Assigned));
        sql += (i == 0 ? "" : ", ") + core::quote_identifier(column.name) + " = ";
        sql += expression(assignments[i].value,
                          {BoundPart::Kind::ExtraExpression, last_.position, static_cast<std::uint16_t>(i)},
                          ExpressionRole::Assigned);
    }
    if (!joins_.text().empty())
        throw_unsupported("what is assigned is calculated from the row's own columns");
    sql += change_condition();
    std::vector<RowColumn> columns;
    for (const std::string_view name : names_of(last_.text)) {
        const Column& column = require_field(model(), name);
        sql += (columns.empty() ? " RETURNING " : ", ") + core::quote_identifier(column.name);
        columns.push_back({column.name, column.type});
    }
    return {std::move(sql), std::move(parts_),
            std::make_shared<const std::vector<RowColumn>>(std::move(columns))};
}

Plan QueryWriter::remove() {
    std::string sql = "DELETE FROM " + core::quote_identifier(model().table()) + change_condition();
    return {std::move(sql), std::move(parts_), nullptr};
}

std::int64_t Query::update(const Session& session, const std::vector<Assignment>& assignments) const {
    return change(session, QueryStep::append(last_, update_step(*last_, assignments)));
}

RowSet Query::update_returning(const Session& session, const std::vector<Assignment>& assignments,
                               const std::vector<std::string>& paths) const {
    QueryStep step = update_step(*last_, assignments);
    for (const std::string& path : paths) {
        if (last_->model->find_column(path) == nullptr) throw_unknown(*last_->model, path);
        if (!step.text.empty()) step.text += kNameSeparator;
        step.text += path;
    }
    if (paths.empty()) throw_unsupported("a result needs a column");
    return run_steps(session, QueryStep::append(last_, std::move(step)));
}

std::int64_t Query::remove(const Session& session) const {
    return change(session, QueryStep::append(last_, {.kind = StepKind::Remove}));
}

}  // namespace consilia::data
