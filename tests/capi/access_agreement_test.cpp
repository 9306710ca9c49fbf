// Goal: a policy asked over the C ABI answers as in C++. Method: random policies, principals and objects; the
// scope, as text and parameters, is the expression that it was made of. A failure prints the seed.
#include <gtest/gtest.h>

#include <optional>

#include "access/random_policy.hpp"
#include "consilia.h"
#include "consilia/access/policy.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {
namespace {

using random::Generator;
using random::Thing;

// Only what the generator makes: nothing owns bytes but texts.
consilia_value_t lent(const core::Value& value) {
    if (const auto* flag = value.if_as<bool>()) return consilia_bool(*flag ? 1 : 0);
    if (const auto* number = value.if_as<std::int64_t>()) return consilia_int64(*number);
    if (const auto* number = value.if_as<double>()) return consilia_double(*number);
    if (const auto* text = value.if_as<std::string>()) return consilia_text_of({text->data(), text->size()});
    if (const auto* time = value.if_as<core::Timestamp>()) return consilia_timestamp(time->microseconds);
    return consilia_null();
}

core::Value value_of(const consilia_value_t& value) {
    switch (value.type) {
        case CONSILIA_TYPE_BOOL:
            return value.as.boolean != 0;
        case CONSILIA_TYPE_INT64:
            return value.as.int64;
        case CONSILIA_TYPE_DOUBLE:
            return value.as.number;
        case CONSILIA_TYPE_TEXT:
            return std::string_view(value.as.text.data, value.as.text.size);
        case CONSILIA_TYPE_TIMESTAMP:
            return core::Timestamp{value.as.microseconds};
        default:
            return {};
    }
}

consilia_str_t lent(const std::string& text) {
    return {text.data(), text.size()};
}

std::vector<consilia_str_t> lent(const std::vector<std::string>& texts) {
    std::vector<consilia_str_t> made;
    for (const std::string& text : texts) made.push_back(lent(text));
    return made;
}

std::vector<consilia_parameter_t> lent(const Attributes& attributes) {
    std::vector<consilia_parameter_t> made;
    for (const auto& [name, value] : attributes) made.push_back({lent(name), lent(value)});
    return made;
}

// A policy and a subject over the C ABI.
class Asked {
public:
    Asked(const PolicyDocument& document, const Principal& principal) {
        const std::string json = to_json(document);
        EXPECT_EQ(consilia_policy_open(lent(json), &policy_, nullptr), CONSILIA_OK);
        std::vector<std::vector<consilia_str_t>> lenders_roles;
        std::vector<std::vector<consilia_parameter_t>> lenders_attributes;
        std::vector<consilia_delegation_t> delegations;
        lenders_roles.reserve(principal.delegations.size());
        lenders_attributes.reserve(principal.delegations.size());
        for (const Delegation& given : principal.delegations) {
            const auto& roles = lenders_roles.emplace_back(lent(given.from_roles));
            const auto& attributes = lenders_attributes.emplace_back(lent(given.from_attributes));
            delegations.push_back({lent(given.from_id), roles.data(), roles.size(), lent(given.permission),
                                   given.starts_at.microseconds, given.ends_at.microseconds,
                                   lent(given.from_name), attributes.data(), attributes.size()});
        }
        const std::vector<consilia_str_t> roles = lent(principal.roles);
        const std::vector<consilia_parameter_t> attributes = lent(principal.attributes);
        consilia_subject_options_t options;
        CONSILIA_INIT(&options);
        options.user_id = lent(principal.user_id);
        options.roles = roles.data();
        options.role_count = roles.size();
        options.name = lent(principal.name);
        options.attributes = attributes.data();
        options.attribute_count = attributes.size();
        options.delegations = delegations.data();
        options.delegation_count = delegations.size();
        EXPECT_EQ(consilia_policy_subject(policy_, &options, &subject_, nullptr), CONSILIA_OK);
    }
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;
    ~Asked() {
        consilia_policy_free(policy_);
        consilia_subject_free(subject_);
    }

