// Plans are compared with every placement there is, by a slow search that shares no code with the planner.
#include "consilia/inference/planner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

namespace consilia::inference {
namespace {

MemberCost member(std::string id, std::uint64_t code, std::uint64_t weights, std::uint64_t activation) {
    return {.id = std::move(id),
            .code_bytes = code,
            .weights_bytes = weights,
            .activation_bytes = activation,
            .open_ms = 100,
            .load_ms = static_cast<double>(weights),
            .run_ms = 5};
}

std::vector<Placement> placements(const Plan& plan) {
    std::vector<Placement> found;
    for (const auto& planned : plan.members) found.push_back(planned.placement);
    return found;
}

/// The peak of a pass by stepping through it.
std::uint64_t stepped_peak(const std::vector<MemberCost>& members, const std::vector<Placement>& placed) {
    std::uint64_t peak = 0;
    for (std::size_t running = 0; running < members.size(); ++running) {
        if (placed[running] == Placement::Refused) continue;
        std::uint64_t held = members[running].activation_bytes;
        for (std::size_t i = 0; i < members.size(); ++i) {
            const bool has_code =
                placed[i] == Placement::Resident || placed[i] == Placement::Streamed || i == running;
            const bool has_weights = placed[i] == Placement::Resident || i == running;
            held += (has_code ? members[i].code_bytes : 0) + (has_weights ? members[i].weights_bytes : 0);
        }
        peak = std::max(peak, held);
    }
    return peak;
}

double reload_ms(const std::vector<MemberCost>& members, const std::vector<Placement>& placed) {
    double total = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (placed[i] == Placement::Streamed || placed[i] == Placement::Reopened) total += members[i].load_ms;
        if (placed[i] == Placement::Reopened) total += members[i].open_ms;
    }
    return total;
}

/// The least reloading of all placements within the budget, by counting in base three.
double least_reload_ms(const std::vector<MemberCost>& members, std::uint64_t budget, const Plan& plan) {
    double best = std::numeric_limits<double>::infinity();
    std::size_t cases = 1;
    for (std::size_t i = 0; i < members.size(); ++i) cases *= 3;
    for (std::size_t number = 0; number < cases; ++number) {
        std::vector<Placement> placed;
        std::size_t rest = number;
        for (std::size_t i = 0; i < members.size(); ++i, rest /= 3) {
            const bool is_refused = plan.members[i].placement == Placement::Refused;
            placed.push_back(is_refused ? Placement::Refused : static_cast<Placement>(rest % 3));
        }
        if (stepped_peak(members, placed) <= budget) best = std::min(best, reload_ms(members, placed));
    }
    return best;
}

TEST(Planner, KeepsEverythingThatFits) {
    const std::vector<MemberCost> members = {member("a", 10, 100, 5), member("b", 10, 200, 7)};
    const Plan plan = plan_members(members, 327);
    EXPECT_TRUE(plan.is_all_resident());
    EXPECT_FALSE(plan.is_alternating);
    EXPECT_EQ(plan.peak_bytes, 327U);
    EXPECT_EQ(plan.pass_ms, 10);
}

TEST(Planner, StreamsOneByteBelow) {
    const std::vector<MemberCost> members = {member("a", 10, 100, 5), member("b", 10, 200, 7)};
    const Plan plan = plan_members(members, 326);
    // Either one streamed would do; the smaller one costs less to bring in.
    EXPECT_EQ(placements(plan), (std::vector{Placement::Streamed, Placement::Resident}));
    EXPECT_TRUE(plan.is_alternating);
    EXPECT_LE(plan.peak_bytes, 326U);
}

TEST(Planner, RefusesOnlyAMemberThatDoesNotFitAlone) {
    const std::vector<MemberCost> members = {member("a", 10, 100, 5), member("b", 10, 200, 7)};
    EXPECT_EQ(placements(plan_members(members, 217)),
              (std::vector{Placement::Reopened, Placement::Streamed}));
    const Plan plan = plan_members(members, 216);
    EXPECT_EQ(placements(plan), (std::vector{Placement::Resident, Placement::Refused}));
    EXPECT_EQ(plan.members[1].peak_bytes, 217U);
    EXPECT_EQ(plan_members(members, 0).peak_bytes, 0U);
    EXPECT_TRUE(plan_members({}, 100).members.empty());
}

TEST(Planner, FindsTheBestPlacementOfRandomSmallEnsembles) {
    for (unsigned seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        std::vector<MemberCost> members;
        std::uint64_t total = 1;
        for (unsigned i = 0; i < 1 + random() % 5; ++i) {
            members.push_back(member("m" + std::to_string(i), random() % 20, random() % 100, random() % 40));
            members.back().open_ms = static_cast<double>(random() % 200);
            members.back().load_ms = static_cast<double>(random() % 100);
            total += members.back().code_bytes + members.back().weights_bytes + 20;
        }
        const std::uint64_t budget = random() % total;
        const Plan plan = plan_members(members, budget);
        EXPECT_EQ(plan.peak_bytes, stepped_peak(members, placements(plan)));
        EXPECT_LE(plan.peak_bytes, budget);
        for (const auto& planned : plan.members) {
            const MemberCost& cost = planned.cost;
            const bool fits_alone = cost.code_bytes + cost.weights_bytes + cost.activation_bytes <= budget;
            EXPECT_EQ(planned.placement == Placement::Refused, !fits_alone);
        }
        EXPECT_EQ(reload_ms(members, placements(plan)), least_reload_ms(members, budget, plan));
        EXPECT_EQ(plan, plan_members(members, budget));
    }
}

TEST(Planner, ManyMembersAreWithinTheBudgetToo) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        std::vector<MemberCost> members;
        for (unsigned i = 0; i < 10 + random() % 55; ++i) {
            members.push_back(member("m" + std::to_string(i), random() % 20, random() % 100, random() % 40));
        }
        const std::uint64_t budget = 160 + random() % 3000;
        const Plan plan = plan_members(members, budget);
        EXPECT_LE(plan.peak_bytes, budget);
        EXPECT_EQ(plan.peak_bytes, stepped_peak(members, placements(plan)));
        for (const Placement placement : placements(plan)) EXPECT_NE(placement, Placement::Refused);
    }
}

TEST(Planner, IsWrittenAsJson) {
    const std::vector<MemberCost> members = {member("a", 10, 100, 5)};
    const auto json = nlohmann::json::parse(plan_members(members, 200).to_json());
    EXPECT_EQ(json["budget_bytes"], 200);
    EXPECT_EQ(json["peak_bytes"], 115);
    EXPECT_EQ(json["members"][0]["id"], "a");
    EXPECT_EQ(json["members"][0]["placement"], "resident");
    EXPECT_EQ(json["members"][0]["kept_bytes"], 110);
}

}  // namespace
}  // namespace consilia::inference
