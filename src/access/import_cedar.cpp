#include "access/import_cedar.hpp"

#include <algorithm>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/functions.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::Operator;

const ImportSource kSource{"import.cedar", ""};
constexpr std::size_t kMaxPolicies = 10'000;

class CedarReader {
public:
    explicit CedarReader(std::string_view text)
        : reader_(tokens_of(text, kSource, {.quotes = "\"", .has_comments = true}), kSource) {}

    CedarText run() {
        while (!reader_.is_at_end()) {
            if (read_.policies.size() == kMaxPolicies)
                reader_.refuse(reader_.peek(), "there are at most 10000 policies");
            read_.policies.push_back(policy());
        }
        return std::move(read_);
    }

private:
    CedarPolicy policy() {
        CedarPolicy policy;
        while (reader_.take_if("@")) annotation(policy);
        const ImportToken effect = reader_.take();
        policy.place = effect.place;
        if (!effect.is("permit") && !effect.is("forbid"))
            reader_.refuse(effect, "wanted `permit` or `forbid`");
        policy.effect = effect.is("permit") ? Effect::Allow : Effect::Deny;
        reader_.want("(");
        principal(policy);
        reader_.want(",");
        action(policy);
        reader_.want(",");
        resource(policy);
        reader_.want(")");
        while (reader_.peek().is("when") || reader_.peek().is("unless")) clause(policy);
        reader_.want(";");
        return policy;
    }

    void annotation(CedarPolicy& policy) {
        const ImportToken name = reader_.take();
        std::string value;
        if (reader_.take_if("(")) {
            value = reader_.take().text;
            reader_.want(")");
        }
        if (name.is("id")) {
            policy.id = value;
        } else {
            read_.other_annotations.insert(name.text);
        }
    }

    // An entity, as its type and id.
    std::pair<std::string, std::string> entity() {
        const ImportToken first = reader_.take();
        if (first.is("?")) reader_.refuse(first, "templates are not carried over");
        if (first.kind != ImportToken::Kind::Name) reader_.refuse(first, "wanted an entity");
        std::string type = first.text;
        while (true) {
            reader_.want(":");
            reader_.want(":");
            const ImportToken part = reader_.take();
            if (part.kind == ImportToken::Kind::Text) return {type, part.text};
            if (part.kind != ImportToken::Kind::Name) reader_.refuse(part, "wanted a type or an id");
            type += "::" + part.text;
        }
    }
    static bool is_of(const std::string& type, std::string_view name) {
        return type == name || type.ends_with("::" + std::string(name));
    }

    void principal(CedarPolicy& policy) {
        reader_.want("principal");
        const ImportToken how = reader_.peek();
        if (how.is(",")) return;
        reader_.take();
        if (how.is("is")) reader_.refuse(how, "principals have no types here");
        if (!how.is("in") && !how.is("==")) reader_.refuse(how, "wanted `in`, `==` or nothing");
        const ImportToken token = reader_.peek();
        const auto [type, id] = entity();
        if (how.is("in")) {
            if (!is_of(type, "Role"))
                reader_.refuse(token, "only `principal in Role::\"…\"` is carried over");
            policy.role = id;
            return;
        }
        read_.compares_principals = true;
        policy.condition = core::parameter("principal_id") == id;
        policy.is_total = false;
    }

    void action(CedarPolicy& policy) {
        reader_.want("action");
        const ImportToken how = reader_.peek();
        if (how.is(",")) return;
        reader_.take();
        if (!how.is("in") && !how.is("==")) reader_.refuse(how, "wanted `in`, `==` or nothing");
        const bool is_list = how.is("in") && reader_.take_if("[");
        do {
            const ImportToken token = reader_.peek();
            const auto [type, id] = entity();
            if (!is_of(type, "Action")) reader_.refuse(token, "wanted an action");
            policy.actions.push_back(id);
        } while (is_list && reader_.take_if(","));
        if (is_list) reader_.want("]");
    }

