// The dispatcher with its thread: many callers at once, waiting and leaving. For the thread sanitizer too. No
// test depends on how long anything takes: what has to wait waits for a gate.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <random>
#include <semaphore>
#include <stop_token>
#include <thread>
#include <vector>

#include "inference/dispatcher_fixture.hpp"

#ifdef __SANITIZE_THREAD__
/// An error that a future carries is counted inside libstdc++.so, by atomics that the sanitizer does not see:
/// it takes the last holder's release for a race with the read of another.
extern "C" const char* __tsan_default_suppressions() {
    return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
#endif

namespace consilia::inference {
namespace {

using namespace std::chrono_literals;
using test::code_of;
using test::numbered_inputs;

/// Answers with the number of the input; a test may hold it at its first member.
struct GatedRunner {
    std::atomic<bool> is_gated{false};
    std::binary_semaphore has_begun{0};
    std::binary_semaphore may_go_on{0};
    std::atomic<int> members_run{0};
    std::atomic<int> at_once{0};
    std::atomic<bool> was_shared{false};

    [[nodiscard]] BatchRunner runner() {
        return {.run = [this](auto batch, const auto& options) { return run(batch, options); }};
    }
    std::vector<BatchOutcome> run(std::span<const Inputs> batch, const BatchOptions& options) {
        if (at_once.fetch_add(1) != 0) was_shared = true;
        if (is_gated.exchange(false)) {
            has_begun.release();
            may_go_on.acquire();
        }
        std::vector<BatchOutcome> outcomes(batch.size());
        for (std::size_t member = 0; member < 2; ++member) {
            for (std::size_t i = 0; i < batch.size(); ++i) {
                if (outcomes[i].error) continue;
                if (options.is_cancelled(i)) {
                    outcomes[i].error = std::make_exception_ptr(core::Cancelled("run.cancelled", "dropped"));
                    continue;
                }
                ++members_run;
                outcomes[i].diagnosis.label = std::to_string(test::number_of(batch[i]));
            }
            options.progress({member == 0 ? "a" : "b", member + 1, 2});
        }
        --at_once;
        return outcomes;
    }
};

TEST(DispatcherThreads, InferWaitsForTheAnswer) {
    GatedRunner fake;
    Dispatcher dispatcher(fake.runner());
    EXPECT_EQ(dispatcher.infer({.inputs = numbered_inputs(5)}).label, "5");
    EXPECT_EQ(code_of([&] { dispatcher.run_pending(); }), "dispatcher.driven");
}

TEST(DispatcherThreads, InferInACallbackIsRefusedInsteadOfWaitingForEver) {
    GatedRunner fake;
    Dispatcher dispatcher(fake.runner());
    std::promise<std::string> code;
    dispatcher.submit({.inputs = numbered_inputs(0)}, [&](const BatchOutcome&) {
        code.set_value(code_of([&] { dispatcher.infer({.inputs = numbered_inputs(1)}); }));
    });
    EXPECT_EQ(code.get_future().get(), "dispatcher.waiting");
}

TEST(DispatcherThreads, RequestsOfManyCallersShareABatch) {
    GatedRunner fake;
    fake.is_gated = true;
    Dispatcher dispatcher(fake.runner(), {.batch_max = 8, .batch_wait = 0us});
    auto first = dispatcher.submit({.inputs = numbered_inputs(100)});
    fake.has_begun.acquire();
    std::vector<std::jthread> callers;
    std::atomic<int> right{0};
    for (int i = 0; i < 8; ++i) {
        callers.emplace_back([&, i] {
            if (dispatcher.infer({.inputs = numbered_inputs(i)}).label == std::to_string(i)) ++right;
        });
    }
    while (dispatcher.counts().queued < 8) std::this_thread::yield();
    fake.may_go_on.release();
    callers.clear();
    EXPECT_EQ(right, 8);
    EXPECT_EQ(first.get().label, "100");
    EXPECT_EQ(dispatcher.counts().batches, 2U);
}

TEST(DispatcherThreads, DestroyingCancelsWhatRunsAndWhatWaits) {
    GatedRunner fake;
    fake.is_gated = true;
    auto dispatcher = std::make_unique<Dispatcher>(fake.runner(), DispatcherOptions{.batch_max = 1});
    auto running = dispatcher->submit({.inputs = numbered_inputs(0)});
    fake.has_begun.acquire();
    auto waiting = dispatcher->submit({.inputs = numbered_inputs(1)});
    std::jthread destroyer([&] { dispatcher->stop(StopMode::Cancel); });
    while (dispatcher->counts().cancelled < 1) std::this_thread::yield();
    fake.may_go_on.release();
    destroyer.join();
    dispatcher.reset();
    EXPECT_EQ(code_of([&] { running.get(); }), "dispatcher.stopped");
    EXPECT_EQ(code_of([&] { waiting.get(); }), "dispatcher.stopped");
    EXPECT_EQ(fake.members_run, 0);
}

TEST(DispatcherThreads, ADrainMayBeTurnedIntoACancellation) {
    GatedRunner fake;
    fake.is_gated = true;
    Dispatcher dispatcher(fake.runner(), {.batch_max = 1});
    std::vector<std::future<Diagnosis>> answers;
    answers.push_back(dispatcher.submit({.inputs = numbered_inputs(0)}));
    fake.has_begun.acquire();
    for (int i = 1; i < 5; ++i) answers.push_back(dispatcher.submit({.inputs = numbered_inputs(i)}));
    std::jthread drain([&] { dispatcher.stop(StopMode::Drain); });
    std::jthread cancel([&] { dispatcher.stop(StopMode::Cancel); });
    while (dispatcher.counts().cancelled < 4) std::this_thread::yield();
    fake.may_go_on.release();
    drain.join();
    cancel.join();
    for (auto& answer : answers) EXPECT_EQ(code_of([&] { answer.get(); }), "dispatcher.stopped");
}

TEST(DispatcherThreads, ACallbackMayDestroyTheDispatcher) {
    GatedRunner fake;
    auto dispatcher = std::make_unique<Dispatcher>(fake.runner());
    Dispatcher& borrowed = *dispatcher;
    std::promise<void> is_destroyed;
    borrowed.submit(
        {.inputs = numbered_inputs(0)},
        [&, owned = std::make_shared<std::unique_ptr<Dispatcher>>(std::move(dispatcher))](auto&&) {
            owned->reset();
            is_destroyed.set_value();
        });
    is_destroyed.get_future().get();
}

/// Whatever 16 threads do at once, each request has one answer, the right one, and the counts add up.
TEST(DispatcherThreads, SixteenThreadsHammering) {
    constexpr int kThreads = 16;
    constexpr int kRequests = 250;
    GatedRunner fake;
    std::atomic<std::uint64_t> answered{0};
    std::atomic<std::uint64_t> wrong{0};
    std::atomic<std::uint64_t> refused{0};
    auto dispatcher = std::make_unique<Dispatcher>(
        fake.runner(),
        DispatcherOptions{.queue_max = 64, .batch_max = 8, .batch_wait = 50us, .age_after = 1ms});
    const auto work = [&](unsigned thread) {
        std::mt19937 random(thread);
        for (int i = 0; i < kRequests; ++i) {
            const int number = static_cast<int>(thread) * kRequests + i;
            std::stop_source stop;
            Request request{.inputs = numbered_inputs(number),
                            .priority = static_cast<Priority>(random() % 3)};
            if (random() % 3 == 0) request.deadline = std::chrono::microseconds(100 + random() % 100'000);
            if (random() % 3 == 0) request.stop = stop.get_token();
            const auto check = [&, number](const BatchOutcome& outcome) {
                if (!outcome.error && outcome.diagnosis.label != std::to_string(number)) ++wrong;
                ++answered;
            };
            try {
                const Ticket ticket = dispatcher->submit(std::move(request), check);
                if (random() % 5 == 0) ticket.cancel();
                if (random() % 5 == 0) stop.request_stop();
                if (random() % 50 == 0) static_cast<void>(dispatcher->metrics() + dispatcher->trace());
                if (random() % 20 == 0)
                    static_cast<void>(dispatcher->infer({.inputs = numbered_inputs(number)}));
            } catch (const core::Unavailable&) {
                ++refused;
            }
        }
    };
    {
        std::vector<std::jthread> threads;
        for (unsigned thread = 0; thread < kThreads; ++thread) threads.emplace_back(work, thread);
    }
    dispatcher->stop(StopMode::Drain);
    const DispatcherCounts counts = dispatcher->counts();
    dispatcher.reset();
    EXPECT_EQ(wrong, 0U);
    EXPECT_FALSE(fake.was_shared) << "batches take turns";
    EXPECT_EQ(counts.callback_errors, 0U);
    EXPECT_EQ(counts.queued + counts.running, 0U);
    EXPECT_EQ(counts.queued_bytes, 0U);
    EXPECT_EQ(counts.admitted, counts.completed + counts.failed + counts.cancelled + counts.timed_out);
    EXPECT_EQ(counts.submitted - counts.admitted, refused);
    EXPECT_GE(counts.submitted, static_cast<std::uint64_t>(kThreads) * kRequests);
    EXPECT_LE(answered, counts.admitted);
    EXPECT_GE(answered + refused, static_cast<std::uint64_t>(kThreads) * kRequests);
}

TEST(DispatcherThreads, TwoDispatchersAreApart) {
    GatedRunner first;
    GatedRunner second;
    first.is_gated = true;
    Dispatcher held(first.runner());
    Dispatcher free(second.runner());
    auto waiting = held.submit({.inputs = numbered_inputs(0)});
    first.has_begun.acquire();
    EXPECT_EQ(free.infer({.inputs = numbered_inputs(1)}).label, "1");
    first.may_go_on.release();
    EXPECT_EQ(waiting.get().label, "0");
}

}  // namespace
}  // namespace consilia::inference
