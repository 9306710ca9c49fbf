// Goal: a form and its JSON Schema say the same. Method: random forms are written, read and written again;
// what is read from foreign schemas is checked case by case.
#include "consilia/validation/form_schema.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "consilia/core/error.hpp"
#include "core/random_expressions.hpp"
#include "support/errors.hpp"

namespace {

using namespace consilia;
using nlohmann::json;
using validation::Field;
using validation::FieldKind;
using validation::Form;
using validation::FormOptions;

std::shared_ptr<const data::Model> users() {
    static const auto model = [] {
        auto made = std::make_shared<data::Model>("users");
        made->add_column({.name = "id", .type = core::ValueType::Int64, .is_primary_key = true});
        made->add_column({.name = "username"});
        made->add_column({.name = "email"});
        return std::shared_ptr<const data::Model>(made);
    }();
    return model;
}

Form read(std::string_view schema) {
    const std::vector models{users()};
    return validation::form_from_json_schema(schema, models);
}

/// The only field of a form with this schema.
Field field_of(const json& schema) {
    return read(json{{"type", "object"}, {"properties", {{"x", schema}}}}.dump()).fields()[0];
}

std::string refused_at(const std::string& schema) {
    try {
        (void)read(schema);
    } catch (const core::ValidationError& error) {
        EXPECT_EQ(error.code(), "form.schema");
        return error.details()[0].value.as<std::string>();
    }
    return "nothing was refused";
}
std::string refused_property(const json& property) {
    return refused_at(json{{"type", "object"}, {"properties", {{"x", property}}}}.dump());
}

/// Forms of every kind of field, with every option that the kind has.
class RandomForms {
public:
    explicit RandomForms(std::uint64_t from) : engine_(from) {}

    Form form(int depth = 0) {
        std::vector<Field> fields;
        const int count = number(1, 5);
        for (int i = 0; i < count; ++i) {
            fields.push_back(field("f" + std::to_string(i), depth));
            if (coin()) fields.back().required_when = core::field("f0").is_null();
        }
        FormOptions options{.title = text(),
                            .mode = coin() ? validation::Mode::Strict : validation::Mode::Coerce};
        options.refuses_unknown = coin();
        if (coin()) options.ignored = {"token"};
        if (coin()) options.json_bytes_max = 4'096;
        if (coin()) options.rules.push_back({.check = core::field("f0").is_not_null()});
        if (coin())
            options.rules.push_back({!core::field("f0").is_null(), "same", "it's \"the\" same", "f0"});
        if (coin()) options.unique_together.push_back({users(), {"f0"}, {"email"}});
        return Form(std::move(fields), std::move(options));
    }

private:
    int number(int low, int high) { return std::uniform_int_distribution(low, high)(engine_); }
    bool coin() { return number(0, 1) == 1; }
    std::string text() {
        static const std::vector<std::string> kTexts{"", "", "a \"b\"", "Größe", "</script>", "line\nline"};
        return kTexts[static_cast<std::size_t>(number(0, 5))];
    }

