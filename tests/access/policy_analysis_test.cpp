// Findings, changes and violations, each confirmed by asking the policy itself.
#include "consilia/access/policy_analysis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "access/example_check.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/error.hpp"

namespace consilia::access {
namespace {

using core::parse_expression;
using core::ValueType;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Rule allow(std::string name, std::string role, std::string permission, std::string_view condition = "true") {
    return {std::move(name), Effect::Allow, std::move(role), std::move(permission),
            parse_expression(condition)};
}
Rule deny(std::string name, std::string role, std::string permission, std::string_view condition = "true") {
    return {std::move(name), Effect::Deny, std::move(role), std::move(permission),
            parse_expression(condition)};
}

PolicyDocument clinic() {
    PolicyDocument document;
    document.resources["record"] = Resource({"read", "write", "delete"}, {{"owner_id", ValueType::Int64},
                                                                          {"status", ValueType::Text},
                                                                          {"age", ValueType::Int64},
                                                                          {"is_sealed", ValueType::Bool}});
    document.roles = {{"patient", {}}, {"nurse", {}}, {"doctor", {"nurse"}}, {"auditor", {}}};
    document.rules = {allow("own", "patient", "record:read", "owner_id = :principal_id"),
                      allow("ward", "nurse", "record:read"),
                      allow("treat", "doctor", "record:write", "status <> 'closed'"),
                      allow("tidy", "doctor", "record:delete", "status = 'draft'"),
                      allow("audit", "auditor", "record:read", "status = 'closed'"),
                      deny("sealed", "*", "record:*", "is_sealed = true and status = 'closed'")};
    return document;
}

std::vector<std::string> codes_of(const PolicyDocument& document, const AnalysisOptions& options = {}) {
    std::vector<std::string> codes;
    for (const Finding& finding : lint(document, options)) codes.push_back(finding.code);
    return codes;
}

TEST(Lint, ASoundPolicyHasNoFindings) {
    EXPECT_THAT(codes_of(clinic()), IsEmpty());
}

TEST(Lint, ADocumentThatDoesNotCompileGivesTheErrorsCode) {
    PolicyDocument document = clinic();
    document.rules.push_back(allow("x", "visitor", "record:read"));
    EXPECT_THAT(codes_of(document), ElementsAre("policy.unknown_role"));
}

TEST(Lint, ARuleForEveryRoleWhereThereIsNoneIsLookedAtToo) {
    PolicyDocument document;
    document.resources["record"] = Resource({"read"}, {});
    document.rules = {allow("all", "*", "record:read"), deny("none", "*", "record:read")};
    EXPECT_THAT(codes_of(document), Not(Contains("lint.overridden")));
    document.rules.pop_back();
    EXPECT_THAT(codes_of(document), ElementsAre("lint.nobody_may"));
}

TEST(Lint, FindsRulesThatCanNeverApply) {
    PolicyDocument document = clinic();
    document.rules.push_back(allow("never", "patient", "record:write", "age > 17 and age < 18"));
    document.rules.push_back(deny("also never", "patient", "record:read", "1 = 2"));
    const auto findings = lint(document);
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].code, "lint.unreachable");
    EXPECT_THAT(findings[0].rules, ElementsAre("never"));
    EXPECT_EQ(findings[1].code, "lint.unreachable");
    EXPECT_THAT(findings[1].message, HasSubstr("`also never` is always false"));
}

TEST(Lint, FindsRulesThatOthersOverride) {
    PolicyDocument document = clinic();
    document.rules.push_back(
        allow("closed", "nurse", "record:write", "status = 'closed' and is_sealed = true"));
    document.rules.push_back(allow("yes", "patient", "record:delete", "age > 3"));
    document.rules.push_back(deny("no", "patient", "record:delete", "age > 2"));
    const auto findings = lint(document);
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_EQ(findings[0].code, "lint.overridden");
    EXPECT_THAT(findings[0].rules, ElementsAre("closed", "sealed"));
    EXPECT_EQ(findings[1].code, "lint.contradiction");
    EXPECT_THAT(findings[1].rules, ElementsAre("yes", "no"));
    for (const Finding& finding : findings) {
        ASSERT_TRUE(finding.example);
        EXPECT_FALSE(answer(document, *finding.example));
    }
}

