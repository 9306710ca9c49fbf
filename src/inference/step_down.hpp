#pragma once
// How far a member has stepped down because memory was refused, and when it tries to step up again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace consilia::inference {

/// Threading: confined.
class StepDown {
public:
    static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

    /// Images that run together at most.
    [[nodiscard]] std::size_t batch_max() const noexcept { return batch_max_; }
    [[nodiscard]] bool is_lower_precision() const noexcept { return is_lower_precision_; }
    [[nodiscard]] bool can_lower_precision() const noexcept {
        return can_lower_precision_ && !is_lower_precision_;
    }
    [[nodiscard]] bool is_on_processor() const noexcept { return is_on_processor_; }
    [[nodiscard]] bool is_down() const noexcept {
        return batch_max_ != kNoLimit || is_lower_precision_ || is_on_processor_;
    }

    /// The first thing to try: true unless it was tried since the last clean run.
    [[nodiscard]] bool note_release() noexcept {
        const bool is_first = !has_released_;
        has_released_ = true;
        return is_first;
    }
    void halve_batch(std::size_t refused) noexcept {
        went_down(), batch_max_ = std::max<std::size_t>(refused / 2, 1);
    }
    void lower_precision() noexcept { went_down(), is_lower_precision_ = true; }
    /// It cannot be opened so: it is not tried again. False if it was not in a lower precision.
    bool take_back_precision() noexcept {
        if (!is_lower_precision_) return false;
        is_lower_precision_ = false;
        can_lower_precision_ = false;
        return true;
    }
    void move_to_processor() noexcept { went_down(), is_on_processor_ = true; }

    /// Counts a run without a refusal. True if it is time to step up by one; `step_up` does.
    [[nodiscard]] bool note_clean_run() noexcept {
        has_released_ = false;
        return is_down() && ++clean_runs_ >= patience_;
    }
    /// The last step down first. True if the member must be opened anew.
    bool step_up() noexcept {
        clean_runs_ = 0;
        if (is_on_processor_) return is_on_processor_ = false, true;
        if (is_lower_precision_) return is_lower_precision_ = false, true;
        batch_max_ =
            batch_max_ > kNoLimit / 2 || batch_max_ * 2 >= kBatchForgotten ? kNoLimit : batch_max_ * 2;
        return false;
    }

private:
    static constexpr std::uint32_t kPatience = 16;
    static constexpr std::uint32_t kPatienceMax = 4096;
    static constexpr std::size_t kBatchForgotten = 1024;

    /// Each refusal doubles how long it waits with trying again.
    void went_down() noexcept {
        clean_runs_ = 0;
        patience_ = patience_ == 0 ? kPatience : std::min(patience_ * 2, kPatienceMax);
    }

    std::size_t batch_max_ = kNoLimit;
    bool is_lower_precision_ = false;
    bool can_lower_precision_ = true;
    bool is_on_processor_ = false;
    bool has_released_ = false;
    std::uint32_t clean_runs_ = 0;
    std::uint32_t patience_ = 0;
};

}  // namespace consilia::inference
