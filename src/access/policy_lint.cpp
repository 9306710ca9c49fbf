// Mistakes in policies: each rule is asked whether anything would change without it.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "access/policy_lint.hpp"
#include "access/ticked.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/expression_types.hpp"

namespace consilia::access {

namespace {

using core::Expression;

}  // namespace

PolicyLint::PolicyLint(const PolicyDocument& document, const AnalysisOptions& options)
    : document_(document), options_(options), model_(document, options), questions_(options) {}

std::vector<Finding> PolicyLint::run() {
    check_fields();
    for (std::uint32_t number = 0; number < document_.rules.size(); ++number) check_rule(number);
    check_field_rules();
    check_roles();
    check_actions();
    check_separations();
    check_never();
    if (questions_.is_exhausted()) {
        add(Severity::Info, "lint.incomplete",
            "the policy is too large to look at all of it within " +
                std::to_string(options_.max_steps_total) + " steps");
    }
    return std::move(findings_);
}

Finding& PolicyLint::add(Severity severity, std::string code, std::string message,
                         std::vector<std::string> rules) {
    findings_.push_back({severity, std::move(code), std::move(message), std::move(rules), {}});
    return findings_.back();
}

std::vector<std::string> PolicyLint::names_of(std::span<const std::uint32_t> rules) const {
    std::vector<std::string> names;
    for (const std::uint32_t number : rules) names.push_back(model_.compiled().rules[number].name);
    return names;
}

AccessQuestions::Question PolicyLint::question(std::uint32_t column, std::vector<Requirement> requirements,
                                               std::vector<std::string> roles) const {
    const Permission& permission = model_.compiled().permissions[column];
    // Whoever has several roles may have any of them as the first.
    if (roles.empty()) {
        const core::Term first = core::parameter("principal_role");
        std::vector<core::Value> names;
        for (const std::string& name : model_.compiled().roles.names()) names.emplace_back(name);
        const bool names_first =
            std::any_of(requirements.begin(), requirements.end(), [](const Requirement& requirement) {
                return uses_parameter(requirement.condition, "principal_role");
            });
        if (names_first) requirements.push_back({first.in(names)});
    }
    return {.requirements = std::move(requirements),
            .roles = std::move(roles),
            .action = permission.action,
            .resource = permission.resource,
            .fields = model_.field_types(permission.resource),
            .parameters = model_.parameter_types()};
}

bool PolicyLint::is_impossible(std::uint32_t column, std::vector<Requirement> requirements) {
    return questions_.ask(question(column, std::move(requirements))).answer == WitnessAnswer::Impossible;
}

// Fields that the options declare: those that the document declares are checked when it is compiled.
void PolicyLint::check_fields() {
    const auto check = [&](const Expression& condition, const std::string& permission,
                           const std::string& rule) {
        for (const std::uint32_t column : model_.compiled().columns_of(permission)) {
            const std::string& resource = model_.compiled().permissions[column].resource;
            const NamedTypes& types = model_.field_types(resource);
            if (types.empty()) continue;
            bool all_known = true;
            for (const std::string& path : core::field_paths(condition))
                all_known &= check_field(path, resource, rule);
            if (!all_known) return;
            if (!check_types(condition, types, rule)) return;
        }
    };
    for (std::size_t i = 0; i < document_.rules.size(); ++i)
        check(document_.rules[i].condition, document_.rules[i].permission, model_.compiled().rules[i].name);
    for (const FieldRule& rule : document_.fields) {
        const std::string name = "fields of " + rule.role + " " + rule.permission;
        check(rule.condition, rule.permission, name);
        for (const std::uint32_t column : model_.compiled().columns_of(rule.permission)) {
            const std::string& resource = model_.compiled().permissions[column].resource;
            if (model_.field_types(resource).empty()) continue;
            for (const std::string& path : rule.fields) {
                if (path != "*") check_field(path, resource, name);
            }
        }
    }
    for (const NeverRule& rule : document_.never) check(rule.condition, rule.permission, rule.name);
}

bool PolicyLint::check_field(const std::string& path, const std::string& resource, const std::string& rule) {
    if (model_.field_types(resource).contains(path)) return true;
    if (unknown_.insert({rule, path}).second)
        add(Severity::Error, "lint.unknown_field",
            ticked(rule) + " names field " + ticked(path) + ", which " + ticked(resource) + " does not have",
            {rule});
    return false;
}

bool PolicyLint::check_types(const Expression& condition, const NamedTypes& types, const std::string& rule) {
    const core::FieldTypes fields{.field = [&](std::string_view path) {
        const auto found = types.find(path);
        return found == types.end() ? core::ValueType::Null : found->second;
    }};
    try {
        core::check_condition(condition, fields);
        return true;
    } catch (const core::InvalidArgument& error) {
        add(Severity::Error, "lint.type",
            "the condition of " + ticked(rule) + " does not work: " + error.what(), {rule});
        return false;
    }
}

// Calls `visit(row, column)` for the cells of a rule, once for those with the same rules.
template <class Visit>
void PolicyLint::for_each_cell(const Rule& rule, const Visit& visit) const {
    for (const std::uint32_t column : model_.compiled().columns_of(rule.permission)) {
        std::set<std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>>> seen;
        for (const std::uint32_t row : model_.rows_of(rule.role)) {
            const Concerned& cell = model_.concerned(row, column);
            if (seen.emplace(cell.allows, cell.denies).second && !visit(row, column)) return;
        }
    }
}

void PolicyLint::check_rule(std::uint32_t number) {
    const bool allows = document_.rules[number].effect == Effect::Allow;
    if (is_unreachable(number)) {
        const std::string& name = model_.compiled().rules[number].name;
        add(Severity::Warning, "lint.unreachable",
            "the condition of rule " + ticked(name) + (allows ? " is never true" : " is always false"),
            {name});
    } else if (allows) {
        check_allow(number);
    } else {
        check_deny(number);
    }
}

bool PolicyLint::is_unreachable(std::uint32_t number) {
    const Rule& rule = document_.rules[number];
    if (rule.condition.is_always_true()) return false;
    const Wanted wanted = rule.effect == Effect::Allow ? Wanted::True : Wanted::NotFalse;
    const auto columns = model_.compiled().columns_of(rule.permission);
    return std::all_of(columns.begin(), columns.end(), [&](std::uint32_t column) {
        return is_impossible(column, {{rule.condition, wanted}});
    });
}

void PolicyLint::check_allow(std::uint32_t number) {
    const Rule& rule = document_.rules[number];
    if (model_.rows_of(rule.role).empty()) return;  // for every role, where none is declared
    std::set<std::uint32_t> deniers;
    bool is_overridden = true;
    for_each_cell(rule, [&](std::uint32_t row, std::uint32_t column) {
        const Concerned& cell = model_.concerned(row, column);
        is_overridden =
            !cell.denies.empty() &&
            is_impossible(column, {{rule.condition}, {model_.any_of(cell.denies), Wanted::False}});
        deniers.insert(cell.denies.begin(), cell.denies.end());
        return is_overridden;
    });
    if (is_overridden) return report_overridden(number, {deniers.begin(), deniers.end()});

    std::set<std::uint32_t> coverers;
    bool is_redundant = true;
    for_each_cell(rule, [&](std::uint32_t row, std::uint32_t column) {
        const Concerned& cell = model_.concerned(row, column);
        std::vector<Requirement> requirements{{rule.condition}};
        if (!cell.denies.empty()) requirements.push_back({model_.any_of(cell.denies), Wanted::False});
        is_redundant =
            covers(column, without(cell.allows, number), std::move(requirements), Wanted::NotTrue, coverers);
        return is_redundant;
    });
    if (is_redundant) report_redundant(number, coverers, "allows");
}

void PolicyLint::check_deny(std::uint32_t number) {
    const Rule& rule = document_.rules[number];
    // A deny rule also takes from what other roles of the same person allow.
    bool denies_nothing = true;
    for (const std::uint32_t column : model_.compiled().columns_of(rule.permission)) {
        std::set<std::uint32_t> allows;
        for (std::uint32_t role = 0; role < model_.compiled().roles.size(); ++role) {
            const Concerned& cell = model_.concerned(role, column);
            allows.insert(cell.allows.begin(), cell.allows.end());
        }
        const std::vector<std::uint32_t> numbers(allows.begin(), allows.end());
        denies_nothing = numbers.empty() || is_impossible(column, {{model_.any_of(numbers)},
                                                                   {rule.condition, Wanted::NotFalse}});
        if (!denies_nothing) break;
    }
    const std::string& name = model_.compiled().rules[number].name;
    if (denies_nothing) {
        add(Severity::Info, "lint.denies_nothing",
            "rule " + ticked(name) + " denies what no rule allows to anybody", {name});
        return;
    }
    std::set<std::uint32_t> coverers;
    bool is_redundant = true;
    for_each_cell(rule, [&](std::uint32_t row, std::uint32_t column) {
        const Concerned& cell = model_.concerned(row, column);
        is_redundant = covers(column, without(cell.denies, number), {{rule.condition, Wanted::NotFalse}},
                              Wanted::False, coverers);
        return is_redundant;
    });
    if (is_redundant) report_redundant(number, coverers, "denies");
}

// Of two rules that say the same the later one is reported, so one of them is left.
std::vector<std::uint32_t> PolicyLint::without(std::vector<std::uint32_t> rules, std::uint32_t number) const {
    std::erase_if(rules, [&](std::uint32_t other) {
        if (other == number || redundant_.contains(other)) return true;
        const Rule& mine = document_.rules[number];
        const Rule& theirs = document_.rules[other];
        return other > number && mine.condition.same_as(theirs.condition) && mine.role == theirs.role &&
               mine.permission == theirs.permission;
    });
    return rules;
}

// Whether the others decide wherever the requirements are met; one of them alone, if one does.
bool PolicyLint::covers(std::uint32_t column, const std::vector<std::uint32_t>& others,
                        std::vector<Requirement> requirements, Wanted uncovered,
                        std::set<std::uint32_t>& coverers) {
    if (others.empty()) return false;
    const auto is_covered_by = [&](std::span<const std::uint32_t> rules) {
        std::vector<Requirement> asked = requirements;
        asked.push_back({model_.any_of(rules), uncovered});
        return is_impossible(column, std::move(asked));
    };
    if (!is_covered_by(others)) return false;
    for (const std::uint32_t& other : others) {
        if (!is_covered_by(std::span(&other, 1))) continue;
        coverers.insert(other);
        return true;
    }
    coverers.insert(others.begin(), others.end());
    return true;
}

void PolicyLint::report_redundant(std::uint32_t number, const std::set<std::uint32_t>& coverers,
                                  std::string_view verb) {
    redundant_.insert(number);
    std::vector<std::uint32_t> rules{number};
    rules.insert(rules.end(), coverers.begin(), coverers.end());
    std::vector<std::string> names = names_of(rules);
    std::string message = "whatever rule " + ticked(names.front()) + " " + std::string(verb) + ", ";
    for (std::size_t i = 1; i < names.size() && i < 4; ++i)
        message += (i == 1 ? "" : ", ") + ticked(names[i]);
    message += names.size() > 4 ? " and others do" : names.size() > 2 ? " do too" : " does too";
    add(Severity::Warning, "lint.redundant", std::move(message), std::move(names));
}

// Denied by a rule for the same role and permission it is a contradiction; else a wider rule may be meant.
void PolicyLint::report_overridden(std::uint32_t number, std::vector<std::uint32_t> deniers) {
    const Rule& rule = document_.rules[number];
    std::string code = "lint.overridden";
    for (const std::uint32_t denier : deniers) {
        const Rule& other = document_.rules[denier];
        if (other.role != rule.role || other.permission != rule.permission) continue;
        const auto columns = model_.compiled().columns_of(rule.permission);
        if (!is_impossible(columns.front(), {{rule.condition}, {other.condition, Wanted::False}})) continue;
        code = "lint.contradiction";
        deniers = {denier};
        break;
    }
    deniers.insert(deniers.begin(), number);
    std::vector<std::string> names = names_of(deniers);
    std::string message = "whatever rule " + ticked(names.front()) + " allows, " + ticked(names[1]);
    message += names.size() > 2 ? " and others deny" : " denies";
    Finding& finding = add(Severity::Warning, std::move(code), std::move(message), std::move(names));

    const std::uint32_t row = model_.rows_of(rule.role).front();
    const std::uint32_t column = model_.compiled().columns_of(rule.permission).front();
    const AccessQuestions::Reply reply =
        questions_.ask(question(column, {{rule.condition}}, {model_.role_name(row)}));
    if (reply.answer == WitnessAnswer::Found && is_allowed(model_.policy(), reply.example) == false)
        finding.example = reply.example;
}

}  // namespace consilia::access
