// Cedar's expressions as conditions.
#include <algorithm>
#include <charconv>
#include <optional>

#include "access/import_cedar.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::Operator;
using core::Value;
using core::ValueType;

constexpr int kMaxDepth = 20;

// A pattern of Cedar, where `*` is any run of characters and `\*` a star, as one of `like`.
std::string like_pattern(const std::string& raw) {
    std::string pattern;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        char c = raw[i];
        const bool is_escaped = c == '\\' && i + 1 < raw.size();
        if (is_escaped) c = raw[++i];
        if (c == '*' && !is_escaped) {
            pattern += '%';
            continue;
        }
        if (is_escaped && c == 'n') c = '\n';
        if (is_escaped && c == 't') c = '\t';
        if (is_escaped && c == 'r') c = '\r';
        if (c == '%' || c == '_' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern;
}

}  // namespace

struct CedarCondition::Operand {
    enum class Kind { Constant, Entity, Principal, Role, PrincipalAttribute, ContextAttribute, Field, List };

    Kind kind = Kind::Constant;
    Value value = {};       // Of a constant; of an entity: its id.
    std::string name = {};  // Of an attribute.
    std::vector<Value> items = {};
    ImportToken token = {};

    [[nodiscard]] bool is_attribute() const noexcept {
        return kind == Kind::PrincipalAttribute || kind == Kind::ContextAttribute || kind == Kind::Field;
    }
    // As `AttributeTypes` knows it.
    [[nodiscard]] std::string key() const {
        const char* of = kind == Kind::PrincipalAttribute ? "principal." : "resource.";
        return (kind == Kind::ContextAttribute ? "context." : of) + name;
    }
};

CedarCondition::Both CedarCondition::joined(const Both& a, const Both& b) {
    Both made;
    made.holds = a.holds && b.holds;
    made.fails = a.is_total ? a.fails || b.fails : a.fails || (a.holds && b.fails);
    made.is_total = a.is_total && b.is_total;
    made.role = a.role.empty() ? b.role : a.role;
    return made;
}

CedarCondition::Both CedarCondition::either(const Both& a, const Both& b) {
    Both made;
    made.holds = a.is_total ? a.holds || b.holds : a.holds || (a.fails && b.holds);
    made.fails = a.fails && b.fails;
    made.is_total = a.is_total && b.is_total;
    return made;
}

void CedarCondition::refuse_role(const Both& side) {
    if (side.role.empty()) return;
    reader_.refuse(reader_.peek(),
                   "a role must stand beside everything else with `&&`: a rule is for one role");
}

CedarCondition::Both CedarCondition::any() {
    if (++depth_ > kMaxDepth) reader_.refuse(reader_.peek(), "it is nested too deeply");
    Both made = all();
    if (reader_.peek().is("||")) refuse_role(made);
    while (reader_.take_if("||")) {
        const Both next = all();
        refuse_role(next);
        made = either(made, next);
    }
    --depth_;
    return made;
}

CedarCondition::Both CedarCondition::all() {
    Both made = one();
    while (reader_.take_if("&&")) {
        const Both next = one();
        if (!made.role.empty() && !next.role.empty())
            reader_.refuse(reader_.peek(), "a rule is for one role: two at once have no counterpart");
        made = joined(made, next);
    }
    return made;
}

CedarCondition::Both CedarCondition::one() {
    if (!reader_.take_if("!")) return comparison();
    if (++depth_ > kMaxDepth) reader_.refuse(reader_.peek(), "it is nested too deeply");
    const Both made = one();
    --depth_;
    if (!made.role.empty()) reader_.refuse(reader_.peek(), "not to have a role has no counterpart");
    return {made.fails, made.holds, made.is_total, {}};
}

