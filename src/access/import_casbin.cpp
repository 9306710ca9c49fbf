#include "access/import_casbin.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::Operator;

const ImportSource kModel{"import.casbin", "model"};
const ImportSource kPolicy{"import.casbin", "policy"};

// Casbin follows no longer chain of roles.
constexpr std::size_t kMaxLinks = 10;

struct FoundRule {
    CasbinClause clause;
    Effect effect = Effect::Allow;
};

Expression renamed(const Expression& expression, const ImportedNames& attributes) {
    if (expression.op() == Operator::Parameter) {
        const auto found = attributes.find(
            std::string_view(expression.name()).substr(std::string_view("principal_").size()));
        return found == attributes.end() ? expression : Expression::parameter("principal_" + found->second);
    }
    if (expression.operands().empty()) return expression;
    std::vector<Expression> operands;
    for (const Expression& operand : expression.operands()) operands.push_back(renamed(operand, attributes));
    return expression.with_operands(std::move(operands));
}

class CasbinImport {
public:
    explicit CasbinImport(CasbinModel model) : model_(std::move(model)) {}

    ImportedPolicy run() {
        collect_rules();
        collect_roles();
        name_all();
        make_roles();
        for (const FoundRule& found : rules_) make_rule(found);
        note_what_matters();
        require_policy(imported_.document, kPolicy);
        return std::move(imported_);
    }

private:
    void collect_rules() {
        const auto effect_place = std::find(model_.policy.begin(), model_.policy.end(), "eft");
        const auto add = [&](const CasbinRow& row, Effect effect) {
            const std::vector<CasbinClause> clauses = clauses_of(model_, row, uses_);
            if (clauses.empty()) ++never_matching_;
            for (const CasbinClause& clause : clauses) rules_.push_back({clause, effect});
        };
        for (const CasbinRow& row : model_.rows) {
            Effect effect = Effect::Allow;
            if (effect_place != model_.policy.end()) {
                const std::string& text =
                    row.values[static_cast<std::size_t>(effect_place - model_.policy.begin())];
                if (text != "allow" && text != "deny")
                    kPolicy.refuse({row.line, 1}, text, "an effect is `allow` or `deny`");
                effect = text == "allow" ? Effect::Allow : Effect::Deny;
            }
            if (effect == Effect::Deny && !model_.denies_override) {
                ++ignored_;
                continue;
            }
            add(row, effect);
        }
        // Without rows the matcher is asked once, and allows.
        const bool needs_rows = model_.matcher.find("p.") != std::string::npos;
        if (model_.rows.empty() && !needs_rows)
            add({std::vector<std::string>(model_.policy.size()), 1}, Effect::Allow);
        if (const std::string key = uses_.types.resolve(); !key.empty())
            kPolicy.refuse({}, key, "it is compared with values of different types");
        subject_attributes_ = uses_.types.of("principal.");
        if (uses_.has_subject_name && !subject_attributes_.empty())
            kModel.refuse(model_.matcher_place, "r.sub",
                          "it is a name and has attributes: one of both is carried over");
        if (uses_.has_object_name && uses_.has_object_attribute)
            kModel.refuse(model_.matcher_place, "r.obj",
                          "it is a name and has attributes: one of both is carried over");
    }

    // Roles are what rules are for and what others are linked to; any other name is a subject only.
    void collect_roles() {
        for (const FoundRule& rule : rules_) {
            if (rule.clause.has_role) roles_.insert(rule.clause.role);
            needs_other_role_ |= !rule.clause.has_role;
        }
        for (const CasbinRow& link : model_.links) {
            parents_[link.values[0]].insert(link.values[1]);
            roles_.insert(link.values[1]);
        }
        for (const auto& [name, parents] : parents_) require_short_chain(name);
    }

    void require_short_chain(const std::string& name) {
        const std::function<void(const std::string&, std::size_t)> follow = [&](const std::string& at,
                                                                                std::size_t links) {
            if (links > kMaxLinks)
                kPolicy.refuse({}, "g, " + name, "roles inherit in a circle, or in chains of more than 10");
            const auto found = parents_.find(at);
            if (found == parents_.end() || !checked_.insert(at + "\n" + std::to_string(links)).second) return;
            for (const std::string& parent : found->second) follow(parent, links + 1);
        };
        follow(name, 0);
    }

