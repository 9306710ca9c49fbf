#pragma once
// One member on the device: what of it is there, and the bytes that it holds for that.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/inference/backend.hpp"
#include "consilia/inference/member.hpp"
#include "consilia/inference/memory_ledger.hpp"
#include "consilia/inference/planner.hpp"
#include "inference/weight_slab.hpp"

namespace consilia::inference {

/// A member's model, weights and reservations. Every byte is reserved before it is taken. Threading:
/// confined.
class MemberSlot {
public:
    /// `ledger` must outlive the slot.
    MemberSlot(Member member, MemoryLedger& ledger);

    [[nodiscard]] const Member& member() const noexcept { return member_; }
    [[nodiscard]] bool is_open() const noexcept { return model_.has_value(); }
    /// Nothing has to be brought in before a run.
    [[nodiscard]] bool is_loaded() const noexcept { return is_open() && (!member_.weights() || is_bound_); }
    [[nodiscard]] bool has_weights_loaded() const noexcept { return is_bound_; }
    [[nodiscard]] const std::string& id() const noexcept { return member_.id(); }
    /// Bytes that it holds between runs.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept {
        return code_reservation_.size_bytes() + weights_reservation_.size_bytes();
    }

    /// Bytes that the next steps need beyond what is held; opening reads the code file into memory for a
    /// moment.
    [[nodiscard]] std::uint64_t open_bytes() const noexcept;
    [[nodiscard]] std::uint64_t load_bytes() const noexcept { return is_loaded() ? 0 : weights_bytes_; }
    [[nodiscard]] std::uint64_t activation_bytes() const noexcept { return cost_.activation_bytes; }

    /// Sizes and times, measured where that has happened.
    [[nodiscard]] const MemberCost& cost() const noexcept { return cost_; }
    /// True once after a size in `cost()` changed.
    [[nodiscard]] bool take_size_change() noexcept { return std::exchange(has_size_change_, false); }
    void set_times(double open_ms, double load_ms, double run_ms) noexcept;

    /// Opens the code. @throws InferenceError, ResourceExhausted; nothing is held then.
    void open(const Backend& backend, std::string_view device);
    /// Brings the weights in. @throws InferenceError, StorageError, ResourceExhausted; no weights are held
    /// then.
    void load();
    /// Runs on `[1, C, H, W]` and returns the logits.
    /// @throws InferenceError; ResourceExhausted if it took more than the budget had. Then `cost()` knows how
    /// much.
    [[nodiscard]] std::vector<float> run(std::span<const float> input, const ModelRunOptions& options);
    void unload() noexcept;
    void close() noexcept;
    /// Forgets the model without calling the backend: in a forked child.
    void abandon() noexcept;

private:
    void guess_activations() noexcept;
    void learn_size(std::uint64_t& size, std::uint64_t found) noexcept;

    Member member_;
    MemoryLedger& ledger_;
    MemberCost cost_;
    std::uint64_t weights_bytes_ = 0;
    bool is_activation_known_ = false;
    bool has_size_change_ = true;
    bool is_bound_ = false;
    // INVARIANT: the model goes before the slab that it may point into, and both before their reservations.
    MemoryLedger::Reservation code_reservation_;
    MemoryLedger::Reservation weights_reservation_;
    WeightSlab slab_;
    std::optional<Model> model_;
};

}  // namespace consilia::inference
