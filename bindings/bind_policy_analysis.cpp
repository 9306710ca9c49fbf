// Analysis and import of policies for Python.
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "consilia/access/policy_analysis.hpp"
#include "consilia/access/policy_import.hpp"
#include "consilia/access/principal.hpp"

namespace consilia::bindings {

/// A Principal of Python, for the stubs.
class PrincipalHandle : public py::object {
public:
    using py::object::object;
    explicit PrincipalHandle(const py::object& made) : py::object(made) {}
};

}  // namespace consilia::bindings

template <>
struct pybind11::detail::handle_type_name<consilia::bindings::PrincipalHandle> {
    static constexpr auto name = const_name("consilia._core.access.Principal");
};

namespace consilia::bindings {
namespace {

using access::AccessExample;
using access::AnalysisOptions;
using access::Finding;
using access::ImportedPolicy;
using access::NeverResult;
using access::PolicyChange;

/// JSON text, an object of the same form, or a policy.
std::string json_of(const py::object& document) {
    if (py::isinstance<py::str>(document)) return document.cast<std::string>();
    if (py::hasattr(document, "to_json")) return document.attr("to_json")().cast<std::string>();
    return py::module_::import("json").attr("dumps")(document).cast<std::string>();
}

access::PolicyDocument document_of(const py::object& document) {
    return access::parse_policy(json_of(document));
}

template <class Map>
py::dict dict_of(const Map& values) {
    py::dict dict;
    for (const auto& [name, value] : values) dict[py::str(name)] = to_python(value);
    return dict;
}

core::ValueType type_of(const std::string& name) {
    for (int number = 1; number <= static_cast<int>(core::ValueType::Json); ++number) {
        const auto type = static_cast<core::ValueType>(number);
        if (core::to_string(type) == name) return type;
    }
    throw core::InvalidArgument("access.type", "`" + name.substr(0, 100) + "` is no type of values",
                                {{"type", core::Value(name)}});
}

using FieldTypeNames = std::map<std::string, std::map<std::string, std::string>>;

AnalysisOptions options_of(const FieldTypeNames& fields, std::uint64_t max_steps,
                           std::uint64_t max_steps_total) {
    AnalysisOptions options{.max_steps = max_steps, .max_steps_total = max_steps_total};
    for (const auto& [resource, types] : fields) {
        for (const auto& [path, name] : types) options.fields[resource].emplace(path, type_of(name));
    }
    return options;
}

PrincipalHandle principal_of(const AccessExample& example) {
    const access::Principal& principal = example.principal;
    const py::object type = py::module_::import("consilia._core.access").attr("Principal");
    return PrincipalHandle(type(to_python(principal.user_id), principal.roles,
                                py::arg("name") = principal.name,
                                py::arg("attributes") = dict_of(principal.attributes)));
}

std::string text_of(const AccessExample& example) {
    std::string roles;
    for (const std::string& role : example.principal.roles) roles += (roles.empty() ? "" : ", ") + role;
    std::string object;
    for (const auto& [path, value] : example.object)
        object += (object.empty() ? "" : ", ") + path + " = " + core::to_json(value);
    return roles + " " + example.resource + ":" + example.action + " where " +
           (object.empty() ? "nothing is set" : object);
}

std::string permission_of(const PolicyChange& change) {
    return change.resource + ":" + change.action + (change.field.empty() ? "" : " field " + change.field);
}

void bind_results(py::module_& module) {
    py::class_<AccessExample>(module, "AccessExample",
                              "An access that shows something: put it to `Policy.check`.")
        .def_property_readonly("principal", &principal_of)
        .def_readonly("action", &AccessExample::action)
        .def_readonly("resource", &AccessExample::resource)
        .def_property_readonly(
            "object", [](const AccessExample& self) { return dict_of(self.object); },
            "Values by dotted path; what is absent is null.")
        .def_readonly("context", &AccessExample::context)
        .def("__repr__", [](const AccessExample& self) { return "<AccessExample " + text_of(self) + ">"; });
    py::class_<Finding>(module, "Finding", "Something that a policy's author should look at.")
        .def_property_readonly(
            "severity", [](const Finding& self) { return std::string(to_string(self.severity)); },
            "`info`, `warning` or `error`.")
        .def_readonly("code", &Finding::code, "Stable: `lint.unreachable`.")
        .def_readonly("message", &Finding::message)
        .def_readonly("rules", &Finding::rules, "Names of the rules that it is about, the culprit first.")
        .def_readonly("example", &Finding::example)
        .def("__repr__",
             [](const Finding& self) { return "<Finding " + self.code + ": " + self.message + ">"; });
    py::class_<PolicyChange>(
        module, "PolicyChange",
        "What principals with a role alone may do after a change and not before, or the\n"
        "other way round.")
        .def_readonly("role", &PolicyChange::role)
        .def_readonly("resource", &PolicyChange::resource)
        .def_readonly("action", &PolicyChange::action)
        .def_readonly("field", &PolicyChange::field, "Empty: the permission itself.")
        .def_property_readonly(
            "kind", [](const PolicyChange& self) { return std::string(to_string(self.kind)); },
            "`gains` or `loses`.")
        .def_readonly("example", &PolicyChange::example,
                      "None: it could not be decided whether there is one.")
        .def_property_readonly("is_certain", &PolicyChange::is_certain)
        .def("__repr__", [](const PolicyChange& self) {
            return "<PolicyChange " + self.role + (self.is_certain() ? " " : " perhaps ") +
                   std::string(to_string(self.kind)) + " " + permission_of(self) + ">";
        });
    py::class_<NeverResult>(module, "NeverResult",
                            "Whether a policy can ever allow what a `never` rule forbids.")
        .def_readonly("rule", &NeverResult::rule)
        .def_property_readonly(
            "verdict", [](const NeverResult& self) { return std::string(to_string(self.verdict)); },
            "`proved`, `violated` or `unknown`.")
        .def_readonly("counterexample", &NeverResult::counterexample,
                      "That the policy allows, where violated.")
        .def_readonly("reason", &NeverResult::reason, "Why it is not known.")
        .def("__repr__", [](const NeverResult& self) {
            return "<NeverResult " + self.rule + ": " + std::string(to_string(self.verdict)) + ">";
        });
}

std::map<std::string, std::string> names_of(const access::ImportedNames& names) {
    return {names.begin(), names.end()};
}

void bind_imports(py::module_& module) {
    py::class_<ImportedPolicy>(module, "ImportedPolicy",
                               "A policy that answers as the one that it was made from.")
        .def_property_readonly(
            "document",
            [](const ImportedPolicy& self) {
                return py::module_::import("json").attr("loads")(to_json(self.document)).cast<py::dict>();
            },
            "What `Policy` is made of.")
        .def_property_readonly(
            "assignments",
            [](const ImportedPolicy& self) {
                return std::map<std::string, std::vector<std::string>>(self.assignments.begin(),
                                                                       self.assignments.end());
            },
            "The roles of each subject that the policy names.")
        .def_readonly("other_role", &ImportedPolicy::other_role,
                      "The role of subjects that it does not name; empty: they may do nothing.")
        .def_property_readonly(
            "roles", [](const ImportedPolicy& self) { return names_of(self.roles); },
            "Names as they were, and as they are in the document; so are the next ones.")
        .def_property_readonly("resources",
                               [](const ImportedPolicy& self) { return names_of(self.resources); })
        .def_property_readonly("actions", [](const ImportedPolicy& self) { return names_of(self.actions); })
        .def_property_readonly("principal_attributes",
                               [](const ImportedPolicy& self) { return names_of(self.principal_attributes); })
        .def_property_readonly("context_attributes",
                               [](const ImportedPolicy& self) { return names_of(self.context_attributes); })
        .def_readonly("object_resource", &ImportedPolicy::object_resource,
                      "The one resource that all objects are of; empty: `resources` has them.")
        .def_readonly("notes", &ImportedPolicy::notes, "What whoever uses the document must know.")
        .def("to_json", [](const ImportedPolicy& self) { return to_json(self); });
    module.def(
        "import_casbin",
        [](const std::string& model, const std::string& policy) {
            const py::gil_scoped_release released;
            return access::import_casbin(model, policy);
        },
        py::arg("model"), py::arg("policy"),
        "Reads a model of Casbin and its policy as CSV, as text. What has another meaning here is refused:\n"
        "ValidationError (`import.casbin`) with source, line, column and construct.");
    module.def(
        "import_cedar",
        [](const std::string& text) {
            const py::gil_scoped_release released;
            return access::import_cedar(text);
        },
        py::arg("text"),
        "Reads policies of Cedar. What has another meaning here is refused: ValidationError\n"
        "(`import.cedar`) with line, column and construct.");
}

}  // namespace

void bind_policy_analysis(py::module_& module) {
    bind_results(module);
    bind_imports(module);
    const AnalysisOptions defaults;
    module.def(
        "lint",
        [](const py::object& document, const FieldTypeNames& fields, std::uint64_t max_steps,
           std::uint64_t max_steps_total) {
            const access::PolicyDocument parsed = document_of(document);
            const AnalysisOptions options = options_of(fields, max_steps, max_steps_total);
            const py::gil_scoped_release released;
            return access::lint(parsed, options);
        },
        py::arg("document"), py::kw_only(), py::arg("fields") = FieldTypeNames{},
        py::arg("max_steps") = defaults.max_steps, py::arg("max_steps_total") = defaults.max_steps_total,
        "Mistakes in a policy: JSON text, a dict of the same form, or a `Policy`. `fields` are the names of\n"
        "types by path and resource, of resources that the document does not declare.");
    module.def(
        "diff",
        [](const py::object& before, const py::object& after, const FieldTypeNames& fields,
           std::uint64_t max_steps, std::uint64_t max_steps_total) {
            const access::PolicyDocument first = document_of(before);
            const access::PolicyDocument second = document_of(after);
            const AnalysisOptions options = options_of(fields, max_steps, max_steps_total);
            const py::gil_scoped_release released;
            return access::diff(first, second, options);
        },
        py::arg("before"), py::arg("after"), py::kw_only(), py::arg("fields") = FieldTypeNames{},
        py::arg("max_steps") = defaults.max_steps, py::arg("max_steps_total") = defaults.max_steps_total,
        "Every difference for every role, permission and field of two policies, with an access that only "
        "one\n"
        "of them allows. What is not listed is proved to be the same.");
    module.def(
        "find_violations",
        [](const py::object& document, const FieldTypeNames& fields, std::uint64_t max_steps,
           std::uint64_t max_steps_total) {
            const access::PolicyDocument parsed = document_of(document);
            const AnalysisOptions options = options_of(fields, max_steps, max_steps_total);
            const py::gil_scoped_release released;
            return access::find_violations(parsed, options);
        },
        py::arg("document"), py::kw_only(), py::arg("fields") = FieldTypeNames{},
        py::arg("max_steps") = defaults.max_steps, py::arg("max_steps_total") = defaults.max_steps_total,
        "Proves or refutes each `never` rule of a document, for principals with any roles.");
}

}  // namespace consilia::bindings
