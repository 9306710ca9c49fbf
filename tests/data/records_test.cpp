#include "consilia/data/records.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "consilia/core/functions.hpp"
#include "consilia/data/statement_watch.hpp"
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

TEST_P(Records, ManyRowsAreAllWrittenOrNone) {
    const auto error_of = [&](const auto& write) {
        try {
            write();
        } catch (const core::Error& error) {
            return error.code() + ' ' + error.to_json();
        }
        return std::string("nothing was thrown");
    };
    const auto expect_refused = [&](const auto& write, const std::string& code) {
        const std::string error = error_of(write);
        EXPECT_TRUE(error.starts_with(code)) << error;
        EXPECT_NE(error.find("owners.name"), std::string::npos) << error;
        EXPECT_EQ(owners.query().count(session), 2);
    };
    const std::vector<std::vector<Value>> twice = {{"Cy"}, {"Di"}, {"Cy"}};
    expect_refused([&] { insert_many(session, owner_model, {"name"}, twice); }, "database.unique");
    const std::vector<std::vector<Value>> missing = {{"Cy"}, {Value()}};
    expect_refused([&] { insert_many(session, owner_model, {"name"}, missing); }, "database.not_null");
    expect_refused([&] { upsert_many(session, owner_model, {"name"}, missing, {.conflict = {"name"}}); },
                   "database.not_null");
    std::vector<test::Owner> objects = {{.name = "Cy"}, {.id = 50, .name = "Di"}, {.name = "Cy"}};
    const std::vector<test::Owner> before = objects;
    expect_refused([&] { owners.insert_all(session, objects); }, "database.unique");
    EXPECT_EQ(objects, before) << "no ids either";
}

TEST_P(Records, ManyRowsAreOneStatementOnTheWatch) {
    std::vector<std::string> seen;
    const auto watch = database.on_statement(
        [&](const StatementEvent& event) { seen.emplace_back(event.sql.substr(0, 6)); });
    const std::vector<std::vector<Value>> rows = {{"Cy", "c"}, {"Di", "d"}};
    insert_many(session, owner_model, {"name", "email"}, rows);
    upsert_many(session, owner_model, {"name", "email"}, rows, {.conflict = {"name"}, .update = {"email"}});
    EXPECT_EQ(seen, (std::vector<std::string>{"COPY o", "INSERT"}));
}

