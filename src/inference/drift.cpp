#include "consilia/inference/drift.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "consilia/core/error.hpp"
#include "inference/whole_number.hpp"

namespace consilia::inference {

namespace {

using nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr const char* kJsonCode = "drift.json";

void check(const DriftOptions& options) {
    if (options.bins < 2 || options.bins > 1000) {
        throw core::InvalidArgument("drift.bins", "`bins` must be from 2 to 1000");
    }
    if (options.window_size == 0)
        throw core::InvalidArgument("drift.window_size", "`window_size` must be above 0");
    if (options.max_series == 0)
        throw core::InvalidArgument("drift.max_series", "`max_series` must be above 0");
}

void check_range(double low, double high) {
    if (!std::isfinite(low) || !std::isfinite(high) || !(low < high)) {
        throw core::InvalidArgument("drift.range", "`low` must be below `high`, both finite");
    }
}

template <class Histogram>
void add_to(Histogram& histogram, const Histogram& other) {
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) histogram.counts[i] += other.counts[i];
    histogram.count += other.count;
    histogram.sum += other.sum;
}

template <class Histogram>
double mean_of(const Histogram& histogram) {
    return histogram.count == 0 ? 0 : histogram.sum / static_cast<double>(histogram.count);
}

template <class Histogram>
double stability_index(const Histogram& reference, const Histogram& window) {
    if (reference.count == 0 || window.count == 0) return 0;
    const double half_a_case_each = static_cast<double>(reference.counts.size()) / 2;
    const auto share = [&](const Histogram& of, std::size_t bin) {
        return (static_cast<double>(of.counts[bin]) + 0.5) /
               (static_cast<double>(of.count) + half_a_case_each);
    };
    double index = 0;
    for (std::size_t bin = 0; bin < reference.counts.size(); ++bin) {
        const double p = share(reference, bin);
        const double q = share(window, bin);
        index += (q - p) * std::log(q / p);
    }
    return index;
}

template <class Histogram>
ordered_json write(const Histogram& histogram) {
    return {{"counts", histogram.counts}, {"sum", histogram.sum}};
}

template <class Histogram>
void read(const ordered_json& document, std::size_t bins, Histogram& histogram) {
    for (const auto& count : document.at("counts"))
        histogram.counts.push_back(whole_number<std::uint64_t>(count, kJsonCode));
    document.at("sum").get_to(histogram.sum);
    if (histogram.counts.size() != bins)
        throw core::InvalidArgument("drift.json", "`counts` need one number a bin");
    if (!std::isfinite(histogram.sum)) throw core::InvalidArgument("drift.json", "`sum` must be finite");
    histogram.count = std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::uint64_t{0});
}

template <class AllSeries>
auto& require(AllSeries& all, std::string_view series) {
    const auto found = all.find(series);
    if (found == all.end()) {
        throw core::NotFound("drift.series",
                             "there is no series `" + std::string(series.substr(0, 80)) + "`");
    }
    return found->second;
}

}  // namespace

DriftMonitor::DriftMonitor(const DriftOptions& options) : options_(options) {
    check(options);
}

void DriftMonitor::declare(std::string_view series, double low, double high) {
    check_range(low, high);
    const std::scoped_lock lock(mutex_);
    const Histogram empty{.counts = std::vector<std::uint64_t>(options_.bins, 0)};
    if (series_.contains(series)) {
        throw core::Conflict("drift.series", "series `" + std::string(series.substr(0, 80)) + "` exists");
    }
    if (series_.size() >= options_.max_series) {
        throw core::ResourceExhausted(
            "drift.max_series", "a monitor keeps at most " + std::to_string(options_.max_series) + " series");
    }
    series_.emplace(std::string(series), Series{.low = low,
                                                .high = high,
                                                .is_reference_ended = false,
                                                .reference = empty,
                                                .current = empty,
                                                .last = empty});
}

void DriftMonitor::add(std::string_view series, double value) {
    if (!std::isfinite(value)) throw core::InvalidArgument("drift.value", "a value must be finite");
    const std::scoped_lock lock(mutex_);
    Series& to = require(series_, series);
    const double place = std::clamp((value - to.low) / (to.high - to.low), 0.0, 1.0);
    const auto bin =
        std::min(static_cast<std::size_t>(place * options_.bins), std::size_t{options_.bins - 1});
    Histogram& histogram = to.is_reference_ended ? to.current : to.reference;
    ++histogram.counts[bin];
    ++histogram.count;
    histogram.sum += value;
    if (!to.is_reference_ended) {
        to.is_reference_ended = to.reference.count == options_.reference_size;
        return;
    }
    if (to.current.count >= options_.window_size) {
        std::swap(to.last, to.current);
        to.current = {.counts = std::vector<std::uint64_t>(options_.bins, 0)};
    }
}

