#pragma once
// Do inputs and opinions still look as they did when the panel was judged?
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"

namespace consilia::inference {

/// One series against its reference.
struct DriftStatistics {
    std::uint64_t reference_count = 0;
    std::uint64_t window_count =
        0;  ///< Of the window that is judged: the last full one, else the current one.
    double reference_mean = 0;
    double window_mean = 0;
    /// Population stability index: sum of (q - p) * log(q / p) over bins (Siddiqi, Credit Risk Scorecards,
    /// 2006, chapter 8), with half a case added to each bin so that an empty one is not infinite. By habit
    /// below 0.1 is stable and above 0.25 a shift. In small windows chance alone gives about (bins - 1) *
    /// (1/n + 1/m).
    double psi = 0;
};

struct DriftOptions {
    std::uint32_t bins = 20;           ///< Of equal width over a series' range, 2 to 1000.
    std::uint64_t window_size = 1000;  ///< Values a tumbling window, at least 1.
    std::uint32_t max_series = 256;    ///< Most series; one more is refused.
    std::uint64_t reference_size = 0;  ///< A reference ends by itself after so many values. Zero: when asked.
};

/// Histograms of named series: features of inputs (`input.mean`), confidence and disagreement of opinions
/// (`opinion.confidence`, `opinion.disagreement`), …
///
/// An engine that is given one feeds it (`EngineOptions::drift`).
/// A series begins with its reference, until `end_reference` or `reference_size` values; later values fill
/// tumbling windows. Memory is three histograms a series, whatever is added. Threading: safe.
class CONSILIA_API DriftMonitor {
public:
    /// @throws InvalidArgument (`drift.bins`, `drift.window_size`, `drift.max_series`).
    explicit DriftMonitor(const DriftOptions& options = {});

    /// Declares a series with values from `low` to `high`; others count in the outermost bins.
    /// @throws InvalidArgument (`drift.range`), Conflict (`drift.series`) if it exists, ResourceExhausted
    /// (`drift.max_series`).
    void declare(std::string_view series, double low = 0, double high = 1);
    /// @throws NotFound (`drift.series`), InvalidArgument (`drift.value`) unless finite.
    void add(std::string_view series, double value);
    /// From here on values are judged against those added so far. @throws NotFound (`drift.series`),
    /// InvalidArgument (`drift.reference`) if there are none.
    void end_reference(std::string_view series);
    /// Of every series that has values.
    void end_references();
    /// @throws NotFound (`drift.series`).
    [[nodiscard]] DriftStatistics statistics(std::string_view series) const;
    [[nodiscard]] std::vector<std::string> series() const;
    /// Adds the counts of a monitor of another process with the same options and series; full windows and
    /// current ones are added each to its own. @throws InvalidArgument (`drift.merge`) if they differ.
    void merge(const DriftMonitor& other);

    /// The whole state, with a `version`. Read back, it goes on where it was.
    [[nodiscard]] std::string to_json() const;
    /// Restores into this monitor, whose content is replaced. @throws InvalidArgument (`drift.json`,
    /// `drift.version`); nothing has changed then.
    void read_json(std::string_view json);

private:
    struct Histogram {
        std::vector<std::uint64_t> counts{};
        std::uint64_t count = 0;
        double sum = 0;
    };
    struct Series {
        double low = 0;
        double high = 1;
        bool is_reference_ended = false;
        Histogram reference{};
        Histogram current{};
        Histogram last{};
    };
    using AllSeries = std::map<std::string, Series, std::less<>>;

    DriftOptions options_;
    mutable std::mutex mutex_;
    AllSeries series_;
};

}  // namespace consilia::inference
