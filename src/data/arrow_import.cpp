// The consumer's side of Arrow's C interfaces.
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/arrow.hpp"
#include "data/arrow_metadata.hpp"

namespace consilia::data {

/// Fills a row set column by column.
class RowSetBuilder {
public:
    explicit RowSetBuilder(std::vector<RowColumn> columns, std::size_t row_count)
        : rows_(std::move(columns)) {
        rows_.memory_.expect(row_count, 0);
        rows_.row_count_ = row_count;
    }
    [[nodiscard]] ColumnData& column(std::size_t index) noexcept { return rows_.data_[index]; }
    [[nodiscard]] ColumnMemory& memory() noexcept { return rows_.memory_; }
    [[nodiscard]] RowSet take() && { return std::move(rows_); }

private:
    RowSet rows_;
};

namespace {

using core::ValueType;

constexpr std::int64_t kMillisPerDay = 86'400'000;

enum class Kind : std::uint8_t {
    Null,
    Bool,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Half,
    Float,
    Double,
    Bytes32,
    Bytes64,
    BytesView,
    FixedBytes,
    Seconds,
    Millis,
    Micros,
    Nanos,
    Date32,
    Date64,
};

/// How a type is read, and as what.
struct Reading {
    Kind kind = Kind::Null;
    ValueType type = ValueType::Null;
    std::int64_t buffers = 2;     ///< That the layout has at least.
    std::size_t fixed_bytes = 0;  ///< Of FixedBytes.
};

[[noreturn]] void throw_arrow(const char* code, std::string_view column, const std::string& message) {
    throw core::InvalidArgument(code, "column `" + std::string(column) + "`: " + message,
                                {{"column", column}});
}

struct Letter {
    char format;
    Reading reading;
};

constexpr std::array kLetters = std::to_array<Letter>({
    {'n', {Kind::Null, ValueType::Null, 0}},
    {'b', {Kind::Bool, ValueType::Bool}},
    {'c', {Kind::Int8, ValueType::Int64}},
    {'C', {Kind::UInt8, ValueType::Int64}},
    {'s', {Kind::Int16, ValueType::Int64}},
    {'S', {Kind::UInt16, ValueType::Int64}},
    {'i', {Kind::Int32, ValueType::Int64}},
    {'I', {Kind::UInt32, ValueType::Int64}},
    {'l', {Kind::Int64, ValueType::Int64}},
    {'L', {Kind::UInt64, ValueType::Int64}},
    {'e', {Kind::Half, ValueType::Double}},
    {'f', {Kind::Float, ValueType::Double}},
    {'g', {Kind::Double, ValueType::Double}},
    {'u', {Kind::Bytes32, ValueType::Text, 3}},
    {'U', {Kind::Bytes64, ValueType::Text, 3}},
    {'z', {Kind::Bytes32, ValueType::Blob, 3}},
    {'Z', {Kind::Bytes64, ValueType::Blob, 3}},
});

/// `buffers` is negative for a type that has no place in a row.
Reading reading_of(std::string_view format, std::string_view extension) {
    Reading reading{Kind::Null, ValueType::Null, -1};
    if (format.size() == 1) {
        for (const Letter& letter : kLetters) {
            if (letter.format == format[0]) reading = letter.reading;
        }
    } else if (format == "vu" || format == "vz") {
        reading = {Kind::BytesView, format == "vu" ? ValueType::Text : ValueType::Blob};
    } else if (format == "tdD") {
        reading = {Kind::Date32, ValueType::Date};
    } else if (format == "tdm") {
        reading = {Kind::Date64, ValueType::Date};
    } else if (format.starts_with("ts") && format.size() >= 4 && format[3] == ':') {
        constexpr std::string_view kUnits = "smun";
        const std::size_t unit = kUnits.find(format[2]);
        constexpr std::array kKinds = {Kind::Seconds, Kind::Millis, Kind::Micros, Kind::Nanos};
        if (unit != std::string_view::npos) reading = {kKinds[unit], ValueType::Timestamp};
    } else if (format.starts_with("w:")) {
        std::size_t size = 0;
        const char* end = format.data() + format.size();
        if (std::from_chars(format.data() + 2, end, size).ptr == end) {
            reading = {Kind::FixedBytes, ValueType::Blob, 2, size};
        }
    }
    if (extension == kJsonExtension && reading.type == ValueType::Text) reading.type = ValueType::Json;
    if (extension == kUuidExtension && reading.fixed_bytes == sizeof(core::Uuid))
        reading.type = ValueType::Uuid;
    return reading;
}

template <class T>
T load(const void* buffer, std::int64_t at) noexcept {
    T value{};
    std::memcpy(&value, static_cast<const char*>(buffer) + static_cast<std::size_t>(at) * sizeof(T),
                sizeof(T));
    return value;
}

bool bit(const void* bits, std::int64_t at) noexcept {
    return (load<std::uint8_t>(bits, at / 8) >> (at % 8) & 1U) != 0;
}

double from_half(std::uint16_t half) noexcept {
    const int exponent = half >> 10U & 0x1F;
    const int fraction = half & 0x3FF;
    double number = 0;
    if (exponent == 0x1F) {
        number = fraction == 0 ? std::numeric_limits<double>::infinity()
                               : std::numeric_limits<double>::quiet_NaN();
    } else {
        number = std::ldexp(exponent == 0 ? fraction : fraction + 0x400, (exponent == 0 ? 1 : exponent) - 25);
    }
    return (half & 0x8000U) != 0 ? -number : number;
}

/// The cells of one array, whose first is at `offset`.
class Cells {
public:
    Cells(const ArrowSchema& schema, const ArrowArray& array, std::string_view name)
        : array_(array),
          name_(name),
          reading_(reading_of(schema.format == nullptr ? "" : schema.format, extension_of(schema.metadata))) {
        if (reading_.buffers < 0) {
            const std::string format = schema.format == nullptr ? "" : schema.format;
            throw_arrow("arrow.type", name, "Arrow's type `" + format + "` has no place in a row");
        }
        if (array.n_buffers < reading_.buffers || array.length < 0 || array.offset < 0) {
            throw_arrow("arrow.structure", name, "the array does not fit its schema");
        }
    }

