#pragma once
// Where a member, or the whole panel, looked: heat maps from forward runs alone.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/imaging/image.hpp"
#include "consilia/inference/diagnosis.hpp"
#include "consilia/inference/engine.hpp"

namespace consilia::inference {

/// How places are weighed.
enum class HeatMapMethod : std::uint8_t {
    /// Occlusion sensitivity (Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, ECCV
    /// 2014, section 4.2): a window is moved over the input and filled with one value. The heat of a pixel is
    /// how much the probability of the class falls, averaged over the windows that cover it: below 0 where
    /// covering it raises the probability.
    Occlusion,
    /// RISE (Petsiuk, Das & Saenko, Randomized Input Sampling for Explanation of Black-box Models, BMVC 2018,
    /// section 3): many random smooth masks keep about half of the input each. The heat of a pixel is the
    /// mean probability of the class under the masks, each weighted by how much of the pixel it keeps.
    /// Deviations: the sum is divided by the weights that were drawn instead of their expectation, which
    /// makes the map less noisy, and what is not kept is filled as with `Occlusion`, not with zeros.
    RandomMasks,
};
/// `occlusion`, `random_masks`.
CONSILIA_API std::string_view to_string(HeatMapMethod method) noexcept;
/// @throws InvalidArgument (`heat_map.method`).
CONSILIA_API HeatMapMethod parse_heat_map_method(std::string_view name);

/// How far a heat map is.
struct HeatMapProgress {
    std::size_t masks_done = 0;  ///< Covered inputs that have been run by all members asked.
    std::size_t masks_total = 0;
};

/// What is asked. Pixels are those of the input tensor of the member that is explained; of the panel those of
/// the first member that answered, and other members' inputs are covered at the same places.
struct HeatMapOptions {
    static constexpr std::size_t kMaxMasks = 100'000;

    HeatMapMethod method = HeatMapMethod::Occlusion;
    std::string member_id{};   ///< Empty: the probability that the panel pools.
    std::string class_name{};  ///< Empty: the diagnosis of that member or of the panel.
    /// What covered places hold, in the unit of the prepared tensor. Empty: the mean of each channel.
    std::optional<float> fill{};
    /// Of `Occlusion`: side of the square window, in pixels, at most the input's shorter side. Empty: an
    /// eighth of that side.
    std::optional<std::int32_t> window{};
    /// Of `Occlusion`: how far the window moves, in pixels, at most the window; a last step that is shorter
    /// ends at the edge. Empty: half of the window.
    std::optional<std::int32_t> stride{};
    std::size_t masks = 1000;       ///< Of `RandomMasks`: 1 to `kMaxMasks`.
    std::int32_t cells = 8;         ///< Of `RandomMasks`: along each side, 1 to the input's shorter side.
    double keep_probability = 0.5;  ///< Of `RandomMasks`: of each point of the grid. Above 0 and below 1.
    std::uint64_t seed = 0;         ///< Of `RandomMasks`: the same masks for the same seed, on any machine.
    /// Covered inputs that are handed to the engine together, 1 to `Engine::kMaxBatch`. They lie in the
    /// host's memory; how many of them run at once is the engine's plan, within its budget.
    std::size_t batch_max = 16;
    /// Called on the running thread, holding no lock, after each member of a batch. False: stop, and throw
    /// Cancelled (`run.cancelled`).
    std::function<bool(const HeatMapProgress&)> progress{};
};

/// Where a member or the panel looked, with what reproduces it. A plain value.
struct CONSILIA_API HeatMap {
    static constexpr double kOpacity = 0.6;      ///< Of full heat, unless another is given.
    static constexpr int kAlgorithmVersion = 1;  ///< Changes when the same options give another map.

    std::int32_t width = 0;   ///< Of the input tensor.
    std::int32_t height = 0;  ///< Of the input tensor.
    std::vector<float>
        values{};   ///< `[height, width]`, rows from the top. The unit is the method's: probability.
    float min = 0;  ///< Of `values`.
    float max = 0;  ///< Of `values`.
    /// Of `RandomMasks`: by how much a value strays (standard deviation) if the place makes no difference. It
    /// falls with the root of the number of masks. Zero for `Occlusion`, which draws no lots.
    double noise = 0;
    std::string member_id{};  ///< Empty: the panel.
    std::string class_name{};
    double probability = 0;  ///< Of the class, nothing being covered.
    HeatMapMethod method = HeatMapMethod::Occlusion;
    std::optional<float> fill{};
    std::int32_t window = 0;  ///< Of `Occlusion`; as it was chosen, like the rest.
    std::int32_t stride = 0;
    std::size_t masks = 0;  ///< Covered inputs that were run, of either method.
    std::int32_t cells = 0;
    double keep_probability = 0;
    std::uint64_t seed = 0;
    std::string
        input_hash{};  ///< SHA-256 over the prepared tensors of the members asked, in the engine's order.
    Diagnosis diagnosis{};  ///< With nothing covered: members, pipelines, backend, device and versions.

    /// Everything above but the values; the parameters of the other method are left out.
    [[nodiscard]] std::string to_json() const;
    /// The map by itself in its own resolution, RGB. `Occlusion` is drawn from 0 up to its maximum,
    /// `RandomMasks` from its mean up. A range below 0.0001 or below three times the noise counts as no heat,
    /// so that neither rounding nor chance is drawn as a finding.
    [[nodiscard]] imaging::Image draw() const;
    /// The map over the image that was explained, in the image's resolution, RGB.
    /// @throws InvalidArgument as `imaging::draw_heat_over`.
    [[nodiscard]] imaging::Image draw_over(const imaging::Image& image, double opacity = kOpacity) const;
};

/// Runs `inputs`, which `engine.prepare` gave, once as they are and once for each mask, in batches through
/// `engine.run_batch`: within its budget, between its other callers, by its consensus and augmentation. A
/// drift monitor is not told, and early stopping is left out, since pooled probabilities of different members
/// could not be compared; under the rule `majority` the pool moves only where a member changes its mind. The
/// same options give the same masks; scores agree to rounding, and to the bit with the engine's
/// `is_deterministic`. Threading: as the engine's calls, safe.
/// @throws InvalidArgument (`heat_map.<field>` with the reason; `engine.batch`: not prepared by this engine);
///         InferenceError (`ensemble.no_opinion` with the reason of each member that was asked;
///         `heat_map.member_failed`: a member answered and then failed under a mask); Cancelled; Unavailable.
///
///     HeatMap map = explain(engine, engine.prepare(bytes), {.member_id = "resnet50"});
///     core::write_file("heat.png", imaging::encode_png(map.draw_over(imaging::decode(bytes))));
CONSILIA_API HeatMap explain(Engine& engine, const Inputs& inputs, const HeatMapOptions& options = {});

}  // namespace consilia::inference
