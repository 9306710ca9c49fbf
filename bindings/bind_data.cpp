// The data layer for Python: the description of tables, and the types that are made by hand.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "consilia/data/statement_watch.hpp"
#include "consilia/data/subquery.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

core::ValueType type_named(const std::string& name) {
    for (int i = 0; i <= static_cast<int>(core::ValueType::Json); ++i) {
        const auto type = static_cast<core::ValueType>(i);
        if (to_string(type) == name) return type;
    }
    throw core::InvalidArgument("model.column", "no column has the type `" + name + "`");
}

data::OnDelete on_delete_named(const std::string& name) {
    if (name == "restrict") return data::OnDelete::Restrict;
    if (name == "cascade") return data::OnDelete::Cascade;
    if (name == "set null") return data::OnDelete::SetNull;
    throw core::InvalidArgument("model.reference", "`on_delete` is `restrict`, `cascade` or `set null`");
}

core::Expression optional_condition(const py::object& given) {
    return given.is_none() ? core::Expression() : condition_of(given.ptr());
}

void bind_table(py::module_& module) {
    using data::Model;
    py::class_<Model, std::shared_ptr<Model>>(module, "Table", "The description of a table.")
        .def(py::init<std::string>(), py::arg("name"))
        .def_property_readonly("name", &Model::table)
        .def_property_readonly("columns",
                               [](const Model& model) {
                                   py::list names;
                                   for (const data::Column& column : model.columns())
                                       names.append(column.name);
                                   return names;
                               })
        .def_property_readonly(
            "layout",
            [](const Model& model) {
                py::list columns;
                for (const data::Column& column : model.columns()) {
                    columns.append(py::make_tuple(column.name, std::string(to_string(column.type)),
                                                  column.is_nullable, column.is_primary_key));
                }
                return columns;
            },
            "(name, type, whether it may be null, whether it is the primary key) of each column.")
        .def_property_readonly(
            "references",
            [](const Model& model) {
                py::list references;
                for (const data::Reference& reference : model.references()) {
                    references.append(
                        py::make_tuple(reference.relation, reference.column, reference.target->table()));
                }
                return references;
            },
            "(relation, column, table that it leads to) of each reference.")
        .def(
            "add_column",
            [](Model& model, std::string name, const std::string& type, bool nullable, bool unique,
               bool primary_key, const py::object& default_value, bool defaults_to_now,
               std::int64_t length_max, std::vector<std::string> choices, const py::object& check) {
                data::Column column{.name = std::move(name),
                                    .type = type_named(type),
                                    .is_nullable = nullable,
                                    .is_unique = unique,
                                    .is_primary_key = primary_key,
                                    .defaults_to_now = defaults_to_now,
                                    .length_max = length_max,
                                    .choices = std::move(choices),
                                    .check = optional_condition(check)};
                column.default_value = to_value(column, default_value.ptr());
                model.add_column(std::move(column));
            },
            py::arg("name"), py::arg("type"), py::kw_only(), py::arg("nullable") = false,
            py::arg("unique") = false, py::arg("primary_key") = false, py::arg("default") = py::none(),
            py::arg("defaults_to_now") = false, py::arg("length_max") = 0,
            py::arg("choices") = std::vector<std::string>{}, py::arg("check") = py::none())
        .def(
            "add_reference",
            [](const std::shared_ptr<Model>& model, std::string relation, std::string column,
               const std::optional<std::shared_ptr<Model>>& target, const std::string& on_delete) {
                model->add_reference({std::move(relation), std::move(column),
                                      target ? std::shared_ptr<const Model>(*target) : model->self(),
                                      on_delete_named(on_delete)});
            },
            py::arg("relation"), py::arg("column"), py::arg("target"), py::arg("on_delete") = "restrict",
            "None as target: the table itself.")
        .def(
            "add_index",
            [](Model& model, std::vector<std::string> columns, bool unique, const py::object& where,
               bool ignores_deleted) {
                model.add_index({std::move(columns), unique, optional_condition(where), ignores_deleted});
            },
            py::arg("columns"), py::kw_only(), py::arg("unique") = false, py::arg("where") = py::none(),
            py::arg("ignores_deleted") = false)
        .def(
            "add_check",
            [](Model& model, const py::object& condition) { model.add_check(condition_of(condition.ptr())); },
            py::arg("condition"))
        .def("set_full_text", &Model::set_full_text, py::arg("columns"))
        .def("keep_history", &Model::keep_history);
    module.def("register_models", &register_models, py::arg("descriptions"),
               "Ties classes to their tables: (table, class, classes of its references, enums by column).");
}

