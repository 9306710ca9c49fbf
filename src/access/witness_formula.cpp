#include "access/witness_formula.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <utility>

#include "access/witness_types.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/expression_types.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::Operator;
using core::Value;
using core::ValueType;
using Kind = WitnessNode::Kind;

constexpr std::size_t kMaxNodes = 500'000;

bool is_null_literal(const Value& value) {
    const double* number = value.if_as<double>();
    return value.is_null() || (number != nullptr && std::isnan(*number));
}

class Builder {
public:
    explicit Builder(const WitnessOptions& options) : options_(options) {}

    WitnessFormula build(std::span<const Requirement> requirements) {
        std::vector<std::uint32_t> roots;
        for (const Requirement& requirement : requirements)
            roots.push_back(node_of(requirement.condition, requirement.wanted));
        formula_.root = all_of(std::move(roots));
        make_components();
        return std::move(formula_);
    }

private:
    std::uint32_t put(WitnessNode node) {
        if (formula_.nodes.size() >= kMaxNodes) {
            formula_.unsupported = "the conditions are too large";
            return 0;
        }
        formula_.nodes.push_back(std::move(node));
        return static_cast<std::uint32_t>(formula_.nodes.size() - 1);
    }
    std::uint32_t constant(bool truth) { return put({truth ? Kind::True : Kind::False}); }
    std::uint32_t junction(Kind kind, std::vector<std::uint32_t> children) {
        const Kind decisive = kind == Kind::And ? Kind::False : Kind::True;
        const Kind neutral = kind == Kind::And ? Kind::True : Kind::False;
        std::vector<std::uint32_t> kept;
        for (const std::uint32_t child : children) {
            const WitnessNode& node = formula_.nodes[child];
            if (node.kind == decisive) return child;
            if (node.kind == neutral) continue;
            if (node.kind == kind) {
                kept.insert(kept.end(), node.children.begin(), node.children.end());
            } else {
                kept.push_back(child);
            }
        }
        if (kept.empty()) return constant(kind == Kind::And);
        if (kept.size() == 1) return kept.front();
        WitnessNode node{kind};
        node.children = std::move(kept);
        return put(std::move(node));
    }
    std::uint32_t all_of(std::vector<std::uint32_t> children) {
        return junction(Kind::And, std::move(children));
    }
    std::uint32_t any_of(std::vector<std::uint32_t> children) {
        return junction(Kind::Or, std::move(children));
    }

    std::uint32_t node_of(const Expression& condition, Wanted wanted) {
        const auto operands = condition.operands();
        if (const bool* otherwise = truth_otherwise(condition))
            return node_of(operands[0], decided(wanted, *otherwise));
        switch (condition.op()) {
            case Operator::Literal:
                return literal(condition.value(), wanted);
            case Operator::Not:
                return node_of(operands[0], opposite(wanted));
            case Operator::And:
            case Operator::Or: {
                std::vector<std::uint32_t> children;
                for (const Expression& operand : operands) children.push_back(node_of(operand, wanted));
                return (condition.op() == Operator::And) == is_about_truth(wanted)
                           ? all_of(std::move(children))
                           : any_of(std::move(children));
            }
            case Operator::IsNull:
            case Operator::IsNotNull:
                return null_test(operands[0], (condition.op() == Operator::IsNull) == is_about_truth(wanted));
            case Operator::Equal:
            case Operator::NotEqual:
            case Operator::Less:
            case Operator::LessEqual:
            case Operator::Greater:
            case Operator::GreaterEqual:
                if (operands[0].op() == Operator::Literal && operands[1].op() == Operator::Literal)
                    return literals(condition, wanted);
                return comparison(condition.op(), term_of(operands[0]), term_of(operands[1]), wanted);
            case Operator::In:
                return membership(operands, wanted);
            case Operator::Between:
                return between(operands, wanted);
            default:
                return comparison(Operator::Equal, term_of(condition), literal_term(true), wanted);
        }
    }

