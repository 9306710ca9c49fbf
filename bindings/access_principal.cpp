// Principals of Python: immutable, each with what the policy that it asked last knows of it.
#include <algorithm>

#include "access_native.hpp"
#include "consilia/core/error.hpp"
#include "data_native.hpp"

namespace consilia::bindings {

PyTypeObject* principal_type = nullptr;

namespace {

PrincipalObject& as_principal(PyObject* object) {
    return *reinterpret_cast<PrincipalObject*>(object);
}

core::Value identity_of(PyObject* object) {
    core::Value value = to_value(py::handle(object));
    for (const core::ValueType fits :
         {core::ValueType::Null, core::ValueType::Int64, core::ValueType::Text, core::ValueType::Uuid}) {
        if (value.type() == fits) return value;
    }
    throw core::InvalidArgument(
        "access.principal", std::string("the user_id of a principal is an int, str, UUID or None, not `") +
                                Py_TYPE(object)->tp_name + "`");
}

std::vector<access::Delegation> delegations_of(PyObject* object) {
    std::vector<access::Delegation> delegations;
    if (object == nullptr || object == Py_None) return delegations;
    for (const py::handle given : py::reinterpret_borrow<py::object>(object)) {
        const auto* delegation = held<access::Delegation>(given.ptr());
        if (delegation == nullptr)
            throw_type_error(std::string("wanted a Delegation, not `") + Py_TYPE(given.ptr())->tp_name + "`");
        delegations.push_back(*delegation);
    }
    return delegations;
}

PyObject* make_principal(PyTypeObject* type, access::Principal&& principal) {
    PyObject* made = type->tp_alloc(type, 0);
    if (made == nullptr) throw py::error_already_set();
    new (&as_principal(made).principal) access::Principal(std::move(principal));
    new (&as_principal(made).subject) std::optional<access::Subject>();
    return made;
}

PyObject* principal_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    return guarded([&]() -> PyObject* {
        static const char* const names[] = {"user_id", "roles", "name", "attributes", "delegations", nullptr};
        PyObject* user_id = nullptr;
        PyObject* roles = nullptr;
        PyObject* name = nullptr;
        PyObject* attributes = nullptr;
        PyObject* delegations = nullptr;
        if (PyArg_ParseTupleAndKeywords(args, keywords, "OO|U$OO:Principal", const_cast<char**>(names),
                                        &user_id, &roles, &name, &attributes, &delegations) == 0)
            return nullptr;
        access::Principal principal{identity_of(user_id), roles_of(roles),
                                    name == nullptr ? std::string() : std::string(text_of(name)),
                                    attributes_of(attributes), delegations_of(delegations)};
        return make_principal(type, std::move(principal));
    });
}

void principal_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    std::destroy_at(&as_principal(self).subject);
    std::destroy_at(&as_principal(self).principal);
    type->tp_free(self);
    Py_DECREF(type);
}

py::tuple names_of(const std::vector<std::string>& roles) {
    py::tuple names(roles.size());
    for (std::size_t i = 0; i < roles.size(); ++i) names[i] = py::str(roles[i]);
    return names;
}

py::dict values_of(const access::Attributes& attributes) {
    py::dict values;
    for (const auto& [name, value] : attributes) values[py::str(name)] = to_python(value);
    return values;
}

py::tuple copies_of(const std::vector<access::Delegation>& delegations) {
    py::tuple copies(delegations.size());
    for (std::size_t i = 0; i < delegations.size(); ++i) copies[i] = py::cast(delegations[i]);
    return copies;
}

template <class Read>
PyObject* read(PyObject* self, const Read& value) {
    return guarded([&] { return py::object(value(as_principal(self).principal)).release().ptr(); });
}
PyObject* get_user_id(PyObject* self, void*) {
    return read(self, [](const access::Principal& principal) { return to_python(principal.user_id); });
}
PyObject* get_role(PyObject* self, void*) {
    return read(self,
                [](const access::Principal& principal) { return py::str(std::string(principal.role())); });
}
PyObject* get_roles(PyObject* self, void*) {
    return read(self, [](const access::Principal& principal) { return names_of(principal.roles); });
}
PyObject* get_name(PyObject* self, void*) {
    return read(self, [](const access::Principal& principal) { return py::str(principal.name); });
}
PyObject* get_attributes(PyObject* self, void*) {
    return read(self, [](const access::Principal& principal) { return values_of(principal.attributes); });
}
PyObject* get_delegations(PyObject* self, void*) {
    return read(self, [](const access::Principal& principal) { return copies_of(principal.delegations); });
}

PyObject* principal_repr(PyObject* self) {
    return read(self, [](const access::Principal& principal) {
        return py::str("Principal(user_id={!r}, roles={!r})")
            .format(to_python(principal.user_id), names_of(principal.roles));
    });
}

