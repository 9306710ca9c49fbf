#include "access/compiled_policy.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::Operator;

constexpr std::size_t kMaxTableEntries = 1'000'000;       // roles × permissions
constexpr std::size_t kMaxRuleApplications = 10'000'000;  // rules × (roles and permissions that each reaches)

void require_name(std::string_view name, std::string_view what) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    if (name.empty() || name.size() > 100 || !std::all_of(name.begin(), name.end(), fits)) {
        refuse_policy("policy.name",
                      std::string(what) + " `" + std::string(name.substr(0, 100)) +
                          "`: a name is 1 to 100 of a-z, 0-9 and `_`",
                      std::string(name));
    }
}

bool is_parameter(const PolicyDocument& document, std::string_view name) {
    for (const std::string_view known :
         {"principal_id", "principal_role", "principal_name", "now", "today", "address"}) {
        if (name == known) return true;
    }
    const auto declares = [&](const NamedTypes& types, std::string_view prefix) {
        return name.starts_with(prefix) && types.contains(name.substr(prefix.size()));
    };
    return declares(document.principal_attributes, "principal_") ||
           declares(document.context_attributes, "context_");
}

void require_no_rows(const Expression& condition, const std::string& rule) {
    if (condition.has_aggregate() || condition.has_window() || condition.has_subquery()) {
        refuse_policy("policy.condition",
                      "the condition of rule `" + rule +
                          "` is about one object: no aggregates, windows or "
                          "subqueries",
                      rule);
    }
}

void require_known_parameters(const PolicyDocument& document, const Expression& condition,
                              const std::string& rule) {
    if (condition.op() == Operator::Parameter && !is_parameter(document, condition.name())) {
        refuse_policy("policy.unknown_parameter",
                      "rule `" + rule + "` uses an unknown parameter `:" + condition.name() + "`",
                      condition.name());
    }
    for (const Expression& operand : condition.operands()) require_known_parameters(document, operand, rule);
}

}  // namespace

void refuse_policy(std::string code, const std::string& message, std::string name) {
    throw core::ValidationError(std::move(code), message, {{"name", core::Value(std::move(name))}});
}

CompiledPolicy::CompiledPolicy(const PolicyDocument& given) : document(given) {
    if (document.rules.size() > Policy::kMaxRules || document.fields.size() > Policy::kMaxRules ||
        document.roles.size() > Policy::kMaxRoles || document.separations.size() > Policy::kMaxRoles) {
        refuse_policy("policy.too_large",
                      "a policy holds at most 100000 rules and field rules, 1000 roles and separations",
                      "rules");
    }
    for (const NamedTypes* types : {&document.principal_attributes, &document.context_attributes}) {
        for (const auto& [name, type] : *types) require_name(name, "attribute");
    }
    for (const char* taken : {"id", "role", "name"}) {
        if (document.principal_attributes.contains(std::string_view(taken)))
            refuse_policy("policy.name", "a principal has an attribute of this name already", taken);
    }
    declare_permissions();
    declare_roles();
    if (width() != 0 && roles.size() > kMaxTableEntries / width()) {
        refuse_policy("policy.too_large", "roles × permissions of a policy pass 1000000", "roles");
    }
    add_rules();
    add_field_rules();
    add_separations();
    delegable.resize(width());
    for (const std::string& permission : document.delegable) {
        for (const std::uint32_t number : columns_of(permission)) delegable[number] = true;
    }
    for (const NeverRule& rule : document.never) {
        if (rule.role != "*") static_cast<void>(role_of(rule.role));
        require_sound(rule.condition, columns_of(rule.permission), rule.name);
    }
}

