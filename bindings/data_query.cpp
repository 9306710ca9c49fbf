// Queries: each method is a step or a run of data::Query.
#include <algorithm>
#include <string>
#include <vector>

#include "consilia/data/row_tree.hpp"
#include "data_native.hpp"

namespace consilia::bindings {

PyTypeObject* query_type = nullptr;

namespace {

QueryObject* self_of(PyObject* object) {
    return reinterpret_cast<QueryObject*>(object);
}

PyObject* with(PyObject* self, data::Query query) {
    return make_query(*self_of(self)->info, std::move(query), self_of(self)->loaded, Py_TYPE(self));
}

std::vector<std::string> paths(PyObject* const* given, Py_ssize_t count) {
    std::vector<std::string> all;
    for (Py_ssize_t i = 0; i < count; ++i) all.emplace_back(path_of(given[i]));
    return all;
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
    return {texts.begin(), texts.end()};
}

core::Parameters parameters_of(PyObject* const* values, PyObject* names) {
    core::Parameters parameters;
    const Py_ssize_t count = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < count; ++i)
        parameters.emplace(text_of(PyTuple_GET_ITEM(names, i)), to_value(py::handle(values[i])));
    return parameters;
}

/// Values given by name, in their order.
std::vector<data::NamedExpression> named(PyObject* const* values, PyObject* names) {
    std::vector<data::NamedExpression> all;
    const Py_ssize_t count = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < count; ++i)
        all.emplace_back(std::string(text_of(PyTuple_GET_ITEM(names, i))), expression_of(values[i]));
    return all;
}

void refuse_names(const char* function, PyObject* names) {
    if (names != nullptr && PyTuple_GET_SIZE(names) != 0)
        throw_type_error(std::string(function) + "() takes no arguments by name");
}

using Narrow = data::Query (data::Query::*)(const core::Expression&, const core::Parameters&) const;

template <Narrow step>
PyObject* narrow(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const core::Parameters parameters = parameters_of(given + count, names);
        data::Query query = self_of(self)->query;
        for (Py_ssize_t i = 0; i < count; ++i) query = (query.*step)(condition_of(given[i]), parameters);
        return with(self, std::move(query));
    });
}

using Pick = data::Query (data::Query::*)(std::span<const std::string_view>) const;

template <Pick step>
PyObject* pick(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        refuse_names("query", names);
        const std::vector<std::string> all = paths(given, count);
        return with(self, (self_of(self)->query.*step)(views(all)));
    });
}

using Plain = data::Query (data::Query::*)() const;

template <Plain step>
PyObject* plain(PyObject* self, PyObject*) {
    return guarded([&] { return with(self, (self_of(self)->query.*step)()); });
}

using Number = data::Query (data::Query::*)(std::int64_t) const;

template <Number step>
PyObject* number(PyObject* self, PyObject* given) {
    return guarded([&] { return with(self, (self_of(self)->query.*step)(integer_of(given))); });
}

data::Nulls nulls_of(PyObject* object) {
    if (object == nullptr) return data::Nulls::Default;
    const std::string_view text = text_of(object);
    if (text == "first") return data::Nulls::First;
    if (text == "last") return data::Nulls::Last;
    throw_type_error("`nulls` is \"first\" or \"last\"");
}

/// A path (`-` before it: descending), a path of a model, or a value with `.asc()` or `.desc()`.
data::Query ordered(const data::Query& query, PyObject* by, data::Nulls nulls) {
    if (PyUnicode_Check(by)) {
        std::string_view path = text_of(by);
        const bool is_descending = path.starts_with('-');
        if (is_descending) path.remove_prefix(1);
        return query.order_by(path, {.is_descending = is_descending, .nulls = nulls});
    }
    core::Expression value = expression_of(by);
    const bool is_descending = value.op() == core::Operator::Descending;
    if (is_descending || value.op() == core::Operator::Ascending) {
        const core::Expression inner = value.operands()[0];
        value = inner;
    }
    if (value.op() == core::Operator::Field)
        return query.order_by(value.name(), {.is_descending = is_descending, .nulls = nulls});
    return query.order_by(core::Term(value), {.is_descending = is_descending, .nulls = nulls});
}

