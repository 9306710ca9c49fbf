// The store of uploads for Python.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "consilia/validation/upload_store.hpp"
#include "data_native.hpp"
#include "native.hpp"
#include "upload_source.hpp"

namespace consilia::bindings {
namespace {

namespace fs = std::filesystem;
using validation::Upload;
using validation::UploadStatus;
using validation::UploadStore;
using validation::UploadStoreOptions;

struct BoundStore {
    BoundStore(const std::shared_ptr<data::Database>& used, UploadStoreOptions options)
        : database(used), store(*used, std::move(options)) {}
    std::shared_ptr<data::Database> database;
    UploadStore store;
};

UploadStatus status_of(const std::string& name) {
    for (const auto& [status, known] : enum_names(UploadStatus{})) {
        if (name == known) return status;
    }
    throw core::InvalidArgument("upload.options", "a status is `stored` or `quarantined`");
}

validation::DuplicateScope duplicates_of(const std::string& name) {
    if (name == "owner") return validation::DuplicateScope::Owner;
    if (name == "global") return validation::DuplicateScope::Global;
    if (name == "none") return validation::DuplicateScope::None;
    throw core::InvalidArgument("upload.options", "duplicates are `owner`, `global` or `none`");
}

void bind_rows(py::module_& module) {
    py::class_<Upload>(module, "Upload", "A row of `consilia_uploads`.")
        .def_readonly("id", &Upload::id)
        .def_readonly("owner_id", &Upload::owner_id)
        .def_property_readonly(
            "status",
            [](const Upload& self) { return self.status == UploadStatus::Stored ? "stored" : "quarantined"; })
        .def_readonly("stored_name", &Upload::stored_name)
        .def_readonly("client_name", &Upload::client_name, "Sanitised, for display only.")
        .def_readonly("media_type", &Upload::media_type)
        .def_readonly("sha256", &Upload::sha256, "Of what is stored.")
        .def_readonly("size_bytes", &Upload::size_bytes)
        .def_readonly("received_sha256", &Upload::received_sha256, "Of what came in.")
        .def_readonly("received_bytes", &Upload::received_bytes)
        .def_readonly("width", &Upload::width)
        .def_readonly("height", &Upload::height)
        .def_readonly("code", &Upload::code, "Why it was refused; None if it was not.")
        .def_readonly("reason", &Upload::reason)
        .def_property_readonly("created_at",
                               [](const Upload& self) { return to_python(core::Value(self.created_at)); })
        .def("__repr__", [](const Upload& self) {
            return "<Upload " + std::to_string(self.id) + ": " + self.stored_name + ">";
        });
    py::class_<validation::StoredUpload>(module, "StoredUpload", "What became of an upload.")
        .def_readonly("upload", &validation::StoredUpload::upload)
        .def_readonly("is_duplicate", &validation::StoredUpload::is_duplicate,
                      "The upload is an older one with the same bytes; nothing was stored.");
    py::class_<validation::UploadUsage>(module, "UploadUsage", "What an owner has used of this UTC day.")
        .def_readonly("files", &validation::UploadUsage::files)
        .def_readonly("bytes", &validation::UploadUsage::bytes)
        .def_property_readonly("resets_at", [](const validation::UploadUsage& self) {
            return to_python(core::Value(self.resets_at));
        });
}

}  // namespace

void bind_upload_store(py::module_& module) {
    bind_rows(module);
    module.def(
        "create_upload_tables",
        [](const py::object& database) {
            const std::shared_ptr<data::Database> held = as_session(database.ptr())->database;
            const py::gil_scoped_release release;
            validation::create_upload_tables(*held);
        },
        py::arg("database"), "Creates what is missing of the table `consilia_uploads`.");
    const py::call_guard<py::gil_scoped_release> no_gil;
    py::class_<BoundStore>(module, "UploadStore",
                           "Stored files and their rows, which appear together or not at all, within quotas.")
        .def(py::init([](const py::object& database, const fs::path& directory,
                         std::int64_t files_per_day_max, std::int64_t bytes_per_day_max,
                         const std::string& duplicates, const py::kwargs& more) {
                 UploadStoreOptions options;
                 options.receive = receive_options(more);
                 options.receive.directory = directory;
                 options.files_per_day_max = files_per_day_max;
                 options.bytes_per_day_max = bytes_per_day_max;
                 options.duplicates = duplicates_of(duplicates);
                 return std::make_unique<BoundStore>(as_session(database.ptr())->database,
                                                     std::move(options));
             }),
             py::arg("database"), py::arg("directory"), py::kw_only(), py::arg("files_per_day_max") = 0,
             py::arg("bytes_per_day_max") = 0, py::arg("duplicates") = "owner",
             "Further options are those of `receive`: `allowed`, `max_bytes`, `metadata`, `scanner`,\n"
             "`quarantine`. A maximum of 0 is no limit.")
        .def(
            "receive",
            [](BoundStore& self, const py::object& source, std::int64_t owner_id,
               std::optional<std::string> client_name, std::optional<std::string> client_type,
               const std::string& field, const py::object& record) {
                const PythonSource given(source);
                const validation::UploadRequest request{owner_id, std::move(client_name),
                                                        std::move(client_type), field};
                UploadStore::Record recorded;
                if (!record.is_none()) {
                    recorded = [&](data::Transaction& transaction, const validation::StoredUpload& stored) {
                        const py::gil_scoped_acquire acquired;
                        call_in(self.database, transaction,
                                [&](py::handle session) { return record(session, stored); });
                    };
                }
                const py::gil_scoped_release release;
                return self.store.receive(given.get(), request, recorded);
            },
            py::arg("source"), py::arg("owner_id"), py::kw_only(), py::arg("client_name") = py::none(),
            py::arg("client_type") = py::none(), py::arg("field") = "file", py::arg("record") = py::none(),
            "Receives a path, bytes, or what a function `read(size)` gives, and records it.\n"
            "`record(transaction, stored)` writes what else belongs to it.\n\n"
            "Raises:\n"
            "    ResourceExhausted: `quota.files`, `quota.bytes` (HTTP 429).\n"
            "    UploadRejected: as `consilia.uploads.receive`.")
        .def(
            "path_of",
            [](const BoundStore& self, const Upload& upload) { return self.store.path_of(upload); },
            py::arg("upload"))
        .def(
            "find", [](const BoundStore& self, std::int64_t id) { return self.store.find(id); }, no_gil,
            py::arg("id"))
        .def(
            "list",
            [](const BoundStore& self, std::int64_t owner_id, const std::string& status, std::int64_t before,
               std::int64_t limit) { return self.store.list(owner_id, status_of(status), before, limit); },
            no_gil, py::arg("owner_id"), py::kw_only(), py::arg("status") = "stored", py::arg("before") = 0,
            py::arg("limit") = 100, "The newest first, with ids below `before` unless that is 0.")
        .def(
            "usage", [](const BoundStore& self, std::int64_t owner_id) { return self.store.usage(owner_id); },
            no_gil, py::arg("owner_id"))
        .def(
            "remove",
            [](BoundStore& self, std::int64_t owner_id, std::int64_t id) {
                return self.store.remove(owner_id, id);
            },
            no_gil, py::arg("owner_id"), py::arg("id"),
            "Deletes an upload of this owner and its file; whether it was there.")
        .def(
            "sweep_orphans",
            [](BoundStore& self, std::int64_t older_than_s) {
                return self.store.sweep_orphans(std::chrono::seconds(older_than_s));
            },
            no_gil, py::kw_only(), py::arg("older_than_s") = 86'400,
            "Removes files that no row names, which a crash can leave; how many.");
}

}  // namespace consilia::bindings
