#pragma once
// The one row format: the result of a query as typed columns, without an allocation per value.
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/column_data.hpp"

namespace consilia::data {

/// A column of a result: its dotted path from the queried model (`xray.patient.full_name`) and its declared
/// type.
struct RowColumn {
    std::string name;
    core::ValueType type = core::ValueType::Null;  ///< Null: not declared, as for trusted SQL.
};

/// What a result took, so that the next one like it finds its room at once.
struct RowSetExtent {
    std::size_t rows = 0;
    std::size_t shared_bytes = 0;  ///< Of the memory that columns share.
    std::vector<ColumnData::Extent> columns{};
};

/// Rows of a result, kept by column in the layout of Arrow. Cheap to move. Threading: compatible.
///
/// Readers by row and column check both and the cell's type. Hot loops take a column at once: a span
/// (`int64s`, `doubles`, …) or `column`, whose readers check nothing.
class CONSILIA_API RowSet {
public:
    explicit RowSet(std::vector<RowColumn> columns = {})
        : RowSet(std::make_shared<const std::vector<RowColumn>>(std::move(columns))) {}
    /// Shares the columns with other results of one query.
    explicit RowSet(std::shared_ptr<const std::vector<RowColumn>> columns);
    RowSet(RowSet&&) noexcept = default;
    RowSet& operator=(RowSet&&) noexcept = default;

    [[nodiscard]] std::size_t size() const noexcept { return row_count_; }
    [[nodiscard]] bool empty() const noexcept { return row_count_ == 0; }
    [[nodiscard]] std::span<const RowColumn> columns() const noexcept { return *columns_; }
    /// @throws InvalidArgument (`row.unknown_column`) with the name.
    [[nodiscard]] std::size_t column_index(std::string_view name) const;

    [[nodiscard]] core::ValueType type(std::size_t row, std::size_t column) const {
        return at(row, column).type(row);
    }
    [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const {
        return at(row, column).is_null(row);
    }
    /// Integers, bools (0 or 1) and timestamps (microseconds). @throws InvalidArgument (`row.type`) for other
    /// cells.
    [[nodiscard]] std::int64_t int64(std::size_t row, std::size_t column) const;
    /// Doubles and integers. @throws InvalidArgument (`row.type`).
    [[nodiscard]] double number(std::size_t row, std::size_t column) const;
    /// Text and JSON; lives as long as the row set. @throws InvalidArgument (`row.type`).
    [[nodiscard]] std::string_view text(std::size_t row, std::size_t column) const;
    /// @throws InvalidArgument (`row.type`).
    [[nodiscard]] core::Date date(std::size_t row, std::size_t column) const;
    /// @throws InvalidArgument (`row.type`).
    [[nodiscard]] core::Uuid uuid(std::size_t row, std::size_t column) const;
    /// A copy of the cell as a value of its own.
    [[nodiscard]] core::Value value(std::size_t row, std::size_t column) const;

    /// The cells of a column, for loops that check once. @throws InvalidArgument (`row.range`).
    [[nodiscard]] const ColumnData& column(std::size_t column) const;
    /// All cells of a column of integers or timestamps, as they lie; a null cell is 0, and
    /// `column(i).is_null` tells. @throws InvalidArgument (`row.type`) for a column of another type, and
    /// where types are mixed.
    [[nodiscard]] std::span<const std::int64_t> int64s(std::size_t column) const;
    /// As `int64s`, of doubles.
    [[nodiscard]] std::span<const double> doubles(std::size_t column) const;
    /// As `int64s`, of dates; a null cell is 1970-01-01.
    [[nodiscard]] std::span<const core::Date> dates(std::size_t column) const;
    /// As `int64s`, of identifiers; a null cell is all zeros.
    [[nodiscard]] std::span<const core::Uuid> uuids(std::size_t column) const;

    /// Appends the cells of a row from left to right; for readers of other stores. After an exception the row
    /// set can only be destroyed. @throws std::bad_alloc.
    void append_null() {
        next().append_null(memory_);
        end_cell();
    }
    /// Integers, timestamps (microseconds) and bools (all but 0 are true).
    void append_int64(core::ValueType type, std::int64_t value) {
        next().append_fixed(memory_, type, value);
        end_cell();
    }
    void append_double(double value) {
        next().append_fixed(memory_, core::ValueType::Double, std::bit_cast<std::int64_t>(value));
        end_cell();
    }
    void append_date(core::Date value) {
        next().append_fixed(memory_, core::ValueType::Date, value.days);
        end_cell();
    }
    void append_uuid(const core::Uuid& value) {
        append_bytes(core::ValueType::Uuid,
                     {reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
    }
    /// Text, JSON, blobs, 16 bytes of an identifier, and dates as `YYYY-MM-DD`. What is not an identifier is
    /// kept as a blob, what is not a date as text. @throws ResourceExhausted (`row.too_large`) above 4 GiB.
    void append_bytes(core::ValueType type, std::string_view bytes) {
        if (type == core::ValueType::Date) return append_date_text(bytes);
        next().append_bytes(memory_, type, bytes);
        end_cell();
    }
    /// Any value, by its type.
    void append(const core::Value& value);
    /// Gives the rows and goes on without any, for reading in chunks: room is kept in mind, and so are the
    /// types that undeclared columns were found to have. @throws InvalidArgument (`row.incomplete`) within a
    /// row.
    [[nodiscard]] RowSet take();

    /// Makes room, before the first cell, for a result that took so much. @throws std::bad_alloc.
    void reserve(const RowSetExtent& extent);
    /// Tells what these rows took, up to `kReservedMax` cells, and as many bytes a column.
    void measure(RowSetExtent& extent) const;
    static constexpr std::size_t kReservedMax = std::size_t{1} << 16;

private:
    friend class RowSetBuilder;  // Private: fills a row set by column.

    [[nodiscard]] const ColumnData& at(std::size_t row, std::size_t column) const {
        if (row >= row_count_ || column >= data_.size()) throw_range(row, column);
        return data_[column];
    }
    [[noreturn]] static void throw_range(std::size_t row, std::size_t column);
    template <class T>
    [[nodiscard]] std::span<const T> cells(std::size_t column, bool is_of_type,
                                           std::string_view wanted) const;
    void append_date_text(std::string_view text);
    [[nodiscard]] ColumnData& next() noexcept { return *next_; }
    void end_cell() noexcept {
        if (++next_ == end_) {
            next_ = data_.data();
            ++row_count_;
        }
    }
    /// Of the row that is being appended.
    [[nodiscard]] std::size_t cells_of_row() const noexcept {
        return static_cast<std::size_t>(next_ - data_.data());
    }

    std::shared_ptr<const std::vector<RowColumn>> columns_;
    std::vector<ColumnData> data_;
    ColumnMemory memory_;
    std::size_t row_count_ = 0;
    ColumnData* next_;       ///< Takes the next cell. Pointers, because an index into columns of this size
    const ColumnData* end_;  ///< costs a tenth of a page.
};

/// Appends row `row` as a JSON object to `out`; the columns `a.b` and `a.c` become `"a": {"b", "c"}`, null as
/// a whole if all of its columns are. Columns of one object must stand together. JSON cells are written as
/// they are.
CONSILIA_API void append_json(std::string& out, const RowSet& rows, std::size_t row);
/// Appends all rows as a JSON array of objects.
CONSILIA_API void append_json(std::string& out, const RowSet& rows);
/// All rows as a JSON array of objects.
CONSILIA_API std::string to_json(const RowSet& rows);

}  // namespace consilia::data
