#include "consilia/data/row_set.hpp"

#include <algorithm>
#include <optional>

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

std::optional<core::Date> date_of_text(std::string_view text) {
    try {
        return core::parse_date(text);
    } catch (const core::InvalidArgument&) {
        return std::nullopt;  // Kept as it is; the reader of the cell decides.
    }
}

}  // namespace

RowSet::RowSet(std::shared_ptr<const std::vector<RowColumn>> columns) : columns_(std::move(columns)) {
    data_.reserve(columns_->size());
    for (const RowColumn& column : *columns_) data_.emplace_back(column.type);
    next_ = data_.data();
    end_ = next_ + data_.size();
}

std::size_t RowSet::column_index(std::string_view name) const {
    const auto found = std::find_if(columns_->begin(), columns_->end(),
                                    [&](const RowColumn& column) { return column.name == name; });
    if (found == columns_->end()) {
        throw core::InvalidArgument(
            "row.unknown_column", "the result has no column `" + std::string(name) + "`", {{"column", name}});
    }
    return static_cast<std::size_t>(found - columns_->begin());
}

void RowSet::throw_range(std::size_t row, std::size_t column) {
    throw core::InvalidArgument(
        "row.range", "there is no such cell",
        {{"row", static_cast<std::int64_t>(row)}, {"column", static_cast<std::int64_t>(column)}});
}

std::int64_t RowSet::int64(std::size_t row, std::size_t column) const {
    const ColumnData& data = at(row, column);
    const ValueType type = data.type(row);
    if (type != ValueType::Int64 && type != ValueType::Bool && type != ValueType::Timestamp) {
        throw_type(type, "an integer");
    }
    return data.int64(row);
}

double RowSet::number(std::size_t row, std::size_t column) const {
    const ColumnData& data = at(row, column);
    const ValueType type = data.type(row);
    if (type == ValueType::Int64) return static_cast<double>(data.int64(row));
    if (type != ValueType::Double) throw_type(type, "a number");
    return data.number(row);
}

std::string_view RowSet::text(std::size_t row, std::size_t column) const {
    const ColumnData& data = at(row, column);
    const ValueType type = data.type(row);
    if (type != ValueType::Text && type != ValueType::Json) throw_type(type, "text");
    return data.bytes(row);
}

core::Date RowSet::date(std::size_t row, std::size_t column) const {
    const ColumnData& data = at(row, column);
    if (data.type(row) != ValueType::Date) throw_type(data.type(row), "a date");
    return data.date(row);
}

core::Uuid RowSet::uuid(std::size_t row, std::size_t column) const {
    const ColumnData& data = at(row, column);
    if (data.type(row) != ValueType::Uuid) throw_type(data.type(row), "a uuid");
    return data.uuid(row);
}

core::Value RowSet::value(std::size_t row, std::size_t column) const {
    const ColumnData& data = at(row, column);
    switch (data.type(row)) {
        case ValueType::Null:
            return {};
        case ValueType::Bool:
            return data.int64(row) != 0;
        case ValueType::Int64:
            return data.int64(row);
        case ValueType::Double:
            return data.number(row);
        case ValueType::Text:
            return data.bytes(row);
        case ValueType::Blob: {
            const auto bytes = std::as_bytes(std::span(data.bytes(row)));
            return core::Blob{{bytes.begin(), bytes.end()}};
        }
        case ValueType::Date:
            return data.date(row);
        case ValueType::Timestamp:
            return core::Timestamp{data.int64(row)};
        case ValueType::Json:
            return core::Json{std::string(data.bytes(row))};
        case ValueType::Uuid:
            return data.uuid(row);
    }
    return {};
}

const ColumnData& RowSet::column(std::size_t column) const {
    if (column >= data_.size()) throw_range(0, column);
    return data_[column];
}

template <class T>
std::span<const T> RowSet::cells(std::size_t column, bool is_of_type, std::string_view wanted) const {
    if (!is_of_type) throw_type(data_[column].type(), wanted);
    return {reinterpret_cast<const T*>(data_[column].values_buffer()), row_count_};
}

std::span<const std::int64_t> RowSet::int64s(std::size_t column) const {
    const ValueType type = this->column(column).type();
    return cells<std::int64_t>(column, type == ValueType::Int64 || type == ValueType::Timestamp,
                               "a column of integers or timestamps");
}

std::span<const double> RowSet::doubles(std::size_t column) const {
    const bool is_of_type = this->column(column).type() == ValueType::Double;
    return cells<double>(column, is_of_type, "a column of doubles");
}

std::span<const core::Date> RowSet::dates(std::size_t column) const {
    const bool is_of_type = this->column(column).type() == ValueType::Date;
    return cells<core::Date>(column, is_of_type, "a column of dates");
}

std::span<const core::Uuid> RowSet::uuids(std::size_t column) const {
    const bool is_of_type = this->column(column).type() == ValueType::Uuid;
    return cells<core::Uuid>(column, is_of_type, "a column of uuids");
}

void RowSet::append_date_text(std::string_view text) {
    if (const auto date = date_of_text(text)) return append_date(*date);
    append_bytes(ValueType::Text, text);
}

void RowSet::append(const core::Value& value) {
    switch (value.type()) {
        case ValueType::Null:
            return append_null();
        case ValueType::Bool:
            return append_int64(ValueType::Bool, value.as<bool>() ? 1 : 0);
        case ValueType::Int64:
            return append_int64(ValueType::Int64, value.as<std::int64_t>());
        case ValueType::Double:
            return append_double(value.as<double>());
        case ValueType::Text:
            return append_bytes(ValueType::Text, value.as<std::string>());
        case ValueType::Json:
            return append_bytes(ValueType::Json, value.as<core::Json>().text);
        case ValueType::Date:
            return append_date(value.as<core::Date>());
        case ValueType::Timestamp:
            return append_int64(ValueType::Timestamp, value.as<core::Timestamp>().microseconds);
        case ValueType::Uuid:
            return append_uuid(value.as<core::Uuid>());
        case ValueType::Blob: {
            const auto& bytes = value.as<core::Blob>().bytes;
            return append_bytes(ValueType::Blob, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        }
    }
}

RowSet RowSet::take() {
    if (cells_of_row() != 0) {
        throw core::InvalidArgument("row.incomplete", "a row is being appended: rows are taken between two");
    }
    RowSet rest(columns_);
    for (std::size_t i = 0; i < data_.size(); ++i) {
        if (rest.data_[i].type() == ValueType::Null) rest.data_[i] = ColumnData(data_[i].type());
    }
    RowSetExtent extent;
    measure(extent);
    rest.reserve(extent);
    std::swap(*this, rest);
    return rest;
}

void RowSet::reserve(const RowSetExtent& extent) {
    memory_.expect(extent.rows, extent.shared_bytes);
    if (extent.columns.size() != data_.size()) return;
    for (std::size_t i = 0; i < data_.size(); ++i) data_[i].reserve(memory_, extent.rows, extent.columns[i]);
}

void RowSet::measure(RowSetExtent& extent) const {
    const std::size_t rows_max = kReservedMax / std::max<std::size_t>(data_.size(), 1);
    extent.rows = std::min(row_count_, rows_max);
    extent.shared_bytes = std::min(memory_.shared_bytes(), kReservedMax);
    extent.columns.clear();
    if (row_count_ > rows_max) return;  // A long result is as fast when it grows.
    for (const ColumnData& column : data_) {
        extent.columns.push_back(column.extent());
        extent.columns.back().bytes = std::min(extent.columns.back().bytes, kReservedMax);
    }
}

}  // namespace consilia::data
