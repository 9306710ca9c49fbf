// Batches, early stopping, stepping down and profiles of an engine, against the simulated backend.
#include <cmath>
#include <thread>

#include "consilia/core/error.hpp"
#include "inference/engine_fixture.hpp"

namespace consilia::inference {
namespace {

using test::PackageSpec;
using test::SimulatedDevice;
using testing::Each;
using testing::ElementsAre;

class EngineBatchTest : public EngineFixture {
protected:
    void SetUp() override {
        EngineFixture::SetUp();
        options_.budget_bytes = 1 << 20;
        options_.backends = {test::simulated_backend()};
    }
    void add(const std::string& id, const std::string& code = "code=100 activation=200 weights=1") {
        EngineFixture::add({.id = id, .code = code, .seed = seed_++});
    }
    [[nodiscard]] Engine open() const { return Engine(packages_, options_); }
    static std::string code_of(const BatchOutcome& outcome) {
        try {
            if (outcome.error) std::rethrow_exception(outcome.error);
        } catch (const core::Error& error) {
            return error.code();
        }
        return "";
    }

    EngineOptions options_;
    unsigned seed_ = 1;
};

TEST_F(EngineBatchTest, EveryImageGetsWhatItGetsAlone) {
    add("a");
    add("b");
    Engine engine = open();
    const std::vector<Inputs> batch = images(engine, 5);
    const auto together = engine.run_batch(batch);
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(5, 5));
    ASSERT_EQ(together.size(), 5U);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto alone = engine.run_batch({&batch[i], 1});
        EXPECT_EQ(together[i].diagnosis.probabilities, alone[0].diagnosis.probabilities);
        EXPECT_EQ(together[i].diagnosis.batch_size, 5U);
    }
    EXPECT_NE(together[0].diagnosis.probabilities, together[1].diagnosis.probabilities);
}

TEST_F(EngineBatchTest, RunsImagesOneByOneWhereEveryBitCounts) {
    add("a");
    options_.is_deterministic = true;
    Engine engine = open();
    const auto outcomes = engine.run_batch(images(engine, 3));
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(1, 1, 1));
    EXPECT_TRUE(outcomes[2].diagnosis.is_deterministic);
}

TEST_F(EngineBatchTest, OneThatIsCancelledLeavesTheOthersAlone) {
    add("a");
    add("b");
    Engine engine = open();
    std::size_t members_done = 0;
    BatchOptions run;
    run.progress = [&](const BatchProgress& at) { members_done = at.members_done; };
    run.is_cancelled = [&](std::size_t item) { return item == 1 && members_done == 1; };
    const auto outcomes = engine.run_batch(images(engine, 3), run);
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(3, 2));
    EXPECT_EQ(code_of(outcomes[0]), "");
    EXPECT_EQ(code_of(outcomes[1]), "run.cancelled");
    EXPECT_EQ(code_of(outcomes[2]), "");
}

TEST_F(EngineBatchTest, RefusesWhatIsNoBatch) {
    add("a");
    Engine engine = open();
    const std::vector<Inputs> others(1);
    for (const std::span<const Inputs> batch : {std::span<const Inputs>(), std::span<const Inputs>(others)}) {
        try {
            (void)engine.run_batch(batch);
            ADD_FAILURE() << "was run";
        } catch (const core::InvalidArgument& error) {
            EXPECT_EQ(error.code(), "engine.batch");
        }
    }
}

TEST_F(EngineBatchTest, AnImageThatCannotBePreparedIsItsOwnFailure) {
    add("a");
    Engine engine = open();
    const std::vector<Inputs> ready = images(engine, 4);
    const auto prepare_one = [&](std::size_t place) {
        if (place == 1) throw core::ValidationError("image.damaged", "cannot be read");
        return ready[place];
    };
    BatchOptions run;
    run.is_cancelled = [](std::size_t image) { return image == 2; };
    const auto outcomes = engine.run_batch(4, prepare_one, run);
    EXPECT_THAT(SimulatedDevice::instance().batches, ElementsAre(2));
    EXPECT_EQ(code_of(outcomes[0]), "");
    EXPECT_EQ(code_of(outcomes[1]), "image.damaged");
    EXPECT_EQ(code_of(outcomes[2]), "run.cancelled");
    EXPECT_EQ(outcomes[3].diagnosis.probabilities,
              engine.run_batch({&ready[3], 1})[0].diagnosis.probabilities);
    EXPECT_THROW((void)engine.run_batch(Engine::kMaxBatch + 1, prepare_one), core::InvalidArgument);
}

TEST_F(EngineBatchTest, PreparesBesideARunningMember) {
    add("a");
    Engine engine = open();
    const std::vector<Inputs> batch = images(engine, 1);
    BatchOptions run;
    run.is_cancelled = [&](std::size_t) { return images(engine, 1).empty(); };
    EXPECT_EQ(code_of(engine.run_batch(batch, run)[0]), "");
}