PyObject* order_by(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        PyObject* nulls = nullptr;
        if (names != nullptr && PyTuple_GET_SIZE(names) == 1 &&
            PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "nulls") == 0) {
            nulls = given[count] == Py_None ? nullptr : given[count];
        } else {
            refuse_names("order_by", names);
        }
        data::Query query = self_of(self)->query;
        for (Py_ssize_t i = 0; i < count; ++i) query = ordered(query, given[i], nulls_of(nulls));
        return with(self, std::move(query));
    });
}

PyObject* page(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("page", {"number", "size"}, 2, given, count, names);
        return with(self, self_of(self)->query.page(integer_of(arguments[0]), integer_of(arguments[1])));
    });
}

PyObject* after(PyObject* self, PyObject* key) {
    return guarded([&] {
        std::vector<core::Value> values;
        for (const py::handle value : py::reinterpret_borrow<py::object>(key))
            values.push_back(to_value(value));
        return with(self, self_of(self)->query.after(values));
    });
}

PyObject* key(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("key", {"record"}, 1, given, count, names);
        const RecordObject* record = as_record(arguments[0]);
        if (record->rows == nullptr) throw_type_error("wanted a record of this query's result");
        py::list values;
        for (const core::Value& value : self_of(self)->query.key(*record->rows->rows, record->row))
            values.append(to_python(value));
        return py::tuple(values).release().ptr();
    });
}

Loaded loaded_by(PyObject* self) {
    const auto& loaded = self_of(self)->loaded;
    return loaded ? *loaded : Loaded{};
}

/// Each row on the way too, once: a record is reached through the one that refers to it.
PyObject* include(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        refuse_names("include", names);
        data::Query query = self_of(self)->query;
        Loaded loaded = loaded_by(self);
        for (Py_ssize_t i = 0; i < count; ++i) {
            const std::string_view path = path_of(given[i]);
            for (std::size_t end = 0; end <= path.size(); ++end) {
                end = std::min(path.find('.', end), path.size());
                const std::string_view relation = path.substr(0, end);
                if (std::ranges::find(loaded.included, relation) != loaded.included.end()) continue;
                query = query.include(relation);
                loaded.included.emplace_back(relation);
            }
        }
        return make_query(*self_of(self)->info, std::move(query),
                          std::make_shared<const Loaded>(std::move(loaded)), Py_TYPE(self));
    });
}

PyObject* annotate(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        if (count != 0) throw_type_error("annotate() takes its values by name");
        data::Query query = self_of(self)->query;
        for (const data::NamedExpression& value : named(given, names))
            query = query.annotate(value.name, value.value);
        return with(self, std::move(query));
    });
}

PyObject* search(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("search", {"text", "rank_as"}, 1, given, count, names);
        data::SearchOptions options;
        if (PyObject* name = arguments.unless_none(1)) options.rank_as = text_of(name);
        return with(self, self_of(self)->query.search(text_of(arguments[0]), options));
    });
}

PyObject* for_update(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("for_update", {"skip_locked"}, 0, given, count, names);
        const bool skips = arguments[0] != nullptr && PyObject_IsTrue(arguments[0]) == 1;
        return with(self, self_of(self)->query.for_update({.skip_locked = skips}));
    });
}

QueryObject* as_query(PyObject* object) {
    if (PyObject_TypeCheck(object, query_type) == 0)
        throw_type_error(std::string("wanted a Query, not `") + Py_TYPE(object)->tp_name + "`");
    return self_of(object);
}

using Unite = data::Query (data::Query::*)(const data::Query&) const;

template <Unite step>
PyObject* unite(PyObject* self, PyObject* other) {
    return guarded([&] { return with(self, (self_of(self)->query.*step)(as_query(other)->query)); });
}

using Tree = data::Query (data::Query::*)(std::string_view) const;

template <Tree step>
PyObject* tree(PyObject* self, PyObject* relation) {
    return guarded([&] { return with(self, (self_of(self)->query.*step)(path_of(relation))); });
}

