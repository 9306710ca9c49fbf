#include "consilia/data/database.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <tuple>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/statement_watch.hpp"
#include "data/fresh_database.hpp"
#include "support/errors.hpp"

namespace consilia::data {
namespace {

using core::Value;
using namespace std::chrono_literals;

class DatabaseTest : public test::OnBothDatabases {
protected:
    DatabaseTest() { database.execute(sql("CREATE TABLE t (id {id}, n BIGINT, name TEXT UNIQUE)")); }

    std::int64_t count() { return database.query("SELECT count(*) FROM t").int64(0, 0); }

    std::string url = fresh.url();
    Database database{url, {.connections_max = 4, .busy_timeout = 5s}};
};
INSTANTIATE_ON_BOTH(DatabaseTest);

TEST(Database, RefusesUrlsThatItDoesNotKnow) {
    for (const char* url :
         {"", "sqlite:", "postgresql://host/db?nonsense=1", "mysql://host/db", "/tmp/file.db"}) {
        EXPECT_EQ(test::code_of([&] { Database database(url); }), "database.url") << url;
    }
}

TEST(Database, RefusesOptionsWithoutAMeaning) {
    EXPECT_EQ(test::code_of([] { Database database("sqlite::memory:", {.connections_max = 0}); }),
              "database.options");
    EXPECT_EQ(test::code_of([] { Database database("sqlite::memory:", {.statements_max = 1}); }),
              "database.options");
}

TEST_P(DatabaseTest, ThePoolIsBounded) {
    Database small(url, {.connections_max = 1, .busy_timeout = 1ms});
    const ReadScope only = small.read();
    EXPECT_EQ(test::code_of([&] { auto second = small.read(); }), "database.pool");
}

TEST_P(DatabaseTest, CommitsAndRollsBack) {
    {
        Transaction transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (1) RETURNING id");
        EXPECT_EQ(transaction.last_insert_id(), 1);
    }
    EXPECT_EQ(count(), 0) << "a transaction without commit must leave nothing";
    try {
        Transaction transaction = database.begin();
        transaction.execute("INSERT INTO t (n) VALUES (1)");
        throw std::runtime_error("in between");
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(count(), 0);
    Transaction transaction = database.begin();
    transaction.execute("INSERT INTO t (n) VALUES (1)");
    transaction.commit();
    EXPECT_EQ(count(), 1);
}

TEST_P(DatabaseTest, NothingRunsOnATransactionThatHasEnded) {
    Transaction transaction = database.begin();
    transaction.commit();
    EXPECT_EQ(test::code_of([&] { transaction.execute("INSERT INTO t (n) VALUES (1)"); }),
              "database.transaction");
    EXPECT_EQ(test::code_of([&] { transaction.commit(); }), "database.transaction");
    EXPECT_EQ(test::code_of([&] { transaction.on_commit([] {}); }), "database.transaction");
    EXPECT_EQ(count(), 0);
}

TEST_P(DatabaseTest, ASavepointUndoesOnlyItsOwnChanges) {
    Transaction transaction = database.begin();
    transaction.execute("INSERT INTO t (n) VALUES (1)");
    EXPECT_THROW(transaction.savepoint([&] {
        transaction.execute("INSERT INTO t (n) VALUES (2)");
        transaction.savepoint([&] { transaction.execute("INSERT INTO t (n) VALUES (3)"); });
        throw std::runtime_error("undo");
    }),
                 std::runtime_error);
    transaction.savepoint([&] {
        transaction.execute("INSERT INTO t (n) VALUES (4)");
        EXPECT_THROW(transaction.savepoint([&] {
            transaction.execute("INSERT INTO t (n) VALUES (5)");
            throw std::runtime_error("undo");
        }),
                     std::runtime_error);
    });
    transaction.commit();
    const RowSet rows = database.query("SELECT n FROM t ORDER BY n");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.int64(0, 0), 1);
    EXPECT_EQ(rows.int64(1, 0), 4);
}

TEST_P(DatabaseTest, OnCommitRunsAfterTheCommitAndOnlyThen) {
    std::vector<int> called;
    {
        Transaction transaction = database.begin();
        transaction.on_commit([&] { called.push_back(1); });
    }
    EXPECT_TRUE(called.empty()) << "rolled back";
    Transaction transaction = database.begin();
    transaction.execute("INSERT INTO t (n) VALUES (1)");
    transaction.on_commit([&] {
        called.push_back(2);
        EXPECT_EQ(count(), 1) << "the data must be there";
    });
    EXPECT_THROW(transaction.savepoint([&] {
        transaction.on_commit([&] { called.push_back(3); });
        throw std::runtime_error("undo");
    }),
                 std::runtime_error);
    transaction.on_commit([&] { called.push_back(4); });
    EXPECT_TRUE(called.empty());
    transaction.commit();
    EXPECT_EQ(called, (std::vector<int>{2, 4}));
}

TEST_P(DatabaseTest, AnActionOnCommitMayWriteAgain) {
    Transaction transaction = database.begin();
    transaction.on_commit([&] {
        Transaction next = database.begin();
        next.execute("INSERT INTO t (n) VALUES (1)");
        next.commit();
    });
    transaction.commit();
    EXPECT_EQ(count(), 1);
}

TEST_P(DatabaseTest, AReadScopeSeesOneSnapshotAndDoesNotWrite) {
    const ReadScope scope = database.read();
    EXPECT_EQ(scope.query("SELECT count(*) FROM t").int64(0, 0), 0);
    database.execute("INSERT INTO t (n) VALUES (1)");
    EXPECT_EQ(count(), 1);
    EXPECT_EQ(scope.query("SELECT count(*) FROM t").int64(0, 0), 0) << "the snapshot moved";
    EXPECT_EQ(test::code_of([&] { scope.execute("INSERT INTO t (n) VALUES (2)"); }), "database.read_scope");
    EXPECT_EQ(count(), 1);
}

TEST_P(DatabaseTest, NamesTheColumnsOfABrokenRuleAndNeverItsValues) {
    database.execute(
        "CREATE TABLE rules (a TEXT NOT NULL, b BIGINT CHECK (b > 0), t_id BIGINT REFERENCES t (id))");
    database.execute(sql("INSERT INTO t (name) VALUES (?)"), std::vector<Value>{"secret"});
    try {
        database.execute(sql("INSERT INTO t (name) VALUES (?)"), std::vector<Value>{"secret"});
        FAIL() << "a duplicate went in";
    } catch (const core::Conflict& error) {
        EXPECT_EQ(error.code(), "database.unique");
        EXPECT_NE(std::string(error.what()).find("t.name"), std::string::npos) << error.what();
        EXPECT_EQ(error.to_json().find("secret"), std::string::npos) << error.to_json();
    }
    const auto insert = [&](const char* values) {
        return test::code_of([&] { database.execute(std::string("INSERT INTO rules VALUES ") + values); });
    };
    EXPECT_EQ(insert("(NULL, 1, NULL)"), "database.not_null");
    EXPECT_EQ(insert("('a', 0, NULL)"), "database.check");
    EXPECT_EQ(insert("('a', 1, 99)"), "database.foreign_key");
    EXPECT_EQ(insert("('a', 1, NULL)"), "nothing was thrown");
}

TEST_P(DatabaseTest, RefusesTwoStatementsAndAWrongNumberOfValues) {
    EXPECT_EQ(test::code_of([&] { database.execute("SELECT 1; DROP TABLE t"); }), "database.statement");
    EXPECT_EQ(test::code_of([&] { database.execute(""); }), "database.statement");
    EXPECT_EQ(test::code_of([&] { database.execute(sql("SELECT ?")); }), "database.bindings");
    EXPECT_EQ(test::code_of([&] { database.execute("SELECT 1", std::vector<Value>{1}); }),
              "database.bindings");
    EXPECT_EQ(count(), 0);
}

TEST_P(DatabaseTest, KeepsMoreStatementsThanItCachesWorking) {
    Database database_of_two(url, {.connections_max = 1, .statements_max = 2});
    const ReadScope scope = database_of_two.read();
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 10; ++i) {
            EXPECT_EQ(scope.query("SELECT " + std::to_string(i)).int64(0, 0), i);
        }
    }
}

