#pragma once
// Which members stay in memory, in which order they run and what is brought in for each, decided before
// anything is loaded.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "consilia/core/export.hpp"

namespace consilia::inference {

/// What a member takes and costs. Sizes in bytes, for the batch that is planned for.
struct MemberCost {
    std::string id{};
    std::uint64_t code_bytes = 0;        ///< Of the opened code, with frozen weights.
    std::uint64_t weights_bytes = 0;     ///< Of the weights that can be moved in and out on their own.
    std::uint64_t activation_bytes = 0;  ///< Held only while it runs, beyond the above.
    std::uint64_t staging_bytes = 0;     ///< Held only while its code is opened, beyond the code itself.
    std::uint64_t chunk_bytes = 1;       ///< Weights come and go in multiples of it. Zero counts as one.
    double open_ms = 0;                  ///< To open the code.
    double load_ms = 0;                  ///< To bring all of the weights in.
    double run_ms = 0;
};

/// What stays of a member between its runs.
enum class Placement : std::uint8_t {
    Resident,  ///< All of it.
    Streamed,  ///< Its code and a part of its weights; the rest is brought in for each run, or each other
               ///< one.
    Reopened,  ///< Not always its code.
    Refused,   ///< It does not fit the budget even alone, and is not run.
};
/// The lower-case name of a placement: `resident`.
CONSILIA_API std::string_view to_string(Placement placement) noexcept;

/// One member's place in a plan.
struct PlannedMember {
    MemberCost cost{};
    Placement placement = Placement::Refused;
    bool is_code_pinned = false;   ///< Its code is given back for nobody.
    bool is_pinned = false;        ///< Its weights too.
    double reload_bytes = 0;       ///< Brought in for a pass, on average over two of them.
    double reload_ms = 0;          ///< What that is expected to take beyond what is hidden behind runs.
    std::uint64_t peak_bytes = 0;  ///< Of all members together while this one runs; alone if it is refused.
    friend bool operator==(const PlannedMember& a, const PlannedMember& b) noexcept {
        return a.cost.id == b.cost.id && a.placement == b.placement && a.is_code_pinned == b.is_code_pinned &&
               a.is_pinned == b.is_pinned && a.reload_bytes == b.reload_bytes && a.peak_bytes == b.peak_bytes;
    }
};

/// What will happen in each pass over the members, and what it is expected to take.
struct Plan {
    std::uint64_t budget_bytes = 0;
    std::uint64_t peak_bytes = 0;  ///< Predicted; at most the budget.
    double pass_ms = 0;            ///< Predicted for one pass once residents are in, mean of two of them.
    bool is_alternating = false;   ///< Every other pass runs backwards, so that what was there last is found.
    std::size_t batch_size = 1;    ///< Images that a pass is planned for.
    std::size_t prefetch_depth = 0;        ///< Members that are brought in while another one runs.
    std::vector<PlannedMember> members{};  ///< As they were given.
    std::vector<std::size_t> order{};      ///< Of a forward pass, without those that are refused.

    [[nodiscard]] bool is_all_resident() const noexcept;
    /// `{"budget_bytes", "peak_bytes", "pass_ms", "is_alternating", "batch_size", "prefetch_depth", "order":
    /// [id], "members": [{"id", "placement", …}]}`
    [[nodiscard]] std::string to_json() const;
    /// A drawing for people: for each step of two passes a bar of `columns` characters (at least 20) that
    /// stands for the budget: `#` the member that runs, `~` its activations, `=` what the others keep.
    ///
    ///     vit_b16   |########################################~~=| 349.0 MiB, 96.2 MiB brought in
    [[nodiscard]] std::string to_text(std::size_t columns = 60) const;
    friend bool operator==(const Plan&, const Plan&) = default;
};

/// What a planner may choose.
struct PlanOptions {
    bool is_order_fixed = false;  ///< Members run in the order given, and every pass forwards.
    bool can_prefetch = false;    ///< What runs next may be brought in meanwhile.
    std::size_t batch_size = 1;   ///< Of the costs given; only carried into the plan.
};

/// Plans members that run one after the other, over and over.
///
/// A cyclic order defeats least-recently-used eviction: what is needed next is always what has just gone.
/// Here the future is known, so what is needed last goes first (Belady 1966), by chunks and no further than
/// room is wanted; every other pass may run backwards, and the order of a pass, which no outcome depends on,
/// is chosen so that the least has to be brought in. For each candidate two passes of the steady state are
/// followed; candidates are all orders and pins of up to `kExactMembersMax` members, of more those that a
/// local search from several orders meets. A pure function: equal inputs give equal plans; ties keep the
/// order given.
CONSILIA_API Plan plan_members(std::span<const MemberCost> members, std::uint64_t budget_bytes,
                               const PlanOptions& options = {});

inline constexpr std::size_t kExactMembersMax = 4;  ///< 4! orders × 3⁴ pins.

}  // namespace consilia::inference
