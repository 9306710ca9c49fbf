// Goal: every code at its bound and one past it, both modes for every kind, and nothing that the client gave
// in any error.
#include "consilia/validation/form.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "consilia/core/error.hpp"
#include "core/random_expressions.hpp"
#include "support/errors.hpp"

namespace {

using namespace consilia;
using validation::CheckOptions;
using validation::Field;
using validation::FieldKind;
using validation::Form;
using validation::FormOptions;
using validation::Mode;
using validation::Report;

/// The codes of the errors with their paths: `age:too_large, name:required`.
std::string codes(const Report& report) {
    std::string all;
    for (const auto& error : report.errors())
        all += (all.empty() ? "" : ", ") + error.path + ':' + error.code;
    return all;
}

/// What a form of one field `x` says of `{"x": json}`.
std::string code_for(Field field, const std::string& json, Mode mode = Mode::Coerce) {
    field.name = "x";
    const Report report = Form({std::move(field)}).check_json("{\"x\":" + json + '}', {.mode = mode});
    return report.is_valid() ? "" : report.errors()[0].code;
}

/// The clean value as JSON; the code of an error in brackets.
std::string clean(Field field, const std::string& json, Mode mode = Mode::Coerce) {
    field.name = "x";
    const Report report = Form({std::move(field)}).check_json("{\"x\":" + json + '}', {.mode = mode});
    if (!report.is_valid()) return '[' + report.errors()[0].code + ']';
    const core::Value* value = report.find_value("x");
    return value == nullptr ? "absent" : core::to_json(*value);
}

Field of(FieldKind kind) {
    return {.name = "x", .kind = kind};
}

std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump();
}

TEST(Form, BoundsAreAllowedAndOnePastThemIsNot) {
    const Field text{.name = "x", .length_min = 2, .length_max = 3};
    EXPECT_EQ(code_for(text, R"("a")"), "too_short");
    EXPECT_EQ(code_for(text, R"("ab")"), "");
    EXPECT_EQ(code_for(text, R"("äöü")"), "");  // Three code points, six bytes.
    EXPECT_EQ(code_for(text, R"("abcd")"), "too_long");
    EXPECT_EQ(code_for({.name = "x"}, quoted(std::string(Field::kTextMax, 'a'))), "");
    EXPECT_EQ(code_for({.name = "x"}, quoted(std::string(Field::kTextMax + 1, 'a'))), "too_long");
    EXPECT_EQ(code_for({.name = "x"}, quoted(std::string(5 * Field::kTextMax, 'a'))), "too_long");

    const Field age = validation::age_field("x");
    EXPECT_EQ(code_for(age, "-1"), "too_small");
    EXPECT_EQ(code_for(age, "0"), "");
    EXPECT_EQ(code_for(age, "150"), "");
    EXPECT_EQ(code_for(age, "151"), "too_large");
    const Field number{.name = "x", .kind = FieldKind::Number, .minimum = 0.5, .maximum = 1};
    EXPECT_EQ(code_for(number, "0.49"), "too_small");
    EXPECT_EQ(code_for(number, "0.5"), "");
    EXPECT_EQ(code_for(number, "1"), "");
    EXPECT_EQ(code_for(number, "1.01"), "too_large");
    const Field day{.name = "x", .kind = FieldKind::Date, .minimum = core::Date{0}, .maximum = core::Date{1}};
    EXPECT_EQ(code_for(day, R"("1969-12-31")"), "too_small");
    EXPECT_EQ(code_for(day, R"("1970-01-01")"), "");
    EXPECT_EQ(code_for(day, R"("1970-01-03")"), "too_large");
    const Field instant{.name = "x", .kind = FieldKind::Timestamp, .minimum = core::Timestamp{1}};
    EXPECT_EQ(code_for(instant, R"("1970-01-01T00:00:00Z")"), "too_small");
    EXPECT_EQ(code_for(instant, R"("1970-01-01T00:00:00.000001Z")"), "");

    const auto items = std::make_shared<const Field>(of(FieldKind::Integer));
    const Field list{.name = "x",
                     .kind = FieldKind::List,
                     .length_min = 1,
                     .length_max = 2,
                     .has_unique_items = true,
                     .items = items};
    EXPECT_EQ(code_for(list, "[]"), "too_few");
    EXPECT_EQ(code_for(list, "[1]"), "");
    EXPECT_EQ(code_for(list, "[1,2]"), "");
    EXPECT_EQ(code_for(list, "[1,2,3]"), "too_many");
    EXPECT_EQ(code_for(list, R"([1,"1"])"), "duplicate");
    std::string many = "[1";
    for (std::int64_t i = 1; i < Field::kItemsMax; ++i) many += ",1";
    const Field any{.name = "x", .kind = FieldKind::List, .items = items};
    EXPECT_EQ(code_for(any, many + ']'), "");
    EXPECT_EQ(code_for(any, many + ",1]"), "too_many");
}

