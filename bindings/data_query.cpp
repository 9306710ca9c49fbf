// Queries and their steps; data_query_run.cpp runs them.
#include <algorithm>
#include <string>
#include <vector>

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
        for (const data::NamedExpression& value : named_expressions(given, names))
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

PyObject* apply(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        if (count < 1) throw_type_error("apply() takes a function from query to query");
        std::vector<PyObject*> arguments{self};
        const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
        arguments.insert(arguments.end(), given + 1, given + count + named);
        return owned(PyObject_Vectorcall(given[0], arguments.data(), static_cast<std::size_t>(count), names))
            .release()
            .ptr();
    });
}

void query_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    self_of(self)->query.~Query();
    self_of(self)->loaded.~shared_ptr();
    type->tp_free(self);
    Py_DECREF(type);
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

using Query = data::Query;

PyMethodDef steps[] = {
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
    fast_method("apply", apply,
                "What a function makes of the query: `apply(step, *args, **values)` is `step(query, …)`."),
    {"sql", sql, METH_NOARGS, "The statement; values are placeholders."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Query[Model], for annotations."}};

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
    static std::vector<PyMethodDef> methods(std::begin(steps), std::end(steps));
    methods.insert(methods.end(), query_runs().begin(), query_runs().end());
    methods.push_back({});
    static PyType_Slot slots[] = {
        {Py_tp_doc,
         const_cast<char*>("Rows of a model, narrowed, ordered and calculated. Immutable: each step "
                           "gives a new query.")},
        {Py_tp_new, reinterpret_cast<void*>(query_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(query_dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(query_repr)},
        {Py_tp_call, reinterpret_cast<void*>(query_call)},
        {Py_tp_methods, methods.data()},
        {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.data.Query", sizeof(QueryObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    query_type = add_type(module, spec);
    add_chunks_type(module);
}

}  // namespace consilia::bindings
