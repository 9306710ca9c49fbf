#include "consilia/access/policy.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::Operator;

constexpr std::size_t kMaxTableEntries = 1'000'000;       // roles × permissions
constexpr std::size_t kMaxRuleApplications = 10'000'000;  // rules × (roles and permissions that each reaches)

template <class T>
using NameMap = std::map<std::string, T, std::less<>>;

[[noreturn]] void refuse(std::string code, const std::string& message, std::string name) {
    throw core::ValidationError(std::move(code), message, {{"name", core::Value(std::move(name))}});
}

void require_name(std::string_view name, std::string_view what) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    if (name.empty() || name.size() > 100 || !std::all_of(name.begin(), name.end(), fits)) {
        refuse("policy.name", "the name of a " + std::string(what) + " is 1 to 100 of a-z, 0-9 and `_`",
               std::string(name));
    }
}

void require_known_parameters(const Expression& condition, const std::string& rule) {
    if (condition.op() == Operator::Parameter) {
        const std::string& name = condition.name();
        if (name != "principal_id" && name != "principal_role" && name != "principal_name") {
            refuse("policy.unknown_parameter",
                   "rule `" + rule + "` uses an unknown parameter `:" + name + "`", name);
        }
    }
    for (const Expression& operand : condition.operands()) require_known_parameters(operand, rule);
}

core::Parameters parameters_of(const Principal& principal) {
    return {{"principal_id", principal.user_id},
            {"principal_role", core::Value(principal.role)},
            {"principal_name", core::Value(principal.name)}};
}

struct CompiledRule {
    std::string name;
    Expression condition;
    Expression negated;  // !condition: a deny rule is out of play only where this is true
    std::string text;    // of the condition; empty where it is always true
};

// What one role has under one permission: indices of rules, and names of fields.
struct Applicable {
    std::vector<std::size_t> allows;
    std::vector<std::size_t> denies;
    std::vector<std::string> fields;
};

std::string permission_text(std::string_view resource, std::string_view action) {
    return std::string(resource) + ":" + std::string(action);
}

}  // namespace

struct Policy::Compiled {
    NameMap<std::size_t> roles;
    NameMap<NameMap<std::size_t>> permissions;  // resource → action → column of the table
    std::size_t permission_count = 0;
    std::vector<std::vector<std::size_t>> heirs;  // by role: itself and every role that has its permissions
    std::vector<CompiledRule> rules;
    std::vector<Applicable> table;  // role × permission
    std::size_t applications = 0;

    explicit Compiled(const PolicyDocument& document) {
        if (document.rules.size() > kMaxRules || document.roles.size() > kMaxRoles) {
            refuse("policy.too_large", "a policy holds at most 100000 rules and 1000 roles", "rules");
        }
        declare_permissions(document);
        declare_roles(document);
        if (permission_count != 0 && roles.size() > kMaxTableEntries / permission_count) {
            refuse("policy.too_large", "roles × permissions of a policy pass 1000000", "roles");
        }
        table.resize(roles.size() * permission_count);
        for (const Rule& rule : document.rules) add_rule(rule);
        for (const FieldRule& rule : document.fields) add_fields(rule);
    }

    void declare_permissions(const PolicyDocument& document) {
        for (const auto& [resource, actions] : document.resources) {
            require_name(resource, "resource");
            NameMap<std::size_t>& columns = permissions[resource];
            for (const std::string& action : actions) {
                require_name(action, "action");
                if (!columns.emplace(action, permission_count++).second) {
                    refuse("policy.duplicate", "an action is declared twice",
                           permission_text(resource, action));
                }
            }
        }
    }

    void declare_roles(const PolicyDocument& document) {
        for (const Role& role : document.roles) {
            require_name(role.name, "role");
            if (!roles.emplace(role.name, roles.size()).second) {
                refuse("policy.duplicate", "a role is declared twice", role.name);
            }
        }
        std::vector<std::vector<std::size_t>> parents(roles.size());
        for (const Role& role : document.roles) {
            for (const std::string& parent : role.inherits)
                parents[role_index(role.name)].push_back(role_index(parent));
        }
        require_acyclic(document, parents);
        heirs.resize(roles.size());
        for (std::size_t role = 0; role < parents.size(); ++role) {
            std::set<std::size_t> reached;
            std::vector<std::size_t> open{role};
            while (!open.empty()) {
                const std::size_t next = open.back();
                open.pop_back();
                if (!reached.insert(next).second) continue;
                heirs[next].push_back(role);
                open.insert(open.end(), parents[next].begin(), parents[next].end());
            }
        }
    }

