// What two policies answer differently, role by role.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "access/policy_questions.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {

namespace {

using core::Expression;

// One policy of two, which may lack what the other has.
class Side {
public:
    Side(const PolicyDocument& document, const AnalysisOptions& options) : model_(document, options) {}

    struct Place {
        std::uint32_t role = kNone;
        std::uint32_t column = kNone;
        [[nodiscard]] bool is_known() const noexcept { return role != kNone && column != kNone; }
    };
    [[nodiscard]] Place place(const std::string& role, const Permission& permission) const {
        return {model_.compiled().roles.find(role),
                model_.compiled().column(permission.action, permission.resource)};
    }
    /// Of the permission, or of a field under it.
    [[nodiscard]] Expression scope(const Place& place, const std::string& field) const {
        if (!place.is_known()) return Expression::literal(false);
        return field.empty() ? model_.scope({place.role}, place.column)
                             : model_.field_scope(place.role, place.column, field);
    }
    [[nodiscard]] std::vector<Requirement> field_conditions(const Place& place) const {
        return place.is_known() ? model_.field_conditions(place.role, place.column)
                                : std::vector<Requirement>();
    }
    [[nodiscard]] std::vector<std::string> fields(const Place& place) const {
        return place.is_known() ? model_.named_fields(place.role, place.column) : std::vector<std::string>();
    }
    [[nodiscard]] std::optional<bool> allows(const AccessExample& example, const std::string& field) const {
        return field.empty() ? is_allowed(model_.policy(), example)
                             : has_field(model_.policy(), example, field);
    }
    [[nodiscard]] const PolicyModel& model() const noexcept { return model_; }

private:
    PolicyModel model_;
};

class Comparison {
public:
    Comparison(const PolicyDocument& before, const PolicyDocument& after, const AnalysisOptions& options)
        : before_(before, options), after_(after, options), questions_(options) {
        for (const auto& [name, type] :
             joined_types(before_.model().parameter_types(), after_.model().parameter_types()))
            parameters_.emplace(name, type);
    }

    std::vector<PolicyChange> run() {
        for (const std::string& role : roles()) {
            for (const Permission& permission : permissions()) compare(role, permission);
        }
        return std::move(changes_);
    }

private:
    // Of both policies; those of the first in its order.
    [[nodiscard]] std::vector<std::string> roles() const {
        std::vector<std::string> names = before_.model().compiled().roles.names();
        for (const std::string& name : after_.model().compiled().roles.names()) {
            if (before_.model().compiled().roles.find(name) == kNone) names.push_back(name);
        }
        return names;
    }
    [[nodiscard]] std::vector<Permission> permissions() const {
        std::map<std::string, Permission> found;
        for (const Side* side : {&before_, &after_}) {
            for (const Permission& permission : side->model().compiled().permissions)
                found.emplace(permission.text(), permission);
        }
        std::vector<Permission> permissions;
        for (auto& [text, permission] : found) permissions.push_back(std::move(permission));
        return permissions;
    }

    void compare(const std::string& role, const Permission& permission) {
        const Side::Place was = before_.place(role, permission);
        const Side::Place is = after_.place(role, permission);
        std::set<std::string> fields{""};
        for (std::string& field : before_.fields(was)) fields.insert(std::move(field));
        for (std::string& field : after_.fields(is)) fields.insert(std::move(field));
        for (const std::string& field : fields) {
            const Expression first = before_.scope(was, field);
            const Expression second = after_.scope(is, field);
            if (first.same_as(second)) continue;
            ask(role, permission, field, ChangeKind::Gains, first, second);
            ask(role, permission, field, ChangeKind::Loses, second, first);
        }
    }

    // Something that only `wider` allows.
    void ask(const std::string& role, const Permission& permission, const std::string& field, ChangeKind kind,
             const Expression& narrower, const Expression& wider) {
        std::vector<Requirement> requirements{{wider, Wanted::True}, {narrower, Wanted::NotTrue}};
        if (!field.empty()) {
            for (const Side* side : {&before_, &after_}) {
                for (Requirement& each : side->field_conditions(side->place(role, permission)))
                    requirements.push_back(std::move(each));
            }
        }
        const AccessQuestions::Reply reply =
            questions_.ask({.requirements = std::move(requirements),
                            .roles = {role},
                            .action = permission.action,
                            .resource = permission.resource,
                            .fields = joined_types(before_.model().field_types(permission.resource),
                                                   after_.model().field_types(permission.resource)),
                            .parameters = parameters_});
        if (reply.answer == WitnessAnswer::Impossible) return;
        PolicyChange change{role, permission.resource, permission.action, field, kind, {}};
        if (reply.answer == WitnessAnswer::Found) {
            const bool gains = kind == ChangeKind::Gains;
            const bool is_confirmed = before_.allows(reply.example, field) == !gains &&
                                      after_.allows(reply.example, field) == gains;
            if (is_confirmed) change.example = reply.example;
        }
        changes_.push_back(std::move(change));
    }

    Side before_;
    Side after_;
    AccessQuestions questions_;
    NamedTypes parameters_;
    std::vector<PolicyChange> changes_;
};

}  // namespace

std::vector<PolicyChange> diff(const PolicyDocument& before, const PolicyDocument& after,
                               const AnalysisOptions& options) {
    return Comparison(before, after, options).run();
}

}  // namespace consilia::access
