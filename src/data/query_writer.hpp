#pragma once
// Writes the statement of one chain.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query_compiler.hpp"

namespace consilia::data {

/// Where an expression stands, and so what it may hold.
enum class ExpressionRole : std::uint8_t {
    Value,           ///< Window functions.
    Condition,       ///< Neither aggregates nor window functions.
    GroupValue,      ///< Both.
    GroupCondition,  ///< Aggregates.
    Assigned,        ///< Neither; a value.
};

/// Threading: confined. Parts must be written in the order in which they stand in the statement: placeholders
/// are numbered, and values collected, in that order.
class QueryWriter {
public:
    QueryWriter(const QueryStep& last, const PlanContext& context);
    QueryWriter(const QueryWriter&) = delete;
    QueryWriter& operator=(const QueryWriter&) = delete;

    struct SelectParts {
        bool has_order = true;
        bool has_limit = true;
    };
    Plan select(const SelectParts& parts);
    Plan count();
    Plan exists();
    Plan aggregate();
    Plan update();
    Plan remove();
    [[nodiscard]] std::vector<RowColumn> columns();

    [[nodiscard]] bool is_sqlite() const noexcept { return context_.dialect == core::SqlDialect::Sqlite; }
    [[nodiscard]] const Model& model() const noexcept { return *last_.model; }
    [[nodiscard]] std::string alias() const { return joins_.alias({}); }
    /// Notes a value and gives its placeholder.
    std::string bound_value(BoundPart part);
    /// A join that stands behind those of the references.
    void set_search_join(std::string join) { search_join_ = std::move(join); }

private:
    /// A column of the result: a field by its path, an annotation, or the rank of a search.
    struct Item {
        std::string name;
        const QueryStep* annotation = nullptr;
        const QueryStep* search = nullptr;
    };

    [[nodiscard]] std::string placeholder() const;
    void bind(BoundPart part, std::size_t count) {
        if (count != 0) parts_.push_back(part);
        value_count_ += count;
    }
    core::ValueType check(const core::Expression& value, ExpressionRole role) const;
    std::string expression(const core::Expression& value, BoundPart part, ExpressionRole role);
    std::string step_expression(const QueryStep& step, ExpressionRole role);
    [[nodiscard]] std::vector<Item> items() const;
    [[nodiscard]] const QueryStep* last_step(StepKind kind) const noexcept;
    [[nodiscard]] const QueryStep* find_rank(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t number_in_result(std::string_view name) const;
    std::string item_sql(const Item& item);
    std::string from_sql();
    std::string nested_sql(const Query& query, BoundPart part);
    std::string where_sql();
    std::string group_sql();
    std::string group_key_sql(const QueryStep& annotation);
    std::string order_sql();
    std::string limit_sql();
    std::string change_condition();

    const QueryStep& last_;
    const PlanContext& context_;
    Joins joins_;
    core::SqlOptions options_;
    core::FieldTypes types_;
    std::vector<const QueryStep*> steps_;  ///< From the source on.
    std::vector<Item> items_;
    std::vector<BoundPart> parts_;
    std::string search_join_;
    std::size_t first_placeholder_ = 1;
    std::size_t value_count_ = 0;
    bool splices_offset_ = false;
};

}  // namespace consilia::data
