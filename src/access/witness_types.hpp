#pragma once
// What the search for values must know of operators and of truth.
#include <cstddef>

#include "consilia/access/witness.hpp"
#include "consilia/core/expression.hpp"

namespace consilia::access {

/// Integers and doubles are compared with each other: both are Double here.
core::ValueType family_of(core::ValueType type) noexcept;
/// Whether it takes dates and timestamps alike.
bool has_date_part(core::Operator op) noexcept;
/// Whether its number is an integer or not as its operands are.
bool gives_operands_type(core::Operator op) noexcept;
/// The family that a function wants at this place; Null: any.
core::ValueType operand_type(core::Operator op, std::size_t place) noexcept;
/// Of `coalesce(condition, true)` or with false: what it is where the condition is unknown; else nullptr.
const bool* truth_otherwise(const core::Expression& expression) noexcept;

/// What a negation must be for its operand to be as wanted.
Wanted opposite(Wanted wanted) noexcept;
/// What the condition in `coalesce(condition, otherwise)` must be for the whole to be as wanted.
Wanted decided(Wanted wanted, bool otherwise) noexcept;
/// Whether the wish is about being true, not about being false.
bool is_about_truth(Wanted wanted) noexcept;
bool may_be_unknown(Wanted wanted) noexcept;

}  // namespace consilia::access