TEST_P(DatabaseTest, AStatementMayRunInsideItself) {
    Database database_of_two(url, {.connections_max = 1, .statements_max = 2});
    const Autocommit session = database_of_two.autocommit();
    const std::string three = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3";
    std::int64_t sum = 0;
    session.run(three, nullptr, [&](const CellReader& outer) {
        session.run(three, nullptr, [&](const CellReader& inner) { sum += outer.int64(0) * inner.int64(0); });
    });
    EXPECT_EQ(sum, 36);
}

TEST_P(DatabaseTest, ThreadsWriteWithoutLosingAnything) {
    constexpr int kThreads = 4;
    constexpr int kWrites = 100;
    database.execute("INSERT INTO t (id, n) VALUES (1, 0)");
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < kWrites; ++k) {
                try {
                    database.transact(
                        [&](Transaction& transaction) {
                            const auto n = transaction.query("SELECT n FROM t WHERE id = 1").int64(0, 0);
                            transaction.execute(sql("UPDATE t SET n = ? WHERE id = 1"),
                                                std::vector<Value>{n + 1});
                        },
                        {.attempts_max = 1000, .wait_max = 20ms, .isolation = Isolation::Serializable});
                } catch (const core::Error&) {
                    ++failures;
                }
            }
        });
    }
    threads.clear();
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(database.query("SELECT n FROM t").int64(0, 0), kThreads * kWrites);
}

