// The examples of docs/policy-store.md, run.
#include <gtest/gtest.h>

#include <fstream>

#include "consilia/access/assignments.hpp"
#include "consilia/access/policy_tables.hpp"
#include "support/temporary_directory.hpp"

namespace consilia {
namespace {

using namespace std::chrono_literals;

access::PolicyDocument reports() {
    access::PolicyDocument document;
    document.resources = {{"report", {"read", "sign"}}};
    document.roles = {{"staff"}};
    document.rules = {{"staff reads", access::Effect::Allow, "staff", "report:read"},
                      {"staff signs", access::Effect::Allow, "staff", "report:sign"}};
    document.delegable = {"report:sign"};
    return document;
}

TEST(PolicyStoreDocumentation, AFileIsWatched) {
    const test::TemporaryDirectory directory;
    std::ofstream(directory / "policy.json") << access::to_json(reports());
    access::PolicyStore store(access::policy_file(directory / "policy.json"));
    store.watch({.interval = 1s, .on_error = [](const std::exception&) {}});
    const access::Policy policy = store.current();
    EXPECT_TRUE(policy.check({7, {"staff"}, "ann"}, "read", "report"));
}

TEST(PolicyStoreDocumentation, ARowIsEdited) {
    data::Database database("sqlite::memory:");
    access::create_policy_tables(database);
    const access::PolicyDocument document = reports();
    database.transact([&](data::Transaction& transaction) { access::save_policy(transaction, document); });
    access::PolicyStore store(access::policy_tables(database));
    database.execute(
        "UPDATE consilia_policy_rules SET condition = 'author_id = :principal_id' WHERE name = 'staff "
        "reads'");
    store.refresh();
    EXPECT_FALSE(store.current().check({7, {"staff"}, "ann"}, "read", "report"));
}

TEST(PolicyStoreDocumentation, RolesAreAssignedAndLent) {
    data::Database database("sqlite::memory:");
    const access::Policy policy(reports());
    constexpr std::int64_t admin_id = 1;
    constexpr std::int64_t ann_id = 2;
    constexpr std::int64_t bob_id = 3;
    const core::Timestamp end_of_contract = core::SystemClock::instance().now() + std::chrono::years(1);
    const core::Timestamp end_of_leave = core::SystemClock::instance().now() + std::chrono::days(14);
    access::create_assignment_tables(database);
    const access::Assignments assignments(database);
    database.transact([&](data::Transaction& transaction) {
        assignments.assign(transaction, policy, ann_id, "staff",
                           {.granted_by = admin_id, .ends_at = end_of_contract});
    });
    const access::Principal ann = assignments.principal(database.read(), ann_id, "ann");
    EXPECT_TRUE(policy.check(ann, "read", "report"));
    database.transact([&](data::Transaction& transaction) {
        const access::LentPermission lent = assignments.delegate(
            transaction, policy, ann,
            {.borrower_id = bob_id, .permission = "report:sign", .ends_at = end_of_leave});
        EXPECT_GT(lent.id, 0);
    });
    EXPECT_TRUE(policy.check(assignments.principal(database.read(), bob_id), "sign", "report"));
}

}  // namespace
}  // namespace consilia
