// What a model promises: refused when it is described wrongly, kept by the database when it is right. The
// text for PostgreSQL is compared; SQLite runs it.
#include "consilia/data/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consilia/data/query.hpp"
#include "consilia/data/repository.hpp"
#include "data/fresh_database.hpp"
#include "support/errors.hpp"

namespace consilia::data {
namespace {

using core::field;
using core::SqlDialect;
using core::Value;
using core::ValueType;
using testing::ElementsAre;
using testing::HasSubstr;

Model table(const char* name) {
    Model model(name);
    model.add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
    return model;
}

/// One of everything.
std::shared_ptr<Model> order_model() {
    static const auto shop = std::make_shared<const Model>(table("shops"));
    auto model = std::make_shared<Model>(table("orders"));
    model->add_column({.name = "shop_id", .type = ValueType::Int64});
    model->add_column({.name = "parent_id", .type = ValueType::Int64, .is_nullable = true});
    model->add_column({.name = "code", .is_unique = true, .length_max = 5});
    model->add_column({.name = "status", .default_value = "new", .choices = {"new", "it's done"}});
    model->add_column(
        {.name = "price", .type = ValueType::Double, .default_value = 1, .check = field("price") >= 0.5});
    model->add_column({.name = "paid", .type = ValueType::Double, .default_value = 0});
    model->add_column({.name = "made_at", .type = ValueType::Timestamp, .defaults_to_now = true});
    model->add_column({.name = "due", .type = ValueType::Date, .defaults_to_now = true});
    model->add_column({.name = "is_deleted", .type = ValueType::Bool, .default_value = false});
    model->add_reference({"shop", "shop_id", shop, OnDelete::Cascade});
    model->add_reference({"parent", "parent_id", model->self(), OnDelete::SetNull});
    model->add_index({.columns = {"shop_id", "status"}, .is_unique = true, .ignores_deleted = true});
    model->add_index({.columns = {"-due", "id"}, .where = field("status") == "new"});
    model->add_check(field("paid") <= field("price"));
    return model;
}

class ModelTest : public testing::Test {
protected:
    ModelTest() {
        const std::array models = {model->references()[0].target.get(),
                                   static_cast<const Model*>(model.get())};
        create_tables(database, models);
        database.execute("INSERT INTO shops (id) VALUES (1), (2)");
    }
    std::int64_t add(std::vector<Assignment> values) {
        values.insert(values.begin(), {"shop_id", 1});
        return insert(database.autocommit(), *model, values);
    }
    std::string code_of_adding(std::vector<Assignment> values) {
        return test::code_of([&] { add(std::move(values)); });
    }

    std::shared_ptr<Model> model = order_model();
    Database database{"sqlite::memory:"};
};

TEST_F(ModelTest, DefaultsAreTheDatabasesOwn) {
    add({{"code", "a"}});
    const RowSet rows = Query(*model).run(database.autocommit());
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows.value(0, rows.column_index("status")), Value("new"));
    EXPECT_EQ(rows.value(0, rows.column_index("price")), Value(1.0));
    EXPECT_EQ(rows.value(0, rows.column_index("is_deleted")), Value(false));
    const core::Value made = rows.value(0, rows.column_index("made_at"));
    const core::Value due = rows.value(0, rows.column_index("due"));
    ASSERT_EQ(made.type(), ValueType::Timestamp);
    EXPECT_GT(made.as<core::Timestamp>(), core::parse_timestamp("2020-01-01T00:00:00Z"));
    ASSERT_EQ(due.type(), ValueType::Date);
}

TEST_F(ModelTest, TheDatabaseKeepsTheRules) {
    add({{"code", "1234\xC3\xA9"}});
    EXPECT_EQ(code_of_adding({{"code", "123456"}}), "database.check") << "too long";
    EXPECT_EQ(code_of_adding({{"code", "b"}, {"status", "old"}}), "database.check") << "no choice";
    EXPECT_EQ(code_of_adding({{"code", "b"}, {"price", 0.25}}), "database.check") << "check of a column";
    EXPECT_EQ(code_of_adding({{"code", "b"}, {"status", "it's done"}, {"paid", 1.5}}), "database.check")
        << "check of the table";
    EXPECT_EQ(code_of_adding({{"code", "1234\xC3\xA9"}, {"status", "it's done"}}), "database.unique");
}

TEST_F(ModelTest, AUniqueIndexIgnoresDeletedRows) {
    const std::int64_t first = add({{"code", "a"}});
    EXPECT_EQ(code_of_adding({{"code", "b"}}), "database.unique") << "same shop, same status";
    Query(*model).where(field("id") == first).update(database.autocommit(), {{"is_deleted", true}});
    EXPECT_EQ(code_of_adding({{"code", "b"}}), "nothing was thrown");
    EXPECT_EQ(code_of_adding({{"code", "c"}}), "database.unique");
}

TEST_F(ModelTest, ADeletedRowTakesItsDependentsOrLetsThemGo) {
    const std::int64_t parent = add({{"code", "a"}});
    const std::int64_t child = add({{"code", "b"}, {"status", "it's done"}, {"parent_id", parent}});
    Query(*model).where(field("id") == parent).remove(database.autocommit());
    const RowSet rows = Query(*model).select({"id", "parent_id", "parent.code"}).run(database.autocommit());
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows.int64(0, 0), child);
    EXPECT_TRUE(rows.is_null(0, 1));
    database.execute("DELETE FROM shops WHERE id = 1");
    EXPECT_EQ(Query(*model).count(database.autocommit()), 0);
}

