#include "access/witness_search.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using Kind = ProgramNode::Kind;

// Most trials of values for functions in one case: the next case may be luckier.
constexpr std::uint64_t kTrialsMax = 2'000;

}  // namespace

WitnessSearch::WitnessSearch(const WitnessFormula& formula, std::uint64_t max_steps, Confirm confirm)
    : formula_(formula), program_(formula), max_steps_(max_steps), confirm_(std::move(confirm)) {}

Witness WitnessSearch::run() {
    State state{program_.full(), {}, {}, {}};
    if (assert_node(state, program_.root())) branch(std::move(state));
    if (witness_.answer == WitnessAnswer::Found) return std::move(witness_);
    if (is_out_of_steps_) {
        witness_.reason = "the search was given up after " + std::to_string(max_steps_) + " steps";
    } else if (is_consistent_) {
        witness_.reason = "it depends on what functions give, and no value that was tried fits";
    } else {
        witness_.answer = WitnessAnswer::Impossible;
    }
    return std::move(witness_);
}

bool WitnessSearch::step() {
    if (++witness_.steps <= max_steps_) return true;
    is_out_of_steps_ = true;
    return false;
}

WitnessSearch::Truth WitnessSearch::truth_of(const Domains& domains, std::uint32_t number) const {
    const ProgramNode& node = program_.node(number);
    switch (node.kind) {
        case Kind::True:
            return Truth::True;
        case Kind::False:
            return Truth::False;
        case Kind::Set:
            return truth_of_set(domains, node);
        case Kind::Relation:
            return truth_of_relation(domains, node);
        default:
            break;
    }
    const Truth decisive = node.kind == Kind::And ? Truth::False : Truth::True;
    bool any_open = false;
    for (const std::uint32_t child : node.children) {
        const Truth truth = truth_of(domains, child);
        if (truth == decisive) return decisive;
        any_open |= truth == Truth::Open;
    }
    if (any_open) return Truth::Open;
    return node.kind == Kind::And ? Truth::True : Truth::False;
}

WitnessSearch::Truth WitnessSearch::truth_of_set(const Domains& domains, const ProgramNode& node) {
    const auto bits = domains.bits(node.left);
    bool any_in = false;
    bool any_out = false;
    for (std::size_t i = 0; i < bits.size(); ++i) {
        any_in |= (bits[i] & node.places[i]) != 0;
        any_out |= (bits[i] & ~node.places[i]) != 0;
    }
    if (!any_in) return Truth::False;
    return any_out ? Truth::Open : Truth::True;
}

WitnessSearch::Truth WitnessSearch::truth_of_relation(const Domains& domains, const ProgramNode& node) {
    const std::uint32_t a = node.left;
    const std::uint32_t b = node.right;
    const std::uint32_t a_first = domains.first(a);
    const std::uint32_t b_first = domains.first(b);
    if (a_first == 0 || b_first == 0) return Truth::False;
    const std::uint32_t a_last = domains.last(a);
    const std::uint32_t b_last = domains.last(b);
    const bool is_single = a_first == a_last && b_first == b_last && a_first == b_first;
    bool always = false;
    bool never = false;
    switch (node.relation) {
        case Relation::Less:
            always = a_last < b_first;
            never = a_first >= b_last || a == b;
            break;
        case Relation::LessEqual:
            always = a_last <= b_first || a == b;
            never = a_first > b_last;
            break;
        case Relation::Equal:
            always = is_single || a == b;
            never = !domains.share_value(a, b);
            break;
        default:
            always = !domains.share_value(a, b);
            never = is_single || a == b;
            break;
    }
    if (never) return Truth::False;
    return always && !domains.may_be_null(a) && !domains.may_be_null(b) ? Truth::True : Truth::Open;
}

bool WitnessSearch::assert_node(State& state, std::uint32_t number) {
    const ProgramNode& node = program_.node(number);
    switch (node.kind) {
        case Kind::True:
            return true;
        case Kind::False:
            return false;
        case Kind::And:
            return std::all_of(node.children.begin(), node.children.end(),
                               [&](std::uint32_t child) { return assert_node(state, child); });
        case Kind::Or:
            state.open.push_back(number);
            return true;
        default:
            break;
    }
    if (node.call) state.calls.push_back(number);
    if (node.kind == Kind::Relation) state.relations.push_back(number);
    bool changed = false;
    return narrow(state.domains, node, changed);
}

