// Decisions of Python: immutable, one object for each way in which a policy can decide.
#include "access_native.hpp"
#include "consilia/core/expression.hpp"

namespace consilia::bindings {

PyTypeObject* decision_type = nullptr;

namespace {

struct DecisionObject {
    PyObject_HEAD PyObject* reason;
    PyObject* rule;
    PyObject* condition;
    bool allowed;
};

DecisionObject& as_decision(PyObject* object) {
    return *reinterpret_cast<DecisionObject*>(object);
}

/// The condition of the rule that decided, as text; None where there is none.
py::object condition_text(const access::Policy& policy, const access::Decision& decision) {
    const bool by_rule = decision.reason == access::Reason::AllowedByRule ||
                         decision.reason == access::Reason::DeniedByRule ||
                         decision.reason == access::Reason::AllowedByDelegation;
    if (!by_rule) return py::none();
    const core::Expression& condition = policy.document().rules[decision.rule].condition;
    if (condition.is_always_true()) return py::none();
    return py::str(core::to_text(condition));
}

void decision_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    Py_CLEAR(as_decision(self).reason);
    Py_CLEAR(as_decision(self).rule);
    Py_CLEAR(as_decision(self).condition);
    type->tp_free(self);
    Py_DECREF(type);
}

int decision_truth(PyObject* self) {
    return as_decision(self).allowed ? 1 : 0;
}

PyObject* get_allowed(PyObject* self, void*) {
    return PyBool_FromLong(decision_truth(self));
}
PyObject* get_reason(PyObject* self, void*) {
    return Py_NewRef(as_decision(self).reason);
}
PyObject* get_rule(PyObject* self, void*) {
    return Py_NewRef(as_decision(self).rule);
}
PyObject* get_condition(PyObject* self, void*) {
    return Py_NewRef(as_decision(self).condition);
}

PyObject* decision_repr(PyObject* self) {
    const DecisionObject& decision = as_decision(self);
    return PyUnicode_FromFormat("<Decision %s: %U, rule %R>", decision.allowed ? "allowed" : "denied",
                                decision.reason, decision.rule);
}

PyObject* decision_compare(PyObject* left, PyObject* right, int op) {
    return guarded([&]() -> PyObject* {
        if ((op != Py_EQ && op != Py_NE) || Py_TYPE(right) != decision_type) Py_RETURN_NOTIMPLEMENTED;
        const auto same = [](PyObject* a, PyObject* b) { return py::handle(a).equal(py::handle(b)); };
        const DecisionObject& a = as_decision(left);
        const DecisionObject& b = as_decision(right);
        const bool is_equal = left == right || (a.allowed == b.allowed && same(a.reason, b.reason) &&
                                                same(a.rule, b.rule) && same(a.condition, b.condition));
        return PyBool_FromLong((op == Py_EQ) == is_equal ? 1 : 0);
    });
}

Py_hash_t decision_hash(PyObject* self) {
    return guarded(
        [&] {
            const DecisionObject& decision = as_decision(self);
            return PyObject_Hash(
                py::make_tuple(py::handle(decision.reason), py::handle(decision.rule)).ptr());
        },
        Py_hash_t{-1});
}

PyObject* refuse_new(PyTypeObject* type, PyObject*, PyObject*) {
    PyErr_Format(PyExc_TypeError, "a %s is made by a policy", type->tp_name);
    return nullptr;
}

}  // namespace

PyObject* make_decision(const access::Policy& policy, const access::Decision& decision) {
    const std::string_view name = policy.name_of(decision);
    py::object condition = condition_text(policy, decision);
    py::object rule = name.empty() ? py::object(py::none()) : py::str(name.data(), name.size());
    py::str reason{std::string(to_string(decision.reason))};
    const py::object made = owned(decision_type->tp_alloc(decision_type, 0));
    DecisionObject& object = as_decision(made.ptr());
    object.allowed = decision.allowed;
    object.reason = reason.release().ptr();
    object.rule = rule.release().ptr();
    object.condition = condition.release().ptr();
    return Py_NewRef(made.ptr());
}

void add_decision_type(py::module_& module) {
    static PyGetSetDef members[] = {
        {"allowed", get_allowed, nullptr, "bool: Also the truth of the decision itself.", nullptr},
        {"reason", get_reason, nullptr,
         "str: `allowed_by_rule`, `allowed_by_delegation`, `denied_by_rule`, `no_rule`, `unknown_role`,\n"
         "`unknown_permission` or `separation_of_duties`.",
         nullptr},
        {"rule", get_rule, nullptr,
         "str | None: The name of the rule or separation that decided; None where none did.", nullptr},
        {"condition", get_condition, nullptr, "str | None: Of that rule, as text; None where it has none.",
         nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr}};
    static PyType_Slot slots[] = {
        {Py_tp_doc, const_cast<char*>("The answer of a policy: true where it is allowed. Immutable.\n\n"
                                      "`Policy.explain` tells more of the same question.")},
        {Py_tp_new, reinterpret_cast<void*>(refuse_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(decision_dealloc)},
        {Py_nb_bool, reinterpret_cast<void*>(decision_truth)},
        {Py_tp_repr, reinterpret_cast<void*>(decision_repr)},
        {Py_tp_richcompare, reinterpret_cast<void*>(decision_compare)},
        {Py_tp_hash, reinterpret_cast<void*>(decision_hash)},
        {Py_tp_getset, members},
        {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.access.Decision", sizeof(DecisionObject), 0,
                               Py_TPFLAGS_DEFAULT, slots};
    decision_type = add_type(module, spec);
}

}  // namespace consilia::bindings
