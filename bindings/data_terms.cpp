// What queries take from Python: paths, conditions, values and assignments.
#include <string>

#include "consilia/core/expression.hpp"
#include "data_native.hpp"

namespace consilia::bindings {
namespace {

const core::Expression* known_expression(PyObject* object) {
    if (const auto* term = held<core::Term>(object)) return &term->expression();
    return held<core::Expression>(object);
}

}  // namespace

std::string_view path_of(PyObject* object) {
    if (PyUnicode_Check(object)) return text_of(object);
    if (const core::Expression* expression = known_expression(object)) {
        if (expression->op() == core::Operator::Field) return expression->name();
        throw_type_error("wanted a column, not a calculated value");
    }
    static PyObject* const attribute = interned("_path");
    const auto path = py::reinterpret_steal<py::object>(PyObject_GetAttr(object, attribute));
    if (path) return text_of(path.ptr());  // The object keeps it.
    PyErr_Clear();
    throw_type_error(std::string("wanted a column or a reference, not `") + Py_TYPE(object)->tp_name + "`");
}

core::Expression expression_of(PyObject* object) {
    if (const core::Expression* expression = known_expression(object)) return *expression;
    return core::Expression::literal(to_value(py::handle(object)));
}

std::vector<data::NamedExpression> named_expressions(PyObject* const* values, PyObject* names) {
    std::vector<data::NamedExpression> all;
    const Py_ssize_t count = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < count; ++i)
        all.emplace_back(std::string(text_of(PyTuple_GET_ITEM(names, i))), expression_of(values[i]));
    return all;
}

core::Expression condition_of(PyObject* object) {
    if (const core::Expression* expression = known_expression(object)) return *expression;
    if (PyUnicode_Check(object)) return core::parse_expression(text_of(object));
    throw_type_error("wanted a condition: mind the parentheses around comparisons");
}

std::vector<core::Value> values_of(PyObject* object) {
    std::vector<core::Value> values;
    if (object == nullptr) return values;
    for (const py::handle value : py::reinterpret_borrow<py::object>(object))
        values.push_back(to_value(value));
    return values;
}

data::Assignment assignment_of(const ModelInfo& info, PyObject* name, PyObject* object) {
    if (const auto column = info.find_column(name)) {
        const data::Column& described = info.model().columns()[*column];
        if (const core::Expression* expression = known_expression(object))
            return {described.name, *expression};
        return {described.name, to_value(described, object)};
    }
    const auto reference = info.find_reference(name);
    if (!reference) return {std::string(text_of(name)), expression_of(object)};  // Refused by its name.
    const std::string& holder = info.model().references()[*reference].column;
    if (object == Py_None) return {holder, core::Value()};
    RecordObject* record = as_record(object);
    const ModelInfo* target = info.targets[*reference];
    if (record->node->info != target) throw_type_error(std::string("wanted a ") + target->type->tp_name);
    return {holder, to_value(py::handle(record_value(record, target->key_column).ptr()))};
}

}  // namespace consilia::bindings