TEST(Model, IsWrittenForPostgres) {
    const std::vector<std::string> sql = create_sql(*order_model(), SqlDialect::PostgreSql);
    ASSERT_EQ(sql.size(), 4U);
    for (const char* part :
         {R"("id" bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
          R"("code" text COLLATE "C" NOT NULL)", R"("status" text COLLATE "C" NOT NULL DEFAULT 'new')",
          R"("price" double precision NOT NULL DEFAULT '1.0'::double precision)",
          R"("made_at" timestamp with time zone NOT NULL DEFAULT (now()))",
          R"("is_deleted" boolean NOT NULL DEFAULT FALSE)",
          R"(CONSTRAINT "code_max5" CHECK (char_length("code") <= 5))", "'it''s done'",
          R"(FOREIGN KEY ("shop_id") REFERENCES "shops" ("id") ON DELETE CASCADE)",
          R"(FOREIGN KEY ("parent_id") REFERENCES "orders" ("id") ON DELETE SET NULL)"}) {
        EXPECT_THAT(sql[0], HasSubstr(part));
    }
    EXPECT_EQ(sql[1],
              R"(CREATE UNIQUE INDEX IF NOT EXISTS "orders_code_key" ON "orders" ("code" NULLS FIRST))");
    EXPECT_THAT(sql[2], HasSubstr(R"(("shop_id" NULLS FIRST, "status" NULLS FIRST) WHERE)"));
    EXPECT_THAT(sql[3], HasSubstr(R"(("due" DESC NULLS LAST, "id" NULLS FIRST) WHERE)"));
}

