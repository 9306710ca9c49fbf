// Functions of expressions for Python: those of consilia/core/functions.hpp, under the same names.
#include "consilia/core/functions.hpp"

#include <pybind11/stl.h>

#include <vector>

#include "data_native.hpp"

namespace consilia::bindings {
namespace {

using core::Expression;
using core::Operator;
using core::Term;

Term term(py::handle object) {
    return Term(expression_of(object.ptr()));
}

std::vector<Expression> operands(const py::args& given) {
    std::vector<Expression> all;
    for (const py::handle value : given) all.push_back(expression_of(value.ptr()));
    return all;
}

/// Functions of one value.
void bind_unary(py::module_& module, const char* name, Term (*function)(const Term&), const char* doc) {
    module.def(
        name, [function](const py::object& value) { return function(term(value)); }, py::arg("value"), doc);
}

void bind_binary(py::module_& module, const char* name, Term (*function)(const Term&, const Term&),
                 const char* first, const char* second, const char* doc) {
    module.def(
        name, [function](const py::object& a, const py::object& b) { return function(term(a), term(b)); },
        py::arg(first), py::arg(second), doc);
}

void bind_test(py::module_& module, const char* name, Expression (*function)(const Term&, const Term&),
               const char* second, const char* doc) {
    module.def(
        name, [function](const py::object& a, const py::object& b) { return function(term(a), term(b)); },
        py::arg("text"), py::arg(second), doc);
}

void bind_variadic(py::module_& module, const char* name, Operator op, const char* doc) {
    module.def(
        name, [op](const py::args& values) { return Term(Expression::make(op, operands(values))); }, doc);
}

void bind_numbers_and_texts(py::module_& module) {
    bind_unary(module, "abs", &core::abs, "The number without its sign.");
    bind_unary(module, "round", &core::round, "To the nearest whole number.");
    bind_unary(module, "floor", &core::floor, "The next whole number below.");
    bind_unary(module, "ceil", &core::ceil, "The next whole number above.");
    bind_unary(module, "lower", &core::lower, "ASCII letters in lower case.");
    bind_unary(module, "upper", &core::upper, "ASCII letters in upper case.");
    bind_unary(module, "length", &core::length, "Code points of a text.");
    bind_unary(module, "trim", &core::trim, "Without spaces at both ends.");
    bind_variadic(module, "concat", Operator::Concat, "Texts joined.");
    module.def(
        "substr",
        [](const py::object& text, const py::object& first, const py::object& count) {
            return count.is_none() ? core::substr(term(text), term(first))
                                   : core::substr(term(text), term(first), term(count));
        },
        py::arg("text"), py::arg("first"), py::arg("count") = py::none(),
        "Code points from `first`, 1-based.");
    module.def(
        "replace",
        [](const py::object& text, const py::object& what, const py::object& by) {
            return core::replace(term(text), term(what), term(by));
        },
        py::arg("text"), py::arg("what"), py::arg("by"), "Every occurrence replaced.");
    bind_test(module, "starts_with", &core::starts_with, "prefix", "Whether the text begins with this.");
    bind_test(module, "ends_with", &core::ends_with, "suffix", "Whether the text ends with this.");
    bind_test(module, "contains", &core::contains, "part", "Whether this is in the text.");
}

void bind_choices(py::module_& module) {
    bind_variadic(module, "coalesce", Operator::Coalesce, "The first value that is not null.");
    bind_variadic(module, "least", Operator::Least, "The least of the values that are not null.");
    bind_variadic(module, "greatest", Operator::Greatest, "The greatest of the values that are not null.");
    bind_binary(module, "nullif", &core::nullif, "value", "null_value", "Null where both are equal.");
    module.def(
        "case_when",
        [](const py::args& branches, const py::object& otherwise) {
            std::vector<Expression> all;
            for (const py::handle branch : branches) {
                const auto pair = branch.cast<py::tuple>();
                if (pair.size() != 2) throw py::type_error("a branch is (condition, value)");
                all.push_back(condition_of(py::object(pair[0]).ptr()));
                all.push_back(expression_of(py::object(pair[1]).ptr()));
            }
            if (!otherwise.is_none()) all.push_back(expression_of(otherwise.ptr()));
            return Term(Expression::make(Operator::Case, std::move(all)));
        },
        py::arg("otherwise") = py::none(),
        "`case_when((condition, value), …, otherwise=value)`: the value of the first true condition.");
}

void bind_times(py::module_& module) {
    bind_unary(module, "date_of", &core::date_of, "The UTC day of a timestamp.");
    struct Part {
        const char* name;
        Operator op;
    };
    for (const Part part :
         {Part{"year", Operator::Year}, Part{"month", Operator::Month}, Part{"day", Operator::Day},
          Part{"weekday", Operator::Weekday}, Part{"day_of_year", Operator::DayOfYear},
          Part{"hour", Operator::Hour}, Part{"minute", Operator::Minute}, Part{"second", Operator::Second}}) {
        module.def(
            part.name, [op = part.op](const py::object& value) { return core::date_part(op, term(value)); },
            py::arg("value"), "This part of a date or a timestamp, in UTC.");
    }
    bind_binary(module, "add_days", &core::add_days, "date", "days", "A date so many days later.");
    bind_binary(module, "add_seconds", &core::add_seconds, "timestamp", "seconds",
                "A timestamp so many whole seconds later.");
    bind_binary(module, "days_between", &core::days_between, "start", "end",
                "Days from the first to the second.");
    bind_binary(module, "seconds_between", &core::seconds_between, "start", "end",
                "Seconds from the first to the second.");
}

void bind_json(py::module_& module) {
    const auto bind_path = [&](const char* name, Operator op, const char* doc) {
        module.def(
            name,
            [op](const py::object& document, const py::args& path) {
                std::vector<Expression> all{expression_of(document.ptr())};
                for (Expression& element : operands(path)) all.push_back(std::move(element));
                return Term(Expression::make(op, std::move(all)));
            },
            py::arg("document"), doc);
    };
    bind_path("json_text", Operator::JsonText, "The text under these keys and positions, or null.");
    bind_path("json_number", Operator::JsonNumber, "The number under these keys and positions, or null.");
    bind_path("json_bool", Operator::JsonBool, "The truth value under these keys and positions, or null.");
}

void bind_aggregates(py::module_& module) {
    module.def(
        "count",
        [](const py::object& value) { return value.is_none() ? core::count() : core::count(term(value)); },
        py::arg("value") = py::none(), "Rows, or rows where the value is not null.");
    bind_unary(module, "count_distinct", &core::count_distinct, "Different values that are not null.");
    bind_unary(module, "sum", &core::sum, "The sum; null without a value.");
    bind_unary(module, "avg", &core::avg, "The mean; null without a value.");
    bind_unary(module, "min", &core::min, "The least value.");
    bind_unary(module, "max", &core::max, "The greatest value.");
    module.def(
        "filter",
        [](const py::object& aggregate, const py::object& condition) {
            return core::filter(term(aggregate), condition_of(condition.ptr()));
        },
        py::arg("aggregate"), py::arg("condition"),
        "The aggregate of the rows for which the condition is true.");
}

void bind_windows(py::module_& module) {
    module.def("row_number", &core::row_number, "Position in the window's order, from 1.");
    module.def("rank", &core::rank, "Position of the first of those that tie.");
    module.def("dense_rank", &core::dense_rank, "As `rank`, without gaps.");
    for (const auto& [name, function] : {std::pair{"lag", &core::lag}, std::pair{"lead", &core::lead}}) {
        module.def(
            name,
            [function = function](const py::object& value, std::int64_t rows) {
                return function(term(value), rows);
            },
            py::arg("value"), py::arg("rows") = 1, "The value so many rows before (lag) or after (lead).");
    }
    bind_unary(module, "first_value", &core::first_value, "The value of the window's first row.");
    bind_unary(module, "last_value", &core::last_value, "The value of the window's last row so far.");
    module.def(
        "over",
        [](const py::object& function, const py::iterable& partition_by, const py::iterable& order_by) {
            core::Window window;
            for (const py::handle value : partition_by) window.partition_by.push_back(term(value));
            for (const py::handle value : order_by) {
                Expression order = expression_of(value.ptr());
                const bool is_order = order.op() == Operator::Ascending || order.op() == Operator::Descending;
                window.order_by.push_back(is_order ? order : core::ascending(Term(order)));
            }
            return core::over(term(function), window);
        },
        py::arg("function"), py::kw_only(), py::arg("partition_by") = py::tuple(),
        py::arg("order_by") = py::tuple(),
        "A window function or an aggregate over the rows around each row.");
    module.def("outer", &core::outer, py::arg("path"), "A field of the query around the subquery.");
}

}  // namespace

void bind_functions(py::module_& module) {
    bind_numbers_and_texts(module);
    bind_choices(module);
    bind_times(module);
    bind_json(module);
    bind_aggregates(module);
    bind_windows(module);
}

}  // namespace consilia::bindings
