// Migrations on both databases: data is kept, what does not belong together is refused, a failure leaves the
// state before.
#include "consilia/data/migrations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "consilia/core/files.hpp"
#include "consilia/data/full_text.hpp"
#include "consilia/data/query.hpp"
#include "consilia/data/schema.hpp"
#include "data/fresh_database.hpp"
#include "support/errors.hpp"

namespace consilia::data {
namespace {

using core::field;
using core::Value;
using core::ValueType;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Models = std::vector<std::shared_ptr<const Model>>;

constexpr core::Timestamp kNow{1'700'000'000'000'000};

std::shared_ptr<Model> table(const char* name) {
    auto model = std::make_shared<Model>(name);
    model->add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
    return model;
}

std::shared_ptr<Model> owner_model() {
    auto model = table("owners");
    model->add_column({.name = "name", .is_unique = true});
    return model;
}

std::shared_ptr<Model> pet_model(const std::shared_ptr<const Model>& owner) {
    auto model = table("pets");
    model->add_column({.name = "owner_id", .type = ValueType::Int64});
    model->add_column({.name = "name", .length_max = 20});
    model->add_column({.name = "weight", .type = ValueType::Int64, .is_nullable = true});
    model->add_reference({"owner", "owner_id", owner, OnDelete::Cascade});
    model->add_index({.columns = {"owner_id", "name"}, .is_unique = true});
    model->add_index({.columns = {"-weight"}, .where = field("weight") > 10});
    return model;
}

class MigrationsTest : public test::OnBothDatabases {
protected:
    MigrationsTest() { declare({owner, pet_model(owner)}); }

    Migrations declare(Models declared) {
        models = std::move(declared);
        return migrations();
    }
    Migrations migrations() {
        return {database, models, {.directory = files.path(), .clock = &clock, .on_step = on_step}};
    }
    std::int64_t count(const char* of) {
        return database.query("SELECT count(*) FROM " + std::string(of)).int64(0, 0);
    }
    std::string text(const std::string& statement) {
        return std::string(database.query(statement).text(0, 0));
    }
    void add_pets() {
        database.execute("INSERT INTO owners (name) VALUES ('Ann'), ('Bob')");
        database.execute(
            "INSERT INTO pets (owner_id, name, weight) VALUES (1, 'Tom', 4), (1, 'Rex', 30), (2, 'Tom', "
            "NULL)");
    }
    void start() {
        ASSERT_TRUE(migrations().make("initial"));
        ASSERT_THAT(migrations().migrate(), ElementsAre("0001_initial"));
        add_pets();
    }
    void write(const std::string& name, const std::string& content) {
        std::ofstream(files / (name + ".json")) << content;
    }

    test::TemporaryDirectory files;
    core::ManualClock clock{kNow};
    Database database{fresh.url()};
    std::function<void(const MigrationStep&)> on_step;
    std::shared_ptr<Model> owner = owner_model();
    Models models;
};

TEST_P(MigrationsTest, MakesAppliesAndUndoes) {
    const auto path = migrations().make("initial");
    ASSERT_EQ(path->filename(), "0001_initial.json");
    EXPECT_EQ(migrations().make("again"), std::nullopt) << "the files give what the models say";
    EXPECT_EQ(migrations().status()[0].applied_at, std::nullopt);
    EXPECT_THAT(migrations().migrate(), ElementsAre("0001_initial"));
    EXPECT_THAT(migrations().migrate(), IsEmpty());
    EXPECT_EQ(migrations().status()[0].applied_at, kNow);
    add_pets();
    EXPECT_EQ(test::code_of([&] { migrations().rollback(""); }), "migration.data_loss");
    EXPECT_EQ(count("pets"), 3);
    EXPECT_THAT(migrations().rollback("", true), ElementsAre("0001_initial"));
    EXPECT_EQ(reflect(database.autocommit()).find("pets"), nullptr);
    EXPECT_THAT(migrations().migrate(), ElementsAre("0001_initial"));
}

TEST_P(MigrationsTest, PlansWithoutChangingAnything) {
    ASSERT_TRUE(migrations().make("initial"));
    const auto steps = migrations().plan();
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_THAT(steps[0].notes, ElementsAre("create table `owners`"));
    EXPECT_THAT(steps[1].sql[0], HasSubstr("CREATE TABLE \"pets\""));
    EXPECT_FALSE(steps[0].loses_data);
    EXPECT_THAT(reflect(database.autocommit()).models(), IsEmpty());
    migrations().migrate();
    const auto back = migrations().plan_rollback("");
    ASSERT_EQ(back.size(), 2U);
    EXPECT_TRUE(back[0].loses_data);
    EXPECT_THAT(back[0].sql, ElementsAre("DROP TABLE \"pets\""));
}

TEST_P(MigrationsTest, AddsChangesAndDropsColumnsAndKeepsTheRest) {
    start();
    auto pets = table("pets");
    pets->add_column({.name = "owner_id", .type = ValueType::Int64, .is_nullable = true});
    pets->add_column({.name = "name", .check = field("name") != ""});
    pets->add_column({.name = "weight", .type = ValueType::Double, .default_value = 0.5});
    pets->add_column({.name = "kind", .default_value = "cat", .choices = {"cat", "dog"}});
    pets->add_column({.name = "born", .type = ValueType::Date, .is_nullable = true});
    pets->add_column({.name = "seen_at", .type = ValueType::Timestamp, .defaults_to_now = true});
    pets->add_reference({"owner", "owner_id", owner, OnDelete::SetNull});
    pets->add_index({.columns = {"kind", "-weight"}});
    declare({owner, pets}).make("more", {.allows_data_loss = true});  // A double does not hold every int64.
    EXPECT_THAT(migrations().migrate(), ElementsAre("0002_more"));
    const RowSet rows = Query(*pets).order_by("id").run(database.autocommit());
    ASSERT_EQ(rows.size(), 3U);
    const auto value = [&](std::size_t row, const char* column) {
        return rows.value(row, rows.column_index(column));
    };
    EXPECT_EQ(value(1, "weight"), Value(30.0));
    EXPECT_EQ(value(2, "weight"), Value(0.5)) << "null before, its default now";
    EXPECT_EQ(value(2, "name"), Value("Tom"));
    EXPECT_EQ(value(0, "kind"), Value("cat"));
    EXPECT_TRUE(value(0, "born").is_null());
    EXPECT_EQ(value(0, "seen_at").type(), ValueType::Timestamp);
    EXPECT_EQ(test::code_of([&] { database.execute("UPDATE pets SET kind = 'owl'"); }), "database.check");
    EXPECT_EQ(test::code_of([&] { database.execute("UPDATE pets SET name = ''"); }), "database.check");
    database.execute("DELETE FROM owners WHERE id = 2");
    EXPECT_EQ(count("pets"), 3);
    EXPECT_EQ(test::code_of([&] { migrations().rollback("0001_initial"); }), "migration.data_loss");
    database.execute("DELETE FROM pets WHERE owner_id IS NULL");
    migrations().rollback("0001_initial", true);
    EXPECT_EQ(database.query("SELECT weight FROM pets WHERE id = 2").int64(0, 0), 30);
    EXPECT_EQ(count("pets"), 2);
}

TEST_P(MigrationsTest, RefusesToLoseDataUnlessItIsSaid) {
    start();
    EXPECT_EQ(test::code_of([&] { declare({owner}).make("fewer"); }), "migration.data_loss");
    EXPECT_TRUE(declare({owner}).make("fewer", {.allows_data_loss = true}));
    EXPECT_TRUE(migrations().plan()[0].loses_data);
    migrations().migrate();
    EXPECT_EQ(reflect(database.autocommit()).find("pets"), nullptr);
    EXPECT_EQ(count("owners"), 2);
    EXPECT_THAT(migrations().rollback("0001_initial"), ElementsAre("0002_fewer"));
    EXPECT_EQ(count("pets"), 0) << "the table is back, its rows are not";
}

TEST_P(MigrationsTest, RenamesOnlyWhatItIsTold) {
    start();
    auto people = table("people");
    people->add_column({.name = "full_name", .is_unique = true});
    auto pets = table("pets");
    pets->add_column({.name = "keeper_id", .type = ValueType::Int64});
    pets->add_column({.name = "called", .length_max = 20});
    pets->add_column({.name = "weight", .type = ValueType::Int64, .is_nullable = true});
    pets->add_reference({"keeper", "keeper_id", people, OnDelete::Cascade});
    pets->add_index({.columns = {"keeper_id", "called"}, .is_unique = true});
    pets->add_index({.columns = {"-weight"}, .where = field("weight") > 10});
    declare({people, pets});
    EXPECT_EQ(test::code_of([&] { migrations().make("renames"); }), "migration.data_loss");
    EXPECT_EQ(test::code_of([&] {
                  migrations().make("renames", {.renames = {{"pets", "weight", "called"}}});
              }),
              "migration.rename");
    EXPECT_EQ(test::code_of([&] {
                  migrations().make("renames", {.renames = {{"cats", "", "dogs"}}});
              }),
              "migration.rename");
    EXPECT_EQ(test::code_of([&] {
                  migrations().make("renames", {.renames = {{"dogs", "a", "b"}}});
              }),
              "migration.rename");
    ASSERT_TRUE(migrations().make("renames", {.renames = {{"owners", "", "people"},
                                                          {"people", "name", "full_name"},
                                                          {"pets", "owner_id", "keeper_id"},
                                                          {"pets", "name", "called"}}}));
    EXPECT_THAT(migrations().migrate(), ElementsAre("0002_renames"));
    const RowSet rows = database.query(
        "SELECT called, weight FROM pets JOIN people ON people.id = keeper_id WHERE full_name = 'Ann' ORDER "
        "BY 1");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.text(0, 0), "Rex");
    EXPECT_EQ(rows.int64(0, 1), 30);
    EXPECT_THAT(migrations().rollback("0001_initial"), ElementsAre("0002_renames"));
    EXPECT_EQ(text("SELECT name FROM owners WHERE id = 2"), "Bob");
}

TEST_P(MigrationsTest, TablesThatReferToEachOtherComeAndGo) {
    auto a = table("a");
    auto b = table("b");
    a->add_column({.name = "b_id", .type = ValueType::Int64, .is_nullable = true});
    a->add_column({.name = "parent_id", .type = ValueType::Int64, .is_nullable = true});
    b->add_column({.name = "a_id", .type = ValueType::Int64});
    a->add_reference({"parent", "parent_id", a->self()});
    a->add_reference({"b", "b_id", std::shared_ptr<const Model>(std::shared_ptr<void>(), b.get())});
    b->add_reference({"a", "a_id", std::shared_ptr<const Model>(std::shared_ptr<void>(), a.get())});
    declare({a, b}).make("circle");
    migrations().migrate();
    database.execute("INSERT INTO a (id, parent_id) VALUES (1, 1)");
    database.execute("INSERT INTO b (id, a_id) VALUES (1, 1)");
    database.execute("UPDATE a SET b_id = 1");
    EXPECT_EQ(test::code_of([&] { database.execute("UPDATE a SET b_id = 7"); }), "database.foreign_key");
    declare({}).make("gone", {.allows_data_loss = true});
    EXPECT_THAT(migrations().migrate(), ElementsAre("0002_gone"));
    EXPECT_THAT(migrations().rollback("", true), ElementsAre("0002_gone", "0001_circle"));
}

TEST_P(MigrationsTest, ForeignKeysHoldAfterATableIsMadeAnew) {
    start();
    auto owners = owner_model();
    owners->add_column(
        {.name = "rank", .type = ValueType::Int64, .default_value = 3, .check = field("rank") > 2});
    declare({owners, pet_model(owners)}).make("rank");
    migrations().migrate();
    EXPECT_EQ(count("pets"), 3) << "dropping the old table must not cascade";
    EXPECT_EQ(test::code_of([&] { database.execute("INSERT INTO pets (owner_id, name) VALUES (9, 'x')"); }),
              "database.foreign_key");
    EXPECT_EQ(test::code_of([&] { database.execute("UPDATE owners SET rank = 1"); }), "database.check");
    migrations().rollback("0001_initial", true);
    EXPECT_EQ(count("pets"), 3);
    database.execute("DELETE FROM owners WHERE id = 1");
    EXPECT_EQ(count("pets"), 1) << "foreign keys are enforced again on this connection";
}

TEST_P(MigrationsTest, AnIdIsNotGivenTwiceAfterATableIsMadeAnew) {
    start();
    database.execute("DELETE FROM pets WHERE id = 3");
    auto pets = pet_model(owner);
    pets->add_check(field("name") != "");
    declare({owner, pets}).make("check");
    migrations().migrate();
    database.execute("INSERT INTO pets (owner_id, name) VALUES (2, 'Max')");
    EXPECT_EQ(database.query("SELECT max(id) FROM pets").int64(0, 0), 4);
}

TEST_P(MigrationsTest, AFailureLeavesTheStateBefore) {
    start();
    auto pets = pet_model(owner);
    pets->add_column({.name = "kind", .default_value = "cat"});
    pets->add_column({.name = "chip", .type = ValueType::Int64});  // There are rows, and no default.
    auto vets = table("clinics");
    declare({owner, pets, vets}).make("chips");
    EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "database.not_null");
    const Schema schema = reflect(database.autocommit());
    EXPECT_EQ(schema.find("clinics"), nullptr);
    EXPECT_EQ(schema.require("pets")->find_column("kind"), nullptr);
    EXPECT_EQ(count("pets"), 3);
    EXPECT_EQ(migrations().status()[1].applied_at, std::nullopt);
    database.execute("DELETE FROM pets");
    EXPECT_THAT(migrations().migrate(), ElementsAre("0002_chips"));
}

TEST_P(MigrationsTest, ACrashLeavesTheStateBefore) {
    start();
    auto pets = pet_model(owner);
    pets->add_check(field("name") != "");
    declare({owner, pets, table("clinics")}).make("two_steps");
    const ::pid_t child = ::fork();
    if (child == 0) {
        Database own(fresh.url());
        int step = 0;
        const Migrations dying(own, models, {.directory = files.path(), .on_step = [&](const auto&) {
                                                 if (++step == 2) ::_exit(7);
                                             }});
        dying.migrate();
        ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 7);
    EXPECT_EQ(reflect(database.autocommit()).find("clinics"), nullptr);
    EXPECT_THAT(migrations().migrate(), ElementsAre("0002_two_steps"));
    EXPECT_EQ(count("pets"), 3);
}

TEST_P(MigrationsTest, EachIsAppliedByOneOfManyProcesses) {
    constexpr int kProcesses = 4;
    ASSERT_TRUE(migrations().make("initial"));
    auto pets = pet_model(owner);
    pets->add_check(field("name") != "");
    declare({owner, pets}).make("check");
    declare({owner, pets, table("clinics")}).make("clinics");
    std::vector<::pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
        const ::pid_t child = ::fork();
        if (child != 0) {
            children.push_back(child);
            continue;
        }
        int applied = 99;
        try {
            Database own(fresh.url());
            const Migrations mine(own, models, {.directory = files.path()});
            applied = static_cast<int>(mine.migrate().size());
        } catch (const std::exception& error) {
            static_cast<void>(std::fprintf(stderr, "child: %s\n", error.what()));
        }
        ::_exit(applied);
    }
    int applied = 0;
    for (const ::pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        applied += WEXITSTATUS(status);
    }
    EXPECT_EQ(applied, 3);
    EXPECT_THAT(migrations().migrate(), IsEmpty());
}

