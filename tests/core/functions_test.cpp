#include "consilia/core/functions.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "support/errors.hpp"

namespace consilia::core {
namespace {

using test::code_of;

Value value_of(const Term& term) {
    return evaluate(term.expression(), {});
}
Value value_of(const Expression& expression) {
    return evaluate(expression, {});
}
Value value_of_text(std::string_view text) {
    return evaluate(parse_expression(text), {});
}

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
const Value kNull;

TEST(Arithmetic, OfIntegersIsExactOrNull) {
    EXPECT_EQ(value_of(Term(7) / 2), Value(3));
    EXPECT_EQ(value_of(Term(-7) / 2), Value(-3));
    EXPECT_EQ(value_of(Term(-7) % 2), Value(-1));
    EXPECT_EQ(value_of(Term(7) % -2), Value(1));
    EXPECT_EQ(value_of(Term(kMax) + 1), kNull);
    EXPECT_EQ(value_of(Term(kMin) - 1), kNull);
    EXPECT_EQ(value_of(Term(kMin) * -1), kNull);
    EXPECT_EQ(value_of(Term(kMin) / -1), kNull);
    EXPECT_EQ(value_of(Term(kMin) % -1), Value(0));
    EXPECT_EQ(value_of(-Term(kMin)), kNull);
    EXPECT_EQ(value_of(abs(kMin)), kNull);
    EXPECT_EQ(value_of(Term(1) / 0), kNull);
    EXPECT_EQ(value_of(Term(1) % 0), kNull);
    EXPECT_EQ(value_of(Term(nullptr) + 1), kNull);
}

TEST(Arithmetic, OfDoublesKnowsNeitherInfinityNorNaN) {
    EXPECT_EQ(value_of(Term(7) / 2.0), Value(3.5));
    EXPECT_EQ(value_of(Term(1.0) / 0.0), kNull);
    EXPECT_EQ(value_of(Term(0.0) / 0.0), kNull);
    EXPECT_EQ(value_of(Term(1e300) * 1e300), kNull);
    EXPECT_EQ(value_of(Term(std::numeric_limits<double>::infinity()) - 1), kNull);
    EXPECT_EQ(value_of(Term(0x1p499) + 0x1p499), Value(0x1p500));
    EXPECT_EQ(value_of(Term(0x1p500) + 0), kNull);
    EXPECT_EQ(value_of(Term(1e-200) * 1), Value(0.0));
    EXPECT_EQ(value_of(Term(1) / 1e-200), kNull);
    EXPECT_EQ(value_of(Term(1e-130) * 1), Value(1e-130));
    EXPECT_EQ(code_of([] { (void)value_of(Term(1.5) % 1); }), "expression.type");
    EXPECT_EQ(code_of([] { (void)value_of(Term("1") + 1); }), "expression.type");
}

TEST(Arithmetic, RoundsHalvesToTheEvenOne) {
    EXPECT_EQ(value_of(round(0.5)), Value(0.0));
    EXPECT_EQ(value_of(round(1.5)), Value(2.0));
    EXPECT_EQ(value_of(round(-2.5)), Value(-2.0));
    EXPECT_EQ(value_of(floor(-1.5)), Value(-2.0));
    EXPECT_EQ(value_of(ceil(7)), Value(7.0));
}

TEST(TextFunctions, CountCodePoints) {
    EXPECT_EQ(value_of(length("日本語")), Value(3));
    EXPECT_EQ(value_of(substr("日本語", 2)), Value("本語"));
    EXPECT_EQ(value_of(substr("abc", 0, 2)), Value("a"));
    EXPECT_EQ(value_of(substr("abc", -5, 100)), Value("abc"));
    EXPECT_EQ(value_of(substr("abc", 4, 1)), Value(""));
    EXPECT_EQ(value_of(substr("abc", 1, -1)), kNull);
    EXPECT_EQ(value_of(substr("abc", kMax, kMax)), kNull);
    EXPECT_EQ(value_of(length(std::string("a\0b", 3))), Value(3));
}

TEST(TextFunctions, ChangeAndFind) {
    EXPECT_EQ(value_of(lower("ÄB")), Value("Äb"));
    EXPECT_EQ(value_of(upper("äb")), Value("äB"));
    EXPECT_EQ(value_of(trim("  a b ")), Value("a b"));
    EXPECT_EQ(value_of(trim(" \t ")), Value("\t"));
    EXPECT_EQ(value_of(replace("aaa", "aa", "b")), Value("ba"));
    EXPECT_EQ(value_of(replace("abc", "", "x")), Value("abc"));
    EXPECT_EQ(value_of(concat({"a", "", "b"})), Value("ab"));
    EXPECT_EQ(value_of(concat({"a", nullptr})), kNull);
    EXPECT_EQ(value_of(starts_with("100%", "100%")), Value(true));
    EXPECT_EQ(value_of(ends_with("100%", "%")), Value(true));
    EXPECT_EQ(value_of(contains("a_b", "a%")), Value(false));
    EXPECT_EQ(value_of(contains("ab", "")), Value(true));
}

TEST(GeneralFunctions, PassOverNull) {
    EXPECT_EQ(value_of(coalesce({nullptr, 2, 3})), Value(2));
    EXPECT_EQ(value_of(nullif(2, 2)), kNull);
    EXPECT_EQ(value_of(nullif(2, nullptr)), Value(2));
    EXPECT_EQ(value_of(least({3, nullptr, 2})), Value(2));
    EXPECT_EQ(value_of(greatest({nullptr, nullptr})), kNull);
    const auto grade = [](const Term& x) { return case_when({{x > 2, "high"}, {x > 1, "middle"}}, "low"); };
    EXPECT_EQ(value_of(grade(3)), Value("high"));
    EXPECT_EQ(value_of(grade(2)), Value("middle"));
    EXPECT_EQ(value_of(grade(nullptr)), Value("low"));
    EXPECT_EQ(value_of(case_when({{Term(1) > 2, "x"}})), kNull);
}

TEST(DateFunctions, AreInUtcFromTheYear1To9999) {
    const Value noon = parse_timestamp("2024-02-29T12:34:56.789Z");
    EXPECT_EQ(value_of(date_of(Term(noon))), Value(parse_date("2024-02-29")));
    EXPECT_EQ(value_of(date_part(Operator::DayOfYear, noon)), Value(60));
    EXPECT_EQ(value_of(date_part(Operator::Weekday, noon)), Value(4));
    EXPECT_EQ(value_of(date_part(Operator::Second, noon)), Value(56));
    EXPECT_EQ(value_of(date_of(Term(Timestamp{-1}))), Value(parse_date("1969-12-31")));
    EXPECT_EQ(value_of(date_part(Operator::Hour, Timestamp{-1})), Value(23));
    EXPECT_EQ(value_of_text("add_days(date '2024-02-28', 2)"), Value(parse_date("2024-03-01")));
    EXPECT_EQ(value_of_text("add_days(date '9999-12-31', 1)"), kNull);
    EXPECT_EQ(value_of_text("add_days(date '0001-01-01', -1)"), kNull);
    EXPECT_EQ(value_of(add_days(parse_date("2024-01-01"), kMax)), kNull);
    EXPECT_EQ(value_of(add_seconds(Timestamp{1}, 86'400)), Value(Timestamp{86'400'000'001}));
    EXPECT_EQ(value_of(add_seconds(Timestamp{1}, kMin)), kNull);
    EXPECT_EQ(value_of_text("days_between(date '2024-03-01', date '2024-02-28')"), Value(-2));
    EXPECT_EQ(value_of(seconds_between(Timestamp{0}, Timestamp{1'500'000})), Value(1.5));
    EXPECT_EQ(code_of([] { (void)value_of_text("hour(date '2024-01-01')"); }), "expression.type");
    EXPECT_EQ(code_of([] { (void)date_part(Operator::Lower, "x"); }), "expression.part");
}

TEST(JsonPaths, FindScalarsOfTheRightType) {
    const Term document(Json{R"({"a": {"k": ["x", 2.5, true, null]}, "a\"b": "q", "0": "key"})"});
    EXPECT_EQ(value_of(json_text(document, {"a", "k", 0})), Value("x"));
    EXPECT_EQ(value_of(json_number(document, {"a", "k", 1})), Value(2.5));
    EXPECT_EQ(value_of(json_bool(document, {"a", "k", 2})), Value(true));
    EXPECT_EQ(value_of(json_text(document, {"a", "k", 1})), kNull);
    EXPECT_EQ(value_of(json_text(document, {"a", "k", 4})), kNull);
    EXPECT_EQ(value_of(json_text(document, {"a"})), kNull);
    EXPECT_EQ(value_of(json_text(document, {"a\"b"})), Value("q"));
    EXPECT_EQ(value_of(json_text(document, {"0"})), Value("key"));
    EXPECT_EQ(value_of(json_text(document, {0})), kNull);
    EXPECT_EQ(value_of(json_text(document, {"$.a.k[0]"})), kNull);
    EXPECT_EQ(code_of([&] { (void)json_text(document, {}); }), "expression.json_path");
    EXPECT_EQ(code_of([&] { (void)json_text(document, {-1}); }), "expression.json_path");
    EXPECT_EQ(code_of([&] { (void)json_text(document, {1.5}); }), "expression.json_path");
    EXPECT_EQ(code_of([] { (void)parse_expression("json_text(m, n)"); }), "expression.json_path");
}

TEST(JsonPaths, SurviveWhatIsNoDocument) {
    for (const char* text : {"", "{", "{\"a\"", "{\"a\":", "{\"a\":\"", "[", "[,", "]", "\"\\", "\"\\u12",
                             "\"\\ud800\"", "{]", "-"}) {
        EXPECT_EQ(value_of(json_text(Term(Json{text}), {"a"})), kNull) << text;
        EXPECT_EQ(value_of(json_text(Term(Json{text}), {0})), kNull) << text;
    }
    const std::string deep(100'000, '[');
    EXPECT_EQ(value_of(json_text(Term(Json{deep}), {1, "a"})), kNull);
}

TEST(RowFunctions, StandOnlyWhereTheyCan) {
    const Term x = field("x");
    EXPECT_EQ(code_of([&] { (void)value_of(sum(x)); }), "expression.aggregate");
    EXPECT_EQ(code_of([&] { (void)sum(max(x)); }), "expression.aggregate");
    EXPECT_EQ(code_of([&] { (void)filter(x, x > 1); }), "expression.aggregate");
    EXPECT_EQ(code_of([&] { (void)filter(sum(x), max(x) > 1); }), "expression.aggregate");
    EXPECT_EQ(code_of([&] { (void)(row_number() + 1); }), "expression.window");
    EXPECT_EQ(code_of([&] { (void)over(x, {}); }), "expression.window");
    EXPECT_EQ(code_of([&] { (void)over(count_distinct(x), {}); }), "expression.window");
    EXPECT_EQ(code_of([&] { (void)sum(over(rank(), {})); }), "expression.aggregate");
    EXPECT_EQ(code_of([&] { (void)lag(x, -1); }), "expression.offset");
    EXPECT_EQ(code_of([&] { (void)value_of(over(rank(), {})); }), "expression.window");
    EXPECT_TRUE((sum(x) + 1).expression().has_aggregate());
    EXPECT_FALSE(over(sum(x), {}).expression().has_aggregate());
    EXPECT_TRUE(over(sum(x), {}).expression().has_window());
    EXPECT_TRUE(over(rank(), {.order_by = {descending(count())}}).expression().has_aggregate());
}

TEST(FunctionsText, IsReadBackAsTheSameTree) {
    for (const char* text : {
             "count(*) > 3",
             "count(distinct status) = 1",
             "(sum(x) filter (where y > 1)) + 1 > 2",
             "(row_number() over (partition by a, b order by c desc, lower(d))) = 1",
             "(sum(x) filter (where b) over ()) > 0",
             "lag(x, 1, 0) over (order by id)",
             "a + b * -c - (d % 2) / 4 > - 5",
             "-(5) < --x",
             "'a' || b || ('c' || d) = 'x'",
             "case when a then 1 when b > 2 then 3 else -4 end = case when c then 1 end",
             "\"case\" = 1 and \"distinct\" = 2 and year = 3 and end = 4",
             "date(s) = date '2024-01-01' and year(y) = 2024",
             "json_text(m, 'a', 0, 'it''s') like '%'",
             "x - -9223372036854775808 = 1",
         }) {
        const Expression e = parse_expression(text);
        EXPECT_TRUE(parse_expression(to_text(e)).same_as(e)) << text << "\n" << to_text(e);
    }
    EXPECT_EQ(to_text(parse_expression("A+b*c-1")), "(A + (b * c)) - 1");
    EXPECT_EQ(to_text(parse_expression("a -1 = 0")), "(a - 1) = 0");
}

TEST(FunctionsText, NamesWhatItDoesNotKnow) {
    for (const char* text : {"sleep(1)", "case 1", "case when a end", "count(", "lower(a", "a +", "* 2", "-",
                             "sum(x) over (a)", "sum(x) filter (a)", "a || ", "row_number(1) over ()"}) {
        EXPECT_EQ(code_of([&] { (void)parse_expression(text); }), "expression.syntax") << text;
    }
    EXPECT_EQ(code_of([] { (void)parse_expression("lower(a, b)"); }), "expression.arity");
    EXPECT_EQ(code_of([] { (void)parse_expression(std::string(100'000, '-') + "x"); }),
              "expression.too_deep");
    std::string nested;
    for (int i = 0; i < 100'000; ++i) nested += "abs(";
    EXPECT_EQ(code_of([&] { (void)parse_expression(nested); }), "expression.too_deep");
}

}  // namespace
}  // namespace consilia::core
