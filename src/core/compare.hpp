#pragma once
// The order of values, shared by the evaluator and the functions.
#include <compare>
#include <string_view>

#include "consilia/core/value.hpp"

namespace consilia::core {

/// Null, or not a number, which is no value, as in SQLite.
bool is_unknown(const Value& value) noexcept;

/// Whether all integers up to this magnitude are doubles.
constexpr bool is_exact_double(std::int64_t integer) noexcept {
    constexpr std::int64_t kExactMax = std::int64_t{1} << 53;
    return integer >= -kExactMax && integer <= kExactMax;
}

/// The order of two known values: numbers by their exact values, text by bytes, which for UTF-8 is by code
/// point. @throws InvalidArgument (`expression.type`) for two types that have none.
std::strong_ordering compare(const Value& a, const Value& b);

/// @throws InvalidArgument (`expression.type`) always.
[[noreturn]] void throw_type(std::string_view what, const Value& a, const Value& b);
[[noreturn]] void throw_type(std::string_view what, const Value& value);

}  // namespace consilia::core
