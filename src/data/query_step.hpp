#pragma once
// The steps of a query: a chain of small immutable nodes from the newest to the model.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/expression.hpp"
#include "consilia/core/value.hpp"
#include "consilia/data/query.hpp"

namespace consilia::data {

enum class StepKind : std::uint8_t {
    Source,  ///< `model`; `extra->queries` are its rows, where it is no table: all of them, or each once
             ///< (flag)
    Where,   ///< `expression`
    After,   ///< `expression`: the rows behind a key
    Having,  ///< `expression`
    WithDeleted,
    OnlyDeleted,
    Order,  ///< `expression`, or the field `text`; flag: descending; `nulls`
    Unordered,
    Limit,    ///< `number`, a part of the shape: a literal in the statement
    Offset,   ///< `number`
    Select,   ///< `text`: names
    Defer,    ///< `text`: names
    Include,  ///< `text`
    Distinct,
    Annotate,  ///< `text`, `expression`
    GroupBy,   ///< `text`: names
    Search,    ///< `extra->values`: the pattern for SQLite, the text for PostgreSQL; `text`: name of the rank
    Lock,      ///< flag: skip what is locked
    Prefetch,  ///< `text`: name, relation; `extra->queries`: the children
    Keys,      ///< field `text` is one of `extra->values[0]`, a JSON array of integers

    // The last step of a statement that is no SELECT of the rows.
    Count,
    Exists,
    Aggregate,  ///< `extra->expressions`
    Update,     ///< `extra->expressions`; `text`: names to return
    Remove,
};

/// What few steps have.
struct StepExtra {
    std::vector<NamedExpression> expressions{};
    std::vector<Query> queries{};
    std::vector<core::Value> values{};
    std::shared_ptr<const Model> model{};  ///< Of a source that is no table.
};

/// One step. Its hash and `same_shape` take in everything that the statement's text depends on, and no bound
/// value.
struct QueryStep {
    StepKind kind = StepKind::Source;
    Nulls nulls = Nulls::Default;
    bool flag = false;
    std::uint16_t position = 0;          ///< From the source, which is 0.
    std::uint16_t expression_depth = 0;  ///< Of the deepest expression in the chain.
    std::uint32_t kinds = 0;             ///< A bit for each kind in the chain.
    std::uint64_t hash = 0;              ///< Of the shape of the chain.
    std::uint64_t identity = 0;          ///< Of the model.
    const Model* model = nullptr;
    std::shared_ptr<const QueryStep> parent{};
    core::Expression expression{};
    std::string text{};  ///< Names are joined with `kNameSeparator`.
    std::int64_t number = 0;
    std::shared_ptr<const StepExtra> extra{};

    [[nodiscard]] bool has(StepKind of) const noexcept {
        return (kinds & (std::uint32_t{1} << static_cast<unsigned>(of))) != 0;
    }
    /// A step behind this one; its hash is computed here. @throws InvalidArgument (`query.too_long`).
    static std::shared_ptr<const QueryStep> append(const std::shared_ptr<const QueryStep>& parent,
                                                   QueryStep&& step);
    static std::shared_ptr<const QueryStep> source(const Model& model, std::shared_ptr<const StepExtra> extra,
                                                   bool is_distinct);
    static const std::shared_ptr<const QueryStep>& of(const Query& query) noexcept { return query.last_; }
    static Query query(std::shared_ptr<const QueryStep> last) { return Query(std::move(last)); }
};

constexpr char kNameSeparator = '\n';  ///< Part of no name that a model or a query has.

/// Equal for chains of the same shape as part of another statement, where an offset is part of the text.
[[nodiscard]] std::uint64_t nested_hash(const QueryStep& last) noexcept;
[[nodiscard]] bool same_nested_shape(const QueryStep& a, const QueryStep& b) noexcept;
/// Whether both chains make the same text.
[[nodiscard]] bool same_shape(const QueryStep& a, const QueryStep& b) noexcept;
/// The same with all values: offsets and bound ones too.
[[nodiscard]] bool same_chain(const QueryStep& a, const QueryStep& b) noexcept;

/// A chain of the same shape in which bound values are empty: what may be kept for long.
[[nodiscard]] std::shared_ptr<const QueryStep> without_values(const std::shared_ptr<const QueryStep>& last);

/// The names in a step's text.
[[nodiscard]] std::vector<std::string_view> names_of(std::string_view text);

/// The annotation of this name in a chain, or nullptr.
[[nodiscard]] const QueryStep* find_annotation(const QueryStep& last, std::string_view name) noexcept;
/// The expression with annotations in place of their names.
[[nodiscard]] core::Expression with_annotations(const core::Expression& expression, const QueryStep& last);

/// The steps of an order that count: those behind the last `unordered`, first to last.
[[nodiscard]] std::vector<const QueryStep*> order_of(const QueryStep& last);

}  // namespace consilia::data
