#ifndef CONSILIA_C_DATA_STATEMENT_WATCH_H
#define CONSILIA_C_DATA_STATEMENT_WATCH_H
/* What a query log or a counter sees of each statement: never its values. */
#include "consilia/c/data/database.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tells of the statements of a database until it is freed. consilia_statement_watch_free(). Threading: safe;
 * free it while no statement is running. */
typedef struct consilia_statement_watch consilia_statement_watch_t;

/* One statement that has run; texts are borrowed for the call. BEGIN, COMMIT and savepoints are not told. */
typedef struct consilia_statement_event {
    size_t struct_size;
    consilia_str_t sql; /* with its placeholders; of a bulk insert: `COPY` and the table */
    int64_t duration_ns;
    int64_t row_count;         /* read or changed */
    consilia_str_t label;      /* of the thread; see consilia_label_begin() */
    consilia_str_t error_code; /* empty unless it failed */
} consilia_statement_event_t;

/* Called after each statement, on the thread that ran it; it must not use the database. */
typedef void (*consilia_statement_fn)(const consilia_statement_event_t* event, void* user_data);

/* Watches all sessions of a database. `action` may be NULL: statements are then only counted. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_database_watch(consilia_database_t* database,
                                                         consilia_statement_fn action, void* user_data,
                                                         consilia_statement_watch_t** out_watch,
                                                         consilia_error_t** out_error);
/* Statements so far; 0 for NULL. */
CONSILIA_C_API uint64_t consilia_statement_watch_count(const consilia_statement_watch_t* watch);
CONSILIA_C_API void consilia_statement_watch_free(consilia_statement_watch_t* watch); /* NULL is allowed */

/* Names the code that runs statements on this thread, until consilia_label_end(). Labels nest; the innermost
 * is seen. `name` is copied. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_label_begin(consilia_str_t name, consilia_error_t** out_error);
/* Ends the innermost label of this thread, if there is one. */
CONSILIA_C_API void consilia_label_end(void);

#ifdef __cplusplus
}
#endif
#endif
