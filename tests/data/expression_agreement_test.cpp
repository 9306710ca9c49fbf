// Goal: an expression has the same value in memory, in SQLite and in PostgreSQL, in every row. Method: random
// expressions of every type over random rows with nulls, the ends of int64 and of the doubles, hostile and
// non-ASCII text, odd JSON documents and far dates; many expressions a statement. The server's default
// collation is that of a language. A failure prints the seed that replays it.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/expression_types.hpp"
#include "consilia/core/functions.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/row_set.hpp"
#include "core/random_expressions.hpp"
#include "data/fresh_database.hpp"

namespace consilia::data {
namespace {

using core::Expression;
using core::SqlDialect;
using core::SqlFragment;
using core::Value;
using core::ValueType;
using test::RandomExpressions;

constexpr int kRows = 24;
constexpr int kBatch = 20;
using Row = std::map<std::string, Value, std::less<>>;

core::SqlOptions options(SqlDialect dialect) {
    return {.dialect = dialect,
            .column = [](std::string_view path) { return core::quote_identifier(path); },
            .type = RandomExpressions::type_of,
            .allows_aggregates = true,
            .allows_windows = true};
}

std::vector<Row> random_rows(RandomExpressions& random) {
    std::vector<Row> rows(kRows);
    for (Row& row : rows) {
        for (const auto& column : RandomExpressions::kColumns) row[column.name] = random.value(column.kind);
    }
    return rows;
}

Value in_memory(const Expression& expression, const Row& row) {
    Value value = core::evaluate(expression, [&](std::string_view path) { return row.find(path)->second; });
    const double* number = value.if_as<double>();
    return number != nullptr && std::isnan(*number) ? Value() : value;
}

std::string shown(const Value& value) {
    return std::string(to_string(value.type())) + ' ' + core::to_json(value);
}

/// Expressions that are well-typed and that SQLite's parser takes, with their types.
struct Batch {
    std::vector<Expression> expressions;
    std::vector<ValueType> types;
    int refused = 0;

    Batch(RandomExpressions& random, SqlDialect dialect) {
        while (expressions.size() < kBatch) {
            const Expression e = random.any(4);
            try {
                (void)core::compile_value_sql(e, options(dialect));
                types.push_back(core::check_types(e, {.field = RandomExpressions::type_of}));
                expressions.push_back(e);
            } catch (const core::InvalidArgument& error) {  // `null + 1` among doubles is an int64.
                EXPECT_TRUE(error.code() == "expression.too_deep" || error.code() == "expression.type");
                ++refused;
            }
        }
    }

    /// `SELECT …` of all.
    [[nodiscard]] SqlFragment select(SqlDialect dialect) const {
        SqlFragment all{"SELECT ", {}};
        for (std::size_t i = 0; i < expressions.size(); ++i) {
            core::SqlOptions given = options(dialect);
            given.first_placeholder = all.bindings.size() + 1;
            const SqlFragment sql = core::compile_value_sql(expressions[i], given);
            std::vector<Value> collected;
            core::collect_bindings(expressions[i], {}, collected);
            EXPECT_EQ(collected, sql.bindings) << to_text(expressions[i]);
            all.text += (i == 0 ? "" : ", ") + sql.text;
            all.bindings.insert(all.bindings.end(), sql.bindings.begin(), sql.bindings.end());
        }
        all.text += " FROM r ORDER BY id";
        return all;
    }
};

bool agree(const Value& a, const Value& b) {
    if (a.type() == ValueType::Double && b.type() == ValueType::Double) {
        return a.as<double>() == b.as<double>();
    }
    return a == b;
}

template <class Found>
void expect_agreement(const Batch& batch, SqlDialect dialect, const std::vector<Row>& rows, Found found) {
    for (std::size_t i = 0; i < batch.expressions.size(); ++i) {
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const Value expected = in_memory(batch.expressions[i], rows[row]);
            const Value value = found(row, i);
            if (!expected.is_null()) {
                EXPECT_EQ(expected.type(), batch.types[i]);
            }
            ASSERT_TRUE(agree(expected, value))
                << "seed " << test::seed() << "\n"
                << core::compile_value_sql(batch.expressions[i], options(dialect)).text << "\nin memory "
                << shown(expected) << ", in the database " << shown(value) << " for row " << row;
        }
    }
}

class ExpressionAgreement : public testing::TestWithParam<SqlDialect> {
protected:
    ExpressionAgreement() {
        const bool is_sqlite = fresh.is_sqlite();
        session.execute(
            is_sqlite
                ? "CREATE TABLE r (id INTEGER PRIMARY KEY, i INTEGER, j INTEGER, d REAL, e REAL, t TEXT, "
                  "u TEXT, b INTEGER, y TEXT, s INTEGER, m TEXT)"
                : "CREATE TABLE r (id BIGINT PRIMARY KEY, i BIGINT, j BIGINT, d FLOAT8, e FLOAT8, t TEXT, "
                  "u TEXT COLLATE \"C\", b BOOLEAN, y DATE, s TIMESTAMPTZ, m JSONB)");
    }

