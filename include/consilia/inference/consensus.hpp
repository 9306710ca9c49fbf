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
};
/// `weighted_soft_vote`, `majority`.
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
    std::vector<double> probabilities{};  ///< Of the soft vote; for a majority the share of first choices.
    double agreement = 0;                 ///< Share of members whose first choice is `class_index`.
    double entropy = 0;  ///< Of `probabilities`, divided by the logarithm of the number of classes.
    friend bool operator==(const Consensus&, const Consensus&) = default;
};

/// Applies a rule. The outcome depends on the order of votes in no bit for a majority, and for a soft vote
/// only in rounding; callers give votes in a fixed order.
/// @throws InvalidArgument (`consensus.votes`) without votes, or where they differ in length or are not
/// numbers.
CONSILIA_API Consensus agree(std::span<const Vote> votes, ConsensusRule rule);

/// `softmax(logits / temperature)`, computed from the largest logit down so that nothing overflows.
/// @throws InferenceError (`member.output`) if a logit is not finite.
CONSILIA_API std::vector<double> softmax(std::span<const float> logits, double temperature = 1.0);

/// Index of the largest value; the first of equals. Zero for none.
CONSILIA_API std::size_t first_choice(std::span<const double> probabilities) noexcept;

}  // namespace consilia::inference
