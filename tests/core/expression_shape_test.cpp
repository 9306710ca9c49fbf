// Goal: expressions of one shape share their SQL text, in both dialects, and differ in bindings only; that is
// what a cache of statements stands on. Method: random expressions, and the same with other values.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "consilia/core/error.hpp"
#include "consilia/core/functions.hpp"
#include "consilia/core/sql.hpp"
#include "core/random_expressions.hpp"

namespace consilia::core {
namespace {

SqlOptions options(SqlDialect dialect) {
    return {.dialect = dialect,
            .column = [](std::string_view path) { return quote_identifier(path); },
            .type = test::RandomExpressions::type_of};
}

/// The same tree, each bound literal changed to another value of its type.
Expression with_other_values(const Expression& e) {
    if (e.op() == Operator::Literal) {
        if (const auto* integer = e.value().if_as<std::int64_t>()) {
            constexpr std::int64_t kExactMax = std::int64_t{1} << 53;
            const bool is_exact = *integer >= -kExactMax && *integer <= kExactMax;
            return Expression::literal(is_exact ? std::int64_t{12} : INT64_MAX - 5);
        }
        if (e.value().if_as<double>() != nullptr) return Expression::literal(0.75);
        if (e.value().if_as<std::string>() != nullptr) return Expression::literal("another");
        if (e.value().if_as<Date>() != nullptr) return Expression::literal(Date{5});
        if (e.value().if_as<Timestamp>() != nullptr) return Expression::literal(Timestamp{5});
        return e;
    }
    if (e.operands().empty()) return e;
    std::vector<Expression> operands;
    for (const Expression& operand : e.operands()) operands.push_back(with_other_values(operand));
    return e.with_operands(std::move(operands));
}

TEST(ExpressionShape, IsThatOfTheText) {
    test::RandomExpressions random(test::seed());
    std::map<std::uint64_t, Expression> known;
    int shared = 0;
    for (int i = 0; i < 2000; ++i) {
        const Expression e = random.condition(3);
        const Expression other = with_other_values(e);
        ASSERT_TRUE(e.same_shape(other)) << "seed " << test::seed() << ", case " << i;
        ASSERT_EQ(e.shape_hash(), other.shape_hash());
        for (const SqlDialect dialect : {SqlDialect::Sqlite, SqlDialect::PostgreSql}) {
            try {
                ASSERT_EQ(compile_sql(e, options(dialect)).text, compile_sql(other, options(dialect)).text);
            } catch (const InvalidArgument& error) {
                ASSERT_EQ(error.code(), "expression.too_deep");
            }
        }
        const auto [same, is_new] = known.try_emplace(e.shape_hash(), e);
        ASSERT_TRUE(same->second.same_shape(e)) << "two shapes with one hash";
        if (!is_new) ++shared;
    }
    EXPECT_GT(shared, 10);
}

TEST(ExpressionShape, TellsApartWhatTheTextDependsOn) {
    const Term a = field("a");
    EXPECT_TRUE((a == 1).same_shape(a == 2));
    EXPECT_FALSE((a == 1).same_as(a == 2));
    for (const auto& [one, other] : std::vector<std::pair<Expression, Expression>>{
             {a == 1, a == 1.0},
             {a == 1, a == nullptr},
             {a == true, a == false},
             {a == 1.0, a == std::nan("")},
             {a == 1, a == INT64_MAX},
             {a == 1, a != 1},
             {a == 1, field("b") == 1},
             {a == 1, outer("a") == 1},
             {a.in({1, 2}), a.in({1, 2, 3})},
             {a == parameter("x"), a == parameter("y")},
             {a == 1 && a == 2, a == 1 || a == 2},
         }) {
        EXPECT_FALSE(one.same_shape(other)) << to_text(other);
        EXPECT_NE(one.shape_hash(), other.shape_hash());
    }
    EXPECT_TRUE((a == nullptr).same_shape(a == std::nan("")));
}

TEST(CollectBindings, NamesTheParameterThatIsMissing) {
    std::vector<Value> values;
    EXPECT_THROW(collect_bindings(field("a") == parameter("x"), {}, values), InvalidArgument);
    collect_bindings(field("a") == parameter("x") && field("b").in({}), {{"x", 5}}, values);
    EXPECT_EQ(values, std::vector<Value>{5});
}

}  // namespace
}  // namespace consilia::core
