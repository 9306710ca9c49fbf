#include "inference/plan_simulation.hpp"

#include <algorithm>

#include "inference/sizes.hpp"

namespace consilia::inference {

namespace {

constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

/// Passes repeat in pairs as soon as one ends as it began, nearly always after the second; by then they are
/// as steady as they get.
constexpr int kPairsMax = 12;

}  // namespace

PlanSimulation::PlanSimulation(std::span<const MemberCost> costs, std::uint64_t budget_bytes,
                               bool can_prefetch)
    : costs_(costs), budget_bytes_(budget_bytes), can_prefetch_(can_prefetch) {}

SimulatedPasses PlanSimulation::follow(const Candidate& candidate, bool with_steps) {
    places_.assign(costs_.size(), {});
    held_bytes_ = 0;
    peak_bytes_ = 0;
    backwards_.assign(candidate.order.rbegin(), candidate.order.rend());
    SimulatedPasses passes;
    for (int pair = 0; pair < kPairsMax; ++pair) {
        before_ = places_;
        passes.wait_ms = 0;
        passes.steps.clear();
        for (const bool is_second : {false, true}) {
            if (!run_pass(candidate, is_second && candidate.is_alternating, with_steps, passes))
                return passes;
        }
        if (places_ == before_) break;
    }
    passes.is_feasible = true;
    passes.peak_bytes = peak_bytes_;
    return passes;
}

bool PlanSimulation::run_pass(const Candidate& candidate, bool is_back, bool with_steps,
                              SimulatedPasses& passes) {
    const std::span<const std::size_t> pass = is_back ? backwards_ : candidate.order;
    const bool next_is_back = candidate.is_alternating && !is_back;
    for (std::size_t position = 0; position < pass.size(); ++position) {
        SimulatedStep step;
        if (!run_step(candidate, pass, position, step)) return false;
        const std::size_t next = position + 1 < pass.size() ? pass[position + 1]
                                 : next_is_back             ? backwards_.front()
                                                            : candidate.order.front();
        if (can_prefetch_ && next != pass[position]) prefetch(candidate, pass, position, next);
        step.others_bytes = held_bytes_ - costs_[step.member].code_bytes - costs_[step.member].weights_bytes;
        passes.wait_ms += step.wait_ms;
        if (with_steps) passes.steps.push_back(step);
    }
    return true;
}

bool PlanSimulation::run_step(const Candidate& candidate, std::span<const std::size_t> pass,
                              std::size_t position, SimulatedStep& step) {
    step.member = pass[position];
    const MemberCost& cost = costs_[step.member];
    Place& place = places_[step.member];
    if (!place.is_open) {
        if (!make_room(candidate, pass, position, kNobody, cost.code_bytes + cost.staging_bytes))
            return false;
        peak_bytes_ = std::max(peak_bytes_, held_bytes_ + cost.code_bytes + cost.staging_bytes);
        held_bytes_ += cost.code_bytes;
        place.is_open = true;
        step.was_opened = true;
        step.wait_ms += cost.open_ms;
    }
    const std::uint64_t missing = cost.weights_bytes - place.loaded_bytes;
    if (!make_room(candidate, pass, position, kNobody, missing + cost.activation_bytes)) return false;
    held_bytes_ += missing;
    place.loaded_bytes = cost.weights_bytes;
    peak_bytes_ = std::max(peak_bytes_, held_bytes_ + cost.activation_bytes);
    step.loaded_bytes = missing + place.prefetched_bytes;
    step.wait_ms += std::max(0.0, load_ms(cost, step.loaded_bytes) - place.hidden_ms);
    place.prefetched_bytes = 0;
    place.hidden_ms = 0;
    return true;
}

void PlanSimulation::prefetch(const Candidate& candidate, std::span<const std::size_t> pass,
                              std::size_t position, std::size_t next) {
    const MemberCost& running = costs_[pass[position]];
    const MemberCost& cost = costs_[next];
    Place& place = places_[next];
    const std::uint64_t missing = cost.weights_bytes - place.loaded_bytes;
    if (!place.is_open || missing == 0) return;
    (void)make_room(candidate, pass, position, next, missing + running.activation_bytes);
    const std::uint64_t used = held_bytes_ + running.activation_bytes;
    const std::uint64_t room = beyond(budget_bytes_, used);
    const std::uint64_t chunk = std::max<std::uint64_t>(cost.chunk_bytes, 1);
    const std::uint64_t brought = room >= missing ? missing : room / chunk * chunk;
    place.loaded_bytes += brought;
    place.prefetched_bytes = brought;
    held_bytes_ += brought;
    place.hidden_ms = std::min(load_ms(cost, brought), running.run_ms);
    peak_bytes_ = std::max(peak_bytes_, held_bytes_ + running.activation_bytes);
}

bool PlanSimulation::make_room(const Candidate& candidate, std::span<const std::size_t> pass,
                               std::size_t position, std::size_t spared, std::uint64_t wanted) {
    const auto is_enough = [&] { return held_bytes_ + wanted <= budget_bytes_; };
    if (is_enough()) return true;
    visit_eviction_order(pass, position, candidate.is_alternating, [&](std::size_t victim) {
        if (victim != spared) {
            evict(places_[victim], costs_[victim], candidate.pins[victim],
                  held_bytes_ + wanted - budget_bytes_);
        }
        return !is_enough();
    });
    return is_enough();
}

void PlanSimulation::evict(Place& place, const MemberCost& cost, Pin pin, std::uint64_t deficit) {
    if (pin == Pin::Whole) return;
    const std::uint64_t chunk = std::max<std::uint64_t>(cost.chunk_bytes, 1);
    const std::uint64_t before = place.loaded_bytes;
    place.loaded_bytes = before > deficit ? (before - deficit) / chunk * chunk : 0;
    place.prefetched_bytes = 0;
    const std::uint64_t given = before - place.loaded_bytes;
    held_bytes_ -= given;
    if (pin == Pin::Code || given >= deficit || !place.is_open) return;
    held_bytes_ -= cost.code_bytes;
    place.is_open = false;
}

double PlanSimulation::load_ms(const MemberCost& cost, std::uint64_t bytes) const {
    if (cost.weights_bytes == 0) return 0;
    return cost.load_ms * static_cast<double>(bytes) / static_cast<double>(cost.weights_bytes);
}

}  // namespace consilia::inference
