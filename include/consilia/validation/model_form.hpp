#pragma once
// The form that a table asks for: what a column declares is not declared a second time.
#include <memory>
#include <string>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/data/model.hpp"
#include "consilia/validation/form.hpp"

namespace consilia::validation {

struct ModelFormOptions {
    /// The columns of the form, in this order; empty: all but those that nobody fills in, which are the
    /// primary key, blobs, `is_deleted`, `deleted_at` and `deleted_by` of a soft delete, and the columns
    /// `created_at`, `updated_at`, `created_by` and `updated_by` that a repository sets.
    std::vector<std::string> only = {};
    std::vector<std::string> exclude = {};
    /// Each takes the place of the field of its name, as it is: it keeps nothing of what was derived.
    std::vector<Field> overrides = {};
    FormOptions form = {};  ///< Its rules and `unique_together` come before those of the model.
};

/// A form of the columns of a model.
///
/// Each column gives a field of its type: texts of one line where the column has a length or choices, of
/// several lines otherwise. A field is required unless the column may be null or has a default. A reference
/// is an integer that `exists`; a unique column is `unique`; a unique index without a condition is
/// `unique_together`. Checks are rules, that of a column at its field. A check or an index that looks at a
/// column outside the form is left to the database.
///
/// A row that the form accepts is one that the table accepts, as far as the form sees its columns.
/// @throws InvalidArgument (`form.column`) for a name that is no column of the form, the primary key or a
/// blob in `only`; and as `Form`.
[[nodiscard]] CONSILIA_API Form form_of(const std::shared_ptr<const data::Model>& model,
                                        ModelFormOptions options = {});

}  // namespace consilia::validation
