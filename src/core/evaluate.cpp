// The in-memory reader of expressions: SQL's three-valued logic, null standing for unknown.
#include <array>
#include <compare>
#include <optional>

#include "consilia/core/error.hpp"
#include "consilia/core/expression.hpp"
#include "core/compare.hpp"
#include "core/operators.hpp"

namespace consilia::core {
namespace {

/// Of three-valued logic; empty: unknown.
using Truth = std::optional<bool>;

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
            case Operator::Coalesce:
                return coalesce(expression.operands());
            case Operator::Case:
                return branch(expression.operands());
            default:
                break;
        }
        if (gives_truth(expression.op())) {
            const Truth truth = truth_of(expression);
            return truth ? Value(*truth) : Value();
        }
        refuse_rows(expression.op());
        return function(expression);
    }

    /// As `value_of`, of a condition: a truth is never put into a value on the way.
    Truth truth_of(const Expression& expression) const {
        switch (expression.op()) {
            case Operator::And:
                return junction(expression, false);
            case Operator::Or:
                return junction(expression, true);
            case Operator::Not: {
                const Truth truth = truth_of(expression.operands()[0]);
                return truth ? Truth(!*truth) : truth;
            }
            case Operator::Equal:
            case Operator::NotEqual:
            case Operator::Less:
            case Operator::LessEqual:
            case Operator::Greater:
            case Operator::GreaterEqual:
                return comparison(expression);
            case Operator::IsNull:
                return is_unknown(Operand(*this, expression.operands()[0]).get());
            case Operator::IsNotNull:
                return !is_unknown(Operand(*this, expression.operands()[0]).get());
            case Operator::In:
                return membership(expression);
            case Operator::Between:
                return between(expression);
            default:
                break;
        }
        const Value truth = value_of(expression);
        if (truth.is_null()) return std::nullopt;
        if (const bool* known = truth.if_as<bool>()) return *known;
        throw InvalidArgument("expression.type",
                              "a condition is `" + std::string(to_string(truth.type())) + "`, wanted `bool`",
                              {{"found", to_string(truth.type())}});
    }

private:
    /// What is compared: held by the expression or the parameters, or calculated into its own room.
    class Operand {
    public:
        Operand(const Evaluator& evaluator, const Expression& expression)
            : held_(evaluator.held_by(expression)),
              room_(held_ == nullptr ? evaluator.value_of(expression) : Value()) {}
        [[nodiscard]] const Value& get() const noexcept { return held_ == nullptr ? room_ : *held_; }

    private:
        const Value* held_;
        Value room_;
    };

    /// The operators that `truth_of` knows.
    static bool gives_truth(Operator op) noexcept {
        const OperatorKind kind = info_of(op).kind;
        return kind == OperatorKind::Logic || kind == OperatorKind::Comparison || op == Operator::IsNull ||
               op == Operator::IsNotNull || op == Operator::In || op == Operator::Between;
    }

    const Value& parameter(const std::string& name) const {
        const Value* found = parameters_(name);
        if (found == nullptr) {
            throw InvalidArgument("expression.missing_parameter", "parameter `" + name + "` is not given",
                                  {{"parameter", name}});
        }
        return *found;
    }

    const Value* held_by(const Expression& expression) const {
        if (expression.op() == Operator::Literal) return &expression.value();
        if (expression.op() == Operator::Parameter) return &parameter(expression.name());
        return nullptr;
    }

    /// And (`decisive` false) or Or (`decisive` true): one decisive operand decides, else one unknown makes
    /// unknown.
    Truth junction(const Expression& expression, bool decisive) const {
        bool any_unknown = false;
        for (const Expression& operand : expression.operands()) {
            const Truth truth = truth_of(operand);
            if (!truth) {
                any_unknown = true;
            } else if (*truth == decisive) {
                return decisive;
            }
        }
        return any_unknown ? Truth() : Truth(!decisive);
    }

    Truth comparison(const Expression& expression) const {
        const auto operands = expression.operands();
        const Operand a(*this, operands[0]);
        const Operand b(*this, operands[1]);
        if (is_unknown(a.get()) || is_unknown(b.get())) return std::nullopt;
        const std::strong_ordering order = compare(a.get(), b.get());
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

    Truth membership(const Expression& expression) const {
        const auto operands = expression.operands();
        if (operands.size() == 1) return false;
        const Operand wanted(*this, operands[0]);
        if (is_unknown(wanted.get())) return std::nullopt;
        bool any_unknown = false;
        for (const Expression& other : operands.subspan(1)) {
            const Operand candidate(*this, other);
            if (is_unknown(candidate.get())) {
                any_unknown = true;
            } else if (compare(wanted.get(), candidate.get()) == 0) {
                return true;
            }
        }
        return any_unknown ? Truth() : Truth(false);
    }

    /// `value >= low and value <= high`, so an unknown bound does not hide a false one.
    Truth between(const Expression& expression) const {
        const Operand value(*this, expression.operands()[0]);
        const Operand low(*this, expression.operands()[1]);
        const Operand high(*this, expression.operands()[2]);
        if (is_unknown(value.get())) return std::nullopt;
        const bool has_low = !is_unknown(low.get());
        const bool has_high = !is_unknown(high.get());
        if (has_low && compare(value.get(), low.get()) < 0) return false;
        if (has_high && compare(value.get(), high.get()) > 0) return false;
        return has_low && has_high ? Truth(true) : Truth();
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
            if (truth_of(operands[0]).value_or(false)) return value_of(operands[1]);
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
    return Evaluator(fields, parameters).truth_of(condition);
}

}  // namespace consilia::core
