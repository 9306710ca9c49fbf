#include "consilia/data/cells.hpp"

#include <sqlite3.h>

#include "connection.hpp"
#include "consilia/core/clock.hpp"

namespace consilia::data {
namespace {

sqlite3_stmt* raw(void* statement) noexcept {
    return static_cast<sqlite3_stmt*>(statement);
}

}  // namespace

bool CellReader::is_null(int column) const noexcept {
    return sqlite3_column_type(raw(statement_), column) == SQLITE_NULL;
}

std::int64_t CellReader::int64(int column) const noexcept {
    return sqlite3_column_int64(raw(statement_), column);
}

double CellReader::number(int column) const noexcept {
    return sqlite3_column_double(raw(statement_), column);
}

std::string_view CellReader::text(int column) const noexcept {
    const void* data = sqlite3_column_text(raw(statement_), column);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data),
            static_cast<std::size_t>(sqlite3_column_bytes(raw(statement_), column))};
}

std::span<const std::byte> CellReader::bytes(int column) const noexcept {
    const void* data = sqlite3_column_blob(raw(statement_), column);
    if (data == nullptr) return {};
    return {static_cast<const std::byte*>(data),
            static_cast<std::size_t>(sqlite3_column_bytes(raw(statement_), column))};
}

void CellWriter::check(int code) const {
    if (code != SQLITE_OK) throw_sqlite_error(sqlite3_db_handle(raw(statement_)), code);
}

void CellWriter::null(int place) {
    check(sqlite3_bind_null(raw(statement_), place + 1));
}

void CellWriter::int64(int place, std::int64_t value) {
    check(sqlite3_bind_int64(raw(statement_), place + 1, value));
}

void CellWriter::number(int place, double value) {
    check(sqlite3_bind_double(raw(statement_), place + 1, value));
}

void CellWriter::text(int place, std::string_view value) {
    // A null pointer would bind NULL, not the empty text.
    const char* data = value.data() == nullptr ? "" : value.data();
    check(sqlite3_bind_text64(raw(statement_), place + 1, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void CellWriter::text_copy(int place, std::string_view value) {
    const char* data = value.data() == nullptr ? "" : value.data();
    check(sqlite3_bind_text64(raw(statement_), place + 1, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void CellWriter::bytes(int place, std::span<const std::byte> value) {
    check(value.empty()
              ? sqlite3_bind_zeroblob(raw(statement_), place + 1, 0)
              : sqlite3_bind_blob64(raw(statement_), place + 1, value.data(), value.size(), SQLITE_STATIC));
}

void CellWriter::value(int place, const core::Value& value) {
    switch (value.type()) {
        case core::ValueType::Null:
            return null(place);
        case core::ValueType::Bool:
            return int64(place, value.as<bool>() ? 1 : 0);
        case core::ValueType::Int64:
            return int64(place, value.as<std::int64_t>());
        case core::ValueType::Double:
            return number(place, value.as<double>());
        case core::ValueType::Text:
            return text(place, value.as<std::string>());
        case core::ValueType::Json:
            return text(place, value.as<core::Json>().text);
        case core::ValueType::Date:
            return text_copy(place, core::to_iso8601(value.as<core::Date>()));
        case core::ValueType::Timestamp:
            return int64(place, value.as<core::Timestamp>().microseconds);
        case core::ValueType::Uuid:
            return bytes(place, std::as_bytes(std::span(value.as<core::Uuid>().bytes)));
        case core::ValueType::Blob:
            return bytes(place, value.as<core::Blob>().bytes);
    }
}

}  // namespace consilia::data
