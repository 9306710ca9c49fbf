#include "data_row_tree.hpp"

#include "consilia/c/data/row_tree.h"

using consilia::capi::cleared;
using consilia::capi::guard;
using consilia::capi::require;
namespace core = consilia::core;
namespace data = consilia::data;

consilia_row_tree::consilia_row_tree(std::shared_ptr<const data::RowTree> of)
    : tree(std::move(of)), rows{std::shared_ptr<const data::RowSet>(tree, &tree->rows)} {
    for (const data::RowBranch& branch : tree->branches) {
        branches.push_back(std::make_unique<consilia_row_tree>(
            std::shared_ptr<const data::RowTree>(tree, &branch.children)));
    }
}

extern "C" {

void consilia_row_tree_free(consilia_row_tree_t* tree) {
    delete tree;
}

const consilia_row_set_t* consilia_row_tree_rows(const consilia_row_tree_t* tree) {
    return tree == nullptr ? nullptr : &tree->rows;
}

size_t consilia_row_tree_branch_count(const consilia_row_tree_t* tree) {
    return tree == nullptr ? 0 : tree->branches.size();
}

consilia_str_t consilia_row_tree_branch_name(const consilia_row_tree_t* tree, size_t branch) {
    if (branch >= consilia_row_tree_branch_count(tree)) return {"", 0};
    return consilia::capi::borrow(tree->tree->branches[branch].name);
}

const consilia_row_tree_t* consilia_row_tree_branch(const consilia_row_tree_t* tree, size_t branch) {
    if (branch >= consilia_row_tree_branch_count(tree)) return nullptr;
    return tree->branches[branch].get();
}

consilia_status_t consilia_row_tree_range(const consilia_row_tree_t* tree, size_t branch, size_t row,
                                          size_t* out_begin, size_t* out_end, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        size_t& begin = cleared(out_begin, "out_begin");
        size_t& end = cleared(out_end, "out_end");
        const auto& branches = require(tree, "tree").tree->branches;
        if (branch >= branches.size() || row >= branches[branch].ranges.size()) {
            throw core::InvalidArgument("row.range", "there is no such row or branch",
                                        {{"branch", branch}, {"row", row}});
        }
        begin = branches[branch].ranges[row].begin;
        end = branches[branch].ranges[row].end;
    });
}

consilia_status_t consilia_row_tree_json(const consilia_row_tree_t* tree, consilia_buffer_t* out_json,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = consilia::capi::to_buffer(data::to_json(*require(tree, "tree").tree));
    });
}

}  // extern "C"
