#include "consilia/core/sql.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "core/random_expressions.hpp"
#include "data/sqlite_functions.hpp"

namespace consilia::core {
namespace {

SqlOptions options(SqlDialect dialect = SqlDialect::Sqlite) {
    return {.dialect = dialect, .column = [](std::string_view path) { return quote_identifier(path); }};
}

std::string sqlite_text(const Expression& e) {
    return compile_sql(e, options()).text;
}

TEST(CompileSql, BindsEveryValueButNullAndTruth) {
    const SqlFragment sql = compile_sql(
        field("a") == "x'; drop table t; --" && field("n") > 5 && field("gone") == false, options());
    EXPECT_EQ(sql.text, R"((("a" = ?) AND ("n" > ?) AND ("gone" = 0)))");
    ASSERT_EQ(sql.bindings.size(), 2U);
    EXPECT_EQ(sql.bindings[0], Value("x'; drop table t; --"));
}

TEST(CompileSql, NegatesATruthColumnSoThatAnIndexServes) {
    EXPECT_EQ(sqlite_text(!field("is_deleted").expression()), R"("is_deleted" = 0)");
    EXPECT_EQ(sqlite_text(field("is_deleted").expression()), R"("is_deleted" = 1)");
}

TEST(CompileSql, NumbersPlaceholdersForPostgreSql) {
    SqlOptions given = options(SqlDialect::PostgreSql);
    given.first_placeholder = 3;
    EXPECT_EQ(compile_sql(field("a") == 1 && field("b") == true && field("c") == "x", given).text,
              R"((("a" = $3) AND ("b" = TRUE) AND ("c" = $4)))");
}

TEST(CompileSql, NamesTheParameterThatIsMissing) {
    try {
        (void)compile_sql(field("a") == parameter("me"), options());
        FAIL();
    } catch (const InvalidArgument& error) {
        EXPECT_EQ(error.code(), "expression.missing_parameter");
        EXPECT_EQ(error.details().at(0).value, Value("me"));
    }
}

TEST(QuoteIdentifier, DoublesQuotesAndRefusesZeroBytes) {
    EXPECT_EQ(quote_identifier("a\"b"), "\"a\"\"b\"");
    EXPECT_THROW((void)quote_identifier(std::string_view("a\0b", 3)), InvalidArgument);
    EXPECT_THROW((void)quote_identifier(""), InvalidArgument);
}

/// A table of random rows in a real SQLite, and the same rows in memory.
class Table {
public:
    explicit Table(test::RandomExpressions& random) {
        sqlite3_open(":memory:", &database_);
        data::add_functions(database_);
        run("PRAGMA case_sensitive_like = ON");
        run("CREATE TABLE r (id INTEGER PRIMARY KEY, i INTEGER, j INTEGER, d REAL, e REAL, t TEXT, u TEXT, "
            "b INTEGER, y TEXT, s INTEGER, m TEXT)");
        for (int id = 0; id < 40; ++id) {
            std::map<std::string, Value, std::less<>> row;
            std::vector<Value> values{id};
            for (const auto& column : test::RandomExpressions::kColumns) {
                values.push_back(row[column.name] = random.value(column.kind));
            }
            rows.push_back(std::move(row));
            query("INSERT INTO r VALUES (?,?,?,?,?,?,?,?,?,?,?)", values);
        }
    }
    ~Table() { sqlite3_close(database_); }
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    std::vector<int> query(const std::string& sql, const std::vector<Value>& bindings) {
        sqlite3_stmt* statement = nullptr;
        EXPECT_EQ(sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
            << sqlite3_errmsg(database_) << ": " << sql;
        for (std::size_t i = 0; i < bindings.size(); ++i)
            bind(statement, static_cast<int>(i) + 1, bindings[i]);
        std::vector<int> ids;
        while (sqlite3_step(statement) == SQLITE_ROW) ids.push_back(sqlite3_column_int(statement, 0));
        sqlite3_finalize(statement);
        return ids;
    }

    std::vector<std::map<std::string, Value, std::less<>>> rows;

private:
    void run(const char* sql) {
        ASSERT_EQ(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    }

    static void bind(sqlite3_stmt* statement, int index, const Value& value) {
        const auto bind_text = [&](const std::string& text) {
            sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
        };
        switch (value.type()) {
            case ValueType::Null:
                sqlite3_bind_null(statement, index);
                break;
            case ValueType::Bool:
                sqlite3_bind_int(statement, index, value.as<bool>() ? 1 : 0);
                break;
            case ValueType::Int64:
                sqlite3_bind_int64(statement, index, value.as<std::int64_t>());
                break;
            case ValueType::Double:
                sqlite3_bind_double(statement, index, value.as<double>());
                break;
            case ValueType::Date:
                bind_text(to_iso8601(value.as<Date>()));
                break;
            case ValueType::Timestamp:
                sqlite3_bind_int64(statement, index, value.as<Timestamp>().microseconds);
                break;
            case ValueType::Json:
                bind_text(value.as<Json>().text);
                break;
            default:
                bind_text(value.as<std::string>());
                break;
        }
    }

    sqlite3* database_ = nullptr;
};

// Goal: a condition finds the same rows in SQLite and in memory. Method: random well-typed conditions over
// random rows with nulls, the ends of int64, doubles between integers, hostile and non-ASCII text.
TEST(CompileSql, AgreesWithTheEvaluator) {
    test::RandomExpressions random(test::seed());
    Table table(random);
    const int cases = test::case_count(4000);
    int found = 0;
    for (int n = 0; n < cases; ++n) {
        const Expression e = random.condition(3);
        const SqlFragment sql = compile_sql(e, options());
        std::vector<int> expected;
        for (std::size_t id = 0; id < table.rows.size(); ++id) {
            if (matches(e, [&](std::string_view path) { return table.rows[id].find(path)->second; })) {
                expected.push_back(static_cast<int>(id));
            }
        }
        found += static_cast<int>(expected.size());
        ASSERT_EQ(table.query("SELECT id FROM r WHERE " + sql.text + " ORDER BY id", sql.bindings), expected)
            << "seed " << test::seed() << ", case " << n << ": " << to_text(e) << "\n"
            << sql.text;
    }
    EXPECT_GT(found, cases) << "the generator finds too few rows to mean anything";
}

}  // namespace
}  // namespace consilia::core
