#include "consilia/data/row_set.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"

namespace consilia::data {
namespace {

using core::ValueType;

[[noreturn]] void throw_type(ValueType found, std::string_view wanted) {
    throw core::InvalidArgument(
        "row.type", "the cell is `" + std::string(to_string(found)) + "`, wanted " + std::string(wanted),
        {{"found", to_string(found)}, {"wanted", wanted}});
}

std::vector<std::byte> to_bytes(std::string_view text) {
    const auto* data = reinterpret_cast<const std::byte*>(text.data());
    return {data, data + text.size()};
}

}  // namespace

std::size_t RowSet::column_index(std::string_view name) const {
    const auto found = std::find_if(columns_->begin(), columns_->end(),
                                    [&](const RowColumn& column) { return column.name == name; });
    if (found == columns_->end()) {
        throw core::InvalidArgument(
            "row.unknown_column", "the result has no column `" + std::string(name) + "`", {{"column", name}});
    }
    return static_cast<std::size_t>(found - columns_->begin());
}

const RowSet::Cell& RowSet::at(std::size_t row, std::size_t column) const {
    if (row >= row_count_ || column >= columns_->size()) {
        throw core::InvalidArgument(
            "row.range", "there is no such cell",
            {{"row", static_cast<std::int64_t>(row)}, {"column", static_cast<std::int64_t>(column)}});
    }
    return cells_[row * columns_->size() + column];
}

std::int64_t RowSet::int64(std::size_t row, std::size_t column) const {
    const Cell& cell = at(row, column);
    if (cell.type != ValueType::Int64 && cell.type != ValueType::Bool && cell.type != ValueType::Timestamp) {
        throw_type(cell.type, "an integer");
    }
    return cell.bits;
}

double RowSet::number(std::size_t row, std::size_t column) const {
    const Cell& cell = at(row, column);
    if (cell.type == ValueType::Int64) return static_cast<double>(cell.bits);
    if (cell.type != ValueType::Double) throw_type(cell.type, "a number");
    return std::bit_cast<double>(cell.bits);
}

std::string_view RowSet::text(std::size_t row, std::size_t column) const {
    const Cell& cell = at(row, column);
    const bool is_text =
        cell.type == ValueType::Text || cell.type == ValueType::Json || cell.type == ValueType::Date;
    if (!is_text) throw_type(cell.type, "text");
    return bytes(cell);
}

core::Value RowSet::value(std::size_t row, std::size_t column) const {
    const Cell& cell = at(row, column);
    switch (cell.type) {
        case ValueType::Null:
            return {};
        case ValueType::Bool:
            return cell.bits != 0;
        case ValueType::Int64:
            return cell.bits;
        case ValueType::Double:
            return std::bit_cast<double>(cell.bits);
        case ValueType::Text:
            return bytes(cell);
        case ValueType::Blob:
            return core::Blob{to_bytes(bytes(cell))};
        case ValueType::Date:
            return core::parse_date(bytes(cell));
        case ValueType::Timestamp:
            return core::Timestamp{cell.bits};
        case ValueType::Json:
            return core::Json{std::string(bytes(cell))};
        case ValueType::Uuid: {
            core::Uuid uuid;
            const std::string_view stored = bytes(cell);
            if (stored.size() != uuid.bytes.size()) throw_type(cell.type, "16 bytes");
            std::memcpy(uuid.bytes.data(), stored.data(), uuid.bytes.size());
            return uuid;
        }
    }
    return {};
}

void RowSet::append_bytes(ValueType type, std::string_view bytes) {
    if (bytes.size() > std::numeric_limits<std::uint32_t>::max()) {
        throw core::ResourceExhausted("row.too_large", "a cell holds more than 4 GiB");
    }
    add({type, static_cast<std::uint32_t>(bytes.size()), static_cast<std::int64_t>(arena_.size())});
    arena_ += bytes;
}

void RowSet::reserve(std::size_t cells, std::size_t bytes) {
    cells_.reserve(cells);
    arena_.reserve(bytes);
}

}  // namespace consilia::data
