#include "consilia/inference/planner.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "inference/plan_simulation.hpp"
#include "inference/sizes.hpp"

namespace consilia::inference {

namespace {

/// Two times nearer to each other than this are one.
constexpr double kSameMs = 1e-6;
/// A climb ends after so many candidates times members: below ten milliseconds.
constexpr std::size_t kClimbWorkMax = 8000;
/// Of no more members every order is tried once, 720 of six.
constexpr std::size_t kOrdersTriedMax = 6;
constexpr int kShuffledStarts = 8;

/// Looks for the candidate that waits least.
class Search {
public:
    Search(std::span<const MemberCost> costs, std::vector<std::size_t> running, std::uint64_t budget_bytes,
           const PlanOptions& options)
        : costs_(costs),
          running_(std::move(running)),
          options_(options),
          simulation_(costs, budget_bytes, options.can_prefetch) {}

    Candidate best() {
        Candidate start;
        start.order = running_;
        // Everything pinned: if that fits nothing is ever brought in again.
        start.pins.assign(costs_.size(), Pin::Whole);
        start.is_alternating = false;
        best_ = start;
        if (consider(start)) return best_;
        start.is_alternating = !options_.is_order_fixed;
        best_ = start;
        best_.pins.assign(costs_.size(), Pin::Nothing);
        (void)consider(best_);
        if (running_.size() <= kExactMembersMax) {
            try_every_order(start);
        } else {
            climb_from_each_start();
        }
        return best_;
    }

private:
    /// Whether it is better than what was found. Cheapest and feasible is best.
    bool consider(const Candidate& candidate) {
        ++considered_;
        const SimulatedPasses passes = simulation_.follow(candidate);
        if (!passes.is_feasible || (has_best_ && passes.wait_ms > best_ms_ - kSameMs)) return false;
        best_ = candidate;
        best_ms_ = passes.wait_ms;
        has_best_ = true;
        return true;
    }
    [[nodiscard]] bool is_done() const {
        return best_ms_ < kSameMs || considered_ * running_.size() >= kClimbWorkMax;
    }

    void try_every_order(Candidate candidate) {
        do {
            for (const bool is_alternating : {true, false}) {
                if (is_alternating && options_.is_order_fixed) continue;
                candidate.is_alternating = is_alternating;
                try_every_pin(candidate, 0);
            }
        } while (!options_.is_order_fixed &&
                 std::next_permutation(candidate.order.begin(), candidate.order.end()));
    }
    void try_every_pin(Candidate& candidate, std::size_t at) {
        if (at == running_.size()) return (void)consider(candidate);
        for (const Pin pin : {Pin::Code, Pin::Nothing, Pin::Whole}) {
            if (pin == Pin::Code && costs_[running_[at]].weights_bytes == 0) continue;
            candidate.pins[running_[at]] = pin;
            try_every_pin(candidate, at + 1);
        }
    }

    /// Orders to begin from: the one given, by size both ways and some that are shuffled; of few members the
    /// best of all.
    std::vector<std::vector<std::size_t>> starts() {
        std::vector<std::vector<std::size_t>> starts = {running_};
        if (options_.is_order_fixed) return starts;
        const auto add_by_size = [&](auto compare) {
            std::vector<std::size_t>& order = starts.emplace_back(running_);
            std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
                return compare(whole_bytes(costs_[a]), whole_bytes(costs_[b]));
            });
        };
        add_by_size(std::greater<>());
        add_by_size(std::less<>());
        if (running_.size() <= kOrdersTriedMax) {
            Candidate candidate{running_, {}, true};
            for (const Pin pin : {Pin::Code, Pin::Nothing}) {
                candidate.pins.assign(costs_.size(), pin);
                candidate.order = running_;
                do {
                    if (consider(candidate)) starts.push_back(candidate.order);
                } while (std::next_permutation(candidate.order.begin(), candidate.order.end()));
            }
        }
        std::minstd_rand random(1);  // Always the same: equal inputs give equal plans.
        for (int i = 0; i < kShuffledStarts; ++i) {
            std::vector<std::size_t>& order = starts.emplace_back(running_);
            for (std::size_t j = order.size(); j > 1; --j) std::swap(order[j - 1], order[random() % j]);
        }
        return starts;
    }