TEST_F(EngineBatchTest, StopsEarlyWithTheSameDiagnosis) {
    for (const char* id : {"a", "b", "c", "d", "e"}) add(id, "code=100 activation=200 weights=1 first=2");
    const Diagnosis whole = open().run([](const Manifest& manifest) {
        return std::make_shared<const imaging::Tensor>(
            imaging::Tensor{manifest.input_shape, imaging::Layout::Chw, std::vector<float>(16)});
    });
    options_.early_stop = EarlyStopping::Lossless;
    Engine engine = open();
    SimulatedDevice::instance().runs = 0;
    const auto outcomes = engine.run_batch(images(engine, 2));
    for (const BatchOutcome& outcome : outcomes) {
        const Diagnosis& diagnosis = outcome.diagnosis;
        EXPECT_EQ(diagnosis.label, whole.label);
        EXPECT_FALSE(diagnosis.opinions[0].is_skipped);
        EXPECT_TRUE(diagnosis.opinions[4].is_skipped);
        EXPECT_EQ(diagnosis.opinions[4].error_code, "");
    }
    EXPECT_LT(SimulatedDevice::instance().runs, 5);
}

TEST_F(EngineBatchTest, TakesAnOpinionModelOfItsOwnPanelOnly) {
    add("a");
    add("b");
    OpinionModel model;
    model.member_ids = {"a", "b"};
    model.classes = PackageSpec().classes;
    model.weights = {1, 3};
    model.conformal = ConformalSets{.threshold = 1};
    options_.opinion_model = std::make_shared<const OpinionModel>(model);
    Engine engine = open();
    const auto outcomes = engine.run_batch(images(engine, 1));
    EXPECT_EQ(outcomes[0].diagnosis.opinion_model_hash, model.hash());
    EXPECT_FALSE(outcomes[0].diagnosis.conformal_set.empty());

    model.member_ids = {"b", "a"};
    options_.opinion_model = std::make_shared<const OpinionModel>(model);
    EXPECT_THROW(open(), core::InvalidArgument);
}

TEST_F(EngineBatchTest, HalvesTheBatchThatTheDeviceRefusesAndRecovers) {
    add("a");
    Engine engine = open();
    SimulatedDevice& device = SimulatedDevice::instance();
    device.batch_max = 3;
    const std::vector<Inputs> batch = images(engine, 8);
    const auto outcomes = engine.run_batch(batch);
    for (const BatchOutcome& outcome : outcomes) EXPECT_EQ(code_of(outcome), "");
    EXPECT_THAT(device.batches, ElementsAre(2, 2, 2, 2));
    EXPECT_THAT(notes(outcomes[0].diagnosis), ElementsAre("released what others kept", "batch 4", "batch 2"));
    device.batch_max = 0;
    device.batches.clear();
    int passes = 0;
    do {
        (void)engine.run_batch(batch);
    } while (++passes < 400 && device.batches.back() != 8);
    EXPECT_EQ(device.batches.back(), 8);
}

TEST_F(EngineBatchTest, LowersThePrecisionWhereThatIsAllowed) {
    add("a");
    SimulatedDevice& device = SimulatedDevice::instance();
    device.refused_runs = 2;
    Engine strict = open();
    const auto refused = strict.run_batch(images(strict, 1));
    EXPECT_EQ(code_of(refused[0]), "ensemble.no_opinion");

    device.refused_runs = 2;
    options_.lower_precision = Precision::Bf16;
    Engine engine = open();
    const auto outcomes = engine.run_batch(images(engine, 1));
    EXPECT_EQ(outcomes[0].diagnosis.opinions[0].precision, "bf16");
    EXPECT_THAT(notes(outcomes[0].diagnosis), ElementsAre("released what others kept", "precision bf16"));
    EXPECT_EQ(device.precisions.back(), CONSILIA_PRECISION_BF16);
    for (int i = 0; i < 40; ++i) (void)engine.run_batch(images(engine, 1));
    EXPECT_EQ(engine.run_batch(images(engine, 1))[0].diagnosis.opinions[0].precision, "f32");
}

TEST_F(EngineBatchTest, AMemberThatKnowsOnePrecisionIsNotLostByTryingAnother) {
    add("a", "code=100 activation=200 weights=1 fail=lower");
    options_.lower_precision = Precision::Bf16;
    Engine engine = open();
    SimulatedDevice& device = SimulatedDevice::instance();
    device.refused_runs = 3;
    const auto refused = engine.run_batch(images(engine, 1));
    EXPECT_EQ(code_of(refused[0]), "ensemble.no_opinion");
    EXPECT_TRUE(engine.members()[0].is_ready());
    device.refused_runs = 0;
    EXPECT_EQ(engine.run_batch(images(engine, 1))[0].diagnosis.opinions[0].precision, "f32");
}

TEST_F(EngineBatchTest, ABatchThatDoesNotFitTheBudgetRunsInParts) {
    add("a", "code=100 activation=3000 weights=1");
    options_.budget_bytes = 640 + 100 + 7000;
    Engine engine = open();
    const auto outcomes = engine.run_batch(images(engine, 6));
    for (const BatchOutcome& outcome : outcomes) EXPECT_EQ(code_of(outcome), "");
    EXPECT_LE(engine.memory().peak_bytes, options_.budget_bytes);
}

