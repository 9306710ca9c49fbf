#include <pybind11/pybind11.h>

#include <cstring>
#include <string>

#include "bindings.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/uuid.hpp"

namespace consilia::bindings {
namespace {

py::object datetime_class(const char* name) {
    return py::module_::import("datetime").attr(name);
}

[[noreturn]] void refuse(py::handle object, const char* reason) {
    throw core::InvalidArgument("value.type",
                                std::string(reason) + ", not `" +
                                    py::str(py::type::of(object).attr("__name__")).cast<std::string>() + "`");
}

core::Value from_datetime(py::handle object) {
    if (object.attr("tzinfo").is_none()) refuse(object, "a datetime must have a time zone");
    const py::object utc = object.attr("astimezone")(datetime_class("timezone").attr("utc"));
    return core::parse_timestamp(py::str(utc.attr("isoformat")()).cast<std::string>());
}

core::Value from_bytes(py::handle object) {
    const std::string_view bytes = object.cast<py::bytes>();
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    return core::Blob{{data, data + bytes.size()}};
}

}  // namespace

core::Value to_value(py::handle object) {
    if (object.is_none()) return {};
    if (py::isinstance<py::bool_>(object)) return object.cast<bool>();
    if (py::isinstance<py::int_>(object)) {
        int overflow = 0;
        const long long number = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
        if (overflow != 0) refuse(object, "an integer must fit into 64 bits");
        return static_cast<std::int64_t>(number);
    }
    if (PyIndex_Check(object.ptr()) != 0) {  // An integer of another library, numpy's for one.
        const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
        if (!index) throw py::error_already_set();
        return to_value(index);
    }
    if (py::isinstance<py::float_>(object)) return object.cast<double>();
    if (py::isinstance<py::str>(object)) return object.cast<std::string>();
    if (py::isinstance<py::bytes>(object)) return from_bytes(object);
    if (py::isinstance(object, datetime_class("datetime"))) return from_datetime(object);
    if (py::isinstance(object, datetime_class("date"))) {
        return core::parse_date(py::str(object.attr("isoformat")()).cast<std::string>());
    }
    if (py::isinstance(object, py::module_::import("uuid").attr("UUID"))) {
        return core::parse_uuid(py::str(object).cast<std::string>());
    }
    refuse(object, "a value must be None, bool, int, float, str, bytes, datetime, date or UUID");
}

py::object to_python(const core::Value& value) {
    switch (value.type()) {
        case core::ValueType::Null:
            return py::none();
        case core::ValueType::Bool:
            return py::bool_(value.as<bool>());
        case core::ValueType::Int64:
            return py::int_(value.as<std::int64_t>());
        case core::ValueType::Double:
            return py::float_(value.as<double>());
        case core::ValueType::Text:
            return py::str(value.as<std::string>());
        case core::ValueType::Blob: {
            const auto& bytes = value.as<core::Blob>().bytes;
            return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        }
        case core::ValueType::Date:
            return datetime_class("date").attr("fromisoformat")(core::to_iso8601(value.as<core::Date>()));
        case core::ValueType::Timestamp:
            return datetime_class("datetime")
                .attr("fromisoformat")(core::to_iso8601(value.as<core::Timestamp>()));
        case core::ValueType::Uuid:
            return py::module_::import("uuid").attr("UUID")(to_string(value.as<core::Uuid>()));
        case core::ValueType::Json:
            return py::module_::import("json").attr("loads")(value.as<core::Json>().text);
    }
    return py::none();
}

}  // namespace consilia::bindings
