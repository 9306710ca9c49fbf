#pragma once
// What the writer and the reader of JSON Schema must agree in.
#include <array>
#include <string_view>
#include <utility>

#include "consilia/validation/field.hpp"

namespace consilia::validation {

constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";
constexpr std::string_view kExtension = "x-consilia";
/// Of `FieldKind::Phone`, in the words of every regular expression engine.
constexpr std::string_view kPhonePattern = R"(^\+?1?[0-9]{9,15}$)";
constexpr std::string_view kPhoneOrBlankPattern = R"(^(?:\+?1?[0-9]{9,15})?$)";
/// Stands before a pattern that a blank text need not match.
constexpr std::string_view kBlankOr = "^$|";

struct KindWord {
    FieldKind kind;
    std::string_view type;
    std::string_view format;  ///< Empty: none.
};
/// All but Json, which is of several types.
constexpr std::array<KindWord, 13> kKindWords{{{FieldKind::Boolean, "boolean", ""},
                                               {FieldKind::Integer, "integer", ""},
                                               {FieldKind::Number, "number", ""},
                                               {FieldKind::Text, "string", ""},
                                               {FieldKind::Email, "string", "email"},
                                               {FieldKind::Phone, "string", ""},
                                               {FieldKind::PersonName, "string", ""},
                                               {FieldKind::Url, "string", "uri"},
                                               {FieldKind::Date, "string", "date"},
                                               {FieldKind::Timestamp, "string", "date-time"},
                                               {FieldKind::Uuid, "string", "uuid"},
                                               {FieldKind::Object, "object", ""},
                                               {FieldKind::List, "array", ""}}};
/// Of a Json that is not null.
constexpr std::array<std::string_view, 5> kJsonTypes{"boolean", "number", "string", "array", "object"};

constexpr bool is_text_kind(FieldKind kind) noexcept {
    return kind >= FieldKind::Text && kind <= FieldKind::Url;
}

}  // namespace consilia::validation
