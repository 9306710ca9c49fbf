// The dispatcher on a clock that stands still: batching, order, admission, answers. No thread, no sleep.
#include "consilia/inference/dispatcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "inference/dispatcher_fixture.hpp"

namespace consilia::inference {
namespace {

using namespace std::chrono_literals;
using test::code_of;
using test::DispatcherTest;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

TEST_F(DispatcherTest, StartsABatchWhenItIsFull) {
    open();
    for (int i = 0; i < 4; ++i) submit(i);
    EXPECT_THAT(dispatcher_->run_pending(), testing::Eq(std::nullopt));
    EXPECT_THAT(fake_.batches, ElementsAre(ElementsAre(0, 1, 2, 3)));
}

TEST_F(DispatcherTest, StartsABatchThatIsNotFullWhenTheLongestWaitingHasWaitedEnough) {
    open();
    submit(0);
    EXPECT_THAT(dispatcher_->run_pending(), Optional(2000us));
    clock_.advance(1500us);
    submit(1);
    EXPECT_THAT(dispatcher_->run_pending(), Optional(500us));
    EXPECT_THAT(fake_.batches, IsEmpty());
    clock_.advance(500us);
    dispatcher_->run_pending();
    EXPECT_THAT(fake_.batches, ElementsAre(ElementsAre(0, 1)));
}

TEST_F(DispatcherTest, StartsABatchEarlierWhereADeadlineWouldSuffer) {
    open({.batch_max = 4, .batch_wait = 100ms});
    submit(0, {.deadline = 60ms});  // A batch of one takes 10 ms.
    EXPECT_THAT(dispatcher_->run_pending(), Optional(50'000us));
    submit(1);  // A batch of two takes 12 ms.
    EXPECT_THAT(dispatcher_->run_pending(), Optional(48'000us));
    clock_.advance(48ms);
    dispatcher_->run_pending();
    EXPECT_EQ(answer(0), "0");
    EXPECT_EQ(dispatcher_->counts().completed_late, 0U);
}

TEST_F(DispatcherTest, RunsAtMostTheLargestBatchAtOnce) {
    open({.batch_max = 3});
    for (int i = 0; i < 7; ++i) submit(i);
    drain();
    EXPECT_THAT(fake_.batches, ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4, 5), ElementsAre(6)));
}

TEST_F(DispatcherTest, CutsABatchThatWouldBeTooLongForADeadlineInIt) {
    fake_.cost_ms = [](std::size_t size) { return 10.0 * static_cast<double>(size); };
    open({.batch_max = 4});
    submit(0, {.deadline = 25ms});
    submit(1);
    submit(2);
    clock_.advance(2ms);
    dispatcher_->run_pending();
    EXPECT_THAT(fake_.batches, ElementsAre(ElementsAre(0, 1)));
    EXPECT_EQ(answer(0), "0");
    EXPECT_EQ(dispatcher_->counts().completed_late, 0U);
}

TEST_F(DispatcherTest, ServesLevelsThenDeadlines) {
    open({.batch_max = 1});
    submit(0, {.priority = Priority::Low});
    submit(1, {.priority = Priority::Normal, .deadline = 500ms});
    submit(2, {.priority = Priority::Normal, .deadline = 200ms});
    submit(3, {.priority = Priority::High});
    drain();
    EXPECT_THAT(fake_.batches, ElementsAre(ElementsAre(3), ElementsAre(2), ElementsAre(1), ElementsAre(0)));
}

TEST_F(DispatcherTest, ALowRequestIsServedWithinItsBoundUnderAStreamOfUrgentOnes) {
    open({.queue_max = 8, .batch_max = 1, .age_after = 100ms, .patience = 300ms});
    submit(1000, {.priority = Priority::Low});
    int next = 0;
    fake_.before_member = [&](std::size_t) {  // Two arrive a run: the queue never empties.
        if (dispatcher_->counts().queued < 6) submit(next++, {.priority = Priority::High});
    };
    submit(next++, {.priority = Priority::High});
    while (!is_answered(1000) && clock_.now().microseconds < 1'000'000) dispatcher_->run_pending();
    EXPECT_GE(clock_.now().microseconds, 200'000);
    EXPECT_LE(clock_.now().microseconds, 400'000);
}

TEST_F(DispatcherTest, RefusesAtOnceWhenTheQueueIsFull) {
    open({.queue_max = 2, .batch_max = 4});
    submit(0);
    submit(1);
    const auto refused = refusal(2);
    EXPECT_EQ(refused.code, "dispatcher.overloaded");
    EXPECT_EQ(refused.kind, core::ErrorKind::Unavailable);
    EXPECT_EQ(refused.details.at("queue_length"), 2);
    EXPECT_GE(refused.details.at("retry_after_ms"), 1);
    EXPECT_EQ(dispatcher_->counts().refused_overloaded, 1U);
    drain();
    submit(3);
}

TEST_F(DispatcherTest, RefusesAtOnceWhenTheQueueHoldsTooManyBytes) {
    open({.queue_bytes_max = 100});
    submit(0, {}, 20);  // 80 bytes.
    submit(1, {}, 5);   // 20 bytes: to the bound.
    EXPECT_EQ(dispatcher_->counts().queued_bytes, 100U);
    EXPECT_EQ(refusal(2, {}, 1).code, "dispatcher.overloaded");
    EXPECT_EQ(refusal(3, {}, 26).code, "request.inputs") << "it could never be admitted";
    drain();
    EXPECT_EQ(dispatcher_->counts().queued_bytes, 0U);
}

TEST_F(DispatcherTest, CountsATensorOfTwoMembersOnce) {
    open({.queue_bytes_max = 100});
    Request request{.inputs = test::numbered_inputs(0, 25)};
    request.inputs.tensors.push_back(request.inputs.tensors.front());
    request.inputs.tensors.push_back(nullptr);
    auto future = dispatcher_->submit(std::move(request));
    EXPECT_EQ(dispatcher_->counts().queued_bytes, 100U);
}

TEST_F(DispatcherTest, RefusesADeadlineThatOneRunAloneWouldMiss) {
    open();
    const auto refused = refusal(0, {.deadline = 9ms});  // One takes 10 ms.
    EXPECT_EQ(refused.code, "dispatcher.deadline");
    EXPECT_EQ(refused.kind, core::ErrorKind::Unavailable);
    EXPECT_EQ(refused.details.at("predicted_ms"), 10);
    EXPECT_EQ(refused.details.at("deadline_ms"), 9);
    EXPECT_EQ(refused.details.at("retry_after_ms"), 1);
    submit(1, {.deadline = 10ms});
    EXPECT_EQ(dispatcher_->counts().refused_deadline, 1U);
}

TEST_F(DispatcherTest, RefusesADeadlineThatTheQueueAheadWouldCost) {
    open({.batch_max = 2});                                 // A full batch takes 12 ms.
    for (int i = 0; i < 4; ++i) submit(i);                  // Two batches ahead.
    EXPECT_EQ(refusal(4, {.deadline = 9'999ms}).code, "");  // Earlier than a patience of 10 s: it goes first.
    open({.batch_max = 2, .patience = 1us});                // All in the order of submission.
    for (int i = 10; i < 14; ++i) submit(i);
    EXPECT_EQ(refusal(14, {.deadline = 33ms}).details.at("predicted_ms"), 34);
    submit(15, {.deadline = 34ms});
    EXPECT_EQ(refusal(16, {.deadline = 35ms}).details.at("predicted_ms"), 36);
}

TEST_F(DispatcherTest, CountsWhatIsLeftOfTheRunningBatch) {
    open({.batch_max = 2});
    submit(0);
    submit(1);
    std::map<std::size_t, double> predicted;
    fake_.before_member = [&](std::size_t member) {
        predicted[member] = refusal(9, {.deadline = 1ms}).details.at("predicted_ms");
    };
    dispatcher_->run_pending();
    EXPECT_EQ(predicted[0], 12 + 10);
    EXPECT_EQ(predicted[1], 6 + 10);
}

TEST_F(DispatcherTest, RefusesWhatWouldMakeAWaitingRequestOfTheSameLevelLate) {
    open({.batch_max = 1});
    submit(0, {.deadline = 25ms});
    submit(1, {.deadline = 29ms});  // Answered after 20 ms.
    EXPECT_EQ(refusal(2, {.deadline = 28ms}).code,
              "dispatcher.deadline");  // It would go before 1, until 20 ms.
    submit(3, {.deadline = 40ms});
    submit(4, {.priority = Priority::High, .deadline = 28ms});  // A more urgent one may overtake.
    drain();
    EXPECT_EQ(answer(4), "4");
    EXPECT_EQ(answer(0), "0");
    EXPECT_EQ(answer(1), "request.deadline");
}

TEST_F(DispatcherTest, DropsWhatCanNoLongerBeInTimeBeforeWorkIsSpentOnIt) {
    open();
    submit(0, {.deadline = 30ms});
    clock_.advance(20'001us);  // Nobody ran anything; one alone takes 10 ms.
    dispatcher_->run_pending();
    EXPECT_THAT(fake_.batches, IsEmpty());
    EXPECT_EQ(answer(0), "request.deadline");
    EXPECT_EQ(kind_of(0), core::ErrorKind::TimedOut);
    EXPECT_EQ(dispatcher_->counts().timed_out, 1U);
}

TEST_F(DispatcherTest, DropsALateRequestRatherThanShrinkingTheBatchesOfABacklog) {
    open({.batch_max = 4});  // One takes 10 ms, four take 16 ms.
    submit(0, {.deadline = 20ms});
    for (int i = 1; i < 6; ++i) submit(i);
    clock_.advance(6ms);  // Alone it would be in time, with others not.
    drain();
    EXPECT_EQ(answer(0), "request.deadline");
    EXPECT_THAT(fake_.batches, ElementsAre(ElementsAre(1, 2, 3, 4), ElementsAre(5)));
}

TEST_F(DispatcherTest, CorrectsThePredictionByWhatIsMeasured) {
    open({.batch_max = 1});
    fake_.cost_ms = [](std::size_t) { return 40.0; };  // It was said to be 10.
    for (int i = 0; i < 2; ++i) submit(i);
    drain();
    submit(2, {.deadline = 70ms});
    const auto refused = refusal(3, {.deadline = 79ms});  // 80 ms with the one that waits.
    EXPECT_EQ(refused.code, "dispatcher.deadline");
    EXPECT_EQ(refused.details.at("predicted_ms"), 80);
}

TEST_F(DispatcherTest, ABatchThatWasGivenUpSaysNothingOfHowLongOneTakes) {
    open({.batch_max = 1});
    for (int i = 0; i < 2; ++i) submit(i);
    drain();
    std::vector<Ticket> tickets;
    fake_.before_member = [&](std::size_t) { tickets.back().cancel(); };
    for (int i = 2; i < 20; ++i) {
        tickets.push_back(submit(i));
        fake_.cost_ms = [](std::size_t) { return 1.0; };  // What is left of it.
        drain();
    }
    EXPECT_EQ(refusal(99, {.deadline = 9ms}).details.at("predicted_ms"), 10);
}

TEST_F(DispatcherTest, AnIdleDispatcherRunsWhatOnlyAPastMeasureSpeaksAgainst) {
    open({.batch_max = 1});
    const auto usual = fake_.cost_ms;
    fake_.cost_ms = [](std::size_t) { return 400.0; };
    for (int i = 0; i < 2; ++i) submit(i);
    drain();
    fake_.cost_ms = usual;
    for (int i = 2; i < 40; ++i) {
        submit(i,
               {.deadline = 50ms});  // Each would be refused for ever if the slow spell were never forgotten.
        drain();
        EXPECT_EQ(answer(i), std::to_string(i));
    }
    EXPECT_EQ(refusal(99, {.deadline = 9ms}).code, "dispatcher.deadline")
        << "the prediction itself speaks against it";
}

TEST_F(DispatcherTest, AdmitsAnyDeadlineWhileNothingIsKnown) {
    open({}, false);
    submit(0, {.deadline = 1ms});
    clock_.advance(500us);
    drain();
    EXPECT_EQ(answer(0), "request.deadline") << "it ran until the deadline had passed";
}

TEST_F(DispatcherTest, WarmsUpAndMeasuresBeforeTheFirstRequest) {
    open({.batch_max = 4}, false);
    dispatcher_->warm_up();
    EXPECT_THAT(fake_.batches, ElementsAre(ElementsAre(7), ElementsAre(7), ElementsAre(7, 7, 7, 7),
                                           ElementsAre(7, 7, 7, 7)));
    submit(0);
    EXPECT_EQ(refusal(1, {.priority = Priority::Low, .deadline = 11ms}).details.at("predicted_ms"), 12);
    EXPECT_EQ(dispatcher_->counts().batches, 0U);
}

TEST_F(DispatcherTest, AWarmUpThatFailsSaysWhy) {
    open();
    fake_.before_member = [](std::size_t) { throw core::InferenceError("member.run", "a kernel failed"); };
    EXPECT_EQ(code_of([&] { dispatcher_->warm_up(); }), "member.run");
    BatchRunner without = fake_.runner();
    without.example = nullptr;
    Dispatcher dispatcher(without, {.is_caller_driven = true});
    EXPECT_EQ(code_of([&] { dispatcher.warm_up(); }), "dispatcher.example");
}

TEST_F(DispatcherTest, AsksForRoomWithoutARequest) {
    open({.queue_max = 1});
    dispatcher_->require_room(Priority::Normal, 10ms);
    EXPECT_EQ(code_of([&] { dispatcher_->require_room(Priority::Normal, 9ms); }), "dispatcher.deadline");
    submit(0);
    EXPECT_EQ(code_of([&] { dispatcher_->require_room(Priority::Normal, {}); }), "dispatcher.overloaded");
    EXPECT_EQ(dispatcher_->counts().queued, 1U);
    EXPECT_EQ(dispatcher_->counts().submitted, 3U);
}

TEST_F(DispatcherTest, InputsAreMadeOnceThereIsRoomAndTheTimeCounts) {
    open({.queue_max = 1});
    int times_made = 0;
    const auto asked = [&](std::chrono::microseconds deadline, std::chrono::microseconds cost) {
        Request request{.deadline = deadline};
        request.prepare = [this, &times_made, cost] {
            ++times_made;
            clock_.advance(cost);
            return test::numbered_inputs(5);
        };
        return request;
    };
    EXPECT_EQ(code_of([&] { submit_request(0, asked(9ms, 0ms)); }), "dispatcher.deadline");
    EXPECT_EQ(times_made, 0);
    EXPECT_EQ(code_of([&] { submit_request(0, asked(14ms, 5ms)); }), "dispatcher.deadline");
    EXPECT_EQ(code_of([&] { submit_request(0, asked(14ms, 20ms)); }), "dispatcher.deadline");
    EXPECT_EQ(times_made, 2);
    submit_request(0, asked(15ms, 5ms));
    EXPECT_EQ(code_of([&] { submit_request(1, asked(1h, 0ms)); }), "dispatcher.overloaded");
    EXPECT_EQ(times_made, 3);
    drain();
    EXPECT_EQ(answer(0), "5");
    Request failing{.prepare = []() -> Inputs { throw core::NotFound("file.not_found", "no such file"); }};
    EXPECT_EQ(code_of([&] { submit_request(2, std::move(failing)); }), "file.not_found");
    EXPECT_EQ(dispatcher_->counts().admitted, 1U);
}

TEST_F(DispatcherTest, RefusesWhatHasNoMeaning) {
    open();
    EXPECT_EQ(refusal(0, {.deadline = 0ms}).code, "request.deadline");
    EXPECT_EQ(refusal(0, {.deadline = -1ms}).code, "request.deadline");
    EXPECT_EQ(refusal(0, {.deadline = 25h}).code, "request.deadline");
    EXPECT_EQ(refusal(0, {.priority = static_cast<Priority>(3)}).code, "request.priority");
    EXPECT_EQ(code_of([&] { dispatcher_->submit(Request{}, nullptr); }), "request.callback");
    EXPECT_EQ(code_of([&] { dispatcher_->infer(Request{}); }), "dispatcher.waiting");
    EXPECT_EQ(code_of([] { parse_priority("urgent"); }), "request.priority");
    EXPECT_EQ(parse_priority("low"), Priority::Low);
    EXPECT_EQ(dispatcher_->counts().submitted, 0U);
}

TEST_F(DispatcherTest, RefusesOptionsThatHaveNoMeaning) {
    const auto refused_option = [&](const DispatcherOptions& options) {
        try {
            Dispatcher dispatcher(fake_.runner(), options);
        } catch (const core::InvalidArgument& error) {
            EXPECT_EQ(error.code(), "dispatcher.options");
            return error.details().at(0).value.as<std::string>();
        }
        return std::string();
    };
    EXPECT_EQ(refused_option({.name = ""}), "name");
    EXPECT_EQ(refused_option({.queue_max = 0}), "queue_max");
    EXPECT_EQ(refused_option({.queue_max = 65537}), "queue_max");
    EXPECT_EQ(refused_option({.queue_bytes_max = 0}), "queue_bytes_max");
    EXPECT_EQ(refused_option({.batch_max = 0}), "batch_max");
    EXPECT_EQ(refused_option({.batch_max = 257}), "batch_max");
    EXPECT_EQ(refused_option({.batch_wait = -1us}), "batch_wait");
    EXPECT_EQ(refused_option({.age_after = 0us}), "age_after");
    EXPECT_EQ(refused_option({.patience = 0us}), "patience");
    EXPECT_EQ(refused_option({.trace_max = 1048577}), "trace_max");
    EXPECT_EQ(code_of([] { Dispatcher dispatcher(BatchRunner{}); }), "dispatcher.options");
}

}  // namespace
}  // namespace consilia::inference
