#include "consilia/c/policy_analysis.h"

#include <nlohmann/json.hpp>

#include "consilia/access/policy_analysis.hpp"
#include "consilia/access/policy_import.hpp"
#include "guard.hpp"

namespace core = consilia::core;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::guard;
using consilia::capi::to_buffer;
using consilia::capi::view;

static_assert(offsetof(consilia_policy_analysis_options_t, fields_json) == 24);

namespace {

[[noreturn]] void refuse_fields() {
    throw core::InvalidArgument(
        "access.fields_json",
        "wanted names of types by path and resource: {\"note\": {\"owner\": \"int64\"}}");
}

core::ValueType type_of(const nlohmann::json& name) {
    for (int number = 1; name.is_string() && number <= static_cast<int>(core::ValueType::Json); ++number) {
        const auto type = static_cast<core::ValueType>(number);
        if (core::to_string(type) == name.get<std::string>()) return type;
    }
    refuse_fields();
}

consilia::access::AnalysisOptions options_of(const consilia_policy_analysis_options_t* given) {
    const consilia_policy_analysis_options_t known = copy_options(given);
    consilia::access::AnalysisOptions options;
    if (known.max_steps != 0) options.max_steps = known.max_steps;
    if (known.max_steps_total != 0) options.max_steps_total = known.max_steps_total;
    const std::string_view text = view(known.fields_json);
    if (text.empty()) return options;
    const auto resources = nlohmann::json::parse(text, nullptr, false);
    if (!resources.is_object()) refuse_fields();
    for (const auto& resource : resources.items()) {
        if (!resource.value().is_object()) refuse_fields();
        for (const auto& field : resource.value().items())
            options.fields[resource.key()].emplace(field.key(), type_of(field.value()));
    }
    return options;
}

}  // namespace

extern "C" {

consilia_status_t consilia_policy_lint(consilia_str_t policy_json,
                                       const consilia_policy_analysis_options_t* options,
                                       consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        const auto findings =
            consilia::access::lint(consilia::access::parse_policy(view(policy_json)), options_of(options));
        out = to_buffer(consilia::access::to_json(findings));
    });
}

consilia_status_t consilia_policy_diff(consilia_str_t before_json, consilia_str_t after_json,
                                       const consilia_policy_analysis_options_t* options,
                                       consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        const auto changes =
            consilia::access::diff(consilia::access::parse_policy(view(before_json)),
                                   consilia::access::parse_policy(view(after_json)), options_of(options));
        out = to_buffer(consilia::access::to_json(changes));
    });
}

consilia_status_t consilia_policy_find_violations(consilia_str_t policy_json,
                                                  const consilia_policy_analysis_options_t* options,
                                                  consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        const auto results = consilia::access::find_violations(
            consilia::access::parse_policy(view(policy_json)), options_of(options));
        out = to_buffer(consilia::access::to_json(results));
    });
}

consilia_status_t consilia_policy_import_casbin(consilia_str_t model, consilia_str_t policy,
                                                consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out =
            to_buffer(consilia::access::to_json(consilia::access::import_casbin(view(model), view(policy))));
    });
}

consilia_status_t consilia_policy_import_cedar(consilia_str_t text, consilia_buffer_t* out_json,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(consilia::access::to_json(consilia::access::import_cedar(view(text))));
    });
}

}  // extern "C"
