#include "consilia/access/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consilia/core/error.hpp"
#include "support/errors.hpp"

namespace consilia::access {
namespace {

using core::field;
using core::parameter;
using core::Value;
using test::code_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

PolicyDocument clinic() {
    PolicyDocument document;
    document.resources = {{"prediction", {"read", "retry", "delete"}}, {"patient", {"read", "create"}}};
    document.roles = {{"person", {}}, {"patient", {"person"}}, {"staff", {"person"}}, {"admin", {"staff"}}};
    document.rules = {
        {"own", Effect::Allow, "patient", "prediction:read", field("owner_id") == parameter("principal_id")},
        {"staff reads", Effect::Allow, "staff", "*:read", {}},
        {"admin does all", Effect::Allow, "admin", "prediction:*", {}},
        {"sealed", Effect::Deny, "person", "prediction:read", field("is_sealed") == true},
    };
    document.fields = {{"person", "prediction:read", {"status"}},
                       {"staff", "prediction:*", {"opinions", "status"}},
                       {"admin", "prediction:read", {"email"}}};
    return document;
}

core::FieldSource object(Value owner, Value is_sealed) {
    return [owner = std::move(owner), is_sealed = std::move(is_sealed)](std::string_view path) {
        return path == "owner_id" ? owner : path == "is_sealed" ? is_sealed : Value();
    };
}

std::string code_of(const PolicyDocument& document) {
    return code_of([&] { Policy policy(document); });
}

TEST(Policy, AllowsWhereTheConditionHoldsAndSaysWhichRule) {
    const Policy policy(clinic());
    const Decision decision = policy.check({7, {"patient"}, "ann"}, "read", "prediction", object(7, false));
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.reason, Reason::AllowedByRule);
    EXPECT_EQ(policy.name_of(decision), "own");
}

TEST(Policy, DeniesByDefault) {
    const Policy policy(clinic());
    const Decision other = policy.check({7, {"patient"}, ""}, "read", "prediction", object(8, false));
    EXPECT_FALSE(other.allowed);
    EXPECT_EQ(other.reason, Reason::NoRule);
    EXPECT_FALSE(policy.check({7, {"staff"}, ""}, "delete", "prediction", object(7, false)));
}

TEST(Policy, ADenyRuleOverridesEveryAllowRule) {
    const Policy policy(clinic());
    const Decision decision = policy.check({1, {"admin"}, ""}, "read", "prediction", object(1, true));
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(policy.name_of(decision), "sealed");
    EXPECT_TRUE(policy.check({1, {"admin"}, ""}, "retry", "prediction", object(1, true)));
}

TEST(Policy, ADenyRuleWhoseConditionIsUnknownDenies) {
    const Policy policy(clinic());
    EXPECT_EQ(policy.check({1, {"admin"}, ""}, "read", "prediction", object(1, {})).reason,
              Reason::DeniedByRule);
    EXPECT_EQ(policy.check({1, {"admin"}, ""}, "read", "prediction").reason, Reason::DeniedByRule);
}

TEST(Policy, ANullPrincipalOwnsNothing) {
    const Policy policy(clinic());
    EXPECT_FALSE(policy.check({{}, {"patient"}, ""}, "read", "prediction", object({}, false)));
}

TEST(Policy, RolesInheritDownwardsOnly) {
    const Policy policy(clinic());
    EXPECT_TRUE(policy.check({1, {"admin"}, ""}, "read", "patient"));
    EXPECT_FALSE(policy.check({1, {"person"}, ""}, "read", "patient"));
    EXPECT_FALSE(policy.check({1, {"patient"}, ""}, "read", "patient"));
}

TEST(Policy, UnknownRolesResourcesAndActionsAreDeniedAndNamed) {
    const Policy policy(clinic());
    const Decision role = policy.check({1, {"root"}, ""}, "read", "prediction");
    EXPECT_EQ(role.reason, Reason::UnknownRole);
    EXPECT_THAT(policy.explain({1, {"root"}, ""}, "read", "prediction").sentence, HasSubstr("`root`"));
    EXPECT_EQ(policy.check({1, {"admin"}, ""}, "erase", "prediction").reason, Reason::UnknownPermission);
    EXPECT_EQ(policy.check({1, {"admin"}, ""}, "read", "invoice").reason, Reason::UnknownPermission);
    EXPECT_EQ(policy.check({1, {"*"}, ""}, "*", "*").reason, Reason::UnknownRole);
    EXPECT_EQ(policy.check({1, {"admin"}, ""}, "*", "prediction").reason, Reason::UnknownPermission);
}

TEST(Policy, RequireThrowsWithTheFactsAndWithoutTheObject) {
    const Policy policy(clinic());
    policy.require({7, {"patient"}, ""}, "read", "prediction", object(7, false));
    try {
        policy.require({7, {"patient"}, ""}, "read", "prediction", object(424242, false));
        FAIL() << "nothing was thrown";
    } catch (const core::PermissionDenied& error) {
        EXPECT_EQ(error.code(), "access.denied");
        EXPECT_EQ(error.http_status(), 403);
        EXPECT_THAT(error.to_json(), HasSubstr("prediction:read"));
        EXPECT_THAT(error.to_json(), Not(HasSubstr("424242")));
    }
}

TEST(Policy, ScopeIsFalseWhereNothingIsAllowedAndTrueWhereEverythingIs) {
    const Policy policy(clinic());
    EXPECT_TRUE(
        policy.scope({1, {"root"}, ""}, "read", "prediction").same_as(core::Expression::literal(false)));
    EXPECT_TRUE(
        policy.scope({1, {"patient"}, ""}, "retry", "prediction").same_as(core::Expression::literal(false)));
    EXPECT_TRUE(policy.scope({1, {"staff"}, ""}, "read", "patient").is_always_true());
}

TEST(Policy, ScopeBindsThePrincipal) {
    PolicyDocument document = clinic();
    document.rules.pop_back();
    const core::Expression scope = Policy(document).scope({7, {"patient"}, ""}, "read", "prediction");
    EXPECT_TRUE(scope.same_as(field("owner_id") == 7)) << core::to_text(scope);
}

TEST(Policy, AnUnconditionalDenyScopesToNothing) {
    PolicyDocument document = clinic();
    document.rules.push_back({"closed", Effect::Deny, "*", "prediction:read", {}});
    EXPECT_TRUE(Policy(document)
                    .scope({1, {"admin"}, ""}, "read", "prediction")
                    .same_as(core::Expression::literal(false)));
}

TEST(Policy, FieldsAreThoseOfTheRoleAndOfWhatItInherits) {
    const Policy policy(clinic());
    EXPECT_THAT(policy.fields({1, {"patient"}, ""}, "read", "prediction"), ElementsAre("status"));
    EXPECT_THAT(policy.fields({1, {"admin"}, ""}, "read", "prediction"),
                ElementsAre("email", "opinions", "status"));
    EXPECT_THAT(policy.fields({1, {"patient"}, ""}, "delete", "prediction"), IsEmpty());
    EXPECT_THAT(policy.fields({1, {"root"}, ""}, "read", "prediction"), IsEmpty());
}

TEST(Policy, RefusesCyclesOfAnyLength) {
    PolicyDocument self = clinic();
    self.roles[0].inherits = {"person"};
    EXPECT_EQ(code_of(self), "policy.cycle");
    PolicyDocument longer = clinic();
    longer.roles[0].inherits = {"admin"};
    EXPECT_EQ(code_of(longer), "policy.cycle");
}

TEST(Policy, ADiamondIsNotACycleAndCountsOnce) {
    PolicyDocument document = clinic();
    document.roles.push_back({"chief", {"admin", "staff", "patient"}});
    EXPECT_TRUE(Policy(document).check({1, {"chief"}, ""}, "read", "patient"));
}

TEST(Policy, RefusesWhatIsNotDeclared) {
    PolicyDocument role = clinic();
    role.rules[0].role = "patinet";
    EXPECT_EQ(code_of(role), "policy.unknown_role");
    PolicyDocument fields = clinic();
    fields.fields = {{.role = "nobody", .permission = "patient:read", .fields = {}}};
    EXPECT_EQ(code_of(fields), "policy.unknown_role") << "also of a rule that names no field";
    for (const char* permission :
         {"prediction:reda", "predicton:read", "prediction", "*", "", ":", "prediction:read:x"}) {
        PolicyDocument document = clinic();
        document.rules[0].permission = permission;
        EXPECT_EQ(code_of(document), "policy.unknown_permission") << permission;
    }
    PolicyDocument parameter_name = clinic();
    parameter_name.rules[0].condition = field("owner_id") == parameter("me");
    EXPECT_EQ(code_of(parameter_name), "policy.unknown_parameter");
    PolicyDocument field_path = clinic();
    field_path.fields[0].fields = {"status; drop"};
    EXPECT_EQ(code_of(field_path), "policy.field");
}

TEST(Policy, RefusesDuplicatesAndNamesThatWouldReadAsWildcards) {
    PolicyDocument role = clinic();
    role.roles.push_back({"staff", {}});
    EXPECT_EQ(code_of(role), "policy.duplicate");
    PolicyDocument rule = clinic();
    rule.rules[1].name = "own";
    EXPECT_EQ(code_of(rule), "policy.duplicate");
    PolicyDocument wildcard = clinic();
    wildcard.roles.push_back({"*", {}});
    EXPECT_EQ(code_of(wildcard), "policy.name");
    PolicyDocument action = clinic();
    action.resources["prediction"].actions.push_back("read");
    EXPECT_EQ(code_of(action), "policy.duplicate");
}

TEST(Policy, UnnamedRulesGetDistinctNames) {
    PolicyDocument document = clinic();
    document.rules = {{"", Effect::Allow, "staff", "patient:read", field("a") == 1},
                      {"", Effect::Allow, "staff", "patient:read", {}}};
    const Policy policy(document);
    EXPECT_EQ(policy.name_of(policy.check({1, {"staff"}, ""}, "read", "patient")),
              "allow staff patient:read #2");
}

TEST(Policy, RefusesOneRoleMoreThanTheLimit) {
    PolicyDocument document;
    document.resources = {{"thing", {"read"}}};
    for (std::size_t i = 0; i < Policy::kMaxRoles; ++i)
        document.roles.push_back({"role" + std::to_string(i), {}});
    EXPECT_EQ(code_of(document), "nothing was thrown");
    document.roles.push_back({"one_more", {}});
    EXPECT_EQ(code_of(document), "policy.too_large");
}

TEST(PolicyDocument, GoesThroughJsonUnchanged) {
    const std::string json = to_json(clinic());
    EXPECT_EQ(to_json(parse_policy(json)), json);
    const Policy policy(parse_policy(json));
    EXPECT_EQ(policy.name_of(policy.check({7, {"patient"}, ""}, "read", "prediction", object(7, false))),
              "own");
    EXPECT_EQ(policy.name_of(policy.check({7, {"patient"}, ""}, "read", "prediction", object(7, true))),
              "sealed");
    EXPECT_THAT(policy.fields({7, {"staff"}, ""}, "retry", "prediction"), ElementsAre("opinions", "status"));
}

TEST(PolicyDocument, RefusesWhatItDoesNotUnderstand) {
    for (
        const char* json : {
            "",
            "[]",
            "{}",
            R"({"version": 2})",
            R"({"version": 1, "rolez": []})",
            R"({"version": 1, "roles": {}})",
            R"({"version": 1, "roles": [{"inherits": []}]})",
            R"({"version": 1, "roles": [{"name": 1}]})",
            R"({"version": 1, "rules": [{"effect": "maybe", "role": "a", "permission": "b:c"}]})",
            R"({"version": 1, "rules": [{"effect": "deny", "role": "a", "permission": "b:c", "condition": "a ="}]})",
            R"({"version": 1, "rules": [{"effect": "deny", "role": "a", "permission": "b:c", "if": "a"}]})",
            R"({"version": 1, "resources": {"a": "read"}})",
            R"({"version": 1} trailing)",
            R"({"version": 1e404})",
        }) {
        EXPECT_EQ(code_of([&] { static_cast<void>(parse_policy(json)); }), "policy.syntax") << json;
    }
    const std::string deep(2'000'000, '[');
    EXPECT_EQ(code_of([&] { static_cast<void>(parse_policy(deep)); }), "policy.syntax");
}

}  // namespace
}  // namespace consilia::access
