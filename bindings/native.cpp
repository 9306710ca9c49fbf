#include "native.hpp"

#include <cstring>

namespace consilia::bindings {

PyTypeObject* add_type(py::module_& module, PyType_Spec& spec, PyTypeObject* base) {
    const py::object made =
        owned(PyType_FromModuleAndSpec(module.ptr(), &spec, reinterpret_cast<PyObject*>(base)));
    const char* dot = std::strrchr(spec.name, '.');
    module.attr(dot == nullptr ? spec.name : dot + 1) = made;
    return reinterpret_cast<PyTypeObject*>(Py_NewRef(made.ptr()));  // Kept as long as the interpreter.
}

}  // namespace consilia::bindings
