#pragma once
// A panel of models asked for an opinion, one after the other, within a memory budget.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/imaging/image.hpp"
#include "consilia/imaging/preprocessor.hpp"
#include "consilia/inference/backend.hpp"
#include "consilia/inference/diagnosis.hpp"
#include "consilia/inference/member.hpp"
#include "consilia/inference/memory_ledger.hpp"
#include "consilia/inference/planner.hpp"

namespace consilia::inference {

/// What an engine is opened with.
struct EngineOptions {
    /// Most that weights, code and activations may take together. Zero: half of the machine's memory.
    /// Not read where a `ledger` is given.
    std::uint64_t budget_bytes = 0;
    std::string device{};      ///< `cpu`; empty: the best present, which today is `cpu`.
    std::int32_t threads = 0;  ///< Within one member's run; restored after it. Zero: as the process has it.
    ConsensusRule consensus = ConsensusRule::WeightedSoftVote;
    double confidence_threshold = 0.75;  ///< Below it a diagnosis needs review; 0 to 1.
    /// Classes that every member must have, in this order. Empty: those of the first member that can be read.
    std::vector<std::string> classes{};
    std::string backend_directory{};  ///< Looked in first; the rest of the search is in `search`.
    BackendSearch search{};
    std::vector<std::shared_ptr<const Backend>> backends{};  ///< Linked in; asked before any is loaded.
    std::shared_ptr<MemoryLedger> ledger{};                  ///< Shared with other engines. Null: its own.
    std::shared_ptr<imaging::Preprocessor> preprocessor{};   ///< Shared cache of inputs. Null: its own.
    const core::Clock* clock =
        nullptr;  ///< Measures; must outlive the engine. Null: the machine's steady clock.
};

/// What became of one member's package.
struct MemberStatus {
    std::string id{};  ///< Of the manifest; the folder's name if that cannot be read.
    std::filesystem::path directory{};
    std::string architecture{};
    std::string format{};
    std::string hash{};  ///< Names exactly this member; empty if it failed.
    std::string
        error_code;  ///< Empty if it is ready. `member.not_found`, `member.damaged`, `member.incompatible`, …
    std::string error_message{};
    [[nodiscard]] bool is_ready() const noexcept { return error_code.empty(); }
};

/// How far a run is: called after each member.
struct RunProgress {
    std::string_view member_id;
    std::size_t members_done = 0;
    std::size_t members_total = 0;
    const Opinion* opinion = nullptr;  ///< Of that member; valid during the call.
};

struct RunOptions {
    /// Called on the running thread, holding no lock. False: stop, and throw Cancelled (`run.cancelled`).
    std::function<bool(const RunProgress&)> progress{};
};

/// Bytes of an engine's device.
struct MemoryUse {
    std::uint64_t budget_bytes = 0;
    std::uint64_t held_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::vector<LedgerHolder> holders{};
};

/// Runs an ensemble on a device within a budget.
///
/// Members that are missing, damaged or incompatible are reported in `members()` and in each diagnosis, and
/// the rest goes on. Backends are loaded and code is opened on first use, so that opening an engine loads no
/// runtime. What fits the budget stays between runs, the rest is streamed through; the outcome is the same,
/// bit for bit. After a fork the child's calls throw Unavailable (`engine.forked`): open another engine
/// there, before any has run. Threading: safe. Runs take turns on the device, member by member; inputs are
/// prepared side by side.
///
///     Engine engine({"models/resnet50.member", "models/vit.member"}, {.budget_bytes = 512 << 20});
///     Diagnosis diagnosis = engine.run("image.png", sha256);
class CONSILIA_API Engine {
public:
    /// Prepares one member's input. Called once for each member that is ready, before any of them runs.
    using InputSource = std::function<std::shared_ptr<const imaging::Tensor>(const Manifest&)>;

    static constexpr std::size_t kMaxMembers = 64;

    /// Reads and verifies the packages.
    /// @throws InvalidArgument (`engine.members`: none, too many or one id twice; `engine.options`);
    /// Unavailable
    ///         (`device.unavailable`). A package that cannot be used is not an exception.
    explicit Engine(const std::vector<std::filesystem::path>& members, EngineOptions options = {});
    ~Engine();
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    /// A stored file; `sha256` is what was recorded when it came in. Inputs come from the preprocessor's
    /// cache.
    /// @throws NotFound, StorageError, ValidationError as `imaging::Preprocessor::prepare`; InferenceError
    ///         (`ensemble.no_opinion`) with each member's error if every one fails; Cancelled; Unavailable
    ///         (`engine.forked`).
    Diagnosis run(const std::filesystem::path& file, std::string_view sha256, const RunOptions& options = {});
    /// An encoded image in memory, as above.
    Diagnosis run(std::span<const std::byte> bytes, const RunOptions& options = {});
    /// Pixels; nothing is cached.
    Diagnosis run(const imaging::Image& image, const RunOptions& options = {});
    /// Inputs that the caller prepares.
    Diagnosis run(const InputSource& inputs, const RunOptions& options = {});

    /// Every package in the order given, the failed ones too.
    [[nodiscard]] std::vector<MemberStatus> members() const;
    /// In the order of probabilities. Empty if no member is ready.
    [[nodiscard]] const std::vector<std::string>& classes() const noexcept;
    /// What stays and what is streamed. Sizes of code and activations are estimates until a member has run
    /// once.
    [[nodiscard]] Plan plan() const;
    [[nodiscard]] MemoryUse memory() const;
    /// Gives back what no run needs at this instant: weights and code of every member. The next run loads
    /// again.
    void release_memory();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace consilia::inference
