#pragma once
// The one row format: the result of a query as typed cells over one arena, without an allocation per value.
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::data {

/// A column of a result: its dotted path from the queried model (`xray.patient.full_name`) and its declared
/// type.
struct RowColumn {
    std::string name;
    core::ValueType type = core::ValueType::Null;  ///< Null: not declared, as for trusted SQL.
};

/// Rows of a result. Cheap to move. Threading: compatible.
class CONSILIA_API RowSet {
public:
    explicit RowSet(std::vector<RowColumn> columns = {})
        : RowSet(std::make_shared<const std::vector<RowColumn>>(std::move(columns))) {}
    /// Shares the columns with other results of one query.
    explicit RowSet(std::shared_ptr<const std::vector<RowColumn>> columns) noexcept
        : columns_(std::move(columns)) {}

    [[nodiscard]] std::size_t size() const noexcept { return row_count_; }
    [[nodiscard]] bool empty() const noexcept { return row_count_ == 0; }
    [[nodiscard]] std::span<const RowColumn> columns() const noexcept { return *columns_; }
    /// @throws InvalidArgument (`row.unknown_column`) with the name.
    [[nodiscard]] std::size_t column_index(std::string_view name) const;

    [[nodiscard]] core::ValueType type(std::size_t row, std::size_t column) const {
        return at(row, column).type;
    }
    [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const {
        return at(row, column).type == core::ValueType::Null;
    }
    /// Integers, bools (0 or 1) and timestamps (microseconds). @throws InvalidArgument (`row.type`) for other
    /// cells.
    [[nodiscard]] std::int64_t int64(std::size_t row, std::size_t column) const;
    /// Doubles and integers. @throws InvalidArgument (`row.type`).
    [[nodiscard]] double number(std::size_t row, std::size_t column) const;
    /// Text, JSON and dates (`YYYY-MM-DD`); lives as long as the row set. @throws InvalidArgument
    /// (`row.type`).
    [[nodiscard]] std::string_view text(std::size_t row, std::size_t column) const;
    /// A copy of the cell as a value of its own.
    [[nodiscard]] core::Value value(std::size_t row, std::size_t column) const;

    /// Appends the cells of a row from left to right; for readers of other stores.
    void append_null() { add({core::ValueType::Null, 0, 0}); }
    void append_int64(core::ValueType type, std::int64_t value) { add({type, 0, value}); }
    void append_double(double value) {
        add({core::ValueType::Double, 0, std::bit_cast<std::int64_t>(value)});
    }
    void append_bytes(core::ValueType type, std::string_view bytes);
    /// Makes room for this many cells and bytes of text in all.
    void reserve(std::size_t cells, std::size_t bytes);
    [[nodiscard]] std::size_t cell_count() const noexcept { return cells_.size(); }
    [[nodiscard]] std::size_t arena_bytes() const noexcept { return arena_.size(); }

private:
    struct Cell {
        core::ValueType type = core::ValueType::Null;
        std::uint32_t size = 0;  ///< Of bytes in the arena.
        std::int64_t bits = 0;   ///< The number itself, or the offset in the arena.
    };
    [[nodiscard]] const Cell& at(std::size_t row, std::size_t column) const;
    [[nodiscard]] std::string_view bytes(const Cell& cell) const noexcept {
        return {arena_.data() + cell.bits, cell.size};
    }
    void add(Cell cell) {
        cells_.push_back(cell);
        if (++row_cells_ == columns_->size()) {
            row_cells_ = 0;
            ++row_count_;
        }
    }

    std::shared_ptr<const std::vector<RowColumn>> columns_;
    std::vector<Cell> cells_;  ///< Row by row.
    std::string arena_;
    std::size_t row_count_ = 0;
    std::size_t row_cells_ = 0;  ///< Cells of the row that is being appended.
};

/// Appends row `row` as a JSON object to `out`; the columns `a.b` and `a.c` become `"a": {"b", "c"}`, null as
/// a whole if all of its columns are. Columns of one object must stand together. JSON cells are written as
/// they are.
CONSILIA_API void append_json(std::string& out, const RowSet& rows, std::size_t row);
/// All rows as a JSON array of objects.
CONSILIA_API std::string to_json(const RowSet& rows);

}  // namespace consilia::data
