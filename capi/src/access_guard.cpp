#include <nlohmann/json.hpp>

#include "access.hpp"
#include "audit.hpp"
#include "consilia/access/guard.hpp"
#include "consilia/c/guard.h"
#include "data_query.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::access::Guard;
using consilia::capi::AskedContext;
using consilia::capi::assignments_of;
using consilia::capi::cleared;
using consilia::capi::counted;
using consilia::capi::guard;
using consilia::capi::policy_of;
using consilia::capi::principal_of;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::session_of;
using consilia::capi::step;
using consilia::capi::to_buffer;
using consilia::capi::transaction_of;
using consilia::capi::view;

struct consilia_guard {
    std::shared_ptr<const Guard> guard;
    std::shared_ptr<const data::Model> model;
};

namespace {

const Guard& guard_of(const consilia_guard_t* guarded) {
    return *require(guarded, "guarded").guard;
}

}  // namespace

extern "C" {

consilia_status_t consilia_guard_new(const consilia_policy_t* policy, const consilia_subject_t* subject,
                                     consilia_str_t resource, const consilia_repository_t* repository,
                                     const consilia_access_context_t* context, consilia_guard_t** out_guard,
                                     consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_guard_t*& out = cleared(out_guard, "out_guard");
        const data::ModelRepository& records = *require(repository, "repository").repository;
        auto made = std::make_shared<const Guard>(policy_of(policy), principal_of(subject),
                                                  std::string(view(resource)), records,
                                                  AskedContext(context).context());
        out = new consilia_guard_t{std::move(made), records.shared_model()};
    });
}

void consilia_guard_free(consilia_guard_t* guarded) {
    delete guarded;
}

consilia_status_t consilia_guard_observed(const consilia_guard_t* guarded, consilia_audit_trail_t* trail,
                                          consilia_guard_t** out_guard, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_guard_t*& out = cleared(out_guard, "out_guard");
        const Guard& given = guard_of(guarded);
        auto observed = std::make_shared<const Guard>(given.observed(
            [opened = require(trail, "trail").opened](const consilia::access::AuditEvent& event) {
                if (opened->trail) opened->trail->add(event);
            }));
        out = new consilia_guard_t{std::move(observed), guarded->model};
    });
}

consilia_status_t consilia_guard_tell_read(const consilia_guard_t* guarded, const consilia_row_set_t* rows,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] { guard_of(guarded).tell_read(*require(rows, "rows").rows); });
}

consilia_status_t consilia_guard_query(const consilia_guard_t* guarded, consilia_str_t action,
                                       consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_query_t*& out = cleared(out_query, "out_query");
        out = new consilia_query_t{guard_of(guarded).query(view(action)), guarded->model};
    });
}

consilia_status_t consilia_guard_rows(const consilia_guard_t* guarded, consilia_str_t action,
                                      consilia_query_t** out_query, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_query_t*& out = cleared(out_query, "out_query");
        out = new consilia_query_t{guard_of(guarded).rows(view(action)), guarded->model};
    });
}

consilia_status_t consilia_guard_filter(const consilia_guard_t* guarded, const consilia_query_t* query,
                                        consilia_str_t condition, consilia_query_t** out_query,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query,
             [&](const data::Query& from) { return from.where(guard_of(guarded).filter(view(condition))); });
    });
}

consilia_status_t consilia_guard_order(const consilia_guard_t* guarded, const consilia_query_t* query,
                                       consilia_str_t order, consilia_query_t** out_query,
                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        step(query, out_query, [&](const data::Query& from) {
            data::Query ordered = from;
            for (const std::string& path : guard_of(guarded).order(view(order)))
                ordered = ordered.order_by(path);
            return ordered;
        });
    });
}

consilia_status_t consilia_guard_get(const consilia_guard_t* guarded, consilia_session_t* session, int64_t id,
                                     consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(guard_of(guarded).get(session_of(session), id));
    });
}

consilia_status_t consilia_guard_require(const consilia_guard_t* guarded, consilia_session_t* session,
                                         int64_t id, consilia_str_t action, consilia_error_t** out_error) {
    return guard(out_error, [&] { guard_of(guarded).require(session_of(session), id, view(action)); });
}

consilia_status_t consilia_guard_insert(const consilia_guard_t* guarded, consilia_session_t* session,
                                        const consilia_assignment_t* values, size_t value_count,
                                        int64_t* out_id, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int64_t& out = cleared(out_id, "out_id");
        out = guard_of(guarded).insert(session_of(session), assignments_of(values, value_count)).id;
    });
}

consilia_status_t consilia_guard_update(const consilia_guard_t* guarded, consilia_session_t* session,
                                        int64_t id, const consilia_assignment_t* changes, size_t change_count,
                                        const int64_t* version, int64_t* out_version,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const std::optional<core::Timestamp> read =
            version == nullptr ? std::nullopt : std::optional(core::Timestamp{*version});
        counted(out_version, [&] {
            const auto updated = guard_of(guarded).update(transaction_of(session), id,
                                                          assignments_of(changes, change_count), read);
            return updated.value_or(core::Timestamp{}).microseconds;
        });
    });
}

consilia_status_t consilia_guard_remove(const consilia_guard_t* guarded, consilia_session_t* session,
                                        int64_t id, consilia_error_t** out_error) {
    return guard(out_error, [&] { guard_of(guarded).remove(transaction_of(session), id); });
}

consilia_status_t consilia_model_field_types(const consilia_model_t* model, size_t levels,
                                             consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        auto json = nlohmann::ordered_json::object();
        for (const auto& [path, type] : consilia::access::fields_of(*consilia::capi::in_use(model), levels))
            json[path] = core::to_string(type);
        out = to_buffer(json.dump());
    });
}

}  // extern "C"
