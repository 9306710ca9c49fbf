#pragma once
// How fast requests come.
#include <array>
#include <cstddef>
#include <cstdint>

#include "inference/pending_request.hpp"

namespace consilia::inference {

/// Rates over the last few batches: means with a gain of 1/8 a batch. Threading: confined.
class ArrivalRates {
public:
    static constexpr double kGain = 1.0 / 8;

    void count_admitted(Priority priority) noexcept { ++admitted_[static_cast<std::size_t>(priority)]; }
    /// At the start of each batch. `submitted` counts all so far, the refused ones too.
    void update(std::int64_t now_us, std::uint64_t submitted) noexcept {
        const double elapsed_ms = static_cast<double>(now_us - seen_us_) / 1e3;
        if (elapsed_ms <= 0) return;
        submitted_per_ms_ +=
            kGain * (static_cast<double>(submitted - seen_submitted_) / elapsed_ms - submitted_per_ms_);
        for (std::size_t level = 0; level < kPriorityLevels; ++level) {
            const double rate = static_cast<double>(admitted_[level]) / elapsed_ms;
            admitted_per_ms_[level] += kGain * (rate - admitted_per_ms_[level]);
        }
        admitted_ = {};
        seen_submitted_ = submitted;
        seen_us_ = now_us;
    }

    [[nodiscard]] double submitted_per_ms() const noexcept { return submitted_per_ms_; }
    /// Of the levels that go before this one.
    [[nodiscard]] double admitted_per_ms_before(Priority priority) const noexcept {
        double rate = 0;
        for (std::size_t l = 0; l < static_cast<std::size_t>(priority); ++l) rate += admitted_per_ms_[l];
        return rate;
    }

private:
    std::array<std::uint64_t, kPriorityLevels> admitted_{};  // Since the last update.
    std::array<double, kPriorityLevels> admitted_per_ms_{};
    double submitted_per_ms_ = 0;
    std::uint64_t seen_submitted_ = 0;
    std::int64_t seen_us_ = 0;
};

}  // namespace consilia::inference
