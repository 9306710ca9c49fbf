#pragma once
// Compiled statements by the shape of their chain: a query that is built anew is not compiled anew.
#include <cstddef>
#include <memory>

#include "query_compiler.hpp"

namespace consilia::data {

/// The plan of a chain as a statement of its own, compiled on the first call for its shape. A bounded number
/// is kept in the process; the oldest goes. Threading: safe.
std::shared_ptr<const Plan> plan_of(const std::shared_ptr<const QueryStep>& last, core::SqlDialect dialect);
/// Keeps the plan of a chain inside another statement, for `nested_plan_of`.
void keep_nested_plan(const std::shared_ptr<const QueryStep>& last, Plan plan);
/// A plan for the sake of its parts: fields of the query around are not known in its text.
std::shared_ptr<const Plan> nested_plan_of(const std::shared_ptr<const QueryStep>& last);

constexpr std::size_t kPlansMax = 2'048;  ///< In the cache; a large program has some hundred shapes.

}  // namespace consilia::data
