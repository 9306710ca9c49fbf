// What is SQLite's own: files, settings, one writer.
#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/database.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::data {
namespace {

using namespace std::chrono_literals;

class SqliteTest : public testing::Test {
protected:
    SqliteTest() { database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, name TEXT UNIQUE)"); }

    std::int64_t count() { return database.query("SELECT count(*) FROM t").int64(0, 0); }

    test::TemporaryDirectory directory;
    std::string url = "sqlite:" + (directory / "test.db").string();
    Database database{url, {.connections_max = 4, .busy_timeout = 5s}};
};

TEST(Sqlite, SaysThatAFileCannotBeOpened) {
    const test::TemporaryDirectory directory;
    const std::string url = "sqlite:" + (directory / "absent" / "test.db").string();
    EXPECT_EQ(test::code_of([&] { Database database(url); }), "database.open");
}

TEST(Sqlite, RefusesAFileThatIsNoDatabase) {
    const test::TemporaryDirectory directory;
    const auto path = directory / "test.db";
    FILE* file = std::fopen(path.c_str(), "w");
    for (int i = 0; i < 1000; ++i) std::fputs("not a database\n", file);
    std::fclose(file);
    EXPECT_EQ(test::code_of([&] { Database database("sqlite:" + path.string()); }), "database.corrupt");
}

TEST(Sqlite, InMemoryKeepsItsRowsBetweenSessions) {
    Database database("sqlite::memory:");
    database.execute("CREATE TABLE t (n INTEGER)");
    database.execute("INSERT INTO t VALUES (7)");
    EXPECT_EQ(database.query("SELECT n FROM t").int64(0, 0), 7);
}

TEST_F(SqliteTest, EachConnectionIsSetForAWebServer) {
    std::vector<Autocommit> scopes;
    for (int i = 0; i < 4; ++i) scopes.push_back(database.autocommit());
    for (const Autocommit& scope : scopes) {
        EXPECT_EQ(scope.query("PRAGMA journal_mode").text(0, 0), "wal");
        EXPECT_EQ(scope.query("PRAGMA foreign_keys").int64(0, 0), 1);
        EXPECT_EQ(scope.query("PRAGMA synchronous").int64(0, 0), 2);  // FULL
        EXPECT_EQ(scope.query("SELECT 'ABC' LIKE 'abc'").int64(0, 0), 0) << "LIKE must be case-sensitive";
    }
}

TEST_F(SqliteTest, APlaceThatARowLeavesOutIsNullWhateverTheRowBeforeHad) {
    constexpr std::array<std::string_view, 2> kColumns = {"n", "name"};
    int row = 0;
    database.autocommit().copy_in("t", kColumns, [&](CellWriter& to) {
        if (row == 0) {
            to.int64(0, 7);
            to.text(1, "seven");
        } else if (row == 1) {
            to.text(1, "none");
        }
        return row++ < 3;
    });
    const RowSet rows = database.query("SELECT n, name FROM t ORDER BY id");
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows.int64(0, 0), 7);
    EXPECT_TRUE(rows.is_null(1, 0));
    EXPECT_EQ(rows.text(1, 1), "none");
    EXPECT_TRUE(rows.is_null(2, 0));
    EXPECT_TRUE(rows.is_null(2, 1));
}

TEST_F(SqliteTest, NothingRunsAfterTheDatabaseRolledBackByItself) {
    Transaction transaction = database.begin();
    EXPECT_EQ(test::code_of([&] { transaction.execute("INSERT OR ROLLBACK INTO t (id) VALUES (1), (1)"); }),
              "database.unique");
    EXPECT_EQ(test::code_of([&] { transaction.execute("INSERT INTO t (n) VALUES (1)"); }),
              "database.rolled_back");
    EXPECT_EQ(test::code_of([&] { transaction.commit(); }), "database.rolled_back");
    transaction.rollback();
    EXPECT_EQ(count(), 0);
}

TEST_F(SqliteTest, ReportsABusyDatabase) {
    Database impatient(url, {.busy_timeout = 1ms});
    const Transaction writer = database.begin();
    EXPECT_EQ(test::code_of([&] { auto second = impatient.begin(); }), "database.busy");
    EXPECT_NO_THROW((void)impatient.query("SELECT 1")) << "a writer must not stop readers";
}

}  // namespace
}  // namespace consilia::data
