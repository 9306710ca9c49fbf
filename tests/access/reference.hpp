#pragma once
// What a policy means, as slowly and plainly as it can be said: reads the document anew for each question.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "consilia/access/policy.hpp"
#include "consilia/core/clock.hpp"

namespace consilia::access::reference {

struct Answer {
    bool allowed = false;
    Reason reason = Reason::NoRule;
    std::string rule;
    friend bool operator==(const Answer&, const Answer&) = default;
};

inline const Role* find_role(const PolicyDocument& document, const std::string& name) {
    for (const Role& role : document.roles) {
        if (role.name == name) return &role;
    }
    return nullptr;
}

/// Whether `role` is `wanted` or inherits from it.
inline bool has_role(const PolicyDocument& document, const std::string& role, const std::string& wanted) {
    if (role == wanted) return true;
    for (const std::string& parent : find_role(document, role)->inherits) {
        if (has_role(document, parent, wanted)) return true;
    }
    return false;
}

inline bool names(const std::string& pattern, const std::string& resource, const std::string& action) {
    for (const std::string& r : {std::string("*"), resource}) {
        for (const std::string& a : {std::string("*"), action}) {
            if (pattern == r + ":" + a) return true;
        }
    }
    return false;
}

inline bool concerns(const PolicyDocument& document, const Rule& rule, const std::string& role,
                     const std::string& resource, const std::string& action) {
    return (rule.role == "*" || has_role(document, role, rule.role)) &&
           names(rule.permission, resource, action);
}

inline core::Parameters parameters(const PolicyDocument& document, const Principal& principal,
                                   const Context& context) {
    core::Parameters all = {
        {"principal_id", principal.user_id},
        {"principal_role", principal.roles.empty() ? core::Value() : core::Value(principal.roles[0])},
        {"principal_name", core::Value(principal.name)},
        {"now", core::Value(*context.now)},
        {"today", core::Value(core::date_of(*context.now))},
        {"address", context.address.empty() ? core::Value() : core::Value(context.address)}};
    const auto add = [&](const char* prefix, const NamedTypes& types, const Attributes& given) {
        for (const auto& [name, type] : types)
            all[prefix + name] = given.contains(name) ? given.at(name) : core::Value();
    };
    add("principal_", document.principal_attributes, principal.attributes);
    add("context_", document.context_attributes, context.attributes);
    return all;
}

/// By the rules of the principal's roles alone.
inline Answer by_rules(const PolicyDocument& document, const Principal& principal, const std::string& action,
                       const std::string& resource, const core::FieldSource& object, const Context& context) {
    const core::Parameters given = parameters(document, principal, context);
    const auto first = [&](Effect effect, bool is_always) -> std::string {
        for (std::size_t i = 0; i < document.rules.size(); ++i) {
            const Rule& rule = document.rules[i];
            if (rule.effect != effect || rule.condition.is_always_true() != is_always) continue;
            if (std::none_of(principal.roles.begin(), principal.roles.end(), [&](const std::string& role) {
                    return concerns(document, rule, role, resource, action);
                }))
                continue;
            const core::Value truth = core::evaluate(rule.condition, object, given);
            const bool applies = truth.is_null() ? effect == Effect::Deny : truth.as<bool>();
            if (applies) return rule.name;
        }
        return {};
    };
    for (const bool is_always : {true, false}) {
        if (const std::string rule = first(Effect::Deny, is_always); !rule.empty())
            return {false, Reason::DeniedByRule, rule};
    }
    for (const bool is_always : {true, false}) {
        if (const std::string rule = first(Effect::Allow, is_always); !rule.empty())
            return {true, Reason::AllowedByRule, rule};
    }
    return {};
}

/// Whether the role may be allowed it for some object: an allow rule, and no deny rule without a condition.
inline bool may_allow(const PolicyDocument& document, const std::string& role, const std::string& resource,
                      const std::string& action) {
    bool allowed = false;
    for (const Rule& rule : document.rules) {
        if (!concerns(document, rule, role, resource, action)) continue;
        if (rule.effect == Effect::Deny && rule.condition.is_always_true()) return false;
        allowed = allowed || rule.effect == Effect::Allow;
    }
    return allowed;
}

using Permissions = std::set<std::pair<std::string, std::string>>;  // resource, action

inline Permissions permissions_of(const PolicyDocument& document, const std::vector<std::string>& patterns) {
    Permissions found;
    for (const auto& [resource, described] : document.resources) {
        for (const std::string& action : described.actions) {
            for (const std::string& pattern : patterns) {
                if (names(pattern, resource, action)) found.insert({resource, action});
            }
        }
    }
    return found;
}

/// The separation of roles that these break; empty: none.
inline std::string broken_by(const PolicyDocument& document, const std::vector<std::string>& roles) {
    for (const Separation& separation : document.separations) {
        std::size_t held = 0;
        for (const std::string& wanted : std::set(separation.roles.begin(), separation.roles.end())) {
            held += static_cast<std::size_t>(
                std::any_of(roles.begin(), roles.end(),
                            [&](const std::string& role) { return has_role(document, role, wanted); }));
        }
        if (held > separation.at_most) return separation.name;
    }
    return {};
}

/// The separation for which a permission is barred to who has these roles and was lent these permissions.
inline std::string barred_by(const PolicyDocument& document, const std::vector<std::string>& roles,
                             const Permissions& lent, const std::string& resource,
                             const std::string& action) {
    for (const Separation& separation : document.separations) {
        const Permissions about = permissions_of(document, separation.permissions);
        if (!about.contains({resource, action})) continue;
        std::size_t held = 0;
        for (const auto& [r, a] : about) {
            bool has = lent.contains({r, a});
            for (const std::string& role : roles) has = has || may_allow(document, role, r, a);
            held += static_cast<std::size_t>(has);
        }
        if (held > separation.at_most) return separation.name;
    }
    return {};
}

inline bool are_declared(const PolicyDocument& document, const std::vector<std::string>& roles) {
    return std::all_of(roles.begin(), roles.end(),
                       [&](const std::string& role) { return find_role(document, role) != nullptr; });
}

/// The lenders whose delegations count for this now.
inline std::vector<Principal> lenders_of(const PolicyDocument& document, const Principal& principal,
                                         const std::string& action, const std::string& resource,
                                         const Context& context) {
    std::vector<Principal> lenders;
    std::vector<std::string> held = principal.roles;
    Permissions lent;
    for (const Delegation& given : principal.delegations) {
        if (!are_declared(document, given.from_roles)) continue;
        std::vector<std::string> together = held;
        together.insert(together.end(), given.from_roles.begin(), given.from_roles.end());
        if (!broken_by(document, together).empty()) continue;
        held = together;
        Permissions covered;
        for (const auto& [r, a] : permissions_of(document, document.delegable)) {
            if (names(given.permission, r, a) && barred_by(document, given.from_roles, {}, r, a).empty())
                covered.insert({r, a});
        }
        Permissions all = lent;
        all.insert(covered.begin(), covered.end());
        std::erase_if(covered, [&](const auto& item) {
            return !barred_by(document, principal.roles, all, item.first, item.second).empty();
        });
        lent.insert(covered.begin(), covered.end());
        if (!covered.contains({resource, action})) continue;
        if (*context.now < given.starts_at || *context.now >= given.ends_at) continue;
        lenders.push_back({given.from_id, given.from_roles, given.from_name, given.from_attributes, {}});
    }
    return lenders;
}

/// Why everything is denied, before any rule is looked at; `NoRule` if it is not.
inline Answer refused(const PolicyDocument& document, const Principal& principal, const std::string& action,
                      const std::string& resource) {
    if (!are_declared(document, principal.roles)) return {false, Reason::UnknownRole, {}};
    if (const std::string broken = broken_by(document, principal.roles); !broken.empty())
        return {false, Reason::SeparationOfDuties, broken};
    if (!permissions_of(document, {"*:*"}).contains({resource, action}))
        return {false, Reason::UnknownPermission, {}};
    if (const std::string barred = barred_by(document, principal.roles, {}, resource, action);
        !barred.empty())
        return {false, Reason::SeparationOfDuties, barred};
    return {};
}

inline Answer check(const PolicyDocument& document, const Principal& principal, const std::string& action,
                    const std::string& resource, const core::FieldSource& object, const Context& context) {
    const Answer before = refused(document, principal, action, resource);
    if (before.reason != Reason::NoRule) return before;
    const Answer own = by_rules(document, principal, action, resource, object, context);
    if (own.allowed || own.reason == Reason::DeniedByRule) return own;
    for (const Principal& lender : lenders_of(document, principal, action, resource, context)) {
        const Answer theirs = by_rules(document, lender, action, resource, object, context);
        if (theirs.allowed) return {true, Reason::AllowedByDelegation, theirs.rule};
    }
    return own;
}

using Names = std::set<std::string>;

/// The fields that rules of this effect name for the object.
inline Names named(const PolicyDocument& document, Effect effect, const Principal& principal,
                   const std::string& action, const std::string& resource, const core::FieldSource& object,
                   const Context& context) {
    Names found;
    for (const FieldRule& rule : document.fields) {
        const bool concerns =
            std::any_of(principal.roles.begin(), principal.roles.end(), [&](const std::string& role) {
                return (rule.role == "*" || has_role(document, role, rule.role)) &&
                       names(rule.permission, resource, action);
            });
        if (!concerns || rule.effect != effect) continue;
        const core::Value truth =
            core::evaluate(rule.condition, object, parameters(document, principal, context));
        if (truth.is_null() ? effect == Effect::Deny : truth.as<bool>())
            found.insert(rule.fields.begin(), rule.fields.end());
    }
    return found;
}

/// The fields of an object: one's own, and those of lenders who may do it to this object; without those that
/// are denied to whoever has them, and to the principal.
inline Names fields(const PolicyDocument& document, const Principal& principal, const std::string& action,
                    const std::string& resource, const core::FieldSource& object, const Context& context) {
    if (refused(document, principal, action, resource).reason != Reason::NoRule) return {};
    Names had = named(document, Effect::Allow, principal, action, resource, object, context);
    for (const Principal& lender : lenders_of(document, principal, action, resource, context)) {
        if (!by_rules(document, lender, action, resource, object, context).allowed) continue;
        Names theirs = named(document, Effect::Allow, lender, action, resource, object, context);
        for (const std::string& name :
             named(document, Effect::Deny, lender, action, resource, object, context))
            theirs.erase(name);
        had.insert(theirs.begin(), theirs.end());
    }
    for (const std::string& name :
         named(document, Effect::Deny, principal, action, resource, object, context))
        had.erase(name);
    return had;
}

}  // namespace consilia::access::reference
