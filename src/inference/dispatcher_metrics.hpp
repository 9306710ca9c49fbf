#pragma once
// What a dispatcher counts and measures, and how Prometheus reads it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/inference/dispatcher.hpp"

namespace consilia::inference {

/// A cumulative histogram over fixed bounds. Threading: confined.
class Histogram {
public:
    /// `bounds` rise and must outlive the histogram.
    explicit Histogram(std::span<const double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}
    void observe(double value);

    [[nodiscard]] std::span<const double> bounds() const noexcept { return bounds_; }
    /// Of each bound, not cumulative; the last is of what is above all of them.
    [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }
    [[nodiscard]] double sum() const noexcept { return sum_; }

private:
    std::span<const double> bounds_;
    std::vector<std::uint64_t> counts_;
    double sum_ = 0;
};

/// 1 ms to 60 s.
inline constexpr std::array kSecondsBounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                           0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};
inline constexpr std::array kBatchSizeBounds{1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0};

/// A plain value: copied under the dispatcher's lock and written outside it.
struct DispatcherMetrics {
    struct MemberTotals {
        std::uint64_t runs = 0;
        std::uint64_t failures = 0;
        double seconds = 0;
    };

    Histogram latency_seconds{kSecondsBounds};  ///< Submission to answer, of completed requests.
    Histogram queue_seconds{kSecondsBounds};    ///< Submission to the start of the batch.
    Histogram batch_seconds{kSecondsBounds};
    Histogram batch_size{kBatchSizeBounds};
    std::map<std::string, MemberTotals, std::less<>> members{};

    /// The members' part in one batch, as its first diagnosis has it.
    void add_members(const Diagnosis& diagnosis);
};

/// Requests waiting, by level.
using QueueLengths = std::array<std::size_t, 3>;

/// The text exposition format, version 0.0.4.
[[nodiscard]] std::string prometheus_text(std::string_view dispatcher, const DispatcherCounts& counts,
                                          const QueueLengths& queued, const DispatcherMetrics& metrics);

}  // namespace consilia::inference
