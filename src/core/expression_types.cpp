#include "consilia/core/expression_types.hpp"

#include <initializer_list>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/core/subquery.hpp"
#include "core/operators.hpp"

namespace consilia::core {
namespace {

bool is_number(ValueType type) noexcept {
    return type == ValueType::Int64 || type == ValueType::Double;
}

/// The type of an operator's result; `operand(i)` gives the type of the i-th of `count` operands.
template <class OperandType>
ValueType result_of(Operator op, std::size_t count, OperandType operand) {
    switch (op) {
        case Operator::Add:
        case Operator::Subtract:
        case Operator::Multiply:
        case Operator::Divide: {
            const ValueType a = operand(0);
            const ValueType b = operand(1);
            return a == ValueType::Null || b == ValueType::Double ? b : a;
        }
        case Operator::Round:
        case Operator::Floor:
        case Operator::Ceil:
        case Operator::SecondsBetween:
        case Operator::JsonNumber:
        case Operator::Avg:
            return ValueType::Double;
        case Operator::Concat:
        case Operator::Lower:
        case Operator::Upper:
        case Operator::Substr:
        case Operator::Trim:
        case Operator::Replace:
        case Operator::JsonText:
            return ValueType::Text;
        case Operator::Modulo:
        case Operator::Length:
        case Operator::Year:
        case Operator::Month:
        case Operator::Day:
        case Operator::Weekday:
        case Operator::DayOfYear:
        case Operator::Hour:
        case Operator::Minute:
        case Operator::Second:
        case Operator::DaysBetween:
        case Operator::Count:
        case Operator::CountDistinct:
        case Operator::RowNumber:
        case Operator::Rank:
        case Operator::DenseRank:
            return ValueType::Int64;
        case Operator::DateOf:
        case Operator::AddDays:
            return ValueType::Date;
        case Operator::AddSeconds:
            return ValueType::Timestamp;
        case Operator::Negate:
        case Operator::Abs:
        case Operator::Sum:
        case Operator::Min:
        case Operator::Max:
        case Operator::Filter:
        case Operator::Lag:
        case Operator::Lead:
        case Operator::FirstValue:
        case Operator::LastValue:
        case Operator::Over:
        case Operator::Ascending:
        case Operator::Descending:
            return operand(0);
        case Operator::Coalesce:
        case Operator::NullIf:
        case Operator::Least:
        case Operator::Greatest:
            for (std::size_t i = 0; i < count; ++i) {
                if (const ValueType type = operand(i); type != ValueType::Null) return type;
            }
            return ValueType::Null;
        case Operator::Case:
            for (std::size_t i = 1; i < count; i += 2) {
                if (const ValueType type = operand(i); type != ValueType::Null) return type;
            }
            return count % 2 == 1 ? operand(count - 1) : ValueType::Null;
        default:
            return ValueType::Bool;
    }
}

ValueType leaf_type(const Expression& expression, const FieldTypes& types, const Parameters& parameters) {
    switch (expression.op()) {
        case Operator::Literal:
            return expression.value().type();
        case Operator::Parameter: {
            const auto given = parameters.find(expression.name());
            return given == parameters.end() ? ValueType::Null : given->second.type();
        }
        case Operator::Field:
            return types.field ? types.field(expression.name()) : ValueType::Null;
        case Operator::Outer:
            return types.outer ? types.outer(expression.name()) : ValueType::Null;
        case Operator::ScalarSubquery:
            return expression.subquery()->type();
        default:
            return ValueType::Bool;
    }
}

class Checker {
public:
    Checker(const FieldTypes& types, const Parameters& parameters) : types_(types), parameters_(parameters) {}

    ValueType check(const Expression& expression) const {
        const auto operands = expression.operands();
        std::vector<ValueType> found;
        found.reserve(operands.size());
        for (const Expression& operand : operands) found.push_back(check(operand));
        if (expression.op() == Operator::InSubquery) {
            require(operands[0], found[0], {expression.subquery()->type()});
        }
        if (info_of(expression.op()).kind == OperatorKind::Leaf)
            return leaf_type(expression, types_, parameters_);
        check_operands(expression.op(), operands, found);
        return result_of(expression.op(), found.size(), [&](std::size_t i) { return found[i]; });
    }

    /// `beside`: the operand that wants this type, if it is another operand.
    static void require(const Expression& operand, ValueType found, std::initializer_list<ValueType> wanted,
                        const Expression* beside = nullptr) {
        if (found == ValueType::Null) return;
        for (const ValueType type : wanted) {
            if (type == found || type == ValueType::Null) return;
        }
        const auto name_of = [](const Expression* one) {
            return one != nullptr && one->op() == Operator::Field ? "field `" + one->name() + "`"
                                                                  : std::string();
        };
        const std::string own = name_of(&operand);
        const std::string other = name_of(beside);
        const std::string_view first = to_string(*wanted.begin());
        Details details{{"found", to_string(found)}, {"wanted", first}};
        if (!own.empty() || !other.empty())
            details.push_back({"field", own.empty() ? beside->name() : operand.name()});
        throw InvalidArgument("expression.type",
                              (own.empty() ? "a value" : own) + " of type `" + std::string(to_string(found)) +
                                  "` stands where `" + std::string(first) + "` is wanted" +
                                  (other.empty() ? "" : ", beside " + other),
                              std::move(details));
    }

private:
    using Operands = std::span<const Expression>;
    using Found = const std::vector<ValueType>&;

