#ifndef CONSILIA_C_DATA_HISTORY_H
#define CONSILIA_C_DATA_HISTORY_H
/* The versions of a model's rows: which there were, how all rows were at a time, and the way back. */
#include "consilia/c/data/query.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The history of a model that keeps one (CONSILIA_HISTORY). A version has the columns of the row, and
 * `history_id`, `history_action` (`insert`, `update`, `delete`, `baseline`), `history_at` and `history_by`.
 * consilia_history_free(). Threading: safe; sessions are confined. */
typedef struct consilia_history consilia_history_t;

/* Returns _OK or _INVALID_ARGUMENT (`record.no_history`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_history_new(const consilia_model_t* model,
                                                      consilia_history_t** out_history,
                                                      consilia_error_t** out_error);
CONSILIA_C_API void consilia_history_free(consilia_history_t* history); /* NULL is allowed */
/* A query over all versions. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_history_query(const consilia_history_t* history,
                                                        consilia_query_t** out_query,
                                                        consilia_error_t** out_error);
/* The versions of one row, oldest first. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_history_versions(const consilia_history_t* history, int64_t id,
                                                           consilia_query_t** out_query,
                                                           consilia_error_t** out_error);
/* All rows as they were at an instant (microseconds, UTC), by key. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_history_as_of(const consilia_history_t* history,
                                                        consilia_session_t* session, int64_t microseconds,
                                                        consilia_row_set_t** out_rows,
                                                        consilia_error_t** out_error);
/* Gives a row the values of one of its versions; a deleted row is there again. Returns _OK, _NOT_FOUND
 * (`record.no_version`), or as consilia_session_execute(). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_history_restore(const consilia_history_t* history,
                                                          consilia_session_t* session, int64_t history_id,
                                                          consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