PyObject* run_rows(PyObject* self, data::RowSet rows) {
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

PyObject* run(PyObject* self, PyObject* session) {
    return guarded([&] {
        const QueryObject* query = self_of(self);
        if (query->prefetched().empty()) {
            return run_rows(
                self, with_session(session, [&](const data::Session& on) { return query->query.run(on); }));
        }
        auto tree = std::make_shared<const data::RowTree>(
            with_session(session, [&](const data::Session& on) { return query->query.run_tree(on); }));
        auto shape = tree_shape(query->info, *tree, query->prefetched());
        return make_tree(std::move(tree), std::move(shape));
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

/// The only record of a result.
PyObject* record_of(PyObject* self, data::RowSet rows) {
    const py::object made = owned(run_rows(self, std::move(rows)));
    return owned(PySequence_GetItem(made.ptr(), 0)).release().ptr();
}

PyObject* get(PyObject* self, PyObject* session) {
    return guarded([&] {
        if (!self_of(self)->prefetched.empty()) return single_of_tree(self, session, Single::Required);
        const data::Query& query = self_of(self)->query;
        return record_of(self, with_session(session, [&](const data::Session& on) { return query.get(on); }));
    });
}

using Maybe = std::optional<data::RowSet> (data::Query::*)(const data::Session&) const;

template <Maybe find, Single kind>
PyObject* maybe(PyObject* self, PyObject* session) {
    return guarded([&]() -> PyObject* {
        if (!self_of(self)->prefetched.empty()) return single_of_tree(self, session, kind);
        const data::Query& query = self_of(self)->query;
        auto rows = with_session(session, [&](const data::Session& on) { return (query.*find)(on); });
        if (!rows) Py_RETURN_NONE;
        return record_of(self, *std::move(rows));
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
        const auto values = named(given + 1, names);
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

PyObject* sql(PyObject* self, PyObject*) {
    return guarded([&] { return py::str(self_of(self)->query.sql().text).release().ptr(); });
}

PyObject* prefetch(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("prefetch", {"name", "query", "relation"}, 3, given, count, names);
        QueryObject* children = as_query(arguments[1]);
        const std::string_view name = text_of(arguments[0]);
        data::Query query = self_of(self)->query.prefetch(name, children->query, path_of(arguments[2]));
        Loaded loaded = loaded_by(self);
        loaded.prefetched.push_back({std::string(name), children->info, children->prefetched()});
        return make_query(*self_of(self)->info, std::move(query),
                          std::make_shared<const Loaded>(std::move(loaded)), Py_TYPE(self));
    });
}

void query_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    self_of(self)->query.~Query();
    self_of(self)->loaded.~shared_ptr();
    type->tp_free(self);
    Py_DECREF(type);
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

PyObject* query_repr(PyObject* self) {
    return guarded(
        [&] { return py::str("<Query " + self_of(self)->query.sql().text + ">").release().ptr(); });
}

PyObject* query_new(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject* model = nullptr;
    if (PyArg_ParseTuple(args, "O", &model) == 0) return nullptr;
    return guarded([&] {
        const ModelInfo& info = info_of(model);
        return make_query(info, info.repository.query(), nullptr, type);
    });
}

/// `Prediction.query()` is `Prediction.query`.
PyObject* query_call(PyObject* self, PyObject* args, PyObject* names) {
    if (PyTuple_GET_SIZE(args) == 0 && (names == nullptr || PyDict_GET_SIZE(names) == 0))
        return Py_NewRef(self);
    PyErr_SetString(PyExc_TypeError, "a query takes no arguments: name a step, as `where`");
    return nullptr;
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

using Query = data::Query;

PyMethodDef methods[] = {
    fast_method("where", narrow<&Query::where>,
                "Keeps the rows for which every condition is true. A condition is an Expression, a Term\n"
                "that holds a truth value, or text; parameters of the text are given by name."),
    fast_method("exclude", narrow<&Query::exclude>, "Keeps the rows for which each condition is false."),
    {"with_deleted", plain<&Query::with_deleted>, METH_NOARGS, "Shows soft-deleted rows too."},
    {"only_deleted", plain<&Query::only_deleted>, METH_NOARGS, "Shows soft-deleted rows alone."},
    fast_method("order_by", order_by,
                "Appends orders: columns, `-path` or `.desc()` for descending, or calculated values.\n"
                "`nulls`: \"first\" or \"last\"; by default first ascending and last descending."),
    {"unordered", plain<&Query::unordered>, METH_NOARGS, "Forgets the orders given so far."},
    {"limit", number<&Query::limit>, METH_O, "At most this many rows."},
    {"offset", number<&Query::offset>, METH_O, "Leaves out the first rows."},
    fast_method("page", page, "page($self, /, number, size)\n--\n\nPage `number`, from 1, of `size` rows."),
    {"after", after, METH_O, "What follows the row with this key; see `key`."},
    fast_method("key", key, "key($self, /, record)\n--\n\nWhere a record of the result stands in the order."),
    fast_method("select", pick<&Query::select>, "The columns of the result, and no others."),
    fast_method("defer", pick<&Query::defer>, "All columns but these."),
    fast_method("include", include,
                "Loads the rows that these references lead to, and those on the way, in the same statement."),
    {"distinct", plain<&Query::distinct>, METH_NOARGS, "Each different row once."},
    fast_method("annotate", annotate, "Adds calculated columns, given by name."),
    fast_method(
        "group_by", pick<&Query::group_by>,
        "One row for each combination of these values, with the annotations, which may be aggregates."),
    fast_method("having", narrow<&Query::having>, "Keeps the groups for which every condition is true."),
    fast_method("search", search,
                "search($self, /, text, rank_as=None)\n--\n\nKeeps rows that hold every word of the text."),
    fast_method("for_update", for_update,
                "for_update($self, /, skip_locked=False)\n--\n\nLocks the rows until the transaction ends."),
    fast_method("prefetch", prefetch,
                "prefetch($self, /, name, query, relation)\n--\n\nLoads with each row those of `query` whose "
                "reference `relation` leads to it."),
    {"rows", plain<&Query::rows>, METH_NOARGS, "A query over the rows of this one, as over a table."},
    {"union_all", unite<&Query::union_all>, METH_O, "The rows of both."},
    {"union_distinct", unite<&Query::union_distinct>, METH_O, "The rows of both, each different one once."},
    {"with_descendants", tree<&Query::with_descendants>, METH_O,
     "These rows, those that refer to them by this reference, and so on."},
    {"with_ancestors", tree<&Query::with_ancestors>, METH_O,
     "These rows, those that they refer to by this reference, and so on."},
    {"run", run, METH_O, "run($self, session, /)\n--\n\nThe rows."},
    {"json", json, METH_O, "json($self, session, /)\n--\n\nThe rows as JSON bytes, no object between."},
    {"get", get, METH_O, "The only row. NotFound without one, Conflict with several."},
    {"get_or_none", maybe<&Query::find, Single::Optional>, METH_O,
     "The only row, or None. Conflict with several."},
    {"first", maybe<&Query::first, Single::First>, METH_O,
     "The first row, or None; by primary key if there is no order."},
    {"count", count_rows, METH_O, "The number of rows, without limit and offset."},
    {"exists", exists, METH_O, "Whether there is a row."},
    fast_method("aggregate", aggregate, "One row of aggregates over all rows, given by name."),
    fast_method("update", update, "Changes the matching rows and gives their number."),
    fast_method("update_returning", query_update_returning,
                "As `update`, and gives these columns of the changed rows as they are now; without columns\n"
                "all of them."),
    {"delete", remove, METH_O, "Deletes the matching rows and gives their number."},
    fast_method("count_by", query_count_by,
                "count_by($self, session, path, /)\n--\n\nA row for each value, with `count`, most frequent "
                "first."),
    fast_method("apply", query_apply,
                "What a function makes of the query: `apply(step, *args, **values)` is `step(query, …)`."),
    fast_method(
        "chunks", chunks,
        "chunks($self, /, session, rows)\n--\n\nAll rows in results of this many, each where the last "
        "one ended."),
    {"explain", explain, METH_O, "How the database runs it: the text, and the tables read whole."},
    {"sql", sql, METH_NOARGS, "The statement; values are placeholders."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Query[Model], for annotations."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyObject* make_query(const ModelInfo& info, data::Query query, std::shared_ptr<const Loaded> loaded,
                     PyTypeObject* type) {
    auto* made = reinterpret_cast<QueryObject*>(type->tp_alloc(type, 0));
    if (made == nullptr) return nullptr;
    new (&made->query) data::Query(std::move(query));
    new (&made->loaded) std::shared_ptr<const Loaded>(std::move(loaded));
    made->info = &info;
    return reinterpret_cast<PyObject*>(made);
}

const data::Query& query_of(PyObject* object) {
    return as_query(object)->query;
}

void add_query_type(py::module_& module) {
    static PyType_Slot slots[] = {
        {Py_tp_doc,
         const_cast<char*>("Rows of a model, narrowed, ordered and calculated. Immutable: each step "
                           "gives a new query.")},
        {Py_tp_new, reinterpret_cast<void*>(query_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(query_dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(query_repr)},
        {Py_tp_call, reinterpret_cast<void*>(query_call)},
        {Py_tp_methods, methods},
        {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.data.Query", sizeof(QueryObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    query_type = add_type(module, spec);
    add_chunks_type(module);
}

}  // namespace consilia::bindings
