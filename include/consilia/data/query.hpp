#pragma once
// Queries over a model: immutable, chainable, compiled to SQL in which every value is bound.
#include <cstdint>
#include <memory>
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
#include "consilia/data/row_set.hpp"

namespace consilia::data {

/// A column and the value that it gets.
using Assignment = std::pair<std::string, core::Value>;

/// Inserts one row and gives its id. Columns that are not named are null, or refused where they must not be.
/// @throws InvalidArgument (`query.unknown_field`), and what `Session::execute` throws for broken rules.
CONSILIA_API std::int64_t insert(const Session& session, const Model& model,
                                 const std::vector<Assignment>& values);

/// Rows of a model, narrowed and ordered. Each step gives a new query. Fields are dotted paths across
/// references: `xray.patient.user_id`. Names come from the declared model only; an unknown one is
/// InvalidArgument
/// (`query.unknown_field`) with the path and the known names in its details.
///
/// A model with soft delete shows its deleted rows only `with_deleted`; references are followed to deleted
/// rows too. The model must outlive the query. Threading: safe; sessions are confined.
class CONSILIA_API Query {
public:
    explicit Query(const Model& model);
    ~Query();
    Query(const Query&) = default;
    Query& operator=(const Query&) = default;

    [[nodiscard]] Query where(const core::Expression& condition,
                              const core::Parameters& parameters = {}) const;
    [[nodiscard]] Query exclude(const core::Expression& condition,
                                const core::Parameters& parameters = {}) const;
    /// Appends an order: a path, `-` before it for descending. Nulls come first ascending, last descending.
    [[nodiscard]] Query order_by(std::string_view path) const;
    [[nodiscard]] Query limit(std::int64_t rows) const;
    [[nodiscard]] Query offset(std::int64_t rows) const;
    /// Page `number` (from 1) of `size` rows. @throws InvalidArgument (`query.page`) below 1.
    [[nodiscard]] Query page(std::int64_t number, std::int64_t size) const;
    /// What follows the row with these values of the order's columns, in their order (see `key`): a page that
    /// costs the same however deep it is. @throws InvalidArgument (`query.keyset`) unless the order ends with
    /// the primary key and there is a value for each of its columns.
    [[nodiscard]] Query after(std::span<const core::Value> key) const;
    /// The values of the order's columns in a row of this query's result, for `after`.
    [[nodiscard]] std::vector<core::Value> key(const RowSet& rows, std::size_t row) const;
    /// The columns of the result, by path, in this order. Without it: all columns of the model.
    [[nodiscard]] Query select(const std::vector<std::string>& paths) const;
    /// Adds all columns of a referenced row, `xray` or `xray.patient`, to the result.
    [[nodiscard]] Query include(std::string_view relation) const;
    [[nodiscard]] Query with_deleted() const;

    [[nodiscard]] RowSet run(const Session& session) const;
    /// Calls `read` for each row, with all columns of the model in their order.
    /// @throws InvalidArgument (`query.unsupported`) for a query that selects or includes.
    void each(const Session& session, ReadCells read) const;
    /// Rows without limit and offset.
    [[nodiscard]] std::int64_t count(const Session& session) const;
    [[nodiscard]] bool exists(const Session& session) const;
    /// One row for each value of `path`, the value and `count`, most frequent first.
    [[nodiscard]] RowSet count_by(const Session& session, std::string_view path) const;
    /// Changes the matching rows and gives their number; conditions may cross references.
    /// @throws InvalidArgument (`query.unsupported`) for a query with order, limit or offset.
    std::int64_t update(const Session& session, const std::vector<Assignment>& assignments) const;
    /// As `update`, and gives the columns of the changed rows as they are now. `paths` must be of the model
    /// itself.
    RowSet update_returning(const Session& session, const std::vector<Assignment>& assignments,
                            const std::vector<std::string>& paths) const;
    /// Deletes the matching rows and gives their number.
    std::int64_t remove(const Session& session) const;

    /// The SELECT that `run` runs.
    [[nodiscard]] core::SqlFragment sql() const;
    [[nodiscard]] const Model& model() const noexcept;

private:
    struct Parts;
    explicit Query(std::shared_ptr<const Parts> parts);
    [[nodiscard]] std::shared_ptr<Parts> copy() const;
    [[nodiscard]] core::SqlFragment update_sql(const std::vector<Assignment>& assignments) const;
    std::shared_ptr<const Parts> parts_;
};

}  // namespace consilia::data
