#pragma once
// Forms to and from JSON Schema, draft 2020-12.
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "consilia/core/export.hpp"
#include "consilia/data/model.hpp"
#include "consilia/validation/form.hpp"

namespace consilia::validation {

/// The form as a JSON Schema of what it takes in strict mode.
///
/// What JSON Schema cannot say stands under `x-consilia`, which other readers skip: rules and conditions as
/// text, row checks by table and column, kinds of text, messages. `form_from_json_schema` gives the same
/// form. Without a bound, texts and lists are bounded by `Field::kTextMax` and `Field::kItemsMax` all the
/// same; line and direction controls are refused though no keyword says so.
/// @throws InvalidArgument (`expression.*`) for a condition without text form: one with bytes or JSON in it.
[[nodiscard]] CONSILIA_API std::string to_json_schema(const Form& form);

/// The form that a JSON Schema describes.
///
/// Taken: `type` (one, or one and `null`), `properties`, `required`, `additionalProperties` as true or false,
/// `enum` and `const` of texts or integers, `minLength`, `maxLength`, `pattern`, `minimum`, `maximum`,
/// `exclusiveMinimum` and `exclusiveMaximum` of integers, `items`, `minItems`, `maxItems`, `uniqueItems`,
/// `format` (email, uri, date, date-time, uuid, password), `$ref` within the document, `anyOf` and `oneOf` of
/// one schema and `null`, annotations, `x-consilia`. What else could change what is valid is refused, never
/// skipped. The mode is that of `x-consilia`, else coercing, as of any form.
/// @param models Where `unique` and `exists` find a table by its name.
/// @throws ValidationError (`form.schema`) with the place (`at`: a JSON pointer) in its details;
/// InvalidArgument as `Form`.
[[nodiscard]] CONSILIA_API Form form_from_json_schema(
    std::string_view schema, std::span<const std::shared_ptr<const data::Model>> models = {});

constexpr std::size_t kSchemaBytesMax = std::size_t{1} << 20;
constexpr std::size_t kSchemaDepthMax = 16;       ///< Of objects and lists in one another.
constexpr std::size_t kSchemaFieldsMax = 10'000;  ///< With those that `$ref` repeats.

}  // namespace consilia::validation
