#pragma once
// Which members stay in memory and which are brought in for each run, decided before anything is loaded.
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
    double open_ms = 0;                  ///< To open the code.
    double load_ms = 0;                  ///< To bring the weights in.
    double run_ms = 0;
};

/// What stays of a member between its runs.
enum class Placement : std::uint8_t {
    Resident,  ///< All of it.
    Streamed,  ///< Its code; the weights are brought in for each run.
    Reopened,  ///< Nothing.
    Refused,   ///< It does not fit the budget even alone, and is not run.
};
/// The lower-case name of a placement: `resident`.
CONSILIA_API std::string_view to_string(Placement placement) noexcept;

/// One member's place in a plan.
struct PlannedMember {
    MemberCost cost{};
    Placement placement = Placement::Refused;
    std::uint64_t kept_bytes = 0;  ///< Between its runs.
    std::uint64_t peak_bytes = 0;  ///< Of all members together while this one runs; alone if it is refused.
    friend bool operator==(const PlannedMember& a, const PlannedMember& b) noexcept {
        return a.cost.id == b.cost.id && a.placement == b.placement && a.kept_bytes == b.kept_bytes &&
               a.peak_bytes == b.peak_bytes;
    }
};

/// What will happen in each pass over the members, and what it is expected to take.
struct Plan {
    std::uint64_t budget_bytes = 0;
    std::uint64_t peak_bytes = 0;  ///< Predicted; at most the budget.
    double pass_ms = 0;            ///< Predicted for one pass once residents are in.
    bool is_alternating =
        false;  ///< Every other pass runs backwards, so that the last one streamed is found.
    std::vector<PlannedMember> members;  ///< In the order of a forward pass.

    [[nodiscard]] bool is_all_resident() const noexcept;
    /// `{"budget_bytes", "peak_bytes", "pass_ms", "is_alternating", "members": [{"id", "placement", …}]}`
    [[nodiscard]] std::string to_json() const;
    friend bool operator==(const Plan&, const Plan&) = default;
};

/// Chooses placements for members that run one after the other, over and over, in this order.
///
/// A cyclic order defeats least-recently-used eviction: what is needed next is always what has just gone. So
/// a fixed subset stays, the one that leaves the least loading time a pass while every step fits the budget.
/// Up to `kExactMembersMax` members that run at all are placed optimally under these costs, more of them
/// greedily by time saved a byte. A pure function: equal inputs give equal plans. Ties prefer members earlier
/// in the order.
CONSILIA_API Plan plan_members(std::span<const MemberCost> members, std::uint64_t budget_bytes);

inline constexpr std::size_t kExactMembersMax = 9;  ///< 3⁹ placements, below a millisecond.

}  // namespace consilia::inference
