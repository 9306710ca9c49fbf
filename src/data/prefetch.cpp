// Children of many rows in one statement a branch.
#include <unordered_map>

#include "consilia/core/error.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/repository.hpp"
#include "consilia/data/subquery.hpp"
#include "query_compiler.hpp"
#include "query_run.hpp"

namespace consilia::data {
namespace {

/// `[1,2,3]`: one value for any number of keys, so that the statement stays the same.
core::Json json_array(std::span<const std::int64_t> keys) {
    core::Json json{"["};
    json.text.reserve(keys.size() * 8);
    for (const std::int64_t key : keys) {
        if (json.text.size() > 1) json.text += ',';
        json.text += std::to_string(key);
    }
    json.text += ']';
    return json;
}

std::vector<std::int64_t> keys_of(const RowSet& rows, std::size_t column) {
    std::vector<std::int64_t> keys;
    keys.reserve(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) keys.push_back(rows.int64(row, column));
    return keys;
}

/// The rows whose `column` is one of the keys, in the order of the keys' values, then as before.
std::shared_ptr<const QueryStep> with_keys(const std::shared_ptr<const QueryStep>& last,
                                           const std::string& column, core::Json keys) {
    QueryStep step{.kind = StepKind::Keys};
    step.text = column;
    auto extra = std::make_shared<StepExtra>();
    extra->values.emplace_back(std::move(keys));
    step.extra = std::move(extra);
    std::shared_ptr<const QueryStep> narrowed = QueryStep::append(last, std::move(step));
    // The order of the children follows that of their parents' keys.
    const std::vector<const QueryStep*> order = order_of(*last);
    QueryStep by_key{.kind = StepKind::Order};
    by_key.text = column;
    if (order.empty()) return QueryStep::append(narrowed, std::move(by_key));
    narrowed = QueryStep::append(narrowed, {.kind = StepKind::Unordered});
    narrowed = QueryStep::append(narrowed, std::move(by_key));
    for (const QueryStep* old : order) {
        QueryStep again{.kind = StepKind::Order, .nulls = old->nulls, .flag = old->flag};
        again.text = old->text;
        again.expression = old->expression;
        narrowed = QueryStep::append(narrowed, std::move(again));
    }
    return narrowed;
}

/// The chain without the steps of some kinds.
template <class IsKept>
std::shared_ptr<const QueryStep> only_steps(const std::shared_ptr<const QueryStep>& last,
                                            const IsKept& is_kept) {
    if (last->parent == nullptr) return last;
    std::shared_ptr<const QueryStep> before = only_steps(last->parent, is_kept);
    if (!is_kept(last->kind)) return before;
    return QueryStep::append(before, QueryStep(*last));
}

/// The newest number of a kind of step.
std::optional<std::int64_t> number_of(const QueryStep& last, StepKind kind) {
    for (const QueryStep* step = &last; step != nullptr; step = step->parent.get()) {
        if (step->kind == kind) return step->number;
    }
    return std::nullopt;
}

/// The order of a query, ended by its key, as that of a window.
std::vector<core::Expression> window_order(const QueryStep& last, const std::string& key) {
    const auto put = [](std::vector<core::Expression>& to, const core::Term& term, bool is_descending) {
        to.push_back(is_descending ? core::descending(term) : core::ascending(term));
    };
    std::vector<core::Expression> order;
    for (const QueryStep* step : order_of(last)) {
        const core::Term term = step->text.empty() ? core::Term(step->expression) : core::field(step->text);
        if (step->nulls != Nulls::Default)
            put(order, core::Term(term.is_null()), step->nulls == Nulls::First);
        put(order, term, step->flag);
    }
    put(order, core::field(key), false);
    return order;
}

/// Of the rows with each key, those that limit and offset leave: told by their place among them (row_number),
/// in a subquery, so that the rows themselves are selected as they were.
std::shared_ptr<const QueryStep> with_sliced_keys(const std::shared_ptr<const QueryStep>& last,
                                                  const std::string& column, core::Json keys) {
    if (last->has(StepKind::GroupBy) || last->has(StepKind::Distinct) || last->has(StepKind::Lock) ||
        last->model->primary_key() == nullptr) {
        throw_unsupported("only rows of a table with a key are limited for each parent");
    }
    constexpr const char* kPlace = "place_of_child";
    const std::string& key = last->model->primary_key()->name;
    const auto selects = [](StepKind kind) {
        return kind == StepKind::Where || kind == StepKind::After || kind == StepKind::WithDeleted ||
               kind == StepKind::OnlyDeleted || kind == StepKind::Annotate || kind == StepKind::Search;
    };
    const core::Term place = core::over(
        core::row_number(), {.partition_by = {core::field(column)}, .order_by = window_order(*last, key)});
    const Query ranked =
        QueryStep::query(QueryStep::append(with_keys(only_steps(last, selects), column, keys),
                                           {.kind = StepKind::Unordered}))
            .annotate(kPlace, place)
            .rows();
    const std::int64_t skipped = number_of(*last, StepKind::Offset).value_or(0);
    core::Expression is_kept = core::field(kPlace) > skipped;
    if (const auto limit = number_of(*last, StepKind::Limit)) {
        std::int64_t end = 0;  // Past int64 there is no limit.
        if (!__builtin_add_overflow(skipped, *limit, &end)) is_kept = is_kept && core::field(kPlace) <= end;
    }
    const auto whole =
        only_steps(last, [](StepKind kind) { return kind != StepKind::Limit && kind != StepKind::Offset; });
    const Query kept = QueryStep::query(with_keys(whole, column, std::move(keys)))
                           .where(in(core::field(key), ranked.where(is_kept).select({key})));
    return QueryStep::of(kept);
}

}  // namespace

namespace detail {

Query children_of(const Query& query, const std::string& column, std::span<const std::int64_t> keys) {
    const auto& last = QueryStep::of(query);
    const bool is_sliced = last->has(StepKind::Limit) || last->has(StepKind::Offset);
    return QueryStep::query(is_sliced ? with_sliced_keys(last, column, json_array(keys))
                                      : with_keys(last, column, json_array(keys)));
}

std::vector<RowRange> group_by_key(std::span<const std::int64_t> keys, std::span<const std::int64_t> owners) {
    std::unordered_map<std::int64_t, RowRange> by_key;
    by_key.reserve(keys.size());
    for (std::size_t at = 0; at < owners.size();) {
        RowRange range{at, at + 1};
        while (range.end < owners.size() && owners[range.end] == owners[at]) ++range.end;
        by_key.emplace(owners[at], range);
        at = range.end;
    }
    std::vector<RowRange> ranges;
    ranges.reserve(keys.size());
    for (const std::int64_t key : keys) {
        const auto found = by_key.find(key);
        ranges.push_back(found == by_key.end() ? RowRange{} : found->second);
    }
    return ranges;
}

}  // namespace detail

RowTree Query::run_tree(const Session& session) const {
    RowTree tree{run_steps(session, last_), {}};
    if (!last_->has(StepKind::Prefetch)) return tree;
    std::vector<const QueryStep*> steps;
    for (const QueryStep* step = last_.get(); step != nullptr; step = step->parent.get()) {
        if (step->kind == StepKind::Prefetch) steps.insert(steps.begin(), step);
    }
    const std::vector<std::int64_t> parents =
        keys_of(tree.rows, tree.rows.column_index(last_->model->primary_key()->name));
    for (const QueryStep* step : steps) {
        const std::vector<std::string_view> names = names_of(step->text);
        const Model& child = *QueryStep::of(step->extra->queries.front())->model;
        const Reference& reference = *child.find_reference(names[1]);
        RowBranch branch;
        branch.name = names[0];
        const Query children = detail::children_of(step->extra->queries.front(), reference.column, parents);
        branch.children = children.run_tree(session);
        const RowSet& rows = branch.children.rows;
        branch.ranges = detail::group_by_key(parents, keys_of(rows, rows.column_index(reference.column)));
        tree.branches.push_back(std::move(branch));
    }
    return tree;
}

void append_json(std::string& out, const RowTree& tree, std::size_t row) {
    append_json(out, tree.rows, row);
    for (const RowBranch& branch : tree.branches) {
        out.pop_back();  // The object's end; its primary key stands before.
        out += ",\"" + branch.name + "\":[";
        const RowRange range = branch.ranges[row];
        for (std::size_t child = range.begin; child < range.end; ++child) {
            if (child != range.begin) out += ',';
            append_json(out, branch.children, child);
        }
        out += "]}";
    }
}

std::string to_json(const RowTree& tree) {
    std::string out = "[";
    for (std::size_t row = 0; row < tree.rows.size(); ++row) {
        if (row != 0) out += ',';
        append_json(out, tree, row);
    }
    return out + "]";
}

}  // namespace consilia::data