    std::uint32_t literals(const Expression& condition, Wanted wanted) {
        try {
            return literal(core::evaluate(condition, {}), wanted);
        } catch (const core::InvalidArgument&) {
            formula_.unsupported = "two literals of different types are compared";
            return constant(false);
        }
    }

    std::uint32_t literal(const Value& value, Wanted wanted) {
        if (is_null_literal(value)) return constant(may_be_unknown(wanted));
        const bool* truth = value.if_as<bool>();
        if (truth == nullptr) {
            formula_.unsupported = "a condition is a literal that is no truth value";
            return constant(false);
        }
        return constant(*truth == is_about_truth(wanted));
    }

    // A condition is null where it is neither true nor false.
    std::uint32_t null_test(const Expression& of, bool wants_null) {
        if (truth_otherwise(of) != nullptr) return constant(!wants_null);
        switch (of.op()) {
            case Operator::And:
            case Operator::Or:
            case Operator::Not:
            case Operator::Equal:
            case Operator::NotEqual:
            case Operator::Less:
            case Operator::LessEqual:
            case Operator::Greater:
            case Operator::GreaterEqual:
            case Operator::In:
            case Operator::Between:
                if (wants_null) return all_of({node_of(of, Wanted::NotTrue), node_of(of, Wanted::NotFalse)});
                return any_of({node_of(of, Wanted::True), node_of(of, Wanted::False)});
            case Operator::IsNull:
            case Operator::IsNotNull:
                return constant(!wants_null);
            default:
                return relation(wants_null ? Relation::IsNull : Relation::IsNotNull, term_of(of), 0);
        }
    }

    std::uint32_t relation(Relation relation, std::uint32_t left, std::uint32_t right) {
        const WitnessTerm& term = formula_.terms[left];
        if (relation == Relation::IsNull || relation == Relation::IsNotNull) {
            if (term.is_constant())
                return constant(is_null_literal(term.expression.value()) == (relation == Relation::IsNull));
        }
        WitnessNode node{Kind::Relation, relation, left, right};
        return put(std::move(node));
    }

    std::uint32_t comparison(Operator op, std::uint32_t left, std::uint32_t right, Wanted wanted) {
        for (const std::uint32_t side : {left, right}) {
            const WitnessTerm& term = formula_.terms[side];
            if (term.is_constant() && is_null_literal(term.expression.value()))
                return constant(may_be_unknown(wanted));
        }
        join(left, right);
        const bool holds = is_about_truth(wanted);
        std::uint32_t made = 0;
        if (op == Operator::Equal || op == Operator::NotEqual) {
            const bool equal = (op == Operator::Equal) == holds;
            made = relation(equal ? Relation::Equal : Relation::NotEqual, left, right);
        } else {
            ordered_.push_back(left);
            const bool is_less = op == Operator::Less || op == Operator::LessEqual;
            const bool is_strict = op == Operator::Less || op == Operator::Greater;
            // Not less is greater or equal: the sides change, and so does strictness.
            if (is_less != holds) std::swap(left, right);
            made = relation(is_strict == holds ? Relation::Less : Relation::LessEqual, left, right);
        }
        if (!may_be_unknown(wanted)) return made;
        return any_of({relation(Relation::IsNull, left, 0), relation(Relation::IsNull, right, 0), made});
    }

    // `a in (b, c)` is `a = b or a = c`, and false without candidates, even for null.
    std::uint32_t membership(std::span<const Expression> operands, Wanted wanted) {
        const bool holds = is_about_truth(wanted);
        if (operands.size() == 1) return constant(!holds);
        std::vector<std::uint32_t> children;
        for (const Expression& candidate : operands.subspan(1))
            children.push_back(node_of(Expression::make(Operator::Equal, {operands[0], candidate}), wanted));
        return holds ? any_of(std::move(children)) : all_of(std::move(children));
    }

