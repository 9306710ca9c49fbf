// Goal: what a form is declared with has a meaning, or is refused when the form is made.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "consilia/core/expression.hpp"
#include "consilia/validation/form.hpp"
#include "support/errors.hpp"

namespace {

using namespace consilia;
using validation::Field;
using validation::FieldKind;
using validation::Form;

TEST(FormDeclaration, WithoutAMeaningIsRefused) {
    const auto refused = [](Field field) {
        return test::code_of([&] { const Form form({std::move(field)}); });
    };
    EXPECT_EQ(refused({.name = ""}), "form.field");
    EXPECT_EQ(refused({.name = "1a"}), "form.field");
    EXPECT_EQ(refused({.name = std::string(100, 'a')}), "nothing was thrown");
    EXPECT_EQ(refused({.name = std::string(101, 'a')}), "form.field");
    EXPECT_EQ(refused({.name = "x", .minimum = 1}), "form.field");
    EXPECT_EQ(refused({.name = "x", .length_min = 3, .length_max = 2}), "form.field");
    EXPECT_EQ(refused({.name = "x", .pattern = "("}), "form.field");
    EXPECT_EQ(refused({.name = "x", .pattern = "(a)\\1"}), "form.field");
    EXPECT_EQ(refused({.name = "x", .choices = {1}}), "form.field");
    EXPECT_EQ(refused({.name = "x", .kind = FieldKind::Object}), "form.field");
    EXPECT_EQ(refused({.name = "x", .kind = FieldKind::List}), "form.field");
    EXPECT_EQ(refused({.name = "x", .kind = FieldKind::Integer, .minimum = 2, .maximum = 1}), "form.field");
    EXPECT_EQ(test::code_of([] { const Form form({{.name = "x"}, {.name = "x"}}); }), "form.duplicate");
    EXPECT_EQ(test::code_of([] { const Form form({}); }), "form.field");
    EXPECT_EQ(test::code_of(
                  [] { const Form form({{.name = "x"}}, {.rules = {{.check = core::field("y") == 1}}}); }),
              "form.rule");
}

TEST(FormDeclaration, ARuleThatDoesNotWorkIsRefusedWhenTheFormIsMade) {
    const Form address({{.name = "street"}, {.name = "number", .kind = FieldKind::Integer}});
    const auto refused = [&](const char* text) {
        return test::code_of([&] {
            const Form form(
                {{.name = "name"},
                 {.name = "born", .kind = FieldKind::Date},
                 {.name = "weight", .kind = FieldKind::Number},
                 {.name = "home", .kind = FieldKind::Object, .form = std::make_shared<Form>(address)}},
                {.rules = {{.check = core::parse_expression(text)}}});
        });
    };
    for (const char* text : {"born <= :today", "weight > 3", "home.number > 0 or name = home.street",
                             "length(name) < 9", "born is null"})
        EXPECT_EQ(refused(text), "nothing was thrown") << text;
    for (const char* text :
         {"born > 3", "name > weight", "born <= :now", "home.number = 'a'", "home.city = 'a'",
          "length(born) < 9", "weight", "city = 'a'", "born <= :tomorrow"})
        EXPECT_EQ(refused(text), "form.rule") << text;
    EXPECT_EQ(
        test::code_of([] {
            const Form form(
                {{.name = "x"}, {.name = "y", .is_required = false, .required_when = core::field("x") > 1}});
        }),
        "form.rule");
}

}  // namespace
