#include "inference/service_times.hpp"

#include <algorithm>
#include <cmath>

namespace consilia::inference {

void ServiceTimes::predict(std::size_t batch_size, double ms) {
    if (std::isfinite(ms) && ms > 0) sizes_[batch_size].predicted = ms;
}

void ServiceTimes::record(std::size_t batch_size, double ms) {
    Size& size = sizes_[batch_size];
    ms = std::max(ms, 1e-3);  // The clock's step: a mean of zero would say that nothing was measured.
    is_measured_ = true;
    if (size.mean > 0) {
        ms = std::min(ms, kOutlier * size.mean);
        hiccup_ = std::max(hiccup_ * (1 - 1 / kHiccupMemory), ms - size.mean);
        deviation_ += kDeviationGain * (std::abs(ms - size.mean) / size.mean - deviation_);
        size.mean += kMeanGain * (ms - size.mean);
    } else {
        size.mean = ms;
    }
    if (size.predicted > 0) {
        const double error = ms / size.predicted;
        error_ += (has_error_ ? kMeanGain : 1.0) * (error - error_);
        has_error_ = true;
    }
}

double ServiceTimes::expected_ms(std::size_t batch_size) const {
    const Size& size = sizes_[batch_size];
    if (size.mean > 0) return size.mean;
    if (size.predicted > 0) return size.predicted * error_;
    return interpolated_ms(batch_size);
}

/// On a line between the sizes measured around; past the largest in proportion, below the smallest as it.
double ServiceTimes::interpolated_ms(std::size_t batch_size) const {
    std::size_t below = batch_size;
    while (below > 0 && sizes_[below].mean <= 0) --below;
    std::size_t above = batch_size;
    while (above < sizes_.size() && sizes_[above].mean <= 0) ++above;
    const bool has_above = above < sizes_.size();
    if (below == 0) return has_above ? sizes_[above].mean : 0;
    const double low = sizes_[below].mean;
    if (!has_above) return low * static_cast<double>(batch_size) / static_cast<double>(below);
    const double share = static_cast<double>(batch_size - below) / static_cast<double>(above - below);
    return low + share * (sizes_[above].mean - low);
}

double ServiceTimes::margin_ms(double sum, double sum_of_squares) const {
    constexpr double kMeanVariance = kMeanGain / (2 - kMeanGain);
    return kDeviations * deviation_ * std::sqrt(sum_of_squares + kMeanVariance * sum * sum);
}

}  // namespace consilia::inference
