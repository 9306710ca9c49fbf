// What may come in: fields, rules, messages, and the checks of texts.
#include <pybind11/stl.h>

#include "consilia/validation/text_checks.hpp"
#include "data_native.hpp"
#include "forms_native.hpp"

namespace consilia::bindings {
namespace {

using validation::Field;
using validation::Messages;
using validation::Rule;

void bind_field(py::module_& module) {
    py::class_<Field>(module, "Field", "A field of a form; made by `text`, `email`, …")
        .def_readonly("name", &Field::name, "Its name in the data.")
        .def_property_readonly(
            "kind", [](const Field& field) { return std::string(to_string(field.kind)); },
            "What it holds: `text`, `email`, `integer`, …")
        .def_readonly("required", &Field::is_required, "It must be given.")
        .def_readonly("nullable", &Field::is_nullable, "None is a value of it.")
        .def_property_readonly(
            "default", [](const Field& field) { return to_python(field.default_value); },
            "What takes its place where it is not given.")
        .def_property_readonly(
            "minimum", [](const Field& field) { return to_python(field.minimum); }, "The least value.")
        .def_property_readonly(
            "maximum", [](const Field& field) { return to_python(field.maximum); }, "The greatest value.")
        .def_readonly("length_min", &Field::length_min, "The least length.")
        .def_readonly("length_max", &Field::length_max, "The greatest length; 0: 10,000 and 1,000 for lists.")
        .def_readonly("pattern", &Field::pattern, "What a text is searched for (RE2).")
        .def_property_readonly(
            "choices",
            [](const Field& field) {
                py::list choices;
                for (const core::Value& choice : field.choices) choices.append(to_python(choice));
                return choices;
            },
            "The only values allowed.")
        .def_readonly("secret", &Field::is_secret, "A password.")
        .def_readonly("label", &Field::label, "What it is called on a page.")
        .def_readonly("help", &Field::help, "What stands beside it on a page.")
        .def("__repr__", [](const Field& field) {
            return "<Field " + field.name + ": " + std::string(to_string(field.kind)) + ">";
        });
    module.def(
        "field",
        [](const std::string& kind, std::string name, const py::kwargs& options) {
            return field_of(kind, std::move(name), options);
        },
        py::arg("kind"), py::arg("name"), "A field of a kind, with the options of its function.");
    py::class_<Rule>(module, "Rule", "A condition over the fields of a form that must not be false.")
        .def(
            py::init([](const py::object& check, std::string code, std::string message, std::string field) {
                return Rule{condition_of(check.ptr()), std::move(code), std::move(message), std::move(field)};
            }),
            py::arg("check"), py::kw_only(), py::arg("code") = "rule", py::arg("message") = "",
            py::arg("field") = "",
            "Makes a rule of an expression or its text.\n\n"
            "Args:\n"
            "    check: an expression; null, as of a field that was not given, does not break it.\n"
            "    code: of the error.\n"
            "    message: of the error; empty: that of the catalog for the code.\n"
            "    field: where the error stands; empty: at the form itself.")
        .def_readonly("code", &Rule::code, "The code of its error.")
        .def_readonly("message", &Rule::message, "The message of its error.")
        .def_readonly("field", &Rule::field, "Where its error stands.")
        .def("__repr__", [](const Rule& rule) { return "<Rule: " + core::to_text(rule.check) + ">"; });
}

void bind_messages_of_forms(py::module_& module) {
    py::class_<Messages>(module, "Messages", "What errors say to people, in their language.")
        .def(py::init([](const std::map<std::string, std::string>& texts) {
                 return Messages(Messages::Texts(texts.begin(), texts.end()));
             }),
             py::arg("texts"),
             "Makes a catalog of texts by code, with `{limit}` and other parameters; a code that is not in "
             "it\n"
             "has its text in English.")
        .def_static(
            "english", [] { return Messages::english(); }, "The library's own.")
        .def_static(
            "german", [] { return Messages::german(); }, "In German.")
        .def_static("from_json", &Messages::from_json, py::arg("json"),
                    "From an object of texts by code.\n\nRaises:\n    ValidationError: `messages.document`.")
        .def_property_readonly(
            "texts",
            [](const Messages& messages) {
                return std::map<std::string, std::string>(messages.texts().begin(), messages.texts().end());
            },
            "The texts by code.");
}

void bind_text_checks(py::module_& module) {
    module.def(
        "check_email",
        [](std::string_view text) -> std::optional<std::string> {
            const std::string_view problem = validation::check_email(text);
            return problem.empty() ? std::nullopt : std::optional<std::string>(problem);
        },
        py::arg("text"), "Why a text is no email address, as a code; None: it is one.");
    module.def("normalized_email", &validation::normalized_email, py::arg("email"),
               "The one spelling of an address: its domain in lower case and in Unicode.");
    module.def("ascii_email", &validation::ascii_email, py::arg("email"),
               "The address with its domain in ASCII, for programs that send mail.");
    module.def("is_phone", &validation::is_phone, py::arg("text"), "Whether it matches `^\\+?1?\\d{9,15}$`.");
    module.def("is_person_name", &validation::is_person_name, py::arg("text"),
               "Whether it can be the name of a person, in any script.");
    module.def("is_url", &validation::is_url, py::arg("text"),
               "Whether it is an address with `http` or `https` and a host.");
}

}  // namespace

void bind_forms(py::module_& module) {
    bind_field(module);
    bind_messages_of_forms(module);
    add_report_types(module);
    add_form_type(module);
    bind_form_sources(module);
    bind_text_checks(module);
}

}  // namespace consilia::bindings