void CompiledPolicy::declare_permissions() {
    for (const auto& [name, resource] : document.resources) {
        require_name(name, "resource");
        resources.add(name);
        for (const std::string& action : resource.actions) {
            require_name(action, "action");
            actions.add(action);
        }
    }
    columns.assign(std::size_t{resources.size()} * actions.size(), kNone);
    for (const auto& [name, resource] : document.resources) {
        for (const std::string& action : resource.actions) {
            std::uint32_t& number =
                columns[std::size_t{resources.find(name)} * actions.size() + actions.find(action)];
            if (number != kNone)
                refuse_policy("policy.duplicate", "an action is declared twice", name + ":" + action);
            number = width();
            permissions.push_back({name, action});
        }
        for (const auto& [path, type] : resource.fields) {
            try {
                static_cast<void>(core::field(path));
            } catch (const core::InvalidArgument&) {
                refuse_policy("policy.field", "a resource declares no valid field path", path);
            }
        }
    }
}

void CompiledPolicy::declare_roles() {
    for (const Role& role : document.roles) {
        require_name(role.name, "role");
        if (roles.find(role.name) != kNone)
            refuse_policy("policy.duplicate", "a role is declared twice", role.name);
        roles.add(role.name);
    }
    std::vector<std::vector<std::uint32_t>> parents(roles.size());
    for (const Role& role : document.roles) {
        for (const std::string& parent : role.inherits)
            parents[role_of(role.name)].push_back(role_of(parent));
    }
    require_acyclic(parents);
    heirs.resize(roles.size());
    ancestors.resize(roles.size());
    for (std::uint32_t role = 0; role < roles.size(); ++role) {
        std::set<std::uint32_t> reached;
        std::vector<std::uint32_t> open{role};
        while (!open.empty()) {
            const std::uint32_t next = open.back();
            open.pop_back();
            if (!reached.insert(next).second) continue;
            heirs[next].push_back(role);
            open.insert(open.end(), parents[next].begin(), parents[next].end());
        }
        ancestors[role].assign(reached.begin(), reached.end());
    }
}

// Removes roles without remaining parents until none is left (Kahn, 1962); what cannot be removed is on a
// cycle or inherits from one.
void CompiledPolicy::require_acyclic(const std::vector<std::vector<std::uint32_t>>& parents) const {
    std::vector<bool> settled(parents.size(), false);
    bool progress = true;
    while (progress) {
        progress = false;
        for (std::size_t role = 0; role < parents.size(); ++role) {
            const auto is_settled = [&](std::uint32_t parent) { return settled[parent]; };
            if (!settled[role] && std::all_of(parents[role].begin(), parents[role].end(), is_settled)) {
                settled[role] = true;
                progress = true;
            }
        }
    }
    const auto stuck = std::find(settled.begin(), settled.end(), false);
    if (stuck == settled.end()) return;
    const std::string& name = document.roles[static_cast<std::size_t>(stuck - settled.begin())].name;
    refuse_policy("policy.cycle", "role `" + name + "` inherits from itself", name);
}

std::uint32_t CompiledPolicy::role_of(const std::string& name) const {
    const std::uint32_t number = roles.find(name);
    if (number == kNone) refuse_policy("policy.unknown_role", "role `" + name + "` is not declared", name);
    return number;
}

std::vector<std::uint32_t> CompiledPolicy::roles_of(const std::string& name) const {
    if (name != "*") return heirs[role_of(name)];
    std::vector<std::uint32_t> all(roles.size());
    for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
}

// A part that names nothing declared is a typing error, not an empty set.
std::vector<std::uint32_t> CompiledPolicy::columns_of(const std::string& permission) const {
    std::vector<std::uint32_t> found;
    const std::string_view pattern = permission;
    const std::size_t colon = std::min(pattern.find(':'), pattern.size());
    const std::string_view action = pattern.substr(std::min(colon + 1, pattern.size()));
    if (const std::uint32_t number = column(action, pattern.substr(0, colon)); number != kNone) {
        found.push_back(number);
    } else {
        for (std::uint32_t at = 0; at < width(); ++at) {
            if (permissions[at].is_named_by(pattern)) found.push_back(at);
        }
    }
    if (found.empty()) {
        refuse_policy("policy.unknown_permission", "`" + permission + "` names no declared `resource:action`",
                      permission);
    }
    return found;
}

