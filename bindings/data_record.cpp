// Records and the columns of their classes. A record of a result holds a place in its columns: a value
// becomes an object of Python when it is read, and a record costs one allocation.
#include <algorithm>
#include <cstring>
#include <string>

#include "data_native.hpp"

namespace consilia::bindings {

PyTypeObject* row_type = nullptr;
PyTypeObject* record_type = nullptr;

namespace {

[[noreturn]] void throw_attribute_error(const std::string& message) {
    PyErr_SetString(PyExc_AttributeError, message.c_str());
    throw py::error_already_set();
}

RecordLocal& local_of(RecordObject* record) {
    if (record->local == nullptr) {
        const std::size_t columns = record->node->columns.size();
        record->local = new RecordLocal{std::vector<py::object>(columns),
                                        std::vector<py::object>(record->node->relations.size()),
                                        std::vector<bool>(columns)};
        if (PyObject_GC_IsTracked(reinterpret_cast<PyObject*>(record)) == 0) PyObject_GC_Track(record);
    }
    return *record->local;
}

const std::string& column_name(const RecordObject* record, std::size_t column) {
    return record->node->info->model().columns()[column].name;
}

/// The default of a record that no database has seen yet.
py::object unset_value(const RecordObject* record, std::size_t column) {
    const data::Column& described = record->node->info->model().columns()[column];
    return to_python(described.default_value);
}

/// Whether any value of the node or of what it leads to is there.
bool has_values(const RowsObject& rows, const RowNode& node, std::size_t row) {
    const auto is_filled = [&](std::int32_t column) {
        return column >= 0 && !rows.rows->column(static_cast<std::size_t>(column)).is_null(row);
    };
    return std::ranges::any_of(node.columns, is_filled) ||
           std::ranges::any_of(node.relations, [&](const std::unique_ptr<RowNode>& below) {
               return below != nullptr && has_values(rows, *below, row);
           });
}

bool is_there(const RecordObject* parent, const RowNode& child, std::size_t reference) {
    const std::int32_t holder = parent->node->columns[parent->node->info->reference_columns[reference]];
    if (holder >= 0)
        return !parent->rows->rows->column(static_cast<std::size_t>(holder)).is_null(parent->row);
    return has_values(*parent->rows, child, parent->row);
}

}  // namespace

py::object related_record(RecordObject* record, std::size_t reference) {
    if (record->local != nullptr && record->local->related[reference])
        return record->local->related[reference];
    const RowNode* child = record->node->relations[reference].get();
    const auto& described = record->node->info->model().references()[reference];
    if (record->rows == nullptr || child == nullptr) {
        throw_attribute_error("`" + described.relation +
                              "` was not loaded with this record: include it in the query");
    }
    if (!is_there(record, *child, reference)) return py::none();
    return owned(make_record(record->rows, *child, record->row));
}

void set_column(RecordObject* record, std::size_t column, PyObject* value) {
    RecordLocal& local = local_of(record);
    local.cells[column] = py::reinterpret_borrow<py::object>(value);
    local.is_changed[column] = true;
    for (std::size_t i = 0; i < local.related.size(); ++i) {
        if (record->node->info->reference_columns[i] == column) local.related[i] = {};
    }
}

void set_reference(RecordObject* record, std::size_t reference, PyObject* value) {
    const std::size_t column = record->node->info->reference_columns[reference];
    if (value == Py_None) {
        set_column(record, column, value);
    } else {
        const ModelInfo* target = record->node->info->targets[reference];
        RecordObject* other = as_record(value);
        if (other->node->info != target)
            throw_type_error(std::string("wanted a ") + target->type->tp_name + ", not a " +
                             Py_TYPE(value)->tp_name);
        set_column(record, column, record_value(other, target->key_column).ptr());
    }
    local_of(record).related[reference] = py::reinterpret_borrow<py::object>(value);
}

namespace {

/// A name that the model does not have: an annotation, or any column of rows without a model.
PyObject* extra_value(RecordObject* record, PyObject* name) {
    if (!record->node->extras || record->rows == nullptr) return nullptr;
    PyObject* column = PyDict_GetItemWithError(record->node->extras.ptr(), name);
    if (column == nullptr) return nullptr;
    const Py_ssize_t at = PyLong_AsSsize_t(column);
    if (at >= 0) return to_python(record->rows->rows->column(static_cast<std::size_t>(at)), record->row);
    const auto place = static_cast<std::size_t>(-1 - at);
    const data::RowBranch& branch = record->rows->tree->branches[place];
    const data::RowRange range = branch.ranges[record->row];
    return make_rows(std::shared_ptr<const data::RowSet>(record->rows->rows, &branch.children.rows),
                     record->node->branches[place], range.begin, range.end, &branch.children);
}

/// Where a name of source code stands, which is interned as ours are.
std::size_t place_of(std::span<PyObject* const> names, PyObject* name) noexcept {
    return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
}

/// Columns and references are found here, without the search of their descriptors in the class.
PyObject* record_getattro(PyObject* self, PyObject* name) {
    return guarded([&]() -> PyObject* {
        auto* record = reinterpret_cast<RecordObject*>(self);
        if (const ModelInfo* info = record->node->info) {
            const std::size_t column = place_of(info->names, name);
            if (column < info->names.size()) return record_value(record, column).release().ptr();
            const std::size_t reference = place_of(info->relations, name);
            if (reference < info->relations.size()) return related_record(record, reference).release().ptr();
        }
        if (PyObject* extra = extra_value(record, name)) return extra;
        if (PyErr_Occurred() != nullptr) return nullptr;
        return PyObject_GenericGetAttr(self, name);
    });
}

PyObject* record_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    return guarded([&]() -> PyObject* {
        const ModelInfo& info = info_of(reinterpret_cast<PyObject*>(type));
        if (PyTuple_GET_SIZE(args) != 0) throw_type_error("the values of a record are given by name");
        py::object made = owned(make_record(nullptr, *info.own, 0));
        auto* record = reinterpret_cast<RecordObject*>(made.ptr());
        (void)local_of(record);
        PyObject* name = nullptr;
        PyObject* value = nullptr;
        Py_ssize_t at = 0;
        while (keywords != nullptr && PyDict_Next(keywords, &at, &name, &value) != 0) {
            if (const auto column = info.find_column(name)) {
                set_column(record, *column, value);
            } else if (const auto reference = info.find_reference(name)) {
                set_reference(record, *reference, value);
            } else {
                throw_type_error(std::string(type->tp_name) + " has no column `" +
                                 std::string(text_of(name)) + "`");
            }
        }
        return made.release().ptr();
    });
}

int record_init(PyObject*, PyObject*, PyObject*) {
    return 0;
}

int record_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    if (const RecordLocal* local = reinterpret_cast<RecordObject*>(self)->local) {
        for (const py::object& cell : local->cells) Py_VISIT(cell.ptr());
        for (const py::object& record : local->related) Py_VISIT(record.ptr());
    }
    return 0;
}

