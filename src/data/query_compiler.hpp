#pragma once
// From the steps of a query to a statement: columns, joins, conditions, and where its values come from.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/expression.hpp"
#include "consilia/core/expression_types.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/core/subquery.hpp"
#include "consilia/data/model.hpp"
#include "query_step.hpp"

namespace consilia::data {

/// @throws InvalidArgument (`query.unknown_field`) always.
[[noreturn]] void throw_unknown(const Model& model, std::string_view path);
[[noreturn]] void throw_unsupported(const char* why);
/// @throws InvalidArgument (`query.name`) unless it is `[a-z_][a-z0-9_]*`.
void check_plain_name(std::string_view name);

/// The column that a path leads to. @throws InvalidArgument (`query.unknown_field`).
const Column& require_field(const Model& model, std::string_view path);
/// The model that a relation path leads to. @throws InvalidArgument (`query.unknown_field`).
const Model& require_relation(const Model& model, std::string_view relation);

/// Refuses a value that has another type than its column. @throws InvalidArgument (`query.type`).
void check_value(const Column& column, const core::Value& value);
/// As `check_value`, for the type of a calculated value.
void check_type(const Column& column, core::ValueType found);

/// Gives paths their columns and collects the joins that these need. Identifiers come from the models alone.
class Joins {
public:
    /// `suffix` tells the aliases of a subquery from those of the queries around it.
    explicit Joins(const Model& model, std::string suffix = {}) : model_(model), suffix_(std::move(suffix)) {}

    struct Found {
        const Column* column;
        std::string sql;   ///< Quoted and qualified.
        bool is_nullable;  ///< By itself, or because a row on the way may be missing.
    };
    /// @throws InvalidArgument (`query.unknown_field`).
    Found column(std::string_view path);
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// Of a relation, quoted; empty: of the queried table.
    [[nodiscard]] std::string alias(std::string_view relation) const;

private:
    struct Joined {
        std::string relation;
        bool is_certain;  ///< Each row has one.
    };
    const Model& follow(std::string_view relation, std::string_view path);
    [[nodiscard]] bool is_certain(std::string_view relation) const noexcept;
    void join(std::string_view from, std::string_view to, const Model& model, const Reference& reference);

    const Model& model_;
    std::string suffix_;
    std::vector<Joined> joined_;
    std::string text_;
};

/// A value of a statement: where in a chain it is found.
struct BoundPart {
    enum class Kind : std::uint8_t { Expression, ExtraExpression, ExtraValue, ExtraQuery, Offset };
    Kind kind;
    std::uint16_t step;
    std::uint16_t item = 0;
};

/// A statement without its values. Immutable.
struct Plan {
    std::string text;
    std::vector<BoundPart> parts;  ///< In the order of the placeholders.
    std::shared_ptr<const std::vector<RowColumn>> columns;
    std::size_t offset_at = std::string::npos;  ///< Where PostgreSQL gets the offset's digits.
};

/// Where a statement stands: alone, or as a part of another one.
struct PlanContext {
    core::SqlDialect dialect = core::SqlDialect::Sqlite;
    const core::SubqueryContext* around = nullptr;  ///< Null: alone.
    bool names_columns = false;                     ///< Of a query whose rows are the source of another one.
};

/// Compiles a chain. @throws InvalidArgument, as `Query` says.
Plan compile(const QueryStep& last, const PlanContext& context);
/// The columns of the SELECT of a chain.
std::vector<RowColumn> result_columns(const QueryStep& last);
/// Appends the values of a plan from a chain of its shape.
void collect(const Plan& plan, const QueryStep& last, std::vector<core::Value>& values);
/// As `collect`, for a chain inside another statement.
void collect_nested(const std::shared_ptr<const QueryStep>& last, std::vector<core::Value>& values);

/// The condition of the rows that come after `key` in the order of a chain.
core::Expression follows(const QueryStep& last, std::span<const core::Value> key);

}  // namespace consilia::data
