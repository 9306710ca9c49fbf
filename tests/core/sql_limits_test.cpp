// Goal: every expression that can be made either compiles to a statement that SQLite accepts, or is refused
// by name. Method: the deepest and the widest trees, prepared in a real SQLite inside a statement of the
// usual shape.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <functional>
#include <limits>

#include "consilia/core/error.hpp"
#include "consilia/core/sql.hpp"
#include "core/random_expressions.hpp"
#include "data/sqlite_functions.hpp"

namespace consilia::core {
namespace {

SqlFragment compiled(const Expression& e, SqlDialect dialect = SqlDialect::Sqlite) {
    return compile_sql(
        e, {.dialect = dialect, .column = [](std::string_view path) { return quote_identifier(path); }});
}

std::string code_of(const Expression& e) {
    try {
        (void)compiled(e);
    } catch (const Error& error) {
        return error.code();
    }
    return "nothing thrown";
}

/// SQLite's complaint about the expression in a statement with a join and a subquery around it, or "".
std::string complaint(const Expression& e) {
    sqlite3* database = nullptr;
    sqlite3_open(":memory:", &database);
    data::add_functions(database);
    sqlite3_exec(database, "CREATE TABLE r (a INTEGER, b INTEGER, i, j, d, e, t, u, y, s, m)", nullptr,
                 nullptr, nullptr);
    const std::string sql =
        "SELECT x.rowid FROM r AS x JOIN r AS y ON y.a = x.a WHERE x.b = 1 AND x.rowid IN (SELECT "
        "rowid FROM r WHERE (\"b\" IS NULL AND (" +
        compiled(e).text + "))) ORDER BY x.a LIMIT 25";
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr);
    std::string message = result == SQLITE_OK ? "" : sqlite3_errmsg(database);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return message;
}

/// A tree of the greatest depth; `wrap(inner, level)` makes one level more.
template <class Wrap>
Expression deepest(Wrap wrap) {
    Expression e = field("a") == 1;
    for (std::size_t level = e.depth(); level < Expression::kMaxDepth; ++level) e = wrap(e, level);
    return e;
}

TEST(CompileSqlLimits, TheDeepestConditionsAreAccepted) {
    const Expression leaf = field("b") == 2;
    const auto junction = [](std::size_t level) { return level % 2 == 0 ? Operator::And : Operator::Or; };
    EXPECT_EQ(complaint(deepest([](const Expression& e, std::size_t) { return !e; })), "");
    EXPECT_EQ(complaint(deepest([&](const Expression& e, std::size_t level) {
                  return Expression::make(junction(level), {e, leaf});
              })),
              "");
    EXPECT_EQ(complaint(deepest([&](const Expression& e, std::size_t level) {
                  return Expression::make(junction(level), {leaf, leaf, leaf, e});
              })),
              "");
    EXPECT_EQ(complaint(deepest([&](const Expression& e, std::size_t level) {
                  return level % 2 == 0 ? !e : Expression::make(Operator::And, {leaf, e});
              })),
              "");
}

TEST(CompileSqlLimits, RunsOfThousandsAreAccepted) {
    for (const Operator op : {Operator::And, Operator::Or}) {
        std::vector<Expression> operands;
        for (int i = 0; i < 8'000; ++i) operands.push_back(field("a") == field("b"));
        const Expression wide = Expression::make(op, std::move(operands));
        EXPECT_EQ(complaint(wide), "");
        EXPECT_EQ(complaint(!wide), "");
    }
}

TEST(CompileSqlLimits, ValuesNestedPastTheParserAreRefusedByName) {
    const auto nested = [](auto wrap, int levels) {
        Expression e = field("a") == 1;
        for (int i = 0; i < levels; ++i) e = wrap(e);
        return e;
    };
    const Expression a = Expression::field("a");
    const auto in = [&](const Expression& e) { return Expression::make(Operator::In, {a, a, e}); };
    const auto between = [&](const Expression& e) { return Expression::make(Operator::Between, {a, a, e}); };
    const auto equal = [&](const Expression& e) { return Expression::make(Operator::Equal, {a, e}); };
    for (int levels = 1; levels < 60; ++levels) {
        for (const Expression& e : {nested(in, levels), nested(between, levels), nested(equal, levels)}) {
            const std::string code = code_of(e);
            if (code == "nothing thrown") {
                EXPECT_EQ(complaint(e), "") << levels;
            } else {
                EXPECT_EQ(code, "expression.too_deep");
                EXPECT_GT(levels, 5) << "refused although SQLite takes it";
            }
        }
    }
    EXPECT_EQ(code_of(nested(in, 59)), "expression.too_deep");
}

TEST(CompileSqlLimits, NestedFunctionsAreAcceptedOrRefusedByName) {
    const Expression a = Expression::field("a");
    const auto made = [](Operator op, std::vector<Expression> operands) {
        return Expression::make(op, std::move(operands));
    };
    const std::vector<std::function<Expression(const Expression&)>> wraps{
        [&](const Expression& e) {
            return made(Operator::Add, {a, e});
        },
        [&](const Expression& e) {
            return made(Operator::Add, {e, a});
        },
        [&](const Expression& e) { return made(Operator::Negate, {e}); },
        [&](const Expression& e) {
            return made(Operator::Concat, {a, a, e});
        },
        [&](const Expression& e) {
            return made(Operator::Coalesce, {a, a, e});
        },
        [&](const Expression& e) {
            return made(Operator::Replace, {a, a, e});
        },
        [&](const Expression& e) {
            return made(Operator::Case, {a, e, a});
        },
        [&](const Expression& e) {
            return made(Operator::Case, {a, a, e});
        },
        [&](const Expression& e) {
            return made(Operator::Case, {a, a, a, e});
        },
        [&](const Expression& e) {
            return made(Operator::Case, {made(Operator::Equal, {a, e}), a});
        },
        [&](const Expression& e) {
            return made(Operator::Like, {a, e});
        },
    };
    for (std::size_t i = 0; i < wraps.size(); ++i) {
        Expression e = a;
        for (std::size_t level = 1; e.depth() < Expression::kMaxDepth - 2; ++level) {
            e = wraps[i](e);
            const Expression condition = Expression::make(Operator::Equal, {a, e});
            const std::string code = code_of(condition);
            if (code == "nothing thrown") {
                EXPECT_EQ(complaint(condition), "") << "wrap " << i << ", level " << level;
            } else {
                EXPECT_EQ(code, "expression.too_deep");
                EXPECT_GT(level, 5U) << "refused although SQLite takes it: wrap " << i;
            }
        }
    }
}

TEST(CompileSqlLimits, WhateverIsCompiledIsParsed) {
    test::RandomExpressions random(test::seed());
    int compiled_count = 0;
    for (int i = 0; i < 300; ++i) {
        const Expression e = random.condition(9);
        if (code_of(e) != "nothing thrown") continue;
        ++compiled_count;
        ASSERT_EQ(complaint(e), "") << "seed " << test::seed() << ", case " << i;
    }
    EXPECT_GT(compiled_count, 50);
}

TEST(CompileSqlLimits, ANotIsPushedDownToTheComparisons) {
    const Expression e = !((field("a") < 1 || field("b").is_null()) && !field("c").expression());
    EXPECT_EQ(compiled(e).text, R"(((("a" >= ?) AND ("b" IS NOT NULL)) OR "c" = 1))");
    EXPECT_EQ(compiled(!field("a").in({1, 2})).text, R"(("a" NOT IN (?, ?)))");
    EXPECT_EQ(compiled(!field("a").between(1, 2)).text, R"(("a" NOT BETWEEN ? AND ?))");
    EXPECT_EQ(compiled(!field("a").like("x%")).text, R"(("a" NOT LIKE ? ESCAPE '\'))");
    EXPECT_EQ(compiled(!!field("a").expression()).text, R"("a" = 1)");
    EXPECT_EQ(compiled(!field("a").in({})).text, "(1)");
}

TEST(CompileSqlLimits, WhatIsNotATruthValueIsNoCondition) {
    EXPECT_EQ(code_of(Expression::literal(5)), "expression.type");
    EXPECT_EQ(code_of(!Expression::literal("1")), "expression.type");
    EXPECT_EQ(code_of(field("a") == 1 && Expression::literal(0)), "expression.type");
    EXPECT_EQ(compiled(Expression::literal(nullptr)).text, "NULL");
    EXPECT_THROW((void)matches(Expression::literal(5), {}), InvalidArgument);
}

TEST(CompileSqlLimits, NotANumberIsNull) {
    const SqlFragment sql = compiled(field("a") == std::nan(""), SqlDialect::PostgreSql);
    EXPECT_EQ(sql.text, R"(("a" = NULL))");
    EXPECT_TRUE(sql.bindings.empty());
}

TEST(CompileSqlLimits, APatternPastSqlitesLimitIsRefusedByBothReaders) {
    const Expression e = field("a").like(std::string(50'001, '%'));
    EXPECT_EQ(code_of(e), "expression.pattern_too_long");
    EXPECT_THROW((void)matches(e, [](std::string_view) { return Value("x"); }), InvalidArgument);
}

}  // namespace
}  // namespace consilia::core