TEST(Form, EachFormatHasACode) {
    EXPECT_EQ(code_for(of(FieldKind::Email), R"("no address")"), "email");
    EXPECT_EQ(code_for(of(FieldKind::Phone), R"("12345678")"), "phone");
    EXPECT_EQ(code_for(of(FieldKind::PersonName), R"("<b>")"), "person_name");
    EXPECT_EQ(code_for(of(FieldKind::Url), quoted("javascript:alert(1)")), "url");
    EXPECT_EQ(code_for(of(FieldKind::Date), R"("2026-02-29")"), "date");
    EXPECT_EQ(code_for(of(FieldKind::Timestamp), R"("2026-01-31T12:00:00")"), "timestamp");
    EXPECT_EQ(code_for(of(FieldKind::Uuid), R"("01234567")"), "uuid");
    EXPECT_EQ(code_for(of(FieldKind::Integer), R"("1.5")"), "integer");
    EXPECT_EQ(code_for(of(FieldKind::Integer), "1.5"), "integer");
    EXPECT_EQ(code_for(of(FieldKind::Integer), "9223372036854775808"), "type");
    EXPECT_EQ(code_for(of(FieldKind::Number), R"("x")"), "number");
    EXPECT_EQ(code_for(of(FieldKind::Number), R"("inf")"), "not_finite");
    EXPECT_EQ(code_for(of(FieldKind::Boolean), R"("maybe")"), "boolean");
    EXPECT_EQ(code_for({.name = "x", .pattern = "^[a-z]+$"}, R"("A")"), "pattern");
    EXPECT_EQ(code_for({.name = "x", .choices = {"a", "b"}}, R"("c")"), "choice");
    EXPECT_EQ(code_for({.name = "x", .kind = FieldKind::Integer, .choices = {1, 2}}, "3"), "choice");
    EXPECT_EQ(code_for({.name = "x", .choices = {"a", "b"}}, R"("b")"), "");
    EXPECT_EQ(code_for(of(FieldKind::Text), R"("a\u0000b")"), "control_character");
    EXPECT_EQ(code_for(of(FieldKind::Text), R"("a\u202Eb")"), "control_character");
    EXPECT_EQ(code_for(of(FieldKind::Text), R"("a\nb")"), "control_character");
    EXPECT_EQ(code_for({.name = "x", .is_multiline = true}, R"("a\nb\tc")"), "");
    // No text of PostgreSQL has a zero byte, those within its JSON included.
    EXPECT_EQ(code_for(of(FieldKind::Json), R"({"a":["b\u0000"]})"), "control_character");
    EXPECT_EQ(code_for(of(FieldKind::Json), R"({"\\\u0000":1})"), "control_character");
    EXPECT_EQ(code_for(of(FieldKind::Json), R"("\\u0000")"), "");
}

