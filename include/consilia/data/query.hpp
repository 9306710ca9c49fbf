#pragma once
// Queries over a model: immutable, chainable, compiled to SQL in which every value is bound.
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"
#include "consilia/data/records.hpp"
#include "consilia/data/row_set.hpp"
#include "consilia/data/row_tree.hpp"

namespace consilia::data {

/// Where rows without a value stand in an order.
enum class Nulls : std::uint8_t {
    Default,  ///< First ascending, last descending.
    First,
    Last,
};

struct OrderOptions {
    bool is_descending = false;
    Nulls nulls = Nulls::Default;
};

/// How rows are locked for the rest of the transaction (PostgreSQL).
struct LockOptions {
    bool skip_locked = false;  ///< Leave out rows that others hold, instead of waiting for them.
};

struct SearchOptions {
    std::string rank_as = {};  ///< The name of a double in the result, greater for better; empty: none.
};

/// How the database runs a query, for people who look for what is slow.
struct QueryPlan {
    std::string text;                     ///< As the database says it, a line a step.
    std::vector<std::string> full_scans;  ///< Tables (or aliases in the query) of which every row is read.
};

class Chunks;
enum class StepKind : std::uint8_t;  // Private.
struct QueryStep;                    // Private.

/// Rows of a model, narrowed, ordered and calculated. Each step gives a new query; a step costs an
/// allocation, and the statement of a chain is compiled once for all chains of its shape. Fields are dotted
/// paths across references: `xray.patient.user_id`. Names come from the declared model and from the query's
/// own annotations only; an unknown one is InvalidArgument (`query.unknown_field`) with the path and the
/// known names in its details. Values are bound, never part of the text.
///
/// A model with soft delete shows its deleted rows only `with_deleted`; references are followed to deleted
/// rows too. The model must outlive the query. Threading: safe; sessions are confined.
class CONSILIA_API Query {
public:
    explicit Query(const Model& model);
    ~Query();
    Query(const Query&) = default;
    Query(Query&&) noexcept = default;
    Query& operator=(const Query&) = default;
    Query& operator=(Query&&) noexcept = default;

    /// Keeps the rows for which `condition` is true. Annotations may be named in it.
    /// @throws InvalidArgument (`query.aggregate`, `query.window`) for a condition on an aggregate (see
    /// `having`) or on a window function (see `rows`); (`query.too_long`) past `kStepsMax`, as any step.
    [[nodiscard]] Query where(const core::Expression& condition,
                              const core::Parameters& parameters = {}) const;
    /// Keeps the rows for which `condition` is false.
    [[nodiscard]] Query exclude(const core::Expression& condition,
                                const core::Parameters& parameters = {}) const;
    [[nodiscard]] Query with_deleted() const;
    [[nodiscard]] Query only_deleted() const;

    /// Appends an order: a path or an annotation, `-` before it for descending.
    [[nodiscard]] Query order_by(std::string_view path) const;
    [[nodiscard]] Query order_by(std::string_view path, const OrderOptions& options) const;
    /// Appends an order by a calculated value.
    template <std::same_as<core::Term> T>  // A template, so that a text is never taken for a value.
    [[nodiscard]] Query order_by(const T& value, const OrderOptions& options = {}) const {
        return order_by_value(value.expression(), options);
    }
    /// Forgets the orders given so far.
    [[nodiscard]] Query unordered() const;
    [[nodiscard]] Query limit(std::int64_t rows) const;
    [[nodiscard]] Query offset(std::int64_t rows) const;
    /// Page `number` (from 1) of `size` rows. @throws InvalidArgument (`query.page`) below 1.
    [[nodiscard]] Query page(std::int64_t number, std::int64_t size) const;
    /// What follows the row with these values of the order's columns, in their order (see `key`): a page that
    /// costs the same however deep it is. @throws InvalidArgument (`query.keyset`) unless the order is of
    /// fields, ends with the primary key and there is a value for each.
    [[nodiscard]] Query after(std::span<const core::Value> key) const;
    /// The values of the order's columns in a row of this query's result, for `after`.
    [[nodiscard]] std::vector<core::Value> key(const RowSet& rows, std::size_t row) const;

