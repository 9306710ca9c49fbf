#pragma once
// Full-text search over the text columns of a model: FTS5 on SQLite, tsvector on PostgreSQL.
#include <string>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"

namespace consilia::data {

/// The statements that create a model's full-text index, each skipped by the database where its object is
/// there already. On SQLite an FTS5 table without content of its own, which triggers keep up to date whoever
/// writes; on PostgreSQL a GIN index. Words are compared without regard to case, and not stemmed: names and
/// findings are found as they are written.
/// @throws InvalidArgument (`model.full_text`) for a model without full-text columns or primary key.
[[nodiscard]] CONSILIA_API std::vector<std::string> full_text_sql(const Model& model,
                                                                  core::SqlDialect dialect);

/// Creates the full-text index of a model whose table is there, and fills it with the rows of the table.
CONSILIA_API void create_full_text(Database& database, const Model& model);

}  // namespace consilia::data
