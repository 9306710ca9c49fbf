#include "access.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"

namespace core = consilia::core;
using consilia::access::Decision;
using consilia::access::Delegation;
using consilia::access::PermissionId;
using consilia::access::Policy;
using consilia::access::Principal;
using consilia::access::Reason;
using consilia::access::Subject;
using consilia::capi::AskedContext;
using consilia::capi::borrow;
using consilia::capi::cleared;
using consilia::capi::cleared_items;
using consilia::capi::copy_options;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::list_of;
using consilia::capi::ObjectFields;
using consilia::capi::ObjectSource;
using consilia::capi::parameters_of;
using consilia::capi::policy_of;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::texts_of;
using consilia::capi::to_buffer;
using consilia::capi::value_of;
using consilia::capi::view;

static_assert(sizeof(consilia_decision_t) == 12 && sizeof(consilia_delegation_t) == 104);
static_assert(offsetof(consilia_subject_options_t, roles) == 32 &&
              offsetof(consilia_subject_options_t, delegation_count) == 88);
static_assert(offsetof(consilia_access_object_t, user_data) == 32 &&
              offsetof(consilia_access_context_t, attribute_count) == 40);
static_assert(static_cast<int>(Reason::AllowedByRule) + 1 == CONSILIA_REASON_ALLOWED_BY_RULE &&
              static_cast<int>(Reason::NoRule) + 1 == CONSILIA_REASON_NO_RULE &&
              static_cast<int>(Reason::SeparationOfDuties) + 1 == CONSILIA_REASON_SEPARATION_OF_DUTIES);

namespace consilia::capi {

core::Value ObjectFields::value(std::size_t index, std::string_view path) const {
    for (const consilia_parameter_t& field : fields_) {
        if (view(field.name) == path) return value_of(field.value);
    }
    if (given_.field != nullptr) {
        consilia_value_t found = consilia_null();
        if (given_.field(index, {path.data(), path.size()}, &found, given_.user_data) != 0)
            throw core::Cancelled("access.cancelled", "the caller's function gave up on a field");
        return value_of(found);
    }
    if (fields_.empty()) return {};
    throw core::InvalidArgument("access.missing_field",
                                "a condition asks for `" + std::string(path) + "`, which the object lacks",
                                {{"field", path}});
}

AskedContext::AskedContext(const consilia_access_context_t* given) {
    if (given == nullptr) return;
    const consilia_access_context_t known = copy_options(given);
    context_.emplace();
    if (known.now != 0) context_->now = core::Timestamp{known.now};
    context_->address = view(known.address);
    context_->attributes = parameters_of(known.attributes, known.attribute_count);
}

}  // namespace consilia::capi

namespace {

// In C numbers begin at 1, so that what is all zero allows nothing.
PermissionId permission_of(uint32_t permission) {
    return PermissionId{permission - 1};
}

consilia_decision_t told(const Decision& decision) {
    return {decision.allowed ? 1 : 0, static_cast<int32_t>(decision.reason) + 1, decision.rule + 1};
}
static_assert(Decision::kNone + 1 == 0 &&
              static_cast<uint32_t>(consilia::access::kUnknownPermission) + 1 == 0);

/// Room for decisions, which is empty where none are asked for.
std::span<consilia_decision_t> room(consilia_decision_t* out_decisions, std::size_t count) {
    if (count == 0) return {};
    return cleared_items(&require(out_decisions, "out_decisions"), count);
}

const Subject& subject_of(const consilia_subject_t* subject) {
    return require(subject, "subject").subject;
}

Delegation delegation_of(const consilia_delegation_t& given) {
    return {.from_id = value_of(given.from_id),
            .from_roles = texts_of(given.from_roles, given.from_role_count, "from_roles"),
            .permission = std::string(view(given.permission)),
            .ends_at = {given.ends_at},
            .starts_at = {given.starts_at},
            .from_name = std::string(view(given.from_name)),
            .from_attributes = parameters_of(given.from_attributes, given.from_attribute_count)};
}

Principal principal_given(const consilia_subject_options_t& given) {
    Principal principal{.user_id = value_of(given.user_id),
                        .roles = texts_of(given.roles, given.role_count, "roles"),
                        .name = std::string(view(given.name)),
                        .attributes = parameters_of(given.attributes, given.attribute_count)};
    for (const consilia_delegation_t& lent : items(given.delegations, given.delegation_count, "delegations"))
        principal.delegations.push_back(delegation_of(lent));
    return principal;
}

}  // namespace

extern "C" {

consilia_status_t consilia_policy_open(consilia_str_t json, consilia_policy_t** out_policy,
                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_policy_t*& out = cleared(out_policy, "out_policy");
        out = new consilia_policy_t{Policy(consilia::access::parse_policy(view(json)))};
    });
}

void consilia_policy_free(consilia_policy_t* policy) {
    delete policy;
}

consilia_str_t consilia_policy_schema(void) {
    const std::string_view schema = consilia::access::policy_schema();
    return {schema.data(), schema.size()};
}

