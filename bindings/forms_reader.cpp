// How a check reads objects of Python.
#include <algorithm>

#include "consilia/core/error.hpp"
#include "data_native.hpp"
#include "forms_native.hpp"

namespace consilia::bindings {
namespace {

using validation::FormShape;
using validation::Input;
using validation::InputKind;
using validation::StrayNames;

/// The text of a string; of most strings it lies in the object itself. Empty data: it has lone surrogates.
std::string_view utf8_of(PyObject* text) noexcept {
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        return {reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text)),
                static_cast<std::size_t>(PyUnicode_GET_LENGTH(text))};
    }
    Py_ssize_t size = 0;
    const char* bytes = PyUnicode_AsUTF8AndSize(text, &size);
    if (bytes == nullptr) {
        PyErr_Clear();
        return {};
    }
    return {bytes, static_cast<std::size_t>(size)};
}

Input text_input(PyObject* text) noexcept {
    const std::string_view bytes = utf8_of(text);
    if (bytes.data() == nullptr) return Input::other("text with half a character");
    return Input::of(bytes, PyUnicode_CheckExact(text) ? text : nullptr);
}

Input integer_input(PyObject* number) noexcept {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow != 0) return Input::other("integer beyond 64 bits");
    Input input;
    input.kind = InputKind::Integer;
    input.integer = value;
    if (PyLong_CheckExact(number)) input.node = number;
    return input;
}

Input container(InputKind kind, PyObject* object) noexcept {
    Input input;
    input.kind = kind;
    input.node = object;
    return input;
}

PyObject* node_of(const Input& input) noexcept {
    return static_cast<PyObject*>(const_cast<void*>(input.node));
}

bool is_mapping(PyObject* object) {
    static PyObject* const keys = interned("keys");
    const PyMappingMethods* methods = Py_TYPE(object)->tp_as_mapping;
    return methods != nullptr && methods->mp_subscript != nullptr && PyObject_HasAttr(object, keys) != 0;
}

void add_stray(std::vector<std::string>& strays, PyObject* name) {
    if (strays.size() == StrayNames::kMax) return;
    const std::string_view text = PyUnicode_Check(name) ? utf8_of(name) : std::string_view();
    if (text.data() != nullptr) {
        strays.emplace_back(text);
    } else {
        strays.push_back('<' + std::string(Py_TYPE(name)->tp_name) + '>');
    }
}

/// The place of a name, or as many as there are. Names of source code are the same object each time.
std::size_t place_of(const FormKeys& keys, PyObject* name, std::size_t guess) {
    if (guess < keys.names.size() && keys.names[guess].ptr() == name) return guess;
    const std::string_view text = PyUnicode_Check(name) ? utf8_of(name) : std::string_view();
    return text.empty() ? keys.names.size() : keys.shape->find(text, guess);
}

}  // namespace

PythonReader::~PythonReader() {
    for (std::size_t i = 0; i < count_; ++i) Py_DECREF(kept_[i]);
    for (PyObject* object : more_) Py_DECREF(object);
}

Input PythonReader::input_of(PyObject* object) {
    if (PyUnicode_CheckExact(object)) return text_input(object);
    if (PyBool_Check(object)) {
        Input input = container(InputKind::Boolean, object);
        input.boolean = object == Py_True;
        return input;
    }
    if (PyLong_CheckExact(object)) return integer_input(object);
    if (object == Py_None) return container(InputKind::Null, object);
    if (PyFloat_CheckExact(object)) {
        Input input = container(InputKind::Number, object);
        input.number = PyFloat_AS_DOUBLE(object);
        return input;
    }
    if (PyDict_Check(object)) return container(InputKind::Object, object);
    if (PyList_Check(object) || PyTuple_Check(object)) return container(InputKind::List, object);
    return slow_input_of(object);
}