    Field field(std::string name, int depth) {
        Field field{.name = std::move(name), .kind = static_cast<FieldKind>(number(0, depth < 2 ? 13 : 11))};
        field.is_required = coin();
        field.is_nullable = coin();
        field.label = text();
        field.help = text();
        if (coin()) field.messages = {{"required", "give it"}, {"type", "{wanted}"}};
        fill(field, depth);
        return field;
    }
    void fill(Field& field, int depth) {
        switch (field.kind) {
            case FieldKind::Boolean:
                if (coin()) field.default_value = coin();
                break;
            case FieldKind::Integer:
                if (coin()) field.minimum = number(-5, 0);
                if (coin()) field.maximum = std::int64_t{INT64_MAX};
                if (coin()) field.choices = {1, 2};
                if (coin()) field.default_value = 2;
                if (coin()) field.exists = {users(), ""};
                break;
            case FieldKind::Number:
                if (coin()) field.minimum = 0.1;
                if (coin()) field.maximum = 5;
                if (coin()) field.default_value = 1e-9;
                break;
            case FieldKind::Date:
                if (coin()) field.minimum = core::Date{-40'000};
                if (coin()) field.default_value = core::Date{20'000};
                break;
            case FieldKind::Timestamp:
                if (coin()) field.maximum = core::Timestamp{1'234'567'890'123'456};
                if (coin()) field.default_value = core::Timestamp{1};
                break;
            case FieldKind::Uuid:
                if (coin()) field.default_value = core::Uuid{{1, 2, 3}};
                break;
            case FieldKind::Json:
                if (coin()) field.default_value = core::Json{R"({"a":[1,null]})"};
                break;
            case FieldKind::Object:
                field.form = std::make_shared<const Form>(form(depth + 1));
                break;
            case FieldKind::List:
                field.items = std::make_shared<const Field>(this->field(field.name, depth + 1));
                if (coin()) field.length_min = 1;
                if (coin()) field.length_max = 9;
                field.has_unique_items = coin();
                break;
            default:
                fill_text(field);
        }
    }
    void fill_text(Field& field) {
        field.allows_blank = coin();
        field.is_secret = coin();
        field.is_multiline = field.kind == FieldKind::Text && coin();
        if (coin()) field.length_min = number(2, 4);  // 1 is said by not being blank.
        if (coin()) field.length_max = 200;
        if (coin()) field.pattern = R"(^[^"\\]\d{2}é*$)";
        if (coin()) field.default_value = text();
        if (coin()) field.choices = {"a", "b\"c"};
        if (coin()) field.choices.emplace_back("");
        if (coin()) field.unique = {users(), "username", coin()};
    }

    std::mt19937_64 engine_;
};

void expect_same(const Form& a, const Form& b);

bool same(const validation::RowCheck& a, const validation::RowCheck& b) {
    return a.model == b.model && a.column == b.column && a.ignores_case == b.ignores_case;
}

void expect_same(const Field& a, const Field& b) {
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.kind, b.kind) << a.name;
    EXPECT_EQ(a.is_required, b.is_required) << a.name;
    EXPECT_EQ(a.is_nullable, b.is_nullable) << a.name;
    EXPECT_EQ(a.default_value, b.default_value) << a.name;
    EXPECT_EQ(a.minimum, b.minimum) << a.name;
    EXPECT_EQ(a.maximum, b.maximum) << a.name;
    EXPECT_EQ(a.length_min, b.length_min) << a.name;
    EXPECT_EQ(a.length_max, b.length_max) << a.name;
    EXPECT_EQ(a.pattern, b.pattern) << a.name;
    EXPECT_EQ(a.choices, b.choices) << a.name;
    EXPECT_EQ(a.is_multiline, b.is_multiline) << a.name;
    EXPECT_EQ(a.allows_blank, b.allows_blank) << a.name;
    EXPECT_EQ(a.is_secret, b.is_secret) << a.name;
    EXPECT_EQ(a.has_unique_items, b.has_unique_items) << a.name;
    EXPECT_TRUE(a.required_when.same_as(b.required_when)) << a.name;
    EXPECT_TRUE(same(a.unique, b.unique) && same(a.exists, b.exists)) << a.name;
    EXPECT_EQ(a.label, b.label);
    EXPECT_EQ(a.help, b.help);
    EXPECT_EQ(a.messages, b.messages);
    ASSERT_EQ(a.form == nullptr, b.form == nullptr);
    ASSERT_EQ(a.items == nullptr, b.items == nullptr);
    if (a.form) expect_same(*a.form, *b.form);
    if (a.items) expect_same(*a.items, *b.items);
}

void expect_same(const Form& a, const Form& b) {
    ASSERT_EQ(a.fields().size(), b.fields().size());
    for (std::size_t i = 0; i < a.fields().size(); ++i) expect_same(a.fields()[i], b.fields()[i]);
    const FormOptions& x = a.options();
    const FormOptions& y = b.options();
    EXPECT_EQ(x.title, y.title);
    EXPECT_EQ(x.mode, y.mode);
    EXPECT_EQ(x.refuses_unknown, y.refuses_unknown);
    EXPECT_EQ(x.ignored, y.ignored);
    EXPECT_EQ(x.json_bytes_max, y.json_bytes_max);
    ASSERT_EQ(x.rules.size(), y.rules.size());
    for (std::size_t i = 0; i < x.rules.size(); ++i) {
        EXPECT_TRUE(x.rules[i].check.same_as(y.rules[i].check));
        EXPECT_EQ(x.rules[i].code, y.rules[i].code);
        EXPECT_EQ(x.rules[i].message, y.rules[i].message);
        EXPECT_EQ(x.rules[i].field, y.rules[i].field);
    }
    ASSERT_EQ(x.unique_together.size(), y.unique_together.size());
    for (std::size_t i = 0; i < x.unique_together.size(); ++i) {
        EXPECT_EQ(x.unique_together[i].fields, y.unique_together[i].fields);
        EXPECT_EQ(x.unique_together[i].columns, y.unique_together[i].columns);
    }
}

TEST(FormSchema, ReadingWhatWasWrittenGivesTheSameForm) {
    RandomForms forms(test::seed());
    for (int i = 0; i < test::case_count(1'000); ++i) {
        const Form form = forms.form();
        const std::string schema = validation::to_json_schema(form);
        const Form again = read(schema);
        expect_same(form, again);
        ASSERT_EQ(validation::to_json_schema(again), schema);
        ASSERT_FALSE(HasFailure()) << "CONSILIA_SEED=" << test::seed() << " case " << i << "\n" << schema;
    }
}

TEST(FormSchema, WhatJsonSchemaCanSayIsSaidInItsWords) {
    const Form form({{.name = "name", .kind = FieldKind::PersonName, .length_max = 30},
                     {.name = "phone", .kind = FieldKind::Phone, .is_required = false},
                     {.name = "sex", .is_nullable = true, .choices = {"f", "m"}}},
                    {.title = "Patient"});
    EXPECT_EQ(json::parse(validation::to_json_schema(form)), json::parse(R"({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Patient", "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 30, "x-consilia": {"kind": "person_name"}},
            "phone": {"type": "string", "minLength": 1, "pattern": "^\\+?1?[0-9]{9,15}$",
                      "x-consilia": {"kind": "phone"}},
            "sex": {"type": ["string", "null"], "minLength": 1, "enum": ["f", "m", null]}},
        "required": ["name", "sex"], "additionalProperties": false})"));
}

TEST(FormSchema, ForeignSchemasAreRead) {
    EXPECT_TRUE(field_of({{"type", "string"}}).allows_blank);
    EXPECT_FALSE(field_of({{"type", "string"}, {"minLength", 1}}).allows_blank);
    EXPECT_FALSE(field_of({{"type", "string"}, {"format", "email"}}).allows_blank);
    EXPECT_FALSE(field_of({{"type", "string"}}).is_required);
    EXPECT_EQ(field_of({{"enum", {"a", "b"}}}).choices, (std::vector<core::Value>{"a", "b"}));
    EXPECT_EQ(field_of({{"const", 7}}).kind, FieldKind::Integer);
    EXPECT_EQ(field_of({{"type", "integer"}, {"exclusiveMinimum", 0}}).minimum, core::Value(1));
    EXPECT_EQ(field_of({{"type", "integer"}, {"exclusiveMaximum", 10}, {"maximum", 20}}).maximum,
              core::Value(9));
    EXPECT_EQ(field_of({{"type", "integer"}, {"minimum", 2.0}}).minimum, core::Value(2));
    EXPECT_TRUE(field_of({{"type", "string"}, {"format", "password"}}).is_secret);
    EXPECT_EQ(field_of(true).kind, FieldKind::Json);
    EXPECT_TRUE(field_of(json::object()).is_nullable);
    const Field maybe =
        field_of(json::parse(R"({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 3})"));
    EXPECT_EQ(maybe.kind, FieldKind::Integer);
    EXPECT_TRUE(maybe.is_nullable);
    EXPECT_EQ(maybe.default_value, core::Value(3));
    EXPECT_FALSE(field_of(json::parse(R"({"type": ["string", "null"], "enum": ["a"]})")).is_nullable);
    EXPECT_FALSE(read(R"({"type": "object", "properties": {"x": true}})").options().refuses_unknown);
}

TEST(FormSchema, ReferencesWithinTheDocumentAreFollowed) {
    const Form form = read(R"({"type": "object", "$defs": {
        "Name": {"type": "string", "minLength": 2, "title": "Inner"},
        "Person": {"type": "object", "properties": {"name": {"$ref": "#/$defs/Name", "title": "Outer"}}}},
        "properties": {"a": {"$ref": "#/$defs/Person"}, "b": {"$ref": "#/$defs/Person"}}})");
    for (const Field& person : form.fields()) {
        ASSERT_EQ(person.kind, FieldKind::Object);
        EXPECT_EQ(person.form->fields()[0].length_min, 2);
        EXPECT_EQ(person.form->fields()[0].label, "Outer");
    }
}

