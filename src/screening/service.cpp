#include "consilia/screening/service.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "consilia/core/error.hpp"
#include "screening/service_state.hpp"

namespace consilia::screening {

namespace {

using core::field;
using core::Value;

ServiceOptions checked(ServiceOptions options) {
    const auto require = [](bool is_sound, const char* message) {
        if (!is_sound) throw core::InvalidArgument("screening.options", message);
    };
    require(!options.database_url.empty(), "a service needs the url of a database");
    require(!options.files_directory.empty(), "a service needs a directory for files");
    require(options.lease.count() > 0, "the lease must be longer than zero");
    std::error_code error;
    std::filesystem::create_directories(options.files_directory, error);
    if (error) {
        throw core::StorageError("screening.files",
                                 "the directory of files could not be made: " + error.message());
    }
    options.queue.clock = options.clock;
    options.engine.budget_bytes = options.budget_bytes;
    options.engine.confidence_threshold = options.config.predictions.confidence_threshold;
    return options;
}

// Refuses a field of a form, naming it and never its content.
[[noreturn]] void refuse(const char* code, const char* name, const char* rule) {
    throw core::ValidationError(code, std::string("`") + name + "` " + rule, {{"field", Value(name)}});
}

void require_text(const std::string& text, const char* code, const char* name, std::size_t bytes_min,
                  std::size_t bytes_max) {
    const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
    });
    if (has_control) refuse(code, name, "must not hold control characters");
    if (text.size() < bytes_min) refuse(code, name, "is required");
    if (text.size() > bytes_max) refuse(code, name, "is too long");
}

void require_user(const NewUser& user, const core::Config& config, const access::Policy& policy) {
    constexpr const char* kCode = "user.invalid";
    require_text(user.username, kCode, "username", 1, 150);
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("@.+-_").find(c) != std::string_view::npos;
    };
    if (!std::all_of(user.username.begin(), user.username.end(), fits)) {
        refuse(kCode, "username", "may hold letters, digits and @.+-_ only");
    }
    const bool is_configured =
        std::any_of(config.roles.begin(), config.roles.end(),
                    [&](const core::NamedChoice& role) { return role.name == user.role; });
    if (!is_configured || !policy.has_role(user.role)) refuse(kCode, "role", "is not a known role");
    require_text(user.display_name, kCode, "display_name", 0, 200);
    require_text(user.email, kCode, "email", 0, 254);
    if (!user.email.empty() && user.email.find('@') == std::string::npos)
        refuse(kCode, "email", "is not an address");
}

void require_patient(const NewPatient& patient, core::Timestamp now) {
    constexpr const char* kCode = "patient.invalid";
    require_text(patient.record_number, kCode, "record_number", 1, 50);
    require_text(patient.full_name, kCode, "full_name", 1, 200);
    if (patient.birth_date && *patient.birth_date > core::date_of(now)) {
        refuse(kCode, "birth_date", "must not be in the future");
    }
    const std::string& sex = patient.sex;
    if (!sex.empty() && sex != "female" && sex != "male" && sex != "other") {
        refuse(kCode, "sex", "is `female`, `male`, `other` or empty");
    }
}

// Inserts a row whose unique column may be taken.
std::int64_t insert_unique(const data::Transaction& transaction, const data::Model& model,
                           const std::vector<data::Assignment>& values, const char* code,
                           const char* message) {
    try {
        return data::insert(transaction, model, values);
    } catch (const core::Conflict& error) {
        if (error.code() != "database.unique") throw;
        throw core::Conflict(code, message);
    }
}

std::int64_t insert_user(const data::Transaction& transaction, const NewUser& user, core::Timestamp now) {
    return insert_unique(transaction, *user_model(),
                         {{"username", user.username},
                          {"role", user.role},
                          {"display_name", user.display_name},
                          {"email", user.email},
                          {"created_at", now},
                          {"updated_at", now},
                          {"is_deleted", false}},
                         "user.exists", "the username is taken");
}