    std::uint32_t between(std::span<const Expression> operands, Wanted wanted) {
        std::vector<std::uint32_t> children{
            node_of(Expression::make(Operator::GreaterEqual, {operands[0], operands[1]}), wanted),
            node_of(Expression::make(Operator::LessEqual, {operands[0], operands[2]}), wanted)};
        return is_about_truth(wanted) ? all_of(std::move(children)) : any_of(std::move(children));
    }

    std::uint32_t add_term(WitnessTerm term) {
        formula_.terms.push_back(std::move(term));
        parents_.push_back(static_cast<std::uint32_t>(formula_.terms.size() - 1));
        return parents_.back();
    }
    // Each use of a literal is a term of its own, so that it does not connect what it is compared with.
    std::uint32_t literal_term(Value value) {
        const ValueType type = value.type();
        return add_term({WitnessTerm::Kind::Constant, Expression::literal(std::move(value)), type});
    }

    std::uint32_t term_of(const Expression& expression) {
        if (expression.op() == Operator::Literal) return literal_term(expression.value());
        for (std::uint32_t i = 0; i < formula_.terms.size(); ++i) {
            const WitnessTerm& known = formula_.terms[i];
            if (!known.is_constant() && known.expression.same_as(expression)) return i;
        }
        if (expression.op() == Operator::Field)
            return variable(WitnessTerm::Kind::Field, expression, options_.fields);
        if (expression.op() == Operator::Parameter)
            return variable(WitnessTerm::Kind::Parameter, expression, options_.parameters);
        return function(expression);
    }

    std::uint32_t variable(WitnessTerm::Kind kind, const Expression& expression, const NamedTypes& types) {
        const auto found = types.find(expression.name());
        return add_term({kind, expression, found == types.end() ? ValueType::Null : found->second});
    }

    std::uint32_t function(const Expression& expression) {
        if (expression.has_aggregate() || expression.has_window() || expression.has_subquery())
            formula_.unsupported = "a condition looks into other rows";
        const core::FieldTypes types{.field = [this](std::string_view path) {
            const auto found = options_.fields.find(path);
            return found == options_.fields.end() ? ValueType::Null : found->second;
        }};
        WitnessTerm term{WitnessTerm::Kind::Function, expression, core::result_type(expression, types)};
        const bool is_number = term.declared == ValueType::Int64 || term.declared == ValueType::Double;
        const bool depends = is_number && gives_operands_type(expression.op());
        if (depends) term.declared = ValueType::Null;
        std::vector<std::uint32_t> inside;
        std::vector<Value> literals;
        look_into(expression, inside, literals);
        for (const std::uint32_t input : inside) {
            auto& hints = formula_.terms[input].hints;
            hints.insert(hints.end(), literals.begin(), literals.end());
        }
        term.inputs = std::move(inside);
        const std::uint32_t made = add_term(std::move(term));
        if (depends) uses_.push_back({made, ValueType::Double});
        // What gives one of its operands has their type.
        const auto operands = expression.operands();
        const Operator op = expression.op();
        if (op == Operator::Coalesce || op == Operator::NullIf || op == Operator::Least ||
            op == Operator::Greatest) {
            for (const Expression& operand : operands) join(made, term_of(operand));
        }
        return made;
    }

    // The fields and parameters of a function, with the types that it wants of them, and its literals.
    void look_into(const Expression& expression, std::vector<std::uint32_t>& inside,
                   std::vector<Value>& literals) {
        const auto operands = expression.operands();
        for (std::size_t place = 0; place < operands.size(); ++place) {
            const Expression& operand = operands[place];
            if (operand.op() == Operator::Literal) {
                literals.push_back(operand.value());
            } else if (operand.op() == Operator::Field || operand.op() == Operator::Parameter) {
                const std::uint32_t term = term_of(operand);
                if (std::find(inside.begin(), inside.end(), term) == inside.end()) inside.push_back(term);
                const ValueType type = operand_type(expression.op(), place);
                if (type != ValueType::Null) uses_.push_back({term, type});
                if (has_date_part(expression.op())) date_parts_.push_back(term);
            } else {
                look_into(operand, inside, literals);
            }
        }
    }

