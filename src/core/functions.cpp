#include "consilia/core/functions.hpp"

#include "consilia/core/error.hpp"
#include "core/operators.hpp"

namespace consilia::core {
namespace {

Expression made(Operator op, std::initializer_list<Term> operands) {
    std::vector<Expression> expressions;
    expressions.reserve(operands.size());
    for (const Term& operand : operands) expressions.push_back(operand.expression());
    return Expression::make(op, std::move(expressions));
}

Term term(Operator op, std::initializer_list<Term> operands) {
    return Term(made(op, operands));
}

Expression at_json_path(Operator op, const Term& document, std::initializer_list<Value> path) {
    std::vector<Expression> operands{document.expression()};
    for (const Value& element : path) operands.push_back(Expression::literal(element));
    if (operands.size() < info_of(op).operands_min || operands.size() > info_of(op).operands_max) {
        throw InvalidArgument("expression.json_path", "a JSON path has 1 to 32 elements");
    }
    return Expression::make(op, std::move(operands));
}

std::vector<Expression> flattened(std::initializer_list<When> branches) {
    std::vector<Expression> operands;
    for (const When& branch : branches) {
        operands.push_back(branch.condition);
        operands.push_back(branch.value.expression());
    }
    return operands;
}

}  // namespace

Term abs(const Term& number) {
    return term(Operator::Abs, {number});
}
Term round(const Term& number) {
    return term(Operator::Round, {number});
}
Term floor(const Term& number) {
    return term(Operator::Floor, {number});
}
Term ceil(const Term& number) {
    return term(Operator::Ceil, {number});
}

Term concat(std::initializer_list<Term> texts) {
    return term(Operator::Concat, texts);
}
Term lower(const Term& text) {
    return term(Operator::Lower, {text});
}
Term upper(const Term& text) {
    return term(Operator::Upper, {text});
}
Term length(const Term& text) {
    return term(Operator::Length, {text});
}
Term substr(const Term& text, const Term& first) {
    return term(Operator::Substr, {text, first});
}
Term substr(const Term& text, const Term& first, const Term& count) {
    return term(Operator::Substr, {text, first, count});
}
Term trim(const Term& text) {
    return term(Operator::Trim, {text});
}
Term replace(const Term& text, const Term& what, const Term& by) {
    return term(Operator::Replace, {text, what, by});
}
Expression starts_with(const Term& text, const Term& prefix) {
    return made(Operator::StartsWith, {text, prefix});
}
Expression ends_with(const Term& text, const Term& suffix) {
    return made(Operator::EndsWith, {text, suffix});
}
Expression contains(const Term& text, const Term& part) {
    return made(Operator::Contains, {text, part});
}

Term coalesce(std::initializer_list<Term> values) {
    return term(Operator::Coalesce, values);
}
Term nullif(const Term& value, const Term& null_value) {
    return term(Operator::NullIf, {value, null_value});
}
Term least(std::initializer_list<Term> values) {
    return term(Operator::Least, values);
}
Term greatest(std::initializer_list<Term> values) {
    return term(Operator::Greatest, values);
}

Term case_when(std::initializer_list<When> branches) {
    return Term(Expression::make(Operator::Case, flattened(branches)));
}
Term case_when(std::initializer_list<When> branches, const Term& otherwise) {
    std::vector<Expression> operands = flattened(branches);
    operands.push_back(otherwise.expression());
    return Term(Expression::make(Operator::Case, std::move(operands)));
}

Term date_of(const Term& timestamp) {
    return term(Operator::DateOf, {timestamp});
}
Term date_part(Operator part, const Term& date_or_timestamp) {
    if (part < Operator::Year || part > Operator::Second) {
        throw InvalidArgument("expression.part", "a part of a date is one of `year` to `second`");
    }
    return term(part, {date_or_timestamp});
}
Term add_days(const Term& date, const Term& days) {
    return term(Operator::AddDays, {date, days});
}
Term add_seconds(const Term& timestamp, const Term& seconds) {
    return term(Operator::AddSeconds, {timestamp, seconds});
}
Term days_between(const Term& from, const Term& to) {
    return term(Operator::DaysBetween, {from, to});
}
Term seconds_between(const Term& from, const Term& to) {
    return term(Operator::SecondsBetween, {from, to});
}

Term json_text(const Term& document, std::initializer_list<Value> path) {
    return Term(at_json_path(Operator::JsonText, document, path));
}
Term json_number(const Term& document, std::initializer_list<Value> path) {
    return Term(at_json_path(Operator::JsonNumber, document, path));
}
Expression json_bool(const Term& document, std::initializer_list<Value> path) {
    return at_json_path(Operator::JsonBool, document, path);
}

Term count() {
    return term(Operator::Count, {});
}
Term count(const Term& value) {
    return term(Operator::Count, {value});
}
Term count_distinct(const Term& value) {
    return term(Operator::CountDistinct, {value});
}
Term sum(const Term& number) {
    return term(Operator::Sum, {number});
}
Term avg(const Term& number) {
    return term(Operator::Avg, {number});
}
Term min(const Term& value) {
    return term(Operator::Min, {value});
}
Term max(const Term& value) {
    return term(Operator::Max, {value});
}
Term filter(const Term& aggregate, const Expression& condition) {
    return Term(Expression::make(Operator::Filter, {aggregate.expression(), condition}));
}

Term row_number() {
    return term(Operator::RowNumber, {});
}
Term rank() {
    return term(Operator::Rank, {});
}
Term dense_rank() {
    return term(Operator::DenseRank, {});
}
Term lag(const Term& value, std::int64_t rows) {
    return term(Operator::Lag, {value, rows});
}
Term lead(const Term& value, std::int64_t rows) {
    return term(Operator::Lead, {value, rows});
}
Term first_value(const Term& value) {
    return term(Operator::FirstValue, {value});
}
Term last_value(const Term& value) {
    return term(Operator::LastValue, {value});
}

Expression ascending(const Term& value) {
    return made(Operator::Ascending, {value});
}
Expression descending(const Term& value) {
    return made(Operator::Descending, {value});
}

Term over(const Term& function, const Window& window) {
    std::vector<Expression> operands{function.expression()};
    for (const Term& partition : window.partition_by) operands.push_back(partition.expression());
    operands.insert(operands.end(), window.order_by.begin(), window.order_by.end());
    return Term(Expression::make(Operator::Over, std::move(operands)));
}

Expression exists(std::shared_ptr<const Subquery> subquery) {
    return Expression::exists(std::move(subquery));
}
Expression in(const Term& value, std::shared_ptr<const Subquery> subquery) {
    return Expression::in_subquery(value.expression(), std::move(subquery));
}
Term scalar(std::shared_ptr<const Subquery> subquery) {
    return Term(Expression::scalar(std::move(subquery)));
}
Term outer(std::string_view path) {
    return Term(Expression::outer(std::string(path)));
}

}  // namespace consilia::core
