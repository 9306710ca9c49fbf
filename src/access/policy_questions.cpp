#include "access/policy_questions.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "access/witness_formula.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/functions.hpp"

namespace consilia::access {

namespace {

using core::Expression;
using core::Operator;
using core::Value;
using core::ValueType;

// 2026-01-01T00:00:00Z, where a question does not depend on the time.
constexpr core::Timestamp kPlainTime{1'767'225'600'000'000};
constexpr std::int64_t kMicrosecondsPerDay = 86'400'000'000;

Expression any_of(std::vector<Expression> conditions) {
    if (conditions.empty()) return Expression::literal(false);
    for (const Expression& condition : conditions) {
        if (condition.is_always_true()) return {};
    }
    if (conditions.size() == 1) return conditions.front();
    return Expression::make(Operator::Or, std::move(conditions));
}

// What no principal and no context can be.
std::vector<Requirement> facts_of(const std::vector<Requirement>& requirements) {
    const auto uses = [&](std::string_view name) {
        return std::any_of(requirements.begin(), requirements.end(), [&](const Requirement& requirement) {
            return uses_parameter(requirement.condition, name);
        });
    };
    std::vector<Requirement> facts;
    for (const char* name : {"principal_name", "now", "today"}) {
        if (uses(name)) facts.push_back({core::parameter(name).is_not_null()});
    }
    if (uses("now") && uses("today"))
        facts.push_back({core::date_of(core::parameter("now")) == core::parameter("today")});
    if (uses("address"))
        facts.push_back({core::parameter("address").is_null() || core::parameter("address") != ""});
    return facts;
}

Attributes attributes_of(const core::Parameters& parameters, std::string_view prefix) {
    Attributes attributes;
    for (const auto& [name, value] : parameters) {
        const std::string_view rest = std::string_view(name).substr(std::min(prefix.size(), name.size()));
        const bool is_own = prefix == "principal_" && (rest == "id" || rest == "role" || rest == "name");
        if (name.starts_with(prefix) && !is_own && !value.is_null()) attributes.emplace(rest, value);
    }
    return attributes;
}

AccessExample example_of(const AccessQuestions::Question& question, const Assignment& values) {
    const auto parameter = [&](std::string_view name) {
        const auto found = values.parameters.find(name);
        return found == values.parameters.end() ? Value() : found->second;
    };
    AccessExample example;
    example.action = question.action;
    example.resource = question.resource;
    example.principal.roles = question.roles;
    example.principal.user_id = parameter("principal_id");
    if (const Value name = parameter("principal_name"); !name.is_null())
        example.principal.name = name.as<std::string>();
    example.principal.attributes = attributes_of(values.parameters, "principal_");
    example.context.attributes = attributes_of(values.parameters, "context_");
    example.context.now = kPlainTime;
    if (const Value today = parameter("today"); !today.is_null())
        example.context.now = core::Timestamp{today.as<core::Date>().days * kMicrosecondsPerDay};
    if (const Value now = parameter("now"); !now.is_null()) example.context.now = now.as<core::Timestamp>();
    if (const Value address = parameter("address"); !address.is_null())
        example.context.address = address.as<std::string>();
    example.object = values.fields;
    std::erase_if(example.object, [](const auto& field) { return field.second.is_null(); });
    return example;
}

}  // namespace

PolicyModel::PolicyModel(const PolicyDocument& document, const AnalysisOptions& options)
    : options_(options),
      policy_(document),
      compiled_(document),
      table_(std::size_t{compiled_.roles.size()} * compiled_.width()) {
    const auto for_each_cell = [&](const std::string& role, const std::string& permission,
                                   const auto& visit) {
        const std::vector<std::uint32_t> columns = compiled_.columns_of(permission);
        for (const std::uint32_t row : rows_of(role)) {
            for (const std::uint32_t column : columns)
                visit(table_[std::size_t{row} * compiled_.width() + column]);
        }
    };
    for (std::uint32_t number = 0; number < document.rules.size(); ++number) {
        const Rule& rule = document.rules[number];
        for_each_cell(rule.role, rule.permission, [&](Concerned& cell) {
            (rule.effect == Effect::Allow ? cell.allows : cell.denies).push_back(number);
        });
    }
    for (std::uint32_t number = 0; number < document.fields.size(); ++number) {
        const FieldRule& rule = document.fields[number];
        if (rule.fields.empty()) continue;
        for_each_cell(rule.role, rule.permission, [&](Concerned& cell) { cell.fields.push_back(number); });
    }
}

std::vector<std::uint32_t> PolicyModel::rows_of(const std::string& role) const {
    if (role != "*") return compiled_.heirs[compiled_.roles.find(role)];
    std::vector<std::uint32_t> all(compiled_.roles.size());
    for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
}

bool PolicyModel::is_separated(const std::vector<std::uint32_t>& roles, std::uint32_t column) const {
    if (compiled_.broken_by(roles) != kNone) return true;
    for (const CompiledSeparation& separation : compiled_.separations) {
        const auto& columns = separation.columns;
        if (std::find(columns.begin(), columns.end(), column) == columns.end()) continue;
        const auto held = std::count_if(columns.begin(), columns.end(), [&](std::uint32_t each) {
            return std::any_of(roles.begin(), roles.end(),
                               [&](std::uint32_t role) { return compiled_.may_allow(role, each); });
        });
        if (held > static_cast<std::ptrdiff_t>(separation.at_most)) return true;
    }
    return false;
}

Expression PolicyModel::any_of(std::span<const std::uint32_t> rules) const {
    std::vector<Expression> conditions;
    for (const std::uint32_t number : rules) conditions.push_back(compiled_.rules[number].condition);
    return access::any_of(std::move(conditions));
}

Expression PolicyModel::scope(const std::vector<std::uint32_t>& roles, std::uint32_t column) const {
    if (is_separated(roles, column)) return Expression::literal(false);
    std::set<std::uint32_t> allows;
    std::set<std::uint32_t> denies;
    for (const std::uint32_t role : roles) {
        const Concerned& cell = concerned(role, column);
        allows.insert(cell.allows.begin(), cell.allows.end());
        denies.insert(cell.denies.begin(), cell.denies.end());
    }
    const auto joined = [&](const std::set<std::uint32_t>& rules) {
        return any_of(std::vector<std::uint32_t>(rules.begin(), rules.end()));
    };
    return denies.empty() ? joined(allows) : joined(allows) && !joined(denies);
}

bool PolicyModel::names_field(const CompiledFieldRule& rule, std::uint32_t column,
                              const std::string& field) const {
    if (!rule.fields.empty())
        return std::find(rule.fields.begin(), rule.fields.end(), field) != rule.fields.end();
    return compiled_.document.resources.at(compiled_.permissions[column].resource).fields.contains(field);
}

Expression PolicyModel::field_scope(std::uint32_t role, std::uint32_t column,
                                    const std::string& field) const {
    if (is_separated({role}, column)) return Expression::literal(false);
    std::vector<Expression> allows;
    std::vector<Expression> denies;
    for (const std::uint32_t number : concerned(role, column).fields) {
        const CompiledFieldRule& rule = compiled_.field_rules[number];
        if (names_field(rule, column, field))
            (rule.effect == Effect::Allow ? allows : denies).push_back(rule.condition);
    }
    const bool denies_any = !denies.empty();
    const Expression denied = access::any_of(std::move(denies));
    const Expression allowed = access::any_of(std::move(allows));
    return denies_any ? allowed && !denied : allowed;
}

std::vector<Requirement> PolicyModel::field_conditions(std::uint32_t role, std::uint32_t column) const {
    std::vector<Requirement> evaluated;
    for (const std::uint32_t number : concerned(role, column).fields) {
        const CompiledFieldRule& rule = compiled_.field_rules[number];
        if (!rule.is_always())
            evaluated.push_back(
                {Expression::make(Operator::Or, {rule.condition, Expression::literal(true)})});
    }
    return evaluated;
}

std::vector<std::string> PolicyModel::named_fields(std::uint32_t role, std::uint32_t column) const {
    std::set<std::string> names;
    for (const std::uint32_t number : concerned(role, column).fields) {
        const CompiledFieldRule& rule = compiled_.field_rules[number];
        names.insert(rule.fields.begin(), rule.fields.end());
        if (!rule.fields.empty()) continue;
        const auto& resource = compiled_.document.resources.at(compiled_.permissions[column].resource);
        for (const auto& [path, type] : resource.fields) names.insert(path);
    }
    return {names.begin(), names.end()};
}

const NamedTypes& PolicyModel::field_types(const std::string& resource) const {
    static const NamedTypes kUndeclared;
    const auto declared = compiled_.document.resources.find(resource);
    if (declared != compiled_.document.resources.end() && !declared->second.fields.empty())
        return declared->second.fields;
    const auto given = options_.fields.find(resource);
    return given == options_.fields.end() ? kUndeclared : given->second;
}

NamedTypes PolicyModel::parameter_types() const {
    NamedTypes types{{"principal_role", ValueType::Text},
                     {"principal_name", ValueType::Text},
                     {"now", ValueType::Timestamp},
                     {"today", ValueType::Date},
                     {"address", ValueType::Text}};
    for (const auto& [name, type] : compiled_.document.principal_attributes)
        types.emplace("principal_" + name, type);
    for (const auto& [name, type] : compiled_.document.context_attributes)
        types.emplace("context_" + name, type);
    return types;
}

AccessQuestions::Reply AccessQuestions::ask(const Question& question) {
    std::vector<Requirement> requirements = question.requirements;
    core::Parameters bound;
    if (!question.roles.empty()) bound.emplace("principal_role", Value(question.roles.front()));
    for (Requirement& requirement : requirements)
        requirement.condition = core::bind(requirement.condition, bound);
    for (Requirement& fact : facts_of(requirements)) requirements.push_back(std::move(fact));
    WitnessOptions options{.fields = question.fields, .parameters = question.parameters};
    options.max_steps =
        std::min(options_.max_steps, options_.max_steps_total - std::min(steps_, options_.max_steps_total));
    const Witness witness = find_witness(requirements, options);
    steps_ += witness.steps + 1;
    Reply reply;
    reply.answer = witness.answer;
    reply.reason = witness.reason;
    if (witness.answer == WitnessAnswer::Found) reply.example = example_of(question, witness.values);
    return reply;
}

std::optional<bool> is_allowed(const Policy& policy, const AccessExample& example) {
    try {
        return policy
            .check(example.principal, example.action, example.resource, field_source(example.object),
                   example.context)
            .allowed;
    } catch (const core::InvalidArgument&) {
        return std::nullopt;
    }
}

std::optional<bool> has_field(const Policy& policy, const AccessExample& example, const std::string& field) {
    try {
        const auto fields = policy.fields(example.principal, example.action, example.resource,
                                          field_source(example.object), example.context);
        return std::binary_search(fields.begin(), fields.end(), field);
    } catch (const core::InvalidArgument&) {
        return std::nullopt;
    }
}

NamedTypes joined_types(NamedTypes types, const NamedTypes& others) {
    for (const auto& [name, type] : others) {
        const auto [known, is_new] = types.emplace(name, type);
        if (!is_new && known->second != type) known->second = ValueType::Null;
    }
    return types;
}

bool uses_parameter(const Expression& expression, std::string_view name) {
    if (expression.op() == Operator::Parameter) return expression.name() == name;
    const auto operands = expression.operands();
    return std::any_of(operands.begin(), operands.end(),
                       [&](const Expression& operand) { return uses_parameter(operand, name); });
}

}  // namespace consilia::access
