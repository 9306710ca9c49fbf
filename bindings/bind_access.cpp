// The access layer for Python: values of pybind11 here, the types that are asked often in access_*.cpp.
#include <pybind11/stl.h>

#include "access_native.hpp"
#include "consilia/core/clock.hpp"

namespace consilia::bindings {
namespace {

using access::Context;
using access::Delegation;
using access::Explanation;
using access::PermissionGrant;
using access::RoleGrant;
using access::RuleTrace;

py::dict dict_of(const access::Attributes& values) {
    py::dict dict;
    for (const auto& [name, value] : values) dict[py::str(name)] = to_python(value);
    return dict;
}

void bind_circumstances(py::module_& module) {
    py::class_<Context>(module, "Context", "The circumstances of a question.")
        .def(py::init([](const py::object& now, std::string address, const py::object& attributes) {
                 Context context;
                 if (!now.is_none()) context.now = timestamp_of(now.ptr(), "now");
                 context.address = std::move(address);
                 context.attributes = attributes_of(attributes.ptr());
                 return context;
             }),
             py::arg("now") = py::none(), py::arg("address") = "", py::arg("attributes") = py::none(),
             "`now` is a datetime with a time zone (None: the machine's clock); `address` that of the "
             "client;\n"
             "`attributes` are those that the policy declares, for `:context_<name>`.")
        .def_property_readonly(
            "now",
            [](const Context& self) { return self.now ? to_python(core::Value(*self.now)) : py::none(); })
        .def_readonly("address", &Context::address)
        .def_property_readonly("attributes", [](const Context& self) { return dict_of(self.attributes); });

    py::class_<Delegation>(module, "Delegation",
                           "A permission that somebody lends until it ends; it counts only where the policy\n"
                           "declares it delegable.")
        .def(py::init([](const py::object& from_id, const py::object& from_roles, std::string permission,
                         const py::object& ends_at, const py::object& starts_at, std::string from_name,
                         const py::object& from_attributes) {
                 Delegation lent;
                 lent.from_id = to_value(from_id);
                 lent.from_roles = roles_of(from_roles.ptr());
                 lent.permission = std::move(permission);
                 lent.ends_at = timestamp_of(ends_at.ptr(), "ends_at");
                 if (!starts_at.is_none()) lent.starts_at = timestamp_of(starts_at.ptr(), "starts_at");
                 lent.from_name = std::move(from_name);
                 lent.from_attributes = attributes_of(from_attributes.ptr());
                 return lent;
             }),
             py::arg("from_id"), py::arg("from_roles"), py::arg("permission"), py::kw_only(),
             py::arg("ends_at"), py::arg("starts_at") = py::none(), py::arg("from_name") = "",
             py::arg("from_attributes") = py::none(),
             "`permission` is `resource:action`, either part may be `*`; it counts from `starts_at` until "
             "just\n"
             "before `ends_at`.")
        .def_property_readonly("from_id", [](const Delegation& self) { return to_python(self.from_id); })
        .def_readonly("from_roles", &Delegation::from_roles)
        .def_readonly("permission", &Delegation::permission)
        .def_property_readonly("ends_at",
                               [](const Delegation& self) { return to_python(core::Value(self.ends_at)); })
        .def_property_readonly("starts_at",
                               [](const Delegation& self) { return to_python(core::Value(self.starts_at)); })
        .def_readonly("from_name", &Delegation::from_name)
        .def_property_readonly("from_attributes",
                               [](const Delegation& self) { return dict_of(self.from_attributes); });
}

std::optional<std::string> unless_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

std::string effect_of(const RuleTrace& rule) {
    return rule.effect == access::Effect::Allow ? "allow" : "deny";
}

void bind_answers(py::module_& module) {
    py::class_<RuleTrace>(module, "RuleTrace", "A rule that was looked at.")
        .def_readonly("rule", &RuleTrace::rule)
        .def_property_readonly("effect", &effect_of, "`allow` or `deny`.")
        .def_property_readonly(
            "condition", [](const RuleTrace& self) { return unless_empty(self.condition); },
            "As text; None: always true.")
        .def_readonly("truth", &RuleTrace::truth, "Of the condition; None: unknown.")
        .def("__repr__", [](const RuleTrace& self) {
            return py::str("<RuleTrace {} {!r}: {}>")
                .format(effect_of(self), self.rule, py::cast(self.truth));
        });
    py::class_<Explanation>(module, "Explanation", "A decision with its reasons; true where it is allowed.")
        .def_property_readonly("allowed", [](const Explanation& self) { return self.decision.allowed; })
        .def_property_readonly(
            "reason", [](const Explanation& self) { return std::string(to_string(self.decision.reason)); })
        .def_property_readonly(
            "rule", [](const Explanation& self) { return unless_empty(self.rule); },
            "The rule or separation that decided; None where none did.")
        .def_property_readonly(
            "condition", [](const Explanation& self) { return unless_empty(self.condition); },
            "Of that rule, as text; None where it has none.")
        .def_readonly("sentence", &Explanation::sentence, "For people: never the object's values.")
        .def_readonly("rules", &Explanation::rules, "Every rule that concerns the question.")
        .def_property_readonly(
            "values",
            [](const Explanation& self) {
                py::dict values;
                for (const core::Detail& detail : self.values)
                    values[py::str(detail.name)] = to_python(detail.value);
                return values;
            },
            "The fields and parameters that conditions name: for whoever writes policies, not for whoever "
            "was\n"
            "refused.")
        .def("to_json", [](const Explanation& self) { return to_json(self); })
        .def("__bool__", [](const Explanation& self) { return self.decision.allowed; })
        .def("__repr__", [](const Explanation& self) { return "<Explanation: " + self.sentence + ">"; });
    py::class_<PermissionGrant>(module, "PermissionGrant", "What a principal may do, and to which objects.")
        .def_readonly("resource", &PermissionGrant::resource)
        .def_readonly("action", &PermissionGrant::action)
        .def_readonly("condition", &PermissionGrant::condition, "The scope.")
        .def_readonly("fields", &PermissionGrant::fields, "`Policy.fields`.")
        .def("__repr__", [](const PermissionGrant& self) {
            return "<PermissionGrant " + self.resource + ":" + self.action + " where " +
                   core::to_text(self.condition) + ">";
        });
    py::class_<RoleGrant>(module, "RoleGrant", "A role that may do something, and to which objects.")
        .def_readonly("role", &RoleGrant::role)
        .def_readonly("condition", &RoleGrant::condition,
                      "With the principal's parameters, not their values.")
        .def("__repr__", [](const RoleGrant& self) {
            return "<RoleGrant " + self.role + " where " + core::to_text(self.condition) + ">";
        });
}

}  // namespace

void bind_access(py::module_& module) {
    bind_circumstances(module);
    bind_answers(module);
    add_principal_type(module);
    add_decision_type(module);
    add_policy_type(module);
    module.def(
        "policy_schema", [] { return std::string(access::policy_schema()); },
        "The JSON Schema (2020-12) of a policy's document.");
    bind_audit(module);
    bind_guard(module);
    bind_policy_store(module);
    bind_policy_analysis(module);
}

}  // namespace consilia::bindings
