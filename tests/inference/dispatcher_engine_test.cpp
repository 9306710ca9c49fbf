// The dispatcher over a real engine with a simulated backend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <vector>

#include "inference/dispatcher_fixture.hpp"
#include "inference/packages.hpp"
#include "inference/simulated_backend.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::inference {
namespace {

using namespace std::chrono_literals;
using test::code_of;

class DispatcherEngine : public testing::Test {
protected:
    void SetUp() override {
        test::SimulatedDevice::reset();
        EngineOptions options;
        options.budget_bytes = 1 << 20;
        options.is_deterministic = true;  // The simulated backend takes one image at a time.
        options.backends = {test::simulated_backend()};
        std::vector<std::filesystem::path> members;
        for (const char* id : {"a", "b", "c"}) {
            members.push_back(test::write_package(directory_.path(), {.id = id, .seed = seed_++}));
        }
        members.push_back(directory_ / "missing.member");
        engine_ = std::make_shared<Engine>(members, options);
    }
    static imaging::Image image(unsigned shade) {
        imaging::Image image{4, 4, 1, {}};
        for (unsigned i = 0; i < 16; ++i) image.pixels.push_back(static_cast<std::uint8_t>(i * shade));
        return image;
    }

    test::TemporaryDirectory directory_;
    unsigned seed_ = 1;
    std::shared_ptr<Engine> engine_;
};

TEST_F(DispatcherEngine, AnswersAsTheEngineDoes) {
    Dispatcher dispatcher(engine_runner(engine_), {.batch_max = 4});
    std::vector<std::future<Diagnosis>> answers;
    for (unsigned shade = 1; shade <= 10; ++shade) {
        answers.push_back(dispatcher.submit({.inputs = engine_->prepare(image(shade))}));
    }
    for (unsigned shade = 1; shade <= 10; ++shade) {
        const Diagnosis expected = engine_->run(image(shade));
        const Diagnosis found = answers[shade - 1].get();
        EXPECT_EQ(found.label, expected.label);
        EXPECT_EQ(found.probabilities, expected.probabilities);
        ASSERT_EQ(found.opinions.size(), 4U);
        EXPECT_EQ(found.opinions[3].error_code, "member.not_found");
    }
    EXPECT_LE(dispatcher.counts().batches, 10U);
    EXPECT_THAT(dispatcher.metrics(), testing::HasSubstr("member=\"c\"} "));
    EXPECT_THAT(dispatcher.trace(), testing::HasSubstr("\"run c\""));
}

TEST_F(DispatcherEngine, WarmingUpBringsTheMembersIn) {
    Dispatcher dispatcher(engine_runner(engine_), {.batch_max = 2});
    dispatcher.warm_up();
    const Diagnosis diagnosis = dispatcher.infer({.inputs = engine_->prepare(image(1))});
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(diagnosis.opinions[i].was_resident) << i;
}

TEST_F(DispatcherEngine, InputsOfAnotherEngineAreRefusedBeforeTheySpoilABatch) {
    Dispatcher dispatcher(engine_runner(engine_));
    EXPECT_EQ(code_of([&] { dispatcher.submit({.inputs = test::numbered_inputs(1)}); }), "request.inputs");
    EXPECT_EQ(dispatcher.counts().submitted, 0U);
}

TEST_F(DispatcherEngine, CancelledWorkStopsBetweenMembers) {
    Dispatcher dispatcher(engine_runner(engine_), {.batch_max = 1});
    std::stop_source stop;
    Request request{.inputs = engine_->prepare(image(1)), .stop = stop.get_token()};
    request.progress = [&](const BatchProgress&) { stop.request_stop(); };
    EXPECT_EQ(code_of([&] { dispatcher.infer(std::move(request)); }), "request.cancelled");
    EXPECT_EQ(test::SimulatedDevice::instance().runs, 1) << "one member of three";
}

TEST_F(DispatcherEngine, SeveralDispatchersShareAnEngine) {
    Dispatcher first(engine_runner(engine_), {.name = "first"});
    Dispatcher second(engine_runner(engine_), {.name = "second"});
    auto answer = first.submit({.inputs = engine_->prepare(image(1))});
    EXPECT_EQ(second.infer({.inputs = engine_->prepare(image(1))}).probabilities, answer.get().probabilities);
}

TEST_F(DispatcherEngine, WithoutAnEngineThereIsNoRunner) {
    EXPECT_EQ(code_of([] { static_cast<void>(engine_runner(nullptr)); }), "dispatcher.engine");
}

}  // namespace
}  // namespace consilia::inference
