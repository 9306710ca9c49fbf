// The worker: lease, judge, record. The outcome and the end of the task are one transaction, fenced by the
// lease.
#include <unistd.h>

#include <array>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "consilia/core/error.hpp"
#include "screening/panel.hpp"
#include "screening/service_state.hpp"

namespace consilia::screening {

namespace {

using core::field;
using core::Value;

constexpr std::size_t kMaxReasonBytes = 500;

struct Job {
    tasks::Lease lease;
    std::int64_t prediction_id = 0;
    std::filesystem::path file;
    std::string sha256;
};

struct Failure {
    std::string code;
    std::string reason;
    bool is_passing = false;  // Trying again later may help.
};

std::string default_worker_id() {
    std::array<char, 128> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host = {"host"};
    return std::string(host.data()) + ":" + std::to_string(::getpid());
}

std::int64_t prediction_id_of(const core::Json& payload) {
    const nlohmann::json document = nlohmann::json::parse(payload.text, nullptr, false);
    const auto found = document.is_object() ? document.find("prediction_id") : document.end();
    if (!document.is_object() || found == document.end() || !found->is_number_integer()) {
        throw core::Internal("screening.payload", "the payload of a prediction's task names no prediction");
    }
    return found->get<std::int64_t>();
}

data::Query prediction(std::int64_t id) {
    return data::Query(*prediction_model()).where(field("id") == id);
}

bool is_passing(const core::Error& error) {
    switch (error.kind()) {
        case core::ErrorKind::Unavailable:
        case core::ErrorKind::ResourceExhausted:
        case core::ErrorKind::Cancelled:
        case core::ErrorKind::TimedOut:
            return true;
        // A full or failing disk may recover, a file that is no longer what was stored will not.
        case core::ErrorKind::Storage:
            return error.code() != "image.hash_mismatch";
        default:
            return false;
    }
}

Failure failure_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const core::Error& error) {
        return {error.code(), std::string(error.what()).substr(0, kMaxReasonBytes), is_passing(error)};
    } catch (const std::bad_alloc&) {
        return {"memory.exhausted", "the process has no memory left", true};
    } catch (const std::exception&) {
        // Its text is not ours: it may hold anything.
        return {"internal.unexpected", "an unexpected failure inside a model or codec", false};
    }
}

void record_failure(const data::Session& session, std::int64_t prediction_id, const Failure& failure,
                    PredictionStatus status, core::Timestamp now) {
    prediction(prediction_id)
        .update(session, {{"status", to_string(status)},
                          {"failure_code", failure.code},
                          {"failure_reason", failure.reason},
                          {"updated_at", now}});
}

}  // namespace

// One piece of work for one worker. Not shared between threads.
class Worker {
public:
    Worker(Service::State& state, const WorkOptions& options)
        : state_(state),
          options_(options),
          worker_id_(options.worker_id.empty() ? default_worker_id() : options.worker_id) {}

    std::optional<WorkResult> work_one() {
        if (state_.options.members.empty()) {
            throw core::InvalidArgument("screening.options",
                                        "a service without members cannot work on predictions");
        }
        std::optional<Job> job = take();
        if (!job) return std::nullopt;
        const core::Timestamp begin = state_.clock.now();
        WorkResult result = finish(*job);
        result.prediction_id = job->prediction_id;
        result.duration = state_.clock.now() - begin;
        return result;
    }

    [[nodiscard]] bool is_stopped() const noexcept { return is_stopped_; }

private:
    // Leases the next task and marks its prediction, in one transaction. Tasks whose prediction is gone are
    // completed.
    std::optional<Job> take() {
        data::Transaction transaction = state_.database.begin();
        const core::Timestamp now = state_.clock.now();
        for (const tasks::Task& task : state_.queue.bury_expired(transaction)) {
            if (task.kind != kPredictTask) continue;
            record_failure(transaction, prediction_id_of(task.payload),
                           {"worker.lost", "every worker that took it disappeared", false},
                           PredictionStatus::Failed, now);
        }
        std::optional<Job> job;
        while (!job) {
            auto lease = state_.queue.lease(transaction, worker_id_, state_.options.lease,
                                            {std::string(kPredictTask)});
            if (!lease) break;
            job = begin(transaction, *lease, now);
        }
        transaction.commit();
        return job;
    }

    std::optional<Job> begin(data::Transaction& transaction, const tasks::Lease& lease, core::Timestamp now) {
        const std::int64_t id = prediction_id_of(lease.payload);
        const std::array<Value, 2> open = {Value(to_string(PredictionStatus::Pending)),
                                           Value(to_string(PredictionStatus::Processing))};
        const data::RowSet rows = prediction(id)
                                      .where(field("status").in(std::span<const Value>(open)))
                                      .select({"attempt", "xray.stored_name", "xray.sha256"})
                                      .run(transaction);
        if (rows.empty()) {
            state_.queue.complete(transaction, lease);
            return std::nullopt;
        }
        prediction(id).update(transaction, {{"status", to_string(PredictionStatus::Processing)},
                                            {"attempt", rows.int64(0, 0) + 1},
                                            {"started_at", now},
                                            {"updated_at", now}});
        return Job{lease, id, state_.options.files_directory / rows.text(0, 1), std::string(rows.text(0, 2))};
    }

