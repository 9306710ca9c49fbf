#pragma once
// Rows written by name: inserts, alone or many at once, and inserts that may meet a row that is there.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"
#include "consilia/data/typed_field.hpp"

namespace consilia::data {

/// A name and what it stands for: a column and the value that it gets, or an annotation.
struct NamedExpression {
    NamedExpression(std::string as, const core::Term& what) : name(std::move(as)), value(what.expression()) {}
    NamedExpression(std::string as, core::Expression what) : name(std::move(as)), value(std::move(what)) {}
    std::string name;
    core::Expression value;
};

/// A column and the value that it gets.
using Assignment = NamedExpression;

/// The typed assignment of a value, or of what is calculated:
/// `set(field(&Job::attempt), field(&Job::attempt) + 1)`.
template <class V, class U>
[[nodiscard]] Assignment set(const TypedField<V>& field, const U& value) {
    return {field.path(), TypedField<V>::as_term(value)};
}
/// Assigns null, to a member that may be.
template <class V>
[[nodiscard]] Assignment set(const TypedField<V>& field, std::nullopt_t) {
    static_assert(UnwrappedField<V>::kIsNullable, "this member cannot be null: only a std::optional can");
    return {field.path(), core::Term(core::Value())};
}

/// What happens to a row that is there already.
struct UpsertOptions {
    std::vector<std::string> conflict;  ///< Columns of a unique index, by which rows are recognised.
    std::vector<std::string> update =
        {};  ///< Columns that get the new values; empty: the row stays as it is.
};

/// Inserts one row and gives its id. Columns that are not named get their default.
/// @throws InvalidArgument (`query.unknown_field`, `query.type`), and what `Session::execute` throws for
/// broken rules.
CONSILIA_API std::int64_t insert(const Session& session, const Model& model,
                                 const std::vector<Assignment>& values);

/// Inserts rows that have the same columns, at the database's best speed (`Session::copy_in`): all of them or
/// none.
/// @throws InvalidArgument (`query.rows`) for a row with another number of values; as `insert`.
/// @return the number of rows.
CONSILIA_API std::int64_t insert_many(const Session& session, const Model& model,
                                      const std::vector<std::string>& columns,
                                      std::span<const std::vector<core::Value>> rows);

/// As `insert_many`, but a row that is there already is updated, or left alone: one after another, so that
/// the last of equal rows counts.
/// @throws InvalidArgument (`query.upsert`) unless the model has a unique index of just the conflict's
/// columns. @return the number of rows that were inserted or updated.
CONSILIA_API std::int64_t upsert_many(const Session& session, const Model& model,
                                      const std::vector<std::string>& columns,
                                      std::span<const std::vector<core::Value>> rows,
                                      const UpsertOptions& options);

}  // namespace consilia::data
