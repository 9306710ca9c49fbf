#pragma once
// What a panel says of one image: its members' opinions, what they agree on, and what it took.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/imaging/augmentation.hpp"
#include "consilia/inference/consensus.hpp"

namespace consilia::inference {

/// One member's word, or why there is none.
struct Opinion {
    std::string member_id{};
    std::string label{};                  ///< Its first choice; empty if it failed.
    double confidence = 0;                ///< Of its first choice, 0 to 1.
    std::vector<double> probabilities{};  ///< In the order of the engine's classes; empty if it failed.
    double load_ms = 0;                   ///< To bring in what was not there: code, weights.
    double run_ms = 0;
    bool was_resident = false;  ///< Nothing had to be brought in.
    bool is_skipped = false;    ///< Not asked: the diagnosis stood without it.
    std::string error_code{};   ///< Empty if there is an opinion, or it was skipped.
    std::string error_message{};
    // What reproduces it.
    std::string member_hash{};    ///< SHA-256 over manifest, code and weights; empty if the package failed.
    std::string pipeline_hash{};  ///< Of what made the input; with augmentation, of that too.
    std::string backend{};        ///< Name and version: `torch 2.13.0`; empty if it was not asked.
    std::string device{};         ///< Where it ran: not the engine's where it had to step down.
    std::string precision{};      ///< `f32`, `bf16`, `f16`.

    [[nodiscard]] bool is_given() const noexcept { return error_code.empty() && !is_skipped; }
};

/// What happened to memory or to a member during a run.
enum class TraceKind : std::uint8_t { Open, Load, Run, Evict, Close, StepDown };
/// `open`, `load`, `run`, `evict`, `close`, `step_down`.
CONSILIA_API std::string_view to_string(TraceKind kind) noexcept;

struct TraceEvent {
    TraceKind kind = TraceKind::Run;
    std::string member_id{};
    double begin_ms = 0;  ///< Since the run began.
    double duration_ms = 0;
    std::uint64_t size_bytes = 0;  ///< Taken or given back; of a run: its activations.
    std::uint64_t held_bytes = 0;  ///< In the ledger, all owners: during a run, otherwise after the event.
    std::string
        note{};  ///< Of a load `prefetch` if it ran beside another member; of a step down what was done.
};

/// The outcome of one run. A plain value.
struct Diagnosis {
    std::string label{};    ///< What the panel agrees on.
    double confidence = 0;  ///< 0 to 1.
    std::vector<std::string> classes{};
    std::vector<double> probabilities{};       ///< In the order of `classes`.
    double agreement = 0;                      ///< Share of the opinions given whose first choice is `label`.
    double entropy = 0;                        ///< Of `probabilities`, 0 (certain) to 1 (uniform).
    double mutual_information = 0;             ///< What the members disagree on, 0 to 1: `Consensus`.
    std::vector<std::string> conformal_set{};  ///< Classes that cover the truth as the opinion model was
                                               ///< fitted to; the most probable first. Empty if it was not.
    std::string opinion_model_hash{};          ///< SHA-256 of the opinion model; empty if none was given.
    bool needs_review = false;                 ///< The confidence is below the threshold.
    double confidence_threshold = 0;
    ConsensusRule consensus = ConsensusRule::WeightedSoftVote;
    std::vector<Opinion> opinions{};  ///< One a member, in the engine's order, the failed ones too.
    std::vector<TraceEvent> trace{};
    double total_ms = 0;
    std::uint64_t budget_bytes = 0;
    std::uint64_t peak_bytes = 0;  ///< Most that the ledger held during this run; at most the budget.
    std::size_t batch_size = 1;    ///< Images that ran together; trace, times and bytes are of all of them.
    imaging::Augmentation augmentation{};  ///< The engine's: what each opinion is the mean over.
    std::string device{};                  ///< The engine's.
    std::string library_version{};         ///< Of consilia.
    bool is_deterministic = false;         ///< Whether images of a batch ran one by one.

    /// Everything above, with the names above; the trace last.
    [[nodiscard]] std::string to_json() const;
};

}  // namespace consilia::inference
