// A decision with its reasons: the same steps as `decide`, written down.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "access/decide.hpp"
#include "access/ticked.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using core::Expression;

std::string roles_text(const std::vector<std::string>& roles) {
    if (roles.empty()) return "nobody without a role";
    std::string text = roles.size() == 1 ? "role " : "roles ";
    for (std::size_t i = 0; i < roles.size(); ++i) text += (i == 0 ? "" : ", ") + ticked(roles[i]);
    return text;
}

std::string where(const CompiledRule& rule) {
    return rule.is_always() ? std::string() : " where " + ticked(rule.text);
}

void collect_parameters(const Expression& condition, std::set<std::string>& names) {
    if (condition.op() == core::Operator::Parameter) names.insert(condition.name());
    for (const Expression& operand : condition.operands()) collect_parameters(operand, names);
}

// The rules of a column that concern these roles, in the order of the document.
std::set<std::uint32_t> rules_of(const CompiledPolicy& policy, std::span<const std::uint32_t> roles,
                                 std::uint32_t column) {
    std::set<std::uint32_t> numbers;
    for (const std::uint32_t role : roles) {
        const Cell& cell = policy.cells[std::size_t{role} * policy.width() + column];
        if (cell.kind == CellKind::Allowed || cell.kind == CellKind::Denied) numbers.insert(cell.first);
        if (cell.kind != CellKind::Conditional) continue;
        const Conditional& conditional = policy.conditionals[cell.first];
        numbers.insert(conditional.denies.begin(), conditional.denies.end());
        numbers.insert(conditional.allows.begin(), conditional.allows.end());
        if (conditional.always_allows != kNone) numbers.insert(conditional.always_allows);
    }
    return numbers;
}

class Writer {
public:
    Writer(const CompiledPolicy& policy, std::uint32_t column, const core::FieldSource& object)
        : policy_(policy), column_(column), object_(object) {}

    // `lender` stands before the names of a lender's parameters.
    void trace(const Asking& asking, const std::string& lender, Explanation& out) const {
        const QuestionParameters parameters(asking.principal, asking.context);
        const core::ParameterSource source = parameters.source();
        std::set<std::string> names;
        std::set<std::string> paths;
        for (const std::uint32_t number : rules_of(policy_, asking.roles, column_)) {
            const CompiledRule& rule = policy_.rules[number];
            out.rules.push_back({rule.name, rule.effect, rule.text, truth_of(rule, {object_, source})});
            if (rule.is_always()) continue;
            for (const std::string& path : core::field_paths(rule.condition)) paths.insert(path);
            collect_parameters(rule.condition, names);
        }
        for (const std::string& path : paths) put(out, path, object_(path));
        for (const std::string& name : names) put(out, lender + ":" + name, *parameters.find(name));
    }

private:
    static void put(Explanation& out, std::string name, core::Value value) {
        for (const core::Detail& known : out.values) {
            if (known.name == name) return;
        }
        out.values.push_back({std::move(name), std::move(value)});
    }

    const CompiledPolicy& policy_;
    std::uint32_t column_;
    const core::FieldSource& object_;
};

std::string sentence_of(const CompiledPolicy& policy, const Principal& principal, const std::string& asked,
                        const Explanation& explanation) {
    const Decision& decision = explanation.decision;
    const std::string who = roles_text(principal.roles) + " ";
    switch (decision.reason) {
        case Reason::AllowedByRule: {
            const CompiledRule& rule = policy.rules[decision.rule];
            return "rule " + ticked(rule.name) + " allows " + who + asked + where(rule);
        }
        case Reason::DeniedByRule: {
            const CompiledRule& rule = policy.rules[decision.rule];
            return "rule " + ticked(rule.name) + " denies " + who + asked + where(rule);
        }
        case Reason::AllowedByDelegation: {
            const CompiledRule& rule = policy.rules[decision.rule];
            return "rule " + ticked(rule.name) + " allows " + asked + " to the lender of a delegation" +
                   where(rule);
        }
        case Reason::UnknownRole:
            for (const std::string& role : principal.roles) {
                if (policy.roles.find(role) == kNone) return "role " + ticked(role) + " is not declared";
            }
            break;
        case Reason::UnknownPermission:
            return asked + " is not declared";
        case Reason::SeparationOfDuties:
            return who + "break separation " + ticked(policy.separations[decision.rule].name);
        case Reason::NoRule:
            break;
    }
    const bool any_allow = std::any_of(explanation.rules.begin(), explanation.rules.end(),
                                       [](const RuleTrace& rule) { return rule.effect == Effect::Allow; });
    return any_allow ? "no rule that allows " + who + asked + " holds for this object"
                     : "no rule allows " + who + asked;
}

}  // namespace

