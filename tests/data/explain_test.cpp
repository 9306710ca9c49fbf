// What the plans must be: which index serves, and what is named when none does.
#include <gtest/gtest.h>

#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::field;
using core::Value;

class Explain : public test::FilledShelter {};
INSTANTIATE_ON_BOTH(Explain);

TEST_P(Explain, NamesTheTablesOfWhichEveryRowIsRead) {
    const QueryPlan plan = all.with_deleted().where(field("reason") == "x").explain(session);
    EXPECT_EQ(plan.full_scans, std::vector<std::string>{"visits"}) << plan.text;
    const QueryPlan joined = all.where(field("animal.name") == "x").explain(session);
    EXPECT_FALSE(joined.text.empty());
}

class SqlitePlan : public testing::Test {
protected:
    SqlitePlan() { test::create_shelter(database); }
    Database database{"sqlite::memory:"};
    Query all{mapping_of<test::Visit>().model()};
};

TEST_F(SqlitePlan, DeletedRowsAreHiddenByAnEqualityThatAnIndexServes) {
    const Query page = all.order_by("-created_at").order_by("-id").page(1, 5);
    EXPECT_NE(page.sql().text.find("\"is_deleted\" = 0"), std::string::npos) << page.sql().text;
    const QueryPlan plan = page.explain(database.autocommit());
    EXPECT_NE(plan.text.find("USING INDEX visits_created_at_desc_id_desc"), std::string::npos) << plan.text;
    EXPECT_EQ(plan.text.find("ORDER BY"), std::string::npos) << "the order must come from the index";
    EXPECT_TRUE(plan.full_scans.empty()) << plan.text;
}

TEST_F(SqlitePlan, AKeysetEntersTheIndex) {
    const Query next = all.order_by("-created_at")
                           .order_by("-id")
                           .limit(5)
                           .after(std::vector<Value>{core::Timestamp{1'700'000'000'000'000}, 20});
    const QueryPlan plan = next.explain(database.autocommit());
    EXPECT_TRUE(plan.text.starts_with("SEARCH")) << plan.text;
    EXPECT_EQ(plan.text.find("ORDER BY"), std::string::npos) << plan.text;
}

TEST_F(SqlitePlan, ChildrenOfManyParentsAreSearchedByTheIndexOfTheirReference) {
    const Query animals(mapping_of<test::Animal>().model());
    const std::vector<std::int64_t> keys = {1, 2};
    const QueryPlan plan = detail::children_of(animals, "owner_id", keys).explain(database.autocommit());
    EXPECT_NE(plan.text.find("SEARCH animals USING INDEX"), std::string::npos) << plan.text;
}

}  // namespace
}  // namespace consilia::data
