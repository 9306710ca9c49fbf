#include "consilia/tasks/queue.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "consilia/core/error.hpp"
#include "consilia/data/database.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::tasks {
namespace {

using test::code_of;
using namespace std::chrono_literals;

constexpr core::Timestamp kStart{1'700'000'000'000'000};

class QueueTest : public testing::Test {
protected:
    QueueTest() { queue.create_schema(); }

    QueueOptions options() {
        QueueOptions result;
        result.clock = &clock;
        result.random = [this] { return chance; };
        return result;
    }

    Enqueued add(NewTask task) {
        data::Transaction transaction = database.begin();
        const Enqueued enqueued = queue.enqueue(transaction, task);
        transaction.commit();
        return enqueued;
    }
    Enqueued add(const char* payload = "{}", int priority = 0) {
        return add(NewTask{.kind = "test", .payload = {payload}, .priority = priority});
    }
    void complete(const Lease& lease) {
        data::Transaction transaction = database.begin();
        queue.complete(transaction, lease);
        transaction.commit();
    }
    TaskStatus fail(const Lease& lease, Retry retry = Retry::Allowed) {
        data::Transaction transaction = database.begin();
        const TaskStatus status = queue.fail(transaction, lease, "it broke", retry);
        transaction.commit();
        return status;
    }
    std::vector<Task> bury() {
        data::Transaction transaction = database.begin();
        std::vector<Task> buried = queue.bury_expired(transaction);
        transaction.commit();
        return buried;
    }

    test::TemporaryDirectory directory;
    core::ManualClock clock{kStart};
    double chance = 0;
    data::Database database{"sqlite:" + (directory / "tasks.db").string()};
    Queue queue{database, options()};
};

TEST_F(QueueTest, GivesATaskToOneWorkerAndFinishesIt) {
    const Enqueued task = add(R"({"order":7})");
    EXPECT_TRUE(task.is_new);
    const auto lease = queue.lease("a", 60s);
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->task_id, task.task_id);
    EXPECT_EQ(lease->kind, "test");
    EXPECT_EQ(lease->payload.text, R"({"order":7})");
    EXPECT_EQ(lease->attempt, 1);
    EXPECT_EQ(lease->expires_at, kStart + 60s);
    EXPECT_FALSE(queue.lease("b", 60s)) << "leased twice";
    EXPECT_EQ(queue.statistics().leased, 1);
    complete(*lease);
    EXPECT_FALSE(queue.lease("b", 60s)) << "leased after completion";
    EXPECT_EQ(queue.statistics().completed, 1);
    EXPECT_EQ(queue.find(task.task_id)->status, TaskStatus::Completed);
}

TEST_F(QueueTest, ATaskOfARolledBackTransactionNeverExisted) {
    {
        data::Transaction transaction = database.begin();
        queue.enqueue(transaction, {.kind = "test"});
    }
    EXPECT_FALSE(queue.lease("a", 60s));
    EXPECT_EQ(queue.statistics().pending, 0);
}

TEST_F(QueueTest, ACompletionOfARolledBackTransactionDidNotHappen) {
    add();
    const auto lease = queue.lease("a", 60s);
    {
        data::Transaction transaction = database.begin();
        queue.complete(transaction, *lease);
    }
    EXPECT_EQ(queue.statistics().leased, 1);
    complete(*lease);
    EXPECT_EQ(queue.statistics().completed, 1);
}

TEST_F(QueueTest, TakesTheHighestPriorityThenTheLongestDue) {
    const auto low = add("{}", -1);
    const auto first = add("{}", 0);
    clock.advance(1s);
    const auto second = add("{}", 0);
    const auto high = add("{}", 5);
    for (const auto& expected : {high, first, second, low}) {
        EXPECT_EQ(queue.lease("a", 60s)->task_id, expected.task_id);
    }
}

TEST_F(QueueTest, WaitsForRunAt) {
    add(NewTask{.kind = "test", .run_at = kStart + 10s});
    clock.advance(10s - 1us);
    EXPECT_FALSE(queue.lease("a", 60s));
    clock.advance(1us);
    EXPECT_TRUE(queue.lease("a", 60s));
}

TEST_F(QueueTest, LeasesOnlyTheKindsThatAreAskedFor) {
    add(NewTask{.kind = "mail"});
    EXPECT_FALSE(queue.lease("a", 60s, {"predict", "sweep"}));
    EXPECT_TRUE(queue.lease("a", 60s, {"predict", "mail"}));
}

TEST_F(QueueTest, AnExpiredLeaseIsTakenAgainAndTheFirstHolderIsFencedOff) {
    add();
    auto stale = queue.lease("a", 60s);
    clock.advance(60s - 1us);
    EXPECT_FALSE(queue.lease("b", 60s)) << "one microsecond early";
    clock.advance(1us);
    const auto fresh = queue.lease("b", 60s);
    ASSERT_TRUE(fresh);
    EXPECT_EQ(fresh->attempt, 2);
    EXPECT_EQ(code_of([&] { complete(*stale); }), "tasks.stale_lease");
    EXPECT_EQ(code_of([&] { fail(*stale); }), "tasks.stale_lease");
    EXPECT_EQ(code_of([&] { queue.heartbeat(*stale, 60s); }), "tasks.stale_lease");
    complete(*fresh);
    EXPECT_EQ(code_of([&] { complete(*fresh); }), "tasks.stale_lease") << "completed twice";
    EXPECT_EQ(queue.statistics().completed, 1);
}

TEST_F(QueueTest, AnExpiredLeaseThatNobodyTookCanStillComplete) {
    add();
    const auto lease = queue.lease("a", 60s);
    clock.advance(1h);
    complete(*lease);
    EXPECT_EQ(queue.statistics().completed, 1);
}

TEST_F(QueueTest, AHeartbeatKeepsTheLease) {
    add();
    auto lease = queue.lease("a", 60s);
    clock.advance(50s);
    queue.heartbeat(*lease, 60s);
    EXPECT_EQ(lease->expires_at, kStart + 110s);
    clock.advance(50s);
    EXPECT_FALSE(queue.lease("b", 60s));
}

TEST_F(QueueTest, RetriesAfter60Then120Then240SecondsAndThenBuries) {
    const auto task = add();
    for (const auto wait : {60s, 120s, 240s}) {
        ASSERT_EQ(fail(*queue.lease("a", 10s)), TaskStatus::Pending);
        clock.advance(wait - 1us);
        EXPECT_FALSE(queue.lease("a", 10s)) << wait.count();
        clock.advance(1us);
    }
    EXPECT_EQ(fail(*queue.lease("a", 10s)), TaskStatus::Dead);
    clock.advance(24h);
    EXPECT_FALSE(queue.lease("a", 10s));
    const Task dead = *queue.find(task.task_id);
    EXPECT_EQ(dead.status, TaskStatus::Dead);
    EXPECT_EQ(dead.attempts, 4);
    EXPECT_EQ(dead.last_error, "it broke");
}

TEST_F(QueueTest, JitterStretchesTheWaitByItsPart) {
    chance = 0.5;
    const auto task = add();
    fail(*queue.lease("a", 10s));
    EXPECT_EQ(queue.find(task.task_id)->available_at, kStart + 63s);
}

TEST_F(QueueTest, AFailureThatMayNotBeRetriedIsADeadLetterAtOnce) {
    add();
    EXPECT_EQ(fail(*queue.lease("a", 10s), Retry::Never), TaskStatus::Dead);
}

TEST_F(QueueTest, BuriesATaskWhoseLastAttemptNeverCameBack) {
    const auto task = add(R"({"n":1})");
    for (int attempt = 1; attempt <= 4; ++attempt) {
        EXPECT_TRUE(bury().empty()) << attempt;
        ASSERT_TRUE(queue.lease("a", 10s)) << attempt;
        clock.advance(10s);
    }
    EXPECT_FALSE(queue.lease("a", 10s)) << "a fifth attempt";
    const std::vector<Task> buried = bury();
    ASSERT_EQ(buried.size(), 1U);
    EXPECT_EQ(buried[0].id, task.task_id);
    EXPECT_EQ(buried[0].payload.text, R"({"n":1})");
    EXPECT_EQ(queue.statistics().dead, 1);
    EXPECT_TRUE(bury().empty());
}

TEST_F(QueueTest, AUniqueKeyAdmitsOneUnfinishedTask) {
    const NewTask task{.kind = "test", .unique_key = "prediction:1"};
    const Enqueued first = add(task);
    const Enqueued again = add(task);
    EXPECT_FALSE(again.is_new);
    EXPECT_EQ(again.task_id, first.task_id);
    const auto lease = queue.lease("a", 60s);
    EXPECT_FALSE(add(task).is_new) << "while leased";
    complete(*lease);
    EXPECT_TRUE(add(task).is_new) << "after completion";
    fail(*queue.lease("a", 60s), Retry::Never);
    EXPECT_TRUE(add(task).is_new) << "after a dead letter";
}

TEST_F(QueueTest, PurgesOnlyWhatWasCompletedBefore) {
    add();
    complete(*queue.lease("a", 60s));
    clock.advance(1h);
    add();
    complete(*queue.lease("a", 60s));
    add();
    fail(*queue.lease("a", 60s), Retry::Never);
    EXPECT_EQ(queue.purge_completed(kStart + 30min), 1);
    EXPECT_EQ(queue.statistics().completed, 1);
    EXPECT_EQ(queue.statistics().dead, 1);
}

TEST_F(QueueTest, RefusesWhatPassesABound) {
    const std::string longest(options().payload_bytes_max - 2, 'x');
    EXPECT_TRUE(add(NewTask{.kind = "test", .payload = {"\"" + longest + "\""}}).is_new);
    EXPECT_EQ(code_of([&] { add(NewTask{.kind = "test", .payload = {"\"x" + longest + "\""}}); }),
              "tasks.payload");
    EXPECT_EQ(code_of([&] { add(NewTask{.kind = "test", .payload = {"{"}}); }), "tasks.payload");
    EXPECT_EQ(code_of([&] { add(NewTask{.kind = ""}); }), "tasks.kind");
    EXPECT_TRUE(add(NewTask{.kind = std::string(100, 'k')}).is_new);
    EXPECT_EQ(code_of([&] { add(NewTask{.kind = std::string(101, 'k')}); }), "tasks.kind");
    EXPECT_EQ(code_of([&] { add(NewTask{.kind = "test", .unique_key = std::string(201, 'u')}); }),
              "tasks.unique_key");
    EXPECT_EQ(code_of([&] { static_cast<void>(queue.lease("", 60s)); }), "tasks.lease");
    EXPECT_EQ(code_of([&] { static_cast<void>(queue.lease("a", 0s)); }), "tasks.lease");
    QueueOptions negative;
    negative.retries_max = -1;
    EXPECT_EQ(code_of([&] { Queue refused(database, negative); }), "tasks.options");
}

TEST_F(QueueTest, ThreadsNeverShareATask) {
    constexpr int kTasks = 200;
    for (int i = 0; i < kTasks; ++i) add();
    std::vector<std::vector<std::int64_t>> taken(4);
    {
        std::vector<std::jthread> workers;
        for (std::size_t w = 0; w < taken.size(); ++w) {
            workers.emplace_back([&, w] {
                while (const auto lease = queue.lease("worker" + std::to_string(w), 60s)) {
                    taken[w].push_back(lease->task_id);
                    complete(*lease);
                }
            });
        }
    }
    std::set<std::int64_t> distinct;
    std::size_t total = 0;
    for (const auto& ids : taken) {
        distinct.insert(ids.begin(), ids.end());
        total += ids.size();
    }
    EXPECT_EQ(total, static_cast<std::size_t>(kTasks));
    EXPECT_EQ(distinct.size(), static_cast<std::size_t>(kTasks));
}

}  // namespace
}  // namespace consilia::tasks
