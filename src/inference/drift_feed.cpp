#include "inference/drift_feed.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "consilia/core/error.hpp"

namespace consilia::inference {

namespace {

struct Range {
    double low = 0;
    double high = 1;
};

/// Of the values that the pipeline makes of pixels.
Range range_of(const imaging::Pipeline& pipeline) {
    Range range;
    for (const imaging::Step& step : pipeline.steps()) {
        const auto* normalize = std::get_if<imaging::Normalize>(&step);
        if (normalize == nullptr) continue;
        for (std::size_t i = 0; i < normalize->mean.size(); ++i) {
            const double low = -normalize->mean[i] / normalize->deviation[i];
            const double high = (1 - normalize->mean[i]) / normalize->deviation[i];
            range = i == 0 ? Range{low, high} : Range{std::min(range.low, low), std::max(range.high, high)};
        }
    }
    return range;
}

}  // namespace

DriftFeed::DriftFeed(std::shared_ptr<DriftMonitor> monitor, const imaging::Pipeline& pipeline,
                     std::span<const std::string> classes, std::span<const std::string> member_ids)
    : monitor_(std::move(monitor)) {
    const std::vector<std::string> found = monitor_->series();
    const std::set<std::string> known(found.begin(), found.end());
    const auto declare = [&](const std::string& series, Range range = {}) {
        if (!known.contains(series)) monitor_->declare(series, range.low, range.high);
    };
    const Range values = range_of(pipeline);
    declare("input.mean", values);
    // No set of values in a range deviates more than half of it.
    declare("input.deviation", {0, (values.high - values.low) / 2});
    for (const char* series :
         {"opinion.confidence", "opinion.disagreement", "opinion.entropy", "opinion.mutual_information"}) {
        declare(series);
    }
    for (const std::string& name : classes) declare(label_series_.emplace_back("opinion.label." + name));
    for (const std::string& id : member_ids) {
        declare(member_series_.emplace_back("member." + id + ".confidence"));
    }
}

void DriftFeed::add(const std::string& series, double value) const {
    try {
        monitor_->add(series, value);
    } catch (const core::Error&) {
        // Another state was read into the monitor: a diagnosis is not lost for its statistics.
    }
}

void DriftFeed::add(const Diagnosis& diagnosis, const imaging::Tensor* input) const {
    if (input != nullptr && !input->values.empty()) {
        const auto count = static_cast<double>(input->values.size());
        double sum = 0;
        for (const float value : input->values) sum += value;
        const double mean = sum / count;
        double squares = 0;
        for (const float value : input->values) squares += (value - mean) * (value - mean);
        add("input.mean", mean);
        add("input.deviation", std::sqrt(squares / count));
    }
    add("opinion.confidence", diagnosis.confidence);
    add("opinion.disagreement", 1 - diagnosis.agreement);
    add("opinion.entropy", diagnosis.entropy);
    add("opinion.mutual_information", diagnosis.mutual_information);
    for (std::size_t i = 0; i < label_series_.size(); ++i) {
        add(label_series_[i], diagnosis.classes[i] == diagnosis.label ? 1 : 0);
    }
    for (std::size_t i = 0; i < member_series_.size(); ++i) {
        const Opinion& opinion = diagnosis.opinions[i];
        if (!opinion.probabilities.empty()) add(member_series_[i], opinion.confidence);
    }
}

}  // namespace consilia::inference
