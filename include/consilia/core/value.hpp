#pragma once
// One value of a record: what a column holds, a parameter carries and an expression compares.
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "consilia/core/export.hpp"

namespace consilia::core {

/// A calendar day, as days since 1970-01-01 (proleptic Gregorian calendar).
struct Date {
    std::int32_t days = 0;
    auto operator<=>(const Date&) const = default;
};

/// An instant in UTC, as microseconds since 1970-01-01T00:00:00Z (leap seconds are not counted).
struct Timestamp {
    std::int64_t microseconds = 0;
    auto operator<=>(const Timestamp&) const = default;
};

/// A 128-bit identifier (RFC 9562), in network byte order.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const Uuid&) const = default;
};

/// A JSON document as text. Equality is that of the text, not of the document.
struct Json {
    std::string text;
    auto operator<=>(const Json&) const = default;
};

/// Bytes without a meaning that the library knows.
struct Blob {
    std::vector<std::byte> bytes;
    auto operator<=>(const Blob&) const = default;
};

/// The types that a value can have. The numbers are stable: they cross the C ABI.
enum class ValueType : std::uint8_t {
    Null = 0,
    Bool = 1,
    Int64 = 2,
    Double = 3,
    Text = 4,
    Blob = 5,
    Date = 6,
    Timestamp = 7,
    Uuid = 8,
    Json = 9,
};

/// The lower-case name of a type: `text`, `int64`.
CONSILIA_API std::string_view to_string(ValueType type) noexcept;

/// A null or one typed value. Text is UTF-8.
///
/// Equality (`==`) is that of containers: same type and same content, null equals null. It is not the
/// three-valued equality of expressions; that one is `evaluate(left == right)`.
/// Threading: compatible.
class CONSILIA_API Value {
public:
    using Variant = std::variant<std::monostate, bool, std::int64_t, double, std::string, Blob, Date,
                                 Timestamp, Uuid, Json>;

    Value() noexcept = default;
    Value(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
    template <class B>
    requires std::is_same_v<B, bool> Value(B value)
    noexcept : data_(value) {}  // NOLINT(google-explicit-constructor)
    template <class I>
    requires(std::is_integral_v<I> && !std::is_same_v<I, bool> && (sizeof(I) < 8 || std::is_signed_v<I>))
        Value(I value)
    noexcept : data_(static_cast<std::int64_t>(value)) {}  // NOLINT(google-explicit-constructor)
    /// Sizes and counts. @throws InvalidArgument (`value.range`) past the end of int64.
    template <class U>
    requires(std::is_integral_v<U> && sizeof(U) == 8 && std::is_unsigned_v<U>) Value(U value)
        : data_(checked(value)) {}  // NOLINT(google-explicit-constructor)
    template <class F>
    requires std::is_floating_point_v<F> Value(F value)
    noexcept : data_(static_cast<double>(value)) {}                 // NOLINT(google-explicit-constructor)
    Value(std::string value) noexcept : data_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
    Value(std::string_view value) : data_(std::string(value)) {}    // NOLINT(google-explicit-constructor)
    Value(const char* value) : data_(std::string(value)) {}         // NOLINT(google-explicit-constructor)
    Value(Blob value) noexcept : data_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
    Value(Date value) noexcept : data_(value) {}                    // NOLINT(google-explicit-constructor)
    Value(Timestamp value) noexcept : data_(value) {}               // NOLINT(google-explicit-constructor)
    Value(Uuid value) noexcept : data_(value) {}                    // NOLINT(google-explicit-constructor)
    Value(Json value) noexcept : data_(std::move(value)) {}         // NOLINT(google-explicit-constructor)

    [[nodiscard]] ValueType type() const noexcept { return static_cast<ValueType>(data_.index()); }
    [[nodiscard]] bool is_null() const noexcept { return data_.index() == 0; }

    /// The content as `T`, which must be one of the alternatives of `Variant`.
    /// @throws InvalidArgument (`value.type`) if the value has another type; nothing is converted.
    template <class T>
    [[nodiscard]] const T& as() const {
        if (const T* held = std::get_if<T>(&data_)) return *held;
        throw_type_mismatch(Value(T{}).type());
    }

    /// The content as `T`, or nullptr if the value has another type.
    template <class T>
    [[nodiscard]] const T* if_as() const noexcept {
        return std::get_if<T>(&data_);
    }

    [[nodiscard]] const Variant& variant() const noexcept { return data_; }

    friend bool operator==(const Value& a, const Value& b) = default;

private:
    static std::int64_t checked(std::uint64_t value);
    [[noreturn]] void throw_type_mismatch(ValueType wanted) const;

    Variant data_;
};

/// The value as JSON text: null, true, 1, 1.5, "text"; blobs as base64, dates and timestamps as ISO 8601,
/// JSON values verbatim. Non-finite numbers become null.
CONSILIA_API std::string to_json(const Value& value);

}  // namespace consilia::core
