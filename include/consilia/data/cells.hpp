#pragma once
// Typed values straight in and out of a running statement: no value object and no allocation between.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "consilia/core/export.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/core/value.hpp"

namespace consilia::data {

/// The cells of the row that a statement stands on. Views live until the statement moves on. What is stored
/// is converted to what is asked for as SQLite does it; null is zero and empty.
/// @throws StorageError (`database.value`) for a stored value that has no such form. Threading: confined.
class CONSILIA_API CellReader {
public:
    /// `source` is private to the connection that made it.
    CellReader(void* source, core::SqlDialect dialect) noexcept : source_(source), dialect_(dialect) {}
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] bool boolean(int column) const { return int64(column) != 0; }
    /// Of a timestamp: its microseconds; of a bool 0 or 1.
    [[nodiscard]] std::int64_t int64(int column) const;
    [[nodiscard]] double number(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::span<const std::byte> bytes(int column) const;
    [[nodiscard]] core::Date date(int column) const;
    [[nodiscard]] core::Timestamp timestamp(int column) const { return {int64(column)}; }
    [[nodiscard]] core::Uuid uuid(int column) const;

private:
    [[nodiscard]] bool is_sqlite() const noexcept { return dialect_ == core::SqlDialect::Sqlite; }

    void* source_;
    core::SqlDialect dialect_;  ///< A branch that is always taken alike: cheaper than a virtual call a cell.
};

/// The placeholders of a statement, numbered from 0. Text and bytes are borrowed until the statement has run.
/// A place that is not written is null, and so is a number that is none (NaN). Values are stored in the form
/// of the database, and on PostgreSQL in that of the place's type.
/// @throws as `Session::execute`; on PostgreSQL ValidationError for a text with a zero byte (`database.text`)
/// and for a number past the end of the place's type (`database.value`). Threading: confined.
class CONSILIA_API CellWriter {
public:
    /// `target` is private to the connection that made it.
    CellWriter(void* target, core::SqlDialect dialect) noexcept : target_(target), dialect_(dialect) {}
    void null(int place);
    void boolean(int place, bool value);
    void int64(int place, std::int64_t value);
    void number(int place, double value);
    void text(int place, std::string_view value);
    /// As `text`, but copied: for a value that does not outlive the call.
    void text_copy(int place, std::string_view value);
    void json(int place, std::string_view value) { text(place, value); }
    void bytes(int place, std::span<const std::byte> value);
    void date(int place, core::Date value);
    void timestamp(int place, core::Timestamp value);
    /// Borrowed, as bytes are.
    void uuid(int place, const core::Uuid& value);
    void value(int place, const core::Value& value);

private:
    [[nodiscard]] bool is_sqlite() const noexcept { return dialect_ == core::SqlDialect::Sqlite; }
    friend class SqliteConnection;
    static constexpr int kPlacesTracked = 63;
    void written(int place, int code);
    /// Makes those of the first `places` null that were not written since the last row: cheaper than to clear
    /// them all. At most `kPlacesTracked`.
    void end_row(int places);

    void* target_;
    core::SqlDialect dialect_;
    std::uint64_t written_ = 0;  ///< A bit for each place of a row; SQLite.
};

/// A function that is borrowed for a call; null: none.
template <class Argument, class Result = void>
class Borrowed {
public:
    Borrowed(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
    template <class F>
    requires(std::is_invocable_r_v<Result, F&, Argument> && !std::is_same_v<std::remove_cvref_t<F>, Borrowed>)
        Borrowed(F&& function)
    noexcept  // NOLINT(google-explicit-constructor)
        : object_(const_cast<void*>(static_cast<const void*>(&function))),
          call_([](void* object, Argument argument) -> Result {
              return static_cast<Result>((*static_cast<std::remove_reference_t<F>*>(object))(argument));
          }) {}

    explicit operator bool() const noexcept { return call_ != nullptr; }
    Result operator()(Argument argument) const { return call_(object_, argument); }

private:
    void* object_ = nullptr;
    Result (*call_)(void*, Argument) = nullptr;
};

using BindCells = Borrowed<CellWriter&>;
using ReadCells = Borrowed<const CellReader&>;
/// Binds the next row and answers whether there was one.
using NextRow = Borrowed<CellWriter&, bool>;

}  // namespace consilia::data
