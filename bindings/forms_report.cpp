// Reports and their errors.
#include "consilia/core/error.hpp"
#include "forms_native.hpp"

namespace consilia::bindings {
namespace {

PyTypeObject* report_type = nullptr;
PyTypeObject* field_error_type = nullptr;

ReportObject& as_report(PyObject* object) {
    return *reinterpret_cast<ReportObject*>(object);
}
FieldErrorObject& as_error(PyObject* object) {
    return *reinterpret_cast<FieldErrorObject*>(object);
}
const validation::FoundError& found_of(PyObject* self) {
    const FieldErrorObject& error = as_error(self);
    return error.errors->all[error.place];
}

py::object string_object(std::string_view text) {
    return owned(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

/// Most codes are said again and again: each is one string.
py::object code_object(std::string_view code) {
    PyObject* made = string_object(code).release().ptr();
    PyUnicode_InternInPlace(&made);
    return py::reinterpret_steal<py::object>(made);
}

py::dict params_object(const core::Details& params) {
    py::dict made;
    for (const core::Detail& param : params) made[code_object(param.name)] = to_python(param.value);
    return made;
}

PyObject* error_path(PyObject* self, void*) {
    return guarded([&] { return string_object(found_of(self).path).release().ptr(); });
}
PyObject* error_code(PyObject* self, void*) {
    return guarded([&] { return code_object(found_of(self).code).release().ptr(); });
}
PyObject* error_params(PyObject* self, void*) {
    return guarded([&] { return params_object(found_of(self).params).release().ptr(); });
}
PyObject* error_message(PyObject* self, void*) {
    return guarded([&] {
        const FieldErrorObject& error = as_error(self);
        return string_object(error.errors->message(error.place)).release().ptr();
    });
}

PyObject* error_repr(PyObject* self) {
    return guarded([&] {
        const validation::FoundError& found = found_of(self);
        return string_object("<FieldError " + found.path + ": " + found.code + ">").release().ptr();
    });
}

void error_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    as_error(self).errors.~shared_ptr();
    type->tp_free(self);
    Py_DECREF(type);
}

py::object make_error(const std::shared_ptr<const FoundErrors>& errors, std::size_t place) {
    py::object made = owned(field_error_type->tp_alloc(field_error_type, 0));
    FieldErrorObject& error = as_error(made.ptr());
    new (&error.errors) std::shared_ptr<const FoundErrors>(errors);
    error.place = place;
    return made;
}

py::object list_of(PyObject* self) {
    ReportObject& report = as_report(self);
    if (report.list == nullptr) {
        const std::size_t count = report.errors ? report.errors->all.size() : 0;
        const py::object list = owned(PyList_New(static_cast<Py_ssize_t>(count)));
        for (std::size_t i = 0; i < count; ++i) {
            PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i),
                            make_error(report.errors, i).release().ptr());
        }
        report.list = Py_NewRef(list.ptr());
    }
    return py::reinterpret_borrow<py::object>(report.list);
}

PyObject* report_valid(PyObject* self, void*) {
    return PyBool_FromLong(as_report(self).errors ? 0 : 1);
}
int report_truth(PyObject* self) {
    return as_report(self).errors ? 0 : 1;
}
PyObject* report_values(PyObject* self, void*) {
    return Py_NewRef(as_report(self).values);
}
PyObject* report_errors(PyObject* self, void*) {
    return guarded([&] { return list_of(self).release().ptr(); });
}

PyObject* report_by_field(PyObject* self, void*) {
    return guarded([&] {
        py::dict made;
        std::size_t place = 0;
        for (const py::handle error : list_of(self)) {
            const py::object path = string_object(as_report(self).errors->all[place++].path);
            if (!made.contains(path)) made[path] = py::list();
            made[path].cast<py::list>().append(error);
        }
        return made.release().ptr();
    });
}

PyObject* report_require(PyObject* self, PyObject*) {
    return guarded([&] {
        if (const auto& errors = as_report(self).errors) errors->report().require();
        return Py_NewRef(as_report(self).values);
    });
}

PyObject* report_values_json(PyObject* self, PyObject*) {
    return guarded([&] {
        std::string json;
        append_json(json, as_report(self).values);
        return string_object(json).release().ptr();
    });
}

PyObject* report_errors_json(PyObject* self, PyObject*) {
    return guarded([&] {
        const auto& errors = as_report(self).errors;
        return string_object(errors ? errors->report().errors_json() : "[]").release().ptr();
    });
}

PyObject* report_repr(PyObject* self) {
    const auto& errors = as_report(self).errors;
    if (!errors) return PyUnicode_FromString("<Report: valid>");
    return PyUnicode_FromFormat("<Report: %zu errors>", errors->all.size());
}

void report_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    ReportObject& report = as_report(self);
    Py_CLEAR(report.values);
    Py_CLEAR(report.list);
    report.errors.~shared_ptr();
    type->tp_free(self);
    Py_DECREF(type);
}

