#pragma once
// How long batches take: what was predicted, corrected by what was measured.
#include <cstddef>
#include <vector>

namespace consilia::inference {

/// Means and mean deviations as V. Jacobson, *Congestion Avoidance and Control* (SIGCOMM 1988), appendix A,
/// keeps them for round trips: gains of 1/8 and 1/4, and four deviations as RFC 6298 has them. Two changes:
/// there is a mean for each size of batch and
/// one deviation, relative, for all; and a sample counts as at most four times its mean, so that one hiccup
/// does not close the door. Times in milliseconds. Threading: confined.
class ServiceTimes {
public:
    static constexpr double kMeanGain = 1.0 / 8;
    static constexpr double kDeviationGain = 1.0 / 4;
    static constexpr double kOutlier = 4;
    static constexpr double kDeviations = 4;
    static constexpr double kHiccupMemory = 256;

    explicit ServiceTimes(std::size_t batch_max) : sizes_(batch_max + 1) {}

    /// What is expected of a batch of this size before one was measured. What is not a positive number is not
    /// known.
    void predict(std::size_t batch_size, double ms);
    void record(std::size_t batch_size, double ms);

    /// The prediction alone; zero if there is none.
    [[nodiscard]] double predicted_ms(std::size_t batch_size) const { return sizes_[batch_size].predicted; }
    /// The mean of what was measured; of a size that was not, by the prediction and its error at other sizes,
    /// or else from the nearest sizes measured. Zero if nothing is known.
    [[nodiscard]] double expected_ms(std::size_t batch_size) const;
    /// A margin for several times one after the other, by their sum and the sum of their squares: they
    /// deviate each for itself, and all by the error of the mean, whose variance is gain / (2 - gain) of
    /// theirs.
    [[nodiscard]] double margin_ms(double sum, double sum_of_squares) const;
    /// How much longer than its mean the worst of about the last `kHiccupMemory` batches took, fading.
    [[nodiscard]] double hiccup_ms() const noexcept { return hiccup_; }
    [[nodiscard]] bool is_measured() const noexcept { return is_measured_; }

private:
    struct Size {
        double predicted = 0;
        double mean = 0;  ///< Zero: not measured.
    };
    [[nodiscard]] double interpolated_ms(std::size_t batch_size) const;

    std::vector<Size> sizes_;
    double error_ = 1;  ///< Of predictions: measured by predicted.
    double deviation_ = 0;
    double hiccup_ = 0;
    bool is_measured_ = false;
    bool has_error_ = false;
};

}  // namespace consilia::inference
