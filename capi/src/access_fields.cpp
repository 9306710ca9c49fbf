// Which fields a subject has, and what is left of objects without the others.
#include "access.hpp"

using consilia::access::Policy;
using consilia::access::Principal;
using consilia::capi::AskedContext;
using consilia::capi::cleared;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::list_of;
using consilia::capi::ObjectSource;
using consilia::capi::policy_of;
using consilia::capi::principal_of;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::to_buffer;
using consilia::capi::view;

extern "C" {

consilia_status_t consilia_policy_fields(const consilia_policy_t* policy, const consilia_subject_t* subject,
                                         consilia_str_t action, consilia_str_t resource,
                                         const consilia_access_object_t* object,
                                         const consilia_access_context_t* context,
                                         consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        const Policy& asked = policy_of(policy);
        const Principal& principal = principal_of(subject);
        const AskedContext now(context);
        const auto fields = object == nullptr
                                ? asked.fields(principal, view(action), view(resource), now.context())
                                : asked.fields(principal, view(action), view(resource),
                                               ObjectSource(object).source(), now.context());
        out = row_set(list_of("field", fields));
    });
}

consilia_status_t consilia_policy_possible_fields(const consilia_policy_t* policy,
                                                  const consilia_subject_t* subject, consilia_str_t action,
                                                  consilia_str_t resource,
                                                  const consilia_access_context_t* context,
                                                  consilia_row_set_t** out_rows,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(list_of(
            "field", policy_of(policy).possible_fields(principal_of(subject), view(action), view(resource),
                                                       AskedContext(context).context())));
    });
}

consilia_status_t consilia_policy_require_fields(const consilia_policy_t* policy,
                                                 const consilia_subject_t* subject, consilia_str_t action,
                                                 consilia_str_t resource, const consilia_str_t* fields,
                                                 size_t field_count, const consilia_access_object_t* object,
                                                 const consilia_access_context_t* context,
                                                 consilia_error_t** out_error) {
    return guard(out_error, [&] {
        std::vector<std::string_view> names;
        for (const consilia_str_t& field : items(fields, field_count, "fields")) names.push_back(view(field));
        policy_of(policy).require_fields(principal_of(subject), view(action), view(resource), names,
                                         ObjectSource(object).source(), AskedContext(context).context());
    });
}

consilia_status_t consilia_policy_redact(const consilia_policy_t* policy, const consilia_subject_t* subject,
                                         consilia_str_t action, consilia_str_t resource, consilia_str_t json,
                                         const consilia_access_context_t* context,
                                         consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(policy_of(policy).redact(principal_of(subject), view(action), view(resource),
                                                 view(json), AskedContext(context).context()));
    });
}

consilia_status_t consilia_policy_redact_rows(const consilia_policy_t* policy,
                                              const consilia_subject_t* subject, consilia_str_t action,
                                              consilia_str_t resource, const consilia_row_set_t* rows,
                                              const consilia_access_context_t* context,
                                              consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(policy_of(policy).redact_rows(principal_of(subject), view(action), view(resource),
                                                    *require(rows, "rows").rows,
                                                    AskedContext(context).context()));
    });
}

}  // extern "C"
