// What is wrong with roles, actions, separations and `never` rules.
#include <algorithm>
#include <utility>

#include "access/policy_lint.hpp"
#include "access/ticked.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

bool PolicyLint::may_do(std::uint32_t role, std::uint32_t column) {
    const std::size_t width = model_.compiled().width();
    if (may_do_.empty()) may_do_.assign(model_.compiled().roles.size() * width, -1);
    signed char& known = may_do_[role * width + column];
    if (known < 0) {
        const AccessQuestions::Reply reply =
            questions_.ask(question(column, {{model_.scope({role}, column)}}, {model_.role_name(role)}));
        known = reply.answer == WitnessAnswer::Impossible ? 0 : 1;
    }
    return known == 1;
}

void PolicyLint::check_field_rules() {
    for (const FieldRule& rule : document_.fields) {
        if (rule.effect == Effect::Deny) continue;
        bool is_useful = false;
        for (const std::uint32_t column : model_.compiled().columns_of(rule.permission)) {
            for (const std::uint32_t row : model_.rows_of(rule.role))
                is_useful = is_useful || may_do(row, column);
        }
        if (!is_useful)
            add(Severity::Warning, "lint.fields_without_permission",
                "role " + ticked(rule.role) + " has fields under " + ticked(rule.permission) +
                    ", which it may not do to any object");
    }
}

void PolicyLint::check_roles() {
    const std::uint32_t width = model_.compiled().width();
    for (std::uint32_t role = 0; role < model_.compiled().roles.size(); ++role) {
        bool is_useful = false;
        for (std::uint32_t column = 0; column < width && !is_useful; ++column)
            is_useful = may_do(role, column);
        if (!is_useful)
            add(Severity::Warning, "lint.role_without_permissions",
                "role " + ticked(model_.role_name(role)) + " may do nothing");
    }
}

void PolicyLint::check_actions() {
    for (std::uint32_t column = 0; column < model_.compiled().width(); ++column) {
        bool is_useful = false;
        for (std::uint32_t role = 0; role < model_.compiled().roles.size() && !is_useful; ++role)
            is_useful = may_do(role, column);
        if (!is_useful)
            add(Severity::Warning, "lint.nobody_may",
                "no role may do " + ticked(model_.compiled().permissions[column].text()));
    }
}

void PolicyLint::check_separations() {
    for (const CompiledSeparation& separation : model_.compiled().separations) check_separation(separation);
}

// Pairs of roles that have too many of the separated roles or permissions between them, unless the separation
// names both. No role has too many alone: that does not compile.
void PolicyLint::check_separation(const CompiledSeparation& separation) {
    const CompiledPolicy& compiled = model_.compiled();
    const auto reaches = [&](std::uint32_t own, std::uint32_t role) {
        return std::binary_search(compiled.ancestors[own].begin(), compiled.ancestors[own].end(), role);
    };
    const auto held_by = [&](std::span<const std::uint32_t> roles) {
        const auto any = [&](const auto& has) { return std::any_of(roles.begin(), roles.end(), has); };
        std::uint32_t held = 0;
        for (const std::uint32_t role : separation.roles)
            held += any([&](std::uint32_t own) { return reaches(own, role); }) ? 1 : 0;
        for (const std::uint32_t column : separation.columns)
            held += any([&](std::uint32_t own) { return compiled.may_allow(own, column); }) ? 1 : 0;
        return held;
    };
    const std::string consequence = separation.roles.empty() ? "those permissions" : "everything";
    const auto is_listed = [&](std::uint32_t role) {
        return std::find(separation.roles.begin(), separation.roles.end(), role) != separation.roles.end();
    };
    for (std::uint32_t i = 0; i < compiled.roles.size(); ++i) {
        for (std::uint32_t j = i + 1; j < compiled.roles.size(); ++j) {
            const std::uint32_t pair[] = {i, j};
            if (held_by(pair) <= separation.at_most || (is_listed(pair[0]) && is_listed(pair[1]))) continue;
            add(Severity::Info, "lint.pair_breaks_separation",
                "roles " + ticked(model_.role_name(pair[0])) + " and " + ticked(model_.role_name(pair[1])) +
                    " together break separation " + ticked(separation.name) +
                    ": whoever has both is denied " + consequence,
                {separation.name});
        }
    }
}

void PolicyLint::check_never() {
    for (const NeverResult& result : find_violations(document_, options_)) {
        if (result.verdict == Verdict::Proved) continue;
        const bool is_violated = result.verdict == Verdict::Violated;
        Finding& finding = add(
            is_violated ? Severity::Error : Severity::Info, is_violated ? "lint.never" : "lint.never_unknown",
            "the policy " + std::string(is_violated ? "allows" : "may allow") + " what " +
                ticked(result.rule) + " forbids" + (is_violated ? "" : ": " + result.reason),
            {result.rule});
        finding.example = result.counterexample;
    }
}

std::vector<Finding> lint(const PolicyDocument& document, const AnalysisOptions& options) {
    try {
        return PolicyLint(document, options).run();
    } catch (const core::ValidationError& error) {
        return {{Severity::Error, error.code(), error.what(), {}, {}}};
    }
}

}  // namespace consilia::access
