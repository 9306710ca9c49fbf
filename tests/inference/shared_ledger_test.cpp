// Engines that share one ledger: turns, shares, and nobody left out.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "consilia/core/error.hpp"
#include "inference/engine_fixture.hpp"
#include "inference/ledger_tenant.hpp"

namespace consilia::inference {
namespace {

using test::SimulatedDevice;
using testing::Each;

/// Of code, activations and the code file while it is read.
constexpr std::uint64_t kBesidesWeights = 100 + 200 + 40;

class SharedLedgerTest : public EngineFixture {
protected:
    /// Members of 64,000 bytes in one engine's panel each.
    std::vector<std::filesystem::path> panel(const std::string& name, std::vector<std::uint64_t> sizes) {
        packages_.clear();
        unsigned seed = 1;
        for (const std::uint64_t size : sizes) {
            add({.id = name + std::to_string(seed),
                 .code = "code=100 activation=200 weights=1",
                 .weights_bytes = size,
                 .seed = seed});
            ++seed;
        }
        return packages_;
    }
    void share(std::uint64_t budget_bytes) {
        options_.backends = {test::simulated_backend()};
        options_.ledger = std::make_shared<MemoryLedger>(LedgerOptions{.budget_bytes = budget_bytes});
        options_.clock = &clock_;
    }
    /// Of members whose names begin so.
    [[nodiscard]] std::uint64_t held_by(const std::string& name) const {
        std::uint64_t bytes = 0;
        for (const LedgerHolder& holder : options_.ledger->holders()) {
            if (holder.owner.starts_with(name)) bytes += holder.held_bytes;
        }
        return bytes;
    }
    void expect_clean(const Diagnosis& diagnosis) {
        EXPECT_THAT(error_codes(diagnosis), Each(std::string()));
        EXPECT_LE(options_.ledger->peak_bytes(), options_.ledger->limit_bytes());
        EXPECT_EQ(SimulatedDevice::instance().held_bytes, options_.ledger->held_bytes());
    }