    std::uint32_t root_of(std::uint32_t term) {
        while (parents_[term] != term) term = parents_[term] = parents_[parents_[term]];
        return term;
    }
    void join(std::uint32_t a, std::uint32_t b) { parents_[root_of(a)] = root_of(b); }

    void make_components() {
        std::vector<std::uint32_t> numbers(formula_.terms.size(), 0);
        for (std::uint32_t i = 0; i < formula_.terms.size(); ++i) {
            if (root_of(i) != i) continue;
            numbers[i] = static_cast<std::uint32_t>(formula_.components.size());
            formula_.components.emplace_back();
        }
        const auto component_of = [&](std::uint32_t term) -> WitnessComponent& {
            return formula_.components[numbers[root_of(term)]];
        };
        const auto narrow = [](WitnessComponent& component, ValueType type) {
            if (type == ValueType::Null) return;
            if (component.type == ValueType::Null) component.type = family_of(type);
            component.has_conflict |= component.type != family_of(type);
        };
        for (std::uint32_t i = 0; i < formula_.terms.size(); ++i) {
            WitnessTerm& term = formula_.terms[i];
            term.component = numbers[root_of(i)];
            WitnessComponent& component = component_of(i);
            narrow(component, term.declared);
            if (term.is_constant()) {
                component.constants.push_back(term.expression.value());
            } else {
                ++component.terms;
            }
        }
        for (const std::uint32_t term : ordered_) component_of(term).uses_order = true;
        for (const auto& [term, type] : uses_) narrow(component_of(term), type);
        for (const std::uint32_t term : date_parts_) {
            if (component_of(term).type == ValueType::Null) component_of(term).type = ValueType::Date;
        }
        share_hints();
    }

    // What a function is compared with says something about what goes into it.
    void share_hints() {
        for (std::size_t i = 0; i < formula_.terms.size(); ++i) {
            const std::vector<std::uint32_t> inputs = formula_.terms[i].inputs;
            const auto& constants = formula_.components[formula_.terms[i].component].constants;
            for (const std::uint32_t input : inputs) {
                auto& hints = formula_.terms[input].hints;
                hints.insert(hints.end(), constants.begin(), constants.end());
            }
        }
        // Terms of one component take their values from one list.
        for (const WitnessTerm& term : formula_.terms) {
            if (formula_.components[term.component].has_conflict)
                formula_.unsupported = "a value is compared with values of different types";
        }
    }

    const WitnessOptions& options_;
    WitnessFormula formula_;
    std::vector<std::uint32_t> parents_;
    std::vector<std::uint32_t> ordered_;
    std::vector<std::pair<std::uint32_t, ValueType>> uses_;  // Terms inside functions, and what these want.
    std::vector<std::uint32_t> date_parts_;
};

}  // namespace

WitnessFormula make_formula(std::span<const Requirement> requirements, const WitnessOptions& options) {
    return Builder(options).build(requirements);
}

Expression expression_of(const WitnessFormula& formula, const WitnessNode& node) {
    const Expression& left = formula.terms[node.left].expression;
    const Expression& right = formula.terms[node.right].expression;
    switch (node.relation) {
        case Relation::IsNull:
            return Expression::make(Operator::IsNull, {left});
        case Relation::IsNotNull:
            return Expression::make(Operator::IsNotNull, {left});
        case Relation::Less:
            return Expression::make(Operator::Less, {left, right});
        case Relation::LessEqual:
            return Expression::make(Operator::LessEqual, {left, right});
        case Relation::Equal:
            return Expression::make(Operator::Equal, {left, right});
        default:
            return Expression::make(Operator::NotEqual, {left, right});
    }
}

}  // namespace consilia::access