TEST_P(Records, ManyRowsKeepTheKeysThatTheyHaveAndGetTheOthersInTheirOrder) {
    std::vector<test::Owner> objects(2500);
    for (std::size_t i = 0; i < objects.size(); ++i) objects[i].name = "new " + std::to_string(i);
    objects[7].id = 90'000;
    owners.insert_all(session, objects);
    EXPECT_EQ(objects[7].id, 90'000);
    EXPECT_LT(objects[0].id, objects[1].id);
    for (const std::size_t i : {0U, 6U, 7U, 8U, 2499U})
        EXPECT_EQ(owners.get(session, objects[i].id), objects[i]);
    owners.insert_all(session, {});
    EXPECT_EQ(owners.query().count(session), 2502);
    test::Owner next{.name = "next"};
    owners.insert(session, next);
    EXPECT_EQ(owners.get(session, next.id).name, "next") << "the sequence went on";
}

TEST_P(Records, TheLastOfEqualRowsCounts) {
    std::vector<std::vector<Value>> rows;
    for (int i = 0; i < 3000; ++i) rows.push_back({"name " + std::to_string(i % 1500), std::to_string(i)});
    EXPECT_EQ(upsert_many(session, owner_model, {"name", "email"}, rows,
                          {.conflict = {"name"}, .update = {"email"}}),
              3000);
    EXPECT_EQ(owners.query().count(session), 1502);
    EXPECT_EQ(owners.query().where(field("name") == "name 7").select({"email"}).run(session).text(0, 0),
              "1507");
}

TEST_P(Records, AnObjectIsStoredInTheRowThatHasTheSameMembers) {
    test::Owner ann{.name = "Ann", .email = "ann@example.org"};
    EXPECT_EQ(owners.upsert(session, ann, &test::Owner::name), 1);
    EXPECT_EQ(owners.get(session, 1), ann) << "it has the row's id";
    test::Owner by_key{.id = 1, .name = "Anna"};
    owners.upsert(session, by_key, &test::Owner::id);
    EXPECT_EQ(owners.get(session, 1).name, "Anna");
    std::vector<test::Owner> mixed = {
        {.name = "Cy"}, {.id = 70, .name = "Di"}, {.name = "Bob", .email = "b"}};
    owners.upsert_all(session, std::span(mixed), &test::Owner::name);
    EXPECT_EQ(mixed[1].id, 70);
    EXPECT_EQ(mixed[2].id, 2);
    for (const test::Owner& owner : mixed) EXPECT_EQ(owners.get(session, owner.id), owner);
    EXPECT_EQ(owners.query().count(session), 4);
    std::vector<test::Animal> cats = {{.owner_id = 1, .name = "Tom", .species = test::Species::Owl}};
    animals.upsert_all(session, std::span(cats), &test::Animal::name, &test::Animal::owner_id);
    EXPECT_EQ(animals.get(session, 1).species, test::Species::Owl);
    EXPECT_EQ(test::code_of([&] { owners.upsert(session, ann, &test::Owner::email); }), "query.upsert");
    std::vector<test::Animal> lost = {{.owner_id = 2, .name = "Rex"}, {.owner_id = 99, .name = "Tom"}};
    const std::vector<test::Animal> before = lost;
    EXPECT_EQ(test::code_of([&] {
                  animals.upsert_all(session, std::span(lost), &test::Animal::owner_id, &test::Animal::name);
              }),
              "database.foreign_key");
    EXPECT_EQ(lost, before);
    EXPECT_EQ(animals.query().count(session), 4);
}

TEST_P(Records, TheRowOfAnUpsertKeepsWhenItWasMade) {
    test::Visit made = visits.get(session, 2);
    test::Visit again = made;
    clock.advance(std::chrono::seconds(5));
    again.fee = 99.0;
    visits.upsert(session, again, &test::Visit::id);
    EXPECT_EQ(again.created_at, made.created_at);
    EXPECT_EQ(again.updated_at, clock.now());
    EXPECT_EQ(visits.get(session, 2), again);
}

TEST_P(Records, WhatTheCallerThrowsMeanwhileLeavesNothing) {
    const auto write = [&](const Session& on, int rows) {
        int bound = 0;
        on.run_many(sql("INSERT INTO owners (name) VALUES (?)"), [&](CellWriter& to) {
            if (bound == rows) throw std::runtime_error("enough");
            to.text_copy(0, "row " + std::to_string(bound++));
            return true;
        });
    };
    for (const int rows : {0, 1, 1500}) EXPECT_THROW(write(session, rows), std::runtime_error);
    EXPECT_EQ(owners.query().count(session), 2);
    Transaction transaction = database.begin();
    EXPECT_THROW(transaction.savepoint([&] { write(transaction, 3); }), std::runtime_error);
    EXPECT_EQ(owners.query().count(transaction), 2) << "the transaction goes on";
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

TEST_P(Records, TypedFieldsAreAssignedWhatIsCalculated) {
    const auto grade = data::field(&test::Visit::grade);
    const auto fee = data::field(&test::Visit::fee);
    test::Visit visit = visits.get(session, 2);
    visit.grade = 3;
    visits.update(session, visit);
    const Query second = all.where(data::field(&test::Visit::id) == 2 && grade % 2 == 1 && grade - 1 <= 2);
    EXPECT_EQ(second.update(session, {set(grade, grade * 2 + 1), set(fee, fee + grade / 2.0)}), 1);
    EXPECT_EQ(visits.get(session, 2).grade, 7);
    EXPECT_EQ(visits.get(session, 2).fee, visit.fee + 1.5);
    EXPECT_EQ(
        all.where(grade == 7)
            .update(session, {set(grade, std::nullopt), set(data::field(&test::Visit::reason), "none")}),
        1);
    EXPECT_EQ(visits.get(session, 2).grade, std::nullopt);
    EXPECT_EQ(visits.get(session, 2).reason, "none");
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
