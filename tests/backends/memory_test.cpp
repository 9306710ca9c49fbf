// That memory comes back, and that no more is taken than was said.
#include <algorithm>
#include <limits>

#include "backends/suite.hpp"

namespace consilia::inference {
namespace {

/// What all cycles of a window together may leave behind. A run of 500 is part of releases: `--cycles=500`.
constexpr std::uint64_t kMaxGrowthBytes = 2 << 20;

/// What the process grows by while `work` is done `times` over, bytes: the least of several windows. What
/// leaks does so in all of them; heaps of new threads and pages that an allocator keeps come once.
template <typename Work>
std::uint64_t growth_of(int times, const Work& work) {
    constexpr int kWindows = 4;
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (int window = 0; window < kWindows && least >= kMaxGrowthBytes; ++window) {
        const std::uint64_t before = private_bytes();
        for (int i = 0; i < times; ++i) work();
        const std::uint64_t after = private_bytes();
        least = std::min(least, after > before ? after - before : 0);
    }
    return least;
}

TEST_F(BackendSuite, ModelsThatAreClosedGiveTheirMemoryBack) {
    const auto cycle = [this] {
        LoadedModel loaded = load();
        (void)loaded.run(example_image(0), 1);
        if (loaded.has_weights()) loaded.model().unbind_weights();
    };
    for (int i = 0; i < suite_options().cycles; ++i) cycle();
    const std::uint64_t growth = growth_of(suite_options().cycles, cycle);
    RecordProperty("growth_bytes", std::to_string(growth));
    EXPECT_LT(growth, kMaxGrowthBytes);
}

TEST_F(BackendSuite, RunsLeaveNothingBehind) {
    LoadedModel loaded = load();
    const auto pass = [&] {
        for (const int batch : {1, 3, 8})
            (void)loaded.run(example_batch(batch), static_cast<std::size_t>(batch));
    };
    for (int i = 0; i < 10; ++i) pass();
    EXPECT_LT(growth_of(30, pass), kMaxGrowthBytes);
}

TEST_F(BackendSuite, ActivationsThatAreCountedGrowWithTheBatch) {
    LoadedModel loaded = load();
    (void)loaded.run(example_image(0), 1);
    const std::uint64_t single = loaded.activation_bytes();
    if (single == 0) GTEST_SKIP() << "the backend cannot tell";
    (void)loaded.run(example_batch(8), 8);
    EXPECT_GT(loaded.activation_bytes(), single);
    (void)loaded.run(example_image(0), 1);
    EXPECT_EQ(loaded.activation_bytes(), single);
}

}  // namespace
}  // namespace consilia::inference
