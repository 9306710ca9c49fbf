// Columns of a result for numpy, and results for readers of Arrow: the buffers are shared wherever they can
// be.
#include <pybind11/numpy.h>

#include <limits>

#include "consilia/data/arrow.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

constexpr std::int64_t kNotATime = std::numeric_limits<std::int64_t>::min();

/// A read-only array over memory that `owner` keeps.
py::array view(const py::dtype& type, std::size_t size, const void* data, py::handle owner) {
    py::array made(type, {static_cast<py::ssize_t>(size)}, data, owner);
    made.attr("flags").attr("writeable") = false;
    return made;
}

/// The cells from `begin` to `end`, changed by `convert` (cell, is_null).
template <class T, class F>
py::array_t<T> copied(const RowsObject& rows, const data::ColumnData& cells, const F& convert) {
    py::array_t<T> made(static_cast<py::ssize_t>(rows.end - rows.begin));
    T* out = made.mutable_data();
    for (std::size_t row = rows.begin; row < rows.end; ++row) *out++ = convert(row, cells.is_null(row));
    return made;
}

py::object masked(const RowsObject& rows, const data::ColumnData& cells, py::object values) {
    if (cells.null_count() == 0) return values;
    const auto mask = copied<bool>(rows, cells, [](std::size_t, bool is_null) { return is_null; });
    return py::module_::import("numpy.ma").attr("masked_array")(values, py::arg("mask") = mask);
}

py::object objects(const RowsObject& rows, const data::ColumnData& cells) {
    const py::object numpy = py::module_::import("numpy");
    py::object made = numpy.attr("empty")(rows.end - rows.begin, py::arg("dtype") = "O");
    for (std::size_t row = rows.begin; row < rows.end; ++row)
        made[py::int_(row - rows.begin)] = owned(to_python(cells, row));
    return made;
}

py::object numbers(const RowsObject& rows, const data::ColumnData& cells, py::handle owner) {
    if (cells.null_count() == 0) {
        const auto* data = reinterpret_cast<const double*>(cells.values_buffer());
        return view(py::dtype::of<double>(), rows.end - rows.begin, data + rows.begin, owner);
    }
    return copied<double>(rows, cells, [&](std::size_t row, bool is_null) {
        return is_null ? std::numeric_limits<double>::quiet_NaN() : cells.number(row);
    });
}

py::object integers(const RowsObject& rows, const data::ColumnData& cells, py::handle owner) {
    const auto* data = reinterpret_cast<const std::int64_t*>(cells.values_buffer());
    return masked(rows, cells,
                  view(py::dtype::of<std::int64_t>(), rows.end - rows.begin, data + rows.begin, owner));
}

py::object timestamps(const RowsObject& rows, const data::ColumnData& cells, py::handle owner) {
    if (cells.null_count() == 0) {
        const auto* data = reinterpret_cast<const std::int64_t*>(cells.values_buffer());
        return view(py::dtype::of<std::int64_t>(), rows.end - rows.begin, data + rows.begin, owner)
            .attr("view")("datetime64[us]");
    }
    return copied<std::int64_t>(
               rows, cells,
               [&](std::size_t row, bool is_null) { return is_null ? kNotATime : cells.int64(row); })
        .attr("view")("datetime64[us]");
}

/// Copied: numpy has no dates of 32 bits.
py::object dates(const RowsObject& rows, const data::ColumnData& cells) {
    return copied<std::int64_t>(rows, cells,
                                [&](std::size_t row, bool is_null) {
                                    return is_null ? kNotATime : std::int64_t{cells.date(row).days};
                                })
        .attr("view")("datetime64[D]");
}

/// Releases what nobody has taken over.
template <class T>
void release_capsule(PyObject* capsule) {
    auto* held = static_cast<T*>(PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule)));
    if (held->release != nullptr) held->release(held);
    delete held;
}

template <class T>
py::object capsule(std::unique_ptr<T> held, const char* name) {
    py::object made = owned(PyCapsule_New(held.get(), name, release_capsule<T>));
    (void)held.release();
    return made;
}

}  // namespace

py::object numpy_column(const RowsObject& rows, std::size_t column) {
    const data::ColumnData& cells = rows.rows->column(column);
    // The result is kept by a capsule: the rows object itself holds nothing else that an array needs.
    const py::capsule owner(new std::shared_ptr<const data::RowSet>(rows.rows), [](void* held) {
        delete static_cast<std::shared_ptr<const data::RowSet>*>(held);
    });
    if (cells.is_mixed() || rows.begin == rows.end) return objects(rows, cells);
    switch (cells.type()) {
        case core::ValueType::Double:
            return numbers(rows, cells, owner);
        case core::ValueType::Int64:
            return integers(rows, cells, owner);
        case core::ValueType::Timestamp:
            return timestamps(rows, cells, owner);
        case core::ValueType::Date:
            return dates(rows, cells);
        case core::ValueType::Bool:
            return masked(rows, cells, copied<bool>(rows, cells, [&](std::size_t row, bool is_null) {
                              return !is_null && cells.int64(row) != 0;
                          }));
        default:
            return objects(rows, cells);
    }
}

py::object arrow_array(const std::shared_ptr<const data::RowSet>& rows) {
    auto schema = std::make_unique<ArrowSchema>();
    auto array = std::make_unique<ArrowArray>();
    data::export_arrow(rows, schema.get(), array.get());
    py::object first = capsule(std::move(schema), "arrow_schema");
    return py::make_tuple(std::move(first), capsule(std::move(array), "arrow_array"));
}

py::object arrow_stream(const std::shared_ptr<const data::RowSet>& rows) {
    auto stream = std::make_unique<ArrowArrayStream>();
    data::export_arrow(rows, stream.get());
    return capsule(std::move(stream), "arrow_array_stream");
}

}  // namespace consilia::bindings
