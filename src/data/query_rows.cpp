// Queries over the rows of queries.
#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/data/query.hpp"
#include "query_compiler.hpp"

namespace consilia::data {
namespace {

/// A model of the columns of a result.
std::shared_ptr<const Model> model_of(const QueryStep& last, bool is_keyed) {
    if (last.has(StepKind::Prefetch) || last.has(StepKind::Lock)) {
        throw_unsupported("a query inside another one neither prefetches nor locks");
    }
    auto model = std::make_shared<Model>("rows");
    const Column* key = last.model->primary_key();
    for (const RowColumn& column : result_columns(last)) {
        if (column.name.find('.') != std::string::npos) {
            throw core::InvalidArgument(
                "query.name", "annotate `" + column.name + "` under a name of its own to build on it",
                {{"column", column.name}});
        }
        const bool is_key = is_keyed && key != nullptr && column.name == key->name;
        model->add_column(
            {.name = column.name, .type = column.type, .is_nullable = !is_key, .is_primary_key = is_key});
    }
    return model;
}

}  // namespace

Query Query::rows() const {
    auto extra = std::make_shared<StepExtra>();
    const bool is_keyed = !last_->has(StepKind::GroupBy) && !last_->has(StepKind::Distinct);
    extra->model = model_of(*last_, is_keyed);
    extra->queries.push_back(*this);
    const Model& model = *extra->model;
    return Query(QueryStep::source(model, std::move(extra), false));
}

Query Query::union_all(const Query& other) const {
    return unite(other, false);
}

Query Query::union_distinct(const Query& other) const {
    return unite(other, true);
}

Query Query::unite(const Query& other, bool is_distinct) const {
    const std::vector<RowColumn> left = result_columns(*last_);
    const std::vector<RowColumn> right = result_columns(*other.last_);
    const bool fits = std::equal(left.begin(), left.end(), right.begin(), right.end(),
                                 [](const RowColumn& a, const RowColumn& b) { return a.type == b.type; });
    if (!fits) {
        throw core::InvalidArgument("query.union", "both queries need the same number and types of columns",
                                    {{"left", static_cast<std::int64_t>(left.size())},
                                     {"right", static_cast<std::int64_t>(right.size())}});
    }
    auto extra = std::make_shared<StepExtra>();
    extra->model = model_of(*last_, false);
    (void)model_of(*other.last_, false);
    extra->queries = {*this, other};
    const Model& model = *extra->model;
    return Query(QueryStep::source(model, std::move(extra), is_distinct));
}

}  // namespace consilia::data
