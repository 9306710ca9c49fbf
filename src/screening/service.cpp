#include "consilia/screening/service.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/screening/forms.hpp"
#include "screening/form_answers.hpp"
#include "screening/service_state.hpp"

namespace consilia::screening {

namespace {

using core::Value;

ServiceOptions checked(ServiceOptions options) {
    const auto require = [](bool is_sound, const char* message) {
        if (!is_sound) throw core::InvalidArgument("screening.options", message);
    };
    require(!options.database_url.empty(), "a service needs the url of a database");
    require(!options.files_directory.empty(), "a service needs a directory for files");
    require(options.lease.count() > 0, "the lease must be longer than zero");
    require(!options.policy || !options.policies, "a service takes a policy or a store of policies");
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

/// The roles that are configured and that the policy knows.
std::vector<std::string> known_roles(const core::Config& config, const access::Policy& policy) {
    std::vector<std::string> roles;
    for (const core::NamedChoice& role : config.roles) {
        if (policy.has_role(role.name)) roles.push_back(role.name);
    }
    return roles;
}

/// The columns of a new user.
std::vector<data::Assignment> require_user(const NewUser& user, const core::Config& config,
                                           const access::Policy& policy) {
    const std::vector<std::string> roles = known_roles(config, policy);
    if (roles.empty()) refuse("user.invalid", "role", "is not a known role");
    const validation::NamedValue values[] = {{"username", user.username},
                                             {"role", user.role},
                                             {"display_name", user.display_name},
                                             {"email", user.email}};
    std::vector<data::Assignment> columns = require_valid(user_form(roles).check(values), "user.invalid");
    columns.emplace_back("is_deleted", core::Term(false));
    return columns;
}

std::int64_t insert_user(const data::Transaction& transaction, std::vector<data::Assignment> columns,
                         const core::Clock& clock) {
    return unless_taken("user.exists", "the username is taken", [&] {
        return data::ModelRepository(user_model(), clock).insert(transaction, std::move(columns)).id;
    });
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
      own_policy(options.policies ? options.policies->current()
                                  : access::Policy(options.policy ? *options.policy : default_policy())),
      database(options.database_url),
      queue(database, options.queue) {
    create_schema(database);
    queue.create_schema();
    if (!options.audit) return;
    options.audit->clock = &clock;
    audit_log = std::make_unique<access::AuditLog>(database, *options.audit);
    audit_log->create_schema();
}

// A store of its own would be one more thing that a forked child has to be told of.
access::Policy Service::State::policy() const {
    return options.policies ? options.policies->current() : own_policy;
}

access::AuditEvent Service::State::require_create(const Principal& principal, std::string_view resource,
                                                  const core::FieldSource& object,
                                                  access::AuditTrail& trail) const {
    const Attempt attempt{principal, "create", resource};
    const access::Context context{.now = clock.now()};
    const access::Policy policy = this->policy();
    access::AuditEvent event =
        access::audit_event(policy, attempt, policy.check(principal, "create", resource, object, context));
    try {
        policy.require(principal, "create", resource, object, context);
    } catch (const core::PermissionDenied& error) {
        access::log_refusal("access denied", attempt, error.code());
        trail.add(event);
        throw;
    }
    return event;
}

access::Guard Service::State::patients(const Principal& principal, access::AuditTrail& trail) const {
    return access::Guard(policy(), principal, "patient", data::ModelRepository(patient_model(), clock),
                         {.now = clock.now()})
        .observed(trail.observer());
}

access::Guard Service::State::predictions(const Principal& principal, access::AuditTrail& trail) const {
    return access::Guard(policy(), principal, "prediction", data::ModelRepository(prediction_model(), clock),
                         {.now = clock.now()})
        .observed(trail.observer());
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

access::Policy Service::policy() const {
    return state_->policy();
}
std::shared_ptr<inference::Engine> Service::engine() {
    return state_->engine();
}

std::int64_t Service::bootstrap_admin(const NewUser& user) {
    NewUser admin = user;
    admin.role = "admin";
    std::vector<data::Assignment> columns = require_user(admin, state_->options.config, policy());
    data::Transaction transaction = state_->database.begin();
    if (data::Query(*user_model()).with_deleted().exists(transaction)) {
        throw core::Conflict("user.exists", "there are users already: an admin makes further ones");
    }
    const std::int64_t id = insert_user(transaction, std::move(columns), state_->clock);
    transaction.commit();
    return id;
}

std::int64_t Service::create_user(const Principal& principal, const NewUser& user) {
    access::AuditTrail trail(state_->audit_log.get());
    access::AuditEvent event = state_->require_create(
        principal, "user", [&](std::string_view path) { return path == "role" ? Value(user.role) : Value(); },
        trail);
    std::vector<data::Assignment> columns = require_user(user, state_->options.config, policy());
    data::Transaction transaction = state_->database.begin();
    const std::int64_t id = insert_user(transaction, std::move(columns), state_->clock);
    event.record_id = id;
    trail.add(event);
    trail.write(transaction);
    transaction.commit();
    return id;
}

}  // namespace consilia::screening
