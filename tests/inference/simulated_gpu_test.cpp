// The engine on GPUs of 2 to 80 GB that are simulated: plans, batches and steps down in virtual time.
#include "inference/engine_fixture.hpp"

namespace consilia::inference {
namespace {

using test::PackageSpec;
using test::SimulatedDevice;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = 1 << 30;

class SimulatedGpuTest : public EngineFixture {
protected:
    void SetUp() override {
        EngineFixture::SetUp();
        SimulatedDevice& gpu = SimulatedDevice::instance();
        gpu.clock = &clock_;
        gpu.upload_bytes_per_us = 12'000;  // 12 GB/s, as PCIe 3 × 16 has it.
        options_.device = "gpu:0";
        options_.backends = {test::simulated_gpu()};
        options_.clock = &clock_;
        options_.can_prefetch = false;  // Two things at once have no order in virtual time.
    }
    /// A card of this size, of which the driver takes half a gigabyte.
    void use_card(std::uint64_t bytes) {
        SimulatedDevice::instance().total_bytes = bytes;
        options_.budget_bytes = bytes - kGiB / 2;
    }
    void add_member(const std::string& id, std::uint64_t weights_bytes, const std::string& code,
                    std::uint64_t activation_bytes = 0) {
        add({.id = id,
             .code = code,
             .weights_bytes = weights_bytes,
             .is_sparse = true,
             .activation_bytes = activation_bytes});
    }
    /// Of the founding use, sizes and times in proportion to what a card was measured to take.
    void add_six() {
        const struct {
            const char* id;
            std::uint64_t weights_mib;
            std::uint64_t each_mib;
            int each_us;
        } six[] = {{"resnet50", 98, 22, 400}, {"densenet121", 31, 26, 450}, {"efficientnet", 20, 30, 250},
                   {"swin_t", 110, 28, 500},  {"crossvit", 103, 24, 550},   {"vit_b16", 336, 20, 900}};
        for (const auto& each : six) {
            add_member(each.id, each.weights_mib * kMiB,
                       "weights=1 code=" + std::to_string(8 * kMiB) +
                           " each=" + std::to_string(each.each_mib * kMiB) +
                           " open_ms=150 run_ms=4 each_us=" + std::to_string(each.each_us),
                       each.each_mib * kMiB);
        }
    }
    /// What a batch takes once plans have settled, virtual milliseconds.
    double steady_ms(Engine& engine, unsigned batch) {
        const std::vector<Inputs> inputs = images(engine, batch);
        double last_ms = 0;
        double before_ms = 0;
        for (int pass = 0; pass < 22; ++pass) {  // Plans are made anew after 4 and after 16.
            const core::Timestamp begin = clock_.now();
            for (const BatchOutcome& outcome : engine.run_batch(inputs)) {
                EXPECT_FALSE(outcome.error);
                EXPECT_THAT(error_codes(outcome.diagnosis), Each(std::string()));
            }
            // What the first pass took had not been known before.
            if (pass == 0) SimulatedDevice::instance().peak_bytes = SimulatedDevice::instance().held_bytes;
            before_ms = last_ms;
            last_ms = static_cast<double>((clock_.now().microseconds - begin.microseconds)) / 1000;
        }
        EXPECT_LE(engine.memory().peak_bytes, engine.memory().budget_bytes);
        EXPECT_LE(SimulatedDevice::instance().peak_bytes, engine.memory().budget_bytes);
        return (before_ms + last_ms) / 2;  // A pass there and one back.
    }

