// The audit log for Python: keyword-only options, the GIL released around every call.
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access_sessions.hpp"
#include "access_trail.hpp"
#include "consilia/access/audit_log.hpp"

namespace consilia::bindings {
namespace {

using access::AuditAnchor;
using access::AuditArchive;
using access::AuditEntry;
using access::AuditEvent;
using access::AuditFilter;
using access::AuditLog;
using access::AuditLogOptions;
using access::AuditOutcome;
using access::AuditPage;
using access::AuditReport;
using OptionalAnchor = std::optional<AuditAnchor>;

/// A log and the database that it must not outlive.
struct BoundAuditLog {
    BoundAuditLog(std::shared_ptr<data::Database> of, AuditLogOptions options)
        : database(std::move(of)), log(*database, std::move(options)) {}
    std::shared_ptr<data::Database> database;
    AuditLog log;
};

AuditOutcome outcome_of(const std::string& text) {
    for (const AuditOutcome outcome : {AuditOutcome::Allowed, AuditOutcome::Denied}) {
        if (text == to_string(outcome)) return outcome;
    }
    throw core::InvalidArgument("audit.field", "`outcome` is `allowed` or `denied`", {{"field", "outcome"}});
}

std::optional<core::Timestamp> time_of(const py::object& time, const char* name) {
    if (time.is_none()) return std::nullopt;
    const core::Value value = to_value(time);
    if (const auto* instant = value.if_as<core::Timestamp>()) return *instant;
    throw core::InvalidArgument("audit.field", "`" + std::string(name) + "` is a datetime with a time zone",
                                {{"field", name}});
}

std::string json_of(const py::object& document) {
    if (document.is_none()) return "{}";
    if (py::isinstance<py::str>(document)) return document.cast<std::string>();
    return py::module_::import("json").attr("dumps")(document).cast<std::string>();
}

/// Runs `body` on a transaction that was given, or on none.
template <class F>
auto with_given_transaction(const py::object& session, const F& body) {
    if (!session.is_none())
        return in_transaction(session.ptr(), [&](data::Transaction& on) { return body(&on); });
    const GilReleased released;
    return body(static_cast<data::Transaction*>(nullptr));
}

AuditFilter filter_of(std::string resource, const py::object& record_id, const py::object& user_id,
                      std::string action, const std::optional<std::string>& outcome, const py::object& since,
                      const py::object& until) {
    AuditFilter filter{.resource = std::move(resource),
                       .record_id = to_value(record_id),
                       .user_id = to_value(user_id),
                       .action = std::move(action)};
    if (outcome) filter.outcome = outcome_of(*outcome);
    filter.since = time_of(since, "since");
    filter.until = time_of(until, "until");
    return filter;
}

void bind_anchor(py::module_& module) {
    py::class_<AuditAnchor>(
        module, "AuditAnchor",
        "A place in the chain. Kept elsewhere, the newest one proves that no entry up to it "
        "was changed or cut off.")
        .def(py::init<std::int64_t, std::string>(), py::arg("sequence") = 0,
             py::arg("hash") = AuditAnchor{}.hash)
        .def_readonly("sequence", &AuditAnchor::sequence, "Zero: before the first entry.")
        .def_readonly("hash", &AuditAnchor::hash, "64 hexadecimal digits.")
        .def("__eq__", [](const AuditAnchor& self, const AuditAnchor& other) { return self == other; })
        .def("__hash__", [](const AuditAnchor& self) { return std::hash<std::string>()(self.hash); })
        .def("__repr__", [](const AuditAnchor& self) {
            return "AuditAnchor(sequence=" + std::to_string(self.sequence) + ", hash='" + self.hash + "')";
        });
}

void bind_event(py::module_& module) {
    py::class_<AuditEvent> event(module, "AuditEvent",
                                 "What is to be written down: who did what to which record, from where, and "
                                 "why it was allowed. Never the values of the record.");
    event.def(py::init([](std::string action, std::string resource, const py::object& record_id,
                          const py::object& user_id, std::string user_name, std::string roles,
                          const std::string& outcome, std::string rule, std::string reason,
                          std::string address, const py::object& details) {
                  return AuditEvent{to_value(user_id),
                                    std::move(user_name),
                                    std::move(roles),
                                    std::move(action),
                                    std::move(resource),
                                    to_value(record_id),
                                    outcome_of(outcome),
                                    std::move(rule),
                                    std::move(reason),
                                    std::move(address),
                                    core::Json{json_of(details)}};
              }),
              py::kw_only(), py::arg("action"), py::arg("resource"), py::arg("record_id") = py::none(),
              py::arg("user_id") = py::none(), py::arg("user_name") = "", py::arg("roles") = "",
              py::arg("outcome") = "allowed", py::arg("rule") = "", py::arg("reason") = "",
              py::arg("address") = "", py::arg("details") = py::none(),
              "Ids are int, str or UUID; None: nobody in particular, no single record. Texts have at most "
              "200 bytes, "
              "`reason` 1000.\n`details` is a dict (or the JSON of one): which fields, not their values.");
    event.def_property_readonly("user_id", [](const AuditEvent& self) { return to_python(self.user_id); })
        .def_readonly("user_name", &AuditEvent::user_name)
        .def_readonly("roles", &AuditEvent::roles)
        .def_readonly("action", &AuditEvent::action)
        .def_readonly("resource", &AuditEvent::resource)
        .def_property_readonly("record_id", [](const AuditEvent& self) { return to_python(self.record_id); })
        .def_property_readonly(
            "outcome", [](const AuditEvent& self) { return to_string(self.outcome); },
            "`allowed` or `denied`.")
        .def_readonly("rule", &AuditEvent::rule)
        .def_readonly("reason", &AuditEvent::reason)
        .def_readonly("address", &AuditEvent::address)
        .def_property_readonly("details", [](const AuditEvent& self) { return to_python(self.details); });
    py::class_<AuditEntry, AuditEvent>(module, "AuditEntry",
                                       "One link of the chain, as it is stored; ids are texts.")
        .def_readonly("sequence", &AuditEntry::sequence, "From 1, without a gap.")
        .def_property_readonly(
            "at", [](const AuditEntry& self) { return to_python(core::Value(self.at)); }, "In UTC.")
        .def_readonly("previous", &AuditEntry::previous, "The hash of the entry before.")
        .def_readonly("hash", &AuditEntry::hash)
        .def(
            "to_json_line", [](const AuditEntry& self) { return to_json_line(self); },
            "One line of JSON with a fixed order of keys, without a line end. `hash` is that of the line "
            "without it.");
}

void bind_results(py::module_& module) {
    py::class_<AuditReport>(module, "AuditReport", "What a verification found. A fault is an answer.")
        .def_property_readonly("is_sound", &AuditReport::is_sound)
        .def_readonly("entries", &AuditReport::entries, "That were found good, one after the other.")
        .def_readonly("begin", &AuditReport::begin, "The place before the first of them.")
        .def_readonly("end", &AuditReport::end, "The last of them.")
        .def_property_readonly(
            "fault", [](const AuditReport& self) { return to_string(self.fault); },
            "`none`, `changed`, `removed`, `reordered`, `added`, `cut_tail` or `rewritten`.")
        .def_readonly("sequence", &AuditReport::sequence, "The first that is bad; 0: none.")
        .def_readonly("explain", &AuditReport::explain, "One sentence for people.")
        .def("__repr__", [](const AuditReport& self) {
            return "AuditReport(entries=" + std::to_string(self.entries) + ", fault='" +
                   std::string(to_string(self.fault)) + "', sequence=" + std::to_string(self.sequence) + ")";
        });
    py::class_<AuditArchive>(module, "AuditArchive", "What a rotation did.")
        .def_readonly("entries", &AuditArchive::entries,
                      "Zero: nothing was old enough, and no file was written.")
        .def_readonly("begin", &AuditArchive::begin, "The place before the first of them.")
        .def_readonly("end", &AuditArchive::end, "The last one in the file.");
}

using LogClass = py::class_<BoundAuditLog>;

void bind_writing(LogClass& log) {
    log.def(py::init([](const py::object& database, const py::bytes& key, std::size_t details_bytes_max) {
                return std::make_unique<BoundAuditLog>(
                    as_session(database.ptr())->database,
                    AuditLogOptions{.key = key, .details_bytes_max = details_bytes_max});
            }),
            py::arg("database"), py::kw_only(), py::arg("key") = py::bytes(),
            py::arg("details_bytes_max") = AuditLogOptions{}.details_bytes_max,
            "`key`: of the hashes (HMAC-SHA-256), 16 bytes or more, kept where the database is not; without "
            "one everybody\nwho can write the table can calculate the chain anew. One key for the life of a "
            "log.")
        .def(
            "create_schema", [](BoundAuditLog& self) { self.log.create_schema(); },
            py::call_guard<py::gil_scoped_release>(),
            "Creates tables, indexes and triggers where they are missing, and binds a new log to the key.")
        .def(
            "append",
            [](BoundAuditLog& self, const AuditEvent& event, const py::object& session) {
                return with_given_transaction(session, [&](data::Transaction* on) {
                    return on == nullptr ? self.log.append(event) : self.log.append(*on, event);
                });
            },
            py::arg("event"), py::kw_only(), py::arg("session") = py::none(),
            "Writes an entry that exists if the transaction is committed; without one, in its own. Returns "
            "its "
            "place.\n\n"
            "What tells of a change belongs into its transaction, as its last statement; a denial into one "
            "of "
            "its own.")
        .def(
            "append_many",
            [](BoundAuditLog& self, const std::vector<AuditEvent>& events, const py::object& session) {
                return with_given_transaction(session, [&](data::Transaction* on) {
                    return on == nullptr ? self.log.append_many(events) : self.log.append_many(*on, events);
                });
            },
            py::arg("events"), py::kw_only(), py::arg("session") = py::none(),
            "As `append`, for the records of a page: one entry each, all or none. Returns the place of the "
            "last.");
}

void bind_reading(LogClass& log) {
    const AuditPage defaults;
    log.def(
           "head", [](BoundAuditLog& self) { return self.log.head(); },
           py::call_guard<py::gil_scoped_release>(), "The newest place in the chain: to be kept elsewhere.")
        .def(
            "find",
            [](BoundAuditLog& self, std::string resource, const py::object& record_id,
               const py::object& user_id, std::string action, const std::optional<std::string>& outcome,
               const py::object& since, const py::object& until, std::int64_t limit,
               std::int64_t after_sequence, bool newest_first, const py::object& session) {
                const AuditFilter filter = filter_of(std::move(resource), record_id, user_id,
                                                     std::move(action), outcome, since, until);
                const AuditPage page{limit, after_sequence, newest_first};
                if (!session.is_none()) {
                    return with_session(session.ptr(), [&](const data::Session& on) {
                        return self.log.find(on, filter, page);
                    });
                }
                const GilReleased released;
                return self.log.find(filter, page);
            },
            py::kw_only(), py::arg("resource") = "", py::arg("record_id") = py::none(),
            py::arg("user_id") = py::none(), py::arg("action") = "", py::arg("outcome") = py::none(),
            py::arg("since") = py::none(), py::arg("until") = py::none(), py::arg("limit") = defaults.limit,
            py::arg("after_sequence") = defaults.after_sequence,
            py::arg("newest_first") = defaults.newest_first, py::arg("session") = py::none(),
            "The entries: who saw a record (`resource` and `record_id`), what a user did (`user_id`).\n\n"
            "Args:\n"
            "    since: At or after, a datetime with a time zone.\n"
            "    until: Before.\n"
            "    after_sequence: Of the last entry of the page before; 0: from the start.")
        .def(
            "export_json_lines",
            [](BoundAuditLog& self, const std::filesystem::path& file, std::string resource,
               const py::object& record_id, const py::object& user_id, std::string action,
               const std::optional<std::string>& outcome, const py::object& since, const py::object& until) {
                const AuditFilter filter = filter_of(std::move(resource), record_id, user_id,
                                                     std::move(action), outcome, since, until);
                const GilReleased released;
                return self.log.export_json_lines(filter, file);
            },
            py::arg("file"), py::kw_only(), py::arg("resource") = "", py::arg("record_id") = py::none(),
            py::arg("user_id") = py::none(), py::arg("action") = "", py::arg("outcome") = py::none(),
            py::arg("since") = py::none(), py::arg("until") = py::none(),
            "Writes a new file with one line of JSON for each entry, oldest first. Returns how many.")
        .def(
            "verify",
            [](BoundAuditLog& self, const OptionalAnchor& after, const OptionalAnchor& anchor) {
                const GilReleased released;
                return self.log.verify({after, anchor});
            },
            py::kw_only(), py::arg("after") = py::none(), py::arg("anchor") = py::none(),
            "Reads the chain in one snapshot.\n\n"
            "Args:\n"
            "    after: The `end` of an earlier report: only what is newer is read.\n"
            "    anchor: A place that was kept elsewhere: must be part of the chain.")
        .def(
            "rotate",
            [](BoundAuditLog& self, const std::filesystem::path& file, const py::object& before,
               std::optional<std::int64_t> keep, const py::object& user_id, std::string user_name,
               std::string roles) {
                access::AuditRotateOptions options{.file = file, .before = time_of(before, "before")};
                options.keep = keep;
                options.by.user_id = to_value(user_id);
                options.by.name = std::move(user_name);
                if (!roles.empty()) options.by.roles = {std::move(roles)};
                const GilReleased released;
                return self.log.rotate(options);
            },
            py::arg("file"), py::kw_only(), py::arg("before") = py::none(), py::arg("keep") = py::none(),
            py::arg("user_id") = py::none(), py::arg("user_name") = "", py::arg("roles") = "",
            "Moves the oldest entries into a new file that proves itself, then removes them.\n\n"
            "Args:\n"
            "    before: Up to the first entry that is not older.\n"
            "    keep: All but so many of the newest.\n"
            "    user_id: Who rotates, with name and roles: it is an entry itself.");
}

void bind_trail(py::module_& module) {
    py::class_<BoundAuditTrail>(
        module, "AuditTrail",
        "What guards decide during one request, on its way into an audit log: what was "
        "allowed with the\nchange that it tells of, what was denied by itself, when the "
        "block ends. Begin it before the transaction.\n\n"
        "    with access.AuditTrail(log) as trail, db.begin() as transaction:\n"
        "        access.Guard(policy, ann, \"visit\", Visit, trail=trail).update(transaction, 7, "
        "status=\"seen\")\n"
        "        trail.write(transaction)")
        .def(py::init([](BoundAuditLog& log) { return std::make_unique<BoundAuditTrail>(log.log); }),
             py::arg("log"), py::keep_alive<1, 2>())
        .def(
            "write",
            [](BoundAuditTrail& self, const py::object& session) {
                if (!self.trail) throw core::InvalidArgument("audit.trail", "the trail has ended");
                with_given_transaction(session, [&](data::Transaction* on) {
                    if (on == nullptr) {
                        self.trail->write();
                    } else {
                        self.trail->write(*on);
                    }
                    return true;
                });
            },
            py::arg("session") = py::none(),
            "Writes all so far: into this transaction, or without one by itself, before what was read is "
            "handed out.")
        .def("__enter__", [](const py::object& self) { return self; })
        .def("__exit__", [](BoundAuditTrail& self, const py::args&) {
            const GilReleased released;
            self.trail.reset();
        });
}

}  // namespace

void bind_audit(py::module_& module) {
    bind_anchor(module);
    bind_event(module);
    bind_results(module);
    LogClass log(module, "AuditLog",
                 "An append-only log in a database, whose entries are chained by their hashes.");
    bind_writing(log);
    bind_reading(log);
    bind_trail(module);
    module.def(
        "verify_audit_file",
        [](const std::filesystem::path& file, const py::bytes& key, const OptionalAnchor& after,
           const OptionalAnchor& anchor) {
            const access::AuditFileOptions options{key, after, anchor};
            const GilReleased released;
            return access::verify_audit_file(file, options);
        },
        py::arg("file"), py::kw_only(), py::arg("key") = py::bytes(), py::arg("after") = py::none(),
        py::arg("anchor") = py::none(),
        "Verifies an archive by itself. Archives belong back to back: the `end` of one is `after` of the "
        "next, "
        "and of the\ntable.");
}

}  // namespace consilia::bindings
