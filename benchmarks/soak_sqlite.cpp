// Do many processes write one SQLite file for a long time without a refusal or a loss? Each reads a counter
// and writes it back raised, as fast as it can: `soak_sqlite [seconds [processes]]`, 60 and 8 if not said.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

#include "support/sqlite_writers.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace consilia;

int soak(std::chrono::seconds time, std::size_t processes) {
    const test::TemporaryDirectory directory;
    const std::string url = "sqlite:" + (directory / "soak.db").string();
    const auto end = std::chrono::steady_clock::now() + time;
    const auto reports = test::run_sqlite_writers(
        url, processes, [&](std::int64_t) { return std::chrono::steady_clock::now() < end; });
    std::int64_t commits = 0;
    for (const test::WriterReport& report : reports) {
        commits += report.commits;
        std::printf("%8lld commits, longest wait %.1f ms\n", static_cast<long long>(report.commits),
                    static_cast<double>(report.wait_us_max) / 1e3);
    }
    const std::string lost = test::lost_by_sqlite_writers(url, reports);
    std::printf("%lld commits of %zu processes in %lld s: %s\n", static_cast<long long>(commits), processes,
                static_cast<long long>(time.count()),
                lost.empty() ? "no refusal, nothing lost" : lost.c_str());
    return lost.empty() ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
    try {
        const long seconds = count > 1 ? std::stol(arguments[1]) : 60;
        const unsigned long processes = count > 2 ? std::stoul(arguments[2]) : 8;
        return soak(std::chrono::seconds(seconds), processes);
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "soak_sqlite: %s\n", error.what()));
        return 2;
    }
}
