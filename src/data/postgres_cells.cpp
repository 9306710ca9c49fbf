#include "postgres_cells.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/uuid.hpp"

namespace consilia::data {
namespace {

using core::ValueType;

constexpr std::int64_t kEpochMicroseconds = 946'684'800'000'000;  // 2000-01-01 since 1970-01-01.
constexpr std::int32_t kEpochDays = 10'957;

template <std::unsigned_integral U>
U read_big_endian(const char* data) noexcept {
    U value{};
    std::memcpy(&value, data, sizeof value);
    if constexpr (std::endian::native == std::endian::big) {
        return value;
    } else if constexpr (sizeof(U) == 2) {
        return __builtin_bswap16(value);
    } else if constexpr (sizeof(U) == 4) {
        return __builtin_bswap32(value);
    } else {
        return __builtin_bswap64(value);
    }
}

std::int16_t read_int16(const char* data) noexcept {
    return static_cast<std::int16_t>(read_big_endian<std::uint16_t>(data));
}
std::int32_t read_int32(const char* data) noexcept {
    return static_cast<std::int32_t>(read_big_endian<std::uint32_t>(data));
}
std::int64_t read_int64(const char* data) noexcept {
    return static_cast<std::int64_t>(read_big_endian<std::uint64_t>(data));
}
double read_double(const char* data) noexcept {
    return std::bit_cast<double>(read_big_endian<std::uint64_t>(data));
}
float read_float(const char* data) noexcept {
    return std::bit_cast<float>(read_big_endian<std::uint32_t>(data));
}

[[noreturn]] void throw_beyond(std::string_view what) {
    throw core::StorageError("database.value", "a stored " + std::string(what) + " has no form here");
}

std::int32_t read_days(const char* data) {
    std::int32_t days = 0;
    if (__builtin_add_overflow(read_int32(data), kEpochDays, &days)) throw_beyond("date");
    if (days < std::numeric_limits<std::int32_t>::min() + 1 + kEpochDays) throw_beyond("date");  // -infinity
    return days;
}

/// Whether the binary form of a numeric is NaN.
bool is_no_number(std::string_view raw) noexcept {
    return read_big_endian<std::uint16_t>(raw.data() + 4) == 0xC000;
}

/// A numeric as a decimal text: digits to base 10,000, of which `weight` + 1 stand before the point.
std::string decimal_of(std::string_view raw) {
    const int count = read_int16(raw.data());
    const int weight = read_int16(raw.data() + 2);
    const auto sign = read_big_endian<std::uint16_t>(raw.data() + 4);
    const int scale = read_int16(raw.data() + 6);
    if (sign == 0xD000) return "inf";
    if (sign == 0xF000) return "-inf";
    const auto group = [&](int at) {  // Of the digits, counted from the most significant one.
        const int digits = at < 0 || at >= count ? 0 : read_int16(raw.data() + 8 + 2 * at);
        std::string text = std::to_string(digits);
        return std::string(4 - text.size(), '0') + text;
    };
    std::string text;
    for (int at = 0; at <= weight; ++at) text += group(at);
    text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
    if (text.empty()) text = "0";
    if (scale > 0) {
        std::string fraction;
        for (int at = weight + 1; static_cast<int>(fraction.size()) < scale; ++at) fraction += group(at);
        text += '.' + fraction.substr(0, static_cast<std::size_t>(scale));
    }
    return (sign == 0x4000 ? "-" : "") + text;
}

double to_double(std::string_view text) noexcept {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::int64_t to_int64(double value) noexcept {  // As SQLite: towards zero, and to the nearer end.
    if (std::isnan(value)) return 0;
    if (value >= 0x1p63) return std::numeric_limits<std::int64_t>::max();
    if (value < -0x1p63) return std::numeric_limits<std::int64_t>::min();
    return static_cast<std::int64_t>(value);
}

std::int64_t to_int64(std::string_view text) noexcept {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_whole = error == std::errc() && (end == text.data() + text.size() || *end != '.');
    return is_whole ? value : to_int64(to_double(text));
}

std::string shortest(double value) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), end};
}

[[noreturn]] void throw_past_end() {
    throw core::ValidationError("database.value", "a number is past the end of its column's type");
}

}  // namespace

