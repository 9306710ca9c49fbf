// Goal: whatever the early stop skips could not have changed the diagnosis. Method: random panels under every
// rule, with and without failing members, compared with the consensus of all of them.
#include "consilia/inference/early_stop.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "consilia/core/error.hpp"

namespace consilia::inference {
namespace {

using Probabilities = std::vector<double>;
using Views = std::vector<std::span<const double>>;

OpinionModel panel(std::size_t members, std::size_t classes, ConsensusRule rule) {
    OpinionModel model;
    for (std::size_t i = 0; i < members; ++i) model.member_ids.push_back("m" + std::to_string(i));
    for (std::size_t i = 0; i < classes; ++i) model.classes.push_back("c" + std::to_string(i));
    model.weights.assign(members, 1.0);
    model.rule = rule;
    return model;
}

/// Opinions that often agree, are often sharp, and now and then tie in every bit.
class RandomPanels {
public:
    explicit RandomPanels(std::uint64_t seed) : random_(seed) {}

    double uniform(double low, double high) { return std::uniform_real_distribution(low, high)(random_); }
    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
    }

    OpinionModel model(ConsensusRule rule) {
        OpinionModel model = panel(1 + below(8), 2 + below(4), rule);
        if (below(3) != 0) {
            for (double& weight : model.weights) weight = uniform(0.05, 3);
        }
        const std::size_t classes = model.classes.size();
        const std::size_t columns = model.member_ids.size() * classes + 1;
        model.fallback = std::vector{ConsensusRule::WeightedSoftVote, ConsensusRule::Majority,
                                     ConsensusRule::LogOpinionPool}[below(3)];
        if (rule == ConsensusRule::Stacking) {
            for (std::size_t i = 0; i < classes * columns; ++i) model.stacking.push_back(uniform(-0.1, 0.1));
            for (std::size_t row = 0; row < classes; ++row) {
                for (std::size_t member = 0; member < model.member_ids.size(); ++member) {
                    model.stacking[row * columns + member * classes + row] += uniform(0, 2);
                }
            }
        }
        model.temperature = below(2) == 0 ? 1 : uniform(0.5, 3);
        return model;
    }

