#pragma once
// What an engine holds: its members, their device, and the way from inputs to diagnoses.
#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "consilia/inference/early_stop.hpp"
#include "consilia/inference/engine.hpp"
#include "inference/device_run.hpp"
#include "inference/drift_feed.hpp"

namespace consilia::inference {

struct Engine::State {
    struct Entry {
        MemberStatus status;
        std::optional<std::size_t> slot;  // Empty if the package cannot be used.
        Manifest manifest;
        std::string input_hash;  // Of the pipeline and of the views; empty if the package cannot be used.
    };
    /// An image on its way through the panel.
    struct Item {
        const Inputs* inputs = nullptr;
        Diagnosis diagnosis{};
        std::exception_ptr error{};
        std::optional<EarlyStop> stop{};  // If members may be left out.
    };
    /// Called between members, holding no lock; what it throws ends the run.
    using AfterMember = std::function<void(std::size_t entry, std::size_t done)>;

    State(const std::vector<std::filesystem::path>& members, EngineOptions given);
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    /// @throws Unavailable (`engine.forked`).
    void check_process() const;
    /// @throws InvalidArgument (`engine.batch`).
    static void check_batch_size(std::size_t count);
    [[nodiscard]] Inputs prepare(const InputSource& source) const;
    [[nodiscard]] Diagnosis run(const InputSource& inputs, const RunOptions& run_options);
    [[nodiscard]] std::vector<BatchOutcome> run_batch(std::span<const Inputs> batch,
                                                      const BatchOptions& run_options);
    [[nodiscard]] std::vector<BatchOutcome> run_batch(std::size_t count,
                                                      const std::function<Inputs(std::size_t)>& prepare_one,
                                                      const BatchOptions& run_options);
    void warm_up(std::span<const std::size_t> batches);
    void release_memory();
    /// Inputs of a member that a pass over these images is planned for: each is seen in every view.
    [[nodiscard]] std::size_t planned_batch(std::size_t images) const noexcept;

    EngineOptions options;
    std::vector<imaging::View> views;  // At least the image as it is.
    std::vector<Entry> entries;
    std::vector<std::string> classes;
    mutable std::mutex status_mutex;            // Guards the statuses' errors.
    std::unique_ptr<MemoryLedger> host_ledger;  // For members that step down to the processor.
    std::unique_ptr<MemoryLedger> staging;
    // After the ledgers, which its members hold memory of. Guarded by its turn, held while a member runs.
    mutable std::optional<DeviceMembers> device;

private:
    void add(const std::filesystem::path& directory, std::vector<Member>& read);
    void check_classes(const Manifest& manifest);
    void check_ids() const;
    void make_opinion_model();
    void find_budget();
    void make_drift_feed();
    void make_device(std::vector<Member> members);
    std::shared_ptr<const Backend> find_backend(const std::string& format) const;
    [[nodiscard]] std::vector<Item> begin(std::span<const Inputs> batch,
                                          const BatchOptions& run_options) const;
    void run_items(std::vector<Item>& items, const AfterMember& after_member);
    void ask(std::size_t entry, std::vector<Item>& items, const Pass& pass, RunRecord& record);
    void take_answers(std::size_t entry, std::span<Item* const> asked, MemberRun answers) const;
    /// Tells the item's early stop what a member said; leaves the rest out once they do not matter.
    void weigh(std::size_t entry, Item& item) const;
    void conclude(Diagnosis& diagnosis) const;
    void note_drift(const Item& item) const;
    void note_use();
    void release_when_idle(const std::stop_token& stop);

    const ::pid_t pid_;
    OpinionModel opinion_model_;
    std::optional<DriftFeed> drift_;
    std::size_t drift_entry_ = 0;     // Whose input it is told of.
    std::string opinion_model_hash_;  // Of the one that was given; empty if none was.
    struct Idle {
        std::condition_variable_any condition;
        std::chrono::steady_clock::time_point last_use{};  // Under the device's turn.
        std::jthread thread;
    };
    std::unique_ptr<Idle> idle_;  // Last: its thread ends before what it uses.
};

}  // namespace consilia::inference
