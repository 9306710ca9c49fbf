#pragma once
// The members on one device and the steps that bring one in, make room for it and run it.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/inference/diagnosis.hpp"
#include "consilia/inference/memory_ledger.hpp"
#include "consilia/inference/planner.hpp"
#include "inference/member_slot.hpp"

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

/// Finds the backend of a format; throws Unavailable.
using BackendFinder = std::function<std::shared_ptr<const Backend>(const std::string& format)>;

/// Threading: confined; the engine holds its device lock around each call.
class DeviceMembers {
public:
    DeviceMembers(MemoryLedger& ledger, std::string device, ModelRunOptions run_options,
                  BackendFinder find_backend);

    void add(Member member);
    [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
    /// For this pass: with what is known of sizes now. Times are brought up to date.
    [[nodiscard]] const Plan& plan();

    /// Makes room, brings the member in, runs it. `order` is that of this pass; what is needed last goes
    /// first.
    /// @throws InferenceError, ResourceExhausted (`member.too_large`, `memory.exhausted`), Unavailable,
    /// StorageError.
    [[nodiscard]] std::vector<float> run(std::size_t index, std::span<const float> input,
                                         std::span<const std::size_t> order, RunRecord& record,
                                         Opinion& opinion);
    void close_all(RunRecord& record);
    /// In a forked child: forgets every model.
    void abandon() noexcept;

private:
    void refuse_if_too_large(const MemberSlot& slot);
    void open(MemberSlot& slot, RunRecord& record, Opinion& opinion);
    void load(MemberSlot& slot, RunRecord& record, Opinion& opinion);
    std::vector<float> run_loaded(MemberSlot& slot, std::span<const float> input, RunRecord& record,
                                  Opinion& opinion);
    /// Evicts others until this many bytes are available, or nothing is left to evict.
    void make_room(std::uint64_t size_bytes, std::size_t index, std::span<const std::size_t> order,
                   RunRecord& record);
    bool evict_one(std::size_t index, std::span<const std::size_t> order, RunRecord& record);
    void unload(MemberSlot& slot, RunRecord& record);
    void close(MemberSlot& slot, RunRecord& record);
    void add_event(RunRecord& record, TraceKind kind, const MemberSlot& slot, double begin_ms,
                   std::uint64_t size_bytes);

    MemoryLedger& ledger_;
    std::string device_;
    ModelRunOptions run_options_;
    BackendFinder find_backend_;
    std::vector<std::unique_ptr<MemberSlot>> slots_;
    std::vector<std::shared_ptr<const Backend>> backends_;  // Of each slot, once found.
    Plan plan_;
};

}  // namespace consilia::inference