TEST_P(DatabaseTest, TransactCommitsWhatTheBodyDidAndGivesWhatItGave) {
    const std::int64_t id = database.transact([](Transaction& transaction) {
        transaction.execute("INSERT INTO t (n) VALUES (7) RETURNING id");
        return transaction.last_insert_id();
    });
    EXPECT_EQ(id, 1);
    EXPECT_EQ(count(), 1);
}

TEST_P(DatabaseTest, TransactRunsTheBodyAgainOnlyWhereTheDatabaseAsksForIt) {
    const RetryOptions at_once{.attempts_max = 3, .wait_min = 0ms};
    const auto attempts_on = [&](const auto& fail) {
        int attempts = 0;
        int committed = 0;
        const std::string code = test::code_of([&] {
            database.transact(
                [&](Transaction& transaction) {
                    transaction.execute("INSERT INTO t (n) VALUES (1)");
                    transaction.on_commit([&] { ++committed; });
                    ++attempts;
                    fail(attempts);
                },
                at_once);
        });
        return std::tuple(attempts, committed, code);
    };
    const auto busy = [](int) { throw core::Unavailable("database.busy", "busy"); };
    EXPECT_EQ(attempts_on(busy), std::tuple(3, 0, "database.busy"));
    const auto once = [](int attempt) {
        if (attempt == 1) throw core::Unavailable("database.serialization", "again");
    };
    EXPECT_EQ(attempts_on(once), std::tuple(2, 1, "nothing was thrown"));
    EXPECT_EQ(count(), 1) << "what a failed attempt wrote must be gone";
    const auto lost = [](int) { throw core::Unavailable("database.lost", "lost"); };
    EXPECT_EQ(attempts_on(lost), std::tuple(1, 0, "database.lost"));
}

TEST_P(DatabaseTest, AnActionOnCommitThatFailsDoesNotMakeTransactWriteAgain) {
    EXPECT_EQ(test::code_of([&] {
                  database.transact([](Transaction& transaction) {
                      transaction.execute("INSERT INTO t (n) VALUES (1)");
                      transaction.on_commit([] { throw core::Unavailable("database.busy", "busy"); });
                  });
              }),
              "database.busy");
    EXPECT_EQ(count(), 1);
}

