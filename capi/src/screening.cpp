#include "consilia/c/screening.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "consilia/screening/service.hpp"
#include "data.hpp"
#include "guard.hpp"
#include "inference.hpp"
#include "policy_store.hpp"

namespace core = consilia::core;
namespace screening = consilia::screening;
using consilia::capi::assignments_of;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::require;
using consilia::capi::to_buffer;
using consilia::capi::view;

struct consilia_service {
    screening::Service service;
    consilia_progress_fn progress = nullptr;
    void* progress_user_data = nullptr;
};

static_assert(sizeof(consilia_principal_t) == 24 && sizeof(consilia_submission_t) == 24);
static_assert(offsetof(consilia_service_options_t, budget_bytes) == 56);
static_assert(offsetof(consilia_service_options_t, progress_user_data) == 104);
static_assert(offsetof(consilia_progress_t, members_total) == 40);
static_assert(offsetof(consilia_list_options_t, page_size) == 44);

namespace {

screening::ServiceOptions service_options(const consilia_service_options_t& given) {
    screening::ServiceOptions options;
    options.database_url = view(given.database_url);
    options.files_directory = view(given.files_directory);
    for (const consilia_str_t& path : items(given.member_paths, given.member_count, "member_paths")) {
        options.members.emplace_back(view(path));
    }
    options.budget_bytes = given.budget_bytes;
    options.engine.backend_directory = view(given.backend_directory);
    const std::string_view config = view(given.config_json);
    if (!config.empty()) options.config = core::Config::from_json(config);
    const std::string_view policy = view(given.policy_json);
    if (!policy.empty()) options.policy = consilia::access::parse_policy(policy);
    if (given.policy_store != nullptr) options.policies = given.policy_store->store;
    if (given.is_audited != 0) {
        const auto* key = static_cast<const char*>(given.audit_key.data);
        options.audit.emplace().key.assign(key, key == nullptr ? 0 : given.audit_key.size);
    }
    return options;
}

screening::Principal principal_of(const consilia_principal_t* given) {
    const consilia_principal_t& principal = require(given, "principal");
    return {.user_id = principal.user_id == 0 ? core::Value() : core::Value(principal.user_id),
            .roles = {std::string(view(principal.role))}};
}

screening::ListOptions list_options(const consilia_list_options_t* given) {
    const consilia_list_options_t known = copy_options(given);
    screening::ListOptions options;
    options.where = view(known.where);
    if (known.order.size != 0) options.order = view(known.order);
    if (known.page != 0) options.page = known.page;
    if (known.page_size != 0) options.page_size = known.page_size;
    return options;
}

void submit(consilia_service_t* service, const consilia_principal_t* principal, int64_t patient_id,
            const consilia::validation::UploadSource& source, consilia_str_t client_name,
            consilia_submission_t* out_submission) {
    screening::SubmitOptions options;
    options.patient_id = patient_id;
    if (client_name.data != nullptr) options.client_name = std::string(view(client_name));
    const screening::Submission made =
        require(service, "service").service.submit(principal_of(principal), source, options);
    require(out_submission, "out_submission") = {made.prediction_id, made.image_id, made.is_duplicate ? 1 : 0,
                                                 0};
}

}  // namespace

extern "C" {

consilia_status_t consilia_screening_default_policy(consilia_buffer_t* out_json,
                                                    consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(consilia::access::to_json(screening::default_policy()));
    });
}

consilia_status_t consilia_service_open(const consilia_service_options_t* options,
                                        consilia_service_t** out_service, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_service_t*& out = cleared(out_service, "out_service");
        const consilia_service_options_t known = copy_options(options);
        out = std::make_unique<consilia_service_t>(
                  consilia_service_t{screening::Service(service_options(known)), known.progress,
                                     known.progress_user_data})
                  .release();
    });
}

void consilia_service_free(consilia_service_t* service) {
    delete service;
}

consilia_status_t consilia_service_create_first_admin(consilia_service_t* service, consilia_str_t username,
                                                      int64_t* out_user_id, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int64_t& out = cleared(out_user_id, "out_user_id");
        screening::NewUser user;
        user.username = view(username);
        user.role = "admin";
        out = require(service, "service").service.bootstrap_admin(user);
    });
}

consilia_status_t consilia_service_create_user(consilia_service_t* service,
                                               const consilia_principal_t* principal,
                                               const consilia_new_user_t* user, int64_t* out_user_id,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int64_t& out = cleared(out_user_id, "out_user_id");
        const consilia_new_user_t known = copy_options(&require(user, "user"));
        screening::NewUser made;
        made.username = view(known.username);
        made.role = view(known.role);
        made.display_name = view(known.display_name);
        made.email = view(known.email);
        out = require(service, "service").service.create_user(principal_of(principal), made);
    });
}