    /// The columns of the result, by path, in this order. Without it: all columns of the model.
    [[nodiscard]] Query select(std::span<const std::string_view> paths) const;
    [[nodiscard]] Query select(std::initializer_list<std::string_view> paths) const {
        return select(std::span(paths.begin(), paths.size()));
    }
    [[nodiscard]] Query select(const std::vector<std::string>& paths) const;
    /// All columns of the model but these. @throws InvalidArgument (`query.unknown_field`) for a path across
    /// references.
    [[nodiscard]] Query defer(std::span<const std::string_view> columns) const;
    [[nodiscard]] Query defer(std::initializer_list<std::string_view> columns) const {
        return defer(std::span(columns.begin(), columns.size()));
    }
    /// Adds all columns of a referenced row, `xray` or `xray.patient`, to the result.
    [[nodiscard]] Query include(std::string_view relation) const;
    /// Each different row of the result once.
    [[nodiscard]] Query distinct() const;
    /// Adds a calculated column to the result; later steps may name it. Values of related rows are scalar
    /// subqueries (`subquery.hpp`), so that no row of this query is multiplied.
    /// @throws InvalidArgument (`query.name`) for a name that is not `[a-z_][a-z0-9_]*` or is taken.
    [[nodiscard]] Query annotate(std::string_view name, const core::Term& value) const;
    [[nodiscard]] Query annotate(std::string_view name, const core::Expression& condition) const;
    /// One row for each different combination of these values, with the annotations, which may then be
    /// aggregates. Without paths: one row of all.
    [[nodiscard]] Query group_by(std::span<const std::string_view> paths) const;
    [[nodiscard]] Query group_by(std::initializer_list<std::string_view> paths) const {
        return group_by(std::span(paths.begin(), paths.size()));
    }
    /// Keeps the groups for which `condition`, over aggregates and grouped fields, is true.
    [[nodiscard]] Query having(const core::Expression& condition,
                               const core::Parameters& parameters = {}) const;
    /// Keeps rows that hold every word of `text` (at most `kWordsMax`) in the columns of the model's
    /// full-text index; the rest of `text` (operators, quotes) means nothing.
    /// @throws InvalidArgument (`query.search`) for a model without one, or for a text without a word.
    [[nodiscard]] Query search(std::string_view text, const SearchOptions& options = {}) const;
    /// Locks the rows against other writers until the transaction ends. On SQLite a writing transaction is
    /// alone already, and this changes nothing.
    [[nodiscard]] Query for_update(const LockOptions& options = {}) const;

    /// Loads with each row those of `children` whose reference `relation` leads to it, under `name`, in one
    /// statement; see `run_tree`. `children` may narrow, order, limit for each row, prefetch too.
    /// @throws InvalidArgument (`query.prefetch`) if the reference leads elsewhere, or `children` is grouped
    /// or distinct.
    [[nodiscard]] Query prefetch(std::string_view name, const Query& children,
                                 std::string_view relation) const;

    /// The steps of a named scope of the model. @throws InvalidArgument (`query.unknown_scope`).
    [[nodiscard]] Query scope(std::string_view name, const core::Parameters& parameters = {}) const;
    /// The steps of a function from query to query: `visits.apply(unpaid).apply(created_within(7))`.
    template <class F>
    [[nodiscard]] Query apply(const F& scope) const {
        return scope(*this);
    }

    /// A query over the rows of this one, as over a table (SQL: a derived table): its columns, annotations
    /// included, are fields. @throws InvalidArgument (`query.name`) for a column across a reference (annotate
    /// it under a name of its own), (`query.unsupported`) for a query that is prefetched or locked.
    [[nodiscard]] Query rows() const;
    /// The rows of both, which have the same number and types of columns; the names are those of this one.
    /// @throws InvalidArgument (`query.union`) and as `rows`.
    [[nodiscard]] Query union_all(const Query& other) const;
    /// As `union_all`, each different row once.
    [[nodiscard]] Query union_distinct(const Query& other) const;
    /// The rows of this query and all that refer to them by `relation`, a reference to the same table, and
    /// those that refer to these, and so on (SQL: a recursive CTE). Cycles end.
    /// @throws InvalidArgument (`query.recursive`) for a reference to another table.
    [[nodiscard]] Query with_descendants(std::string_view relation) const;
    /// The rows of this query, those that they refer to by `relation`, and so on.
    [[nodiscard]] Query with_ancestors(std::string_view relation) const;

