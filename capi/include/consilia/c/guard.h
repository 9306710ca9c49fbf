#ifndef CONSILIA_C_GUARD_H
#define CONSILIA_C_GUARD_H
/* The records of a model as one subject may reach them: whoever goes through a guard cannot forget a check.
 */
#include "consilia/c/access.h"
#include "consilia/c/audit.h"
#include "consilia/c/data/query.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Scoped queries and checked changes of one model's rows, on behalf of one subject. A row that it may not
 * `read` is answered as one that does not exist: _NOT_FOUND (`<resource>.not_found`), after the same
 * statements and with the same line in the security log. What may be read but not done otherwise is
 * _PERMISSION_DENIED. consilia_guard_free(). Threading: safe; sessions are confined. */
typedef struct consilia_guard consilia_guard_t;

/* `resource` is the policy's name for the rows; `context` may be NULL: now, whenever the guard is used. Keeps
 * what it needs of the others. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_new(
    const consilia_policy_t* policy, const consilia_subject_t* subject, consilia_str_t resource,
    const consilia_repository_t* repository, const consilia_access_context_t* context,
    consilia_guard_t** out_guard, consilia_error_t** out_error);
CONSILIA_C_API void consilia_guard_free(consilia_guard_t* guarded); /* NULL is allowed */

/* The guard, telling a trail what it decides about single rows: read, changed, refused, not found. Once the
 * trail is freed nothing is told. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_observed(const consilia_guard_t* guarded,
                                                         consilia_audit_trail_t* trail,
                                                         consilia_guard_t** out_guard,
                                                         consilia_error_t** out_error);
/* Tells the trail that these rows of a query were read: each by its primary key, or, where that is no column
 * of them, how many. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_tell_read(const consilia_guard_t* guarded,
                                                          const consilia_row_set_t* rows,
                                                          consilia_error_t** out_error);

/* The rows to which the subject may do this, and of them the fields that it has under `read` for every row,
 * the primary key first. Narrow it, order it, count it: the scope stays. Returns _OK or _PERMISSION_DENIED
 * (`access.denied`: it can never do it to anything; `access.no_fields`: it may read no field). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_query(const consilia_guard_t* guarded, consilia_str_t action,
                                                      consilia_query_t** out_query,
                                                      consilia_error_t** out_error);
/* The same with all columns: for aggregates, and where no row leaves the program. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_rows(const consilia_guard_t* guarded, consilia_str_t action,
                                                     consilia_query_t** out_query,
                                                     consilia_error_t** out_error);
/* Keeps the rows of a query for which a condition from outside is true. It names only fields that the subject
 * may read for every row, since filtering by a hidden one would tell it bit by bit. Empty: all rows. Returns
 * _OK, _INVALID_ARGUMENT (`access.filter`: longer than 4096 bytes; `access.field`: names another field) or as
 * consilia_query_where(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_filter(const consilia_guard_t* guarded,
                                                       const consilia_query_t* query,
                                                       consilia_str_t condition, consilia_query_t** out_query,
                                                       consilia_error_t** out_error);
/* Appends an order from outside, `-created_at,id`; the primary key is always the last, so that pages never
 * overlap. Returns _OK or _INVALID_ARGUMENT (`access.order`: more than 5 fields; `access.field`). @since 0.2
 */
CONSILIA_C_API consilia_status_t consilia_guard_order(const consilia_guard_t* guarded,
                                                      const consilia_query_t* query, consilia_str_t order,
                                                      consilia_query_t** out_query,
                                                      consilia_error_t** out_error);

/* One row with the fields that the subject has for it. Returns _OK, _NOT_FOUND, _PERMISSION_DENIED, or as
 * consilia_query_run(), here and below. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_get(const consilia_guard_t* guarded,
                                                    consilia_session_t* session, int64_t id,
                                                    consilia_row_set_t** out_rows,
                                                    consilia_error_t** out_error);
/* Refuses unless the subject may do this to the row. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_require(const consilia_guard_t* guarded,
                                                        consilia_session_t* session, int64_t id,
                                                        consilia_str_t action, consilia_error_t** out_error);
/* Adds a row, if the subject may `create` it and has all of these fields under `create`: else
 * _PERMISSION_DENIED (`access.denied`, `access.fields`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_insert(const consilia_guard_t* guarded,
                                                       consilia_session_t* session,
                                                       const consilia_assignment_t* values,
                                                       size_t value_count, int64_t* out_id,
                                                       consilia_error_t** out_error);
/* Changes a row, if the subject may `update` it, before and after, and has all of these fields under
 * `update`. `version` and `out_version` as in consilia_repository_update(). In a writing transaction
 * (`database.transaction`), which is to be rolled back when this fails. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_update(const consilia_guard_t* guarded,
                                                       consilia_session_t* session, int64_t id,
                                                       const consilia_assignment_t* changes,
                                                       size_t change_count, const int64_t* version,
                                                       int64_t* out_version, consilia_error_t** out_error);
/* Deletes a row, if the subject may `delete` it: hides it, in a model with soft delete. In a writing
 * transaction. Returns also _CONFLICT (`database.foreign_key`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_guard_remove(const consilia_guard_t* guarded,
                                                       consilia_session_t* session, int64_t id,
                                                       consilia_error_t** out_error);

/* The fields of a model's rows with their types, across at most `levels` references, as a JSON object: what a
 * resource that is about these rows declares, so that a rule with a misspelt field is refused. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_model_field_types(const consilia_model_t* model, size_t levels,
                                                            consilia_buffer_t* out_json,
                                                            consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