    core::ManualClock clock_{{0}};
    EngineOptions options_;
};

TEST_F(SimulatedGpuTest, EveryCardTakesWhatWasPlannedForIt) {
    add_six();
    double before_ms = std::numeric_limits<double>::infinity();
    for (const std::uint64_t card :
         {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{8}, std::uint64_t{24}, std::uint64_t{80}}) {
        SCOPED_TRACE(std::to_string(card) + " GB");
        SimulatedDevice::reset();
        SetUp();
        use_card(card * kGiB);
        Engine engine(packages_, options_);
        const double ms = steady_ms(engine, 256);
        const Plan plan = engine.plan(256);
        const double batches = 256.0 / static_cast<double>(plan.batch_size);
        double planned_ms = 0;
        for (const PlannedMember& member : plan.members) {
            planned_ms += member.reload_ms + member.cost.run_ms * batches;
        }
        EXPECT_NEAR(planned_ms / ms, 1, 0.02);
        EXPECT_LE(plan.peak_bytes, options_.budget_bytes);
        EXPECT_LE(ms, before_ms * 1.001);  // A larger card is never slower.
        before_ms = ms;
        RecordProperty("batch_" + std::to_string(card), std::to_string(plan.batch_size));
    }
}

TEST_F(SimulatedGpuTest, PanelsLargerThanTheCardComeInAsSeldomAsCanBe) {
    for (int i = 0; i < 6; ++i) {
        add_member("large" + std::to_string(i), 0,
                   "code=" + std::to_string(6 * kGiB) + " open_ms=2000 run_ms=100");
    }
    // Of six, one, three and all are on the card when a pass ends, and the next begins with them.
    for (const auto& [card, opened] : {std::pair{8, 5}, {24, 3}, {80, 0}}) {
        SCOPED_TRACE(std::to_string(card) + " GB");
        SimulatedDevice::reset();
        SetUp();
        use_card(static_cast<std::uint64_t>(card) * kGiB);
        Engine engine(packages_, options_);
        EXPECT_EQ(steady_ms(engine, 1), 6 * 100 + opened * 2000);
        EXPECT_EQ(engine.plan().pass_ms, 6 * 100 + opened * 2000);
    }
}

TEST_F(SimulatedGpuTest, WhatAnotherProcessTakesIsGoneForAWhile) {
    add_six();
    use_card(8 * kGiB);
    Engine engine(packages_, options_);
    const double before_ms = steady_ms(engine, 64);
    SimulatedDevice& gpu = SimulatedDevice::instance();
    gpu.foreign_bytes = 7 * kGiB;  // What is held stays; nothing more than a gigabyte can be had.
    const std::vector<Inputs> inputs = images(engine, 64);
    std::vector<std::string> steps;
    for (int pass = 0; pass < 10; ++pass) {
        for (const BatchOutcome& outcome : engine.run_batch(inputs)) {
            ASSERT_FALSE(outcome.error);
            EXPECT_THAT(error_codes(outcome.diagnosis), Each(std::string()));
        }
        const auto last = engine.run_batch(inputs);
        for (const std::string& note : notes(last.front().diagnosis)) steps.push_back(note);
    }
    EXPECT_LE(gpu.held_bytes + gpu.foreign_bytes, gpu.total_bytes);
    gpu.foreign_bytes = 0;
    for (int pass = 0; pass < 200; ++pass) (void)engine.run_batch(inputs);
    EXPECT_NEAR(steady_ms(engine, 64), before_ms, before_ms * 0.01);
}

TEST_F(SimulatedGpuTest, AMemberThatNoStepBringsOnTheCardRunsOnTheProcessor) {
    add_member("large", 0, "code=" + std::to_string(3 * kGiB));
    add_member("small", 64 * kMiB, "weights=1 code=1000");
    use_card(2 * kGiB);
    options_.may_use_processor = true;
    Engine engine(packages_, options_);
    const Diagnosis diagnosis = engine.run(image());
    EXPECT_THAT(error_codes(diagnosis), Each(std::string()));
    EXPECT_EQ(diagnosis.opinions[0].device, "cpu");
    EXPECT_EQ(diagnosis.opinions[1].device, "gpu:0");
    EXPECT_THAT(notes(diagnosis), ElementsAre("released what others kept", "device cpu"));
}

TEST_F(SimulatedGpuTest, WhatRunsOnTheProcessorTakesNoRoomOfTheCard) {
    add_member("beside", 0,
               "measures=1 code=" + std::to_string(2 * kGiB) + " activation=" + std::to_string(kGiB));
    add_member("first", 256 * kMiB, "weights=1 code=1000");
    add_member("second", 512 * kMiB, "weights=1 code=1000");
    use_card(2 * kGiB);
    options_.may_use_processor = true;
    Engine engine(packages_, options_);
    for (int pass = 0; pass < 2; ++pass) (void)engine.run(image());
    const Diagnosis diagnosis = engine.run(image());
    EXPECT_EQ(diagnosis.opinions[0].device, "cpu");
    EXPECT_TRUE(diagnosis.opinions[1].was_resident);
    EXPECT_TRUE(diagnosis.opinions[2].was_resident);
}

TEST_F(SimulatedGpuTest, AllMemoryComesBack) {
    add_six();
    use_card(2 * kGiB);
    {
        Engine engine(packages_, options_);
        (void)steady_ms(engine, 8);
        engine.release_memory();
        EXPECT_EQ(SimulatedDevice::instance().held_bytes, 0U);
        (void)engine.run(image());
    }
    EXPECT_EQ(SimulatedDevice::instance().held_bytes, 0U);
    EXPECT_THAT(SimulatedDevice::instance().blocks, IsEmpty());
}

}  // namespace
}  // namespace consilia::inference
