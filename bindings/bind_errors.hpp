#pragma once
// Errors for Python; before any other binding, so that their failures are translated.
#include "bindings.hpp"

namespace consilia::bindings {

void bind_errors(py::module_& module);

}  // namespace consilia::bindings
