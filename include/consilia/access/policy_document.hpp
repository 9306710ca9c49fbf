#pragma once
// A policy as it is written: roles, rules, fields and separations, in code or as JSON.
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"

namespace consilia::access {

enum class Effect : std::uint8_t { Allow, Deny };

/// The types of fields or attributes by name.
using NamedTypes = std::map<std::string, core::ValueType, std::less<>>;

/// What rules are about.
struct Resource {
    Resource() = default;
    Resource(std::initializer_list<std::string> named) : actions(named) {}
    explicit Resource(std::vector<std::string> named, NamedTypes typed = {})
        : actions(std::move(named)), fields(std::move(typed)) {}

    std::vector<std::string> actions;
    /// The fields of its objects, by dotted path. Empty: not declared, and rules may name any. A declared
    /// resource refuses rules that name another field. See `fields_of` in guard.hpp for those of a model.
    NamedTypes fields;
};

/// A named set of permissions; it has those of every role that it inherits from.
struct Role {
    std::string name;
    std::vector<std::string> inherits = {};
};

/// Allows or denies a permission to a role, for the objects that the condition is true of.
struct Rule {
    std::string name;  ///< Shown in decisions; unique. Empty: made from the other fields.
    Effect effect = Effect::Allow;
    std::string role;        ///< A declared role, or `*` for all of them.
    std::string permission;  ///< `resource:action`; either part may be `*`.
    /// Over the fields of the object, with the parameters `:principal_id`, `:principal_role` (the first),
    /// `:principal_name`, `:now` (a timestamp), `:today` (its date in UTC), `:address`, and
    /// `:principal_<name>` and `:context_<name>` for the attributes that the document declares.
    core::Expression condition = {};
};

/// Names fields that a role may see or write under a permission, or may not. A role that inherits has those
/// of its parents too.
struct FieldRule {
    std::string role;
    std::string permission;
    std::vector<std::string> fields;  ///< Dotted paths; `*`: all that the resource declares.
    Effect effect = Effect::Allow;    ///< Denied fields are not among the allowed ones, whoever allows them.
    core::Expression condition = {};  ///< As of a rule: for which objects.
};

/// Static separation of duties (NIST RBAC, ANSI INCITS 359, SSD): nobody has more than `at_most` of these.
/// Dynamic separation (who asked does not approve) is a deny rule with a condition.
struct Separation {
    std::string name;
    std::vector<std::string> roles = {};  ///< Either roles: who has too many of them is denied everything;
    std::vector<std::string> permissions = {};  ///< or permissions: who is allowed too many is denied these.
    std::uint32_t at_most = 1;
};

/// What must never be allowed, whatever the rules: proved or refuted by `find_violations`, not when compiled.
struct NeverRule {
    std::string name;
    std::string role;                 ///< A declared role, or `*`.
    std::string permission;           ///< As of a rule.
    core::Expression condition = {};  ///< Objects and principals for which it must not be allowed.
};

/// What a `Policy` is compiled from. Data only: nothing is checked before compilation.
struct PolicyDocument {
    /// Every resource with its actions. What is not declared here is denied to everybody, wildcards included.
    std::map<std::string, Resource> resources = {};
    std::vector<Role> roles = {};
    std::vector<Rule> rules = {};
    std::vector<FieldRule> fields = {};
    std::vector<Separation> separations = {};
    std::vector<std::string> delegable = {};  ///< Permissions that may be delegated; either part may be `*`.
    std::vector<NeverRule> never = {};
    NamedTypes principal_attributes = {};  ///< Of `Principal::attributes`: `:principal_<name>`.
    NamedTypes context_attributes = {};    ///< Of `Context::attributes`: `:context_<name>`.
};

/// Reads the JSON form that `policy_schema` describes.
/// @throws ValidationError (`policy.syntax`) naming the place; unknown keys are refused.
CONSILIA_API PolicyDocument parse_policy(std::string_view json);
/// Writes the JSON form; `parse_policy(to_json(d))` gives the same document.
CONSILIA_API std::string to_json(const PolicyDocument& document);

/// The JSON Schema (2020-12) of the JSON form.
CONSILIA_API std::string_view policy_schema() noexcept;

}  // namespace consilia::access
