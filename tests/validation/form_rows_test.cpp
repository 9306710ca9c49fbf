// Values that must be free in a table, or there, on both databases.
#include <gtest/gtest.h>

#include "consilia/core/error.hpp"
#include "consilia/data/model_repository.hpp"
#include "consilia/validation/form.hpp"
#include "data/fresh_database.hpp"
#include "support/errors.hpp"

namespace {

using namespace consilia;
using validation::Field;
using validation::FieldKind;
using validation::Form;
using validation::Report;

std::shared_ptr<const data::Model> accounts() {
    static const auto model = [] {
        auto made = std::make_shared<data::Model>("accounts");
        made->add_column({.name = "id", .type = core::ValueType::Int64, .is_primary_key = true});
        made->add_column({.name = "username"});
        made->add_column({.name = "clinic", .type = core::ValueType::Int64, .default_value = 1});
        made->add_column({.name = "meta", .type = core::ValueType::Json, .is_nullable = true});
        made->add_column({.name = "is_deleted", .type = core::ValueType::Bool, .default_value = false});
        return std::shared_ptr<const data::Model>(made);
    }();
    return model;
}

std::string codes(const Report& report) {
    std::string all;
    for (const auto& error : report.errors())
        all += (all.empty() ? "" : ", ") + error.path + ':' + error.code;
    return all;
}

class FormRows : public test::OnBothDatabases {
protected:
    FormRows() {
        const data::Model* models[] = {accounts().get()};
        data::create_tables(database, models);
        database.transact([&](const data::Session& session) {
            ann = repository.insert(session, {{"username", core::Term("ann")}}).id;
            gone = repository.insert(session, {{"username", core::Term("gone")}}).id;
            repository.soft_delete(session, gone);
        });
    }
    std::string check(const Form& form, const std::string& json, validation::CheckOptions options = {}) {
        std::string said;
        database.transact([&](const data::Session& session) {
            options.session = &session;
            said = codes(form.check_json(json, options));
        });
        return said;
    }

    data::Database database{fresh.url()};
    data::ModelRepository repository{accounts()};
    std::int64_t ann = 0;
    std::int64_t gone = 0;
};
INSTANTIATE_ON_BOTH(FormRows);

TEST_P(FormRows, AUniqueValueIsOneThatNoRowHasDeletedOnesIncluded) {
    const Form exact({{.name = "username", .unique = {accounts(), "username"}}});
    EXPECT_EQ(check(exact, R"({"username":"bob"})"), "");
    EXPECT_EQ(check(exact, R"({"username":"ann"})"), "username:taken");
    EXPECT_EQ(check(exact, R"({"username":"gone"})"), "username:taken");
    EXPECT_EQ(check(exact, R"({"username":"Ann"})"), "");
    EXPECT_EQ(check(exact, R"({"username":"ann"})", {.except_key = ann}), "");
    EXPECT_EQ(check(exact, R"({"username":"ann"})", {.except_key = gone}), "username:taken");
    const Form folded({{.name = "username", .unique = {accounts(), "username", true}}});
    EXPECT_EQ(check(folded, R"({"username":"aNN"})"), "username:taken");
    EXPECT_EQ(check(folded, R"({"username":"aN%"})"), "");
}

TEST_P(FormRows, AnExistingValueIsThatOfARowThatIsNotDeleted) {
    const Form form({{.name = "account", .kind = FieldKind::Integer, .exists = {accounts(), ""}}});
    EXPECT_EQ(check(form, "{\"account\":" + std::to_string(ann) + '}'), "");
    EXPECT_EQ(check(form, "{\"account\":" + std::to_string(gone) + '}'), "account:not_found");
    EXPECT_EQ(check(form, R"({"account":99})"), "account:not_found");
    EXPECT_EQ(check(form, R"({"account":"x"})"), "account:integer");
}

TEST_P(FormRows, ElementsOfAListAreLookedForTogether) {
    const auto items = std::make_shared<const Field>(
        Field{.name = "a", .kind = FieldKind::Integer, .exists = {accounts(), ""}});
    const Form form({{.name = "team", .kind = FieldKind::List, .items = items}});
    const std::string id = std::to_string(ann);
    EXPECT_EQ(check(form, "{\"team\":[" + id + ",98," + id + ",99]}"), "team.1:not_found, team.3:not_found");
    std::string all = "{\"team\":[" + id;  // As many as a list may have.
    for (int i = 1; i < Field::kItemsMax; ++i) all += ',' + id;
    EXPECT_EQ(check(form, all + "]}"), "");
}

TEST_P(FormRows, ValuesAreUniqueTogether) {
    const Form form(
        {{.name = "username"}, {.name = "clinic", .kind = FieldKind::Integer, .is_required = false}},
        {.unique_together = {{accounts(), {"username", "clinic"}}}});
    EXPECT_EQ(check(form, R"({"username":"ann","clinic":1})"), ":taken_together");
    EXPECT_EQ(check(form, R"({"username":"ann","clinic":1})", {.except_key = ann}), "");
    EXPECT_EQ(check(form, R"({"username":"ann","clinic":2})"), "");
    EXPECT_EQ(check(form, R"({"username":"ann"})"), "");
    EXPECT_EQ(check(form, R"({"username":"ann","clinic":"x"})"), "clinic:integer");
}

TEST_P(FormRows, ASessionIsNeededUnlessTheDatabaseIsSkipped) {
    const Form form({{.name = "username", .unique = {accounts(), "username"}}});
    EXPECT_TRUE(form.needs_database());
    EXPECT_EQ(test::code_of([&] { (void)form.check_json(R"({"username":"ann"})"); }), "form.session");
    EXPECT_TRUE(form.check_json(R"({"username":"ann"})", {.skips_database = true}).is_valid());
}

TEST_P(FormRows, CleanValuesAreInsertedAsTheyAre) {
    const Form form({{.name = "username"}, {.name = "clinic", .kind = FieldKind::Integer}});
    database.transact([&](const data::Session& session) {
        const Report report = form.check_json(R"({"username":" eve ","clinic":"7"})");
        const auto inserted = repository.insert(session, report.assignments());
        const data::RowSet row = repository.get(session, inserted.id);
        EXPECT_EQ(row.value(0, row.column_index("username")), core::Value("eve"));
        EXPECT_EQ(row.value(0, row.column_index("clinic")), core::Value(7));
    });
    EXPECT_EQ(test::code_of([&] { (void)form.check_json("{}").assignments(); }), "form.invalid");
    const Form json({{.name = "username"}, {.name = "meta", .kind = FieldKind::Json}});
    for (const char* meta :
         {R"({"a":[1,null,"\\u0000"]})", R"("\ud83d\ude00")", "1e308", "-0.0", R"({"a":1,"b":{}})"}) {
        database.transact([&](const data::Session& session) {
            const Report report = json.check_json(R"({"username":"m","meta":)" + std::string(meta) + '}');
            EXPECT_NO_THROW(repository.insert(session, report.assignments())) << meta;
        });
    }
}

}  // namespace
