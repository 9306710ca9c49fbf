// Heat maps and their masks, against members that see one pixel and against sums written out.
#include "consilia/inference/heat_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "consilia/core/error.hpp"
#include "inference/engine_fixture.hpp"
#include "inference/heat_masks.hpp"

namespace consilia::inference {
namespace {

using test::SimulatedDevice;
using testing::ElementsAre;

constexpr int kSide = 8;

class HeatMapTest : public EngineFixture {
protected:
    void SetUp() override {
        EngineFixture::SetUp();
        options_.budget_bytes = 1 << 20;
        options_.backends = {test::simulated_backend()};
    }
    void add(const std::string& id, const std::string& code, int side = kSide) {
        EngineFixture::add({.id = id, .code = code, .side = side});
    }
    [[nodiscard]] Engine open() const { return Engine(packages_, options_); }
    /// White on black in the place that `row` and `column` name in eighths of the image.
    static imaging::Image spot(int row, int column) {
        imaging::Image image{kSide, kSide, 1, std::vector<std::uint8_t>(kSide * kSide)};
        image.pixels[static_cast<std::size_t>(row * kSide + column)] = 255;
        return image;
    }
    static std::size_t hottest(const HeatMap& map) {
        return static_cast<std::size_t>(std::ranges::max_element(map.values) - map.values.begin());
    }
    static std::string code_of(Engine& engine, const HeatMapOptions& options) {
        try {
            (void)explain(engine, engine.prepare(spot(0, 0)), options);
        } catch (const core::Error& error) {
            return error.code();
        }
        return "";
    }

