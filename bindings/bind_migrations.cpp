// Migrations for Python.
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <string>
#include <vector>

#include "consilia/data/migrations.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

/// Migrations and the database that they must not outlive.
struct BoundMigrations {
    std::shared_ptr<data::Database> database;
    data::Migrations migrations;
};

std::vector<std::shared_ptr<const data::Model>> models_of(const py::iterable& classes) {
    std::vector<std::shared_ptr<const data::Model>> models;
    for (const py::handle model : classes) models.push_back(info_of(model.ptr()).repository.shared_model());
    return models;
}

std::vector<data::Rename> renames_of(
    const std::vector<std::tuple<std::string, std::string, std::string>>& given) {
    std::vector<data::Rename> renames;
    for (const auto& [table, column, to] : given) renames.push_back({table, column, to});
    return renames;
}

void bind_results(py::module_& module) {
    py::class_<data::MigrationStep>(module, "MigrationStep", "One change that a migration makes.")
        .def_readonly("migration", &data::MigrationStep::migration)
        .def_readonly("notes", &data::MigrationStep::notes, "What changes, for people.")
        .def_readonly("sql", &data::MigrationStep::sql, "What the database runs, in order.")
        .def_readonly("loses_data", &data::MigrationStep::loses_data);
    py::class_<data::MigrationStatus>(module, "MigrationStatus", "Whether a migration was applied.")
        .def_readonly("name", &data::MigrationStatus::name)
        .def_property_readonly(
            "applied_at",
            [](const data::MigrationStatus& status) {
                return to_python(status.applied_at ? core::Value(*status.applied_at) : core::Value());
            },
            "None: not yet.")
        .def_readonly("duration_ms", &data::MigrationStatus::duration_ms);
}

}  // namespace

void bind_migrations(py::module_& module) {
    bind_results(module);
    using Released = py::call_guard<py::gil_scoped_release>;
    py::class_<BoundMigrations>(
        module, "Migrations",
        "Numbered files that bring a database from one form of the models to the next, and back.")
        .def(py::init([](const py::object& database, const py::iterable& models,
                         const std::filesystem::path& directory) {
                 const std::shared_ptr<data::Database> held = as_session(database.ptr())->database;
                 const auto described = models_of(models);
                 const GilReleased released;
                 return std::make_unique<BoundMigrations>(
                     BoundMigrations{held, data::Migrations(*held, described, {.directory = directory})});
             }),
             py::arg("database"), py::arg("models"), py::arg("directory"))
        .def(
            "status", [](const BoundMigrations& self) { return self.migrations.status(); }, Released(),
            "All migrations in their order.")
        .def(
            "plan",
            [](const BoundMigrations& self, const std::string& to) { return self.migrations.plan(to); },
            py::arg("to") = "", Released(), "What `migrate` would do; nothing is changed.")
        .def(
            "plan_rollback",
            [](const BoundMigrations& self, const std::string& to) {
                return self.migrations.plan_rollback(to);
            },
            py::arg("to"), Released(), "What `rollback` would do; nothing is changed.")
        .def(
            "migrate",
            [](const BoundMigrations& self, const std::string& to) { return self.migrations.migrate(to); },
            py::arg("to") = "", Released(), "Applies what has not been applied; gives the names.")
        .def(
            "rollback",
            [](const BoundMigrations& self, const std::string& to, bool allows_data_loss) {
                return self.migrations.rollback(to, allows_data_loss);
            },
            py::arg("to"), py::kw_only(), py::arg("allows_data_loss") = false, Released(),
            "Undoes the newest migrations until `to` is the newest; empty: all.")
        .def(
            "adopt",
            [](const BoundMigrations& self, const std::string& to) { return self.migrations.adopt(to); },
            py::arg("to") = "", Released(), "Marks migrations as applied, for tables that are there already.")
        .def(
            "make",
            [](const BoundMigrations& self, const std::string& title,
               const std::vector<std::tuple<std::string, std::string, std::string>>& renames,
               bool allows_data_loss) {
                return self.migrations.make(
                    title, {.renames = renames_of(renames), .allows_data_loss = allows_data_loss});
            },
            py::arg("title"), py::kw_only(),
            py::arg("renames") = std::vector<std::tuple<std::string, std::string, std::string>>{},
            py::arg("allows_data_loss") = false, Released(),
            "Writes the next file; None if the models are what the files give. `renames`: (table, column as "
            "it "
            "was or \"\", new name).");
}

}  // namespace consilia::bindings
