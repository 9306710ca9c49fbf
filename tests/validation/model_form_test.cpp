// Goal: what the form of a table accepts the table accepts, on both databases. Method: random rows, most of
// them near a bound, are checked and inserted.
#include "consilia/validation/model_form.hpp"

#include <gtest/gtest.h>

#include <random>

#include "consilia/core/error.hpp"
#include "consilia/core/functions.hpp"
#include "consilia/data/model_repository.hpp"
#include "core/random_expressions.hpp"
#include "data/fresh_database.hpp"
#include "support/errors.hpp"

namespace {

using namespace consilia;
using core::ValueType;
using validation::Field;
using validation::FieldKind;
using validation::Form;
using validation::NamedValue;

std::shared_ptr<const data::Model> wards() {
    static const auto model = [] {
        auto made = std::make_shared<data::Model>("wards");
        made->add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
        made->add_column({.name = "name"});
        return std::shared_ptr<const data::Model>(made);
    }();
    return model;
}

std::shared_ptr<const data::Model> patients() {
    static const auto model = [] {
        auto made = std::make_shared<data::Model>("patients");
        made->add_column({.name = "id", .type = ValueType::Int64, .is_primary_key = true});
        made->add_column({.name = "code", .is_unique = true, .length_max = 4});
        made->add_column({.name = "sex", .is_nullable = true, .choices = {"f", "m"}});
        made->add_column(
            {.name = "age", .type = ValueType::Int64, .check = core::field("age").between(0, 150)});
        made->add_column({.name = "weight", .type = ValueType::Double, .is_nullable = true});
        made->add_column({.name = "low", .type = ValueType::Int64, .default_value = 0});
        made->add_column({.name = "high", .type = ValueType::Int64, .default_value = 5});
        made->add_column({.name = "note", .default_value = ""});
        made->add_column({.name = "born", .type = ValueType::Date, .is_nullable = true});
        made->add_column({.name = "seen_at", .type = ValueType::Timestamp, .defaults_to_now = true});
        made->add_column({.name = "is_active", .type = ValueType::Bool, .default_value = true});
        made->add_column({.name = "token", .type = ValueType::Uuid, .is_nullable = true});
        made->add_column({.name = "meta", .type = ValueType::Json, .is_nullable = true});
        made->add_column({.name = "photo", .type = ValueType::Blob, .is_nullable = true});
        made->add_column({.name = "ward_id", .type = ValueType::Int64, .is_nullable = true});
        made->add_column({.name = "mother_id", .type = ValueType::Int64, .is_nullable = true});
        for (const char* name : {"created_at", "updated_at"})
            made->add_column({.name = name, .type = ValueType::Timestamp});
        made->add_column({.name = "is_deleted", .type = ValueType::Bool, .default_value = false});
        made->add_column({.name = "deleted_at", .type = ValueType::Timestamp, .is_nullable = true});
        made->add_reference({.relation = "ward", .column = "ward_id", .target = wards()});
        made->add_reference({.relation = "mother", .column = "mother_id", .target = made->self()});
        made->add_index({.columns = {"sex", "-age"}, .is_unique = true});
        made->add_index({.columns = {"born"}, .is_unique = true, .ignores_deleted = true});
        made->add_check(core::field("low") <= core::field("high"));
        made->add_check(core::field("created_at") <= core::field("updated_at"));
        return std::shared_ptr<const data::Model>(made);
    }();
    return model;
}

std::vector<std::string> names_of(const Form& form) {
    std::vector<std::string> names;
    for (const Field& field : form.fields()) names.push_back(field.name);
    return names;
}

TEST(ModelForm, FieldsAreWhatTheColumnsDeclare) {
    const Form form = validation::form_of(patients());
    EXPECT_EQ(names_of(form),
              (std::vector<std::string>{"code", "sex", "age", "weight", "low", "high", "note", "born",
                                        "seen_at", "is_active", "token", "meta", "ward_id", "mother_id"}));
    EXPECT_EQ(form.find_field("code")->length_max, 4);
    EXPECT_EQ(form.find_field("code")->unique.model, patients());
    EXPECT_FALSE(form.find_field("code")->is_multiline);
    EXPECT_TRUE(form.find_field("note")->is_multiline);
    EXPECT_EQ(form.find_field("sex")->choices, (std::vector<core::Value>{"f", "m"}));
    EXPECT_FALSE(form.find_field("sex")->is_required);
    EXPECT_TRUE(form.find_field("age")->is_required);
    EXPECT_EQ(form.find_field("high")->default_value, core::Value(5));
    EXPECT_FALSE(form.find_field("seen_at")->is_required);
    EXPECT_EQ(form.find_field("ward_id")->exists.model, wards());
    EXPECT_EQ(form.find_field("mother_id")->exists.model, patients());
    ASSERT_EQ(form.options().rules.size(), 2U);  // That over columns outside the form is the database's.
    EXPECT_EQ(form.options().rules[0].field, "age");
    ASSERT_EQ(form.options().unique_together.size(), 1U);
    EXPECT_EQ(form.options().unique_together[0].columns, (std::vector<std::string>{"sex", "age"}));
}

TEST(ModelForm, OptionsChooseAndReplaceFields) {
    const Form some = validation::form_of(patients(), {.only = {"high", "age"}});
    EXPECT_EQ(names_of(some), (std::vector<std::string>{"high", "age"}));
    EXPECT_EQ(some.options().rules.size(), 1U);
    EXPECT_EQ(names_of(validation::form_of(patients(), {.only = {"age", "created_at"}, .exclude = {"age"}})),
              std::vector<std::string>{"created_at"});
    const Form other = validation::form_of(
        patients(),
        {.only = {"code", "note"}, .overrides = {{.name = "code", .kind = FieldKind::PersonName}}});
    EXPECT_EQ(other.find_field("code")->kind, FieldKind::PersonName);
    EXPECT_EQ(other.find_field("code")->unique.model, nullptr);
    const auto refused = [](validation::ModelFormOptions options) {
        return test::code_of([&] { (void)validation::form_of(patients(), std::move(options)); });
    };
    EXPECT_EQ(refused({.only = {"id"}}), "form.column");
    EXPECT_EQ(refused({.only = {"photo"}}), "form.column");
    EXPECT_EQ(refused({.only = {"none"}}), "form.column");
    EXPECT_EQ(refused({.exclude = {"none"}}), "form.column");
    EXPECT_EQ(refused({.only = {"age"}, .overrides = {{.name = "code"}}}), "form.column");
}

class ModelFormOnBoth : public test::OnBothDatabases {
protected:
    ModelFormOnBoth() {
        const data::Model* models[] = {wards().get(), patients().get()};
        data::create_tables(database, models);
        database.transact([](const data::Session& session) {
            data::ModelRepository(wards()).insert(session, {{"name", core::Term("one")}});
        });
    }