    EngineOptions options_;
};

TEST_F(HeatMapTest, OcclusionIsHottestWhereTheMemberLooks) {
    add("corner", "sees=63 weights=1");
    Engine engine = open();
    const HeatMap map = explain(engine, engine.prepare(spot(7, 7)),
                                {.member_id = "corner", .fill = 0.0F, .window = 1, .stride = 1});
    EXPECT_EQ(map.width, kSide);
    EXPECT_EQ(map.height, kSide);
    EXPECT_EQ(map.masks, 64U);
    EXPECT_EQ(map.class_name, "COVID");
    EXPECT_EQ(hottest(map), 63U);
    // Softmax of (4, 0, 0, 0) with the pixel and of four zeros without.
    const double seen = std::exp(4.0) / (std::exp(4.0) + 3);
    EXPECT_NEAR(map.probability, seen, 1e-6);
    EXPECT_NEAR(map.max, seen - 0.25, 1e-6);
    for (std::size_t i = 0; i < 63; ++i) EXPECT_EQ(map.values[i], 0);
    EXPECT_EQ(map.min, 0);
}

TEST_F(HeatMapTest, OcclusionAveragesTheWindowsThatCoverAPixel) {
    add("corner", "sees=0 weights=1");
    Engine engine = open();
    const HeatMap map = explain(engine, engine.prepare(spot(0, 0)), {.fill = 0.0F, .window = 3, .stride = 2});
    // Windows begin at 0, 2, 4 and, to end at the edge, at 5; only the first of each side covers the corner.
    EXPECT_EQ(map.masks, 16U);
    const double drop = std::exp(4.0) / (std::exp(4.0) + 3) - 0.25;
    const auto at = [&](std::size_t y, std::size_t x) { return map.values[y * kSide + x]; };
    EXPECT_NEAR(at(0, 0), drop, 1e-6);
    EXPECT_NEAR(at(1, 1), drop, 1e-6);
    EXPECT_NEAR(at(0, 2), drop / 2, 1e-6);  // Under two windows.
    EXPECT_NEAR(at(2, 2), drop / 4, 1e-6);  // Under four.
    EXPECT_EQ(at(3, 3), 0);
}

TEST_F(HeatMapTest, CoveringCanRaiseAProbability) {
    add("corner", "sees=0 weights=1");
    Engine engine = open();
    const HeatMap map = explain(engine, engine.prepare(spot(0, 0)), {.class_name = "Normal", .fill = 0.0F});
    EXPECT_LT(map.min, 0);
    EXPECT_EQ(map.max, 0);
    EXPECT_EQ(map.class_name, "Normal");
    // Nothing speaks for the class, so nothing is drawn.
    const imaging::Image drawn = map.draw_over(spot(0, 0), 1.0);
    EXPECT_EQ(drawn.pixels[0], 255);
    EXPECT_EQ(drawn.pixels[3], 0);
}

TEST_F(HeatMapTest, RandomMasksAreHottestWhereTheMemberLooks) {
    for (const std::string place : {"0", "7", "35", "63"}) {
        add("m" + place, "sees=" + place + " weights=1");
    }
    Engine engine = open();
    imaging::Image white{kSide, kSide, 1, std::vector<std::uint8_t>(kSide * kSide, 255)};
    for (const std::size_t place : {0U, 7U, 35U, 63U}) {
        const HeatMap map = explain(engine, engine.prepare(white),
                                    {.method = HeatMapMethod::RandomMasks,
                                     .member_id = "m" + std::to_string(place),
                                     .fill = 0.0F,
                                     .cells = 4});
        EXPECT_EQ(map.masks, 1000U);
        EXPECT_EQ(hottest(map), place);
        EXPECT_GE(map.min, 0);
        EXPECT_LE(map.max, 1);
    }
}

TEST_F(HeatMapTest, RandomMasksAreThoseOfTheirSeed) {
    add("corner", "sees=0 weights=1");
    Engine engine = open();
    const auto values = [&](std::uint64_t seed, std::size_t batch_max) {
        return explain(
                   engine, engine.prepare(spot(0, 0)),
                   {.method = HeatMapMethod::RandomMasks, .masks = 20, .seed = seed, .batch_max = batch_max})
            .values;
    };
    EXPECT_EQ(values(1, 16), values(1, 3));
    EXPECT_NE(values(1, 16), values(2, 16));
}

TEST_F(HeatMapTest, ThePanelIsExplainedByItsPooledProbability) {
    add("first", "sees=0 weights=1");
    add("last", "sees=63 weights=1");
    Engine engine = open();
    imaging::Image both = spot(0, 0);
    both.pixels[63] = 255;
    const HeatMap map = explain(engine, engine.prepare(both), {.fill = 0.0F, .window = 1, .stride = 1});
    const double drop = (std::exp(4.0) / (std::exp(4.0) + 3) - 0.25) / 2;
    EXPECT_NEAR(map.values[0], drop, 1e-6);
    EXPECT_NEAR(map.values[63], drop, 1e-6);
    EXPECT_EQ(map.values[5], 0);
    EXPECT_EQ(map.member_id, "");
    EXPECT_NEAR(map.probability, map.diagnosis.confidence, 1e-12);
}

TEST_F(HeatMapTest, InputsOfAnotherResolutionAreCoveredAtTheSamePlace) {
    add("fine", "sees=63 weights=1");
    add("coarse", "sees=15 weights=1", 4);
    Engine engine = open();
    const imaging::Image white{kSide, kSide, 1, std::vector<std::uint8_t>(kSide * kSide, 255)};
    const HeatMap map = explain(engine, engine.prepare(white), {.fill = 0.0F, .window = 2, .stride = 2});
    EXPECT_EQ(map.width, kSide);
    EXPECT_NEAR(map.values[63], std::exp(4.0) / (std::exp(4.0) + 3) - 0.25, 1e-6);  // Both lost it.
    EXPECT_EQ(map.values[0], 0);
}

TEST_F(HeatMapTest, OnlyTheMemberThatIsExplainedIsAsked) {
    add("a", "sees=0 weights=1");
    add("b", "sees=63 weights=1");
    Engine engine = open();
    const HeatMap map = explain(engine, engine.prepare(spot(7, 7)),
                                {.member_id = "b", .window = 4, .stride = 4, .batch_max = 3});
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(1, 3, 1));
    EXPECT_TRUE(map.diagnosis.opinions[0].is_skipped);
    EXPECT_EQ(map.diagnosis.label, map.diagnosis.opinions[1].label);
}

TEST_F(HeatMapTest, EarlyStoppingIsLeftOut) {
    for (const std::string id : {"a", "b", "c"}) add(id, "sees=0 weights=1");
    options_.early_stop = EarlyStopping::Lossless;
    Engine engine = open();
    const HeatMap map = explain(engine, engine.prepare(spot(0, 0)), {.window = 4, .stride = 4});
    for (const Opinion& opinion : map.diagnosis.opinions) EXPECT_TRUE(opinion.is_given());
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(1, 1, 1, 4, 4, 4));
}

TEST_F(HeatMapTest, ADriftMonitorIsNotTold) {
    add("a", "sees=0 weights=1");
    options_.drift = std::make_shared<DriftMonitor>();
    Engine engine = open();
    (void)explain(engine, engine.prepare(spot(0, 0)), {.window = 4, .stride = 4});
    EXPECT_EQ(options_.drift->statistics("opinion.entropy").reference_count, 0U);
    (void)engine.run(spot(0, 0));
    EXPECT_EQ(options_.drift->statistics("opinion.entropy").reference_count, 1U);
}

TEST_F(HeatMapTest, AMemberThatCannotAnswerIsLeftOutOfThePanel) {
    add("a", "sees=0 weights=1");
    add("broken", "fail=run weights=1");
    Engine engine = open();
    const HeatMap map = explain(engine, engine.prepare(spot(0, 0)), {.fill = 0.0F, .window = 1, .stride = 1});
    EXPECT_EQ(hottest(map), 0U);
    EXPECT_EQ(map.diagnosis.opinions[1].error_code, "member.run_failed");
    EXPECT_EQ(code_of(engine, {.member_id = "broken"}), "ensemble.no_opinion");
}

