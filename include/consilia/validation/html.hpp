#pragma once
// A field on a page: what a browser can check by itself, and the field's control.
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/validation/form.hpp"

namespace consilia::validation {

/// What stands beside the field: its label, or its name as words (`birth_date`: `Birth date`).
[[nodiscard]] CONSILIA_API std::string label_of(const Field& field);

/// The attributes of the field's control in HTML, in a fixed order and not escaped; an empty value is that of
/// `required` and `multiple`, which have none.
///
/// `type` (but of a text of several lines, a choice, JSON and an object), `required`, `minlength`,
/// `maxlength`, `min`, `max`, `step`, `pattern`, `inputmode`, `autocomplete`, `multiple`. A browser asks less
/// than the form, never more: a pattern that another engine could read differently is left out, and a
/// timestamp is a text, since `datetime-local` has no offset. A browser counts UTF-16 units, the form code
/// points: they differ for emoji and some historic scripts.
[[nodiscard]] CONSILIA_API std::vector<std::pair<std::string, std::string>> html_attributes(
    const Field& field);

/// A text that says in HTML, between tags and in quoted attributes, what it says.
[[nodiscard]] CONSILIA_API std::string escape_html(std::string_view text);

struct HtmlInput {
    std::string id_prefix = "id_";            ///< Before the name: the `id` of the control.
    std::span<const std::string> given = {};  ///< What the control shows; several for a list.
    std::span<const FieldError> errors = {};  ///< Of a report; those of other fields are skipped.
};
/// Label, control, help and errors in the markup of Bootstrap 5, everything escaped. The control says to
/// screen readers whether it is wrong (`aria-invalid`) and where help and errors stand
/// (`aria-describedby`). A secret is never shown again.
/// @throws InvalidArgument (`form.html`) for an object, and for a list without choices: no control has them.
[[nodiscard]] CONSILIA_API std::string html_input(const Field& field, const HtmlInput& input = {});

}  // namespace consilia::validation
