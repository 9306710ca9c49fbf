// The engine against a simulated backend, which counts for itself what memory is truly taken.
#include "consilia/inference/engine.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "consilia/core/error.hpp"
#include "inference/engine_fixture.hpp"

namespace consilia::inference {
namespace {

using test::PackageSpec;
using test::SimulatedDevice;
using testing::ElementsAre;

class EngineTest : public EngineFixture {
protected:
    /// Members of these sizes, `m0` first; their code file takes its own bytes while it is opened.
    void add_members(std::initializer_list<std::uint64_t> weights_bytes) {
        unsigned seed = 0;
        for (const std::uint64_t bytes : weights_bytes) {
            add({.id = "m" + std::to_string(seed),
                 .code = "code=100 activation=200 weights=1",
                 .weights_bytes = bytes,
                 .seed = seed});
            ++seed;
        }
    }
    [[nodiscard]] static EngineOptions options(std::uint64_t budget_bytes) {
        EngineOptions options;
        options.budget_bytes = budget_bytes;
        options.backends = {test::simulated_backend()};
        return options;
    }
    [[nodiscard]] Engine open(std::uint64_t budget_bytes = 1 << 20) const {
        return Engine(packages_, options(budget_bytes));
    }
};

TEST_F(EngineTest, GivesEachMembersOpinionAndTheirConsensus) {
    add({.id = "a", .code = "weights=1 first=2"});
    add({.id = "b", .code = "weights=1 first=2"});
    Engine engine = open();
    const Diagnosis diagnosis = engine.run(image());
    EXPECT_EQ(diagnosis.label, "Viral Pneumonia");
    EXPECT_EQ(diagnosis.agreement, 1.0);
    EXPECT_THAT(error_codes(diagnosis), ElementsAre("", ""));
    EXPECT_EQ(diagnosis.opinions[1].label, "Viral Pneumonia");
    EXPECT_EQ(diagnosis.needs_review, diagnosis.confidence < 0.75);
    EXPECT_EQ(SimulatedDevice::instance().runs, 2);
}

TEST_F(EngineTest, OpeningLoadsNoBackendAndOpensNoCode) {
    add_members({640});
    EngineOptions none;  // No backend is linked in, and there is none of this name to load.
    none.budget_bytes = 1 << 20;
    Engine engine(packages_, none);
    EXPECT_TRUE(engine.members()[0].is_ready());
    EXPECT_EQ(SimulatedDevice::instance().opened, 0);
    try {
        (void)engine.run(image());
        FAIL() << "a member ran without a backend";
    } catch (const core::InferenceError& error) {
        EXPECT_EQ(error.code(), "ensemble.no_opinion");
        EXPECT_THAT(error.details_json(), testing::HasSubstr("backend.unavailable"));
    }
}

TEST_F(EngineTest, KeepsWhatFitsAndLoadsItOnce) {
    add_members({640, 1280});
    Engine engine = open();
    (void)engine.run(image());
    const Diagnosis second = engine.run(image(2));
    EXPECT_TRUE(engine.plan().is_all_resident());
    EXPECT_EQ(SimulatedDevice::instance().bound, 2);
    EXPECT_EQ(SimulatedDevice::instance().opened, 2);
    EXPECT_TRUE(second.opinions[0].was_resident);
    EXPECT_EQ(second.opinions[0].load_ms, 0);
    EXPECT_EQ(engine.memory().held_bytes, 640U + 1280U + 200U);
}

TEST_F(EngineTest, StreamingGivesTheSameBitsAsKeepingEverything) {
    add_members({6400, 1280, 3200, 6400});
    Engine resident = open();
    Engine streaming = open(6400 + 4 * 100 + 200 + 40);
    for (unsigned shade = 1; shade < 8; ++shade) {
        const Diagnosis streamed = streaming.run(image(shade));
        expect_same_bits(resident.run(image(shade)), streamed);
        EXPECT_LE(streamed.peak_bytes, streamed.budget_bytes);
    }
    EXPECT_FALSE(streaming.plan().is_all_resident());
    EXPECT_LE(streaming.memory().peak_bytes, streaming.memory().budget_bytes);
}

TEST_F(EngineTest, AStreamedPassRunsBackwardsEveryOtherTime) {
    add_members({6400, 6400, 6400});
    core::ManualClock clock({0});
    EngineOptions given = options(6400 + 3 * 100 + 200 + 40);
    given.clock = &clock;  // Equal times, so that no plan changes for a microsecond.
    Engine engine(packages_, given);
    // The first pass teaches sizes, the second is planned with them, and from then on it is steady.
    (void)engine.run(image());
    (void)engine.run(image());
    for (int pass = 0; pass < 4; ++pass) {
        const int bound = SimulatedDevice::instance().bound;
        const Diagnosis diagnosis = engine.run(image());
        EXPECT_EQ(diagnosis.opinions[0].member_id, "m0");  // Opinions stay in the engine's order.
        EXPECT_EQ(std::count_if(diagnosis.opinions.begin(), diagnosis.opinions.end(),
                                [](const Opinion& opinion) { return opinion.was_resident; }),
                  1);  // The one that ran last.
        EXPECT_EQ(SimulatedDevice::instance().bound, bound + 2);
    }
}

TEST_F(EngineTest, NeverTakesMoreThanTheBudgetWhateverTheSizes) {
    std::mt19937 random(20260131);
    for (int round = 0; round < 60; ++round) {
        SCOPED_TRACE(round);
        SimulatedDevice::reset();
        packages_.clear();
        const auto count = 1 + random() % 5;
        for (unsigned i = 0; i < count; ++i) {
            add({.id = "r" + std::to_string(round) + "_" + std::to_string(i),
                 .code = "code=" + std::to_string(random() % 3000) +
                         " weights=1 activation=" + std::to_string(1 + random() % 500),
                 .weights_bytes = 64 * (1 + random() % 100),
                 .seed = i});
        }
        const std::uint64_t budget = 3000 + random() % 20000;
        Engine engine = open(budget);
        Engine roomy = open();
        for (int pass = 0; pass < 4; ++pass) {
            SimulatedDevice::instance().peak_bytes = SimulatedDevice::instance().held_bytes;
            try {
                const Diagnosis diagnosis = engine.run(image());
                EXPECT_LE(diagnosis.peak_bytes, budget);
                const Diagnosis whole = roomy.run(image());
                for (std::size_t i = 0; i < count; ++i) {
                    if (diagnosis.opinions[i].is_given()) {
                        EXPECT_EQ(diagnosis.opinions[i].probabilities, whole.opinions[i].probabilities);
                    } else {
                        EXPECT_EQ(diagnosis.opinions[i].error_code, "member.too_large")
                            << diagnosis.to_json();
                    }
                }
                roomy.release_memory();
            } catch (const core::InferenceError& error) {
                EXPECT_EQ(error.code(), "ensemble.no_opinion");
            }
        }
        EXPECT_LE(engine.memory().peak_bytes, budget);
        EXPECT_LE(engine.plan().peak_bytes, budget);
        // What is truly held is what the ledger says.
        EXPECT_EQ(SimulatedDevice::instance().held_bytes, engine.memory().held_bytes);
    }
    EXPECT_EQ(SimulatedDevice::instance().held_bytes, 0U);
    EXPECT_EQ(SimulatedDevice::instance().opened, SimulatedDevice::instance().released);
}

TEST_F(EngineTest, AMemberTooLargeForTheBudgetFailsAloneWithFigures) {
    add_members({640, 64000, 640});
    Engine engine = open(20000);
    const Diagnosis diagnosis = engine.run(image());
    EXPECT_THAT(error_codes(diagnosis), ElementsAre("", "member.too_large", ""));
    EXPECT_EQ(engine.plan().members[1].placement, Placement::Refused);
    EXPECT_EQ(diagnosis.opinions[1].probabilities.size(), 0U);
    EXPECT_TRUE(engine.members()[1].is_ready());
}

TEST_F(EngineTest, AFirstRunThatTakesMoreThanGuessedIsRepeatedWithRoomForIt) {
    add({.id = "a", .code = "code=0 weights=1 activation=10", .weights_bytes = 6400});
    // 256 times an input of 64 bytes is what is guessed.
    add({.id = "b", .code = "code=0 weights=1 activation=18000", .weights_bytes = 64});
    Engine engine = open(6400 + 64 + 256 * 64 + 100);
    const Diagnosis diagnosis = engine.run(image());
    EXPECT_THAT(error_codes(diagnosis), ElementsAre("", ""));
    EXPECT_EQ(engine.plan().members[1].cost.activation_bytes, 18000U);
    EXPECT_LE(engine.memory().peak_bytes, engine.memory().budget_bytes);
    SimulatedDevice::instance().peak_bytes = 0;
    (void)engine.run(image());
    EXPECT_LE(SimulatedDevice::instance().peak_bytes, engine.memory().budget_bytes);
}

TEST_F(EngineTest, GivesAllMemoryBackWhenAsked) {
    add_members({640, 640});
    Engine engine = open();
    (void)engine.run(image());
    engine.release_memory();
    EXPECT_EQ(engine.memory().held_bytes, 0U);
    EXPECT_EQ(SimulatedDevice::instance().held_bytes, 0U);
    (void)engine.run(image());
    EXPECT_EQ(SimulatedDevice::instance().opened, 4);
}

TEST_F(EngineTest, TimesComeFromTheClockThatIsGiven) {
    add_members({640});
    core::ManualClock clock({0});
    SimulatedDevice::instance().clock = &clock;
    EngineOptions timed = options(1 << 20);
    timed.clock = &clock;
    Engine engine(packages_, timed);
    const Diagnosis diagnosis = engine.run(image());
    EXPECT_EQ(diagnosis.opinions[0].load_ms, 7.0);
    EXPECT_EQ(diagnosis.opinions[0].run_ms, 3.0);
    EXPECT_EQ(diagnosis.total_ms, 10.0);
    ASSERT_EQ(diagnosis.trace.size(), 3U);
    EXPECT_EQ(diagnosis.trace[0].kind, TraceKind::Open);
    EXPECT_EQ(diagnosis.trace[1].kind, TraceKind::Load);
    EXPECT_EQ(diagnosis.trace[2].kind, TraceKind::Run);
    EXPECT_EQ(diagnosis.trace[2].begin_ms, 7.0);
    EXPECT_EQ(diagnosis.trace[2].size_bytes, 200U);
    const auto json = nlohmann::json::parse(diagnosis.to_json());
    EXPECT_EQ(json["opinions"][0]["run_ms"], 3.0);
    EXPECT_EQ(json["trace"][2]["kind"], "run");
}

TEST_F(EngineTest, RunsFromManyThreadsTakeTurnsAndAgree) {
    add_members({6400, 6400, 1280});
    Engine engine = open(6400 + 1280 + 3 * 100 + 200 + 40);
    const Diagnosis expected = engine.run(image());
    std::vector<Diagnosis> found(4);
    {
        std::vector<std::jthread> threads;
        for (auto& diagnosis : found) {
            threads.emplace_back([&] {
                for (int i = 0; i < 20; ++i) diagnosis = engine.run(image());
            });
        }
    }
    for (const auto& diagnosis : found) expect_same_bits(expected, diagnosis);
    EXPECT_FALSE(SimulatedDevice::instance().was_shared);
    EXPECT_LE(engine.memory().peak_bytes, engine.memory().budget_bytes);
}

TEST_F(EngineTest, AProgressCallbackSeesEachMemberAndCanStop) {
    add_members({640, 640, 640});
    Engine engine = open();
    std::vector<std::string> seen;
    RunOptions run_options;
    run_options.progress = [&](const RunProgress& progress) {
        seen.emplace_back(progress.member_id);
        EXPECT_EQ(progress.members_done, seen.size());
        EXPECT_EQ(progress.members_total, 3U);
        EXPECT_TRUE(progress.opinion->is_given());
        (void)engine.memory();
        (void)engine.plan();  // Would wait for ever if a lock were held.
        return seen.size() < 2;
    };
    EXPECT_THROW((void)engine.run(image(), run_options), core::Cancelled);
    EXPECT_THAT(seen, ElementsAre("m0", "m1"));
    EXPECT_EQ(SimulatedDevice::instance().runs, 2);
}

TEST_F(EngineTest, AnswersWithANamedErrorInAForkedChild) {
    add_members({640});
    auto engine = std::make_unique<Engine>(open());
    (void)engine->run(image());
    const ::pid_t child = ::fork();
    if (child == 0) {
        int status = 1;
        try {
            (void)engine->run(image());
        } catch (const core::Unavailable& error) {
            status = error.code() == "engine.forked" ? 0 : 2;
        }
        const int released = SimulatedDevice::instance().released;
        engine.reset();
        if (SimulatedDevice::instance().released != released) status = 3;
        ::_exit(status);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(engine->run(image()).opinions.size(), 1U);
}

}  // namespace
}  // namespace consilia::inference
