// The screening service for Python: one class, keyword-only options, the GIL released around every call.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access_native.hpp"
#include "bindings.hpp"
#include "consilia/core/error.hpp"
#include "consilia/screening/service.hpp"
#include "upload_source.hpp"

namespace consilia::bindings {
namespace {

using screening::ListOptions;
using screening::NewPatient;
using screening::NewUser;
using screening::Principal;
using screening::Service;
using screening::ServiceOptions;
using screening::Statistics;
using screening::Submission;
using screening::WorkOptions;
using screening::WorkProgress;
using screening::WorkResult;
using screening::WorkSummary;

std::string document_text(const py::object& document) {
    if (py::isinstance<py::str>(document)) return document.cast<std::string>();
    return py::module_::import("json").attr("dumps")(document).cast<std::string>();
}

py::bytes to_bytes(const std::string& text) {
    return {text.data(), text.size()};
}

core::Date to_date(const py::object& date) {
    return core::parse_date(py::str(date.attr("isoformat")()).cast<std::string>());
}

/// Calls a Python function about progress. What it raises stops the work and is raised again afterwards: an
/// exception must not cross the worker, which would take it for a failure of the model.
class PythonProgress {
public:
    explicit PythonProgress(py::object function) : function_(std::move(function)) {}

    bool operator()(const WorkProgress& progress) {
        const py::gil_scoped_acquire acquire;
        try {
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            if (function_.is_none()) return true;
            const py::object answer = function_(progress.prediction_id, progress.member_id,
                                                progress.members_done, progress.members_total);
            return answer.is_none() || py::cast<bool>(py::bool_(answer));
        } catch (...) {
            raised_ = std::current_exception();
            return false;
        }
    }

