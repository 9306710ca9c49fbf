#pragma once
// How the type of a struct's member is stored: one specialisation a type.
#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/cells.hpp"

namespace consilia::data {

/// The stored name of an enumerator. An enum becomes a field type where a function `enum_names(E)`, found
/// beside the enum, returns an array of these.
template <class E>
using EnumName = std::pair<E, std::string_view>;

/// An enum that has a table of names.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
    enum_names(e);
};

/// The stored name of an enumerator. @throws InvalidArgument (`field.enum`) if it has none.
template <NamedEnum E>
[[nodiscard]] constexpr std::string_view enum_name(E value) {
    for (const auto& [known, name] : enum_names(value)) {
        if (known == value) return name;
    }
    throw core::InvalidArgument("field.enum", "an enumerator without a name cannot be stored");
}

/// The enumerator of a stored name. @throws StorageError (`field.enum`) if there is none.
template <NamedEnum E>
[[nodiscard]] constexpr E enum_of(std::string_view name) {
    for (const auto& [known, known_name] : enum_names(E{})) {
        if (known_name == name) return known;
    }
    throw core::StorageError("field.enum", "a stored name belongs to no enumerator");
}

/// `kType`, `read` and `write` of a member's type. Not defined for types that cannot be stored.
template <class V>
struct FieldType;

template <>
struct FieldType<std::int64_t> {
    static constexpr core::ValueType kType = core::ValueType::Int64;
    static void read(const CellReader& row, int column, std::int64_t& out) { out = row.int64(column); }
    static void write(CellWriter& to, int place, std::int64_t value) { to.int64(place, value); }
    static core::Value value(std::int64_t field) { return field; }
};

template <>
struct FieldType<bool> {
    static constexpr core::ValueType kType = core::ValueType::Bool;
    static void read(const CellReader& row, int column, bool& out) { out = row.boolean(column); }
    static void write(CellWriter& to, int place, bool value) { to.boolean(place, value); }
    static core::Value value(bool field) { return field; }
};

template <>
struct FieldType<double> {
    static constexpr core::ValueType kType = core::ValueType::Double;
    static void read(const CellReader& row, int column, double& out) { out = row.number(column); }
    static void write(CellWriter& to, int place, double value) { to.number(place, value); }
    static core::Value value(double field) { return field; }
};

template <>
struct FieldType<std::string> {
    static constexpr core::ValueType kType = core::ValueType::Text;
    static void read(const CellReader& row, int column, std::string& out) { out.assign(row.text(column)); }
    static void write(CellWriter& to, int place, const std::string& value) { to.text(place, value); }
    static core::Value value(std::string_view field) { return field; }
};

template <>
struct FieldType<core::Json> {
    static constexpr core::ValueType kType = core::ValueType::Json;
    static void read(const CellReader& row, int column, core::Json& out) {
        out.text.assign(row.text(column));
    }
    static void write(CellWriter& to, int place, const core::Json& value) { to.json(place, value.text); }
    static core::Value value(const core::Json& field) { return field; }
};

template <>
struct FieldType<core::Timestamp> {
    static constexpr core::ValueType kType = core::ValueType::Timestamp;
    static void read(const CellReader& row, int column, core::Timestamp& out) { out = row.timestamp(column); }
    static void write(CellWriter& to, int place, core::Timestamp value) { to.timestamp(place, value); }
    static core::Value value(core::Timestamp field) { return field; }
};

template <>
struct FieldType<core::Date> {
    static constexpr core::ValueType kType = core::ValueType::Date;
    static void read(const CellReader& row, int column, core::Date& out) { out = row.date(column); }
    static void write(CellWriter& to, int place, core::Date value) { to.date(place, value); }
    static core::Value value(core::Date field) { return field; }
};

template <>
struct FieldType<core::Uuid> {
    static constexpr core::ValueType kType = core::ValueType::Uuid;
    static void read(const CellReader& row, int column, core::Uuid& out) { out = row.uuid(column); }
    static void write(CellWriter& to, int place, const core::Uuid& value) { to.uuid(place, value); }
    static core::Value value(const core::Uuid& field) { return field; }
};

template <>
struct FieldType<core::Blob> {
    static constexpr core::ValueType kType = core::ValueType::Blob;
    static void read(const CellReader& row, int column, core::Blob& out) {
        const auto stored = row.bytes(column);
        out.bytes.assign(stored.begin(), stored.end());
    }
    static void write(CellWriter& to, int place, const core::Blob& value) { to.bytes(place, value.bytes); }
    static core::Value value(const core::Blob& field) { return field; }
};

template <NamedEnum E>
struct FieldType<E> {
    static constexpr core::ValueType kType = core::ValueType::Text;
    static void read(const CellReader& row, int column, E& out) { out = enum_of<E>(row.text(column)); }
    static void write(CellWriter& to, int place, E value) { to.text(place, enum_name(value)); }
    static core::Value value(E field) { return enum_name(field); }
};

template <class V>
struct FieldType<std::optional<V>> {
    static constexpr core::ValueType kType = FieldType<V>::kType;
    static void read(const CellReader& row, int column, std::optional<V>& out) {
        if (row.is_null(column)) {
            out.reset();
        } else {
            if (!out) out.emplace();
            FieldType<V>::read(row, column, *out);
        }
    }
    static void write(CellWriter& to, int place, const std::optional<V>& value) {
        if (value) {
            FieldType<V>::write(to, place, *value);
        } else {
            to.null(place);
        }
    }
    static core::Value value(const std::optional<V>& field) {
        return field ? FieldType<V>::value(*field) : core::Value();
    }
};

/// A member's type without its optional.
template <class V>
struct UnwrappedField {
    using Type = V;
    static constexpr bool kIsNullable = false;
};
template <class V>
struct UnwrappedField<std::optional<V>> {
    using Type = V;
    static constexpr bool kIsNullable = true;
};
template <class V>
using unwrapped_field_t = typename UnwrappedField<V>::Type;

/// A type that a member of a mapped struct may have.
template <class V>
concept Storable = requires {
    FieldType<V>::kType;
};

}  // namespace consilia::data
