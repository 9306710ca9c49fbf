// Policies of Python: the questions that a request asks.
#include "access_native.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "data_native.hpp"

namespace consilia::bindings {

PyTypeObject* policy_type = nullptr;

namespace {

using Given = PyObject* const*;

PolicyObject& as_policy(PyObject* object) {
    return *reinterpret_cast<PolicyObject*>(object);
}

/// The arguments of most questions.
Arguments question_arguments(const char* function, Given given, Py_ssize_t count, PyObject* names) {
    return {function, {"principal", "action", "resource", "object", "context"}, 3, given, count, names};
}

/// Asks about one object.
access::Decision answer(const Question& question) {
    const access::Subject subject = subject_of(question.principal, question.policy);
    const access::PermissionId permission =
        question.policy.permissions.find(question.policy.policy, question.action, question.resource);
    ObjectFields fields(question.policy.keys, question.object);
    return question.policy.policy.check(subject, permission, question.source(fields), question.context);
}

PyObject* policy_check(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments = question_arguments("check", given, count, names);
        const Question question(self, arguments, arguments.unless_none(3), arguments[4]);
        return Py_NewRef(question.policy.decision(answer(question)));
    });
}

PyObject* policy_allows(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments = question_arguments("allows", given, count, names);
        const Question question(self, arguments, arguments.unless_none(3), arguments[4]);
        return PyBool_FromLong(answer(question).allowed ? 1 : 0);
    });
}

PyObject* policy_require(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&]() -> PyObject* {
        const Arguments arguments = question_arguments("require", given, count, names);
        const Question question(self, arguments, arguments.unless_none(3), arguments[4]);
        if (!answer(question)) {
            ObjectFields fields(question.policy.keys, question.object);
            question.policy.policy.require(question.principal.principal, text_of(question.action),
                                           text_of(question.resource), question.source(fields),
                                           question.context);
        }
        Py_RETURN_NONE;
    });
}

/// The objects of a page; rows of the data layer become records one at a time, where a condition asks.
class Page {
public:
    explicit Page(PyObject* objects) {
        if (Py_TYPE(objects) == rows_type) {
            rows_ = reinterpret_cast<RowsObject*>(objects);
            count_ = rows_->end - rows_->begin;
        } else {
            items_ = owned(PySequence_Fast(objects, "the objects of a page are a sequence"));
            count_ = static_cast<std::size_t>(PySequence_Fast_GET_SIZE(items_.ptr()));
        }
    }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// Lives until another one is asked for. @throws ValueError if an object that was asked shortened the
    /// list.
    PyObject* at(std::size_t i) {
        if (current_ && place_ == i) return current_.ptr();
        if (rows_ != nullptr) {
            current_ = owned(make_record(rows_, *rows_->shape, rows_->begin + i));
        } else {
            if (static_cast<Py_ssize_t>(i) >= PySequence_Fast_GET_SIZE(items_.ptr()))
                throw py::value_error("the objects of a page changed while they were checked");
            current_ = py::reinterpret_borrow<py::object>(
                PySequence_Fast_GET_ITEM(items_.ptr(), static_cast<Py_ssize_t>(i)));
        }
        place_ = i;
        return current_.ptr();
    }

private:
    RowsObject* rows_ = nullptr;
    py::object items_;
    py::object current_;
    std::size_t place_ = 0;
    std::size_t count_ = 0;
};

PyObject* policy_check_many(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("check_many", {"principal", "action", "resource", "objects", "context"}, 4,
                                  given, count, names);
        const Question question(self, arguments, arguments[3], arguments[4]);
        PolicyState& state = question.policy;
        const access::Subject subject = subject_of(question.principal, state);
        const access::PermissionId permission =
            state.permissions.find(state.policy, question.action, question.resource);
        Page page(question.object);
        ObjectFields fields(state.keys, nullptr);
        const std::vector<access::Decision> decided = state.policy.check_many(
            subject, permission, page.count(),
            [&](std::size_t i, std::string_view path) {
                fields.move_to(page.at(i));
                return fields(path);
            },
            question.context);
        const py::object decisions = owned(PyList_New(static_cast<Py_ssize_t>(decided.size())));
        for (std::size_t i = 0; i < decided.size(); ++i)
            PyList_SET_ITEM(decisions.ptr(), static_cast<Py_ssize_t>(i),
                            Py_NewRef(state.decision(decided[i])));
        return Py_NewRef(decisions.ptr());
    });
}

