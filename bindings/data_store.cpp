// What is done with records on a session: get, insert, update, delete, many rows at once, and trusted SQL.
#include <algorithm>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

std::int64_t key_of(RecordObject* record) {
    const py::object key = record_value(record, record->node->info->key_column);
    if (key.is_none()) throw core::InvalidArgument("record.key", "the record was not stored yet");
    return integer_of(key.ptr());
}

const ModelInfo& model_of(const RecordObject* record) {
    if (record->node->info == nullptr) throw_type_error("a row without a model cannot be stored");
    return *record->node->info;
}

std::optional<std::int64_t> optional_key(PyObject* object) {
    return object == nullptr ? std::nullopt : std::optional(integer_of(object));
}

PyObject* get_or(PyObject* self, const char* name, bool is_required, PyObject* const* given, Py_ssize_t count,
                 PyObject* names) {
    return guarded([&]() -> PyObject* {
        const Arguments arguments(name, {"model", "key"}, 2, given, count, names);
        const ModelInfo& info = info_of(arguments[0]);
        const std::int64_t key = integer_of(arguments[1]);
        data::RowSet rows = with_session(self, [&](const data::Session& on) {
            return is_required ? info.repository.get(on, key) : info.repository.find(on, key);
        });
        if (rows.empty()) Py_RETURN_NONE;
        const py::object made = owned(make_rows(std::move(rows), info.own));
        return make_record(reinterpret_cast<RowsObject*>(made.ptr()), *info.own, 0);
    });
}

PyObject* get(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return get_or(self, "get", true, given, count, names);
}

PyObject* get_or_none(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return get_or(self, "get_or_none", false, given, count, names);
}

void set_stored_time(RecordObject* record, const char* column, core::Timestamp at) {
    const ModelInfo& info = *record->node->info;
    const auto* described = info.model().find_column(column);
    set_stored(record, static_cast<std::size_t>(described - info.model().columns().data()),
               to_python(core::Value(at)));
}

PyObject* insert(PyObject* self, PyObject* object) {
    return guarded([&] {
        RecordObject* record = as_record(object);
        const ModelInfo& info = model_of(record);
        const auto values = assigned_values(record);
        const auto inserted =
            with_session(self, [&](const data::Session& on) { return info.repository.insert(on, values); });
        set_stored(record, info.key_column, py::int_(inserted.id));
        if (inserted.at) {
            for (const char* column : {"created_at", "updated_at"}) {
                const bool is_given = std::ranges::any_of(
                    values, [&](const data::Assignment& value) { return value.name == column; });
                if (!is_given) set_stored_time(record, column, *inserted.at);
            }
        }
        forget_changes(record);
        return Py_NewRef(object);
    });
}

/// The `updated_at` that a record was read with.
std::optional<core::Timestamp> version_of(RecordObject* record) {
    const ModelInfo& info = *record->node->info;
    if (!info.repository.has_timestamps()) return std::nullopt;
    const auto* column = info.model().find_column("updated_at");
    const auto at = static_cast<std::size_t>(column - info.model().columns().data());
    const core::Value value = to_value(*column, record_value(record, at).ptr());
    return value.is_null() ? std::nullopt : std::optional(value.as<core::Timestamp>());
}

PyObject* update(PyObject* self, PyObject* object) {
    return guarded([&] {
        RecordObject* record = as_record(object);
        const ModelInfo& info = model_of(record);
        const std::int64_t key = key_of(record);
        auto values = assigned_values(record);
        if (values.empty()) return Py_NewRef(object);
        const auto version = version_of(record);
        const auto at = with_writer(self, [&](const data::Session& on) {
            return info.repository.update(on, key, std::move(values), version);
        });
        if (at) set_stored_time(record, "updated_at", *at);
        forget_changes(record);
        return Py_NewRef(object);
    });
}

PyObject* remove(PyObject* self, PyObject* object) {
    return guarded([&]() -> PyObject* {
        RecordObject* record = as_record(object);
        const ModelInfo& info = model_of(record);
        const std::int64_t key = key_of(record);
        with_session(self, [&](const data::Session& on) { info.repository.remove(on, key); });
        Py_RETURN_NONE;
    });
}

PyObject* soft_delete(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&]() -> PyObject* {
        const Arguments arguments("soft_delete", {"record", "by"}, 1, given, count, names);
        RecordObject* record = as_record(arguments[0]);
        const ModelInfo& info = model_of(record);
        const std::int64_t key = key_of(record);
        const auto by = optional_key(arguments.unless_none(1));
        with_writer(self, [&](const data::Session& on) { info.repository.soft_delete(on, key, by); });
        Py_RETURN_NONE;
    });
}

PyObject* restore(PyObject* self, PyObject* object) {
    return guarded([&]() -> PyObject* {
        RecordObject* record = as_record(object);
        const ModelInfo& info = model_of(record);
        const std::int64_t key = key_of(record);
        with_writer(self, [&](const data::Session& on) { info.repository.restore(on, key); });
        Py_RETURN_NONE;
    });
}

