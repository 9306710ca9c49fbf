#pragma once
// A PostgreSQL server of the tests' own: temporary, on a socket in its own directory, gone with the program.
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "consilia/data/database.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::test {

/// A running server. Its default collation is that of a language (ICU, en-US), as most servers have it, so
/// that a text order which is not stated shows. The server refuses root, so root runs it as `postgres`. The
/// cluster is made once for a build folder and copied. Threading: confined.
class PostgresServer {
public:
    PostgresServer() {
        give_away(directory_.path());
        copy_cluster();
        start();
    }
    ~PostgresServer() {
        if (::getpid() == owner_) stop();
    }
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    /// The one that the tests of a program share; started when first asked for.
    static PostgresServer& instance() {
        static PostgresServer server;
        return server;
    }

    [[nodiscard]] std::string url(const std::string& database = "postgres") const {
        return "postgresql://consilia@/" + database + "?host=" + directory_.path().string();
    }
    /// Makes an empty database and gives its URL. The name must be one of the program's own.
    std::string create_database(const std::string& name) const {
        data::Database(url(), {.connections_max = 1}).execute("CREATE DATABASE " + name);
        return url(name);
    }
    /// The URL of a new database whose name nobody has used before.
    std::string create_database() const {
        static int made = 0;
        return create_database("test_" + std::to_string(::getpid()) + "_" + std::to_string(++made));
    }

    /// Kills the server with all of its connections, as a crash would.
    void stop() noexcept {
        const ::pid_t server = std::exchange(server_, -1);
        if (server <= 0) return;
        ::kill(server, SIGQUIT);
        ::waitpid(server, nullptr, 0);
    }

    /// Starts it (again), and returns once it takes connections.
    void start() {
        std::array<int, 2> log{};
        if (::pipe2(log.data(), O_CLOEXEC) != 0) fail("pipe2");
        const std::string data = (directory_ / "data").string();
        std::vector<std::string> command{binary("postgres"), "-D", data, "-k", directory_.path().string()};
        for (const char* setting : {"listen_addresses=", "fsync=off", "full_page_writes=off",
                                    "log_min_messages=log", "lc_messages=C", "shared_buffers=32MB"}) {
            command.insert(command.end(), {"-c", setting});
        }
        server_ = spawn(command, log[1], true);
        ::close(log[1]);
        // The server says when it is ready; afterwards nobody listens, which it does not mind.
        std::string said;
        std::array<char, 512> part{};
        while (said.find("ready to accept connections") == std::string::npos) {
            const ::ssize_t size = ::read(log[0], part.data(), part.size());
            if (size <= 0) throw std::runtime_error("the test server did not start: " + said);
            said.append(part.data(), static_cast<std::size_t>(size));
        }
        ::close(log[0]);
    }

    [[nodiscard]] std::string directory() const { return directory_.path().string(); }

    /// Makes a directory that of the user whom `spawn` runs programs as.
    static void give_away(const std::filesystem::path& path) {
        const auto to = servant();
        if (!to) return;
        const auto give = [&](const std::filesystem::path& file) {
            if (::lchown(file.c_str(), to->first, to->second) != 0) fail("lchown");
        };
        give(path);
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) give(entry.path());
    }

    /// Runs a program with nothing of this environment but the path; `output` becomes its output.
    static ::pid_t spawn(const std::vector<std::string>& command, int output, bool dies_with_us) {
        std::vector<char*> arguments;
        for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        std::string search = "PATH=/usr/local/bin:/usr/bin:/bin";
        std::string zone = "TZ=UTC";
        const std::array<char*, 3> environment{search.data(), zone.data(), nullptr};
        const auto as = servant();
        const ::pid_t parent = ::getpid();
        const ::pid_t child = ::fork();
        if (child < 0) fail("fork");
        if (child > 0) return child;
        if (as && (::setgid(as->second) != 0 || ::setuid(as->first) != 0)) ::_exit(126);
        ::setpgid(0, 0);  // Keys pressed in the terminal are for the tests.
        if (dies_with_us) ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
        if (::getppid() != parent) ::_exit(126);
        ::dup2(output, STDOUT_FILENO);
        ::dup2(output, STDERR_FILENO);
        ::execvpe(arguments[0], arguments.data(), environment.data());
        ::_exit(127);
    }

private:
    [[noreturn]] static void fail(const char* what) {
        throw std::system_error(errno, std::generic_category(), what);
    }

    /// The newest installed version, wherever the distribution keeps it; else what the path finds.
    static std::string binary(const std::string& name) {
        ::glob_t found{};
        std::string path = name;
        const std::string pattern = "/usr/lib/postgresql/*/bin/" + name;
        if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) path = found.gl_pathv[found.gl_pathc - 1];
        ::globfree(&found);
        return path;
    }

    /// Whom root runs the server as.
    static std::optional<std::pair<::uid_t, ::gid_t>> servant() {
        if (::getuid() != 0) return std::nullopt;
        const ::passwd* user = ::getpwnam("postgres");
        if (user == nullptr) throw std::runtime_error("root needs a user `postgres` to run the test server");
        return std::pair(user->pw_uid, user->pw_gid);
    }

    void copy_cluster() const {
        namespace fs = std::filesystem;
        const fs::path kept = fs::path(CONSILIA_BINARY_DIR) / "postgres-cluster";
        const int lock = ::open((kept.string() + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (lock < 0 || ::flock(lock, LOCK_EX) != 0) fail("lock");
        if (!fs::exists(kept)) make_cluster(kept);
        ::close(lock);
        fs::copy(kept, directory_ / "data", fs::copy_options::recursive);
        give_away(directory_ / "data");
    }

    static void make_cluster(const std::filesystem::path& kept) {
        const TemporaryDirectory directory;
        give_away(directory.path());
        const int log = ::open((directory / "log").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        const ::pid_t child = spawn({binary("initdb"), "-D", (directory / "data").string(), "-U", "consilia",
                                     "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu",
                                     "--icu-locale=en-US", "--wal-segsize=1", "--no-sync"},
                                    log, false);
        int status = 0;
        ::waitpid(child, &status, 0);
        if (status != 0) {
            std::string said(4096, '\0');
            said.resize(static_cast<std::size_t>(std::max<::ssize_t>(0, ::pread(log, said.data(), 4096, 0))));
            throw std::runtime_error("no cluster for the test server: " + said);
        }
        ::close(log);
        const std::filesystem::path fresh = kept.string() + ".new";
        std::filesystem::remove_all(fresh);
        std::filesystem::copy(directory / "data", fresh, std::filesystem::copy_options::recursive);
        std::filesystem::rename(fresh, kept);
    }

    ::pid_t owner_ = ::getpid();
    ::pid_t server_ = -1;
    TemporaryDirectory directory_;
};

}  // namespace consilia::test
