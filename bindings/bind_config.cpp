// Configuration for Python: read by attribute, changed by laying a document or the environment over it.
#include <pybind11/chrono.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <string>

#include "bindings.hpp"
#include "consilia/core/config.hpp"

namespace consilia::bindings {
namespace {

using core::Config;

void bind_parts(py::module_& module) {
    py::class_<core::NamedChoice>(module, "NamedChoice", "A stored name and what people read for it.")
        .def_readonly("name", &core::NamedChoice::name)
        .def_readonly("display_name", &core::NamedChoice::display_name)
        .def("__repr__", [](const core::NamedChoice& choice) { return "<NamedChoice " + choice.name + ">"; });
    py::class_<core::UploadSettings>(module, "UploadSettings", "What may come in.")
        .def_readonly("limit_bytes", &core::UploadSettings::limit_bytes, "Longest file that is accepted.")
        .def_readonly("types", &core::UploadSettings::types, "Accepted types, by content.");
    py::class_<core::PredictionSettings>(module, "PredictionSettings", "How predictions are made and kept.")
        .def_readonly("per_user_and_day_max", &core::PredictionSettings::per_user_and_day_max,
                      "Submissions of one user in one UTC day.")
        .def_readonly("confidence_threshold", &core::PredictionSettings::confidence_threshold,
                      "Below it a prediction is flagged for review.")
        .def_readonly("batch_max", &core::PredictionSettings::batch_max, "Images in one batch.")
        .def_readonly("is_model_cache_enabled", &core::PredictionSettings::is_model_cache_enabled);
}

}  // namespace

void bind_config(py::module_& module) {
    bind_parts(module);
    py::class_<Config>(
        module, "Config",
        "Settings with defaults, then a JSON document, then the environment, the later over the earlier.\n\n"
        "Immutable: `with_json` and `with_environment` give a new one.")
        .def(py::init<>())
        .def_static("from_json", &Config::from_json, py::arg("document"))
        .def("with_json", &Config::with_json, py::arg("document"), py::arg("source") = "document",
             "This configuration with the settings of a JSON object over it; `source` names it in errors.")
        .def("with_environment", py::overload_cast<>(&Config::with_environment, py::const_),
             "This configuration with the process's `CONSILIA_` variables over it.")
        .def("with_environment",
             py::overload_cast<const std::map<std::string, std::string>&>(&Config::with_environment,
                                                                          py::const_),
             py::arg("variables"))
        .def("to_json", &Config::to_json)
        .def(
            "to_dict",
            [](const Config& config) { return py::module_::import("json").attr("loads")(config.to_json()); },
            "Every setting as plain Python values.")
        .def("is_enabled", &Config::is_enabled, py::arg("feature"), "Whether a feature flag is on.")
        .def_readonly("roles", &Config::roles)
        .def_readonly("diagnoses", &Config::diagnoses)
        .def_readonly("prediction_statuses", &Config::prediction_statuses)
        .def_readonly("uploads", &Config::uploads)
        .def_readonly("predictions", &Config::predictions)
        .def_readonly("reports_kept", &Config::reports_kept)
        .def_readonly("session_timeout", &Config::session_timeout)
        .def_property_readonly(
            "features", [](const Config& config) { return py::dict(py::cast(config.features)); }, "A copy.")
        .def("__eq__",
             [](const Config& a, py::handle b) { return py::isinstance<Config>(b) && a == b.cast<Config>(); })
        .def("__hash__", [](const Config& config) { return py::hash(py::str(config.to_json())); })
        .def(py::pickle([](const Config& config) { return config.to_json(); },
                        [](const std::string& document) { return Config::from_json(document); }));
}

}  // namespace consilia::bindings
