// Live tables as models: ours as they were declared, others as far as they can be described.
#include "consilia/data/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consilia/core/error.hpp"
#include "consilia/data/query.hpp"
#include "data/shelter.hpp"
#include "support/errors.hpp"

namespace consilia::data {
namespace {

using core::Value;
using core::ValueType;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;

void expect_same(const Column& found, const Column& declared) {
    SCOPED_TRACE(declared.name);
    EXPECT_EQ(found.name, declared.name);
    EXPECT_EQ(found.type, declared.type);
    EXPECT_EQ(found.is_nullable, declared.is_nullable);
    EXPECT_EQ(found.is_unique, declared.is_unique);
    EXPECT_EQ(found.is_primary_key, declared.is_primary_key);
    EXPECT_EQ(found.default_value, declared.default_value);
    EXPECT_EQ(found.defaults_to_now, declared.defaults_to_now);
    EXPECT_EQ(found.length_max, declared.length_max);
    EXPECT_EQ(found.sql_type, "");
}

Model everything() {
    core::Uuid uuid;
    uuid.bytes.fill(0x5a);
    Model model("everything");
    model.add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
    model.add_column({.name = "b", .type = ValueType::Bool, .default_value = true});
    model.add_column({.name = "i", .type = ValueType::Int64, .default_value = INT64_MIN});
    model.add_column({.name = "d", .type = ValueType::Double, .is_nullable = true, .default_value = -0.1});
    model.add_column({.name = "t", .default_value = "it's \\ \"x\"", .length_max = 20});
    model.add_column({.name = "y", .type = ValueType::Date, .default_value = core::Date{20'000}});
    model.add_column({.name = "today", .type = ValueType::Date, .defaults_to_now = true});
    model.add_column(
        {.name = "s", .type = ValueType::Timestamp, .default_value = core::Timestamp{1'500'000}});
    model.add_column({.name = "now", .type = ValueType::Timestamp, .defaults_to_now = true});
    model.add_column({.name = "u", .type = ValueType::Uuid, .is_unique = true, .default_value = uuid});
    model.add_column({.name = "j", .type = ValueType::Json, .default_value = core::Json{"{}"}});
    model.add_column({.name = "x", .type = ValueType::Blob, .default_value = core::Blob{{std::byte{7}}}});
    model.add_index({.columns = {"-i", "t"}});
    model.add_index({.columns = {"b", "d"}, .is_unique = true});
    model.keep_history();
    return model;
}

TEST(Schema, ReadsBackWhatWasDeclared) {
    const Model declared = everything();
    Database database("sqlite::memory:");
    const Model* const models[] = {&declared};
    create_tables(database, models);
    const Schema schema = reflect(database.autocommit());
    const auto found = schema.require("everything");
    EXPECT_TRUE(schema.left_out().empty());
    ASSERT_EQ(found->columns().size(), declared.columns().size());
    for (std::size_t i = 0; i < declared.columns().size(); ++i) {
        expect_same(found->columns()[i], declared.columns()[i]);
    }
    ASSERT_EQ(found->indexes().size(), 2U);
    EXPECT_THAT(found->indexes()[0].columns, ElementsAre("b", "d"));
    EXPECT_TRUE(found->indexes()[0].is_unique);
    EXPECT_THAT(found->indexes()[1].columns, ElementsAre("-i", "t"));
    EXPECT_TRUE(found->has_history());
    EXPECT_FALSE(schema.require("everything_history")->has_history());
}

TEST(Schema, AnswersQueriesOnTablesThatNobodyDeclared) {
    std::shared_ptr<const Model> visits;
    Database database("sqlite::memory:");
    test::create_shelter(database);
    database.execute("INSERT INTO owners (name) VALUES ('Ann')");
    database.execute("INSERT INTO animals (owner_id, name, species) VALUES (1, 'Tom', 'cat')");
    {
        const Schema schema = reflect(database.autocommit());
        visits = schema.require("animals");
    }
    const Query query =
        Query(*visits).where(core::field("owner.name") == "Ann").select({"name", "owner.name"});
    EXPECT_EQ(query.run(database.autocommit()).size(), 1U) << "a model outlives its schema";
}

// What Django's SQLite backend creates.
TEST(Schema, DescribesTheTablesOfDjango) {
    Database database("sqlite::memory:");
    database.execute(
        R"(CREATE TABLE "auth_user" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "username" varchar(150)
        NOT NULL UNIQUE, "is_active" bool NOT NULL, "date_joined" datetime NOT NULL, "born" date NULL,
        "score" decimal NOT NULL, "profile" text NOT NULL,
        "token" char(32) NOT NULL, "visits" integer unsigned NOT NULL CHECK ("visits" >= 0)))");
    database.execute(
        R"(CREATE TABLE "auth_log" ("id" integer PRIMARY KEY, "user_id" integer NOT NULL REFERENCES "auth_user"
        ("id") DEFERRABLE INITIALLY DEFERRED, "manager" integer REFERENCES "auth_user", "at" time))");
    database.execute(R"(INSERT INTO auth_user VALUES (1, 'ann', 1, '2026-01-31 12:00:00.5', NULL, 1.5, '{}',
        'ab', 3))");
    database.execute("INSERT INTO auth_log VALUES (1, 1, 1, '12:00:00')");
    const Schema schema = reflect(database.autocommit());
    EXPECT_TRUE(schema.left_out().empty());
    const auto user = schema.require("auth_user");
    const auto type = [&](const char* column) { return user->find_column(column)->type; };
    EXPECT_EQ(type("is_active"), ValueType::Bool);
    EXPECT_EQ(type("date_joined"), ValueType::Text);
    EXPECT_EQ(user->find_column("date_joined")->sql_type, "DATETIME");
    EXPECT_EQ(type("born"), ValueType::Date);
    EXPECT_EQ(type("score"), ValueType::Double);
    EXPECT_EQ(type("token"), ValueType::Text);
    EXPECT_EQ(type("visits"), ValueType::Int64);
    EXPECT_TRUE(user->find_column("username")->is_unique);
    const auto log = schema.require("auth_log");
    const RowSet rows = Query(*log)
                            .where(core::field("user.is_active") == true)
                            .select({"user.username", "manager_row.date_joined"})
                            .run(database.autocommit());
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows.value(0, 1), Value("2026-01-31 12:00:00.5"));
}

TEST(Schema, SaysWhatItLeavesOut) {
    Database database("sqlite::memory:");
    database.execute("CREATE TABLE \"Robert'); DROP TABLE t;--\" (id INTEGER PRIMARY KEY)");
    database.execute(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, \"a b\" TEXT, shape POLYGON, n INTEGER DEFAULT (1 + 1), "
        "m TEXT, FOREIGN KEY (n, m) REFERENCES u (a, b))");
    database.execute("CREATE TABLE u (a INTEGER, b TEXT, PRIMARY KEY (a, b))");
    database.execute("CREATE INDEX by_case ON t (lower(m))");
    database.execute("CREATE INDEX some ON t (m) WHERE n > 3");
    const Schema schema = reflect(database.autocommit());
    const auto left_out = [](const char* part) { return Contains(Field(&LeftOut::part, part)); };
    for (const char* part : {"", "a b", "shape", "n", "by_case", "some"}) {
        EXPECT_THAT(schema.left_out(), left_out(part));
    }
    EXPECT_EQ(schema.require("t")->columns().size(), 3U);
    EXPECT_EQ(schema.require("u")->primary_key(), nullptr);
    EXPECT_EQ(test::code_of([&] { (void)schema.require("v"); }), "schema.unknown_table");
    EXPECT_EQ(schema.find("v"), nullptr);
}

TEST(Schema, FollowsReferencesInACircle) {
    Database database("sqlite::memory:");
    database.execute("CREATE TABLE a (id INTEGER PRIMARY KEY, b_id INTEGER REFERENCES b (id))");
    database.execute(
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a (id), b_id INTEGER REFERENCES b "
        "(id))");
    database.execute("INSERT INTO a VALUES (1, NULL)");
    database.execute("INSERT INTO b VALUES (2, 1, 2)");
    database.execute("UPDATE a SET b_id = 2");
    const Schema schema = reflect(database.autocommit());
    const Query query = Query(*schema.require("a")).where(core::field("b.b.a.id") == 1);
    EXPECT_EQ(query.count(database.autocommit()), 1);
}

}  // namespace
}  // namespace consilia::data
