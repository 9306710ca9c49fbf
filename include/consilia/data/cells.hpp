#pragma once
// Typed values straight in and out of a running statement: no value object and no allocation between.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::data {

/// The cells of the row that a statement stands on. Views live until the statement moves on. Threading:
/// confined.
class CONSILIA_API CellReader {
public:
    explicit CellReader(void* statement) noexcept : statement_(statement) {}
    [[nodiscard]] bool is_null(int column) const noexcept;
    [[nodiscard]] std::int64_t int64(int column) const noexcept;
    [[nodiscard]] double number(int column) const noexcept;
    [[nodiscard]] std::string_view text(int column) const noexcept;
    [[nodiscard]] std::span<const std::byte> bytes(int column) const noexcept;

private:
    void* statement_;  ///< Of the database's C API.
};

/// The placeholders of a statement, numbered from 0. Text and bytes are borrowed until the statement has run.
/// @throws as `Session::execute`. Threading: confined.
class CONSILIA_API CellWriter {
public:
    explicit CellWriter(void* statement) noexcept : statement_(statement) {}
    void null(int place);
    void int64(int place, std::int64_t value);
    void number(int place, double value);
    void text(int place, std::string_view value);
    /// As `text`, but copied: for a value that does not outlive the call.
    void text_copy(int place, std::string_view value);
    void bytes(int place, std::span<const std::byte> value);
    void value(int place, const core::Value& value);

private:
    void check(int code) const;
    void* statement_;  ///< Of the database's C API.
};

/// A function that is borrowed for a call; null: none.
template <class Argument>
class Borrowed {
public:
    Borrowed(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
    template <class F>
    requires(std::is_invocable_v<F&, Argument> && !std::is_same_v<std::remove_cvref_t<F>, Borrowed>)
        Borrowed(F&& function)
    noexcept  // NOLINT(google-explicit-constructor)
        : object_(const_cast<void*>(static_cast<const void*>(&function))),
          call_([](void* object, Argument argument) {
              (*static_cast<std::remove_reference_t<F>*>(object))(argument);
          }) {}

    explicit operator bool() const noexcept { return call_ != nullptr; }
    void operator()(Argument argument) const { call_(object_, argument); }

private:
    void* object_ = nullptr;
    void (*call_)(void*, Argument) = nullptr;
};

using BindCells = Borrowed<CellWriter&>;
using ReadCells = Borrowed<const CellReader&>;

}  // namespace consilia::data