    WorkResult finish(Job& job) {
        Verdict verdict;
        std::shared_ptr<inference::Engine> engine;
        try {
            engine = state_.engine();
            verdict = judge(*engine, job.file, job.sha256,
                            [&](std::string_view member_id, std::size_t done, std::size_t total) {
                                return keep_going(job, {job.prediction_id, member_id, done, total});
                            });
            if (!state_.options.config.predictions.is_model_cache_enabled) engine->release_memory();
        } catch (...) {
            const Failure failure = failure_of(std::current_exception());
            if (failure.code == "ensemble.no_opinion") state_.drop_engine(engine);
            return record(job, failure);
        }
        return record(job, verdict);
    }

    // Between two members: renews the lease once half of it is used, and asks the caller.
    bool keep_going(Job& job, const WorkProgress& progress) {
        const std::chrono::microseconds duration = state_.options.lease;
        if (job.lease.expires_at - state_.clock.now() < duration / 2) {
            try {
                state_.queue.heartbeat(job.lease, duration);
            } catch (const core::Conflict&) {
                return false;  // Another worker has it: recording will find that out again.
            }
        }
        if (options_.progress && !options_.progress(progress)) is_stopped_ = true;
        return !is_stopped_;
    }

    WorkResult record(const Job& job, const Verdict& verdict) {
        WorkResult result;
        result.diagnosis = verdict.diagnosis;
        result.confidence = verdict.confidence;
        result.needs_review = verdict.needs_review;
        return fenced(std::move(result), [&](data::Transaction& transaction, WorkResult&) {
            const core::Timestamp now = state_.clock.now();
            state_.queue.complete(transaction, job.lease);
            prediction(job.prediction_id)
                .update(transaction, {{"status", to_string(PredictionStatus::Completed)},
                                      {"diagnosis", verdict.diagnosis},
                                      {"confidence", verdict.confidence},
                                      {"agreement", verdict.agreement},
                                      {"needs_review", verdict.needs_review},
                                      {"probabilities", verdict.probabilities},
                                      {"opinions", verdict.opinions},
                                      {"failure_code", Value()},
                                      {"failure_reason", Value()},
                                      {"completed_at", now},
                                      {"updated_at", now}});
        });
    }

    WorkResult record(const Job& job, const Failure& failure) {
        WorkResult result;
        result.failure_code = failure.code;
        result.failure_reason = failure.reason;
        return fenced(std::move(result), [&](data::Transaction& transaction, WorkResult& outcome) {
            const tasks::TaskStatus status =
                state_.queue.fail(transaction, job.lease, failure.code + ": " + failure.reason,
                                  failure.is_passing ? tasks::Retry::Allowed : tasks::Retry::Never);
            const bool is_over = status == tasks::TaskStatus::Dead;
            outcome.outcome = is_over ? WorkOutcome::Failed : WorkOutcome::Deferred;
            record_failure(transaction, job.prediction_id, failure,
                           is_over ? PredictionStatus::Failed : PredictionStatus::Pending,
                           state_.clock.now());
        });
    }

    // Runs `write` in one transaction; if the lease is not the newest any more, nothing of it remains.
    template <class Write>
    WorkResult fenced(WorkResult result, const Write& write) {
        data::Transaction transaction = state_.database.begin();
        try {
            write(transaction, result);
        } catch (const core::Conflict& error) {
            if (error.code() != "tasks.stale_lease") throw;
            WorkResult lost;
            lost.outcome = WorkOutcome::Lost;
            lost.failure_code = error.code();
            lost.failure_reason = error.what();
            return lost;
        }
        transaction.commit();
        return result;
    }

    Service::State& state_;
    const WorkOptions& options_;
    std::string worker_id_;
    bool is_stopped_ = false;
};

std::optional<WorkResult> Service::work_one(const WorkOptions& options) {
    return Worker(*state_, options).work_one();
}

WorkSummary Service::work(const WorkOptions& options) {
    WorkSummary summary;
    Worker worker(*state_, options);
    for (std::size_t done = 0; done < options.tasks_max && !worker.is_stopped(); ++done) {
        const std::optional<WorkResult> result = worker.work_one();
        if (!result) break;
        switch (result->outcome) {
            case WorkOutcome::Completed:
                ++summary.completed;
                break;
            case WorkOutcome::Failed:
                ++summary.failed;
                break;
            case WorkOutcome::Deferred:
                ++summary.deferred;
                break;
            case WorkOutcome::Lost:
                ++summary.lost;
                break;
        }
    }
    return summary;
}

}  // namespace consilia::screening
