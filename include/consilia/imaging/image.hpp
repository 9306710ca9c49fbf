#pragma once
// Pixels and tensors: what decoding gives and what a model is fed.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace consilia::imaging {

/// An 8-bit image: rows from the top, pixels from the left, channels interleaved (gray, or red-green-blue).
struct Image {
    std::int32_t width = 0;
    std::int32_t height = 0;
    std::int32_t channels = 1;           ///< 1 or 3.
    std::vector<std::uint8_t> pixels{};  ///< `width * height * channels` samples, without padding.

    [[nodiscard]] std::size_t size_bytes() const noexcept { return pixels.size(); }
    friend bool operator==(const Image&, const Image&) = default;
};

/// The order of a tensor's dimensions.
enum class Layout : std::uint8_t {
    Chw,  ///< Channels, height, width: what torch expects.
    Hwc,  ///< Height, width, channels: what TensorFlow expects.
};

/// One prepared image: float32, dense, in row-major order of `shape`. The batch dimension is added by whoever
/// batches.
struct Tensor {
    std::array<std::int64_t, 3> shape{};  ///< `[C, H, W]` or `[H, W, C]`.
    Layout layout = Layout::Chw;
    std::vector<float> values{};  ///< As many as the product of `shape`.

    [[nodiscard]] std::size_t size_bytes() const noexcept { return values.size() * sizeof(float); }
    friend bool operator==(const Tensor&, const Tensor&) = default;
};

}  // namespace consilia::imaging
