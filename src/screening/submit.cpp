// From an upload to a queued prediction, and the removal of what a crash in between has left.
#include <algorithm>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/validation/receive.hpp"
#include "consilia/validation/stored_files.hpp"
#include "screening/service_state.hpp"

namespace consilia::screening {

namespace {

using core::field;
using core::Value;

constexpr std::string_view kStoredPrefix = "user_";

std::int64_t require_user_id(const Principal& principal, std::int64_t patient_id) {
    if (const auto* id = principal.user_id.if_as<std::int64_t>()) return *id;
    access::log_refusal("access denied", {principal, "submit", "patient", patient_id}, "access.anonymous");
    throw core::PermissionDenied("access.anonymous", "only a user with an account can submit");
}

void require_quota(const data::Session& session, std::int64_t user_id, core::Timestamp now,
                   std::int64_t limit) {
    constexpr std::int64_t kDay = std::int64_t{86'400} * 1'000'000;
    const core::Timestamp midnight{std::int64_t{core::date_of(now).days} * kDay};
    const std::int64_t used =
        data::Query(*prediction_model())
            .with_deleted()
            .where(field("requested_by_id") == user_id && field("created_at") >= midnight)
            .count(session);
    if (used < limit) return;
    throw core::ResourceExhausted(
        "quota.predictions", "the " + std::to_string(limit) + " predictions of this user's day are used up",
        {{"limit", Value(limit)}, {"resets_at", Value(core::Timestamp{midnight.microseconds + kDay})}}, 429);
}

validation::ReceiveOptions receive_options(const ServiceOptions& service, std::int64_t user_id,
                                           const SubmitOptions& submit) {
    validation::ReceiveOptions options;
    options.directory = service.files_directory;
    options.prefix = std::string(kStoredPrefix) + std::to_string(user_id);
    options.client_name = submit.client_name;
    options.max_bytes = service.config.uploads.limit_bytes;
    options.allowed.clear();
    for (const auto type : {validation::FileType::Jpeg, validation::FileType::Png}) {
        const std::vector<std::string>& types = service.config.uploads.types;
        if (std::find(types.begin(), types.end(), to_string(type)) != types.end()) {
            options.allowed.push_back(type);
        }
    }
    return options;
}

std::int64_t insert_image(const data::Session& session, const validation::FileFacts& facts,
                          std::int64_t patient_id, std::int64_t user_id, core::Timestamp now) {
    return data::insert(session, *xray_model(),
                        {{"patient_id", patient_id},
                         {"uploaded_by_id", user_id},
                         {"stored_name", facts.stored_name},
                         {"client_name", facts.client_name},
                         {"sha256", facts.sha256},
                         {"size_bytes", static_cast<std::int64_t>(facts.size_bytes)},
                         {"width", facts.width},
                         {"height", facts.height},
                         {"media_type", validation::media_type(facts.type)},
                         {"created_at", now},
                         {"updated_at", now},
                         {"is_deleted", false}});
}

std::int64_t insert_prediction(const data::Session& session, std::int64_t image_id, std::int64_t user_id,
                               core::Timestamp now) {
    return data::insert(session, *prediction_model(),
                        {{"xray_id", image_id},
                         {"requested_by_id", user_id},
                         {"status", to_string(PredictionStatus::Pending)},
                         {"needs_review", false},
                         {"attempt", 0},
                         {"created_at", now},
                         {"updated_at", now},
                         {"is_deleted", false}});
}

// The image that the patient has under this hash, or zero.
std::int64_t find_image(const data::Session& session, std::int64_t patient_id, const std::string& sha256) {
    const data::RowSet rows = data::Query(*xray_model())
                                  .where(field("patient_id") == patient_id && field("sha256") == sha256)
                                  .select({"id"})
                                  .run(session);
    return rows.empty() ? 0 : rows.int64(0, 0);
}

std::int64_t find_newest_prediction(const data::Session& session, std::int64_t image_id) {
    const data::RowSet rows = data::Query(*prediction_model())
                                  .where(field("xray_id") == image_id)
                                  .order_by("-id")
                                  .limit(1)
                                  .select({"id"})
                                  .run(session);
    return rows.empty() ? 0 : rows.int64(0, 0);
}

// Deleted images count too: their rows are still there, and name the files.
bool is_recorded(const data::Session& session, const std::string& stored_name) {
    return data::Query(*xray_model())
        .with_deleted()
        .where(field("stored_name") == stored_name)
        .exists(session);
}

}  // namespace

Submission Service::submit(const Principal& principal, const validation::UploadSource& source,
                           const SubmitOptions& options) {
    const Attempt attempt{principal, "submit", "patient", options.patient_id};
    return with_refusals_logged(attempt, [&] { return state_->submit(principal, source, options); });
}

Submission Service::State::submit(const Principal& principal, const validation::UploadSource& source,
                                  const SubmitOptions& submit_options) {
    const std::int64_t user_id = require_user_id(principal, submit_options.patient_id);
    access::AuditTrail trail(audit_log.get());
    const access::Guard guard = patients(principal, trail);
    const std::int64_t quota = options.config.predictions.per_user_and_day_max;
    const std::int64_t patient_id = submit_options.patient_id;
    {
        // Before the file is read: what is refused anyway should cost no decoding.
        const data::ReadScope session = database.read();
        guard.require(session, patient_id, "submit");
        require_quota(session, user_id, clock.now(), quota);
    }
    validation::ReceivedFile file =
        validation::receive(source, receive_options(options, user_id, submit_options));

    data::Transaction transaction = database.begin();
    const core::Timestamp now = clock.now();
    guard.require(transaction, patient_id, "submit");
    Submission submission;
    submission.image_id = find_image(transaction, patient_id, file.facts().sha256);
    if (submission.image_id != 0) {
        submission.is_duplicate = true;
        submission.prediction_id = find_newest_prediction(transaction, submission.image_id);
        if (submission.prediction_id != 0) return submission;
    }
    require_quota(transaction, user_id, now, quota);
    if (!submission.is_duplicate) {
        submission.image_id = insert_image(transaction, file.facts(), patient_id, user_id, now);
    }
    submission.prediction_id = insert_prediction(transaction, submission.image_id, user_id, now);
    enqueue(transaction, submission.prediction_id);
    trail.write(transaction);
    if (submission.is_duplicate) {
        transaction.commit();
    } else {
        validation::commit_with_file(database, transaction, file, is_recorded);
    }
    return submission;
}

void Service::retry(const Principal& principal, std::int64_t prediction_id) {
    access::AuditTrail trail(state_->audit_log.get());
    data::Transaction transaction = state_->database.begin();
    state_->predictions(principal, trail).require(transaction, prediction_id, "retry");
    const data::Query prediction = data::Query(*prediction_model()).where(field("id") == prediction_id);
    const std::int64_t changed = prediction.where(field("status") == to_string(PredictionStatus::Failed))
                                     .update(transaction, {{"status", to_string(PredictionStatus::Pending)},
                                                           {"failure_code", Value()},
                                                           {"failure_reason", Value()},
                                                           {"updated_at", state_->clock.now()}});
    if (changed != 1)
        throw core::Conflict("prediction.not_failed", "only a failed prediction can be retried");
    state_->enqueue(transaction, prediction_id);
    trail.write(transaction);
    transaction.commit();
}

// Its task finds no prediction and is completed; a worker that has it already records nothing.
void Service::delete_prediction(const Principal& principal, std::int64_t prediction_id) {
    access::AuditTrail trail(state_->audit_log.get());
    data::Transaction transaction = state_->database.begin();
    state_->predictions(principal, trail).remove(transaction, prediction_id);
    trail.write(transaction);
    transaction.commit();
}

std::size_t Service::sweep_orphans(std::chrono::seconds older_than) {
    if (older_than.count() <= 0) {
        throw core::InvalidArgument("screening.options", "files are swept after a time longer than zero");
    }
    return validation::sweep_orphans(state_->database,
                                     {.directory = state_->options.files_directory,
                                      .prefix = std::string(kStoredPrefix),
                                      .older_than = older_than},
                                     state_->clock, is_recorded);
}

}  // namespace consilia::screening