    void climb_from_each_start() {
        const std::vector<std::vector<std::size_t>> from = starts();
        Candidate overall = best_;
        double overall_ms = best_ms_;
        bool has_overall = has_best_;
        for (const auto& order : from) {
            for (const Pin pin : {Pin::Code, Pin::Nothing}) {
                Candidate start{order, std::vector<Pin>(costs_.size(), pin), !options_.is_order_fixed};
                has_best_ = false;
                considered_ = 0;
                if (!consider(start)) continue;
                climb();
                if (has_overall && best_ms_ > overall_ms - kSameMs) continue;
                overall = best_;
                overall_ms = best_ms_;
                has_overall = true;
            }
            if (has_overall && overall_ms < kSameMs) break;
        }
        best_ = std::move(overall);
        best_ms_ = overall_ms;
        has_best_ = has_overall;
    }
    /// Takes the first change that helps until none does.
    void climb() {
        bool has_improved = true;
        while (has_improved && !is_done()) {
            has_improved = change_pins() || change_order();
            if (!has_improved && !options_.is_order_fixed) {
                Candidate turned = best_;
                turned.is_alternating = !turned.is_alternating;
                has_improved = consider(turned);
            }
        }
    }
    bool change_pins() {
        for (const std::size_t member : running_) {
            for (const Pin pin : {Pin::Code, Pin::Whole, Pin::Nothing}) {
                if (best_.pins[member] == pin) continue;
                Candidate changed = best_;
                changed.pins[member] = pin;
                if (consider(changed)) return true;
                if (is_done()) return false;
            }
        }
        return false;
    }
    bool change_order() {
        if (options_.is_order_fixed) return false;
        const std::size_t count = running_.size();
        for (std::size_t from = 0; from < count; ++from) {
            for (std::size_t to = 0; to < count; ++to) {
                if (from == to || is_done()) continue;
                Candidate moved = best_;
                const std::size_t member = moved.order[from];
                moved.order.erase(moved.order.begin() + static_cast<std::ptrdiff_t>(from));
                moved.order.insert(moved.order.begin() + static_cast<std::ptrdiff_t>(to), member);
                if (consider(moved)) return true;
                if (to <= from) continue;
                Candidate swapped = best_;
                std::swap(swapped.order[from], swapped.order[to]);
                if (consider(swapped)) return true;
            }
        }
        return false;
    }

    std::span<const MemberCost> costs_;
    std::vector<std::size_t> running_;
    PlanOptions options_;
    PlanSimulation simulation_;
    Candidate best_;
    double best_ms_ = 0;
    bool has_best_ = false;
    std::size_t considered_ = 0;
};

Candidate candidate_of(const Plan& plan) {
    Candidate candidate{plan.order, {}, plan.is_alternating};
    for (const PlannedMember& member : plan.members) {
        candidate.pins.push_back(member.is_pinned        ? Pin::Whole
                                 : member.is_code_pinned ? Pin::Code
                                                         : Pin::Nothing);
    }
    return candidate;
}

/// What following the plan for two passes shows.
void predict(Plan& plan, std::span<const MemberCost> costs, bool can_prefetch) {
    PlanSimulation simulation(costs, plan.budget_bytes, can_prefetch);
    const SimulatedPasses passes = simulation.follow(candidate_of(plan), true);
    plan.peak_bytes = passes.peak_bytes;
    std::vector<bool> is_reopened(costs.size(), false);
    for (const SimulatedStep& step : passes.steps) {
        PlannedMember& member = plan.members[step.member];
        member.reload_bytes += static_cast<double>(step.loaded_bytes) / 2;
        member.reload_ms += step.wait_ms / 2;
        member.peak_bytes = std::max(
            member.peak_bytes, step.others_bytes + whole_bytes(member.cost) + member.cost.activation_bytes);
        is_reopened[step.member] = is_reopened[step.member] || step.was_opened;
    }
    for (const std::size_t place : plan.order) {
        PlannedMember& member = plan.members[place];
        plan.pass_ms += member.cost.run_ms + member.reload_ms;
        member.placement = is_reopened[place]        ? Placement::Reopened
                           : member.reload_bytes > 0 ? Placement::Streamed
                                                     : Placement::Resident;
    }
    plan.prefetch_depth = can_prefetch && !plan.is_all_resident() ? 1 : 0;
}

}  // namespace

std::string_view to_string(Placement placement) noexcept {
    switch (placement) {
        case Placement::Resident:
            return "resident";
        case Placement::Streamed:
            return "streamed";
        case Placement::Reopened:
            return "reopened";
        case Placement::Refused:
            return "refused";
    }
    return "unknown";
}

bool Plan::is_all_resident() const noexcept {
    return std::all_of(members.begin(), members.end(),
                       [](const PlannedMember& member) { return member.placement == Placement::Resident; });
}