TEST(FormSchema, WhatIsNotUnderstoodIsRefusedWithItsPlace) {
    EXPECT_EQ(refused_at("{"), "");
    EXPECT_EQ(refused_at("[]"), "");
    EXPECT_EQ(refused_at(R"({"type": "array"})"), "");
    EXPECT_EQ(refused_at(R"({"type": "object", "properties": {}})"), "/properties");
    EXPECT_EQ(refused_at(R"({"type": "object", "properties": {"x": true}, "required": ["y"]})"), "/required");
    EXPECT_EQ(refused_at(R"({"type": "object", "properties": {"x": true}, "minProperties": 1})"),
              "/minProperties");
    EXPECT_EQ(refused_at(R"({"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"})"),
              "/$schema");
    EXPECT_EQ(refused_property(json{{"allOf", json::array()}}), "/properties/x/allOf");
    EXPECT_EQ(refused_property(json{{"type", "string"}, {"minimum", 1}}), "/properties/x/minimum");
    EXPECT_EQ(refused_property(json{{"type", "integer"}, {"multipleOf", 2}}), "/properties/x/multipleOf");
    EXPECT_EQ(refused_property(json{{"type", "number"}, {"exclusiveMinimum", 0}}),
              "/properties/x/exclusiveMinimum");
    EXPECT_EQ(refused_property(json{{"type", "string"}, {"format", "ipv4"}}), "/properties/x/format");
    EXPECT_EQ(refused_property(json{{"type", "string"}, {"minLength", -1}}), "/properties/x/minLength");
    EXPECT_EQ(refused_property(json{{"type", "string"}, {"maxLength", 1e30}}), "/properties/x/maxLength");
    EXPECT_EQ(refused_property(json{{"type", "string"}, {"enum", json::array()}}), "/properties/x/enum");
    EXPECT_EQ(refused_property(json{{"type", {"string", "integer"}}}), "/properties/x/type");
    EXPECT_EQ(refused_property(json{{"type", "odd/ty~pe"}}), "/properties/x/type");
    EXPECT_EQ(refused_property(json{{"type", "string"}, {"od/d~", 1}}), "/properties/x/od~1d~0");
    EXPECT_EQ(refused_property(json(false)), "/properties/x");
    EXPECT_EQ(refused_property(json{{"$ref", "https://elsewhere.example/"}}), "/properties/x/$ref");
    EXPECT_EQ(refused_property(json{{"$ref", "#/$defs/none"}}), "/properties/x/$ref");
    EXPECT_EQ(refused_property(json{{"$ref", "#/~7"}}), "/properties/x/$ref");
    EXPECT_EQ(refused_property(json::parse(R"({"$ref": "#/properties/x", "minLength": 1})")),
              "/properties/x/minLength");
    EXPECT_EQ(refused_property(json::parse(R"({"type": "string", "x-consilia": {"odd": 1}})")),
              "/properties/x/x-consilia/odd");
    EXPECT_EQ(refused_property(json::parse(R"({"type": "integer", "x-consilia": {"secret": true}})")),
              "/properties/x/x-consilia/secret");
    EXPECT_EQ(
        refused_property(json::parse(R"({"type": "string", "x-consilia": {"unique": {"model": "none"}}})")),
        "/properties/x/x-consilia/unique/model");
    EXPECT_EQ(refused_property(json::parse(R"({"type": "string", "x-consilia": {"required_when": "x ="}})")),
              "/properties/x/x-consilia/required_when");
    EXPECT_EQ(
        refused_at(std::string(
            R"({"type": "object", "properties": {"x": true}, "x-consilia": {"rules": [{"check": "x is null"}, {}]}})")),
        "/x-consilia/rules/1/check");
}

TEST(FormSchema, ACircleIsRefused) {
    EXPECT_EQ(refused_at(R"({"type": "object", "properties": {"x": {"$ref": "#"}}})"), "/properties/x/$ref");
    EXPECT_EQ(
        refused_at(R"({"type": "object", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
                             "properties": {"x": {"$ref": "#/$defs/A"}}})"),
        "/properties/x/$ref");
    EXPECT_EQ(refused_at(R"({"type": "object", "$defs": {"Tree": {"type": "object", "properties": {
                             "next": {"$ref": "#/$defs/Tree"}}}}, "properties": {"x": {"$ref": "#/$defs/Tree"}}})"),
              "/properties/x/properties/next/$ref");
}

