// What looks at many rows: aggregates and window functions.
#include "consilia/core/error.hpp"
#include "core/operators.hpp"
#include "core/sql_compiler.hpp"

namespace consilia::core {
namespace {

/// A window without a frame of its own needs the parser's stack for its parentheses and lists.
constexpr std::size_t kWindowEntries = 8;

}  // namespace

void SqlCompiler::check_allowed(bool SqlOptions::*allowed, const char* code, const char* message) const {
    if (options_ != nullptr && !(options_->*allowed)) throw InvalidArgument(code, message);
}

void SqlCompiler::aggregate(const Expression& function, const Expression* filter, const Expression* over) {
    if (over == nullptr) {
        check_allowed(&SqlOptions::allows_aggregates, "expression.aggregate",
                      "an aggregate cannot stand here");
    }
    const bool is_counted = function.op() == Operator::Count || function.op() == Operator::CountDistinct;
    ValueType type = ValueType::Null;
    std::string argument = "*";
    if (!function.operands().empty()) {
        const Expression& operand = function.operands()[0];
        if (is_postgres() && !is_counted) type = needed_type_of(operand);
        const bool is_sum = function.op() == Operator::Sum || function.op() == Operator::Avg;
        if (is_sum && type == ValueType::Null) type = ValueType::Int64;
        argument = captured_operand(operand, type, 4);
        if (is_postgres() && is_sum && type == ValueType::Double) argument = bounded_postgres(argument);
    }
    const std::string rest = captured([&] {
        if (filter != nullptr) {
            const Stacked behind(*this, 6);
            put(" FILTER (WHERE ");
            condition(*filter, false);
            put(")");
        }
        if (over != nullptr) window_rows(*over);
    });
    const auto call = [&](std::string_view name) { return std::string(name) + "(" + argument + ")" + rest; };
    switch (function.op()) {
        case Operator::Count:
            put(call("count"));
            return;
        case Operator::CountDistinct:
            put({"count(DISTINCT ", argument, ")", rest});
            return;
        case Operator::Min:
        case Operator::Max:
            argument += collation(type);
            put(call(info_of(function.op()).text));
            return;
        case Operator::Sum:
            if (!is_postgres()) {
                put(call("consilia_sum"));
            } else {
                put(type == ValueType::Int64 ? fitted_postgres(call("sum")) : call("sum"));
            }
            return;
        default:
            if (!is_postgres()) {
                put(call("consilia_avg"));
            } else {
                put({"((", call("sum"), ")::float8 / (", call("count"), "))"});
            }
    }
}

void SqlCompiler::window(const Expression& over) {
    check_allowed(&SqlOptions::allows_windows, "expression.window", "a window function cannot stand here");
    const Expression& function = over.operands()[0];
    if (function.op() == Operator::Filter) {
        aggregate(function.operands()[0], &function.operands()[1], &over);
        return;
    }
    if (info_of(function.op()).kind == OperatorKind::Aggregate) {
        aggregate(function, nullptr, &over);
        return;
    }
    const auto operands = function.operands();
    put({info_of(function.op()).text, "("});
    if (!operands.empty()) {
        const ValueType type = is_postgres() ? type_of(operands[0]) : ValueType::Null;
        operand(operands[0], 3, type);
        if (operands.size() > 1) {
            put(", ");
            operand(operands[1], 5);
            if (is_postgres()) put("::int");
        }
        if (operands.size() > 2) {
            put(", ");
            operand(operands[2], 5, type);
        }
    }
    put(")");
    window_rows(over);
}

void SqlCompiler::window_rows(const Expression& over) {
    const Stacked inside(*this, kWindowEntries);
    put(" OVER (");
    bool is_first = true;
    bool is_in_order = false;
    for (const Expression& operand : over.operands().subspan(1)) {
        const bool is_order = info_of(operand.op()).kind == OperatorKind::Part;
        if (is_order != is_in_order || is_first) {
            put(is_first ? "" : " ");
            put(is_order ? "ORDER BY " : "PARTITION BY ");
        } else {
            put(", ");
        }
        is_first = false;
        is_in_order = is_order;
        if (is_order) {
            order(operand);
        } else {
            this->operand(operand, 2);
            if (is_postgres()) put(collation(type_of(operand)));
        }
    }
    put(")");
}

/// Nulls come first ascending and last descending, as SQLite has it.
void SqlCompiler::order(const Expression& expression) {
    const Expression& key = expression.operands()[0];
    const bool is_descending = expression.op() == Operator::Descending;
    const Value* known = known_value(key);
    if (known != nullptr && known->type() == ValueType::Bool) {
        put("NULL");  // `1` would be the first column.
    } else {
        operand(key, 2);
        if (is_postgres()) put(collation(type_of(key)));
    }
    put(is_descending ? " DESC" : "");
    if (is_postgres()) put(is_descending ? " NULLS LAST" : " NULLS FIRST");
}

}  // namespace consilia::core