TEST_P(MigrationsTest, RefusesFilesThatDoNotBelongToTheDatabase) {
    start();
    const std::string name = (files / "0001_initial.json").string();
    const std::string content = core::read_text_file(name);
    std::string other = content;
    other.replace(other.find("\"name\": \"name\""), 14, "\"name\": \"mane\"");
    other.replace(other.find("\"name\"\n"), 6, "\"mane\"");
    write("0001_initial", other);
    EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "migration.changed");
    EXPECT_EQ(test::code_of([&] { (void)migrations().status(); }), "migration.changed");
    std::filesystem::rename(name, files / "0001_other.json");
    EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "migration.missing");
    std::filesystem::remove(files / "0001_other.json");
    write("0001_before", R"({"format": 1, "operations": []})");
    write("0002_initial", content);
    EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "migration.missing");
    std::filesystem::remove(files / "0001_before.json");
    std::filesystem::remove(files / "0002_initial.json");
    write("0001_initial", "  " + content + "\n\n");
    EXPECT_THAT(migrations().migrate(), IsEmpty()) << "blanks do not count";
}

TEST_P(MigrationsTest, RefusesLiveTablesThatHaveDrifted) {
    start();
    const char* const drifts[][2] = {
        {"ALTER TABLE owners ADD COLUMN extra INTEGER", "owners: column `extra` was not declared"},
        {"DROP INDEX pets_owner_id_name_key", "pets: index `pets_owner_id_name_key` is missing"},
        {"DROP TABLE pets", "pets: the table is missing"},
    };
    for (const auto& [statement, expected] : drifts) {
        database.execute(statement);
        try {
            (void)migrations().plan();
            FAIL() << statement;
        } catch (const core::Conflict& error) {
            EXPECT_EQ(error.code(), "migration.drift");
            EXPECT_THAT(error.details_json(), HasSubstr(expected));
        }
        EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "migration.drift");
    }
}

