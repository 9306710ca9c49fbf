#include "consilia/inference/planner.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace consilia::inference {

namespace {

std::uint64_t whole_bytes(const MemberCost& cost) {
    return cost.code_bytes + cost.weights_bytes;
}

std::uint64_t kept_bytes(const MemberCost& cost, Placement placement) {
    switch (placement) {
        case Placement::Resident:
            return whole_bytes(cost);
        case Placement::Streamed:
            return cost.code_bytes;
        case Placement::Reopened:
        case Placement::Refused:
            return 0;
    }
    return 0;
}

double reload_ms(const MemberCost& cost, Placement placement) {
    switch (placement) {
        case Placement::Streamed:
            return cost.load_ms;
        case Placement::Reopened:
            return cost.open_ms + cost.load_ms;
        case Placement::Resident:
        case Placement::Refused:
            return 0;
    }
    return 0;
}

/// Beyond what the others keep, what a member takes while it runs.
std::uint64_t running_bytes(const MemberCost& cost) {
    return whole_bytes(cost) + cost.activation_bytes;
}

struct Assignment {
    std::vector<Placement> placements;
    double reload_ms = 0;
    std::uint64_t kept_bytes = 0;
    std::uint64_t headroom_bytes = 0;  // The most that any member takes beyond what is kept of it.
};

/// What each member adds to an assignment, and whether it still fits. The peak of a pass is
/// sum(kept) + max(running - kept), so both parts only grow and a branch that is past the budget can be left.
class ExactSearch {
public:
    ExactSearch(std::span<const MemberCost* const> members, std::uint64_t budget_bytes)
        : members_(members), budget_bytes_(budget_bytes) {}

    Assignment best() {
        Assignment start;
        visit(start);
        return best_;
    }

private:
    void visit(const Assignment& so_far) {
        if (so_far.kept_bytes + so_far.headroom_bytes > budget_bytes_) return;
        if (has_best_ && so_far.reload_ms >= best_.reload_ms) return;
        const std::size_t index = so_far.placements.size();
        if (index == members_.size()) {
            best_ = so_far;
            has_best_ = true;
            return;
        }
        const MemberCost& cost = *members_[index];
        for (const Placement placement : {Placement::Resident, Placement::Streamed, Placement::Reopened}) {
            Assignment next = so_far;
            const std::uint64_t kept = kept_bytes(cost, placement);
            next.placements.push_back(placement);
            next.reload_ms += reload_ms(cost, placement);
            next.kept_bytes += kept;
            next.headroom_bytes = std::max(next.headroom_bytes, running_bytes(cost) - kept);
            visit(next);
        }
    }

    std::span<const MemberCost* const> members_;
    std::uint64_t budget_bytes_;
    Assignment best_;
    bool has_best_ = false;
};

bool fits(std::span<const MemberCost* const> members, std::span<const Placement> placements,
          std::uint64_t budget_bytes) {
    std::uint64_t kept = 0;
    std::uint64_t headroom = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const std::uint64_t own = kept_bytes(*members[i], placements[i]);
        kept += own;
        headroom = std::max(headroom, running_bytes(*members[i]) - own);
    }
    return kept + headroom <= budget_bytes;
}

/// Raises the members that save the most time a byte, first to keep their code and then to stay whole.
std::vector<Placement> place_greedily(std::span<const MemberCost* const> members,
                                      std::uint64_t budget_bytes) {
    std::vector<Placement> placements(members.size(), Placement::Reopened);
    for (const Placement target : {Placement::Streamed, Placement::Resident}) {
        std::vector<std::size_t> order(members.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        const auto rate = [&](std::size_t i) {
            const MemberCost& cost = *members[i];
            const double saved = reload_ms(cost, placements[i]) - reload_ms(cost, target);
            const std::uint64_t bytes = kept_bytes(cost, target) - kept_bytes(cost, placements[i]);
            return bytes == 0 ? saved : saved / static_cast<double>(bytes);
        };
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return rate(a) > rate(b); });
        for (const std::size_t i : order) {
            const Placement before = placements[i];
            placements[i] = target;
            if (!fits(members, placements, budget_bytes)) placements[i] = before;
        }
    }
    return placements;
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

Plan plan_members(std::span<const MemberCost> members, std::uint64_t budget_bytes) {
    Plan plan;
    plan.budget_bytes = budget_bytes;
    std::vector<const MemberCost*> running;
    std::vector<std::size_t> places;
    for (const MemberCost& cost : members) {
        if (running_bytes(cost) <= budget_bytes) {
            running.push_back(&cost);
            places.push_back(plan.members.size());
        }
        plan.members.push_back({cost, Placement::Refused, 0, running_bytes(cost)});
    }

    const std::vector<Placement> placements = running.size() <= kExactMembersMax
                                                  ? ExactSearch(running, budget_bytes).best().placements
                                                  : place_greedily(running, budget_bytes);
    std::uint64_t kept_total = 0;
    for (std::size_t i = 0; i < running.size(); ++i) {
        PlannedMember& member = plan.members[places[i]];
        member.placement = placements[i];
        member.kept_bytes = kept_bytes(member.cost, member.placement);
        kept_total += member.kept_bytes;
        plan.pass_ms += member.cost.run_ms + reload_ms(member.cost, member.placement);
        plan.is_alternating |= member.placement != Placement::Resident;
    }
    for (const std::size_t place : places) {
        PlannedMember& member = plan.members[place];
        member.peak_bytes = kept_total - member.kept_bytes + running_bytes(member.cost);
        plan.peak_bytes = std::max(plan.peak_bytes, member.peak_bytes);
    }
    return plan;
}

std::string Plan::to_json() const {
    nlohmann::ordered_json document = {{"budget_bytes", budget_bytes},
                                       {"peak_bytes", peak_bytes},
                                       {"pass_ms", pass_ms},
                                       {"is_alternating", is_alternating},
                                       {"members", nlohmann::ordered_json::array()}};
    for (const PlannedMember& member : members) {
        document["members"].push_back({{"id", member.cost.id},
                                       {"placement", to_string(member.placement)},
                                       {"code_bytes", member.cost.code_bytes},
                                       {"weights_bytes", member.cost.weights_bytes},
                                       {"activation_bytes", member.cost.activation_bytes},
                                       {"kept_bytes", member.kept_bytes},
                                       {"peak_bytes", member.peak_bytes},
                                       {"open_ms", member.cost.open_ms},
                                       {"load_ms", member.cost.load_ms},
                                       {"run_ms", member.cost.run_ms}});
    }
    return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace consilia::inference
