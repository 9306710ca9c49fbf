#pragma once
// Processes that write one SQLite file as fast as they can, and the proof that nothing was refused or lost.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/database.hpp"

namespace consilia::test {

/// What one process did; it lies in memory that all share, so that a killed one is counted too.
struct WriterReport {
    std::int64_t commits = 0;  ///< Acknowledged.
    std::int64_t wait_us_max = 0;
    std::array<char, 240> error{};  ///< What ended it early; empty: nothing.
    [[nodiscard]] std::string_view failure() const noexcept { return error.data(); }
};

namespace detail {

// Each transaction reads a counter, writes it back raised, and leaves an entry: a lost update, a lost commit
// and a torn snapshot all show.
inline void write_once(data::Database& database, std::int64_t writer, WriterReport& report) {
    const auto start = std::chrono::steady_clock::now();
    data::Transaction transaction = database.begin();
    const auto waited = std::chrono::steady_clock::now() - start;
    const std::int64_t n = transaction.query("SELECT n FROM counter").int64(0, 0) + 1;
    transaction.execute("UPDATE counter SET n = ?", std::vector<core::Value>{n});
    transaction.execute("INSERT INTO entries (id, writer, number) VALUES (?, ?, ?)",
                        std::vector<core::Value>{n, writer, report.commits + 1});
    transaction.commit();
    ++report.commits;
    const auto waited_us = std::chrono::duration_cast<std::chrono::microseconds>(waited).count();
    report.wait_us_max = std::max<std::int64_t>(report.wait_us_max, waited_us);
}

inline void read_once(data::Database& database) {
    const data::ReadScope snapshot = database.read();
    const std::int64_t n = snapshot.query("SELECT n FROM counter").int64(0, 0);
    if (snapshot.query("SELECT coalesce(max(id), 0) FROM entries").int64(0, 0) != n) {
        throw std::runtime_error("a snapshot shows half a transaction");
    }
}

template <class F>
void write_while(const std::string& url, std::int64_t writer, WriterReport& report,
                 const F& goes_on) noexcept {
    try {
        data::Database database(url);
        while (goes_on(report.commits)) {
            write_once(database, writer, report);
            if (report.commits % 4 == 0) read_once(database);
        }
    } catch (const std::exception& error) {
        const std::string what = error.what();
        std::memcpy(report.error.data(), what.data(), std::min(what.size(), report.error.size() - 1));
    }
}

}  // namespace detail

/// Forks `processes` writers that go on while `goes_on(commits)`, waits for them all, and gives their
/// reports. The caller must not hold a database open.
template <class F>
std::vector<WriterReport> run_sqlite_writers(const std::string& url, std::size_t processes,
                                             const F& goes_on) {
    data::Database(url).execute("CREATE TABLE counter (n INTEGER NOT NULL)");
    data::Database(url).execute("INSERT INTO counter VALUES (0)");
    data::Database(url).execute(
        "CREATE TABLE entries (id INTEGER PRIMARY KEY, writer INTEGER NOT NULL, number INTEGER NOT NULL)");
    const std::size_t bytes = processes * sizeof(WriterReport);
    void* shared = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw std::bad_alloc();
    const std::span reports(static_cast<WriterReport*>(shared), processes);  // All zeros: valid as it is.
    std::vector<::pid_t> children;
    for (std::size_t writer = 0; writer < processes; ++writer) {
        const ::pid_t child = ::fork();
        if (child == 0) {
            detail::write_while(url, static_cast<std::int64_t>(writer), reports[writer], goes_on);
            ::_exit(0);
        }
        if (child < 0) throw std::runtime_error("fork failed");
        children.push_back(child);
    }
    for (const ::pid_t child : children) ::waitpid(child, nullptr, 0);
    std::vector<WriterReport> done(reports.begin(), reports.end());
    ::munmap(shared, bytes);
    return done;
}

/// What is wrong with the file, given what was acknowledged; empty: nothing.
inline std::string lost_by_sqlite_writers(const std::string& url, std::span<const WriterReport> reports) {
    data::Database database(url);
    const auto number = [&](std::string_view sql, const std::vector<core::Value>& values = {}) {
        return database.query(sql, values).int64(0, 0);
    };
    std::int64_t commits = 0;
    for (std::size_t writer = 0; writer < reports.size(); ++writer) {
        const WriterReport& report = reports[writer];
        if (!report.failure().empty()) {
            return "writer " + std::to_string(writer) + ": " + std::string(report.failure());
        }
        // As many as acknowledged, and numbered without a gap.
        const std::vector<core::Value> of_writer{static_cast<std::int64_t>(writer)};
        if (number("SELECT count(*) FROM entries WHERE writer = ?", of_writer) != report.commits ||
            number("SELECT coalesce(max(number), 0) FROM entries WHERE writer = ?", of_writer) !=
                report.commits) {
            return "entries of writer " + std::to_string(writer) + " were lost";
        }
        commits += report.commits;
    }
    if (number("SELECT n FROM counter") != commits) return "updates of the counter were lost";
    if (database.query("PRAGMA integrity_check").text(0, 0) != "ok") return "the file is damaged";
    return {};
}

}  // namespace consilia::test
