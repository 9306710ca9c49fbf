#pragma once
// Full-text search in a statement.
#include <string>

#include "query_writer.hpp"

namespace consilia::data {

/// The condition of a search step, with its text bound.
std::string match_sql(QueryWriter& writer, const QueryStep& search);
/// How well a row matches, greater for better.
std::string rank_sql(QueryWriter& writer, const QueryStep& search);

}  // namespace consilia::data