    [[nodiscard]] ValueType type() const noexcept { return reading_.type; }
    [[nodiscard]] const ArrowArray& array() const noexcept { return array_; }
    [[nodiscard]] bool is_null(std::int64_t at) const noexcept {
        if (reading_.kind == Kind::Null) return true;
        return array_.null_count != 0 && array_.buffers[0] != nullptr && !bit(array_.buffers[0], at);
    }

    void append(ColumnData& to, ColumnMemory& memory, std::int64_t at) const {
        if (is_null(at)) return to.append_null(memory);
        switch (reading_.type) {
            case ValueType::Double:
                return to.append_fixed(memory, ValueType::Double, std::bit_cast<std::int64_t>(number(at)));
            case ValueType::Text:
            case ValueType::Json:
            case ValueType::Blob:
            case ValueType::Uuid:
                return to.append_bytes(memory, reading_.type, bytes(at));
            default:
                return to.append_fixed(memory, reading_.type, integer(at));
        }
    }

    /// Integers, bools, and times in the units of a row.
    [[nodiscard]] std::int64_t integer(std::int64_t at) const {
        const void* values = array_.buffers[1];
        switch (reading_.kind) {
            case Kind::Bool:
                return bit(values, at) ? 1 : 0;
            case Kind::Int8:
                return load<std::int8_t>(values, at);
            case Kind::UInt8:
                return load<std::uint8_t>(values, at);
            case Kind::Int16:
                return load<std::int16_t>(values, at);
            case Kind::UInt16:
                return load<std::uint16_t>(values, at);
            case Kind::Int32:
            case Kind::Date32:
                return load<std::int32_t>(values, at);
            case Kind::UInt32:
                return load<std::uint32_t>(values, at);
            case Kind::UInt64: {
                const auto value = load<std::uint64_t>(values, at);
                constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
                if (value > kMax) throw_arrow("arrow.range", name_, "an integer is past the end of int64");
                return static_cast<std::int64_t>(value);
            }
            case Kind::Seconds:
                return times(load<std::int64_t>(values, at), 1'000'000);
            case Kind::Millis:
                return times(load<std::int64_t>(values, at), 1000);
            case Kind::Nanos:
                return whole(load<std::int64_t>(values, at), 1000, "a timestamp is finer than microseconds");
            case Kind::Date64:
                return whole(load<std::int64_t>(values, at), kMillisPerDay, "a date is not a whole day");
            default:
                return load<std::int64_t>(values, at);
        }
    }

private:
    [[nodiscard]] double number(std::int64_t at) const noexcept {
        const void* values = array_.buffers[1];
        if (reading_.kind == Kind::Half) return from_half(load<std::uint16_t>(values, at));
        if (reading_.kind == Kind::Float) return static_cast<double>(load<float>(values, at));
        return load<double>(values, at);
    }

