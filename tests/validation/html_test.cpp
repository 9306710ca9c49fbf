#include "consilia/validation/html.hpp"

#include <gtest/gtest.h>

#include <map>

#include "support/errors.hpp"

namespace {

using namespace consilia;
using validation::Field;
using validation::FieldKind;

std::map<std::string, std::string> attributes_of(const Field& field) {
    const auto attributes = validation::html_attributes(field);
    return {attributes.begin(), attributes.end()};
}

using Expected = std::map<std::string, std::string>;

TEST(Html, AttributesSayWhatABrowserCanCheck) {
    EXPECT_EQ(attributes_of({.name = "username", .length_min = 3, .length_max = 150, .pattern = "^[a-z]+$"}),
              (Expected{{"type", "text"},
                        {"required", ""},
                        {"minlength", "3"},
                        {"maxlength", "150"},
                        {"pattern", "[a-z]+"},
                        {"autocomplete", "username"}}));
    EXPECT_EQ(attributes_of(validation::age_field("age")), (Expected{{"type", "number"},
                                                                     {"required", ""},
                                                                     {"min", "0"},
                                                                     {"max", "150"},
                                                                     {"step", "1"},
                                                                     {"inputmode", "numeric"}}));
    EXPECT_EQ(
        attributes_of(
            {.name = "birth_date", .kind = FieldKind::Date, .is_required = false, .minimum = core::Date{0}}),
        (Expected{{"type", "date"}, {"min", "1970-01-01"}, {"autocomplete", "bday"}}));
    EXPECT_EQ(attributes_of({.name = "mail", .kind = FieldKind::Email}),
              (Expected{{"type", "email"}, {"required", ""}, {"autocomplete", "email"}}));
    EXPECT_EQ(attributes_of({.name = "weight", .kind = FieldKind::Number}),
              (Expected{{"type", "number"}, {"required", ""}, {"step", "any"}}));
    EXPECT_EQ(attributes_of({.name = "secret", .length_min = 8, .is_secret = true}).at("autocomplete"),
              "new-password");
    EXPECT_EQ(attributes_of({.name = "secret", .is_secret = true}).at("type"), "password");
    EXPECT_EQ(attributes_of({.name = "at", .kind = FieldKind::Timestamp}).at("type"), "text");
}

TEST(Html, ABrowserAsksForNothingThatTheFormDoesNot) {
    EXPECT_FALSE(attributes_of({.name = "agrees", .kind = FieldKind::Boolean}).contains("required"));
    EXPECT_FALSE(attributes_of({.name = "note", .is_nullable = true}).contains("required"));
    EXPECT_FALSE(attributes_of({.name = "note", .allows_blank = true}).contains("required"));
    EXPECT_FALSE(attributes_of({.name = "level", .kind = FieldKind::Integer}).contains("inputmode"));
    const auto pattern = [](const char* text) {
        const auto all = attributes_of({.name = "x", .pattern = text});
        const auto found = all.find("pattern");
        return found == all.end() ? "none" : found->second;
    };
    EXPECT_EQ(pattern("^a|b$"), R"([\s\S]*(?:^a|b$)[\s\S]*)");
    EXPECT_EQ(pattern("[0-9]"), R"([\s\S]*(?:[0-9])[\s\S]*)");
    EXPECT_EQ(pattern(R"(^a\$)"), R"([\s\S]*(?:^a\$)[\s\S]*)");
    EXPECT_EQ(pattern("^(?:ab)+$"), "(?:ab)+");
    for (const char* unlike : {"^[[:alpha:]]+$", "(?i)abc", "[a&&b]", "[a--b]", R"(\S+)"})
        EXPECT_EQ(pattern(unlike), "none") << unlike;
}

TEST(Html, AChoiceIsASelectAndSeveralAreOneWithMultiple) {
    const auto items = std::make_shared<const Field>(Field{.name = "tag", .choices = {"a", "b"}});
    const Field list{.name = "tags", .kind = FieldKind::List, .items = items};
    EXPECT_EQ(attributes_of(list), (Expected{{"multiple", ""}}));
    const std::vector<std::string> given{"b"};
    EXPECT_EQ(validation::html_input(list, {.given = given}),
              R"(<div class="mb-3"><label class="form-label" for="id_tags">Tags</label>)"
              R"(<select id="id_tags" name="tags" class="form-select" multiple>)"
              R"(<option value="a">a</option><option value="b" selected>b</option></select></div>)");
    const std::string one =
        validation::html_input({.name = "sex", .is_required = false, .choices = {"f", "m"}});
    EXPECT_NE(one.find(R"(<option value=""></option><option value="f">)"), std::string::npos);
}

TEST(Html, AControlSaysWhatIsWrongToScreenReaders) {
    const std::vector<std::string> given{"x"};
    const std::vector<validation::FieldError> errors{{"mail", "email", {}, "no address"},
                                                     {"mailbox", "required", {}, "another field"}};
    const std::string html = validation::html_input(
        {.name = "mail", .kind = FieldKind::Email, .help = "work"}, {.given = given, .errors = errors});
    EXPECT_NE(html.find(R"(class="form-control is-invalid")"), std::string::npos);
    EXPECT_NE(html.find(R"(aria-invalid="true" aria-describedby="id_mail_help id_mail_error")"),
              std::string::npos);
    EXPECT_NE(html.find(R"(<div class="form-text" id="id_mail_help">work</div>)"), std::string::npos);
    EXPECT_NE(html.find(R"(<div class="invalid-feedback" id="id_mail_error">no address</div>)"),
              std::string::npos);
    EXPECT_EQ(html.find("another field"), std::string::npos);
}

TEST(Html, WhateverIsGivenIsEscaped) {
    const std::string evil = R"("><script>'&)";
    const std::vector<std::string> given{evil};
    const std::vector<validation::FieldError> errors{{"x", "rule", {}, evil}};
    for (const bool is_multiline : {false, true}) {
        const std::string html =
            validation::html_input({.name = "x", .is_multiline = is_multiline, .label = evil, .help = evil},
                                   {.given = given, .errors = errors});
        EXPECT_EQ(html.find("<script"), std::string::npos) << html;
        EXPECT_NE(html.find("&quot;&gt;&lt;script&gt;&#39;&amp;"), std::string::npos);
    }
    const std::string choice = validation::html_input({.name = "x", .choices = {core::Value(evil)}});
    EXPECT_EQ(choice.find("<script"), std::string::npos) << choice;
}

TEST(Html, ASecretIsNeverShownAgain) {
    const std::vector<std::string> given{"hunter2"};
    for (const bool is_multiline : {false, true}) {
        const std::string html = validation::html_input(
            {.name = "password", .is_multiline = is_multiline, .is_secret = true}, {.given = given});
        EXPECT_EQ(html.find("hunter2"), std::string::npos);
    }
}

TEST(Html, AListOfAnythingHasNoControl) {
    const auto items = std::make_shared<const Field>(Field{});
    EXPECT_EQ(test::code_of([&] {
                  (void)validation::html_input({.name = "x", .kind = FieldKind::List, .items = items});
              }),
              "form.html");
}

TEST(Html, ALabelIsMadeFromTheName) {
    EXPECT_EQ(validation::label_of({.name = "birth_date"}), "Birth date");
    EXPECT_EQ(validation::label_of({.name = "birth_date", .label = "Born"}), "Born");
}

}  // namespace
