// Forms from models, to and from JSON Schema, and as HTML.
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include "consilia/validation/form_schema.hpp"
#include "consilia/validation/html.hpp"
#include "consilia/validation/model_form.hpp"
#include "data_native.hpp"
#include "forms_native.hpp"

namespace consilia::bindings {

/// A form of Python, by its name in signatures.
class FormReference : public py::object {
public:
    explicit FormReference(PyObject* owned) : object(owned, stolen_t()) {}
};

}  // namespace consilia::bindings

template <>
struct pybind11::detail::handle_type_name<consilia::bindings::FormReference> {
    static constexpr auto name = const_name("consilia._core.forms.Form");
};

namespace consilia::bindings {
namespace {

using Names = std::vector<std::string>;

FormReference form_object(validation::Form form) {
    return FormReference(make_form(form_type, std::move(form)));
}

FormReference of_model(const py::object& model, const Names& only, const Names& exclude,
                       const py::object& overrides, const py::kwargs& options) {
    return form_object(validation::form_of(info_of(model.ptr()).repository.shared_model(),
                                           {.only = only,
                                            .exclude = exclude,
                                            .overrides = fields_of(overrides),
                                            .form = form_options_of(options)}));
}

FormReference from_schema(const py::object& schema, const py::object& models) {
    std::vector<std::shared_ptr<const data::Model>> tables;
    for (const py::handle model : models) tables.push_back(info_of(model.ptr()).repository.shared_model());
    const py::object text = PyDict_Check(schema.ptr()) ? json_dumps(schema.ptr()) : schema;
    return form_object(validation::form_from_json_schema(text.cast<std::string>(), tables));
}

py::typing::Dict<py::str, py::str> attributes_of(const validation::Field& field) {
    py::typing::Dict<py::str, py::str> attributes;
    for (const auto& [name, value] : validation::html_attributes(field)) attributes[py::str(name)] = value;
    return attributes;
}

/// What a control shows: texts, or what comes out as one.
std::vector<std::string> shown(const py::object& given) {
    std::vector<std::string> texts;
    if (given.is_none()) return texts;
    if (PyList_Check(given.ptr()) || PyTuple_Check(given.ptr())) {
        for (const py::handle each : given) texts.push_back(py::str(each).cast<std::string>());
    } else {
        texts.push_back(py::str(given).cast<std::string>());
    }
    return texts;
}

std::string input_of(const validation::Field& field, const py::object& value, const py::object& report,
                     std::string id_prefix) {
    const std::vector<std::string> given = shown(value);
    std::vector<validation::FieldError> errors;
    if (!report.is_none()) errors = errors_of(report.ptr());
    return validation::html_input(field,
                                  {.id_prefix = std::move(id_prefix), .given = given, .errors = errors});
}

}  // namespace

void bind_form_sources(py::module_& module) {
    module.def(
        "form_of", &of_model, py::arg("model"), py::kw_only(), py::arg("only") = Names(),
        py::arg("exclude") = Names(), py::arg("overrides") = py::tuple(),
        "The form that a table asks for: required unless null or a default, lengths, choices, checks,\n"
        "references that must exist, unique columns.\n\n"
        "Args:\n"
        "    model: a class derived from Model.\n"
        "    only: the columns of the form, in this order; empty: all that somebody fills in.\n"
        "    exclude: columns that are left out.\n"
        "    overrides: each takes the place of the field of its name.\n"
        "    **options: those of `Form`.\n\n"
        "Raises:\n"
        "    InvalidArgument: `form.column`, for a name that is no column of the form.");
    module.def(
        "to_json_schema",
        [](const py::object& form) { return validation::to_json_schema(form_of(form.ptr()).form); },
        py::arg("form"), "The form as JSON Schema (draft 2020-12) of what it takes in strict mode.");
    module.def("form_from_json_schema", &from_schema, py::arg("schema"), py::arg("models") = py::tuple(),
               "The form that a JSON Schema describes, as text or as a dict.\n\n"
               "Args:\n"
               "    schema: what else could change what is valid is refused, never skipped.\n"
               "    models: where `unique` and `exists` find a table by its name.\n\n"
               "Raises:\n"
               "    ValidationError: `form.schema`, with the place as `at` in its details.");
    module.def("label_of", &validation::label_of, py::arg("field"),
               "What stands beside the field on a page.");
    module.def("html_attributes", &attributes_of, py::arg("field"),
               "What a browser can check by itself: attributes of the field's control, not escaped.");
    module.def("html_input", &input_of, py::arg("field"), py::kw_only(), py::arg("value") = py::none(),
               py::arg("report") = py::none(), py::arg("id_prefix") = "id_",
               "Label, control, help and errors in the markup of Bootstrap 5, everything escaped.\n\n"
               "Args:\n"
               "    field: one of `form.fields`.\n"
               "    value: what the control shows; a secret is never shown again.\n"
               "    report: whose errors of this field are told.\n"
               "    id_prefix: before the name: the `id` of the control.\n\n"
               "Raises:\n"
               "    InvalidArgument: `form.html`, for an object, and for a list without choices.");
}

}  // namespace consilia::bindings
