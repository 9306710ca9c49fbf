#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "access/asking.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

const core::Value* find_attribute(const Attributes& attributes, std::string_view name) {
    static const core::Value kAbsent;
    const auto found = attributes.find(name);
    return found == attributes.end() ? &kAbsent : &found->second;
}

// Conditions compare by type: a wrong one is said here, where it was given.
void require_types(const Attributes& attributes, const NamedTypes& declared) {
    for (const auto& [name, value] : attributes) {
        const auto type = declared.find(name);
        if (type == declared.end() || value.is_null() || value.type() == type->second) continue;
        throw core::InvalidArgument("access.attribute",
                                    "attribute `" + name + "` of a principal is `" +
                                        std::string(core::to_string(type->second)) + "`, not `" +
                                        std::string(core::to_string(value.type())) + "`",
                                    {{"attribute", core::Value(name)},
                                     {"wanted", core::Value(core::to_string(type->second))},
                                     {"found", core::Value(core::to_string(value.type()))}});
    }
}

// The numbers of roles; empty if one is not declared.
std::optional<std::vector<std::uint32_t>> numbers_of(const CompiledPolicy& policy,
                                                     const std::vector<std::string>& names) {
    std::vector<std::uint32_t> numbers;
    for (const std::string& name : names) {
        const std::uint32_t number = policy.roles.find(name);
        if (number == kNone) return std::nullopt;
        if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
    }
    return numbers;
}

// By column, the separation of permissions that these roles and the columns that were lent break; empty:
// none.
std::vector<std::uint32_t> barred_by(const CompiledPolicy& policy, const std::vector<std::uint32_t>& roles,
                                     const std::vector<bool>& lent) {
    std::vector<std::uint32_t> barred;
    for (std::uint32_t number = 0; number < policy.separations.size(); ++number) {
        const CompiledSeparation& separation = policy.separations[number];
        const auto may = [&](std::uint32_t column) {
            const auto allows = [&](std::uint32_t role) { return policy.may_allow(role, column); };
            return (!lent.empty() && lent[column]) || std::any_of(roles.begin(), roles.end(), allows);
        };
        const auto held = std::count_if(separation.columns.begin(), separation.columns.end(), may);
        if (held <= static_cast<std::ptrdiff_t>(separation.at_most)) continue;
        barred.resize(policy.width(), kNone);
        for (const std::uint32_t column : separation.columns) {
            if (barred[column] == kNone) barred[column] = number;
        }
    }
    return barred;
}

// The columns of `pattern` that may be lent: none for a pattern that names nothing (any more).
std::vector<bool> lendable(const CompiledPolicy& policy, const std::string& pattern) {
    std::vector<bool> columns(policy.width());
    for (std::uint32_t column = 0; column < policy.width(); ++column)
        columns[column] = policy.delegable[column] && policy.permissions[column].is_named_by(pattern);
    return columns;
}

}  // namespace

const core::Value* QuestionParameters::find(std::string_view name) const {
    if (name == "principal_id") return &principal_.user_id;
    Made& made = made_ ? *made_ : made_.emplace();
    if (name.starts_with("principal_")) {
        const std::string_view attribute = name.substr(10);
        if (attribute == "role") {
            if (made.role.is_null() && !principal_.roles.empty()) made.role = core::Value(principal_.role());
            return &made.role;
        }
        if (attribute == "name") {
            if (made.name.is_null()) made.name = core::Value(principal_.name);
            return &made.name;
        }
        return find_attribute(principal_.attributes, attribute);
    }
    if (name == "now") {
        if (made.now.is_null()) made.now = core::Value(time_of(context_));
        return &made.now;
    }
    if (name == "today") {
        if (made.today.is_null()) made.today = core::Value(core::date_of(time_of(context_)));
        return &made.today;
    }
    if (name == "address") {
        if (made.address.is_null() && !context_.address.empty()) made.address = core::Value(context_.address);
        return &made.address;
    }
    if (name.starts_with("context_")) return find_attribute(context_.attributes, name.substr(8));
    return nullptr;
}

core::Timestamp time_of(const Context& context) {
    return context.now ? *context.now : core::SystemClock::instance().now();
}

std::vector<const BoundDelegation*> lent_now(const BoundPrincipal& bound, std::uint32_t column,
                                             const Context& context) {
    std::vector<const BoundDelegation*> lent;
    if (bound.delegations.empty()) return lent;
    const core::Timestamp at = time_of(context);
    for (const BoundDelegation& delegation : bound.delegations) {
        if (delegation.covers(column, at)) lent.push_back(&delegation);
    }
    return lent;
}

// A delegation must not give what separation keeps apart: each is judged with the roles and columns of the
// principal and of the delegations before it, and one that would break a separation gives nothing.
BoundPrincipal bind_principal(std::shared_ptr<const CompiledPolicy> policy, const Principal& principal) {
    BoundPrincipal state{std::move(policy), principal, {}, {}, {}, {}};
    const CompiledPolicy& compiled = *state.policy;
    require_types(principal.attributes, compiled.document.principal_attributes);
    std::optional<std::vector<std::uint32_t>> roles = numbers_of(compiled, principal.roles);
    if (!roles) {
        state.refused = Decision{false, Reason::UnknownRole, Decision::kNone};
        return state;
    }
    state.roles = *std::move(roles);
    if (const std::uint32_t broken = compiled.broken_by(state.roles); broken != kNone) {
        state.refused = Decision{false, Reason::SeparationOfDuties, broken};
        return state;
    }
    state.barred = barred_by(compiled, state.roles, {});
    std::vector<std::uint32_t> held = state.roles;
    std::vector<bool> lent(compiled.width());
    for (const Delegation& given : principal.delegations) {
        require_types(given.from_attributes, compiled.document.principal_attributes);
        const auto lender_roles = numbers_of(compiled, given.from_roles);
        if (!lender_roles) continue;
        std::vector<std::uint32_t> together = held;
        together.insert(together.end(), lender_roles->begin(), lender_roles->end());
        if (compiled.broken_by(together) != kNone) continue;
        std::vector<bool> columns = lendable(compiled, given.permission);
        const auto lenders_barred = barred_by(compiled, *lender_roles, {});
        std::vector<bool> all = lent;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (!lenders_barred.empty() && lenders_barred[i] != kNone) columns[i] = false;
            all[i] = all[i] || columns[i];
        }
        const auto barred = barred_by(compiled, state.roles, all);
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (!barred.empty() && barred[i] != kNone) columns[i] = false;
            lent[i] = lent[i] || columns[i];
        }
        held = std::move(together);
        state.delegations.push_back(
            {{given.from_id, given.from_roles, given.from_name, given.from_attributes, {}},
             *lender_roles,
             std::move(columns),
             given.starts_at,
             given.ends_at});
    }
    return state;
}

Subject::Subject(std::shared_ptr<const BoundPrincipal> bound) noexcept : bound_(std::move(bound)) {}
Subject::Subject(const Subject&) = default;
Subject::Subject(Subject&&) noexcept = default;
Subject& Subject::operator=(const Subject&) = default;
Subject& Subject::operator=(Subject&&) noexcept = default;
Subject::~Subject() = default;

const Principal& Subject::principal() const noexcept {
    return bound_->principal;
}

}  // namespace consilia::access
