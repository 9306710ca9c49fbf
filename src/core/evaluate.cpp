// The in-memory reader of expressions: SQL's three-valued logic, null standing for unknown.
#include <array>
#include <compare>

#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"
#include "core/compare.hpp"
#include "core/operators.hpp"

namespace consilia::core {
namespace {

class Evaluator {
public:
    Evaluator(const FieldSource& fields, const ParameterSource& parameters)
        : fields_(fields), parameters_(parameters) {}

    Value value_of(const Expression& expression) const {
        switch (expression.op()) {
            case Operator::Literal:
                return expression.value();
            case Operator::Parameter:
                return parameter(expression.name());
            case Operator::Field:
                return fields_ ? fields_(expression.name()) : Value();
            case Operator::And:
                return junction(expression, false);
            case Operator::Or:
                return junction(expression, true);
            case Operator::Not: {
                const Value truth = truth_of(expression.operands()[0]);
                return truth.is_null() ? truth : Value(!truth.as<bool>());
            }
            case Operator::IsNull:
                return is_unknown(value_of(expression.operands()[0]));
            case Operator::IsNotNull:
                return !is_unknown(value_of(expression.operands()[0]));
            case Operator::In:
                return membership(expression);
            case Operator::Between:
                return between(expression);
            case Operator::Coalesce:
                return coalesce(expression.operands());
            case Operator::Case:
                return branch(expression.operands());
            default:
                break;
        }
        if (info_of(expression.op()).kind == OperatorKind::Comparison) return comparison(expression);
        refuse_rows(expression.op());
        return function(expression);
    }

    Value truth_of(const Expression& expression) const {
        Value truth = value_of(expression);
        if (!truth.is_null() && truth.type() != ValueType::Bool) {
            throw InvalidArgument(
                "expression.type",
                "a condition is `" + std::string(to_string(truth.type())) + "`, wanted `bool`",
                {{"found", to_string(truth.type())}});
        }
        return truth;
    }

private:
    const Value& parameter(const std::string& name) const {
        const Value* found = parameters_(name);
        if (found == nullptr) {
            throw InvalidArgument("expression.missing_parameter", "parameter `" + name + "` is not given",
                                  {{"parameter", name}});
        }
        return *found;
    }

    /// As `value_of`, without a copy of what is held elsewhere already.
    const Value& operand_of(const Expression& expression, Value& room) const {
        if (expression.op() == Operator::Literal) return expression.value();
        if (expression.op() == Operator::Parameter) return parameter(expression.name());
        room = value_of(expression);
        return room;
    }

    /// And (`decisive` false) or Or (`decisive` true): one decisive operand decides, else one unknown makes
    /// unknown.
    Value junction(const Expression& expression, bool decisive) const {
        bool any_unknown = false;
        for (const Expression& operand : expression.operands()) {
            const Value truth = truth_of(operand);
            if (truth.is_null()) {
                any_unknown = true;
            } else if (truth.as<bool>() == decisive) {
                return decisive;
            }
        }
        return any_unknown ? Value() : Value(!decisive);
    }

    Value comparison(const Expression& expression) const {
        Value room_a;
        Value room_b;
        const Value& a = operand_of(expression.operands()[0], room_a);
        const Value& b = operand_of(expression.operands()[1], room_b);
        if (is_unknown(a) || is_unknown(b)) return {};
        const std::strong_ordering order = compare(a, b);
        switch (expression.op()) {
            case Operator::Equal:
                return order == 0;
            case Operator::NotEqual:
                return order != 0;
            case Operator::Less:
                return order < 0;
            case Operator::LessEqual:
                return order <= 0;
            case Operator::Greater:
                return order > 0;
            default:
                return order >= 0;
        }
    }

    Value membership(const Expression& expression) const {
        const auto operands = expression.operands();
        if (operands.size() == 1) return false;
        const Value wanted = value_of(operands[0]);
        if (is_unknown(wanted)) return {};
        bool any_unknown = false;
        Value room;
        for (const Expression& other : operands.subspan(1)) {
            const Value& candidate = operand_of(other, room);
            if (is_unknown(candidate)) {
                any_unknown = true;
            } else if (compare(wanted, candidate) == 0) {
                return true;
            }
        }
        return any_unknown ? Value() : Value(false);
    }

    /// `value >= low and value <= high`, so an unknown bound does not hide a false one.
    Value between(const Expression& expression) const {
        const Value value = value_of(expression.operands()[0]);
        const Value low = value_of(expression.operands()[1]);
        const Value high = value_of(expression.operands()[2]);
        if (is_unknown(value)) return {};
        if (!is_unknown(low) && compare(value, low) < 0) return false;
        if (!is_unknown(high) && compare(value, high) > 0) return false;
        return is_unknown(low) || is_unknown(high) ? Value() : Value(true);
    }

    Value coalesce(std::span<const Expression> operands) const {
        for (const Expression& operand : operands) {
            Value value = value_of(operand);
            if (!is_unknown(value)) return value;
        }
        return {};
    }

    Value branch(std::span<const Expression> operands) const {
        for (; operands.size() >= 2; operands = operands.subspan(2)) {
            const Value truth = truth_of(operands[0]);
            if (!truth.is_null() && truth.as<bool>()) return value_of(operands[1]);
        }
        return operands.empty() ? Value() : value_of(operands[0]);
    }

    /// One object has no other rows to look into.
    static void refuse_rows(Operator op) {
        const OperatorKind kind = info_of(op).kind;
        if (kind == OperatorKind::Aggregate || op == Operator::Filter) {
            throw InvalidArgument("expression.aggregate", "an aggregate needs a query");
        }
        if (kind == OperatorKind::Window || kind == OperatorKind::Part || op == Operator::Over) {
            throw InvalidArgument("expression.window", "a window function needs a query");
        }
        if (kind == OperatorKind::Leaf) {
            throw InvalidArgument("expression.subquery", "a subquery needs a database");
        }
    }

    Value function(const Expression& expression) const {
        const auto operands = expression.operands();
        if (operands.size() <= 3) {
            std::array<Value, 3> values;
            for (std::size_t i = 0; i < operands.size(); ++i) values[i] = value_of(operands[i]);
            return calculate(expression.op(), std::span(values).first(operands.size()));
        }
        std::vector<Value> values;
        values.reserve(operands.size());
        for (const Expression& operand : operands) values.push_back(value_of(operand));
        return calculate(expression.op(), values);
    }

    const FieldSource& fields_;
    const ParameterSource& parameters_;
};

ParameterSource source_of(const Parameters& parameters) {
    return [&parameters](std::string_view name) {
        const auto found = parameters.find(name);
        return found == parameters.end() ? nullptr : &found->second;
    };
}

}  // namespace

Value evaluate(const Expression& expression, const FieldSource& fields, const Parameters& parameters) {
    return Evaluator(fields, source_of(parameters)).value_of(expression);
}

bool matches(const Expression& expression, const FieldSource& fields, const Parameters& parameters) {
    return truth(expression, fields, source_of(parameters)).value_or(false);
}

std::optional<bool> truth(const Expression& condition, const FieldSource& fields,
                          const ParameterSource& parameters) {
    const Value truth = Evaluator(fields, parameters).truth_of(condition);
    return truth.is_null() ? std::nullopt : std::optional(truth.as<bool>());
}

}  // namespace consilia::core
