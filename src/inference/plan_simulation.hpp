#pragma once
// Follows passes over members under a budget: what is evicted and brought in, and what that takes.
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "consilia/inference/planner.hpp"

namespace consilia::inference {

/// What a member holds between its runs when all of it is there.
inline std::uint64_t whole_bytes(const MemberCost& cost) {
    return cost.code_bytes + cost.weights_bytes;
}

/// The most that a member takes alone.
inline std::uint64_t alone_bytes(const MemberCost& cost) {
    return std::max(whole_bytes(cost) + cost.activation_bytes, cost.code_bytes + cost.staging_bytes);
}

/// What of a member is given back for others.
enum class Pin : std::uint8_t { Nothing, Code, Whole };

/// A candidate: members by their place in the costs.
struct Candidate {
    std::vector<std::size_t> order{};
    std::vector<Pin> pins{};  ///< Of every member, also of those that are not in the order.
    bool is_alternating = true;
};

/// What happens to one member as it runs.
struct SimulatedStep {
    std::size_t member = 0;
    std::uint64_t others_bytes = 0;  ///< Held by the others, what is brought in for the next included.
    std::uint64_t loaded_bytes = 0;  ///< Weights brought in, the prefetched ones included.
    double wait_ms = 0;              ///< For what was not there and not hidden behind the run before.
    bool was_opened = false;
};

/// Two passes of the steady state.
struct SimulatedPasses {
    bool is_feasible = false;
    double wait_ms = 0;                  ///< Of both passes.
    std::uint64_t peak_bytes = 0;        ///< Of these and those before.
    std::vector<SimulatedStep> steps{};  ///< Filled on request.
};

/// Threading: confined. Keeps its scratch space between calls.
class PlanSimulation {
public:
    PlanSimulation(std::span<const MemberCost> costs, std::uint64_t budget_bytes, bool can_prefetch);

    [[nodiscard]] SimulatedPasses follow(const Candidate& candidate, bool with_steps = false);

private:
    struct Place {
        std::uint64_t loaded_bytes = 0;
        double hidden_ms = 0;  // Of bringing it in, behind the run before.
        std::uint64_t prefetched_bytes = 0;
        bool is_open = false;
        friend bool operator==(const Place&, const Place&) = default;
    };

    bool run_pass(const Candidate& candidate, bool is_back, bool with_steps, SimulatedPasses& passes);
    bool run_step(const Candidate& candidate, std::span<const std::size_t> pass, std::size_t position,
                  SimulatedStep& step);
    void prefetch(const Candidate& candidate, std::span<const std::size_t> pass, std::size_t position,
                  std::size_t next);
    /// Evicts for the member at `position` until `wanted` more bytes fit, sparing `spared`; false if they
    /// cannot.
    bool make_room(const Candidate& candidate, std::span<const std::size_t> pass, std::size_t position,
                   std::size_t spared, std::uint64_t wanted);
    void evict(Place& place, const MemberCost& cost, Pin pin, std::uint64_t deficit);
    [[nodiscard]] double load_ms(const MemberCost& cost, std::uint64_t bytes) const;

    std::span<const MemberCost> costs_;
    std::uint64_t budget_bytes_;
    bool can_prefetch_;
    std::vector<Place> places_;
    std::vector<Place> before_;  // The pair of passes that is being followed.
    std::vector<std::size_t> backwards_;
    std::uint64_t held_bytes_ = 0;
    std::uint64_t peak_bytes_ = 0;
};

/// Predicts anew, for other costs, what a plan takes; who stays and in which order they run is left as it is.
void refresh_plan(Plan& plan, std::span<const MemberCost> costs, bool can_prefetch);

/// Calls `visit(member)` for those who give way at `position`, the first first, until it returns false.
template <class Visit>
void visit_eviction_order(std::span<const std::size_t> pass, std::size_t position, bool is_alternating,
                          Visit&& visit) {
    // Alternating, the next pass meets those behind us in the reverse of this order: the first of this pass
    // comes last. Otherwise what has just run comes last.
    for (std::size_t i = 0; i < position; ++i) {
        if (!visit(pass[is_alternating ? i : position - 1 - i])) return;
    }
    for (std::size_t i = pass.size(); i-- > position + 1;) {
        if (!visit(pass[i])) return;
    }
}

}  // namespace consilia::inference
