#include "consilia/data/subquery.hpp"

#include <memory>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/subquery.hpp"
#include "plan_cache.hpp"
#include "query_compiler.hpp"

namespace consilia::data {
namespace {

class QuerySubquery final : public core::Subquery {
public:
    QuerySubquery(std::shared_ptr<const QueryStep> last, core::ValueType type)
        : last_(std::move(last)), type_(type) {}

    [[nodiscard]] core::SqlFragment compile(const core::SubqueryContext& context) const override {
        Plan plan = data::compile(*last_, {.dialect = context.dialect, .around = &context});
        core::SqlFragment sql{std::move(plan.text), {}};
        collect(plan, *last_, sql.bindings);
        return sql;
    }
    void collect_bindings(const core::Parameters&, std::vector<core::Value>& out) const override {
        collect_nested(last_, out);
    }
    [[nodiscard]] core::ValueType type() const override { return type_; }
    [[nodiscard]] std::size_t depth() const noexcept override {
        return last_->expression_depth + std::size_t{1};
    }
    [[nodiscard]] std::uint64_t shape_hash() const noexcept override { return nested_hash(*last_); }
    [[nodiscard]] bool same_shape(const core::Subquery& other) const noexcept override {
        const auto* query = dynamic_cast<const QuerySubquery*>(&other);
        return query != nullptr && same_nested_shape(*last_, *query->last_);
    }
    [[nodiscard]] bool same_as(const core::Subquery& other) const noexcept override {
        const auto* query = dynamic_cast<const QuerySubquery*>(&other);
        return query != nullptr && same_chain(*last_, *query->last_);
    }

private:
    std::shared_ptr<const QueryStep> last_;
    core::ValueType type_;
};

void check_plain(const QueryStep& last) {
    if (last.has(StepKind::Prefetch) || last.has(StepKind::Lock)) {
        throw_unsupported("a query inside another one neither prefetches nor locks");
    }
}

/// With the type of the only column.
std::shared_ptr<const core::Subquery> one_column(const Query& query) {
    const auto& last = QueryStep::of(query);
    check_plain(*last);
    const std::vector<RowColumn> columns =
        last->kind == StepKind::Aggregate ? std::vector<RowColumn>(1) : result_columns(*last);
    if (columns.size() != 1) {
        throw core::InvalidArgument("query.subquery", "a subquery as a value needs exactly one column",
                                    {{"columns", static_cast<std::int64_t>(columns.size())}});
    }
    return std::make_shared<QuerySubquery>(last, columns.front().type);
}

}  // namespace

void collect_nested(const std::shared_ptr<const QueryStep>& last, std::vector<core::Value>& values) {
    collect(*nested_plan_of(last), *last, values);
}

core::Expression exists(const Query& query) {
    const auto& last = QueryStep::of(query);
    check_plain(*last);
    return core::Expression::exists(std::make_shared<QuerySubquery>(last, core::ValueType::Null));
}

core::Expression in(const core::Term& value, const Query& query) {
    return core::Expression::in_subquery(value.expression(), one_column(query));
}

core::Term scalar(const Query& query) {
    return core::Term(core::Expression::scalar(one_column(query)));
}

core::Term scalar(const Query& query, const core::Term& aggregate) {
    if (!aggregate.expression().has_aggregate()) {
        throw core::InvalidArgument("query.aggregate", "the value of all rows of a query is an aggregate");
    }
    const auto& last = QueryStep::of(query);
    for (const StepKind kind : {StepKind::Limit, StepKind::Offset, StepKind::GroupBy, StepKind::Distinct}) {
        if (last->has(kind))
            throw_unsupported("what is limited, grouped or distinct is aggregated by its `rows()`");
    }
    // The name is one that no model has.
    QueryStep step{.kind = StepKind::Annotate};
    step.text = "#value";
    step.expression = with_annotations(aggregate.expression(), *last);
    const Query grouped = query.unordered().group_by({});
    return scalar(QueryStep::query(QueryStep::append(QueryStep::of(grouped), std::move(step))));
}

Query related(const Query& children, std::string_view relation) {
    const Model& model = children.model();
    const Reference* reference = model.find_reference(relation);
    if (reference == nullptr) throw_unknown(model, relation);
    return children.where(core::field(reference->column) ==
                          core::outer(reference->target->primary_key()->name));
}

}  // namespace consilia::data
