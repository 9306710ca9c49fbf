#include "consilia/inference/engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "consilia/core/error.hpp"
#include "inference/device_run.hpp"
#include "inference/sizes.hpp"

namespace consilia::inference {

namespace {

using TensorPointer = std::shared_ptr<const imaging::Tensor>;

std::uint64_t half_of_memory() {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page_bytes = ::sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page_bytes <= 0) return std::uint64_t{1} << 30;
    return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes) / 2;
}

EngineOptions checked(EngineOptions options) {
    if (!(options.confidence_threshold >= 0 && options.confidence_threshold <= 1)) {
        throw core::InvalidArgument("engine.options", "the confidence threshold must be from 0 to 1");
    }
    if (options.threads < 0)
        throw core::InvalidArgument("engine.options", "the number of threads is negative");
    if (options.device.empty()) options.device = "cpu";
    if (options.device != "cpu") {
        throw core::Unavailable("device.unavailable",
                                "there is no device `" + options.device.substr(0, 40) + "`",
                                {{"device", options.device.substr(0, 40)}, {"present", "cpu"}});
    }
    if (!options.ledger) {
        const std::uint64_t budget = options.budget_bytes == 0 ? half_of_memory() : options.budget_bytes;
        options.ledger = std::make_shared<MemoryLedger>(LedgerOptions{.budget_bytes = budget});
    }
    if (!options.preprocessor) options.preprocessor = std::make_shared<imaging::Preprocessor>();
    if (!options.backend_directory.empty()) {
        options.search.backend_directories.insert(options.search.backend_directories.begin(),
                                                  options.backend_directory);
    }
    return options;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

/// A folder's name without `.member`: what a package is called that cannot be read.
std::string folder_id(const std::filesystem::path& directory) {
    const std::filesystem::path name =
        directory.has_filename() ? directory.filename() : directory.parent_path().filename();
    return name.extension() == ".member" ? name.stem().string() : name.string();
}

void check_input(const Manifest& manifest, const TensorPointer& input) {
    const bool fits =
        input && input->layout == imaging::Layout::Chw && input->shape == manifest.input_shape &&
        input->values.size() == static_cast<std::size_t>(input->shape[0] * input->shape[1] * input->shape[2]);
    if (fits) return;
    throw core::InferenceError("member.input",
                               "the input of member `" + manifest.id + "` has another shape than it wants",
                               {{"member", manifest.id}});
}

/// Failures of which a later run would find the same.
bool is_lasting(const core::Error& error) {
    return error.code() == "member.incompatible" || error.code() == "member.damaged";
}

}  // namespace

struct Engine::State {
    struct Entry {
        MemberStatus status;
        std::optional<std::size_t> slot;  // Empty if the package cannot be used.
        Manifest manifest;
    };

    EngineOptions options;
    std::vector<Entry> entries;
    std::vector<std::string> classes;
    const ::pid_t pid = ::getpid();
    mutable std::mutex device_mutex;  // Guards what follows and the statuses' errors.
    mutable DeviceMembers device;
    std::uint64_t passes = 0;

