#include "consilia/data/cells.hpp"

#include <sqlite3.h>

#include <cstring>
#include <utility>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "postgres_cells.hpp"
#include "sqlite_cells.hpp"
#include "sqlite_connection.hpp"

namespace consilia::data {
namespace {

sqlite3_stmt* sqlite(void* statement) noexcept {
    return static_cast<sqlite3_stmt*>(statement);
}
const PostgresRow& postgres(void* row) noexcept {
    return *static_cast<const PostgresRow*>(row);
}
PostgresParameters& parameters(void* target) noexcept {
    return *static_cast<PostgresParameters*>(target);
}

}  // namespace

bool CellReader::is_null(int column) const {
    if (!is_sqlite()) return postgres(source_).is_null(column);
    return sqlite3_column_type(sqlite(source_), column) == SQLITE_NULL;
}

std::int64_t CellReader::int64(int column) const {
    if (!is_sqlite()) return postgres(source_).int64(column);
    return sqlite3_column_int64(sqlite(source_), column);
}

double CellReader::number(int column) const {
    if (!is_sqlite()) return postgres(source_).number(column);
    return sqlite3_column_double(sqlite(source_), column);
}

std::string_view CellReader::text(int column) const {
    if (!is_sqlite()) return postgres(source_).text(column);
    return sqlite_text(sqlite3_column_value(sqlite(source_), column));
}

std::span<const std::byte> CellReader::bytes(int column) const {
    if (!is_sqlite()) return std::as_bytes(std::span(postgres(source_).bytes(column)));
    return std::as_bytes(std::span(sqlite_bytes(sqlite3_column_value(sqlite(source_), column))));
}

core::Date CellReader::date(int column) const {
    if (!is_sqlite()) return postgres(source_).date(column);
    return core::parse_date(text(column));
}

core::Uuid CellReader::uuid(int column) const {
    const auto stored = bytes(column);
    core::Uuid uuid;
    if (stored.size() != uuid.bytes.size())
        throw core::StorageError("field.uuid", "a stored uuid has not 16 bytes");
    std::memcpy(uuid.bytes.data(), stored.data(), uuid.bytes.size());
    return uuid;
}

void CellWriter::written(int place, int code) {
    if (code != SQLITE_OK) throw_sqlite_error(sqlite3_db_handle(sqlite(target_)), code);
    if (place < kPlacesTracked) written_ |= std::uint64_t{1} << place;
}

void CellWriter::end_row(int places) {
    const std::uint64_t row = std::exchange(written_, 0);
    if (row + 1 == std::uint64_t{1} << places) return;
    for (int place = 0; place < places; ++place) {
        if ((row >> place & 1U) == 0) null(place);
    }
    written_ = 0;
}

void CellWriter::null(int place) {
    if (!is_sqlite()) return parameters(target_).null(place);
    written(place, sqlite3_bind_null(sqlite(target_), place + 1));
}

void CellWriter::boolean(int place, bool value) {
    if (!is_sqlite()) return parameters(target_).boolean(place, value);
    written(place, sqlite3_bind_int64(sqlite(target_), place + 1, value ? 1 : 0));
}

void CellWriter::int64(int place, std::int64_t value) {
    if (!is_sqlite()) return parameters(target_).int64(place, value);
    written(place, sqlite3_bind_int64(sqlite(target_), place + 1, value));
}

void CellWriter::number(int place, double value) {
    if (!is_sqlite()) return parameters(target_).number(place, value);
    written(place, sqlite3_bind_double(sqlite(target_), place + 1, value));  // NaN as NULL.
}

void CellWriter::text(int place, std::string_view value) {
    if (!is_sqlite()) return parameters(target_).text(place, value);
    // A null pointer would bind NULL, not the empty text.
    const char* data = value.data() == nullptr ? "" : value.data();
    written(place,
            sqlite3_bind_text64(sqlite(target_), place + 1, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void CellWriter::text_copy(int place, std::string_view value) {
    if (!is_sqlite()) return parameters(target_).text_copy(place, value);
    const char* data = value.data() == nullptr ? "" : value.data();
    written(place, sqlite3_bind_text64(sqlite(target_), place + 1, data, value.size(), SQLITE_TRANSIENT,
                                       SQLITE_UTF8));
}

void CellWriter::bytes(int place, std::span<const std::byte> value) {
    if (!is_sqlite()) return parameters(target_).bytes(place, value);
    written(place, value.empty() ? sqlite3_bind_zeroblob(sqlite(target_), place + 1, 0)
                                 : sqlite3_bind_blob64(sqlite(target_), place + 1, value.data(), value.size(),
                                                       SQLITE_STATIC));
}

void CellWriter::date(int place, core::Date value) {
    if (!is_sqlite()) return parameters(target_).date(place, value);
    text_copy(place, core::to_iso8601(value));
}

void CellWriter::timestamp(int place, core::Timestamp value) {
    if (!is_sqlite()) return parameters(target_).timestamp(place, value);
    int64(place, value.microseconds);
}

void CellWriter::uuid(int place, const core::Uuid& value) {
    if (!is_sqlite()) return parameters(target_).uuid(place, value);
    bytes(place, std::as_bytes(std::span(value.bytes)));
}

void CellWriter::value(int place, const core::Value& value) {
    switch (value.type()) {
        case core::ValueType::Null:
            return null(place);
        case core::ValueType::Bool:
            return boolean(place, value.as<bool>());
        case core::ValueType::Int64:
            return int64(place, value.as<std::int64_t>());
        case core::ValueType::Double:
            return number(place, value.as<double>());
        case core::ValueType::Text:
            return text(place, value.as<std::string>());
        case core::ValueType::Json:
            return json(place, value.as<core::Json>().text);
        case core::ValueType::Date:
            return date(place, value.as<core::Date>());
        case core::ValueType::Timestamp:
            return timestamp(place, value.as<core::Timestamp>());
        case core::ValueType::Uuid:
            return uuid(place, value.as<core::Uuid>());
        case core::ValueType::Blob:
            return bytes(place, value.as<core::Blob>().bytes);
    }
}

}  // namespace consilia::data