TEST_P(MigrationsTest, AConditionThatWasChangedUnderItsNameIsDrift) {
    auto pets = pet_model(owner);
    pets->add_index({.columns = {"name"},
                     .where = field("weight").in({1, 2}) && (field("name") != "" || !(field("id") > 0))});
    pets->add_check(field("weight").between(0, 90));
    declare({owner, pets});
    start();
    EXPECT_THAT(migrations().migrate(), IsEmpty()) << "as the database writes them they are the same";
    const std::string index =
        text(fresh.is_sqlite()
                 ? "SELECT name FROM sqlite_schema WHERE name LIKE 'pets_weight_desc%'"
                 : "SELECT indexname::text FROM pg_indexes WHERE indexname LIKE 'pets_weight_desc%'");
    for (const char* condition : {"", " WHERE weight > 11"}) {
        database.execute("DROP INDEX " + index);
        database.execute("CREATE INDEX " + index + " ON pets (weight DESC)" + condition);
        try {
            (void)migrations().plan();
            FAIL() << condition;
        } catch (const core::Conflict& error) {
            EXPECT_EQ(error.code(), "migration.drift");
            EXPECT_THAT(error.details_json(), HasSubstr("pets: index `" + index + '`'));
        }
    }
}

TEST_P(MigrationsTest, AdoptsTablesThatWereThereBefore) {
    const std::vector<const Model*> plain{models[0].get(), models[1].get()};
    create_tables(database, plain);
    add_pets();
    ASSERT_TRUE(migrations().make("initial"));
    EXPECT_THAT(migrations().adopt(), ElementsAre("0001_initial"));
    EXPECT_THAT(migrations().adopt(), IsEmpty());
    EXPECT_THAT(migrations().migrate(), IsEmpty());
    auto owners = owner_model();
    owners->add_column({.name = "email", .is_nullable = true});
    declare({owners, pet_model(owners)}).make("email");
    EXPECT_EQ(test::code_of([&] { migrations().adopt(); }), "migration.drift");
    EXPECT_THAT(migrations().migrate(), ElementsAre("0002_email"));
    EXPECT_EQ(count("pets"), 3);
}

