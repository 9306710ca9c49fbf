#pragma once
// The keys of rows that can be reached by a reference to the same table.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/subquery.hpp"
#include "query_compiler.hpp"

namespace consilia::data {

/// `WITH RECURSIVE`: the keys of a query's rows, and of those that refer to them (or to which they refer).
/// UNION drops keys that are there already, so a cycle ends.
class TreeSubquery final : public core::Subquery {
public:
    /// `roots` selects the primary key alone.
    TreeSubquery(std::shared_ptr<const QueryStep> roots, const Reference& reference, bool is_downwards)
        : roots_(std::move(roots)), column_(reference.column), is_downwards_(is_downwards) {}

    [[nodiscard]] core::SqlFragment compile(const core::SubqueryContext& context) const override {
        const Plan roots = data::compile(*roots_, {.dialect = context.dialect, .around = &context});
        const std::string table = core::quote_identifier(roots_->model->table());
        const std::string key = core::quote_identifier(roots_->model->primary_key()->name);
        const std::string column = core::quote_identifier(column_);
        const std::string& found = is_downwards_ ? key : column;
        const std::string& known = is_downwards_ ? column : key;
        core::SqlFragment sql;
        sql.text = "WITH RECURSIVE \"#tree\"(\"key\") AS (SELECT * FROM (" + roots.text +
                   ") AS \"#roots\" UNION SELECT \"#next\"." + found + " FROM " + table +
                   " AS \"#next\" JOIN \"#tree\" ON \"#next\"." + known +
                   " = \"#tree\".\"key\" WHERE \"#next\"." + found +
                   " IS NOT NULL) SELECT \"key\" FROM \"#tree\"";
        collect(roots, *roots_, sql.bindings);
        return sql;
    }
    void collect_bindings(const core::Parameters&, std::vector<core::Value>& out) const override {
        collect_nested(roots_, out);
    }
    [[nodiscard]] core::ValueType type() const override { return roots_->model->primary_key()->type; }
    [[nodiscard]] std::size_t depth() const noexcept override {
        return roots_->expression_depth + std::size_t{1};
    }
    [[nodiscard]] std::uint64_t shape_hash() const noexcept override {
        return nested_hash(*roots_) ^ std::hash<std::string>()(column_) ^ (is_downwards_ ? 1 : 2);
    }
    [[nodiscard]] bool same_shape(const core::Subquery& other) const noexcept override {
        const auto* tree = alike(other);
        return tree != nullptr && same_nested_shape(*roots_, *tree->roots_);
    }
    [[nodiscard]] bool same_as(const core::Subquery& other) const noexcept override {
        const auto* tree = alike(other);
        return tree != nullptr && same_chain(*roots_, *tree->roots_);
    }

private:
    [[nodiscard]] const TreeSubquery* alike(const core::Subquery& other) const noexcept {
        const auto* tree = dynamic_cast<const TreeSubquery*>(&other);
        return tree != nullptr && tree->column_ == column_ && tree->is_downwards_ == is_downwards_ ? tree
                                                                                                   : nullptr;
    }

    std::shared_ptr<const QueryStep> roots_;
    std::string column_;
    bool is_downwards_;
};

}  // namespace consilia::data
