// Goal: fits recover what synthetic panels were made with. Method: labels drawn from known probabilities.
#include "consilia/inference/opinion_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "consilia/core/error.hpp"

namespace consilia::inference {
namespace {

struct Data {
    std::vector<double> probabilities{};
    std::vector<std::uint32_t> labels{};
    std::size_t members = 0;
    std::size_t classes = 0;
    [[nodiscard]] OpinionSet set() const { return {probabilities, labels, members, classes}; }
};

std::uint32_t draw(const std::vector<double>& probabilities, std::mt19937_64& random) {
    return std::discrete_distribution<std::uint32_t>(probabilities.begin(), probabilities.end())(random);
}

/// Truth is drawn from softmax(logits); member m answers softmax(sharpness * logits + noise[m] * N(0, 1)).
Data panel(std::size_t cases, const std::vector<double>& noise, double sharpness, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    Data data{.members = noise.size(), .classes = 3};
    for (std::size_t at = 0; at < cases; ++at) {
        std::vector<double> logits;
        for (int c = 0; c < 3; ++c) logits.push_back(2 * normal(random));
        data.labels.push_back(draw(normalized_exponentials(logits), random));
        for (const double amount : noise) {
            std::vector<double> answer;
            for (const double logit : logits) answer.push_back(sharpness * logit + amount * normal(random));
            for (const double p : normalized_exponentials(answer)) data.probabilities.push_back(p);
        }
    }
    return data;
}

OpinionModel model_of(const Data& data, ConsensusRule rule) {
    OpinionModel model;
    for (std::size_t i = 0; i < data.members; ++i) model.member_ids.push_back("m" + std::to_string(i));
    for (std::size_t i = 0; i < data.classes; ++i) model.classes.push_back("c" + std::to_string(i));
    model.weights.assign(data.members, 1.0);
    model.rule = rule;
    return model;
}

TEST(OpinionFit, TheTemperatureIsRecovered) {
    const Data data = panel(20'000, {0.0, 0.0}, 2.0, 1);
    const OpinionModel model = model_of(data, ConsensusRule::LogOpinionPool);
    EXPECT_NEAR(fit_temperature(model, data.set()), 2.0, 0.1);
}

TEST(OpinionFit, WeightsFavourTheBetterMemberAndLowerTheLoss) {
    const Data data = panel(4'000, {0.3, 3.0}, 1.0, 2);
    for (const ConsensusRule rule : {ConsensusRule::WeightedSoftVote, ConsensusRule::LogOpinionPool}) {
        OpinionModel model = model_of(data, rule);
        const double before = evaluate(model, data.set()).nll;
        model.weights = fit_weights(model, data.set());
        EXPECT_NEAR(model.weights[0] + model.weights[1], 1.0, 1e-12);
        EXPECT_GT(model.weights[0], 0.8);
        EXPECT_LT(evaluate(model, data.set()).nll, before);
        const OpinionModel best = model;
        for (const double step : {-0.01, 0.01}) {  // No neighbour on the simplex is better.
            model.weights = {best.weights[0] + step, best.weights[1] - step};
            if (model.weights[1] <= 0 || model.weights[0] <= 0) continue;
            EXPECT_GE(evaluate(model, data.set()).nll, evaluate(best, data.set()).nll - 1e-9);
        }
    }
    EXPECT_THROW((void)fit_weights(model_of(data, ConsensusRule::Majority), data.set()),
                 core::InvalidArgument);
}

TEST(OpinionFit, StackingRecoversAKnownMatrix) {
    // Truth: odds of the member's own, raised to 1.5, with a bias of 0.7 for the first class.
    std::mt19937_64 random(3);
    std::normal_distribution<double> normal;
    Data data{.members = 1, .classes = 2};
    for (int at = 0; at < 40'000; ++at) {
        const double logit = normal(random);
        for (const double p : normalized_exponentials({logit, 0.0})) data.probabilities.push_back(p);
        data.labels.push_back(draw(normalized_exponentials({1.5 * logit + 0.7, 0.0}), random));
    }
    const std::vector<double> matrix = fit_stacking(data.set(), 1e-6);
    ASSERT_EQ(matrix.size(), 6U);
    // Identified: the difference of the rows along log p0 - log p1 (half of each column) and of the biases.
    OpinionModel model = model_of(data, ConsensusRule::Stacking);
    model.stacking = matrix;
    for (const double logit : {-1.0, 0.0, 1.0}) {
        const std::vector<double> opinion = normalized_exponentials({logit, 0.0});
        const std::vector<std::span<const double>> views = {opinion};
        const Consensus stacked = model.agree(views);
        EXPECT_NEAR(std::log(stacked.probabilities[0] / stacked.probabilities[1]), 1.5 * logit + 0.7, 0.08);
    }
    EXPECT_EQ(fit_stacking(data.set(), 1e-6), matrix);
    EXPECT_THROW((void)fit_stacking(data.set(), 0), core::InvalidArgument);
}

TEST(OpinionFit, ConformalSetsCoverAsPromised) {
    for (const double alpha : {0.05, 0.1, 0.3}) {
        const Data calibration = panel(2'000, {1.0, 1.0}, 1.0, 4);
        const Data test = panel(20'000, {1.0, 1.0}, 1.0, 5);
        OpinionModel model = model_of(test, ConsensusRule::WeightedSoftVote);
        model.conformal =
            fit_conformal(model, calibration.set(), {.alpha = alpha, .penalty = 0.01, .free_ranks = 1});
        const OpinionScores scores = evaluate(model, test.set());
        EXPECT_GT(scores.coverage.value, 1 - alpha - 0.02) << alpha;  // 3 sigma of 2,000 calibration cases.
        EXPECT_LE(scores.mean_set_size, 3.0);
    }
    const Data few = panel(5, {1.0}, 1.0, 6);
    const OpinionModel model = model_of(few, ConsensusRule::WeightedSoftVote);
    EXPECT_GE(fit_conformal(model, few.set(), {.alpha = 0.01}).threshold, 1.0);
}

TEST(OpinionFit, TheOrderPutsInformationPerMillisecondFirst) {
    const Data data = panel(3'000, {3.0, 0.2, 1.5}, 1.0, 7);
    const OpinionModel model = model_of(data, ConsensusRule::LogOpinionPool);
    EXPECT_EQ(fit_order(model, data.set()).front(), 1U);
    EXPECT_EQ(fit_order(model, data.set(), std::vector<double>{1.0, 10'000.0, 1.0}).front(), 2U);
    EXPECT_THROW((void)fit_order(model, data.set(), std::vector<double>{1.0}), core::InvalidArgument);
}

TEST(OpinionFit, TheBoundedStopChangesNoMoreThanEpsilonOnOtherData) {
    const Data calibration = panel(10'000, {0.8, 0.8, 0.8, 0.8}, 1.0, 8);
    const Data test = panel(10'000, {0.8, 0.8, 0.8, 0.8}, 1.0, 9);
    OpinionModel model = model_of(test, ConsensusRule::WeightedSoftVote);
    model.stop_bounds = fit_stop_bounds(model, calibration.set());
    constexpr double kEpsilon = 0.02;
    const OpinionScores scores = evaluate(model, test.set(), kEpsilon);
    EXPECT_LT(scores.mean_members_run_bounded, scores.mean_members_run);
    EXPECT_LE(scores.changed_share, kEpsilon);
    EXPECT_EQ(evaluate(model, test.set(), 0).changed_share, 0.0);
}

TEST(OpinionFit, AllThatIsNamedIsFittedStepByStep) {
    const Data data = panel(300, {0.3, 1.0}, 1.0, 11);
    OpinionModel expected = model_of(data, ConsensusRule::LogOpinionPool);
    const FitOptions options{.weights = true,
                             .order = true,
                             .temperature = true,
                             .conformal = ConformalSets{.alpha = 0.2},
                             .stop_confidence = 0.9};
    const OpinionModel fitted = fit(expected, data.set(), options);
    expected.weights = fit_weights(expected, data.set());
    expected.order = fit_order(expected, data.set());
    expected.temperature = fit_temperature(expected, data.set());
    expected.conformal = fit_conformal(expected, data.set(), {.alpha = 0.2});
    expected.stop_bounds = fit_stop_bounds(expected, data.set(), 0.9);
    EXPECT_EQ(fitted, expected);

    const OpinionModel stacked = fit(fitted, data.set(), {.stacking = true, .l2 = 0.1, .order = true});
    EXPECT_EQ(stacked.rule, ConsensusRule::Stacking);
    EXPECT_EQ(stacked.stacking, fit_stacking(data.set(), 0.1));
    EXPECT_TRUE(stacked.stop_bounds.empty()) << "they were of another order";
    EXPECT_THROW((void)fit(fitted, data.set(), {}), core::InvalidArgument);
}

TEST(OpinionScores, AreThoseOfAHandWorkedExample) {
    const Data data{
        .probabilities = {0.9, 0.1, 0.8, 0.2, 0.3, 0.7}, .labels = {0, 1, 1}, .members = 1, .classes = 2};
    const OpinionScores scores = evaluate(model_of(data, ConsensusRule::WeightedSoftVote), data.set());
    EXPECT_DOUBLE_EQ(scores.accuracy.value, 2.0 / 3);
    EXPECT_NEAR(scores.nll, -(std::log(0.9) + std::log(0.2) + std::log(0.7)) / 3, 1e-12);
    EXPECT_NEAR(scores.brier, (0.02 + 1.28 + 0.18) / 3, 1e-12);
    EXPECT_NEAR(scores.calibration_error, (0.1 + 0.8 + 0.3) / 3, 1e-12);  // Each case in its own bin.
    EXPECT_NEAR(scores.aurc, (0.0 + 1.0 / 2 + 1.0 / 3) / 3, 1e-12);
}

TEST(OpinionScores, IntervalsAreTheTabulatedOnes) {
    EXPECT_NEAR(clopper_pearson_upper(0, 100, 0.95), 1 - std::pow(0.05, 0.01), 1e-12);
    EXPECT_NEAR(clopper_pearson_upper(5, 10, 0.975), 0.812914, 1e-6);
    EXPECT_EQ(clopper_pearson_upper(3, 3, 0.95), 1.0);
    EXPECT_EQ(clopper_pearson_upper(0, 0, 0.95), 1.0);
    EXPECT_NEAR(wilson(5, 10).low, 0.236593, 1e-6);
    EXPECT_NEAR(wilson(5, 10).high, 0.763407, 1e-6);
}

TEST(OpinionSet, RefusesWhatDoesNotFit) {
    const Data data = panel(4, {1.0}, 1.0, 10);
    const auto refuses = [&](OpinionSet set) { EXPECT_THROW(set.validate(), core::InvalidArgument); };
    data.set().validate();
    refuses({data.probabilities, data.labels, 2, 3});
    refuses({data.probabilities, {}, 1, 3});
    refuses({data.probabilities, data.labels, 1, 1});
    const std::vector<std::uint32_t> wrong = {0, 1, 2, 3};
    refuses({data.probabilities, wrong, 1, 3});
    EXPECT_THROW((void)fit_temperature(model_of(Data{.members = 2, .classes = 3}, ConsensusRule::Majority),
                                       data.set()),
                 core::InvalidArgument);
}

}  // namespace
}  // namespace consilia::inference
