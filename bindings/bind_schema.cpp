// Tables of a live database, the versions of their rows, and their full-text index, for Python.
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "consilia/data/full_text.hpp"
#include "consilia/data/history.hpp"
#include "consilia/data/schema.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

/// Holds the description alone: classes of models live as long as the process.
struct BoundHistory {
    const ModelInfo* info;
    data::History history;
};

core::Timestamp timestamp_of(const py::object& at) {
    const core::Value value = to_value(at);
    if (value.type() != core::ValueType::Timestamp) throw_type_error("wanted a datetime with a time zone");
    return value.as<core::Timestamp>();
}

void bind_history(py::module_& module) {
    py::class_<BoundHistory>(module, "History", "The versions of a model's rows, as triggers keep them.")
        .def(py::init([](const py::object& model) {
                 const ModelInfo& info = info_of(model.ptr());
                 return BoundHistory{&info, data::History(info.model())};
             }),
             py::arg("model"))
        .def(
            "as_of",
            [](const BoundHistory& self, const py::object& session, const py::object& at) {
                const core::Timestamp instant = timestamp_of(at);
                data::RowSet rows = with_session(
                    session.ptr(), [&](const data::Session& on) { return self.history.as_of(on, instant); });
                auto shape = shape_of(self.info, rows.columns());
                return owned(make_rows(std::move(rows), std::move(shape)));
            },
            py::arg("session"), py::arg("at"), "All rows as they were at an instant, by key.")
        .def(
            "restore",
            [](const BoundHistory& self, const py::object& session, std::int64_t history_id) {
                with_writer(session.ptr(),
                            [&](const data::Session& on) { self.history.restore(on, history_id); });
            },
            py::arg("session"), py::arg("history_id"),
            "Gives a row the values of one of its versions; a deleted row is there again.");
}

/// A pybind11 holder is not const; nothing that Python is shown changes a description that was read.
std::shared_ptr<data::Model> shared(const std::shared_ptr<const data::Model>& model) {
    return std::const_pointer_cast<data::Model>(model);
}

}  // namespace

void bind_schema(py::module_& module) {
    py::class_<data::LeftOut>(module, "LeftOut", "What reflection could not describe, and why.")
        .def_readonly("table", &data::LeftOut::table)
        .def_readonly("part", &data::LeftOut::part, "A column, an index or a reference; empty: the table.")
        .def_readonly("reason", &data::LeftOut::reason);
    py::class_<data::Schema>(module, "Schema", "The tables that were found in a database.")
        .def(
            "require",
            [](const data::Schema& schema, const std::string& table) {
                return shared(schema.require(table));
            },
            py::arg("table"), "The description of a table. NotFound without one.")
        .def_property_readonly("tables",
                               [](const data::Schema& schema) {
                                   std::vector<std::string> names;
                                   for (const auto& model : schema.models()) names.push_back(model->table());
                                   return names;
                               })
        .def_property_readonly("left_out", [](const data::Schema& schema) {
            return std::vector<data::LeftOut>(schema.left_out().begin(), schema.left_out().end());
        });
    module.def(
        "reflect",
        [](const py::object& session) {
            return with_session(session.ptr(), [](const data::Session& on) { return data::reflect(on); });
        },
        py::arg("session"), "Reads the tables of a database.");
    module.def(
        "create_full_text",
        [](const py::object& database, const py::object& model) {
            const data::Model& described = info_of(model.ptr()).model();
            const std::shared_ptr<data::Database> on = as_session(database.ptr())->database;
            const GilReleased released;
            data::create_full_text(*on, described);
        },
        py::arg("database"), py::arg("model"), "Creates and fills the full-text index of a model.");
    bind_history(module);
}

}  // namespace consilia::bindings
