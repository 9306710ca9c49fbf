#pragma once
// A runner whose batches take what a test says, on a clock that the test moves.
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/inference/dispatcher.hpp"

namespace consilia::test {

/// Inputs that are told apart by a number.
inline inference::Inputs numbered_inputs(int number, std::size_t floats = 1) {
    auto tensor = std::make_shared<imaging::Tensor>();
    tensor->shape = {1, 1, static_cast<std::int64_t>(floats)};
    tensor->values.assign(floats, static_cast<float>(number));
    return {{std::move(tensor)}};
}
inline int number_of(const inference::Inputs& inputs) {
    return static_cast<int>(inputs.tensors.at(0)->values.at(0));
}

/// Threading: confined to the thread that runs the batches.
struct FakeRunner {
    explicit FakeRunner(core::ManualClock* its_clock) : clock(its_clock) {}

    core::ManualClock* clock;  // Null: no time passes.
    std::vector<std::string> members{"a", "b"};
    std::function<double(std::size_t)> cost_ms = [](std::size_t size) {
        return 8.0 + 2.0 * static_cast<double>(size);
    };
    std::function<void(std::size_t member)>
        before_member{};                             // A test's hook; what it throws the runner throws.
    std::vector<std::vector<int>> batches{};         // The numbers of each batch.
    std::vector<std::pair<std::string, int>> ran{};  // Which member ran which number.

    [[nodiscard]] inference::BatchRunner runner(bool is_predicting = true) {
        inference::BatchRunner runner;
        runner.run = [this](std::span<const inference::Inputs> batch,
                            const inference::BatchOptions& options) { return run(batch, options); };
        runner.example = [] { return numbered_inputs(7); };
        if (is_predicting) runner.predict_ms = cost_ms;  // As it is now, whatever the cost will be.
        return runner;
    }

    std::vector<inference::BatchOutcome> run(std::span<const inference::Inputs> batch,
                                             const inference::BatchOptions& options) {
        std::vector<int> numbers;
        for (const auto& inputs : batch) numbers.push_back(number_of(inputs));
        batches.push_back(numbers);
        std::vector<inference::BatchOutcome> outcomes(batch.size());
        const double member_ms = cost_ms(batch.size()) / static_cast<double>(members.size());
        double at_ms = 0;
        for (std::size_t m = 0; m < members.size(); ++m) {
            drop_cancelled(outcomes, options);
            if (before_member) before_member(m);
            for (std::size_t i = 0; i < batch.size(); ++i) {
                if (!outcomes[i].error) run_member(members[m], numbers[i], at_ms, member_ms, outcomes[i]);
            }
            at_ms += member_ms;
            if (clock != nullptr) clock->advance(std::chrono::microseconds(std::llround(member_ms * 1e3)));
            if (options.progress) options.progress({members[m], m + 1, members.size()});
        }
        return outcomes;
    }

private:
    static void drop_cancelled(std::vector<inference::BatchOutcome>& outcomes,
                               const inference::BatchOptions& options) {
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            if (outcomes[i].error || !options.is_cancelled || !options.is_cancelled(i)) continue;
            outcomes[i] = {{}, std::make_exception_ptr(core::Cancelled("run.cancelled", "dropped"))};
        }
    }
    void run_member(const std::string& member, int number, double at_ms, double member_ms,
                    inference::BatchOutcome& outcome) {
        ran.emplace_back(member, number);
        inference::Opinion opinion;
        opinion.member_id = member;
        opinion.run_ms = member_ms;
        outcome.diagnosis.label = std::to_string(number);
        outcome.diagnosis.opinions.push_back(opinion);
        outcome.diagnosis.trace.push_back({inference::TraceKind::Run, member, at_ms, member_ms, 64, 0});
    }
};

}  // namespace consilia::test
