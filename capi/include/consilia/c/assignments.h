#ifndef CONSILIA_C_ASSIGNMENTS_H
#define CONSILIA_C_ASSIGNMENTS_H
/* Who has which role, and who lends what to whom, in tables (docs/policy-store.md). Users are known by their
 * ids; times are microseconds since 1970-01-01T00:00:00Z. */
#include "consilia/c/access.h"
#include "consilia/c/data/database.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The roles and delegations of users. What changes them is part of the caller's transaction
 * (`database.transaction`); who may change them is for the caller's policy to say.
 * consilia_assignments_free(). Threading: safe; sessions are confined. */
typedef struct consilia_assignments consilia_assignments_t;

/* Creates what is missing of `consilia_role_assignments`, `consilia_delegations` and their histories.
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_create_tables(consilia_database_t* database,
                                                                    consilia_error_t** out_error);
/* @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_new(consilia_database_t* database,
                                                          consilia_assignments_t** out_assignments,
                                                          consilia_error_t** out_error);
CONSILIA_C_API void consilia_assignments_free(consilia_assignments_t* assignments); /* NULL is allowed */

typedef struct consilia_assign_options {
    size_t struct_size;
    consilia_value_t granted_by; /* an int64; null: who acts in the transaction */
    int64_t starts_at;           /* 0: now */
    int64_t ends_at;             /* from here on it counts no more; 0: until revoked */
} consilia_assign_options_t;

/* Gives a user a role; one that the user has already gets this period and granter. `options` may be NULL.
 * Returns _OK, _VALIDATION (`access.unknown_role`, `access.period`) or _CONFLICT (`access.separation`) naming
 * the separation that the user's roles would break at some time. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_assign(const consilia_assignments_t* assignments,
                                                             consilia_session_t* session,
                                                             const consilia_policy_t* policy, int64_t user_id,
                                                             consilia_str_t role,
                                                             const consilia_assign_options_t* options,
                                                             consilia_error_t** out_error);
/* Takes a role away, now. `out_had` (may be NULL) is 1 if the user had it. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_revoke(const consilia_assignments_t* assignments,
                                                             consilia_session_t* session, int64_t user_id,
                                                             consilia_str_t role, int32_t* out_had,
                                                             consilia_error_t** out_error);
/* The assignments of a user that have not ended, the oldest first: `id`, `user_id`, `role`, `granted_by`,
 * `starts_at`, `ends_at`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_of(const consilia_assignments_t* assignments,
                                                         consilia_session_t* session, int64_t user_id,
                                                         consilia_row_set_t** out_rows,
                                                         consilia_error_t** out_error);
/* The roles that a user has now, as rows of one column, `role`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_roles_of(const consilia_assignments_t* assignments,
                                                               consilia_session_t* session, int64_t user_id,
                                                               consilia_row_set_t** out_rows,
                                                               consilia_error_t** out_error);

typedef struct consilia_users_options {
    size_t struct_size;
    consilia_value_t after; /* an int64, the last user of the page before; null: the first page */
    int64_t limit;          /* 1 to 10,000; 0: 1,000 */
} consilia_users_options_t;

/* The users who have a role now, in ascending order, as rows of one column, `user_id`. `options` may be NULL.
 * Returns _OK or _INVALID_ARGUMENT (`access.limit`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_users_with(
    const consilia_assignments_t* assignments, consilia_session_t* session, consilia_str_t role,
    const consilia_users_options_t* options, consilia_row_set_t** out_rows, consilia_error_t** out_error);

typedef struct consilia_delegate_options {
    size_t struct_size;
    int64_t borrower_id;
    consilia_str_t permission; /* `resource:action`; either part may be `*` */
    int64_t starts_at;         /* 0: now */
    int64_t ends_at;           /* required; at most 366 days ahead */
} consilia_delegate_options_t;

/* Lends what the lender may do; what was lent to the lender is not lent on. Returns _OK,
 * _PERMISSION_DENIED (`access.delegation`) unless each permission named is delegable and may be allowed to
 * the lender, _VALIDATION (`access.unknown_permission`, `access.period`, `access.borrower`), _CONFLICT
 * (`access.separation`), _RESOURCE_EXHAUSTED (`access.borrowed_max`: 100 to one borrower) or
 * _INVALID_ARGUMENT (`access.lender`: the lender's id is no int64). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_delegate(const consilia_assignments_t* assignments,
                                                               consilia_session_t* session,
                                                               const consilia_policy_t* policy,
                                                               const consilia_subject_t* lender,
                                                               const consilia_delegate_options_t* options,
                                                               int64_t* out_id, consilia_error_t** out_error);
/* A delegation by its lender: nobody takes back what another one lent. Frozen: this struct does not grow. */
typedef struct consilia_delegation_key {
    int64_t id;
    int64_t lender_id;
} consilia_delegation_key_t;
/* Ends a delegation, now. `out_had` (may be NULL) is 1 if this lender lent it. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_take_back(const consilia_assignments_t* assignments,
                                                                consilia_session_t* session,
                                                                consilia_delegation_key_t key,
                                                                int32_t* out_had,
                                                                consilia_error_t** out_error);
/* What a user lends, or borrows, and has not ended, the oldest first: `id`, `lender_id`, `lender_name`,
 * `borrower_id`, `permission`, `starts_at`, `ends_at`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_lent_by(const consilia_assignments_t* assignments,
                                                              consilia_session_t* session, int64_t lender_id,
                                                              consilia_row_set_t** out_rows,
                                                              consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_assignments_lent_to(const consilia_assignments_t* assignments,
                                                              consilia_session_t* session,
                                                              int64_t borrower_id,
                                                              consilia_row_set_t** out_rows,
                                                              consilia_error_t** out_error);

/* The user as this policy is asked: with the roles and delegations of now, each with the roles that its
 * lender has now. For consilia_subject_free(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_assignments_subject(
    const consilia_assignments_t* assignments, consilia_session_t* session, const consilia_policy_t* policy,
    int64_t user_id, consilia_str_t name, consilia_subject_t** out_subject, consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