CedarCondition::Both CedarCondition::comparison() {
    if (reader_.take_if("(")) {
        const Both made = any();
        reader_.want(")");
        return made;
    }
    const Operand left = operand();
    const ImportToken symbol = reader_.peek();
    if (symbol.is("has")) return has(left);
    if (symbol.is("like")) return like(left);
    if (symbol.is("in")) {
        reader_.take();
        const Operand right = operand();
        if (left.kind != Operand::Kind::Principal || right.kind != Operand::Kind::Role)
            reader_.refuse(symbol, "only `principal in Role::\"…\"` is carried over");
        Both made;
        made.fails = Expression::literal(false);
        made.is_total = true;
        made.role = right.value.as<std::string>();
        return made;
    }
    if (left.kind == Operand::Kind::List) return contains(left);
    static const std::map<std::string, std::pair<Operator, Operator>> kOperators{
        {"==", {Operator::Equal, Operator::NotEqual}},   {"!=", {Operator::NotEqual, Operator::Equal}},
        {"<", {Operator::Less, Operator::GreaterEqual}}, {"<=", {Operator::LessEqual, Operator::Greater}},
        {">", {Operator::Greater, Operator::LessEqual}}, {">=", {Operator::GreaterEqual, Operator::Less}}};
    const auto found = kOperators.find(symbol.kind == ImportToken::Kind::Symbol ? symbol.text : "");
    if (found == kOperators.end()) return truth(left);
    reader_.take();
    const Operand right = operand();
    const bool is_equality = symbol.is("==") || symbol.is("!=");
    const auto is_comparable = [&](const Operand& side) {
        const bool is_number = side.kind != Operand::Kind::Constant || side.value.type() == ValueType::Int64;
        return side.kind != Operand::Kind::List && side.kind != Operand::Kind::Role &&
               (is_equality ||
                (is_number && side.kind != Operand::Kind::Entity && side.kind != Operand::Kind::Principal));
    };
    for (const Operand* side : {&left, &right}) {
        if (!is_comparable(*side)) reader_.refuse(side->token, "it cannot be compared so");
    }
    compare_types(left, right, is_equality ? ValueType::Null : ValueType::Int64);
    const std::vector<Expression> operands{term(left), term(right)};
    Both made{Expression::make(found->second.first, operands),
              Expression::make(found->second.second, operands),
              false,
              {}};
    if (left.kind == Operand::Kind::Constant && right.kind == Operand::Kind::Constant) {
        if (left.value.type() != right.value.type()) reader_.refuse(right.token, "two types are compared");
        const bool holds = core::matches(made.holds, {});
        made = {Expression::literal(holds), Expression::literal(!holds), true, {}};
    }
    return made;
}

CedarCondition::Both CedarCondition::truth(const Operand& operand) {
    if (const bool* constant = operand.value.if_as<bool>())
        return {Expression::literal(*constant), Expression::literal(!*constant), true, {}};
    if (!operand.is_attribute()) reader_.refuse(operand.token, "it is no truth value");
    const Expression made = term(operand, ValueType::Bool);
    return {made, !made, false, {}};
}

CedarCondition::Both CedarCondition::has(const Operand& of) {
    reader_.take();
    const ImportToken name = reader_.take();
    if (name.kind != ImportToken::Kind::Name && name.kind != ImportToken::Kind::Text)
        reader_.refuse(name, "wanted the name of an attribute");
    Operand attribute = of;
    if (of.kind == Operand::Kind::Principal) {
        attribute = {Operand::Kind::PrincipalAttribute, {}, name.text, {}, name};
    } else if (of.kind == Operand::Kind::Field ||
               (of.kind == Operand::Kind::ContextAttribute && of.name.empty())) {
        attribute.name = of.name.empty() ? name.text : of.name + "." + name.text;
    } else {
        reader_.refuse(of.token, "it has no attributes that are known here");
    }
    const Expression made = term(attribute);
    return {
        Expression::make(Operator::IsNotNull, {made}), Expression::make(Operator::IsNull, {made}), true, {}};
}

CedarCondition::Both CedarCondition::like(const Operand& text) {
    reader_.take();
    const ImportToken pattern = reader_.take();
    if (pattern.kind != ImportToken::Kind::Text) reader_.refuse(pattern, "wanted a pattern");
    if (!text.is_attribute()) reader_.refuse(text.token, "only attributes are matched with patterns");
    const Expression made = Expression::make(
        Operator::Like, {term(text, ValueType::Text), Expression::literal(like_pattern(pattern.raw))});
    return {made, !made, false, {}};
}

// `[1, 2].contains(resource.level)`
CedarCondition::Both CedarCondition::contains(const Operand& list) {
    reader_.want(".");
    const ImportToken method = reader_.take();
    if (!method.is("contains")) reader_.refuse(method, "of sets only `contains` is carried over");
    reader_.want("(");
    const Operand item = operand();
    reader_.want(")");
    if (item.kind == Operand::Kind::List || item.kind == Operand::Kind::Role ||
        item.kind == Operand::Kind::Constant)
        reader_.refuse(item.token, "only attributes are looked for in a set");
    std::vector<Expression> operands{
        term(item, item.is_attribute() ? list.items.front().type() : ValueType::Null)};
    for (const Value& value : list.items) operands.push_back(Expression::literal(value));
    const Expression made = Expression::make(Operator::In, std::move(operands));
    return {made, !made, false, {}};
}

// Both sides of a comparison are of one type. `wanted`: of both; null: any.
void CedarCondition::compare_types(const Operand& left, const Operand& right, ValueType wanted) {
    const auto type_of = [&](const Operand& side) {
        if (side.kind == Operand::Kind::Principal) return ValueType::Text;
        return side.is_attribute() ? wanted : side.value.type();
    };
    static_cast<void>(term(left, type_of(right)));
    static_cast<void>(term(right, type_of(left)));
    if (left.is_attribute() && right.is_attribute()) text_.types.link(left.key(), right.key());
}

