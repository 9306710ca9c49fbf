#ifndef CONSILIA_C_ACCESS_H
#define CONSILIA_C_ACCESS_H
/* Who may do what: a policy that checks objects in memory and scopes queries, with the same answer
 * (docs/access.md). Rules are written as JSON; a denial is an answer, not an error. */
#include "consilia/c/data/row_set.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled policy. What is not allowed is denied, and a deny rule overrides every allow rule.
 * consilia_policy_free(). Threading: safe. */
typedef struct consilia_policy consilia_policy_t;

/* Compiles the JSON form of a policy. Returns _OK or _VALIDATION (`policy.syntax` with the place, and
 * `policy.<what>` with the offending name, such as `policy.unknown_role`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_open(consilia_str_t json, consilia_policy_t** out_policy,
                                                      consilia_error_t** out_error);
CONSILIA_C_API void consilia_policy_free(consilia_policy_t* policy); /* NULL is allowed */
/* The JSON Schema (2020-12) of that form; static. */
CONSILIA_C_API consilia_str_t consilia_policy_schema(void);
/* What the policy was compiled from, as JSON. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_json(const consilia_policy_t* policy,
                                                      consilia_buffer_t* out_json,
                                                      consilia_error_t** out_error);
/* The declared roles in the order of the document, as rows of one column, `role`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_roles(const consilia_policy_t* policy,
                                                       consilia_row_set_t** out_rows,
                                                       consilia_error_t** out_error);
/* The number of `resource:action` in this policy, for consilia_policy_check(); 0 for what is not declared,
 * which is denied to everybody. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_permission(const consilia_policy_t* policy,
                                                            consilia_str_t action, consilia_str_t resource,
                                                            uint32_t* out_permission,
                                                            consilia_error_t** out_error);
/* The fields that the conditions of `resource:action` name, for any role, as rows of one column, `field`:
 * what an object, or a query whose rows are checked, must have. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_condition_fields(const consilia_policy_t* policy,
                                                                  consilia_str_t action,
                                                                  consilia_str_t resource,
                                                                  consilia_row_set_t** out_rows,
                                                                  consilia_error_t** out_error);

/* A permission that somebody lends until it ends: the borrower may do what the lender may, and no more. It
 * counts only where the policy declares the permission delegable. Frozen: this struct does not grow. */
typedef struct consilia_delegation {
    consilia_value_t from_id;         /* the lender: `:principal_id` while its rules are looked at */
    const consilia_str_t* from_roles; /* the lender's roles */
    size_t from_role_count;
    consilia_str_t permission; /* `resource:action`; either part may be `*` */
    int64_t starts_at;         /* microseconds since 1970-01-01T00:00:00Z: from here on it counts */
    int64_t ends_at;           /* likewise, required: from here on it counts no more */
    consilia_str_t from_name;
    const consilia_parameter_t* from_attributes;
    size_t from_attribute_count;
} consilia_delegation_t;

/* On whose behalf something is asked. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_subject_options {
    size_t struct_size;
    consilia_value_t user_id;    /* null: nobody in particular; conditions that compare it are never true */
    const consilia_str_t* roles; /* the first is `:principal_role`; an undeclared one denies everything */
    size_t role_count;
    consilia_str_t name;                    /* for logs and conditions; not an identity */
    const consilia_parameter_t* attributes; /* `ward` is `:principal_ward`; absent ones are null */
    size_t attribute_count;
    const consilia_delegation_t* delegations; /* what others lent */
    size_t delegation_count;
} consilia_subject_options_t;

/* Who asks, looked up in one policy: what a request makes once and then asks with. consilia_subject_free().
 * Threading: safe. */
typedef struct consilia_subject consilia_subject_t;

/* All that is given is copied; `options` may be NULL: nobody, without a role. Returns _OK or
 * _INVALID_ARGUMENT (`access.attribute`: of another type than the policy declares). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_subject(const consilia_policy_t* policy,
                                                         const consilia_subject_options_t* options,
                                                         consilia_subject_t** out_subject,
                                                         consilia_error_t** out_error);
CONSILIA_C_API void consilia_subject_free(consilia_subject_t* subject); /* NULL is allowed */

/* Called for a field of object `index` that a condition asks for, on the calling thread, holding no lock. It
 * sets `*out_value`, which is null on entry; what that borrows is copied on return. Return non-zero to give
 * up: the call then ends with _CANCELLED (`access.cancelled`). */
typedef int32_t (*consilia_field_fn)(size_t index, consilia_str_t path, consilia_value_t* out_value,
                                     void* user_data);

/* The fields of an object, or of each object of a page, by their dotted paths. Prepare with
 * CONSILIA_INIT(&object). Without `fields` and `field` it is an object that does not exist yet: every field
 * is null. Else one that neither has is _INVALID_ARGUMENT (`access.missing_field`) once it is asked for. */
