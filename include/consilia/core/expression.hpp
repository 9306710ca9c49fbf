#pragma once
// One expression, many readers: the tree that queries, policies and validators share.
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::core {

/// Named values that an expression refers to as `:name`.
using Parameters = std::map<std::string, Value, std::less<>>;

/// What a node of an expression does with its operands.
enum class Operator : std::uint8_t {
    Literal,    ///< `value()`
    Parameter,  ///< `name()`, looked up when the expression is read
    Field,      ///< `name()`: a dotted path across relations, `xray.patient.user_id`
    And,        ///< two or more operands
    Or,         ///< two or more operands
    Not,        ///< one operand
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    IsNull,     ///< one operand; never unknown
    IsNotNull,  ///< one operand; never unknown
    In,         ///< the first operand is looked for among the others; an empty list is false
    Between,    ///< value, low, high; both ends included
    Like,       ///< text, pattern: `%` any run, `_` one character, `\` escapes; case-sensitive

    // Numbers. What has no result (overflow, division by zero) is null.
    Add,
    Subtract,
    Multiply,
    Divide,  ///< of two integers: truncated towards zero
    Modulo,  ///< integers only; the sign of the first operand
    Negate,
    Abs,
    Round,  ///< to a whole double, halves to the even one
    Floor,
    Ceil,

    // Text.
    Concat,      ///< two or more texts
    Lower,       ///< ASCII letters only
    Upper,       ///< ASCII letters only
    Length,      ///< in code points
    Substr,      ///< text, first position (from 1), and optionally the number of code points
    Trim,        ///< spaces at both ends
    Replace,     ///< text, what, by what: every occurrence; an empty `what` changes nothing
    StartsWith,  ///< text, prefix
    EndsWith,    ///< text, suffix
    Contains,    ///< text, part

    // Any type.
    Coalesce,  ///< the first operand that is not null
    NullIf,    ///< the first operand, or null if it equals the second
    Least,     ///< of the operands that are not null
    Greatest,  ///< of the operands that are not null
    Case,      ///< condition, value, condition, value, …, and optionally the value otherwise

    // Dates and timestamps, from the year 1 to 9999 in UTC; null outside.
    DateOf,  ///< the day of a timestamp
    Year,    ///< of a date or a timestamp, as the next ones
    Month,
    Day,
    Weekday,    ///< 1 (Monday) to 7
    DayOfYear,  ///< from 1
    Hour,       ///< of a timestamp, as the next ones
    Minute,
    Second,          ///< whole seconds
    AddDays,         ///< date, days
    AddSeconds,      ///< timestamp, whole seconds
    DaysBetween,     ///< from the first date to the second
    SecondsBetween,  ///< from the first timestamp to the second, a double

    // JSON: a document, then literal keys (text) and positions (int64, from 0).
    JsonText,    ///< null unless a text is there
    JsonNumber,  ///< a double; null unless a number is there that a double can hold
    JsonBool,    ///< null unless true or false is there

    // Aggregates, where a query allows them.
    Count,  ///< rows, or rows where the operand is not null
    CountDistinct,
    Sum,
    Avg,  ///< a double
    Min,
    Max,
    Filter,  ///< aggregate, condition of the rows that count

    // Window functions, only as the first operand of Over.
    RowNumber,
    Rank,
    DenseRank,
    Lag,   ///< value, and optionally a literal number of rows (1) and the value where there is no such row
    Lead,  ///< as Lag
    FirstValue,
    LastValue,   ///< of the rows up to this one and those that tie with it
    Over,        ///< function or aggregate, partitions, then Ascending and Descending
    Ascending,   ///< nulls first
    Descending,  ///< nulls last

    // Subqueries: `subquery()`.
    Exists,
    InSubquery,      ///< the operand is looked for in the rows
    ScalarSubquery,  ///< the value of the first row, or null
    Outer,           ///< `name()`: a field of the query around the subquery that this stands in
};

class Subquery;

/// An immutable tree with the three-valued logic of SQL: a comparison with null is unknown.
///
/// Copies share the tree. A default-constructed expression is the literal true: it restricts nothing.
/// Threading: safe.
class CONSILIA_API Expression {
public:
    Expression();
    static Expression literal(Value value);
    static Expression parameter(std::string name);
    static Expression field(std::string path);
    /// A field of the query around the subquery in which this stands.
    static Expression outer(std::string path);
    static Expression exists(std::shared_ptr<const Subquery> subquery);
    static Expression in_subquery(const Expression& value, std::shared_ptr<const Subquery> subquery);
    /// The value of the first row; null without rows.
    static Expression scalar(std::shared_ptr<const Subquery> subquery);
    /// @throws InvalidArgument (`expression.arity`) if the number of operands does not fit,
    ///         (`expression.too_deep`) past `kMaxDepth`, (`expression.aggregate`, `expression.window`) for an
    ///         aggregate or window function where none can stand, (`expression.json_path`),
    ///         (`expression.offset`) for a `lag` or `lead` without a literal number of rows.
    static Expression make(Operator op, std::vector<Expression> operands);

    /// Deepest tree: readers recurse, and the parser of SQLite has a stack of 100.
    static constexpr std::size_t kMaxDepth = 64;

    /// The same operator, and subquery if it has one, on other operands. @throws as `make`.
    [[nodiscard]] Expression with_operands(std::vector<Expression> operands) const;

    [[nodiscard]] Operator op() const noexcept;
    [[nodiscard]] std::span<const Expression> operands() const noexcept;
    [[nodiscard]] const Value& value() const noexcept;       ///< Of a literal; null otherwise.
    [[nodiscard]] const std::string& name() const noexcept;  ///< Of a field or parameter; empty otherwise.
    [[nodiscard]] std::size_t depth() const noexcept;  ///< Nodes on the longest path, this one included.
    /// True for the literal true, the neutral element of `&&`.
    [[nodiscard]] bool is_always_true() const noexcept;
    /// The query of `Exists`, `InSubquery` and `ScalarSubquery`; nullptr otherwise.
    [[nodiscard]] const Subquery* subquery() const noexcept;
    /// Same structure, names and values.
    [[nodiscard]] bool same_as(const Expression& other) const noexcept;
    /// Same structure and names, and literals of the same type: whatever SQL text is made of. Null, true and
    /// false are written into SQL, all other values are bound to it.
    [[nodiscard]] bool same_shape(const Expression& other) const noexcept;
    /// Equal for expressions of the same shape; computed when the expression is made.
    [[nodiscard]] std::uint64_t shape_hash() const noexcept;
    /// An aggregate outside `over` is in it.
    [[nodiscard]] bool has_aggregate() const noexcept;
    [[nodiscard]] bool has_window() const noexcept;
    [[nodiscard]] bool has_subquery() const noexcept;

private:
    struct Node;
    explicit Expression(std::shared_ptr<const Node> node) noexcept : node_(std::move(node)) {}
    static Expression named(Operator op, std::string name);
    /// Takes the operands out of the span.
    static Expression branch(Operator op, std::span<Expression> operands,
                             std::shared_ptr<const Subquery> subquery = nullptr);
    static Expression joined(Operator op, const Expression& a, const Expression& b);
    template <class SameLiteral, class SameSubquery>
    [[nodiscard]] bool is_alike(const Expression& other, SameLiteral same_literal,
                                SameSubquery same_subquery) const noexcept;
    friend class Term;
    friend CONSILIA_API Expression operator&&(const Expression& a, const Expression& b);
    friend CONSILIA_API Expression operator||(const Expression& a, const Expression& b);
    std::shared_ptr<const Node> node_;
};

/// Conjunction; literal trues are dropped and nested conjunctions are flattened.
CONSILIA_API Expression operator&&(const Expression& a, const Expression& b);
/// Disjunction; nested disjunctions are flattened.
CONSILIA_API Expression operator||(const Expression& a, const Expression& b);
CONSILIA_API Expression operator!(const Expression& a);

/// Something that stands for one value inside an expression (a field, a parameter, a literal), with the
/// comparison operators: `field("status") == "completed" && field("age") >= 18`.
class CONSILIA_API Term {
public:
    Term(Value value)
        : expression_(Expression::literal(std::move(value))) {}  // NOLINT(google-explicit-constructor)
    template <class T>
    requires(std::is_constructible_v<Value, const T&> && !std::is_same_v<T, Value>) Term(const T& value)
        : Term(Value(value)) {}  // NOLINT(google-explicit-constructor)
    explicit Term(Expression expression) : expression_(std::move(expression)) {}

    [[nodiscard]] const Expression& expression() const noexcept { return expression_; }
    [[nodiscard]] Expression is_null() const { return Expression::make(Operator::IsNull, {expression_}); }
    [[nodiscard]] Expression is_not_null() const {
        return Expression::make(Operator::IsNotNull, {expression_});
    }
    [[nodiscard]] Expression in(std::span<const Value> values) const;
    [[nodiscard]] Expression in(std::initializer_list<Value> values) const {
        return in(std::span(values.begin(), values.size()));
    }
    [[nodiscard]] Expression between(const Term& low, const Term& high) const;
    [[nodiscard]] Expression like(const Term& pattern) const;

    friend Term operator+(const Term& a, const Term& b) { return calculate(Operator::Add, a, b); }
    friend Term operator-(const Term& a, const Term& b) { return calculate(Operator::Subtract, a, b); }
    friend Term operator*(const Term& a, const Term& b) { return calculate(Operator::Multiply, a, b); }
    friend Term operator/(const Term& a, const Term& b) { return calculate(Operator::Divide, a, b); }
    friend Term operator%(const Term& a, const Term& b) { return calculate(Operator::Modulo, a, b); }
    friend Term operator-(const Term& a) { return Term(Expression::make(Operator::Negate, {a.expression_})); }

    friend Expression operator==(const Term& a, const Term& b) { return compare(Operator::Equal, a, b); }
    friend Expression operator!=(const Term& a, const Term& b) { return compare(Operator::NotEqual, a, b); }
    friend Expression operator<(const Term& a, const Term& b) { return compare(Operator::Less, a, b); }
    friend Expression operator<=(const Term& a, const Term& b) { return compare(Operator::LessEqual, a, b); }
    friend Expression operator>(const Term& a, const Term& b) { return compare(Operator::Greater, a, b); }
    friend Expression operator>=(const Term& a, const Term& b) {
        return compare(Operator::GreaterEqual, a, b);
    }

private:
    static Expression compare(Operator op, const Term& a, const Term& b);
    static Term calculate(Operator op, const Term& a, const Term& b) { return Term(compare(op, a, b)); }
    Expression expression_;
};

/// A field by its dotted path: `field("xray.patient.user_id")`.
/// @throws InvalidArgument (`expression.field_name`) unless each part is `[A-Za-z_][A-Za-z0-9_]*`.
CONSILIA_API Term field(std::string_view path);
/// A parameter: `parameter("me")` is `:me` in text.
CONSILIA_API Term parameter(std::string_view name);

/// Reads the text form: `status = 'completed' and xray.patient.user_id = :me`.
///
/// Keywords (and or not is null in between like true false) are case-insensitive; text is quoted with ',
/// doubled inside; numbers are int64 or double; `date '2026-01-31'` and `timestamp '2026-01-31T12:00:00Z'`
/// are typed.
/// @throws InvalidArgument (`expression.syntax`) with the byte offset, what was expected and what was found
/// in its
///         details; `expression.too_deep`; `expression.too_long` past 1 MiB.
CONSILIA_API Expression parse_expression(std::string_view text);
/// Writes the text form: `parse_expression(to_text(e)).same_as(e)`, except that blobs and JSON have no text
/// form.
CONSILIA_API std::string to_text(const Expression& expression);

/// Gives the value of a field by its dotted path.
using FieldSource = std::function<Value(std::string_view path)>;
/// Gives the value of a parameter by its name, which must live through the evaluation; nullptr: not given.
using ParameterSource = std::function<const Value*(std::string_view name)>;

/// The value of an expression over one object; unknown is null.
/// @throws InvalidArgument (`expression.missing_parameter`; `expression.type` where two types cannot be
/// compared).
CONSILIA_API Value evaluate(const Expression& expression, const FieldSource& fields,
                            const Parameters& parameters = {});
/// True if the expression is true: false and unknown both give false, as in a WHERE clause.
CONSILIA_API bool matches(const Expression& expression, const FieldSource& fields,
                          const Parameters& parameters = {});
/// The truth of a condition over one object; empty: unknown. For parameters that are found, not collected.
/// @throws as `evaluate`.
CONSILIA_API std::optional<bool> truth(const Expression& condition, const FieldSource& fields,
                                       const ParameterSource& parameters);

/// What a function of values (Add to Ceil, Concat to Contains, NullIf to Greatest, DateOf to JsonBool, Like)
/// gives for these: the one definition that the evaluator and the connections to SQLite share.
/// @throws InvalidArgument (`expression.type`) for values that it does not take.
CONSILIA_API Value calculate(Operator op, std::span<const Value> operands);

/// The distinct field paths in an expression, in order of first appearance.
CONSILIA_API std::vector<std::string> field_paths(const Expression& expression);
/// Replaces each parameter that is in `parameters` by its value; the others stay.
CONSILIA_API Expression bind(const Expression& expression, const Parameters& parameters);

}  // namespace consilia::core
