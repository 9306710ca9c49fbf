// What policies of Python tell about fields, and about all of their permissions.
#include <algorithm>
#include <set>

#include "access_native.hpp"
#include "consilia/core/error.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

using Given = PyObject* const*;
using Names = std::set<std::string, std::less<>>;

py::list list_of(const std::vector<std::string>& names) {
    py::list list(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) list[i] = py::str(names[i]);
    return list;
}

Arguments question_arguments(const char* function, Given given, Py_ssize_t count, PyObject* names) {
    return {function, {"principal", "action", "resource", "object", "context"}, 3, given, count, names};
}

PyObject* policy_fields(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments = question_arguments("fields", given, count, names);
        const Question question(self, arguments, arguments.unless_none(3), arguments[4]);
        const access::Policy& policy = question.policy.policy;
        const access::Principal& principal = question.principal.principal;
        const std::string_view action = text_of(question.action);
        const std::string_view resource = text_of(question.resource);
        if (question.object == nullptr)
            return list_of(policy.fields(principal, action, resource, question.context)).release().ptr();
        ObjectFields fields(question.policy.keys, question.object);
        return list_of(policy.fields(principal, action, resource, question.source(fields), question.context))
            .release()
            .ptr();
    });
}

PyObject* policy_possible_fields(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("possible_fields", {"principal", "action", "resource", "context"}, 3, given,
                                  count, names);
        const Question question(self, arguments, nullptr, arguments[3]);
        return list_of(question.policy.policy.possible_fields(question.principal.principal,
                                                              text_of(question.action),
                                                              text_of(question.resource), question.context))
            .release()
            .ptr();
    });
}

PyObject* policy_require_fields(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&]() -> PyObject* {
        const Arguments arguments("require_fields",
                                  {"principal", "action", "resource", "names", "object", "context"}, 4, given,
                                  count, names);
        const Question question(self, arguments, arguments.unless_none(4), arguments[5]);
        if (PyUnicode_Check(arguments[3])) throw_type_error("`names` are several names, not one str");
        const auto wanted = py::reinterpret_borrow<py::object>(arguments[3]);
        std::vector<std::string> held;
        for (const py::handle name : wanted) held.emplace_back(text_of(name.ptr()));
        const std::vector<std::string_view> views(held.begin(), held.end());
        ObjectFields fields(question.policy.keys, question.object);
        question.policy.policy.require_fields(question.principal.principal, text_of(question.action),
                                              text_of(question.resource), views, question.source(fields),
                                              question.context);
        Py_RETURN_NONE;
    });
}

/// Drops the members of objects that the principal does not have, as `access::Policy::redact` does of JSON.
class Redaction {
public:
    explicit Redaction(const Question& question)
        : question_(question), action_(text_of(question.action)), resource_(text_of(question.resource)) {
        const access::Policy& policy = question.policy.policy;
        const auto declared = policy.document().resources.find(std::string(resource_));
        if (declared != policy.document().resources.end()) types_ = &declared->second.fields;
        const access::Principal& principal = question.principal.principal;
        const std::vector<std::string> certain =
            policy.fields(principal, action_, resource_, question.context);
        names_ = Names(certain.begin(), certain.end());
        // Where no condition decides, they are the same for each object.
        depends_ = certain != policy.possible_fields(principal, action_, resource_, question.context);
    }

    py::object operator()(PyObject* object) {
        if (PyDict_Check(object)) return redacted(py::reinterpret_borrow<py::dict>(object));
        if (PyObject_TypeCheck(object, record_type) != 0)
            return redacted(py::reinterpret_borrow<py::object>(object).attr("to_dict")());
        throw_type_error(std::string("wanted a dict, a record, a list of them or JSON text, not `") +
                         Py_TYPE(object)->tp_name + "`");
    }

private:
    py::object redacted(const py::dict& object) {
        if (depends_) {
            ObjectFields fields(question_.policy.keys, object.ptr(), types_);
            const core::FieldSource source = [&fields](std::string_view path) { return fields(path); };
            const std::vector<std::string> names = question_.policy.policy.fields(
                question_.principal.principal, action_, resource_, source, question_.context);
            names_ = Names(names.begin(), names.end());
        }
        return kept_of(object, "");
    }

