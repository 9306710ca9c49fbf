#pragma once
// Finds one scalar in a JSON document without building the document.
#include <span>
#include <string_view>

#include "consilia/core/value.hpp"

namespace consilia::core {

/// What stands at the end of a path of keys (text) and positions (int64): text, a double, a bool, or null if
/// there is nothing, null, an object, an array or a number below 1e-300 or above 1e300 in magnitude.
/// Of equal keys the last counts, as in PostgreSQL. A text that is no JSON document gives null or one of its
/// parts.
Value find_in_json(std::string_view json, std::span<const Value> path);

}  // namespace consilia::core