PostgresForm postgres_form(::Oid type) noexcept {
    switch (type) {  // Numbers of src/include/catalog/pg_type.dat; they never change.
        case 16:
            return PostgresForm::Bool;
        case 17:
            return PostgresForm::Bytea;
        case 20:
            return PostgresForm::Int8;
        case 21:
            return PostgresForm::Int2;
        case 23:
            return PostgresForm::Int4;
        case 26:  // oid
        case 28:  // xid
            return PostgresForm::Oid;
        case 18:    // "char"
        case 19:    // name
        case 25:    // text
        case 705:   // unknown
        case 1042:  // char(n)
        case 1043:  // varchar
            return PostgresForm::Text;
        case 114:
            return PostgresForm::Json;
        case 700:
            return PostgresForm::Float4;
        case 701:
            return PostgresForm::Float8;
        case 1082:
            return PostgresForm::Date;
        case 1114:  // without a time zone: taken as UTC
        case 1184:
            return PostgresForm::Timestamp;
        case 1700:
            return PostgresForm::Numeric;
        case 2278:
            return PostgresForm::Void;
        case 2950:
            return PostgresForm::Uuid;
        case 3802:
            return PostgresForm::Jsonb;
        default:
            return PostgresForm::Other;
    }
}

PostgresForm PostgresRow::form(int column) const noexcept {
    return forms_[static_cast<std::size_t>(column)];
}

bool PostgresRow::is_null(int column) const noexcept {
    if (column < 0 || static_cast<std::size_t>(column) >= forms_.size() ||
        PQgetisnull(result_, row_, column) != 0)
        return true;
    switch (form(column)) {  // A number that is none is null, as SQLite stores it.
        case PostgresForm::Float4:
            return std::isnan(read_float(data(column)));
        case PostgresForm::Float8:
            return std::isnan(read_double(data(column)));
        case PostgresForm::Numeric:
            return is_no_number(raw(column));
        default:
            return form(column) == PostgresForm::Void;
    }
}

std::string_view PostgresRow::raw(int column) const noexcept {
    return {data(column), static_cast<std::size_t>(PQgetlength(result_, row_, column))};
}

std::int64_t PostgresRow::timestamp(int column) const {
    std::int64_t microseconds = 0;
    const std::int64_t stored = read_int64(data(column));
    if (stored == std::numeric_limits<std::int64_t>::min() ||
        __builtin_add_overflow(stored, kEpochMicroseconds, &microseconds)) {
        throw_beyond("time");  // An infinite one, for instance.
    }
    return microseconds;
}

std::string_view PostgresRow::keep(std::string made) const {
    return made_.emplace_front(std::move(made));
}

std::int64_t PostgresRow::int64(int column) const {
    if (is_null(column)) return 0;
    switch (form(column)) {
        case PostgresForm::Int8:
            return read_int64(data(column));
        case PostgresForm::Int4:
            return read_int32(data(column));
        case PostgresForm::Int2:
            return read_int16(data(column));
        case PostgresForm::Bool:
            return *data(column) != 0 ? 1 : 0;
        case PostgresForm::Timestamp:
            return timestamp(column);
        case PostgresForm::Oid:
            return read_big_endian<std::uint32_t>(data(column));
        case PostgresForm::Float4:
        case PostgresForm::Float8:
            return to_int64(number(column));
        case PostgresForm::Numeric:
            return to_int64(decimal_of(raw(column)));
        case PostgresForm::Text:
        case PostgresForm::Json:
        case PostgresForm::Jsonb:
            return to_int64(text(column));
        default:
            return 0;
    }
}

double PostgresRow::number(int column) const {
    if (is_null(column)) return 0;
    switch (form(column)) {
        case PostgresForm::Float8:
            return read_double(data(column));
        case PostgresForm::Float4:
            return read_float(data(column));
        case PostgresForm::Numeric:
            return to_double(decimal_of(raw(column)));
        case PostgresForm::Text:
            return to_double(raw(column));
        default:
            return static_cast<double>(int64(column));
    }
}

std::string_view PostgresRow::text(int column) const {
    if (is_null(column)) return {};
    switch (form(column)) {
        case PostgresForm::Jsonb:
            return raw(column).substr(1);  // After the version.
        case PostgresForm::Float4:
        case PostgresForm::Float8:
            return keep(shortest(number(column)));
        case PostgresForm::Numeric:
            return keep(decimal_of(raw(column)));
        case PostgresForm::Date:
            return keep(core::to_iso8601(date(column)));
        case PostgresForm::Timestamp:
            return keep(core::to_iso8601(core::Timestamp{timestamp(column)}));
        case PostgresForm::Uuid: {
            core::Uuid uuid;
            std::memcpy(uuid.bytes.data(), data(column), uuid.bytes.size());
            return keep(core::to_string(uuid));
        }
        case PostgresForm::Bool:
        case PostgresForm::Int2:
        case PostgresForm::Int4:
        case PostgresForm::Int8:
        case PostgresForm::Oid:
            return keep(std::to_string(int64(column)));
        default:
            return raw(column);
    }
}

std::string_view PostgresRow::bytes(int column) const {
    if (is_null(column)) return {};
    const PostgresForm stored = form(column);
    return stored == PostgresForm::Bytea || stored == PostgresForm::Uuid ? raw(column) : text(column);
}