PyObject* policy_explain(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments = question_arguments("explain", given, count, names);
        const Question question(self, arguments, arguments.unless_none(3), arguments[4]);
        ObjectFields fields(question.policy.keys, question.object);
        return py::cast(question.policy.policy.explain(question.principal.principal, text_of(question.action),
                                                       text_of(question.resource), question.source(fields),
                                                       question.context))
            .release()
            .ptr();
    });
}

PyObject* policy_scope(PyObject* self, Given given, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Arguments arguments("scope", {"principal", "action", "resource", "context"}, 3, given, count,
                                  names);
        const Question question(self, arguments, nullptr, arguments[3]);
        return py::cast(question.policy.policy.scope(question.principal.principal, text_of(question.action),
                                                     text_of(question.resource), question.context))
            .release()
            .ptr();
    });
}

PyObject* policy_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    return guarded([&]() -> PyObject* {
        static const char* const names[] = {"document", nullptr};
        PyObject* document = nullptr;
        if (PyArg_ParseTupleAndKeywords(args, keywords, "O:Policy", const_cast<char**>(names), &document) ==
            0)
            return nullptr;
        return make_policy(type, access::Policy(policy_document_of(document)));
    });
}

PyObject* policy_from_file(PyObject* type, PyObject* path) {
    return guarded([&] {
        const py::object name = owned(PyOS_FSPath(path));
        const std::string text = core::read_text_file(text_of(name.ptr()));
        return make_policy(reinterpret_cast<PyTypeObject*>(type), access::Policy(access::parse_policy(text)));
    });
}

void policy_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    delete std::exchange(as_policy(self).state, nullptr);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* policy_repr(PyObject* self) {
    const access::PolicyDocument& document = as_policy(self).state->policy.document();
    return PyUnicode_FromFormat("<Policy: %zu roles, %zu rules>", document.roles.size(),
                                document.rules.size());
}

PyObject* policy_reduce(PyObject* self, PyObject*) {
    return guarded([&] {
        const std::string text = to_json(as_policy(self).state->policy.document());
        return py::make_tuple(py::handle(reinterpret_cast<PyObject*>(Py_TYPE(self))),
                              py::make_tuple(py::str(text)))
            .release()
            .ptr();
    });
}

constexpr const char* kCheckDoc =
    "check(self: Policy, principal: Principal, action: str, resource: str, object: object = None, "
    "context: Context | None = None) -> Decision\n\n"
    "May the principal do this to the object?\n\n"
    "`object` is a dict (nested, or with dotted keys), a record of the data layer or anything with\n"
    "attributes, and must have the fields that conditions ask for; without one each is null, as for an\n"
    "object that does not exist yet.\n\n"
    "Raises:\n"
    "    InvalidArgument: `access.missing_field`, `value.type` for a field that is no value,\n"
    "        `expression.type` for values that cannot be compared.";

std::vector<PyMethodDef> policy_methods() {
    std::vector<PyMethodDef> methods{
        fast_method("check", policy_check, kCheckDoc),
        fast_method("allows", policy_allows,
                    "allows(self: Policy, principal: Principal, action: str, resource: str, "
                    "object: object = None, context: Context | None = None) -> bool\n\n"
                    "As `check`, for those who need no reason."),
        fast_method("check_many", policy_check_many,
                    "check_many(self: Policy, principal: Principal, action: str, resource: str, "
                    "objects: collections.abc.Iterable[object], context: Context | None = None) -> "
                    "list[Decision]\n\n"
                    "As `check`, for each object of a page; rows of a query are read where they lie."),
        fast_method("require", policy_require,
                    "require(self: Policy, principal: Principal, action: str, resource: str, "
                    "object: object = None, context: Context | None = None) -> None\n\n"
                    "As `check`, but a denial is raised.\n\n"
                    "Raises:\n"
                    "    PermissionDenied: `access.denied`, with role, permission, reason and rule."),
        fast_method("explain", policy_explain,
                    "explain(self: Policy, principal: Principal, action: str, resource: str, "
                    "object: object = None, context: Context | None = None) -> Explanation\n\n"
                    "The same question as `check`, with every reason: for people and logs."),
        fast_method("scope", policy_scope,
                    "scope(self: Policy, principal: Principal, action: str, resource: str, "
                    "context: Context | None = None) -> consilia._core.Expression\n\n"
                    "The condition that holds for exactly the objects that `check` allows: for `where`."),
        {"from_file", policy_from_file, METH_O | METH_CLASS,
         "from_file(path: str | os.PathLike[str]) -> Policy\n\n"
         "Reads the JSON form from a file.\n\n"
         "Raises:\n"
         "    NotFound: `file.not_found`.\n"
         "    ValidationError: as `Policy`."},
        {"__reduce__", policy_reduce, METH_NOARGS, "For pickle."}};
    for (const PyMethodDef& report : policy_reports()) methods.push_back(report);
    methods.push_back({nullptr, nullptr, 0, nullptr});
    return methods;
}

}  // namespace

