#pragma once
// Casbin's models, policies and matchers, as they are read.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/import_text.hpp"
#include "consilia/core/expression.hpp"

namespace consilia::access {

/// A line of the policy: `p, alice, data1, read`.
struct CasbinRow {
    std::vector<std::string> values;  ///< Without the first, which is `p` or `g`.
    std::size_t line = 1;
};

struct CasbinModel {
    std::vector<std::string> request;  ///< Names of `r`.
    std::vector<std::string> policy;   ///< Names of `p`.
    bool has_roles = false;
    bool denies_override = false;  ///< A matching row with the effect deny wins; else such rows say nothing.
    std::string matcher;
    TextPlace matcher_place;
    std::vector<CasbinRow> rows;   ///< `p`
    std::vector<CasbinRow> links;  ///< `g`
};

/// @throws ValidationError (`import.casbin`).
CasbinModel read_casbin(std::string_view model, std::string_view policy);

/// What one way to fulfil a matcher wants; several of these are alternatives.
struct CasbinClause {
    std::string role = {};    ///< Whoever has it; empty: anybody.
    std::string object = {};  ///< The name of the object; empty: see `has_object`.
    std::string action = {};
    bool has_role = false;
    bool has_object = false;
    bool has_action = false;
    core::Expression condition = {};
};

/// What rules say of attributes, which the document must declare.
struct CasbinUses {
    AttributeTypes types;
    std::set<std::string> subjects;  ///< That matchers name.
    bool has_subject_name = false;
    bool has_object_name = false;       ///< `r.obj` itself,
    bool has_object_attribute = false;  ///< or one of its attributes.
    bool needs_object_field = false;    ///< The name of an object is more than compared with one text.
};

/// The clauses of the matcher for one row. Principal attributes are parameters `:principal_<original name>`
/// until names are known. @throws ValidationError (`import.casbin`).
std::vector<CasbinClause> clauses_of(const CasbinModel& model, const CasbinRow& row, CasbinUses& uses);

}  // namespace consilia::access
