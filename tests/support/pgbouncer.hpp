#pragma once
// A PgBouncer of the tests' own in transaction mode, before their PostgreSQL server.
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/postgres_server.hpp"

namespace consilia::test {

/// A running pool with a single server connection for each database, so that all clients share it.
/// Threading: confined.
class PgBouncer {
public:
    explicit PgBouncer(const PostgresServer& server) {
        const std::string settings = (directory_ / "pgbouncer.ini").string();
        std::ofstream(settings) << "[databases]\n* = user=consilia host=" << server.directory()
                                << "\n[pgbouncer]\nauth_type = any\npool_mode = transaction\n"
                                   "default_pool_size = 1\nlisten_port = 5432\nunix_socket_dir = "
                                << directory_.path().string() << '\n';
        PostgresServer::give_away(directory_.path());
        std::array<int, 2> log{};
        if (::pipe2(log.data(), O_CLOEXEC) != 0)
            throw std::system_error(errno, std::generic_category(), "pipe2");
        // Debian keeps it where the path of users does not lead.
        const std::string program =
            std::filesystem::exists("/usr/sbin/pgbouncer") ? "/usr/sbin/pgbouncer" : "pgbouncer";
        pool_ = PostgresServer::spawn({program, settings}, log[1], true);
        ::close(log[1]);
        std::string said;
        std::array<char, 512> part{};
        while (said.find("process up") == std::string::npos) {
            const ::ssize_t size = ::read(log[0], part.data(), part.size());
            if (size <= 0) throw std::runtime_error("pgbouncer did not start: " + said);
            said.append(part.data(), static_cast<std::size_t>(size));
        }
        ::close(log[0]);
    }
    ~PgBouncer() {
        ::kill(pool_, SIGQUIT);
        ::waitpid(pool_, nullptr, 0);
    }
    PgBouncer(const PgBouncer&) = delete;
    PgBouncer& operator=(const PgBouncer&) = delete;

    /// The way through the pool to a database of the server's.
    [[nodiscard]] std::string url(const std::string& direct) const {
        return direct.substr(0, direct.find("host=")) + "host=" + directory_.path().string();
    }

private:
    TemporaryDirectory directory_;
    ::pid_t pool_ = -1;
};

}  // namespace consilia::test