    void rethrow() const {
        if (raised_) std::rethrow_exception(raised_);
    }

private:
    py::object function_;
    std::exception_ptr raised_;
};

template <class Work>
auto with_progress(const std::string& worker_id, py::object function, const Work& work) {
    PythonProgress progress(std::move(function));
    WorkOptions options;
    options.worker_id = worker_id;
    options.progress = [&progress](const WorkProgress& at) { return progress(at); };
    auto result = [&] {
        const py::gil_scoped_release release;
        return work(options);
    }();
    progress.rethrow();
    return result;
}

void bind_values(py::module_& module) {
    py::class_<Submission>(module, "Submission", "What became of one upload.")
        .def_readonly("prediction_id", &Submission::prediction_id)
        .def_readonly("image_id", &Submission::image_id)
        .def_readonly("is_duplicate", &Submission::is_duplicate,
                      "The patient has this file already: its newest prediction, and nothing was stored.");
    py::class_<WorkResult>(module, "WorkResult", "What became of one task.")
        .def_readonly("prediction_id", &WorkResult::prediction_id)
        .def_property_readonly(
            "outcome", [](const WorkResult& self) { return to_string(self.outcome); },
            "`completed`, `failed`, `deferred` or `lost`.")
        .def_readonly("diagnosis", &WorkResult::diagnosis)
        .def_readonly("confidence", &WorkResult::confidence)
        .def_readonly("needs_review", &WorkResult::needs_review)
        .def_readonly("failure_code", &WorkResult::failure_code)
        .def_readonly("failure_reason", &WorkResult::failure_reason)
        .def_property_readonly("duration_ms", [](const WorkResult& self) {
            return static_cast<double>(self.duration.count()) / 1000.0;
        });
    py::class_<WorkSummary>(module, "WorkSummary", "How many tasks ended how.")
        .def_readonly("completed", &WorkSummary::completed)
        .def_readonly("failed", &WorkSummary::failed)
        .def_readonly("deferred", &WorkSummary::deferred)
        .def_readonly("lost", &WorkSummary::lost);
    py::class_<Statistics>(module, "Statistics", "Counts over the predictions that the caller may see.")
        .def_readonly("total", &Statistics::total)
        .def_readonly("needs_review", &Statistics::needs_review)
        .def_readonly("by_status", &Statistics::by_status)
        .def_readonly("by_diagnosis", &Statistics::by_diagnosis);
}

using ServiceClass = py::class_<Service>;

void bind_opening(ServiceClass& service) {
    service.def(
        py::init([](std::string database, std::filesystem::path files,
                    std::vector<std::filesystem::path> members, std::uint64_t budget_bytes,
                    const py::object& config, const std::string& device, std::int32_t threads,
                    const py::object& policy, bool audit, const py::bytes& audit_key) {
            ServiceOptions options;
            if (audit) options.audit.emplace().key = audit_key;
            if (access::PolicyStore* store = policy_store_of(policy)) {
                options.policies = {std::shared_ptr<void>(), store};  // Kept alive by the service.
            } else if (!policy.is_none()) {
                options.policy = policy_document_of(policy.ptr());
            }
            options.database_url = std::move(database);
            options.files_directory = std::move(files);
            options.members = std::move(members);
            options.budget_bytes = budget_bytes;
            if (!config.is_none()) options.config = core::Config::from_json(document_text(config));
            options.engine.device = device;
            options.engine.threads = threads;
            const py::gil_scoped_release release;
            return std::make_unique<Service>(std::move(options));
        }),
        py::keep_alive<1, 9>(), py::kw_only(), py::arg("database"), py::arg("files"),
        py::arg("members") = std::vector<std::filesystem::path>(), py::arg("budget_bytes") = 0,
        py::arg("config") = py::none(), py::arg("device") = "",
        py::arg("threads") = ServiceOptions{}.engine.threads, py::arg("policy") = py::none(),
        py::arg("audit") = false, py::arg("audit_key") = py::bytes(),
        "Opens a service.\n\n"
        "Args:\n"
        "    database: URL of the database, `sqlite:/path/to/file.db`.\n"
        "    files: Directory of the stored images; made if missing.\n"
        "    members: Model packages; may be empty where nothing is worked on.\n"
        "    budget_bytes: Device memory for models; 0: the engine's default.\n"
        "    config: Settings over the defaults: a dict or JSON text.\n"
        "    device: `cpu`, `cuda:0`; empty: the best present.\n"
        "    threads: Within one member's run on a processor; 0: as the process has it. Small members are\n"
        "        fastest with 1, all the more on a busy machine.\n"
        "    policy: Who may do what: JSON text, a dict, or a PolicyStore, of which each call takes the one "
        "in\n"
        "        force; None: `default_policy()`.\n"
        "    audit: Whether who read or changed which record, and who was refused, is written into an audit\n"
        "        log in the database; see `consilia.AuditLog`.\n"
        "    audit_key: Of its hashes, 16 bytes or more; empty: none.");
}

void bind_records(ServiceClass& service) {
    const auto user_of = [](std::string username, std::string role, std::string display_name,
                            std::string email) {
        return NewUser{std::move(username), std::move(role), std::move(display_name), std::move(email)};
    };
    service.def(
        "bootstrap_admin",
        [user_of](Service& self, std::string username, std::string display_name, std::string email) {
            const NewUser user =
                user_of(std::move(username), "admin", std::move(display_name), std::move(email));
            const py::gil_scoped_release release;
            return self.bootstrap_admin(user);
        },
        py::arg("username"), py::kw_only(), py::arg("display_name") = "", py::arg("email") = "",
        "Makes the first user, an admin, and returns its id. Raises Conflict if there is any user.");
    service.def(
        "create_user",
        [user_of](Service& self, const Principal& principal, std::string username, std::string role,
                  std::string display_name, std::string email) {
            const NewUser user =
                user_of(std::move(username), std::move(role), std::move(display_name), std::move(email));
            const py::gil_scoped_release release;
            return self.create_user(principal, user);
        },
        py::arg("principal"), py::kw_only(), py::arg("username"), py::arg("role"),
        py::arg("display_name") = "", py::arg("email") = "", "Makes a user and returns its id. Admins only.");
    service.def(
        "create_patient",
        [](Service& self, const Principal& principal, std::string record_number, std::string full_name,
           const py::object& birth_date, std::string sex, std::optional<std::int64_t> user_id) {
            NewPatient patient{std::move(record_number), std::move(full_name), {}, std::move(sex), user_id};
            if (!birth_date.is_none()) patient.birth_date = to_date(birth_date);
            const py::gil_scoped_release release;
            return self.create_patient(principal, patient);
        },
        py::arg("principal"), py::kw_only(), py::arg("record_number"), py::arg("full_name"),
        py::arg("birth_date") = py::none(), py::arg("sex") = "", py::arg("user_id") = py::none(),
        "Makes a patient and returns its id. Admins and staff only. `birth_date` is a datetime.date.");
    service.def(
        "get_patient",
        [](Service& self, const Principal& principal, std::int64_t patient_id) {
            const std::string json = [&] {
                const py::gil_scoped_release release;
                return self.get_patient_json(principal, patient_id);
            }();
            return py::module_::import("json").attr("loads")(json).cast<py::dict>();
        },
        py::arg("principal"), py::arg("patient_id"),
        "One patient, with the fields that the caller may read. Raises NotFound also for one that the caller "
        "may not see.");
    service.def(
        "update_patient",
        [](Service& self, const Principal& principal, std::int64_t patient_id, const py::kwargs& changes) {
            std::vector<data::Assignment> values;
            for (const auto& [name, value] : changes)
                values.emplace_back(name.cast<std::string>(), core::Term(to_value(value)));
            const py::gil_scoped_release release;
            self.update_patient(principal, patient_id, values);
        },
        py::arg("principal"), py::arg("patient_id"),
        "Changes what is named, all or nothing: record_number, full_name, sex, birth_date, user_id.\n\n"
        "Raises:\n"
        "    PermissionDenied: `access.fields`, with the names of fields that the caller may not change.\n"
        "    ValidationError: `patient.invalid`, with the field.\n"
        "    NotFound: For a patient that the caller may not see, too.");
}

void bind_work(ServiceClass& service) {
    service.def(
        "submit",
        [](Service& self, const Principal& principal, const py::object& source, std::int64_t patient_id,
           std::optional<std::string> client_name) {
            const PythonSource upload(source);
            const py::gil_scoped_release release;
            return self.submit(principal, upload.get(), {patient_id, std::move(client_name)});
        },
        py::arg("principal"), py::arg("source"), py::kw_only(), py::arg("patient_id"),
        py::arg("client_name") = py::none(),
        "Checks, stores and queues one image: a path, or bytes, which are not copied.");
    service.def(
        "work_one",
        [](Service& self, const std::string& worker_id, py::object progress) {
            return with_progress(worker_id, std::move(progress),
                                 [&self](const WorkOptions& options) { return self.work_one(options); });
        },
        py::kw_only(), py::arg("worker_id") = "", py::arg("progress") = py::none(),
        "Does the next due task; None if there is none. `progress(prediction_id, member_id, done, total)` "
        "may return "
        "False to stop.");
    service.def(
        "work",
        [](Service& self, std::optional<std::size_t> max_tasks, const std::string& worker_id,
           py::object progress) {
            return with_progress(worker_id, std::move(progress), [&](WorkOptions options) {
                if (max_tasks) options.tasks_max = *max_tasks;
                return self.work(options);
            });
        },
        py::kw_only(), py::arg("max_tasks") = py::none(), py::arg("worker_id") = "",
        py::arg("progress") = py::none(),
        "Does due tasks until none is left, `max_tasks` are done, or `progress` returned False.");
    service.def(
        "retry",
        [](Service& self, const Principal& principal, std::int64_t prediction_id) {
            const py::gil_scoped_release release;
            self.retry(principal, prediction_id);
        },
        py::arg("principal"), py::arg("prediction_id"), "Queues a failed prediction again.");
    service.def(
        "delete_prediction",
        [](Service& self, const Principal& principal, std::int64_t prediction_id) {
            const py::gil_scoped_release release;
            self.delete_prediction(principal, prediction_id);
        },
        py::arg("principal"), py::arg("prediction_id"),
        "Deletes a prediction. By the default policy staff delete pending ones, admins any.");
    service.def(
        "sweep_orphans",
        [](Service& self, std::int64_t older_than_s) {
            const py::gil_scoped_release release;
            return self.sweep_orphans(std::chrono::seconds(older_than_s));
        },
        py::kw_only(), py::arg("older_than_s") = 24 * 3600,
        "Removes files without a row that are older than this, and returns how many.");
}

void bind_reading(ServiceClass& service) {
    static const ListOptions kDefaults;
    service.def(
        "list_json",
        [](Service& self, const Principal& principal, std::string where, std::string order, std::int64_t page,
           std::int64_t page_size) {
            const std::string json = [&] {
                const py::gil_scoped_release release;
                return self.list_json(principal, {std::move(where), std::move(order), page, page_size});
            }();
            return to_bytes(json);
        },
        py::arg("principal"), py::kw_only(), py::arg("where") = kDefaults.where,
        py::arg("order") = kDefaults.order, py::arg("page") = kDefaults.page,
        py::arg("page_size") = kDefaults.page_size,
        "A page of what the caller may see, as the bytes of one JSON object.");
    service.def(
        "get",
        [](Service& self, const Principal& principal, std::int64_t prediction_id) {
            const std::string json = [&] {
                const py::gil_scoped_release release;
                return self.get_json(principal, prediction_id);
            }();
            return py::module_::import("json").attr("loads")(json).cast<py::dict>();
        },
        py::arg("principal"), py::arg("prediction_id"),
        "One prediction. Raises NotFound also for one that the caller may not see.");
    service.def(
        "statistics",
        [](Service& self, const Principal& principal) {
            const py::gil_scoped_release release;
            return self.statistics(principal);
        },
        py::arg("principal"));
}

void bind_engine(ServiceClass& service) {
    service.def(
        "engine_status",
        [](Service& self) {
            const std::shared_ptr<inference::Engine> engine = [&] {
                const py::gil_scoped_release release;
                return self.engine();
            }();
            return engine_status(*engine);
        },
        "Memory, plan and members of the engine, which is opened if it is not yet: a dict with "
        "`budget_bytes`, "
        "`held_bytes`, `peak_bytes`, `members` and `plan`.");
    service.def("engine", &Service::engine, py::call_guard<py::gil_scoped_release>(),
                "The engine, which is opened if it is not yet: for `inference.explain` and the like.");
}

}  // namespace

void bind_screening(py::module_& module) {
    bind_values(module);
    module.def(
        "default_policy",
        [] {
            const std::string json = access::to_json(screening::default_policy());
            return py::module_::import("json").attr("loads")(json).cast<py::dict>();
        },
        "The founding rules, as the document of a policy: change it and hand it to a service.");
    ServiceClass service(
        module, "Service",
        "Receives radiographs, has them judged, and lists the outcome to those who may see it.");
    bind_opening(service);
    bind_records(service);
    bind_work(service);
    bind_reading(service);
    bind_engine(service);
}

}  // namespace consilia::bindings
