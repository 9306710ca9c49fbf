#pragma once
// What was fitted to a panel: its rule, weights, temperature, conformal sets and bounds for stopping early.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/inference/consensus.hpp"

namespace consilia::inference {

/// Regularised adaptive prediction sets (RAPS; Angelopoulos et al., Uncertainty Sets for Image Classifiers
/// using Conformal Prediction, ICLR 2021, algorithms 2 and 3), without randomisation: a class belongs to the
/// set if the probability of all classes down to and with it, plus `penalty` for each rank beyond
/// `free_ranks`, is at most `threshold`. The most probable class always belongs, so that a set is never
/// empty; both deviations only enlarge sets and keep the coverage of at least `1 - alpha`.
struct ConformalSets {
    double alpha = 0.1;            ///< Share of sets that may miss the truth, above 0 and below 1.
    double penalty = 0;            ///< Lambda, at least 0.
    std::uint32_t free_ranks = 0;  ///< k_reg: ranks (from 1) up to it cost nothing.
    double threshold = 1;          ///< Fitted. At least 0.
    friend bool operator==(const ConformalSets&, const ConformalSets&) = default;
};

/// After `members_run` members in the order of the model, a margin of at least `margin` changes its diagnosis
/// by the members left with a probability of at most `change_bound`, at the confidence it was fitted with.
struct StopBound {
    std::uint32_t members_run = 0;
    double margin = 0;  ///< Of the pool over those members: largest probability less the second, 0 to 1.
    double change_bound = 0;  ///< Upper bound (Clopper & Pearson, 1934) of the probability of a change.
    friend bool operator==(const StopBound&, const StopBound&) = default;
};

/// All that was fitted to the opinions of one panel. A value: write it to JSON, hash it, hand it to others.
/// Threading: compatible.
struct CONSILIA_API OpinionModel {
    std::vector<std::string> member_ids{};  ///< At least one, all different.
    std::vector<std::string> classes{};     ///< At least one, all different.
    std::vector<double> weights{};          ///< One a member, above 0.
    ConsensusRule rule = ConsensusRule::WeightedSoftVote;
    /// What is done instead of `Stacking` where not every member answered; never `Stacking`.
    ConsensusRule fallback = ConsensusRule::LogOpinionPool;
    /// For `Stacking`: [classes, members * classes + 1], row by row; the last column is the bias.
    std::vector<double> stacking{};
    double temperature =
        1;  ///< Applied to the pool: p^(1/T), normalised. Above 0; never changes a diagnosis.
    double confidence_threshold = 0;  ///< Below it a person has to look: 0 (never) to 1.
    std::optional<ConformalSets> conformal{};
    std::vector<std::uint32_t> order{};  ///< Order in which members run: all indices once; empty: as given.
    std::vector<StopBound> stop_bounds{};

    /// @throws InvalidArgument (`opinion_model.<field>`) with the reason.
    void validate() const;
    /// Canonical: equal models write equal text. Numbers keep every bit.
    [[nodiscard]] std::string to_json() const;
    /// @throws InvalidArgument (`opinion_model.json`, `opinion_model.version`, or as `validate`).
    [[nodiscard]] static OpinionModel from_json(std::string_view json);
    /// Reads what `save` wrote. @throws NotFound, StorageError as `core::read_file`; as `from_json`.
    [[nodiscard]] static OpinionModel load(const std::filesystem::path& path);
    /// Writes `to_json()` as a new file, whole or not at all. @throws Conflict (`file.exists`): nothing is
    /// overwritten; StorageError; as `validate`.
    void save(const std::filesystem::path& path) const;
    /// SHA-256 of `to_json()`, in hexadecimal.
    [[nodiscard]] std::string hash() const;

    /// The consensus of `opinions`, one a member in the order of `member_ids`; an empty one is missing
    /// (failed or skipped). The diagnosis is that of the pool before the temperature.
    /// @throws InvalidArgument (`consensus.votes`) if none is given, one has another number of classes, or a
    /// value is not from 0 to 1. The model has to be valid.
    [[nodiscard]] Consensus agree(std::span<const std::span<const double>> opinions) const;
    /// Classes of the conformal set for `Consensus::probabilities`, the most probable first.
    /// @throws InvalidArgument (`opinion_model.conformal`) if none was fitted.
    [[nodiscard]] std::vector<std::size_t> conformal_set(std::span<const double> probabilities) const;

    friend bool operator==(const OpinionModel&, const OpinionModel&) = default;
};

/// `p^(1/temperature)`, normalised; a temperature of 1 changes no bit. Probabilities below `kLogFloor` count
/// as it, unless the temperature is 1. @throws InvalidArgument (`opinion_model.temperature`) unless above 0.
CONSILIA_API std::vector<double> temper(std::span<const double> probabilities, double temperature);

/// Score of RAPS for `class_index`: smaller is more conforming. `sets.threshold` is not read.
CONSILIA_API double conformal_score(std::span<const double> probabilities, std::size_t class_index,
                                    const ConformalSets& sets);

}  // namespace consilia::inference