bool WitnessSearch::narrow(Domains& domains, const ProgramNode& node, bool& changed) const {
    const std::uint32_t a = node.left;
    const std::uint32_t b = node.right;
    if (node.kind == Kind::Set) {
        changed |= domains.keep(a, node.places);
        return !domains.is_empty(a);
    }
    changed |= domains.remove(a, 0);
    changed |= domains.remove(b, 0);
    if (domains.first(a) == 0 || domains.first(b) == 0) return false;
    switch (node.relation) {
        case Relation::Less:
            if (a == b) return false;
            changed |= domains.keep_between(a, 1, domains.last(b) - 1);
            if (domains.first(a) == 0) return false;
            changed |= domains.keep_between(b, domains.first(a) + 1, program_.layout().sizes[b]);
            break;
        case Relation::LessEqual:
            changed |= domains.keep_between(a, 1, domains.last(b));
            if (domains.first(a) == 0) return false;
            changed |= domains.keep_between(b, domains.first(a), program_.layout().sizes[b]);
            break;
        case Relation::Equal:
            changed |= domains.intersect(a, b);
            changed |= domains.intersect(b, a);
            break;
        default:
            if (a == b) return false;
            if (domains.first(a) == domains.last(a)) changed |= domains.remove(b, domains.first(a));
            if (domains.first(b) != 0 && domains.first(b) == domains.last(b))
                changed |= domains.remove(a, domains.first(b));
            break;
    }
    return domains.first(a) != 0 && domains.first(b) != 0;
}

bool WitnessSearch::propagate_relations(State& state, bool& changed) const {
    bool again = true;
    while (again) {
        again = false;
        for (const std::uint32_t number : state.relations) {
            if (!narrow(state.domains, program_.node(number), again)) return false;
        }
        changed |= again;
    }
    return true;
}

// Drops disjunctions that are true, and asserts what is left of one when all else in it is false.
bool WitnessSearch::propagate(State& state) {
    bool changed = true;
    while (changed) {
        changed = false;
        if (!propagate_relations(state, changed)) return false;
        std::vector<std::uint32_t> open;
        open.swap(state.open);
        for (std::size_t i = 0; i < open.size(); ++i) {
            std::uint32_t alive = 0;
            std::uint32_t left = 0;
            bool is_true = false;
            for (const std::uint32_t child : program_.node(open[i]).children) {
                const Truth truth = truth_of(state.domains, child);
                is_true |= truth == Truth::True;
                if (is_true) break;
                if (truth == Truth::False) continue;
                left = child;
                if (++alive > 1 && changed) break;
            }
            if (is_true) continue;
            if (alive == 0) return false;
            if (alive > 1) {
                state.open.push_back(open[i]);
                continue;
            }
            if (!assert_node(state, left)) return false;
            changed = true;
        }
    }
    return true;
}

bool WitnessSearch::branch(State state) {
    if (!step()) return true;
    if (!propagate(state)) return false;
    if (state.open.empty()) return settle(state);
    // The disjunction with the fewest cases first.
    std::size_t chosen = 0;
    std::vector<std::uint32_t> cases;
    for (std::size_t i = 0; i < state.open.size(); ++i) {
        std::vector<std::uint32_t> alive;
        for (const std::uint32_t child : program_.node(state.open[i]).children) {
            if (truth_of(state.domains, child) != Truth::False) alive.push_back(child);
        }
        if (i != 0 && alive.size() >= cases.size()) continue;
        chosen = i;
        cases = std::move(alive);
        if (cases.size() == 2) break;
    }
    state.open.erase(state.open.begin() + static_cast<std::ptrdiff_t>(chosen));
    for (const std::uint32_t each : cases) {
        State next = state;
        if (assert_node(next, each) && branch(std::move(next))) return true;
    }
    return false;
}

bool WitnessSearch::is_narrowed(const State& state, std::uint32_t term) const {
    const auto now = state.domains.bits(term);
    const auto full = program_.full().bits(term);
    return !std::equal(now.begin(), now.end(), full.begin());
}

std::vector<std::uint32_t> WitnessSearch::places_of(const State& state, std::uint32_t term) const {
    std::vector<std::uint32_t> preferred;
    std::vector<std::uint32_t> others;
    for (std::uint32_t place = 1; place < program_.layout().sizes[term]; ++place) {
        if (!state.domains.has(term, place)) continue;
        (program_.layout().is_preferred(formula_, term, place) ? preferred : others).push_back(place);
    }
    preferred.insert(preferred.end(), others.begin(), others.end());
    if (state.domains.may_be_null(term)) preferred.push_back(0);
    return preferred;
}

bool WitnessSearch::label(const State& state, const std::vector<std::uint32_t>& terms,
                          const std::function<bool(const State&)>& done) {
    std::uint32_t chosen = 0;
    std::uint32_t fewest = 0;
    for (const std::uint32_t term : terms) {
        const std::uint32_t count = state.domains.count(term);
        if (count > 1 && (fewest == 0 || count < fewest)) {
            fewest = count;
            chosen = term;
        }
    }
    if (fewest == 0) return done(state);
    for (const std::uint32_t place : places_of(state, chosen)) {
        if (!step()) return true;
        State next = state;
        next.domains.keep_only(chosen, place);
        bool changed = false;
        if (!propagate_relations(next, changed)) continue;
        if (label(next, terms, done)) return true;
    }
    return false;
}

