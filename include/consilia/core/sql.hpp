#pragma once
// Writes an expression as SQL text with bound values.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/expression.hpp"

namespace consilia::core {

/// SQL text and the values for its placeholders, in order. Values are never part of the text.
struct SqlFragment {
    std::string text;
    std::vector<Value> bindings;
};

/// Which database the text is for.
enum class SqlDialect : std::uint8_t { Sqlite, PostgreSql };

/// How names in an expression become SQL.
struct SqlOptions {
    SqlDialect dialect = SqlDialect::Sqlite;
    /// The column of a field path, quoted and qualified: `"patient"."user_id"`. It must come from a declared
    /// schema, never from the path's text; throws InvalidArgument for an unknown path.
    std::function<std::string(std::string_view path)> column;
    /// The type of a field. PostgreSQL needs it for all but the plainest conditions; SQLite does without.
    std::function<ValueType(std::string_view path)> type = {};
    std::function<std::string(std::string_view path)> outer_column = {};  ///< Of `outer(path)`.
    std::function<ValueType(std::string_view path)> outer_type = {};
    std::size_t first_placeholder = 1;  ///< Number of the first `$n`; SQLite's `?` has none.
    std::size_t parser_entries = 0;     ///< Entries of SQLite's parser stack taken by what stands around.
    bool allows_aggregates = false;     ///< `count`, `sum` and their like may stand here.
    bool allows_windows = false;        ///< `… over (…)` may stand here.
};

/// Storage of a bound value in SQLite: bool 0 or 1, date TEXT `YYYY-MM-DD`, timestamp INTEGER microseconds
/// since 1970, uuid BLOB of 16 bytes, JSON TEXT. A connection to SQLite must set `PRAGMA case_sensitive_like
/// = ON` (LIKE is case-sensitive in expressions) and have the functions `consilia_*`, which calculate exactly
/// as `evaluate` does; the connections of `data` have both. On PostgreSQL (14 or later) bound values are cast
/// to their types (`$1::bigint`) except beside a column, whose type the server gives them.
///
/// Compiles a condition whose parameters are all given.
/// @throws InvalidArgument (`expression.missing_parameter`; `expression.type` for a condition that is not a
/// truth value, or, on PostgreSQL, a type that is not known where the text depends on it;
/// `expression.too_deep` for values nested past what SQLite parses; `expression.too_long` past 1 MiB of text;
/// `expression.pattern_too_long`; `expression.aggregate`, `expression.window` where the options do not allow
/// them), and what `options.column` throws.
CONSILIA_API SqlFragment compile_sql(const Expression& expression, const SqlOptions& options,
                                     const Parameters& parameters = {});

/// As `compile_sql`, for a value: in a SELECT list, an ORDER BY or a SET.
CONSILIA_API SqlFragment compile_value_sql(const Expression& expression, const SqlOptions& options,
                                           const Parameters& parameters = {});

/// Appends the values that `compile_sql(expression, …, parameters).bindings` would have, without writing the
/// text: expressions of the same shape share their text, so that a prepared statement needs only these.
/// The text also depends on which `parameters` are null, true, false or of another type: `bind` them first.
/// @throws InvalidArgument (`expression.missing_parameter`, `expression.pattern_too_long`).
CONSILIA_API void collect_bindings(const Expression& expression, const Parameters& parameters,
                                   std::vector<Value>& out);

/// A function that text for SQLite calls: `calculate(op, …)` over any number of operands. `Sum` and `Avg`
/// are aggregates, which a window may have too.
struct SqliteFunction {
    const char* name;
    Operator op;
};
/// What a connection to SQLite must have before it runs compiled text.
CONSILIA_API std::span<const SqliteFunction> sqlite_functions() noexcept;

/// A quoted identifier: `"name"`, with quotes inside doubled.
CONSILIA_API std::string quote_identifier(std::string_view name);

}  // namespace consilia::core
