#pragma once
// A policy as it is written: roles, rules and readable fields, in code or as JSON.
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"

namespace consilia::access {

enum class Effect : std::uint8_t { Allow, Deny };

/// A named set of permissions; it has those of every role that it inherits from.
struct Role {
    std::string name;
    std::vector<std::string> inherits;
};

/// Allows or denies a permission to a role, for the objects that the condition is true of.
struct Rule {
    std::string name;  ///< Shown in decisions; unique. Empty: made from the other fields.
    Effect effect = Effect::Allow;
    std::string role;        ///< A declared role, or `*` for all of them.
    std::string permission;  ///< `resource:action`; either part may be `*`.
    /// Over the fields of the object, with `:principal_id`, `:principal_role` and `:principal_name`.
    core::Expression condition;
};

/// Names fields that a role may see or write under a permission. A role that inherits has those of its
/// parents too.
struct FieldRule {
    std::string role;
    std::string permission;
    std::vector<std::string> fields;  ///< Dotted paths as in expressions.
};

/// What a `Policy` is compiled from. Data only: nothing is checked before compilation.
struct PolicyDocument {
    /// Every resource with its actions. What is not declared here is denied to everybody, wildcards included.
    std::map<std::string, std::vector<std::string>> resources;
    std::vector<Role> roles;
    std::vector<Rule> rules;
    std::vector<FieldRule> fields;
};

/// Reads the JSON form: `{"version": 1, "resources": {...}, "roles": [...], "rules": [...], "fields":
/// [...]}`.
/// @throws ValidationError (`policy.syntax`) naming the place; unknown keys are refused.
CONSILIA_API PolicyDocument parse_policy(std::string_view json);
/// Writes the JSON form; `parse_policy(to_json(d))` gives the same document.
CONSILIA_API std::string to_json(const PolicyDocument& document);

}  // namespace consilia::access
