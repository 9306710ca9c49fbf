// Clean values as objects of Python, and these as JSON.
#include <cmath>

#include "data_native.hpp"
#include "forms_native.hpp"

namespace consilia::bindings {
namespace {

using validation::CleanItems;
using validation::Input;
using validation::InputKind;

py::object text_object(std::string_view text) {
    return owned(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr));
}

py::object json_object(std::string_view text) {
    static PyObject* const loads = py::object(py::module_::import("json").attr("loads")).release().ptr();
    return owned(PyObject_CallOneArg(loads, text_object(text).ptr()));
}

py::object object_of(const FormState& state, const Input& clean) {
    switch (clean.kind) {
        case InputKind::Object:
            return values_of(state, *clean.items);
        case InputKind::List: {
            py::object list = owned(PyList_New(0));
            for (const Input& element : clean.items->values) {
                if (element.kind == InputKind::Absent) continue;
                if (PyList_Append(list.ptr(), object_of(state, element).ptr()) != 0)
                    throw py::error_already_set();
            }
            return list;
        }
        default:
            break;
    }
    if (clean.node != nullptr)
        return py::reinterpret_borrow<py::object>(static_cast<PyObject*>(const_cast<void*>(clean.node)));
    switch (clean.kind) {
        case InputKind::Boolean:
            return py::bool_(clean.boolean);
        case InputKind::Integer:
            return owned(PyLong_FromLongLong(clean.integer));
        case InputKind::Number:
            return owned(PyFloat_FromDouble(clean.number));
        case InputKind::Text:
            return text_object(clean.text);
        case InputKind::Date:
            return owned(date_object(clean.date));
        case InputKind::Timestamp:
            return owned(datetime_object(clean.timestamp.microseconds));
        case InputKind::Uuid:
            return owned(uuid_object(clean.uuid));
        case InputKind::Json:
            return json_object(clean.text);
        default:
            return py::none();
    }
}

/// Not so of a text with half of a surrogate pair, which has no UTF-8.
bool is_unicode(PyObject* text) noexcept {
    if (PyUnicode_AsUTF8AndSize(text, nullptr) != nullptr) return true;
    PyErr_Clear();
    return false;
}

}  // namespace

FormKeys::FormKeys(const validation::FormShape& given) : shape(&given), blank(owned(PyDict_New())) {
    for (const validation::FormShape::Name& name : given.names()) {
        names.push_back(py::reinterpret_steal<py::object>(interned(name.text)));
        if (PyDict_SetItem(blank.ptr(), names.back().ptr(), Py_None) != 0) throw py::error_already_set();
    }
}

FormState::FormState(validation::Form given) : form(std::move(given)) {
    add(form);
}

void FormState::add(const validation::Form& each) {
    keys_.push_back(std::make_unique<const FormKeys>(each.shape()));
    for (const validation::Field& field : each.fields()) add(field);
}

void FormState::add(const validation::Field& field) {
    if (field.form) add(*field.form);
    if (field.items) add(*field.items);
}

const FormKeys& FormState::keys(const validation::FormShape& shape) const {
    for (const auto& keys : keys_) {
        if (keys->shape == &shape) return *keys;
    }
    throw py::value_error("the form has no such part");
}

py::object values_of(const FormState& state, const CleanItems& items) {
    if (items.shape == nullptr) return owned(PyDict_New());  // What was checked is no object.
    const FormKeys& keys = state.keys(*items.shape);
    std::size_t present = 0;
    for (const Input& value : items.values) present += value.kind != InputKind::Absent ? 1 : 0;
    py::object dict = owned(present == items.values.size() ? PyDict_Copy(keys.blank.ptr()) : PyDict_New());
    for (std::size_t i = 0; i < items.values.size(); ++i) {
        const Input& value = items.values[i];
        if (value.kind == InputKind::Absent) continue;
        if (PyDict_SetItem(dict.ptr(), keys.names[i].ptr(), object_of(state, value).ptr()) != 0)
            throw py::error_already_set();
    }
    return dict;
}

py::object json_dumps(PyObject* object) {
    static PyObject* const dumps = py::object(py::module_::import("json").attr("dumps")).release().ptr();
    return owned(PyObject_CallOneArg(dumps, object));
}

bool is_json(PyObject* object, int depth_left) {
    if (object == Py_None) return true;
    if (PyUnicode_Check(object)) return is_unicode(object);
    if (PyFloat_Check(object)) return std::isfinite(PyFloat_AS_DOUBLE(object));
    if (PyLong_Check(object)) {
        int overflow = 0;
        (void)PyLong_AsLongLongAndOverflow(object, &overflow);
        return overflow == 0;
    }
    if (depth_left == 0) return false;
    if (PyDict_Check(object)) {
        PyObject* name = nullptr;
        PyObject* value = nullptr;
        for (Py_ssize_t at = 0; PyDict_Next(object, &at, &name, &value) != 0;) {
            if (!PyUnicode_Check(name) || !is_unicode(name) || !is_json(value, depth_left - 1)) return false;
        }
        return true;
    }
    if (!PyList_Check(object) && !PyTuple_Check(object)) return false;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
        if (!is_json(PySequence_Fast_GET_ITEM(object, i), depth_left - 1)) return false;
    }
    return true;
}

void append_json(std::string& json, PyObject* object) {
    static const data::Column any{};
    const char* separator = "";
    if (PyDict_Check(object)) {
        json += '{';
        for (const auto& [name, value] : py::reinterpret_borrow<py::dict>(object)) {
            json += separator + core::to_json(text_of(name.ptr())) + ':';
            append_json(json, value.ptr());
            separator = ",";
        }
        json += '}';
    } else if (PyList_Check(object) || PyTuple_Check(object)) {
        json += '[';
        for (const py::handle element : py::reinterpret_borrow<py::object>(object)) {
            json += separator;
            append_json(json, element.ptr());
            separator = ",";
        }
        json += ']';
    } else {
        json += core::to_json(to_value(any, object));
    }
}

}  // namespace consilia::bindings