int record_clear(PyObject* self) {
    delete std::exchange(reinterpret_cast<RecordObject*>(self)->local, nullptr);
    return 0;
}

void record_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    record_clear(self);
    Py_CLEAR(reinterpret_cast<RecordObject*>(self)->rows);
    type->tp_free(self);
    Py_DECREF(type);
}

/// Prefetched rows as a list of dicts.
py::object plain_value(const py::object& value) {
    return Py_TYPE(value.ptr()) == rows_type ? py::object(value.attr("dicts")()) : value;
}

/// The names and values that are there, without loading more.
py::dict record_dict(RecordObject* record) {
    py::dict values;
    const RowNode& node = *record->node;
    for (std::size_t i = 0; i < node.columns.size(); ++i) {
        const bool is_local = record->local != nullptr && record->local->cells[i];
        if (is_local || (record->rows != nullptr && node.columns[i] >= 0))
            values[py::handle(node.info->names[i])] = record_value(record, i);
    }
    if (record->rows != nullptr && node.extras) {
        for (const auto& [name, column] : py::reinterpret_borrow<py::dict>(node.extras))
            values[name] = plain_value(owned(extra_value(record, name.ptr())));
    }
    for (std::size_t i = 0; i < node.relations.size(); ++i) {
        if (record->rows == nullptr || node.relations[i] == nullptr) continue;
        const py::object related = related_record(record, i);
        values[py::handle(node.info->relations[i])] =
            related.is_none() ? related : py::object(record_dict(as_record(related.ptr())));
    }
    return values;
}

