#include "consilia/data/query.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "consilia/core/functions.hpp"
#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::field;
using core::Value;
using test::Animal;
using test::kHostile;
using test::Owner;
using test::Visit;

class QueryTest : public test::FilledShelter {};

INSTANTIATE_ON_BOTH(QueryTest);

TEST_P(QueryTest, HidesDeletedRows) {
    EXPECT_EQ(all.count(session), 35);
    EXPECT_EQ(all.with_deleted().count(session), 40);
    EXPECT_EQ(all.only_deleted().count(session), 5);
    EXPECT_EQ(test::code_of([&] { (void)owners.query().only_deleted(); }), "query.unsupported");
    test::create_shelter(database);
    EXPECT_EQ(all.count(session), 35) << "creating tables twice changes nothing";
}

TEST_P(QueryTest, AQueryIsNotChangedByItsSteps) {
    const Query narrowed = all.where(field("id") < 3);
    EXPECT_EQ(ids(narrowed), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(ids(narrowed.order_by("-id").limit(1)), std::vector<std::int64_t>{2});
    EXPECT_EQ(ids(narrowed.exclude(field("id") == 1)), std::vector<std::int64_t>{2});
    EXPECT_EQ(ids(narrowed), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(all.count(session), 35);
}

TEST_P(QueryTest, BindsParameters) {
    const core::Expression mine = core::parse_expression("animal.owner.name = :me");
    EXPECT_EQ(all.where(mine, {{"me", "Bob"}}).count(session), 10);
    EXPECT_EQ(test::code_of([&] { (void)all.where(mine).count(session); }), "expression.missing_parameter");
}

TEST_P(QueryTest, JoinsThreeTablesAndKeepsRowsWithoutAnOwner) {
    const Query query = all.select({"id", "animal.name", "animal.owner.name"}).order_by("id").limit(4);
    const RowSet rows = query.run(session);
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(rows.text(0, 2), "Ann");
    EXPECT_EQ(rows.text(2, 2), "Bob");
    EXPECT_EQ(rows.text(3, 1), "Stray");
    EXPECT_TRUE(rows.is_null(3, 2)) << "a visit of an animal without owner must not disappear";
    EXPECT_EQ(rows.columns()[2].name, "animal.owner.name");
    // Null is neither Ann nor not Ann.
    EXPECT_EQ(all.where(field("animal.owner.name") == "Ann").count(session), 20);
    EXPECT_EQ(all.where(!(field("animal.owner.name") == "Ann")).count(session), 10);
    EXPECT_EQ(all.where(field("animal.owner.name").is_null()).count(session), 5);
}

TEST_P(QueryTest, IncludeAddsTheColumnsOfARelation) {
    const RowSet rows = all.select({"id"}).include("animal.owner").order_by("id").limit(1).run(session);
    ASSERT_EQ(rows.columns().size(), 4U);
    EXPECT_EQ(rows.columns()[1].name, "animal.owner.id");
    EXPECT_EQ(to_json(rows), R"([{"id":1,"animal":{"owner":{"id":1,"name":"Ann","email":null}}}])");
}

TEST_P(QueryTest, OrdersByColumnsOfRelationsWithNullsFirst) {
    EXPECT_EQ(ids(all.order_by("animal.owner.name").order_by("-id").limit(2)),
              (std::vector<std::int64_t>{20, 16}));
    EXPECT_EQ(ids(all.order_by("-animal.owner.name").order_by("id").limit(2)),
              (std::vector<std::int64_t>{3, 7}));
}

TEST_P(QueryTest, NamesAnUnknownFieldAndTheKnownOnes) {
    try {
        (void)all.where(field("animal.colour") == 1).run(session);
        FAIL();
    } catch (const core::InvalidArgument& error) {
        EXPECT_EQ(error.code(), "query.unknown_field");
        EXPECT_NE(error.details_json().find("species"), std::string::npos) << error.details_json();
    }
    const auto unknown = [&](auto step) { return test::code_of([&] { (void)step(); }); };
    EXPECT_EQ(unknown([&] { return all.order_by("colour"); }), "query.unknown_field");
    EXPECT_EQ(unknown([&] { return all.select({"id", "colour"}); }), "query.unknown_field");
    EXPECT_EQ(unknown([&] { return all.include("owner"); }), "query.unknown_field");
    EXPECT_EQ(unknown([&] { return all.update(session, {{"colour", 1}}); }), "query.unknown_field");
    EXPECT_EQ(unknown([&] { return all.update(session, {{"animal.name", "x"}}); }), "query.unknown_field");
    EXPECT_EQ(unknown([&] { return all.count_by(session, "colour"); }), "query.unknown_field");
}

TEST_P(QueryTest, RefusesAComparisonThatTheDatabaseWouldConvert) {
    EXPECT_EQ(test::code_of([&] { (void)all.where(field("id") == "1").run(session); }), "query.type");
    EXPECT_EQ(test::code_of([&] { (void)all.where(field("is_paid") == 1).run(session); }), "query.type");
    EXPECT_EQ(test::code_of([&] { (void)all.where(field("fee").like("1%")).run(session); }), "query.type");
    EXPECT_EQ(test::code_of([&] { (void)all.where(field("created_at") > 5).run(session); }), "query.type");
    EXPECT_EQ(test::code_of([&] { (void)all.where(field("id") == field("reason")).run(session); }),
              "query.type");
    EXPECT_EQ(test::code_of([&] { all.update(session, {{"fee", "1"}}); }), "query.type");
    EXPECT_EQ(all.where(field("fee") == 1).count(session), all.where(field("fee") == 1.0).count(session));
}

TEST_P(QueryTest, AnErrorOfTypesNamesTheField) {
    const auto message = [&](const core::Expression& condition) -> std::string {
        try {
            (void)all.where(condition).count(session);
        } catch (const core::InvalidArgument& error) {
            return error.what();
        }
        return "nothing was thrown";
    };
    EXPECT_EQ(message(field("reason") == 3),
              "a value of type `int64` stands where `text` is wanted, beside field `reason`");
    EXPECT_EQ(message(field("reason") == field("fee")),
              "field `fee` of type `double` stands where `text` is wanted, beside field `reason`");
    EXPECT_EQ(message(core::length(field("fee")) > 1),
              "field `fee` of type `double` stands where `text` is wanted");
}

TEST_P(QueryTest, HostileValuesStayValues) {
    for (const std::string& text : kHostile) {
        if (!fresh.is_sqlite() && text.find('\0') != std::string::npos) {  // PostgreSQL has no such text.
            EXPECT_NE(test::code_of([&] { (void)all.where(field("reason") == text).count(session); }),
                      "nothing was thrown");
            continue;
        }
        EXPECT_EQ(all.where(field("reason") == text).count(session), 0) << text;
        Owner owner{.name = "x" + text, .email = text};
        owners.insert(session, owner);
        EXPECT_EQ(owners.get(session, owner.id), owner);
        const Query same = owners.query().where(field("email") == text);
        EXPECT_EQ(same.count(session), 1) << text;
        EXPECT_EQ(same.remove(session), 1) << text;
    }
    EXPECT_EQ(all.with_deleted().count(session), 40);
    EXPECT_EQ(owners.query().count(session), 2);
}

TEST_P(QueryTest, HostileNamesAreRefused) {
    for (const std::string& name : kHostile) {
        if (name != "-id") {  // An order indeed.
            EXPECT_NE(test::code_of([&] { (void)all.order_by(name); }), "nothing was thrown") << name;
        }
        EXPECT_NE(test::code_of([&] { (void)all.select({name}).run(session); }), "nothing was thrown")
            << name;
        EXPECT_NE(test::code_of([&] { (void)all.count_by(session, name); }), "nothing was thrown") << name;
        EXPECT_NE(test::code_of([&] { all.update(session, {{name, 1}}); }), "nothing was thrown") << name;
        EXPECT_NE(test::code_of([&] { Model model(name + " x"); }), "nothing was thrown") << name;
        if (name != "animal") {  // A relation indeed.
            EXPECT_NE(test::code_of([&] { (void)all.include(name); }), "nothing was thrown") << name;
        }
    }
}

TEST_P(QueryTest, KeysetGivesTheSamePagesAsOffset) {
    const std::vector<std::vector<std::string>> orders = {{"id"},
                                                          {"-id"},
                                                          {"reason", "id"},
                                                          {"-reason", "id"},
                                                          {"grade", "-id"},
                                                          {"-grade", "id"},
                                                          {"animal.owner.name", "-grade", "reason", "-id"},
                                                          {"-animal.owner.name", "fee", "id"}};
    for (const auto& order : orders) {
        Query ordered = all.select({"id", "reason", "grade", "fee", "animal.owner.name"});
        for (const std::string& path : order) ordered = ordered.order_by(path);
        const std::vector<std::int64_t> expected = ids(ordered);
        std::vector<std::int64_t> found;
        Query next = ordered.limit(3);
        while (true) {
            const RowSet rows = next.run(session);
            for (std::size_t row = 0; row < rows.size(); ++row) found.push_back(rows.int64(row, 0));
            if (rows.empty() || found.size() > expected.size()) break;
            next = ordered.limit(3).after(next.key(rows, rows.size() - 1));
        }
        EXPECT_EQ(found, expected) << order.front();
    }
}

TEST_P(QueryTest, KeysetWantsATotalOrderAndAWholeKey) {
    const std::vector<Value> one = {1};
    EXPECT_EQ(test::code_of([&] { (void)all.after(one); }), "query.keyset");
    EXPECT_EQ(test::code_of([&] { (void)all.order_by("fee").after(one); }), "query.keyset");
    EXPECT_EQ(test::code_of([&] { (void)all.order_by("fee").order_by("id").after(one); }), "query.keyset");
    EXPECT_EQ(test::code_of([&] { (void)all.order_by("id").after(std::vector<Value>{"1"}); }), "query.type");
}

TEST_P(QueryTest, UpdatesByQueryAndSaysHowMany) {
    const Query unpaid = all.where(field("animal.owner.name") == "Bob" && field("is_paid") == false);
    EXPECT_EQ(unpaid.update(session, {{"is_paid", true}, {"fee", 1.5}}), 10);
    EXPECT_EQ(unpaid.update(session, {{"is_paid", true}}), 0);
    EXPECT_EQ(all.where(field("fee") == 1.5).count(session), 10);
    EXPECT_EQ(all.where(field("id") == 1).update(session, {{"grade", Value()}}), 1);
    EXPECT_EQ(test::code_of([&] { all.limit(1).update(session, {{"fee", 1.0}}); }), "query.unsupported");
    EXPECT_EQ(test::code_of([&] {
                  all.order_by("id").update(session, {{"fee", 1.0}});
              }),
              "query.unsupported");
    EXPECT_EQ(all.order_by("id").unordered().where(field("id") < 0).update(session, {{"fee", 1.0}}), 0);
    EXPECT_EQ(test::code_of([&] { all.update(session, {}); }), "query.assignments");
}

TEST_P(QueryTest, UpdateReturningGivesTheRowsAsTheyAreNow) {
    const RowSet rows =
        all.where(field("id").in({2, 3})).update_returning(session, {{"fee", 9.5}}, {"id", "fee"});
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.number(1, 1), 9.5);
    EXPECT_EQ(test::code_of([&] {
                  (void)all.update_returning(session, {{"fee", 1.0}}, {"animal.name"});
              }),
              "query.unknown_field");
    EXPECT_EQ(all.where(field("fee") == 1.0 && field("id") == 2).count(session), 0) << "refused, but done";
}

TEST_P(QueryTest, CountsByAField) {
    const RowSet rows = all.count_by(session, "animal.owner.name");
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows.text(0, 0), "Ann");
    EXPECT_EQ(rows.int64(0, 1), 20);
    EXPECT_EQ(rows.int64(1, 1), 10);
    EXPECT_TRUE(rows.is_null(2, 0));
    EXPECT_EQ(rows.int64(2, 1), 5);
}

TEST_P(QueryTest, ExistsAndRemove) {
    const Query cheap = all.where(field("fee") == 0);
    EXPECT_TRUE(cheap.exists(session));
    EXPECT_EQ(cheap.remove(session), 5) << "deleted rows are not in the query";
    EXPECT_FALSE(cheap.exists(session));
}

}  // namespace
}  // namespace consilia::data
