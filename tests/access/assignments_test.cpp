// Goal: what the tables say is what the policy is asked with, at each time. Method: a clock that the tests
// move, on SQLite and PostgreSQL.
#include "consilia/access/assignments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/history.hpp"
#include "support/postgres_server.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::access {
namespace {

using core::field;
using core::parameter;
using core::Timestamp;
using std::chrono::days;
using std::chrono::hours;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kAnn = 1;
constexpr std::int64_t kBob = 2;
constexpr std::int64_t kEve = 3;

Policy clinic() {
    PolicyDocument document;
    document.resources = {{"prediction", {"read", "review", "delete"}}, {"audit", {"read"}}};
    document.roles = {{"staff"}, {"senior", {"staff"}}, {"admin"}, {"auditor"}, {"patient"}};
    document.rules = {
        {"staff reads", Effect::Allow, "staff", "prediction:read"},
        {"seniors review", Effect::Allow, "senior", "prediction:review"},
        {"admins delete", Effect::Allow, "admin", "prediction:delete"},
        {"patients read their own", Effect::Allow, "patient", "prediction:read",
         field("owner_id") == parameter("principal_id")},
        {"auditors read", Effect::Allow, "auditor", "audit:*"},
    };
    document.separations = {{"who administers does not audit", {"admin", "auditor"}, {}, 1}};
    document.delegable = {"prediction:read", "prediction:review"};
    return Policy(document);
}

template <class F>
core::Error error_of(const F& action) {
    try {
        action();
    } catch (const core::Error& error) {
        return error;
    }
    return core::Internal("nothing was thrown", "nothing was thrown");
}

class AssignmentsTest : public testing::TestWithParam<const char*> {
protected:
    AssignmentsTest()
        : database_(std::string(GetParam()) == "sqlite" ? "sqlite:" + (directory_ / "roles.db").string()
                                                        : test::PostgresServer::instance().create_database()),
          assignments_(database_, clock_) {
        create_assignment_tables(database_);
    }
    Timestamp in(std::chrono::microseconds time) { return clock_.now() + time; }
    void assign(std::int64_t user, const char* role, const AssignOptions& options = {}) {
        database_.transact([&](data::Transaction& transaction) {
            assignments_.assign(transaction, policy_, user, role, options);
        });
    }
    bool revoke(std::int64_t user, const char* role) {
        return database_.transact(
            [&](data::Transaction& transaction) { return assignments_.revoke(transaction, user, role); });
    }
    LentPermission lend(std::int64_t lender, const DelegateOptions& options) {
        return database_.transact([&](data::Transaction& transaction) {
            return assignments_.delegate(transaction, policy_,
                                         assignments_.principal(transaction, lender, "lender"), options);
        });
    }
    std::vector<std::string> roles_of(std::int64_t user) {
        return assignments_.roles_of(database_.read(), user);
    }
    Decision check(std::int64_t user, const char* action) {
        return policy_.check(assignments_.principal(database_.read(), user), action, "prediction",
                             Policy::nothing(), {.now = clock_.now()});
    }

    test::TemporaryDirectory directory_;
    data::Database database_;
    core::ManualClock clock_{core::parse_timestamp("2026-03-01T12:00:00Z")};
    Policy policy_ = clinic();
    Assignments assignments_;
};

TEST_P(AssignmentsTest, ARoleCountsFromItsStartToItsEnd) {
    assign(kAnn, "patient");
    assign(kAnn, "staff", {.starts_at = in(hours(1)), .ends_at = in(hours(2))});
    EXPECT_THAT(roles_of(kAnn), ElementsAre("patient"));
    EXPECT_EQ(assignments_.assignments_of(database_.read(), kAnn).size(), 2U);
    clock_.advance(hours(1));
    EXPECT_THAT(roles_of(kAnn), ElementsAre("patient", "staff"));
    clock_.advance(hours(1));
    EXPECT_THAT(roles_of(kAnn), ElementsAre("patient"));
    EXPECT_EQ(assignments_.assignments_of(database_.read(), kAnn).size(), 1U);
    EXPECT_THAT(roles_of(kBob), IsEmpty());
}

TEST_P(AssignmentsTest, ARoleThatIsAssignedAgainGetsTheNewPeriod) {
    assign(kAnn, "staff", {.granted_by = kBob, .ends_at = in(hours(1))});
    assign(kAnn, "staff", {.granted_by = kEve});
    clock_.advance(days(365));
    const std::vector<RoleAssignment> found = assignments_.assignments_of(database_.read(), kAnn);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].granted_by, kEve);
    EXPECT_FALSE(found[0].ends_at.has_value());
}