TEST_P(DatabaseTest, ReadsThatRunTogetherAnswerInTheirOrder) {
    database.execute("INSERT INTO t (n, name) VALUES (10, 'ten'), (20, 'twenty')");
    std::vector<std::vector<Value>> keys;
    for (int i = 0; i < 100; ++i) keys.push_back({std::int64_t{i}});
    const std::string by_id = sql("SELECT name FROM t WHERE id = ?");
    std::vector<Statement> statements;
    for (const auto& key : keys) statements.push_back({.sql = by_id, .values = key});
    statements.push_back({.sql = "SELECT count(*) FROM t"});
    const ReadScope scope = database.read();
    for (int round = 0; round < 2; ++round) {
        const std::vector<RowSet> results = scope.query_all(statements);
        ASSERT_EQ(results.size(), 101U);
        for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(results[i].size(), i == 1 || i == 2 ? 1U : 0U) << i;
        EXPECT_EQ(results[2].text(0, 0), "twenty");
        EXPECT_EQ(results[100].int64(0, 0), 2);
    }
    EXPECT_TRUE(scope.query_all({}).empty());
}

TEST_P(DatabaseTest, AReadThatFailsAmongOthersIsTheErrorAndTheSessionGoesOn) {
    const Autocommit session = database.autocommit();
    const std::vector<Value> one{std::int64_t{1}};
    const std::string wrong = sql("SELECT n FROM absent WHERE id = ?");
    const std::vector<Statement> unknown{
        {.sql = "SELECT 1"}, {.sql = wrong, .values = one}, {.sql = "SELECT 2"}};
    EXPECT_EQ(test::code_of([&] { (void)session.query_all(unknown); }), "database.failed");
    const std::vector<Statement> unbound{{.sql = "SELECT 1"}, {.sql = "SELECT 2", .values = one}};
    EXPECT_EQ(test::code_of([&] { (void)session.query_all(unbound); }), "database.bindings");
    EXPECT_EQ(session.query("SELECT 3").int64(0, 0), 3);
}

