// Less frequent runs and steps of queries; data_query.cpp has the others.
#include <string>
#include <vector>

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
