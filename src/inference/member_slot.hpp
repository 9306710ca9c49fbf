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

#include "consilia/imaging/image.hpp"
#include "consilia/inference/backend.hpp"
#include "consilia/inference/member.hpp"
#include "consilia/inference/memory_ledger.hpp"
#include "consilia/inference/planner.hpp"
#include "inference/member_profile.hpp"
#include "inference/weight_slab.hpp"

namespace consilia::inference {

/// Where and how a member runs.
struct SlotSettings {
    MemoryLedger* ledger = nullptr;  ///< Must outlive the slot.
    std::string device = "cpu";
    Precision precision = Precision::F32;
    MemoryLedger* staging = nullptr;  ///< For copies of weights on the host; may be null.
    std::int32_t threads = 0;
    /// What opening is taken to need beyond code and file until it was measured: where runtimes parse in the
    /// heap.
    std::uint64_t staging_guess_bytes = 0;
    const std::filesystem::path* cache_path = nullptr;
};

using Logits = std::vector<float>;
using TensorPointer = std::shared_ptr<const imaging::Tensor>;

/// A member's model, weights and reservations. Every byte is reserved before it is taken. Threading:
/// confined, but `prefetch` may run on another thread while this slot is not otherwise touched.
class MemberSlot {
public:
    MemberSlot(Member member, SlotSettings settings);
    ~MemberSlot() { close(); }
    MemberSlot(const MemberSlot&) = delete;
    MemberSlot& operator=(const MemberSlot&) = delete;

    [[nodiscard]] const Member& member() const noexcept { return member_; }
    [[nodiscard]] const std::string& id() const noexcept { return member_.id(); }
    /// Freed memory of its runs may stay with the process until the backend's cache is released.
    [[nodiscard]] bool keeps_freed_memory() const noexcept {
        return is_open() && model_->description().measures_process && settings_.device == "cpu";
    }
    [[nodiscard]] const SlotSettings& settings() const noexcept { return settings_; }
    void guess_staging(std::uint64_t bytes) noexcept { settings_.staging_guess_bytes = bytes; }
    /// Closes it and runs it elsewhere or otherwise from now on.
    void settle(SlotSettings settings);

    [[nodiscard]] bool is_open() const noexcept { return model_.has_value(); }
    /// Nothing has to be brought in before a run.
    [[nodiscard]] bool is_loaded() const noexcept { return is_open() && (!member_.weights() || is_bound_); }
    /// Of weights.
    [[nodiscard]] std::uint64_t loaded_bytes() const noexcept { return slab_ ? slab_->loaded_bytes() : 0; }
    /// Bytes that it holds between runs.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept {
        return code_reservation_.size_bytes() + weights_reservation_.size_bytes();
    }

    /// Bytes that the next steps need beyond what is held; opening reads the code file into memory for a
    /// moment.
    [[nodiscard]] std::uint64_t open_bytes() const noexcept;
    /// Of opening: bytes beyond the code that are held for a moment.
    [[nodiscard]] std::uint64_t staging_bytes() const noexcept;
    [[nodiscard]] std::uint64_t load_bytes() const noexcept { return weights_bytes_ - loaded_bytes(); }
    [[nodiscard]] std::uint64_t activation_bytes(std::size_t batch) const;

    /// Sizes and times, measured where that has happened.
    [[nodiscard]] MemberCost cost(std::size_t batch) const;
    /// True once after a size in `cost()` changed, or a time took the place of a guess.
    [[nodiscard]] bool take_change() noexcept { return std::exchange(has_change_, false); }
    [[nodiscard]] MemberProfile& profile() noexcept { return profile_; }

    /// Opens the code. @throws InferenceError, ResourceExhausted; nothing is held then.
    void open(std::shared_ptr<const Backend> backend);
    /// Brings all weights in. @return the bytes that were missing.
    /// @throws InferenceError, StorageError, ResourceExhausted; what was there stays.
    std::uint64_t load();
    /// Brings in as much as `room_bytes` more allow, for a later `load`; fails in silence.
    void prefetch(std::uint64_t room_bytes) noexcept;
    /// Runs on `[N, C, H, W]` and returns the logits of each.
    /// @throws InferenceError; ResourceExhausted if it took more than the budget had. Then `cost()` knows how
    /// much.
    [[nodiscard]] std::vector<Logits> run(std::span<const TensorPointer> inputs);
    /// Drops weights from their end until `bytes` have come free or none are left.
    void shrink(std::uint64_t bytes) noexcept;
    void close() noexcept;
    /// Forgets the model without calling the backend: in a forked child.
    void abandon() noexcept;

private:
    /// Runs the model. @return the most bytes that it held beyond weights, input and output; zero: not known.
    std::uint64_t run_model(const consilia_tensor_view_t& input, const consilia_tensor_view_t& output,
                            std::size_t batch);
    [[nodiscard]] std::uint64_t guessed_activation_bytes(std::size_t batch) const noexcept;
    /// What the budget leaves beside it.
    [[nodiscard]] std::uint64_t activation_room_bytes() const noexcept;
    [[nodiscard]] std::uint64_t code_bytes() const noexcept;
    void unbind() noexcept;

    Member member_;
    SlotSettings settings_;
    MemberProfile profile_;
    std::uint64_t weights_bytes_ = 0;
    bool has_change_ = true;
    bool is_bound_ = false;
    bool has_run_ = false;  // Since it was opened.
    std::shared_ptr<const Backend> backend_;
    // INVARIANT: the model goes before the slab that it may point into, and both before their reservations.
    MemoryLedger::Reservation code_reservation_;
    MemoryLedger::Reservation weights_reservation_;
    std::optional<WeightSlab> slab_;
    std::optional<Model> model_;
};

}  // namespace consilia::inference
