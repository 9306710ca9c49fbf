// Ensembles for Python: results are plain dicts, the GIL is released around every run.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bind_errors.hpp"
#include "bindings.hpp"
#include "consilia/inference/engine.hpp"
#include "image_source.hpp"
#include "progress.hpp"

namespace consilia::bindings {
namespace {

using inference::Engine;
using inference::EngineOptions;
using inference::MemoryLedger;
using inference::RunOptions;
using inference::RunProgress;

py::object from_json(const std::string& text) {
    return py::module_::import("json").attr("loads")(text);
}

template <class Run>
py::object run_to_dict(py::object progress, const Run& run) {
    PythonProgress reporter(std::move(progress));
    RunOptions options;
    if (reporter.is_wanted()) {
        options.progress = [&reporter](const RunProgress& at) {
            return reporter.report(std::string(at.member_id), at.members_done, at.members_total);
        };
    }
    return from_json(reporter.while_running([&] { return run(options).to_json(); }));
}

py::object run_on(Engine& engine, const py::object& image, py::object progress) {
    const ImageSource source(image);
    return run_to_dict(std::move(progress),
                       [&](const RunOptions& options) { return source.run(engine, options); });
}

/// Of each image its diagnosis, or the exception that it ended with.
py::list run_many(Engine& engine, const py::iterable& images) {
    std::vector<ImageSource> sources;
    for (const py::handle image : images) sources.emplace_back(py::reinterpret_borrow<py::object>(image));
    std::vector<inference::BatchOutcome> outcomes;
    {
        const py::gil_scoped_release release;
        outcomes =
            engine.run_batch(sources.size(), [&](std::size_t i) { return sources[i].prepare(engine); });
    }
    py::list answers;
    for (const inference::BatchOutcome& outcome : outcomes) {
        answers.append(outcome.error ? to_exception(outcome.error) : from_json(outcome.diagnosis.to_json()));
    }
    return answers;
}

/// What `read` returns, without the GIL: the engine's lock may be held for as long as a member runs.
template <class Read>
auto unlocked(const Read& read) {
    const py::gil_scoped_release release;
    return read();
}

py::object plan_of(const Engine& engine, std::size_t batch) {
    return from_json(unlocked([&engine, batch] { return engine.plan(batch).to_json(); }));
}

std::string plan_text_of(const Engine& engine, std::size_t batch, std::size_t columns) {
    return unlocked([&engine, batch, columns] { return engine.plan(batch).to_text(columns); });
}

py::list members_of(const Engine& engine) {
    py::list members;
    for (const inference::MemberStatus& member : unlocked([&engine] { return engine.members(); })) {
        members.append(py::dict(py::arg("id") = member.id, py::arg("architecture") = member.architecture,
                                py::arg("format") = member.format, py::arg("hash") = member.hash,
                                py::arg("is_ready") = member.is_ready(),
                                py::arg("error_code") = member.error_code,
                                py::arg("error_message") = member.error_message));
    }
    return members;
}

py::dict memory_of(const Engine& engine) {
    const inference::MemoryUse use = unlocked([&engine] { return engine.memory(); });
    return py::dict(py::arg("budget_bytes") = use.budget_bytes, py::arg("held_bytes") = use.held_bytes,
                    py::arg("peak_bytes") = use.peak_bytes);
}

}  // namespace

py::dict engine_status(const Engine& engine) {
    py::dict status = memory_of(engine);
    status["members"] = members_of(engine);
    status["plan"] = plan_of(engine, 1);
    return status;
}

namespace {

const EngineOptions kDefaults;

std::shared_ptr<Engine> open_engine(
    const std::vector<std::filesystem::path>& members, std::uint64_t budget_bytes, std::string device,
    std::int32_t threads, const std::string& consensus, const inference::OpinionModel* opinion_model,
    std::optional<double> early_stop, double confidence_threshold, bool augment_mirrors, double augment_shift,
    double augment_rotation_degrees, bool is_deterministic, const std::optional<std::string>& precision,
    const std::optional<std::string>& lower_precision, bool may_use_processor, std::uint64_t staging_bytes,
    std::optional<bool> can_prefetch, std::int64_t idle_release_ms, std::shared_ptr<MemoryLedger> ledger,
    double ledger_share, std::shared_ptr<inference::DriftMonitor> drift,
    std::filesystem::path profile_directory, std::filesystem::path cache_directory,
    std::string backend_directory) {
    EngineOptions options;
    options.budget_bytes = budget_bytes;
    options.device = std::move(device);
    options.threads = threads;
    options.consensus = inference::parse_consensus_rule(consensus);
    if (opinion_model != nullptr) {
        options.opinion_model = std::make_shared<const inference::OpinionModel>(*opinion_model);
    }
    if (early_stop) {
        options.early_stop =
            *early_stop == 0 ? inference::EarlyStopping::Lossless : inference::EarlyStopping::Bounded;
        if (*early_stop != 0) options.early_stop_epsilon = *early_stop;
    }
    options.confidence_threshold = confidence_threshold;
    options.augmentation = {
        .mirrors = augment_mirrors, .shift = augment_shift, .rotation_degrees = augment_rotation_degrees};
    options.is_deterministic = is_deterministic;
    if (precision) options.precision = inference::parse_precision(*precision);
    if (lower_precision) options.lower_precision = inference::parse_precision(*lower_precision);
    options.may_use_processor = may_use_processor;
    options.staging_bytes = staging_bytes;
    options.can_prefetch = can_prefetch;
    options.idle_release = std::chrono::milliseconds(idle_release_ms);
    options.ledger = std::move(ledger);
    options.ledger_share = ledger_share;
    options.drift = std::move(drift);
    options.profile_directory = std::move(profile_directory);
    options.cache_directory = std::move(cache_directory);
    options.backend_directory = std::move(backend_directory);
    const py::gil_scoped_release release;
    return std::make_shared<Engine>(members, std::move(options));
}

void warm_up_with(Engine& engine, const std::vector<std::size_t>& batches) {
    const py::gil_scoped_release release;
    engine.warm_up(batches);
}

void bind_ledger(py::module_& module) {
    py::class_<MemoryLedger, std::shared_ptr<MemoryLedger>>(
        module, "MemoryLedger",
        "The memory that several engines share. They run in turns, member by member; what one keeps beyond "
        "its "
        "share goes when another needs it.")
        .def(py::init([](std::uint64_t budget_bytes, std::uint64_t reserve_bytes) {
                 return std::make_shared<MemoryLedger>(inference::LedgerOptions{budget_bytes, reserve_bytes});
             }),
             py::kw_only(), py::arg("budget_bytes"), py::arg("reserve_bytes") = 0,
             "Args:\n"
             "    budget_bytes: Most that may be held at once.\n"
             "    reserve_bytes: Part of it that is kept back.")
        .def_property_readonly("limit_bytes", &MemoryLedger::limit_bytes)
        .def_property_readonly("held_bytes", &MemoryLedger::held_bytes)
        .def_property_readonly("peak_bytes", &MemoryLedger::peak_bytes)
        .def(
            "holders",
            [](const MemoryLedger& ledger) {
                py::dict holders;
                for (const auto& [owner, bytes] : ledger.holders()) holders[py::str(owner)] = bytes;
                return holders;
            },
            "Bytes by member, the largest first.");
}

}  // namespace

void bind_inference(py::module_& module) {
    bind_ledger(module);
    bind_opinion(module);
    py::class_<Engine, std::shared_ptr<Engine>>(module, "Engine",
                                                "Runs an ensemble of member packages within a memory budget.")
        .def(py::init(&open_engine), py::arg("members"), py::kw_only(),
             py::arg("budget_bytes") = kDefaults.budget_bytes, py::arg("device") = kDefaults.device,
             py::arg("threads") = kDefaults.threads,
             py::arg("consensus") = std::string(to_string(kDefaults.consensus)),
             py::arg("opinion_model") = py::none(), py::arg("early_stop") = py::none(),
             py::arg("confidence_threshold") = kDefaults.confidence_threshold,
             py::arg("augment_mirrors") = kDefaults.augmentation.mirrors,
             py::arg("augment_shift") = kDefaults.augmentation.shift,
             py::arg("augment_rotation_degrees") = kDefaults.augmentation.rotation_degrees,
             py::arg("is_deterministic") = kDefaults.is_deterministic, py::arg("precision") = py::none(),
             py::arg("lower_precision") = py::none(),
             py::arg("may_use_processor") = kDefaults.may_use_processor,
             py::arg("staging_bytes") = kDefaults.staging_bytes,
             py::arg("can_prefetch") = kDefaults.can_prefetch,
             py::arg("idle_release_ms") = kDefaults.idle_release.count(), py::arg("ledger") = py::none(),
             py::arg("ledger_share") = kDefaults.ledger_share, py::arg("drift") = py::none(),
             py::arg("profile_directory") = "", py::arg("cache_directory") = "",
             py::arg("backend_directory") = "",
             "Reads and verifies packages. One that cannot be used is reported by `members`, and the rest "
             "goes on.\n\n"
             "Args:\n"
             "    members: Package directories.\n"
             "    budget_bytes: Most that weights, code and activations may take; 0: half of the machine's "
             "memory, or nine tenths of what another device has free.\n"
             "    device: `cpu`, or another that the members' backend knows: `cuda:0`.\n"
             "    threads: Within one member's run; 0: as the process has it.\n"
             "    consensus: `weighted_soft_vote`, `majority` or `log_opinion_pool`.\n"
             "    opinion_model: What was fitted to this panel; it replaces consensus, weights and "
             "threshold.\n"
             "    early_stop: None; 0: members that cannot change the diagnosis are not asked; a number "
             "above 0: nor "
             "those that change it with at most that probability, by the opinion model.\n"
             "    confidence_threshold: Below it a diagnosis needs review.\n"
             "    augment_mirrors: Each opinion is a mean over views of the image, here also the mirrored "
             "one. "
             "Not for chest radiographs: the heart's side matters.\n"
             "    augment_shift: Also shifted left, right, up and down by this share of a side, to 0.25.\n"
             "    augment_rotation_degrees: Also turned by so much each way, to 45.\n"
             "    is_deterministic: Images of a batch run one by one, so that their bits do not depend on "
             "each other.\n"
             "    precision: `f32`, `bf16` or `f16`; None: as each manifest says.\n"
             "    lower_precision: `bf16` or `f16`: what members may step down to where memory is refused.\n"
             "    may_use_processor: Whether members may step down to the processor.\n"
             "    staging_bytes: Host memory for fast copies of weights to a device.\n"
             "    can_prefetch: Bring in what runs next meanwhile; None: where there is a device or core for "
             "it.\n"
             "    idle_release_ms: Memory is given back when nothing has run for so long; 0: never.\n"
             "    ledger: Shared with other engines: they take turns on the device. It has the budget then.\n"
             "    ledger_share: Against the others' that share it and hold anything: one with 2 keeps twice "
             "as much as one with 1.\n"
             "    drift: Told of each diagnosis.\n"
             "    profile_directory: Where measured sizes and times are kept.\n"
             "    cache_directory: Where backends keep what they compiled.\n"
             "    backend_directory: Where backends are looked for first.")
        .def("run", &run_on, py::arg("image"), py::kw_only(), py::arg("progress") = py::none(),
             "The diagnosis of an encoded image, a path or bytes, as a dict: label, confidence, "
             "probabilities, opinions,\n"
             "trace and memory. `progress(member_id, done, total)` may return False to stop.")
        .def("run_batch", &run_many, py::arg("images"),
             "Several encoded images in one pass: every member is brought in once for all of them. A list: "
             "of each "
             "image its diagnosis as of `run`, or the exception that it ended with.")
        .def("warm_up", &warm_up_with, py::arg("batches") = std::vector<std::size_t>{1},
             "Runs every member on empty images of these batch sizes, so that plans rest on measurements.")
        .def("plan", &plan_of, py::arg("batch") = 1,
             "What stays, what is streamed and in which order, with the predicted time and peak: a dict.")
        .def("plan_text", &plan_text_of, py::arg("batch") = 1, py::arg("columns") = 60,
             "The plan as a drawing: a bar for each step that stands for the budget.")
        .def("memory", &memory_of, "`budget_bytes`, `held_bytes` and `peak_bytes`.")
        .def("members", &members_of, "Every package in the order given, the failed ones too.")
        .def_property_readonly("classes", &Engine::classes)
        .def("release_memory", &Engine::release_memory, py::call_guard<py::gil_scoped_release>(),
             "Gives back what no run needs at this instant.");
    bind_dispatcher(module);
    bind_heat_map(module);
}

}  // namespace consilia::bindings
