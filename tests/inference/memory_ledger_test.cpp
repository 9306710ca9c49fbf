// The ledger is the one guarantee about memory: it must never hold more than its limit, whoever asks at once.
#include "consilia/inference/memory_ledger.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "consilia/core/error.hpp"

namespace consilia::inference {
namespace {

TEST(MemoryLedger, RefusesABudgetThatItsReserveUsesUp) {
    EXPECT_THROW(MemoryLedger({.budget_bytes = 0}), core::InvalidArgument);
    EXPECT_THROW(MemoryLedger({.budget_bytes = 10, .reserve_bytes = 10}), core::InvalidArgument);
    EXPECT_EQ(MemoryLedger({.budget_bytes = 10, .reserve_bytes = 9}).limit_bytes(), 1U);
}

TEST(MemoryLedger, GrantsTheLastByteAndRefusesOneMore) {
    MemoryLedger ledger({.budget_bytes = 100});
    const auto all = ledger.reserve(100, "a");
    EXPECT_EQ(ledger.available_bytes(), 0U);
    EXPECT_THROW((void)ledger.reserve(1, "b"), core::ResourceExhausted);
    EXPECT_EQ(ledger.reserve(0, "b").size_bytes(), 0U);
}

TEST(MemoryLedger, TellsWhoHoldsTheMemoryWhenItRefuses) {
    MemoryLedger ledger({.budget_bytes = 100});
    const auto small = ledger.reserve(20, "vit");
    const auto large = ledger.reserve(70, "resnet");
    try {
        (void)ledger.reserve(11, "swin");
        FAIL() << "more than the budget was granted";
    } catch (const core::ResourceExhausted& error) {
        EXPECT_EQ(error.code(), "memory.exhausted");
        EXPECT_EQ(error.details_json(),
                  R"({"owner":"swin","requested_bytes":11,"available_bytes":10,"limit_bytes":100,)"
                  R"("holders":"resnet 70 B, vit 20 B"})");
    }
    EXPECT_EQ(ledger.held_bytes(), 90U);
}

TEST(MemoryLedger, GivesBackOnceHoweverAReservationMoves) {
    MemoryLedger ledger({.budget_bytes = 100});
    {
        auto first = ledger.reserve(40, "a");
        auto second = std::move(first);
        first = ledger.reserve(10, "a");
        EXPECT_EQ(ledger.held_bytes(), 50U);
        first = std::move(second);
        EXPECT_EQ(ledger.held_bytes(), 40U);
        first.release();
        first.release();
        EXPECT_EQ(ledger.held_bytes(), 0U);
    }
    EXPECT_EQ(ledger.held_bytes(), 0U);
    EXPECT_EQ(ledger.peak_bytes(), 50U);
    EXPECT_TRUE(ledger.holders().empty());
}

TEST(MemoryLedger, AResizeThatDoesNotFitChangesNothing) {
    MemoryLedger ledger({.budget_bytes = 100});
    auto reservation = ledger.reserve(60, "a");
    reservation.resize(100);
    EXPECT_THROW(reservation.resize(101), core::ResourceExhausted);
    EXPECT_EQ(reservation.size_bytes(), 100U);
    reservation.resize(5);
    EXPECT_EQ(ledger.held_bytes(), 5U);
    MemoryLedger::Reservation empty;
    EXPECT_THROW(empty.resize(1), core::InvalidArgument);
}

TEST(MemoryLedger, DoesNotOverflowOnSizesNearTheLargest) {
    MemoryLedger ledger({.budget_bytes = ~std::uint64_t{0}});
    auto most = ledger.reserve(~std::uint64_t{0} - 1, "a");
    EXPECT_THROW((void)ledger.reserve(2, "b"), core::ResourceExhausted);
    EXPECT_EQ(ledger.available_bytes(), 1U);
}

TEST(MemoryLedger, NeverPassesItsLimitUnderManyThreads) {
    MemoryLedger ledger({.budget_bytes = 1000, .reserve_bytes = 100});
    std::atomic<std::uint64_t> granted = 0;
    std::atomic<bool> was_passed = false;
    {
        std::vector<std::jthread> threads;
        for (unsigned seed = 0; seed < 4; ++seed) {
            threads.emplace_back([&, seed] {
                std::mt19937 random(seed);
                std::vector<MemoryLedger::Reservation> held;
                for (int i = 0; i < 2000; ++i) {
                    try {
                        held.push_back(ledger.reserve(random() % 400, "t" + std::to_string(seed)));
                        ++granted;
                    } catch (const core::ResourceExhausted&) {
                        held.clear();
                    }
                    if (ledger.held_bytes() > 900) was_passed = true;
                }
            });
        }
    }
    EXPECT_FALSE(was_passed);
    EXPECT_GT(granted, 0U);
    EXPECT_LE(ledger.peak_bytes(), 900U);
    EXPECT_EQ(ledger.held_bytes(), 0U);
}

}  // namespace
}  // namespace consilia::inference
