#include "access/witness_program.hpp"

#include <algorithm>
#include <compare>
#include <utility>

#include "core/compare.hpp"

namespace consilia::access {

namespace {

using Kind = ProgramNode::Kind;

bool holds(Relation relation, std::strong_ordering order) {
    switch (relation) {
        case Relation::Less:
            return order < 0;
        case Relation::LessEqual:
            return order <= 0;
        case Relation::Equal:
            return order == 0;
        default:
            return order != 0;
    }
}

bool is_binary(Relation relation) {
    return relation != Relation::IsNull && relation != Relation::IsNotNull;
}

}  // namespace

WitnessProgram::WitnessProgram(const WitnessFormula& formula)
    : formula_(formula), layout_(formula), full_(formula, layout_), root_(compile(formula.root)) {}

std::uint32_t WitnessProgram::put(ProgramNode node) {
    nodes_.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::uint32_t WitnessProgram::compile(std::uint32_t number) {
    const WitnessNode& node = formula_.nodes[number];
    switch (node.kind) {
        case WitnessNode::Kind::True:
            return put({Kind::True});
        case WitnessNode::Kind::False:
            return put({Kind::False});
        case WitnessNode::Kind::Relation:
            return compile_relation(node);
        default:
            return compile_junction(node);
    }
}

std::uint32_t WitnessProgram::compile_relation(const WitnessNode& node) {
    const bool is_left_constant = formula_.terms[node.left].is_constant();
    ProgramNode made{Kind::Relation, node.relation, node.left, node.right};
    const bool is_call = is_function(node.left) || (is_binary(node.relation) && is_function(node.right));
    if (is_call) made.call = expression_of(formula_, node);
    const bool has_constant = is_left_constant || formula_.terms[node.right].is_constant();
    if (is_binary(node.relation) && !has_constant) return put(std::move(made));

    made.kind = Kind::Set;
    made.left = is_left_constant ? node.right : node.left;
    made.places.assign(layout_.word_count(made.left), 0);
    const core::Value& constant =
        formula_.terms[is_left_constant ? node.left : node.right].expression.value();
    for (std::uint32_t place = 0; place < layout_.sizes[made.left]; ++place) {
        bool is_in = (place == 0) == (node.relation == Relation::IsNull);
        if (is_binary(node.relation) && place != 0) {
            const core::Value& value =
                layout_.candidates[formula_.terms[made.left].component][place - 1].value;
            is_in = is_left_constant ? holds(node.relation, core::compare(constant, value))
                                     : holds(node.relation, core::compare(value, constant));
        } else if (is_binary(node.relation)) {
            is_in = false;
        }
        if (is_in && full_.has(made.left, place)) made.places[place / 64] |= std::uint64_t{1} << (place % 64);
    }
    return set_of(std::move(made));
}

// A set that is empty, or all that there is, is no question.
std::uint32_t WitnessProgram::set_of(ProgramNode set) {
    const auto is_zero = [](std::uint64_t word) { return word == 0; };
    const auto full = full_.bits(set.left);
    if (std::all_of(set.places.begin(), set.places.end(), is_zero)) return put({Kind::False});
    if (std::equal(full.begin(), full.end(), set.places.begin()) && !set.call) return put({Kind::True});
    return put(std::move(set));
}

void WitnessProgram::merge(ProgramNode& into, const ProgramNode& other, bool is_union) const {
    for (std::size_t i = 0; i < into.places.size(); ++i)
        into.places[i] = is_union ? into.places[i] | other.places[i] : into.places[i] & other.places[i];
    if (into.call) into.call = is_union ? *into.call || *other.call : *into.call && *other.call;
}

std::uint32_t WitnessProgram::compile_junction(const WitnessNode& node) {
    const bool is_or = node.kind == WitnessNode::Kind::Or;
    std::vector<ProgramNode> sets;
    std::vector<std::uint32_t> children;
    for (const std::uint32_t child : node.children) {
        const std::uint32_t made = compile(child);
        const ProgramNode& compiled = nodes_[made];
        if (compiled.kind == (is_or ? Kind::True : Kind::False)) return made;
        if (compiled.kind == (is_or ? Kind::False : Kind::True)) continue;
        if (compiled.kind != Kind::Set) {
            children.push_back(made);
            continue;
        }
        const auto same = std::find_if(sets.begin(), sets.end(),
                                       [&](const ProgramNode& set) { return set.left == compiled.left; });
        if (same == sets.end()) {
            sets.push_back(compiled);
        } else {
            merge(*same, compiled, is_or);
        }
    }
    for (ProgramNode& set : sets) {
        const std::uint32_t made = set_of(std::move(set));
        const Kind kind = nodes_[made].kind;
        if (kind == (is_or ? Kind::True : Kind::False)) return made;
        if (kind == Kind::Set) children.push_back(made);
    }
    if (children.empty()) return put({is_or ? Kind::False : Kind::True});
    if (children.size() == 1) return children.front();
    ProgramNode made{is_or ? Kind::Or : Kind::And};
    made.children = std::move(children);
    return put(std::move(made));
}

}  // namespace consilia::access
