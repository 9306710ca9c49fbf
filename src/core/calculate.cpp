// The dispatcher of the functions, and those of numbers.
#include "core/calculate.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/compare.hpp"
#include "core/json_path.hpp"
#include "core/operators.hpp"

namespace consilia::core {
namespace {

/// Arithmetic knows doubles below this magnitude, and factors and divisors in steps of its inverse: then no
/// operation overflows or vanishes, which databases answer differently, and SQL can say the same in one
/// expression.
constexpr double kDoubleLimit = 0x1p500;

std::optional<double> bounded(const Value& value) {
    const auto* integer = value.if_as<std::int64_t>();
    const double number = integer != nullptr ? static_cast<double>(*integer) : value.as<double>();
    return std::abs(number) < kDoubleLimit ? std::optional(number) : std::nullopt;
}

double stepped(double number) noexcept {
    return std::trunc(number * kDoubleLimit) / kDoubleLimit;
}

Value with_integers(Operator op, std::int64_t a, std::int64_t b) noexcept {
    std::int64_t result = 0;
    switch (op) {
        case Operator::Add:
            return __builtin_add_overflow(a, b, &result) ? Value() : Value(result);
        case Operator::Subtract:
            return __builtin_sub_overflow(a, b, &result) ? Value() : Value(result);
        case Operator::Multiply:
            return __builtin_mul_overflow(a, b, &result) ? Value() : Value(result);
        case Operator::Divide:
            if (b == -1) return with_integers(Operator::Subtract, 0, a);
            return b == 0 ? Value() : Value(a / b);
        default:
            if (b == -1) return std::int64_t{0};
            return b == 0 ? Value() : Value(a % b);
    }
}

Value with_doubles(Operator op, const Value& left, const Value& right) {
    const std::optional<double> a = bounded(left);
    const std::optional<double> b = bounded(right);
    if (!a || !b) return {};
    switch (op) {
        case Operator::Add:
            return *a + *b;
        case Operator::Subtract:
            return *a - *b;
        case Operator::Multiply:
            return stepped(*a) * stepped(*b);
        default: {
            const double divisor = stepped(*b);
            return divisor == 0 ? Value() : Value(stepped(*a) / divisor);
        }
    }
}

bool is_number(const Value& value) noexcept {
    return value.type() == ValueType::Int64 || value.type() == ValueType::Double;
}

Value with_one_number(Operator op, const Value& operand) {
    if (!is_number(operand)) throw_type("arithmetic", operand);
    const auto* integer = operand.if_as<std::int64_t>();
    const double number = integer != nullptr ? static_cast<double>(*integer) : operand.as<double>();
    switch (op) {
        case Operator::Negate:
            return integer != nullptr ? with_integers(Operator::Subtract, 0, *integer) : Value(-number);
        case Operator::Abs:
            if (integer == nullptr) return std::abs(number);
            return *integer < 0 ? with_integers(Operator::Subtract, 0, *integer) : operand;
        case Operator::Round:
            return std::nearbyint(number);
        case Operator::Floor:
            return std::floor(number);
        default:
            return std::ceil(number);
    }
}

/// The least (or greatest) of the values that are known.
Value extreme(Operator op, std::span<const Value> operands) {
    const Value* found = nullptr;
    for (const Value& operand : operands) {
        if (is_unknown(operand)) continue;
        if (found == nullptr ||
            (op == Operator::Least ? compare(operand, *found) < 0 : compare(operand, *found) > 0)) {
            found = &operand;
        }
    }
    return found == nullptr ? Value() : *found;
}

Value in_json(Operator op, std::span<const Value> operands) {
    const Json* document = operands[0].if_as<Json>();
    if (document == nullptr) throw_type("a JSON path", operands[0]);
    Value found = find_in_json(document->text, operands.subspan(1));
    const ValueType wanted = op == Operator::JsonText     ? ValueType::Text
                             : op == Operator::JsonNumber ? ValueType::Double
                                                          : ValueType::Bool;
    return found.type() == wanted ? std::move(found) : Value();
}

}  // namespace

Value calculate_number(Operator op, std::span<const Value> operands) {
    if (operands.size() == 1) return with_one_number(op, operands[0]);
    const auto* a = operands[0].if_as<std::int64_t>();
    const auto* b = operands[1].if_as<std::int64_t>();
    if (a != nullptr && b != nullptr) return with_integers(op, *a, *b);
    if (!is_number(operands[0]) || !is_number(operands[1]) || op == Operator::Modulo) {
        throw_type("arithmetic", operands[0], operands[1]);
    }
    return with_doubles(op, operands[0], operands[1]);
}

Value calculate(Operator op, std::span<const Value> operands) {
    if (op == Operator::Least || op == Operator::Greatest) return extreme(op, operands);
    if (op == Operator::NullIf) {
        const bool is_hidden =
            !is_unknown(operands[0]) && !is_unknown(operands[1]) && compare(operands[0], operands[1]) == 0;
        return is_hidden ? Value() : operands[0];
    }
    if (std::any_of(operands.begin(), operands.end(), is_unknown)) return {};
    if (op >= Operator::Add && op <= Operator::Ceil) return calculate_number(op, operands);
    if (op == Operator::Like || (op >= Operator::Concat && op <= Operator::Contains)) {
        return calculate_text(op, operands);
    }
    if (op >= Operator::DateOf && op <= Operator::SecondsBetween) return calculate_date(op, operands);
    return in_json(op, operands);
}

}  // namespace consilia::core
