#pragma once
// The types of the access layer that are made with CPython's own API, and what they share: a check takes less
// time than a call through pybind11 would.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "consilia/access/policy.hpp"
#include "native.hpp"

namespace consilia::access {
class PolicyStore;
}

namespace consilia::bindings {

/// A dotted path as the keys that look it up in Python.
struct FieldKey {
    std::string path;
    py::object whole;               ///< The path itself, interned.
    std::vector<py::object> parts;  ///< Its parts, interned; one for a path without dots.
};

/// The keys of the paths that the conditions of a policy name. Threading: the GIL.
class FieldKeys {
public:
    /// Found by the address of the path first, which is the same each time that a policy asks.
    const FieldKey& find(std::string_view path) {
        Recent& recent = recent_[(reinterpret_cast<std::uintptr_t>(path.data()) >> 4U) % recent_.size()];
        if (recent.address != path.data() || recent.key->path != path) recent = {path.data(), &add(path)};
        return *recent.key;
    }

private:
    struct Recent {
        const char* address = nullptr;
        const FieldKey* key = nullptr;
    };
    const FieldKey& add(std::string_view path);

    std::array<Recent, 64> recent_{};
    std::unordered_map<std::string, std::unique_ptr<FieldKey>> all_;
};

/// What the conditions of a policy see of an object of Python: a dict or another mapping (nested, or with
/// dotted keys), a record or row of the data layer, or anything with attributes.
class ObjectFields {
public:
    /// Borrows all. With the types that a resource declares the object is taken as JSON: what it lacks is
    /// null, and the text of a date is one.
    ObjectFields(FieldKeys& keys, PyObject* object, const access::NamedTypes* types = nullptr) noexcept
        : keys_(keys), object_(object), types_(types) {}
    void move_to(PyObject* object) noexcept { object_ = object; }
    /// @throws InvalidArgument (`access.missing_field`; `value.type` for what is no value), naming the field;
    ///         what the object itself throws.
    core::Value operator()(std::string_view path) const;

private:
    FieldKeys& keys_;
    PyObject* object_;
    const access::NamedTypes* types_;
};

struct PrincipalObject {
    PyObject_HEAD access::Principal principal;
    std::optional<access::Subject> subject;  ///< As the last policy that was asked knows it.
    std::uint64_t policy_number;             ///< Of that policy.
};

/// The numbers of permissions by the strings that name them. Threading: the GIL.
class PermissionCache {
public:
    /// Strings of source code are interned: the same pair of addresses each time.
    access::PermissionId find(const access::Policy& policy, PyObject* action, PyObject* resource);

private:
    struct Known {
        py::object action;  ///< Held, so that its address stays its own.
        py::object resource;
        access::PermissionId permission{};
    };
    std::array<Known, 64> known_;
};

/// What stands behind a Policy of Python.
struct PolicyState {
    explicit PolicyState(access::Policy given);
    /// The one object for a decision: a check allocates nothing. Borrowed.
    PyObject* decision(const access::Decision& decision);

    access::Policy policy;
    std::uint64_t number;  ///< Of the process, never used again.
    FieldKeys keys;
    PermissionCache permissions;
    std::array<std::vector<py::object>, 7> decisions;  ///< By reason, then by rule; the first: without one.
};

struct PolicyObject {
    PyObject_HEAD PolicyState* state;
};

extern PyTypeObject* principal_type;
extern PyTypeObject* decision_type;
extern PyTypeObject* policy_type;

void add_principal_type(py::module_& module);
void add_decision_type(py::module_& module);
void add_policy_type(py::module_& module);
/// The methods of a policy about fields, and about all of its permissions.
std::vector<PyMethodDef> policy_reports();

PyObject* make_decision(const access::Policy& policy, const access::Decision& decision);
PyObject* make_policy(PyTypeObject* type, access::Policy policy);
PyObject* make_principal(access::Principal principal);
/// JSON text, or a dict of the same form. @throws TypeError, ValidationError (`policy.syntax`).
access::PolicyDocument policy_document_of(PyObject* object);

/// Stores, tables and assignments, which are classes of pybind11.
void bind_policy_store(py::module_& module);
void bind_assignments(py::module_& module);
/// The store behind a PolicyStore of Python, which must be kept alive; null for another object.
access::PolicyStore* policy_store_of(py::handle object);
void bind_guard(py::module_& module);

/// @throws TypeError, here and below, for another object.
PrincipalObject& principal_of(PyObject* object);
/// None and null are `Policy::now`. Lives as long as the object.
const access::Context& context_of(PyObject* object);
/// As this policy knows it: looked up once for a principal that asks the same policy again.
access::Subject subject_of(PrincipalObject& principal, PolicyState& policy);
/// Values by name of a dict, None or null. @throws InvalidArgument (`value.type`) naming the attribute.
access::Attributes attributes_of(PyObject* object);
/// A role, or several of them.
std::vector<std::string> roles_of(PyObject* object);
core::Timestamp timestamp_of(PyObject* object, const char* name);

/// A question as it is put to a policy of Python. Borrows its arguments.
struct Question {
    /// The first three of `given` are the principal, the action and the resource.
    Question(PyObject* self, const Arguments& given, PyObject* object, PyObject* context);
    [[nodiscard]] core::FieldSource source(ObjectFields& fields) const;

    PolicyState& policy;
    PrincipalObject& principal;
    PyObject* action;
    PyObject* resource;
    PyObject* object;  ///< Null: none.
    const access::Context& context;
};

}  // namespace consilia::bindings

namespace pybind11::detail {

/// Lets functions bound with pybind11 take a principal, which is no class of pybind11.
template <>
struct type_caster<consilia::access::Principal> {
    static constexpr auto name = const_name("consilia._core.access.Principal");
    template <class>
    using cast_op_type = const consilia::access::Principal&;

    bool load(handle source, bool) {
        if (Py_TYPE(source.ptr()) != consilia::bindings::principal_type) return false;
        held_ = &reinterpret_cast<consilia::bindings::PrincipalObject*>(source.ptr())->principal;
        return true;
    }
    operator const consilia::access::Principal&() const { return *held_; }  // NOLINT: the caster's protocol.
    static handle cast(consilia::access::Principal principal, return_value_policy, handle) {
        return consilia::bindings::make_principal(std::move(principal));
    }

private:
    const consilia::access::Principal* held_ = nullptr;
};

/// The same of a policy.
template <>
struct type_caster<consilia::access::Policy> {
    static constexpr auto name = const_name("consilia._core.access.Policy");
    template <class>
    using cast_op_type = const consilia::access::Policy&;

    bool load(handle source, bool) {
        if (Py_TYPE(source.ptr()) != consilia::bindings::policy_type) return false;
        held_ = &reinterpret_cast<consilia::bindings::PolicyObject*>(source.ptr())->state->policy;
        return true;
    }
    operator const consilia::access::Policy&() const { return *held_; }  // NOLINT: the caster's protocol.

private:
    const consilia::access::Policy* held_ = nullptr;
};

}  // namespace pybind11::detail
