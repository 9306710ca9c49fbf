// Running queries: each method is a run of data::Query.
#include <array>
#include <string>
#include <vector>

#include "consilia/data/row_tree.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

QueryObject* self_of(PyObject* object) {
    return reinterpret_cast<QueryObject*>(object);
}

PyObject* rows_of(PyObject* self, data::RowSet rows) {
    auto shape = shape_of(self_of(self)->info, rows.columns());
    return make_rows(std::move(rows), std::move(shape));
}

/// The shape of a tree, and of what hangs on it under each name.
std::shared_ptr<const RowNode> tree_shape(const ModelInfo* info, const data::RowTree& tree,
                                          const std::vector<Prefetched>& prefetched) {
    auto root = std::make_shared<RowNode>();
    fill_shape(*root, info, tree.rows.columns());
    if (!root->extras) root->extras = py::dict();
    for (std::size_t i = 0; i < prefetched.size(); ++i) {
        root->branches.push_back(
            tree_shape(prefetched[i].info, tree.branches[i].children, prefetched[i].below));
        root->extras[py::str(prefetched[i].name)] = -static_cast<Py_ssize_t>(i) - 1;
    }
    return root;
}

PyObject* rows_of(PyObject* self, data::RowTree rows) {
    auto tree = std::make_shared<const data::RowTree>(std::move(rows));
    auto shape = tree_shape(self_of(self)->info, *tree, self_of(self)->prefetched());
    return make_tree(std::move(tree), std::move(shape));
}

PyObject* run(PyObject* self, PyObject* session) {
    return guarded([&] {
        const QueryObject& made = *self_of(self);
        const auto& query = made.query;
        if (made.prefetched().empty())
            return rows_of(self, with_session(session, [&](const auto& on) { return query.run(on); }));
        return rows_of(self, with_session(session, [&](const auto& on) { return query.run_tree(on); }));
    });
}

PyObject* json(PyObject* self, PyObject* session) {
    return guarded([&] {
        const QueryObject* query = self_of(self);
        const std::string text = with_session(session, [&](const data::Session& on) {
            return query->prefetched().empty() ? data::to_json(query->query.run(on))
                                               : data::to_json(query->query.run_tree(on));
        });
        return PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
    });
}

/// The first record of a result or a tree.
template <class Found>
PyObject* record_of(PyObject* self, Found found) {
    const py::object made = owned(rows_of(self, std::move(found)));
    return owned(PySequence_GetItem(made.ptr(), 0)).release().ptr();
}

PyObject* get(PyObject* self, PyObject* session) {
    return guarded([&] {
        const QueryObject& made = *self_of(self);
        const auto& query = made.query;
        if (made.prefetched().empty())
            return record_of(self, with_session(session, [&](const auto& on) { return query.get(on); }));
        return record_of(self, with_session(session, [&](const auto& on) { return query.get_tree(on); }));
    });
}

template <class Found>
using Maybe = std::optional<Found> (data::Query::*)(const data::Session&) const;

template <Maybe<data::RowSet> find, Maybe<data::RowTree> find_tree>
PyObject* maybe(PyObject* self, PyObject* session) {
    return guarded([&] {
        const QueryObject& made = *self_of(self);
        const auto record_or_none = [&](auto step) {
            auto found = with_session(session, [&](const auto& on) { return (made.query.*step)(on); });
            return found ? record_of(self, *std::move(found)) : Py_NewRef(Py_None);
        };
        return made.prefetched().empty() ? record_or_none(find) : record_or_none(find_tree);
    });
}

PyObject* count_rows(PyObject* self, PyObject* session) {
    return guarded([&] {
        const data::Query& query = self_of(self)->query;
        return PyLong_FromLongLong(
            with_session(session, [&](const data::Session& on) { return query.count(on); }));
    });
}

PyObject* exists(PyObject* self, PyObject* session) {
    return guarded([&] {
        const data::Query& query = self_of(self)->query;
        return PyBool_FromLong(
            with_session(session, [&](const data::Session& on) { return query.exists(on); }) ? 1 : 0);
    });
}

PyObject* aggregate(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        if (count != 1) throw_type_error("aggregate() takes a session, and its values by name");
        const data::Query& query = self_of(self)->query;
        const auto values = named_expressions(given + 1, names);
        auto rows =
            with_session(given[0], [&](const data::Session& on) { return query.aggregate(on, values); });
        auto shape = shape_of(nullptr, rows.columns());
        const py::object made = owned(make_rows(std::move(rows), std::move(shape)));
        return owned(PySequence_GetItem(made.ptr(), 0)).release().ptr();
    });
}

PyObject* update(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        if (count != 1) throw_type_error("update() takes a session, and what is assigned by name");
        const data::Query& query = self_of(self)->query;
        std::vector<data::Assignment> values;
        for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_GET_SIZE(names); ++i)
            values.push_back(assignment_of(*self_of(self)->info, PyTuple_GET_ITEM(names, i), given[1 + i]));
        return PyLong_FromLongLong(
            with_session(given[0], [&](const data::Session& on) { return query.update(on, values); }));
    });
}

std::vector<std::string> all_columns(const ModelInfo& info) {
    std::vector<std::string> names;
    for (const data::Column& column : info.model().columns()) names.push_back(column.name);
    return names;
}