    void resource(CedarPolicy& policy) {
        reader_.want("resource");
        const ImportToken how = reader_.peek();
        if (how.is(")")) return;
        reader_.take();
        if (!how.is("is"))
            reader_.refuse(how, "only `resource is Type` is carried over: objects have no hierarchy here");
        policy.resource = reader_.take().text;
        while (reader_.take_if(":")) {
            reader_.want(":");
            policy.resource += "::" + reader_.take().text;
        }
        if (reader_.peek().is("in")) reader_.refuse(reader_.peek(), "objects have no hierarchy here");
    }

    void clause(CedarPolicy& policy) {
        const ImportToken kind = reader_.take();
        reader_.want("{");
        const CedarCondition::Both made = CedarCondition(reader_, read_).read();
        reader_.want("}");
        const bool is_when = kind.is("when");
        if (!made.role.empty()) {
            if (!is_when) reader_.refuse(kind, "not to have a role has no counterpart");
            if (!policy.role.empty() && policy.role != made.role)
                reader_.refuse(kind, "a rule is for one role: two at once have no counterpart");
            policy.role = made.role;
        }
        policy.condition = policy.condition && (is_when ? made.holds : made.fails);
        policy.is_total = policy.is_total && made.is_total;
    }

    TokenReader reader_;
    CedarText read_;
};

class CedarImport {
public:
    explicit CedarImport(CedarText text) : text_(std::move(text)) {}

    ImportedPolicy run() {
        name_all();
        for (const CedarPolicy& policy : text_.policies) make_rules(policy);
        note_what_matters();
        require_policy(imported_.document, kSource);
        return std::move(imported_);
    }

private:
    void name_all() {
        std::set<std::string> roles;
        std::set<std::string> resources;
        std::set<std::string> actions;
        for (const CedarPolicy& policy : text_.policies) {
            if (policy.role.empty()) imported_.other_role = "subject";
            if (!policy.role.empty()) roles.insert(policy.role);
            if (!policy.resource.empty()) resources.insert(policy.resource);
            actions.insert(policy.actions.begin(), policy.actions.end());
            has_any_action_ |= policy.actions.empty();
            has_any_resource_ |= policy.resource.empty();
        }
        for (const CedarPolicy& policy : text_.policies) {
            if (actions.empty()) kSource.refuse(policy.place, "action", "no policy names an action");
            if (resources.empty())
                kSource.refuse(policy.place, "resource", "no policy names a type: `resource is Type`");
        }
        imported_.roles = names_for(
            roles, imported_.other_role.empty() ? std::set<std::string>{} : std::set{imported_.other_role});
        imported_.resources = names_for(resources);
        imported_.actions = names_for(actions);
        if (const std::string key = text_.types.resolve(); !key.empty())
            kSource.refuse({}, key, "it is compared with values of different types");
        imported_.principal_attributes =
            attribute_names(text_.types.of("principal."), imported_.document.principal_attributes);
        imported_.context_attributes =
            attribute_names(text_.types.of("context."), imported_.document.context_attributes);
        for (const auto& [original, name] : imported_.resources) {
            std::vector<std::string> verbs;
            for (const auto& [action, verb] : imported_.actions) verbs.push_back(verb);
            imported_.document.resources.emplace(name, Resource(std::move(verbs)));
        }
        if (!imported_.other_role.empty()) imported_.document.roles.push_back({imported_.other_role});
        for (const auto& [original, name] : imported_.roles) imported_.document.roles.push_back({name});
    }

    static ImportedNames attribute_names(const std::map<std::string, core::ValueType>& types,
                                         NamedTypes& declared) {
        std::set<std::string> originals;
        for (const auto& [name, type] : types) originals.insert(name);
        ImportedNames names = names_for(originals, {"id", "role", "name"});
        for (const auto& [name, type] : types) declared.emplace(names.at(name), type);
        return names;
    }