void DriftMonitor::end_reference(std::string_view series) {
    const std::scoped_lock lock(mutex_);
    Series& of = require(series_, series);
    if (of.reference.count == 0)
        throw core::InvalidArgument("drift.reference", "the reference has no values");
    of.is_reference_ended = true;
}

void DriftMonitor::end_references() {
    const std::scoped_lock lock(mutex_);
    for (auto& [name, of] : series_) of.is_reference_ended |= of.reference.count > 0;
}

DriftStatistics DriftMonitor::statistics(std::string_view series) const {
    const std::scoped_lock lock(mutex_);
    const Series& of = require(series_, series);
    const Histogram& window = of.last.count > 0 ? of.last : of.current;
    return {.reference_count = of.reference.count,
            .window_count = window.count,
            .reference_mean = mean_of(of.reference),
            .window_mean = mean_of(window),
            .psi = stability_index(of.reference, window)};
}

std::vector<std::string> DriftMonitor::series() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, of] : series_) names.push_back(name);
    return names;
}

void DriftMonitor::merge(const DriftMonitor& other) {
    const auto refuse = [](const char* why) { throw core::InvalidArgument("drift.merge", why); };
    if (&other == this) refuse("a monitor cannot be merged with itself");
    const std::scoped_lock lock(mutex_, other.mutex_);
    if (options_.bins != other.options_.bins) refuse("monitors differ in `bins`");
    if (series_.size() != other.series_.size()) refuse("monitors differ in their series");
    for (const auto& [name, from] : other.series_) {
        const auto to = series_.find(name);
        if (to == series_.end() || to->second.low != from.low || to->second.high != from.high) {
            refuse("monitors differ in their series");
        }
        if (to->second.is_reference_ended != from.is_reference_ended)
            refuse("one monitor's reference has ended");
    }
    for (const auto& [name, from] : other.series_) {
        Series& to = series_.find(name)->second;
        add_to(to.reference, from.reference);
        add_to(to.current, from.current);
        add_to(to.last, from.last);
    }
}

std::string DriftMonitor::to_json() const {
    const std::scoped_lock lock(mutex_);
    ordered_json document = {{"version", kVersion},
                             {"bins", options_.bins},
                             {"window_size", options_.window_size},
                             {"max_series", options_.max_series},
                             {"reference_size", options_.reference_size},
                             {"series", ordered_json::object()}};
    for (const auto& [name, of] : series_) {
        document["series"][name] = {{"low", of.low},
                                    {"high", of.high},
                                    {"is_reference_ended", of.is_reference_ended},
                                    {"reference", write(of.reference)},
                                    {"current", write(of.current)},
                                    {"last", write(of.last)}};
    }
    return document.dump();
}

void DriftMonitor::read_json(std::string_view json) {
    DriftOptions options;
    AllSeries all;
    try {
        const auto document = ordered_json::parse(json);
        if (whole_number<std::uint32_t>(document.at("version"), kJsonCode) != kVersion) {
            throw core::InvalidArgument("drift.version", "`version` must be " + std::to_string(kVersion));
        }
        options.bins = whole_number<std::uint32_t>(document.at("bins"), kJsonCode);
        options.window_size = whole_number<std::uint64_t>(document.at("window_size"), kJsonCode);
        options.max_series = whole_number<std::uint32_t>(document.at("max_series"), kJsonCode);
        if (document.contains("reference_size"))
            options.reference_size = whole_number<std::uint64_t>(document.at("reference_size"), kJsonCode);
        check(options);
        if (document.at("series").size() > options.max_series) {
            throw core::InvalidArgument("drift.json", "there are more series than `max_series`");
        }
        for (const auto& [name, from] : document.at("series").items()) {
            Series to;
            from.at("low").get_to(to.low);
            from.at("high").get_to(to.high);
            check_range(to.low, to.high);
            from.at("is_reference_ended").get_to(to.is_reference_ended);
            read(from.at("reference"), options.bins, to.reference);
            read(from.at("current"), options.bins, to.current);
            read(from.at("last"), options.bins, to.last);
            all.emplace(name, std::move(to));
        }
    } catch (const nlohmann::json::exception& error) {
        throw core::InvalidArgument("drift.json", std::string("cannot be read: ") + error.what());
    }
    const std::scoped_lock lock(mutex_);
    options_ = options;
    series_ = std::move(all);
}

}  // namespace consilia::inference
