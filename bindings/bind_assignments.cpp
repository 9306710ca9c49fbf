// Who has which role, and who lends what to whom, for Python.
#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access_native.hpp"
#include "access_sessions.hpp"
#include "consilia/access/assignments.hpp"

namespace consilia::bindings {
namespace {

using access::Assignments;
using access::LentPermission;
using access::RoleAssignment;

struct BoundAssignments {
    explicit BoundAssignments(const std::shared_ptr<data::Database>& used)
        : database(used), assignments(*used) {}
    std::shared_ptr<data::Database> database;
    Assignments assignments;
};

py::object time_of(std::optional<core::Timestamp> time) {
    return to_python(time ? core::Value(*time) : core::Value());
}
std::optional<core::Timestamp> optional_time(const py::object& given, const char* name) {
    return given.is_none() ? std::nullopt : std::optional(timestamp_of(given.ptr(), name));
}

void bind_rows(py::module_& module) {
    py::class_<RoleAssignment>(module, "RoleAssignment", "A role of a user, and when it counts.")
        .def_readonly("id", &RoleAssignment::id)
        .def_readonly("user_id", &RoleAssignment::user_id)
        .def_readonly("role", &RoleAssignment::role)
        .def_readonly("granted_by", &RoleAssignment::granted_by)
        .def_property_readonly("starts_at",
                               [](const RoleAssignment& self) { return time_of(self.starts_at); })
        .def_property_readonly(
            "ends_at", [](const RoleAssignment& self) { return time_of(self.ends_at); },
            "From here on it counts no more; None: until revoked.")
        .def("__repr__", [](const RoleAssignment& self) {
            return "<RoleAssignment: " + self.role + " of " + std::to_string(self.user_id) + ">";
        });
    py::class_<LentPermission>(module, "LentPermission", "A permission that a user lends until it ends.")
        .def_readonly("id", &LentPermission::id)
        .def_readonly("lender_id", &LentPermission::lender_id)
        .def_readonly("lender_name", &LentPermission::lender_name)
        .def_readonly("borrower_id", &LentPermission::borrower_id)
        .def_readonly("permission", &LentPermission::permission)
        .def_property_readonly("starts_at",
                               [](const LentPermission& self) { return time_of(self.starts_at); })
        .def_property_readonly("ends_at", [](const LentPermission& self) { return time_of(self.ends_at); })
        .def("__repr__", [](const LentPermission& self) {
            return "<LentPermission: " + self.permission + " from " + std::to_string(self.lender_id) +
                   " to " + std::to_string(self.borrower_id) + ">";
        });
}

using Class = py::class_<BoundAssignments>;

void bind_roles(Class& type) {
    type.def(
        "assign",
        [](const BoundAssignments& self, const py::object& session, const access::Policy& policy,
           std::int64_t user_id, const std::string& role, std::optional<std::int64_t> granted_by,
           const py::object& starts_at, const py::object& ends_at) {
            const access::AssignOptions options{.granted_by = granted_by,
                                                .starts_at = optional_time(starts_at, "starts_at"),
                                                .ends_at = optional_time(ends_at, "ends_at")};
            return with_transaction(session.ptr(), [&](data::Transaction& transaction) {
                return self.assignments.assign(transaction, policy, user_id, role, options);
            });
        },
        py::arg("session"), py::arg("policy"), py::arg("user_id"), py::arg("role"), py::kw_only(),
        py::arg("granted_by") = py::none(), py::arg("starts_at") = py::none(),
        py::arg("ends_at") = py::none(),
        "Gives a user a role; one that the user has already gets this period. It starts now and ends when "
        "it\n"
        "is revoked, unless it is said; the granter is who acts in the transaction.\n\n"
        "Raises:\n"
        "    ValidationError: `access.unknown_role`, `access.period`.\n"
        "    Conflict: `access.separation`, naming the separation that the roles would break.");
    type.def(
        "revoke",
        [](const BoundAssignments& self, const py::object& session, std::int64_t user_id,
           const std::string& role) {
            return with_transaction(session.ptr(), [&](data::Transaction& transaction) {
                return self.assignments.revoke(transaction, user_id, role);
            });
        },
        py::arg("session"), py::arg("user_id"), py::arg("role"),
        "Takes a role away, now; whether the user had it.");
    type.def(
        "roles_of",
        [](const BoundAssignments& self, const py::object& session, std::int64_t user_id) {
            return with_snapshot(session.ptr(), [&](const data::Session& used) {
                return self.assignments.roles_of(used, user_id);
            });
        },
        py::arg("session"), py::arg("user_id"), "The roles of now, the oldest assignment first.");
    type.def(
        "assignments_of",
        [](const BoundAssignments& self, const py::object& session, std::int64_t user_id) {
            return with_snapshot(session.ptr(), [&](const data::Session& used) {
                return self.assignments.assignments_of(used, user_id);
            });
        },
        py::arg("session"), py::arg("user_id"), "The assignments that have not ended, the oldest first.");
    type.def(
        "users_with",
        [](const BoundAssignments& self, const py::object& session, const std::string& role,
           std::optional<std::int64_t> after, std::int64_t limit) {
            return with_snapshot(session.ptr(), [&](const data::Session& used) {
                return self.assignments.users_with(used, role, {.after = after, .limit = limit});
            });
        },
        py::arg("session"), py::arg("role"), py::kw_only(), py::arg("after") = py::none(),
        py::arg("limit") = access::UsersOptions().limit,
        "The ids of the users who have the role now, in ascending order, at most `limit` after `after`.");
}

void bind_delegations(Class& type) {
    type.def(
        "delegate",
        [](const BoundAssignments& self, const py::object& session, const access::Policy& policy,
           const access::Principal& lender, std::int64_t borrower_id, std::string permission,
           const py::object& ends_at, const py::object& starts_at) {
            const access::DelegateOptions options{.borrower_id = borrower_id,
                                                  .permission = std::move(permission),
                                                  .ends_at = timestamp_of(ends_at.ptr(), "ends_at"),
                                                  .starts_at = optional_time(starts_at, "starts_at")};
            return with_transaction(session.ptr(), [&](data::Transaction& transaction) {
                return self.assignments.delegate(transaction, policy, lender, options);
            });
        },
        py::arg("session"), py::arg("policy"), py::arg("lender"), py::arg("borrower_id"),
        py::arg("permission"), py::kw_only(), py::arg("ends_at"), py::arg("starts_at") = py::none(),
        "Lends what the lender may do, at most 366 days ahead; what was lent is not lent on.\n\n"
        "Raises:\n"
        "    PermissionDenied: `access.delegation`, unless it is delegable and the lender may do it.\n"
        "    ValidationError: `access.unknown_permission`, `access.period`, `access.borrower`.\n"
        "    Conflict: `access.separation`.\n"
        "    ResourceExhausted: `access.borrowed_max`, past 100 to one borrower.");
    type.def(
        "take_back",
        [](const BoundAssignments& self, const py::object& session, std::int64_t id, std::int64_t lender_id) {
            return with_transaction(session.ptr(), [&](data::Transaction& transaction) {
                return self.assignments.take_back(transaction, {.id = id, .lender_id = lender_id});
            });
        },
        py::arg("session"), py::arg("id"), py::kw_only(), py::arg("lender_id"),
        "Ends a delegation, now; whether this lender lent it.");
    type.def(
        "lent_by",
        [](const BoundAssignments& self, const py::object& session, std::int64_t lender_id) {
            return with_snapshot(session.ptr(), [&](const data::Session& used) {
                return self.assignments.lent_by(used, lender_id);
            });
        },
        py::arg("session"), py::arg("lender_id"), "What a user lends and has not ended.");
    type.def(
        "lent_to",
        [](const BoundAssignments& self, const py::object& session, std::int64_t borrower_id) {
            return with_snapshot(session.ptr(), [&](const data::Session& used) {
                return self.assignments.lent_to(used, borrower_id);
            });
        },
        py::arg("session"), py::arg("borrower_id"), "What is lent to a user and has not ended.");
    type.def(
        "principal",
        [](const BoundAssignments& self, const py::object& session, std::int64_t user_id, std::string name) {
            return with_snapshot(session.ptr(), [&](const data::Session& used) {
                return self.assignments.principal(used, user_id, std::move(name));
            });
        },
        py::arg("session"), py::arg("user_id"), py::arg("name") = "",
        "The user as a policy is asked: the roles of now, and what is lent now by those who may do it "
        "still.");
}

}  // namespace

void bind_assignments(py::module_& module) {
    bind_rows(module);
    module.def(
        "create_assignment_tables",
        [](const py::object& database) {
            const std::shared_ptr<data::Database> held = as_session(database.ptr())->database;
            const py::gil_scoped_release release;
            access::create_assignment_tables(*held);
        },
        py::arg("database"), "Creates what is missing of the tables of roles and delegations.");
    Class type(
        module, "Assignments",
        "Who has which role, and who lends what to whom, in tables with a history.\n\n"
        "A `session` is a Database (each call is then a transaction of its own) or a transaction; who\n"
        "may change what is for the caller's policy to say.");
    type.def(py::init([](const py::object& database) {
                 return std::make_unique<BoundAssignments>(as_session(database.ptr())->database);
             }),
             py::arg("database"));
    bind_roles(type);
    bind_delegations(type);
}

}  // namespace consilia::bindings
