#include "consilia/inference/consensus.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "consilia/core/error.hpp"

namespace consilia::inference {

namespace {

void check(std::span<const Vote> votes) {
    const auto refuse = [](const char* why) { throw core::InvalidArgument("consensus.votes", why); };
    if (votes.empty()) refuse("a consensus needs at least one vote");
    const std::size_t classes = votes.front().probabilities.size();
    if (classes == 0) refuse("a vote needs at least one class");
    for (const Vote& vote : votes) {
        if (vote.probabilities.size() != classes) refuse("votes differ in their number of classes");
        if (!(vote.weight > 0) || !std::isfinite(vote.weight))
            refuse("the weight of a vote must be above zero");
        for (const double probability : vote.probabilities) {
            if (!(probability >= 0 && probability <= 1)) refuse("a probability must be from 0 to 1");
        }
    }
}

std::vector<double> weighted_mean(std::span<const Vote> votes) {
    std::vector<double> mean(votes.front().probabilities.size(), 0.0);
    double weights = 0;
    for (const Vote& vote : votes) {
        weights += vote.weight;
        for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += vote.weight * vote.probabilities[i];
    }
    for (double& value : mean) value = std::clamp(value / weights, 0.0, 1.0);
    return mean;
}

std::vector<std::size_t> count_first_choices(std::span<const Vote> votes) {
    std::vector<std::size_t> counts(votes.front().probabilities.size(), 0);
    for (const Vote& vote : votes) ++counts[first_choice(vote.probabilities)];
    return counts;
}

/// Sums in order of size, so that a tie does not depend on the order of votes.
double summed_probability(std::span<const Vote> votes, std::size_t class_index) {
    std::vector<double> values;
    for (const Vote& vote : votes) values.push_back(vote.probabilities[class_index]);
    std::sort(values.begin(), values.end());
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
}

std::size_t majority_choice(std::span<const Vote> votes, std::span<const std::size_t> counts) {
    std::size_t best = 0;
    double best_sum = summed_probability(votes, 0);
    for (std::size_t i = 1; i < counts.size(); ++i) {
        if (counts[i] < counts[best]) continue;
        const double sum = summed_probability(votes, i);
        if (counts[i] > counts[best] || sum > best_sum) {
            best = i;
            best_sum = sum;
        }
    }
    return best;
}

/// Weighted mean of the logarithms; the diagnosis is read from these, before `exp` can make equals of two.
std::vector<double> mean_logarithm(std::span<const Vote> votes) {
    std::vector<double> mean(votes.front().probabilities.size(), 0.0);
    double weights = 0;
    for (const Vote& vote : votes) {
        weights += vote.weight;
        for (std::size_t i = 0; i < mean.size(); ++i) {
            mean[i] += vote.weight * std::log(std::max(vote.probabilities[i], kLogFloor));
        }
    }
    for (double& value : mean) value /= weights;
    return mean;
}

double mutual_information(std::span<const Vote> votes) {
    double weights = 0;
    double mean_entropy = 0;
    for (const Vote& vote : votes) {
        weights += vote.weight;
        mean_entropy += vote.weight * normalized_entropy(vote.probabilities);
    }
    if (votes.size() < 2) return 0;
    return std::clamp(normalized_entropy(weighted_mean(votes)) - mean_entropy / weights, 0.0, 1.0);
}

}  // namespace

std::string_view to_string(ConsensusRule rule) noexcept {
    switch (rule) {
        case ConsensusRule::WeightedSoftVote:
            return "weighted_soft_vote";
        case ConsensusRule::Majority:
            return "majority";
        case ConsensusRule::LogOpinionPool:
            return "log_opinion_pool";
        case ConsensusRule::Stacking:
            return "stacking";
    }
    return "unknown";
}

ConsensusRule parse_consensus_rule(std::string_view name) {
    for (const ConsensusRule rule : {ConsensusRule::WeightedSoftVote, ConsensusRule::Majority,
                                     ConsensusRule::LogOpinionPool, ConsensusRule::Stacking}) {
        if (name == to_string(rule)) return rule;
    }
    throw core::InvalidArgument(
        "consensus.unknown",
        "a consensus is `weighted_soft_vote`, `majority`, `log_opinion_pool` or `stacking`, not `" +
            std::string(name.substr(0, 40)) + "`");
}

double normalized_entropy(std::span<const double> probabilities) noexcept {
    if (probabilities.size() < 2) return 0;
    double entropy = 0;
    for (const double p : probabilities) entropy -= p > 0 ? p * std::log(p) : 0;
    return std::clamp(entropy / std::log(static_cast<double>(probabilities.size())), 0.0, 1.0);
}

std::vector<double> normalized_exponentials(std::vector<double> logarithms) {
    if (logarithms.empty()) return logarithms;
    const double largest = *std::max_element(logarithms.begin(), logarithms.end());
    double sum = 0;
    for (double& value : logarithms) sum += value = std::exp(value - largest);
    for (double& value : logarithms) value /= sum;
    return logarithms;
}

std::size_t first_choice(std::span<const double> probabilities) noexcept {
    return static_cast<std::size_t>(std::max_element(probabilities.begin(), probabilities.end()) -
                                    probabilities.begin());
}

Consensus agree(std::span<const Vote> votes, ConsensusRule rule) {
    if (rule == ConsensusRule::Stacking) {
        throw core::InvalidArgument("consensus.unfitted", "stacking needs a fitted opinion model");
    }
    check(votes);
    const std::vector<std::size_t> counts = count_first_choices(votes);
    const auto heads = static_cast<double>(votes.size());
    Consensus consensus;
    if (rule == ConsensusRule::Majority) {
        consensus.class_index = majority_choice(votes, counts);
        for (const std::size_t count : counts) {
            consensus.probabilities.push_back(static_cast<double>(count) / heads);
        }
    } else if (rule == ConsensusRule::LogOpinionPool) {
        consensus.probabilities = mean_logarithm(votes);
        consensus.class_index = first_choice(consensus.probabilities);
        consensus.probabilities = normalized_exponentials(std::move(consensus.probabilities));
    } else {
        consensus.probabilities = weighted_mean(votes);
        consensus.class_index = first_choice(consensus.probabilities);
    }
    consensus.confidence = consensus.probabilities[consensus.class_index];
    consensus.agreement = static_cast<double>(counts[consensus.class_index]) / heads;
    consensus.entropy = normalized_entropy(consensus.probabilities);
    consensus.mutual_information = mutual_information(votes);
    return consensus;
}

std::vector<double> softmax(std::span<const float> logits, double temperature) {
    std::vector<double> values(logits.begin(), logits.end());
    if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); })) {
        throw core::InferenceError("member.output", "a model answered with what is not a number");
    }
    if (values.empty()) return values;
    const double largest = *std::max_element(values.begin(), values.end());
    double sum = 0;
    for (double& value : values) {
        value = std::exp((value - largest) / temperature);
        sum += value;
    }
    for (double& value : values) value /= sum;
    return values;
}

}  // namespace consilia::inference
