#pragma once
// What a program without our layer would write: prepared statements and rows on the C API of SQLite.
#include <sqlite3.h>

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "clinic.hpp"
#include "consilia/core/value.hpp"

namespace consilia::bench {

/// A statement of the clinic's raw connection. Bound texts are borrowed. Threading: confined.
class RawStatement {
public:
    explicit RawStatement(const std::string& sql) : statement_(Clinic::instance().prepare(sql)) {}
    ~RawStatement() { sqlite3_finalize(statement_); }
    RawStatement(const RawStatement&) = delete;
    RawStatement& operator=(const RawStatement&) = delete;

    void bind(int place, std::int64_t value) const { sqlite3_bind_int64(statement_, place + 1, value); }
    void bind(int place, double value) const { sqlite3_bind_double(statement_, place + 1, value); }
    void bind(int place, std::string_view value) const {
        sqlite3_bind_text(statement_, place + 1, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    }
    /// Integers, bools and texts.
    void bind_all(std::span<const core::Value> values) const {
        for (std::size_t i = 0; i < values.size(); ++i) {
            const int place = static_cast<int>(i);
            switch (values[i].type()) {
                case core::ValueType::Text:
                    bind(place, std::string_view(values[i].as<std::string>()));
                    break;
                case core::ValueType::Bool:
                    bind(place, std::int64_t{values[i].as<bool>()});
                    break;
                default:
                    bind(place, values[i].as<std::int64_t>());
            }
        }
    }
    /// Moves on to the next row; afterwards bound again. @return whether there is one.
    [[nodiscard]] bool step() const { return sqlite3_step(statement_) == SQLITE_ROW; }
    /// Runs a statement that gives no rows. @return whether it succeeded.
    [[nodiscard]] bool run() const {
        const bool is_done = sqlite3_step(statement_) == SQLITE_DONE;
        reset();
        return is_done;
    }
    void reset() const { sqlite3_reset(statement_); }

    [[nodiscard]] bool is_null(int column) const {
        return sqlite3_column_type(statement_, column) == SQLITE_NULL;
    }
    [[nodiscard]] std::int64_t int64(int column) const { return sqlite3_column_int64(statement_, column); }
    [[nodiscard]] double number(int column) const { return sqlite3_column_double(statement_, column); }
    [[nodiscard]] std::string_view text(int column) const {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }

private:
    sqlite3_stmt* statement_;
};

/// Rows that are kept: the numbers in one array, the texts behind one another in one buffer. `kinds` says
/// what the columns hold, as a program that knows its statement would: `i` integer, `n` integer or null, `d`
/// double, `t` text.
class RawRows {
public:
    explicit RawRows(std::string_view kinds, std::size_t rows = 0) : kinds_(kinds) {
        cells_.reserve(rows * kinds.size());
        texts_.reserve(rows * kinds.size() * 12);
    }

    void append_all(const RawStatement& statement) {
        while (statement.step()) append(statement);
        statement.reset();
    }
    void append(const RawStatement& statement) {
        int column = 0;
        for (const char kind : kinds_) append_cell(statement, column++, kind);
    }
    [[nodiscard]] std::size_t size() const noexcept { return cells_.size() / kinds_.size(); }
    [[nodiscard]] std::int64_t int64(std::size_t row, std::size_t column) const {
        return cells_[row * kinds_.size() + column].bits;
    }

private:
    struct Cell {
        std::int64_t bits;  ///< Of a text: where it begins.
        std::uint32_t size = 0;
        bool is_null = false;
    };
    void append_cell(const RawStatement& statement, int column, char kind) {
        if (kind == 't') {
            const std::string_view text = statement.text(column);
            cells_.push_back(
                {static_cast<std::int64_t>(texts_.size()), static_cast<std::uint32_t>(text.size())});
            texts_ += text;
        } else if (kind == 'd') {
            cells_.push_back({std::bit_cast<std::int64_t>(statement.number(column))});
        } else if (kind == 'n' && statement.is_null(column)) {
            cells_.push_back({.bits = 0, .is_null = true});
        } else {
            cells_.push_back({statement.int64(column)});
        }
    }

    std::string_view kinds_;
    std::vector<Cell> cells_;
    std::string texts_;
};

}  // namespace consilia::bench
