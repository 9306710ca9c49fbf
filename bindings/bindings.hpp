#pragma once
// What the binding files share: their entry points, and values on their way to and from Python.
#include <pybind11/pybind11.h>

#include "consilia/core/error.hpp"
#include "consilia/core/value.hpp"

namespace consilia::inference {
class Engine;
}

namespace consilia::bindings {

namespace py = pybind11;

void bind_core(py::module_& module);
void bind_config(py::module_& module);
void bind_logging(py::module_& module);
void bind_imaging(py::module_& module);
void bind_dicom(py::module_& module);
void bind_inference(py::module_& module);
void bind_dispatcher(py::module_& module);
void bind_opinion(py::module_& module);
void bind_heat_map(py::module_& module);
void bind_access(py::module_& module);
void bind_screening(py::module_& module);
void bind_data(py::module_& module);
void bind_forms(py::module_& module);
void bind_functions(py::module_& module);
void bind_uploads(py::module_& module);
void bind_audit(py::module_& module);
void bind_policy_analysis(py::module_& access);

/// Memory, members and plan of an engine.
py::dict engine_status(const inference::Engine& engine);

/// None, bool, int, float, str, bytes, datetime (with a time zone), date or UUID as a value.
/// @throws InvalidArgument (`value.type`) for another type, a naive datetime or an int past 64 bits.
core::Value to_value(py::handle object);
/// The natural Python object: datetimes are in UTC, JSON is parsed.
py::object to_python(const core::Value& value);

}  // namespace consilia::bindings
