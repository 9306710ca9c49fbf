// Fields from the options of their functions.
#include <array>
#include <functional>
#include <map>

#include "consilia/core/error.hpp"
#include "data_native.hpp"
#include "forms_native.hpp"

namespace consilia::bindings {
namespace {

using validation::Field;
using validation::FieldKind;

core::Value value_of(PyObject* object, core::ValueType type = core::ValueType::Null) {
    data::Column column;
    column.type = type;
    return to_value(column, object);
}

std::string string_of(PyObject* object) {
    return std::string(text_of(object));
}

bool truth_of(PyObject* object) {
    const int truth = PyObject_IsTrue(object);
    if (truth < 0) throw py::error_already_set();
    return truth != 0;
}

/// A model, whose key is meant, or a model and one of its columns.
validation::RowCheck rows_of(PyObject* object, bool ignores_case) {
    validation::RowCheck check;
    check.ignores_case = ignores_case;
    if (PyTuple_Check(object) && PyTuple_GET_SIZE(object) == 2) {
        check.model = info_of(PyTuple_GET_ITEM(object, 0)).repository.shared_model();
        check.column = path_of(PyTuple_GET_ITEM(object, 1));
    } else {
        check.model = info_of(object).repository.shared_model();
    }
    return check;
}

bool is_structured(FieldKind kind) {
    return kind == FieldKind::Json || kind == FieldKind::Object || kind == FieldKind::List;
}

using Setter = std::function<void(Field&, PyObject*)>;

const std::map<std::string, Setter, std::less<>>& setters() {
    static const auto* const all = new std::map<std::string, Setter, std::less<>>{
        {"required", [](Field& field, PyObject* given) { field.is_required = truth_of(given); }},
        {"nullable", [](Field& field, PyObject* given) { field.is_nullable = truth_of(given); }},
        {"default",
         [](Field& field, PyObject* given) {
             field.default_value =
                 value_of(given, is_structured(field.kind) ? core::ValueType::Json : core::ValueType::Null);
             field.is_required = false;
         }},
        {"minimum", [](Field& field, PyObject* given) { field.minimum = value_of(given); }},
        {"maximum", [](Field& field, PyObject* given) { field.maximum = value_of(given); }},
        {"length_min", [](Field& field, PyObject* given) { field.length_min = integer_of(given); }},
        {"length_max", [](Field& field, PyObject* given) { field.length_max = integer_of(given); }},
        {"pattern", [](Field& field, PyObject* given) { field.pattern = string_of(given); }},
        {"choices",
         [](Field& field, PyObject* given) {
             field.choices.clear();
             for (const py::handle choice : py::reinterpret_borrow<py::object>(given))
                 field.choices.push_back(value_of(choice.ptr()));
         }},
        {"multiline", [](Field& field, PyObject* given) { field.is_multiline = truth_of(given); }},
        {"blank", [](Field& field, PyObject* given) { field.allows_blank = truth_of(given); }},
        {"secret", [](Field& field, PyObject* given) { field.is_secret = truth_of(given); }},
        {"unique_items", [](Field& field, PyObject* given) { field.has_unique_items = truth_of(given); }},
        {"required_when",
         [](Field& field, PyObject* given) {
             field.required_when = condition_of(given);
             field.is_required = false;
         }},
        {"form",
         [](Field& field, PyObject* given) {
             field.form = std::make_shared<const validation::Form>(form_of(given).form);
         }},
        {"items",
         [](Field& field, PyObject* given) {
             const auto* items = held<Field>(given);
             if (items == nullptr) throw_type_error("the items of a list are a field");
             field.items = std::make_shared<const Field>(*items);
         }},
        {"unique",
         [](Field& field, PyObject* given) { field.unique = rows_of(given, field.unique.ignores_case); }},
        {"exists",
         [](Field& field, PyObject* given) { field.exists = rows_of(given, field.exists.ignores_case); }},
        {"ignores_case",
         [](Field& field, PyObject* given) {
             field.unique.ignores_case = field.exists.ignores_case = truth_of(given);
         }},
        {"label", [](Field& field, PyObject* given) { field.label = string_of(given); }},
        {"help", [](Field& field, PyObject* given) { field.help = string_of(given); }},
        {"messages",
         [](Field& field, PyObject* given) {
             for (const auto& [code, text] : py::handle(given).cast<py::dict>())
                 field.messages.emplace_back(string_of(code.ptr()), string_of(text.ptr()));
         }},
    };
    return *all;
}

FieldKind kind_of(std::string_view name) {
    for (int kind = 0; kind <= static_cast<int>(FieldKind::List); ++kind) {
        if (to_string(static_cast<FieldKind>(kind)) == name) return static_cast<FieldKind>(kind);
    }
    throw core::InvalidArgument("form.field", "there is no kind `" + std::string(name) + "` of fields");
}

}  // namespace

Field field_of(const std::string& kind, std::string name, const py::dict& options) {
    Field field;
    field.name = std::move(name);
    field.kind = kind_of(kind);
    for (const auto& [key, given] : options) {
        const std::string option = string_of(key.ptr());
        const auto setter = setters().find(option);
        if (setter == setters().end()) throw_type_error("a field has no option `" + option + "`");
        if (given.is_none()) continue;
        setter->second(field, given.ptr());
    }
    if (options.contains("required") && !options["required"].is_none())
        field.is_required = truth_of(py::object(options["required"]).ptr());
    return field;
}

}  // namespace consilia::bindings