TEST(Model, WritesEveryTypeOfDefault) {
    core::Uuid uuid;
    uuid.bytes.fill(0xab);
    Model model = table("t");
    model.add_column({.name = "b", .type = ValueType::Bool, .default_value = true});
    model.add_column({.name = "i", .type = ValueType::Int64, .default_value = INT64_MIN});
    model.add_column({.name = "d", .type = ValueType::Double, .default_value = 0.1});
    model.add_column({.name = "t", .default_value = "\\' --\"; \xC3\xA9?$1"});
    model.add_column({.name = "y", .type = ValueType::Date, .default_value = core::Date{-1}});
    model.add_column({.name = "s", .type = ValueType::Timestamp, .default_value = core::Timestamp{-1}});
    model.add_column({.name = "u", .type = ValueType::Uuid, .default_value = uuid});
    model.add_column({.name = "j", .type = ValueType::Json, .default_value = core::Json{"{\"a\": 1}"}});
    model.add_column(
        {.name = "x", .type = ValueType::Blob, .default_value = core::Blob{{std::byte{0}, std::byte{255}}}});
    Database database("sqlite::memory:");
    const Model* const models[] = {&model};
    create_tables(database, models);
    insert(database.autocommit(), model, {});
    const RowSet rows = Query(model).run(database.autocommit());
    for (std::size_t i = 1; i < model.columns().size(); ++i) {
        EXPECT_EQ(rows.value(0, i), model.columns()[i].default_value) << model.columns()[i].name;
    }
    const std::string postgres = create_sql(model, SqlDialect::PostgreSql)[0];
    EXPECT_THAT(postgres, HasSubstr(R"(E'\\'' --"; )"));
    EXPECT_THAT(postgres, HasSubstr("'1969-12-31'::date"));
    EXPECT_THAT(postgres, HasSubstr("'1969-12-31T23:59:59.999999Z'::timestamptz"));
    EXPECT_THAT(postgres, HasSubstr("'abababababababababababababababab'::uuid"));
    EXPECT_THAT(postgres, HasSubstr("'\\x00ff'::bytea"));
}

TEST(Model, RefusesDescriptionsWithoutAMeaning) {
    const auto adding = [](Column column) {
        return test::code_of([&] { table("t").add_column(std::move(column)); });
    };
    EXPECT_EQ(adding({.name = "a b"}), "model.name");
    EXPECT_EQ(adding({.name = "id"}), "model.duplicate");
    EXPECT_EQ(adding({.name = "k", .type = ValueType::Int64, .is_primary_key = true}), "model.duplicate");
    EXPECT_EQ(adding({.name = "a", .default_value = 1}), "model.column");
    EXPECT_EQ(adding({.name = "a", .defaults_to_now = true}), "model.column");
    EXPECT_EQ(adding({.name = "a", .type = ValueType::Int64, .length_max = 3}), "model.column");
    EXPECT_EQ(adding({.name = "a", .type = ValueType::Int64, .choices = {"b"}}), "model.column");
    EXPECT_EQ(adding({.name = "a", .length_max = -1}), "model.column");
    EXPECT_EQ(adding({.name = "a", .check = field("id") == 1}), "model.column");

    const auto with = [](const auto& change) {
        Model model = table("t");
        model.add_column({.name = "a", .type = ValueType::Int64});
        return test::code_of([&] {
            change(model);
            (void)create_sql(model, SqlDialect::Sqlite);
        });
    };
    EXPECT_EQ(with([](Model& m) { m.add_index({.columns = {}}); }), "model.index");
    EXPECT_EQ(with([](Model& m) { m.add_index({.columns = {"b"}}); }), "model.index");
    EXPECT_EQ(with([](Model& m) { m.add_index({.columns = {"a"}, .where = field("b") == 1}); }),
              "model.index");
    EXPECT_EQ(with([](Model& m) { m.add_index({.columns = {"a"}, .ignores_deleted = true}); }),
              "model.index");
    EXPECT_EQ(with([](Model& m) { m.add_check(field("b") == 1); }), "model.check");
    EXPECT_EQ(with([](Model& m) { m.add_check({}); }), "model.check");
    EXPECT_EQ(with([](Model& m) {
                  m.add_reference({"r", "a", m.self(), OnDelete::SetNull});
              }),
              "model.reference");
    EXPECT_EQ(with([](Model& m) { m.add_reference({"r", "b", m.self()}); }), "model.reference");
    EXPECT_EQ(test::code_of([] { Model("t").keep_history(); }), "model.history");
    EXPECT_EQ(with([](Model& m) {
                  m.keep_history();
                  m.add_column({.name = "history_at"});
              }),
              "model.history");
}

TEST(Model, AUniqueIndexOnOneColumnIsAUniqueColumn) {
    Model model = table("t");
    model.add_column({.name = "a"});
    model.add_index({.columns = {"-a"}, .is_unique = true});
    EXPECT_TRUE(model.indexes().empty());
    EXPECT_TRUE(model.find_column("a")->is_unique);
}

enum class Colour : std::uint8_t { Red, Green };
constexpr std::array<EnumName<Colour>, 2> enum_names(Colour) {
    return {{{Colour::Red, "red"}, {Colour::Green, "green"}}};
}

struct Node {
    std::int64_t id = 0;
    std::optional<std::int64_t> parent_id{};
    std::string name;
    Colour colour = Colour::Red;

    static Mapping<Node> mapping() {
        return Mapping<Node>("nodes")
            .primary_key("id", &Node::id)
            .self_reference("parent", &Node::parent_id, {.on_delete = OnDelete::Cascade})
            .column("name", &Node::name, {.length_max = 3})
            .column("colour", &Node::colour, {.choices = choices_of<Colour>()})
            .index({"parent_id", "name"}, {.is_unique = true})
            .check(field("id") != field("parent_id"));
    }
};

TEST(Mapping, SaysAllThatAModelSays) {
    Database database("sqlite::memory:");
    const Model* const models[] = {&mapping_of<Node>().model()};
    create_tables(database, models);
    const Repository<Node> nodes(database);
    Node root{.name = "a"};
    nodes.insert(root);
    Node leaf{.parent_id = root.id, .name = "b", .colour = Colour::Green};
    nodes.insert(leaf);
    const auto below = nodes.query().where(core::field("parent.name") == "a");
    EXPECT_EQ(nodes.list(database.autocommit(), below).size(), 1U);
    leaf.parent_id = leaf.id;
    EXPECT_EQ(test::code_of([&] { nodes.update(leaf); }), "database.check");
    Node longer{.name = "abcd"};
    EXPECT_EQ(test::code_of([&] { nodes.insert(longer); }), "database.check");
    EXPECT_EQ(test::code_of([&] { database.execute("UPDATE nodes SET colour = 'blue'"); }), "database.check");
    nodes.remove(database.autocommit(), root.id);
    EXPECT_EQ(nodes.query().count(database.autocommit()), 0);
}

class CreateTables : public test::OnBothDatabases {};
INSTANTIATE_ON_BOTH(CreateTables);

TEST_P(CreateTables, TakesTablesThatReferToEachOther) {
    Model left = table("lefts");
    Model right = table("rights");
    left.add_column({.name = "right_id", .type = ValueType::Int64, .is_nullable = true});
    right.add_column({.name = "left_id", .type = ValueType::Int64});
    left.add_reference({"right", "right_id", right.self()});
    right.add_reference({"left", "left_id", left.self()});
    Database database(fresh.url());
    const std::array<const Model*, 2> models = {&left, &right};
    create_tables(database, models);
    create_tables(database, models);  // What is there stays as it is.
    const std::int64_t id = insert(database.autocommit(), left, {});
    insert(database.autocommit(), right, {{"left_id", id}});
    EXPECT_EQ(test::code_of([&] {
                  insert(database.autocommit(), left, {{"right_id", 7}});
              }),
              "database.foreign_key");
    EXPECT_EQ(test::code_of([&] {
                  insert(database.autocommit(), right, {{"left_id", 7}});
              }),
              "database.foreign_key");
    const Query led_back = Query(right).where(field("left.right.left.id").is_null());
    EXPECT_EQ(led_back.count(database.autocommit()), 1);
}

}  // namespace
}  // namespace consilia::data