Expression CedarCondition::term(const Operand& operand, ValueType type) {
    if (operand.is_attribute() && !operand.name.empty() && !text_.types.say(operand.key(), type))
        reader_.refuse(operand.token, "it is compared with values of different types");
    switch (operand.kind) {
        case Operand::Kind::Constant:
        case Operand::Kind::Entity:
            return Expression::literal(operand.value);
        case Operand::Kind::Principal:
            text_.compares_principals = true;
            return Expression::parameter("principal_id");
        case Operand::Kind::PrincipalAttribute:
            return Expression::parameter("principal_" + operand.name);
        case Operand::Kind::ContextAttribute:
            if (operand.name.empty()) reader_.refuse(operand.token, "wanted an attribute of it");
            return Expression::parameter("context_" + operand.name);
        default:
            if (operand.name.empty()) reader_.refuse(operand.token, "wanted an attribute of it");
            return core::field(operand.name).expression();
    }
}

CedarCondition::Operand CedarCondition::list() {
    Operand made{Operand::Kind::List, {}, {}, {}, reader_.peek()};
    do {
        const Operand item = operand();
        const bool is_plain = item.kind == Operand::Kind::Constant || item.kind == Operand::Kind::Entity;
        if (!is_plain || (!made.items.empty() && item.value.type() != made.items.front().type()))
            reader_.refuse(item.token, "a set holds literals of one type");
        made.items.push_back(item.value);
    } while (reader_.take_if(","));
    reader_.want("]");
    return made;
}

CedarCondition::Operand CedarCondition::operand() {
    if (reader_.peek().is("[") && reader_.take().is("[")) return list();
    const bool is_negative = reader_.take_if("-");
    const ImportToken token = reader_.peek();
    if (token.kind == ImportToken::Kind::Integer) {
        reader_.take();
        const std::string text = (is_negative ? "-" : "") + token.text;
        std::int64_t number = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        if (read.ec != std::errc()) reader_.refuse(token, "it does not fit into 64 bits");
        return {Operand::Kind::Constant, Value(number), {}, {}, token};
    }
    if (is_negative) reader_.refuse(token, "wanted a number");
    if (token.kind == ImportToken::Kind::Text) {
        reader_.take();
        return {Operand::Kind::Constant, Value(token.text), {}, {}, token};
    }
    if (token.is("true") || token.is("false")) {
        reader_.take();
        return {Operand::Kind::Constant, Value(token.is("true")), {}, {}, token};
    }
    if (token.kind != ImportToken::Kind::Name) reader_.refuse(token, "wanted a value");
    return variable();
}

// `principal`, `resource.owner.id`, `context.ip`, or an entity: `Role::"doctor"`.
CedarCondition::Operand CedarCondition::variable() {
    const ImportToken first = reader_.take();
    if (reader_.peek().is(":")) {
        std::string type = first.text;
        while (reader_.take_if(":")) {
            reader_.want(":");
            const ImportToken part = reader_.take();
            if (part.kind == ImportToken::Kind::Text) {
                const bool is_role = type == "Role" || type.ends_with("::Role");
                return {
                    is_role ? Operand::Kind::Role : Operand::Kind::Entity, Value(part.text), {}, {}, first};
            }
            if (part.kind != ImportToken::Kind::Name) reader_.refuse(part, "wanted a type or an id");
            type += "::" + part.text;
        }
        reader_.refuse(first, "wanted an entity");
    }
    Operand made{Operand::Kind::Field, {}, {}, {}, first};
    if (first.is("principal"))
        made.kind = Operand::Kind::Principal;
    else if (first.is("context"))
        made.kind = Operand::Kind::ContextAttribute;
    else if (!first.is("resource"))
        reader_.refuse(first, "it is not carried over");
    while (reader_.peek().is(".") || reader_.peek().is("[")) {
        const bool is_index = reader_.take().is("[");
        const ImportToken name = reader_.take();
        if (name.kind != (is_index ? ImportToken::Kind::Text : ImportToken::Kind::Name))
            reader_.refuse(name, "wanted the name of an attribute");
        if (is_index) reader_.want("]");
        if (reader_.peek().is("(")) reader_.refuse(name, "this method is not carried over");
        if (made.kind == Operand::Kind::Principal) {
            made.kind = Operand::Kind::PrincipalAttribute;
        } else if (made.kind == Operand::Kind::PrincipalAttribute ||
                   (made.kind == Operand::Kind::ContextAttribute && !made.name.empty())) {
            reader_.refuse(name, "an attribute of a principal or of the context is a plain value");
        }
        made.name = made.name.empty() ? name.text : made.name + "." + name.text;
    }
    return made;
}

}  // namespace consilia::access