bool same(const access::Principal& a, const access::Principal& b) {
    return a.user_id == b.user_id && a.roles == b.roles && a.name == b.name && a.attributes == b.attributes &&
           std::ranges::equal(a.delegations, b.delegations, [](const auto& left, const auto& right) {
               return left.from_id == right.from_id && left.from_roles == right.from_roles &&
                      left.permission == right.permission && left.starts_at == right.starts_at &&
                      left.ends_at == right.ends_at && left.from_name == right.from_name &&
                      left.from_attributes == right.from_attributes;
           });
}

PyObject* principal_compare(PyObject* left, PyObject* right, int op) {
    if ((op != Py_EQ && op != Py_NE) || Py_TYPE(right) != principal_type) Py_RETURN_NOTIMPLEMENTED;
    const bool is_same = same(as_principal(left).principal, as_principal(right).principal);
    return PyBool_FromLong((op == Py_EQ) == is_same ? 1 : 0);
}

Py_hash_t principal_hash(PyObject* self) {
    return guarded(
        [&] {
            const access::Principal& principal = as_principal(self).principal;
            return PyObject_Hash(
                py::make_tuple(to_python(principal.user_id), names_of(principal.roles)).ptr());
        },
        Py_hash_t{-1});
}

}  // namespace

PyObject* make_principal(access::Principal principal) {
    return make_principal(principal_type, std::move(principal));
}

PrincipalObject& principal_of(PyObject* object) {
    if (Py_TYPE(object) != principal_type)
        throw_type_error(std::string("wanted a Principal, not `") + Py_TYPE(object)->tp_name + "`");
    return as_principal(object);
}

// A copy: an object that is asked for its fields may ask another policy for the same principal meanwhile.
access::Subject subject_of(PrincipalObject& principal, PolicyState& policy) {
    if (!principal.subject || principal.policy_number != policy.number) {
        principal.subject = policy.policy.subject(principal.principal);
        principal.policy_number = policy.number;
    }
    return *principal.subject;
}

std::vector<std::string> roles_of(PyObject* object) {
    if (PyUnicode_Check(object)) return {std::string(text_of(object))};
    std::vector<std::string> roles;
    for (const py::handle role : py::reinterpret_borrow<py::object>(object))
        roles.emplace_back(text_of(role.ptr()));
    return roles;
}

access::Attributes attributes_of(PyObject* object) {
    access::Attributes attributes;
    if (object == nullptr || object == Py_None) return attributes;
    if (!PyDict_Check(object))
        throw_type_error(std::string("attributes are a dict, not `") + Py_TYPE(object)->tp_name + "`");
    for (const auto& [name, value] : py::reinterpret_borrow<py::dict>(object)) {
        const std::string_view text = text_of(name.ptr());
        try {
            static const data::Column any{};
            attributes.emplace(text, to_value(any, value.ptr()));
        } catch (const core::InvalidArgument& error) {
            throw core::InvalidArgument(error.code(),
                                        "attribute `" + std::string(text) + "`: " + error.what(),
                                        {{"attribute", core::Value(text)}});
        }
    }
    return attributes;
}

core::Timestamp timestamp_of(PyObject* object, const char* name) {
    const core::Value value = to_value(py::handle(object));
    if (const auto* timestamp = value.if_as<core::Timestamp>()) return *timestamp;
    throw_type_error(std::string("`") + name + "` is a datetime with a time zone, not `" +
                     Py_TYPE(object)->tp_name + "`");
}

void add_principal_type(py::module_& module) {
    static PyGetSetDef members[] = {
        {"user_id", get_user_id, nullptr, "int | str | uuid.UUID | None: None is nobody in particular.",
         nullptr},
        {"role", get_role, nullptr, "str: The first role; empty without one.", nullptr},
        {"roles", get_roles, nullptr, "tuple[str, ...]: The roles, as they were given.", nullptr},
        {"name", get_name, nullptr, "str: For logs and conditions; not an identity.", nullptr},
        {"attributes", get_attributes, nullptr, "dict[str, typing.Any]: For `:principal_<name>`.", nullptr},
        {"delegations", get_delegations, nullptr, "tuple[Delegation, ...]: What others lend.", nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr}};
    static PyType_Slot slots[] = {
        {Py_tp_doc,
         const_cast<char*>(
             "Principal(user_id: int | str | uuid.UUID | None, "
             "roles: str | collections.abc.Iterable[str], name: str = '', *, "
             "attributes: dict[str, typing.Any] | None = None, "
             "delegations: collections.abc.Iterable[Delegation] = ())\n\n"
             "On whose behalf something is done; immutable.\n\n"
             "Make it once for a request: the first question looks its names up, the next ones do not.\n"
             "`attributes` are those that the policy declares.")},
        {Py_tp_new, reinterpret_cast<void*>(principal_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(principal_dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(principal_repr)},
        {Py_tp_richcompare, reinterpret_cast<void*>(principal_compare)},
        {Py_tp_hash, reinterpret_cast<void*>(principal_hash)},
        {Py_tp_getset, members},
        {0, nullptr}};
    static PyType_Spec spec = {"consilia._core.access.Principal", sizeof(PrincipalObject), 0,
                               Py_TPFLAGS_DEFAULT, slots};
    principal_type = add_type(module, spec);
}

}  // namespace consilia::bindings