void add_error_type(py::module_& module) {
    static PyGetSetDef properties[] = {
        {"path", error_path, nullptr, "str: Where it is: `addresses.0.city`; empty: the form itself.",
         nullptr},
        {"code", error_code, nullptr, "str: What is wrong, for programs: `required`, `too_long`.", nullptr},
        {"message", error_message, nullptr, "str: What is wrong, for people; made when it is asked for.",
         nullptr},
        {"params", error_params, nullptr,
         "dict[str, typing.Any]: What the message is made from: `limit`, `found`, `wanted`.", nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr}};
    static PyType_Slot slots[] = {
        {Py_tp_doc,
         const_cast<char*>("One broken rule. Neither message nor parameters repeat what was given.")},
        {Py_tp_dealloc, reinterpret_cast<void*>(error_dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(error_repr)},
        {Py_tp_getset, properties},
        {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.forms.FieldError", sizeof(FieldErrorObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    field_error_type = add_type(module, spec);
}

}  // namespace

std::string FoundErrors::message(std::size_t place) const {
    const validation::FoundError& error = all[place];
    if (!messages) return error.message(validation::Messages::english());
    if (const auto* texts = held<validation::Messages>(messages.ptr())) return error.message(*texts);
    if (error.own_message != nullptr) return validation::Messages::fill(*error.own_message, error.params);
    const py::object text = messages(code_object(error.code), params_object(error.params));
    return std::string(text_of(owned(PyObject_Str(text.ptr())).ptr()));
}

validation::FieldError FoundErrors::at(std::size_t place) const {
    return {all[place].path, all[place].code, all[place].params, message(place)};
}

validation::Report FoundErrors::report() const {
    std::vector<validation::FieldError> errors;
    for (std::size_t i = 0; i < all.size(); ++i) errors.push_back(at(i));
    return {{}, std::move(errors)};
}

std::vector<validation::FieldError> errors_of(PyObject* report) {
    if (Py_TYPE(report) != report_type)
        throw_type_error(std::string("wanted a Report, not `") + Py_TYPE(report)->tp_name + "`");
    std::vector<validation::FieldError> errors;
    const auto& found = as_report(report).errors;
    for (std::size_t i = 0; found && i < found->all.size(); ++i) errors.push_back(found->at(i));
    return errors;
}

PyObject* make_report(py::object values, std::shared_ptr<const FoundErrors> errors) {
    PyObject* const made = report_type->tp_alloc(report_type, 0);
    if (made == nullptr) throw py::error_already_set();
    ReportObject& report = as_report(made);
    report.values = values.release().ptr();
    new (&report.errors) std::shared_ptr<const FoundErrors>(std::move(errors));
    return made;
}

void add_report_types(py::module_& module) {
    add_error_type(module);
    static PyMethodDef methods[] = {
        {"require", report_require, METH_NOARGS,
         "require(self) -> dict[str, typing.Any]\n\nThe values of a valid form.\n\n"
         "Raises:\n    ValidationError: `form.invalid`, with `errors` in its details."},
        {"values_json", report_values_json, METH_NOARGS,
         "values_json(self) -> str\n\nThe values as one JSON object; dates and identifiers as text."},
        {"errors_json", report_errors_json, METH_NOARGS,
         "errors_json(self) -> str\n\nThe errors as JSON: a list of objects with `path`, `code`, `message` "
         "and `params`."},
        {nullptr, nullptr, 0, nullptr}};
    static PyGetSetDef properties[] = {
        {"valid", report_valid, nullptr, "bool: There is no error; the truth of a report is the same.",
         nullptr},
        {"values", report_values, nullptr,
         "dict[str, typing.Any]: The clean values in the order of the fields; a value that is as it was "
         "given is the same object. Fields with errors, and those that were not given and have no default, "
         "are not in it.",
         nullptr},
        {"errors", report_errors, nullptr, "list[FieldError]: Every error, in the order of the fields.",
         nullptr},
        {"errors_by_field", report_by_field, nullptr,
         "dict[str, list[FieldError]]: The errors by their path, made anew each time.", nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr}};
    static PyType_Slot slots[] = {
        {Py_tp_doc, const_cast<char*>("The answer of a form: clean values, and every error.")},
        {Py_tp_dealloc, reinterpret_cast<void*>(report_dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(report_repr)},
        {Py_nb_bool, reinterpret_cast<void*>(report_truth)},
        {Py_tp_methods, methods},
        {Py_tp_getset, properties},
        {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.forms.Report", sizeof(ReportObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    report_type = add_type(module, spec);
}

}  // namespace consilia::bindings