core::Date PostgresRow::date(int column) const {
    if (is_null(column)) return {};
    switch (form(column)) {
        case PostgresForm::Date:
            return {read_days(data(column))};
        case PostgresForm::Timestamp:
            return core::date_of({timestamp(column)});
        default:
            return core::parse_date(text(column));
    }
}

void PostgresRow::append_to(RowSet& rows, int column, ValueType declared) const {
    if (is_null(column)) {
        rows.append_null();
        return;
    }
    switch (form(column)) {
        case PostgresForm::Bool:
            rows.append_int64(ValueType::Bool, int64(column));
            return;
        case PostgresForm::Timestamp:
            rows.append_int64(ValueType::Timestamp, timestamp(column));
            return;
        case PostgresForm::Int2:
        case PostgresForm::Int4:
        case PostgresForm::Int8:
        case PostgresForm::Oid: {
            const std::int64_t number = int64(column);
            if (declared == ValueType::Double) {
                rows.append_double(static_cast<double>(number));
            } else {
                const bool is_integral = declared == ValueType::Bool || declared == ValueType::Timestamp;
                rows.append_int64(is_integral ? declared : ValueType::Int64, number);
            }
            return;
        }
        case PostgresForm::Float4:
        case PostgresForm::Float8:
            rows.append_double(number(column));
            return;
        case PostgresForm::Numeric: {
            // A sum of integers is a numeric: it is an integer again where it is whole and fits.
            const std::string decimal = decimal_of(raw(column));
            std::int64_t whole = 0;
            const char* end = decimal.data() + decimal.size();
            const auto parsed = std::from_chars(decimal.data(), end, whole);
            if (declared == ValueType::Text) {
                rows.append_bytes(ValueType::Text, decimal);
            } else if (declared != ValueType::Double && parsed.ec == std::errc() && parsed.ptr == end) {
                rows.append_int64(ValueType::Int64, whole);
            } else {
                rows.append_double(to_double(decimal));
            }
            return;
        }
        case PostgresForm::Date:
            rows.append_date(date(column));
            return;
        case PostgresForm::Uuid:
            rows.append_bytes(ValueType::Uuid, raw(column));
            return;
        case PostgresForm::Bytea:
            rows.append_bytes(declared == ValueType::Uuid ? declared : ValueType::Blob, raw(column));
            return;
        case PostgresForm::Json:
        case PostgresForm::Jsonb:
            rows.append_bytes(declared == ValueType::Text ? declared : ValueType::Json, text(column));
            return;
        default: {
            const bool is_textual = declared == ValueType::Json || declared == ValueType::Date;
            rows.append_bytes(is_textual ? declared : ValueType::Text, raw(column));
        }
    }
}

PostgresParameters::PostgresParameters(std::vector<::Oid> types)
    : types_(std::move(types)),
      values_(types_.size()),
      lengths_(types_.size()),
      formats_(types_.size(), 1),
      numbers_(types_.size()),
      copies_(types_.size()) {
    forms_.reserve(types_.size());
    for (const ::Oid type : types_) forms_.push_back(postgres_form(type));
}

void PostgresParameters::clear() noexcept {
    std::fill(values_.begin(), values_.end(), nullptr);
}

std::size_t PostgresParameters::checked(int place) const {
    if (place < 0 || place >= size()) {
        throw core::InvalidArgument("database.bindings", "the statement has no such place",
                                    {{"place", place}, {"places", size()}});
    }
    return static_cast<std::size_t>(place);
}

void PostgresParameters::set(std::size_t at, const char* data, std::size_t size) noexcept {
    values_[at] = data == nullptr ? "" : data;
    lengths_[at] = static_cast<int>(size);
    formats_[at] = 1;
}

template <class Unsigned>
void PostgresParameters::set_number(std::size_t at, Unsigned value) noexcept {
    const auto stored = read_big_endian<Unsigned>(reinterpret_cast<const char*>(&value));
    std::memcpy(numbers_[at].data(), &stored, sizeof stored);
    set(at, numbers_[at].data(), sizeof stored);
}

void PostgresParameters::set_copy(std::size_t at, std::string text) {
    copies_[at] = std::move(text);
    set(at, copies_[at].data(), copies_[at].size());
    const PostgresForm form = forms_[at];
    const bool is_its_text =
        form == PostgresForm::Text || form == PostgresForm::Json || form == PostgresForm::Bytea;
    formats_[at] = is_its_text ? 1 : 0;
}

void PostgresParameters::null(int place) {
    values_[checked(place)] = nullptr;
}

