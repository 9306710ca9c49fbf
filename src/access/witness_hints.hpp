#pragma once
// Values that functions may be true of, guessed from the literals beside them.
#include <vector>

#include "access/witness_formula.hpp"

namespace consilia::access {

/// Adds values of this type for a field or parameter that stands inside functions; at most a few hundred.
/// A guess: whether a function is true of one is for the evaluator to say.
void add_hints(const WitnessTerm& term, core::ValueType type, std::vector<core::Value>& values);

}  // namespace consilia::access
