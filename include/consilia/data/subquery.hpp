#pragma once
// Queries inside expressions: `exists`, `in`, and the value of related rows.
#include <string_view>

#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/functions.hpp"
#include "consilia/data/query.hpp"

namespace consilia::data {

/// Whether the query has a row. In it `core::outer("id")` is a field of the query around.
///
/// ```cpp
/// owners.where(exists(animals.where(field("owner_id") == core::outer("id"))));
/// owners.annotate("animals", scalar(related(animals, "owner"), core::count()));
/// ```
[[nodiscard]] CONSILIA_API core::Expression exists(const Query& query);
/// Whether the value is among those of the query's only column.
/// @throws InvalidArgument (`query.subquery`) for a query with another number of columns, here and below.
[[nodiscard]] CONSILIA_API core::Expression in(const core::Term& value, const Query& query);
/// The value of the query's only column in its first row; null without rows.
[[nodiscard]] CONSILIA_API core::Term scalar(const Query& query);
/// An aggregate over the rows of the query.
[[nodiscard]] CONSILIA_API core::Term scalar(const Query& query, const core::Term& aggregate);
/// The rows of `children` whose reference `relation` leads to the row of the query around.
/// @throws InvalidArgument (`query.unknown_field`).
[[nodiscard]] CONSILIA_API Query related(const Query& children, std::string_view relation);

}  // namespace consilia::data
