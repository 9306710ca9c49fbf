// How well a model does on labelled opinions: `evaluate`.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "consilia/inference/early_stop.hpp"
#include "consilia/inference/opinion_fit.hpp"

namespace consilia::inference {

namespace {

constexpr std::size_t kBins = 15;  // Guo et al., 2017.

struct Judged {
    double confidence = 0;
    bool is_right = false;
};

double calibration_error(std::span<const Judged> cases) {
    std::array<double, kBins> confidence{};
    std::array<double, kBins> right{};
    for (const Judged& at : cases) {
        const auto bin = std::min(static_cast<std::size_t>(at.confidence * kBins), kBins - 1);
        confidence[bin] += at.confidence;
        right[bin] += at.is_right ? 1 : 0;
    }
    double error = 0;
    for (std::size_t bin = 0; bin < kBins; ++bin) error += std::abs(confidence[bin] - right[bin]);
    return error / static_cast<double>(cases.size());
}

/// Cases of one confidence are answered together: each counts with their common rate of errors.
double area_under_risk(std::vector<Judged> cases) {
    std::sort(cases.begin(), cases.end(),
              [](const Judged& a, const Judged& b) { return a.confidence > b.confidence; });
    double area = 0;
    double wrong = 0;
    for (std::size_t begin = 0, end = 0; begin < cases.size(); begin = end) {
        double wrong_here = 0;
        for (; end < cases.size() && cases[end].confidence == cases[begin].confidence; ++end) {
            wrong_here += cases[end].is_right ? 0 : 1;
        }
        const auto size = static_cast<double>(end - begin);
        for (std::size_t i = begin; i < end; ++i) {
            area +=
                (wrong + wrong_here * static_cast<double>(i - begin + 1) / size) / static_cast<double>(i + 1);
        }
        wrong += wrong_here;
    }
    return area / static_cast<double>(cases.size());
}

double squared_distance(std::span<const double> probabilities, std::size_t label) {
    double sum = 0;
    for (std::size_t c = 0; c < probabilities.size(); ++c) {
        const double distance = probabilities[c] - (c == label ? 1 : 0);
        sum += distance * distance;
    }
    return sum;
}

struct Stopped {
    std::size_t members_run = 0;
    std::size_t class_index = 0;
};

template <class IsDecided>
Stopped run_until(const OpinionModel& model, const OpinionSet& set, std::size_t at,
                  const IsDecided& is_decided) {
    EarlyStop stop(model);
    Stopped stopped;
    while (!is_decided(stop)) {
        const std::size_t member =
            model.order.empty() ? stopped.members_run : model.order[stopped.members_run];
        stop.add(member, set.opinion(at, member));
        ++stopped.members_run;
    }
    stopped.class_index = stop.consensus().class_index;
    return stopped;
}

}  // namespace

OpinionScores evaluate(const OpinionModel& model, const OpinionSet& test, double epsilon) {
    check_opinions(model, test);
    OpinionScores scores;
    scores.cases = test.cases();
    std::vector<Judged> judged;
    std::size_t right = 0;
    std::size_t covered = 0;
    std::size_t changed = 0;
    for (std::size_t at = 0; at < test.cases(); ++at) {
        const std::size_t label = test.labels[at];
        std::vector<std::span<const double>> opinions;
        for (std::size_t m = 0; m < test.members; ++m) opinions.push_back(test.opinion(at, m));
        const Consensus consensus = model.agree(opinions);
        const bool is_right = consensus.class_index == label;
        judged.push_back({consensus.confidence, is_right});
        right += is_right ? 1 : 0;
        scores.nll -= std::log(std::max(consensus.probabilities[label], kLogFloor));
        scores.brier += squared_distance(consensus.probabilities, label);
        scores.review_share += consensus.confidence < model.confidence_threshold ? 1 : 0;
        if (model.conformal) {
            const std::vector<std::size_t> set = model.conformal_set(consensus.probabilities);
            covered += std::find(set.begin(), set.end(), label) == set.end() ? 0 : 1;
            scores.mean_set_size += static_cast<double>(set.size());
        }
        const auto lossless = [](const EarlyStop& stop) { return stop.is_decided(); };
        scores.mean_members_run += static_cast<double>(run_until(model, test, at, lossless).members_run);
        const auto bounded = [&](const EarlyStop& stop) { return stop.is_decided(epsilon); };
        const Stopped stopped = run_until(model, test, at, bounded);
        scores.mean_members_run_bounded += static_cast<double>(stopped.members_run);
        changed += stopped.class_index == consensus.class_index ? 0 : 1;
    }
    const auto cases = static_cast<double>(test.cases());
    for (double* sum : {&scores.nll, &scores.brier, &scores.mean_set_size, &scores.review_share,
                        &scores.mean_members_run, &scores.mean_members_run_bounded}) {
        *sum /= cases;
    }
    scores.accuracy = wilson(right, test.cases());
    if (model.conformal) scores.coverage = wilson(covered, test.cases());
    scores.changed_share = static_cast<double>(changed) / cases;
    scores.calibration_error = calibration_error(judged);
    scores.aurc = area_under_risk(std::move(judged));
    return scores;
}

}  // namespace consilia::inference
