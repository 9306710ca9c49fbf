#pragma once
// A Python function that threads without the GIL hold.
#include <pybind11/pybind11.h>

#include <memory>
#include <utility>

#include "bindings.hpp"

namespace consilia::bindings {

/// A Python function that threads without the GIL may keep, copy and let go of. Called with the GIL.
class SharedFunction {
public:
    explicit SharedFunction(py::object function)
        : function_(function.release().ptr(), [](PyObject* held) {
              const py::gil_scoped_acquire gil;
              Py_DECREF(held);
          }) {}
    [[nodiscard]] py::handle get() const noexcept { return function_.get(); }

private:
    std::shared_ptr<PyObject> function_;
};

}  // namespace consilia::bindings