typedef struct consilia_access_object {
    size_t struct_size;
    const consilia_parameter_t* fields; /* by path */
    size_t field_count;
    consilia_field_fn field; /* asked for what is not among `fields`; may be NULL */
    void* user_data;         /* handed back to `field`, never read */
} consilia_access_object_t;

/* The circumstances of a question. Prepare with CONSILIA_INIT(&context); zero means default in every field.
 */
typedef struct consilia_access_context {
    size_t struct_size;
    int64_t now;            /* microseconds since 1970-01-01T00:00:00Z; 0: the machine's clock */
    consilia_str_t address; /* of the client; empty: null to conditions */
    const consilia_parameter_t* attributes; /* `purpose` is `:context_purpose`; absent ones are null */
    size_t attribute_count;
} consilia_access_context_t;

/* Why a decision came out as it did; the numbers never change. */
enum {
    CONSILIA_REASON_NONE = 0, /* nothing was decided: what an output is before, and after a failure */
    CONSILIA_REASON_ALLOWED_BY_RULE = 1,
    CONSILIA_REASON_DENIED_BY_RULE = 2, /* or the rule could not be shown not to apply: it is unknown */
    CONSILIA_REASON_NO_RULE = 3,        /* nothing allows it */
    CONSILIA_REASON_UNKNOWN_ROLE = 4,
    CONSILIA_REASON_UNKNOWN_PERMISSION = 5,
    CONSILIA_REASON_ALLOWED_BY_DELEGATION = 6,
    CONSILIA_REASON_SEPARATION_OF_DUTIES = 7 /* the subject's roles together break a separation */
};

/* The answer to one question. Frozen: this struct does not grow. All zero is no decision, and not allowed. */
typedef struct consilia_decision {
    int32_t allowed; /* 1 or 0 */
    int32_t reason;  /* CONSILIA_REASON_... */
    uint32_t rule;   /* number of the rule or separation that decided, from 1; 0: none did */
} consilia_decision_t;

/* `denied_by_rule`; empty for NONE and for what is no reason. Static. */
CONSILIA_C_API consilia_str_t consilia_reason_name(int32_t reason);
/* The name of the rule or separation that decided; empty where none did. Borrowed from the policy. */
CONSILIA_C_API consilia_str_t consilia_policy_decision_name(const consilia_policy_t* policy,
                                                            consilia_decision_t decision);

/* May the subject do this to the object? `object` and `context` may be NULL: an object that does not exist
 * yet, now. Costs tens of nanoseconds and no memory where no condition is asked. Returns _OK or
 * _INVALID_ARGUMENT (`access.subject`: made by another policy; `expression.type`: a condition compares what
 * cannot be compared), or as the struct of the object says. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_check(const consilia_policy_t* policy,
                                                       const consilia_subject_t* subject, uint32_t permission,
                                                       const consilia_access_object_t* object,
                                                       const consilia_access_context_t* context,
                                                       consilia_decision_t* out_decision,
                                                       consilia_error_t** out_error);
/* The same for each object of a page, by index; `out_decisions` has room for `count`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_check_many(
    const consilia_policy_t* policy, const consilia_subject_t* subject, uint32_t permission, size_t count,
    const consilia_access_object_t* objects, const consilia_access_context_t* context,
    consilia_decision_t* out_decisions, consilia_error_t** out_error);
/* The same for each row of a result, whose columns are the fields; `out_decisions` has room for all of them.
 * Returns also _INVALID_ARGUMENT (`access.missing_field`) with the field that a condition may ask for and
 * that is no column, whatever the rows hold. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_check_rows(
    const consilia_policy_t* policy, const consilia_subject_t* subject, uint32_t permission,
    const consilia_row_set_t* rows, const consilia_access_context_t* context,
    consilia_decision_t* out_decisions, consilia_error_t** out_error);
/* Which of these subjects may do it to one object; `out_decisions` has room for `subject_count`.
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_check_subjects(
    const consilia_policy_t* policy, const consilia_subject_t* const* subjects, size_t subject_count,
    uint32_t permission, const consilia_access_object_t* object, const consilia_access_context_t* context,
    consilia_decision_t* out_decisions, consilia_error_t** out_error);

/* What follows takes names and is asked less often: it looks the subject up again, so that one of another
 * policy will do. `object` and `context` may be NULL, as above. */