consilia_status_t consilia_service_create_patient(consilia_service_t* service,
                                                  const consilia_principal_t* principal,
                                                  const consilia_new_patient_t* patient,
                                                  int64_t* out_patient_id, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int64_t& out = cleared(out_patient_id, "out_patient_id");
        const consilia_new_patient_t known = copy_options(&require(patient, "patient"));
        screening::NewPatient made;
        made.record_number = view(known.record_number);
        made.full_name = view(known.full_name);
        if (known.birth_date.size != 0) made.birth_date = core::parse_date(view(known.birth_date));
        made.sex = view(known.sex);
        if (known.user_id != 0) made.user_id = known.user_id;
        out = require(service, "service").service.create_patient(principal_of(principal), made);
    });
}

consilia_status_t consilia_service_submit_file(consilia_service_t* service,
                                               const consilia_principal_t* principal, int64_t patient_id,
                                               consilia_str_t path, consilia_str_t client_name,
                                               consilia_submission_t* out_submission,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        cleared(out_submission, "out_submission");
        submit(service, principal, patient_id, consilia::validation::UploadSource::file(view(path)),
               client_name, out_submission);
    });
}

consilia_status_t consilia_service_submit_bytes(consilia_service_t* service,
                                                const consilia_principal_t* principal, int64_t patient_id,
                                                const void* data, size_t size, consilia_str_t client_name,
                                                consilia_submission_t* out_submission,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        cleared(out_submission, "out_submission");
        const auto* bytes = size == 0 ? nullptr : &require(static_cast<const std::byte*>(data), "data");
        submit(service, principal, patient_id, consilia::validation::UploadSource::bytes({bytes, size}),
               client_name, out_submission);
    });
}

consilia_status_t consilia_service_work(consilia_service_t* service, size_t max_tasks, size_t* out_count,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        size_t& out = cleared(out_count, "out_count");
        consilia_service_t& opened = require(service, "service");
        screening::WorkOptions options;
        if (max_tasks != 0) options.tasks_max = max_tasks;
        if (opened.progress != nullptr) {
            options.progress = [&](const screening::WorkProgress& at) {
                const consilia_progress_t progress{sizeof(consilia_progress_t),
                                                   at.prediction_id,
                                                   {at.member_id.data(), at.member_id.size()},
                                                   at.members_done,
                                                   at.members_total};
                return opened.progress(&progress, opened.progress_user_data) == 0;
            };
        }
        const screening::WorkSummary summary = opened.service.work(options);
        out = summary.completed + summary.failed + summary.deferred + summary.lost;
    });
}

consilia_status_t consilia_service_list_json(consilia_service_t* service,
                                             const consilia_principal_t* principal,
                                             const consilia_list_options_t* options,
                                             consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(
            require(service, "service").service.list_json(principal_of(principal), list_options(options)));
    });
}

consilia_status_t consilia_service_get_json(consilia_service_t* service,
                                            const consilia_principal_t* principal, int64_t prediction_id,
                                            consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(require(service, "service").service.get_json(principal_of(principal), prediction_id));
    });
}

consilia_status_t consilia_service_retry(consilia_service_t* service, const consilia_principal_t* principal,
                                         int64_t prediction_id, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { require(service, "service").service.retry(principal_of(principal), prediction_id); });
}

consilia_status_t consilia_service_get_patient_json(consilia_service_t* service,
                                                    const consilia_principal_t* principal, int64_t patient_id,
                                                    consilia_buffer_t* out_json,
                                                    consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(
            require(service, "service").service.get_patient_json(principal_of(principal), patient_id));
    });
}

consilia_status_t consilia_service_update_patient(consilia_service_t* service,
                                                  const consilia_principal_t* principal, int64_t patient_id,
                                                  const consilia_assignment_t* changes, size_t change_count,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        require(service, "service")
            .service.update_patient(principal_of(principal), patient_id,
                                    assignments_of(changes, change_count));
    });
}

consilia_status_t consilia_service_delete_prediction(consilia_service_t* service,
                                                     const consilia_principal_t* principal,
                                                     int64_t prediction_id, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        require(service, "service").service.delete_prediction(principal_of(principal), prediction_id);
    });
}

consilia_status_t consilia_service_engine(consilia_service_t* service, consilia_engine_t** out_engine,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_engine_t*& out = cleared(out_engine, "out_engine");
        out = new consilia_engine_t{require(service, "service").service.engine()};
    });
}

}  // extern "C"
