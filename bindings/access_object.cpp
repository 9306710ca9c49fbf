// What the conditions of a policy see of an object of Python.
#include "access_native.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

[[noreturn]] void refuse_missing(const FieldKey& key, PyObject* object, const std::string& reason) {
    throw core::InvalidArgument(
        "access.missing_field",
        "a condition asks for field `" + key.path + "` of a `" + Py_TYPE(object)->tp_name + "`: " + reason,
        {{"field", core::Value(key.path)}, {"object", core::Value(Py_TYPE(object)->tp_name)}});
}

/// Whether values are looked up with `[]`: what dict() takes for a mapping too.
bool is_mapping(PyObject* object) {
    static PyObject* const keys = interned("keys");
    const PyMappingMethods* methods = Py_TYPE(object)->tp_as_mapping;
    return methods != nullptr && methods->mp_subscript != nullptr && PyObject_HasAttr(object, keys) != 0;
}

/// The error that Python has set, which must be of this class. @throws it, if it is of another.
py::error_already_set caught(PyObject* type) {
    py::error_already_set error;
    if (!error.matches(type)) throw error;
    return error;
}

/// The entry of a mapping; null where it has none.
py::object entry_of(PyObject* mapping, const py::object& key) {
    if (PyDict_Check(mapping)) {
        PyObject* value = PyDict_GetItemWithError(mapping, key.ptr());
        if (value == nullptr && PyErr_Occurred() != nullptr) throw py::error_already_set();
        return py::reinterpret_borrow<py::object>(value);
    }
    auto value = py::reinterpret_steal<py::object>(PyObject_GetItem(mapping, key.ptr()));
    if (!value) static_cast<void>(caught(PyExc_LookupError));
    return value;
}

/// One step of a path. A subclass of AttributeError, as Django raises for a relation without a row, is null.
py::object member_of(PyObject* object, const py::object& key, std::string& reason) {
    if (PyDict_Check(object) || is_mapping(object)) {
        py::object value = entry_of(object, key);
        if (!value) reason = "no key `" + key.cast<std::string>() + "`";
        return value;
    }
    auto value = py::reinterpret_steal<py::object>(PyObject_GetAttr(object, key.ptr()));
    if (value) return value;
    const py::error_already_set error = caught(PyExc_AttributeError);
    if (!error.type().is(py::handle(PyExc_AttributeError))) return py::none();
    reason = py::str(error.value()).cast<std::string>();
    return {};
}

/// Null where the object lacks it, and then `reason` says why. The keys of a path are tried one in the other
/// first, then the whole path as one key.
py::object look_up(PyObject* object, const FieldKey& key, std::string& reason) {
    if (key.parts.size() > 1 && Py_TYPE(object) == row_type) return member_of(object, key.whole, reason);
    py::object at = member_of(object, key.parts.front(), reason);
    for (std::size_t i = 1; at && !at.is_none() && i < key.parts.size(); ++i)
        at = member_of(at.ptr(), key.parts[i], reason);
    if (!at && key.parts.size() > 1 && (PyDict_Check(object) || is_mapping(object)))
        return entry_of(object, key.whole);
    return at;
}

/// The value in nested dicts, as `look_up` gives it; null where the general way must be gone.
py::object nested_entry(PyObject* object, const FieldKey& key) {
    auto at = py::reinterpret_borrow<py::object>(object);
    for (const py::object& part : key.parts) {
        if (!PyDict_CheckExact(at.ptr())) return {};
        PyObject* value = PyDict_GetItemWithError(at.ptr(), part.ptr());
        if (value == nullptr) {
            if (PyErr_Occurred() != nullptr) throw py::error_already_set();
            return {};
        }
        at = py::reinterpret_borrow<py::object>(value);
    }
    return at;
}

std::size_t place_of(const std::vector<PyObject*>& names, const py::object& name) noexcept {
    std::size_t place = 0;
    while (place < names.size() && names[place] != name.ptr()) ++place;
    return place;
}

/// The cell of a record as the database gave it, without an object of Python for it or for what it hangs
/// under; empty where the general way must be gone.
std::optional<core::Value> cell_of(const RecordObject& record, const FieldKey& key) {
    if (record.rows == nullptr || record.local != nullptr) return std::nullopt;
    const RowNode* node = record.node;
    for (std::size_t i = 0; i + 1 < key.parts.size(); ++i) {
        if (node->info == nullptr) return std::nullopt;
        const std::size_t reference = place_of(node->info->relations, key.parts[i]);
        if (reference == node->info->relations.size()) return std::nullopt;
        node = node->relations[reference].get();
        if (node == nullptr) return std::nullopt;
    }
    if (node->info == nullptr) return std::nullopt;
    const std::size_t column = place_of(node->info->names, key.parts.back());
    if (column == node->info->names.size() || node->columns[column] < 0) return std::nullopt;
    return record.rows->rows->value(record.row, static_cast<std::size_t>(node->columns[column]));
}

/// A text, or what the policy declares that it is: JSON has no dates.
core::Value text_value(std::string_view text, const FieldKey& key, const access::NamedTypes* types) {
    if (types != nullptr) {
        const auto declared = types->find(key.path);
        if (declared != types->end() && declared->second == core::ValueType::Date)
            return core::parse_date(text);
        if (declared != types->end() && declared->second == core::ValueType::Timestamp)
            return core::parse_timestamp(text);
    }
    return text;
}

core::Value value_of(PyObject* object, const FieldKey& key, const access::NamedTypes* types) {
    if (object == Py_None) return {};
    if (PyLong_CheckExact(object)) {
        int overflow = 0;
        const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
        if (overflow == 0) return static_cast<std::int64_t>(number);
    }
    try {
        if (PyUnicode_CheckExact(object)) return text_value(text_of(object), key, types);
        static const data::Column any{};
        return to_value(any, object);
    } catch (const core::InvalidArgument& error) {
        throw core::InvalidArgument(error.code(), "field `" + key.path + "` of the object: " + error.what(),
                                    {{"field", core::Value(key.path)}});
    }
}

}  // namespace

const FieldKey& FieldKeys::add(std::string_view path) {
    std::unique_ptr<FieldKey>& key = all_[std::string(path)];
    if (key != nullptr) return *key;
    auto made = std::make_unique<FieldKey>();
    made->path = path;
    made->whole = py::reinterpret_steal<py::object>(interned(path));
    while (!path.empty()) {
        const std::size_t dot = std::min(path.find('.'), path.size());
        made->parts.push_back(py::reinterpret_steal<py::object>(interned(path.substr(0, dot))));
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    key = std::move(made);
    return *key;
}

core::Value ObjectFields::operator()(std::string_view path) const {
    const FieldKey& key = keys_.find(path);
    if (PyDict_CheckExact(object_)) {
        if (const py::object value = nested_entry(object_, key)) return value_of(value.ptr(), key, types_);
    } else if (PyObject_TypeCheck(object_, record_type) != 0) {
        if (auto cell = cell_of(*reinterpret_cast<RecordObject*>(object_), key)) return *std::move(cell);
    }
    std::string reason;
    const py::object value = look_up(object_, key, reason);
    if (value) return value_of(value.ptr(), key, types_);
    if (types_ != nullptr) return {};
    refuse_missing(key, object_, reason);
}

}  // namespace consilia::bindings
