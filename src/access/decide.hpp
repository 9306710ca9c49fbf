#pragma once
// The one place where rules become a decision.
#include "access/asking.hpp"

namespace consilia::access {

/// What rules with a condition are asked with.
struct Facts {
    const core::FieldSource& object;
    const core::ParameterSource& parameters;
};

/// The truth of a rule's condition; empty: unknown.
inline std::optional<bool> truth_of(const CompiledRule& rule, const Facts& facts) {
    return rule.is_always() ? std::optional(true)
                            : core::truth(rule.condition, facts.object, facts.parameters);
}

/// By one cell: most principals have one role.
Decision decide(const CompiledPolicy& policy, const Cell& cell, const Facts& facts);

/// By the rules of these roles alone.
Decision decide(const CompiledPolicy& policy, const Asking& asking, std::uint32_t column,
                const core::FieldSource& object);

/// With the separations and delegations of the principal.
Decision decide(const BoundPrincipal& bound, std::uint32_t column, const core::FieldSource& object,
                const Context& context);

}  // namespace consilia::access
