// The steps: each checks what it is given and hangs one node behind the chain.
#include "consilia/data/query.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "query_compiler.hpp"
#include "query_step.hpp"
#include "tree_subquery.hpp"

namespace consilia::data {
namespace {

using core::Expression;

void check_name(const QueryStep& last, std::string_view name) {
    check_plain_name(name);
    const bool is_taken = last.model->find_column(name) != nullptr ||
                          last.model->find_reference(name) != nullptr ||
                          find_annotation(last, name) != nullptr;
    if (is_taken) {
        throw core::InvalidArgument("query.name", "the query has `" + std::string(name) + "` already",
                                    {{"name", name}});
    }
}

bool is_rank(const QueryStep& last, std::string_view name) noexcept {
    if (!last.has(StepKind::Search)) return false;
    for (const QueryStep* step = &last; step != nullptr; step = step->parent.get()) {
        if (step->kind == StepKind::Search && step->text == name) return true;
    }
    return false;
}

/// A field, an annotation or the rank of a search.
void check_value_name(const QueryStep& last, std::string_view name) {
    if (find_annotation(last, name) == nullptr && !is_rank(last, name))
        (void)require_field(*last.model, name);
}

void check_no_window(const Expression& condition) {
    if (condition.has_window()) {
        throw core::InvalidArgument("query.window",
                                    "a window function is calculated behind the conditions: filter `rows()`");
    }
}

Query step_of(const std::shared_ptr<const QueryStep>& last, QueryStep&& step) {
    return QueryStep::query(QueryStep::append(last, std::move(step)));
}

Query condition_step(const std::shared_ptr<const QueryStep>& last, StepKind kind, const Expression& condition,
                     const core::Parameters& parameters) {
    QueryStep step{.kind = kind};
    step.expression =
        with_annotations(parameters.empty() ? condition : core::bind(condition, parameters), *last);
    check_no_window(step.expression);
    if (kind == StepKind::Where && step.expression.has_aggregate()) {
        throw core::InvalidArgument("query.aggregate", "a condition on an aggregate stands in `having`");
    }
    if (step.expression.is_always_true()) return QueryStep::query(last);
    return step_of(last, std::move(step));
}

Query number_step(const std::shared_ptr<const QueryStep>& last, StepKind kind, std::int64_t number) {
    QueryStep step{.kind = kind};
    step.number = number;
    return step_of(last, std::move(step));
}

}  // namespace

Query::Query(const Model& model) : last_(QueryStep::source(model, nullptr, false)) {}
Query::~Query() = default;

Query Query::where(const Expression& condition, const core::Parameters& parameters) const {
    return condition_step(last_, StepKind::Where, condition, parameters);
}

Query Query::exclude(const Expression& condition, const core::Parameters& parameters) const {
    return where(!condition, parameters);
}

Query Query::having(const Expression& condition, const core::Parameters& parameters) const {
    if (!last_->has(StepKind::GroupBy)) throw_unsupported("`having` needs groups");
    return condition_step(last_, StepKind::Having, condition, parameters);
}

Query Query::with_deleted() const {
    return step_of(last_, {.kind = StepKind::WithDeleted});
}

Query Query::only_deleted() const {
    if (!last_->model->has_soft_delete()) throw_unsupported("the model has no soft delete");
    return step_of(last_, {.kind = StepKind::OnlyDeleted});
}

Query Query::order_by(std::string_view path) const {
    const bool is_descending = path.starts_with('-');
    if (is_descending) path.remove_prefix(1);
    return order_by(path, {.is_descending = is_descending});
}

Query Query::order_by(std::string_view path, const OrderOptions& options) const {
    check_value_name(*last_, path);
    if (last_->has(StepKind::After)) {
        throw core::InvalidArgument("query.keyset", "the order must be whole before `after`");
    }
    QueryStep step{.kind = StepKind::Order, .nulls = options.nulls, .flag = options.is_descending};
    step.text = path;
    return step_of(last_, std::move(step));
}

Query Query::order_by_value(const Expression& value, const OrderOptions& options) const {
    QueryStep step{.kind = StepKind::Order, .nulls = options.nulls, .flag = options.is_descending};
    step.expression = with_annotations(value, *last_);
    return step_of(last_, std::move(step));
}

Query Query::unordered() const {
    return last_->has(StepKind::Order) ? step_of(last_, {.kind = StepKind::Unordered}) : *this;
}

Query Query::limit(std::int64_t rows) const {
    if (rows < 0) throw core::InvalidArgument("query.limit", "a limit must not be negative");
    return number_step(last_, StepKind::Limit, rows);
}

Query Query::offset(std::int64_t rows) const {
    if (rows < 0) throw core::InvalidArgument("query.offset", "an offset must not be negative");
    return number_step(last_, StepKind::Offset, rows);
}

Query Query::page(std::int64_t number, std::int64_t size) const {
    if (number < 1 || size < 1 || number > (std::int64_t{1} << 40) / size) {
        throw core::InvalidArgument("query.page", "a page has a number and a size of at least 1",
                                    {{"page", number}, {"page_size", size}});
    }
    return limit(size).offset((number - 1) * size);
}

Query Query::after(std::span<const core::Value> key) const {
    const std::vector<const QueryStep*> order = order_of(*last_);
    const Column* primary_key = last_->model->primary_key();
    const bool is_total = !order.empty() && primary_key != nullptr && order.back()->text == primary_key->name;
    const bool is_of_fields = std::none_of(order.begin(), order.end(), [&](const QueryStep* step) {
        return step->text.empty() || find_annotation(*last_, step->text) != nullptr ||
               is_rank(*last_, step->text);
    });
    if (!is_total || !is_of_fields || key.size() != order.size()) {
        throw core::InvalidArgument("query.keyset",
                                    "`after` needs an order of fields that ends with the primary key, and a "
                                    "value for each");
    }
    for (std::size_t i = 0; i < key.size(); ++i)
        check_value(require_field(*last_->model, order[i]->text), key[i]);
    QueryStep step{.kind = StepKind::After};
    step.expression = follows(*last_, key);
    return step_of(last_, std::move(step));
}

std::vector<core::Value> Query::key(const RowSet& rows, std::size_t row) const {
    std::vector<core::Value> key;
    for (const QueryStep* by : order_of(*last_)) {
        if (by->text.empty()) {
            throw core::InvalidArgument("query.keyset", "a key is made of fields");
        }
        key.push_back(rows.value(row, rows.column_index(by->text)));
    }
    return key;
}

Query Query::pick(StepKind kind, std::span<const std::string_view> names) const {
    QueryStep step{.kind = kind};
    for (const std::string_view name : names) {
        if (kind == StepKind::Defer) {
            if (last_->model->find_column(name) == nullptr) throw_unknown(*last_->model, name);
        } else {
            check_value_name(*last_, name);
        }
        if (!step.text.empty()) step.text += kNameSeparator;
        step.text += name;
    }
    return step_of(last_, std::move(step));
}

Query Query::select(std::span<const std::string_view> paths) const {
    if (paths.empty()) throw_unsupported("a result needs a column");
    return pick(StepKind::Select, paths);
}

Query Query::select(const std::vector<std::string>& paths) const {
    const std::vector<std::string_view> views(paths.begin(), paths.end());
    return select(views);
}

Query Query::defer(std::span<const std::string_view> columns) const {
    return pick(StepKind::Defer, columns);
}

Query Query::group_by(std::span<const std::string_view> paths) const {
    if (last_->has(StepKind::GroupBy)) throw_unsupported("a query is grouped once: group its `rows()`");
    return pick(StepKind::GroupBy, paths);
}

Query Query::include(std::string_view relation) const {
    (void)require_relation(*last_->model, relation);
    QueryStep step{.kind = StepKind::Include};
    step.text = relation;
    return step_of(last_, std::move(step));
}

Query Query::distinct() const {
    return step_of(last_, {.kind = StepKind::Distinct});
}

Query Query::annotate(std::string_view name, const core::Term& value) const {
    return annotate(name, value.expression());
}

Query Query::annotate(std::string_view name, const Expression& condition) const {
    check_name(*last_, name);
    QueryStep step{.kind = StepKind::Annotate};
    step.text = name;
    step.expression = with_annotations(condition, *last_);
    return step_of(last_, std::move(step));
}

Query Query::for_update(const LockOptions& options) const {
    if (last_->has(StepKind::GroupBy) || last_->has(StepKind::Distinct)) {
        throw_unsupported("only rows of a table can be locked");
    }
    return step_of(last_, {.kind = StepKind::Lock, .flag = options.skip_locked});
}

Query Query::prefetch(std::string_view name, const Query& children, std::string_view relation) const {
    check_name(*last_, name);
    const QueryStep& child = *children.last_;
    const Reference* reference = child.model->find_reference(relation);
    if (reference == nullptr) throw_unknown(*child.model, relation);
    const bool leads_here = last_->model->primary_key() != nullptr && !last_->extra &&
                            reference->target->table() == last_->model->table();
    if (!leads_here || child.has(StepKind::GroupBy) || child.has(StepKind::Distinct)) {
        throw core::InvalidArgument(
            "query.prefetch", "children are rows that refer to this model, without groups or `distinct`",
            {{"name", name}, {"relation", relation}});
    }
    QueryStep step{.kind = StepKind::Prefetch};
    step.text = std::string(name) + kNameSeparator + std::string(relation);
    auto extra = std::make_shared<StepExtra>();
    extra->queries.push_back(children);
    step.extra = std::move(extra);
    return step_of(last_, std::move(step));
}

Query Query::scope(std::string_view name, const core::Parameters& parameters) const {
    const Scope* scope = last_->model->find_scope(name);
    if (scope == nullptr) {
        std::string known;
        for (const auto& [other, function] : last_->model->scopes())
            known += (known.empty() ? "" : ", ") + other;
        throw core::InvalidArgument(
            "query.unknown_scope", "no scope `" + std::string(name.substr(0, 100)) + "`",
            {{"scope", name.substr(0, 100)}, {"model", last_->model->table()}, {"known", known}});
    }
    return (*scope)(*this, parameters);
}

Query Query::with_descendants(std::string_view relation) const {
    return with_tree(relation, true);
}

Query Query::with_ancestors(std::string_view relation) const {
    return with_tree(relation, false);
}

Query Query::with_tree(std::string_view relation, bool is_downwards) const {
    const Model& model = *last_->model;
    const Reference* reference = model.find_reference(relation);
    if (reference == nullptr) throw_unknown(model, relation);
    if (reference->target->table() != model.table()) {
        throw core::InvalidArgument("query.recursive", "a tree is made by a reference to the same table",
                                    {{"relation", relation}});
    }
    const std::string& key = model.primary_key()->name;
    auto tree =
        std::make_shared<TreeSubquery>(select({std::string_view(key)}).last_, *reference, is_downwards);
    return Query(model).where(Expression::in_subquery(core::field(key).expression(), std::move(tree)));
}

const Model& Query::model() const noexcept {
    return *last_->model;
}

}  // namespace consilia::data
