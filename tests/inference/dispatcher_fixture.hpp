#pragma once
// A caller-driven dispatcher over a fake runner and a clock that the test moves.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/inference/dispatcher.hpp"
#include "inference/fake_runner.hpp"

namespace consilia::test {

/// The code of the error that a call throws; empty if it throws none.
template <class Call>
std::string code_of(const Call& call) {
    try {
        call();
    } catch (const core::Error& error) {
        return error.code();
    }
    return {};
}

/// What a test says of a request besides its number.
struct Asked {
    inference::Priority priority = inference::Priority::Normal;
    std::optional<std::chrono::microseconds> deadline{};
};

class DispatcherTest : public testing::Test {
protected:
    struct Refused {
        std::string code;
        core::ErrorKind kind = core::ErrorKind::Internal;
        std::map<std::string, double> details;
    };

    void open(inference::DispatcherOptions options = {.batch_max = 4}, bool is_predicting = true) {
        options.is_caller_driven = true;
        options.clock = &clock_;
        dispatcher_ = std::make_unique<inference::Dispatcher>(fake_.runner(is_predicting), options);
    }
    inference::Ticket submit(int number, const Asked& asked = {}, std::size_t floats = 1) {
        inference::Request request{.inputs = numbered_inputs(number, floats),
                                   .priority = asked.priority,
                                   .deadline = asked.deadline};
        return submit_request(number, std::move(request));
    }
    inference::Ticket submit_request(int number, inference::Request request) {
        return dispatcher_->submit(std::move(request), [this, number](inference::BatchOutcome outcome) {
            ++times_answered_[number];
            outcomes_[number] = std::move(outcome);
        });
    }
    Refused refusal(int number, const Asked& asked = {}, std::size_t floats = 1) {
        try {
            submit(number, asked, floats);
        } catch (const core::Error& error) {
            Refused refused{error.code(), error.kind(), {}};
            for (const auto& detail : error.details()) {
                refused.details[detail.name] = std::stod(core::to_json(detail.value));
            }
            return refused;
        }
        return {};
    }
    /// Runs until nothing waits, moving the clock where the dispatcher waits.
    void drain() {
        while (const auto wait = dispatcher_->run_pending()) clock_.advance(*wait);
    }
    [[nodiscard]] bool is_answered(int number) const { return outcomes_.contains(number); }
    /// The label of a diagnosis (its number), or the code of the error; empty if there is no answer.
    std::string answer(int number) {
        if (!is_answered(number)) return {};
        EXPECT_EQ(times_answered_[number], 1);
        const inference::BatchOutcome& outcome = outcomes_.at(number);
        if (!outcome.error) return outcome.diagnosis.label;
        return code_of([&] { std::rethrow_exception(outcome.error); });
    }
    core::ErrorKind kind_of(int number) {
        try {
            std::rethrow_exception(outcomes_.at(number).error);
        } catch (const core::Error& error) {
            return error.kind();
        }
    }

    core::ManualClock clock_{core::Timestamp{0}};
    FakeRunner fake_{&clock_};
    std::map<int, inference::BatchOutcome> outcomes_;
    std::map<int, int> times_answered_;
    std::unique_ptr<inference::Dispatcher> dispatcher_;
};

}  // namespace consilia::test
