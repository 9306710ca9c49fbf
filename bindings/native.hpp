#pragma once
// What types made with CPython's own API share. They stand where a pybind11 class would cost more than the
// work: a fast call takes 17 to 34 ns, one through pybind11 50 to 135.
#include <pybind11/pybind11.h>

#include <array>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "bind_errors.hpp"
#include "bindings.hpp"

namespace consilia::bindings {

/// Lets other threads of Python run until it is destroyed. Nothing of Python may be touched meanwhile.
class GilReleased {
public:
    GilReleased() noexcept : state_(PyEval_SaveThread()) {}
    GilReleased(const GilReleased&) = delete;
    GilReleased& operator=(const GilReleased&) = delete;
    ~GilReleased() { PyEval_RestoreThread(state_); }

private:
    PyThreadState* state_;
};

/// Runs a body that may throw where Python calls C: an exception becomes Python's, and `failed` is given.
template <class F, class R = PyObject*>
R guarded(F&& body, R failed = nullptr) noexcept {
    try {
        return std::forward<F>(body)();
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const core::Error& error) {
        set_python_error(error);
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return failed;
}

/// Takes over what a function of Python's API gave; null means that it has set an error.
inline py::object owned(PyObject* given) {
    if (given == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(given);
}

[[noreturn]] inline void throw_type_error(const std::string& message) {
    throw py::type_error(message);
}

/// Text of a Python string; lives as long as the string. @throws TypeError for another object.
inline std::string_view text_of(PyObject* object) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_Check(object) ? PyUnicode_AsUTF8AndSize(object, &size) : nullptr;
    if (text == nullptr) {
        if (PyErr_Occurred() != nullptr) throw py::error_already_set();
        throw_type_error(std::string("wanted a str, not `") + Py_TYPE(object)->tp_name + "`");
    }
    return {text, static_cast<std::size_t>(size)};
}

/// An int of 64 bits. @throws TypeError, OverflowError.
inline std::int64_t integer_of(PyObject* object) {
    const std::int64_t number = PyLong_AsLongLong(object);
    if (number == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
    return number;
}

/// A Python string that is kept for the process and compared by address.
inline PyObject* interned(std::string_view text) {
    PyObject* made = PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
    if (made == nullptr) throw py::error_already_set();
    PyUnicode_InternInPlace(&made);
    return made;
}

/// The object behind a class of pybind11, or null for another class: a caster looks the class up each time.
template <class T>
const T* held(PyObject* object) {
    static PyTypeObject* const type = reinterpret_cast<PyTypeObject*>(py::type::of<T>().ptr());
    if (Py_TYPE(object) != type) return nullptr;
    return static_cast<const T*>(
        reinterpret_cast<py::detail::instance*>(object)->get_value_and_holder().value_ptr());
}

/// The arguments of a fast call, by position and by name.
class Arguments {
public:
    static constexpr std::size_t kMax = 8;

    /// The first `required` of `names` must be given. @throws TypeError as Python does.
    Arguments(const char* function, std::initializer_list<const char*> names, std::size_t required,
              PyObject* const* given, Py_ssize_t count, PyObject* keywords)
        : function_(function) {
        const std::span<const char* const> all(names.begin(), names.size());
        if (static_cast<std::size_t>(count) > all.size()) {
            throw_type_error(std::string(function) + "() takes at most " + std::to_string(all.size()) +
                             " arguments, " + std::to_string(count) + " were given");
        }
        for (Py_ssize_t i = 0; i < count; ++i) values_[static_cast<std::size_t>(i)] = given[i];
        const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
        for (Py_ssize_t i = 0; i < named; ++i) set(all, PyTuple_GET_ITEM(keywords, i), given[count + i]);
        for (std::size_t i = 0; i < required; ++i) {
            if (values_[i] == nullptr)
                throw_type_error(std::string(function) + "() misses the argument `" + all[i] + "`");
        }
    }

    /// Null where it was not given.
    PyObject* operator[](std::size_t i) const noexcept { return values_[i]; }
    /// Null where it was not given, or as None.
    [[nodiscard]] PyObject* unless_none(std::size_t i) const noexcept {
        return values_[i] == Py_None ? nullptr : values_[i];
    }

private:
    void set(std::span<const char* const> names, PyObject* name, PyObject* value) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (PyUnicode_CompareWithASCIIString(name, names[i]) != 0) continue;
            if (values_[i] != nullptr)
                throw_type_error(std::string(function_) + "() got `" + names[i] + "` twice");
            values_[i] = value;
            return;
        }
        throw_type_error(std::string(function_) + "() has no argument `" + std::string(text_of(name)) + "`");
    }

    const char* function_;
    std::array<PyObject*, kMax> values_{};
};

/// A fast method for `PyMethodDef`.
using FastMethod = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
inline PyMethodDef fast_method(const char* name, FastMethod method, const char* doc, int flags = 0) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(method)),
            METH_FASTCALL | METH_KEYWORDS | flags, doc};
}

/// Makes a type and puts it into the module.
PyTypeObject* add_type(py::module_& module, PyType_Spec& spec, PyTypeObject* base = nullptr);

}  // namespace consilia::bindings
