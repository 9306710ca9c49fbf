#pragma once
// The members on one device and the steps that bring one in, make room for it and run it.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/inference/diagnosis.hpp"
#include "consilia/inference/memory_ledger.hpp"
#include "consilia/inference/planner.hpp"
#include "inference/ledger_tenant.hpp"
#include "inference/member_inputs.hpp"
#include "inference/member_slot.hpp"
#include "inference/step_down.hpp"

namespace consilia::inference {

/// Milliseconds from a clock that tests can move, or from the machine's steady one.
class Stopwatch {
public:
    explicit Stopwatch(const core::Clock* clock) : clock_(clock), begin_(now_us()) {}
    [[nodiscard]] double elapsed_ms() const { return static_cast<double>(now_us() - begin_) / 1000.0; }

private:
    [[nodiscard]] std::int64_t now_us() const {
        if (clock_ != nullptr) return clock_->now().microseconds;
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    }

    const core::Clock* clock_;
    std::int64_t begin_;
};

/// What one run of an engine leaves behind besides opinions. Threading: confined.
struct RunRecord {
    explicit RunRecord(const core::Clock* clock) : watch(clock) {}
    void note_held(std::uint64_t held_bytes) { peak_bytes = std::max(peak_bytes, held_bytes); }

    Stopwatch watch;
    std::vector<TraceEvent> trace{};
    std::uint64_t peak_bytes = 0;
};

/// Members in the order in which a pass runs them.
struct Pass {
    std::vector<std::size_t> order{};
    Plan plan{};

    /// The length of the order for who is not in it.
    [[nodiscard]] std::size_t position_of(std::size_t index) const {
        return static_cast<std::size_t>(std::find(order.begin(), order.end(), index) - order.begin());
    }
};

/// What one member made of a batch.
struct MemberRun {
    std::vector<Logits> logits{};  ///< One an input.
    double load_ms = 0;
    double run_ms = 0;
    bool was_resident = false;
    std::string device{};
    std::string backend{};  ///< `torch 2.13.0`.
    Precision precision = Precision::F32;
};

/// Finds the backend of a format; throws Unavailable.
using BackendFinder = std::function<std::shared_ptr<const Backend>(const std::string& format)>;

struct DeviceOptions {
    MemoryLedger* ledger = nullptr;
    double ledger_share = 1;
    MemoryLedger* host_ledger = nullptr;  ///< For members that step down to the processor; null: none may.
    MemoryLedger* staging = nullptr;      ///< For copies of weights on the host; may be null.
    std::string device = "cpu";
    std::int32_t threads = 0;      ///< Within one run. Zero: as the process has it.
    bool runs_one_by_one = false;  ///< Images of a batch do not run together.
    BackendFinder find_backend{};
    std::optional<Precision> precision{};        ///< Instead of the manifests'.
    std::optional<Precision> lower_precision{};  ///< What members may step down to.
    bool can_prefetch = false;
    bool is_order_fixed = false;
    std::filesystem::path profile_directory{};
    std::filesystem::path cache_directory{};
};

/// Threading: confined; the engine holds the turn around each call.
class DeviceMembers final : private LedgerHoldings {
public:
    explicit DeviceMembers(DeviceOptions options);

