#include "consilia/core/expression.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "consilia/core/error.hpp"
#include "consilia/core/subquery.hpp"
#include "core/compare.hpp"
#include "core/operators.hpp"

namespace consilia::core {
namespace {

enum Flag : std::uint8_t { kHasAggregate = 1, kHasWindow = 2, kHasSubquery = 4 };

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

void check_path(std::string_view path) {
    if (!is_name(path, true)) {
        throw InvalidArgument("expression.field_name", "a field's path must be names joined by dots");
    }
}

/// Each step is a bijection of 64 bits for a given `part` (a multiplication by an odd number and rotations).
constexpr std::uint64_t mixed(std::uint64_t hash, std::uint64_t part) noexcept {
    return std::rotl((hash ^ part) * 0x9E3779B97F4A7C15ULL, 29);
}

constexpr std::uint64_t hash_of(Operator op) noexcept {
    return mixed(0x243F6A8885A308D3ULL, static_cast<std::uint64_t>(op) + 1);
}

std::uint64_t hash_of(std::string_view name) noexcept {
    return std::hash<std::string_view>{}(name);
}

/// What of a literal becomes SQL text: null (not a number is null), true, false, a type, or an integer that
/// no double holds, which PostgreSQL compares with doubles in another way.
constexpr std::uint8_t kTrueShape = 100;
constexpr std::uint8_t kLargeShape = 101;
std::uint8_t shape_of(const Value& value) noexcept {
    if (const auto* integer = value.if_as<std::int64_t>(); integer != nullptr && !is_exact_double(*integer)) {
        return kLargeShape;
    }
    const double* number = value.if_as<double>();
    if (number != nullptr && std::isnan(*number)) return static_cast<std::uint8_t>(ValueType::Null);
    if (const bool* truth = value.if_as<bool>(); truth != nullptr && *truth) return kTrueShape;
    return static_cast<std::uint8_t>(value.type());
}

bool is_aggregate(Operator op) noexcept {
    return info_of(op).kind == OperatorKind::Aggregate || op == Operator::Filter;
}

[[noreturn]] void throw_misplaced(const char* code, const char* message) {
    throw InvalidArgument(code, message);
}

void check_json_path(std::span<const Expression> path) {
    for (const Expression& element : path) {
        const auto* position = element.value().if_as<std::int64_t>();
        const bool is_position =
            position != nullptr && *position >= 0 && *position <= std::numeric_limits<std::int32_t>::max();
        if (!is_position && element.value().if_as<std::string>() == nullptr) {
            throw InvalidArgument("expression.json_path",
                                  "an element of a JSON path must be a literal text or position");
        }
    }
}

void check_rows(std::span<const Expression> operands) {
    if (operands.size() < 2) return;
    const auto* rows = operands[1].value().if_as<std::int64_t>();
    if (rows == nullptr || *rows < 0 || *rows > std::numeric_limits<std::int32_t>::max()) {
        throw InvalidArgument("expression.offset",
                              "`lag` and `lead` take a literal number of rows, from 0 to 2147483647");
    }
}

/// A function or aggregate, then partitions, then orders.
void check_over(std::span<const Expression> operands) {
    const Expression& function = operands[0];
    const Expression& inner = function.op() == Operator::Filter ? function.operands()[0] : function;
    const bool fits = (is_aggregate(function.op()) || info_of(function.op()).kind == OperatorKind::Window) &&
                      inner.op() != Operator::CountDistinct;
    if (!fits) throw_misplaced("expression.window", "`over` follows a window function or a plain aggregate");
    bool in_order = false;
    for (const Expression& operand : operands.subspan(1)) {
        const OperatorKind kind = info_of(operand.op()).kind;
        if (kind == OperatorKind::Window || (in_order && kind != OperatorKind::Part)) {
            throw_misplaced("expression.window", "`over` takes partitions, then orders");
        }
        in_order = kind == OperatorKind::Part;
    }
}

/// Whether the operands may stand there, and what the node has of what needs a place in a query.
std::uint8_t checked_flags(Operator op, std::span<const Expression> operands) {
    std::uint8_t flags = 0;
    for (const Expression& operand : operands) {
        if (operand.has_aggregate()) flags |= kHasAggregate;
        if (operand.has_window()) flags |= kHasWindow;
        if (operand.has_subquery()) flags |= kHasSubquery;
        const OperatorKind kind = info_of(operand.op()).kind;
        if (op != Operator::Over && (kind == OperatorKind::Window || kind == OperatorKind::Part)) {
            throw_misplaced("expression.window", "a window function needs its `over`");
        }
    }
    switch (info_of(op).kind) {
        case OperatorKind::Aggregate:
            if ((flags & (kHasAggregate | kHasWindow)) != 0) {
                throw_misplaced("expression.aggregate", "an aggregate cannot stand inside an aggregate");
            }
            return flags | kHasAggregate;
        case OperatorKind::Window:
            if (op == Operator::Lag || op == Operator::Lead) check_rows(operands);
            break;
        default:
            break;
    }
    if ((op == Operator::Over || info_of(op).kind == OperatorKind::Window) && (flags & kHasWindow) != 0) {
        throw_misplaced("expression.window", "a window function cannot stand inside a window function");
    }
    if (op == Operator::Over) {
        check_over(operands);
        bool has_aggregate = operands[0].has_aggregate() && !is_aggregate(operands[0].op());
        for (const Expression& operand : operands.subspan(1)) has_aggregate |= operand.has_aggregate();
        flags = static_cast<std::uint8_t>((flags & kHasSubquery) | kHasWindow);
        return has_aggregate ? flags | kHasAggregate : flags;
    }
    if (op == Operator::Filter) {
        const bool fits = info_of(operands[0].op()).kind == OperatorKind::Aggregate &&
                          !operands[1].has_aggregate() && !operands[1].has_window();
        if (!fits) throw_misplaced("expression.aggregate", "`filter` takes an aggregate and a condition");
    }
    if (op == Operator::JsonText || op == Operator::JsonNumber || op == Operator::JsonBool) {
        check_json_path(operands.subspan(1));
    }
    return flags;
}

void collect_paths(const Expression& expression, std::vector<std::string>& paths) {
    if (expression.op() == Operator::Field &&
        std::find(paths.begin(), paths.end(), expression.name()) == paths.end()) {
        paths.push_back(expression.name());
    }
    for (const Expression& operand : expression.operands()) collect_paths(operand, paths);
}

}  // namespace

/// One allocation for a node of up to three operands: expressions are built anew for each query.
struct Expression::Node {
    struct Few {
        std::array<Expression, 3> items{Expression(nullptr), Expression(nullptr), Expression(nullptr)};
        std::uint8_t count = 0;
    };
    struct Name {
        std::string text;
    };

