// The records of a model as one principal may reach them, for Python.
#include "consilia/access/guard.hpp"

#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "access_native.hpp"
#include "access_sessions.hpp"
#include "access_trail.hpp"

namespace consilia::bindings {
namespace {

/// A guard, and the model of Python whose records it gives.
struct BoundGuard {
    access::Guard guard;
    const ModelInfo& info;
};

std::vector<data::Assignment> assignments_of(const ModelInfo& info, const py::kwargs& values) {
    std::vector<data::Assignment> assignments;
    for (const auto& [name, value] : values)
        assignments.push_back(assignment_of(info, name.ptr(), value.ptr()));
    return assignments;
}

py::object as_query(const BoundGuard& self, data::Query query) {
    return owned(make_query(self.info, std::move(query), nullptr, query_type));
}

BoundGuard made(const access::Policy& policy, const access::Principal& principal, std::string resource,
                const py::object& model, const py::object& context, BoundAuditTrail* trail) {
    const ModelInfo& info = info_of(model.ptr());
    access::Guard guard(policy, principal, std::move(resource), info.repository, context_of(context.ptr()));
    if (trail == nullptr) return {std::move(guard), info};
    return {guard.observed([trail](const access::AuditEvent& event) {
                if (trail->trail) trail->trail->add(event);
            }),
            info};
}

using Class = py::class_<BoundGuard>;

void bind_queries(Class& type) {
    type.def(
        "query",
        [](const BoundGuard& self, const std::string& action) {
            return as_query(self, self.guard.query(action));
        },
        py::arg("action") = "read",
        "The rows to which the principal may do this, and of them the fields that it has under `read` for "
        "every row.\nNarrow it, order it, count it, prefetch with it: the scope stays.\n\n"
        "Raises:\n"
        "    PermissionDenied: `access.denied` where the principal can never do it to anything; "
        "`access.no_fields`.");
    type.def(
        "rows",
        [](const BoundGuard& self, const std::string& action) {
            return as_query(self, self.guard.rows(action));
        },
        py::arg("action") = "read",
        "As `query`, with all columns: for aggregates, and where no row leaves the program.");
    type.def(
        "filter", [](const BoundGuard& self, const std::string& text) { return self.guard.filter(text); },
        py::arg("text"),
        "A condition from outside: it names only fields that the principal may read for every row.\n\n"
        "Raises:\n"
        "    InvalidArgument: `access.field`, `access.filter`, `expression.syntax`.");
    type.def(
        "order", [](const BoundGuard& self, const std::string& text) { return self.guard.order(text); },
        py::arg("text"),
        "An order from outside, `-created_at,id`, for `order_by`; the primary key is always the last.");
    type.def(
        "tell_read",
        [](const BoundGuard& self, const py::object& rows) {
            if (!PyObject_TypeCheck(rows.ptr(), rows_type)) throw_type_error("wanted the rows of a query");
            self.guard.tell_read(*reinterpret_cast<RowsObject*>(rows.ptr())->rows);
        },
        py::arg("rows"), "Tells the trail that these rows of a query were read.");
}

void bind_changes(Class& type) {
    type.def(
        "get",
        [](const BoundGuard& self, const py::object& session, std::int64_t id) {
            auto rows = std::make_shared<const data::RowSet>(with_snapshot(
                session.ptr(), [&](const data::Session& used) { return self.guard.get(used, id); }));
            const auto shape = shape_of(&self.info, rows->columns());
            const py::object found = owned(make_rows(rows, shape, 0, rows->size()));
            return py::object(found[py::int_(0)]);
        },
        py::arg("session"), py::arg("id"),
        "One record with the fields that the principal has for it.\n\n"
        "Raises:\n"
        "    NotFound: For a record that does not exist and for one that may not be read alike.");
    type.def(
        "require",
        [](const BoundGuard& self, const py::object& session, std::int64_t id, const std::string& action) {
            with_snapshot(session.ptr(), [&](const data::Session& used) {
                self.guard.require(used, id, action);
                return true;
            });
        },
        py::arg("session"), py::arg("id"), py::arg("action"),
        "Refuses unless the principal may do this to the record.\n\n"
        "Raises:\n"
        "    NotFound: Unless it may be read.\n"
        "    PermissionDenied: `access.denied`.");
    type.def(
        "insert",
        [](const BoundGuard& self, const py::object& session, const py::kwargs& values) {
            const std::vector<data::Assignment> assignments = assignments_of(self.info, values);
            return with_transaction(session.ptr(), [&](data::Transaction& transaction) {
                return self.guard.insert(transaction, assignments).id;
            });
        },
        py::arg("session"),
        "Adds a record with these values, if the principal may `create` it; its id.\n\n"
        "Raises:\n"
        "    PermissionDenied: `access.denied`, `access.fields`.");
    type.def(
        "update",
        [](const BoundGuard& self, const py::object& session, std::int64_t id, const py::kwargs& changes) {
            const std::vector<data::Assignment> assignments = assignments_of(self.info, changes);
            with_transaction(session.ptr(), [&](data::Transaction& transaction) {
                self.guard.update(transaction, id, assignments);
            });
        },
        py::arg("session"), py::arg("id"),
        "Changes what is named, if the principal may `update` the record, before and after.\n\n"
        "Raises:\n"
        "    NotFound: Unless it may be read.\n"
        "    PermissionDenied: `access.denied`, `access.fields`; roll back then.");
    type.def(
        "remove",
        [](const BoundGuard& self, const py::object& session, std::int64_t id) {
            with_transaction(session.ptr(),
                             [&](data::Transaction& transaction) { self.guard.remove(transaction, id); });
        },
        py::arg("session"), py::arg("id"),
        "Deletes a record, if the principal may `delete` it: marks it, in a model with soft delete.");
}

}  // namespace

void bind_guard(py::module_& module) {
    Class type(
        module, "Guard",
        "Scoped queries and checked changes of one model's records, on behalf of one principal. A record "
        "that may not be\nread is answered as one that does not exist.");
    type.def(py::init(&made), py::arg("policy"), py::arg("principal"), py::arg("resource"), py::arg("model"),
             py::kw_only(), py::arg("context") = py::none(), py::arg("trail") = py::none(),
             py::keep_alive<1, 7>(),
             "`resource` is the policy's name for the records; `trail` is told what is decided.");
    bind_queries(type);
    bind_changes(type);
    module.def(
        "fields_of",
        [](const py::object& model, std::size_t levels) {
            py::dict fields;
            for (const auto& [path, kind] : access::fields_of(info_of(model.ptr()).model(), levels))
                fields[py::str(path)] = std::string(to_string(kind));
            return fields;
        },
        py::arg("model"), py::kw_only(), py::arg("levels") = 3,
        "The fields of a model's records with their types, for a resource's `fields` in a policy.");
}

}  // namespace consilia::bindings
