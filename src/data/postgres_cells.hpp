#pragma once
// PostgreSQL's binary forms of values (src/backend/utils/adt/*.c, the `_send` and `_recv` functions of each
// type), read and written. Numbers are big-endian; days and microseconds are counted from 2000-01-01.
#include <libpq-fe.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/value.hpp"
#include "consilia/data/row_set.hpp"

namespace consilia::data {

/// The binary forms that are understood; `Other` can be bound, as text, but not read.
enum class PostgresForm : std::uint8_t {
    Other,
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    Json,
    Jsonb,
    Bytea,
    Date,
    Timestamp,
    Uuid,
    Void,
};

/// The form of a built-in type.
[[nodiscard]] PostgresForm postgres_form(::Oid type) noexcept;

/// One row of a result: what `CellReader` reads. The functions convert as SQLite does.
/// @throws StorageError (`database.value`).
class PostgresRow {
public:
    PostgresRow(const PGresult* result, int row, std::span<const PostgresForm> forms) noexcept
        : result_(result), row_(row), forms_(forms) {}

    [[nodiscard]] bool is_null(int column) const noexcept;
    [[nodiscard]] std::int64_t int64(int column) const;
    [[nodiscard]] double number(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::string_view bytes(int column) const;
    [[nodiscard]] core::Date date(int column) const;
    /// Appends a cell as it is stored, under the declared type where it fits what is stored.
    void append_to(RowSet& rows, int column, core::ValueType declared) const;

private:
    [[nodiscard]] PostgresForm form(int column) const noexcept;
    [[nodiscard]] const char* data(int column) const noexcept { return PQgetvalue(result_, row_, column); }
    [[nodiscard]] std::string_view raw(int column) const noexcept;
    [[nodiscard]] std::int64_t timestamp(int column) const;
    std::string_view keep(std::string made) const;

    const PGresult* result_;
    int row_;
    std::span<const PostgresForm> forms_;
    mutable std::forward_list<std::string> made_;  ///< Texts of cells that are none, for as long as the row.
};

/// The bound values of one statement: what `CellWriter` writes. Each place is given in the binary form of its
/// type, and as text, which the server converts, where that form is not known.
class PostgresParameters {
public:
    explicit PostgresParameters(std::vector<::Oid> types);

    void clear() noexcept;  ///< All null.
    void null(int place);
    void boolean(int place, bool value);
    void int64(int place, std::int64_t value);
    void number(int place, double value);
    void text(int place, std::string_view value);
    void text_copy(int place, std::string_view value);
    void bytes(int place, std::span<const std::byte> value);
    void date(int place, core::Date value);
    void timestamp(int place, core::Timestamp value);
    void uuid(int place, const core::Uuid& value);

    [[nodiscard]] int size() const noexcept { return static_cast<int>(types_.size()); }
    [[nodiscard]] std::span<const PostgresForm> forms() const noexcept { return forms_; }
    [[nodiscard]] const ::Oid* types() const noexcept { return types_.data(); }
    [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }
    [[nodiscard]] const int* lengths() const noexcept { return lengths_.data(); }
    [[nodiscard]] const int* formats() const noexcept { return formats_.data(); }

private:
    [[nodiscard]] std::size_t checked(int place) const;
    void set(std::size_t at, const char* data, std::size_t size) noexcept;
    template <class Unsigned>
    void set_number(std::size_t at, Unsigned value) noexcept;
    /// A text for the server to convert, or for a place that is text.
    void set_copy(std::size_t at, std::string text);
    void set_text(std::size_t at, std::string_view value, bool is_kept);

    std::vector<::Oid> types_;
    std::vector<PostgresForm> forms_;
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;  ///< 1: binary, 0: text.
    std::vector<std::array<char, 16>> numbers_;
    std::vector<std::string> copies_;
};

}  // namespace consilia::data
