#pragma once
// The types of expressions: what an expression gives, and whether its operands fit together.
#include <functional>
#include <string_view>

#include "consilia/core/expression.hpp"

namespace consilia::core {

/// How to find the types of fields. Null: not known, which fits everywhere.
struct FieldTypes {
    std::function<ValueType(std::string_view path)> field = {};
    std::function<ValueType(std::string_view path)> outer = {};  ///< Of `outer(path)`, inside a subquery.
};

/// The type of an expression's value, without checking its operands; Null where it is not known.
CONSILIA_API ValueType result_type(const Expression& expression, const FieldTypes& types,
                                   const Parameters& parameters = {});

/// Refuses operands whose types the readers would treat differently, and gives the type of the value: text
/// with a number, an int64 beside a double in `coalesce`, `%` of a double, a JSON document compared.
/// @throws InvalidArgument (`expression.type`) with `found` and `wanted` in its details.
CONSILIA_API ValueType check_types(const Expression& expression, const FieldTypes& types,
                                   const Parameters& parameters = {});

/// As `check_types`, where a condition is wanted. @throws InvalidArgument (`expression.type`).
CONSILIA_API void check_condition(const Expression& expression, const FieldTypes& types,
                                  const Parameters& parameters = {});

}  // namespace consilia::core