    // Keeps the members that are named, and of dicts whose own name is not among them what is named inside.
    py::dict kept_of(const py::dict& object, const std::string& prefix) {
        py::dict kept;
        for (const auto& [key, member] : object) {
            const std::string path = prefix + std::string(text_of(key.ptr()));
            if (names_.contains(path)) {
                kept[key] = member;
                continue;
            }
            const auto inside = names_.lower_bound(path + ".");
            if (inside == names_.end() || !inside->starts_with(path + ".")) continue;
            if (py::isinstance<py::dict>(member))
                kept[key] = kept_of(py::reinterpret_borrow<py::dict>(member), path + ".");
            if (member.is_none()) kept[key] = member;
        }
        return kept;
    }

    const Question& question_;
    std::string_view action_;
    std::string_view resource_;
    const access::NamedTypes* types_ = &undeclared();
    Names names_;
    bool depends_ = false;

    static const access::NamedTypes& undeclared() {
        static const access::NamedTypes none;
        return none;
    }
};

PyObject* policy_redact(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&]() -> PyObject* {
        const Arguments arguments("redact", {"principal", "action", "resource", "object", "context"}, 4,
                                  given, count, names);
        const Question question(self, arguments, arguments[3], arguments[4]);
        PyObject* object = question.object;
        if (PyUnicode_Check(object)) {
            return py::str(question.policy.policy.redact(question.principal.principal,
                                                         text_of(question.action), text_of(question.resource),
                                                         text_of(object), question.context))
                .release()
                .ptr();
        }
        Redaction redaction(question);
        if (!PyList_Check(object) && !PyTuple_Check(object) && Py_TYPE(object) != rows_type)
            return redaction(object).release().ptr();
        py::list kept;
        for (const py::handle item : py::reinterpret_borrow<py::object>(object))
            kept.append(redaction(item.ptr()));
        return kept.release().ptr();
    });
}

PyObject* policy_permissions_of(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("permissions_of", {"principal", "context"}, 1, given, count, names);
        const access::Policy& policy = reinterpret_cast<PolicyObject*>(self)->state->policy;
        py::list grants;
        for (access::PermissionGrant& grant :
             policy.permissions_of(principal_of(arguments[0]).principal, context_of(arguments[1])))
            grants.append(py::cast(std::move(grant)));
        return grants.release().ptr();
    });
}

PyObject* policy_who_can(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("who_can", {"action", "resource", "principals", "object", "context"}, 2,
                                  given, count, names);
        PolicyState& state = *reinterpret_cast<PolicyObject*>(self)->state;
        py::list found;
        if (arguments.unless_none(2) == nullptr) {
            if (arguments.unless_none(3) != nullptr)
                throw_type_error("who_can() needs `principals` to tell who may do it to an object");
            for (access::RoleGrant& grant :
                 state.policy.who_can(text_of(arguments[0]), text_of(arguments[1])))
                found.append(py::cast(std::move(grant)));
            return found.release().ptr();
        }
        const access::PermissionId permission =
            state.permissions.find(state.policy, arguments[0], arguments[1]);
        const access::Context& context = context_of(arguments[4]);
        PyObject* object = arguments.unless_none(3);
        ObjectFields fields(state.keys, object);
        const core::FieldSource source = object == nullptr
                                             ? access::Policy::nothing()
                                             : [&fields](std::string_view path) { return fields(path); };
        for (const py::handle principal : py::reinterpret_borrow<py::object>(arguments[2])) {
            const access::Subject subject = subject_of(principal_of(principal.ptr()), state);
            if (state.policy.check(subject, permission, source, context)) found.append(principal);
        }
        return found.release().ptr();
    });
}

PyObject* policy_condition_fields(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("condition_fields", {"action", "resource"}, 2, given, count, names);
        const access::Policy& policy = reinterpret_cast<PolicyObject*>(self)->state->policy;
        return list_of(policy.condition_fields(text_of(arguments[0]), text_of(arguments[1]))).release().ptr();
    });
}

