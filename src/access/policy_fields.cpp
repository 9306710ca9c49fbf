// Which fields a principal has, and what is left of an object when the others are dropped.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "access/decide.hpp"
#include "access/field_names.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using Json = nlohmann::ordered_json;

// Gathers the fields of roles. `holds` tells of a rule's condition; empty: unknown.
class FieldNames {
public:
    FieldNames(const CompiledPolicy& policy, std::uint32_t column) : policy_(policy), column_(column) {}

    template <class Holds>
    void add(std::span<const std::uint32_t> roles, const Holds& holds) {
        for (const std::uint32_t role : roles) {
            for (const std::uint32_t number : policy_.fields[std::size_t{role} * policy_.width() + column_]) {
                const CompiledFieldRule& rule = policy_.field_rules[number];
                const bool denies = rule.effect == Effect::Deny;
                if (holds(rule).value_or(denies)) put(rule, denies ? denied_ : allowed_);
            }
        }
    }
    /// What `other` allows as well, for what this one does not deny.
    void join(const FieldNames& other) {
        const Names theirs = other.names();
        allowed_.insert(theirs.begin(), theirs.end());
    }
    /// What both allow.
    void meet(const FieldNames& other) {
        const Names theirs = other.names();
        std::erase_if(allowed_, [&](const std::string& name) { return !theirs.contains(name); });
    }
    [[nodiscard]] Names names() const {
        Names names;
        std::set_difference(allowed_.begin(), allowed_.end(), denied_.begin(), denied_.end(),
                            std::inserter(names, names.end()));
        return names;
    }

private:
    void put(const CompiledFieldRule& rule, Names& into) const {
        into.insert(rule.fields.begin(), rule.fields.end());
        if (!rule.fields.empty()) return;
        const auto& declared = policy_.document.resources.at(policy_.permissions[column_].resource).fields;
        for (const auto& [path, type] : declared) into.insert(path);
    }

    const CompiledPolicy& policy_;
    std::uint32_t column_;
    Names allowed_;
    Names denied_;
};

FieldNames names_by(const CompiledPolicy& policy, std::span<const std::uint32_t> roles, std::uint32_t column,
                    Certainty certainty) {
    FieldNames names(policy, column);
    names.add(roles, [&](const CompiledFieldRule& rule) -> std::optional<bool> {
        if (rule.is_always()) return true;
        return (rule.effect == Effect::Allow) == (certainty == Certainty::Possible);
    });
    return names;
}

FieldNames names_for(const CompiledPolicy& policy, const Asking& asking, std::uint32_t column,
                     const core::FieldSource& object) {
    const QuestionParameters parameters(asking.principal, asking.context);
    const core::ParameterSource source = parameters.source();
    FieldNames names(policy, column);
    names.add(asking.roles, [&](const CompiledFieldRule& rule) {
        return rule.is_always() ? std::optional(true) : core::truth(rule.condition, object, source);
    });
    return names;
}

std::vector<std::string> listed(const Names& names) {
    return {names.begin(), names.end()};
}

}  // namespace

bool is_barred(const BoundPrincipal& bound, std::uint32_t column) {
    return bound.refused || column >= bound.policy->width() ||
           (!bound.barred.empty() && bound.barred[column] != kNone);
}

// An object is seen by the principal's own rules or through some delegation: what is certain, every way that
// may lead to it gives; what is possible, one of them.
Names names_of(const BoundPrincipal& bound, std::uint32_t column, const Context& context,
               Certainty certainty) {
    if (is_barred(bound, column)) return {};
    const CompiledPolicy& policy = *bound.policy;
    FieldNames names = names_by(policy, bound.roles, column, certainty);
    bool is_first = std::none_of(bound.roles.begin(), bound.roles.end(),
                                 [&](std::uint32_t role) { return policy.may_allow(role, column); });
    for (const BoundDelegation* lent : lent_now(bound, column, context)) {
        const FieldNames theirs = names_by(policy, lent->roles, column, certainty);
        if (is_first || certainty == Certainty::Possible) {
            names.join(theirs);
        } else {
            names.meet(theirs);
        }
        is_first = false;
    }
    return names.names();
}

Names names_of(const BoundPrincipal& bound, std::uint32_t column, const core::FieldSource& object,
               const Context& context) {
    if (is_barred(bound, column)) return {};
    FieldNames names = names_for(*bound.policy, {bound.principal, context, bound.roles}, column, object);
    for (const BoundDelegation* lent : lent_now(bound, column, context)) {
        const Asking asking{lent->lender, context, lent->roles};
        if (!decide(*bound.policy, asking, column, object)) continue;
        names.join(names_for(*bound.policy, asking, column, object));
    }
    return names.names();
}

