// Expressions for Python, and the order in which core is bound.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <string>
#include <vector>

#include "bind_errors.hpp"
#include "bindings.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/functions.hpp"
#include "consilia/core/sql.hpp"

namespace consilia::bindings {
namespace {

using core::Expression;
using core::Term;

/// A term from a term or from a plain Python value.
Term to_term(py::handle object) {
    if (py::isinstance<Term>(object)) return object.cast<Term>();
    return Term(to_value(object));
}

/// A condition from a condition or from a field that holds a truth value.
Expression to_expression(py::handle object) {
    if (py::isinstance<Term>(object)) return object.cast<Term>().expression();
    if (py::isinstance<Expression>(object)) return object.cast<Expression>();
    throw py::type_error("wanted an Expression or a Term: mind the parentheses around comparisons");
}

[[noreturn]] bool refuse_truth() {
    throw py::type_error(
        "an expression has no truth value: combine with &, | and ~, and mind the parentheses");
}

core::Parameters to_parameters(const py::dict& given) {
    core::Parameters parameters;
    for (const auto& [name, value] : given) parameters.emplace(name.cast<std::string>(), to_value(value));
    return parameters;
}

/// Fields by dotted path: a key `a.b` itself, or the key `b` of the mapping under `a`. What is absent is
/// null.
core::FieldSource field_source(const py::dict& object) {
    return [&object](std::string_view path) -> core::Value {
        const py::str whole(path.data(), path.size());
        if (object.contains(whole)) return to_value(object[whole]);
        py::object at = object;
        for (const py::handle part : whole.attr("split")(".")) {
            if (!py::isinstance<py::dict>(at) || !at.contains(part)) return {};
            at = at[part];
        }
        return to_value(at);
    };
}

core::ValueType type_named(const std::string& name) {
    for (int number = 0; number <= static_cast<int>(core::ValueType::Json); ++number) {
        const auto type = static_cast<core::ValueType>(number);
        if (core::to_string(type) == name) return type;
    }
    throw core::InvalidArgument("value.type_name", "`" + name + "` is no type of a value");
}

/// For a database that the library does not open: the columns are the caller's, quoted already.
py::tuple expression_sql(const Expression& expression, const std::map<std::string, std::string>& columns,
                         const std::string& dialect, const std::map<std::string, std::string>& types) {
    core::SqlOptions options;
    if (dialect == "postgresql") {
        options.dialect = core::SqlDialect::PostgreSql;
    } else if (dialect != "sqlite") {
        throw core::InvalidArgument("sql.dialect",
                                    "the dialect is `sqlite` or `postgresql`, not `" + dialect + "`");
    }
    options.column = [&columns](std::string_view path) {
        const auto found = columns.find(std::string(path));
        if (found != columns.end()) return found->second;
        throw core::InvalidArgument("sql.column", "no column is given for field `" + std::string(path) + "`",
                                    {{"field", core::Value(path)}});
    };
    options.type = [&types](std::string_view path) {
        const auto found = types.find(std::string(path));
        return found == types.end() ? core::ValueType::Null : type_named(found->second);
    };
    const core::SqlFragment fragment = core::compile_sql(expression, options);
    py::list values;
    for (const core::Value& value : fragment.bindings) values.append(to_python(value));
    return py::make_tuple(fragment.text, values);
}

void bind_expressions(py::module_& module) {
    py::class_<Expression>(
        module, "Expression",
        "An immutable condition with SQL's three-valued logic. Combine with `&`, `|` and `~`.")
        .def("__and__", [](const Expression& a, py::handle b) { return a && to_expression(b); })
        .def("__or__", [](const Expression& a, py::handle b) { return a || to_expression(b); })
        .def("__invert__", [](const Expression& a) { return !a; })
        .def("__str__", &core::to_text)
        .def("__repr__", [](const Expression& e) { return "<Expression " + core::to_text(e) + ">"; })
        .def("__bool__", [](const Expression&) { return refuse_truth(); })
        .def("same_as", &Expression::same_as, py::arg("other"), "Same structure, names and values.")
        .def_property_readonly("field_paths", &core::field_paths)
        .def(
            "bind",
            [](const Expression& e, const py::dict& given) { return core::bind(e, to_parameters(given)); },
            py::arg("parameters"), "Replaces the parameters that are given by their values.")
        .def(
            "evaluate",
            [](const Expression& e, const py::dict& object, const py::dict& parameters) {
                return to_python(core::evaluate(e, field_source(object), to_parameters(parameters)));
            },
            py::arg("object"), py::arg("parameters") = py::dict(),
            "The value over a (nested) dict; None where it is unknown.")
        .def(
            "matches",
            [](const Expression& e, const py::dict& object, const py::dict& parameters) {
                return core::matches(e, field_source(object), to_parameters(parameters));
            },
            py::arg("object"), py::arg("parameters") = py::dict(), "True only if the expression is true.")
        .def(
            "sql", &expression_sql, py::arg("columns"), py::arg("dialect") = "sqlite",
            py::arg("types") = std::map<std::string, std::string>(),
            "As SQL text for another program's database, and the values for its placeholders.\n\n"
            "`columns` gives the SQL of each field's column, quoted; it must come from a schema, never from\n"
            "outside. `types` names their types, which PostgreSQL needs. SQLite's text has `?` and may call\n"
            "functions `consilia_*` that only the library's own connections have; PostgreSQL's has `$n`.");

    py::class_<Term>(module, "Term", "A field, a parameter or a value inside an expression.")
        .def("__eq__", [](const Term& a, py::handle b) { return a == to_term(b); })
        .def("__ne__", [](const Term& a, py::handle b) { return a != to_term(b); })
        .def("__lt__", [](const Term& a, py::handle b) { return a < to_term(b); })
        .def("__le__", [](const Term& a, py::handle b) { return a <= to_term(b); })
        .def("__gt__", [](const Term& a, py::handle b) { return a > to_term(b); })
        .def("__ge__", [](const Term& a, py::handle b) { return a >= to_term(b); })
        .def("__hash__", [](py::handle self) { return reinterpret_cast<std::uintptr_t>(self.ptr()) >> 4U; })
        .def("__repr__", [](const Term& t) { return "<Term " + core::to_text(t.expression()) + ">"; })
        .def("__and__", [](const Term& a, py::handle b) { return a.expression() && to_expression(b); })
        .def("__or__", [](const Term& a, py::handle b) { return a.expression() || to_expression(b); })
        .def("__invert__", [](const Term& a) { return !a.expression(); })
        .def("__bool__", [](const Term&) { return refuse_truth(); })
        .def("__add__", [](const Term& a, py::handle b) { return a + to_term(b); })
        .def("__radd__", [](const Term& a, py::handle b) { return to_term(b) + a; })
        .def("__sub__", [](const Term& a, py::handle b) { return a - to_term(b); })
        .def("__rsub__", [](const Term& a, py::handle b) { return to_term(b) - a; })
        .def("__mul__", [](const Term& a, py::handle b) { return a * to_term(b); })
        .def("__rmul__", [](const Term& a, py::handle b) { return to_term(b) * a; })
        .def(
            "__truediv__", [](const Term& a, py::handle b) { return a / to_term(b); },
            "Integers are divided as integers, towards zero.")
        .def("__rtruediv__", [](const Term& a, py::handle b) { return to_term(b) / a; })
        .def("__mod__", [](const Term& a, py::handle b) { return a % to_term(b); })
        .def("__rmod__", [](const Term& a, py::handle b) { return to_term(b) % a; })
        .def("__neg__", [](const Term& a) { return -a; })
        .def(
            "asc", [](const Term& term) { return core::ascending(term); }, "For an order: the least first.")
        .def(
            "desc", [](const Term& term) { return core::descending(term); },
            "For an order: the greatest first.")
        .def_property_readonly("expression", &Term::expression,
                               "As a condition: true where the field is true.")
        .def("is_null", &Term::is_null)
        .def("is_not_null", &Term::is_not_null)
        .def(
            "in_",
            [](const Term& term, const py::iterable& given) {
                std::vector<core::Value> values;
                for (const py::handle value : given) values.push_back(to_value(value));
                return term.in(values);
            },
            py::arg("values"))
        .def(
            "between",
            [](const Term& term, py::handle low, py::handle high) {
                return term.between(to_term(low), to_term(high));
            },
            py::arg("low"), py::arg("high"), "Both ends included.")
        .def(
            "like", [](const Term& term, py::handle pattern) { return term.like(to_term(pattern)); },
            py::arg("pattern"), "`%` any run, `_` one character, `\\` escapes; case-sensitive.");

    module.def("field", &core::field, py::arg("path"), "A field by its dotted path.");
    module.def("parameter", &core::parameter, py::arg("name"), "A parameter: `:name` in text.");
    module.def("parse_expression", &core::parse_expression, py::arg("text"),
               py::call_guard<py::gil_scoped_release>(),
               "Reads the text form: `status = 'completed' and xray.patient.user_id = :me`.");
}

}  // namespace

void bind_core(py::module_& module) {
    bind_errors(module);
    bind_expressions(module);
    bind_config(module);
    bind_logging(module);
}

}  // namespace consilia::bindings