    State(const std::vector<std::filesystem::path>& members, EngineOptions given);
    ~State() {
        // SAFETY: after a fork the runtime's threads are gone; calling it could wait for them for ever.
        if (::getpid() != pid) device.abandon();
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void check_process() const;
    Diagnosis run(const InputSource& inputs, const RunOptions& run_options);

private:
    void add(const std::filesystem::path& directory);
    void check_classes(const Manifest& manifest);
    void check_ids() const;
    std::shared_ptr<const Backend> find_backend(const std::string& format) const;
    std::vector<std::size_t> begin_pass();
    void ask(Entry& entry, const TensorPointer& input, std::span<const std::size_t> order, RunRecord& record,
             Opinion& opinion);
    void conclude(Diagnosis& diagnosis) const;
};

Engine::State::State(const std::vector<std::filesystem::path>& members, EngineOptions given)
    : options(checked(std::move(given))),
      classes(options.classes),
      device(*options.ledger, options.device, {.threads = options.threads, .is_deterministic = true},
             [this](const std::string& format) { return find_backend(format); }) {
    if (members.empty() || members.size() > kMaxMembers) {
        throw core::InvalidArgument("engine.members",
                                    "an engine takes 1 to " + std::to_string(kMaxMembers) + " members",
                                    {{"found", static_cast<std::int64_t>(members.size())}});
    }
    for (const auto& directory : members) add(directory);
    check_ids();
}

void Engine::State::add(const std::filesystem::path& directory) {
    Entry entry;
    entry.status.directory = directory;
    entry.status.id = folder_id(directory);
    try {
        Member member(directory);
        entry.manifest = member.manifest();
        entry.status.id = member.id();
        entry.status.architecture = entry.manifest.architecture;
        entry.status.format = entry.manifest.format;
        check_classes(entry.manifest);
        entry.status.hash = member.hash();
        entry.slot = device.size();
        device.add(std::move(member));
    } catch (const core::Error& error) {
        entry.status.error_code = error.code();
        entry.status.error_message = error.what();
    }
    entries.push_back(std::move(entry));
}

void Engine::State::check_classes(const Manifest& manifest) {
    if (classes.empty()) classes = manifest.classes;
    if (classes == manifest.classes) return;
    throw core::InferenceError(
        "member.incompatible",
        "member `" + manifest.id + "` has other classes, or another order of them, than the panel",
        {{"member", manifest.id}, {"expected", joined(classes)}, {"found", joined(manifest.classes)}});
}

void Engine::State::check_ids() const {
    std::set<std::string_view> ids;
    for (const Entry& entry : entries) {
        if (!ids.insert(entry.status.id).second) {
            throw core::InvalidArgument("engine.members", "two members have the id `" + entry.status.id + "`",
                                        {{"member", entry.status.id}});
        }
    }
}

std::shared_ptr<const Backend> Engine::State::find_backend(const std::string& format) const {
    for (const auto& backend : options.backends) {
        if (backend->opens(format)) return backend;
    }
    auto backend = Backend::load(Backend::name_for_format(format), options.search);
    if (!backend->opens(format)) {
        throw core::InferenceError(
            "member.incompatible",
            "the backend `" + std::string(backend->name()) + "` does not open `" + format + "`",
            {{"format", format}, {"backend", backend->name()}});
    }
    return backend;
}

void Engine::State::check_process() const {
    if (::getpid() == pid) return;
    throw core::Unavailable("engine.forked",
                            "this engine was opened before a fork: open another one in this process");
}

/// The order of this pass. Where members are streamed every other pass runs backwards: the last one streamed
/// is then still there, and is the first to be needed.
std::vector<std::size_t> Engine::State::begin_pass() {
    const std::lock_guard lock(device_mutex);
    std::vector<std::size_t> order(entries.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (device.plan().is_alternating && passes++ % 2 == 1) std::reverse(order.begin(), order.end());
    return order;
}

void Engine::State::ask(Entry& entry, const TensorPointer& input, std::span<const std::size_t> order,
                        RunRecord& record, Opinion& opinion) {
    try {
        check_input(entry.manifest, input);
        const std::lock_guard lock(device_mutex);
        (void)device.plan();
        const std::vector<float> logits = device.run(*entry.slot, input->values, order, record, opinion);
        opinion.probabilities = softmax(logits, entry.manifest.temperature);
        const std::size_t choice = first_choice(opinion.probabilities);
        opinion.label = classes[choice];
        opinion.confidence = opinion.probabilities[choice];
    } catch (const core::Error& error) {
        opinion.error_code = error.code();
        opinion.error_message = error.what();
        if (!is_lasting(error)) return;
        const std::lock_guard lock(device_mutex);
        entry.status.error_code = error.code();
        entry.status.error_message = error.what();
    }
}

Diagnosis Engine::State::run(const InputSource& inputs, const RunOptions& run_options) {
    check_process();
    RunRecord record(options.clock);
    Diagnosis diagnosis;
    std::vector<TensorPointer> tensors(entries.size());
    diagnosis.opinions.resize(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        Opinion& opinion = diagnosis.opinions[i];
        {
            const std::lock_guard lock(device_mutex);
            const MemberStatus& status = entries[i].status;
            opinion.member_id = status.id;
            opinion.error_code = status.error_code;
            opinion.error_message = status.error_message;
        }
        if (opinion.is_given()) tensors[i] = inputs(entries[i].manifest);
    }

    std::vector<std::size_t> slot_order;
    const std::vector<std::size_t> order = begin_pass();
    for (const std::size_t i : order) {
        if (entries[i].slot) slot_order.push_back(*entries[i].slot);
    }
    std::size_t done = 0;
    for (const std::size_t i : order) {
        Opinion& opinion = diagnosis.opinions[i];
        if (opinion.is_given()) ask(entries[i], tensors[i], slot_order, record, opinion);
        ++done;
        const RunProgress progress{opinion.member_id, done, entries.size(), &opinion};
        if (run_options.progress && !run_options.progress(progress)) {
            throw core::Cancelled("run.cancelled",
                                  "the caller stopped the run after `" + opinion.member_id + "`",
                                  {{"members_done", static_cast<std::int64_t>(done)}});
        }
        check_process();  // The callback may have forked.
    }
    diagnosis.trace = std::move(record.trace);
    diagnosis.peak_bytes = record.peak_bytes;
    diagnosis.budget_bytes = options.ledger->limit_bytes();
    conclude(diagnosis);
    diagnosis.total_ms = record.watch.elapsed_ms();
    return diagnosis;
}

void Engine::State::conclude(Diagnosis& diagnosis) const {
    std::vector<Vote> votes;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const Opinion& opinion = diagnosis.opinions[i];
        if (opinion.is_given()) votes.push_back({opinion.probabilities, entries[i].manifest.weight});
    }
    if (votes.empty()) {
        core::Details details;
        for (const Opinion& opinion : diagnosis.opinions) {
            details.push_back({opinion.member_id, opinion.error_code + ": " + opinion.error_message});
        }
        throw core::InferenceError("ensemble.no_opinion",
                                   "none of " + std::to_string(entries.size()) + " members could answer; `" +
                                       diagnosis.opinions.front().member_id +
                                       "`: " + diagnosis.opinions.front().error_message,
                                   std::move(details));
    }
    Consensus consensus = agree(votes, options.consensus);
    diagnosis.label = classes[consensus.class_index];
    diagnosis.classes = classes;
    diagnosis.confidence = consensus.confidence;
    diagnosis.probabilities = std::move(consensus.probabilities);
    diagnosis.agreement = consensus.agreement;
    diagnosis.entropy = consensus.entropy;
    diagnosis.consensus = options.consensus;
    diagnosis.confidence_threshold = options.confidence_threshold;
    diagnosis.needs_review = consensus.confidence < options.confidence_threshold;
}

Engine::Engine(const std::vector<std::filesystem::path>& members, EngineOptions options)
    : state_(std::make_unique<State>(members, std::move(options))) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Diagnosis Engine::run(const std::filesystem::path& file, std::string_view sha256, const RunOptions& options) {
    return run(
        [&](const Manifest& manifest) {
            return state_->options.preprocessor->prepare(manifest.pipeline, file, sha256);
        },
        options);
}

Diagnosis Engine::run(std::span<const std::byte> bytes, const RunOptions& options) {
    return run(
        [&](const Manifest& manifest) {
            return state_->options.preprocessor->prepare(manifest.pipeline, bytes);
        },
        options);
}

Diagnosis Engine::run(const imaging::Image& image, const RunOptions& options) {
    return run(
        [&](const Manifest& manifest) {
            return std::make_shared<const imaging::Tensor>(manifest.pipeline.apply(image));
        },
        options);
}

Diagnosis Engine::run(const InputSource& inputs, const RunOptions& options) {
    return state_->run(inputs, options);
}

std::vector<MemberStatus> Engine::members() const {
    state_->check_process();
    const std::lock_guard lock(state_->device_mutex);
    std::vector<MemberStatus> statuses;
    for (const auto& entry : state_->entries) statuses.push_back(entry.status);
    return statuses;
}

const std::vector<std::string>& Engine::classes() const noexcept {
    return state_->classes;
}

Plan Engine::plan() const {
    state_->check_process();
    const std::lock_guard lock(state_->device_mutex);
    return state_->device.plan();
}

MemoryUse Engine::memory() const {
    state_->check_process();
    const MemoryLedger& ledger = *state_->options.ledger;
    return {ledger.limit_bytes(), ledger.held_bytes(), ledger.peak_bytes(), ledger.holders()};
}

void Engine::release_memory() {
    state_->check_process();
    const std::lock_guard lock(state_->device_mutex);
    RunRecord unused(state_->options.clock);
    state_->device.close_all(unused);
}

}  // namespace consilia::inference