TEST_P(MigrationsTest, RunsStatementsBothWays) {
    start();
    write("0002_shout", R"j({"format": 1, "operations": [{"op": "sql",
        "sqlite": {"up": ["UPDATE pets SET name = upper(name)"], "down": ["UPDATE pets SET name = lower(name)"]},
        "postgresql": {"up": ["UPDATE pets SET name = upper(name)"], "down": ["UPDATE pets SET name = lower(name)"]}
        }]})j");
    migrations().migrate();
    EXPECT_EQ(text("SELECT name FROM pets WHERE id = 1"), "TOM");
    migrations().rollback("0001_initial");
    EXPECT_EQ(text("SELECT name FROM pets WHERE id = 1"), "tom");
    write("0002_shout", R"j({"format": 1, "operations": [{"op": "sql", "sqlite": {"up": ["DELETE FROM pets"]},
        "postgresql": {"up": ["DELETE FROM pets"]}}]})j");
    migrations().migrate();
    EXPECT_EQ(test::code_of([&] { migrations().rollback("0001_initial"); }), "migration.irreversible");
    write("0003_break", R"j({"format": 1, "operations": [{"op": "sql", "sqlite": {"up": ["DROP TABLE pets"]},
        "postgresql": {"up": ["DROP TABLE pets"]}}]})j");
    EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "migration.drift")
        << "statements must not change what is described";
    EXPECT_EQ(count("pets"), 0);
}

