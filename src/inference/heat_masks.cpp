#include "inference/heat_masks.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "consilia/core/error.hpp"

namespace consilia::inference {
namespace {

[[noreturn]] void refuse(const char* field, const std::string& rule) {
    throw core::InvalidArgument(std::string("heat_map.") + field, std::string("`") + field + "` " + rule,
                                {{"field", field}});
}

/// SplitMix64 (Steele, Lea & Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014, figure 17):
/// the same numbers on every machine, and a stream of its own for each mask.
class MaskRandom {
public:
    MaskRandom(std::uint64_t seed, std::size_t index) : state_(seed) {
        state_ = next_bits() + static_cast<std::uint64_t>(index);
        state_ = next_bits();
    }
    /// 0 to below 1.
    double next() { return static_cast<double>(next_bits() >> 11) * 0x1p-53; }

private:
    std::uint64_t next_bits() {
        std::uint64_t bits = state_ += 0x9e3779b97f4a7c15U;
        bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
        bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
        return bits ^ (bits >> 31);
    }

    std::uint64_t state_;
};

/// Where the pixels of a side stand between the points of a grid.
struct GridPlace {
    std::size_t before = 0;
    double share = 0;  // Of the point after it.
};

std::vector<GridPlace> grid_places(std::int64_t side, std::size_t cells, double offset) {
    std::vector<GridPlace> places;
    for (std::int64_t i = 0; i < side; ++i) {
        const double at =
            (static_cast<double>(i) + 0.5) / static_cast<double>(side) * static_cast<double>(cells) + offset;
        const double before = std::floor(at);
        places.push_back({static_cast<std::size_t>(before), at - before});
    }
    return places;
}

}  // namespace

void check_mask_options(const HeatMapOptions& options) {
    if (options.fill && !std::isfinite(*options.fill)) refuse("fill", "must be finite");
    if (options.window && *options.window < 1) refuse("window", "must be at least 1");
    if (options.stride && *options.stride < 1) refuse("stride", "must be at least 1");
    if (options.masks < 1 || options.masks > HeatMapOptions::kMaxMasks) {
        refuse("masks", "must be from 1 to " + std::to_string(HeatMapOptions::kMaxMasks));
    }
    if (options.cells < 1) refuse("cells", "must be at least 1");
    if (!(options.keep_probability > 0 && options.keep_probability < 1)) {
        refuse("keep_probability", "must be above 0 and below 1");
    }
}

HeatMasks::HeatMasks(const HeatMapOptions& options, Extent extent)
    : method_(options.method), extent_(extent) {
    const std::int64_t side = std::min(extent.height, extent.width);
    const std::string found =
        "the input is of " + std::to_string(extent.width) + " x " + std::to_string(extent.height) + " pixels";
    if (method_ == HeatMapMethod::RandomMasks) {
        if (options.cells > side) refuse("cells", "is " + std::to_string(options.cells) + ", " + found);
        cells_ = static_cast<std::size_t>(options.cells);
        keep_probability_ = options.keep_probability;
        seed_ = options.seed;
        count_ = options.masks;
        return;
    }
    window_ = options.window.value_or(static_cast<std::int32_t>(std::max<std::int64_t>(1, side / 8)));
    if (window_ > side) refuse("window", "is " + std::to_string(window_) + ", " + found);
    stride_ = options.stride.value_or(static_cast<std::int32_t>(std::max<std::int64_t>(1, window_ / 2)));
    if (stride_ > window_) {
        refuse("stride", "is " + std::to_string(stride_) + ": beyond the window of " +
                             std::to_string(window_) + " it would leave pixels out");
    }
    count_ = positions(extent.height) * positions(extent.width);
    if (count_ > HeatMapOptions::kMaxMasks) {
        refuse("stride", "gives " + std::to_string(count_) + " windows, the most are " +
                             std::to_string(HeatMapOptions::kMaxMasks));
    }
}

std::size_t HeatMasks::positions(std::int64_t side) const noexcept {
    return static_cast<std::size_t>((side - window_ + stride_ - 1) / stride_ + 1);
}

KeptPlane HeatMasks::draw(std::size_t index, Extent extent) const {
    return method_ == HeatMapMethod::Occlusion ? draw_window(index, extent) : draw_random(index, extent);
}

KeptPlane HeatMasks::draw_window(std::size_t index, Extent extent) const {
    // By the centres of pixels, so that an input of another resolution is covered at the same place.
    const auto covered = [this](std::size_t position, std::int64_t side, std::int64_t drawn_side) {
        const std::int64_t begin = std::min(static_cast<std::int64_t>(position) * stride_, side - window_);
        std::vector<char> is_covered;
        for (std::int64_t i = 0; i < drawn_side; ++i) {
            const std::int64_t centre = (2 * i + 1) * side / (2 * drawn_side);
            is_covered.push_back(centre >= begin && centre < begin + window_ ? 1 : 0);
        }
        return is_covered;
    };
    const std::size_t across = positions(extent_.width);
    const auto rows = covered(index / across, extent_.height, extent.height);
    const auto columns = covered(index % across, extent_.width, extent.width);
    KeptPlane kept;
    kept.reserve(rows.size() * columns.size());
    for (const char row : rows) {
        for (const char column : columns) kept.push_back(row != 0 && column != 0 ? 0.0F : 1.0F);
    }
    return kept;
}

/// RISE, section 3.2: a small binary grid, enlarged bilinearly and shifted by less than a cell. The grid has
/// points enough for every shift, so that every pixel is kept with the same probability.
KeptPlane HeatMasks::draw_random(std::size_t index, Extent extent) const {
    MaskRandom random(seed_, index);
    const std::size_t points = cells_ + 2;
    std::vector<double> grid;
    for (std::size_t i = 0; i < points * points; ++i) {
        grid.push_back(random.next() < keep_probability_ ? 1 : 0);
    }
    const auto rows = grid_places(extent.height, cells_, random.next());
    const auto columns = grid_places(extent.width, cells_, random.next());
    KeptPlane kept;
    kept.reserve(rows.size() * columns.size());
    for (const GridPlace& row : rows) {
        const double* above = grid.data() + row.before * points;
        for (const GridPlace& column : columns) {
            const auto across = [&column](const double* line) {
                return std::lerp(line[column.before], line[column.before + 1], column.share);
            };
            kept.push_back(static_cast<float>(std::lerp(across(above), across(above + points), row.share)));
        }
    }
    return kept;
}

void HeatMasks::describe(HeatMap& map) const {
    map.width = static_cast<std::int32_t>(extent_.width);
    map.height = static_cast<std::int32_t>(extent_.height);
    map.method = method_;
    map.window = static_cast<std::int32_t>(window_);
    map.stride = static_cast<std::int32_t>(stride_);
    map.masks = count_;
    map.cells = static_cast<std::int32_t>(cells_);
    map.keep_probability = keep_probability_;
    map.seed = seed_;
}

HeatSum::HeatSum(HeatMapMethod method, double uncovered_score, std::size_t pixels)
    : method_(method), uncovered_score_(uncovered_score), sums_(pixels), weights_(pixels) {}

void HeatSum::add(const KeptPlane& kept, double score) {
    const bool is_occlusion = method_ == HeatMapMethod::Occlusion;
    const double heat = is_occlusion ? uncovered_score_ - score : score;
    for (std::size_t i = 0; i < kept.size(); ++i) {
        const double weight =
            is_occlusion ? 1.0 - static_cast<double>(kept[i]) : static_cast<double>(kept[i]);
        sums_[i] += weight * heat;
        weights_[i] += weight;
        weight_squares_ += weight * weight;
    }
    total_ += heat;
    squares_ += heat * heat;
    ++count_;
}

std::vector<float> HeatSum::values() const {
    std::vector<float> values;
    values.reserve(sums_.size());
    for (std::size_t i = 0; i < sums_.size(); ++i) {
        const double heat = weights_[i] > 0 ? sums_[i] / weights_[i] : total_ / static_cast<double>(count_);
        values.push_back(static_cast<float>(heat));
    }
    return values;
}

/// Of a sum of `(heat - mean) * (weight - mean)` over independent masks, divided by the sum of the weights.
double HeatSum::noise() const noexcept {
    if (method_ == HeatMapMethod::Occlusion) return 0;
    const auto count = static_cast<double>(count_);
    const auto draws = count * static_cast<double>(sums_.size());
    const double weight = std::accumulate(weights_.begin(), weights_.end(), 0.0) / draws;
    const double mean = total_ / count;
    const double weight_variance = std::max(0.0, weight_squares_ / draws - weight * weight);
    const double variance = std::max(0.0, squares_ / count - mean * mean);
    return weight > 0 ? std::sqrt(variance * weight_variance / count) / weight : 0;
}

}  // namespace consilia::inference
