// Three times as many requests as can be served, in virtual time: what is promised of an overload, to the
// microsecond and without a clock on the wall. benchmarks/overload.cpp asks the same of a real clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "inference/dispatcher_fixture.hpp"

namespace consilia::inference {
namespace {

using namespace std::chrono_literals;
using test::DispatcherTest;

class DispatcherOverload : public DispatcherTest {
protected:
    struct Load {
        double per_ms = 0;
        std::int64_t end_us = 0;
        std::vector<std::chrono::microseconds> deadlines{200ms};
        bool has_priorities = false;
        double noise = 0;  ///< Of a batch's time, relative.
    };
    struct Result {
        std::uint64_t in_time = 0;
        std::uint64_t late = 0;  ///< Or dropped.
        std::uint64_t late_high = 0;
        std::uint64_t refused = 0;
    };

    /// Poisson arrivals (exponential gaps), open loop: they come whether or not anything is answered.
    Result run(const Load& load, unsigned seed) {
        random_.seed(seed);
        load_ = load;
        fake_.cost_ms = [this](std::size_t size) {
            const double ms = 10 + 1.25 * static_cast<double>(size);  // 8 take 20 ms: 400 a second.
            return ms * (1 + load_.noise * std::uniform_real_distribution<double>(-1, 1)(random_));
        };
        fake_.before_member = [this](std::size_t) { submit_arrived(); };
        submit_arrived();
        while (clock_.now().microseconds < load_.end_us) {
            const auto wait = dispatcher_->run_pending();
            const std::int64_t now_us = clock_.now().microseconds;
            const std::int64_t idle_us = std::max<std::int64_t>(0, next_arrival_us_ - now_us);
            clock_.advance(std::min(std::chrono::microseconds(idle_us), wait.value_or(1h)));
            submit_arrived();
        }
        next_arrival_us_ = kNever_;
        drain();
        return result_;
    }

private:
    static constexpr std::int64_t kNever_ = INT64_MAX;

    void submit_arrived() {
        while (next_arrival_us_ <= clock_.now().microseconds) {
            submit_one();
            const double gap_ms = std::exponential_distribution<double>(load_.per_ms)(random_);
            next_arrival_us_ += std::max<std::int64_t>(1, std::llround(gap_ms * 1e3));
        }
    }
    void submit_one() {
        const auto deadline = load_.deadlines[random_() % load_.deadlines.size()];
        const auto priority = load_.has_priorities ? static_cast<Priority>(random_() % 3) : Priority::Normal;
        const std::int64_t end_us = clock_.now().microseconds + deadline.count();
        try {
            dispatcher_->submit(
                {.inputs = test::numbered_inputs(0), .priority = priority, .deadline = deadline},
                [this, end_us, priority](const BatchOutcome& outcome) {
                    const bool is_in_time = !outcome.error && clock_.now().microseconds <= end_us;
                    ++(is_in_time ? result_.in_time : result_.late);
                    if (!is_in_time && priority == Priority::High) ++result_.late_high;
                });
        } catch (const core::Unavailable&) {
            ++result_.refused;
        }
    }

    Load load_;
    Result result_;
    std::mt19937 random_;
    std::int64_t next_arrival_us_ = 0;
};

constexpr double kCapacity = 0.4;  // Requests a millisecond: batches of 8 in 20 ms.
constexpr std::int64_t kMinute = 60'000'000;

void expect_kept(const DispatcherCounts& counts) {
    EXPECT_EQ(counts.queued + counts.running, 0U);
    EXPECT_EQ(counts.admitted, counts.completed + counts.failed + counts.cancelled + counts.timed_out);
}

TEST_F(DispatcherOverload, AMinuteAtThreeTimesTheCapacity) {
    open({.batch_max = 8});
    const Result result = run({.per_ms = 3 * kCapacity, .end_us = kMinute}, 1);
    EXPECT_GE(static_cast<double>(result.in_time), 0.95 * kCapacity * 60'000);
    EXPECT_LE(static_cast<double>(result.late), 0.01 * static_cast<double>(result.in_time));
    EXPECT_GT(result.refused, result.in_time);
    expect_kept(dispatcher_->counts());
}

TEST_F(DispatcherOverload, AMinuteWhoseBatchesTakeNowMoreNowLess) {
    open({.batch_max = 8});
    const Result result = run({.per_ms = 3 * kCapacity, .end_us = kMinute, .noise = 0.2}, 2);
    EXPECT_GE(static_cast<double>(result.in_time), 0.95 * kCapacity * 60'000);
    EXPECT_LE(static_cast<double>(result.late), 0.01 * static_cast<double>(result.in_time));
    expect_kept(dispatcher_->counts());
}

TEST_F(DispatcherOverload, AMinuteOfDeadlinesShortAndLong) {
    open({.batch_max = 8});
    const Result result =
        run({.per_ms = 3 * kCapacity, .end_us = kMinute, .deadlines = {60ms, 100ms, 200ms, 1s}}, 3);
    EXPECT_GE(static_cast<double>(result.in_time), 0.95 * kCapacity * 60'000);
    EXPECT_LE(static_cast<double>(result.late), 0.01 * static_cast<double>(result.in_time));
    expect_kept(dispatcher_->counts());
}

TEST_F(DispatcherOverload, AMinuteWithAQueueShorterThanTheDeadlinesAllow) {
    open({.queue_max = 16, .batch_max = 8});
    const Result result = run({.per_ms = 3 * kCapacity, .end_us = kMinute}, 4);
    EXPECT_GE(static_cast<double>(result.in_time), 0.95 * kCapacity * 60'000);
    EXPECT_LE(static_cast<double>(result.late), 0.01 * static_cast<double>(result.in_time));
    EXPECT_GT(dispatcher_->counts().refused_overloaded, 0U);
}

/// The high requests alone fill the capacity, so that the others live on what their chance leaves. Those that
/// are overtaken by more than was to be expected are dropped before they run: they cost nobody anything.
TEST_F(DispatcherOverload, AMinuteOfAllPriorities) {
    open({.batch_max = 8});
    const Result result = run({.per_ms = 3 * kCapacity, .end_us = kMinute, .has_priorities = true}, 5);
    EXPECT_GE(static_cast<double>(result.in_time), 0.95 * kCapacity * 60'000);
    EXPECT_LE(static_cast<double>(result.late), 0.02 * static_cast<double>(result.in_time));
    EXPECT_EQ(result.late_high, 0U);
    EXPECT_EQ(dispatcher_->counts().completed_late, 0U);
    expect_kept(dispatcher_->counts());
}

TEST_F(DispatcherOverload, NothingIsRefusedAtHalfTheCapacity) {
    open({.batch_max = 8});
    const Result result = run({.per_ms = kCapacity / 2, .end_us = kMinute}, 6);
    EXPECT_EQ(result.refused, 0U);
    EXPECT_EQ(result.late, 0U);
}

}  // namespace
}  // namespace consilia::inference
