#include "consilia/data/database.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "consilia/core/error.hpp"
#include "data/errors.hpp"
#include "data/fresh_database.hpp"

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

}  // namespace
}  // namespace consilia::data