    [[nodiscard]] RowSet run(const Session& session) const;
    /// The rows with what is prefetched.
    [[nodiscard]] RowTree run_tree(const Session& session) const;
    /// Calls `read` for each row, with all columns of the model in their order first.
    /// @throws InvalidArgument (`query.unsupported`) for a query that selects, defers or groups.
    void each(const Session& session, ReadCells read) const;
    /// The first row; by primary key if there is no order.
    [[nodiscard]] std::optional<RowSet> first(const Session& session) const;
    /// The only row. @throws NotFound (`query.none`), Conflict (`query.many`).
    [[nodiscard]] RowSet get(const Session& session) const;
    /// The only row, if there is one. @throws Conflict (`query.many`).
    [[nodiscard]] std::optional<RowSet> find(const Session& session) const;
    /// As `first`, `get` and `find`, with what is prefetched.
    [[nodiscard]] std::optional<RowTree> first_tree(const Session& session) const;
    [[nodiscard]] RowTree get_tree(const Session& session) const;
    [[nodiscard]] std::optional<RowTree> find_tree(const Session& session) const;
    /// Reads all rows in chunks of this size, each where the last one ended, so that memory and the cost of a
    /// chunk stay the same. Orders by primary key, after the orders given.
    /// @throws InvalidArgument (`query.keyset`) if `after` would, or if the result lacks an order's column.
    [[nodiscard]] Chunks chunks(std::int64_t rows) const;
    /// Rows without limit and offset.
    [[nodiscard]] std::int64_t count(const Session& session) const;
    [[nodiscard]] bool exists(const Session& session) const;
    /// One row of aggregates over all rows: `{{"paid", filter(count(), field("is_paid").expression())}}`.
    /// @throws InvalidArgument (`query.name`) as `annotate`; (`query.unsupported`) for a query with limit or
    /// offset, grouped or distinct: aggregate its `rows()`.
    [[nodiscard]] RowSet aggregate(const Session& session, const std::vector<NamedExpression>& values) const;
    /// One row for each value of `path`, the value and `count`, most frequent first.
    [[nodiscard]] RowSet count_by(const Session& session, std::string_view path) const;
    /// Changes the matching rows and gives their number. Conditions may cross references; what is assigned
    /// may be calculated from the row's own columns: `{{"attempt", field("attempt") + 1}}`.
    /// @throws InvalidArgument (`query.unsupported`) for a query with more than conditions,
    /// (`query.assignments`) for none or a column twice, (`query.type`).
    std::int64_t update(const Session& session, const std::vector<Assignment>& assignments) const;
    /// As `update`, and gives the columns of the changed rows as they are now. `paths` must be of the model
    /// itself.
    RowSet update_returning(const Session& session, const std::vector<Assignment>& assignments,
                            const std::vector<std::string>& paths) const;
    /// Deletes the matching rows and gives their number.
    std::int64_t remove(const Session& session) const;
    /// How the database would run it.
    [[nodiscard]] QueryPlan explain(const Session& session) const;

    /// The SELECT that `run` runs.
    [[nodiscard]] core::SqlFragment sql(core::SqlDialect dialect = core::SqlDialect::Sqlite) const;
    [[nodiscard]] const Model& model() const noexcept;

    static constexpr std::size_t kStepsMax = 512;
    static constexpr std::size_t kWordsMax = 32;

private:
    friend struct QueryStep;
    explicit Query(std::shared_ptr<const QueryStep> last) noexcept : last_(std::move(last)) {}
    [[nodiscard]] Query order_by_value(const core::Expression& value, const OrderOptions& options) const;
    [[nodiscard]] Query first_row() const;
    [[nodiscard]] Query two_rows() const;
    [[nodiscard]] Query unite(const Query& other, bool is_distinct) const;
    [[nodiscard]] Query with_tree(std::string_view relation, bool is_downwards) const;
    [[nodiscard]] Query pick(StepKind kind, std::span<const std::string_view> names) const;
    std::shared_ptr<const QueryStep> last_;
};

/// The rows of a query, chunk by chunk. Threading: confined.
class CONSILIA_API Chunks {
public:
    /// The next rows; empty at the end. In one read scope the chunks are of one snapshot; otherwise rows that
    /// are added or changed between two calls may be missed or met.
    [[nodiscard]] RowSet next(const Session& session);

private:
    friend class Query;
    Chunks(Query query, std::int64_t rows);
    Query query_;
    std::int64_t rows_;
    std::vector<core::Value> key_;
    bool is_done_ = false;
};

}  // namespace consilia::data
