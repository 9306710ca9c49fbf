#pragma once
// The values that the terms of a component are tried with.
#include <vector>

#include "access/witness_formula.hpp"

namespace consilia::access {

struct Candidate {
    core::Value value;
    bool is_preferred = false;  ///< A literal of the conditions, or made from one: people know it.
};

/// Ascending, without null: every literal of the component, and between, below and above them as many values
/// as the component has terms, where the type has so many. Any values of these terms can be replaced by such,
/// in the same order and equal to the same literals.
std::vector<Candidate> candidates_of(const WitnessFormula& formula, std::uint32_t component);

/// The candidate as a value of the declared type; null where it is none.
core::Value as_declared(const core::Value& candidate, core::ValueType declared);

}  // namespace consilia::access