TEST_P(AssignmentsTest, ARevokedRoleIsGoneAndItsHistoryTellsWhoTookIt) {
    assign(kAnn, "staff");
    const std::int64_t id = assignments_.assignments_of(database_.read(), kAnn).front().id;
    {
        data::Transaction transaction = database_.begin();
        transaction.act_as(kEve);
        EXPECT_TRUE(assignments_.revoke(transaction, kAnn, "staff"));
        EXPECT_FALSE(assignments_.revoke(transaction, kAnn, "staff"));
        transaction.commit();
    }
    EXPECT_THAT(roles_of(kAnn), IsEmpty());
    const data::History history(data::mapping_of<RoleAssignment>().model());
    const data::RowSet versions =
        history.versions(id).select({"history_action", "history_by"}).run(database_.read());
    ASSERT_EQ(versions.size(), 2U);
    EXPECT_EQ(versions.text(1, 0), "delete");
    EXPECT_EQ(versions.int64(1, 1), kEve);
}

TEST_P(AssignmentsTest, TheGranterIsWhoActsUnlessItIsSaid) {
    data::Transaction transaction = database_.begin();
    transaction.act_as(kEve);
    EXPECT_EQ(assignments_.assign(transaction, policy_, kAnn, "staff").granted_by, kEve);
    EXPECT_EQ(assignments_.assign(transaction, policy_, kAnn, "staff", {.granted_by = kBob}).granted_by,
              kBob);
}

TEST_P(AssignmentsTest, UnknownRolesAndPeriodsThatAreNoneAreRefused) {
    EXPECT_EQ(error_of([&] { assign(kAnn, "surgeon"); }).code(), "access.unknown_role");
    EXPECT_EQ(error_of([&] { assign(kAnn, "*"); }).code(), "access.unknown_role");
    EXPECT_EQ(error_of([&] { assign(kAnn, "staff", {.ends_at = in(hours(0))}); }).code(), "access.period");
    EXPECT_EQ(error_of([&] {
                  assign(kAnn, "staff", {.starts_at = in(-hours(2)), .ends_at = in(-hours(1))});
              }).code(),
              "access.period");
    EXPECT_EQ(
        error_of([&] { assign(kAnn, "staff", {.starts_at = in(hours(2)), .ends_at = in(hours(2))}); }).code(),
        "access.period");
    EXPECT_THAT(roles_of(kAnn), IsEmpty());
}

TEST_P(AssignmentsTest, RolesThatAreKeptApartAreRefusedWhereverTheirTimesMeet) {
    assign(kAnn, "admin", {.starts_at = in(hours(10)), .ends_at = in(hours(20))});
    const auto refused = [&](std::chrono::microseconds from, std::optional<std::chrono::microseconds> to) {
        const core::Error error = error_of([&] {
            assign(kAnn, "auditor",
                   {.starts_at = in(from), .ends_at = to ? std::optional(in(*to)) : std::nullopt});
        });
        if (error.code() != "access.separation") return false;
        EXPECT_THAT(error.what(), HasSubstr("`who administers does not audit`"));
        EXPECT_EQ(error.http_status(), 409);
        return true;
    };
    EXPECT_TRUE(refused(hours(1), std::nullopt));
    EXPECT_TRUE(refused(hours(1), hours(11)));
    EXPECT_TRUE(refused(hours(12), hours(13)));
    EXPECT_TRUE(refused(hours(19), hours(30)));
    EXPECT_FALSE(refused(hours(20), std::nullopt));
    EXPECT_FALSE(refused(hours(1), hours(10))) << "one ends where the other starts";
    EXPECT_FALSE(refused(hours(1), hours(10))) << "a role is not apart from itself";
}

TEST_P(AssignmentsTest, TwoWhoAssignAtOnceCannotGiveWhatIsKeptApart) {
    for (std::int64_t user = 10; user < 20; ++user) {
        std::vector<std::thread> threads;
        for (const char* role : {"admin", "auditor"}) {
            threads.emplace_back([&, role] {
                const std::string code = error_of([&] { assign(user, role); }).code();
                EXPECT_THAT(code, AnyOf("nothing was thrown", "access.separation"));
            });
        }
        for (std::thread& thread : threads) thread.join();
        EXPECT_EQ(roles_of(user).size(), 1U);
    }
}

