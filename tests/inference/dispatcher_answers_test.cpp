// Cancelling, stopping, failing, forking and telling, on a clock that stands still.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <stop_token>
#include <string>

#include "inference/dispatcher_fixture.hpp"

namespace consilia::inference {
namespace {

using namespace std::chrono_literals;
using test::code_of;
using test::DispatcherTest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(DispatcherTest, ACancelledRequestLeavesTheQueueAtOnce) {
    open();
    const Ticket first = submit(0);
    submit(1);
    EXPECT_EQ(first.stage(), RequestStage::Queued);
    EXPECT_TRUE(first.cancel());
    EXPECT_EQ(first.stage(), RequestStage::Done);
    EXPECT_EQ(dispatcher_->counts().queued, 1U);
    EXPECT_FALSE(is_answered(0)) << "a callback runs on the dispatcher's thread only";
    drain();
    EXPECT_EQ(answer(0), "request.cancelled");
    EXPECT_EQ(kind_of(0), core::ErrorKind::Cancelled);
    EXPECT_THAT(fake_.batches, ElementsAre(ElementsAre(1)));
    EXPECT_FALSE(first.cancel());
}

TEST_F(DispatcherTest, ACancelledRequestLeavesARunningBatchBeforeTheNextMember) {
    open();
    const Ticket first = submit(0);
    submit(1);
    fake_.before_member = [&](std::size_t member) {
        if (member != 0) return;
        EXPECT_EQ(first.stage(), RequestStage::Running);
        EXPECT_TRUE(first.cancel());
        EXPECT_FALSE(first.cancel()) << "once is enough";
    };
    drain();
    EXPECT_EQ(answer(0), "request.cancelled");
    EXPECT_EQ(answer(1), "1");
    using Ran = std::vector<std::pair<std::string, int>>;
    EXPECT_EQ(fake_.ran, (Ran{{"a", 0}, {"a", 1}, {"b", 1}})) << "its work stops, that of the other goes on";
}

TEST_F(DispatcherTest, ARequestCancelledInTheLastMomentIsCancelledAllTheSame) {
    open();
    const Ticket first = submit(0);
    fake_.before_member = [&](std::size_t member) {
        if (member != 1) return;
        EXPECT_TRUE(first.cancel());
    };
    drain();
    EXPECT_EQ(answer(0), "request.cancelled");
    EXPECT_EQ(dispatcher_->counts().completed, 0U);
}

TEST_F(DispatcherTest, ATicketOfAnAnsweredRequestCancelsNothing) {
    open();
    const Ticket ticket = submit(0);
    drain();
    EXPECT_FALSE(ticket.cancel());
    EXPECT_EQ(ticket.stage(), RequestStage::Done);
    dispatcher_.reset();
    EXPECT_FALSE(ticket.cancel());
    EXPECT_FALSE(Ticket().cancel());
    EXPECT_EQ(Ticket().stage(), RequestStage::Done);
}

TEST_F(DispatcherTest, AStopTokenCancels) {
    open();
    std::stop_source stop;
    submit_request(0, {.inputs = test::numbered_inputs(0), .stop = stop.get_token()});
    auto future = dispatcher_->submit({.inputs = test::numbered_inputs(1), .stop = stop.get_token()});
    stop.request_stop();
    EXPECT_EQ(code_of([&] { future.get(); }), "request.cancelled") << "a future need not wait for the thread";
    submit_request(2, {.inputs = test::numbered_inputs(2), .stop = stop.get_token()});
    drain();
    EXPECT_EQ(answer(0), "request.cancelled");
    EXPECT_EQ(answer(2), "request.cancelled") << "asked for before the submission";
    EXPECT_THAT(fake_.batches, IsEmpty());
    EXPECT_EQ(dispatcher_->counts().cancelled, 3U);
}

TEST_F(DispatcherTest, ARunThatPassesItsDeadlineStopsBetweenMembers) {
    open({.batch_max = 4});
    submit(0, {.deadline = 15ms});
    fake_.before_member = [&](std::size_t member) {
        if (member == 0) clock_.advance(30ms);
    };
    drain();
    EXPECT_EQ(answer(0), "request.deadline");
    EXPECT_EQ(fake_.ran.size(), 1U);
}

TEST_F(DispatcherTest, AnAnswerThatCameTooLateIsGivenAndCounted) {
    open({.batch_max = 4});
    submit(0, {.deadline = 15ms});
    fake_.before_member = [&](std::size_t member) {
        if (member == 1) clock_.advance(30ms);
    };
    drain();
    EXPECT_EQ(answer(0), "0");
    EXPECT_EQ(dispatcher_->counts().completed_late, 1U);
}

TEST_F(DispatcherTest, WhatCannotBeInTimeIsToldBetweenTheMembersOfTheBatchAhead) {
    open({.batch_max = 1}, false);
    submit(0);
    submit(1, {.deadline = 3ms});
    submit(2, {.priority = Priority::High});
    std::string seen;
    fake_.before_member = [&](std::size_t member) {
        if (member == 1 && fake_.batches.size() == 1) seen = answer(1);
    };
    drain();
    EXPECT_EQ(seen, "request.deadline");
}

TEST_F(DispatcherTest, DrainingRunsWhatWaitsWithoutWaitingForMore) {
    open({.batch_max = 4});
    for (int i = 0; i < 6; ++i) submit(i);
    dispatcher_->stop(StopMode::Drain);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(answer(i), std::to_string(i));
    EXPECT_EQ(refusal(9).code, "dispatcher.stopped");
    EXPECT_EQ(dispatcher_->counts().refused_stopped, 1U);
    dispatcher_->stop(StopMode::Drain);
    dispatcher_->stop(StopMode::Cancel);
}

TEST_F(DispatcherTest, StoppingMayCancelWhatWaits) {
    open();
    submit(0);
    dispatcher_->stop(StopMode::Cancel);
    EXPECT_EQ(answer(0), "dispatcher.stopped");
    EXPECT_EQ(kind_of(0), core::ErrorKind::Cancelled);
    EXPECT_THAT(fake_.batches, IsEmpty());
}

TEST_F(DispatcherTest, StoppingInACallbackCancelsTheRunningBatchToo) {
    open({.batch_max = 2});
    for (int i = 0; i < 4; ++i) submit(i);
    fake_.before_member = [&](std::size_t member) {
        if (member == 0) dispatcher_->stop(StopMode::Cancel);
    };
    drain();
    for (int i = 0; i < 4; ++i) EXPECT_EQ(answer(i), "dispatcher.stopped");
    EXPECT_EQ(fake_.ran.size(), 2U) << "one member of one batch";
}

TEST_F(DispatcherTest, ADestroyedDispatcherAnswersWhatWaits) {
    open();
    submit(0);
    auto future = dispatcher_->submit({.inputs = test::numbered_inputs(1)});
    dispatcher_.reset();
    EXPECT_EQ(answer(0), "dispatcher.stopped");
    EXPECT_EQ(code_of([&] { future.get(); }), "dispatcher.stopped");
}

TEST_F(DispatcherTest, WhatTheRunnerThrowsIsEveryItemsError) {
    open({.batch_max = 2});
    submit(0);
    submit(1);
    fake_.before_member = [](std::size_t) { throw core::InferenceError("member.run", "a kernel failed"); };
    drain();
    EXPECT_EQ(answer(0), "member.run");
    EXPECT_EQ(answer(1), "member.run");
    EXPECT_EQ(dispatcher_->counts().failed, 2U);
    fake_.before_member = nullptr;
    submit(2);
    drain();
    EXPECT_EQ(answer(2), "2") << "the dispatcher goes on";
}

TEST_F(DispatcherTest, ARunnerThatForgetsAnItemIsADefect) {
    Dispatcher dispatcher({.run = [](auto, const auto&) { return std::vector<BatchOutcome>(); }},
                          {.batch_wait = 0us, .is_caller_driven = true, .clock = &clock_});
    auto future = dispatcher.submit({.inputs = test::numbered_inputs(0)});
    dispatcher.run_pending();
    EXPECT_EQ(code_of([&] { future.get(); }), "dispatcher.runner");
}

TEST_F(DispatcherTest, AnItemThatFailsLeavesTheOthersAlone) {
    BatchRunner runner = fake_.runner();
    runner.run = [&](std::span<const Inputs> batch, const BatchOptions& options) {
        auto outcomes = fake_.run(batch, options);
        outcomes.at(0) = {{}, std::make_exception_ptr(core::InferenceError("ensemble.no_opinion", "none"))};
        return outcomes;
    };
    dispatcher_ = std::make_unique<Dispatcher>(
        runner, DispatcherOptions{.batch_max = 2, .is_caller_driven = true, .clock = &clock_});
    submit(0);
    submit(1);
    drain();
    EXPECT_EQ(answer(0), "ensemble.no_opinion");
    EXPECT_EQ(answer(1), "1");
}

TEST_F(DispatcherTest, ContainsAndCountsWhatCallbacksThrow) {
    open();
    Request request{.inputs = test::numbered_inputs(0),
                    .progress = [](const BatchProgress&) { throw std::runtime_error("progress"); }};
    dispatcher_->submit(std::move(request), [](const BatchOutcome&) { throw 1; });
    submit(1);
    drain();
    EXPECT_EQ(answer(1), "1");
    EXPECT_EQ(dispatcher_->counts().callback_errors, 3U) << "after each of two members, and the answer";
}

TEST_F(DispatcherTest, TellsOfEachMember) {
    open();
    std::vector<std::string> told;
    submit_request(0, {.inputs = test::numbered_inputs(0), .progress = [&](const BatchProgress& at) {
                           told.push_back(std::string(at.member_id) + " " + std::to_string(at.members_done) +
                                          "/" + std::to_string(at.members_total));
                       }});
    drain();
    EXPECT_THAT(told, ElementsAre("a 1/2", "b 2/2"));
}

TEST_F(DispatcherTest, CallbacksMaySubmitCancelAndReadButNotWait) {
    open({.batch_max = 1});
    const Ticket third = submit(2, {.priority = Priority::Low});
    std::string code;
    dispatcher_->submit({.inputs = test::numbered_inputs(0)}, [&](const BatchOutcome&) {
        submit(1);
        third.cancel();
        EXPECT_THAT(dispatcher_->metrics(), HasSubstr("consilia_inference_"));
        code = code_of([&] { dispatcher_->run_pending(); });
    });
    drain();
    EXPECT_EQ(answer(1), "1");
    EXPECT_EQ(answer(2), "request.cancelled");
    EXPECT_EQ(code, "dispatcher.waiting");
}

TEST_F(DispatcherTest, AnAnswerLetsGoOfWhatTheRequestHeld) {
    open();
    const auto held = std::make_shared<int>(1);
    Request request{.inputs = test::numbered_inputs(0), .progress = [held](const BatchProgress&) {}};
    const std::weak_ptr<const imaging::Tensor> tensor = request.inputs.tensors[0];
    const Ticket ticket = dispatcher_->submit(std::move(request), [held](const BatchOutcome&) {});
    drain();
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_TRUE(tensor.expired()) << "a ticket does not keep the tensors";
}

TEST_F(DispatcherTest, AForkedChildIsToldSoAndEndsWithoutWaiting) {
    auto dispatcher = std::make_unique<Dispatcher>(fake_.runner(), DispatcherOptions{});
    const Ticket ticket =
        dispatcher->submit({.inputs = test::numbered_inputs(0), .deadline = 1h}, [](const BatchOutcome&) {});
    const ::pid_t child = ::fork();
    if (child == 0) {
        const bool is_told = code_of([&] { dispatcher->infer({}); }) == "engine.forked" &&
                             code_of([&] { dispatcher->submit({}); }) == "engine.forked" &&
                             code_of([&] { dispatcher->check_may_wait(); }) == "engine.forked" &&
                             code_of([&] { static_cast<void>(dispatcher->counts()); }) == "engine.forked" &&
                             code_of([&] { static_cast<void>(dispatcher->metrics()); }) == "engine.forked" &&
                             code_of([&] { dispatcher->stop(); }) == "engine.forked" &&
                             code_of([&] { dispatcher->warm_up(); }) == "engine.forked";
        const bool is_kept = code_of([&] { ticket.cancel(); }) == "engine.forked";
        dispatcher.reset();
        ::_exit(is_kept && is_told ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

/// Every line of the text format, by its grammar as far as it is used here.
TEST_F(DispatcherTest, MetricsAreInPrometheusFormatAndTellWhatHappened) {
    open({.name = "a\"b\\c", .queue_max = 3, .batch_max = 2});
    for (int i = 0; i < 3; ++i) submit(i);
    EXPECT_EQ(refusal(3).code, "dispatcher.overloaded");
    drain();
    submit(4, {.priority = Priority::Low});
    const std::string text = dispatcher_->metrics();
    std::istringstream lines(text);
    std::string family;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# HELP ")) {
            family = line.substr(7, line.find(' ', 7) - 7);
        } else if (line.starts_with("# TYPE ")) {
            EXPECT_TRUE(line.starts_with("# TYPE " + family + " ")) << line;
        } else {
            EXPECT_TRUE(line.starts_with(family)) << line;
            EXPECT_THAT(
                line,
                testing::ContainsRegex(
                    R"(^consilia_inference_[a-z_]+\{dispatcher="a\\"b\\\\c"(,[a-z]+="[^"]*")?\} [0-9.e+-]+$)"));
        }
    }
    const auto expect_sample = [&](const std::string& name, const std::string& label,
                                   const std::string& value) {
        EXPECT_THAT(text, HasSubstr("\nconsilia_inference_" + name + R"({dispatcher="a\"b\\c")" + label +
                                    "} " + value + "\n"));
    };
    expect_sample("submitted_total", "", "5");
    expect_sample("refused_total", R"(,reason="overloaded")", "1");
    expect_sample("answered_total", R"(,outcome="completed")", "3");
    expect_sample("queue_length", R"(,level="low")", "1");
    expect_sample("queue_bytes", "", "4");
    expect_sample("batch_size_bucket", R"(,le="1")", "1");
    expect_sample("batch_size_bucket", R"(,le="2")", "2");
    expect_sample("batch_size_bucket", R"(,le="+Inf")", "2");
    expect_sample("batch_size_sum", "", "3");
    expect_sample("latency_seconds_bucket", R"(,le="0.01")", "0");
    expect_sample("latency_seconds_bucket", R"(,le="0.025")", "3");
    expect_sample("latency_seconds_count", "", "3");
    expect_sample("member_run_seconds_count", R"(,member="b")", "2");
    expect_sample("member_run_seconds_sum", R"(,member="b")", "0.011");
}

TEST_F(DispatcherTest, TheTraceIsInChromeFormatAndSpansOfOneThreadNest) {
    open({.batch_max = 2});
    for (int i = 0; i < 5; ++i) {
        submit(i, {.priority = i == 4 ? Priority::Low : Priority::Normal});
        clock_.advance(500us);
    }
    drain();
    const auto document = nlohmann::json::parse(dispatcher_->trace());
    std::map<int, std::vector<std::pair<std::int64_t, std::int64_t>>> threads;
    std::map<std::string, int> names;
    for (const auto& event : document.at("traceEvents")) {
        ++names[event.at("name")];
        EXPECT_EQ(event.at("pid"), ::getpid());
        if (event.at("ph") == "M") continue;
        EXPECT_EQ(event.at("ph"), "X");
        const std::int64_t begin = event.at("ts");
        EXPECT_GE(event.at("dur"), 0);
        threads[event.at("tid")].emplace_back(begin, begin + event.at("dur").get<std::int64_t>());
    }
    EXPECT_EQ(names["queued"], 5);
    EXPECT_EQ(names["running"], 5);
    EXPECT_EQ(names["batch of 2"], 2);
    EXPECT_EQ(names["run a"], 3);
    for (const auto& [thread, spans] : threads) {
        for (const auto& a : spans) {
            for (const auto& b : spans) {
                const bool is_apart = a.second <= b.first || b.second <= a.first;
                const bool is_nested = (a.first <= b.first && b.second <= a.second) ||
                                       (b.first <= a.first && a.second <= b.second);
                EXPECT_TRUE(is_apart || is_nested) << thread;
            }
        }
    }
}

TEST_F(DispatcherTest, TheTraceKeepsTheNewestSpansOnly) {
    open({.batch_max = 1, .trace_max = 10});
    for (int i = 0; i < 20; ++i) {
        submit(i);
        drain();
    }
    const auto events = nlohmann::json::parse(dispatcher_->trace()).at("traceEvents");
    std::size_t count = 0;
    std::uint64_t newest = 0;
    for (const auto& event : events) {
        if (event.at("ph") == "M") continue;
        ++count;
        if (event.at("cat") == "request")
            newest = std::max(newest, event.at("args").at("request").get<std::uint64_t>());
    }
    EXPECT_EQ(count, 10U);
    EXPECT_EQ(newest, 20U);
    open({.batch_max = 1, .trace_max = 0});
    submit(0);
    drain();
    EXPECT_THAT(dispatcher_->trace(), testing::Not(HasSubstr("\"X\"")));
}

}  // namespace
}  // namespace consilia::inference
