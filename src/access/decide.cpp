#include "access/decide.hpp"

#include <algorithm>

namespace consilia::access {

namespace {

// The first of `numbers` below `limit` whose condition is as wanted: a deny rule counts unless it is false,
// an allow rule only where it is true.
std::uint32_t first_that_applies(const CompiledPolicy& policy, const std::vector<std::uint32_t>& numbers,
                                 const Facts& facts, std::uint32_t limit) {
    for (const std::uint32_t number : numbers) {
        if (number >= limit) break;
        const CompiledRule& rule = policy.rules[number];
        const bool if_unknown = rule.effect == Effect::Deny;
        if (truth_of(rule, facts).value_or(if_unknown)) return number;
    }
    return kNone;
}

// The same for the cells of several roles: the smallest number.
template <class Pick>
std::uint32_t first_of(const CompiledPolicy& policy, const Asking& asking, std::uint32_t column,
                       const Pick& pick) {
    std::uint32_t first = kNone;
    for (const std::uint32_t role : asking.roles) {
        first = std::min(first, pick(policy.cells[std::size_t{role} * policy.width() + column], first));
    }
    return first;
}

}  // namespace

Decision decide(const CompiledPolicy& policy, const Cell& cell, const Facts& facts) {
    if (cell.kind == CellKind::Denied) return {false, Reason::DeniedByRule, cell.first};
    if (cell.kind == CellKind::Allowed) return {true, Reason::AllowedByRule, cell.first};
    if (cell.kind == CellKind::Nothing) return {};
    const Conditional& conditional = policy.conditionals[cell.first];
    const std::uint32_t refused = first_that_applies(policy, conditional.denies, facts, kNone);
    if (refused != kNone) return {false, Reason::DeniedByRule, refused};
    const std::uint32_t allowed = conditional.always_allows != kNone
                                      ? conditional.always_allows
                                      : first_that_applies(policy, conditional.allows, facts, kNone);
    if (allowed != kNone) return {true, Reason::AllowedByRule, allowed};
    return {};
}

Decision decide(const CompiledPolicy& policy, const Asking& asking, std::uint32_t column,
                const core::FieldSource& object) {
    if (asking.roles.size() == 1) {
        const QuestionParameters parameters(asking.principal, asking.context);
        const core::ParameterSource source = parameters.source();
        return decide(policy, policy.cells[std::size_t{asking.roles[0]} * policy.width() + column],
                      {object, source});
    }
    const std::uint32_t denied = first_of(policy, asking, column, [](const Cell& cell, std::uint32_t) {
        return cell.kind == CellKind::Denied ? cell.first : kNone;
    });
    if (denied != kNone) return {false, Reason::DeniedByRule, denied};

    const QuestionParameters parameters(asking.principal, asking.context);
    const core::ParameterSource source = parameters.source();
    const Facts facts{object, source};
    const std::uint32_t refused =
        first_of(policy, asking, column, [&](const Cell& cell, std::uint32_t limit) {
            if (cell.kind != CellKind::Conditional) return kNone;
            return first_that_applies(policy, policy.conditionals[cell.first].denies, facts, limit);
        });
    if (refused != kNone) return {false, Reason::DeniedByRule, refused};

    const std::uint32_t always = first_of(policy, asking, column, [&](const Cell& cell, std::uint32_t) {
        if (cell.kind == CellKind::Allowed) return cell.first;
        return cell.kind == CellKind::Conditional ? policy.conditionals[cell.first].always_allows : kNone;
    });
    if (always != kNone) return {true, Reason::AllowedByRule, always};

    const std::uint32_t allowed =
        first_of(policy, asking, column, [&](const Cell& cell, std::uint32_t limit) {
            if (cell.kind != CellKind::Conditional) return kNone;
            return first_that_applies(policy, policy.conditionals[cell.first].allows, facts, limit);
        });
    if (allowed != kNone) return {true, Reason::AllowedByRule, allowed};
    return {};
}

Decision decide(const BoundPrincipal& bound, std::uint32_t column, const core::FieldSource& object,
                const Context& context) {
    if (bound.refused) return *bound.refused;
    if (column >= bound.policy->width()) return {false, Reason::UnknownPermission, kNone};
    if (!bound.barred.empty() && bound.barred[column] != kNone)
        return {false, Reason::SeparationOfDuties, bound.barred[column]};
    const Decision own = decide(*bound.policy, {bound.principal, context, bound.roles}, column, object);
    if (own.allowed || own.reason == Reason::DeniedByRule || bound.delegations.empty()) return own;
    for (const BoundDelegation* lent : lent_now(bound, column, context)) {
        const Decision theirs = decide(*bound.policy, {lent->lender, context, lent->roles}, column, object);
        if (theirs.allowed) return {true, Reason::AllowedByDelegation, theirs.rule};
    }
    return own;
}

}  // namespace consilia::access