    [[nodiscard]] std::string_view bytes(std::int64_t at) const {
        const void* values = array_.buffers[1];
        switch (reading_.kind) {
            case Kind::FixedBytes: {
                const auto start = static_cast<std::size_t>(at) * reading_.fixed_bytes;
                return {static_cast<const char*>(values) + start, reading_.fixed_bytes};
            }
            case Kind::Bytes64:
                return slice(load<std::int64_t>(values, at), load<std::int64_t>(values, at + 1));
            case Kind::BytesView:
                return view(static_cast<const char*>(values) + at * 16);
            default:
                return slice(load<std::int32_t>(values, at), load<std::int32_t>(values, at + 1));
        }
    }
    [[nodiscard]] std::string_view slice(std::int64_t from, std::int64_t to) const {
        if (from < 0 || to < from) throw_arrow("arrow.structure", name_, "its offsets do not grow");
        return {static_cast<const char*>(array_.buffers[2]) + from, static_cast<std::size_t>(to - from)};
    }
    /// A size, and either up to 12 bytes, or their first 4, which buffer, and where in it.
    [[nodiscard]] std::string_view view(const char* stored) const {
        const auto size = load<std::int32_t>(stored, 0);
        if (size < 0) throw_arrow("arrow.structure", name_, "a text has a negative size");
        if (size <= 12) return {stored + 4, static_cast<std::size_t>(size)};
        const std::int64_t buffer = 2 + std::int64_t{load<std::int32_t>(stored, 2)};
        const auto from = load<std::int32_t>(stored, 3);
        if (buffer < 2 || buffer >= array_.n_buffers || from < 0) {
            throw_arrow("arrow.structure", name_, "a text points at a buffer that is not there");
        }
        return {static_cast<const char*>(array_.buffers[buffer]) + from, static_cast<std::size_t>(size)};
    }

    [[nodiscard]] std::int64_t times(std::int64_t value, std::int64_t factor) const {
        const std::int64_t limit = std::numeric_limits<std::int64_t>::max() / factor;
        if (value > limit || value < -limit) throw_arrow("arrow.range", name_, "a timestamp is out of range");
        return value * factor;
    }
    [[nodiscard]] std::int64_t whole(std::int64_t value, std::int64_t unit, const char* otherwise) const {
        if (value % unit != 0) throw_arrow("arrow.range", name_, otherwise);
        const std::int64_t units = value / unit;
        const bool is_day = reading_.kind == Kind::Date64;
        if (is_day && units != static_cast<std::int32_t>(units)) {
            throw_arrow("arrow.range", name_, "a date is out of range");
        }
        return units;
    }

    const ArrowArray& array_;
    std::string_view name_;
    Reading reading_;
};

/// A field of the struct: its cells, or their places in a dictionary.
struct Field {
    std::string_view name;
    Cells cells;
    std::optional<Cells> dictionary;

