// Goal: the founding rules are what docs/screening.md says, and no rule can be changed unnoticed. Method: a
// table of every role × permission × object, written without the policy, and every mutation of every rule,
// each of which must disagree with the table.
#include "consilia/screening/default_policy.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "consilia/access/policy.hpp"
#include "consilia/access/policy_analysis.hpp"
#include "consilia/core/error.hpp"

namespace consilia::screening {
namespace {

using access::Effect;
using access::Policy;
using access::PolicyDocument;
using core::Value;

constexpr std::int64_t kMe = 7;

struct Object {
    Value owner;
    const char* status;

    [[nodiscard]] core::FieldSource source() const {
        return [this](std::string_view path) {
            if (path == "user_id" || path == "xray.patient.user_id") return owner;
            return path == "status" ? Value(status) : Value();
        };
    }
};

const std::vector<Object>& objects() {
    static const std::vector<Object> all = {
        {Value(kMe), "pending"}, {Value(kMe), "completed"}, {Value(kMe), "failed"}, {Value(8), "pending"},
        {Value(8), "completed"}, {Value(), "pending"},      {Value(), "completed"},
    };
    return all;
}

const std::vector<access::Principal>& people() {
    static const std::vector<access::Principal> all = {
        {Value(kMe), {"admin"}, "a"},           {Value(kMe), {"staff"}, "b"},
        {Value(kMe), {"patient"}, "c"},         {Value(), {"patient"}, "d"},
        {Value(kMe), {"visitor"}, ""},          {Value(kMe), {}, ""},
        {Value(kMe), {"admin", "visitor"}, ""}, {Value(kMe), {"staff", "patient"}, ""}};
    return all;
}

const char* const kPermissions[][2] = {
    {"user", "create"},      {"patient", "create"},  {"patient", "read"},     {"patient", "update"},
    {"patient", "submit"},   {"prediction", "read"}, {"prediction", "retry"}, {"prediction", "delete"},
    {"prediction", "erase"}, {"invoice", "read"},
};

// The rules as docs/screening.md tells them.
bool is_expected(const access::Principal& who, const std::string& permission, const Object& object) {
    if (who.roles.size() != 1 || permission == "prediction:erase" || permission == "invoice:read")
        return false;
    const std::string& role = who.roles[0];
    if (role == "admin") return true;
    if (role == "staff")
        return permission == "prediction:delete" ? std::string(object.status) == "pending"
                                                 : permission != "user:create";
    if (role != "patient") return false;
    const bool is_own = !who.user_id.is_null() && object.owner == who.user_id;
    return is_own && (permission == "patient:read" || permission == "patient:submit" ||
                      permission == "prediction:read");
}

using Fields = std::vector<std::string>;

const std::map<std::string, std::map<std::string, Fields>>& expected_fields() {
    static const std::map<std::string, std::map<std::string, Fields>> all = {
        {"prediction:read",
         {{"patient",
           {"completed_at", "confidence", "created_at", "diagnosis", "failure_code", "id", "needs_review",
            "status", "xray.client_name", "xray.created_at", "xray.height", "xray.id",
            "xray.patient.record_number", "xray.width"}},
          {"staff",
           {"agreement",
            "attempt",
            "completed_at",
            "confidence",
            "created_at",
            "diagnosis",
            "failure_code",
            "failure_reason",
            "id",
            "needs_review",
            "opinions",
            "probabilities",
            "requested_by.display_name",
            "requested_by.username",
            "started_at",
            "status",
            "xray.client_name",
            "xray.created_at",
            "xray.height",
            "xray.id",
            "xray.media_type",
            "xray.patient.birth_date",
            "xray.patient.full_name",
            "xray.patient.id",
            "xray.patient.record_number",
            "xray.patient.sex",
            "xray.sha256",
            "xray.size_bytes",
            "xray.width"}},
          {"admin",
           {"agreement",
            "attempt",
            "completed_at",
            "confidence",
            "created_at",
            "diagnosis",
            "failure_code",
            "failure_reason",
            "id",
            "needs_review",
            "opinions",
            "probabilities",
            "requested_by.display_name",
            "requested_by.email",
            "requested_by.id",
            "requested_by.role",
            "requested_by.username",
            "started_at",
            "status",
            "updated_at",
            "xray.client_name",
            "xray.created_at",
            "xray.height",
            "xray.id",
            "xray.media_type",
            "xray.patient.birth_date",
            "xray.patient.full_name",
            "xray.patient.id",
            "xray.patient.record_number",
            "xray.patient.sex",
            "xray.patient.user_id",
            "xray.sha256",
            "xray.size_bytes",
            "xray.stored_name",
            "xray.uploaded_by.username",
            "xray.width"}}}},
        {"patient:read",
         {{"patient", {"birth_date", "created_at", "full_name", "id", "record_number", "sex"}},
          {"staff", {"birth_date", "created_at", "full_name", "id", "record_number", "sex", "updated_at"}},
          {"admin",
           {"birth_date", "created_at", "full_name", "id", "record_number", "sex", "updated_at",
            "user_id"}}}},
        {"patient:update",
         {{"patient", {}},
          {"staff", {"birth_date", "full_name", "sex"}},
          {"admin", {"birth_date", "full_name", "record_number", "sex", "user_id"}}}},
        {"prediction:delete", {{"patient", {}}, {"staff", {}}, {"admin", {}}}},
    };
    return all;
}

// Where a policy differs from the table: the first place, or nothing.
std::string difference(const PolicyDocument& document) {
    const Policy policy(document);
    for (const access::Principal& who : people()) {
        for (const auto& [resource, action] : kPermissions) {
            const std::string permission = std::string(resource) + ":" + action;
            for (const Object& object : objects()) {
                const bool allowed = policy.check(who, action, resource, object.source()).allowed;
                if (allowed != is_expected(who, permission, object))
                    return std::string(who.role()) + " " + permission + " " + object.status + " of " +
                           core::to_json(object.owner) + ": " + (allowed ? "allowed" : "denied");
            }
        }
    }
    for (const auto& [permission, roles] : expected_fields()) {
        const std::size_t colon = permission.find(':');
        for (const auto& [role, fields] : roles) {
            if (policy.fields({Value(kMe), {role}, ""}, permission.substr(colon + 1),
                              permission.substr(0, colon)) != fields)
                return "fields of " + role + " " + permission;
        }
    }
    return {};
}

TEST(DefaultPolicy, IsWhatTheDocumentationSays) {
    EXPECT_EQ(difference(default_policy()), "");
}

TEST(DefaultPolicy, EveryMutationOfEveryRuleIsNoticed) {
    std::size_t mutations = 0;
    const auto expect_noticed = [&](const PolicyDocument& mutated, const std::string& what) {
        ++mutations;
        EXPECT_NE(difference(mutated), "") << what << " went unnoticed";
    };
    const PolicyDocument original = default_policy();
    for (std::size_t i = 0; i < original.rules.size(); ++i) {
        const access::Rule& rule = original.rules[i];
        const auto change = [&](const std::string& what, const auto& apply) {
            PolicyDocument mutated = original;
            apply(mutated.rules[i]);
            expect_noticed(mutated, "rule `" + rule.name + "`: " + what);
        };
        PolicyDocument without = original;
        without.rules.erase(without.rules.begin() + static_cast<std::ptrdiff_t>(i));
        expect_noticed(without, "without rule `" + rule.name + "`");
        change("the other effect", [](access::Rule& r) { r.effect = Effect::Deny; });
        for (const access::Role& role : original.roles) {
            if (role.name != rule.role)
                change("for " + role.name, [&](access::Rule& r) { r.role = role.name; });
        }
        for (const auto& [resource, actions] : original.resources) {
            for (const std::string& action : actions.actions) {
                const std::string permission = resource + ":" + action;
                if (permission != rule.permission &&
                    actions.fields == original.resources.at(resource).fields) {
                    // A condition on fields that the other resource does not have is refused already.
                    PolicyDocument mutated = original;
                    mutated.rules[i].permission = permission;
                    try {
                        expect_noticed(mutated, "rule `" + rule.name + "`: to " + permission);
                    } catch (const core::ValidationError& error) {
                        EXPECT_EQ(error.code(), "policy.unknown_field");
                    }
                }
            }
        }
        if (rule.condition.is_always_true()) {
            change("only never", [](access::Rule& r) { r.condition = core::Expression::literal(false); });
        } else {
            change("always", [](access::Rule& r) { r.condition = {}; });
            change("negated", [](access::Rule& r) { r.condition = !r.condition; });
        }
    }
    for (std::size_t i = 0; i < original.fields.size(); ++i) {
        for (std::size_t field = 0; field < original.fields[i].fields.size(); ++field) {
            PolicyDocument mutated = original;
            auto& names = mutated.fields[i].fields;
            const std::string name = names[field];
            names.erase(names.begin() + static_cast<std::ptrdiff_t>(field));
            expect_noticed(mutated, "without field " + name);
        }
        PolicyDocument denied = original;
        denied.fields[i].effect = Effect::Deny;
        expect_noticed(denied, "denied fields of " + original.fields[i].role);
    }
    EXPECT_GT(mutations, 150U);
}

TEST(DefaultPolicy, HasNothingToLintAndItsPropertiesAreProved) {
    const std::vector<access::Finding> findings = access::lint(default_policy());
    for (const access::Finding& finding : findings) ADD_FAILURE() << finding.code << ": " << finding.message;
    PolicyDocument careless = default_policy();
    careless.separations.clear();
    EXPECT_FALSE(access::lint(careless).empty()) << "staff who are patients too would edit themselves";
}

}  // namespace
}  // namespace consilia::screening