TEST(Lint, FindsRulesThatChangeNothing) {
    PolicyDocument document = clinic();
    document.rules.push_back(allow("narrow", "doctor", "record:read", "status = 'open'"));
    document.rules.push_back(allow("young", "patient", "record:write", "age < 5"));
    document.rules.push_back(allow("old", "patient", "record:write", "age >= 5"));
    document.rules.push_back(allow("any", "patient", "record:write", "age in (4, 5, 6)"));
    document.rules.push_back(deny("again", "doctor", "record:read", "status = 'closed' and is_sealed"));
    const auto findings = lint(document);
    ASSERT_EQ(findings.size(), 3U);
    EXPECT_THAT(findings[0].rules, ElementsAre("narrow", "ward"));
    EXPECT_THAT(findings[1].rules, ElementsAre("any", "young", "old"));
    EXPECT_THAT(findings[2].rules, ElementsAre("again", "sealed"));
    for (const Finding& finding : findings) EXPECT_EQ(finding.code, "lint.redundant");
}

TEST(Lint, OfTwoEqualRulesOnlyTheLaterIsRedundant) {
    PolicyDocument document = clinic();
    document.rules.push_back(allow("own again", "patient", "record:read", "owner_id = :principal_id"));
    const auto findings = lint(document);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_THAT(findings[0].rules, ElementsAre("own again", "own"));
}

TEST(Lint, FindsWhatDeniesNothing) {
    PolicyDocument document = clinic();
    document.rules.push_back(deny("open", "auditor", "record:write", "status = 'closed'"));
    const auto findings = lint(document);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].code, "lint.denies_nothing");
    // What another role of the same person allows is something.
    document.rules.back() = deny("draft", "auditor", "record:write", "status = 'draft'");
    EXPECT_THAT(codes_of(document), IsEmpty());
}

TEST(Lint, FindsUnknownFieldsAndTypesOfGivenModels) {
    PolicyDocument document;
    document.resources = {{"note", {"read"}}};
    document.roles = {{"user"}};
    document.rules = {allow("a", "user", "note:read", "holder_id = :principal_id"),
                      allow("b", "user", "note:read", "kind = 3")};
    document.fields = {{"user", "note:read", {"text", "txet"}}};
    const AnalysisOptions options{
        .fields = {{"note",
                    {{"owner_id", ValueType::Int64}, {"kind", ValueType::Text}, {"text", ValueType::Text}}}}};
    const auto findings = lint(document, options);
    EXPECT_THAT(findings, Contains(AllOf(Field(&Finding::code, "lint.unknown_field"),
                                         Field(&Finding::message, HasSubstr("`holder_id`")))));
    EXPECT_THAT(findings, Contains(AllOf(Field(&Finding::code, "lint.unknown_field"),
                                         Field(&Finding::message, HasSubstr("`txet`")))));
    EXPECT_THAT(findings, Contains(AllOf(Field(&Finding::code, "lint.type"),
                                         Field(&Finding::rules, ElementsAre("b")))));
}

TEST(Lint, FindsRolesActionsAndFieldsThatLeadNowhere) {
    PolicyDocument document = clinic();
    document.resources["bill"] = Resource{"pay"};
    document.roles.push_back({"visitor"});
    document.fields = {{"auditor", "record:write", {"status"}}};
    EXPECT_THAT(codes_of(document), ElementsAre("lint.fields_without_permission",
                                                "lint.role_without_permissions", "lint.nobody_may"));
}