TEST_F(EngineBatchTest, PrefetchingChangesNoBitAndKeepsTheBudget) {
    for (const char* id : {"a", "b", "c", "d"}) add(id);
    options_.budget_bytes = 2 * 640 + 4 * 100 + 250;
    Engine plain = open();
    options_.can_prefetch = true;
    Engine ahead = open();
    const std::vector<Inputs> batch = images(plain, 2);
    bool has_prefetched = false;
    for (int pass = 0; pass < 6; ++pass) {
        const auto expected = plain.run_batch(batch);
        const auto found = ahead.run_batch(batch);
        EXPECT_EQ(found[1].diagnosis.probabilities, expected[1].diagnosis.probabilities);
        for (const TraceEvent& event : found[0].diagnosis.trace) has_prefetched |= event.note == "prefetch";
    }
    EXPECT_TRUE(has_prefetched);
    EXPECT_LE(ahead.memory().peak_bytes, options_.budget_bytes);
}

TEST_F(EngineBatchTest, WhatWasMeasuredIsKnownToTheNextEngine) {
    add("a", "code=100 activation=200 weights=1");
    options_.profile_directory = directory_.path() / "profiles";
    const std::vector<std::size_t> batches = {1, 4};
    Engine first = open();
    first.warm_up(batches);
    Engine second = open();
    (void)second.run_batch(
        images(second, 1));  // The backend, and with it the key, is known at the first run.
    EXPECT_EQ(second.plan(4).members[0].cost.activation_bytes, 200U);
    EXPECT_THROW(second.warm_up(std::vector<std::size_t>{0}), core::InvalidArgument);
}

TEST_F(EngineBatchTest, GivesMemoryBackWhenNothingHasRunForAWhile) {
    add("a");
    options_.idle_release = std::chrono::milliseconds(1);
    Engine engine = open();
    (void)engine.run_batch(images(engine, 1));
    while (engine.memory().held_bytes > 0) std::this_thread::yield();
    EXPECT_EQ(code_of(engine.run_batch(images(engine, 1))[0]), "");
}

TEST_F(EngineBatchTest, TellsTheDriftMonitorOfEachDiagnosis) {
    add("a", "weights=1 first=1");
    add("b", "weights=1 first=1");
    options_.drift = std::make_shared<DriftMonitor>(DriftOptions{.bins = 4, .reference_size = 3});
    Engine engine = open();
    engine.warm_up(std::vector<std::size_t>{1, 2});  // Of no image: not counted.
    const std::vector<BatchOutcome> outcomes = engine.run_batch(images(engine, 3));
    const Diagnosis diagnosis = engine.run(image());
    const auto found = [&](const std::string& series) { return options_.drift->statistics(series); };
    EXPECT_EQ(found("opinion.confidence").reference_count, 3U);
    EXPECT_NEAR(found("opinion.confidence").reference_mean,
                (outcomes[0].diagnosis.confidence + outcomes[1].diagnosis.confidence +
                 outcomes[2].diagnosis.confidence) /
                    3,
                1e-12);
    EXPECT_EQ(found("opinion.confidence").window_mean, diagnosis.confidence);
    EXPECT_EQ(found("member.b.confidence").window_mean, diagnosis.opinions[1].confidence);
    EXPECT_EQ(found("opinion.disagreement").window_mean, 0);
    EXPECT_EQ(found("opinion.label.Normal").window_mean, 1);
    EXPECT_EQ(found("opinion.label.COVID").reference_mean, 0);
    // Pixels 0 to 15 of 255: a mean of 7.5, a deviation of sqrt((16² - 1) / 12).
    EXPECT_NEAR(found("input.mean").window_mean, 7.5 / 255, 1e-7);
    EXPECT_NEAR(found("input.deviation").window_mean, std::sqrt(255.0 / 12) / 255, 1e-7);
}

TEST_F(EngineBatchTest, AMonitorThatGoesOnFromAFileLosesNoDiagnosis) {
    add("a");
    options_.drift = std::make_shared<DriftMonitor>();
    Engine engine = open();
    options_.drift->read_json(DriftMonitor().to_json());  // Without any series.
    EXPECT_EQ(code_of(engine.run_batch(images(engine, 1)).front()), "");
    EXPECT_THAT(options_.drift->series(), testing::IsEmpty());
    Engine again = open();  // Declares what is missing, and finds the rest.
    Engine third = open();
    (void)third.run(image());
    EXPECT_EQ(options_.drift->statistics("opinion.entropy").reference_count, 1U);
}

TEST_F(EngineBatchTest, RefusesAPlanForNoBatch) {
    add("a");
    Engine engine = open();
    EXPECT_THROW((void)engine.plan(0), core::InvalidArgument);
    EXPECT_THROW((void)engine.plan(Engine::kMaxBatch + 1), core::InvalidArgument);
}

}  // namespace
}  // namespace consilia::inference