access::PolicyDocument policy_document_of(PyObject* object) {
    if (PyUnicode_Check(object)) return access::parse_policy(text_of(object));
    if (!PyDict_Check(object)) {
        throw_type_error(std::string("a policy is read from JSON text or a dict, not `") +
                         Py_TYPE(object)->tp_name + "`; from a file with Policy.from_file");
    }
    const py::str text = py::module_::import("json").attr("dumps")(py::handle(object));
    return access::parse_policy(text_of(text.ptr()));
}

access::PermissionId PermissionCache::find(const access::Policy& policy, PyObject* action,
                                           PyObject* resource) {
    const std::uintptr_t mixed =
        reinterpret_cast<std::uintptr_t>(action) * 31 + reinterpret_cast<std::uintptr_t>(resource);
    Known& known = known_[(mixed >> 4U) % known_.size()];
    if (known.action.ptr() == action && known.resource.ptr() == resource) return known.permission;
    const access::PermissionId permission = policy.permission(text_of(action), text_of(resource));
    if (PyUnicode_CHECK_INTERNED(action) != 0 && PyUnicode_CHECK_INTERNED(resource) != 0) {
        known = {py::reinterpret_borrow<py::object>(action), py::reinterpret_borrow<py::object>(resource),
                 permission};
    }
    return permission;
}

PolicyState::PolicyState(access::Policy given) : policy(std::move(given)) {
    static std::uint64_t next = 0;
    number = ++next;
}

PyObject* PolicyState::decision(const access::Decision& decision) {
    std::vector<py::object>& made = decisions[static_cast<std::size_t>(decision.reason)];
    const std::size_t place = decision.rule == access::Decision::kNone ? 0 : decision.rule + std::size_t{1};
    if (made.size() <= place) made.resize(place + 1);
    if (!made[place]) made[place] = py::reinterpret_steal<py::object>(make_decision(policy, decision));
    return made[place].ptr();
}

Question::Question(PyObject* self, const Arguments& given, PyObject* about, PyObject* circumstances)
    : policy(*as_policy(self).state),
      principal(principal_of(given[0])),
      action(given[1]),
      resource(given[2]),
      object(about),
      context(context_of(circumstances)) {}

core::FieldSource Question::source(ObjectFields& fields) const {
    if (object == nullptr) return access::Policy::nothing();
    return [&fields](std::string_view path) { return fields(path); };
}

const access::Context& context_of(PyObject* object) {
    if (object == nullptr || object == Py_None) return access::Policy::now();
    if (const auto* context = held<access::Context>(object)) return *context;
    throw_type_error(std::string("wanted a Context, not `") + Py_TYPE(object)->tp_name + "`");
}

PyObject* make_policy(PyTypeObject* type, access::Policy policy) {
    auto state = std::make_unique<PolicyState>(std::move(policy));
    const py::object made = owned(type->tp_alloc(type, 0));
    as_policy(made.ptr()).state = state.release();
    return Py_NewRef(made.ptr());
}

void add_policy_type(py::module_& module) {
    static std::vector<PyMethodDef> methods = policy_methods();
    static PyType_Slot slots[] = {
        {Py_tp_doc,
         const_cast<char*>(
             "Policy(document: str | dict[str, typing.Any])\n\n"
             "A compiled, immutable policy: what each role may do, to which objects and fields.\n\n"
             "It is compiled from JSON text, or from a dict of the same form (`policy_schema`). Default\n"
             "deny; a deny rule overrides every allow rule; nulls are unknown as in SQL.\n\n"
             "Raises:\n"
             "    ValidationError: a code that begins with `policy.`, naming the place.")},
        {Py_tp_new, reinterpret_cast<void*>(policy_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(policy_dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(policy_repr)},
        {Py_tp_methods, methods.data()},
        {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.access.Policy", sizeof(PolicyObject), 0, Py_TPFLAGS_DEFAULT,
                               slots};
    policy_type = add_type(module, spec);
}

}  // namespace consilia::bindings
