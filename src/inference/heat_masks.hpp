#pragma once
// The masks of a heat map, and the map that scores under them add up to.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "consilia/inference/heat_map.hpp"

namespace consilia::inference {

/// How much of each pixel is kept, 0 to 1, row by row.
using KeptPlane = std::vector<float>;

/// Height and width of an input, in pixels.
struct Extent {
    std::int64_t height = 0;
    std::int64_t width = 0;
    friend auto operator<=>(const Extent&, const Extent&) = default;
};

/// @throws InvalidArgument (`heat_map.<field>`) for what no input could be covered with.
void check_mask_options(const HeatMapOptions& options);

/// Masks by their number, drawn when they are asked for: they need not lie in memory. A mask covers the same
/// places of an input whatever the input's resolution. Threading: compatible.
class HeatMasks {
public:
    /// Options that `check_mask_options` accepts, for inputs of which `extent` is the one explained.
    /// @throws InvalidArgument (`heat_map.<field>`) for what does not fit it.
    HeatMasks(const HeatMapOptions& options, Extent extent);

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] KeptPlane draw(std::size_t index, Extent extent) const;
    /// Writes what was chosen.
    void describe(HeatMap& map) const;

private:
    [[nodiscard]] KeptPlane draw_window(std::size_t index, Extent extent) const;
    [[nodiscard]] KeptPlane draw_random(std::size_t index, Extent extent) const;
    /// Where windows begin along a side, the last one ending at the edge.
    [[nodiscard]] std::size_t positions(std::int64_t side) const noexcept;

    HeatMapMethod method_;
    Extent extent_;
    std::int64_t window_ = 0;
    std::int64_t stride_ = 0;
    std::size_t cells_ = 0;
    double keep_probability_ = 0;
    std::uint64_t seed_ = 0;
    std::size_t count_ = 0;
};

/// Adds scores up, each where its mask says. Threading: confined.
class HeatSum {
public:
    HeatSum(HeatMapMethod method, double uncovered_score, std::size_t pixels);
    void add(const KeptPlane& kept, double score);
    /// A pixel that no mask weighed has the mean of all.
    [[nodiscard]] std::vector<float> values() const;
    /// `HeatMap::noise`.
    [[nodiscard]] double noise() const noexcept;

private:
    HeatMapMethod method_;
    double uncovered_score_;
    std::vector<double> sums_;
    std::vector<double> weights_;
    double weight_squares_ = 0;  // Over all pixels.
    double total_ = 0;
    double squares_ = 0;
    std::size_t count_ = 0;
};

}  // namespace consilia::inference
