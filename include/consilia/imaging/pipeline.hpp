#pragma once
// How an image becomes a model's input: a value that is written as JSON, hashed, and applied.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/imaging/image.hpp"

namespace consilia::imaging {

/// RGB to gray with the weights of ITU-R BT.601; gray stays as it is.
struct Grayscale {
    friend bool operator==(const Grayscale&, const Grayscale&) = default;
};

/// Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) of a gray image.
struct Clahe {
    double clip_limit = 2.0;   ///< Above 0, at most 100.
    std::int32_t tiles_x = 8;  ///< 1 to 64.
    std::int32_t tiles_y = 8;  ///< 1 to 64.
    friend bool operator==(const Clahe&, const Clahe&) = default;
};

enum class Interpolation : std::uint8_t {
    Area,      ///< Mean of the covered pixels: for shrinking, without moiré.
    Bilinear,  ///< Without smoothing first.
};

/// To exactly this size; the aspect ratio is not kept.
struct Resize {
    std::int32_t width = 0;   ///< 1 to 4096.
    std::int32_t height = 0;  ///< 1 to 4096.
    Interpolation interpolation = Interpolation::Area;
    friend bool operator==(const Resize&, const Resize&) = default;
};

/// `(x / 255 - mean) / std`, one value a channel of the tensor.
struct Normalize {
    std::vector<double> mean{};
    std::vector<double> deviation{};  ///< `std` in JSON. Above 0.
    friend bool operator==(const Normalize&, const Normalize&) = default;
};

/// The last step: float32 in this layout. A gray image is repeated to `channels`.
struct ToTensor {
    Layout layout = Layout::Chw;
    std::int32_t channels = 3;  ///< 1 (needs a `Grayscale` step) or 3.
    friend bool operator==(const ToTensor&, const ToTensor&) = default;
};

using Step = std::variant<Grayscale, Clahe, Resize, Normalize, ToTensor>;

/// An immutable list of checked steps: any of grayscale, clahe (on gray only) and resize, then perhaps
/// normalize, then tensor; each at most once. Without normalize the tensor holds `x / 255`.
///
/// Deterministic: the same image gives the same tensor, bit for bit, on any number of threads.
/// Copies share the steps. Threading: safe.
///
///     auto pipeline = Pipeline::from_json(R"({"version": 1, "steps": [{"op": "grayscale"}, {"op": "clahe"},
///         {"op": "resize", "width": 96, "height": 96}, {"op": "tensor", "channels": 1}]})");
///     Tensor tensor = pipeline.apply(decode(bytes));  // [1, 96, 96]
class CONSILIA_API Pipeline {
public:
    static constexpr int kDocumentVersion = 1;   ///< Of the JSON form.
    static constexpr int kAlgorithmVersion = 1;  ///< Changes when the same steps give other pixels.
    static constexpr std::size_t kMaxJsonBytes = 64 * 1024;  ///< Longest document that is read.

    /// The shortest one: a tensor of three channels as it is.
    Pipeline();
    /// @throws InvalidArgument (`pipeline.step`, `pipeline.order`) with `step` and `key` in its details.
    explicit Pipeline(std::vector<Step> steps);
    /// Reads `{"version": 1, "steps": [{"op": "grayscale"}, …]}`: docs/imaging.md lists operations and keys.
    /// @throws InvalidArgument as above, `pipeline.syntax`, `pipeline.version`, `pipeline.type`,
    ///         `pipeline.unknown` (an operation or a key).
    static Pipeline from_json(std::string_view text);

    /// The canonical form: every key written, keys sorted, no spaces. `from_json(p.to_json()) == p`.
    [[nodiscard]] const std::string& to_json() const noexcept;
    /// SHA-256 of the algorithm version and the canonical form: half of a cache key.
    [[nodiscard]] const std::string& hash() const noexcept;
    [[nodiscard]] std::span<const Step> steps() const noexcept;
    /// The shape of the tensor; nothing if there is no resize step and it follows the image.
    [[nodiscard]] std::optional<std::array<std::int64_t, 3>> output_shape() const noexcept;

    /// All steps.
    /// @throws InvalidArgument (`image.shape`) if size, channels and pixels of the image do not agree.
    [[nodiscard]] Tensor apply(const Image& image) const;
    /// The steps before normalize and tensor: what the model sees, as a picture.
    /// @throws InvalidArgument (`image.shape`).
    [[nodiscard]] Image apply_pixels(const Image& image) const;

    /// The same steps.
    friend bool operator==(const Pipeline& a, const Pipeline& b) noexcept {
        return a.to_json() == b.to_json();
    }

private:
    struct Compiled;
    std::shared_ptr<const Compiled> compiled_;
};

}  // namespace consilia::imaging
