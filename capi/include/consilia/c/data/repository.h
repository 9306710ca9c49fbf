#ifndef CONSILIA_C_DATA_REPOSITORY_H
#define CONSILIA_C_DATA_REPOSITORY_H
/* The records of a model, by id: found, added, changed, hidden and removed. */
#include "consilia/c/data/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The records of one model. Rows that were soft-deleted are not found, except where a call says so.
 * consilia_repository_free(). Threading: safe; sessions are confined. */
typedef struct consilia_repository consilia_repository_t;

/* A column and what it gets. Frozen: this struct does not grow. */
typedef struct consilia_assignment {
    consilia_str_t column;
    consilia_value_t value;
    consilia_str_t expression; /* empty: `value`; else calculated from the row, with `value` as `:value` */
} consilia_assignment_t;

/* `column` gets `value`; borrows both. */
static inline consilia_assignment_t consilia_set(const char* column, consilia_value_t value) {
    consilia_assignment_t assignment;
    assignment.column = consilia_str_of(column);
    assignment.value = value;
    assignment.expression = consilia_str_of(NULL);
    return assignment;
}

/* `column` gets what `expression` gives, with `value` as `:value`: "attempt + :value". */
static inline consilia_assignment_t consilia_set_to(const char* column, const char* expression,
                                                    consilia_value_t value) {
    consilia_assignment_t assignment = consilia_set(column, value);
    assignment.expression = consilia_str_of(expression);
    return assignment;
}

/* Returns _OK or _INVALID_ARGUMENT (`model.key`) for a model without a primary key. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_new(const consilia_model_t* model,
                                                         consilia_repository_t** out_repository,
                                                         consilia_error_t** out_error);
CONSILIA_C_API void consilia_repository_free(consilia_repository_t* repository); /* NULL is allowed */

/* One row with all columns; `*out_rows` is NULL if there is none. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_find(const consilia_repository_t* repository,
                                                          consilia_session_t* session, int64_t id,
                                                          consilia_row_set_t** out_rows,
                                                          consilia_error_t** out_error);
/* As consilia_repository_find(), whether or not the row was soft-deleted. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_find_with_deleted(
    const consilia_repository_t* repository, consilia_session_t* session, int64_t id,
    consilia_row_set_t** out_rows, consilia_error_t** out_error);
/* One row; _NOT_FOUND (`record.not_found`) if there is none. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_get(const consilia_repository_t* repository,
                                                         consilia_session_t* session, int64_t id,
                                                         consilia_row_set_t** out_rows,
                                                         consilia_error_t** out_error);

/* Adds a row; columns that are not named get their default. Returns _OK, _INVALID_ARGUMENT
 * (`query.unknown_field`, `query.type`), or as consilia_session_execute(). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_insert(const consilia_repository_t* repository,
                                                            consilia_session_t* session,
                                                            const consilia_assignment_t* values,
                                                            size_t value_count, int64_t* out_id,
                                                            consilia_error_t** out_error);
/* Adds many rows at the database's best speed, all of them or none. Each column of `rows` is one of the
 * model; absent ones get their default. `out_count` may be NULL. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_insert_rows(const consilia_repository_t* repository,
                                                                 consilia_session_t* session,
                                                                 const consilia_row_set_t* rows,
                                                                 int64_t* out_count,
                                                                 consilia_error_t** out_error);
/* Adds the rows of an Arrow stream, chunk by chunk; a failure leaves the chunks before it, so run it in a
 * transaction. Takes the stream over: it is released whatever comes of it, unless an argument is NULL.
 * `out_count` may be NULL. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_insert_arrow(const consilia_repository_t* repository,
                                                                  consilia_session_t* session,
                                                                  struct ArrowArrayStream* stream,
                                                                  int64_t* out_count,
                                                                  consilia_error_t** out_error);

typedef struct consilia_upsert_options {
    size_t struct_size;
    const consilia_str_t* conflict; /* columns of a unique index, by which rows are recognised; required */
    size_t conflict_count;
    const consilia_str_t* update; /* columns that get the new values; NULL: the row stays as it is */
    size_t update_count;
} consilia_upsert_options_t;

/* As consilia_repository_insert_rows(), but a row that is there already is updated or left alone. Returns
 * also _INVALID_ARGUMENT (`query.upsert`). `out_count`: rows inserted or updated; may be NULL. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_upsert_rows(
    const consilia_repository_t* repository, consilia_session_t* session, const consilia_row_set_t* rows,
    const consilia_upsert_options_t* options, int64_t* out_count, consilia_error_t** out_error);

/* Changes the named columns of a row. `version`, if not NULL, is its `updated_at` as it was read, in
 * microseconds: the change is refused (_CONFLICT, `record.stale`) if somebody was faster. `out_version`: the
 * new one, 0 for a model without timestamps; may be NULL. Returns also _NOT_FOUND. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_update(const consilia_repository_t* repository,
                                                            consilia_session_t* session, int64_t id,
                                                            const consilia_assignment_t* changes,
                                                            size_t change_count, const int64_t* version,
                                                            int64_t* out_version,
                                                            consilia_error_t** out_error);

/* Hides a row, with the time and the actor of the session. Returns _OK, _NOT_FOUND or _INVALID_ARGUMENT
 * (`record.no_soft_delete`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_soft_delete(const consilia_repository_t* repository,
                                                                 consilia_session_t* session, int64_t id,
                                                                 consilia_error_t** out_error);
/* Shows a soft-deleted row again; _NOT_FOUND also for one that is not deleted. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_restore(const consilia_repository_t* repository,
                                                             consilia_session_t* session, int64_t id,
                                                             consilia_error_t** out_error);
/* Deletes a row for good, soft-deleted or not. Returns _OK, _NOT_FOUND or _CONFLICT
 * (`database.foreign_key`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_repository_remove(const consilia_repository_t* repository,
                                                            consilia_session_t* session, int64_t id,
                                                            consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