void PostgresParameters::boolean(int place, bool value) {
    const std::size_t at = checked(place);
    switch (forms_[at]) {
        case PostgresForm::Bool:
            numbers_[at][0] = value ? 1 : 0;
            return set(at, numbers_[at].data(), 1);
        case PostgresForm::Text:
        case PostgresForm::Other:
            return set_copy(at, value ? "true" : "false");
        default:
            return int64(place, value ? 1 : 0);
    }
}

void PostgresParameters::int64(int place, std::int64_t value) {
    const std::size_t at = checked(place);
    switch (forms_[at]) {
        case PostgresForm::Int8:
            return set_number(at, static_cast<std::uint64_t>(value));
        case PostgresForm::Int4:
            if (value != static_cast<std::int32_t>(value)) throw_past_end();
            return set_number(at, static_cast<std::uint32_t>(value));
        case PostgresForm::Int2:
            if (value != static_cast<std::int16_t>(value)) throw_past_end();
            return set_number(at, static_cast<std::uint16_t>(value));
        case PostgresForm::Oid:
            if (value != static_cast<std::uint32_t>(value)) throw_past_end();
            return set_number(at, static_cast<std::uint32_t>(value));
        case PostgresForm::Float8:
        case PostgresForm::Float4:
            return number(place, static_cast<double>(value));
        case PostgresForm::Bool:
            return boolean(place, value != 0);
        case PostgresForm::Timestamp:
            return timestamp(place, {value});
        default:
            return set_copy(at, std::to_string(value));
    }
}

void PostgresParameters::number(int place, double value) {
    const std::size_t at = checked(place);
    if (std::isnan(value)) return null(place);
    switch (forms_[at]) {
        case PostgresForm::Float8:
            return set_number(at, std::bit_cast<std::uint64_t>(value));
        case PostgresForm::Float4:
            return set_number(at, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
        case PostgresForm::Int2:
        case PostgresForm::Int4:
        case PostgresForm::Int8:
            if (value == std::trunc(value) && std::abs(value) < 0x1p63) {
                return int64(place, static_cast<std::int64_t>(value));
            }
            throw core::ValidationError("database.value", "a fraction does not fit a column of integers");
        default:
            return set_copy(at, shortest(value));
    }
}

void PostgresParameters::set_text(std::size_t at, std::string_view value, bool is_kept) {
    if (std::memchr(value.data() == nullptr ? "" : value.data(), 0, value.size()) != nullptr) {
        throw core::ValidationError("database.text", "a text with a zero byte cannot be stored");
    }
    const PostgresForm form = forms_[at];
    if (form == PostgresForm::Jsonb) {
        copies_[at].assign(1, '\1');  // The version.
        copies_[at] += value;
        return set(at, copies_[at].data(), copies_[at].size());
    }
    if (is_kept && (form == PostgresForm::Text || form == PostgresForm::Json)) {
        return set(at, value.data(), value.size());
    }
    set_copy(at, std::string(value));
}

void PostgresParameters::text(int place, std::string_view value) {
    set_text(checked(place), value, true);
}

void PostgresParameters::text_copy(int place, std::string_view value) {
    set_text(checked(place), value, false);
}

void PostgresParameters::bytes(int place, std::span<const std::byte> value) {
    const std::size_t at = checked(place);
    const std::string_view raw(reinterpret_cast<const char*>(value.data()), value.size());
    if (forms_[at] == PostgresForm::Text || forms_[at] == PostgresForm::Other) return text(place, raw);
    set(at, raw.data(), raw.size());
}

void PostgresParameters::date(int place, core::Date value) {
    const std::size_t at = checked(place);
    switch (forms_[at]) {
        case PostgresForm::Date: {
            std::int32_t days = 0;
            if (__builtin_sub_overflow(value.days, kEpochDays, &days)) throw_past_end();
            return set_number(at, static_cast<std::uint32_t>(days));
        }
        case PostgresForm::Timestamp:
            return timestamp(place, {std::int64_t{value.days} * 86'400'000'000});
        default:
            return set_copy(at, core::to_iso8601(value));
    }
}

void PostgresParameters::timestamp(int place, core::Timestamp value) {
    const std::size_t at = checked(place);
    switch (forms_[at]) {
        case PostgresForm::Timestamp: {
            std::int64_t microseconds = 0;
            if (__builtin_sub_overflow(value.microseconds, kEpochMicroseconds, &microseconds))
                throw_past_end();
            return set_number(at, static_cast<std::uint64_t>(microseconds));
        }
        case PostgresForm::Int8:
            return int64(place, value.microseconds);
        default:
            return set_copy(at, core::to_iso8601(value));
    }
}

void PostgresParameters::uuid(int place, const core::Uuid& value) {
    const std::size_t at = checked(place);
    if (forms_[at] == PostgresForm::Uuid || forms_[at] == PostgresForm::Bytea) {
        return set(at, reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    }
    set_copy(at, core::to_string(value));
}

}  // namespace consilia::data
