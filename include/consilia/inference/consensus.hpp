#pragma once
// From several opinions to one.
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"

namespace consilia::inference {

/// How opinions become one.
enum class ConsensusRule : std::uint8_t {
    WeightedSoftVote,  ///< Mean of the probabilities, by the members' weights.
    Majority,  ///< Most first choices; ties go to the larger summed probability, then to the earlier class.
    /// Weighted geometric mean of the probabilities, normalised (Genest & Zidek, Combining Probability
    /// Distributions, Statistical Science 1986, section 3.2). A probability below `kLogFloor` counts as it.
    LogOpinionPool,
    /// Multinomial logistic regression on the logarithms of all members' probabilities (Wolpert, Stacked
    /// Generalization, 1992). Needs a fitted matrix: only `OpinionModel::agree` applies it.
    Stacking,
};

/// Least probability that a logarithm is taken of. It bounds the veto of one member in a log opinion pool: an
/// answer of zero shifts the odds by no more than a factor of 10^6. Float32 softmaxes resolve about 10^-7.
inline constexpr double kLogFloor = 1e-6;

/// `weighted_soft_vote`, `majority`, `log_opinion_pool`, `stacking`.
CONSILIA_API std::string_view to_string(ConsensusRule rule) noexcept;
/// @throws InvalidArgument (`consensus.unknown`).
CONSILIA_API ConsensusRule parse_consensus_rule(std::string_view name);

/// One member's probabilities and what its voice weighs.
struct Vote {
    std::span<const double> probabilities;  ///< One a class, all of them 0 to 1.
    double weight = 1.0;                    ///< Above 0. A majority counts heads and ignores it.
};

/// What the panel agrees on. All numbers are 0 to 1.
struct Consensus {
    std::size_t class_index = 0;
    double confidence = 0;                ///< `probabilities[class_index]`.
    std::vector<double> probabilities{};  ///< Of the pool; for a majority the share of first choices.
    double agreement = 0;                 ///< Share of members whose first choice is `class_index`.
    double entropy = 0;  ///< Of `probabilities`, divided by the logarithm of the number of classes.
    /// Entropy of the weighted mean less the weighted mean of the entropies, divided likewise: how much of
    /// the uncertainty is disagreement (BALD; Houlsby et al., 2011, equation 2). Zero for one vote.
    double mutual_information = 0;
    friend bool operator==(const Consensus&, const Consensus&) = default;
};

/// Applies a rule. The outcome depends on the order of votes in no bit for a majority, and for a soft vote
/// and a log opinion pool only in rounding; callers give votes in a fixed order.
/// @throws InvalidArgument (`consensus.votes`) without votes, or where they differ in length or are not
/// numbers; (`consensus.unfitted`) for `Stacking`.
CONSILIA_API Consensus agree(std::span<const Vote> votes, ConsensusRule rule);

/// `softmax(logits / temperature)`, computed from the largest logit down so that nothing overflows.
/// @throws InferenceError (`member.output`) if a logit is not finite.
CONSILIA_API std::vector<double> softmax(std::span<const float> logits, double temperature = 1.0);

/// Entropy in nats, divided by the logarithm of the number of classes: 0 to 1.
CONSILIA_API double normalized_entropy(std::span<const double> probabilities) noexcept;

/// Softmax of numbers that are finite, from the largest down. Empty for none.
CONSILIA_API std::vector<double> normalized_exponentials(std::vector<double> logarithms);

/// Index of the largest value; the first of equals. Zero for none.
CONSILIA_API std::size_t first_choice(std::span<const double> probabilities) noexcept;

}  // namespace consilia::inference
