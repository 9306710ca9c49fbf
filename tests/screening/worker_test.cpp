// Goal: a prediction that was accepted is completed once, whatever happens to workers, models and files.
// Workers die at points that the progress callback gives; leases end because the clock is moved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "consilia/data/database.hpp"
#include "consilia/tasks/queue.hpp"
#include "screening/support.hpp"
#include "screening/test_panel.hpp"

namespace consilia::screening {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class WorkerTest : public ClinicTest {
protected:
    ServiceOptions working_options() {
        ServiceOptions result = options();
        panel.install(result);
        return result;
    }
    json prediction(Service& service, std::int64_t id) { return json::parse(service.get_json(root, id)); }
    tasks::QueueStatistics tasks_by_status() {
        data::Database database(options().database_url);
        return tasks::Queue(database).statistics();
    }
    std::filesystem::path only_file() {
        return std::filesystem::directory_iterator(directory / "images")->path();
    }

    TestPanel panel{directory / "members"};
};

TEST_F(WorkerTest, CompletesAPredictionWithTheOpinionsOfItsMembers) {
    Service service(working_options());
    populate(service);
    const std::int64_t id = submit(service, ann, ann_id, 1).prediction_id;
    std::vector<std::size_t> done;
    const auto result = service.work_one({.worker_id = "w", .progress = [&](const WorkProgress& at) {
                                              EXPECT_EQ(at.prediction_id, id);
                                              EXPECT_EQ(at.members_total, 2U);
                                              done.push_back(at.members_done);
                                              return true;
                                          }});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->outcome, WorkOutcome::Completed)
        << result->failure_code << " " << result->failure_reason;
    EXPECT_EQ(result->prediction_id, id);
    EXPECT_EQ(result->diagnosis, "Normal");
    EXPECT_THAT(done, testing::ElementsAre(1, 2));
    const json row = prediction(service, id);
    EXPECT_EQ(row["status"], "completed");
    EXPECT_EQ(row["diagnosis"], "Normal");
    EXPECT_EQ(row["attempt"], 1);
    EXPECT_GT(row["probabilities"]["Normal"], 0.5);
    EXPECT_FALSE(row["opinions"].empty());
    EXPECT_FALSE(row["completed_at"].is_null());
    EXPECT_FALSE(service.work_one());
}

TEST_F(WorkerTest, AWorkerThatIsKilledInMidPredictionLosesNothingAndRepeatsNothing) {
    const ::pid_t child = ::fork();  // Before anything is opened.
    ASSERT_GE(child, 0);
    if (child == 0) {
        Service service(working_options());
        populate(service);
        submit(service, ann, ann_id, 1);
        service.work_one({.progress = [](const WorkProgress&) { return ::raise(SIGKILL) == 0; }});
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;

    Service service(working_options());
    root = {1, {"admin"}, "root"};
    EXPECT_EQ(prediction(service, 1)["status"], "processing");
    EXPECT_FALSE(service.work_one()) << "the dead worker's lease has not ended";
    clock.advance(300s);
    const WorkSummary summary = service.work();
    EXPECT_EQ(summary.completed, 1U);
    EXPECT_EQ(prediction(service, 1)["status"], "completed");
    EXPECT_EQ(prediction(service, 1)["attempt"], 2);
    clock.advance(24h);
    EXPECT_FALSE(service.work_one());
    EXPECT_EQ(tasks_by_status().completed, 1);
}

TEST_F(WorkerTest, AWorkerThatComesBackAfterItsLeaseWritesNothing) {
    Service slow(working_options());
    Service quick(working_options());
    populate(slow);
    const std::int64_t id = submit(slow, ann, ann_id, 1).prediction_id;
    WorkOutcome of_quick{};
    const auto of_slow = slow.work_one({.progress = [&](const WorkProgress& at) {
        if (at.members_done == 1) {
            clock.advance(300s);
            of_quick = quick.work_one()->outcome;
        }
        return true;
    }});
    EXPECT_EQ(of_quick, WorkOutcome::Completed);
    EXPECT_EQ(of_slow->outcome, WorkOutcome::Lost);
    EXPECT_EQ(prediction(slow, id)["status"], "completed");
    EXPECT_EQ(prediction(slow, id)["attempt"], 2);
    EXPECT_EQ(tasks_by_status().completed, 1);
}

TEST_F(WorkerTest, MembersThatTakeLongRenewTheLease) {
    Service slow(working_options());
    Service other(working_options());
    populate(slow);
    submit(slow, ann, ann_id, 1);
    clock.advance(1s);
    std::size_t taken_by_other = 0;
    const auto result = slow.work_one({.progress = [&](const WorkProgress&) {
        taken_by_other += other.work_one() ? 1U : 0U;
        clock.advance(200s);
        return true;
    }});
    EXPECT_EQ(result->outcome, WorkOutcome::Completed);
    EXPECT_EQ(taken_by_other, 0U);
}

TEST_F(WorkerTest, AFailedModelSetLeavesThePredictionFailedAndItCanBeRetried) {
    panel.damage();
    Service service(working_options());
    populate(service);
    const std::int64_t id = submit(service, ann, ann_id, 1).prediction_id;
    const auto failed = service.work_one();
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->outcome, WorkOutcome::Failed);
    const json row = prediction(service, id);
    EXPECT_EQ(row["status"], "failed");
    EXPECT_EQ(row["failure_code"], "ensemble.no_opinion");
    EXPECT_FALSE(row["failure_reason"].get<std::string>().empty());
    EXPECT_EQ(tasks_by_status().dead, 1);
    EXPECT_FALSE(service.work_one()) << "it was tried again by itself";

    panel.repair();
    service.retry(staff, id);
    EXPECT_EQ(service.work_one()->outcome, WorkOutcome::Completed);
    const json again = prediction(service, id);
    EXPECT_EQ(again["status"], "completed");
    EXPECT_TRUE(again["failure_code"].is_null());
    EXPECT_EQ(again["attempt"], 2);
}

