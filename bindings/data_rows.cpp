// A result: a sequence of records, JSON bytes, columns for numpy and Arrow's interfaces.
#include "data_native.hpp"

namespace consilia::bindings {

PyTypeObject* rows_type = nullptr;

namespace {

PyTypeObject* iterator_type = nullptr;

struct IteratorObject {
    PyObject_HEAD RowsObject* rows;
    std::size_t next;
};

RowsObject* as_rows(PyObject* object) {
    return reinterpret_cast<RowsObject*>(object);
}

/// The node of a dotted path's relation, made where it is missing; null if the model has no such relation.
RowNode* node_of(RowNode* node, std::string_view relation) {
    while (!relation.empty()) {
        if (node->info == nullptr) return nullptr;
        const std::size_t dot = std::min(relation.find('.'), relation.size());
        const auto references = node->info->model().references();
        std::size_t at = 0;
        while (at < references.size() && references[at].relation != relation.substr(0, dot)) ++at;
        if (at == references.size()) return nullptr;
        if (node->relations[at] == nullptr) {
            auto made = std::make_unique<RowNode>();
            made->info = node->info->targets[at];
            made->columns.assign(made->info->names.size(), -1);
            made->relations.resize(made->info->targets.size());
            node->relations[at] = std::move(made);
        }
        node = node->relations[at].get();
        relation.remove_prefix(std::min(dot + 1, relation.size()));
    }
    return node;
}

/// Whether the column is one of the model, and if so where it stands.
bool place_column(RowNode& root, std::string_view path, std::int32_t at) {
    const std::size_t dot = path.rfind('.');
    RowNode* node = node_of(&root, dot == std::string_view::npos ? std::string_view() : path.substr(0, dot));
    if (node == nullptr || node->info == nullptr) return false;
    const std::string_view name = dot == std::string_view::npos ? path : path.substr(dot + 1);
    const data::Column* column = node->info->model().find_column(name);
    if (column == nullptr) return false;
    node->columns[static_cast<std::size_t>(column - node->info->model().columns().data())] = at;
    return true;
}

void rows_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    as_rows(self)->rows.~shared_ptr();
    as_rows(self)->shape.~shared_ptr();
    type->tp_free(self);
    Py_DECREF(type);
}

Py_ssize_t rows_length(PyObject* self) {
    return static_cast<Py_ssize_t>(as_rows(self)->end - as_rows(self)->begin);
}

PyObject* rows_item(PyObject* self, Py_ssize_t at) {
    RowsObject* rows = as_rows(self);
    if (at < 0 || at >= rows_length(self)) {
        PyErr_SetString(PyExc_IndexError, "no such row");
        return nullptr;
    }
    return make_record(rows, *rows->shape, rows->begin + static_cast<std::size_t>(at));
}

PyObject* rows_subscript(PyObject* self, PyObject* key) {
    if (PySlice_Check(key)) {
        Py_ssize_t start = 0;
        Py_ssize_t stop = 0;
        Py_ssize_t step = 0;
        if (PySlice_Unpack(key, &start, &stop, &step) != 0) return nullptr;
        if (step != 1) {
            PyErr_SetString(PyExc_ValueError, "a slice of rows has the step 1");
            return nullptr;
        }
        const Py_ssize_t count = PySlice_AdjustIndices(rows_length(self), &start, &stop, step);
        const std::size_t begin = as_rows(self)->begin + static_cast<std::size_t>(start);
        return guarded([&] {
            return make_rows(as_rows(self)->rows, as_rows(self)->shape, begin,
                             begin + static_cast<std::size_t>(count), as_rows(self)->tree);
        });
    }
    const Py_ssize_t at = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (at == -1 && PyErr_Occurred() != nullptr) return nullptr;
    return rows_item(self, at < 0 ? at + rows_length(self) : at);
}

PyObject* rows_iterator(PyObject* self) {
    auto* made = reinterpret_cast<IteratorObject*>(iterator_type->tp_alloc(iterator_type, 0));
    if (made == nullptr) return nullptr;
    made->rows = as_rows(Py_NewRef(self));
    made->next = as_rows(self)->begin;
    return reinterpret_cast<PyObject*>(made);
}

PyObject* iterator_next(PyObject* self) {
    auto* iterator = reinterpret_cast<IteratorObject*>(self);
    if (iterator->next == iterator->rows->end) return nullptr;
    return make_record(iterator->rows, *iterator->rows->shape, iterator->next++);
}

void iterator_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    Py_CLEAR(reinterpret_cast<IteratorObject*>(self)->rows);
    type->tp_free(self);
    Py_DECREF(type);
}

