#pragma once
// One field of a form: what it holds and which rules its value keeps.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/expression.hpp"
#include "consilia/core/value.hpp"

namespace consilia::data {
class Model;
}

namespace consilia::validation {

class Form;

/// What a field holds once its value is clean. The numbers are stable: they cross the C ABI.
enum class FieldKind : std::uint8_t {
    Boolean = 0,
    Integer = 1,     ///< int64
    Number = 2,      ///< A finite double.
    Text = 3,        ///< One line, unless `is_multiline`.
    Email = 4,       ///< See `check_email`; the domain in lower case, international domains in Unicode.
    Phone = 5,       ///< `^\+?1?\d{9,15}$`
    PersonName = 6,  ///< Of a person, in any script; see `check_person_name`.
    Url = 7,         ///< `http` or `https` with a host.
    Date = 8,        ///< From ISO 8601: `2026-01-31`.
    Timestamp = 9,   ///< From ISO 8601 with an offset; kept in UTC.
    Uuid = 10,
    Json = 11,    ///< Anything that JSON can say, at most 32 deep, whole numbers of 64 bits.
    Object = 12,  ///< A form of its own: `form`.
    List = 13,    ///< Of `items`.
};
/// `boolean`, `person_name`.
CONSILIA_API std::string_view to_string(FieldKind kind) noexcept;

/// Rows of a table that must not be there, or must be.
struct RowCheck {
    std::shared_ptr<const data::Model> model;  ///< Null: none.
    std::string column = {};                   ///< Whose values are looked at. Empty: the key of the model.
    bool ignores_case = false;                 ///< Of ASCII letters in a text.
};

/// The declaration of a field. Zero and empty mean that there is no such rule.
struct Field {
    std::string name;  ///< `[A-Za-z_][A-Za-z0-9_-]*`, at most 100 bytes.
    FieldKind kind = FieldKind::Text;
    bool is_required = true;   ///< It must be given, and not be blank.
    bool is_nullable = false;  ///< Null is a value of it.
    /// Takes the place of an optional field that was not given; null: it stays out of the values.
    core::Value default_value = {};
    core::Value minimum = {};  ///< Least integer, number, date or timestamp.
    core::Value maximum = {};  ///< Greatest one; both ends are allowed.
    /// Code points of a text, elements of a list. No text has more than `kTextMax`, no list more than
    /// `kItemsMax`, where `length_max` is zero.
    std::int64_t length_min = 0;
    std::int64_t length_max = 0;
    std::string pattern = {};               ///< RE2, looked for anywhere in the text: anchor it with ^ and $.
    std::vector<core::Value> choices = {};  ///< The only texts or integers allowed.
    bool is_multiline = false;              ///< Of a text: line ends and tabs are allowed.
    bool allows_blank = false;              ///< Of a text: blank is a value, whatever the other rules.
    /// A password: neither trimmed nor normalised, and no part of it is said in an error.
    bool is_secret = false;
    bool has_unique_items = false;  ///< Of a list: no element is there twice.
    /// Not required: it is, where this condition over the fields of its form is true.
    core::Expression required_when = core::Expression::literal(false);
    std::shared_ptr<const Form> form = {};    ///< Of an Object.
    std::shared_ptr<const Field> items = {};  ///< Of a List; its name does not matter.
    RowCheck unique = {};                     ///< No row has this value.
    RowCheck exists = {};                     ///< A row has this value; for a list, of its `items`.
    std::string label = {};                   ///< For people; empty: made from the name.
    std::string help = {};                    ///< Beside the field of a page.
    /// Code to message, before those of the catalog: `{{"pattern", "letters and digits only"}}`.
    std::vector<std::pair<std::string, std::string>> messages = {};

    static constexpr std::int64_t kTextMax = 10'000;
    static constexpr std::int64_t kItemsMax = 1'000;
};

/// An age in whole years: 0 to 150.
[[nodiscard]] inline Field age_field(std::string name) {
    return {.name = std::move(name), .kind = FieldKind::Integer, .minimum = 0, .maximum = 150};
}

/// A condition over the fields of a form that must not be false, with three-valued logic: a field that was
/// not given is null. `:today` and `:now` are the time of the check. Looked at when all fields in it are
/// clean.
struct Rule {
    core::Expression check;
    std::string code = "rule";
    std::string message = {};  ///< Empty: that of the catalog for `code`, or the text of the condition.
    std::string field = {};    ///< Where the error stands; empty: at the form itself.
};

/// No row of the table has these values together. Looked at when all are given and clean.
struct UniqueTogether {
    std::shared_ptr<const data::Model> model;
    std::vector<std::string> fields;        ///< Of the form.
    std::vector<std::string> columns = {};  ///< In their order; empty: named like the fields.
};

}  // namespace consilia::validation
