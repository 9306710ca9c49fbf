// One Python class for each kind of error, with the built-in base that Python code expects to catch.
#include "bind_errors.hpp"

#include <array>

namespace consilia::bindings {
namespace {

struct ErrorClass {
    core::ErrorKind kind;
    const char* name;
    const char* built_in;  ///< Second base, or null.
    const char* doc;
};

constexpr std::array<ErrorClass, 13> kErrorClasses{{
    {core::ErrorKind::InvalidArgument, "InvalidArgument", "ValueError",
     "The caller asked for what has no meaning."},
    {core::ErrorKind::Validation, "ValidationError", "ValueError", "Data from outside breaks its rules."},
    {core::ErrorKind::PermissionDenied, "PermissionDenied", "PermissionError",
     "The principal may not do this."},
    {core::ErrorKind::NotFound, "NotFound", "LookupError", "No such record, file or member."},
    {core::ErrorKind::Conflict, "Conflict", nullptr,
     "The state does not allow it: a duplicate, a stale version."},
    {core::ErrorKind::UploadRejected, "UploadRejected", "ValueError", "A file that may not come in."},
    {core::ErrorKind::Unavailable, "Unavailable", nullptr, "Something needed is not there now."},
    {core::ErrorKind::ResourceExhausted, "ResourceExhausted", nullptr, "A stated bound would be passed."},
    {core::ErrorKind::Cancelled, "Cancelled", nullptr, "The caller withdrew the request."},
    {core::ErrorKind::TimedOut, "TimedOut", "TimeoutError", "A deadline passed."},
    {core::ErrorKind::Inference, "InferenceError", "RuntimeError", "A model could not be loaded or run."},
    {core::ErrorKind::Storage, "StorageError", "OSError", "A database or a disk failed."},
    {core::ErrorKind::Internal, "Internal", "RuntimeError", "A defect of the library."},
}};

/// The classes live as long as the interpreter; their references are never given back.
std::array<PyObject*, kErrorClasses.size() + 1>& classes() {
    static std::array<PyObject*, kErrorClasses.size() + 1> all{};
    return all;
}

/// A class made by calling `type`, so that pickling and documentation see `consilia.<name>`.
py::object make_class(const char* name, const py::tuple& bases, const char* doc) {
    py::dict members;
    members["__module__"] = "consilia";
    members["__doc__"] = doc;
    return py::module_::import("builtins").attr("type")(name, bases, members);
}

}  // namespace

void set_python_error(const core::Error& error) {
    const auto index = static_cast<std::size_t>(error.kind());
    const py::handle type = classes()[index < classes().size() ? index : 0];
    const py::object raised = type(error.what());
    py::dict details;
    for (const core::Detail& detail : error.details())
        details[py::str(detail.name)] = to_python(detail.value);
    raised.attr("kind") = std::string(to_string(error.kind()));
    raised.attr("code") = error.code();
    raised.attr("http_status") = error.http_status();
    raised.attr("details") = details;
    PyErr_SetObject(type.ptr(), raised.ptr());
}

void bind_errors(py::module_& module) {
    const py::handle exception(PyExc_Exception);
    const py::object base =
        make_class("Error", py::make_tuple(exception),
                   "Base of every error of the library.\n\n"
                   "`code` is stable and meant for programs (`upload.too_large`); the message is for\n"
                   "people. `kind`, `http_status` and `details` (a dict) say the rest.");
    base.attr("kind") = "internal";
    base.attr("code") = "";
    base.attr("http_status") = 500;
    base.attr("details") = py::dict();
    module.attr("Error") = base;
    classes()[0] = base.inc_ref().ptr();
    for (const ErrorClass& description : kErrorClasses) {
        py::tuple bases = py::make_tuple(base);
        if (description.built_in != nullptr) {
            bases = py::make_tuple(base, py::module_::import("builtins").attr(description.built_in));
        }
        const py::object made = make_class(description.name, bases, description.doc);
        made.attr("kind") = std::string(to_string(description.kind));
        made.attr("http_status") = core::default_http_status(description.kind);
        module.attr(description.name) = made;
        classes()[static_cast<std::size_t>(description.kind)] = made.inc_ref().ptr();
    }
    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const core::Error& error) {
            set_python_error(error);
        }
    });
}

py::object to_exception(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const core::Error& error) {
        set_python_error(error);
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    const py::error_already_set raised;
    return raised.value();
}

}  // namespace consilia::bindings
