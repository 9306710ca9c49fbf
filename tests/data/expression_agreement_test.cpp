// Goal: an expression has the same value in memory, in SQLite and in PostgreSQL, in every row. Method: random
// expressions of every type over random rows with nulls, the ends of int64 and of the doubles, hostile and
// non-ASCII text, odd JSON documents and far dates; many expressions a statement. The server's default
// collation is that of a language. A failure prints the seed that replays it.
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "consilia/core/error.hpp"
#include "consilia/core/expression_types.hpp"
#include "consilia/core/sql.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/row_set.hpp"
#include "core/random_expressions.hpp"
#include "support/postgres_client.hpp"
#include "support/postgres_server.hpp"

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
constexpr const char* kInsert = "INSERT INTO r VALUES (";
using Row = std::map<std::string, Value, std::less<>>;

core::SqlOptions options(SqlDialect dialect) {
    return {.dialect = dialect,
            .column = [](std::string_view path) { return core::quote_identifier(path); },
            .type = RandomExpressions::type_of};
}

std::vector<Row> random_rows(RandomExpressions& random) {
    std::vector<Row> rows(kRows);
    for (Row& row : rows) {
        for (const auto& column : RandomExpressions::kColumns) row[column.name] = random.value(column.kind);
    }
    return rows;
}

std::vector<Value> values_of(int id, const Row& row) {
    std::vector<Value> values{id};
    for (const auto& column : RandomExpressions::kColumns) values.push_back(row.find(column.name)->second);
    return values;
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

    /// `SELECT …` of all; `wrap` changes each text by its type.
    template <class Wrap>
    [[nodiscard]] SqlFragment select(SqlDialect dialect, Wrap wrap) const {
        SqlFragment all{"SELECT ", {}};
        for (std::size_t i = 0; i < expressions.size(); ++i) {
            core::SqlOptions given = options(dialect);
            given.first_placeholder = all.bindings.size() + 1;
            const SqlFragment sql = core::compile_value_sql(expressions[i], given);
            std::vector<Value> collected;
            core::collect_bindings(expressions[i], {}, collected);
            EXPECT_EQ(collected, sql.bindings) << to_text(expressions[i]);
            all.text += (i == 0 ? "" : ", ") + wrap(sql.text, types[i]);
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

TEST(ExpressionAgreement, SqliteGivesTheValuesThatMemoryGives) {
    RandomExpressions random(test::seed());
    const std::vector<Row> rows = random_rows(random);
    Database database("sqlite::memory:");
    const Autocommit session = database.autocommit();
    session.execute(
        "CREATE TABLE r (id INTEGER PRIMARY KEY, i INTEGER, j INTEGER, d REAL, e REAL, t TEXT, u TEXT, b "
        "INTEGER, "
        "y TEXT, s INTEGER, m TEXT)");
    for (int id = 0; id < kRows; ++id) {
        session.execute(std::string(kInsert) + "?,?,?,?,?,?,?,?,?,?,?)", values_of(id, rows[id]));
    }
    const int cases = test::case_count(12'000);
    int refused = 0;
    for (int n = 0; n < cases && !HasFailure(); n += kBatch) {
        const Batch batch(random, SqlDialect::Sqlite);
        refused += batch.refused;
        const SqlFragment sql =
            batch.select(SqlDialect::Sqlite, [](const std::string& text, ValueType) { return text; });
        std::vector<RowColumn> columns;
        for (const ValueType type : batch.types) columns.push_back({"x", type});
        const RowSet found = session.query(sql.text, sql.bindings, std::move(columns));
        ASSERT_EQ(found.size(), rows.size());
        expect_agreement(batch, SqlDialect::Sqlite, rows,
                         [&](std::size_t row, std::size_t i) { return found.value(row, i); });
    }
    EXPECT_LT(refused, cases / 10) << "the generator nests too deeply to mean anything";
}

/// A cell of PostgreSQL's text.
Value parsed(const std::optional<std::string>& cell, ValueType type) {
    if (!cell) return {};
    const auto integer = [&] { return std::int64_t{std::strtoll(cell->c_str(), nullptr, 10)}; };
    switch (type) {
        case ValueType::Bool:
            return *cell == "t";
        case ValueType::Int64:
            return integer();
        case ValueType::Double:
            return std::strtod(cell->c_str(), nullptr);
        case ValueType::Date:
            return core::Date{static_cast<std::int32_t>(integer())};
        case ValueType::Timestamp:
            return core::Timestamp{integer()};
        default:
            return *cell;
    }
}

TEST(ExpressionAgreement, PostgresGivesTheValuesThatMemoryGives) {
    RandomExpressions random(test::seed() + 1);
    random.has_zero_bytes = false;
    const std::vector<Row> rows = random_rows(random);
    test::PostgresClient client(test::PostgresServer::instance().url());
    client.query(
        "CREATE TEMP TABLE r (id BIGINT, i BIGINT, j BIGINT, d FLOAT8, e FLOAT8, t TEXT, u TEXT COLLATE "
        "\"C\", "
        "b BOOLEAN, y DATE, s TIMESTAMPTZ, m JSONB)");
    client.query("SET TimeZone = 'America/New_York'");
    for (int id = 0; id < kRows; ++id) {
        client.query(std::string(kInsert) + "$1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)", values_of(id, rows[id]));
    }
    const auto as_number = [](const std::string& text, ValueType type) {
        if (type == ValueType::Date) return "(" + text + " - DATE '1970-01-01')";
        if (type == ValueType::Timestamp) return "(extract(epoch FROM " + text + ") * 1000000)::bigint";
        return text;
    };
    const int cases = test::case_count(10'000);
    for (int n = 0; n < cases && !HasFailure(); n += kBatch) {
        const Batch batch(random, SqlDialect::PostgreSql);
        const SqlFragment sql = batch.select(SqlDialect::PostgreSql, as_number);
        std::vector<test::PostgresClient::Row> found;
        ASSERT_NO_THROW(found = client.query(sql.text, sql.bindings)) << "seed " << test::seed();
        ASSERT_EQ(found.size(), rows.size());
        expect_agreement(batch, SqlDialect::PostgreSql, rows, [&](std::size_t row, std::size_t i) {
            return parsed(found[row][i], batch.types[i]);
        });
    }
}

}  // namespace
}  // namespace consilia::data
