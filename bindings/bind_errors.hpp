#pragma once
// Errors for Python; before any other binding, so that their failures are translated.
#include <exception>

#include "bindings.hpp"

namespace consilia::bindings {

void bind_errors(py::module_& module);
/// Sets the exception of Python that stands for an error.
void set_python_error(const core::Error& error);
/// The exception that Python would see if `thrown` were thrown into it.
py::object to_exception(const std::exception_ptr& thrown);

}  // namespace consilia::bindings