std::string_view Policy::name_of(const Decision& decision) const noexcept {
    const std::size_t number = decision.rule;
    if (decision.reason == Reason::SeparationOfDuties) {
        const auto& separations = compiled_->separations;
        return number < separations.size() ? std::string_view(separations[number].name) : std::string_view();
    }
    const auto& rules = compiled_->rules;
    return number < rules.size() ? std::string_view(rules[number].name) : std::string_view();
}

Explanation Policy::explain(const Principal& principal, std::string_view action, std::string_view resource,
                            const core::FieldSource& object, const Context& context) const {
    const CompiledPolicy& policy = *compiled_;
    const BoundPrincipal bound = bind_principal(compiled_, principal);
    const std::uint32_t column = policy.column(action, resource);
    Explanation explanation;
    explanation.decision = decide(bound, column, object, context);
    const Decision& decision = explanation.decision;
    explanation.rule = name_of(decision);
    if (decision.rule != kNone && decision.reason != Reason::SeparationOfDuties)
        explanation.condition = policy.rules[decision.rule].text;
    if (!bound.refused && column != kNone) {
        const Writer writer(policy, column, object);
        writer.trace({bound.principal, context, bound.roles}, "", explanation);
        for (const BoundDelegation* lent : lent_now(bound, column, context))
            writer.trace({lent->lender, context, lent->roles}, "lender", explanation);
    }
    const std::string asked = ticked(std::string(resource) + ":" + std::string(action));
    explanation.sentence = sentence_of(policy, principal, asked, explanation);
    return explanation;
}

void Policy::require(const Principal& principal, std::string_view action, std::string_view resource,
                     const core::FieldSource& object, const Context& context) const {
    const Decision decision = check(principal, action, resource, object, context);
    if (decision) return;
    const Explanation explanation = explain(principal, action, resource, object, context);
    throw core::PermissionDenied(
        "access.denied", explanation.sentence,
        {{"role", core::Value(principal.role())},
         {"permission", core::Value(std::string(resource) + ":" + std::string(action))},
         {"reason", core::Value(to_string(decision.reason))},
         {"rule", core::Value(explanation.rule)}});
}

std::vector<std::string> Policy::condition_fields(std::string_view action, std::string_view resource) const {
    const CompiledPolicy& policy = *compiled_;
    const std::uint32_t column = policy.column(action, resource);
    std::set<std::string> paths;
    if (column == kNone) return {};
    const auto add = [&](const Expression& condition) {
        for (std::string& path : core::field_paths(condition)) paths.insert(std::move(path));
    };
    std::vector<std::uint32_t> roles(policy.roles.size());
    for (std::uint32_t role = 0; role < roles.size(); ++role) {
        roles[role] = role;
        for (const std::uint32_t number : policy.fields[std::size_t{role} * policy.width() + column])
            add(policy.field_rules[number].condition);
    }
    for (const std::uint32_t number : rules_of(policy, roles, column)) add(policy.rules[number].condition);
    return {paths.begin(), paths.end()};
}

std::string to_json(const Explanation& explanation) {
    using Json = nlohmann::ordered_json;
    Json root = {{"allowed", explanation.decision.allowed},
                 {"reason", to_string(explanation.decision.reason)},
                 {"rule", explanation.rule},
                 {"condition", explanation.condition},
                 {"sentence", explanation.sentence}};
    Json& rules = root["rules"] = Json::array();
    for (const RuleTrace& trace : explanation.rules) {
        rules.push_back({{"rule", trace.rule},
                         {"effect", trace.effect == Effect::Allow ? "allow" : "deny"},
                         {"condition", trace.condition},
                         {"truth", trace.truth ? Json(*trace.truth) : Json()}});
    }
    Json& values = root["values"] = Json::object();
    for (const core::Detail& detail : explanation.values)
        values[detail.name] = Json::parse(core::to_json(detail.value));
    return root.dump();
}

}  // namespace consilia::access