    void insert(int id, const Row& row) const {
        std::vector<Value> values{id};
        for (const auto& column : RandomExpressions::kColumns) {
            const auto given = row.find(column.name);
            values.push_back(given == row.end() ? Value() : given->second);
        }
        session.execute(fresh.sql("INSERT INTO r VALUES (?,?,?,?,?,?,?,?,?,?,?)"), values);
    }

    /// The values of one expression over the table, in the order of `id` where rows stay rows.
    [[nodiscard]] std::vector<Value> select(const Expression& e, std::string_view rest = "") const {
        const ValueType type = core::check_types(e, {.field = RandomExpressions::type_of});
        const SqlFragment sql = core::compile_value_sql(e, options(GetParam()));
        const RowSet found = session.query("SELECT " + sql.text + " FROM r" + std::string(rest), sql.bindings,
                                           std::vector<RowColumn>{{"x", type}});
        std::vector<Value> values;
        for (std::size_t row = 0; row < found.size(); ++row) values.push_back(found.value(row, 0));
        return values;
    }
    [[nodiscard]] std::vector<Value> select(const core::Term& term, std::string_view rest = "") const {
        return select(term.expression(), rest);
    }

    test::FreshDatabase fresh{GetParam()};
    Database database{fresh.url()};
    Autocommit session = database.autocommit();
};

TEST_P(ExpressionAgreement, TheDatabaseGivesTheValuesThatMemoryGives) {
    RandomExpressions random(test::seed());
    random.has_zero_bytes = fresh.is_sqlite();
    const std::vector<Row> rows = random_rows(random);
    for (int id = 0; id < kRows; ++id) insert(id, rows[static_cast<std::size_t>(id)]);
    if (!fresh.is_sqlite()) session.execute("SET TimeZone = 'America/New_York'");
    const int cases = test::case_count(10'000);
    int refused = 0;
    for (int n = 0; n < cases && !HasFailure(); n += kBatch) {
        const Batch batch(random, GetParam());
        refused += batch.refused;
        const SqlFragment sql = batch.select(GetParam());
        std::vector<RowColumn> columns;
        for (const ValueType type : batch.types) columns.push_back({"x", type});
        RowSet found;
        ASSERT_NO_THROW(found = session.query(sql.text, sql.bindings, std::move(columns)))
            << "seed " << test::seed() << "\n"
            << sql.text;
        ASSERT_EQ(found.size(), rows.size());
        expect_agreement(batch, GetParam(), rows,
                         [&](std::size_t row, std::size_t i) { return found.value(row, i); });
    }
    EXPECT_LT(refused, cases / 5) << "the generator nests too deeply to mean anything";
}

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
const core::Term kI = core::field("i");
const core::Term kD = core::field("d");
const core::Term kT = core::field("t");

TEST_P(ExpressionAgreement, AggregatesAreTotal) {
    EXPECT_EQ(select(core::sum(kI)), std::vector<Value>{Value()});
    EXPECT_EQ(select(core::avg(kD)), std::vector<Value>{Value()});
    EXPECT_EQ(select(core::count()), std::vector<Value>{0});
    insert(1, {{"i", kMax}, {"d", 1.5}, {"t", "b"}, {"b", true}});
    insert(2, {{"i", 2}, {"d", 1e300}, {"t", "B"}, {"b", false}});
    insert(3, {{"i", -2}, {"d", 0.25}, {"t", "b"}});
    insert(4, {});
    EXPECT_EQ(select(core::count()), std::vector<Value>{4});
    EXPECT_EQ(select(core::count(kT)), std::vector<Value>{3});
    EXPECT_EQ(select(core::count_distinct(kT)), std::vector<Value>{2});
    EXPECT_EQ(select(core::sum(kI)), std::vector<Value>{kMax});
    EXPECT_EQ(select(core::sum(kI) + 1), std::vector<Value>{Value()});
    EXPECT_EQ(select(core::filter(core::sum(kI), kI > 0)), std::vector<Value>{Value()}) << "overflow";
    EXPECT_EQ(select(core::filter(core::avg(kI), kI < kMax)), std::vector<Value>{0.0});
    EXPECT_EQ(select(core::sum(kD)), std::vector<Value>{1.75}) << "1e300 is past what arithmetic knows";
    EXPECT_EQ(select(core::avg(kD)), std::vector<Value>{0.875});
    EXPECT_EQ(select(core::min(kT)), std::vector<Value>{"B"}) << "by bytes, whatever the collation";
    EXPECT_EQ(select(core::max(kT)), std::vector<Value>{"b"});
    EXPECT_EQ(select(core::filter(core::count(), core::field("b").expression())), std::vector<Value>{1});
}

TEST_P(ExpressionAgreement, WindowsSeeTheirRows) {
    insert(1, {{"i", 1}, {"d", 1.0}, {"t", "a"}});
    insert(2, {{"i", 2}, {"d", 2.0}, {"t", "B"}});
    insert(3, {{"i", 2}, {"d", 4.0}, {"t", "a"}});
    insert(4, {{"d", 8.0}});
    const core::Window by_i{.order_by = {core::ascending(kI)}};
    const auto rows = [&](const core::Term& term) { return select(term, " ORDER BY id"); };
    using Values = std::vector<Value>;
    EXPECT_EQ(rows(core::over(core::rank(), by_i)), (Values{2, 3, 3, 1})) << "nulls come first";
    EXPECT_EQ(rows(core::over(core::dense_rank(), {.order_by = {core::descending(kI)}})),
              (Values{2, 1, 1, 3}));
    EXPECT_EQ(rows(core::over(core::row_number(), {.order_by = {core::ascending(kT), core::ascending(kD)}})),
              (Values{3, 2, 4, 1}))
        << "text by bytes";
    EXPECT_EQ(rows(core::over(core::sum(kD), by_i)), (Values{9.0, 15.0, 15.0, 8.0}));
    EXPECT_EQ(rows(core::over(core::avg(kI), {.partition_by = {kT}})), (Values{1.5, 2.0, 1.5, Value()}));
    EXPECT_EQ(rows(core::over(core::filter(core::count(), kD > 1), {})), (Values{3, 3, 3, 3}));
    const core::Window by_d{.order_by = {core::ascending(kD)}};
    EXPECT_EQ(rows(core::over(core::lag(kT), by_d)), (Values{Value(), "a", "B", "a"}));
    EXPECT_EQ(rows(core::over(core::lead(kI, 2), by_d)), (Values{2, Value(), Value(), Value()}));
    EXPECT_EQ(rows(core::over(core::first_value(kI), by_d)), (Values{1, 1, 1, 1}));
    EXPECT_EQ(rows(core::over(core::last_value(kD), by_i)).front(), Value(1.0));
    EXPECT_EQ(select(core::over(core::rank(), {.order_by = {core::descending(core::count())}}),
                     " GROUP BY t "
                     "ORDER BY 1 LIMIT 1"),
              Values{1});
}

INSTANTIATE_TEST_SUITE_P(OnBoth, ExpressionAgreement,
                         testing::Values(SqlDialect::Sqlite, SqlDialect::PostgreSql), [](const auto& one) {
                             return one.param == SqlDialect::Sqlite ? "Sqlite" : "Postgres";
                         });

}  // namespace
}  // namespace consilia::data