    std::vector<Probabilities> opinions(const OpinionModel& model) {
        const std::size_t truth = below(model.classes.size());
        const double skill = uniform(0, 4);
        const double sharpness = uniform(0.3, 6);
        const bool coarse = below(4) == 0;
        std::vector<Probabilities> opinions;
        for (std::size_t i = 0; i < model.member_ids.size(); ++i) {
            Probabilities values;
            for (std::size_t c = 0; c < model.classes.size(); ++c) {
                const double logit = uniform(-1, 1) + (c == truth ? skill : 0);
                values.push_back(sharpness * (coarse ? std::round(logit) : logit));
            }
            opinions.push_back(normalized_exponentials(values));
            if (coarse) {
                for (double& value : opinions.back()) value = std::round(value * 4) / 4;
            }
        }
        return opinions;
    }

private:
    std::mt19937_64 random_;
};

Consensus of_all(const OpinionModel& model, const std::vector<Probabilities>& opinions) {
    return model.agree(Views(opinions.begin(), opinions.end()));
}

struct Case {
    ConsensusRule rule;
    bool may_fail;
};

class LosslessEarlyStop : public testing::TestWithParam<Case> {};

TEST_P(LosslessEarlyStop, NamesTheDiagnosisOfAllMembersOn100000RandomPanels) {
    constexpr std::size_t kPanels = 100'000;
    constexpr std::uint64_t kSeed = 20'261;
    RandomPanels random(kSeed);
    std::size_t members = 0;
    std::size_t run = 0;
    for (std::size_t i = 0; i < kPanels; ++i) {
        const OpinionModel model = random.model(GetParam().rule);
        std::vector<Probabilities> opinions = random.opinions(model);
        const std::size_t survivor = random.below(opinions.size());
        for (std::size_t m = 0; GetParam().may_fail && m < opinions.size(); ++m) {
            if (m != survivor && random.below(4) == 0) opinions[m].clear();
        }
        EarlyStop stop(model);
        members += opinions.size();
        for (std::size_t m = 0; m < opinions.size() && !stop.is_decided(); ++m) {
            ++run;
            if (opinions[m].empty()) {
                stop.drop(m);
            } else {
                stop.add(m, opinions[m]);
            }
        }
        ASSERT_EQ(stop.consensus().class_index, of_all(model, opinions).class_index)
            << "panel " << i << " of seed " << kSeed << ": " << model.to_json();
    }
    EXPECT_LT(run, members);
    const double count = kPanels;
    RecordProperty("mean_members", std::to_string(static_cast<double>(members) / count));
    RecordProperty("mean_members_run", std::to_string(static_cast<double>(run) / count));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, LosslessEarlyStop,
    testing::Values(Case{ConsensusRule::WeightedSoftVote, false}, Case{ConsensusRule::WeightedSoftVote, true},
                    Case{ConsensusRule::Majority, false}, Case{ConsensusRule::Majority, true},
                    Case{ConsensusRule::LogOpinionPool, false}, Case{ConsensusRule::LogOpinionPool, true},
                    Case{ConsensusRule::Stacking, false}, Case{ConsensusRule::Stacking, true}),
    [](const auto& named) {
        return std::string(to_string(named.param.rule)) + (named.param.may_fail ? "_with_failures" : "");
    });

TEST(EarlyStop, ASoftVoteStopsOnceTheLeadExceedsTheWeightLeft) {
    const OpinionModel model = panel(3, 2, ConsensusRule::WeightedSoftVote);
    EarlyStop stop(model);
    EXPECT_FALSE(stop.is_decided());
    stop.add(0, Probabilities{0.9, 0.1});
    EXPECT_FALSE(stop.is_decided());
    stop.add(1, Probabilities{0.9, 0.1});
    EXPECT_TRUE(stop.is_decided());  // 1.6 ahead, 1 left.
    EXPECT_EQ(stop.members_left(), 1U);
}

TEST(EarlyStop, ALeadOfExactlyTheWeightLeftIsNotEnough) {
    const OpinionModel model = panel(2, 2, ConsensusRule::WeightedSoftVote);
    EarlyStop stop(model);
    stop.add(0, Probabilities{0, 1});
    EXPECT_FALSE(stop.is_decided());  // The other may answer 1, 0: a tie, and the earlier class has it.
}

TEST(EarlyStop, AMajorityStopsAtMoreThanHalf) {
    const OpinionModel model = panel(5, 3, ConsensusRule::Majority);
    EarlyStop stop(model);
    stop.add(4, Probabilities{0, 0.6, 0.4});
    stop.add(2, Probabilities{0, 0.6, 0.4});
    EXPECT_FALSE(stop.is_decided());
    stop.add(0, Probabilities{0, 0.6, 0.4});
    EXPECT_TRUE(stop.is_decided());
}

TEST(EarlyStop, AFailedMemberNoLongerCounts) {
    const OpinionModel model = panel(2, 2, ConsensusRule::WeightedSoftVote);
    EarlyStop stop(model);
    stop.add(1, Probabilities{0.6, 0.4});
    EXPECT_FALSE(stop.is_decided());
    stop.drop(0);
    EXPECT_TRUE(stop.is_decided());
    EXPECT_EQ(stop.consensus().class_index, 0U);
}

TEST(EarlyStop, TheBoundedStopFollowsItsTableAndOnlyInOrderAndWithoutFailures) {
    OpinionModel model = panel(4, 2, ConsensusRule::WeightedSoftVote);
    model.order = {2, 0, 1, 3};
    model.stop_bounds = {{.members_run = 1, .margin = 0.5, .change_bound = 0.01}};
    const auto decides = [&](std::size_t member, const Probabilities& opinion, double epsilon) {
        EarlyStop stop(model);
        stop.add(member, opinion);
        return stop.is_decided(epsilon);
    };
    EXPECT_TRUE(decides(2, {0.8, 0.2}, 0.01));
    EXPECT_FALSE(decides(2, {0.7, 0.3}, 0.01));
    EXPECT_FALSE(decides(2, {0.8, 0.2}, 0.009));
    EXPECT_FALSE(decides(0, {0.8, 0.2}, 0.01));
    EarlyStop failing(model);
    failing.drop(2);
    failing.add(0, Probabilities{0.8, 0.2});
    EXPECT_FALSE(failing.is_decided(0.01));
}

TEST(EarlyStop, RefusesMembersThatItDoesNotKnowOrHasHeard) {
    const OpinionModel model = panel(2, 2, ConsensusRule::Majority);
    EarlyStop stop(model);
    stop.add(0, Probabilities{0.5, 0.5});
    EXPECT_THROW(stop.add(0, Probabilities{0.5, 0.5}), core::InvalidArgument);
    EXPECT_THROW(stop.drop(0), core::InvalidArgument);
    EXPECT_THROW(stop.drop(2), core::InvalidArgument);
    EXPECT_THROW(stop.add(1, Probabilities{0.5}), core::InvalidArgument);
    EXPECT_THROW(stop.add(1, Probabilities{0.5, 1.5}), core::InvalidArgument);
    EXPECT_EQ(stop.members_left(), 1U);
}

}  // namespace
}  // namespace consilia::inference
