#include "consilia/inference/opinion_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "consilia/core/error.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::inference {
namespace {

using Probabilities = std::vector<double>;
using Views = std::vector<std::span<const double>>;

OpinionModel two_members() {
    OpinionModel model;
    model.member_ids = {"a", "b"};
    model.classes = {"x", "y"};
    model.weights = {3.0, 1.0};
    return model;
}

void refuses(const OpinionModel& model, const std::string& code) {
    try {
        model.validate();
        ADD_FAILURE() << "accepted: " << code;
    } catch (const core::InvalidArgument& error) {
        EXPECT_EQ(error.code(), code);
    }
}

TEST(OpinionModel, AgreesAsTheRuleDoesOverThoseThatAnswered) {
    OpinionModel model = two_members();
    const Probabilities a = {0.5, 0.5};
    const Probabilities b = {0.1, 0.9};
    EXPECT_EQ(model.agree(Views{a, b}),
              agree(std::vector<Vote>{{a, 3.0}, {b, 1.0}}, ConsensusRule::WeightedSoftVote));
    EXPECT_EQ(model.agree(Views{{}, b}).probabilities, b);
    EXPECT_THROW((void)model.agree(Views{{}, {}}), core::InvalidArgument);
    EXPECT_THROW((void)model.agree(Views{a}), core::InvalidArgument);
}

TEST(OpinionModel, ALogPoolIsTheWeightedGeometricMean) {
    OpinionModel model = two_members();
    model.rule = ConsensusRule::LogOpinionPool;
    const Probabilities a = {0.2, 0.8};
    const Probabilities b = {0.9, 0.1};
    const double x = std::pow(0.2, 0.75) * std::pow(0.9, 0.25);
    const double y = std::pow(0.8, 0.75) * std::pow(0.1, 0.25);
    EXPECT_NEAR(model.agree(Views{a, b}).probabilities[0], x / (x + y), 1e-15);
    const Probabilities veto = {1.0, 0.0};
    model.weights = {1.0, 1.0};
    const Probabilities even = {0.5, 0.5};
    const double floor = std::sqrt(kLogFloor);
    EXPECT_NEAR(model.agree(Views{even, veto}).probabilities[1], floor / (1 + floor), 1e-15);
}

TEST(OpinionModel, StackingIsARegressionOnLogarithmsAndFallsBackWhereAMemberIsMissing) {
    OpinionModel model = two_members();
    model.rule = ConsensusRule::Stacking;
    model.fallback = ConsensusRule::WeightedSoftVote;
    model.stacking = {1, 0, 0, 0, 0.5,  //
                      0, 1, 0, 0, 0};
    const Probabilities a = {0.4, 0.6};
    const Probabilities b = {0.1, 0.9};
    const double odds = std::exp(0.5) * 0.4 / 0.6;
    const Consensus stacked = model.agree(Views{a, b});
    EXPECT_NEAR(stacked.probabilities[0], odds / (1 + odds), 1e-15);
    EXPECT_EQ(stacked.class_index, 0U);
    EXPECT_EQ(stacked.agreement, 0.0);
    EXPECT_EQ(model.agree(Views{a, {}}).class_index, 1U);
    EXPECT_DOUBLE_EQ(model.agree(Views{a, {}}).probabilities[1], 0.6);
    EXPECT_THROW((void)agree(std::vector<Vote>{{a}}, ConsensusRule::Stacking), core::InvalidArgument);
}

TEST(OpinionModel, TheTemperatureSoftensAndNeverChangesTheDiagnosis) {
    OpinionModel model = two_members();
    model.temperature = 2;
    const Probabilities a = {0.2, 0.8};
    const Consensus consensus = model.agree(Views{a, a});
    EXPECT_NEAR(consensus.confidence, 2.0 / 3, 1e-12);  // Odds of 4 become odds of 2.
    EXPECT_EQ(consensus.class_index, 1U);
    EXPECT_EQ(temper(a, 1), a);
    EXPECT_THROW((void)temper(a, 0), core::InvalidArgument);
}

TEST(OpinionModel, AConformalSetHoldsWhatFitsBelowTheThresholdAndIsNeverEmpty) {
    OpinionModel model = two_members();
    const Probabilities p = {0.2, 0.5, 0.3};
    EXPECT_THROW((void)model.conformal_set(p), core::InvalidArgument);
    model.conformal = ConformalSets{.threshold = 0.85};
    EXPECT_EQ(model.conformal_set(p), (std::vector<std::size_t>{1, 2}));
    model.conformal->threshold = 0;
    EXPECT_EQ(model.conformal_set(p), (std::vector<std::size_t>{1}));
    model.conformal = ConformalSets{.penalty = 0.1, .free_ranks = 1, .threshold = 0.85};
    EXPECT_EQ(model.conformal_set(p), (std::vector<std::size_t>{1}));  // 0.8 + 0.1 is past it.
    EXPECT_DOUBLE_EQ(conformal_score(p, 0, *model.conformal), 1.2);
    EXPECT_THROW((void)conformal_score(p, 3, *model.conformal), core::InvalidArgument);
}

TEST(OpinionModel, IsReadBackFromItsJsonInEveryBit) {
    OpinionModel model = two_members();
    model.weights = {1.0 / 3, 2.0 / 3};
    model.rule = ConsensusRule::Stacking;
    model.stacking = {0.1, 0.2, 0.3, -0.4, 1e-300, 0.6, 0.7, 0.8, 0.9, 1.0};
    model.temperature = 1.1;
    model.conformal = ConformalSets{.alpha = 0.05, .penalty = 0.01, .free_ranks = 2, .threshold = 0.95};
    model.order = {1, 0};
    model.stop_bounds = {{.members_run = 1, .margin = 0.7, .change_bound = 0.01}};
    const OpinionModel read = OpinionModel::from_json(model.to_json());
    EXPECT_EQ(read, model);
    EXPECT_EQ(read.hash(), model.hash());
    model.temperature = std::nextafter(1.1, 2);
    EXPECT_NE(read.hash(), model.hash());
}

TEST(OpinionModel, ASavedFileIsReadBackAndNeverOverwritten) {
    const test::TemporaryDirectory directory;
    OpinionModel model = two_members();
    model.save(directory / "panel.json");
    EXPECT_EQ(OpinionModel::load(directory / "panel.json"), model);
    EXPECT_THROW(model.save(directory / "panel.json"), core::Conflict);
    EXPECT_THROW((void)OpinionModel::load(directory / "none.json"), core::NotFound);
    EXPECT_THROW(model.save(directory / "none" / "panel.json"), core::StorageError);
    model.temperature = 0;
    EXPECT_THROW(model.save(directory / "broken.json"), core::InvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(directory / "broken.json"));
}

TEST(OpinionModel, RefusesWhatItCannotRead) {
    EXPECT_THROW((void)OpinionModel::from_json("{"), core::InvalidArgument);
    EXPECT_THROW((void)OpinionModel::from_json("[]"), core::InvalidArgument);
    std::string text = two_members().to_json();
    text.replace(text.find("\"version\":1"), 11, "\"version\":2");
    EXPECT_THROW((void)OpinionModel::from_json(text), core::InvalidArgument);
}

TEST(OpinionModel, ARuleThatIsNotKnownIsAnErrorOfTheModel) {
    std::string text = two_members().to_json();
    text.replace(text.find("log_opinion_pool"), 16, "log_opinion_poll");
    try {
        (void)OpinionModel::from_json(text);
        FAIL() << "it was read";
    } catch (const core::InvalidArgument& error) {
        EXPECT_EQ(error.code(), "opinion_model.fallback");
    }
}

TEST(OpinionModel, WholeNumbersAreNeitherCutNorWrapped) {
    const std::string text = two_members().to_json();
    const std::string version = "\"version\":1";
    for (const std::string found : {"1e97", "1.5", "-1", "4294967297", "true"}) {
        std::string changed = text;
        changed.replace(changed.find(version), version.size(), "\"version\":" + found);
        try {
            (void)OpinionModel::from_json(changed);
            ADD_FAILURE() << found;
        } catch (const core::InvalidArgument& error) {
            EXPECT_EQ(error.code(), "opinion_model.json") << found;
        }
    }
}

TEST(OpinionModel, ValidateNamesTheFieldThatIsWrong) {
    const auto broken = [](const std::string& field, const auto& change) {
        OpinionModel model = two_members();
        model.validate();
        change(model);
        refuses(model, "opinion_model." + field);
    };
    broken("member_ids", [](OpinionModel& model) { model.member_ids = {"a", "a"}; });
    broken("classes", [](OpinionModel& model) { model.classes.clear(); });
    broken("weights", [](OpinionModel& model) { model.weights = {1, 0}; });
    broken("weights", [](OpinionModel& model) { model.weights = {1}; });
    broken("stacking", [](OpinionModel& model) { model.rule = ConsensusRule::Stacking; });
    broken("fallback", [](OpinionModel& model) { model.fallback = ConsensusRule::Stacking; });
    broken("temperature", [](OpinionModel& model) { model.temperature = std::nan(""); });
    broken("confidence_threshold", [](OpinionModel& model) { model.confidence_threshold = 1.1; });
    broken("conformal", [](OpinionModel& model) { model.conformal = ConformalSets{.alpha = 0}; });
    broken("order", [](OpinionModel& model) { model.order = {0, 0}; });
    broken("stop_bounds", [](OpinionModel& model) { model.stop_bounds = {{.members_run = 2}}; });
}

}  // namespace
}  // namespace consilia::inference
