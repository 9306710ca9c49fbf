// `never` rules: the search for somebody who may do what nobody must.
#include <algorithm>
#include <set>
#include <utility>

#include "access/policy_questions.hpp"
#include "consilia/access/policy.hpp"

namespace consilia::access {

namespace {

constexpr const char* kFirstRole = "principal_role";

// Roles add up: what is allowed is allowed by a rule of one role, denied by none of any, and forbidden to
// another perhaps; and conditions name the first role. Whoever breaks a rule with any number of roles breaks
// it with these three as well, since fewer roles deny less and are kept apart less.
class NeverSearch {
public:
    NeverSearch(const PolicyModel& model, AccessQuestions& questions)
        : model_(model), questions_(questions) {}

    NeverResult search(const NeverRule& rule) {
        NeverResult result{rule.name, Verdict::Proved, {}, {}};
        for (const std::uint32_t column : model_.compiled().columns_of(rule.permission)) {
            look_at(column);
            for (const std::uint32_t row : model_.rows_of(rule.role)) {
                search(rule, row, column, result);
                if (result.verdict == Verdict::Violated) return result;
            }
        }
        return result;
    }

private:
    void look_at(std::uint32_t column) {
        asked_.clear();
        names_first_.clear();
        for (std::uint32_t role = 0; role < model_.compiled().roles.size(); ++role) {
            const Concerned& cell = model_.concerned(role, column);
            names_first_.push_back(uses_parameter(model_.any_of(cell.allows), kFirstRole) ||
                                   uses_parameter(model_.any_of(cell.denies), kFirstRole));
        }
    }

    // Smaller sets of roles first: they make better examples.
    void search(const NeverRule& rule, std::uint32_t row, std::uint32_t column, NeverResult& result) {
        const auto count = static_cast<std::uint32_t>(names_first_.size());
        const bool asks_first = uses_parameter(rule.condition, kFirstRole);
        ask(rule, {row}, column, result);
        for (std::uint32_t other = 0; other < count && result.verdict != Verdict::Violated; ++other) {
            // A rule for everybody is broken by the role that allows it, whatever else there is.
            const bool adds = rule.role != "*" && !model_.concerned(other, column).allows.empty();
            if (other != row && !adds) continue;
            std::vector<std::uint32_t> both{row};
            if (other != row) both.push_back(other);
            ask(rule, both, column, result);
            if (!asks_first && !names_first_[row] && !names_first_[other]) continue;
            for (std::uint32_t first = 0; first < count && result.verdict != Verdict::Violated; ++first) {
                std::vector<std::uint32_t> roles{first};
                for (const std::uint32_t role : both) {
                    if (role != first) roles.push_back(role);
                }
                ask(rule, roles, column, result);
            }
        }
    }

    void ask(const NeverRule& rule, const std::vector<std::uint32_t>& roles, std::uint32_t column,
             NeverResult& result) {
        core::Expression scope = model_.scope(roles, column);
        std::vector<std::string> names;
        for (const std::uint32_t role : roles) names.push_back(model_.role_name(role));
        const bool names_first =
            uses_parameter(scope, kFirstRole) || uses_parameter(rule.condition, kFirstRole);
        // Many sets of roles have the same rules.
        const std::string key =
            (names_first ? names.front() : std::string()) + "\n" + rules_of(roles, column);
        if (!asked_.insert(key).second) return;
        const Permission& permission = model_.compiled().permissions[column];
        const AccessQuestions::Reply reply =
            questions_.ask({.requirements = {{std::move(scope)}, {rule.condition}},
                            .roles = std::move(names),
                            .action = permission.action,
                            .resource = permission.resource,
                            .fields = model_.field_types(permission.resource),
                            .parameters = model_.parameter_types()});
        if (reply.answer == WitnessAnswer::Found && is_allowed(model_.policy(), reply.example) == true) {
            result.verdict = Verdict::Violated;
            result.counterexample = reply.example;
            result.reason.clear();
        } else if (reply.answer != WitnessAnswer::Impossible && result.verdict == Verdict::Proved) {
            result.verdict = Verdict::Unknown;
            result.reason = reply.reason;
        }
    }

    [[nodiscard]] std::string rules_of(const std::vector<std::uint32_t>& roles, std::uint32_t column) const {
        if (model_.is_separated(roles, column)) return "separated";
        std::set<std::uint32_t> rules;
        for (const std::uint32_t role : roles) {
            const Concerned& cell = model_.concerned(role, column);
            rules.insert(cell.allows.begin(), cell.allows.end());
            rules.insert(cell.denies.begin(), cell.denies.end());
        }
        std::string text;
        for (const std::uint32_t number : rules) text += std::to_string(number) + " ";
        return text;
    }

    const PolicyModel& model_;
    AccessQuestions& questions_;
    std::set<std::string> asked_;    // Of this column.
    std::vector<bool> names_first_;  // By role: whether its rules of this column name the first role.
};

}  // namespace

std::vector<NeverResult> find_violations(const PolicyDocument& document, std::span<const NeverRule> rules,
                                         const AnalysisOptions& options) {
    PolicyDocument asked = document;
    asked.never.assign(rules.begin(), rules.end());
    const PolicyModel model(asked, options);
    AccessQuestions questions(options);
    NeverSearch search(model, questions);
    std::vector<NeverResult> results;
    for (const NeverRule& rule : rules) results.push_back(search.search(rule));
    return results;
}

std::vector<NeverResult> find_violations(const PolicyDocument& document, const AnalysisOptions& options) {
    return find_violations(document, document.never, options);
}

}  // namespace consilia::access
