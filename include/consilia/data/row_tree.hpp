#pragma once
// Rows with the rows that belong to them: the result of a query that prefetches.
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "consilia/data/row_set.hpp"

namespace consilia::data {

/// Rows `begin` to `end` (not included) of a result.
struct RowRange {
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] std::size_t size() const noexcept { return end - begin; }
};

struct RowBranch;

/// A result and, for each prefetched name, the rows that belong to each of its rows.
struct RowTree {
    RowSet rows = RowSet();
    std::vector<RowBranch> branches;  ///< In the order of the query's `prefetch` steps.
};

/// The children of all rows of a result, the children of one row together.
struct RowBranch {
    std::string name;
    std::vector<RowRange> ranges{};  ///< Of `children.rows`, for each parent row in its order.
    RowTree children;
};

/// Row `row` of a tree as a JSON object, with an array of objects under each prefetched name.
CONSILIA_API void append_json(std::string& out, const RowTree& tree, std::size_t row);
/// All rows as a JSON array.
CONSILIA_API std::string to_json(const RowTree& tree);

}  // namespace consilia::data
