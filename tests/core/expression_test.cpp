#include "consilia/core/expression.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "consilia/core/error.hpp"
#include "consilia/core/uuid.hpp"
#include "core/random_expressions.hpp"
#include "support/errors.hpp"

namespace consilia::core {
namespace {

using test::code_of;

TEST(Expression, ADefaultOneRestrictsNothing) {
    EXPECT_TRUE(Expression().is_always_true());
    const Expression e = field("status") == "completed";
    EXPECT_TRUE((Expression() && e).same_as(e));
    EXPECT_TRUE((e && Expression()).same_as(e));
}

TEST(Expression, ConjunctionsAreFlattened) {
    const Expression a = field("a") == 1;
    const Expression b = field("b") == 2;
    const Expression c = field("c") == 3;
    EXPECT_EQ((a && b && c).operands().size(), 3U);
    EXPECT_TRUE((a && (b && c)).same_as((a && b) && c));
    EXPECT_EQ((a && (b || c)).operands().size(), 2U);
}

TEST(Expression, RefusesAWrongNumberOfOperands) {
    const Expression a = Expression::literal(1);
    EXPECT_EQ(code_of([&] { Expression::make(Operator::Equal, {a}); }), "expression.arity");
    EXPECT_EQ(code_of([&] { Expression::make(Operator::And, {a}); }), "expression.arity");
    EXPECT_EQ(code_of([&] { Expression::make(Operator::Field, {}); }), "expression.arity");
    EXPECT_EQ(code_of([&] { Expression::make(Operator::In, {}); }), "expression.arity");
}

TEST(Expression, IsRefusedOnePastTheDeepestTree) {
    Expression e = field("a") == 1;  // Two levels.
    for (std::size_t depth = 2; depth < Expression::kMaxDepth; ++depth) e = !e;
    EXPECT_EQ(code_of([&] { (void)!e; }), "expression.too_deep");
}

TEST(Expression, FieldNamesMustBeNamesJoinedByDots) {
    EXPECT_EQ(field("xray.patient.user_id").expression().name(), "xray.patient.user_id");
    for (const char* bad : {"", ".", "a.", ".a", "a..b", "1a", "a b", "a\"", "a;drop", "a-b", "é", "a.1"}) {
        EXPECT_EQ(code_of([&] { (void)field(bad); }), "expression.field_name") << bad;
    }
    EXPECT_EQ(code_of([] { (void)field(std::string_view("a\0b", 3)); }), "expression.field_name");
    EXPECT_EQ(code_of([] { (void)field(std::string(256, 'a')); }), "expression.field_name");
}

TEST(Expression, BindReplacesOnlyWhatIsGiven) {
    const Expression e = field("a") == parameter("x") && field("b") == parameter("y");
    EXPECT_EQ(to_text(bind(e, {{"x", 5}})), "(a = 5) and (b = :y)");
}

TEST(Expression, FieldPathsAreDistinctAndInOrder) {
    const Expression e = field("b") == 1 && (field("a.c") == 2 || field("b").is_null());
    EXPECT_EQ(field_paths(e), (std::vector<std::string>{"b", "a.c"}));
}

TEST(ParseExpression, ReadsEveryOperator) {
    const Expression e = parse_expression(
        "NOT (a = 1 OR b <> -2.5) AND c IS NOT NULL and d in ('x', 'it''s', null) and e between date "
        "'2026-01-31' and :last "
        "and f not like 'a\\_%' and g != true and h >= timestamp '2026-01-31T12:00:00Z' and i in () and "
        "j = uuid 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6' and k.\"order\".l is null");
    EXPECT_EQ(to_text(e),
              "(not ((a = 1) or (b <> -2.5))) and (c is not null) and (d in ('x', 'it''s', null)) and "
              "(e between date '2026-01-31' and :last) and (not (f like 'a\\_%')) and (g <> true) and "
              "(h >= timestamp '2026-01-31T12:00:00.000000Z') and (i in ()) and "
              "(j = uuid 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6') and (k.order.l is null)");
}

TEST(ParseExpression, NamesOffsetAndWish) {
    const auto offset_of = [](std::string_view text) -> std::int64_t {
        try {
            (void)parse_expression(text);
        } catch (const InvalidArgument& error) {
            EXPECT_EQ(error.code(), "expression.syntax") << text;
            for (const Detail& detail : error.details()) {
                if (detail.name == "offset") return detail.value.as<std::int64_t>();
            }
        }
        return -1;
    };
    EXPECT_EQ(offset_of(""), 0);
    EXPECT_EQ(offset_of("status = "), 9);
    EXPECT_EQ(offset_of("status == 'x'"), 7);
    EXPECT_EQ(offset_of("a = 'open"), 9);
    EXPECT_EQ(offset_of("a = 1 b = 2"), 6);
    EXPECT_EQ(offset_of("(a = 1"), 6);
    EXPECT_EQ(offset_of("a = 99999999999999999999"), 4);
    EXPECT_EQ(offset_of("a = 1.2.3"), 4);
    EXPECT_EQ(offset_of("a = :"), 5);
    EXPECT_EQ(offset_of("a in (1,)"), 8);
    EXPECT_EQ(offset_of("a not 5"), 6);
    EXPECT_EQ(offset_of("a = 1; drop table users"), 5);
    EXPECT_EQ(offset_of("a = and"), 4);
    EXPECT_EQ(offset_of("a = money '5'"), 4);
}

TEST(ParseExpression, IsNotBroughtDownByNesting) {
    EXPECT_EQ(code_of([] { (void)parse_expression(std::string(100'000, '(')); }), "expression.too_deep");
    std::string nots;
    for (int i = 0; i < 100'000; ++i) nots += "not ";
    EXPECT_EQ(code_of([&] { (void)parse_expression(nots + "a"); }), "expression.too_deep");
}

TEST(ParseExpression, KeepsTheEndsOfIntegersAndDoubles) {
    for (const std::int64_t n :
         {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
        EXPECT_EQ(parse_expression(to_text(Expression::literal(n))).value(), Value(n));
    }
    for (const double d : {0.1, -0.0, 1e300, 5e-324, 1.0, 123456789012345680.0}) {
        EXPECT_EQ(parse_expression(to_text(Expression::literal(d))).value(), Value(d)) << d;
    }
}

TEST(ToText, RefusesWhatHasNoTextForm) {
    EXPECT_EQ(code_of([] { (void)to_text(Expression::literal(Blob{})); }), "expression.no_text");
    EXPECT_EQ(code_of([] { (void)to_text(Expression::literal(Json{"{}"})); }), "expression.no_text");
    EXPECT_EQ(code_of([] { (void)to_text(Expression::literal(std::numeric_limits<double>::infinity())); }),
              "expression.no_text");
}

// Goal: print and parse are inverse. Method: random trees over fields, parameters and literals of every type
// with a text form, hostile strings included.
TEST(ToText, IsUndoneByParsing) {
    test::RandomExpressions random(test::seed());
    random.has_far_times = false;
    for (int i = 0; i < 3000; ++i) {
        const Expression e = random.condition(5);
        const std::string text = to_text(e);
        EXPECT_TRUE(parse_expression(text).same_as(e))
            << "seed " << test::seed() << ", case " << i << ": " << text;
    }
}

}  // namespace
}  // namespace consilia::core
