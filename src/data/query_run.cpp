// Running queries: the plan of a shape, the values of a chain.
#include "query_run.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/functions.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/repository.hpp"
#include "plan_cache.hpp"
#include "query_compiler.hpp"

namespace consilia::data {
namespace {

std::shared_ptr<const QueryStep> ending(const std::shared_ptr<const QueryStep>& last, StepKind kind) {
    return QueryStep::append(last, {.kind = kind});
}

}  // namespace

Runnable runnable(const std::shared_ptr<const QueryStep>& last, core::SqlDialect dialect) {
    Runnable made{plan_of(last, dialect), {}, {}};
    made.values.reserve(made.plan->parts.size());
    collect(*made.plan, *last, made.values);
    if (made.plan->offset_at != std::string::npos) {
        std::int64_t offset = 0;
        for (const QueryStep* step = last.get(); step != nullptr; step = step->parent.get()) {
            if (step->kind != StepKind::Offset) continue;
            offset = step->number;
            break;
        }
        made.spliced = made.plan->text;
        made.spliced.insert(made.plan->offset_at, std::to_string(offset));
    }
    return made;
}

RowSet run_steps(const Session& session, const std::shared_ptr<const QueryStep>& last) {
    const Runnable made = runnable(last, dialect_of(session));
    return session.query(made.text(), made.values, made.plan->columns);
}

RowSet Query::run(const Session& session) const {
    if (last_->has(StepKind::Prefetch)) throw_unsupported("a query that prefetches gives a tree: `run_tree`");
    return run_steps(session, last_);
}

void Query::each(const Session& session, ReadCells read) const {
    if (last_->has(StepKind::Select) || last_->has(StepKind::Defer) || last_->has(StepKind::GroupBy)) {
        throw_unsupported("objects are read from a query that has all columns of its model");
    }
    const Runnable made = runnable(last_, dialect_of(session));
    session.run(
        made.text(),
        [&](CellWriter& to) {
            for (std::size_t i = 0; i < made.values.size(); ++i)
                to.value(static_cast<int>(i), made.values[i]);
        },
        read);
}

Query Query::first_row() const {
    const Column* key = last_->model->primary_key();
    const bool orders = order_of(*last_).empty() && key != nullptr && !last_->has(StepKind::GroupBy) &&
                        !last_->has(StepKind::Distinct);
    return (orders ? order_by(key->name) : *this).limit(1);
}

/// Enough rows to see whether there is one.
Query Query::two_rows() const {
    return last_->has(StepKind::Limit) ? *this : limit(2);
}

std::optional<RowSet> Query::first(const Session& session) const {
    RowSet rows = first_row().run(session);
    if (rows.empty()) return std::nullopt;
    return rows;
}

std::optional<RowTree> Query::first_tree(const Session& session) const {
    RowTree tree = first_row().run_tree(session);
    if (tree.rows.empty()) return std::nullopt;
    return tree;
}

std::optional<RowSet> Query::find(const Session& session) const {
    RowSet rows = two_rows().run(session);
    if (rows.empty()) return std::nullopt;
    if (rows.size() > 1) detail::throw_many(*last_->model);
    return rows;
}

std::optional<RowTree> Query::find_tree(const Session& session) const {
    RowTree tree = two_rows().run_tree(session);
    if (tree.rows.empty()) return std::nullopt;
    if (tree.rows.size() > 1) detail::throw_many(*last_->model);
    return tree;
}

RowSet Query::get(const Session& session) const {
    std::optional<RowSet> rows = find(session);
    if (!rows) detail::throw_none(*last_->model);
    return *std::move(rows);
}

RowTree Query::get_tree(const Session& session) const {
    std::optional<RowTree> tree = find_tree(session);
    if (!tree) detail::throw_none(*last_->model);
    return *std::move(tree);
}

Chunks Query::chunks(std::int64_t rows) const {
    if (rows < 1) throw core::InvalidArgument("query.limit", "a chunk has at least one row");
    const Column* key = last_->model->primary_key();
    const std::vector<const QueryStep*> order = order_of(*last_);
    const bool is_total = key != nullptr && !order.empty() && order.back()->text == key->name;
    const bool has_limit = last_->has(StepKind::Limit) || last_->has(StepKind::Offset);
    if (key == nullptr || has_limit || last_->has(StepKind::GroupBy) || last_->has(StepKind::Distinct)) {
        throw core::InvalidArgument("query.keyset",
                                    "chunks are of rows with a primary key, without limit and offset");
    }
    const Query ordered = is_total ? *this : order_by(key->name);
    const std::vector<RowColumn> columns = result_columns(*ordered.last_);
    for (const QueryStep* by : order_of(*ordered.last_)) {
        bool is_there = false;
        for (const RowColumn& column : columns) is_there = is_there || column.name == by->text;
        if (!is_there) {
            throw core::InvalidArgument("query.keyset", "the result lacks a column of its order",
                                        {{"column", by->text}});
        }
    }
    return {ordered, rows};
}

Chunks::Chunks(Query query, std::int64_t rows) : query_(std::move(query)), rows_(rows) {}

RowSet Chunks::next(const Session& session) {
    if (is_done_) return RowSet();
    const Query limited = query_.limit(rows_);
    RowSet rows = (key_.empty() ? limited : limited.after(key_)).run(session);
    is_done_ = static_cast<std::int64_t>(rows.size()) < rows_;
    if (!is_done_) key_ = query_.key(rows, rows.size() - 1);
    return rows;
}

std::int64_t Query::count(const Session& session) const {
    return run_steps(session, ending(last_, StepKind::Count)).int64(0, 0);
}

bool Query::exists(const Session& session) const {
    const Runnable made = runnable(ending(last_, StepKind::Exists), dialect_of(session));
    return session.run_first(
        made.text(),
        [&](CellWriter& to) {
            for (std::size_t i = 0; i < made.values.size(); ++i)
                to.value(static_cast<int>(i), made.values[i]);
        },
        nullptr);
}

RowSet Query::aggregate(const Session& session, const std::vector<NamedExpression>& values) const {
    for (const StepKind kind : {StepKind::Limit, StepKind::Offset, StepKind::GroupBy, StepKind::Distinct}) {
        if (last_->has(kind))
            throw_unsupported("what is limited, grouped or distinct is aggregated by its `rows()`");
    }
    auto extra = std::make_shared<StepExtra>();
    for (const NamedExpression& named : values) {
        check_plain_name(named.name);
        NamedExpression value(named.name, with_annotations(named.value, *last_));
        if (!value.value.has_aggregate()) {
            throw core::InvalidArgument("query.aggregate", "`" + named.name + "` is no aggregate",
                                        {{"name", named.name}});
        }
        extra->expressions.push_back(std::move(value));
    }
    if (values.empty()) throw core::InvalidArgument("query.aggregate", "there is nothing to aggregate");
    QueryStep step{.kind = StepKind::Aggregate};
    step.extra = std::move(extra);
    return run_steps(session, QueryStep::append(last_, std::move(step)));
}

RowSet Query::count_by(const Session& session, std::string_view path) const {
    const Query grouped = unordered().group_by({path}).annotate("count", core::count());
    return grouped.order_by("-count").order_by(path).run(session);
}

core::SqlFragment Query::sql(core::SqlDialect dialect) const {
    Runnable made = runnable(last_, dialect);
    return {std::string(made.text()), std::move(made.values)};
}

}  // namespace consilia::data
