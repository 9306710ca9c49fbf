// Values in SQL: literals, arithmetic and functions.
#include <array>
#include <cmath>

#include "consilia/core/error.hpp"
#include "core/calculate.hpp"
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

constexpr std::size_t entries_of_argument(std::size_t index) noexcept {
    return index == 0 ? 3 : 5;
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

SqlCompiler::SqlCompiler(const SqlOptions* options, const Parameters& parameters,
                         std::vector<Value>& bindings)
    : options_(options), parameters_(parameters), bindings_(bindings), bindings_before_(bindings.size()) {
    if (options == nullptr) return;
    types_ = {options->type, options->outer_type};
    stack_ = options->parser_entries;
}

SqlCompiler::Stacked::Stacked(SqlCompiler& compiler, std::size_t entries)
    : compiler_(compiler), entries_(entries) {
    if (compiler.stack_ + entries > kMax) {
        throw InvalidArgument("expression.too_deep", "the expression is nested too deeply for a database",
                              {{"limit", static_cast<std::int64_t>(kMax)}});
    }
    compiler.stack_ += entries;
}

const Value& SqlCompiler::parameter(const std::string& name) const {
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) {
        throw InvalidArgument("expression.missing_parameter", "parameter `" + name + "` is not given",
                              {{"parameter", name}});
    }
    return found->second;
}

const Value* SqlCompiler::known_value(const Expression& expression) const {
    if (expression.op() == Operator::Literal) return &expression.value();
    return expression.op() == Operator::Parameter ? &parameter(expression.name()) : nullptr;
}

ValueType SqlCompiler::needed_type_of(const Expression& expression) const {
    if (!options_->type && !field_paths(expression).empty()) {
        throw InvalidArgument("expression.type", "the type of a field is not known");
    }
    return type_of(expression);
}

/// Null and truth values are part of the text, so that the planner sees them (partial indexes need it);
/// all else is bound. Not a number is null, as SQLite binds it and the evaluator reads it.
void SqlCompiler::value(const Value& value, ValueType wanted, bool is_cast) {
    const double* number = value.if_as<double>();
    if (value.is_null() || (number != nullptr && std::isnan(*number))) {
        put("NULL");
        if (is_postgres() && wanted != ValueType::Null) put({"::", postgres_name(wanted)});
    } else if (const bool* truth = value.if_as<bool>()) {
        if (is_postgres()) {
            put(*truth ? "TRUE" : "FALSE");
        } else {
            put(*truth ? "1" : "0");
        }
    } else {
        if (is_postgres()) {
            put({"$", std::to_string(next_placeholder())});
            if (is_cast) put({"::", postgres_name(value.type())});
        } else {
            put("?");
        }
        bindings_.push_back(value);
    }
}

void SqlCompiler::beside(const Expression& column, const Expression& expression, std::size_t entries,
                         ValueType wanted) {
    const Value* known = known_value(expression);
    const bool is_column = column.op() == Operator::Field || column.op() == Operator::Outer;
    if (known == nullptr || !is_column) return operand(expression, entries, wanted);
    const Stacked behind(*this, entries);
    value(*known, wanted, false);
}

void SqlCompiler::operand(const Expression& expression, std::size_t entries, ValueType wanted) {
    const Stacked behind(*this, entries);
    switch (expression.op()) {
        case Operator::Literal:
        case Operator::Parameter:
            value(*known_value(expression), wanted);
            return;
        case Operator::Field:
            if (options_ != nullptr) put(options_->column(expression.name()));
            return;
        case Operator::Outer:
            if (options_ == nullptr) return;
            if (!options_->outer_column) {
                throw InvalidArgument("expression.outer", "`outer` stands in no subquery");
            }
            put(options_->outer_column(expression.name()));
            return;
        case Operator::ScalarSubquery:
            subquery(expression, false);
            return;
        case Operator::Filter:
            aggregate(expression.operands()[0], &expression.operands()[1], nullptr);
            return;
        case Operator::Over:
            window(expression);
            return;
        default:
            break;
    }
    switch (info_of(expression.op()).kind) {
        case OperatorKind::Aggregate:
            aggregate(expression, nullptr, nullptr);
            return;
        case OperatorKind::Window:
        case OperatorKind::Part:
            throw InvalidArgument("expression.window", "a window function needs its `over`");
        case OperatorKind::Arithmetic:
        case OperatorKind::Function:
            function(expression, wanted);
            return;
        default:
            break;
    }
    if (expression.op() == Operator::Concat || expression.op() == Operator::Case) {
        function(expression, wanted);
        return;
    }
    const Stacked parenthesis(*this, 1);
    put("(");
    condition(expression, false);
    put(")");
}

void SqlCompiler::function(const Expression& expression, ValueType wanted) {
    const Operator op = expression.op();
    const Stacked parenthesis(*this, 1);
    if (!is_postgres()) {
        if (op == Operator::Case) {
            case_when(expression.operands(), wanted);
        } else {
            call_sqlite(expression);
        }
        return;
    }
    const ValueType type = type_of(expression);
    if (type != ValueType::Null) {
        call_postgres(expression, type);
        return;
    }
    put("(");  // All of its values are null.
    call_postgres(expression, wanted);
    put(")");
    if (wanted != ValueType::Null) put({"::", postgres_name(wanted)});
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

void SqlCompiler::case_when(Operands operands, ValueType wanted) {
    put("(CASE");
    std::size_t i = 0;
    for (; i + 1 < operands.size(); i += 2) {
        put(" WHEN ");
        {
            const Stacked behind(*this, 5);
            condition(operands[i], false);
        }
        put(" THEN ");
        operand(operands[i + 1], 7, wanted);
    }
    if (i < operands.size()) {
        put(" ELSE ");
        operand(operands[i], 5, wanted);
    }
    put(" END)");
}

void SqlCompiler::listed(Operands operands, std::string_view separator) {
    for (std::size_t i = 0; i < operands.size(); ++i) {
        if (i != 0) put(separator);
        operand(operands[i], entries_of_argument(i));
    }
}

void SqlCompiler::call_sqlite(const Expression& expression) {
    switch (expression.op()) {
        case Operator::Concat:
            put("(");
            listed(expression.operands(), " || ");
            break;
        case Operator::Coalesce:
            put("coalesce(");
            listed(expression.operands(), ", ");
            break;
        case Operator::NullIf:
            put("nullif(");
            listed(expression.operands(), ", ");
            break;
        default:
            put({sqlite_function_name(expression.op()), "("});
            listed(expression.operands(), ", ");
    }
    put(")");
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