std::uint32_t CompiledPolicy::column(std::string_view action, std::string_view resource) const noexcept {
    const std::uint32_t row = resources.find(resource);
    const std::uint32_t number = actions.find(action);
    return row == kNone || number == kNone ? kNone : columns[std::size_t{row} * actions.size() + number];
}

template <class Visit>
void CompiledPolicy::for_each_cell(const std::string& role, const std::vector<std::uint32_t>& about,
                                   const Visit& visit) {
    for (const std::uint32_t row : roles_of(role)) {
        for (const std::uint32_t number : about) visit(std::size_t{row} * width() + number);
        applications_ += about.size();
        if (applications_ > kMaxRuleApplications) {
            refuse_policy("policy.too_large",
                          "the rules of a policy reach more than 10000000 roles and permissions", role);
        }
    }
}

void CompiledPolicy::require_field(std::string_view path, std::uint32_t column,
                                   const std::string& rule) const {
    const std::string& resource = permissions[column].resource;
    const NamedTypes& declared = document.resources.at(resource).fields;
    if (declared.empty() || declared.contains(path)) return;
    refuse_policy("policy.unknown_field",
                  "rule `" + rule + "` names field `" + std::string(path) + "`, which `" + resource +
                      "` does not declare",
                  std::string(path));
}

void CompiledPolicy::require_sound(const Expression& condition, const std::vector<std::uint32_t>& about,
                                   const std::string& rule) const {
    if (condition.is_always_true()) return;
    require_no_rows(condition, rule);
    require_known_parameters(document, condition, rule);
    for (const std::string& path : core::field_paths(condition)) {
        for (const std::uint32_t number : about) require_field(path, number, rule);
    }
}

void CompiledPolicy::add_rules() {
    struct Applicable {
        std::vector<std::uint32_t> allows;
        std::vector<std::uint32_t> denies;
    };
    std::vector<Applicable> table(std::size_t{roles.size()} * width());
    std::set<std::string> names;
    for (const Rule& rule : document.rules) {
        const bool allows = rule.effect == Effect::Allow;
        std::string name = rule.name;
        if (name.empty()) {
            name = (allows ? "allow " : "deny ") + rule.role + " " + rule.permission + " #" +
                   std::to_string(rules.size() + 1);
        }
        if (!names.insert(name).second) refuse_policy("policy.duplicate", "two rules have one name", name);
        const auto number = static_cast<std::uint32_t>(rules.size());
        const std::vector<std::uint32_t> about = columns_of(rule.permission);
        require_sound(rule.condition, about, name);
        std::string text = rule.condition.is_always_true() ? std::string() : core::to_text(rule.condition);
        rules.push_back({std::move(name), rule.effect, rule.condition, std::move(text)});
        for_each_cell(rule.role, about, [&](std::size_t cell) {
            (allows ? table[cell].allows : table[cell].denies).push_back(number);
        });
    }
    const auto always = [&](const std::vector<std::uint32_t>& numbers) {
        const auto found = std::find_if(numbers.begin(), numbers.end(),
                                        [&](std::uint32_t number) { return rules[number].is_always(); });
        return found == numbers.end() ? kNone : *found;
    };
    cells.resize(table.size());
    for (std::size_t i = 0; i < table.size(); ++i) {
        Applicable& applicable = table[i];
        const std::uint32_t denied = always(applicable.denies);
        const std::uint32_t allowed = always(applicable.allows);
        if (denied != kNone) {
            cells[i] = {CellKind::Denied, denied};
        } else if (allowed != kNone && applicable.denies.empty()) {
            cells[i] = {CellKind::Allowed, allowed};
        } else if (!applicable.denies.empty() || !applicable.allows.empty()) {
            cells[i] = {CellKind::Conditional, static_cast<std::uint32_t>(conditionals.size())};
            std::erase_if(applicable.allows, [&](std::uint32_t number) { return rules[number].is_always(); });
            conditionals.push_back({std::move(applicable.denies), std::move(applicable.allows), allowed});
        }
    }
}

