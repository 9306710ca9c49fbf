// Logging for Python: the library's own lines, and lines beside them.
#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bindings.hpp"
#include "consilia/core/log.hpp"

namespace consilia::bindings {
namespace {

using core::LogFormat;
using core::LogLevel;
using core::LogOptions;

core::Details to_details(const py::kwargs& fields) {
    core::Details details;
    for (const auto& [name, value] : fields) details.push_back({name.cast<std::string>(), to_value(value)});
    return details;
}

/// Fields for the lines of a `with` block. They belong to the thread, so a coroutine must not wait inside.
class PythonLogContext {
public:
    explicit PythonLogContext(core::Details fields) : fields_(std::move(fields)) {}
    void enter() { context_.emplace(fields_); }
    void exit() { context_.reset(); }

private:
    core::Details fields_;
    std::optional<core::LogContext> context_;
};

void configure(const LogOptions& options) {
    const py::gil_scoped_release released;
    core::configure_logging(options);
}

}  // namespace

void bind_logging(py::module_& module) {
    py::native_enum<LogLevel>(module, "LogLevel", "enum.Enum", "How much a line matters.")
        .value("DEBUG", LogLevel::Debug)
        .value("INFO", LogLevel::Info)
        .value("WARNING", LogLevel::Warning)
        .value("ERROR", LogLevel::Error)
        .finalize();
    py::native_enum<LogFormat>(module, "LogFormat", "enum.Enum", "How a line looks.")
        .value("SIMPLE", LogFormat::Simple)
        .value("VERBOSE", LogFormat::Verbose)
        .value("JSON", LogFormat::Json)
        .finalize();

    const LogOptions defaults;
    module.def(
        "configure_logging",
        [](LogLevel level, LogFormat format, bool to_stderr, const std::optional<std::filesystem::path>& file,
           const std::optional<std::filesystem::path>& security_file, std::uint64_t rotate_bytes,
           std::size_t rotate_files) {
            configure({.level = level,
                       .format = format,
                       .to_stderr = to_stderr,
                       .file = file.value_or(std::filesystem::path()),
                       .security_file = security_file.value_or(std::filesystem::path()),
                       .rotate_bytes = rotate_bytes,
                       .rotate_files = rotate_files,
                       .clock = nullptr});
        },
        py::kw_only(), py::arg("level") = defaults.level, py::arg("format") = defaults.format,
        py::arg("to_stderr") = defaults.to_stderr, py::arg("file") = py::none(),
        py::arg("security_file") = py::none(), py::arg("rotate_bytes") = defaults.rotate_bytes,
        py::arg("rotate_files") = defaults.rotate_files,
        "Says where the library's lines go; before it nothing is written. Files belong to one process.");
    module.def(
        "log",
        [](LogLevel level, const std::string& logger, const std::string& message, const py::kwargs& fields) {
            if (!core::is_logged(level)) return;
            const core::Details details = to_details(fields);
            const py::gil_scoped_release released;
            core::log(level, logger, message, details);
        },
        py::arg("level"), py::arg("logger"), py::arg("message"),
        "Writes one line with the fields given as keywords. Never raises because of where it is written.");
    module.def(
        "log_security",
        [](const std::string& event, const py::kwargs& fields) {
            const core::Details details = to_details(fields);
            const py::gil_scoped_release released;
            core::log_security(event, details);
        },
        py::arg("event"), "Writes a line to the security log, whatever the level.");
    module.def("lost_log_lines", &core::lost_log_lines, "Lines that could not be written since the start.");

    py::class_<PythonLogContext>(
        module, "LogContext",
        "Fields for the lines of a `with` block: `with LogContext(request=\"r1\"): ...`.\n\n"
        "They belong to the thread: a coroutine must not wait inside.")
        .def(py::init(
            [](const py::kwargs& fields) { return std::make_unique<PythonLogContext>(to_details(fields)); }))
        .def(
            "__enter__",
            [](PythonLogContext& self) -> PythonLogContext& {
                self.enter();
                return self;
            },
            py::return_value_policy::reference_internal)
        .def("__exit__", [](PythonLogContext& self, const py::args&) { self.exit(); });
}

}  // namespace consilia::bindings