    core::ManualClock clock_{{0}};
    EngineOptions options_;
};

TEST_F(SharedLedgerTest, OneThatIsAloneHasAllOfIt) {
    share(4 * 64'000 + 4 * kBesidesWeights);
    Engine first(panel("a", {64'000, 64'000, 64'000, 64'000}), options_);
    Engine idle(panel("b", {64'000}), options_);
    for (int i = 0; i < 3; ++i) expect_clean(first.run(image()));
    EXPECT_TRUE(first.plan().is_all_resident());
}

TEST_F(SharedLedgerTest, WhoHoldsEverythingGivesBackWhatIsBeyondItsShare) {
    share(4 * 64'000 + 4 * kBesidesWeights);
    Engine first(panel("a", {64'000, 64'000, 64'000, 64'000}), options_);
    Engine second(panel("b", {64'000, 64'000}), options_);
    for (int i = 0; i < 3; ++i) expect_clean(first.run(image()));
    const Diagnosis diagnosis = second.run(image());
    expect_clean(diagnosis);
    // The second's two members fit its half and stay there; the first streams in the other half.
    for (int i = 0; i < 5; ++i) {
        expect_clean(first.run(image()));
        expect_clean(second.run(image()));
    }
    EXPECT_TRUE(second.plan().is_all_resident());
    EXPECT_FALSE(first.plan().is_all_resident());
    EXPECT_EQ(held_by("b"), 2 * (64'000 + 100));
    EXPECT_LE(first.plan().budget_bytes, options_.ledger->limit_bytes() / 2);
    const Diagnosis steady = second.run(image());
    for (const Opinion& opinion : steady.opinions) EXPECT_TRUE(opinion.was_resident) << opinion.member_id;
}

TEST_F(SharedLedgerTest, SharesAreByWeight) {
    share(6 * 64'000 + 6 * kBesidesWeights);
    options_.ledger_share = 2;
    Engine twice(panel("a", {64'000, 64'000, 64'000, 64'000}), options_);
    options_.ledger_share = 1;
    Engine once(panel("b", {64'000, 64'000, 64'000, 64'000}), options_);
    for (int i = 0; i < 6; ++i) {
        expect_clean(twice.run(image()));
        expect_clean(once.run(image()));
    }
    EXPECT_EQ(twice.plan().budget_bytes, options_.ledger->limit_bytes() / 3 * 2);
    EXPECT_EQ(once.plan().budget_bytes, options_.ledger->limit_bytes() / 3);
    EXPECT_TRUE(twice.plan().is_all_resident());
    EXPECT_EQ(held_by("a"), 4 * (64'000 + 100));
}

TEST_F(SharedLedgerTest, AMemberLargerThanItsShareRunsAndTheOthersComeBack) {
    share(2 * 64'000 + 2 * kBesidesWeights);
    Engine small(panel("a", {64'000, 32'000}), options_);
    Engine large(panel("b", {2 * 64'000}), options_);
    for (int i = 0; i < 4; ++i) {
        expect_clean(small.run(image()));
        expect_clean(large.run(image()));
    }
}

TEST_F(SharedLedgerTest, WhenOneGoesTheOtherHasItAllAgain) {
    share(4 * 64'000 + 4 * kBesidesWeights);
    Engine first(panel("a", {64'000, 64'000, 64'000, 64'000}), options_);
    {
        Engine second(panel("b", {64'000, 64'000}), options_);
        expect_clean(second.run(image()));
        expect_clean(first.run(image()));
        EXPECT_FALSE(first.plan().is_all_resident());
    }
    for (int i = 0; i < 3; ++i) expect_clean(first.run(image()));
    EXPECT_TRUE(first.plan().is_all_resident());
}

TEST_F(SharedLedgerTest, SharingChangesNoBit) {
    const auto a = panel("a", {64'000, 32'000, 64'000});
    const auto b = panel("b", {64'000, 64'000});
    share(1 << 20);
    Engine alone_a(a, options_);
    const Diagnosis of_a = alone_a.run(image());
    Engine alone_b(b, options_);
    const Diagnosis of_b = alone_b.run(image());
    alone_a.release_memory();
    alone_b.release_memory();
    share(2 * 64'000 + 2 * kBesidesWeights);
    Engine first(a, options_);
    Engine second(b, options_);
    for (int i = 0; i < 3; ++i) {
        expect_same_bits(first.run(image()), of_a);
        expect_same_bits(second.run(image()), of_b);
    }
}

TEST_F(SharedLedgerTest, ManyThreadsOfManyEnginesAllGetThrough) {
    share(3 * 64'000 + 3 * kBesidesWeights);
    options_.clock = nullptr;
    std::vector<std::unique_ptr<Engine>> engines;
    for (const char* name : {"a", "b", "c"}) {
        engines.push_back(std::make_unique<Engine>(panel(name, {64'000, 32'000, 64'000, 16'000}), options_));
    }
    std::atomic<int> clean = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 6; ++i) {
            threads.emplace_back([&, i] {
                for (int run = 0; run < 15; ++run) {
                    const Diagnosis diagnosis = engines[static_cast<std::size_t>(i) % 3]->run(image());
                    if (error_codes(diagnosis) == std::vector<std::string>(4)) ++clean;
                    if (run % 5 == 4) engines[static_cast<std::size_t>(i + 1) % 3]->release_memory();
                }
            });
        }
    }
    EXPECT_EQ(clean, 6 * 15);
    EXPECT_FALSE(SimulatedDevice::instance().was_shared);
    EXPECT_LE(SimulatedDevice::instance().peak_bytes, options_.ledger->limit_bytes());
}

TEST_F(SharedLedgerTest, TurnsComeInTheOrderInWhichTheyWereAskedFor) {
    FairMutex turn;
    std::vector<int> order;
    std::vector<std::jthread> threads;
    turn.lock();
    for (int i = 0; i < 8; ++i) {
        std::atomic<bool> has_begun = false;
        threads.emplace_back([&, i] {
            has_begun = true;
            const std::lock_guard lock(turn);
            order.push_back(i);
        });
        // Begun and asleep, so that the next one comes after it.
        while (!has_begun || turn.waiting() != static_cast<std::uint64_t>(i) + 1) std::this_thread::yield();
    }
    turn.unlock();
    threads.clear();
    EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST_F(SharedLedgerTest, RefusesSharesThatAreNone) {
    share(1 << 20);
    const auto members = panel("a", {640});
    for (const double share :
         {0.0, -1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        options_.ledger_share = share;
        EXPECT_THROW(Engine(members, options_), core::InvalidArgument) << share;
    }
}

TEST_F(SharedLedgerTest, ALedgerOfTheParentIsRefusedInAForkedChild) {
    share(1 << 20);
    const auto members = panel("a", {640});
    Engine engine(members, options_);
    const ::pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        try {
            Engine other(members, options_);
        } catch (const core::Unavailable& error) {
            ::_exit(error.code() == "ledger.forked" ? 0 : 2);
        }
        ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace consilia::inference
