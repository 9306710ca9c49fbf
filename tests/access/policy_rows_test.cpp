// Goal: rows are judged and redacted as the objects that they are. Method: random policies and rows, for
// which `check` and `redact` of one object after the other say what is wanted. A failure prints the seed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "access/random_policy.hpp"
#include "consilia/access/policy.hpp"
#include "consilia/core/error.hpp"
#include "consilia/data/row_set.hpp"

namespace consilia::access {
namespace {

using core::field;
using core::parameter;
using core::Value;
using core::ValueType;
using random::Generator;
using random::Thing;
using testing::ElementsAre;

const std::vector<std::string>& paths() {
    static const std::vector<std::string> kPaths = {"made_at", "score", "holder.user_id",
                                                    "owner",   "flag",  "status"};
    return kPaths;
}

data::RowSet rows_of(const std::vector<Thing>& things) {
    std::vector<data::RowColumn> columns;
    for (const std::string& path : paths()) columns.push_back({path});
    data::RowSet rows(std::move(columns));
    for (const Thing& thing : things) {
        for (const std::string& path : paths()) rows.append(thing.source()(path));
    }
    return rows;
}

template <class F>
std::string missing_field(const F& action) {
    try {
        action();
    } catch (const core::InvalidArgument& error) {
        return error.code() + " " + error.details().at(0).value.as<std::string>();
    }
    return "nothing was thrown";
}

PolicyDocument clinic() {
    PolicyDocument document;
    document.resources = {{"note", {"read", "write"}}};
    document.roles = {{"patient"}, {"staff"}, {"chief", {"staff", "patient"}}, {"auditor"}};
    document.rules = {
        {"own", Effect::Allow, "patient", "note:read", field("owner_id") == parameter("principal_id")},
        {"staff", Effect::Allow, "staff", "note:*"},
        {"sealed", Effect::Deny, "staff", "note:write", field("is_sealed") == true},
        {"closed", Effect::Deny, "auditor", "note:*"}};
    document.fields = {{"patient", "note:read", {"id", "doctor"}},
                       {"patient", "note:read", {"text"}, Effect::Allow, field("is_final") == true}};
    document.delegable = {"note:read"};
    return document;
}

data::RowSet notes() {
    data::RowSet rows({{"id", ValueType::Int64},
                       {"owner_id", ValueType::Int64},
                       {"text", ValueType::Text},
                       {"is_final", ValueType::Bool},
                       {"doctor.name", ValueType::Text}});
    const std::vector<std::vector<Value>> cells = {{1, 7, "healthy", true, "Wren"},
                                                   {2, 8, "a long text that is not kept in place", true, {}},
                                                   {3, 7, "perhaps", false, "Finch"},
                                                   {4, {}, "nobody's", {}, "Wren"}};
    for (const std::vector<Value>& row : cells) {
        for (const Value& cell : row) rows.append(cell);
    }
    return rows;
}

TEST(PolicyRows, AreDecidedAsTheObjectsThatTheyAre) {
    std::size_t partial = 0;
    for (std::uint32_t seed = 0; seed < 3'000; ++seed) {
        Generator generate(seed);
        std::optional<Policy> policy;
        try {
            policy.emplace(generate.document());
        } catch (const core::ValidationError&) {
            continue;  // Some documents make no policy.
        }
        std::vector<Thing> things;
        while (things.size() < 8) things.push_back(generate.thing());
        const Principal principal = generate.principal();
        const Context context = generate.context();
        for (const char* action : {"read", "write", "erase"}) {
            std::vector<Decision> wanted;
            for (const Thing& thing : things)
                wanted.push_back(policy->check(principal, action, "thing", thing.source(), context));
            const Subject subject = policy->subject(principal);
            const PermissionId permission = policy->permission(action, "thing");
            ASSERT_EQ(policy->check_rows(subject, permission, rows_of(things), context), wanted)
                << "seed " << seed << ", " << action;
            partial += static_cast<std::size_t>(
                std::adjacent_find(wanted.begin(), wanted.end(), std::not_equal_to<>()) != wanted.end());
        }
    }
    EXPECT_GT(partial, 300U) << "too few pages differ by row for the comparison to mean much";
}

TEST(PolicyRows, NeedOnlyTheFieldsThatTheSubjectsRulesAskFor) {
    const Policy policy(clinic());
    const auto check = [&](std::vector<std::string> roles, const char* action) {
        const Subject subject = policy.subject({7, std::move(roles)});
        return policy.check_rows(subject, policy.permission(action, "note"), notes());
    };
    EXPECT_THAT(check({"patient"}, "read").at(0).allowed, true);
    EXPECT_EQ(missing_field([&] { check({"staff"}, "write"); }), "access.missing_field is_sealed");
    EXPECT_THAT(check({"staff"}, "read").at(3).allowed, true);
    EXPECT_THAT(check({"staff", "auditor"}, "write").at(0).reason, Reason::DeniedByRule);
    EXPECT_THAT(check({"visitor"}, "write").at(0).reason, Reason::UnknownRole);
    EXPECT_THAT(check({"staff"}, "erase").at(0).reason, Reason::UnknownPermission);
}

TEST(PolicyRows, AreRefusedWithoutAFieldEvenWhereThereAreNone) {
    const Policy policy(clinic());
    const data::RowSet none({{"id", ValueType::Int64}});
    Principal principal{7, {"patient"}};
    EXPECT_EQ(missing_field([&] {
                  static_cast<void>(
                      policy.check_rows(policy.subject(principal), policy.permission("read", "note"), none));
              }),
              "access.missing_field owner_id");
    EXPECT_EQ(missing_field([&] { static_cast<void>(policy.redact_rows(principal, "read", "note", none)); }),
              "access.missing_field is_final");
    principal = {8, {"staff"}, "", {}, {{7, {"patient"}, "note:read", {100}}}};
    const Context before_the_end{core::Timestamp{99}};
    const Context after_it{core::Timestamp{100}};
    EXPECT_EQ(missing_field([&] {
                  static_cast<void>(policy.redact_rows(principal, "read", "note", none, before_the_end));
              }),
              "access.missing_field owner_id");
    EXPECT_TRUE(policy.redact_rows(principal, "read", "note", none, after_it).columns().empty());
}

TEST(PolicyRows, AreRefusedForASubjectOfAnotherPolicy) {
    const Policy policy(clinic());
    const Policy other(clinic());
    const data::RowSet none;
    const Subject subject = other.subject({7, {"patient"}});
    EXPECT_THROW(static_cast<void>(policy.check_rows(subject, policy.permission("read", "note"), none)),
                 core::InvalidArgument);
}

TEST(PolicyRows, AreRedactedByColumnAndByCell) {
    const Policy policy(clinic());
    const data::RowSet shown = policy.redact_rows({7, {"patient"}}, "read", "note", notes());
    EXPECT_EQ(data::to_json(shown),
              R"([{"id":1,"text":"healthy","doctor":{"name":"Wren"}},)"
              R"({"id":2,"text":"a long text that is not kept in place","doctor":null},)"
              R"({"id":3,"text":null,"doctor":{"name":"Finch"}},)"
              R"({"id":4,"text":null,"doctor":{"name":"Wren"}}])");
    EXPECT_EQ(shown.columns()[0].type, ValueType::Int64);
    const data::RowSet nothing = policy.redact_rows({7, {"auditor"}}, "read", "note", notes());
    EXPECT_TRUE(nothing.columns().empty());
    EXPECT_TRUE(nothing.empty());
}

// A random policy whose field rules name the fields of things, some of them under conditions.
std::optional<Policy> with_field_rules(Generator& generate) {
    PolicyDocument document = generate.document();
    for (std::size_t left = generate.below(6); left > 0; --left) {
        FieldRule rule;
        rule.role = generate.role();
        rule.permission = "thing:*";
        rule.fields = {generate.any_of({"score", "holder", "holder.user_id", "owner", "status"})};
        if (generate.one_in(4)) rule.effect = Effect::Deny;
        if (!generate.one_in(3)) rule.condition = generate.comparison();
        document.fields.push_back(std::move(rule));
    }
    try {
        return Policy(document);
    } catch (const core::ValidationError&) {
        return std::nullopt;  // Some documents make no policy.
    }
}

// The cell of a row as `to_json` writes it; null where there is no such column.
std::string cell_of(const data::RowSet& rows, std::size_t row, const std::string& path) {
    for (std::size_t i = 0; i < rows.columns().size(); ++i) {
        if (rows.columns()[i].name == path) return core::to_json(rows.value(row, i));
    }
    return "null";
}

std::string member_of(const nlohmann::json& object, std::string path) {
    std::replace(path.begin(), path.end(), '.', '/');
    const nlohmann::json::json_pointer pointer("/" + path);
    return object.contains(pointer) ? object.at(pointer).dump() : "null";
}

TEST(PolicyRows, AreRedactedAsTheirJsonIs) {
    std::size_t hidden = 0;
    std::size_t shown = 0;
    for (std::uint32_t seed = 0; seed < 3'000; ++seed) {
        Generator generate(seed);
        const std::optional<Policy> policy = with_field_rules(generate);
        if (!policy) continue;
        std::vector<Thing> things;
        while (things.size() < 6) things.push_back(generate.thing());
        for (Thing& thing : things) thing.cells[5] = {};  // JSON has no times.
        const data::RowSet rows = rows_of(things);
        const Principal principal = generate.principal();
        const Context context = generate.context();
        const auto wanted =
            nlohmann::json::parse(policy->redact(principal, "read", "thing", data::to_json(rows), context));
        const data::RowSet redacted = policy->redact_rows(principal, "read", "thing", rows, context);
        for (std::size_t row = 0; row < things.size(); ++row) {
            for (const std::string& path : paths()) {
                const std::string cell = cell_of(redacted, row, path);
                ASSERT_EQ(cell, member_of(wanted.at(row), path))
                    << "seed " << seed << ", row " << row << ", " << path << "\n"
                    << to_json(policy->document());
                if (cell_of(rows, row, path) != "null") ++(cell == "null" ? hidden : shown);
            }
        }
    }
    EXPECT_GT(hidden, 1'000U);
    EXPECT_GT(shown, 1'000U);
}

}  // namespace
}  // namespace consilia::access
