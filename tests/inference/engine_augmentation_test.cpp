// Test-time augmentation in the engine: means over views, what they cost, and what a diagnosis tells of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "consilia/core/error.hpp"
#include "inference/engine_fixture.hpp"

namespace consilia::inference {
namespace {

using test::SimulatedDevice;
using testing::ElementsAre;

class EngineAugmentationTest : public EngineFixture {
protected:
    void SetUp() override {
        EngineFixture::SetUp();
        options_.budget_bytes = 1 << 20;
        options_.backends = {test::simulated_backend()};
    }
    void add(const std::string& id, const std::string& code) { EngineFixture::add({.id = id, .code = code}); }
    [[nodiscard]] Engine open() const { return Engine(packages_, options_); }
    /// Of 4 x 4 pixels: 0, 16, 32, …
    static imaging::Image ramp() { return image(16); }
    /// First probability of a member of four classes that sees a pixel of this brightness.
    static double seen(unsigned pixel) {
        const double odds = std::exp(4.0 * pixel / 255.0);
        return odds / (odds + 3);
    }

    EngineOptions options_;
};

TEST_F(EngineAugmentationTest, AnOpinionIsTheMeanOfItsViews) {
    add("a", "sees=5 weights=1");
    options_.augmentation = {.mirrors = true, .shift = 0.25};
    Engine engine = open();
    const Diagnosis diagnosis = engine.run(ramp());
    // Pixel 5 stands in the second row and column; a shift is of one pixel.
    const double mean = (seen(80) + seen(96) + seen(96) + seen(64) + seen(144) + seen(16)) / 6;
    EXPECT_NEAR(diagnosis.opinions[0].probabilities[0], mean, 1e-6);
    EXPECT_NEAR(diagnosis.opinions[0].confidence, mean, 1e-6);
    EXPECT_NEAR(diagnosis.probabilities[0], mean, 1e-6);
    EXPECT_EQ(diagnosis.batch_size, 1U);
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(6));
}

TEST_F(EngineAugmentationTest, EachImageOfABatchHasItsOwnMean) {
    add("a", "sees=5 weights=1");
    add("b", "sees=6 weights=1");
    options_.augmentation = {.shift = 0.25};
    Engine engine = open();
    imaging::Image other = ramp();
    for (std::uint8_t& pixel : other.pixels) pixel = static_cast<std::uint8_t>(255 - pixel);
    const std::vector<Inputs> batch = {engine.prepare(ramp()), engine.prepare(other)};
    const auto together = engine.run_batch(batch);
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(10, 10));
    for (std::size_t i = 0; i < 2; ++i) {
        const auto alone = engine.run_batch({&batch[i], 1});
        EXPECT_EQ(together[i].diagnosis.probabilities, alone[0].diagnosis.probabilities);
    }
    EXPECT_NE(together[0].diagnosis.probabilities, together[1].diagnosis.probabilities);
}

TEST_F(EngineAugmentationTest, ViewsCountInThePlanAndRunOneByOneWhereEveryBitCounts) {
    add("a", "code=100 activation=200 weights=1");
    options_.augmentation = {.rotation_degrees = 5};
    Engine engine = open();
    EXPECT_EQ(engine.plan(4).batch_size, 12U);
    EXPECT_EQ(engine.plan(Engine::kMaxBatch).batch_size, Engine::kMaxBatch);
    options_.is_deterministic = true;
    Engine one_by_one = open();
    (void)one_by_one.run(ramp());
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(1, 1, 1));
}

TEST_F(EngineAugmentationTest, ViewsThatDoNotFitTogetherRunInParts) {
    add("a", "code=100 activation=200 weights=1 sees=5");
    options_.augmentation = {.shift = 0.25, .rotation_degrees = 5};
    SimulatedDevice::instance().batch_max = 2;
    Engine engine = open();
    const Diagnosis in_parts = engine.run(ramp());
    EXPECT_EQ(in_parts.trace.front().kind, TraceKind::Open);
    SimulatedDevice::reset();
    Engine whole = open();
    EXPECT_EQ(whole.run(ramp()).probabilities, in_parts.probabilities);
}

TEST_F(EngineAugmentationTest, ADiagnosisTellsOfIt) {
    add("a", "sees=5 weights=1");
    Engine plain = open();
    options_.augmentation = {.shift = 0.1};
    Engine augmented = open();
    const Diagnosis with = augmented.run(ramp());
    const Diagnosis without = plain.run(ramp());
    EXPECT_EQ(with.augmentation, options_.augmentation);
    EXPECT_EQ(without.augmentation, imaging::Augmentation{});
    EXPECT_NE(with.opinions[0].pipeline_hash, without.opinions[0].pipeline_hash);
    EXPECT_EQ(with.opinions[0].pipeline_hash.size(), 64U);
    EXPECT_EQ(nlohmann::json::parse(with.to_json())["augmentation"],
              (nlohmann::json{{"mirrors", false}, {"rotation_degrees", 0.0}, {"shift", 0.1}}));
}

TEST_F(EngineAugmentationTest, MembersStopEarlyByTheirMeans) {
    for (const std::string id : {"a", "b", "c"}) add(id, "first=1 weights=1");
    options_.augmentation = {.shift = 0.25};
    options_.early_stop = EarlyStopping::Lossless;
    Engine engine = open();
    const Diagnosis diagnosis = engine.run(ramp());
    EXPECT_EQ(diagnosis.label, "Normal");
    EXPECT_TRUE(diagnosis.opinions[2].is_skipped);
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(5, 5));
}

TEST_F(EngineAugmentationTest, WhatIsOutOfRangeIsRefused) {
    add("a", "sees=5 weights=1");
    options_.augmentation = {.shift = 0.5};
    EXPECT_THROW((void)open(), core::InvalidArgument);
}

TEST_F(EngineAugmentationTest, OneMemberCanBeAskedAlone) {
    add("a", "sees=5 weights=1");
    add("b", "sees=6 weights=1");
    Engine engine = open();
    const Inputs inputs = engine.prepare(ramp());
    const auto outcomes = engine.run_batch({&inputs, 1}, {.only_member = 1});
    EXPECT_TRUE(outcomes[0].diagnosis.opinions[0].is_skipped);
    EXPECT_EQ(outcomes[0].diagnosis.probabilities, outcomes[0].diagnosis.opinions[1].probabilities);
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(1));
    EXPECT_THROW((void)engine.run_batch({&inputs, 1}, {.only_member = 2}), core::InvalidArgument);
}

}  // namespace
}  // namespace consilia::inference
