#pragma once
// A panel of models asked for an opinion, one after the other, within a memory budget.
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/imaging/augmentation.hpp"
#include "consilia/imaging/image.hpp"
#include "consilia/imaging/preprocessor.hpp"
#include "consilia/inference/backend.hpp"
#include "consilia/inference/diagnosis.hpp"
#include "consilia/inference/drift.hpp"
#include "consilia/inference/member.hpp"
#include "consilia/inference/memory_ledger.hpp"
#include "consilia/inference/opinion_model.hpp"
#include "consilia/inference/planner.hpp"

namespace consilia::inference {

/// When the members left are not asked any more.
enum class EarlyStopping : std::uint8_t {
    Never,
    Lossless,  ///< Once they cannot change the diagnosis, whatever they say.
    Bounded,   ///< Once they change it with a probability of at most `early_stop_epsilon`, by the opinion
               ///< model.
};

/// What an engine is opened with.
struct EngineOptions {
    /// Most that weights, code and activations may take together. Zero: half of the machine's memory.
    /// On another device: nine tenths of what is free there. Not read where a `ledger` is given.
    std::uint64_t budget_bytes = 0;
    /// `cpu`, or another that the members' backend knows: `cuda:0`. Empty: `cpu`.
    std::string device{};
    std::int32_t threads = 0;  ///< Within one member's run; restored after it. Zero: as the process has it.
    ConsensusRule consensus = ConsensusRule::WeightedSoftVote;
    /// What was fitted to this panel: rule, weights, temperature, conformal sets, order and threshold for
    /// review. Its members and classes are the engine's. Null: `consensus`, `confidence_threshold` and the
    /// manifests' weights.
    std::shared_ptr<const OpinionModel> opinion_model{};
    EarlyStopping early_stop = EarlyStopping::Never;  ///< Members then run in the model's order, or as given.
    double early_stop_epsilon = 0.01;                 ///< For `Bounded`; above 0 and below 1.
    double confidence_threshold = 0.75;               ///< Below it a diagnosis needs review; 0 to 1.
    /// Test-time augmentation (Krizhevsky et al., 2012, section 4.1): each member sees every image in each of
    /// these ways, and its opinion is the mean of its probabilities. Views run as a batch: they count like
    /// images in plans, in memory and in time. Fit opinion models to opinions that were given likewise.
    imaging::Augmentation augmentation{};
    /// Images of a batch run one by one, so that an image's bits do not depend on what is beside it: kernels
    /// sum in another order for another batch. Otherwise they run together and agree to rounding.
    bool is_deterministic = false;
    /// What members compute in, instead of what their manifests say. Empty: as those say.
    std::optional<Precision> precision{};
    /// What members that are refused memory may step down to, after giving back what is not needed and
    /// halving the batch. It steps up again after a while without refusals. Empty: not to another precision.
    std::optional<Precision> lower_precision{};
    bool may_use_processor = false;  ///< The last step down from another device.
    /// Host memory that a device's weights may keep for fast copies, beyond the budget. Zero: none, they are
    /// read from their files each time.
    std::uint64_t staging_bytes = 0;
    /// Bring in what runs next beside the one that runs. Empty: where a device or a processor core is free
    /// for it.
    std::optional<bool> can_prefetch{};
    /// Weights, code and caches are given back when nothing has run for so long. Zero: never.
    std::chrono::milliseconds idle_release{0};
    /// Sizes and times measured are kept here, under member, device, backend and version, and read again by
    /// the next engine. Empty: not kept.
    std::filesystem::path profile_directory{};
    /// What backends compile is kept here. Empty: not kept.
    std::filesystem::path cache_directory{};
    /// Told of each diagnosis: input, consensus and members' confidence (docs/opinions.md has the series);
    /// may be shared. Null: nobody is.
    std::shared_ptr<DriftMonitor> drift{};
    /// Classes that every member must have, in this order. Empty: those of the first member that can be read.
    std::vector<std::string> classes{};
    std::string backend_directory{};  ///< Looked in first; the rest of the search is in `search`.
    BackendSearch search{};
    std::vector<std::shared_ptr<const Backend>> backends{};  ///< Linked in; asked before any is loaded.
    /// Shared with other engines, in this process: they take turns on the device. Null: its own.
    std::shared_ptr<MemoryLedger> ledger{};
    /// Against the others' that share the ledger and hold anything: one with 2 plans for, and keeps, twice
    /// as much as one with 1. What nobody else needs is used beyond it. Above 0 and finite.
    double ledger_share = 1;
    std::shared_ptr<imaging::Preprocessor> preprocessor{};  ///< Shared cache of inputs. Null: its own.
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

/// One image, prepared for every member.
struct Inputs {
    /// In the engine's order; null where a member is not ready.
    std::vector<std::shared_ptr<const imaging::Tensor>> tensors{};
};

/// How far a batch is.
struct BatchProgress {
    std::string_view member_id;
    std::size_t members_done = 0;
    std::size_t members_total = 0;
};

/// Called on the running thread, holding no lock.
struct BatchOptions {
    std::function<bool(std::size_t item)>
        is_cancelled{};  ///< Asked before each member; an item that is leaves.
    std::function<void(const BatchProgress&)> progress{};  ///< After each member.
    /// Only this member is asked, by its place in the engine's order, and each diagnosis is its word; the
    /// others are skipped.
    std::optional<std::size_t> only_member{};
    /// No case, but a question about one: `early_stop` leaves nobody out, and `drift` is not told.
    bool is_probe = false;
};

/// What became of one image of a batch.
struct BatchOutcome {
    Diagnosis diagnosis{};
    std::exception_ptr error{};  ///< If there is one, there is no diagnosis: Cancelled, InferenceError, …
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
/// bit for bit. Where the device refuses memory all the same, a member steps down instead of failing. After a
/// fork the child's calls throw Unavailable (`engine.forked`): open another engine there, before any has run.
/// Threading: safe. Runs take turns on the device, member by member; inputs are prepared side by side.
///
///     Engine engine({"models/resnet50.member", "models/vit.member"}, {.budget_bytes = 512 << 20});
///     Diagnosis diagnosis = engine.run("image.png", sha256);
class CONSILIA_API Engine {
public:
    /// Prepares one member's input. Called once for each member that is ready, before any of them runs.
    using InputSource = std::function<std::shared_ptr<const imaging::Tensor>(const Manifest&)>;