TEST_F(HeatMapTest, AMemberThatFailsUnderAMaskEndsIt) {
    add("a", "sees=0 weights=1");
    add("b", "sees=0 weights=1");
    Engine engine = open();
    SimulatedDevice::instance().fail_run_after = 3;  // Two for the image, then the second under masks.
    EXPECT_EQ(code_of(engine, {}), "heat_map.member_failed");
}

TEST_F(HeatMapTest, CanBeStoppedBetweenMembers) {
    add("a", "sees=0 weights=1");
    add("b", "sees=0 weights=1");
    Engine engine = open();
    std::vector<std::size_t> done;
    HeatMapOptions options{.window = 2, .stride = 2, .batch_max = 4};
    options.progress = [&](const HeatMapProgress& at) {
        done.push_back(at.masks_done);
        EXPECT_EQ(at.masks_total, 16U);
        return true;
    };
    (void)explain(engine, engine.prepare(spot(0, 0)), options);
    EXPECT_THAT(done, ElementsAre(0, 4, 4, 8, 8, 12, 12, 16));
    SimulatedDevice::instance().batches.clear();
    int calls = 0;
    options.progress = [&](const HeatMapProgress&) { return ++calls < 3; };
    EXPECT_EQ(code_of(engine, options), "run.cancelled");
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(1, 1, 4, 4, 4));
}

TEST_F(HeatMapTest, StaysWithinTheBudget) {
    add("a", "code=100 activation=3000 weights=1 sees=0");
    add("b", "code=100 activation=3000 weights=1 sees=0");
    options_.budget_bytes = 4200;
    Engine engine = open();
    (void)explain(engine, engine.prepare(spot(0, 0)));
    EXPECT_LE(engine.memory().peak_bytes, 4200U);
    EXPECT_LE(SimulatedDevice::instance().peak_bytes, 4200U);
}

TEST_F(HeatMapTest, RefusesWhatHasNoMeaningAndNamesIt) {
    add("a", "sees=0 weights=1");
    Engine engine = open();
    EXPECT_EQ(code_of(engine, {.member_id = "none"}), "heat_map.member_id");
    EXPECT_EQ(code_of(engine, {.class_name = "Measles"}), "heat_map.class_name");
    EXPECT_EQ(code_of(engine, {.fill = std::numeric_limits<float>::quiet_NaN()}), "heat_map.fill");
    EXPECT_EQ(code_of(engine, {.window = 0}), "heat_map.window");
    EXPECT_EQ(code_of(engine, {.window = 9}), "heat_map.window");
    EXPECT_EQ(code_of(engine, {.window = 8}), "");
    EXPECT_EQ(code_of(engine, {.stride = 0}), "heat_map.stride");
    EXPECT_EQ(code_of(engine, {.window = 2, .stride = 3}), "heat_map.stride");
    EXPECT_EQ(code_of(engine, {.masks = 0}), "heat_map.masks");
    EXPECT_EQ(code_of(engine, {.masks = HeatMapOptions::kMaxMasks + 1}), "heat_map.masks");
    EXPECT_EQ(code_of(engine, {.cells = 0}), "heat_map.cells");
    EXPECT_EQ(code_of(engine, {.method = HeatMapMethod::RandomMasks, .cells = 9}), "heat_map.cells");
    EXPECT_EQ(code_of(engine, {.method = HeatMapMethod::RandomMasks, .masks = 1, .cells = 8}), "");
    EXPECT_EQ(code_of(engine, {.keep_probability = 1}), "heat_map.keep_probability");
    EXPECT_EQ(code_of(engine, {.batch_max = 0}), "heat_map.batch_max");
    EXPECT_EQ(code_of(engine, {.batch_max = Engine::kMaxBatch + 1}), "heat_map.batch_max");
    EXPECT_THROW((void)explain(engine, {}, {}), core::InvalidArgument);
    EXPECT_THROW((void)parse_heat_map_method("gradients"), core::InvalidArgument);
    EXPECT_EQ(parse_heat_map_method("random_masks"), HeatMapMethod::RandomMasks);
}

