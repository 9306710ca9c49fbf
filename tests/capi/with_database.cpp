// Runs a C test on an empty database of one kind: `with_database sqlite|postgresql PROGRAM` calls
// `PROGRAM URL FOLDER` and gives its exit status.
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "data/fresh_database.hpp"

int main(int argc, char** argv) {
    using consilia::core::SqlDialect;
    if (argc != 3) {
        std::cerr << "usage: with_database sqlite|postgresql PROGRAM\n";
        return 2;
    }
    const bool is_sqlite = std::string(argv[1]) == "sqlite";
    const consilia::test::FreshDatabase fresh(is_sqlite ? SqlDialect::Sqlite : SqlDialect::PostgreSql);
    const consilia::test::TemporaryDirectory folder;
    const pid_t child = ::fork();
    if (child == 0) {
        ::execl(argv[2], argv[2], fresh.url().c_str(), folder.path().c_str(), nullptr);
        ::_exit(127);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
