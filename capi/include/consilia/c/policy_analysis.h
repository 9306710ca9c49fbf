#ifndef CONSILIA_C_POLICY_ANALYSIS_H
#define CONSILIA_C_POLICY_ANALYSIS_H
/* What is wrong with a policy, what a change of it changes, whether it can ever allow what it must not, and
 * policies of other engines (docs/policy-analysis.md). Policies go in as JSON, answers come out as JSON. All
 * functions are thread-safe and compute only. */
#include "consilia/c/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_policy_analysis_options {
    size_t struct_size;
    uint64_t max_steps;       /* of one question; 0: 20000 */
    uint64_t max_steps_total; /* of all questions: what comes later is not decided; 0: 5000000 */
    /* The fields of resources that the policy does not declare: {"note": {"owner_id": "int64"}}; empty: none.
     */
    consilia_str_t fields_json;
} consilia_policy_analysis_options_t;

/* Mistakes of a policy: an array of {severity, code, message, rules, example}. A policy that does not compile
 * gives one of them. `options` may be NULL. Returns _OK, _VALIDATION (`policy.syntax`: no policy at all) or
 * _INVALID_ARGUMENT (`access.fields_json`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_lint(consilia_str_t policy_json,
                                                      const consilia_policy_analysis_options_t* options,
                                                      consilia_buffer_t* out_json,
                                                      consilia_error_t** out_error);
/* Every difference of two policies, for every role, permission and field: an array of {role, resource,
 * action, field, kind, is_certain, example}; what is not listed is proved to be the same. Returns as
 * consilia_policy_lint(), and _VALIDATION (`policy.<what>`) for one that does not compile. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_diff(consilia_str_t before_json, consilia_str_t after_json,
                                                      const consilia_policy_analysis_options_t* options,
                                                      consilia_buffer_t* out_json,
                                                      consilia_error_t** out_error);
/* Proves or refutes the policy's `never` rules: an array of {rule, verdict, counterexample, reason}. Returns
 * as consilia_policy_diff(). @since 0.2 */
CONSILIA_C_API consilia_status_t
consilia_policy_find_violations(consilia_str_t policy_json, const consilia_policy_analysis_options_t* options,
                                consilia_buffer_t* out_json, consilia_error_t** out_error);

/* A model of Casbin and its policy as CSV, as {document, assignments, other_role, roles, resources, actions,
 * principal_attributes, context_attributes, object_resource, notes}. Returns _OK or _VALIDATION
 * (`import.casbin`, with source, line, column and construct, for what has another meaning here). @since 0.2
 */
CONSILIA_C_API consilia_status_t consilia_policy_import_casbin(consilia_str_t model, consilia_str_t policy,
                                                               consilia_buffer_t* out_json,
                                                               consilia_error_t** out_error);
/* As consilia_policy_import_casbin(), of Cedar's policies: `import.cedar`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_import_cedar(consilia_str_t text,
                                                              consilia_buffer_t* out_json,
                                                              consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
