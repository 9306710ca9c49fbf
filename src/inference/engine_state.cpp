// Opening an engine: packages, classes, device and budget.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "inference/engine_state.hpp"

namespace consilia::inference {

namespace {

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
    if (!(options.early_stop_epsilon > 0 && options.early_stop_epsilon < 1)) {
        throw core::InvalidArgument("engine.options",
                                    "the epsilon of early stopping must be above 0 and below 1");
    }
    if (!(options.ledger_share > 0 && std::isfinite(options.ledger_share))) {
        throw core::InvalidArgument("engine.options", "the share of a ledger must be above 0 and finite");
    }
    options.augmentation.validate();
    if (options.threads < 0)
        throw core::InvalidArgument("engine.options", "the number of threads is negative");
    if (options.device.empty()) options.device = "cpu";
    if (!options.preprocessor) options.preprocessor = std::make_shared<imaging::Preprocessor>();
    if (!options.backend_directory.empty()) {
        options.search.backend_directories.insert(options.search.backend_directories.begin(),
                                                  options.backend_directory);
    }
    return options;
}

/// Without views besides the image as it is: the pipeline's own.
std::string input_hash(const imaging::Pipeline& pipeline, const imaging::Augmentation& augmentation) {
    if (augmentation == imaging::Augmentation{}) return pipeline.hash();
    return core::sha256("consilia augmented pipeline 1\n" + pipeline.hash() + "\n" + augmentation.to_json());
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

}  // namespace

Engine::State::State(const std::vector<std::filesystem::path>& members, EngineOptions given)
    : options(checked(std::move(given))),
      views(options.augmentation.views()),
      classes(options.classes),
      pid_(::getpid()) {
    if (members.empty() || members.size() > kMaxMembers) {
        throw core::InvalidArgument("engine.members",
                                    "an engine takes 1 to " + std::to_string(kMaxMembers) + " members",
                                    {{"found", static_cast<std::int64_t>(members.size())}});
    }
    std::vector<Member> read;
    for (const auto& directory : members) add(directory, read);
    check_ids();
    make_opinion_model();
    make_drift_feed();
    find_budget();
    make_device(std::move(read));
    if (options.idle_release.count() > 0) {
        idle_ = std::make_unique<Idle>();
        idle_->thread = std::jthread([this](const std::stop_token& stop) { release_when_idle(stop); });
    }
}

Engine::State::~State() {
    if (::getpid() == pid_) return;
    // SAFETY: after a fork the runtime's threads are gone; calling it could wait for them for ever.
    if (device) device->abandon();
    (void)idle_.release();  // Its thread and those who wait there are gone too.
}

void Engine::State::add(const std::filesystem::path& directory, std::vector<Member>& read) {
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
        entry.input_hash = input_hash(entry.manifest.pipeline, options.augmentation);
        entry.slot = read.size();
        read.push_back(std::move(member));
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

void Engine::State::make_opinion_model() {
    const auto refuse = [](const std::string& why) {
        throw core::InvalidArgument("engine.opinion_model", why);
    };
    std::vector<std::string> ids;
    for (const Entry& entry : entries) ids.push_back(entry.status.id);
    if (options.opinion_model) {
        opinion_model_ = *options.opinion_model;
        opinion_model_.validate();
        if (opinion_model_.member_ids != ids) {
            refuse("the opinion model was fitted to `" + joined(opinion_model_.member_ids) +
                   "`, the panel is `" + joined(ids) + "`");
        }
        if (!classes.empty() && opinion_model_.classes != classes) {
            refuse("the opinion model knows the classes `" + joined(opinion_model_.classes) +
                   "`, the panel `" + joined(classes) + "`");
        }
        opinion_model_hash_ = opinion_model_.hash();
        return;
    }
    if (options.consensus == ConsensusRule::Stacking)
        refuse("stacking needs an opinion model that it was fitted in");
    opinion_model_.member_ids = std::move(ids);
    opinion_model_.classes = classes;
    for (const Entry& entry : entries)
        opinion_model_.weights.push_back(entry.slot ? entry.manifest.weight : 1.0);
    opinion_model_.rule = options.consensus;
    opinion_model_.confidence_threshold = options.confidence_threshold;
}

/// Inputs are those of the first member that is ready.
void Engine::State::make_drift_feed() {
    const auto ready =
        std::find_if(entries.begin(), entries.end(), [](const Entry& e) { return e.slot.has_value(); });
    if (!options.drift || ready == entries.end()) return;
    drift_entry_ = static_cast<std::size_t>(ready - entries.begin());
    drift_.emplace(options.drift, ready->manifest.pipeline, classes, opinion_model_.member_ids);
}

/// Half of the host's memory, or what another device has free, but for a tenth.
void Engine::State::find_budget() {
    std::uint64_t budget_bytes = options.budget_bytes == 0 ? half_of_memory() : options.budget_bytes;
    if (options.device != "cpu") {
        const auto ready =
            std::find_if(entries.begin(), entries.end(), [](const Entry& e) { return e.slot.has_value(); });
        if (ready == entries.end()) {
            throw core::Unavailable("device.unavailable",
                                    "no member is ready, so nothing can tell whether there is a device `" +
                                        options.device.substr(0, 40) + "`",
                                    {{"device", options.device.substr(0, 40)}});
        }
        const auto found = find_backend(ready->manifest.format)->query_device(options.device);
        if (options.budget_bytes == 0) budget_bytes = found.free_bytes / 10 * 9;
        if (options.may_use_processor) {
            host_ledger = std::make_unique<MemoryLedger>(LedgerOptions{.budget_bytes = half_of_memory()});
        }
    }
    if (options.staging_bytes > 0) {
        staging = std::make_unique<MemoryLedger>(LedgerOptions{.budget_bytes = options.staging_bytes});
    }
    if (!options.ledger) {
        options.ledger = std::make_shared<MemoryLedger>(LedgerOptions{.budget_bytes = budget_bytes});
    }
}

void Engine::State::make_device(std::vector<Member> members) {
    const auto cores = static_cast<std::int32_t>(std::thread::hardware_concurrency());
    const bool has_spare_core = options.threads > 0 && options.threads < cores;
    device.emplace(DeviceOptions{
        .ledger = options.ledger.get(),
        .ledger_share = options.ledger_share,
        .host_ledger = host_ledger.get(),
        .staging = staging.get(),
        .device = options.device,
        .threads = options.threads,
        .runs_one_by_one = options.is_deterministic,
        .find_backend = [this](const std::string& format) { return find_backend(format); },
        .precision = options.precision,
        .lower_precision = options.lower_precision,
        .can_prefetch = options.can_prefetch.value_or(options.device != "cpu" || has_spare_core),
        .is_order_fixed = options.early_stop != EarlyStopping::Never,
        .profile_directory = options.profile_directory,
        .cache_directory = options.cache_directory});
    std::vector<std::size_t> order(entries.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (options.early_stop != EarlyStopping::Never && !opinion_model_.order.empty()) {
        order.assign(opinion_model_.order.begin(), opinion_model_.order.end());
    }
    for (const std::size_t place : order) {
        if (!entries[place].slot) continue;
        Member& member = members[*entries[place].slot];
        entries[place].slot = device->size();
        device->add(std::move(member));
    }
}

}  // namespace consilia::inference