PyObject* update_returning(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        if (count < 1)
            throw_type_error("update_returning() takes a session, columns, and what is assigned by name");
        const data::Query& query = self_of(self)->query;
        const ModelInfo& info = *self_of(self)->info;
        std::vector<std::string> columns;
        for (Py_ssize_t i = 1; i < count; ++i) columns.emplace_back(path_of(given[i]));
        if (columns.empty()) columns = all_columns(info);
        std::vector<data::Assignment> values;
        for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_GET_SIZE(names); ++i)
            values.push_back(assignment_of(info, PyTuple_GET_ITEM(names, i), given[count + i]));
        return rows_of(self, with_session(given[0], [&](const data::Session& on) {
                           return query.update_returning(on, values, columns);
                       }));
    });
}

PyObject* count_by(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("count_by", {"session", "path"}, 2, given, count, names);
        const data::Query& query = self_of(self)->query;
        const std::string path(path_of(arguments[1]));
        return rows_of(self, with_session(arguments[0],
                                          [&](const data::Session& on) { return query.count_by(on, path); }));
    });
}

PyObject* remove(PyObject* self, PyObject* session) {
    return guarded([&] {
        const data::Query& query = self_of(self)->query;
        return PyLong_FromLongLong(
            with_session(session, [&](const data::Session& on) { return query.remove(on); }));
    });
}

PyObject* explain(PyObject* self, PyObject* session) {
    return guarded([&] {
        const data::Query& query = self_of(self)->query;
        const data::QueryPlan plan =
            with_session(session, [&](const data::Session& on) { return query.explain(on); });
        return py::make_tuple(plan.text, py::cast(plan.full_scans)).release().ptr();
    });
}

struct ChunksObject {
    PyObject_HEAD data::Chunks chunks;
    PyObject* session;
    const ModelInfo* info;
};

PyObject* chunks_next(PyObject* self) {
    return guarded([&]() -> PyObject* {
        auto* chunks = reinterpret_cast<ChunksObject*>(self);
        data::RowSet rows =
            with_session(chunks->session, [&](const data::Session& on) { return chunks->chunks.next(on); });
        if (rows.empty()) return nullptr;
        auto shape = shape_of(chunks->info, rows.columns());
        return make_rows(std::move(rows), std::move(shape));
    });
}

void chunks_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    reinterpret_cast<ChunksObject*>(self)->chunks.~Chunks();
    Py_CLEAR(reinterpret_cast<ChunksObject*>(self)->session);
    type->tp_free(self);
    Py_DECREF(type);
}

PyTypeObject* chunks_type = nullptr;

PyObject* chunks(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("chunks", {"session", "rows"}, 2, given, count, names);
        (void)as_session(arguments[0]);
        data::Chunks made = self_of(self)->query.chunks(integer_of(arguments[1]));
        auto* object = reinterpret_cast<ChunksObject*>(chunks_type->tp_alloc(chunks_type, 0));
        if (object == nullptr) throw py::error_already_set();
        new (&object->chunks) data::Chunks(std::move(made));
        object->session = Py_NewRef(arguments[0]);
        object->info = self_of(self)->info;
        return reinterpret_cast<PyObject*>(object);
    });
}

using Query = data::Query;

PyMethodDef runs[] = {
    {"run", run, METH_O, "run($self, session, /)\n--\n\nThe rows."},
    {"json", json, METH_O, "json($self, session, /)\n--\n\nThe rows as JSON bytes, no object between."},
    {"get", get, METH_O, "The only row. NotFound without one, Conflict with several."},
    {"get_or_none", maybe<&Query::find, &Query::find_tree>, METH_O,
     "The only row, or None. Conflict with several."},
    {"first", maybe<&Query::first, &Query::first_tree>, METH_O,
     "The first row, or None; by primary key if there is no order."},
    {"count", count_rows, METH_O, "The number of rows, without limit and offset."},
    {"exists", exists, METH_O, "Whether there is a row."},
    fast_method("aggregate", aggregate, "One row of aggregates over all rows, given by name."),
    fast_method("update", update, "Changes the matching rows and gives their number."),
    fast_method("update_returning", update_returning,
                "As `update`, and gives these columns of the changed rows as they are now; without columns\n"
                "all of them."),
    {"delete", remove, METH_O, "Deletes the matching rows and gives their number."},
    fast_method("count_by", count_by,
                "count_by($self, session, path, /)\n--\n\nA row for each value, with `count`, most frequent "
                "first."),
    fast_method(
        "chunks", chunks,
        "chunks($self, /, session, rows)\n--\n\nAll rows in results of this many, each where the last "
        "one ended."),
    {"explain", explain, METH_O, "How the database runs it: the text, and the tables read whole."}};

}  // namespace

std::span<const PyMethodDef> query_runs() {
    return runs;
}

void add_chunks_type(py::module_& module) {
    static PyType_Slot slots[] = {{Py_tp_doc, const_cast<char*>("The rows of a query, chunk by chunk.")},
                                  {Py_tp_dealloc, reinterpret_cast<void*>(chunks_dealloc)},
                                  {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                                  {Py_tp_iternext, reinterpret_cast<void*>(chunks_next)},
                                  {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.data.Chunks", sizeof(ChunksObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    chunks_type = add_type(module, spec);
}

}  // namespace consilia::bindings
