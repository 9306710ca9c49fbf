#pragma once
// Fitting an OpinionModel to calibration data, and judging one on test data.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/inference/opinion_model.hpp"

namespace consilia::inference {

/// Opinions of a panel on cases whose truth is known. All borrowed.
struct OpinionSet {
    std::span<const double> probabilities{};  ///< [cases, members, classes], row by row, each 0 to 1.
    std::span<const std::uint32_t> labels{};  ///< [cases]: the true class.
    std::size_t members = 0;
    std::size_t classes = 0;
    [[nodiscard]] std::size_t cases() const noexcept { return labels.size(); }
    /// The opinion of one member on one case.
    [[nodiscard]] std::span<const double> opinion(std::size_t at, std::size_t member) const {
        return probabilities.subspan((at * members + member) * classes, classes);
    }
    /// @throws InvalidArgument (`opinions.<field>`) where lengths differ, nothing is given, a label is no
    /// class or a probability is not from 0 to 1.
    void validate() const;
};

/// @throws InvalidArgument as `OpinionModel::validate` and `OpinionSet::validate`, and
/// (`opinions.members`, `opinions.classes`) where model and set differ.
CONSILIA_API void check_opinions(const OpinionModel& model, const OpinionSet& set);

/// Weights on the simplex that minimise the negative log-likelihood of `model.rule`, which must be a soft
/// vote or a log opinion pool: both problems are convex. Exponentiated gradient (Kivinen & Warmuth, 1997)
/// from equal weights; deterministic. No weight falls below 1e-6, since a member that weighs nothing should
/// be removed.
/// @throws InvalidArgument (`fit.rule`; as `OpinionSet::validate`).
CONSILIA_API std::vector<double> fit_weights(const OpinionModel& model, const OpinionSet& calibration);

/// Matrix for `Stacking`, [classes, members * classes + 1]: multinomial logistic regression on logarithms
/// (floor `kLogFloor`), mean negative log-likelihood + `l2` / 2 * squares (bias excluded), by gradient
/// descent with Nesterov's acceleration and restarts (O'Donoghue & Candès, 2015); deterministic, and unique
/// as `l2` is above 0. @throws InvalidArgument (`fit.l2`; as `OpinionSet::validate`).
CONSILIA_API std::vector<double> fit_stacking(const OpinionSet& calibration, double l2 = 1e-3);

/// Temperature of the pool (pool, then calibrate: Rahaman & Thiery, NeurIPS 2021) that minimises the negative
/// log-likelihood (Guo et al., ICML 2017, section 4.2), from 0.05 to 20, by golden section: the likelihood is
/// unimodal in 1/T. `model.temperature` is not read. @throws InvalidArgument as `OpinionSet::validate`.
CONSILIA_API double fit_temperature(const OpinionModel& model, const OpinionSet& calibration);

/// RAPS with the threshold of the given alpha, penalty and free ranks: the ceil((n + 1)(1 - alpha))-th
/// smallest score of the truth. With too few cases for alpha every class belongs to every set.
/// @throws InvalidArgument as `OpinionModel::validate` and `OpinionSet::validate`.
CONSILIA_API ConformalSets fit_conformal(const OpinionModel& model, const OpinionSet& calibration,
                                         const ConformalSets& wanted);

/// Order in which members run: next comes the one whose opinion, pooled with those before it, lowers the
/// negative log-likelihood most per millisecond of `cost_ms` (greedy; empty: equal costs, else one a member,
/// above 0). Nothing to lower is a gain below zero: then the least loss, whatever it costs.
/// @throws InvalidArgument (`fit.cost_ms`; as `OpinionSet::validate`).
CONSILIA_API std::vector<std::uint32_t> fit_order(const OpinionModel& model, const OpinionSet& calibration,
                                                  std::span<const double> cost_ms = {});

/// Bounds for stopping early after each number of members in `model.order`: for margins of 0, 0.05, … 0.95
/// the upper limit (Clopper & Pearson, 1934) at `confidence` of the probability that the members left change
/// the diagnosis, over the cases with at least that margin. The level is divided by the number of rows
/// (Bonferroni), so that all rows hold together and a margin may be chosen by its bound. A row speaks of one
/// place to stop: a panel that may stop at several changes its diagnosis with at most the sum of theirs. Rows
/// without a case are left out.
/// @throws InvalidArgument (`fit.confidence`; as `OpinionSet::validate`).
CONSILIA_API std::vector<StopBound> fit_stop_bounds(const OpinionModel& model, const OpinionSet& calibration,
                                                    double confidence = 0.95);

/// What `fit` sets, in this order.
struct FitOptions {
    bool weights = false;               ///< `fit_weights`, for `rule`.
    bool stacking = false;              ///< `fit_stacking`; `rule` becomes `Stacking`.
    double l2 = 1e-3;                   ///< Of `stacking`.
    bool order = false;                 ///< `fit_order`; the bounds go, which are of an order.
    std::span<const double> cost_ms{};  ///< Of `order`.
    bool temperature = false;           ///< `fit_temperature`.
    /// `fit_conformal` with its alpha, penalty and free ranks. Needs cases that no other fit has seen.
    std::optional<ConformalSets> conformal{};
    std::optional<double> stop_confidence{};  ///< `fit_stop_bounds` at this confidence.
};

/// The model with all that the options name fitted to the same cases, each step to the model as the one
/// before left it.
/// @throws InvalidArgument (`fit.steps`) if nothing is named; as the functions above.
[[nodiscard]] CONSILIA_API OpinionModel fit(OpinionModel model, const OpinionSet& calibration,
                                            const FitOptions& options);

/// A share with its 95 % interval (Wilson, 1927).
struct Share {
    double value = 0;
    double low = 0;
    double high = 1;
};

/// How well a model does on labelled opinions.
struct OpinionScores {
    std::size_t cases = 0;
    Share accuracy{};
    double nll = 0;    ///< Mean negative log-likelihood in nats; probabilities floored at `kLogFloor`.
    double brier = 0;  ///< Mean squared distance to the truth over all classes: 0 to 2.
    double calibration_error = 0;  ///< ECE over 15 bins of equal width (Guo et al., 2017).
    double aurc = 0;  ///< Mean error over all coverages, the most confident first (Geifman & El-Yaniv, 2017).
    Share coverage{};                     ///< Of the conformal sets; only with `model.conformal`.
    double mean_set_size = 0;             ///< Likewise.
    double review_share = 0;              ///< Share of cases below `model.confidence_threshold`.
    double mean_members_run = 0;          ///< With the lossless early stop, in the order of the model.
    double mean_members_run_bounded = 0;  ///< With the bounded one, at `epsilon`.
    double changed_share = 0;             ///< Share of diagnoses that the bounded one changed.
};

/// @throws InvalidArgument as `OpinionModel::validate`, `OpinionSet::validate`.
CONSILIA_API OpinionScores evaluate(const OpinionModel& model, const OpinionSet& test, double epsilon = 0);

/// Upper limit of a probability after `hits` of `trials` (Clopper & Pearson, 1934), one-sided; 1 without
/// trials.
CONSILIA_API double clopper_pearson_upper(std::size_t hits, std::size_t trials, double confidence);
/// Wilson's score interval at 95 %.
CONSILIA_API Share wilson(std::size_t hits, std::size_t trials);

}  // namespace consilia::inference