TEST(Form, ModesDifferInWhatTheyTake) {
    struct Case {
        FieldKind kind;
        std::string json, coerced, strict;
    };
    const std::string uuid = R"("01234567-89ab-cdef-0123-456789abcdef")";
    for (const Case& each :
         std::vector<Case>{{FieldKind::Boolean, "true", "true", "true"},
                           {FieldKind::Boolean, "1", "true", "[type]"},
                           {FieldKind::Boolean, "2", "[type]", "[type]"},
                           {FieldKind::Boolean, R"(" On ")", "true", "[type]"},
                           {FieldKind::Boolean, R"("off")", "false", "[type]"},
                           {FieldKind::Boolean, "1.0", "[type]", "[type]"},
                           {FieldKind::Integer, "12", "12", "12"},
                           {FieldKind::Integer, R"(" +12 ")", "12", "[type]"},
                           {FieldKind::Integer, "12.0", "12", "[type]"},
                           {FieldKind::Integer, "1e300", "[integer]", "[type]"},
                           {FieldKind::Integer, "true", "[type]", "[type]"},
                           {FieldKind::Integer, R"("0x10")", "[integer]", "[type]"},
                           {FieldKind::Integer, R"("+-1")", "[integer]", "[type]"},
                           {FieldKind::Number, "1", "1.0", "1.0"},
                           {FieldKind::Number, "1.5", "1.5", "1.5"},
                           {FieldKind::Number, R"("1.5")", "1.5", "[type]"},
                           {FieldKind::Number, "false", "[type]", "[type]"},
                           {FieldKind::Text, R"(" a ")", R"("a")", R"(" a ")"},
                           {FieldKind::Text, "1", "[type]", "[type]"},
                           {FieldKind::Text, "[]", "[type]", "[type]"},
                           {FieldKind::Email, R"("A@B.EXAMPLE")", R"("A@b.example")", R"("A@B.EXAMPLE")"},
                           {FieldKind::PersonName, R"("Ann  Lee")", R"("Ann Lee")", "[person_name]"},
                           {FieldKind::Date, R"("2026-01-31")", R"("2026-01-31")", R"("2026-01-31")"},
                           {FieldKind::Date, R"(" 2026-01-31")", R"("2026-01-31")", "[date]"},
                           {FieldKind::Date, "5", "[type]", "[type]"},
                           {FieldKind::Timestamp, R"("2026-01-31T13:00:00+01:00")",
                            R"("2026-01-31T12:00:00.000000Z")", R"("2026-01-31T12:00:00.000000Z")"},
                           {FieldKind::Uuid, uuid, uuid, uuid},
                           {FieldKind::Uuid, "5", "[type]", "[type]"},
                           {FieldKind::Json, R"({"a":[1,null]})", R"({"a":[1,null]})", R"({"a":[1,null]})"},
                           {FieldKind::Json, "5", "5", "5"}}) {
        EXPECT_EQ(clean(of(each.kind), each.json), each.coerced) << to_string(each.kind) << ' ' << each.json;
        EXPECT_EQ(clean(of(each.kind), each.json, Mode::Strict), each.strict)
            << to_string(each.kind) << ' ' << each.json;
    }
}

TEST(Form, ValuesHaveTypesOfTheirOwnThatAStrictFormAsksFor) {
    const Form form({of(FieldKind::Date)}, {.mode = Mode::Strict});
    const std::vector<validation::NamedValue> typed{{"x", core::Date{5}}};
    const std::vector<validation::NamedValue> text{{"x", "1970-01-06"}};
    EXPECT_EQ(form.check(typed).value("x"), core::Value(core::Date{5}));
    EXPECT_EQ(codes(form.check(text)), "x:type");
    EXPECT_EQ(form.check(text, {.mode = Mode::Coerce}).value("x"), core::Value(core::Date{5}));
}

TEST(Form, WhatIsNotGivenIsMissedOrHasADefault) {
    const Form form({{.name = "needed"},
                     {.name = "free", .is_required = false},
                     {.name = "set", .is_required = false, .default_value = "d"},
                     {.name = "none", .is_required = false, .is_nullable = true}});
    EXPECT_EQ(codes(form.check_json("{}")), "needed:required");
    EXPECT_EQ(form.check_json(R"({"needed":"a"})").values_json(), R"({"needed":"a","set":"d"})");
    EXPECT_EQ(form.check_json(R"({"needed":"a","none":null})").values_json(),
              R"({"needed":"a","set":"d","none":null})");
    EXPECT_EQ(codes(form.check_json(R"({"needed":null})")), "needed:null");
    EXPECT_EQ(codes(form.check_json(R"({"needed":" "})")), "needed:required");
    EXPECT_EQ(form.check_json(R"({"needed":"a","free":" ","set":"","none":""})").values_json(),
              R"({"needed":"a","set":"d","none":null})");
    EXPECT_EQ(codes(form.check_json(R"({"needed":""})", {.mode = Mode::Strict})), "needed:blank");
    EXPECT_EQ(form.check_json("{}", {.is_partial = true}).values_json(), "{}");
}

TEST(Form, ABlankThatIsAllowedIsAValueOfEveryKindOfText) {
    for (const FieldKind kind :
         {FieldKind::Text, FieldKind::Email, FieldKind::Phone, FieldKind::PersonName, FieldKind::Url}) {
        Field field = of(kind);
        field.allows_blank = true;
        EXPECT_EQ(clean(field, R"("")"), R"("")") << to_string(kind);
        EXPECT_EQ(clean(field, R"("  ")"), R"("")") << to_string(kind);
    }
}

