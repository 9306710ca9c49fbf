#include "access/witness_types.hpp"

namespace consilia::access {

using core::Operator;
using core::ValueType;

ValueType family_of(ValueType type) noexcept {
    return type == ValueType::Int64 ? ValueType::Double : type;
}

bool has_date_part(Operator op) noexcept {
    return op >= Operator::Year && op <= Operator::DayOfYear;
}

bool gives_operands_type(Operator op) noexcept {
    return (op >= Operator::Add && op <= Operator::Abs) || (op >= Operator::Coalesce && op <= Operator::Case);
}

ValueType operand_type(Operator op, std::size_t place) noexcept {
    switch (op) {
        case Operator::Add:
        case Operator::Subtract:
        case Operator::Multiply:
        case Operator::Divide:
        case Operator::Modulo:
        case Operator::Negate:
        case Operator::Abs:
        case Operator::Round:
        case Operator::Floor:
        case Operator::Ceil:
            return ValueType::Double;
        case Operator::Concat:
        case Operator::Lower:
        case Operator::Upper:
        case Operator::Length:
        case Operator::Trim:
        case Operator::Replace:
        case Operator::StartsWith:
        case Operator::EndsWith:
        case Operator::Contains:
        case Operator::Like:
            return ValueType::Text;
        case Operator::Substr:
            return place == 0 ? ValueType::Text : ValueType::Double;
        case Operator::DateOf:
        case Operator::Hour:
        case Operator::Minute:
        case Operator::Second:
        case Operator::SecondsBetween:
            return ValueType::Timestamp;
        case Operator::AddSeconds:
            return place == 0 ? ValueType::Timestamp : ValueType::Double;
        case Operator::DaysBetween:
            return ValueType::Date;
        case Operator::AddDays:
            return place == 0 ? ValueType::Date : ValueType::Double;
        case Operator::JsonText:
        case Operator::JsonNumber:
        case Operator::JsonBool:
            return place == 0 ? ValueType::Json : ValueType::Null;
        default:
            return ValueType::Null;
    }
}

const bool* truth_otherwise(const core::Expression& expression) noexcept {
    if (expression.op() != Operator::Coalesce || expression.operands().size() != 2) return nullptr;
    return expression.operands()[1].value().if_as<bool>();
}

Wanted opposite(Wanted wanted) noexcept {
    switch (wanted) {
        case Wanted::True:
            return Wanted::False;
        case Wanted::False:
            return Wanted::True;
        case Wanted::NotTrue:
            return Wanted::NotFalse;
        default:
            return Wanted::NotTrue;
    }
}

Wanted decided(Wanted wanted, bool otherwise) noexcept {
    if (is_about_truth(wanted)) return otherwise ? Wanted::NotFalse : Wanted::True;
    return otherwise ? Wanted::False : Wanted::NotTrue;
}

bool is_about_truth(Wanted wanted) noexcept {
    return wanted == Wanted::True || wanted == Wanted::NotFalse;
}

bool may_be_unknown(Wanted wanted) noexcept {
    return wanted == Wanted::NotTrue || wanted == Wanted::NotFalse;
}

}  // namespace consilia::access
