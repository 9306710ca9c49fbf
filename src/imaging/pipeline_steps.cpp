#include "imaging/pipeline_steps.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "consilia/core/error.hpp"

namespace consilia::imaging {
namespace {

constexpr double kMaxClipLimit = 100;
constexpr std::int32_t kMaxTiles = 64;
constexpr std::int32_t kMaxSide = 4096;

/// Checks one step after another; knows what came before.
class StepChecker {
public:
    void check(std::size_t index, const Step& step) {
        index_ = index;
        operation_ = operation_of(step);
        if (is_tensor_) fail_order("nothing may follow `tensor`");
        bool& seen = seen_[step.index()];
        if (seen) fail_order("an operation may stand only once");
        seen = true;
        std::visit([this](const auto& s) { check_step(s); }, step);
    }

    [[nodiscard]] bool is_complete() const noexcept { return is_tensor_; }

private:
    void check_step(const Grayscale&) {
        require_pixels();
        is_gray_ = true;
    }

    void check_step(const Clahe& clahe) {
        require_pixels();
        if (!is_gray_) fail_order("`clahe` needs `grayscale` before it");
        if (!(clahe.clip_limit > 0 && clahe.clip_limit <= kMaxClipLimit)) {
            fail("clip_limit", "must be above 0 and at most 100");
        }
        const auto is_count = [](std::int32_t n) { return n >= 1 && n <= kMaxTiles; };
        if (!is_count(clahe.tiles_x) || !is_count(clahe.tiles_y))
            fail("tiles", "must be two numbers from 1 to 64");
    }

    void check_step(const Resize& resize) {
        require_pixels();
        const auto is_side = [](std::int32_t n) { return n >= 1 && n <= kMaxSide; };
        if (!is_side(resize.width)) fail("width", "must be from 1 to 4096");
        if (!is_side(resize.height)) fail("height", "must be from 1 to 4096");
        if (resize.interpolation != Interpolation::Area && resize.interpolation != Interpolation::Bilinear) {
            fail("interpolation", "must be `area` or `bilinear`");
        }
    }

    void check_step(const Normalize& normalize) {
        const auto is_finite = [](double x) { return std::isfinite(x); };
        const auto is_divisor = [](double x) { return std::isfinite(x) && x > 0; };
        if (normalize.mean.size() != 1 && normalize.mean.size() != 3)
            fail("mean", "must have 1 or 3 numbers");
        if (normalize.deviation.size() != normalize.mean.size())
            fail("std", "must have as many numbers as `mean`");
        if (!std::ranges::all_of(normalize.mean, is_finite)) fail("mean", "must be finite");
        if (!std::ranges::all_of(normalize.deviation, is_divisor)) fail("std", "must be finite and above 0");
        normalized_channels_ = static_cast<std::int32_t>(normalize.mean.size());
    }

    void check_step(const ToTensor& tensor) {
        if (tensor.layout != Layout::Chw && tensor.layout != Layout::Hwc)
            fail("layout", "must be `CHW` or `HWC`");
        if (tensor.channels != 1 && tensor.channels != 3) fail("channels", "must be 1 or 3");
        if (tensor.channels == 1 && !is_gray_) fail_order("one channel needs `grayscale` before it");
        if (normalized_channels_ && *normalized_channels_ != tensor.channels) {
            fail("channels", "must be as many as `normalize` has numbers");
        }
        is_tensor_ = true;
    }

    void require_pixels() const {
        if (normalized_channels_) fail_order("only `tensor` may follow `normalize`");
    }
    [[noreturn]] void fail(std::string_view key, const std::string& rule) const {
        throw_step("pipeline.step", index_, operation_, key, "`" + std::string(key) + "` " + rule);
    }
    [[noreturn]] void fail_order(const std::string& rule) const {
        throw_step("pipeline.order", index_, operation_, "op", rule);
    }

    std::size_t index_ = 0;
    std::string_view operation_;
    std::array<bool, std::variant_size_v<Step>> seen_{};
    bool is_gray_ = false;
    bool is_tensor_ = false;
    std::optional<std::int32_t> normalized_channels_;
};

}  // namespace

std::string_view operation_of(const Step& step) noexcept {
    static constexpr std::array<std::string_view, std::variant_size_v<Step>> kNames = {
        "grayscale", "clahe", "resize", "normalize", "tensor"};
    return kNames[step.index()];
}

void throw_step(std::string code, std::size_t index, std::string_view operation, std::string_view key,
                const std::string& message) {
    throw core::InvalidArgument(
        std::move(code),
        "step " + std::to_string(index) + " (`" + std::string(operation.substr(0, 32)) + "`): " + message,
        {{"step", static_cast<std::int64_t>(index)}, {"key", key}});
}

void check_steps(const std::vector<Step>& steps) {
    StepChecker checker;
    for (std::size_t i = 0; i < steps.size(); ++i) checker.check(i, steps[i]);
    if (!checker.is_complete()) {
        throw core::InvalidArgument("pipeline.order", "the last step must be `tensor`",
                                    {{"step", static_cast<std::int64_t>(steps.size())}, {"key", "op"}});
    }
}

}  // namespace consilia::imaging