    // Removes roles without remaining parents until none is left (Kahn, 1962); what cannot be removed is on a
    // cycle or inherits from one.
    static void require_acyclic(const PolicyDocument& document,
                                const std::vector<std::vector<std::size_t>>& parents) {
        std::vector<bool> settled(parents.size(), false);
        bool progress = true;
        while (progress) {
            progress = false;
            for (std::size_t role = 0; role < parents.size(); ++role) {
                const auto is_settled = [&](std::size_t parent) { return settled[parent]; };
                if (!settled[role] && std::all_of(parents[role].begin(), parents[role].end(), is_settled)) {
                    settled[role] = true;
                    progress = true;
                }
            }
        }
        const auto stuck = std::find(settled.begin(), settled.end(), false);
        if (stuck == settled.end()) return;
        const std::string& name = document.roles[static_cast<std::size_t>(stuck - settled.begin())].name;
        refuse("policy.cycle", "role `" + name + "` inherits from itself", name);
    }

    [[nodiscard]] std::size_t role_index(const std::string& name) const {
        const auto found = roles.find(name);
        if (found == roles.end()) refuse("policy.unknown_role", "role `" + name + "` is not declared", name);
        return found->second;
    }

    [[nodiscard]] std::vector<std::size_t> roles_of(const std::string& name) const {
        if (name != "*") return heirs[role_index(name)];
        std::vector<std::size_t> all(roles.size());
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
        return all;
    }

    // The columns that `resource:action` names; a part that names nothing declared is a typing error, not an
    // empty set.
    [[nodiscard]] std::vector<std::size_t> columns_of(const std::string& permission) const {
        const std::size_t colon = permission.find(':');
        const std::string resource = permission.substr(0, colon);
        const std::string action = colon == std::string::npos ? std::string() : permission.substr(colon + 1);
        std::vector<std::size_t> columns;
        for (const auto& [name, actions] : permissions) {
            if (resource != "*" && resource != name) continue;
            for (const auto& [verb, column] : actions) {
                if (action == "*" || action == verb) columns.push_back(column);
            }
        }
        if (columns.empty()) {
            refuse("policy.unknown_permission", "`" + permission + "` names no declared `resource:action`",
                   permission);
        }
        return columns;
    }

    template <class Apply>
    void for_each_cell(const std::string& role, const std::string& permission, const Apply& apply) {
        const std::vector<std::size_t> columns = columns_of(permission);
        for (const std::size_t row : roles_of(role)) {
            for (const std::size_t column : columns) apply(table[row * permission_count + column]);
            applications += columns.size();
            if (applications > kMaxRuleApplications) {
                refuse("policy.too_large",
                       "the rules of a policy reach more than 10000000 roles and permissions", role);
            }
        }
    }

    void add_rule(const Rule& rule) {
        const char* verb = rule.effect == Effect::Allow ? "allow " : "deny ";
        std::string name = rule.name;
        if (name.empty())
            name = verb + rule.role + " " + rule.permission + " #" + std::to_string(rules.size() + 1);
        if (!rule_names.insert(name).second) refuse("policy.duplicate", "two rules have one name", name);
        require_known_parameters(rule.condition, name);
        const std::size_t index = rules.size();
        std::string text = rule.condition.is_always_true() ? std::string() : core::to_text(rule.condition);
        rules.push_back({std::move(name), rule.condition, !rule.condition, std::move(text)});
        for_each_cell(rule.role, rule.permission, [&](Applicable& cell) {
            (rule.effect == Effect::Allow ? cell.allows : cell.denies).push_back(index);
        });
    }

    void add_fields(const FieldRule& rule) {
        for (const std::string& path : rule.fields) {
            try {
                static_cast<void>(core::field(path));
            } catch (const core::InvalidArgument&) {
                refuse("policy.field", "a field rule names no valid field path", path);
            }
        }
        for_each_cell(rule.role, rule.permission, [&](Applicable& cell) {
            cell.fields.insert(cell.fields.end(), rule.fields.begin(), rule.fields.end());
            std::sort(cell.fields.begin(), cell.fields.end());
            cell.fields.erase(std::unique(cell.fields.begin(), cell.fields.end()), cell.fields.end());
        });
    }

    // The cell of a question, or nullptr with the reason.
    [[nodiscard]] const Applicable* find(std::string_view role, std::string_view action,
                                         std::string_view resource, Reason& reason) const {
        const auto row = roles.find(role);
        reason = Reason::UnknownRole;
        if (row == roles.end()) return nullptr;
        reason = Reason::UnknownPermission;
        const auto actions = permissions.find(resource);
        if (actions == permissions.end()) return nullptr;
        const auto column = actions->second.find(action);
        if (column == actions->second.end()) return nullptr;
        return &table[row->second * permission_count + column->second];
    }

    std::set<std::string> rule_names;
};