PyObject* policy_roles(PyObject* self, PyObject*) {
    return guarded([&] {
        const auto roles = reinterpret_cast<PolicyObject*>(self)->state->policy.roles();
        return list_of({roles.begin(), roles.end()}).release().ptr();
    });
}

PyObject* policy_has_role(PyObject* self, PyObject* role) {
    return guarded([&] {
        const access::Policy& policy = reinterpret_cast<PolicyObject*>(self)->state->policy;
        return PyBool_FromLong(policy.has_role(text_of(role)) ? 1 : 0);
    });
}

PyObject* policy_has_permission(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("has_permission", {"action", "resource"}, 2, given, count, names);
        PolicyState& state = *reinterpret_cast<PolicyObject*>(self)->state;
        const bool is_known =
            state.permissions.find(state.policy, arguments[0], arguments[1]) != access::kUnknownPermission;
        return PyBool_FromLong(is_known ? 1 : 0);
    });
}

PyObject* policy_to_json(PyObject* self, PyObject*) {
    return guarded([&] {
        return py::str(to_json(reinterpret_cast<PolicyObject*>(self)->state->policy.document()))
            .release()
            .ptr();
    });
}

}  // namespace

std::vector<PyMethodDef> policy_reports() {
    return {
        fast_method("fields", policy_fields,
                    "fields(self: Policy, principal: Principal, action: str, resource: str, "
                    "object: object = None, context: Context | None = None) -> list[str]\n\n"
                    "The fields that the principal has, sorted: of this object; without one, of every "
                    "object, to select,\nfilter and sort by."),
        fast_method("possible_fields", policy_possible_fields,
                    "possible_fields(self: Policy, principal: Principal, action: str, resource: str, "
                    "context: Context | None = None) -> list[str]\n\n"
                    "Those of any object: to select before `redact` decides row by row."),
        fast_method("require_fields", policy_require_fields,
                    "require_fields(self: Policy, principal: Principal, action: str, resource: str, "
                    "names: collections.abc.Iterable[str], object: object = None, "
                    "context: Context | None = None) -> None\n\n"
                    "Refuses what is written to fields that the principal does not have for this object.\n\n"
                    "Raises:\n"
                    "    PermissionDenied: `access.fields`, with all of their names."),
        fast_method("redact", policy_redact,
                    "redact(self: Policy, principal: Principal, action: str, resource: str, "
                    "object: typing.Any, context: Context | None = None) -> typing.Any\n\n"
                    "A copy without the members that the principal does not have.\n\n"
                    "Of a dict or record a dict, of several a list, of JSON text JSON text. The paths of\n"
                    "nested dicts are dotted, a list inside is one member. What an object lacks is null to\n"
                    "conditions. What is kept is not copied."),
        fast_method("permissions_of", policy_permissions_of,
                    "permissions_of(self: Policy, principal: Principal, context: Context | None = None) -> "
                    "list[PermissionGrant]\n\n"
                    "Everything that the principal may do, in the order of names."),
        fast_method("who_can", policy_who_can,
                    "who_can(self: Policy, action: str, resource: str, "
                    "principals: collections.abc.Iterable[Principal] | None = None, "
                    "object: object = None, context: Context | None = None) -> list[typing.Any]\n\n"
                    "The roles that may do it, as RoleGrant; of `principals`, those who may do it to the "
                    "object."),
        fast_method("condition_fields", policy_condition_fields,
                    "condition_fields(self: Policy, action: str, resource: str) -> list[str]\n\n"
                    "The paths that conditions name, for any role: what an object must have."),
        {"roles", policy_roles, METH_NOARGS,
         "roles(self: Policy) -> list[str]\n\nThe declared roles, in the order of the document."},
        {"has_role", policy_has_role, METH_O,
         "has_role(self: Policy, role: str) -> bool\n\nWhether the role is declared."},
        fast_method("has_permission", policy_has_permission,
                    "has_permission(self: Policy, action: str, resource: str) -> bool\n\n"
                    "Whether `resource:action` is declared."),
        {"to_json", policy_to_json, METH_NOARGS,
         "to_json(self: Policy) -> str\n\nThe document as JSON; `Policy` of it gives the same policy."}};
}

}  // namespace consilia::bindings
