#pragma once
// The search for values: case distinction over a formula, with propagation over finite domains.
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "access/witness_program.hpp"

namespace consilia::access {

/// Threading: confined.
class WitnessSearch {
public:
    /// Confirms values with the evaluator.
    using Confirm = std::function<bool(const Assignment&)>;

    WitnessSearch(const WitnessFormula& formula, std::uint64_t max_steps, Confirm confirm);
    /// The answer, and how many steps it took.
    Witness run();

private:
    struct State {
        Domains domains;
        std::vector<std::uint32_t> open;       // Disjunctions that are not true yet.
        std::vector<std::uint32_t> relations;  // Between two terms that are not constant.
        std::vector<std::uint32_t> calls;      // Sets and relations with functions.
    };
    enum class Truth : std::uint8_t { False, Open, True };

    [[nodiscard]] Truth truth_of(const Domains& domains, std::uint32_t node) const;
    [[nodiscard]] static Truth truth_of_set(const Domains& domains, const ProgramNode& node);
    [[nodiscard]] static Truth truth_of_relation(const Domains& domains, const ProgramNode& node);
    // What follows gives false where nothing is left.
    bool assert_node(State& state, std::uint32_t node);
    bool narrow(Domains& domains, const ProgramNode& node, bool& changed) const;
    bool propagate(State& state);
    bool propagate_relations(State& state, bool& changed) const;

    /// True: values were found, or the steps are used up.
    bool branch(State state);
    bool settle(const State& state);
    // Gives each of `terms` one value, in every way, and calls `done` with each.
    bool label(const State& state, const std::vector<std::uint32_t>& terms,
               const std::function<bool(const State&)>& done);
    bool try_concrete(const State& state);
    bool try_values(const State& state, const std::vector<std::uint32_t>& terms);
    [[nodiscard]] bool calls_may_hold(const State& state) const;
    [[nodiscard]] Assignment assignment_of(const State& state) const;
    [[nodiscard]] std::vector<std::uint32_t> places_of(const State& state, std::uint32_t term) const;
    bool step();

    [[nodiscard]] bool is_narrowed(const State& state, std::uint32_t term) const;

    const WitnessFormula& formula_;
    WitnessProgram program_;
    std::uint64_t max_steps_;
    Confirm confirm_;
    Witness witness_;
    bool is_out_of_steps_ = false;
    bool is_consistent_ = false;  // Some case was, so that no witness is not yet a proof.
};

}  // namespace consilia::access
