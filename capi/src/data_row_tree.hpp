#pragma once
// A tree of rows as handles: one for each branch, all of them owned by the topmost.
#include <memory>
#include <vector>

#include "consilia/data/row_tree.hpp"
#include "data.hpp"

struct consilia_row_tree {
    explicit consilia_row_tree(std::shared_ptr<const consilia::data::RowTree> of);

    std::shared_ptr<const consilia::data::RowTree> tree;
    consilia_row_set rows;
    std::vector<std::unique_ptr<consilia_row_tree>> branches;
};
