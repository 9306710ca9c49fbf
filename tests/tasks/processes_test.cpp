// Goal: processes that share a queue do each task once. Method: fork before anything is opened; every worker
// appends the id of each task that it completes to one pipe.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <map>

#include "consilia/data/database.hpp"
#include "consilia/tasks/queue.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::tasks {
namespace {

using namespace std::chrono_literals;

constexpr int kTasks = 150;
constexpr int kWorkers = 3;

// Works until the queue is empty. Returns the exit status of the process.
int work(const std::string& url, int worker, int pipe) {
    try {
        data::Database database(url);
        Queue queue(database);
        while (const auto lease = queue.lease("worker" + std::to_string(worker), 600s)) {
            data::Transaction transaction = database.begin();
            queue.complete(transaction, *lease);
            transaction.commit();
            if (::write(pipe, &lease->task_id, sizeof lease->task_id) != sizeof lease->task_id) return 2;
        }
        return 0;
    } catch (const std::exception& error) {
        static_cast<void>(std::fprintf(stderr, "worker %d: %s\n", worker, error.what()));
        return 1;
    }
}

TEST(QueueProcesses, DoEachTaskOnce) {
    const test::TemporaryDirectory directory;
    const std::string url = "sqlite:" + (directory / "tasks.db").string();
    std::array<int, 2> start{};
    std::array<int, 2> done{};
    ASSERT_EQ(::pipe(start.data()), 0);
    ASSERT_EQ(::pipe(done.data()), 0);
    std::vector<::pid_t> workers;
    for (int worker = 0; worker < kWorkers; ++worker) {
        const ::pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            char go = 0;
            ::close(start[1]);
            ::close(done[0]);
            // Waits until the parent has made the tasks and closes its end.
            const bool is_started = ::read(start[0], &go, 1) == 0;
            ::_exit(is_started ? work(url, worker, done[1]) : 3);
        }
        workers.push_back(child);
    }
    ::close(done[1]);
    {
        data::Database database(url);
        Queue queue(database);
        queue.create_schema();
        data::Transaction transaction = database.begin();
        for (int i = 0; i < kTasks; ++i) queue.enqueue(transaction, {.kind = "test"});
        transaction.commit();
    }
    ::close(start[0]);
    ::close(start[1]);

    std::map<std::int64_t, int> times;
    std::int64_t task_id = 0;
    while (::read(done[0], &task_id, sizeof task_id) == sizeof task_id) ++times[task_id];
    ::close(done[0]);
    for (const ::pid_t worker : workers) {
        int status = 0;
        ASSERT_EQ(::waitpid(worker, &status, 0), worker);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
    }
    EXPECT_EQ(times.size(), static_cast<std::size_t>(kTasks));
    for (const auto& [id, count] : times) EXPECT_EQ(count, 1) << "task " << id;
}

}  // namespace
}  // namespace consilia::tasks
