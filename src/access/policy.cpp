#include "consilia/access/policy.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "access/decide.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::Operator;

constexpr std::size_t kInlineRoles = 8;

// The values of every parameter that a policy may name.
core::Parameters parameters_of(const CompiledPolicy& policy, const Principal& principal,
                               const Context& context) {
    const QuestionParameters question(principal, context);
    core::Parameters parameters;
    const auto add = [&](const std::string& name) { parameters.emplace(name, *question.find(name)); };
    for (const char* name : {"principal_id", "principal_role", "principal_name", "now", "today", "address"})
        add(name);
    for (const auto& [name, type] : policy.document.principal_attributes) add("principal_" + name);
    for (const auto& [name, type] : policy.document.context_attributes) add("context_" + name);
    return parameters;
}

// The conditions of some rules, in order and each once.
class Disjunction {
public:
    explicit Disjunction(const CompiledPolicy& policy) : policy_(policy) {}
    void add(std::uint32_t number) { numbers_.push_back(number); }
    [[nodiscard]] bool empty() const noexcept { return numbers_.empty(); }
    [[nodiscard]] Expression expression() {
        std::sort(numbers_.begin(), numbers_.end());
        numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
        std::vector<Expression> conditions;
        for (const std::uint32_t number : numbers_) {
            if (policy_.rules[number].is_always()) return {};
            conditions.push_back(policy_.rules[number].condition);
        }
        return conditions.size() == 1 ? conditions.front()
                                      : Expression::make(Operator::Or, std::move(conditions));
    }

private:
    const CompiledPolicy& policy_;
    std::vector<std::uint32_t> numbers_;
};

// What these roles allow and deny, as conditions on objects; no denial is an empty optional.
struct Scoped {
    Expression allowed = Expression::literal(false);
    std::optional<Expression> denied = {};
};

Scoped scope_of(const CompiledPolicy& policy, std::span<const std::uint32_t> roles, std::uint32_t column) {
    Disjunction allows(policy);
    Disjunction denies(policy);
    for (const std::uint32_t role : roles) {
        const Cell& cell = policy.cells[std::size_t{role} * policy.width() + column];
        if (cell.kind == CellKind::Allowed) allows.add(cell.first);
        if (cell.kind == CellKind::Denied) denies.add(cell.first);
        if (cell.kind != CellKind::Conditional) continue;
        const Conditional& conditional = policy.conditionals[cell.first];
        if (conditional.always_allows != kNone) allows.add(conditional.always_allows);
        for (const std::uint32_t number : conditional.allows) allows.add(number);
        for (const std::uint32_t number : conditional.denies) denies.add(number);
    }
    Scoped scoped;
    if (!allows.empty()) scoped.allowed = allows.expression();
    if (!denies.empty()) scoped.denied = denies.expression();
    return scoped;
}

Expression without(Expression allowed, const std::optional<Expression>& denied) {
    if (!denied || is_never(allowed)) return allowed;
    if (denied->is_always_true()) return Expression::literal(false);
    return std::move(allowed) && !*denied;
}

Expression either(const Expression& a, const Expression& b) {
    if (is_never(a) || b.is_always_true()) return b;
    if (is_never(b) || a.is_always_true()) return a;
    return a || b;
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
        case Reason::AllowedByDelegation:
            return "allowed_by_delegation";
        case Reason::SeparationOfDuties:
            return "separation_of_duties";
    }
    return "no_rule";
}

Policy::Policy(const PolicyDocument& document)
    : compiled_(std::make_shared<const CompiledPolicy>(document)) {}

const core::FieldSource& Policy::nothing() noexcept {
    static const core::FieldSource kNothing = [](std::string_view) { return core::Value(); };
    return kNothing;
}
const Context& Policy::now() noexcept {
    static const Context kNow;
    return kNow;
}

bool Policy::has_role(std::string_view role) const noexcept {
    return compiled_->roles.find(role) != kNone;
}
std::span<const std::string> Policy::roles() const noexcept {
    return compiled_->roles.names();
}
const PolicyDocument& Policy::document() const noexcept {
    return compiled_->document;
}

PermissionId Policy::permission(std::string_view action, std::string_view resource) const noexcept {
    return PermissionId{compiled_->column(action, resource)};
}

Subject Policy::subject(const Principal& principal) const {
    return Subject(std::make_shared<const BoundPrincipal>(bind_principal(compiled_, principal)));
}

// Most principals have a role or two and borrow nothing: their roles are looked up on the stack.
Decision Policy::check(const Principal& principal, std::string_view action, std::string_view resource,
                       const core::FieldSource& object, const Context& context) const {
    const CompiledPolicy& policy = *compiled_;
    const std::uint32_t column = policy.column(action, resource);
    const std::size_t count = principal.roles.size();
    const bool is_plain = count == 1 || (count <= kInlineRoles && policy.separations.empty());
    if (!is_plain || !principal.delegations.empty() || !principal.attributes.empty())
        return decide(bind_principal(compiled_, principal), column, object, context);
    std::array<std::uint32_t, kInlineRoles> roles;
    for (std::size_t i = 0; i < count; ++i) {
        roles[i] = policy.roles.find(principal.roles[i]);
        if (roles[i] == kNone) return {false, Reason::UnknownRole, kNone};
    }
    if (column == kNone) return {false, Reason::UnknownPermission, kNone};
    return decide(policy, {principal, context, std::span(roles).first(count)}, column, object);
}

