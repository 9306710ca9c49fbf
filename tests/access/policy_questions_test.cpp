// The other questions that a policy answers: explain, check_many, fields, redact, permissions_of, who_can;
// and what a principal brings: several roles, attributes, a time and a place, delegations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "consilia/access/policy.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "support/errors.hpp"

namespace consilia::access {
namespace {

using core::field;
using core::parameter;
using core::parse_expression;
using core::Value;
using test::code_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr core::Timestamp kNoon{1'700'049'600'000'000};

PolicyDocument clinic() {
    PolicyDocument document;
    document.resources = {{"prediction", {"read", "review", "release"}}, {"invoice", {"create", "approve"}}};
    document.resources["prediction"].fields = {
        {"id", core::ValueType::Int64},      {"owner_id", core::ValueType::Int64},
        {"ward", core::ValueType::Text},     {"status", core::ValueType::Text},
        {"made_on", core::ValueType::Date},  {"xray.id", core::ValueType::Int64},
        {"xray.name", core::ValueType::Text}};
    document.principal_attributes = {{"ward", core::ValueType::Text}};
    document.context_attributes = {{"purpose", core::ValueType::Text}};
    document.roles = {{"patient"}, {"nurse"}, {"doctor", {"nurse"}}, {"clerk"}, {"auditor"}};
    document.rules = {
        {"own", Effect::Allow, "patient", "prediction:read", parse_expression("owner_id = :principal_id")},
        {"ward", Effect::Allow, "nurse", "prediction:read", parse_expression("ward = :principal_ward")},
        {"at work", Effect::Allow, "doctor", "prediction:review",
         parse_expression("hour(:now) between 8 and 17 and starts_with(:address, '10.')")},
        {"research", Effect::Deny, "nurse", "prediction:read",
         parse_expression("coalesce(:context_purpose, '') = 'research'")},
        {"release", Effect::Allow, "doctor", "prediction:release"},
        {"bills", Effect::Allow, "clerk", "invoice:create"},
        {"approves", Effect::Allow, "auditor", "invoice:approve"},
    };
    document.fields = {
        {"patient", "prediction:read", {"id", "status"}},
        {"nurse", "prediction:read", {"*"}},
        {"nurse", "prediction:read", {"xray.name"}, Effect::Deny, parse_expression("status = 'sealed'")},
        {"patient", "prediction:read", {"xray.id"}, Effect::Allow, parse_expression("status = 'released'")}};
    document.separations = {{"money", {}, {"invoice:create", "invoice:approve"}, 1},
                            {"distance", {"patient", "auditor"}, {}, 1}};
    document.delegable = {"prediction:read"};
    return document;
}

core::FieldSource object(std::map<std::string, Value, std::less<>> fields) {
    return [fields = std::move(fields)](std::string_view path) {
        const auto found = fields.find(path);
        return found == fields.end() ? Value() : found->second;
    };
}

TEST(PolicyQuestions, AnExplanationNamesRuleConditionAndValues) {
    const Policy policy(clinic());
    const Explanation denied =
        policy.explain({7, {"patient"}, "ann"}, "read", "prediction", object({{"owner_id", 8}}));
    EXPECT_EQ(denied.decision.reason, Reason::NoRule);
    EXPECT_EQ(denied.sentence, "no rule that allows role `patient` `prediction:read` holds for this object");
    ASSERT_EQ(denied.rules.size(), 1U);
    EXPECT_EQ(denied.rules[0].rule, "own");
    EXPECT_EQ(denied.rules[0].truth, std::optional(false));
    const nlohmann::json json = nlohmann::json::parse(to_json(denied));
    EXPECT_EQ(json["values"], (nlohmann::json{{"owner_id", 8}, {":principal_id", 7}}));
    EXPECT_THAT(denied.sentence, Not(HasSubstr("8"))) << "values are for whoever writes policies";

    const Explanation unknown =
        policy.explain({7, {"nurse"}, ""}, "read", "prediction", object({{"ward", "west"}}));
    EXPECT_EQ(unknown.rules[0].truth, std::nullopt) << "the nurse brings no ward";
    const Explanation allowed = policy.explain({7, {"doctor"}, ""}, "release", "prediction");
    EXPECT_EQ(allowed.sentence, "rule `release` allows role `doctor` `prediction:release`");
    EXPECT_EQ(policy.explain({7, {"doctor"}, ""}, "erase", "prediction").sentence,
              "`prediction:erase` is not declared");
    EXPECT_EQ(policy.explain({7, {}, ""}, "read", "prediction").sentence,
              "no rule allows nobody without a role `prediction:read`");
}

TEST(PolicyQuestions, TimeAndPlaceAreParameters) {
    const Policy policy(clinic());
    const Principal doctor{7, {"doctor"}, ""};
    const auto may = [&](core::Timestamp now, const char* address) {
        return policy.check(doctor, "review", "prediction", Policy::nothing(), {now, address, {}}).allowed;
    };
    EXPECT_TRUE(may(kNoon, "10.0.0.7"));
    EXPECT_FALSE(may(kNoon, "192.168.0.7"));
    EXPECT_FALSE(may(kNoon, "")) << "an unknown address is not a known one";
    EXPECT_FALSE(may({kNoon.microseconds + 7LL * 3'600'000'000}, "10.0.0.7"));
}

TEST(PolicyQuestions, AttributesArePartOfPrincipalAndContext) {
    const Policy policy(clinic());
    const Principal nurse{7, {"nurse"}, "", {{"ward", "west"}}, {}};
    EXPECT_TRUE(policy.check(nurse, "read", "prediction", object({{"ward", "west"}})));
    EXPECT_FALSE(policy.check(nurse, "read", "prediction", object({{"ward", "east"}})));
    const Context research{kNoon, "", {{"purpose", "research"}}};
    EXPECT_EQ(policy.name_of(policy.check(nurse, "read", "prediction", object({{"ward", "west"}}), research)),
              "research");
    const Principal wrong{7, {"nurse"}, "", {{"ward", 3}}, {}};
    EXPECT_EQ(code_of([&] { static_cast<void>(policy.check(wrong, "read", "prediction")); }),
              "access.attribute");
    EXPECT_EQ(code_of([&] { static_cast<void>(policy.subject(wrong)); }), "access.attribute");
}

TEST(PolicyQuestions, SeveralRolesAddUpUnlessASeparationKeepsThemApart) {
    const Policy policy(clinic());
    const Principal both{7, {"patient", "nurse"}, "", {{"ward", "west"}}, {}};
    EXPECT_TRUE(policy.check(both, "read", "prediction", object({{"owner_id", 7}, {"ward", "east"}})));
    EXPECT_TRUE(policy.check(both, "read", "prediction", object({{"owner_id", 8}, {"ward", "west"}})));
    EXPECT_FALSE(policy.check(both, "read", "prediction", object({{"owner_id", 8}, {"ward", "east"}})));

    const Decision roles = policy.check({7, {"patient", "auditor"}, ""}, "approve", "invoice");
    EXPECT_EQ(roles.reason, Reason::SeparationOfDuties);
    EXPECT_EQ(policy.name_of(roles), "distance");
    const Principal money{7, {"clerk", "auditor", "doctor"}, ""};
    const Decision permissions = policy.check(money, "approve", "invoice");
    EXPECT_EQ(permissions.reason, Reason::SeparationOfDuties);
    EXPECT_EQ(policy.name_of(permissions), "money");
    EXPECT_TRUE(policy.check(money, "release", "prediction")) << "only what is kept apart is denied";
    EXPECT_TRUE(policy.scope(money, "create", "invoice").same_as(core::Expression::literal(false)));
    EXPECT_EQ(policy.explain(money, "create", "invoice").sentence,
              "roles `clerk`, `auditor`, `doctor` break separation `money`");
}

TEST(PolicyQuestions, ARoleThatAloneBreaksASeparationIsRefused) {
    PolicyDocument heir = clinic();
    heir.roles.push_back({"both", {"patient", "auditor"}});
    EXPECT_EQ(code_of([&] { Policy policy(heir); }), "policy.separation");
    PolicyDocument rule = clinic();
    rule.rules.push_back({"all", Effect::Allow, "clerk", "invoice:*"});
    EXPECT_EQ(code_of([&] { Policy policy(rule); }), "policy.separation");
    for (const Separation& separation :
         {Separation{"", {"patient", "clerk"}}, Separation{"x"}, Separation{"x", {"patient"}},
          Separation{"x", {"patient", "clerk"}, {"invoice:create"}},
          Separation{"x", {"patient", "clerk"}, {}, 0}, Separation{"x", {"patient", "clerk"}, {}, 2},
          Separation{"money", {"patient", "clerk"}}}) {
        PolicyDocument document = clinic();
        document.separations.push_back(separation);
        EXPECT_EQ(code_of([&] { Policy policy(document); }), "policy.separation") << separation.name;
    }
}

Delegation lent_by(std::int64_t lender) {
    return {lender, {"patient"}, "prediction:read", {kNoon.microseconds + 10}, kNoon, "lender", {}};
}

TEST(PolicyQuestions, ADelegationLendsWhatTheLenderMayUntilItEnds) {
    const Policy policy(clinic());
    const Principal carer{9, {"clerk"}, "", {}, {lent_by(7)}};
    const auto check = [&](std::int64_t owner, std::int64_t after, const Principal& who) {
        const Context context{core::Timestamp{kNoon.microseconds + after}, "", {}};
        const Decision decision =
            policy.check(who, "read", "prediction", object({{"owner_id", owner}}), context);
        EXPECT_EQ(
            core::matches(policy.scope(who, "read", "prediction", context), object({{"owner_id", owner}})),
            decision.allowed);
        return decision;
    };
    EXPECT_EQ(check(7, 0, carer).reason, Reason::AllowedByDelegation);
    EXPECT_TRUE(check(7, 9, carer));
    EXPECT_FALSE(check(7, 10, carer)) << "it has ended";
    EXPECT_FALSE(check(7, -1, carer)) << "it has not begun";
    EXPECT_FALSE(check(8, 0, carer)) << "the lender may not either";
    EXPECT_FALSE(check(9, 0, carer)) << "the lender's conditions are about the lender";

    Principal other = carer;
    other.delegations[0].permission = "prediction:release";
    EXPECT_FALSE(policy.check(other, "release", "prediction", Policy::nothing(), {kNoon, "", {}}))
        << "not delegable";
    other.delegations[0].permission = "nothing:known";
    EXPECT_FALSE(check(7, 0, other));
    other = carer;
    other.delegations[0].from_roles = {"visitor"};
    EXPECT_FALSE(check(7, 0, other));
    other.delegations[0] = lent_by(7);
    other.roles = {"auditor"};
    EXPECT_FALSE(check(7, 0, other)) << "patient and auditor are kept apart, lent or not";

    const Explanation explained =
        policy.explain(carer, "read", "prediction", object({{"owner_id", 7}}), {kNoon, "", {}});
    EXPECT_THAT(explained.sentence, HasSubstr("to the lender of a delegation"));
    EXPECT_EQ(explained.rule, "own");
    EXPECT_THAT(policy.fields(carer, "read", "prediction", {kNoon, "", {}}), ElementsAre("id", "status"));
    EXPECT_THAT(policy.fields(carer, "read", "prediction", {core::Timestamp{0}, "", {}}), IsEmpty());
}

TEST(PolicyQuestions, DelegationsTogetherDoNotGiveWhatIsKeptApart) {
    PolicyDocument document = clinic();
    document.delegable = {"*:*"};
    const Policy policy(document);
    const auto lent = [](const char* role, const char* permission) {
        return Delegation{7, {role}, permission, {kNoon.microseconds + 10}, kNoon, "", {}};
    };
    const auto may = [&](const Principal& who, const char* action, const char* resource) {
        return policy.check(who, action, resource, object({{"owner_id", 7}}), {kNoon, "", {}}).allowed;
    };
    const Principal roles{9, {}, "", {}, {lent("patient", "*:read"), lent("auditor", "*:approve")}};
    EXPECT_TRUE(may(roles, "read", "prediction"));
    EXPECT_FALSE(may(roles, "approve", "invoice")) << "a second lender whose role the first one's excludes";
    const Principal permissions{
        9, {}, "", {}, {lent("clerk", "invoice:create"), lent("auditor", "invoice:approve")}};
    EXPECT_TRUE(may(permissions, "create", "invoice"));
    EXPECT_FALSE(may(permissions, "approve", "invoice")) << "the other permission of the pair";
}

TEST(PolicyQuestions, FieldsAreCertainPossibleOrThoseOfAnObject) {
    const Policy policy(clinic());
    const Principal patient{7, {"patient"}, ""};
    const Principal nurse{7, {"nurse"}, ""};
    EXPECT_THAT(policy.fields(patient, "read", "prediction"), ElementsAre("id", "status"));
    EXPECT_THAT(policy.possible_fields(patient, "read", "prediction"),
                ElementsAre("id", "status", "xray.id"));
    EXPECT_THAT(policy.fields(patient, "read", "prediction", object({{"status", "released"}})),
                ElementsAre("id", "status", "xray.id"));
    EXPECT_THAT(policy.fields(patient, "read", "prediction", object({})), ElementsAre("id", "status"));
    EXPECT_THAT(policy.fields(nurse, "read", "prediction"),
                ElementsAre("id", "made_on", "owner_id", "status", "ward", "xray.id"));
    EXPECT_THAT(policy.fields(nurse, "read", "prediction", object({{"status", "new"}})),
                ElementsAre("id", "made_on", "owner_id", "status", "ward", "xray.id", "xray.name"));
    EXPECT_THAT(policy.fields(nurse, "read", "prediction", object({})), Not(testing::Contains("xray.name")))
        << "a denial that is not known to be false denies";
    policy.require_fields(patient, "read", "prediction", std::vector<std::string_view>{"id"});
    try {
        policy.require_fields(patient, "read", "prediction",
                              std::vector<std::string_view>{"id", "ward", "made_on"});
        FAIL() << "nothing was thrown";
    } catch (const core::PermissionDenied& error) {
        EXPECT_EQ(error.code(), "access.fields");
        EXPECT_THAT(error.to_json(), HasSubstr("\"fields\":\"ward, made_on\""));
    }
}

TEST(PolicyQuestions, RedactionDropsWhatIsNotGrantedObjectByObject) {
    const Policy policy(clinic());
    const Principal patient{7, {"patient"}, ""};
    EXPECT_EQ(policy.redact(patient, "read", "prediction",
                            R"([{"id": 1, "status": "released", "ward": "w", "xray": {"id": 5, "name": "n"}},
                                {"status": "new", "id": {"whole": [1, 2]}, "xray": {"id": 6}},
                                {"id": 3, "xray": null, "secret": true}])"),
              R"([{"id":1,"status":"released","xray":{"id":5}},)"
              R"({"status":"new","id":{"whole":[1,2]}},{"id":3}])");
    EXPECT_EQ(policy.redact({1, {"visitor"}, ""}, "read", "prediction", R"({"id": 1})"), "{}");
    EXPECT_EQ(code_of([&] { static_cast<void>(policy.redact(patient, "read", "prediction", "[1]")); }),
              "access.json");
    EXPECT_EQ(code_of([&] { static_cast<void>(policy.redact(patient, "read", "prediction", "{")); }),
              "access.json");
}

TEST(PolicyQuestions, APageIsCheckedInOneCall) {
    const Policy policy(clinic());
    const Subject subject = policy.subject({7, {"patient"}, ""});
    const std::vector<Decision> decisions = policy.check_many(
        subject, policy.permission("read", "prediction"), 3,
        [](std::size_t index, std::string_view) { return Value(6 + static_cast<int>(index)); });
    ASSERT_EQ(decisions.size(), 3U);
    EXPECT_FALSE(decisions[0].allowed);
    EXPECT_TRUE(decisions[1].allowed);
    EXPECT_FALSE(decisions[2].allowed);
    EXPECT_EQ(policy.check(subject, policy.permission("fly", "prediction")).reason,
              Reason::UnknownPermission);
    const Policy another(clinic());
    EXPECT_EQ(code_of([&] { static_cast<void>(another.check(subject, PermissionId{0})); }), "access.subject");
}

TEST(PolicyQuestions, PermissionsOfListsWhatAPrincipalMayDoAndToWhat) {
    const Policy policy(clinic());
    const std::vector<PermissionGrant> grants = policy.permissions_of({7, {"doctor", "clerk"}, ""});
    std::vector<std::string> names;
    for (const PermissionGrant& grant : grants) names.push_back(grant.resource + ":" + grant.action);
    EXPECT_THAT(names,
                ElementsAre("invoice:create", "prediction:read", "prediction:release", "prediction:review"));
    EXPECT_TRUE(grants[0].condition.is_always_true());
    EXPECT_FALSE(grants[1].condition.is_always_true());
    EXPECT_THAT(grants[1].fields, testing::Contains("ward"));
    EXPECT_THAT(policy.permissions_of({7, {"visitor"}, ""}), IsEmpty());
}

TEST(PolicyQuestions, WhoCanNamesRolesAndPrincipals) {
    const Policy policy(clinic());
    const std::vector<RoleGrant> roles = policy.who_can("read", "prediction");
    ASSERT_EQ(roles.size(), 3U);
    EXPECT_EQ(roles[0].role, "patient");
    EXPECT_EQ(core::to_text(roles[0].condition), "owner_id = :principal_id");
    EXPECT_EQ(roles[2].role, "doctor");
    const std::vector<Principal> people = {{7, {"patient"}, ""}, {8, {"patient"}, ""}, {9, {"doctor"}, ""}};
    EXPECT_THAT(policy.who_can(people, "read", "prediction", object({{"owner_id", 8}})), ElementsAre(1U));
    EXPECT_THAT(policy.who_can("fly", "prediction"), IsEmpty());
    EXPECT_THAT(policy.condition_fields("read", "prediction"), ElementsAre("owner_id", "status", "ward"));
}

TEST(PolicyQuestions, RulesNameOnlyDeclaredFieldsAndParameters) {
    const auto refused = [](const auto& change) {
        PolicyDocument document = clinic();
        change(document);
        return code_of([&] { Policy policy(document); });
    };
    EXPECT_EQ(refused([](PolicyDocument& d) { d.rules[0].condition = field("ownr_id") == 1; }),
              "policy.unknown_field");
    EXPECT_EQ(refused([](PolicyDocument& d) { d.fields[0].fields = {"wrd"}; }), "policy.unknown_field");
    EXPECT_EQ(
        refused([](PolicyDocument& d) { d.rules[0].condition = field("id") == parameter("context_x"); }),
        "policy.unknown_parameter");
    EXPECT_EQ(refused([](PolicyDocument& d) { d.rules[0].condition = parse_expression("count(id) > 1"); }),
              "policy.condition");
    EXPECT_EQ(refused([](PolicyDocument& d) { d.principal_attributes["id"] = core::ValueType::Int64; }),
              "policy.name");
    EXPECT_EQ(refused([](PolicyDocument& d) { d.delegable = {"prediction:fly"}; }),
              "policy.unknown_permission");
    EXPECT_EQ(refused([](PolicyDocument& d) { d.never = {{"x", "visitor", "*:*"}}; }), "policy.unknown_role");
    EXPECT_EQ(refused([](PolicyDocument& d) {
                  d.fields = {{"clerk", "invoice:create", {"*"}}};
              }),
              "policy.field");
}

TEST(PolicyDocument, TheWholeGoesThroughJsonUnchangedAndFitsTheSchemaByItsKeys) {
    PolicyDocument document = clinic();
    document.never = {{"clerks read nothing", "clerk", "prediction:read", field("ward") == "west"}};
    const std::string json = to_json(document);
    EXPECT_EQ(to_json(parse_policy(json)), json);
    const auto schema = nlohmann::json::parse(policy_schema());
    const auto written = nlohmann::json::parse(json);
    EXPECT_EQ(written.size(), schema["properties"].size() - 1) << "all but $schema";
    for (const auto& [key, value] : written.items()) EXPECT_TRUE(schema["properties"].contains(key)) << key;
}

}  // namespace
}  // namespace consilia::access
