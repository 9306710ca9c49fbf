// Functions of values on PostgreSQL: what `calculate` gives, in expressions in which each operand stands
// once.
#include <array>

#include "core/operators.hpp"
#include "core/sql_compiler.hpp"

namespace consilia::core {
namespace {

/// 2^500, the limit of arithmetic with doubles (see calculate.cpp).
constexpr std::string_view kDoubleLimit = "float8 '3.273390607896142e+150'";
constexpr std::string_view kMinusDoubleLimit = "float8 '-3.273390607896142e+150'";

std::string known_day(std::string_view text) {
    return postgres_within(text, "DATE '0001-12-31 BC'", "DATE '10000-01-01'");
}

std::string known_time(std::string_view text) {
    return postgres_within(text, "TIMESTAMPTZ '0001-12-31 23:59:59.999999+00 BC'",
                           "TIMESTAMPTZ '10000-01-01 00:00:00+00'");
}

/// A position or count of `substr`.
std::string position(std::string_view text, std::string_view below) {
    return postgres_within(text, below, "1000000001") + "::int";
}

std::string_view postgres_part(Operator op) noexcept {
    switch (op) {
        case Operator::Weekday:
            return "isodow";
        case Operator::DayOfYear:
            return "doy";
        default:
            return info_of(op).text;
    }
}

std::string_view json_filter(Operator op) noexcept {
    switch (op) {
        case Operator::JsonText:
            return R"('strict $ ? (@.type() == "string")')";
        case Operator::JsonBool:
            return R"('strict $ ? (@.type() == "boolean")')";
        default:
            return R"('strict $ ? (@.type() == "number" && (@ == 0 || (@ >= 1e-300 && @ <= 1e300) || )"
                   R"((@ <= -1e-300 && @ >= -1e300)))')";
    }
}

}  // namespace

std::string_view postgres_name(ValueType type) noexcept {
    constexpr std::array<std::string_view, 10> kNames{"text",  "boolean", "bigint",      "float8", "text",
                                                      "bytea", "date",    "timestamptz", "uuid",   "jsonb"};
    return kNames[static_cast<std::size_t>(type)];
}

/// LEAST and GREATEST ignore null, but then give a bound, which NULLIF makes null again.
std::string postgres_within(std::string_view text, std::string_view below, std::string_view above) {
    std::string sql = "NULLIF(NULLIF(LEAST(GREATEST(";
    for (const std::string_view piece :
         {text, std::string_view(", "), below, std::string_view("), "), above, std::string_view("), "), below,
          std::string_view("), "), above, std::string_view(")")}) {
        sql += piece;
    }
    return sql;
}

std::string fitted_postgres(std::string_view text) {
    return postgres_within(text, "-9223372036854775809", "9223372036854775808") + "::bigint";
}

std::string bounded_postgres(std::string_view text) {
    return postgres_within(text, kMinusDoubleLimit, kDoubleLimit);
}

void SqlCompiler::call_postgres(const Expression& expression, ValueType type) {
    const Operator op = expression.op();
    if (op == Operator::Case) return case_when(expression.operands(), type);
    if (op == Operator::Coalesce || (op >= Operator::NullIf && op <= Operator::Greatest)) {
        constexpr std::array<std::string_view, 4> kNames{"COALESCE(", "NULLIF(", "LEAST(", "GREATEST("};
        put(kNames[static_cast<std::size_t>(op) - static_cast<std::size_t>(Operator::Coalesce)]);
        operand(expression.operands()[0], 3, type);
        if (op != Operator::Coalesce) put(collation(type));
        for (const Expression& each : expression.operands().subspan(1)) {
            put(", ");
            operand(each, 5, type);
        }
        put(")");
        return;
    }
    if (op <= Operator::Negate || op == Operator::Abs) return arithmetic_postgres(expression);
    if (op <= Operator::Ceil) {
        const Expression& number = expression.operands()[0];
        put({info_of(op).text, "(", captured_operand(number, ValueType::Double, 3), "::float8)"});
        return;
    }
    if (op <= Operator::Contains) return text_postgres(expression);
    if (op <= Operator::SecondsBetween) return date_postgres(expression);
    json_postgres(expression);
}

/// An operand of arithmetic with a result of `type`, within its limits.
std::string SqlCompiler::number_operand(const Expression& expression, std::size_t entries, ValueType type,
                                        bool is_stepped) {
    const ValueType own = type_of(expression);
    if (type != ValueType::Double) return captured_operand(expression, type, entries) + "::numeric";
    std::string text = captured_operand(expression, type, entries);
    if (own == ValueType::Int64) return text + "::float8";
    text = bounded_postgres(text);
    if (!is_stepped) return text;
    return "(trunc(" + text + " * " + std::string(kDoubleLimit) + ") / " + std::string(kDoubleLimit) + ")";
}

void SqlCompiler::arithmetic_postgres(const Expression& expression) {
    const auto operands = expression.operands();
    const Operator op = expression.op();
    const bool is_double = needed_type_of(expression) == ValueType::Double;
    const ValueType type = is_double ? ValueType::Double : ValueType::Int64;
    if (operands.size() == 1) {
        const std::string_view name = op == Operator::Negate ? "(- " : "abs(";
        if (is_double) {
            put({name, captured_operand(operands[0], type, 3), ")"});
        } else {
            put(fitted_postgres(std::string(name) + number_operand(operands[0], 3, type, false) + ")"));
        }
        return;
    }
    if (op == Operator::Modulo) {
        put("(");
        operand(operands[0], 3, type);
        put(" % NULLIF(");
        operand(operands[1], 5, type);
        put(", 0))");
        return;
    }
    const bool is_stepped = op == Operator::Multiply || op == Operator::Divide;
    const std::string left = number_operand(operands[0], 3, type, is_stepped);
    const std::string right = number_operand(operands[1], 5, type, is_stepped);
    if (op == Operator::Divide) {
        put(is_double ? "(" + left + " / NULLIF(" + right + ", 0))"
                      : fitted_postgres("div(" + left + ", NULLIF(" + right + ", 0))"));
        return;
    }
    const std::string both = left + ' ' + std::string(info_of(op).text) + ' ' + right;
    put(is_double ? "(" + both + ")" : fitted_postgres(both));
}

void SqlCompiler::text_postgres(const Expression& expression) {
    const auto operands = expression.operands();
    const std::string text = captured_operand(operands[0], ValueType::Text, 3);
    const auto argument = [&](std::size_t i) {
        return captured_operand(operands[i],
                                expression.op() == Operator::Substr ? ValueType::Int64 : ValueType::Text, 5);
    };
    constexpr std::string_view kCollation = R"( COLLATE "C")";
    switch (expression.op()) {
        case Operator::Concat:
            put({"(", text});
            for (std::size_t i = 1; i < operands.size(); ++i) put({" || ", argument(i)});
            put(")");
            return;
        case Operator::Length:
            put({"char_length(", text, ")::bigint"});
            return;
        case Operator::Substr:
            put({"substr(", text, ", ", position(argument(1), "-1000000001")});
            if (operands.size() == 3) put({", ", position(argument(2), "-1")});
            put(")");
            return;
        case Operator::Trim:
            put({"btrim(", text, ", ' ')"});
            return;
        case Operator::Replace: {
            const std::string what = argument(1);
            put({"replace(", text, kCollation, ", ", what, ", ", argument(2), ")"});
            return;
        }
        case Operator::StartsWith:
            put({"starts_with(", text, kCollation, ", ", argument(1), ")"});
            return;
        case Operator::EndsWith:
            put({"starts_with(reverse(", text, ")", kCollation, ", reverse(", argument(1), "))"});
            return;
        case Operator::Contains:
            put({"(strpos(", text, kCollation, ", ", argument(1), ") > 0)"});
            return;
        default:
            put({info_of(expression.op()).text, "(", text, kCollation, ")"});
    }
}

void SqlCompiler::date_postgres(const Expression& expression) {
    const auto operands = expression.operands();
    const Operator op = expression.op();
    const bool is_of_day = op == Operator::AddDays || op == Operator::DaysBetween ||
                           needed_type_of(operands[0]) == ValueType::Date;
    const ValueType type = is_of_day ? ValueType::Date : ValueType::Timestamp;
    const auto known = is_of_day ? known_day : known_time;
    const std::string first = known(captured_operand(operands[0], type, 3));
    const std::string in_utc = is_of_day ? first : "(" + first + " AT TIME ZONE 'UTC')";
    switch (op) {
        case Operator::DateOf:
            put({in_utc, "::date"});
            return;
        case Operator::AddDays: {
            const std::string days = captured_operand(operands[1], ValueType::Int64, 5);
            const std::string sum = "(" + first + " - DATE '1970-01-01')::numeric + " + days;
            put({"(DATE '1970-01-01' + ", postgres_within(sum, "-719163", "2932897"), "::int)"});
            return;
        }
        case Operator::AddSeconds: {
            // All of it lies 3652059 days later, the days of the years 1 to 9999: nothing is before the first
            // day that PostgreSQL knows.
            const std::string seconds = postgres_within(captured_operand(operands[1], ValueType::Int64, 5),
                                                        "-315537897600", "315537897600");
            const std::string later =
                in_utc + " + INTERVAL '3652059 days' + make_interval(secs => " + seconds + "::float8)";
            put({"((",
                 postgres_within(later, "TIMESTAMP '9999-12-31 23:59:59.999999'",
                                 "TIMESTAMP '9999-12-31' + INTERVAL '3652060 days'"),
                 " - INTERVAL '3652059 days') AT TIME ZONE 'UTC')"});
            return;
        }
        case Operator::DaysBetween:
            put({"(", known(captured_operand(operands[1], type, 5)), " - ", first, ")::bigint"});
            return;
        case Operator::SecondsBetween:
            put({"((extract(epoch FROM (", known(captured_operand(operands[1], type, 5)), " - ", first,
                 ")) * 1000000)::bigint::float8 / 1000000)"});
            return;
        default:
            put({"floor(extract(", postgres_part(op), " FROM ", in_utc, "))::bigint"});
    }
}

void SqlCompiler::json_postgres(const Expression& expression) {
    const auto operands = expression.operands();
    const Operator op = expression.op();
    std::string found = captured_operand(operands[0], ValueType::Json, 3);
    for (const Expression& element : operands.subspan(1)) {
        // By text `->` finds keys alone, by int positions alone, but the position 0 of a scalar as well.
        const bool is_key = element.value().type() == ValueType::Text;
        if (!is_key) found = "jsonb_path_query_first(" + found + R"(, 'strict $ ? (@.type() == "array")'))";
        found =
            "(" + found + " -> " + captured_operand(element, ValueType::Null, 5) + (is_key ? ")" : "::int)");
    }
    const bool is_bool = op == Operator::JsonBool;
    put({is_bool ? "jsonb_path_query_first(" : "(jsonb_path_query_first(", found, ", ", json_filter(op), ")",
         is_bool ? "::boolean" : " #>> '{}')"});
    if (op == Operator::JsonNumber) put("::float8");
}

}  // namespace consilia::core
