#pragma once
// From paths and expressions over a model to columns, joins and conditions.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/expression.hpp"
#include "consilia/data/model.hpp"

namespace consilia::data {

/// @throws InvalidArgument (`query.unknown_field`) always.
[[noreturn]] void throw_unknown(const Model& model, std::string_view path);

/// Gives paths their columns and collects the joins that these need. Identifiers come from the models alone.
class Joins {
public:
    explicit Joins(const Model& model) : model_(model) {}

    struct Found {
        const Column* column;
        std::string sql;   ///< Quoted and qualified.
        bool is_nullable;  ///< By itself, or because a row on the way may be missing.
    };

    /// @throws InvalidArgument (`query.unknown_field`).
    Found column(std::string_view path);
    /// The model that a relation path leads to; empty: the queried one.
    const Model& follow(std::string_view relation, std::string_view path);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    struct Joined {
        std::string relation;
        bool is_certain;  ///< Each row has one.
    };
    [[nodiscard]] std::string alias(std::string_view relation) const;
    [[nodiscard]] bool is_certain(std::string_view relation) const noexcept;
    void join(std::string_view from, std::string_view to, const Model& model, const Reference& reference);

    const Model& model_;
    std::vector<Joined> joined_;
    std::string text_;
};

/// Refuses comparisons of a field with a value of another type, which the database would convert and memory
/// refuse: what is left means the same in both.
/// @throws InvalidArgument (`query.type`), (`query.unknown_field`).
void check_types(const core::Expression& condition, Joins& joins);

/// Refuses a value that has another type than its column. @throws InvalidArgument (`query.type`).
void check_value(const Column& column, const core::Value& value);

/// A column of an order.
struct OrderedBy {
    std::string path;
    bool is_descending = false;
};

/// The condition of the rows that come after `key` in this order, nulls first ascending and last descending.
core::Expression follows(std::span<const OrderedBy> order, std::span<const core::Value> key, Joins& joins);

}  // namespace consilia::data
