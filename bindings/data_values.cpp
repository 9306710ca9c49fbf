// Values of the data layer on their way to and from Python, without a value object between.
#include <datetime.h>

#include <chrono>

#include "data_native.hpp"

namespace consilia::bindings {
namespace {

constexpr std::int64_t kMicrosecondsOfDay = 86'400'000'000;

struct Classes {
    py::object uuid;
    py::object loads;
    py::object dumps;
    py::object enumeration;
};

/// Looked up once; the references live as long as the interpreter.
const Classes& classes() {
    static const auto* const made =
        new Classes{py::module_::import("uuid").attr("UUID"), py::module_::import("json").attr("loads"),
                    py::module_::import("json").attr("dumps"), py::module_::import("enum").attr("Enum")};
    return *made;
}

std::chrono::year_month_day civil(std::int64_t days) {
    return std::chrono::sys_days(std::chrono::days(days));
}

std::int32_t days_of(PyObject* date) {
    const std::chrono::sys_days days(std::chrono::year(PyDateTime_GET_YEAR(date)) /
                                     PyDateTime_GET_MONTH(date) / PyDateTime_GET_DAY(date));
    return static_cast<std::int32_t>(days.time_since_epoch().count());
}

/// Of a datetime in UTC; others take the slow way.
std::optional<core::Timestamp> timestamp_of(PyObject* object) {
    if (!PyDateTime_CheckExact(object) || PyDateTime_DATE_GET_TZINFO(object) != PyDateTime_TimeZone_UTC)
        return std::nullopt;
    const std::int64_t seconds = std::int64_t{days_of(object)} * 86'400 +
                                 PyDateTime_DATE_GET_HOUR(object) * 3600 +
                                 PyDateTime_DATE_GET_MINUTE(object) * 60 + PyDateTime_DATE_GET_SECOND(object);
    return core::Timestamp{seconds * 1'000'000 + PyDateTime_DATE_GET_MICROSECOND(object)};
}

}  // namespace

PyObject* date_object(core::Date date) {
    const std::chrono::year_month_day day = civil(date.days);
    return PyDate_FromDate(static_cast<int>(day.year()), static_cast<int>(static_cast<unsigned>(day.month())),
                           static_cast<int>(static_cast<unsigned>(day.day())));
}

PyObject* datetime_object(std::int64_t microseconds) {
    std::int64_t days = microseconds / kMicrosecondsOfDay;
    std::int64_t rest = microseconds % kMicrosecondsOfDay;
    if (rest < 0) {
        --days;
        rest += kMicrosecondsOfDay;
    }
    const std::chrono::year_month_day day = civil(days);
    const auto seconds = static_cast<int>(rest / 1'000'000);
    return PyDateTimeAPI->DateTime_FromDateAndTime(
        static_cast<int>(day.year()), static_cast<int>(static_cast<unsigned>(day.month())),
        static_cast<int>(static_cast<unsigned>(day.day())), seconds / 3600, seconds / 60 % 60, seconds % 60,
        static_cast<int>(rest % 1'000'000), PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType);
}

PyObject* uuid_object(const core::Uuid& uuid) {
    const py::bytes bytes(reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size());
    return classes().uuid(py::arg("bytes") = bytes).release().ptr();
}

bool is_date(PyObject* object) noexcept {
    return PyDate_Check(object) != 0;
}

bool is_kept_time(PyObject* object) noexcept {
    return PyDate_CheckExact(object) || timestamp_of(object).has_value();
}

void add_value_types() {
    PyDateTime_IMPORT;
    if (PyDateTimeAPI == nullptr) throw py::error_already_set();
}

PyObject* to_python(const data::ColumnData& cells, std::size_t row) {
    switch (cells.type(row)) {
        case core::ValueType::Null:
            Py_RETURN_NONE;
        case core::ValueType::Bool:
            return PyBool_FromLong(cells.int64(row) != 0 ? 1 : 0);
        case core::ValueType::Int64:
            return PyLong_FromLongLong(cells.int64(row));
        case core::ValueType::Double:
            return PyFloat_FromDouble(cells.number(row));
        case core::ValueType::Text: {
            const std::string_view text = cells.bytes(row);
            return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape");
        }
        case core::ValueType::Blob: {
            const std::string_view bytes = cells.bytes(row);
            return PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
        }
        case core::ValueType::Date:
            return date_object(cells.date(row));
        case core::ValueType::Timestamp:
            return datetime_object(cells.int64(row));
        case core::ValueType::Uuid:
            return guarded([&] { return uuid_object(cells.uuid(row)); });
        case core::ValueType::Json:
            return guarded([&] {
                const std::string_view text = cells.bytes(row);
                return classes().loads(py::str(text.data(), text.size())).release().ptr();
            });
    }
    Py_RETURN_NONE;
}

core::Value to_value(const data::Column& column, PyObject* object) {
    if (object == Py_None) return {};
    if (column.type == core::ValueType::Json) {
        const py::str text = classes().dumps(py::handle(object));
        return core::Json{text.cast<std::string>()};
    }
    if (const auto timestamp = timestamp_of(object)) return *timestamp;
    if (PyDate_CheckExact(object)) return core::Date{days_of(object)};
    if (!PyUnicode_CheckExact(object) && PyObject_IsInstance(object, classes().enumeration.ptr()) == 1)
        return to_value(column, owned(PyObject_GetAttrString(object, "value")).ptr());
    core::Value value = to_value(py::handle(object));
    if (column.type == core::ValueType::Double) {
        if (const auto* number = value.if_as<std::int64_t>()) return static_cast<double>(*number);
    }
    return value;
}

void append_value(data::RowSet& rows, const data::Column& column, PyObject* object) {
    if (object == Py_None) return rows.append_null();
    switch (column.type) {
        case core::ValueType::Int64:
            if (PyLong_CheckExact(object)) {
                int overflow = 0;
                const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
                if (overflow == 0) return rows.append_int64(column.type, number);
            }
            break;
        case core::ValueType::Double:
            if (PyFloat_CheckExact(object)) return rows.append_double(PyFloat_AS_DOUBLE(object));
            break;
        case core::ValueType::Text:
            if (PyUnicode_CheckExact(object)) return rows.append_bytes(column.type, text_of(object));
            break;
        case core::ValueType::Timestamp:
            if (const auto timestamp = timestamp_of(object))
                return rows.append_int64(column.type, timestamp->microseconds);
            break;
        case core::ValueType::Date:
            if (PyDate_CheckExact(object)) return rows.append_date({days_of(object)});
            break;
        default:
            break;
    }
    rows.append(to_value(column, object));
}

}  // namespace consilia::bindings