/// Writes rows in chunks, in one transaction on a database. The GIL is held only while they are read.
template <class F>
PyObject* write_rows(PyObject* self, const ModelInfo& info, PyObject* source, PyObject* columns,
                     const F& write) {
    SessionObject* session = as_session(self);
    const SessionUse use(session);
    std::optional<data::Transaction> own;
    if (session->session == nullptr) {
        const GilReleased released;
        own.emplace(session->database->begin());
    }
    const data::Session& on = own ? static_cast<const data::Session&>(*own) : *session->session;
    std::int64_t count = 0;
    read_rows(info, source, columns, [&](const data::RowSet& rows) {
        const GilReleased released;
        count += write(on, rows);
    });
    if (own) {
        const GilReleased released;
        own->commit();
    }
    return PyLong_FromLongLong(count);
}

PyObject* bulk_insert(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("bulk_insert", {"model", "rows", "columns"}, 2, given, count, names);
        const ModelInfo& info = info_of(arguments[0]);
        return write_rows(self, info, arguments[1], arguments.unless_none(2),
                          [&](const data::Session& on, const data::RowSet& rows) {
                              return info.repository.insert_all(on, rows);
                          });
    });
}

std::vector<std::string> texts_of(PyObject* object) {
    std::vector<std::string> all;
    if (object == nullptr) return all;
    for (const py::handle text : py::reinterpret_borrow<py::object>(object))
        all.emplace_back(path_of(text.ptr()));
    return all;
}

PyObject* upsert(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("upsert", {"model", "rows", "conflict", "update", "columns"}, 3, given,
                                  count, names);
        const ModelInfo& info = info_of(arguments[0]);
        const data::UpsertOptions options{texts_of(arguments[2]), texts_of(arguments.unless_none(3))};
        return write_rows(self, info, arguments[1], arguments.unless_none(4),
                          [&](const data::Session& on, const data::RowSet& rows) {
                              return info.repository.upsert_all(on, rows, options);
                          });
    });
}

PyObject* query(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("query", {"sql", "values"}, 1, given, count, names);
        const std::string_view sql = text_of(arguments[0]);
        const auto values = values_of(arguments.unless_none(1));
        data::RowSet rows =
            with_session(self, [&](const data::Session& on) { return on.query(sql, values); });
        auto shape = shape_of(nullptr, rows.columns());
        return make_rows(std::move(rows), std::move(shape));
    });
}

PyObject* execute(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("execute", {"sql", "values"}, 1, given, count, names);
        const std::string_view sql = text_of(arguments[0]);
        const auto values = values_of(arguments.unless_none(1));
        return PyLong_FromLongLong(
            with_session(self, [&](const data::Session& on) { return on.execute(sql, values); }));
    });
}

PyMethodDef session_methods[] = {
    fast_method("get", get,
                "get($self, /, model, key)\n--\n\nThe record with this key. NotFound without one."),
    fast_method("get_or_none", get_or_none,
                "get_or_none($self, /, model, key)\n--\n\nThe record with this key, or None."),
    {"insert", insert, METH_O,
     "insert($self, record, /)\n--\n\nStores a new record, and gives it its key and times. Returns it."},
    {"update", update, METH_O,
     "update($self, record, /)\n--\n\nStores what was assigned to a record. Conflict (`record.stale`) if "
     "somebody changed\nthe row since it was read. Returns the record."},
    {"delete", remove, METH_O, "delete($self, record, /)\n--\n\nDeletes a row for good."},
    fast_method(
        "soft_delete", soft_delete,
        "soft_delete($self, /, record, by=None)\n--\n\nHides a row: marks it with the time and with who "
        "did it."),
    {"restore", restore, METH_O, "restore($self, record, /)\n--\n\nShows a soft-deleted row again."},
    fast_method("bulk_insert", bulk_insert,
                "bulk_insert($self, /, model, rows, columns=None)\n--\n\nStores records, dicts, tuples (with "
                "`columns`) or anything with `__arrow_c_stream__`\n(pandas, polars, pyarrow). Gives their "
                "number."),
    fast_method(
        "upsert", upsert,
        "upsert($self, /, model, rows, conflict, update=None, columns=None)\n--\n\nAs `bulk_insert`; a "
        "row that is there by the columns `conflict` gets the new\nvalues of the columns `update`."),
    fast_method("query", query, "query($self, /, sql, values=None)\n--\n\nThe rows of trusted SQL."),
    fast_method(
        "execute", execute,
        "execute($self, /, sql, values=None)\n--\n\nRuns trusted SQL; gives the number of changed rows."),
    {"query_all", session_query_all, METH_O,
     "query_all($self, statements, /)\n--\n\nThe rows of several reads of trusted SQL, each a text or (text, "
     "values): one round trip\non PostgreSQL."},
    fast_method("notify", session_notify,
                "notify($self, /, channel, payload=\"\")\n--\n\nSends a message to all listeners, in a "
                "transaction when it commits. PostgreSQL only."),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyMethodDef* store_methods() {
    return session_methods;
}

}  // namespace consilia::bindings