    Operator op = Operator::Literal;
    std::uint8_t depth = 1;
    std::uint8_t flags = 0;
    std::uint64_t hash = 0;
    std::variant<Value, Name, Few, std::vector<Expression>> content;
    std::shared_ptr<const Subquery> subquery = nullptr;
};

Expression::Expression() {
    static const Expression always_true = literal(true);
    node_ = always_true.node_;
}

Expression Expression::literal(Value value) {
    const std::uint64_t hash = mixed(hash_of(Operator::Literal), shape_of(value));
    return Expression(std::make_shared<const Node>(Node{Operator::Literal, 1, 0, hash, std::move(value)}));
}

Expression Expression::named(Operator op, std::string name) {
    const std::uint64_t hash = mixed(hash_of(op), hash_of(name));
    return Expression(std::make_shared<const Node>(Node{op, 1, 0, hash, Node::Name{std::move(name)}}));
}

Expression Expression::parameter(std::string name) {
    if (!is_name(name, false)) {
        throw InvalidArgument("expression.parameter_name",
                              "a parameter's name must be letters, digits and `_`");
    }
    return named(Operator::Parameter, std::move(name));
}

Expression Expression::field(std::string path) {
    check_path(path);
    return named(Operator::Field, std::move(path));
}

Expression Expression::outer(std::string path) {
    check_path(path);
    return named(Operator::Outer, std::move(path));
}

Expression Expression::exists(std::shared_ptr<const Subquery> subquery) {
    return branch(Operator::Exists, {}, std::move(subquery));
}

Expression Expression::in_subquery(const Expression& value, std::shared_ptr<const Subquery> subquery) {
    std::array operands{value};
    return branch(Operator::InSubquery, operands, std::move(subquery));
}

Expression Expression::scalar(std::shared_ptr<const Subquery> subquery) {
    return branch(Operator::ScalarSubquery, {}, std::move(subquery));
}

Expression Expression::make(Operator op, std::vector<Expression> operands) {
    if (info_of(op).kind == OperatorKind::Leaf) {
        throw InvalidArgument("expression.arity", "a leaf is not made from operands");
    }
    return branch(op, operands);
}

Expression Expression::branch(Operator op, std::span<Expression> operands,
                              std::shared_ptr<const Subquery> subquery) {
    const OperatorInfo& info = info_of(op);
    const bool is_leaf = info.kind == OperatorKind::Leaf;
    if (!is_leaf && (operands.size() < info.operands_min ||
                     (info.operands_max != kAny && operands.size() > info.operands_max))) {
        throw InvalidArgument("expression.arity", "the operator does not take this many operands",
                              {{"operands", static_cast<std::int64_t>(operands.size())}});
    }
    if (is_leaf && subquery == nullptr) {
        throw InvalidArgument("expression.subquery", "a subquery is wanted");
    }
    Node node{op, 0, checked_flags(op, operands), mixed(hash_of(op), operands.size()), {}, {}};
    std::size_t depth = 0;
    for (const Expression& operand : operands) {
        depth = std::max<std::size_t>(depth, operand.node_->depth);
        node.hash = mixed(node.hash, operand.node_->hash);
    }
    if (subquery != nullptr) {
        depth = std::max(depth, subquery->depth());
        node.hash = mixed(node.hash, subquery->shape_hash());
        node.flags |= kHasSubquery;
        node.subquery = std::move(subquery);
    }
    if (++depth > kMaxDepth) {
        throw InvalidArgument("expression.too_deep", "the expression is nested too deeply",
                              {{"limit", static_cast<std::int64_t>(kMaxDepth)}});
    }
    node.depth = static_cast<std::uint8_t>(depth);
    if (operands.size() <= 3) {
        auto& few = node.content.emplace<Node::Few>();
        std::move(operands.begin(), operands.end(), few.items.begin());
        few.count = static_cast<std::uint8_t>(operands.size());
    } else {
        node.content.emplace<std::vector<Expression>>(std::move_iterator(operands.begin()),
                                                      std::move_iterator(operands.end()));
    }
    return Expression(std::make_shared<const Node>(std::move(node)));
}

Expression Expression::with_operands(std::vector<Expression> operands) const {
    return branch(node_->op, operands, node_->subquery);
}

Operator Expression::op() const noexcept {
    return node_->op;
}

std::span<const Expression> Expression::operands() const noexcept {
    if (const auto* few = std::get_if<Node::Few>(&node_->content)) return {few->items.data(), few->count};
    if (const auto* many = std::get_if<std::vector<Expression>>(&node_->content)) return *many;
    return {};
}

const Value& Expression::value() const noexcept {
    static const Value null;
    const Value* value = std::get_if<Value>(&node_->content);
    return value == nullptr ? null : *value;
}

const std::string& Expression::name() const noexcept {
    static const std::string empty;
    const auto* name = std::get_if<Node::Name>(&node_->content);
    return name == nullptr ? empty : name->text;
}

std::size_t Expression::depth() const noexcept {
    return node_->depth;
}
const Subquery* Expression::subquery() const noexcept {
    return node_->subquery.get();
}
std::uint64_t Expression::shape_hash() const noexcept {
    return node_->hash;
}
bool Expression::has_aggregate() const noexcept {
    return (node_->flags & kHasAggregate) != 0;
}
bool Expression::has_window() const noexcept {
    return (node_->flags & kHasWindow) != 0;
}
bool Expression::has_subquery() const noexcept {
    return (node_->flags & kHasSubquery) != 0;
}

bool Expression::is_always_true() const noexcept {
    const Value* value = std::get_if<Value>(&node_->content);
    const bool* truth = value == nullptr ? nullptr : value->if_as<bool>();
    return truth != nullptr && *truth;
}

template <class SameLiteral, class SameSubquery>
bool Expression::is_alike(const Expression& other, SameLiteral same_literal,
                          SameSubquery same_subquery) const noexcept {
    if (node_ == other.node_) return true;
    const Subquery* subquery = node_->subquery.get();
    const Subquery* other_subquery = other.node_->subquery.get();
    if (node_->hash != other.node_->hash || node_->op != other.node_->op ||
        (subquery == nullptr) != (other_subquery == nullptr)) {
        return false;
    }
    if (node_->op == Operator::Literal) return same_literal(value(), other.value());
    if (name() != other.name()) return false;
    if (subquery != nullptr && subquery != other_subquery && !same_subquery(*subquery, *other_subquery)) {
        return false;
    }
    const auto a = operands();
    const auto b = other.operands();
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const Expression& x, const Expression& y) {
        return x.is_alike(y, same_literal, same_subquery);
    });
}