namespace {

// True where the rule's condition holds; without a condition nothing is evaluated.
bool holds(const Expression& condition, const core::FieldSource& object, const core::Parameters& parameters) {
    return condition.is_always_true() || core::matches(condition, object, parameters);
}

std::string where(const CompiledRule& rule) {
    return rule.text.empty() ? std::string() : " where " + rule.text;
}

}  // namespace

std::string_view to_string(Reason reason) noexcept {
    switch (reason) {
        case Reason::AllowedByRule:
            return "allowed_by_rule";
        case Reason::DeniedByRule:
            return "denied_by_rule";
        case Reason::NoRule:
            return "no_rule";
        case Reason::UnknownRole:
            return "unknown_role";
        case Reason::UnknownPermission:
            return "unknown_permission";
    }
    return "no_rule";
}

Policy::Policy(const PolicyDocument& document) : compiled_(std::make_shared<const Compiled>(document)) {}

bool Policy::has_role(std::string_view role) const noexcept {
    return compiled_->roles.contains(role);
}

Decision Policy::check(const Principal& principal, std::string_view action, std::string_view resource,
                       const core::FieldSource& object) const {
    Decision decision;
    const std::string asked = "`" + permission_text(resource, action) + "`";
    const Applicable* cell = compiled_->find(principal.role, action, resource, decision.reason);
    if (cell == nullptr) {
        decision.explain = decision.reason == Reason::UnknownRole
                               ? "role `" + principal.role + "` is not declared"
                               : asked + " is not declared";
        return decision;
    }
    decision.reason = Reason::NoRule;
    const core::FieldSource nothing = [](std::string_view) { return core::Value(); };
    const core::FieldSource& fields = object ? object : nothing;
    const core::Parameters parameters = parameters_of(principal);
    const auto& rules = compiled_->rules;
    for (const std::size_t index : cell->denies) {
        const CompiledRule& rule = rules[index];
        if (!rule.condition.is_always_true() && core::matches(rule.negated, fields, parameters)) continue;
        decision.reason = Reason::DeniedByRule;
        decision.rule = rule.name;
        decision.explain =
            "rule `" + rule.name + "` denies role `" + principal.role + "` " + asked + where(rule);
        return decision;
    }
    for (const std::size_t index : cell->allows) {
        const CompiledRule& rule = rules[index];
        if (!holds(rule.condition, fields, parameters)) continue;
        decision.allowed = true;
        decision.reason = Reason::AllowedByRule;
        decision.rule = rule.name;
        decision.explain =
            "rule `" + rule.name + "` allows role `" + principal.role + "` " + asked + where(rule);
        return decision;
    }
    decision.explain = cell->allows.empty() ? "no rule allows role `" + principal.role + "` " + asked
                                            : "no rule that allows role `" + principal.role + "` " + asked +
                                                  " holds for this object";
    return decision;
}

void Policy::require(const Principal& principal, std::string_view action, std::string_view resource,
                     const core::FieldSource& object) const {
    const Decision decision = check(principal, action, resource, object);
    if (decision) return;
    throw core::PermissionDenied("access.denied", decision.explain,
                                 {{"role", core::Value(principal.role)},
                                  {"permission", core::Value(permission_text(resource, action))},
                                  {"reason", core::Value(to_string(decision.reason))},
                                  {"rule", core::Value(decision.rule)}});
}

core::Expression Policy::scope(const Principal& principal, std::string_view action,
                               std::string_view resource) const {
    Reason reason{};
    const Expression nothing = Expression::literal(false);
    const Applicable* cell = compiled_->find(principal.role, action, resource, reason);
    if (cell == nullptr || cell->allows.empty()) return nothing;
    const auto& rules = compiled_->rules;
    // Disjunction of conditions; an unconditional rule makes the others irrelevant.
    const auto any_of = [&](const std::vector<std::size_t>& indices) {
        std::vector<Expression> conditions;
        for (const std::size_t index : indices) {
            if (rules[index].condition.is_always_true()) return Expression();
            conditions.push_back(rules[index].condition);
        }
        return conditions.size() == 1 ? conditions.front()
                                      : Expression::make(Operator::Or, std::move(conditions));
    };
    Expression scoped = any_of(cell->allows);
    if (!cell->denies.empty()) {
        const Expression denied = any_of(cell->denies);
        if (denied.is_always_true()) return nothing;
        scoped = scoped && !denied;
    }
    return core::bind(scoped, parameters_of(principal));
}

std::vector<std::string> Policy::fields(const Principal& principal, std::string_view action,
                                        std::string_view resource) const {
    Reason reason{};
    const Applicable* cell = compiled_->find(principal.role, action, resource, reason);
    return cell == nullptr ? std::vector<std::string>() : cell->fields;
}

}  // namespace consilia::access