TEST_F(WorkerTest, AStoppedTaskIsGivenBackAndDoneLater) {
    Service service(working_options());
    populate(service);
    const std::int64_t id = submit(service, ann, ann_id, 1).prediction_id;
    submit(service, ann, ann_id, 2);
    const WorkSummary summary = service.work({.progress = [](const WorkProgress&) { return false; }});
    EXPECT_EQ(summary.deferred, 1U);
    EXPECT_EQ(summary.completed, 0U) << "it went on after it was stopped";
    EXPECT_EQ(prediction(service, id)["status"], "pending");
    EXPECT_EQ(service.work().completed, 1U);
    clock.advance(60s);
    EXPECT_EQ(service.work().completed, 1U);
    EXPECT_EQ(prediction(service, id)["status"], "completed");
}

TEST_F(WorkerTest, AFileThatIsNotWhatWasStoredFailsThePrediction) {
    Service service(working_options());
    populate(service);
    const std::int64_t changed = submit(service, ann, ann_id, 1).prediction_id;
    std::filesystem::permissions(only_file(), std::filesystem::perms::owner_all);
    std::ofstream(only_file(), std::ios::app) << "x";
    EXPECT_EQ(service.work_one()->outcome, WorkOutcome::Failed);
    EXPECT_EQ(prediction(service, changed)["failure_code"], "image.hash_mismatch");
    std::filesystem::remove(only_file());
    service.retry(staff, changed);
    EXPECT_EQ(service.work_one()->outcome, WorkOutcome::Failed);
    EXPECT_EQ(prediction(service, changed)["failure_code"], "file.not_found");
}

TEST_F(WorkerTest, APredictionWhoseWorkersAllDisappearFails) {
    Service service(working_options());
    populate(service);
    const std::int64_t id = submit(service, ann, ann_id, 1).prediction_id;
    {
        data::Database database(options().database_url);
        tasks::QueueOptions how;
        how.clock = &clock;
        tasks::Queue queue(database, how);
        for (int attempt = 0; attempt < 4; ++attempt) {
            ASSERT_TRUE(queue.lease("ghost", 10s));
            clock.advance(10s);
        }
    }
    EXPECT_FALSE(service.work_one());
    EXPECT_EQ(prediction(service, id)["failure_code"], "worker.lost");
    service.retry(staff, id);
    EXPECT_EQ(service.work_one()->outcome, WorkOutcome::Completed);
}

TEST_F(WorkerTest, SubmittingAndListingOpensNoMember) {
    ServiceOptions missing = options();
    missing.members = {directory / "nowhere"};
    Service service(missing);
    populate(service);
    const std::int64_t id = submit(service, ann, ann_id, 1).prediction_id;
    EXPECT_EQ(service.list(ann).count, 1);
    EXPECT_EQ(service.work_one()->outcome, WorkOutcome::Failed) << "the member is read when it is worked on";
    EXPECT_EQ(prediction(service, id)["status"], "failed");
}

TEST_F(WorkerTest, AServiceWithoutMembersTakesNoTask) {
    Service service(options());
    populate(service);
    submit(service, ann, ann_id, 1);
    EXPECT_EQ(code_of([&] { service.work_one(); }), "screening.options");
    EXPECT_EQ(tasks_by_status().pending, 1);
}

TEST_F(WorkerTest, ManyWorkersCompleteEachPredictionOnce) {
    constexpr int kPredictions = 12;
    Service service(working_options());
    populate(service);
    for (int i = 0; i < kPredictions; ++i) submit(service, staff, ann_id, i);
    std::vector<WorkSummary> summaries(3);
    {
        std::vector<std::jthread> workers;
        for (WorkSummary& summary : summaries) workers.emplace_back([&] { summary = service.work(); });
    }
    std::size_t completed = 0;
    for (const WorkSummary& summary : summaries) completed += summary.completed;
    EXPECT_EQ(completed, static_cast<std::size_t>(kPredictions));
    EXPECT_EQ(service.statistics(root).by_status.at("completed"), kPredictions);
    EXPECT_EQ(tasks_by_status().completed, kPredictions);
}

}  // namespace
}  // namespace consilia::screening