    void name_all() {
        std::set<std::string> objects;
        std::set<std::string> actions;
        bool all_name_objects = true;
        bool all_name_actions = true;
        for (const FoundRule& rule : rules_) {
            all_name_objects &= rule.clause.has_object;
            all_name_actions &= rule.clause.has_action;
            if (rule.clause.has_object) objects.insert(rule.clause.object);
            if (rule.clause.has_action) actions.insert(rule.clause.action);
        }
        if (!all_name_objects || uses_.needs_object_field) imported_.object_resource = "object";
        if (!all_name_actions) {
            if (actions.empty()) actions.insert("access");
            imported_.notes.emplace_back(
                "some rules are for every action: here that is every action in `actions`, and others are "
                "denied");
        }
        std::set<std::string> reserved;
        if (needs_other_role_) {
            imported_.other_role = "subject";
            reserved.insert("subject");
        }
        imported_.roles = names_for(roles_, reserved);
        imported_.actions = names_for(actions);
        if (imported_.object_resource.empty()) imported_.resources = names_for(objects);
        std::set<std::string> attributes;
        for (const auto& [name, type] : subject_attributes_) attributes.insert(name);
        imported_.principal_attributes = names_for(attributes, {"id", "role", "name"});
        for (const auto& [name, type] : subject_attributes_)
            imported_.document.principal_attributes.emplace(imported_.principal_attributes.at(name), type);

        std::vector<std::string> verbs;
        for (const auto& [original, name] : imported_.actions) verbs.push_back(name);
        if (!imported_.object_resource.empty()) {
            imported_.document.resources.emplace(imported_.object_resource, Resource(verbs));
        }
        for (const auto& [original, name] : imported_.resources)
            imported_.document.resources.emplace(name, Resource(verbs));
    }

    void make_roles() {
        if (needs_other_role_) imported_.document.roles.push_back({imported_.other_role});
        for (const auto& [original, name] : imported_.roles) {
            Role role{name};
            for (const std::string& parent : parents_[original])
                role.inherits.push_back(imported_.roles.at(parent));
            imported_.document.roles.push_back(std::move(role));
            imported_.assignments[original] = {name};
        }
        for (const auto& [subject, parents] : parents_) {
            if (roles_.contains(subject)) continue;
            for (const std::string& parent : parents)
                imported_.assignments[subject].push_back(imported_.roles.at(parent));
        }
        if (!needs_other_role_) return;
        for (const std::string& subject : uses_.subjects)
            imported_.assignments.try_emplace(subject, std::vector<std::string>{imported_.other_role});
    }

    void make_rule(const FoundRule& found) {
        const CasbinClause& clause = found.clause;
        Rule rule;
        rule.effect = found.effect;
        rule.role = clause.has_role ? imported_.roles.at(clause.role) : "*";
        rule.condition = renamed(clause.condition, imported_.principal_attributes);
        std::string resource = imported_.object_resource;
        if (resource.empty()) {
            resource = imported_.resources.at(clause.object);
        } else if (clause.has_object) {
            rule.condition = (core::field("name") == clause.object) && rule.condition;
        }
        rule.permission = resource + ":" + (clause.has_action ? imported_.actions.at(clause.action) : "*");
        auto& rules = imported_.document.rules;
        const bool is_known = std::any_of(rules.begin(), rules.end(), [&](const Rule& other) {
            return other.effect == rule.effect && other.role == rule.role &&
                   other.permission == rule.permission && other.condition.same_as(rule.condition);
        });
        if (!is_known) rules.push_back(std::move(rule));
    }

    void note_what_matters() {
        auto& notes = imported_.notes;
        if (ignored_ != 0)
            notes.push_back(std::to_string(ignored_) +
                            " lines with the effect deny are left out: the model's effect ignores them");
        if (never_matching_ != 0)
            notes.push_back(std::to_string(never_matching_) +
                            " lines are left out: the matcher is never true of them");
        if (model_.rows.empty() && rules_.empty())
            notes.emplace_back("the policy has no lines: nobody may do anything");
        if (!imported_.object_resource.empty())
            notes.push_back("every object is of resource `object`, and rules look at its fields" +
                            std::string(uses_.has_object_name ? ": its name is the field `name`" : ""));
        if (uses_.has_subject_name && needs_other_role_)
            notes.emplace_back("the user id of a principal is the name of the subject, as text");
        if (needs_other_role_)
            notes.emplace_back("subjects that `assignments` does not name have the role `subject`");
        uses_.types.note_guesses("principal.", notes);
        if (!subject_attributes_.empty() || uses_.has_object_attribute)
            notes.emplace_back(
                "an attribute that is missing is an error there and null here: nothing is allowed by it");
    }

    CasbinModel model_;
    CasbinUses uses_;
    std::vector<FoundRule> rules_;
    std::set<std::string> roles_;
    std::map<std::string, std::set<std::string>> parents_;
    std::set<std::string> checked_;
    std::map<std::string, core::ValueType> subject_attributes_;
    bool needs_other_role_ = false;
    std::size_t ignored_ = 0;
    std::size_t never_matching_ = 0;
    ImportedPolicy imported_;
};

}  // namespace

ImportedPolicy import_casbin(std::string_view model, std::string_view policy) {
    return CasbinImport(read_casbin(model, policy)).run();
}

}  // namespace consilia::access