void CompiledPolicy::add_field_rules() {
    fields.resize(std::size_t{roles.size()} * width());
    for (const FieldRule& rule : document.fields) {
        const auto number = static_cast<std::uint32_t>(field_rules.size());
        const std::string name = "fields of " + rule.role + " " + rule.permission;
        const std::vector<std::uint32_t> about = columns_of(rule.permission);
        if (rule.role != "*") static_cast<void>(role_of(rule.role));  // also where no field is named
        require_sound(rule.condition, about, name);
        CompiledFieldRule compiled{rule.effect, rule.condition, {}};
        for (const std::string& path : rule.fields) {
            if (path == "*") {
                for (const std::uint32_t column : about) {
                    if (document.resources.at(permissions[column].resource).fields.empty())
                        refuse_policy("policy.field", "`*` needs the fields of the resource to be declared",
                                      permissions[column].resource);
                }
                compiled.fields.clear();
                break;
            }
            try {
                static_cast<void>(core::field(path));
            } catch (const core::InvalidArgument&) {
                refuse_policy("policy.field", "a field rule names no valid field path", path);
            }
            for (const std::uint32_t column : about) require_field(path, column, name);
            compiled.fields.push_back(path);
        }
        const bool is_empty = rule.fields.empty();
        field_rules.push_back(std::move(compiled));
        if (is_empty) continue;
        for_each_cell(rule.role, about, [&](std::size_t cell) { fields[cell].push_back(number); });
    }
}

bool CompiledPolicy::may_allow(std::uint32_t role, std::uint32_t column) const noexcept {
    const Cell& cell = cells[std::size_t{role} * width() + column];
    if (cell.kind != CellKind::Conditional) return cell.kind == CellKind::Allowed;
    const Conditional& conditional = conditionals[cell.first];
    return conditional.always_allows != kNone || !conditional.allows.empty();
}

std::uint32_t CompiledPolicy::broken_by(const std::vector<std::uint32_t>& held) const {
    for (std::uint32_t number = 0; number < separations.size(); ++number) {
        const CompiledSeparation& separation = separations[number];
        std::uint32_t count = 0;
        for (const std::uint32_t role : separation.roles) {
            const auto reaches = [&](std::uint32_t own) {
                return std::binary_search(ancestors[own].begin(), ancestors[own].end(), role);
            };
            if (std::any_of(held.begin(), held.end(), reaches)) ++count;
        }
        if (count > separation.at_most) return number;
    }
    return kNone;
}

void CompiledPolicy::add_separations() {
    std::set<std::string> names;
    for (const Separation& given : document.separations) {
        if (given.name.empty() || !names.insert(given.name).second)
            refuse_policy("policy.separation", "a separation needs a name of its own", given.name);
        if (given.roles.empty() == given.permissions.empty())
            refuse_policy("policy.separation", "a separation is of either roles or permissions", given.name);
        std::set<std::uint32_t> held;
        std::set<std::uint32_t> about;
        for (const std::string& role : given.roles) held.insert(role_of(role));
        for (const std::string& permission : given.permissions) {
            for (const std::uint32_t number : columns_of(permission)) about.insert(number);
        }
        if (given.at_most == 0 || std::max(held.size(), about.size()) <= given.at_most) {
            refuse_policy("policy.separation", "a separation allows at least one, and fewer than it names",
                          given.name);
        }
        separations.push_back(
            {given.name, {held.begin(), held.end()}, {about.begin(), about.end()}, given.at_most});
    }
    for (std::uint32_t role = 0; role < roles.size(); ++role) {
        std::uint32_t broken = broken_by({role});
        for (std::uint32_t number = 0; number < separations.size() && broken == kNone; ++number) {
            const auto& about = separations[number].columns;
            const auto held = std::count_if(about.begin(), about.end(),
                                            [&](std::uint32_t column) { return may_allow(role, column); });
            if (held > static_cast<std::ptrdiff_t>(separations[number].at_most)) broken = number;
        }
        if (broken == kNone) continue;
        refuse_policy(
            "policy.separation",
            "role `" + roles.names()[role] + "` alone breaks separation `" + separations[broken].name + "`",
            separations[broken].name);
    }
}

}  // namespace consilia::access