void append_part(std::string& out, const RowsObject& rows) {
    out += '[';
    for (std::size_t row = rows.begin; row < rows.end; ++row) {
        if (row != rows.begin) out += ',';
        if (rows.tree == nullptr) {
            data::append_json(out, *rows.rows, row);
        } else {
            data::append_json(out, *rows.tree, row);
        }
    }
    out += ']';
}

PyObject* rows_json(PyObject* self, PyObject*) {
    return guarded([&] {
        const RowsObject* rows = as_rows(self);
        std::string out;
        {
            const GilReleased released;
            if (rows->tree == nullptr && rows->begin == 0 && rows->end == rows->rows->size()) {
                data::append_json(out, *rows->rows);
            } else {
                append_part(out, *rows);
            }
        }
        return PyBytes_FromStringAndSize(out.data(), static_cast<Py_ssize_t>(out.size()));
    });
}

PyObject* rows_tuples(PyObject* self, PyObject*) {
    return guarded([&] {
        const RowsObject* rows = as_rows(self);
        const std::size_t width = rows->rows->columns().size();
        py::list all(rows->end - rows->begin);
        for (std::size_t row = rows->begin; row < rows->end; ++row) {
            py::tuple values(width);
            for (std::size_t i = 0; i < width; ++i)
                PyTuple_SET_ITEM(values.ptr(), static_cast<Py_ssize_t>(i),
                                 owned(to_python(rows->rows->column(i), row)).release().ptr());
            PyList_SET_ITEM(all.ptr(), static_cast<Py_ssize_t>(row - rows->begin), values.release().ptr());
        }
        return all.release().ptr();
    });
}

PyObject* rows_dicts(PyObject* self, PyObject*) {
    return guarded([&] {
        const auto count = static_cast<std::size_t>(rows_length(self));
        py::list all(count);
        for (std::size_t i = 0; i < count; ++i) {
            const py::object record = owned(rows_item(self, static_cast<Py_ssize_t>(i)));
            all[i] = record.attr("to_dict")();
        }
        return all.release().ptr();
    });
}

/// Where a column stands: by the name that the result has for it, or by a term of the model.
std::size_t column_of(const RowsObject& rows, PyObject* name) {
    return rows.rows->column_index(path_of(name));
}

PyObject* rows_column(PyObject* self, PyObject* name) {
    return guarded(
        [&] { return numpy_column(*as_rows(self), column_of(*as_rows(self), name)).release().ptr(); });
}

PyObject* rows_values(PyObject* self, PyObject* name) {
    return guarded([&] {
        const RowsObject* rows = as_rows(self);
        const data::ColumnData& cells = rows->rows->column(column_of(*rows, name));
        py::list all(rows->end - rows->begin);
        for (std::size_t row = rows->begin; row < rows->end; ++row)
            PyList_SET_ITEM(all.ptr(), static_cast<Py_ssize_t>(row - rows->begin),
                            owned(to_python(cells, row)).release().ptr());
        return all.release().ptr();
    });
}

PyObject* rows_columns(PyObject* self, void*) {
    return guarded([&] {
        py::list names;
        for (const data::RowColumn& column : as_rows(self)->rows->columns()) names.append(column.name);
        return names.release().ptr();
    });
}

/// The rows of a part alone: Arrow's interfaces give whole results.
std::shared_ptr<const data::RowSet> whole(const RowsObject& rows) {
    if (rows.begin == 0 && rows.end == rows.rows->size()) return rows.rows;
    throw core::InvalidArgument("rows.part", "a part of a result has no Arrow form: slice what reads it");
}

PyObject* rows_arrow_array(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("__arrow_c_array__", {"requested_schema"}, 0, given, count, names);
        return arrow_array(whole(*as_rows(self))).release().ptr();
    });
}

PyObject* rows_arrow_stream(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("__arrow_c_stream__", {"requested_schema"}, 0, given, count, names);
        return arrow_stream(whole(*as_rows(self))).release().ptr();
    });
}

PyObject* rows_repr(PyObject* self) {
    return PyUnicode_FromFormat("<Rows of %zd>", rows_length(self));
}

PyObject* refuse_new(PyTypeObject* type, PyObject*, PyObject*) {
    PyErr_Format(PyExc_TypeError, "%s is made by running a query", type->tp_name);
    return nullptr;
}

}  // namespace

std::shared_ptr<const RowNode> shape_of(const ModelInfo* info, std::span<const data::RowColumn> columns) {
    if (info != nullptr && columns.data() == info->repository.columns()->data()) return info->own;
    auto root = std::make_shared<RowNode>();
    fill_shape(*root, info, columns);
    return root;
}

