// Ensembles for Python: results are plain dicts, the GIL is released around every run.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "consilia/core/files.hpp"
#include "consilia/inference/engine.hpp"

namespace consilia::bindings {
namespace {

using inference::Engine;
using inference::EngineOptions;
using inference::RunOptions;
using inference::RunProgress;

py::object from_json(const std::string& text) {
    return py::module_::import("json").attr("loads")(text);
}

/// Calls a Python function between members; what it raises stops the run and is raised from there.
class PythonProgress {
public:
    explicit PythonProgress(py::object call) : call_(std::move(call)) {}

    [[nodiscard]] RunOptions options() {
        RunOptions options;
        if (!call_.is_none()) options.progress = [this](const RunProgress& at) { return report(at); };
        return options;
    }
    /// Raises what the function raised, if it did.
    void rethrow() const {
        if (raised_) std::rethrow_exception(raised_);
    }

private:
    bool report(const RunProgress& at) {
        const py::gil_scoped_acquire gil;
        try {
            const py::object answer = call_(std::string(at.member_id), at.members_done, at.members_total);
            return answer.is_none() || answer.cast<bool>();
        } catch (...) {
            raised_ = std::current_exception();
            return false;
        }
    }

    py::object call_;
    std::exception_ptr raised_;
};

template <class Run>
py::object run_to_dict(py::object progress, const Run& run) {
    PythonProgress reporter(std::move(progress));
    std::string json;
    try {
        const RunOptions options = reporter.options();
        const py::gil_scoped_release release;
        json = run(options).to_json();
    } catch (...) {
        reporter.rethrow();
        throw;
    }
    return from_json(json);
}

py::object run_on(Engine& engine, const py::object& source, py::object progress) {
    if (py::isinstance<py::str>(source) || py::hasattr(source, "__fspath__")) {
        const auto path = source.cast<std::filesystem::path>();
        return run_to_dict(std::move(progress), [&](const RunOptions& options) {
            return engine.run(path, core::sha256_file(path), options);
        });
    }
    if (!PyObject_CheckBuffer(source.ptr())) {
        throw core::InvalidArgument("engine.source", "an image must be a path or bytes");
    }
    const py::buffer_info bytes = py::reinterpret_borrow<py::buffer>(source).request();
    if (bytes.ndim != 1 || bytes.itemsize != 1 || bytes.strides[0] != 1) {
        throw core::InvalidArgument("engine.source", "encoded bytes must be one dense run");
    }
    const std::span view(static_cast<const std::byte*>(bytes.ptr), static_cast<std::size_t>(bytes.size));
    return run_to_dict(std::move(progress),
                       [&](const RunOptions& options) { return engine.run(view, options); });
}

/// What `read` returns, without the GIL: the engine's lock may be held for as long as a member runs.
template <class Read>
auto unlocked(const Read& read) {
    const py::gil_scoped_release release;
    return read();
}

py::object plan_of(const Engine& engine) {
    return from_json(unlocked([&engine] { return engine.plan().to_json(); }));
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
    status["plan"] = plan_of(engine);
    return status;
}

void bind_inference(py::module_& module) {
    py::class_<Engine, std::shared_ptr<Engine>>(module, "Engine",
                                                "Runs an ensemble of member packages within a memory budget.")
        .def(py::init([](const std::vector<std::filesystem::path>& members, std::uint64_t budget_bytes,
                         const std::string& consensus, std::int32_t threads, double confidence_threshold,
                         std::string backend_directory) {
                 EngineOptions options;
                 options.budget_bytes = budget_bytes;
                 options.consensus = inference::parse_consensus_rule(consensus);
                 options.threads = threads;
                 options.confidence_threshold = confidence_threshold;
                 options.backend_directory = std::move(backend_directory);
                 const py::gil_scoped_release release;
                 return std::make_shared<Engine>(members, std::move(options));
             }),
             py::arg("members"), py::kw_only(), py::arg("budget_bytes") = EngineOptions{}.budget_bytes,
             py::arg("consensus") = std::string(to_string(EngineOptions{}.consensus)),
             py::arg("threads") = EngineOptions{}.threads,
             py::arg("confidence_threshold") = EngineOptions{}.confidence_threshold,
             py::arg("backend_directory") = "",
             "Reads and verifies packages. One that cannot be used is reported by `members`, and the rest "
             "goes on.\n\n"
             "Args:\n"
             "    members: Package directories.\n"
             "    budget_bytes: Most that weights, code and activations may take; 0: half of the machine's "
             "memory.\n"
             "    consensus: `weighted_soft_vote` or `majority`.\n"
             "    threads: Within one member's run; 0: as the process has it.\n"
             "    confidence_threshold: Below it a diagnosis needs review.\n"
             "    backend_directory: Where backends are looked for first.")
        .def("run", &run_on, py::arg("image"), py::kw_only(), py::arg("progress") = py::none(),
             "The diagnosis of an encoded image, a path or bytes, as a dict: label, confidence, "
             "probabilities, opinions,\n"
             "trace and memory. `progress(member_id, done, total)` may return False to stop.")
        .def("plan", &plan_of, "What stays, what is streamed, and the predicted peak.")
        .def("memory", &memory_of, "`budget_bytes`, `held_bytes` and `peak_bytes`.")
        .def("members", &members_of, "Every package in the order given, the failed ones too.")
        .def_property_readonly("classes", &Engine::classes)
        .def("release_memory", &Engine::release_memory, py::call_guard<py::gil_scoped_release>(),
             "Gives back what no run needs at this instant.");
    bind_dispatcher(module);
    bind_opinion(module);
}

}  // namespace consilia::bindings
