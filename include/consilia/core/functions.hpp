#pragma once
// Functions in expressions, for C++: `lower(field("email")) == "a@b.example"`. What each gives is said at its
// `Operator`; each is null where an operand is, unless it says otherwise there.
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "consilia/core/expression.hpp"

namespace consilia::core {

CONSILIA_API Term abs(const Term& number);
CONSILIA_API Term round(const Term& number);
CONSILIA_API Term floor(const Term& number);
CONSILIA_API Term ceil(const Term& number);

/// Texts joined. @throws InvalidArgument (`expression.arity`) for less than two.
CONSILIA_API Term concat(std::initializer_list<Term> texts);
CONSILIA_API Term lower(const Term& text);
CONSILIA_API Term upper(const Term& text);
CONSILIA_API Term length(const Term& text);
CONSILIA_API Term substr(const Term& text, const Term& first);
CONSILIA_API Term substr(const Term& text, const Term& first, const Term& count);
CONSILIA_API Term trim(const Term& text);
CONSILIA_API Term replace(const Term& text, const Term& what, const Term& by);
CONSILIA_API Expression starts_with(const Term& text, const Term& prefix);
CONSILIA_API Expression ends_with(const Term& text, const Term& suffix);
CONSILIA_API Expression contains(const Term& text, const Term& part);

CONSILIA_API Term coalesce(std::initializer_list<Term> values);
CONSILIA_API Term nullif(const Term& value, const Term& null_value);
CONSILIA_API Term least(std::initializer_list<Term> values);
CONSILIA_API Term greatest(std::initializer_list<Term> values);

/// One branch of `case_when`.
struct When {
    Expression condition;
    Term value;
};
/// The value of the first branch whose condition is true; null if there is none.
CONSILIA_API Term case_when(std::initializer_list<When> branches);
CONSILIA_API Term case_when(std::initializer_list<When> branches, const Term& otherwise);

CONSILIA_API Term date_of(const Term& timestamp);
/// @throws InvalidArgument (`expression.part`) unless `part` is one of the operators Year to Second.
CONSILIA_API Term date_part(Operator part, const Term& date_or_timestamp);
CONSILIA_API Term add_days(const Term& date, const Term& days);
CONSILIA_API Term add_seconds(const Term& timestamp, const Term& seconds);
CONSILIA_API Term days_between(const Term& from, const Term& to);
CONSILIA_API Term seconds_between(const Term& from, const Term& to);

/// Keys and positions of a JSON path, as the elements of `json_text(field("meta"), {"tags", 0})`.
/// @throws InvalidArgument (`expression.json_path`) for an element that is neither a text nor an integer from
/// 0 to 2^31 - 1, and for none or more than 32.
CONSILIA_API Term json_text(const Term& document, std::initializer_list<Value> path);
CONSILIA_API Term json_number(const Term& document, std::initializer_list<Value> path);
CONSILIA_API Expression json_bool(const Term& document, std::initializer_list<Value> path);

CONSILIA_API Term count();  ///< Rows: `count(*)`.
CONSILIA_API Term count(const Term& value);
CONSILIA_API Term count_distinct(const Term& value);
CONSILIA_API Term sum(const Term& number);
CONSILIA_API Term avg(const Term& number);
CONSILIA_API Term min(const Term& value);
CONSILIA_API Term max(const Term& value);
/// The aggregate of the rows for which the condition is true.
/// @throws InvalidArgument (`expression.aggregate`) for what is no aggregate.
CONSILIA_API Term filter(const Term& aggregate, const Expression& condition);

CONSILIA_API Term row_number();
CONSILIA_API Term rank();
CONSILIA_API Term dense_rank();
CONSILIA_API Term lag(const Term& value, std::int64_t rows = 1);
CONSILIA_API Term lead(const Term& value, std::int64_t rows = 1);
CONSILIA_API Term first_value(const Term& value);
CONSILIA_API Term last_value(const Term& value);

CONSILIA_API Expression ascending(const Term& value);
CONSILIA_API Expression descending(const Term& value);

/// Which rows a window function sees: those that agree in `partition_by`, in the order of `order_by`
/// (`ascending`, `descending`); with an order the ones up to this row and those that tie with it.
struct Window {
    std::vector<Term> partition_by = {};
    std::vector<Expression> order_by = {};
};
/// @throws InvalidArgument (`expression.window`) for what cannot stand before `over`.
CONSILIA_API Term over(const Term& function, const Window& window);

/// Whether the subquery has a row.
CONSILIA_API Expression exists(std::shared_ptr<const Subquery> subquery);
/// Whether the value is among those of the subquery's only column.
CONSILIA_API Expression in(const Term& value, std::shared_ptr<const Subquery> subquery);
/// The value of the first row of the subquery's only column.
CONSILIA_API Term scalar(std::shared_ptr<const Subquery> subquery);
/// A field of the query around the subquery in which this stands.
CONSILIA_API Term outer(std::string_view path);

}  // namespace consilia::core