TEST_P(AssignmentsTest, UsersOfARoleAreListedPageByPage) {
    for (std::int64_t user = 5; user >= 1; --user) assign(user, "staff");
    assign(6, "staff", {.starts_at = in(hours(1))});
    assign(7, "patient");
    const auto page = [&](const UsersOptions& options) {
        return assignments_.users_with(database_.read(), "staff", options);
    };
    EXPECT_THAT(page({}), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_THAT(page({.limit = 2}), ElementsAre(1, 2));
    EXPECT_THAT(page({.after = 2, .limit = 2}), ElementsAre(3, 4));
    EXPECT_THAT(page({.after = 5}), IsEmpty());
    EXPECT_EQ(error_of([&] { page({.limit = 0}); }).code(), "access.limit");
    EXPECT_EQ(error_of([&] { page({.limit = 10'001}); }).code(), "access.limit");
}

TEST_P(AssignmentsTest, ADelegationCountsFromItsStartToItsEnd) {
    assign(kAnn, "senior");
    assign(kBob, "staff");
    EXPECT_FALSE(check(kBob, "review"));
    const LentPermission lent = lend(kAnn, {.borrower_id = kBob,
                                            .permission = "prediction:review",
                                            .ends_at = in(hours(2)),
                                            .starts_at = in(hours(1))});
    EXPECT_GT(lent.id, 0);
    EXPECT_FALSE(check(kBob, "review"));
    clock_.advance(hours(1));
    EXPECT_EQ(check(kBob, "review").reason, Reason::AllowedByDelegation);
    const Principal bob = assignments_.principal(database_.read(), kBob, "bob");
    ASSERT_EQ(bob.delegations.size(), 1U);
    EXPECT_EQ(bob.name, "bob");
    EXPECT_EQ(bob.delegations[0].from_id, core::Value(kAnn));
    EXPECT_EQ(bob.delegations[0].from_name, "lender");
    EXPECT_EQ(bob.delegations[0].ends_at, in(hours(1)));
    clock_.advance(hours(1));
    EXPECT_FALSE(check(kBob, "review"));
    EXPECT_THAT(assignments_.principal(database_.read(), kBob).delegations, IsEmpty());
}

TEST_P(AssignmentsTest, ALenderWhoLosesTheRoleLendsNothing) {
    assign(kAnn, "senior");
    lend(kAnn, {.borrower_id = kBob, .permission = "prediction:review", .ends_at = in(hours(2))});
    EXPECT_TRUE(check(kBob, "review"));
    EXPECT_TRUE(revoke(kAnn, "senior"));
    EXPECT_FALSE(check(kBob, "review"));
    assign(kAnn, "patient");
    EXPECT_FALSE(check(kBob, "review"));
}

TEST_P(AssignmentsTest, OnlyTheLenderTakesBack) {
    assign(kAnn, "senior");
    const LentPermission lent =
        lend(kAnn, {.borrower_id = kBob, .permission = "prediction:review", .ends_at = in(hours(2))});
    EXPECT_EQ(assignments_.lent_by(database_.read(), kAnn).size(), 1U);
    EXPECT_EQ(assignments_.lent_to(database_.read(), kBob).size(), 1U);
    const auto take_back = [&](std::int64_t lender) {
        return database_.transact([&](data::Transaction& transaction) {
            return assignments_.take_back(transaction, {.id = lent.id, .lender_id = lender});
        });
    };
    EXPECT_FALSE(take_back(kBob));
    EXPECT_TRUE(check(kBob, "review"));
    EXPECT_TRUE(take_back(kAnn));
    EXPECT_FALSE(check(kBob, "review"));
    EXPECT_FALSE(take_back(kAnn));
    EXPECT_THAT(assignments_.lent_by(database_.read(), kAnn), IsEmpty());
}

TEST_P(AssignmentsTest, OnlyWhatIsDelegableAndAllowedIsLent) {
    assign(kAnn, "senior");
    assign(kEve, "admin");
    const auto refusal = [&](std::int64_t lender, const char* permission) {
        const core::Error error = error_of(
            [&] { lend(lender, {.borrower_id = kBob, .permission = permission, .ends_at = in(hours(1))}); });
        return error.code() + (error.details().size() == 2
                                   ? " " + std::string(error.details()[1].value.as<std::string>())
                                   : "");
    };
    EXPECT_EQ(refusal(kEve, "prediction:delete"), "access.delegation not_delegable");
    EXPECT_EQ(refusal(kEve, "prediction:review"), "access.delegation not_allowed");
    EXPECT_EQ(refusal(kAnn, "prediction:*"), "access.delegation not_delegable") << "one of them is not";
    EXPECT_EQ(refusal(kAnn, "prediction:write"), "access.unknown_permission");
    EXPECT_EQ(refusal(kAnn, "anything"), "access.unknown_permission");
    EXPECT_EQ(refusal(kAnn, "*:review"), "nothing was thrown");
}

TEST_P(AssignmentsTest, WhatWasLentIsNotLentOn) {
    assign(kAnn, "senior");
    lend(kAnn, {.borrower_id = kBob, .permission = "prediction:review", .ends_at = in(hours(2))});
    ASSERT_TRUE(check(kBob, "review"));
    EXPECT_EQ(error_of([&] {
                  lend(kBob,
                       {.borrower_id = kEve, .permission = "prediction:review", .ends_at = in(hours(1))});
              }).code(),
              "access.delegation");
}

TEST_P(AssignmentsTest, ADelegationHasABorrowerAndAnEndWithinAYear) {
    assign(kAnn, "senior");
    const auto code = [&](std::int64_t borrower, Timestamp ends_at, std::optional<Timestamp> starts_at = {}) {
        return error_of([&] {
                   lend(kAnn, {.borrower_id = borrower,
                               .permission = "prediction:review",
                               .ends_at = ends_at,
                               .starts_at = starts_at});
               })
            .code();
    };
    EXPECT_EQ(code(kAnn, in(hours(1))), "access.borrower");
    EXPECT_EQ(code(kBob, {}), "access.period") << "an end is required";
    EXPECT_EQ(code(kBob, in(hours(0))), "access.period");
    EXPECT_EQ(code(kBob, in(hours(1)), in(hours(1))), "access.period");
    EXPECT_EQ(code(kBob, in(days(366)) + std::chrono::microseconds(1)), "access.period");
    EXPECT_EQ(code(kBob, in(days(366))), "nothing was thrown");
    data::Transaction transaction = database_.begin();
    EXPECT_EQ(error_of([&] {
                  assignments_.delegate(
                      transaction, policy_, {core::Value("ann"), {"senior"}},
                      {.borrower_id = kBob, .permission = "prediction:review", .ends_at = in(hours(1))});
              }).code(),
              "access.lender");
}

TEST_P(AssignmentsTest, NobodyBorrowsFromARoleThatIsKeptApartFromTheirs) {
    assign(kAnn, "senior");
    assign(kAnn, "admin");
    assign(kBob, "auditor");
    EXPECT_EQ(error_of([&] {
                  lend(kAnn,
                       {.borrower_id = kBob, .permission = "prediction:review", .ends_at = in(hours(1))});
              }).code(),
              "access.separation");
}

TEST_P(AssignmentsTest, AHundredDelegationsAreLentToOneUser) {
    assign(kAnn, "senior");
    const auto lend_one = [&] {
        return lend(kAnn, {.borrower_id = kBob, .permission = "prediction:review", .ends_at = in(hours(1))});
    };
    for (std::int64_t i = 0; i < Assignments::kMaxBorrowed; ++i) lend_one();
    EXPECT_EQ(error_of(lend_one).code(), "access.borrowed_max");
    clock_.advance(hours(1));
    EXPECT_EQ(error_of(lend_one).code(), "nothing was thrown") << "what has ended does not count";
}

TEST_P(AssignmentsTest, ARoleThatThePolicyNoLongerDeclaresDeniesEverything) {
    assign(kAnn, "staff");
    assign(kAnn, "patient");
    PolicyDocument document = policy_.document();
    std::erase_if(document.roles, [](const Role& role) { return role.name == "patient"; });
    std::erase_if(document.rules, [](const Rule& rule) { return rule.role == "patient"; });
    policy_ = Policy(document);
    EXPECT_EQ(check(kAnn, "read").reason, Reason::UnknownRole);
    assign(kAnn, "admin");
    EXPECT_TRUE(revoke(kAnn, "patient"));
    EXPECT_TRUE(check(kAnn, "read"));
}

INSTANTIATE_TEST_SUITE_P(Databases, AssignmentsTest, testing::Values("sqlite", "postgres"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace consilia::access