    [[nodiscard]] Expression renamed(const Expression& expression) const {
        if (expression.op() == Operator::Parameter) {
            const std::string_view name = expression.name();
            if (name == "principal_id") return expression;
            const bool is_principal = name.starts_with("principal_");
            const std::string_view prefix = is_principal ? "principal_" : "context_";
            const auto& names = is_principal ? imported_.principal_attributes : imported_.context_attributes;
            return Expression::parameter(std::string(prefix) +
                                         names.find(name.substr(prefix.size()))->second);
        }
        if (expression.operands().empty()) return expression;
        std::vector<Expression> operands;
        for (const Expression& operand : expression.operands()) operands.push_back(renamed(operand));
        return expression.with_operands(std::move(operands));
    }

    void make_rules(const CedarPolicy& policy) {
        Rule rule;
        rule.effect = policy.effect;
        rule.role = policy.role.empty() ? "*" : imported_.roles.at(policy.role);
        rule.condition = renamed(policy.condition);
        // A `forbid` that fails forbids nothing, but a deny rule denies where it is unknown.
        if (policy.effect == Effect::Deny && !policy.is_total)
            rule.condition =
                Expression::make(Operator::Coalesce, {rule.condition, Expression::literal(false)});
        std::vector<std::string> verbs;
        for (const std::string& action : policy.actions) {
            const std::string& verb = imported_.actions.at(action);
            if (std::find(verbs.begin(), verbs.end(), verb) == verbs.end()) verbs.push_back(verb);
        }
        if (verbs.empty()) verbs.emplace_back("*");
        const std::string resource = policy.resource.empty() ? "*" : imported_.resources.at(policy.resource);
        for (const std::string& verb : verbs) {
            rule.permission = resource + ":" + verb;
            rule.name = name_of(policy, verbs.size() > 1 ? " " + verb : "");
            imported_.document.rules.push_back(rule);
        }
    }

    // `@id` where it is there and new.
    std::string name_of(const CedarPolicy& policy, const std::string& suffix) {
        std::string stem = policy.id.empty() ? "line " + std::to_string(policy.place.line) : policy.id;
        stem += suffix;
        std::string name = stem;
        for (int number = 2; !rule_names_.insert(name).second; ++number)
            name = stem + " " + std::to_string(number);
        return name;
    }

    void note_what_matters() {
        auto& notes = imported_.notes;
        if (has_any_action_)
            notes.emplace_back(
                "some policies are for every action: here that is every action in `actions`, and others are "
                "denied");
        if (has_any_resource_)
            notes.emplace_back(
                "some policies are for every resource: here that is every type in `resources`, and others "
                "are denied");
        if (text_.compares_principals)
            notes.emplace_back(
                "the user id of a principal, and attributes that hold entities, are the entity's id as text, "
                "without its type");
        if (!imported_.roles.empty())
            notes.emplace_back(
                "which role inherits from which is in Cedar's entities: add it to the document's roles");
        if (!imported_.other_role.empty())
            notes.emplace_back("principals without another role have the role `subject`");
        text_.types.note_guesses("principal.", notes);
        text_.types.note_guesses("context.", notes);
        const bool has_conditions = std::any_of(text_.policies.begin(), text_.policies.end(),
                                                [](const CedarPolicy& policy) { return !policy.is_total; });
        if (has_conditions)
            notes.emplace_back(
                "attributes are of the types that policies compare them with: others are an error here");
        for (const std::string& name : text_.other_annotations)
            notes.push_back("the annotation `@" + name + "` is left out: it decides nothing");
    }

    CedarText text_;
    ImportedPolicy imported_;
    std::set<std::string> rule_names_;
    bool has_any_action_ = false;
    bool has_any_resource_ = false;
};

}  // namespace

CedarText read_cedar(std::string_view text) {
    return CedarReader(text).run();
}

ImportedPolicy import_cedar(std::string_view text) {
    return CedarImport(read_cedar(text)).run();
}

}  // namespace consilia::access