    data::Database database{fresh.url()};
};
INSTANTIATE_ON_BOTH(ModelFormOnBoth);

/// Values around what the columns allow; now and then nothing, or null.
class RandomRows {
public:
    explicit RandomRows(std::uint64_t from) : engine_(from) {}

    std::vector<NamedValue> row() {
        std::vector<NamedValue> row;
        add(row, "code",
            {"a", "ab", "abcd", "abcde", "äöü€", "", "\t", "a\nb", "x" + std::to_string(number(0, 99))});
        add(row, "sex", {"f", "m", "x"});
        add(row, "age", {-1, 0, 1, 149, 150, 151, number(0, 150), number(0, 150), "12"});
        add(row, "weight", {0.0, -1e308, 5, "1.5"});
        add(row, "low", {0, 5, 6});
        add(row, "high", {0, 5});
        add(row, "note", {"", "two\nlines", "plain", std::string(300, 'n')});
        add(row, "born",
            {"2000-02-29", "2001-02-29", "0001-01-01", "9999-12-31",
             core::Date{static_cast<std::int32_t>(number(0, 9'999))}});
        add(row, "seen_at", {"2026-01-31T12:00:00Z", "2026-01-31", core::Timestamp{1}});
        add(row, "is_active", {true, "on", "maybe"});
        add(row, "token", {core::Uuid{{7}}, "not one", "01234567-89ab-cdef-0123-456789abcdef"});
        add(row, "meta", {core::Json{R"({"a": [1, "é"]})"}, core::Json{"[]"}, 5, "text"});
        add(row, "ward_id", {1, 2});
        add(row, "mother_id", {1, 1'000'000});
        return row;
    }

private:
    std::int64_t number(std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution(low, high)(engine_);
    }
    void add(std::vector<NamedValue>& row, const char* name, std::vector<core::Value> values) {
        const std::int64_t pick = number(0, 11);
        if (pick == 0) return;
        const auto last = static_cast<std::int64_t>(values.size()) - 1;
        row.emplace_back(name, pick == 1 ? core::Value() : values[static_cast<std::size_t>(number(0, last))]);
    }

    std::mt19937_64 engine_;
};

TEST_P(ModelFormOnBoth, ARowThatTheFormAcceptsTheTableAccepts) {
    // Without the unique index that the form leaves to the database, and likelier to be accepted.
    const Form form = validation::form_of(patients(), {.exclude = {"born", "mother_id"}});
    const data::ModelRepository repository(patients());
    RandomRows rows(test::seed());
    int accepted = 0;
    for (int i = 0; i < test::case_count(2'000); ++i) {
        std::vector<NamedValue> row = rows.row();
        std::erase_if(
            row, [](const NamedValue& value) { return value.first == "born" || value.first == "mother_id"; });
        database.transact([&](const data::Session& session) {
            const validation::Report report = form.check(row, {.session = &session});
            if (!report.is_valid()) return;
            ++accepted;
            EXPECT_NO_THROW(repository.insert(session, report.assignments()))
                << "CONSILIA_SEED=" << test::seed() << " case " << i << ' ' << report.values_json();
        });
        ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(accepted, 5);
}

TEST_P(ModelFormOnBoth, ARowThatBreaksAColumnIsRefusedByBoth) {
    const Form form = validation::form_of(patients());
    const data::ModelRepository repository(patients());
    const std::vector<NamedValue> good{{"code", "new"}, {"sex", "f"}, {"age", 7}};
    const auto assignments = [](const std::vector<NamedValue>& row) {
        std::vector<data::Assignment> all;
        for (const auto& [name, value] : row) all.emplace_back(name, core::Term(value));
        return all;
    };
    database.transact([&](const data::Session& session) {
        EXPECT_TRUE(form.check(good, {.session = &session}).is_valid());
        repository.insert(session, assignments({{"code", "old"}, {"sex", "m"}, {"age", 8}}));
    });
    struct Bad {
        const char* name;
        core::Value value;
        const char* code;
    };
    for (const Bad& bad : {Bad{"code", "abcde", "too_long"}, Bad{"code", "old", "taken"},
                           Bad{"code", {}, "null"}, Bad{"sex", "x", "choice"}, Bad{"age", -1, "rule"},
                           Bad{"age", 151, "rule"}, Bad{"low", 6, "rule"}, Bad{"ward_id", 99, "not_found"}}) {
        std::vector<NamedValue> row;
        for (const NamedValue& value : good) {
            if (value.first != bad.name) row.push_back(value);
        }
        row.emplace_back(bad.name, bad.value);
        EXPECT_THROW(database.transact([&](const data::Session& session) {
            const validation::Report report = form.check(row, {.session = &session});
            EXPECT_EQ(report.errors().size(), 1U) << bad.name;
            EXPECT_EQ(report.errors()[0].code, bad.code) << bad.name;
            repository.insert(session, assignments(row));
        }),
                     core::Error)
            << bad.name << ' ' << bad.code;
    }
    database.transact([&](const data::Session& session) {
        const std::vector<NamedValue> row{{"code", "new"}, {"sex", "m"}, {"age", 8}};
        const validation::Report report = form.check(row, {.session = &session});
        ASSERT_EQ(report.errors().size(), 1U);
        EXPECT_EQ(report.errors()[0].code, "taken_together");
    });
}

}  // namespace