    static constexpr std::size_t kMaxMembers = 64;
    static constexpr std::size_t kMaxBatch = 1024;

    /// Reads and verifies the packages.
    /// @throws InvalidArgument (`engine.members`: none, too many or one id twice; `engine.options`;
    /// `engine.opinion_model`: fitted to other members or classes, or not valid);
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

    /// Prepares an image for `run_batch`, beside whatever runs. @throws as `run`.
    [[nodiscard]] Inputs prepare(const std::filesystem::path& file, std::string_view sha256) const;
    [[nodiscard]] Inputs prepare(std::span<const std::byte> bytes) const;
    [[nodiscard]] Inputs prepare(const imaging::Image& image) const;
    [[nodiscard]] Inputs prepare(const InputSource& inputs) const;
    /// Several images in one pass: each member is brought in once for all of them. As many run together as
    /// the plan finds best for the budget. One that fails or is cancelled leaves the others alone.
    /// @return one outcome an image, in order.
    /// @throws InvalidArgument (`engine.batch`: none, more than `kMaxBatch`, not prepared by this engine, or
    /// `only_member` is no member); Unavailable (`engine.forked`).
    [[nodiscard]] std::vector<BatchOutcome> run_batch(std::span<const Inputs> batch,
                                                      const BatchOptions& options = {});

    /// Prepares `count` images, each by `prepare_one(place)` on the calling thread, and runs those that could
    /// be: one that cannot be read has its error as its outcome and leaves the others alone. `options` count
    /// all images.
    /// @throws InvalidArgument (`engine.batch`), Unavailable as above.
    [[nodiscard]] std::vector<BatchOutcome> run_batch(std::size_t count,
                                                      const std::function<Inputs(std::size_t)>& prepare_one,
                                                      const BatchOptions& options = {});

    /// Runs every member on empty images of these batch sizes, so that plans rest on measurements and the
    /// first request finds everything there; keeps the profile. What fails is reported by the first run.
    /// @throws InvalidArgument (`engine.batch`).
    void warm_up(std::span<const std::size_t> batches);

    /// Every package in the order given, the failed ones too.
    [[nodiscard]] std::vector<MemberStatus> members() const;
    /// In the order of probabilities. Empty if no member is ready.
    [[nodiscard]] const std::vector<std::string>& classes() const noexcept;
    /// What stays, what is streamed and in which order, for batches of this size, before anything runs: with
    /// augmentation its `batch_size` counts views. Sizes of code and activations and all times are estimates
    /// until a member has run once or a profile of it is found. @throws InvalidArgument (`engine.batch`).
    [[nodiscard]] Plan plan(std::size_t batch = 1) const;
    [[nodiscard]] MemoryUse memory() const;
    /// Gives back what no run needs at this instant: weights and code of every member. The next run loads
    /// again.
    void release_memory();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace consilia::inference