/// What is called after a statement: (sql, nanoseconds, rows, code of the error or None).
std::function<void(const data::StatementEvent&)> statement_action(const py::function& action) {
    const std::shared_ptr<py::function> held(new py::function(action), [](py::function* function) {
        const py::gil_scoped_acquire acquired;
        delete function;
    });
    return [held](const data::StatementEvent& event) {
        const py::gil_scoped_acquire acquired;
        const py::object code =
            event.error == nullptr ? py::object(py::none()) : py::str(event.error->code());
        (*held)(py::str(event.sql.data(), event.sql.size()), event.duration.count(), event.rows, code);
    };
}

/// Keeps the database until the calls have stopped.
struct Watch {
    std::shared_ptr<data::Database> database;
    std::optional<data::StatementWatch> watch;

    void close() {
        const GilReleased released;
        watch.reset();
    }
};

void bind_watch(py::module_& module) {
    py::class_<Watch>(module, "StatementWatch", "Calls an action after each statement until it is closed.")
        .def("close", &Watch::close);
    module.def(
        "watch_statements",
        [](const py::object& database, const py::function& action) {
            SessionObject* session = as_session(database.ptr());
            auto watch = std::make_unique<Watch>();
            watch->database = session->database;
            watch->watch.emplace(session->database->on_statement(statement_action(action)));
            return watch;
        },
        py::arg("database"), py::arg("action"),
        "Calls `action(sql, nanoseconds, rows, error_code)` after each statement, on its thread.");
}

void bind_subqueries(py::module_& module) {
    module.def(
        "exists", [](const py::object& query) { return data::exists(query_of(query.ptr())); },
        py::arg("query"), "Whether the query has a row; in it `outer(path)` is a field of the query around.");
    module.def(
        "in_query",
        [](const core::Term& value, const py::object& query) {
            return data::in(value, query_of(query.ptr()));
        },
        py::arg("value"), py::arg("query"), "Whether the value is among those of the query's only column.");
    module.def(
        "scalar",
        [](const py::object& query, const py::object& aggregate) {
            const data::Query& rows = query_of(query.ptr());
            if (aggregate.is_none()) return data::scalar(rows);
            return data::scalar(rows, core::Term(expression_of(aggregate.ptr())));
        },
        py::arg("query"), py::arg("aggregate") = py::none(),
        "The value of the query's only column in its first row, or an aggregate over its rows.");
    module.def(
        "related",
        [](const py::object& query, const py::object& relation) {
            auto* children = reinterpret_cast<QueryObject*>(query.ptr());
            (void)query_of(query.ptr());
            return owned(make_query(*children->info, data::related(children->query, path_of(relation.ptr())),
                                    children->loaded, Py_TYPE(query.ptr())));
        },
        py::arg("query"), py::arg("relation"),
        "The rows of `query` whose reference `relation` leads to the row of the query around.");
}

}  // namespace

void bind_data(py::module_& module) {
    add_value_types();
    add_record_types(module);
    add_descriptor_types(module);
    add_rows_type(module);
    add_query_type(module);
    add_session_types(module);
    bind_table(module);
    bind_watch(module);
    bind_subqueries(module);
    bind_migrations(module);
    bind_schema(module);
    bind_messages(module);
}

}  // namespace consilia::bindings