PyObject* record_to_dict(PyObject* self, PyObject*) {
    return guarded([&] { return record_dict(reinterpret_cast<RecordObject*>(self)).release().ptr(); });
}

PyObject* record_repr(PyObject* self) {
    return guarded([&] {
        auto* record = reinterpret_cast<RecordObject*>(self);
        std::string text = "<" + std::string(Py_TYPE(self)->tp_name);
        if (record->node->info != nullptr) {
            const std::size_t key = record->node->info->key_column;
            const bool has_key = record->rows == nullptr || record->node->columns[key] >= 0;
            if (has_key) text += " " + py::repr(record_value(record, key)).cast<std::string>();
        }
        return py::str(text + ">").release().ptr();
    });
}

/// Two records are equal if they are of one model and have one key.
PyObject* record_compare(PyObject* left, PyObject* right, int op) {
    return guarded([&]() -> PyObject* {
        if ((op != Py_EQ && op != Py_NE) || PyObject_TypeCheck(right, record_type) == 0)
            Py_RETURN_NOTIMPLEMENTED;
        auto* a = reinterpret_cast<RecordObject*>(left);
        auto* b = reinterpret_cast<RecordObject*>(right);
        bool is_equal = left == right;
        if (!is_equal && a->node->info != nullptr && a->node->info == b->node->info) {
            const py::object key = record_value(a, a->node->info->key_column);
            is_equal = !key.is_none() && key.equal(record_value(b, b->node->info->key_column));
        }
        return PyBool_FromLong((op == Py_EQ) == is_equal ? 1 : 0);
    });
}

Py_hash_t record_hash(PyObject* self) {
    return guarded(
        [&]() -> Py_hash_t {
            auto* record = reinterpret_cast<RecordObject*>(self);
            if (record->node->info == nullptr)
                return PyObject_Hash(reinterpret_cast<PyObject*>(record->rows));
            return PyObject_Hash(record_value(record, record->node->info->key_column).ptr());
        },
        Py_hash_t{-1});
}

Py_ssize_t row_length(PyObject* self) {
    auto* record = reinterpret_cast<RecordObject*>(self);
    return static_cast<Py_ssize_t>(record->rows->rows->columns().size());
}

PyObject* row_item(PyObject* self, Py_ssize_t at) {
    auto* record = reinterpret_cast<RecordObject*>(self);
    if (at < 0 || at >= row_length(self)) {
        PyErr_SetString(PyExc_IndexError, "a row has no such column");
        return nullptr;
    }
    return guarded(
        [&] { return to_python(record->rows->rows->column(static_cast<std::size_t>(at)), record->row); });
}

/// By position, or by name for columns whose names are no Python names.
PyObject* row_subscript(PyObject* self, PyObject* key) {
    if (PyUnicode_Check(key)) {
        PyObject* value = extra_value(reinterpret_cast<RecordObject*>(self), key);
        if (value == nullptr && PyErr_Occurred() == nullptr) PyErr_SetObject(PyExc_KeyError, key);
        return value;
    }
    Py_ssize_t at = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (at == -1 && PyErr_Occurred() != nullptr) return nullptr;
    return row_item(self, at < 0 ? at + row_length(self) : at);
}

PyObject* refuse_new(PyTypeObject* type, PyObject*, PyObject*) {
    PyErr_Format(PyExc_TypeError, "%s is made by the library", type->tp_name);
    return nullptr;
}

}  // namespace

PyObject* make_record(RowsObject* rows, const RowNode& node, std::size_t row) {
    PyTypeObject* type = node.info == nullptr ? row_type : node.info->type;
    // Not tracked by the collector: until something is assigned it refers to nothing that could refer to it.
    auto* record = PyObject_GC_New(RecordObject, type);
    if (record == nullptr) return nullptr;
    constexpr std::size_t kHead = sizeof(PyObject);
    std::memset(reinterpret_cast<char*>(record) + kHead, 0,
                static_cast<std::size_t>(type->tp_basicsize) - kHead);
    record->rows = rows;
    Py_XINCREF(reinterpret_cast<PyObject*>(rows));
    record->node = &node;
    record->row = row;
    return reinterpret_cast<PyObject*>(record);
}

