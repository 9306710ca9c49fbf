// What a backend computes: the right numbers, the same ones each time, whatever runs beside it.
#include <sched.h>
#include <algorithm>
#include <cfenv>
#include <clocale>
#include <csignal>
#include <string>
#include <thread>

#include "backends/suite.hpp"
#include "consilia/core/error.hpp"
#include "consilia/inference/consensus.hpp"

namespace consilia::inference {
namespace {

constexpr float kBatchTolerance = 1e-5F;
// bf16 keeps 8 bits of each number. The most that a probability of these networks may move by.
constexpr float kReducedTolerance = 0.02F;

TEST_F(BackendSuite, GivesTheLogitsOfThePackage) {
    LoadedModel loaded = load();
    const auto expected = expected_logits();
    ASSERT_EQ(expected.size(), manifest().classes.size());
    expect_close(loaded.run(example_image(0), 1), expected, 1e-4F);
}

TEST_F(BackendSuite, BatchesGiveWhatSingleImagesGive) {
    LoadedModel loaded = load();
    const std::size_t classes = manifest().classes.size();
    std::vector<float> single;
    for (int number = 0; number < 8; ++number) {
        const auto logits = loaded.run(example_image(number), 1);
        single.insert(single.end(), logits.begin(), logits.end());
    }
    EXPECT_NE(loaded.run(example_image(0), 1), loaded.run(example_image(1), 1));
    for (const int batch : {1, 3, 8}) {
        SCOPED_TRACE(batch);
        const auto count = static_cast<std::size_t>(batch);
        const auto found = loaded.run(example_batch(batch), count);
        expect_close(found, {single.begin(), single.begin() + static_cast<std::ptrdiff_t>(count * classes)},
                     kBatchTolerance);
    }
}

TEST_F(BackendSuite, TheSameInputGivesTheSameBits) {
    LoadedModel loaded = load();
    const auto expected = loaded.run(example_image(0), 1);
    const auto expected_batch = loaded.run(example_batch(3), 3);
    for (int pass = 0; pass < 5; ++pass) {
        EXPECT_EQ(loaded.run(example_image(0), 1), expected);
        EXPECT_EQ(loaded.run(example_batch(3), 3), expected_batch);
    }
    LoadedModel other = load();
    EXPECT_EQ(other.run(example_batch(3), 3), expected_batch);
    EXPECT_EQ(other.run(example_image(0), 1), expected);
    if (!other.has_weights()) return;
    other.model().unbind_weights();
    other.bind();
    EXPECT_EQ(other.run(example_image(0), 1), expected);
}

TEST_F(BackendSuite, ModelsRunOnThreadsOfTheirOwn) {
    constexpr int kRuns = 20;
    const auto expected = load().run(example_image(0), 1);
    std::vector<int> same(3, 0);
    std::vector<std::thread> threads;
    for (int& count : same) {
        threads.emplace_back([&] {
            LoadedModel loaded = load();
            for (int run = 0; run < kRuns; ++run)
                count += loaded.run(example_image(0), 1) == expected ? 1 : 0;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(same, std::vector<int>(3, kRuns));
}

TEST_F(BackendSuite, MovesBetweenThreads) {
    LoadedModel loaded = load();
    const auto expected = loaded.run(example_image(0), 1);
    for (int pass = 0; pass < 3; ++pass) {
        std::vector<float> found;
        std::thread([&] { found = loaded.run(example_image(0), 1); }).join();
        EXPECT_EQ(found, expected);
    }
}

/// Either refused with the reason, or close: where it is not refused, the difference is in the test's record.
TEST_F(BackendSuite, AReducedPrecisionIsRefusedOrAgrees) {
    const auto expected = softmax(load().run(example_image(0), 1));
    for (const Precision precision : {Precision::Bf16, Precision::F16}) {
        const std::string name(to_string(precision));
        SCOPED_TRACE(name);
        try {
            const auto found = softmax(load(precision).run(example_image(0), 1));
            double largest = 0;
            for (std::size_t i = 0; i < expected.size(); ++i)
                largest = std::max(largest, std::abs(static_cast<double>(found[i] - expected[i])));
            RecordProperty("largest_probability_difference_" + name, std::to_string(largest));
            EXPECT_LE(largest, kReducedTolerance);
        } catch (const core::InferenceError& error) {
            EXPECT_EQ(error.code(), "member.incompatible");
            EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
        }
    }
}

TEST_F(BackendSuite, LeavesTheStateOfTheProcessAlone) {
    struct State {
        int rounding = std::fegetround();
        std::string locale = std::setlocale(LC_ALL, nullptr);
        cpu_set_t processors{};
        std::vector<void (*)(int)> handlers{};
    };
    const auto read = [] {
        State state;
        ::sched_getaffinity(0, sizeof state.processors, &state.processors);
        for (const int signal : {SIGINT, SIGTERM, SIGSEGV, SIGFPE, SIGABRT, SIGPIPE, SIGCHLD}) {
            struct sigaction action {};
            ::sigaction(signal, nullptr, &action);
            state.handlers.push_back(action.sa_handler);
        }
        return state;
    };
    const State before = read();
    const volatile float tiny = 1e-30F;
    for (const std::int32_t threads : {1, 2}) {
        LoadedModel loaded = load(Precision::F32, threads);
        (void)loaded.run(example_batch(3), 3);
    }
    const State after = read();
    EXPECT_EQ(after.rounding, before.rounding);
    EXPECT_EQ(after.locale, before.locale);
    EXPECT_TRUE(CPU_EQUAL(&after.processors, &before.processors));
    EXPECT_EQ(after.handlers, before.handlers);
    EXPECT_NE(tiny * 1e-10F, 0.0F) << "denormal numbers are flushed to zero from now on";
}

}  // namespace
}  // namespace consilia::inference