namespace {

// The member of an object at a dotted path, or nullptr.
const Json* member_at(const Json& object, std::string_view path) {
    const Json* at = &object;
    while (!path.empty()) {
        const std::size_t dot = std::min(path.find('.'), path.size());
        if (!at->is_object()) return nullptr;
        const auto found = at->find(std::string(path.substr(0, dot)));
        if (found == at->end()) return nullptr;
        at = &*found;
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    return at;
}

// JSON has no dates: where the policy declares that a field is one, its text is read as one.
core::Value value_of(const Json& member, core::ValueType declared) {
    switch (member.type()) {
        case Json::value_t::boolean:
            return member.get<bool>();
        case Json::value_t::number_integer:
            return member.get<std::int64_t>();
        case Json::value_t::number_unsigned:
            return member.get<std::uint64_t>();
        case Json::value_t::number_float:
            return member.get<double>();
        case Json::value_t::string: {
            std::string text = member.get<std::string>();
            if (declared == core::ValueType::Date) return core::parse_date(text);
            if (declared == core::ValueType::Timestamp) return core::parse_timestamp(text);
            return text;
        }
        case Json::value_t::null:
            return {};
        default:
            return core::Json{member.dump()};
    }
}

core::FieldSource source_of(const Json& object, const NamedTypes& types) {
    return [&object, &types](std::string_view path) -> core::Value {
        const Json* member = member_at(object, path);
        const auto declared = types.find(path);
        return member == nullptr
                   ? core::Value()
                   : value_of(*member, declared == types.end() ? core::ValueType::Null : declared->second);
    };
}

// Keeps the members that are named, and of objects whose own name is not among them what is named inside.
Json kept_of(const Json& object, const Names& names, const std::string& prefix) {
    Json kept = Json::object();
    for (const auto& [key, member] : object.items()) {
        const std::string path = prefix + key;
        if (names.contains(path)) {
            kept[key] = member;
            continue;
        }
        const auto inside = names.lower_bound(path + ".");
        if (inside == names.end() || !inside->starts_with(path + ".")) continue;
        if (member.is_object()) kept[key] = kept_of(member, names, path + ".");
        if (member.is_null()) kept[key] = nullptr;
    }
    return kept;
}

}  // namespace

std::vector<std::string> Policy::fields(const Principal& principal, std::string_view action,
                                        std::string_view resource, const Context& context) const {
    return listed(names_of(bind_principal(compiled_, principal), compiled_->column(action, resource), context,
                           Certainty::Certain));
}

std::vector<std::string> Policy::possible_fields(const Principal& principal, std::string_view action,
                                                 std::string_view resource, const Context& context) const {
    return listed(names_of(bind_principal(compiled_, principal), compiled_->column(action, resource), context,
                           Certainty::Possible));
}

std::vector<std::string> Policy::fields(const Principal& principal, std::string_view action,
                                        std::string_view resource, const core::FieldSource& object,
                                        const Context& context) const {
    return listed(
        names_of(bind_principal(compiled_, principal), compiled_->column(action, resource), object, context));
}

void Policy::require_fields(const Principal& principal, std::string_view action, std::string_view resource,
                            std::span<const std::string_view> names, const core::FieldSource& object,
                            const Context& context) const {
    const Names allowed =
        names_of(bind_principal(compiled_, principal), compiled_->column(action, resource), object, context);
    std::string refused;
    for (const std::string_view name : names) {
        if (allowed.contains(name)) continue;
        if (!refused.empty()) refused += ", ";
        refused += name;
    }
    if (refused.empty()) return;
    const std::string permission = std::string(resource) + ":" + std::string(action);
    throw core::PermissionDenied("access.fields",
                                 "role `" + std::string(principal.role()) + "` has not these fields under `" +
                                     permission + "`: " + refused,
                                 {{"role", core::Value(principal.role())},
                                  {"permission", core::Value(permission)},
                                  {"fields", core::Value(refused)}});
}

std::string Policy::redact(const Principal& principal, std::string_view action, std::string_view resource,
                           std::string_view json, const Context& context) const {
    const BoundPrincipal bound = bind_principal(compiled_, principal);
    const std::uint32_t column = compiled_->column(action, resource);
    const auto found = compiled_->document.resources.find(std::string(resource));
    static const NamedTypes kUndeclared;
    const NamedTypes& types =
        found == compiled_->document.resources.end() ? kUndeclared : found->second.fields;
    const auto redacted = [&](const Json& object) {
        if (!object.is_object()) {
            throw core::InvalidArgument("access.json", "wanted a JSON object, or an array of them");
        }
        return kept_of(object, names_of(bound, column, source_of(object, types), context), "");
    };
    const Json given = Json::parse(json, nullptr, false);
    if (given.is_discarded()) throw core::InvalidArgument("access.json", "not JSON");
    if (!given.is_array()) return redacted(given).dump();
    Json kept = Json::array();
    for (const Json& object : given) kept.push_back(redacted(object));
    return kept.dump();
}

}  // namespace consilia::access