TEST(FormSchema, ASchemaIsBounded) {
    const auto nested = [](std::size_t depth) {
        json schema{{"type", "string"}};
        for (std::size_t i = 0; i < depth; ++i) schema = json{{"type", "array"}, {"items", schema}};
        return json{{"type", "object"}, {"properties", {{"x", schema}}}}.dump();
    };
    EXPECT_NO_THROW((void)read(nested(validation::kSchemaDepthMax)));
    EXPECT_NE(refused_at(nested(validation::kSchemaDepthMax + 1)).find("/items/items"), std::string::npos);
    EXPECT_EQ(refused_at(std::string(200'000, '[')), "");

    std::string padded = R"({"type": "object", "properties": {"x": true}})";
    padded.resize(validation::kSchemaBytesMax, ' ');
    EXPECT_NO_THROW((void)read(padded));
    EXPECT_EQ(refused_at(padded + ' '), "");

    // Each definition has two of the next: few bytes, and 2^15 fields.
    json definitions;
    for (int i = 0; i < 15; ++i) {
        const json next{{"$ref", "#/$defs/D" + std::to_string(i + 1)}};
        definitions["D" + std::to_string(i)] = {{"type", "object"},
                                                {"properties", {{"a", next}, {"b", next}}}};
    }
    definitions["D15"] = {{"type", "string"}};
    const json bomb{
        {"type", "object"}, {"$defs", definitions}, {"properties", {{"x", {{"$ref", "#/$defs/D0"}}}}}};
    EXPECT_NE(refused_at(bomb.dump()), "nothing was refused");
}

TEST(FormSchema, EveryCutOfASchemaIsReadOrRefused) {
    const std::string schema = validation::to_json_schema(RandomForms(7).form());
    for (std::size_t size = 0; size < schema.size(); ++size)
        EXPECT_EQ(test::code_of([&] { (void)read(schema.substr(0, size)); }), "form.schema");
}

}  // namespace
