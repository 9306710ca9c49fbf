#pragma once
// A query inside an expression, as far as expressions know it: what the data layer implements.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/expression.hpp"
#include "consilia/core/sql.hpp"

namespace consilia::core {

/// Where a subquery stands.
struct SubqueryContext {
    SqlDialect dialect = SqlDialect::Sqlite;
    const Parameters* parameters = nullptr;  ///< Never null when a subquery is compiled.
    std::size_t first_placeholder = 1;       ///< Number of its first `$n`.
    /// What `outer(path)` inside it is: a column of the enclosing query, and its type.
    std::function<std::string(std::string_view path)> outer_column;
    std::function<ValueType(std::string_view path)> outer_type;
    /// Entries of SQLite's parser stack that are taken already: goes into `SqlOptions::parser_entries`.
    std::size_t parser_entries = 0;
    bool is_scalar = false;  ///< At most one row is wanted: the text limits itself to one.
};

/// A query that gives an expression rows to look into. Immutable. Threading: safe.
///
/// `shape_hash` and `same_shape` ignore bound values and nothing else, as those of `Expression` do.
class CONSILIA_API Subquery {
public:
    virtual ~Subquery() = default;
    /// `SELECT …` without parentheses. The bindings are those that `collect_bindings` gives.
    [[nodiscard]] virtual SqlFragment compile(const SubqueryContext& context) const = 0;
    /// Appends the bound values in the order of the text.
    virtual void collect_bindings(const Parameters& parameters, std::vector<Value>& out) const = 0;
    /// Of its only column; Null where it has several, which only `exists` allows.
    [[nodiscard]] virtual ValueType type() const = 0;
    /// Levels of the deepest expression inside: they count towards `Expression::kMaxDepth`.
    [[nodiscard]] virtual std::size_t depth() const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t shape_hash() const noexcept = 0;
    [[nodiscard]] virtual bool same_shape(const Subquery& other) const noexcept = 0;
    [[nodiscard]] virtual bool same_as(const Subquery& other) const noexcept = 0;
};

}  // namespace consilia::core
