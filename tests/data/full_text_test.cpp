#include "consilia/data/full_text.hpp"

#include <gtest/gtest.h>

#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::field;

class FullText : public test::FilledShelter {
protected:
    FullText() {
        const char* const reasons[] = {"Broken wing, left side", "broken leg", "Left wing: wing clipped"};
        for (std::int64_t id = 1; id <= 3; ++id) {
            visits.query().where(field("id") == id).update(session, {{"reason", reasons[id - 1]}});
        }
        // The session's connection must see the index: SQLite in a file, made by another connection.
        create_full_text(database, mapping_of<test::Visit>().model());
    }
};
INSTANTIATE_ON_BOTH(FullText);

TEST_P(FullText, FindsRowsThatHoldEveryWord) {
    EXPECT_EQ(ids(all.search("wing").order_by("id")), (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(ids(all.search("LEFT, wing!").order_by("id")), (std::vector<std::int64_t>{1, 3}));
    EXPECT_EQ(ids(all.search("broken wing")), std::vector<std::int64_t>{1});
    EXPECT_TRUE(ids(all.search("wings")).empty());
    EXPECT_EQ(all.search("broken").where(field("animal.name") == "Oz").count(session), 1);
    EXPECT_TRUE(all.search("clipped").exists(session));
}

TEST_P(FullText, FollowsEveryChange) {
    all.where(field("id") == 2).update(session, {{"reason", "wing again"}});
    all.where(field("id") == 1).remove(session);
    test::Visit visit;
    visit.animal_id = 1;
    visit.reason = "a wing more";
    visits.insert(session, visit);
    EXPECT_EQ(ids(all.search("wing").order_by("id")), (std::vector<std::int64_t>{2, 3, visit.id}));
    EXPECT_TRUE(ids(all.search("leg")).empty());
}

TEST_P(FullText, RanksBetterMatchesHigher) {
    const RowSet rows =
        all.search("wing", {.rank_as = "rank"}).select({"id"}).order_by("-rank").order_by("id").run(session);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.int64(0, 0), 3) << "it says the word twice";
    EXPECT_EQ(rows.columns()[1].name, "rank");
    EXPECT_GT(rows.number(0, 1), rows.number(1, 1));
    EXPECT_EQ(test::code_of([&] { (void)all.search("wing", {.rank_as = "fee"}); }), "query.name");
    EXPECT_EQ(test::code_of([&] { (void)all.search("wing", {.rank_as = "a\"b"}); }), "query.name");
}

TEST_P(FullText, NoTextIsMoreThanItsWords) {
    for (const char* text :
         {"wing OR leg", "wing NOT left", "wing*", "reason:wing", "NEAR(wing left)", "wing AND", "\"wing",
          "wing\"\"", "^wing", "wing | leg", "!wing", "wing:*", "wing')--", "(wing"}) {
        EXPECT_NO_THROW((void)all.search(text).count(session)) << text;
    }
    EXPECT_TRUE(ids(all.search("wing OR leg")).empty()) << "an operator is a word";
    EXPECT_EQ(ids(all.search("(wing*)").order_by("id")), (std::vector<std::int64_t>{1, 3}));
    for (const char* text : {"", "  ", "\"", "*", "()", "-"}) {
        EXPECT_EQ(test::code_of([&] { (void)all.search(text); }), "query.search") << text;
    }
    EXPECT_EQ(test::code_of([&] { (void)owners.query().search("x"); }), "query.search");
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "wing ";
    EXPECT_EQ(all.search(many).count(session), 2) << "words past the bound are left out";
}

}  // namespace
}  // namespace consilia::data