    [[nodiscard]] std::vector<consilia_decision_t> decisions(const std::string& action,
                                                             std::vector<Thing>& things,
                                                             const Context& context) const {
        std::uint32_t permission = 0;
        EXPECT_EQ(
            consilia_policy_permission(policy_, lent(action), consilia_str_of("thing"), &permission, nullptr),
            CONSILIA_OK);
        Objects objects{things, {}};
        consilia_access_object_t object;
        CONSILIA_INIT(&object);
        object.field = field;
        object.user_data = &objects;
        std::vector<consilia_decision_t> decisions(things.size());
        const WithContext with(context);
        EXPECT_EQ(consilia_policy_check_many(policy_, subject_, permission, things.size(), &object,
                                             &with.given, decisions.data(), nullptr),
                  CONSILIA_OK);
        return decisions;
    }
    [[nodiscard]] std::string name_of(const consilia_decision_t& decision) const {
        const consilia_str_t name = consilia_policy_decision_name(policy_, decision);
        return {name.data, name.size};
    }
    [[nodiscard]] core::Expression scope(const std::string& action, const Context& context) const {
        consilia_condition_t* condition = nullptr;
        const WithContext with(context);
        EXPECT_EQ(consilia_policy_scope(policy_, subject_, lent(action), consilia_str_of("thing"),
                                        &with.given, &condition, nullptr),
                  CONSILIA_OK);
        core::Parameters parameters;
        for (std::size_t i = 0; i < consilia_condition_parameter_count(condition); ++i) {
            const consilia_parameter_t& parameter = consilia_condition_parameters(condition)[i];
            parameters.emplace(std::string(parameter.name.data, parameter.name.size),
                               value_of(parameter.value));
        }
        const consilia_str_t text = consilia_condition_text(condition);
        core::Expression scope = core::bind(core::parse_expression({text.data, text.size}), parameters);
        consilia_condition_free(condition);
        return scope;
    }

private:
    struct WithContext {
        explicit WithContext(const Context& context) : attributes(lent(context.attributes)) {
            CONSILIA_INIT(&given);
            given.now = context.now->microseconds;
            given.address = lent(context.address);
            given.attributes = attributes.data();
            given.attribute_count = attributes.size();
        }
        std::vector<consilia_parameter_t> attributes;
        consilia_access_context_t given;
    };
    struct Objects {
        const std::vector<Thing>& things;
        core::Value last;  // Lent until the next call.
    };
    static std::int32_t field(std::size_t index, consilia_str_t path, consilia_value_t* out,
                              void* user_data) {
        auto& objects = *static_cast<Objects*>(user_data);
        objects.last = objects.things[index].source()({path.data, path.size});
        *out = lent(objects.last);
        return 0;
    }

    consilia_policy_t* policy_ = nullptr;
    consilia_subject_t* subject_ = nullptr;
};

TEST(AccessInC, AgreesWithCpp) {
    std::size_t allowed = 0;
    for (std::uint32_t seed = 0; seed < 2'000; ++seed) {
        Generator generate(seed);
        const PolicyDocument document = generate.document();
        std::optional<Policy> policy;
        try {
            policy.emplace(document);
        } catch (const core::ValidationError&) {
            continue;  // Some documents make no policy.
        }
        const Principal principal = generate.principal();
        const Context context = generate.context();
        std::vector<Thing> things;
        while (things.size() < 6) things.push_back(generate.thing());
        const Asked asked(document, principal);
        for (const std::string action : {"read", "write", "approve", "lend"}) {
            const std::vector<consilia_decision_t> decisions = asked.decisions(action, things, context);
            for (std::size_t i = 0; i < things.size(); ++i) {
                const Decision wanted =
                    policy->check(principal, action, "thing", things[i].source(), context);
                ASSERT_EQ(decisions[i].allowed != 0, wanted.allowed) << "seed " << seed << ", " << action;
                ASSERT_EQ(decisions[i].reason, static_cast<int>(wanted.reason) + 1) << "seed " << seed;
                ASSERT_EQ(asked.name_of(decisions[i]), policy->name_of(wanted)) << "seed " << seed;
                allowed += static_cast<std::size_t>(wanted.allowed);
            }
            const core::Expression wanted = policy->scope(principal, action, "thing", context);
            const core::Expression scope = asked.scope(action, context);
            ASSERT_TRUE(scope.same_as(wanted))
                << "seed " << seed << ": " << core::to_text(scope) << "\nwanted " << core::to_text(wanted);
        }
    }
    EXPECT_GT(allowed, 3'000U);
}

}  // namespace
}  // namespace consilia::access
