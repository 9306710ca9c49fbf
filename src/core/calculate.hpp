#pragma once
// What the operators on values give: shared by the evaluator, and through `calculate` by SQLite.
#include <span>

#include "consilia/core/expression.hpp"

namespace consilia::core {

/// The first day and the last microsecond that functions of dates know: years 1 to 9999.
inline constexpr std::int32_t kFirstDay = -719'162;
inline constexpr std::int32_t kLastDay = 2'932'896;
inline constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosecondsPerDay = 86'400 * kMicrosecondsPerSecond;
inline constexpr std::int64_t kFirstMicrosecond = kFirstDay * kMicrosecondsPerDay;
inline constexpr std::int64_t kLastMicrosecond = (kLastDay + std::int64_t{1}) * kMicrosecondsPerDay - 1;
/// Positions and lengths of `substr` beyond this give null.
inline constexpr std::int64_t kPositionMax = 1'000'000'000;

/// Operands are known values from here on.
Value calculate_number(Operator op, std::span<const Value> operands);
Value calculate_text(Operator op, std::span<const Value> operands);
Value calculate_date(Operator op, std::span<const Value> operands);

/// Whether text is like a pattern, where a `\` at the pattern's end stands for itself.
bool is_like(std::string_view text, std::string_view pattern) noexcept;
/// @throws InvalidArgument (`expression.pattern_too_long`).
void check_pattern(const Value& pattern);

}  // namespace consilia::core