TEST(Lint, FindsWhatBreaksSeparations) {
    PolicyDocument document = clinic();
    document.separations = {{"sight", {}, {"record:delete", "record:write", "record:read"}, 2},
                            {"independence", {"nurse", "auditor"}, {}, 1}};
    EXPECT_THAT(codes_of(document), ElementsAre("policy.separation"));
    document.separations[0].permissions = {"record:write", "record:read"};
    document.separations[0].at_most = 1;
    document.rules[2].role = "auditor";
    document.rules[4].role = "patient";
    document.rules[3].condition = parse_expression("age > 3");
    const auto findings = lint(document);
    const auto tells_of = [&](const char* first, const char* second, const char* separation) {
        return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
            return finding.code == "lint.pair_breaks_separation" && finding.rules.front() == separation &&
                   finding.message.find("`" + std::string(first) + "` and `" + second + "`") !=
                       std::string::npos;
        });
    };
    EXPECT_TRUE(tells_of("doctor", "auditor", "independence"));
    EXPECT_FALSE(tells_of("nurse", "auditor", "independence"));
    EXPECT_TRUE(tells_of("patient", "auditor", "sight"));
    EXPECT_TRUE(tells_of("nurse", "auditor", "sight"));
    EXPECT_FALSE(tells_of("patient", "nurse", "sight"));
}

TEST(Lint, SaysWhenThePolicyIsTooLargeForItsSteps) {
    EXPECT_THAT(codes_of(clinic(), {.max_steps_total = 1}), Contains("lint.incomplete"));
}

TEST(Diff, ShowsWhatARoleGainsAndLosesWithExamples) {
    const PolicyDocument before = clinic();
    PolicyDocument after = clinic();
    after.rules[2].condition = parse_expression("status in ('open', 'closed')");
    const auto changes = diff(before, after);
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(changes[0].kind, ChangeKind::Gains);
    EXPECT_EQ(changes[1].kind, ChangeKind::Loses);
    for (const PolicyChange& change : changes) {
        EXPECT_EQ(change.role, "doctor");
        EXPECT_EQ(change.action, "write");
        ASSERT_TRUE(change.is_certain());
        EXPECT_EQ(answer(after, *change.example), change.kind == ChangeKind::Gains);
        EXPECT_EQ(answer(before, *change.example), change.kind == ChangeKind::Loses);
    }
    EXPECT_EQ(changes[0].example->object.at("status"), core::Value("closed"));
}

TEST(Diff, WhatIsWrittenOtherwiseButTheSameIsNoChange) {
    PolicyDocument after = clinic();
    std::reverse(after.rules.begin(), after.rules.end());
    after.rules.push_back(allow("shadowed", "doctor", "record:read", "age > 3"));
    for (Rule& rule : after.rules) {
        if (rule.name == "treat") rule.condition = parse_expression("not (status = 'closed')");
        if (rule.name == "sealed")
            rule.condition = parse_expression("not (status <> 'closed' or not is_sealed)");
    }
    EXPECT_THAT(diff(clinic(), after), IsEmpty());
}

TEST(Diff, RolesAndPermissionsThatComeAndGo) {
    PolicyDocument after = clinic();
    after.roles.push_back({"clerk", {"nurse"}});
    after.resources["bill"] = Resource{"pay"};
    after.rules.push_back(allow("pays", "patient", "bill:pay"));
    const auto changes = diff(clinic(), after);
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(changes[0].role + " " + changes[0].resource + ":" + changes[0].action, "patient bill:pay");
    EXPECT_EQ(changes[1].role + " " + changes[1].resource + ":" + changes[1].action, "clerk record:read");
    EXPECT_EQ(diff(after, clinic())[1].kind, ChangeKind::Loses);
}

TEST(Diff, ShowsFieldsThatARoleGains) {
    PolicyDocument before = clinic();
    before.fields = {{"nurse", "record:read", {"*"}}, {"nurse", "record:read", {"age"}, Effect::Deny}};
    PolicyDocument after = before;
    after.fields[1].condition = parse_expression("is_sealed");
    const auto changes = diff(before, after);
    ASSERT_EQ(changes.size(), 2U);
    for (const PolicyChange& change : changes) {
        EXPECT_EQ(change.field, "age");
        EXPECT_EQ(change.kind, ChangeKind::Gains);
        ASSERT_TRUE(change.is_certain());
        EXPECT_EQ(change.example->object.at("is_sealed"), core::Value(false));
    }
}

TEST(Diff, WhatFunctionsHideIsUncertain) {
    PolicyDocument after = clinic();
    after.rules[2].condition =
        parse_expression("status <> 'closed' and replace(status, 'a', 'b') <> 'cccc' || status");
    bool any_uncertain = false;
    for (const PolicyChange& change : diff(clinic(), after)) any_uncertain |= !change.is_certain();
    EXPECT_TRUE(any_uncertain);
}