consilia_status_t consilia_policy_json(const consilia_policy_t* policy, consilia_buffer_t* out_json,
                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(consilia::access::to_json(policy_of(policy).document()));
    });
}

consilia_status_t consilia_policy_roles(const consilia_policy_t* policy, consilia_row_set_t** out_rows,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        const auto roles = policy_of(policy).roles();
        out = row_set(list_of("role", {roles.begin(), roles.end()}));
    });
}

consilia_status_t consilia_policy_permission(const consilia_policy_t* policy, consilia_str_t action,
                                             consilia_str_t resource, uint32_t* out_permission,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        uint32_t& out = cleared(out_permission, "out_permission");
        out = static_cast<uint32_t>(policy_of(policy).permission(view(action), view(resource))) + 1;
    });
}

consilia_status_t consilia_policy_condition_fields(const consilia_policy_t* policy, consilia_str_t action,
                                                   consilia_str_t resource, consilia_row_set_t** out_rows,
                                                   consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(list_of("field", policy_of(policy).condition_fields(view(action), view(resource))));
    });
}

consilia_status_t consilia_policy_subject(const consilia_policy_t* policy,
                                          const consilia_subject_options_t* options,
                                          consilia_subject_t** out_subject, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_subject_t*& out = cleared(out_subject, "out_subject");
        out = new consilia_subject_t{policy_of(policy).subject(principal_given(copy_options(options)))};
    });
}

void consilia_subject_free(consilia_subject_t* subject) {
    delete subject;
}

consilia_str_t consilia_reason_name(int32_t reason) {
    if (reason <= CONSILIA_REASON_NONE || reason > CONSILIA_REASON_SEPARATION_OF_DUTIES) return {"", 0};
    const std::string_view name = consilia::access::to_string(static_cast<Reason>(reason - 1));
    return {name.data(), name.size()};
}

consilia_str_t consilia_policy_decision_name(const consilia_policy_t* policy, consilia_decision_t decision) {
    const bool is_decided =
        decision.reason > CONSILIA_REASON_NONE && decision.reason <= CONSILIA_REASON_SEPARATION_OF_DUTIES;
    if (policy == nullptr || !is_decided) return {"", 0};
    const std::string_view name = policy->policy.name_of(
        {decision.allowed != 0, static_cast<Reason>(decision.reason - 1), decision.rule - 1});
    return {name.data(), name.size()};
}

consilia_status_t consilia_policy_check(const consilia_policy_t* policy, const consilia_subject_t* subject,
                                        uint32_t permission, const consilia_access_object_t* object,
                                        const consilia_access_context_t* context,
                                        consilia_decision_t* out_decision, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_decision_t& out = cleared(out_decision, "out_decision");
        out = told(policy_of(policy).check(subject_of(subject), permission_of(permission),
                                           ObjectSource(object).source(), AskedContext(context).context()));
    });
}

consilia_status_t consilia_policy_check_many(const consilia_policy_t* policy,
                                             const consilia_subject_t* subject, uint32_t permission,
                                             size_t count, const consilia_access_object_t* objects,
                                             const consilia_access_context_t* context,
                                             consilia_decision_t* out_decisions,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const auto out = room(out_decisions, count);
        const ObjectFields fields(objects);
        const auto decisions = policy_of(policy).check_many(
            subject_of(subject), permission_of(permission), count,
            [&](std::size_t index, std::string_view path) { return fields.value(index, path); },
            AskedContext(context).context());
        std::transform(decisions.begin(), decisions.end(), out.begin(), told);
    });
}

consilia_status_t consilia_policy_check_rows(const consilia_policy_t* policy,
                                             const consilia_subject_t* subject, uint32_t permission,
                                             const consilia_row_set_t* rows,
                                             const consilia_access_context_t* context,
                                             consilia_decision_t* out_decisions,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const consilia::data::RowSet& asked = *require(rows, "rows").rows;
        const auto out = room(out_decisions, asked.size());
        const auto decisions = policy_of(policy).check_rows(subject_of(subject), permission_of(permission),
                                                            asked, AskedContext(context).context());
        std::transform(decisions.begin(), decisions.end(), out.begin(), told);
    });
}

consilia_status_t consilia_policy_check_subjects(
    const consilia_policy_t* policy, const consilia_subject_t* const* subjects, size_t subject_count,
    uint32_t permission, const consilia_access_object_t* object, const consilia_access_context_t* context,
    consilia_decision_t* out_decisions, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const auto out = room(out_decisions, subject_count);
        const Policy& asked = policy_of(policy);
        const ObjectSource source(object);
        const AskedContext now(context);
        std::vector<consilia_decision_t> decisions;
        for (const consilia_subject_t* subject : items(subjects, subject_count, "subjects")) {
            decisions.push_back(told(
                asked.check(subject_of(subject), permission_of(permission), source.source(), now.context())));
        }
        std::copy(decisions.begin(), decisions.end(), out.begin());
    });
}

}  // extern "C"