    Field(const ArrowSchema& schema, const ArrowArray& array)
        : name(schema.name == nullptr ? "" : schema.name), cells(schema, array, name) {
        if (schema.dictionary == nullptr) return;
        if (array.dictionary == nullptr || cells.type() != ValueType::Int64) {
            throw_arrow("arrow.structure", name, "the array does not fit its schema");
        }
        dictionary.emplace(*schema.dictionary, *array.dictionary, name);
    }
    [[nodiscard]] ValueType type() const noexcept { return dictionary ? dictionary->type() : cells.type(); }

    void append(ColumnData& to, ColumnMemory& memory, std::int64_t at) const {
        if (!dictionary || cells.is_null(at)) return cells.append(to, memory, at);
        const std::int64_t place = cells.integer(at);
        const ArrowArray& values = dictionary->array();
        if (place < 0 || place >= values.length) {
            throw_arrow("arrow.structure", name, "a cell points past its dictionary");
        }
        dictionary->append(to, memory, values.offset + place);
    }
};

RowSet rows_of(const ArrowArray& array, const ArrowSchema& schema) {
    const auto refuse = [](const char* message) { throw core::InvalidArgument("arrow.structure", message); };
    if (array.release == nullptr || schema.release == nullptr) refuse("the array was released before");
    if (schema.format == nullptr || std::string_view(schema.format) != "+s")
        refuse("rows come as a struct array");
    if (array.n_children != schema.n_children || array.length < 0 || array.offset < 0) {
        refuse("the array does not fit its schema");
    }
    if (array.n_buffers > 0 && array.buffers[0] != nullptr && array.null_count != 0) {
        for (std::int64_t row = 0; row < array.length; ++row) {
            if (!bit(array.buffers[0], array.offset + row)) refuse("a row is null as a whole");
        }
    }
    std::vector<Field> fields;
    std::vector<RowColumn> columns;
    for (std::int64_t i = 0; i < schema.n_children; ++i) {
        const Field& field = fields.emplace_back(*schema.children[i], *array.children[i]);
        if (array.children[i]->length < array.offset + array.length) {
            throw_arrow("arrow.structure", field.name, "it has fewer cells than there are rows");
        }
        columns.push_back({std::string(field.name), field.type()});
    }
    RowSetBuilder builder(std::move(columns), static_cast<std::size_t>(array.length));
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::int64_t first = array.offset + fields[i].cells.array().offset;
        for (std::int64_t row = 0; row < array.length; ++row) {
            fields[i].append(builder.column(i), builder.memory(), first + row);
        }
    }
    return std::move(builder).take();
}

/// Releases what was taken over.
template <class Struct>
class Guard {
public:
    explicit Guard(Struct* given) noexcept : given_(given) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() {
        if (given_->release != nullptr) given_->release(given_);
    }

private:
    Struct* given_;
};

}  // namespace

RowSet rows_of_arrow(ArrowArray* array, ArrowSchema* schema) {
    const Guard array_guard(array);
    const Guard schema_guard(schema);
    return rows_of(*array, *schema);
}

void rows_of_arrow(ArrowArrayStream* stream, const std::function<void(RowSet)>& take) {
    const Guard guard(stream);
    if (stream->release == nullptr) {
        throw core::InvalidArgument("arrow.structure", "the stream was released before");
    }
    const auto check = [&](int code) {
        if (code == 0) return;
        const char* message = stream->get_last_error(stream);
        throw core::StorageError("arrow.stream", message != nullptr ? message : "the stream of rows failed",
                                 {{"errno", code}});
    };
    ArrowSchema schema{};
    const Guard schema_guard(&schema);
    check(stream->get_schema(stream, &schema));
    while (true) {
        ArrowArray array{};
        const Guard array_guard(&array);
        check(stream->get_next(stream, &array));
        if (array.release == nullptr) return;
        take(rows_of(array, schema));
    }
}

}  // namespace consilia::data