TEST_P(DatabaseTest, CopiesRowsInAllOrNone) {
    const std::vector<std::string_view> columns{"n", "name"};
    const auto copy = [&](const Session& session, int rows, const auto& spoil) {
        int row = 0;
        return session.copy_in("t", columns, [&](CellWriter& to) {
            if (row == rows) return false;
            spoil(row);
            if (row != 2) to.int64(0, row);
            to.text_copy(1, "name" + std::to_string(row));
            ++row;
            return true;
        });
    };
    const auto nothing = [](int) {};
    const Autocommit session = database.autocommit();
    EXPECT_EQ(copy(session, 10'000, nothing), 10'000);
    EXPECT_EQ(count(), 10'000);
    EXPECT_EQ(session.query("SELECT count(*) FROM t WHERE n IS NULL").int64(0, 0), 1);
    EXPECT_EQ(session.query("SELECT n FROM t WHERE name = 'name9999'").int64(0, 0), 9999);
    session.execute("DELETE FROM t WHERE n < 9999");
    EXPECT_EQ(test::code_of([&] { copy(session, 10'000, nothing); }), "database.unique");
    EXPECT_EQ(count(), 2);
    EXPECT_THROW(copy(session, 10,
                      [](int row) {
                          if (row == 5) throw std::runtime_error("stop");
                      }),
                 std::runtime_error);
    EXPECT_EQ(count(), 2);
    Transaction transaction = database.begin();
    EXPECT_EQ(copy(transaction, 0, nothing), 0);
    EXPECT_EQ(test::code_of([&] { transaction.savepoint([&] { copy(transaction, 10'000, nothing); }); }),
              "database.unique");
    transaction.commit();
    EXPECT_EQ(count(), 2);
    const ReadScope scope = database.read();
    EXPECT_EQ(test::code_of([&] { copy(scope, 1, nothing); }), "database.read_scope");
}

TEST_P(DatabaseTest, TellsOfStatementsWhileItIsWatchedAndNeverOfValues) {
    std::vector<std::string> told;
    const std::string insert = sql("INSERT INTO t (n, name) VALUES (?, ?)");
    const std::vector<Value> values{std::int64_t{1}, "secret"};
    {
        const StatementWatch watch = database.on_statement([&](const StatementEvent& event) {
            EXPECT_GT(event.duration.count(), 0);
            const std::string label(event.label == nullptr ? "-" : event.label->name());
            told.push_back(label + ' ' + std::string(event.sql) + ' ' + std::to_string(event.rows) +
                           (event.error == nullptr ? "" : ' ' + event.error->code()));
        });
        database.execute(insert, values);
        EXPECT_THROW(database.execute(insert, values), core::Conflict);
        const StatementLabel outer("outer");
        {
            const StatementLabel inner("inner");
            (void)database.query("SELECT n FROM t");
        }
        database.autocommit().run("SELECT n FROM t");
        EXPECT_EQ(StatementLabel::current()->where().line(), outer.where().line());
        const std::vector<Statement> two{{.sql = "SELECT 1"}, {.sql = "SELECT 2"}};
        (void)database.autocommit().query_all(two);
    }
    (void)database.query("SELECT 'not watched'");
    EXPECT_EQ(told, (std::vector<std::string>{"- " + insert + " 1", "- " + insert + " 0 database.unique",
                                              "inner SELECT n FROM t 1", "outer SELECT n FROM t 1",
                                              "outer SELECT 1 1", "outer SELECT 2 1"}));
}

TEST_P(DatabaseTest, ValuesComeBackAsTheyWentIn) {
    database.execute(
        fresh.is_sqlite()
            ? "CREATE TABLE v (b INTEGER, i INTEGER, d REAL, t TEXT, x BLOB, day TEXT, at INTEGER, "
              "u BLOB, j TEXT)"
            : "CREATE TABLE v (b boolean, i bigint, d float8, t text, x bytea, day date, at "
              "timestamptz, u uuid, j jsonb)");
    const std::string insert = sql("INSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    core::Uuid uuid;
    for (std::uint8_t i = 0; i < 16; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(i * 16);
    const std::vector<std::vector<Value>> rows{
        {true, std::numeric_limits<std::int64_t>::min(), -0.1, "", core::Blob{}, core::Date{0},
         core::Timestamp{0}, uuid, core::Json{"{\"a\": 1}"}},
        {false, std::numeric_limits<std::int64_t>::max(), 1e308, "grüße 😀",
         core::Blob{{std::byte{0}, std::byte{39}}}, core::Date{-141'427}, core::Timestamp{-1}, core::Uuid{},
         core::Json{"[]"}},
        {true, 0, std::numeric_limits<double>::infinity(), "it's", core::Blob{}, core::Date{2'932'896},
         core::Timestamp{253'402'300'799'999'999}, uuid, core::Json{"null"}},
        std::vector<Value>(9)};
    for (const auto& row : rows) database.execute(insert, row);
    std::vector<RowColumn> columns;
    for (const char* name : {"b", "i", "d", "t", "x", "day", "at", "u", "j"}) columns.push_back({name, {}});
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].type = rows[0][i].type();
    const RowSet found = database.query("SELECT * FROM v ORDER BY at", {}, columns);
    const std::array<std::size_t, 4> order =
        fresh.is_sqlite() ? std::array<std::size_t, 4>{3, 1, 0, 2} : std::array<std::size_t, 4>{1, 0, 2, 3};
    ASSERT_EQ(found.size(), rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            EXPECT_EQ(found.value(row, i), rows[order[row]][i]) << row << ' ' << columns[i].name;
        }
    }
    database.autocommit().run_first("SELECT * FROM v WHERE i < 0", nullptr, [&](const CellReader& row) {
        EXPECT_TRUE(row.boolean(0));
        EXPECT_EQ(row.int64(1), std::numeric_limits<std::int64_t>::min());
        EXPECT_EQ(row.number(2), -0.1);
        EXPECT_EQ(row.text(3), "");
        EXPECT_TRUE(row.bytes(4).empty());
        EXPECT_EQ(row.date(5), core::Date{0});
        EXPECT_EQ(row.text(5), "1970-01-01");
        EXPECT_EQ(row.timestamp(6), core::Timestamp{0});
        EXPECT_EQ(row.uuid(7), uuid);
        EXPECT_EQ(row.text(8), "{\"a\": 1}");
    });
}

TEST_P(DatabaseTest, WhatIsNoNumberIsStoredAsNull) {
    database.execute("CREATE TABLE v (d FLOAT)");
    database.execute(sql("INSERT INTO v VALUES (?)"), std::vector<Value>{std::nan("")});
    EXPECT_TRUE(database.query("SELECT d FROM v").is_null(0, 0));
}

}  // namespace
}  // namespace consilia::data