Plan plan_members(std::span<const MemberCost> members, std::uint64_t budget_bytes,
                  const PlanOptions& options) {
    Plan plan;
    plan.budget_bytes = budget_bytes;
    plan.batch_size = options.batch_size;
    for (std::size_t i = 0; i < members.size(); ++i) {
        PlannedMember& member = plan.members.emplace_back();
        member.cost = members[i];
        member.peak_bytes = alone_bytes(members[i]);
        if (alone_bytes(members[i]) > budget_bytes) continue;
        member.peak_bytes = 0;
        plan.order.push_back(i);
    }
    if (plan.order.empty()) return plan;
    Candidate best = Search(members, plan.order, budget_bytes, options).best();
    plan.order = std::move(best.order);
    plan.is_alternating = best.is_alternating;
    for (const std::size_t place : plan.order) {
        plan.members[place].is_pinned = best.pins[place] == Pin::Whole;
        plan.members[place].is_code_pinned = best.pins[place] != Pin::Nothing;
    }
    predict(plan, members, options.can_prefetch);
    return plan;
}

void refresh_plan(Plan& plan, std::span<const MemberCost> costs, bool can_prefetch) {
    for (std::size_t i = 0; i < plan.members.size(); ++i) {
        PlannedMember& member = plan.members[i];
        member.cost = costs[i];
        if (member.placement == Placement::Refused) continue;
        member.reload_bytes = member.reload_ms = 0;
        member.peak_bytes = 0;
    }
    plan.pass_ms = 0;
    predict(plan, costs, can_prefetch);
}

std::string Plan::to_json() const {
    nlohmann::ordered_json document = {{"budget_bytes", budget_bytes},
                                       {"peak_bytes", peak_bytes},
                                       {"pass_ms", pass_ms},
                                       {"is_alternating", is_alternating},
                                       {"batch_size", batch_size},
                                       {"prefetch_depth", prefetch_depth},
                                       {"order", nlohmann::ordered_json::array()},
                                       {"members", nlohmann::ordered_json::array()}};
    for (const std::size_t place : order) document["order"].push_back(members[place].cost.id);
    for (const PlannedMember& member : members) {
        document["members"].push_back({{"id", member.cost.id},
                                       {"placement", to_string(member.placement)},
                                       {"is_pinned", member.is_pinned},
                                       {"is_code_pinned", member.is_code_pinned},
                                       {"code_bytes", member.cost.code_bytes},
                                       {"weights_bytes", member.cost.weights_bytes},
                                       {"activation_bytes", member.cost.activation_bytes},
                                       {"reload_bytes", member.reload_bytes},
                                       {"reload_ms", member.reload_ms},
                                       {"peak_bytes", member.peak_bytes},
                                       {"open_ms", member.cost.open_ms},
                                       {"load_ms", member.cost.load_ms},
                                       {"run_ms", member.cost.run_ms}});
    }
    return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Plan::to_text(std::size_t columns) const {
    columns = std::max<std::size_t>(columns, 20);
    std::vector<MemberCost> costs;
    std::size_t widest = 0;
    for (const PlannedMember& member : members) {
        costs.push_back(member.cost);
        widest = std::max(widest, member.cost.id.size());
    }
    const auto cells = [&](std::uint64_t bytes) {
        const double share =
            static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(budget_bytes, 1));
        return static_cast<std::size_t>(share * static_cast<double>(columns) + 0.5);
    };
    char line[128];
    std::snprintf(line, sizeof line, "budget %s, peak %s, %.1f ms a pass of %zu\n",
                  to_size_text(budget_bytes).c_str(), to_size_text(peak_bytes).c_str(), pass_ms, batch_size);
    std::string text = line;
    for (const PlannedMember& member : members) {
        if (member.placement != Placement::Refused) continue;
        text += member.cost.id + " is refused: alone it takes " + to_size_text(member.peak_bytes) + "\n";
    }
    if (order.empty()) return text;
    PlanSimulation simulation(costs, budget_bytes, prefetch_depth > 0);
    const SimulatedPasses passes = simulation.follow(candidate_of(*this), true);
    const std::size_t shown = is_alternating ? passes.steps.size() : order.size();
    for (std::size_t i = 0; i < shown; ++i) {
        const SimulatedStep& step = passes.steps[i];
        const MemberCost& cost = costs[step.member];
        std::string bar(cells(whole_bytes(cost)), '#');
        bar.append(cells(cost.activation_bytes), '~');
        bar.append(cells(step.others_bytes), '=');
        bar.resize(columns, ' ');
        std::string id = cost.id;
        id.resize(widest, ' ');
        text += id + " |" + bar + "| " +
                to_size_text(step.others_bytes + whole_bytes(cost) + cost.activation_bytes) + ", " +
                to_size_text(step.loaded_bytes) + " brought in\n";
    }
    return text;
}

}  // namespace consilia::inference