void fill_shape(RowNode& root, const ModelInfo* info, std::span<const data::RowColumn> columns) {
    root.info = info;
    if (info != nullptr) {
        root.columns.assign(info->names.size(), -1);
        root.relations.resize(info->targets.size());
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (place_column(root, columns[i].name, static_cast<std::int32_t>(i))) continue;
        if (!root.extras) root.extras = py::dict();
        root.extras[py::str(columns[i].name)] = i;
    }
}

PyObject* make_rows(std::shared_ptr<const data::RowSet> rows, std::shared_ptr<const RowNode> shape,
                    std::size_t begin, std::size_t end, const data::RowTree* tree) {
    auto* made = reinterpret_cast<RowsObject*>(rows_type->tp_alloc(rows_type, 0));
    if (made == nullptr) return nullptr;
    new (&made->rows) std::shared_ptr<const data::RowSet>(std::move(rows));
    new (&made->shape) std::shared_ptr<const RowNode>(std::move(shape));
    made->tree = tree;
    made->begin = begin;
    made->end = end;
    return reinterpret_cast<PyObject*>(made);
}

PyObject* make_tree(std::shared_ptr<const data::RowTree> tree, std::shared_ptr<const RowNode> shape) {
    const data::RowTree* whole_tree = tree.get();
    const std::size_t size = whole_tree->rows.size();
    std::shared_ptr<const data::RowSet> rows(std::move(tree), &whole_tree->rows);
    return make_rows(std::move(rows), std::move(shape), 0, size, whole_tree);
}

PyObject* make_rows(data::RowSet rows, std::shared_ptr<const RowNode> shape) {
    const std::size_t size = rows.size();
    return make_rows(std::make_shared<const data::RowSet>(std::move(rows)), std::move(shape), 0, size);
}

void add_rows_type(py::module_& module) {
    static PyMethodDef methods[] = {
        {"json", rows_json, METH_NOARGS,
         "json($self, /)\n--\n\nThe rows as the bytes of a JSON array of objects."},
        {"tuples", rows_tuples, METH_NOARGS, "tuples($self, /)\n--\n\nThe rows as a list of tuples."},
        {"dicts", rows_dicts, METH_NOARGS, "dicts($self, /)\n--\n\nThe rows as a list of dicts."},
        {"column", rows_column, METH_O,
         "column($self, name, /)\n--\n\nA column as a numpy array: without a copy where it holds integers, "
         "numbers,\ntimestamps (datetime64[us]) or dates (datetime64[D]) and nothing is missing. A missing "
         "number\nis NaN, a missing time NaT; a column of integers or bools with missing values is a masked "
         "array."},
        {"values", rows_values, METH_O, "values($self, name, /)\n--\n\nA column as a list of Python values."},
        fast_method("__arrow_c_array__", rows_arrow_array,
                    "__arrow_c_array__($self, /, requested_schema=None)\n--\n\nArrow's PyCapsule interface; "
                    "buffers are shared."),
        fast_method("__arrow_c_stream__", rows_arrow_stream,
                    "__arrow_c_stream__($self, /, requested_schema=None)\n--\n\nArrow's PyCapsule interface; "
                    "buffers are shared."),
        {nullptr, nullptr, 0, nullptr}};
    static PyGetSetDef properties[] = {
        {"columns", rows_columns, nullptr, "The dotted names of the columns.", nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr}};
    static PyType_Slot slots[] = {
        {Py_tp_doc, const_cast<char*>("The rows of a result. Records are made when they are reached.")},
        {Py_tp_new, reinterpret_cast<void*>(refuse_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(rows_dealloc)},
        {Py_tp_iter, reinterpret_cast<void*>(rows_iterator)},
        {Py_tp_repr, reinterpret_cast<void*>(rows_repr)},
        {Py_sq_length, reinterpret_cast<void*>(rows_length)},
        {Py_sq_item, reinterpret_cast<void*>(rows_item)},
        {Py_mp_length, reinterpret_cast<void*>(rows_length)},
        {Py_mp_subscript, reinterpret_cast<void*>(rows_subscript)},
        {Py_tp_methods, methods},
        {Py_tp_getset, properties},
        {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.data.Rows", sizeof(RowsObject), 0, Py_TPFLAGS_DEFAULT, slots};
    rows_type = add_type(module, spec);
    static PyType_Slot iterator_slots[] = {{Py_tp_new, reinterpret_cast<void*>(refuse_new)},
                                           {Py_tp_dealloc, reinterpret_cast<void*>(iterator_dealloc)},
                                           {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                                           {Py_tp_iternext, reinterpret_cast<void*>(iterator_next)},
                                           {0, nullptr}};
    static PyType_Spec iterator_spec = {"consilia._core.data.RowsIterator", sizeof(IteratorObject), 0,
                                        Py_TPFLAGS_DEFAULT, iterator_slots};
    iterator_type = add_type(module, iterator_spec);
}

}  // namespace consilia::bindings
