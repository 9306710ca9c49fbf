#include "consilia/inference/consensus.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "consilia/core/error.hpp"

namespace consilia::inference {
namespace {

using Probabilities = std::vector<double>;

TEST(Consensus, ASoftVoteIsTheWeightedMean) {
    const Probabilities a = {0.5, 0.25, 0.25};
    const Probabilities b = {0.0, 1.0, 0.0};
    const std::vector<Vote> votes = {{a, 3.0}, {b, 1.0}};
    const Consensus consensus = agree(votes, ConsensusRule::WeightedSoftVote);
    EXPECT_EQ(consensus.probabilities, (Probabilities{0.375, 0.4375, 0.1875}));
    EXPECT_EQ(consensus.class_index, 1U);
    EXPECT_EQ(consensus.confidence, 0.4375);
    EXPECT_EQ(consensus.agreement, 0.5);
}

TEST(Consensus, AMajorityCountsHeadsAndNotWeights) {
    const Probabilities a = {0.9, 0.1};
    const Probabilities b = {0.4, 0.6};
    const std::vector<Vote> votes = {{a, 100.0}, {b, 1.0}, {b, 1.0}};
    const Consensus consensus = agree(votes, ConsensusRule::Majority);
    EXPECT_EQ(consensus.class_index, 1U);
    EXPECT_DOUBLE_EQ(consensus.confidence, 2.0 / 3);
    EXPECT_DOUBLE_EQ(consensus.agreement, 2.0 / 3);
    EXPECT_EQ(agree(votes, ConsensusRule::WeightedSoftVote).class_index, 0U);
}

TEST(Consensus, ATieGoesToTheLargerSumAndThenToTheEarlierClass) {
    const Probabilities sure = {0.1, 0.8, 0.1};
    const Probabilities unsure = {0.5, 0.3, 0.2};
    EXPECT_EQ(agree(std::vector<Vote>{{unsure}, {sure}}, ConsensusRule::Majority).class_index, 1U);
    EXPECT_EQ(agree(std::vector<Vote>{{sure}, {unsure}}, ConsensusRule::Majority).class_index, 1U);
    const Probabilities first = {0.75, 0.25, 0.0};
    const Probabilities second = {0.25, 0.75, 0.0};
    EXPECT_EQ(agree(std::vector<Vote>{{second}, {first}}, ConsensusRule::Majority).class_index, 0U);
    EXPECT_EQ(agree(std::vector<Vote>{{second}, {first}}, ConsensusRule::WeightedSoftVote).class_index, 0U);
}

TEST(Consensus, EntropyIsZeroWhenCertainAndOneWhenUniform) {
    const Probabilities certain = {0, 1, 0, 0};
    const Probabilities uniform = {0.25, 0.25, 0.25, 0.25};
    EXPECT_EQ(agree(std::vector<Vote>{{certain}}, ConsensusRule::WeightedSoftVote).entropy, 0.0);
    EXPECT_DOUBLE_EQ(agree(std::vector<Vote>{{uniform}}, ConsensusRule::WeightedSoftVote).entropy, 1.0);
}

TEST(Consensus, MutualInformationIsTheDisagreementAndNotTheDoubtOfEach) {
    const Probabilities left = {1, 0};
    const Probabilities right = {0, 1};
    const Probabilities even = {0.5, 0.5};
    const auto information = [](std::vector<Vote> votes) {
        return agree(votes, ConsensusRule::WeightedSoftVote).mutual_information;
    };
    EXPECT_DOUBLE_EQ(information({{left}, {right}}), 1.0);
    EXPECT_DOUBLE_EQ(information({{even}, {even}}), 0.0);
    EXPECT_EQ(information({{left}}), 0.0);
    EXPECT_DOUBLE_EQ(information({{left, 3.0}, {right, 1.0}}),
                     -(0.75 * std::log2(0.75) + 0.25 * std::log2(0.25)));
}

TEST(Consensus, RefusesVotesWithoutAMeaning) {
    const Probabilities two = {0.5, 0.5};
    const Probabilities three = {0.5, 0.5, 0};
    const Probabilities broken = {std::nan(""), 0.5};
    const Probabilities large = {1.5, 0};
    const auto refuses = [](std::vector<Vote> votes) {
        EXPECT_THROW((void)agree(votes, ConsensusRule::Majority), core::InvalidArgument);
    };
    refuses({});
    refuses({{two}, {three}});
    refuses({{broken}});
    refuses({{large}});
    refuses({{two, 0.0}});
    refuses({{two, std::numeric_limits<double>::infinity()}});
    refuses({{Probabilities{}}});
}

TEST(Consensus, RulesAreKnownByName) {
    EXPECT_EQ(parse_consensus_rule("majority"), ConsensusRule::Majority);
    EXPECT_EQ(parse_consensus_rule(to_string(ConsensusRule::WeightedSoftVote)),
              ConsensusRule::WeightedSoftVote);
    EXPECT_THROW((void)parse_consensus_rule("loudest"), core::InvalidArgument);
}

TEST(Softmax, DoesNotOverflowAndFollowsTheTemperature) {
    const std::vector<float> large = {1e30F, 1e30F};
    EXPECT_EQ(softmax(large), (Probabilities{0.5, 0.5}));
    const std::vector<float> logits = {0.0F, 2.0F};
    EXPECT_DOUBLE_EQ(softmax(logits)[1], 1.0 / (1.0 + std::exp(-2.0)));
    EXPECT_DOUBLE_EQ(softmax(logits, 2.0)[1], 1.0 / (1.0 + std::exp(-1.0)));
}

TEST(Softmax, RefusesWhatIsNotANumber) {
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
        const std::vector<float> logits = {0.0F, bad};
        EXPECT_THROW((void)softmax(logits), core::InferenceError);
    }
}

}  // namespace
}  // namespace consilia::inference