TEST_F(HeatMapTest, TellsWhatReproducesIt) {
    add("a", "sees=0 weights=1");
    Engine engine = open();
    const auto inputs = engine.prepare(spot(0, 0));
    const HeatMap map = explain(engine, inputs, {.member_id = "a"});
    const auto document = nlohmann::json::parse(map.to_json());
    EXPECT_EQ(document["method"], (nlohmann::json{{"name", "occlusion"},
                                                  {"algorithm_version", 1},
                                                  {"masks", 64},
                                                  {"fill", "mean"},
                                                  {"window", 1},
                                                  {"stride", 1}}));
    EXPECT_EQ(document["member_id"], "a");
    EXPECT_EQ(document["diagnosis"]["opinions"][0]["member_hash"], engine.members()[0].hash);
    EXPECT_EQ(map.input_hash.size(), 64U);
    const HeatMap again = explain(engine, inputs, {.member_id = "a"});
    EXPECT_EQ(again.values, map.values);
    EXPECT_EQ(again.input_hash, map.input_hash);
    const HeatMap other =
        explain(engine, inputs, {.method = HeatMapMethod::RandomMasks, .masks = 9, .seed = 3});
    const auto method = nlohmann::json::parse(other.to_json())["method"];
    EXPECT_EQ(method["seed"], 3);
    EXPECT_FALSE(method.contains("window"));
}

TEST_F(HeatMapTest, RoundingIsNotDrawnAsAFinding) {
    HeatMap map;
    map.width = map.height = 2;
    map.values = {0, 1e-7F, 0, 9e-5F};
    map.max = 9e-5F;
    EXPECT_EQ(map.draw(), imaging::Image({2, 2, 3, map.draw().pixels}));
    for (const std::uint8_t sample : map.draw().pixels) EXPECT_LT(sample, 8);
    map.values[3] = map.max = 2e-4F;
    EXPECT_GT(map.draw().pixels[9], 200);
}

TEST_F(HeatMapTest, ChanceIsNotDrawnAsAFindingEither) {
    // Every bit of the input changes the answer, and no place counts more than another.
    add("hash", "weights=1");
    Engine engine = open();
    const HeatMap map = explain(engine, engine.prepare(spot(3, 3)),
                                {.method = HeatMapMethod::RandomMasks, .masks = 400, .cells = 4});
    EXPECT_GT(map.noise, 0);
    EXPECT_GT(map.max - map.min, 2 * map.noise);
    EXPECT_LT(map.max - map.min, 8 * map.noise);
    for (const std::uint8_t sample : map.draw().pixels) EXPECT_LT(sample, 8);
    EXPECT_EQ(explain(engine, engine.prepare(spot(3, 3))).noise, 0);
}

TEST(HeatSum, TellsTheNoiseOfMasksThatAreDrawnByLot) {
    // Two masks over two pixels, weights 1 0 and 0 1, scores 0.2 and 0.6: deviations 0.2 and 0.5, mean 0.5.
    HeatSum sum(HeatMapMethod::RandomMasks, 1, 2);
    sum.add({1, 0}, 0.2);
    sum.add({0, 1}, 0.6);
    EXPECT_THAT(sum.values(), ElementsAre(testing::FloatEq(0.2F), testing::FloatEq(0.6F)));
    EXPECT_NEAR(sum.noise(), std::sqrt(0.04 * 0.25 / 2) / 0.5, 1e-12);
}

TEST(HeatSum, GivesPixelsThatNoMaskKeptTheMean) {
    HeatSum sum(HeatMapMethod::RandomMasks, 1, 2);
    sum.add({1, 0}, 0.2);
    sum.add({0.5F, 0}, 0.8);
    EXPECT_THAT(sum.values(), ElementsAre(testing::FloatEq(0.4F), testing::FloatEq(0.5F)));
}

TEST(HeatMasks, KeepEveryPixelWithTheSameProbability) {
    const HeatMapOptions options{.method = HeatMapMethod::RandomMasks, .masks = 4000, .cells = 3, .seed = 5};
    const HeatMasks masks(options, {6, 9});
    std::vector<double> kept(54);
    for (std::size_t i = 0; i < masks.size(); ++i) {
        const KeptPlane plane = masks.draw(i, {6, 9});
        for (std::size_t p = 0; p < kept.size(); ++p) {
            ASSERT_GE(plane[p], 0);
            ASSERT_LE(plane[p], 1);
            kept[p] += plane[p] / 4000.0;
        }
    }
    // Four standard errors of a mean whose deviation is at most a half.
    for (const double mean : kept) EXPECT_NEAR(mean, 0.5, 4 * 0.5 / std::sqrt(4000));
}

TEST(HeatMasks, AreTheSameOnEveryMachine) {
    // Computed in Python from the definitions.
    const HeatMapOptions options{.method = HeatMapMethod::RandomMasks, .masks = 2, .cells = 2, .seed = 42};
    const HeatMasks masks(options, {2, 3});
    EXPECT_THAT(masks.draw(0, {2, 3}),
                testing::Pointwise(testing::FloatNear(1e-6F),
                                   {0.908618F, 0.998817F, 0.906253F, 0.294387F, 0.853817F, 0.279715F}));
    EXPECT_NE(masks.draw(0, {2, 3}), masks.draw(1, {2, 3}));
}

}  // namespace
}  // namespace consilia::inference
