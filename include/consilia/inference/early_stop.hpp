#pragma once
// When do the members that have not run no longer matter?
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/inference/opinion_model.hpp"

namespace consilia::inference {

/// Follows a panel, one opinion after the other, and says when the diagnosis stands.
///
/// *Lossless*: whatever the members left answer, and whichever of them fail, `OpinionModel::agree` names the
/// class that it names for the opinions given so far. Bounds take each remaining probability as free in 0 to
/// 1, in favour of each rival in turn, and allow for the rounding of sums in any order:
/// - soft vote: the leader's lead is larger than the weight left;
/// - majority: more first choices ahead than members left, or as many and a sum that a tie cannot overtake;
/// - log opinion pool: the lead is larger than the weight left times -log(kLogFloor);
/// - stacking: by interval arithmetic over the columns of the members left, and the fallback is decided for
///   the same class, since one failure makes it the rule.
///
/// Only the class is promised: confidence, entropy and conformal set are those of the opinions given.
/// Threading: confined. The model is borrowed and must be valid and outlive it.
class CONSILIA_API EarlyStop {
public:
    explicit EarlyStop(const OpinionModel& model);
    explicit EarlyStop(OpinionModel&&) = delete;

    /// A member answered. @throws InvalidArgument (`early_stop.member`) if it is unknown or has been heard,
    /// (`consensus.votes`) as `OpinionModel::agree`.
    void add(std::size_t member, std::span<const double> probabilities);
    /// A member failed or will not run. @throws InvalidArgument (`early_stop.member`).
    void drop(std::size_t member);

    /// Members neither added nor dropped.
    [[nodiscard]] std::size_t members_left() const noexcept { return members_left_; }
    /// The consensus of the opinions given. @throws InvalidArgument (`consensus.votes`) without any.
    [[nodiscard]] Consensus consensus() const;
    /// No remaining member can change the diagnosis. Always true once none is left; false without opinions.
    [[nodiscard]] bool is_decided() const;
    /// Bounded: `is_decided`, or the remaining members change the diagnosis with a probability of at most
    /// `epsilon` by the model's `stop_bounds`. Those hold for members that ran in the model's order without a
    /// failure; in any other case this is `is_decided`.
    [[nodiscard]] bool is_decided(double epsilon) const;

private:
    [[nodiscard]] bool is_settled(ConsensusRule rule, std::size_t leader) const;
    [[nodiscard]] bool beats_in_pool(ConsensusRule rule, std::size_t leader, std::size_t rival) const;
    [[nodiscard]] bool beats_in_majority(std::size_t leader, std::size_t rival) const;
    [[nodiscard]] bool beats_in_stacking(std::size_t leader, std::size_t rival) const;
    void hear(std::size_t member);

    const OpinionModel& model_;
    std::vector<std::vector<double>> opinions_;
    std::vector<bool> is_heard_;
    std::vector<double> sums_;           ///< Of the probabilities, a class.
    std::vector<double> weighted_sums_;  ///< Of weight times probability.
    std::vector<double> log_sums_;       ///< Of weight times logarithm.
    std::vector<std::size_t> first_choices_;
    double weight_left_ = 0;
    double weight_total_ = 0;
    std::size_t members_left_ = 0;
    std::size_t members_run_ = 0;
    bool ran_in_order_ = true;
    bool has_failures_ = false;
};

/// Margin of a consensus: its largest probability less the second; 1 for one class.
CONSILIA_API double margin(std::span<const double> probabilities) noexcept;

}  // namespace consilia::inference
