#include "consilia/data/records.hpp"

#include <gtest/gtest.h>

#include "consilia/core/functions.hpp"
#include "data/filled_shelter.hpp"

namespace consilia::data {
namespace {

using core::field;
using core::Value;

class Records : public test::FilledShelter {
protected:
    const Model& owner_model = mapping_of<test::Owner>().model();
    const Model& animal_model = mapping_of<test::Animal>().model();
};
INSTANTIATE_ON_BOTH(Records);

TEST_P(Records, InsertGivesTheIdOfTheNewRow) {
    const std::int64_t id = insert(session, owner_model, {{"name", "Cy"}, {"email", Value()}});
    EXPECT_EQ(owners.get(session, id).name, "Cy");
    EXPECT_EQ(test::code_of([&] { insert(session, owner_model, {{"colour", 1}}); }), "query.unknown_field");
    EXPECT_EQ(test::code_of([&] { insert(session, owner_model, {{"name", 1}}); }), "query.type");
    EXPECT_EQ(test::code_of([&] {
                  insert(session, owner_model, {{"name", "a"}, {"name", "b"}});
              }),
              "query.assignments");
    EXPECT_EQ(test::code_of([&] {
                  insert(session, owner_model, {{"name", core::lower(field("name"))}});
              }),
              "query.unsupported");
}

TEST_P(Records, ObjectsKeepTheKeyThatTheyHave) {
    test::Owner given{.id = 77, .name = "Cy"};
    EXPECT_EQ(owners.insert(session, given), 77);
    EXPECT_EQ(owners.get(session, 77).name, "Cy");
}

TEST_P(Records, ManyRowsAreInsertedAtOnce) {
    const std::vector<std::vector<Value>> rows = {{"Cy", "cy@example.org"}, {"Di", Value()}};
    EXPECT_EQ(insert_many(session, owner_model, {"name", "email"}, rows), 2);
    EXPECT_EQ(owners.query().where(field("name").in({"Cy", "Di"})).count(session), 2);
    EXPECT_EQ(insert_many(session, owner_model, {"name"}, {}), 0);
    const std::vector<std::vector<Value>> ragged = {{"Ed"}, {}};
    EXPECT_EQ(test::code_of([&] { insert_many(session, owner_model, {"name"}, ragged); }), "query.rows");
    const std::vector<std::vector<Value>> wrong = {{"Ed"}, {5}};
    EXPECT_EQ(test::code_of([&] { insert_many(session, owner_model, {"name"}, wrong); }), "query.type");
    EXPECT_EQ(owners.query().count(session), 4) << "checked before anything is written";
    std::vector<test::Owner> objects(3);
    for (std::size_t i = 0; i < objects.size(); ++i) objects[i].name = "new " + std::to_string(i);
    owners.insert_all(session, objects);
    EXPECT_NE(objects[2].id, 0);
    EXPECT_EQ(owners.get(session, objects[2].id), objects[2]);
}

TEST_P(Records, UpsertUpdatesWhatIsThereAndInsertsTheRest) {
    const std::vector<std::vector<Value>> rows = {{"Ann", "ann@example.org"}, {"Cy", "cy@example.org"}};
    EXPECT_EQ(upsert_many(session, owner_model, {"name", "email"}, rows,
                          {.conflict = {"name"}, .update = {"email"}}),
              2);
    EXPECT_EQ(owners.query().count(session), 3);
    EXPECT_EQ(owners.get(session, 1).email, "ann@example.org");
    const std::vector<std::vector<Value>> again = {{"Ann", "other"}, {"Di", "di@example.org"}};
    EXPECT_EQ(upsert_many(session, owner_model, {"name", "email"}, again, {.conflict = {"name"}}), 1);
    EXPECT_EQ(owners.get(session, 1).email, "ann@example.org") << "without columns to update a row stays";
    const std::vector<std::vector<Value>> oz = {{1, "Oz", "owl"}};
    EXPECT_EQ(upsert_many(session, animal_model, {"owner_id", "name", "species"}, oz,
                          {.conflict = {"name", "owner_id"}, .update = {"species"}}),
              1);
    EXPECT_EQ(animals.get(session, 2).species, test::Species::Owl);
}

TEST_P(Records, UpsertWantsAUniqueIndexAndKnownColumns) {
    const std::vector<std::vector<Value>> rows = {{"Ann", "x"}};
    const auto code = [&](const UpsertOptions& options) {
        return test::code_of([&] { upsert_many(session, owner_model, {"name", "email"}, rows, options); });
    };
    EXPECT_EQ(code({.conflict = {}}), "query.upsert");
    EXPECT_EQ(code({.conflict = {"email"}}), "query.upsert");
    EXPECT_EQ(code({.conflict = {"name", "email"}}), "query.upsert");
    EXPECT_EQ(code({.conflict = {"name"}, .update = {"colour"}}), "query.unknown_field");
    EXPECT_EQ(code({.conflict = {"name"}, .update = {"id"}}), "query.unknown_field")
        << "it is not among the values";
    for (const std::string& name : test::kHostile) {
        EXPECT_NE(code({.conflict = {name}}), "nothing was thrown") << name;
        EXPECT_NE(code({.conflict = {"name"}, .update = {name}}), "nothing was thrown") << name;
    }
}

TEST_P(Records, UpdatesCalculateFromTheRow) {
    EXPECT_EQ(all.where(field("id") == 2)
                  .update(session,
                          {{"fee", field("fee") + 10.0}, {"grade", core::coalesce({field("grade"), 0}) + 1}}),
              1);
    EXPECT_EQ(visits.get(session, 2).fee, 11.0);
    EXPECT_EQ(visits.get(session, 2).grade, 2);
    EXPECT_EQ(all.where(field("fee") == 0.0).update(session, {{"is_paid", field("fee") == 0.0}}), 5);
    EXPECT_EQ(test::code_of([&] { all.update(session, {{"fee", field("reason")}}); }), "query.type");
    EXPECT_EQ(test::code_of([&] {
                  all.update(session, {{"reason", field("animal.name")}});
              }),
              "query.unsupported");
    EXPECT_EQ(test::code_of([&] { all.update(session, {{"fee", 1.0}, {"fee", 2.0}}); }), "query.assignments");
    EXPECT_EQ(test::code_of([&] {
                  all.update(session, {{"fee", core::sum(field("fee"))}});
              }),
              "expression.aggregate");
}

TEST_P(Records, RowsAreLockedWhereTheDatabaseLocksRows) {
    const Query locked = all.where(field("id") == 2).for_update({.skip_locked = true});
    EXPECT_EQ(locked.sql(core::SqlDialect::Sqlite).text.find("FOR UPDATE"), std::string::npos);
    EXPECT_TRUE(
        locked.sql(core::SqlDialect::PostgreSql).text.ends_with(" FOR UPDATE OF \"visits\" SKIP LOCKED"));
    EXPECT_EQ(test::code_of([&] { (void)all.distinct().for_update(); }), "query.unsupported");
    Transaction holder = database.begin();
    EXPECT_EQ(locked.run(holder).size(), 1U);
    if (!fresh.is_sqlite()) {  // SQLite has one writer at a time.
        Transaction other = database.begin();
        EXPECT_EQ(locked.run(other).size(), 0U);
        EXPECT_EQ(all.where(field("id") == 3).for_update().run(other).size(), 1U);
    }
}

}  // namespace
}  // namespace consilia::data
