// Goal: processes that share a file lose nothing, and a forked child never touches what it inherited. Method:
// real forks; a child reports through its exit status.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/database.hpp"
#include "data/fresh_database.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::data {
namespace {

using core::Value;

constexpr int kProcesses = 2;
constexpr int kWrites = 100;

// Runs `body` in a child; the child ends without running the destructors and exit handlers of the parent.
template <class F>
::pid_t in_child(const F& body) {
    const ::pid_t child = ::fork();
    if (child != 0) return child;
    int status = 99;
    try {
        status = body();
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "child: %s\n", error.what()));
    }
    ::_exit(status);
}

int status_of(::pid_t child) {
    int status = 0;
    if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

TEST(Processes, ReadModifyWriteLosesNoUpdate) {
    const test::TemporaryDirectory directory;
    const std::string url = "sqlite:" + (directory / "test.db").string();
    {
        Database database(url);
        database.execute("CREATE TABLE t (n INTEGER)");
        database.execute("INSERT INTO t VALUES (0)");
    }
    std::vector<::pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
        children.push_back(in_child([&] {
            Database database(url);
            for (int k = 0; k < kWrites; ++k) {
                Transaction transaction = database.begin();
                const std::int64_t n = transaction.query("SELECT n FROM t").int64(0, 0);
                transaction.execute("UPDATE t SET n = ?", std::vector<Value>{n + 1});
                transaction.commit();
            }
            return 0;
        }));
    }
    for (const ::pid_t child : children) EXPECT_EQ(status_of(child), 0);
    Database database(url);
    EXPECT_EQ(database.query("SELECT n FROM t").int64(0, 0), kProcesses * kWrites);
}

class ForkTest : public test::OnBothDatabases {};
INSTANTIATE_ON_BOTH(ForkTest);

TEST_P(ForkTest, AForkedChildIsRefusedAndTheParentGoesOn) {
    const std::string url = fresh.url();
    Database database(url);
    database.execute("CREATE TABLE t (n INTEGER)");
    {
        Transaction transaction = database.begin();
        transaction.execute("INSERT INTO t VALUES (1)");
        // 1: a new session is refused; 2: so is an open one; 3: the child's own database works; then
        // everything that was inherited is destroyed, which must not end the parent's transaction or close
        // its files.
        const ::pid_t child = in_child([&] {
            if (test::code_of([&] { auto scope = database.read(); }) != "database.forked") return 1;
            if (test::code_of([&] { transaction.execute("DELETE FROM t"); }) != "database.forked") return 2;
            {
                Database own(url);
                if (own.query("SELECT count(*) FROM t").int64(0, 0) != 0) return 3;
            }
            Transaction inherited = std::move(transaction);
            return 0;
        });
        EXPECT_EQ(status_of(child), 0);
        transaction.execute("INSERT INTO t VALUES (2)");
        transaction.commit();
    }
    EXPECT_EQ(database.query("SELECT count(*) FROM t").int64(0, 0), 2);
}

TEST(Processes, AGrandchildIsRefusedTheDatabaseOfTheChild) {
    const test::TemporaryDirectory directory;
    const std::string url = "sqlite:" + (directory / "test.db").string();
    const ::pid_t child = in_child([&] {
        Database database(url);
        return status_of(in_child([&] {
            return test::code_of([&] { auto scope = database.read(); }) == "database.forked" ? 0 : 1;
        }));
    });
    EXPECT_EQ(status_of(child), 0);
}

}  // namespace
}  // namespace consilia::data
