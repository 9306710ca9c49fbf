// Goal: writers of one file from many processes are never refused and lose nothing. Method: a short form of
// benchmarks/soak_sqlite.cpp, counted instead of timed; every commit that was acknowledged must be in the
// file.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/sqlite_writers.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::data {
namespace {

constexpr std::size_t kProcesses = 8;
constexpr std::int64_t kCommits = 25;

TEST(Soak, EightProcessesThatWriteOneFileAreNeverRefusedAndLoseNothing) {
    const test::TemporaryDirectory directory;
    const std::string url = "sqlite:" + (directory / "test.db").string();
    const auto reports =
        test::run_sqlite_writers(url, kProcesses, [](std::int64_t commits) { return commits < kCommits; });
    EXPECT_EQ(test::lost_by_sqlite_writers(url, reports), "");
    for (const test::WriterReport& report : reports) EXPECT_EQ(report.commits, kCommits);
}

TEST(Soak, ALostUpdateALostEntryAndARefusalAreFound) {
    const test::TemporaryDirectory directory;
    const std::string url = "sqlite:" + (directory / "test.db").string();
    auto reports = test::run_sqlite_writers(url, 1, [](std::int64_t commits) { return commits < 3; });
    Database(url).execute("UPDATE counter SET n = 2");
    EXPECT_EQ(test::lost_by_sqlite_writers(url, reports), "updates of the counter were lost");
    Database(url).execute("DELETE FROM entries WHERE id = 2");
    EXPECT_EQ(test::lost_by_sqlite_writers(url, reports), "entries of writer 0 were lost");
    reports[0].error[0] = 'x';
    EXPECT_EQ(test::lost_by_sqlite_writers(url, reports), "writer 0: x");
}

}  // namespace
}  // namespace consilia::data