TEST(FindViolations, ProvesAndRefutes) {
    const PolicyDocument document = clinic();
    const std::vector<NeverRule> rules{
        {"patients see only their own", "patient", "record:read",
         parse_expression("owner_id <> :principal_id")},
        {"nobody deletes what is closed", "*", "record:delete", parse_expression("status = 'closed'")},
        {"auditors do not write", "auditor", "record:write", parse_expression("true")}};
    const auto results = find_violations(document, rules);
    ASSERT_EQ(results.size(), 3U);
    // A nurse who is a patient too sees the ward.
    EXPECT_EQ(results[0].verdict, Verdict::Violated);
    EXPECT_THAT(results[0].counterexample->principal.roles, ElementsAre("patient", "nurse"));
    EXPECT_TRUE(answer(document, *results[0].counterexample));
    EXPECT_EQ(results[1].verdict, Verdict::Proved);
    EXPECT_EQ(results[2].verdict, Verdict::Violated);
    EXPECT_THAT(results[2].counterexample->principal.roles, ElementsAre("auditor", "doctor"));
}

TEST(FindViolations, SeparatedRolesAreNotAddedUp) {
    PolicyDocument document = clinic();
    document.separations = {{"independence", {"auditor", "nurse"}, {}, 1},
                            {"own cases", {"patient", "nurse"}, {}, 1}};
    document.never = {{"auditors do not write", "auditor", "record:write", parse_expression("true")},
                      {"patients see only their own", "patient", "record:read",
                       parse_expression("owner_id <> :principal_id")}};
    const auto results = find_violations(document);
    EXPECT_EQ(results[0].verdict, Verdict::Proved);
    EXPECT_EQ(results[1].verdict, Verdict::Violated);
    EXPECT_THAT(results[1].counterexample->principal.roles, ElementsAre("patient", "auditor"));
    EXPECT_THAT(codes_of(document), Contains("lint.never"));
}

TEST(FindViolations, TheFirstRoleMayBeAThird) {
    PolicyDocument document = clinic();
    document.rules.push_back(allow("odd", "nurse", "record:delete", ":principal_role = 'auditor'"));
    document.never = {{"patients do not delete", "patient", "record:delete", {}}};
    document.rules[3].condition = parse_expression("1 = 2");
    const auto results = find_violations(document);
    ASSERT_EQ(results[0].verdict, Verdict::Violated);
    EXPECT_EQ(results[0].counterexample->principal.roles.front(), "auditor");
    EXPECT_TRUE(answer(document, *results[0].counterexample));
}

TEST(FindViolations, RefusesRulesThatDoNotFit) {
    const NeverRule rule{"x", "visitor", "record:read", {}};
    EXPECT_THROW(static_cast<void>(find_violations(clinic(), std::span(&rule, 1))), core::ValidationError);
}

TEST(PolicyAnalysis, TimesAndAddressesAreThoseOfTheContext) {
    PolicyDocument document = clinic();
    document.context_attributes = {{"purpose", ValueType::Text}};
    document.principal_attributes = {{"ward", ValueType::Int64}};
    document.rules = {allow(
        "shift", "nurse", "record:read",
        ":now > timestamp '2026-05-01T08:00:00Z' and :today < date '2026-05-02' and :address = '10.0.0.1' "
        "and :context_purpose = 'care' and :principal_ward = 3 and :principal_name = 'ann'")};
    document.never = {{"x", "nurse", "record:read", {}},
                      {"y", "*", "record:read",
                       parse_expression(":now is null or :principal_name is null or :address = ''")}};
    const auto results = find_violations(document);
    ASSERT_EQ(results[0].verdict, Verdict::Violated) << results[0].reason;
    EXPECT_TRUE(answer(document, *results[0].counterexample));
    EXPECT_EQ(results[1].verdict, Verdict::Proved);
    EXPECT_THAT(to_json(results), AllOf(HasSubstr(R"("verdict":"violated")"), HasSubstr(R"("ward":3)"),
                                        HasSubstr("2026-05-01")));
}

}  // namespace
}  // namespace consilia::access