/// Of dates, identifiers, members of enumerations, numbers of other libraries, mappings.
Input PythonReader::slow_input_of(PyObject* object) {
    static PyObject* const enumeration = py::object(py::module_::import("enum").attr("Enum")).release().ptr();
    static PyObject* const uuid = py::object(py::module_::import("uuid").attr("UUID")).release().ptr();
    static const data::Column any{};
    try {
        if (PyObject_IsInstance(object, enumeration) == 1)
            return input_of(keep(owned(PyObject_GetAttrString(object, "value"))));
        if (PyUnicode_Check(object)) return text_input(object);
        if (is_date(object) || PyObject_IsInstance(object, uuid) == 1) {
            const core::Value value = to_value(any, object);
            Input input = container(InputKind::Date, is_kept_time(object) ? object : nullptr);
            if (const auto* date = value.if_as<core::Date>()) {
                input.date = *date;
            } else if (const auto* instant = value.if_as<core::Timestamp>()) {
                input.kind = InputKind::Timestamp;
                input.timestamp = *instant;
            } else {
                input.kind = InputKind::Uuid;
                input.uuid = value.as<core::Uuid>();
                input.node = object;
            }
            return input;
        }
        if (PyFloat_Check(object)) {
            Input input = container(InputKind::Number, nullptr);
            input.number = PyFloat_AsDouble(object);
            return input;
        }
        if (PyIndex_Check(object) != 0) return integer_input(keep(owned(PyNumber_Index(object))));
        if (is_mapping(object)) return container(InputKind::Object, object);
    } catch (const core::InvalidArgument&) {
        return Input::other("datetime without a time zone");
    } catch (const py::error_already_set& error) {
        if (!error.matches(PyExc_Exception)) throw;
    }
    PyErr_Clear();
    return Input::other(Py_TYPE(object)->tp_name);
}

void PythonReader::read_object(const Input& object, const FormShape& shape, std::span<Input> slots,
                               StrayNames& strays) {
    static PyObject* const getlist = interned("getlist");
    PyObject* const mapping = node_of(object);
    const FormKeys& keys = state_.keys(shape);
    if (PyDict_CheckExact(mapping)) return read_dict(mapping, keys, slots, strays);
    if (PyObject_HasAttr(mapping, getlist) != 0) return read_lists(mapping, keys, slots, strays);
    const py::object copy = owned(PyDict_New());
    if (PyDict_Update(copy.ptr(), mapping) != 0) throw py::error_already_set();
    read_dict(copy.ptr(), keys, slots, strays);
}

void PythonReader::read_dict(PyObject* dict, const FormKeys& keys, std::span<Input> slots,
                             StrayNames& strays) {
    PyObject* name = nullptr;
    PyObject* value = nullptr;
    Py_ssize_t at = 0;
    std::size_t guess = 0;
    // First all are kept: what tells the kind of a value may run code of Python, which may change the dict.
    const std::size_t count = slots.size();
    while (PyDict_Next(dict, &at, &name, &value) != 0) {
        const std::size_t place = place_of(keys, name, guess);
        if (place == count) {
            add_stray(strays.unknown, name);
            continue;
        }
        keep(value);
        slots[place].node = value;
        guess = place + 1;
    }
    for (Input& slot : slots) {
        if (slot.node != nullptr) slot = input_of(node_of(slot));
    }
}

void PythonReader::read_lists(PyObject* mapping, const FormKeys& keys, std::span<Input> slots,
                              StrayNames& strays) {
    static PyObject* const getlist = interned("getlist");
    const py::object names = owned(PySequence_List(py::handle(mapping).attr("keys")().ptr()));
    std::size_t guess = 0;
    for (const py::handle name : names) {
        const std::size_t place = place_of(keys, name.ptr(), guess);
        if (place == slots.size()) {
            add_stray(strays.unknown, name.ptr());
            continue;
        }
        guess = place + 1;
        PyObject* const list = keep(
            owned(PySequence_List(owned(PyObject_CallMethodOneArg(mapping, getlist, name.ptr())).ptr())));
        const Py_ssize_t count = PyList_GET_SIZE(list);
        if (keys.shape->names()[place].is_list) {
            slots[place] = container(InputKind::List, list);
        } else if (count > 0) {
            slots[place] = input_of(PyList_GET_ITEM(list, 0));
            if (count > 1) add_stray(strays.repeated, name.ptr());
        }
    }
}

std::size_t PythonReader::read_list(const Input& list, std::size_t limit, std::vector<Input>& elements) {
    PyObject* const given = node_of(list);
    const auto count = static_cast<std::size_t>(PySequence_Fast_GET_SIZE(given));
    if (count > limit) return count;
    PyObject* const own = keep(owned(PySequence_Tuple(given)));  // Nobody changes it meanwhile.
    const auto size = static_cast<std::size_t>(PyTuple_GET_SIZE(own));
    elements.reserve(size);
    for (std::size_t i = 0; i < size; ++i)
        elements.push_back(input_of(PyTuple_GET_ITEM(own, static_cast<Py_ssize_t>(i))));
    return size;
}

std::string PythonReader::to_json(const Input& value) {
    std::string json;
    if (value.kind == InputKind::Other) return json;
    PyObject* const object = node_of(value);
    if (object == nullptr && value.kind == InputKind::Text) return core::to_json(std::string(value.text));
    if (object != nullptr && is_json(object)) {
        const py::object text = json_dumps(object);
        json = text_of(text.ptr());
    }
    return json;
}

}  // namespace consilia::bindings