/* As consilia_policy_check(), but a denial is _PERMISSION_DENIED (`access.denied`) with role, permission,
 * reason and rule in its details. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_require(const consilia_policy_t* policy,
                                                         const consilia_subject_t* subject,
                                                         consilia_str_t action, consilia_str_t resource,
                                                         const consilia_access_object_t* object,
                                                         const consilia_access_context_t* context,
                                                         consilia_error_t** out_error);
/* The decision with its reasons as a JSON object: `allowed`, `reason`, `rule`, `condition`, `sentence` (for
 * people), and for whoever writes policies `rules` with the truth of their conditions and the `values` that
 * these name. Costs microseconds. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_explain(
    const consilia_policy_t* policy, const consilia_subject_t* subject, consilia_str_t action,
    consilia_str_t resource, const consilia_access_object_t* object, const consilia_access_context_t* context,
    consilia_buffer_t* out_json, consilia_error_t** out_error);

/* A condition as consilia_query_where() takes it: a text whose values are parameters, `:scope_1`, ….
 * consilia_condition_free(). What is borrowed from it lives as long as it does. Threading: compatible. */
typedef struct consilia_condition consilia_condition_t;

/* The condition that holds for exactly the objects that a check allows; `false` where none is. To narrow it,
 * make the next step of the query. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_scope(const consilia_policy_t* policy,
                                                       const consilia_subject_t* subject,
                                                       consilia_str_t action, consilia_str_t resource,
                                                       const consilia_access_context_t* context,
                                                       consilia_condition_t** out_condition,
                                                       consilia_error_t** out_error);
CONSILIA_C_API void consilia_condition_free(consilia_condition_t* condition); /* NULL is allowed */
/* Empty for NULL, and so is the next one. */
CONSILIA_C_API consilia_str_t consilia_condition_text(const consilia_condition_t* condition);
CONSILIA_C_API const consilia_parameter_t* consilia_condition_parameters(
    const consilia_condition_t* condition);
CONSILIA_C_API size_t consilia_condition_parameter_count(const consilia_condition_t* condition);

/* The fields that the subject has under `resource:action`, sorted, as rows of one column, `field`: for this
 * object, or with `object` NULL for every object, to select, filter and sort by. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_fields(
    const consilia_policy_t* policy, const consilia_subject_t* subject, consilia_str_t action,
    consilia_str_t resource, const consilia_access_object_t* object, const consilia_access_context_t* context,
    consilia_row_set_t** out_rows, consilia_error_t** out_error);
/* Those for any object: to select before consilia_policy_redact_rows() decides row by row. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_possible_fields(
    const consilia_policy_t* policy, const consilia_subject_t* subject, consilia_str_t action,
    consilia_str_t resource, const consilia_access_context_t* context, consilia_row_set_t** out_rows,
    consilia_error_t** out_error);
/* Refuses what is written to fields that the subject does not have for this object: _PERMISSION_DENIED
 * (`access.fields`) with all of their names. @since 0.2 */
CONSILIA_C_API consilia_status_t
consilia_policy_require_fields(const consilia_policy_t* policy, const consilia_subject_t* subject,
                               consilia_str_t action, consilia_str_t resource, const consilia_str_t* fields,
                               size_t field_count, const consilia_access_object_t* object,
                               const consilia_access_context_t* context, consilia_error_t** out_error);
/* A JSON object, or an array of them, without the members that the subject does not have: paths of nested
 * objects are dotted, an array inside is one member. Returns also _INVALID_ARGUMENT (`access.json`).
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_redact(
    const consilia_policy_t* policy, const consilia_subject_t* subject, consilia_str_t action,
    consilia_str_t resource, consilia_str_t json, const consilia_access_context_t* context,
    consilia_buffer_t* out_json, consilia_error_t** out_error);
/* The same for the rows of a query: columns that the subject has for no object are dropped, cells that it
 * does not have for the object of their row are null. Without a column left there are no rows either.
 * Returns also _INVALID_ARGUMENT (`access.missing_field`) as consilia_policy_check_rows(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_redact_rows(
    const consilia_policy_t* policy, const consilia_subject_t* subject, consilia_str_t action,
    consilia_str_t resource, const consilia_row_set_t* rows, const consilia_access_context_t* context,
    consilia_row_set_t** out_rows, consilia_error_t** out_error);

/* Everything that the subject may do, as a JSON array in the order of names: [{"resource", "action",
 * "condition", "fields"}], where an empty condition is every object. Returns also _INVALID_ARGUMENT
 * (`expression.no_text`) where a condition holds a blob of the subject's. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_permissions_of(const consilia_policy_t* policy,
                                                                const consilia_subject_t* subject,
                                                                const consilia_access_context_t* context,
                                                                consilia_buffer_t* out_json,
                                                                consilia_error_t** out_error);
/* The roles that may do `resource:action`, as a JSON array in the order of the document: [{"role",
 * "condition"}]. Separations and delegations are a matter of subjects. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_who_can(const consilia_policy_t* policy,
                                                         consilia_str_t action, consilia_str_t resource,
                                                         consilia_buffer_t* out_json,
                                                         consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
