#pragma once
// Policies of other engines, carried over where their meaning carries over, and refused where it does not.
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/policy_document.hpp"
#include "consilia/core/export.hpp"

namespace consilia::access {

/// Names as they were, and as they are in the document. A name that a policy can have stays; of any other the
/// letters become lower case and what is left `_`, with a number after it where that is taken.
using ImportedNames = std::map<std::string, std::string, std::less<>>;

/// A policy that answers as the one that it was made from.
struct ImportedPolicy {
    PolicyDocument document;
    /// The roles of each subject that the policy names; `Principal::roles`.
    std::map<std::string, std::vector<std::string>, std::less<>> assignments = {};
    /// The role of subjects that it does not name; empty: they need none, since they may do nothing.
    std::string other_role = {};
    ImportedNames roles = {};
    ImportedNames resources = {};
    ImportedNames actions = {};
    ImportedNames principal_attributes = {};
    ImportedNames context_attributes = {};
    /// The one resource that all objects are of, where rules tell them apart by the field `name` or by other
    /// fields; empty: `resources` has them.
    std::string object_resource = {};
    /// What whoever uses the document must know, one sentence each.
    std::vector<std::string> notes = {};
};

/// Reads a model of Casbin and its policy as CSV: roles with inheritance (`g = _, _`), allow-override and
/// allow-and-deny effects, and matchers of `g`, `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `&&`, `||`, `!`,
/// `keyMatch` and `eval` over `r.sub`, `r.obj`, `r.act`, their attributes and `p`. The user id of a principal
/// is the name of the subject, as text.
/// @throws ValidationError (`import.casbin`) with source, line, column and construct in its details.
CONSILIA_API ImportedPolicy import_casbin(std::string_view model, std::string_view policy);

/// Reads policies of Cedar: `permit` and `forbid` for `principal in Role::"…"`, `action ==` or `in`, and
/// `resource is …`, with `when` and `unless` over attributes (`==`, `!=`, `<`, `<=`, `>`, `>=`, `&&`, `||`,
/// `!`, `has`, `like`, `[…].contains`). A policy that would fail in Cedar for an attribute that is missing
/// does not apply here either. Which entities are in which role is not in the text: give principals their
/// roles, and the document's roles what they inherit.
/// @throws ValidationError (`import.cedar`) with line, column and construct in its details.
CONSILIA_API ImportedPolicy import_cedar(std::string_view text);

/// One JSON object with the names of the members.
CONSILIA_API std::string to_json(const ImportedPolicy& imported);

}  // namespace consilia::access