RecordObject* as_record(PyObject* object) {
    if (PyObject_TypeCheck(object, record_type) == 0)
        throw_type_error(std::string("wanted a record, not `") + Py_TYPE(object)->tp_name + "`");
    return reinterpret_cast<RecordObject*>(object);
}

py::object record_value(RecordObject* record, std::size_t column) {
    if (record->local != nullptr && record->local->cells[column]) return record->local->cells[column];
    if (record->rows == nullptr) return unset_value(record, column);
    const std::int32_t place = record->node->columns[column];
    if (place < 0)
        throw_attribute_error("column `" + column_name(record, column) + "` was not selected by the query");
    const data::ColumnData& cells = record->rows->rows->column(static_cast<std::size_t>(place));
    py::object value = owned(to_python(cells, record->row));
    if (cells.type() == core::ValueType::Json) {  // Can be changed in place: one object for each record.
        local_of(record).cells[column] = value;
    } else if (PyObject* members = record->node->info->enums[column]; members != nullptr) {
        PyObject* member = PyDict_GetItemWithError(members, value.ptr());
        if (member != nullptr) return py::reinterpret_borrow<py::object>(member);
        if (PyErr_Occurred() != nullptr) throw py::error_already_set();  // Else null, or no member's text.
    }
    return value;
}

std::vector<data::Assignment> assigned_values(RecordObject* record) {
    std::vector<data::Assignment> values;
    if (record->local == nullptr) return values;
    const auto columns = record->node->info->model().columns();
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (record->local->is_changed[i])
            values.emplace_back(columns[i].name, to_value(columns[i], record->local->cells[i].ptr()));
    }
    return values;
}

void set_stored(RecordObject* record, std::size_t column, py::object value) {
    local_of(record).cells[column] = std::move(value);
}

void forget_changes(RecordObject* record) {
    if (record->local != nullptr) record->local->is_changed.assign(record->local->is_changed.size(), false);
}

void add_record_types(py::module_& module) {
    static PyMethodDef methods[] = {
        {"to_dict", record_to_dict, METH_NOARGS,
         "to_dict($self, /)\n--\n\nThe values that are loaded, by name; included records as dicts."},
        {nullptr, nullptr, 0, nullptr}};
    static PyType_Slot record_slots[] = {
        {Py_tp_doc, const_cast<char*>("A row of a table; the base of Model.")},
        {Py_tp_new, reinterpret_cast<void*>(record_new)},
        {Py_tp_init, reinterpret_cast<void*>(record_init)},
        {Py_tp_dealloc, reinterpret_cast<void*>(record_dealloc)},
        {Py_tp_traverse, reinterpret_cast<void*>(record_traverse)},
        {Py_tp_clear, reinterpret_cast<void*>(record_clear)},
        {Py_tp_getattro, reinterpret_cast<void*>(record_getattro)},
        {Py_tp_repr, reinterpret_cast<void*>(record_repr)},
        {Py_tp_richcompare, reinterpret_cast<void*>(record_compare)},
        {Py_tp_hash, reinterpret_cast<void*>(record_hash)},
        {Py_tp_methods, methods},
        {0, nullptr}};
    static PyType_Spec record_spec = {"consilia._core.data.Record", sizeof(RecordObject), 0,
                                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                                      record_slots};
    record_type = add_type(module, record_spec);
    static PyType_Slot row_slots[] = {
        {Py_tp_doc, const_cast<char*>("A row of a result without a model: values by position and by name.")},
        {Py_tp_new, reinterpret_cast<void*>(refuse_new)},
        {Py_sq_length, reinterpret_cast<void*>(row_length)},
        {Py_sq_item, reinterpret_cast<void*>(row_item)},
        {Py_mp_subscript, reinterpret_cast<void*>(row_subscript)},
        {0, nullptr}};
    static PyType_Spec row_spec = {"consilia._core.data.Row", sizeof(RecordObject), 0, Py_TPFLAGS_DEFAULT,
                                   row_slots};
    row_type = add_type(module, row_spec, record_type);
}

}  // namespace consilia::bindings
