#include "consilia/core/expression.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"

namespace consilia::core {

struct Expression::Node {
    Operator op = Operator::Literal;
    std::size_t depth = 1;
    Value value;
    std::string name;
    std::vector<Expression> operands;
};

namespace {

bool arity_fits(Operator op, std::size_t count) noexcept {
    switch (op) {
        case Operator::Literal:
        case Operator::Parameter:
        case Operator::Field:
            return false;
        case Operator::And:
        case Operator::Or:
            return count >= 2;
        case Operator::Not:
        case Operator::IsNull:
        case Operator::IsNotNull:
            return count == 1;
        case Operator::In:
            return count >= 1;
        case Operator::Between:
            return count == 3;
        default:
            return count == 2;
    }
}

bool is_name(std::string_view text, bool dotted) noexcept {
    bool at_start = true;
    for (const char c : text) {
        if (c == '.' && dotted && !at_start) {
            at_start = true;
            continue;
        }
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool digit = c >= '0' && c <= '9';
        if (!letter && (at_start || !digit)) return false;
        at_start = false;
    }
    return !at_start && text.size() <= 255;
}

Expression join(Operator op, const Expression& a, const Expression& b) {
    std::vector<Expression> operands;
    for (const Expression* side : {&a, &b}) {
        if (side->op() == op) {
            operands.insert(operands.end(), side->operands().begin(), side->operands().end());
        } else {
            operands.push_back(*side);
        }
    }
    return Expression::make(op, std::move(operands));
}

void collect_paths(const Expression& expression, std::vector<std::string>& paths) {
    if (expression.op() == Operator::Field &&
        std::find(paths.begin(), paths.end(), expression.name()) == paths.end()) {
        paths.push_back(expression.name());
    }
    for (const Expression& operand : expression.operands()) collect_paths(operand, paths);
}

}  // namespace

Expression::Expression() {
    static const auto always_true =
        std::make_shared<const Node>(Node{Operator::Literal, 1, Value(true), {}, {}});
    node_ = always_true;
}

Expression Expression::literal(Value value) {
    return Expression(std::make_shared<const Node>(Node{Operator::Literal, 1, std::move(value), {}, {}}));
}

Expression Expression::parameter(std::string name) {
    if (!is_name(name, false)) {
        throw InvalidArgument("expression.parameter_name",
                              "a parameter's name must be letters, digits and `_`");
    }
    return Expression(std::make_shared<const Node>(Node{Operator::Parameter, 1, {}, std::move(name), {}}));
}

Expression Expression::field(std::string path) {
    if (!is_name(path, true)) {
        throw InvalidArgument("expression.field_name", "a field's path must be names joined by dots");
    }
    return Expression(std::make_shared<const Node>(Node{Operator::Field, 1, {}, std::move(path), {}}));
}

Expression Expression::make(Operator op, std::vector<Expression> operands) {
    if (!arity_fits(op, operands.size())) {
        throw InvalidArgument("expression.arity", "the operator does not take this many operands",
                              {{"operands", static_cast<std::int64_t>(operands.size())}});
    }
    std::size_t depth = 0;
    for (const Expression& operand : operands) depth = std::max(depth, operand.node_->depth);
    if (++depth > kMaxDepth) {
        throw InvalidArgument("expression.too_deep", "the expression is nested too deeply",
                              {{"limit", static_cast<std::int64_t>(kMaxDepth)}});
    }
    return Expression(std::make_shared<const Node>(Node{op, depth, {}, {}, std::move(operands)}));
}

Operator Expression::op() const noexcept {
    return node_->op;
}
std::span<const Expression> Expression::operands() const noexcept {
    return node_->operands;
}
const Value& Expression::value() const noexcept {
    return node_->value;
}
const std::string& Expression::name() const noexcept {
    return node_->name;
}
std::size_t Expression::depth() const noexcept {
    return node_->depth;
}

bool Expression::is_always_true() const noexcept {
    return node_->op == Operator::Literal && node_->value == Value(true);
}

bool Expression::same_as(const Expression& other) const noexcept {
    if (node_ == other.node_) return true;
    if (node_->op != other.node_->op || node_->name != other.node_->name ||
        node_->value != other.node_->value) {
        return false;
    }
    return std::equal(node_->operands.begin(), node_->operands.end(), other.node_->operands.begin(),
                      other.node_->operands.end(),
                      [](const Expression& a, const Expression& b) { return a.same_as(b); });
}

Expression operator&&(const Expression& a, const Expression& b) {
    if (a.is_always_true()) return b;
    if (b.is_always_true()) return a;
    return join(Operator::And, a, b);
}

Expression operator||(const Expression& a, const Expression& b) {
    return join(Operator::Or, a, b);
}

Expression operator!(const Expression& a) {
    return Expression::make(Operator::Not, {a});
}

Expression Term::in(std::span<const Value> values) const {
    std::vector<Expression> operands{expression_};
    operands.reserve(values.size() + 1);
    for (const Value& value : values) operands.push_back(Expression::literal(value));
    return Expression::make(Operator::In, std::move(operands));
}

Expression Term::between(const Term& low, const Term& high) const {
    return Expression::make(Operator::Between, {expression_, low.expression_, high.expression_});
}

Expression Term::like(const Term& pattern) const {
    return Expression::make(Operator::Like, {expression_, pattern.expression_});
}

Term field(std::string_view path) {
    return Term(Expression::field(std::string(path)));
}
Term parameter(std::string_view name) {
    return Term(Expression::parameter(std::string(name)));
}

std::vector<std::string> field_paths(const Expression& expression) {
    std::vector<std::string> paths;
    collect_paths(expression, paths);
    return paths;
}

Expression bind(const Expression& expression, const Parameters& parameters) {
    if (expression.op() == Operator::Parameter) {
        const auto found = parameters.find(expression.name());
        return found == parameters.end() ? expression : Expression::literal(found->second);
    }
    if (expression.operands().empty()) return expression;
    std::vector<Expression> operands;
    operands.reserve(expression.operands().size());
    for (const Expression& operand : expression.operands()) operands.push_back(bind(operand, parameters));
    return Expression::make(expression.op(), std::move(operands));
}

}  // namespace consilia::core
