// Less frequent runs and steps of queries; data_query.cpp has the others.
#include <string>
#include <vector>

#include "consilia/data/repository.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

QueryObject* self_of(PyObject* object) {
    return reinterpret_cast<QueryObject*>(object);
}

std::vector<std::string> all_columns(const ModelInfo& info) {
    std::vector<std::string> names;
    for (const data::Column& column : info.model().columns()) names.push_back(column.name);
    return names;
}

PyObject* rows_of(const ModelInfo& info, data::RowSet rows) {
    auto shape = shape_of(&info, rows.columns());
    return make_rows(std::move(rows), std::move(shape));
}

}  // namespace

PyObject* single_of_tree(PyObject* self, PyObject* session, Single kind) {
    const QueryObject& query = *self_of(self);
    const data::Model& model = query.info->model();
    // Where there is an order, the key only decides between equals.
    data::Query bounded = kind == Single::First ? query.query.order_by(model.primary_key()->name).limit(1)
                                                : query.query.limit(2);
    const py::object made =
        owned(make_query(*query.info, std::move(bounded), query.prefetched, query.included, Py_TYPE(self)));
    const py::object rows = made.attr("run")(py::handle(session));
    const Py_ssize_t found = PySequence_Size(rows.ptr());
    if (found > 1) data::detail::throw_many(model);
    if (found == 0 && kind == Single::Required) data::detail::throw_none(model);
    return found == 0 ? py::none().release().ptr() : owned(PySequence_GetItem(rows.ptr(), 0)).release().ptr();
}

PyObject* query_update_returning(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
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
        return rows_of(info, with_session(given[0], [&](const data::Session& on) {
                           return query.update_returning(on, values, columns);
                       }));
    });
}

PyObject* query_count_by(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("count_by", {"session", "path"}, 2, given, count, names);
        const data::Query& query = self_of(self)->query;
        const std::string path(path_of(arguments[1]));
        return rows_of(*self_of(self)->info, with_session(arguments[0], [&](const data::Session& on) {
            return query.count_by(on, path);
        }));
    });
}

PyObject* query_apply(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
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

}  // namespace consilia::bindings