TEST_P(MigrationsTest, FullTextIndexesStandBesideThem) {
    start();
    auto pets = pet_model(owner);
    pets->set_full_text({"name"});
    create_full_text(database, *pets);
    pets->add_check(field("name") != "");
    declare({owner, pets}).make("check");
    EXPECT_THAT(migrations().migrate(), ElementsAre("0002_check")) << "no drift";
    database.execute("UPDATE pets SET name = 'Fluffy' WHERE id = 1");
    EXPECT_EQ(Query(*pets).search("fluffy").count(database.autocommit()), 1)
        << "the index still follows the table";
}

TEST_P(MigrationsTest, StopsAtAName) {
    start();
    declare({owner, pet_model(owner), table("a")}).make("a");
    declare({owner, pet_model(owner), table("a"), table("b")}).make("b");
    EXPECT_EQ(test::code_of([&] { migrations().migrate("0009_c"); }), "migration.unknown");
    EXPECT_THAT(migrations().migrate("0002_a"), ElementsAre("0002_a"));
    EXPECT_THAT(migrations().migrate("0001_initial"), IsEmpty());
    EXPECT_THAT(migrations().migrate(), ElementsAre("0003_b"));
}

TEST_P(MigrationsTest, RefusesFilesWithoutAMeaning) {
    const char* const contents[] = {
        "",
        "[]",
        R"j({"format": 2, "operations": []})j",
        R"j({"format": 1, "operations": {}})j",
        R"j({"format": 1, "operations": [7]})j",
        R"j({"format": 1, "operations": [{"op": "explode"}]})j",
        R"j({"format": 1, "operations": [{"op": "drop_table", "table": "t"}]})j",
        R"j({"format": 1, "operations": [{"op": "drop_table", "table": 7}]})j",
        R"j({"format": 1, "operations": [{"op": "create_table", "table": "t", "colums": []}]})j",
        R"j({"format": 1, "operations": [{"op": "change_table", "table": "t", "drop_columns": ["a"]}]})j",
    };
    for (const char* content : contents) {
        write("0001_bad", content);
        EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "migration.file") << content;
    }
    const char* const hostile =
        R"j({"format": 1, "operations": [{"op": "create_table", "table": "t\"; DROP TABLE x; --"}]})j";
    write("0001_bad", hostile);
    EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "model.name");
    std::filesystem::remove(files / "0001_bad.json");
    write("first", R"j({"format": 1, "operations": []})j");
    EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "migration.file") << "no number";
    std::filesystem::rename(files / "first.json", files / "0002_first.json");
    EXPECT_EQ(test::code_of([&] { migrations().migrate(); }), "migration.file") << "the first is missing";
    for (const char* title : {"", "A", "a b", "../a"}) {
        EXPECT_EQ(test::code_of([&] { migrations().make(title); }), "migration.title") << title;
    }
}

TEST_P(MigrationsTest, RefusesChangesThatHaveNoMeaning) {
    start();
    auto pets = pet_model(owner);
    const auto other = std::make_shared<Model>("owners");
    other->add_column({.name = "key", .type = ValueType::Int64, .is_primary_key = true});
    other->add_column({.name = "name", .is_unique = true});
    EXPECT_EQ(test::code_of([&] { declare({other}).make("key", {.allows_data_loss = true}); }),
              "migration.key");
    const auto dated = table("owners");
    dated->add_column({.name = "name", .type = ValueType::Date, .is_unique = true});
    EXPECT_EQ(test::code_of([&] { declare({dated}).make("type", {.allows_data_loss = true}); }),
              "migration.type");
    EXPECT_EQ(test::code_of([&] { declare({pets}); }), "model.reference");
    EXPECT_EQ(test::code_of([&] { declare({owner, owner}); }), "model.duplicate");
}

INSTANTIATE_ON_BOTH(MigrationsTest);

}  // namespace
}  // namespace consilia::data