std::int64_t insert_patient(const data::Transaction& transaction, const NewPatient& patient,
                            core::Timestamp now) {
    Value user_id;
    if (patient.user_id) user_id = *patient.user_id;
    Value birth_date;
    if (patient.birth_date) birth_date = *patient.birth_date;
    return insert_unique(transaction, *patient_model(),
                         {{"user_id", user_id},
                          {"record_number", patient.record_number},
                          {"full_name", patient.full_name},
                          {"birth_date", birth_date},
                          {"sex", patient.sex},
                          {"created_at", now},
                          {"updated_at", now},
                          {"is_deleted", false}},
                         "patient.exists", "the record number is taken");
}

}  // namespace

std::string_view to_string(WorkOutcome outcome) noexcept {
    switch (outcome) {
        case WorkOutcome::Completed:
            return "completed";
        case WorkOutcome::Failed:
            return "failed";
        case WorkOutcome::Deferred:
            return "deferred";
        case WorkOutcome::Lost:
            return "lost";
    }
    return "lost";
}

Service::State::State(ServiceOptions given)
    : options(checked(std::move(given))),
      clock(options.clock != nullptr ? *options.clock : core::SystemClock::instance()),
      policy(options.policy ? *options.policy : default_policy()),
      database(options.database_url),
      queue(database, options.queue) {
    create_schema(database);
    queue.create_schema();
}

void Service::State::require(const Attempt& attempt, const core::FieldSource& object) const {
    try {
        policy.require(attempt.principal, attempt.action, attempt.resource, object, {.now = clock.now()});
    } catch (const core::PermissionDenied& error) {
        access::log_refusal("access denied", attempt, error.code());
        throw;
    }
}

access::Guard Service::State::patients(const Principal& principal) const {
    return {
        policy, principal, "patient", data::ModelRepository(patient_model(), clock), {.now = clock.now()}};
}

access::Guard Service::State::predictions(const Principal& principal) const {
    return {policy,
            principal,
            "prediction",
            data::ModelRepository(prediction_model(), clock),
            {.now = clock.now()}};
}

void Service::State::enqueue(data::Transaction& transaction, std::int64_t prediction_id) {
    const std::string id = std::to_string(prediction_id);
    queue.enqueue(transaction, {.kind = std::string(kPredictTask),
                                .payload = {"{\"prediction_id\": " + id + "}"},
                                .unique_key = "prediction:" + id});
}

Service::Service(ServiceOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Service::~Service() = default;
Service::Service(Service&&) noexcept = default;
Service& Service::operator=(Service&&) noexcept = default;

const access::Policy& Service::policy() const noexcept {
    return state_->policy;
}
std::shared_ptr<inference::Engine> Service::engine() {
    return state_->engine();
}

std::int64_t Service::bootstrap_admin(const NewUser& user) {
    NewUser admin = user;
    admin.role = "admin";
    require_user(admin, state_->options.config, state_->policy);
    data::Transaction transaction = state_->database.begin();
    if (data::Query(*user_model()).with_deleted().exists(transaction)) {
        throw core::Conflict("user.exists", "there are users already: an admin makes further ones");
    }
    const std::int64_t id = insert_user(transaction, admin, state_->clock.now());
    transaction.commit();
    return id;
}

std::int64_t Service::create_user(const Principal& principal, const NewUser& user) {
    state_->require({principal, "create", "user"},
                    [&](std::string_view path) { return path == "role" ? Value(user.role) : Value(); });
    require_user(user, state_->options.config, state_->policy);
    data::Transaction transaction = state_->database.begin();
    const std::int64_t id = insert_user(transaction, user, state_->clock.now());
    transaction.commit();
    return id;
}

std::int64_t Service::create_patient(const Principal& principal, const NewPatient& patient) {
    state_->require({principal, "create", "patient"}, [&](std::string_view path) {
        return path == "user_id" && patient.user_id ? Value(*patient.user_id) : Value();
    });
    const core::Timestamp now = state_->clock.now();
    require_patient(patient, now);
    data::Transaction transaction = state_->database.begin();
    if (patient.user_id &&
        !data::Query(*user_model()).where(field("id") == *patient.user_id).exists(transaction)) {
        refuse("patient.invalid", "user_id", "names no user");
    }
    const std::int64_t id = insert_patient(transaction, patient, now);
    transaction.commit();
    return id;
}

}  // namespace consilia::screening
