#include "consilia/core/sql.hpp"
#include "core/operators.hpp"
#include "core/sql_compiler.hpp"

namespace consilia::core {
namespace {

constexpr std::array kFunctions{
    SqliteFunction{"consilia_add", Operator::Add},
    SqliteFunction{"consilia_subtract", Operator::Subtract},
    SqliteFunction{"consilia_multiply", Operator::Multiply},
    SqliteFunction{"consilia_divide", Operator::Divide},
    SqliteFunction{"consilia_modulo", Operator::Modulo},
    SqliteFunction{"consilia_negate", Operator::Negate},
    SqliteFunction{"consilia_abs", Operator::Abs},
    SqliteFunction{"consilia_round", Operator::Round},
    SqliteFunction{"consilia_floor", Operator::Floor},
    SqliteFunction{"consilia_ceil", Operator::Ceil},
    SqliteFunction{"consilia_like", Operator::Like},
    SqliteFunction{"consilia_lower", Operator::Lower},
    SqliteFunction{"consilia_upper", Operator::Upper},
    SqliteFunction{"consilia_length", Operator::Length},
    SqliteFunction{"consilia_substr", Operator::Substr},
    SqliteFunction{"consilia_trim", Operator::Trim},
    SqliteFunction{"consilia_replace", Operator::Replace},
    SqliteFunction{"consilia_starts_with", Operator::StartsWith},
    SqliteFunction{"consilia_ends_with", Operator::EndsWith},
    SqliteFunction{"consilia_contains", Operator::Contains},
    SqliteFunction{"consilia_least", Operator::Least},
    SqliteFunction{"consilia_greatest", Operator::Greatest},
    SqliteFunction{"consilia_date", Operator::DateOf},
    SqliteFunction{"consilia_year", Operator::Year},
    SqliteFunction{"consilia_month", Operator::Month},
    SqliteFunction{"consilia_day", Operator::Day},
    SqliteFunction{"consilia_weekday", Operator::Weekday},
    SqliteFunction{"consilia_day_of_year", Operator::DayOfYear},
    SqliteFunction{"consilia_hour", Operator::Hour},
    SqliteFunction{"consilia_minute", Operator::Minute},
    SqliteFunction{"consilia_second", Operator::Second},
    SqliteFunction{"consilia_add_days", Operator::AddDays},
    SqliteFunction{"consilia_add_seconds", Operator::AddSeconds},
    SqliteFunction{"consilia_days_between", Operator::DaysBetween},
    SqliteFunction{"consilia_seconds_between", Operator::SecondsBetween},
    SqliteFunction{"consilia_json_text", Operator::JsonText},
    SqliteFunction{"consilia_json_number", Operator::JsonNumber},
    SqliteFunction{"consilia_json_bool", Operator::JsonBool},
    SqliteFunction{"consilia_sum", Operator::Sum},
    SqliteFunction{"consilia_avg", Operator::Avg},
};

}  // namespace

std::span<const SqliteFunction> sqlite_functions() noexcept {
    return kFunctions;
}

std::string_view sqlite_function_name(Operator op) noexcept {
    for (const SqliteFunction& function : kFunctions) {
        if (function.op == op) return function.name;
    }
    return {};
}

}  // namespace consilia::core