    /// Of the ledger, and so of all engines that share it.
    [[nodiscard]] FairMutex& turn() noexcept { return tenant_.turn(); }
    void add(Member member);
    [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
    /// For batches of this size: with what is known of sizes and times now.
    [[nodiscard]] Plan plan(std::size_t images);
    [[nodiscard]] Pass begin_pass(std::size_t images);

    /// Makes room, brings the member in, runs it; what is needed last in the pass goes first. Where memory is
    /// refused it steps down.
    /// @throws InferenceError, ResourceExhausted (`member.too_large`, `memory.exhausted`,
    /// `device.out_of_memory`), Unavailable, StorageError.
    [[nodiscard]] MemberRun run(std::size_t index, const MemberInputs& inputs, const Pass& pass,
                                RunRecord& record);
    /// Writes what was learned to the profile store.
    void keep_profiles() const;
    void close_all(RunRecord& record);
    /// In a forked child: forgets every model.
    void abandon() noexcept;

private:
    struct Place {
        std::unique_ptr<MemberSlot> slot;
        std::shared_ptr<const Backend> backend;  // Once found.
        StepDown step_down;
        bool has_profile = false;
    };

    [[nodiscard]] std::vector<MemberCost> costs(std::size_t batch) const;
    [[nodiscard]] const Plan& planned(std::size_t batch);
    /// How many of `images` run together at best: more need more room, and push out what would stay.
    [[nodiscard]] std::size_t best_batch(std::size_t images);
    [[nodiscard]] std::string profile_key(const Place& place) const;
    void prepare(Place& place);
    void run_group(std::size_t index, std::span<const TensorPointer> inputs, const Pass& pass,
                   RunRecord& record, MemberRun& outcome);
    /// Once, learning what opening and running really take.
    void try_group(std::size_t index, std::span<const TensorPointer> inputs, const Pass& pass,
                   RunRecord& record, MemberRun& outcome);
    void refuse_if_too_large(const MemberSlot& slot, std::size_t batch) const;
    void open(Place& place, RunRecord& record, MemberRun& outcome);
    void load(MemberSlot& slot, RunRecord& record, MemberRun& outcome);
    void run_loaded(std::size_t index, std::span<const TensorPointer> inputs, const Pass& pass,
                    RunRecord& record, MemberRun& outcome);
    /// Who runs next, if some of it is missing and there is room to bring it in meanwhile.
    [[nodiscard]] MemberSlot* prefetch_target(std::size_t index, std::size_t batch, const Pass& pass,
                                              RunRecord& record);
    /// True once something was done that may help; the last resort is to give up.
    bool step_down(std::size_t index, std::size_t batch, const Pass& pass, const core::Error& why,
                   RunRecord& record);
    void settle(Place& place);
    /// While it runs: its activations, with what the heap keeps of runs before.
    [[nodiscard]] std::uint64_t bytes_of_run(const MemberSlot& slot, std::size_t batch) const;
    /// Makes room beside these bytes for what the heap keeps of runs before and this one does not take; where
    /// weights do not give enough, the runtime gives the heap back.
    void settle_heap(std::size_t index, std::uint64_t wanted_bytes, std::size_t batch, const Pass& pass,
                     RunRecord& record);
    [[nodiscard]] std::uint64_t missing_bytes(std::uint64_t wanted_bytes) const;
    /// Evicts others until this many bytes are available, or nothing is left to evict: what other engines
    /// have beyond their shares, then members of this one, then whatever others have.
    void make_room(std::uint64_t size_bytes, std::size_t index, const Pass& pass, RunRecord& record);
    enum class Evicted : std::uint8_t { Weights, WeightsAndCode };
    /// Evicts for the member at `position` of the pass, which is spared, until `missing` is zero.
    void evict_in_order(const Pass& pass, std::size_t position, const std::function<std::uint64_t()>& missing,
                        Evicted evicted, RunRecord& record);
    [[nodiscard]] std::uint64_t held_bytes() const override;
    void give_back(std::uint64_t wanted_bytes, std::uint64_t kept_bytes, RunRecord& record) override;
    void evict(MemberSlot& slot, std::uint64_t size_bytes, bool with_code, RunRecord& record);
    void add_event(RunRecord& record, TraceKind kind, const MemberSlot& slot, double begin_ms,
                   std::uint64_t size_bytes, std::string note = {}) const;

    DeviceOptions options_;
    ProfileStore profiles_;
    std::vector<Place> places_;
    std::map<std::size_t, Plan> plans_;      // By batch; dropped when a size changes.
    std::uint64_t planned_share_bytes_ = 0;  // What the plans are for.
    std::optional<Pass> last_pass_;          // Of the last run, with its place there.
    std::size_t last_position_ = 0;
    std::uint64_t passes_ = 0;
    std::uint64_t kept_by_heap_bytes_ =
        0;                 // Activations freed on the device that the process may still have.
    LedgerTenant tenant_;  // Last: nobody asks for memory back while members go.
};

}  // namespace consilia::inference
