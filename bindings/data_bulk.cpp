// Many rows from Python: records, dicts, tuples, or what speaks Arrow.
#include <string>

#include "consilia/data/arrow.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

/// Rows are turned into columns and written in parts of this size, so that a generator of any length fits.
constexpr std::size_t kRowsOfChunk = 4096;

using Take = std::function<void(const data::RowSet&)>;

[[noreturn]] void throw_columns() {
    throw core::InvalidArgument("query.rows", "all rows of one call have the same columns");
}

std::size_t require_column(const ModelInfo& info, PyObject* name) {
    if (const auto column = info.find_column(name)) return *column;
    throw core::InvalidArgument(
        "query.unknown_field",
        "`" + info.model().table() + "` has no column `" + std::string(text_of(name)) + "`",
        {{"model", info.model().table()}, {"path", text_of(name)}});
}

/// The columns that rows like the first one have.
std::vector<std::size_t> columns_of(const ModelInfo& info, PyObject* first, PyObject* given) {
    std::vector<std::size_t> columns;
    if (given != nullptr) {
        for (const py::handle name : py::reinterpret_borrow<py::object>(given))
            columns.push_back(require_column(info, py::str(path_of(name.ptr())).ptr()));
    } else if (PyDict_Check(first)) {
        for (const auto& [name, value] : py::reinterpret_borrow<py::dict>(first))
            columns.push_back(require_column(info, name.ptr()));
    } else {
        const RecordObject* record = as_record(first);
        for (std::size_t i = 0; record->local != nullptr && i < info.names.size(); ++i) {
            if (record->local->is_changed[i]) columns.push_back(i);
        }
    }
    if (columns.empty()) throw core::InvalidArgument("query.rows", "the rows have no columns");
    return columns;
}

/// Appends one row after another to a result of the model's columns.
class RowAppender {
public:
    RowAppender(const ModelInfo& info, std::vector<std::size_t> columns)
        : info_(info), columns_(std::move(columns)), rows_(declared()) {}

    void append(PyObject* row) {
        if (PyDict_Check(row)) return append_dict(row);
        if (PyObject_TypeCheck(row, record_type) != 0) return append_record(row);
        append_sequence(row);
    }
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    data::RowSet take() { return rows_.take(); }

private:
    [[nodiscard]] std::vector<data::RowColumn> declared() const {
        std::vector<data::RowColumn> columns;
        for (const std::size_t column : columns_)
            columns.push_back({described(column).name, described(column).type});
        return columns;
    }
    [[nodiscard]] const data::Column& described(std::size_t column) const {
        return info_.model().columns()[column];
    }
    void append_dict(PyObject* row) {
        if (static_cast<std::size_t>(PyDict_GET_SIZE(row)) != columns_.size()) throw_columns();
        for (const std::size_t column : columns_) {
            PyObject* value = PyDict_GetItemWithError(row, info_.names[column]);
            if (value == nullptr) throw_columns();
            append_value(rows_, described(column), value);
        }
    }
    void append_record(PyObject* row) {
        RecordObject* record = as_record(row);
        if (record->node->info != &info_) throw_type_error(std::string("wanted a ") + info_.type->tp_name);
        std::size_t given = 0;
        for (std::size_t i = 0; record->local != nullptr && i < info_.names.size(); ++i)
            given += record->local->is_changed[i] ? 1 : 0;
        if (given != columns_.size()) throw_columns();
        for (const std::size_t column : columns_) {
            if (!record->local->is_changed[column]) throw_columns();
            append_value(rows_, described(column), record->local->cells[column].ptr());
        }
    }
    void append_sequence(PyObject* row) {
        const py::object values = owned(PySequence_Fast(row, "a row is a record, a dict or a sequence"));
        if (static_cast<std::size_t>(PySequence_Fast_GET_SIZE(values.ptr())) != columns_.size())
            throw_columns();
        PyObject** items = PySequence_Fast_ITEMS(values.ptr());
        for (const std::size_t column : columns_) append_value(rows_, described(column), *items++);
    }

    const ModelInfo& info_;
    std::vector<std::size_t> columns_;
    data::RowSet rows_;
};

void read_objects(const ModelInfo& info, PyObject* source, PyObject* columns, const Take& take) {
    const py::object iterator = owned(PyObject_GetIter(source));
    std::optional<RowAppender> rows;
    while (PyObject* next = PyIter_Next(iterator.ptr())) {
        const py::object row = py::reinterpret_steal<py::object>(next);
        if (!rows) rows.emplace(info, columns_of(info, next, columns));
        rows->append(next);
        if (rows->size() == kRowsOfChunk) take(rows->take());
    }
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    if (rows && rows->size() != 0) take(rows->take());
}

void read_arrow(const py::object& stream, const Take& take) {
    void* held = PyCapsule_GetPointer(stream.ptr(), "arrow_array_stream");
    if (held == nullptr) throw py::error_already_set();
    data::rows_of_arrow(static_cast<ArrowArrayStream*>(held), [&](data::RowSet rows) { take(rows); });
}

}  // namespace

void read_rows(const ModelInfo& info, PyObject* source, PyObject* columns, const Take& take) {
    const py::handle object(source);
    if (py::hasattr(object, "__arrow_c_stream__")) {
        if (columns != nullptr) throw_type_error("the columns of a table are those that it has");
        return read_arrow(object.attr("__arrow_c_stream__")(), take);
    }
    read_objects(info, source, columns, take);
}

}  // namespace consilia::bindings
