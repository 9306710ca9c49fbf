#pragma once
// Writes an expression as SQL text with bound values.
#include <functional>
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
    std::size_t first_placeholder = 1;  ///< Number of the first `$n`; SQLite's `?` has none.
};

/// Storage of a bound value in SQLite: bool 0 or 1, date TEXT `YYYY-MM-DD`, timestamp INTEGER microseconds
/// since 1970, uuid BLOB of 16 bytes, JSON TEXT. A connection to SQLite must set `PRAGMA case_sensitive_like
/// = ON`: LIKE is case-sensitive in expressions.
///
/// Compiles an expression whose parameters are all given.
/// @throws InvalidArgument (`expression.missing_parameter`; `expression.type` for a condition that is not a
/// truth
///         value; `expression.too_deep` for values nested past what SQLite parses;
///         `expression.pattern_too_long`), and what `options.column` throws.
CONSILIA_API SqlFragment compile_sql(const Expression& expression, const SqlOptions& options,
                                     const Parameters& parameters = {});

/// A quoted identifier: `"name"`, with quotes inside doubled.
CONSILIA_API std::string quote_identifier(std::string_view name);

}  // namespace consilia::core