bool Expression::same_as(const Expression& other) const noexcept {
    return is_alike(
        other, [](const Value& a, const Value& b) { return a == b; },
        [](const Subquery& a, const Subquery& b) { return a.same_as(b); });
}

bool Expression::same_shape(const Expression& other) const noexcept {
    return is_alike(
        other, [](const Value& a, const Value& b) { return shape_of(a) == shape_of(b); },
        [](const Subquery& a, const Subquery& b) { return a.same_shape(b); });
}

Expression Expression::joined(Operator op, const Expression& a, const Expression& b) {
    if (a.op() != op && b.op() != op) {
        std::array operands{a, b};
        return branch(op, operands);
    }
    std::vector<Expression> operands;
    for (const Expression* side : {&a, &b}) {
        if (side->op() == op) {
            operands.insert(operands.end(), side->operands().begin(), side->operands().end());
        } else {
            operands.push_back(*side);
        }
    }
    return branch(op, operands);
}

Expression operator&&(const Expression& a, const Expression& b) {
    if (a.is_always_true()) return b;
    if (b.is_always_true()) return a;
    return Expression::joined(Operator::And, a, b);
}

Expression operator||(const Expression& a, const Expression& b) {
    return Expression::joined(Operator::Or, a, b);
}

Expression operator!(const Expression& a) {
    return Expression::make(Operator::Not, {a});
}

Expression Term::compare(Operator op, const Term& a, const Term& b) {
    std::array operands{a.expression_, b.expression_};
    return Expression::branch(op, operands);
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
    if (parameters.empty() || expression.operands().empty()) return expression;
    std::vector<Expression> operands;
    operands.reserve(expression.operands().size());
    for (const Expression& operand : expression.operands()) operands.push_back(bind(operand, parameters));
    return expression.with_operands(std::move(operands));
}

}  // namespace consilia::core