// No disjunction is open: only relations between terms are left, which values must still be found for.
bool WitnessSearch::settle(const State& state) {
    std::vector<std::uint32_t> related;
    for (const std::uint32_t number : state.relations) {
        related.push_back(program_.node(number).left);
        related.push_back(program_.node(number).right);
    }
    std::vector<std::uint32_t> narrowed;
    for (std::uint32_t term = 0; term < formula_.terms.size(); ++term) {
        if (formula_.terms[term].is_variable() && is_narrowed(state, term)) narrowed.push_back(term);
    }
    bool fits = false;
    const bool is_done = label(state, related, [&](const State& labelled) {
        fits = true;
        if (!state.calls.empty()) return true;  // What functions give is another matter.
        return label(labelled, narrowed, [&](const State& complete) {
            Assignment values = assignment_of(complete);
            if (!confirm_(values)) return true;
            witness_.answer = WitnessAnswer::Found;
            witness_.values = std::move(values);
            return true;
        });
    });
    is_consistent_ |= fits;
    if (!fits) return is_done;
    if (state.calls.empty()) return witness_.answer == WitnessAnswer::Found || is_out_of_steps_;
    return try_concrete(state);
}

// Functions are given real values: those of their inputs that the case leaves.
bool WitnessSearch::try_concrete(const State& given) {
    State state = given;
    std::erase_if(state.relations,
                  [&](std::uint32_t number) { return program_.node(number).call.has_value(); });
    std::vector<std::uint32_t> terms;
    const auto add = [&](std::uint32_t term) {
        const bool is_known = std::find(terms.begin(), terms.end(), term) != terms.end();
        if (formula_.terms[term].is_variable() && !is_known) terms.push_back(term);
    };
    const auto add_all = [&](std::uint32_t term) {
        add(term);
        for (const std::uint32_t input : formula_.terms[term].inputs) add(input);
    };
    for (const std::uint32_t number : state.calls) {
        add_all(program_.node(number).left);
        if (program_.node(number).kind == Kind::Relation) add_all(program_.node(number).right);
    }
    for (const std::uint32_t number : state.relations) {
        add(program_.node(number).left);
        add(program_.node(number).right);
    }
    for (std::uint32_t term = 0; term < formula_.terms.size(); ++term) {
        if (is_narrowed(state, term)) add(term);
    }
    const std::uint64_t most = max_steps_;
    max_steps_ = std::min(most, witness_.steps + kTrialsMax);
    try_values(state, terms);
    max_steps_ = most;
    is_out_of_steps_ = witness_.steps > max_steps_;
    return witness_.answer == WitnessAnswer::Found || is_out_of_steps_;
}

bool WitnessSearch::try_values(const State& state, const std::vector<std::uint32_t>& terms) {
    if (!calls_may_hold(state)) return false;
    const auto next = std::find_if(terms.begin(), terms.end(),
                                   [&](std::uint32_t term) { return state.domains.count(term) > 1; });
    if (next == terms.end()) {
        Assignment values = assignment_of(state);
        if (!confirm_(values)) return false;
        witness_.answer = WitnessAnswer::Found;
        witness_.values = std::move(values);
        return true;
    }
    for (const std::uint32_t place : places_of(state, *next)) {
        if (!step()) return true;
        State tried = state;
        tried.domains.keep_only(*next, place);
        bool changed = false;
        if (propagate_relations(tried, changed) && try_values(tried, terms)) return true;
    }
    return false;
}

// Relations with functions whose inputs are all known must be true.
bool WitnessSearch::calls_may_hold(const State& state) const {
    const auto is_known = [&](std::uint32_t term) {
        const WitnessTerm& known = formula_.terms[term];
        if (known.is_variable()) return state.domains.count(term) == 1;
        return std::all_of(known.inputs.begin(), known.inputs.end(),
                           [&](std::uint32_t input) { return state.domains.count(input) == 1; });
    };
    const Assignment values = assignment_of(state);
    for (const std::uint32_t number : state.calls) {
        const ProgramNode& node = program_.node(number);
        if (!is_known(node.left) || (node.kind == Kind::Relation && !is_known(node.right))) continue;
        try {
            if (!core::matches(*node.call, field_source(values.fields), values.parameters)) return false;
        } catch (const core::InvalidArgument&) {
            return false;  // A value of a type that the function does not take.
        }
    }
    return true;
}

Assignment WitnessSearch::assignment_of(const State& state) const {
    Assignment values;
    for (std::uint32_t term = 0; term < formula_.terms.size(); ++term) {
        const WitnessTerm& known = formula_.terms[term];
        if (!known.is_variable()) continue;
        auto& into = known.kind == WitnessTerm::Kind::Field ? values.fields : values.parameters;
        core::Value& value = into[known.expression.name()];
        if (state.domains.count(term) != 1) continue;  // It does not matter: null.
        const std::uint32_t place = state.domains.first(term);
        value = program_.layout().value(formula_, term, place);
    }
    return values;
}

}  // namespace consilia::access