TEST(Form, UnknownAndRepeatedNamesAreErrorsWithTheirPlace) {
    const auto inner = std::make_shared<const Form>(std::vector<Field>{{.name = "city"}});
    const auto items =
        std::make_shared<const Field>(Field{.name = "a", .kind = FieldKind::Object, .form = inner});
    const Form form({{.name = "list", .kind = FieldKind::List, .items = items}},
                    {.ignored = {"csrfmiddlewaretoken"}});
    EXPECT_EQ(
        codes(form.check_json(
            R"({"list":[{"city":"a"},{"town":"b"},{"city":"c","city":"d"}],"odd":1,"csrfmiddlewaretoken":2})")),
        "odd:unknown, list.1.town:unknown, list.1.city:required, list.2.city:repeated");
    const Form open({{.name = "x"}}, {.refuses_unknown = false});
    EXPECT_EQ(open.check_json(R"({"x":"a","y":1})").values_json(), R"({"x":"a"})");
}

TEST(Form, TextsOfAPageWithOneNameAreAList) {
    const auto items = std::make_shared<const Field>(of(FieldKind::Integer));
    const Form form({{.name = "tags", .kind = FieldKind::List, .items = items}, {.name = "x"}});
    const std::vector<validation::NamedValue> page{{"tags", "1"}, {"x", "a"}, {"tags", "2"}};
    EXPECT_EQ(form.check(page).values_json(), R"({"tags":[1,2],"x":"a"})");
    const std::vector<validation::NamedValue> twice{{"tags", "1"}, {"x", "a"}, {"x", "b"}};
    EXPECT_EQ(codes(form.check(twice)), "x:repeated");
}

TEST(Form, ConditionsOverSeveralFieldsLookAtCleanOnes) {
    core::ManualClock clock(core::parse_timestamp("2026-01-31T12:00:00Z"));
    Field end = of(FieldKind::Date);
    end.name = "until";
    end.is_required = false;
    end.required_when = core::field("kind") == "visit";
    Field from = of(FieldKind::Date);
    from.name = "since";
    const Form form({{.name = "kind", .choices = {"visit", "stay"}}, from, end},
                    {.rules = {{.check = core::field("since") <= core::field("until"),
                                .code = "order",
                                .message = "the end is before the beginning",
                                .field = "until"},
                               {.check = core::parse_expression("since <= :today"), .field = "since"}}});
    const auto check = [&](const char* json) { return codes(form.check_json(json, {.clock = &clock})); };
    EXPECT_EQ(check(R"({"kind":"visit","since":"2026-01-31"})"), "until:required");
    EXPECT_EQ(check(R"({"kind":"stay","since":"2026-01-31"})"), "");
    EXPECT_EQ(check(R"({"kind":"stay","since":"2026-01-31","until":"2026-01-30"})"), "until:order");
    EXPECT_EQ(check(R"({"kind":"stay","since":"2026-02-01"})"), "since:rule");
    EXPECT_EQ(check(R"({"kind":"stay","since":"x","until":"2026-01-30"})"), "since:date");
    clock.advance(std::chrono::hours(12));
    EXPECT_EQ(check(R"({"kind":"stay","since":"2026-02-01"})"), "");
}

