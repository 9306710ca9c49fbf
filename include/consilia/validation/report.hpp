#pragma once
// What a form found: clean values, and every error with its place.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/records.hpp"

namespace consilia::validation {

/// One broken rule. Neither message nor parameters repeat what was given.
struct FieldError {
    std::string path;      ///< `addresses.0.city`; empty: the form itself.
    std::string code;      ///< `required`, `too_long`, …: docs/forms.md has the list.
    core::Details params;  ///< `limit`, `found`, `wanted`: what the message is made from.
    std::string message;
};

using NamedValue = std::pair<std::string, core::Value>;

/// The answer of a form. An invalid form is an answer, not a failure; `require` makes it one.
/// Threading: compatible.
class CONSILIA_API Report {
public:
    Report(std::vector<NamedValue> values, std::vector<FieldError> errors)
        : values_(std::move(values)), errors_(std::move(errors)) {}

    [[nodiscard]] bool is_valid() const noexcept { return errors_.empty(); }
    /// At most `CheckOptions::errors_max`, in the order of the fields.
    [[nodiscard]] std::span<const FieldError> errors() const noexcept { return errors_; }
    /// The clean values in the order of the fields; objects and lists as Json. Those of fields with errors
    /// and of fields that were not given and have no default are not among them.
    [[nodiscard]] std::span<const NamedValue> values() const noexcept { return values_; }
    /// Nullptr where there is none.
    [[nodiscard]] const core::Value* find_value(std::string_view name) const noexcept;
    /// @throws NotFound (`form.no_value`).
    [[nodiscard]] const core::Value& value(std::string_view name) const;
    /// The values for a repository's insert or update. @throws as `require`.
    [[nodiscard]] std::vector<data::Assignment> assignments() const;

    /// The values as one JSON object.
    [[nodiscard]] std::string values_json() const;
    /// `[{"path", "code", "message", "params"}]`
    [[nodiscard]] std::string errors_json() const;
    /// @throws ValidationError (`form.invalid`) with `errors` in its details, unless it is valid.
    void require() const;

private:
    std::vector<NamedValue> values_;
    std::vector<FieldError> errors_;
};

}  // namespace consilia::validation