    static void require_all(Operands operands, Found found, std::initializer_list<ValueType> wanted,
                            std::size_t from = 0) {
        for (std::size_t i = from; i < operands.size(); ++i) require(operands[i], found[i], wanted);
    }

    /// All of one type; where `numbers_mix`, an int64 may stand beside a double.
    static void require_alike(Operands operands, Found found, bool numbers_mix) {
        ValueType common = ValueType::Null;
        const Expression* first = nullptr;
        for (std::size_t i = 0; i < operands.size(); ++i) {
            if (found[i] == ValueType::Json) require(operands[i], found[i], {ValueType::Text});
            if (common == ValueType::Null) {
                common = found[i];
                first = &operands[i];
            }
            if (!numbers_mix || !is_number(common) || !is_number(found[i]))
                require(operands[i], found[i], {common}, first);
        }
    }

    static void check_case(Operands operands, Found found) {
        ValueType common = ValueType::Null;
        for (std::size_t i = 0; i < operands.size(); ++i) {
            if (i % 2 == 0 && i + 1 < operands.size()) {
                require(operands[i], found[i], {ValueType::Bool});
                continue;
            }
            if (common == ValueType::Null) common = found[i];
            require(operands[i], found[i], {common});
        }
    }

    static void check_operands(Operator op, Operands operands, Found found) {
        switch (op) {
            case Operator::IsNull:
            case Operator::IsNotNull:
            case Operator::Count:
            case Operator::FirstValue:
            case Operator::LastValue:
                return;
            case Operator::Case:
                return check_case(operands, found);
            case Operator::Coalesce: {
                ValueType common = ValueType::Null;
                for (std::size_t i = 0; i < operands.size(); ++i) {
                    if (common == ValueType::Null) common = found[i];
                    require(operands[i], found[i], {common});
                }
                return;
            }
            case Operator::NullIf:
            case Operator::Least:
            case Operator::Greatest:
                return require_alike(operands, found, false);
            case Operator::Modulo:
                return require_all(operands, found, {ValueType::Int64});
            case Operator::Filter:
                return require(operands[1], found[1], {ValueType::Bool});
            case Operator::Lag:
            case Operator::Lead:
                if (operands.size() == 3) require(operands[2], found[2], {found[0]});
                return;
            case Operator::Over:
            case Operator::CountDistinct:
                for (std::size_t i = op == Operator::Over ? 1 : 0; i < operands.size(); ++i) {
                    if (found[i] == ValueType::Json) require(operands[i], found[i], {ValueType::Text});
                }
                return;
            case Operator::Ascending:
            case Operator::Descending:
                return;
            case Operator::Min:
            case Operator::Max:
                return require_all(operands, found,
                                   {ValueType::Int64, ValueType::Double, ValueType::Text, ValueType::Date,
                                    ValueType::Timestamp});
            default:
                return check_uniform(op, operands, found);
        }
    }

    /// Operators whose operands all obey one rule, or each its own fixed type.
    static void check_uniform(Operator op, Operands operands, Found found) {
        if (op <= Operator::Not) return require_all(operands, found, {ValueType::Bool});
        if (op <= Operator::Between) return require_alike(operands, found, true);
        if (op == Operator::Like) return require_all(operands, found, {ValueType::Text});
        if (op <= Operator::Ceil || op == Operator::Sum || op == Operator::Avg) {
            return require_all(operands, found, {ValueType::Double, ValueType::Int64});
        }
        if (op == Operator::Substr) {
            require(operands[0], found[0], {ValueType::Text});
            return require_all(operands, found, {ValueType::Int64}, 1);
        }
        if (op <= Operator::Contains) return require_all(operands, found, {ValueType::Text});
        if (op >= Operator::JsonText && op <= Operator::JsonBool) {
            return require(operands[0], found[0], {ValueType::Json});
        }
        if (op >= Operator::Year && op <= Operator::DayOfYear) {
            return require_all(operands, found, {ValueType::Date, ValueType::Timestamp});
        }
        if (op == Operator::AddDays || op == Operator::DaysBetween) {
            require(operands[0], found[0], {ValueType::Date});
            const ValueType second = op == Operator::AddDays ? ValueType::Int64 : ValueType::Date;
            return require(operands[1], found[1], {second});
        }
        if (op == Operator::AddSeconds) {
            require(operands[0], found[0], {ValueType::Timestamp});
            return require(operands[1], found[1], {ValueType::Int64});
        }
        const bool is_of_time = op == Operator::DateOf || op == Operator::SecondsBetween ||
                                (op >= Operator::Hour && op <= Operator::Second);
        if (is_of_time) require_all(operands, found, {ValueType::Timestamp});
    }

    const FieldTypes& types_;
    const Parameters& parameters_;
};

}  // namespace

ValueType result_type(const Expression& expression, const FieldTypes& types, const Parameters& parameters) {
    if (info_of(expression.op()).kind == OperatorKind::Leaf) return leaf_type(expression, types, parameters);
    const auto operands = expression.operands();
    return result_of(expression.op(), operands.size(),
                     [&](std::size_t i) { return result_type(operands[i], types, parameters); });
}

ValueType check_types(const Expression& expression, const FieldTypes& types, const Parameters& parameters) {
    return Checker(types, parameters).check(expression);
}

void check_condition(const Expression& expression, const FieldTypes& types, const Parameters& parameters) {
    Checker::require(expression, check_types(expression, types, parameters), {ValueType::Bool});
}

}  // namespace consilia::core