TEST(Form, WhatIsNoObjectOfJsonIsOneError) {
    const Form form({{.name = "x", .kind = FieldKind::Json}}, {.json_bytes_max = 2'000});
    for (const std::string& json : std::vector<std::string>{
             "", "{", R"({"x":})", R"({"x":1}})", R"({'x':1})", "{\"x\":\"\xFF\"}", R"({"x":01})",
             R"({"x":1,})", R"({"x":NaN})", "\xEF\xBB\xBF{", R"({"x":"\ud800"})", R"({"x":1e999})"})
        EXPECT_EQ(codes(form.check_json(json)), ":json") << json;
    EXPECT_EQ(codes(form.check_json("[]")), ":type");
    EXPECT_EQ(codes(form.check_json("null")), ":type");
    std::string padded = R"({"x":1})";
    padded.resize(2'000, ' ');
    EXPECT_EQ(codes(form.check_json(padded)), "");
    EXPECT_EQ(codes(form.check_json(padded + ' ')), ":json");
    EXPECT_EQ(codes(form.check_json("{\"x\":" + std::string(900, '[') + std::string(900, ']') + '}')),
              ":json");
}

TEST(Form, ErrorsAreBounded) {
    std::vector<Field> fields;
    for (int i = 0; i < 10; ++i) fields.push_back({.name = "f" + std::to_string(i)});
    const Form form(std::move(fields));
    EXPECT_EQ(form.check_json("{}").errors().size(), 10U);
    EXPECT_EQ(form.check_json("{}", {.errors_max = 3}).errors().size(), 3U);
    const Report none = form.check_json("{}", {.errors_max = 1});
    EXPECT_FALSE(none.is_valid());
    EXPECT_EQ(test::code_of([&] { none.require(); }), "form.invalid");
}

TEST(Form, MessagesOfBothLanguagesAreOfTheSameCodes) {
    const auto& english = validation::Messages::english().texts();
    const auto& german = validation::Messages::german().texts();
    for (const auto& [code, text] : english) EXPECT_TRUE(german.contains(code)) << code;
    for (const auto& [code, text] : german) EXPECT_TRUE(english.contains(code)) << code;
    const Form form(
        {{.name = "x", .length_min = 2, .length_max = 2, .messages = {{"required", "say {it}"}}}});
    EXPECT_EQ(form.check_json(R"({"x":"a"})").errors()[0].message, "at least 2 characters are wanted");
    EXPECT_EQ(
        form.check_json(R"({"x":"a"})", {.messages = &validation::Messages::german()}).errors()[0].message,
        "mindestens 2 Zeichen sind nötig");
    EXPECT_EQ(form.check_json("{}").errors()[0].message, "say {it}");
    const Form one({{.name = "x", .length_max = 1}});
    EXPECT_EQ(one.check_json(R"({"x":"ab"})").errors()[0].message, "at most one character is allowed");
}

/// A plain loop over the bytes, for the scan that looks at eight at once.
bool has_ascii_control(const std::string& text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
    }
    return false;
}

TEST(Form, EveryByteOfATextIsLookedAt) {
    const Form form({{.name = "x", .is_secret = true}}, {.mode = Mode::Strict});
    const auto says = [&](const std::string& text) {
        const std::vector<validation::NamedValue> values{{"x", text}};
        return codes(form.check(values));
    };
    for (std::size_t size = 1; size <= 24; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (int byte = 0; byte < 128; ++byte) {
                std::string text(size, at % 2 == 0 ? '~' : ' ');
                text[at] = static_cast<char>(byte);
                ASSERT_EQ(says(text), has_ascii_control(text) ? "x:control_character" : "")
                    << size << ' ' << at << ' ' << byte;
            }
            std::string text(size, '!');
            text.replace(at, 1, "\xE2\x80\xAE");
            ASSERT_EQ(says(text), "x:control_character") << size << ' ' << at;
            text.replace(at, 3, "\xC3\xA9");
            ASSERT_EQ(says(text), "") << size << ' ' << at;
        }
    }
}

TEST(Form, NothingThatWasGivenIsInAnError) {
    std::vector<Field> fields;
    for (int kind = 0; kind <= static_cast<int>(FieldKind::Uuid); ++kind) {
        fields.push_back({.name = "f" + std::to_string(kind), .kind = static_cast<FieldKind>(kind)});
        fields.push_back({.name = "g" + std::to_string(kind), .kind = static_cast<FieldKind>(kind)});
    }
    fields.push_back({.name = "p", .length_max = 3, .pattern = "^a$", .choices = {"a"}});
    fields.push_back({.name = "l",
                      .kind = FieldKind::List,
                      .items = std::make_shared<const Field>(of(FieldKind::Integer))});
    const Form form(fields);
    std::mt19937_64 engine(test::seed());
    const std::string marker = "Zx9Q";
    constexpr std::string_view kAround = "a@. -+:/\n\t<>{}0123";
    for (int i = 0; i < test::case_count(2'000); ++i) {
        nlohmann::json body;
        for (const Field& field : fields) {
            std::string text = marker;
            for (std::uint64_t left = engine() % 6; left > 0; --left)
                text += kAround[engine() % kAround.size()];
            body[field.name] = engine() % 4 == 0 ? nlohmann::json{text} : nlohmann::json(text);
        }
        std::string json = body.dump();
        if (engine() % 10 == 0) json.resize(engine() % json.size());
        const Report report = form.check_json(json);
        ASSERT_FALSE(report.is_valid());
        ASSERT_EQ(report.errors_json().find(marker), std::string::npos)
            << "CONSILIA_SEED=" << test::seed() << " case " << i << ' ' << report.errors_json();
        try {
            report.require();
        } catch (const core::ValidationError& error) {
            ASSERT_EQ(error.to_json().find(marker), std::string::npos);
        }
    }
}

}  // namespace
