#include "access/import_casbin_operand.hpp"

#include <algorithm>
#include <charconv>

namespace consilia::access {

using core::Operator;
using core::Value;

Operator opposite(Operator op) noexcept {
    switch (op) {
        case Operator::Equal:
            return Operator::NotEqual;
        case Operator::NotEqual:
            return Operator::Equal;
        case Operator::Less:
            return Operator::GreaterEqual;
        case Operator::LessEqual:
            return Operator::Greater;
        case Operator::Greater:
            return Operator::LessEqual;
        default:
            return Operator::Less;
    }
}

Operator mirrored(Operator op) noexcept {
    switch (op) {
        case Operator::Less:
            return Operator::Greater;
        case Operator::LessEqual:
            return Operator::GreaterEqual;
        case Operator::Greater:
            return Operator::Less;
        case Operator::GreaterEqual:
            return Operator::LessEqual;
        default:
            return op;
    }
}

CasbinOperand CasbinOperands::read() {
    const ImportToken token = reader_.take();
    switch (token.kind) {
        case ImportToken::Kind::Text:
            return {CasbinOperand::Kind::Constant, Value(token.text), "", token};
        case ImportToken::Kind::Integer:
        case ImportToken::Kind::Real:
            return number(token, false);
        case ImportToken::Kind::Name:
            return named(token);
        default:
            break;
    }
    if (token.is("-") && reader_.peek().kind != ImportToken::Kind::Symbol)
        return number(reader_.take(), true);
    reader_.refuse(token, "wanted a value");
}

CasbinOperand CasbinOperands::number(const ImportToken& token, bool is_negative) {
    const std::string text = (is_negative ? "-" : "") + token.text;
    const char* const end = text.data() + text.size();
    std::int64_t integer = 0;
    if (token.kind == ImportToken::Kind::Integer && std::from_chars(text.data(), end, integer).ptr == end) {
        if (std::to_string(integer) == text)
            return {CasbinOperand::Kind::Constant, Value(integer), "", token};
    }
    double real = 0;
    if (token.kind == ImportToken::Kind::Real && std::from_chars(text.data(), end, real).ptr == end)
        return {CasbinOperand::Kind::Constant, Value(real), "", token};
    reader_.refuse(token, "it is no number that is known here");
}

CasbinOperand CasbinOperands::named(const ImportToken& token) {
    if (token.text == "true" || token.text == "false" || token.text == "True" || token.text == "False")
        return {CasbinOperand::Kind::Constant, Value(token.text == "true" || token.text == "True"), "",
                token};
    if (token.text != "r" && token.text != "p") reader_.refuse(token, "wanted `r` or `p`");
    reader_.want(".");
    const ImportToken part = reader_.take();
    if (token.text == "p") return of_policy(part);
    const bool has_attribute = reader_.take_if(".");
    const std::string attribute = has_attribute ? reader_.take().text : std::string();
    if (has_attribute && reader_.peek().is(".")) reader_.refuse(reader_.peek(), "only one attribute deep");
    if (part.text == "sub") {
        if (!has_attribute) uses_.has_subject_name = true;
        return {has_attribute ? CasbinOperand::Kind::SubjectAttribute : CasbinOperand::Kind::Subject,
                {},
                attribute,
                part};
    }
    if (part.text == "obj") {
        (has_attribute ? uses_.has_object_attribute : uses_.has_object_name) = true;
        return {has_attribute ? CasbinOperand::Kind::ObjectAttribute : CasbinOperand::Kind::Object,
                {},
                attribute,
                part};
    }
    if (part.text != "act" || has_attribute) reader_.refuse(part, "a request has `sub`, `obj` and `act`");
    return {CasbinOperand::Kind::Action, {}, "", part};
}

CasbinOperand CasbinOperands::of_policy(const ImportToken& part) {
    const auto found = std::find(model_.policy.begin(), model_.policy.end(), part.text);
    if (found == model_.policy.end()) reader_.refuse(part, "the model's `p` has no such part");
    const auto place = static_cast<std::size_t>(found - model_.policy.begin());
    return {CasbinOperand::Kind::Constant, Value(row_.values[place]), "", part};
}

}  // namespace consilia::access
