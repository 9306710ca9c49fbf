#pragma once
// What the readers of expressions know of each operator: one table, in the order of `Operator`.
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "consilia/core/expression.hpp"

namespace consilia::core {

enum class OperatorKind : std::uint8_t {
    Leaf,  ///< Has a factory of its own; `make` does not make it.
    Logic,
    Comparison,
    Arithmetic,  ///< Numbers with a symbol.
    Function,    ///< `name(operands)` of values.
    Aggregate,
    Window,  ///< Stands before `over`.
    Part,    ///< Ascending, Descending
    Other,
};

struct OperatorInfo {
    Operator op;
    OperatorKind kind;
    std::uint8_t operands_min;
    std::uint16_t operands_max;  ///< `kAny`: no limit.
    std::string_view text;       ///< Symbol or name of the text form, where it has one of its own.
};

inline constexpr std::uint16_t kAny = std::numeric_limits<std::uint16_t>::max();

inline constexpr std::array kOperators{
    OperatorInfo{Operator::Literal, OperatorKind::Leaf, 0, 0, ""},
    OperatorInfo{Operator::Parameter, OperatorKind::Leaf, 0, 0, ""},
    OperatorInfo{Operator::Field, OperatorKind::Leaf, 0, 0, ""},
    OperatorInfo{Operator::And, OperatorKind::Logic, 2, kAny, "and"},
    OperatorInfo{Operator::Or, OperatorKind::Logic, 2, kAny, "or"},
    OperatorInfo{Operator::Not, OperatorKind::Logic, 1, 1, "not"},
    OperatorInfo{Operator::Equal, OperatorKind::Comparison, 2, 2, "="},
    OperatorInfo{Operator::NotEqual, OperatorKind::Comparison, 2, 2, "<>"},
    OperatorInfo{Operator::Less, OperatorKind::Comparison, 2, 2, "<"},
    OperatorInfo{Operator::LessEqual, OperatorKind::Comparison, 2, 2, "<="},
    OperatorInfo{Operator::Greater, OperatorKind::Comparison, 2, 2, ">"},
    OperatorInfo{Operator::GreaterEqual, OperatorKind::Comparison, 2, 2, ">="},
    OperatorInfo{Operator::IsNull, OperatorKind::Other, 1, 1, ""},
    OperatorInfo{Operator::IsNotNull, OperatorKind::Other, 1, 1, ""},
    OperatorInfo{Operator::In, OperatorKind::Other, 1, kAny, ""},
    OperatorInfo{Operator::Between, OperatorKind::Other, 3, 3, ""},
    OperatorInfo{Operator::Like, OperatorKind::Other, 2, 2, "like"},
    OperatorInfo{Operator::Add, OperatorKind::Arithmetic, 2, 2, "+"},
    OperatorInfo{Operator::Subtract, OperatorKind::Arithmetic, 2, 2, "-"},
    OperatorInfo{Operator::Multiply, OperatorKind::Arithmetic, 2, 2, "*"},
    OperatorInfo{Operator::Divide, OperatorKind::Arithmetic, 2, 2, "/"},
    OperatorInfo{Operator::Modulo, OperatorKind::Arithmetic, 2, 2, "%"},
    OperatorInfo{Operator::Negate, OperatorKind::Arithmetic, 1, 1, "-"},
    OperatorInfo{Operator::Abs, OperatorKind::Function, 1, 1, "abs"},
    OperatorInfo{Operator::Round, OperatorKind::Function, 1, 1, "round"},
    OperatorInfo{Operator::Floor, OperatorKind::Function, 1, 1, "floor"},
    OperatorInfo{Operator::Ceil, OperatorKind::Function, 1, 1, "ceil"},
    OperatorInfo{Operator::Concat, OperatorKind::Other, 2, 100, "||"},
    OperatorInfo{Operator::Lower, OperatorKind::Function, 1, 1, "lower"},
    OperatorInfo{Operator::Upper, OperatorKind::Function, 1, 1, "upper"},
    OperatorInfo{Operator::Length, OperatorKind::Function, 1, 1, "length"},
    OperatorInfo{Operator::Substr, OperatorKind::Function, 2, 3, "substr"},
    OperatorInfo{Operator::Trim, OperatorKind::Function, 1, 1, "trim"},
    OperatorInfo{Operator::Replace, OperatorKind::Function, 3, 3, "replace"},
    OperatorInfo{Operator::StartsWith, OperatorKind::Function, 2, 2, "starts_with"},
    OperatorInfo{Operator::EndsWith, OperatorKind::Function, 2, 2, "ends_with"},
    OperatorInfo{Operator::Contains, OperatorKind::Function, 2, 2, "contains"},
    OperatorInfo{Operator::Coalesce, OperatorKind::Function, 2, 100, "coalesce"},
    OperatorInfo{Operator::NullIf, OperatorKind::Function, 2, 2, "nullif"},
    OperatorInfo{Operator::Least, OperatorKind::Function, 2, 100, "least"},
    OperatorInfo{Operator::Greatest, OperatorKind::Function, 2, 100, "greatest"},
    OperatorInfo{Operator::Case, OperatorKind::Other, 2, 201, ""},
    OperatorInfo{Operator::DateOf, OperatorKind::Function, 1, 1, "date"},
    OperatorInfo{Operator::Year, OperatorKind::Function, 1, 1, "year"},
    OperatorInfo{Operator::Month, OperatorKind::Function, 1, 1, "month"},
    OperatorInfo{Operator::Day, OperatorKind::Function, 1, 1, "day"},
    OperatorInfo{Operator::Weekday, OperatorKind::Function, 1, 1, "weekday"},
    OperatorInfo{Operator::DayOfYear, OperatorKind::Function, 1, 1, "day_of_year"},
    OperatorInfo{Operator::Hour, OperatorKind::Function, 1, 1, "hour"},
    OperatorInfo{Operator::Minute, OperatorKind::Function, 1, 1, "minute"},
    OperatorInfo{Operator::Second, OperatorKind::Function, 1, 1, "second"},
    OperatorInfo{Operator::AddDays, OperatorKind::Function, 2, 2, "add_days"},
    OperatorInfo{Operator::AddSeconds, OperatorKind::Function, 2, 2, "add_seconds"},
    OperatorInfo{Operator::DaysBetween, OperatorKind::Function, 2, 2, "days_between"},
    OperatorInfo{Operator::SecondsBetween, OperatorKind::Function, 2, 2, "seconds_between"},
    OperatorInfo{Operator::JsonText, OperatorKind::Function, 2, 33, "json_text"},
    OperatorInfo{Operator::JsonNumber, OperatorKind::Function, 2, 33, "json_number"},
    OperatorInfo{Operator::JsonBool, OperatorKind::Function, 2, 33, "json_bool"},
    OperatorInfo{Operator::Count, OperatorKind::Aggregate, 0, 1, "count"},
    OperatorInfo{Operator::CountDistinct, OperatorKind::Aggregate, 1, 1, "count"},
    OperatorInfo{Operator::Sum, OperatorKind::Aggregate, 1, 1, "sum"},
    OperatorInfo{Operator::Avg, OperatorKind::Aggregate, 1, 1, "avg"},
    OperatorInfo{Operator::Min, OperatorKind::Aggregate, 1, 1, "min"},
    OperatorInfo{Operator::Max, OperatorKind::Aggregate, 1, 1, "max"},
    OperatorInfo{Operator::Filter, OperatorKind::Other, 2, 2, ""},
    OperatorInfo{Operator::RowNumber, OperatorKind::Window, 0, 0, "row_number"},
    OperatorInfo{Operator::Rank, OperatorKind::Window, 0, 0, "rank"},
    OperatorInfo{Operator::DenseRank, OperatorKind::Window, 0, 0, "dense_rank"},
    OperatorInfo{Operator::Lag, OperatorKind::Window, 1, 3, "lag"},
    OperatorInfo{Operator::Lead, OperatorKind::Window, 1, 3, "lead"},
    OperatorInfo{Operator::FirstValue, OperatorKind::Window, 1, 1, "first_value"},
    OperatorInfo{Operator::LastValue, OperatorKind::Window, 1, 1, "last_value"},
    OperatorInfo{Operator::Over, OperatorKind::Other, 1, 100, ""},
    OperatorInfo{Operator::Ascending, OperatorKind::Part, 1, 1, ""},
    OperatorInfo{Operator::Descending, OperatorKind::Part, 1, 1, ""},
    OperatorInfo{Operator::Exists, OperatorKind::Leaf, 0, 0, ""},
    OperatorInfo{Operator::InSubquery, OperatorKind::Leaf, 0, 0, ""},
    OperatorInfo{Operator::ScalarSubquery, OperatorKind::Leaf, 0, 0, ""},
    OperatorInfo{Operator::Outer, OperatorKind::Leaf, 0, 0, ""},
};

constexpr const OperatorInfo& info_of(Operator op) noexcept {
    return kOperators[static_cast<std::size_t>(op)];
}

static_assert([] {
    for (std::size_t i = 0; i < kOperators.size(); ++i) {
        if (kOperators[i].op != static_cast<Operator>(i)) return false;
    }
    return kOperators.back().op == Operator::Outer;
}());

}  // namespace consilia::core