Decision Policy::check(const Subject& subject, PermissionId permission, const core::FieldSource& object,
                       const Context& context) const {
    const BoundPrincipal& bound = *subject.bound_;
    require_subject_of(*compiled_, bound);
    // The common question is answered by one cell.
    const auto column = static_cast<std::uint32_t>(permission);
    if (bound.roles.size() == 1 && !bound.refused && column < compiled_->width()) {
        const Cell& cell = compiled_->cells[std::size_t{bound.roles[0]} * compiled_->width() + column];
        if (cell.kind == CellKind::Allowed) return {true, Reason::AllowedByRule, cell.first};
        if (cell.kind == CellKind::Denied) return {false, Reason::DeniedByRule, cell.first};
        if (cell.kind == CellKind::Nothing && bound.delegations.empty()) return {};
    }
    return decide(bound, column, object, context);
}

std::vector<Decision> Policy::check_many(const Subject& subject, PermissionId permission, std::size_t count,
                                         const PageSource& objects, const Context& context) const {
    const BoundPrincipal& bound = *subject.bound_;
    require_subject_of(*compiled_, bound);
    const auto column = static_cast<std::uint32_t>(permission);
    std::vector<Decision> decisions;
    decisions.reserve(count);
    std::size_t index = 0;
    const core::FieldSource object = [&](std::string_view path) { return objects(index, path); };
    if (bound.roles.size() == 1 && !bound.refused && bound.delegations.empty() &&
        column < compiled_->width()) {
        // One cell decides, and its parameters are the same for each object.
        const Cell& cell = compiled_->cells[std::size_t{bound.roles[0]} * compiled_->width() + column];
        const QuestionParameters parameters(bound.principal, context);
        const core::ParameterSource source = parameters.source();
        for (; index < count; ++index) decisions.push_back(decide(*compiled_, cell, {object, source}));
        return decisions;
    }
    for (; index < count; ++index) decisions.push_back(decide(bound, column, object, context));
    return decisions;
}

core::Expression Policy::scope(const Principal& principal, std::string_view action, std::string_view resource,
                               const Context& context) const {
    const Expression nothing = Expression::literal(false);
    const BoundPrincipal bound = bind_principal(compiled_, principal);
    const std::uint32_t column = compiled_->column(action, resource);
    if (bound.refused || column == kNone) return nothing;
    if (!bound.barred.empty() && bound.barred[column] != kNone) return nothing;
    const auto bind = [&](const Expression& condition, const Principal& asking) {
        return core::bind(condition, parameters_of(*compiled_, asking, context));
    };
    const Scoped own = scope_of(*compiled_, bound.roles, column);
    Expression allowed = is_never(own.allowed) ? own.allowed : bind(own.allowed, principal);
    for (const BoundDelegation* lent : lent_now(bound, column, context)) {
        const Scoped theirs = scope_of(*compiled_, lent->roles, column);
        const Expression scoped = without(theirs.allowed, theirs.denied);
        if (!is_never(scoped)) allowed = either(allowed, bind(scoped, lent->lender));
    }
    if (!own.denied) return allowed;
    return without(std::move(allowed), bind(*own.denied, principal));
}

std::vector<PermissionGrant> Policy::permissions_of(const Principal& principal,
                                                    const Context& context) const {
    std::vector<PermissionGrant> grants;
    for (const Permission& permission : compiled_->permissions) {
        Expression condition = scope(principal, permission.action, permission.resource, context);
        if (is_never(condition)) continue;
        grants.push_back({permission.resource, permission.action, std::move(condition),
                          fields(principal, permission.action, permission.resource, context)});
    }
    std::sort(grants.begin(), grants.end(), [](const PermissionGrant& a, const PermissionGrant& b) {
        return std::tie(a.resource, a.action) < std::tie(b.resource, b.action);
    });
    return grants;
}

std::vector<RoleGrant> Policy::who_can(std::string_view action, std::string_view resource) const {
    std::vector<RoleGrant> grants;
    const std::uint32_t column = compiled_->column(action, resource);
    if (column == kNone) return grants;
    for (std::uint32_t role = 0; role < compiled_->roles.size(); ++role) {
        const Scoped scoped = scope_of(*compiled_, std::span(&role, 1), column);
        Expression condition = without(scoped.allowed, scoped.denied);
        if (!is_never(condition)) grants.push_back({compiled_->roles.names()[role], std::move(condition)});
    }
    return grants;
}

std::vector<std::size_t> Policy::who_can(std::span<const Principal> principals, std::string_view action,
                                         std::string_view resource, const core::FieldSource& object,
                                         const Context& context) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < principals.size(); ++i) {
        if (check(principals[i], action, resource, object, context)) found.push_back(i);
    }
    return found;
}

}  // namespace consilia::access
