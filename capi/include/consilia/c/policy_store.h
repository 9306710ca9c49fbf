#ifndef CONSILIA_C_POLICY_STORE_H
#define CONSILIA_C_POLICY_STORE_H
/* The policy in force: one for all threads, replaced as a whole while they ask; and policies in tables
 * (docs/policy-store.md). */
#include "consilia/c/access.h"
#include "consilia/c/data/database.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Holds the policy in force. Whoever asks has one whole policy, the old or the new one. Every change, and
 * every document that was refused, is told to the security log. After a fork the child makes a store of its
 * own: this one, and its readers, answer _UNAVAILABLE (`policy.forked`) there. consilia_policy_store_free().
 * Threading: safe. */
typedef struct consilia_policy_store consilia_policy_store_t;

/* A store of a policy in its JSON form. Returns as consilia_policy_open(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_open(consilia_str_t json,
                                                            consilia_policy_store_t** out_store,
                                                            consilia_error_t** out_error);
/* A store of the policy in a file, which is best replaced by renaming another one. Returns also _NOT_FOUND
 * (`file.not_found`), _RESOURCE_EXHAUSTED above 16 MiB, _INVALID_ARGUMENT (`policy.file`) for what is no
 * regular file, or _UNAVAILABLE (`policy.unsettled`) for one that is being written. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_open_file(consilia_str_t path,
                                                                 consilia_policy_store_t** out_store,
                                                                 consilia_error_t** out_error);
/* A store of the policy in the tables of a database, which is kept open. Returns also as
 * consilia_policy_tables_load(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_open_tables(consilia_database_t* database,
                                                                   consilia_policy_store_t** out_store,
                                                                   consilia_error_t** out_error);

/* Gives the JSON of a policy if it is another one than before, else leaves `*out_json` empty; the first call
 * must give one. The text is copied on return. Called by one thread at a time: the one that opens or
 * refreshes, or the watching one. Return the status of what failed, and its error in `*out_error`, which is
 * taken over; a status without one is _UNAVAILABLE (`policy.loader`). */
typedef consilia_status_t (*consilia_policy_loader_fn)(consilia_str_t* out_json, consilia_error_t** out_error,
                                                       void* user_data);
/* A store of what a function gives. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_open_loader(consilia_policy_loader_fn loader,
                                                                   void* user_data,
                                                                   consilia_policy_store_t** out_store,
                                                                   consilia_error_t** out_error);
/* Ends a watch and waits for a callback that runs, except within one. NULL is allowed. */
CONSILIA_C_API void consilia_policy_store_free(consilia_policy_store_t* store);

/* The policy in force, for consilia_policy_free(); it lives on after a change. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_current(const consilia_policy_store_t* store,
                                                               consilia_policy_t** out_policy,
                                                               consilia_error_t** out_error);
/* The number of the policy in force: 1 at first, one more with each change. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_version(const consilia_policy_store_t* store,
                                                               uint64_t* out_version,
                                                               consilia_error_t** out_error);
/* Puts a policy of one's own in force. `out_version` may be NULL. After a failure the policy stays.
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_replace(consilia_policy_store_t* store,
                                                               consilia_str_t json, uint64_t* out_version,
                                                               consilia_error_t** out_error);
/* Looks at the source now. `out_changed` (may be NULL) is 1 if there was a change. Returns _OK, what is wrong
 * with the source, again with each call until it is mended, or _INVALID_ARGUMENT (`policy.loader`) for a
 * store of a JSON text. After a failure the policy stays. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_refresh(consilia_policy_store_t* store,
                                                               int32_t* out_changed,
                                                               consilia_error_t** out_error);

/* Called on the watching thread, which holds no lock; both borrow their first argument to the call. */
typedef void (*consilia_policy_change_fn)(const consilia_policy_t* policy, void* user_data);
typedef void (*consilia_policy_error_fn)(const consilia_error_t* error, void* user_data);

typedef struct consilia_watch_options {
    size_t struct_size;
    int64_t interval_ms;                 /* between two looks; 0: 1,000 */
    consilia_policy_change_fn on_change; /* may be NULL */
    consilia_policy_error_fn on_error;   /* after every refresh that failed; may be NULL */
    void* user_data;                     /* handed back to both, never read */
} consilia_watch_options_t;

/* Refreshes from now on, on a thread of its own. `options` may be NULL. Returns _OK or _INVALID_ARGUMENT
 * (`policy.watch`) if it is watched already or the interval is not 1 ms to 1 day, (`policy.loader`).
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_watch(consilia_policy_store_t* store,
                                                             const consilia_watch_options_t* options,
                                                             consilia_error_t** out_error);
/* Ends the watch, as consilia_policy_store_free() does. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_store_stop_watching(consilia_policy_store_t* store,
                                                                     consilia_error_t** out_error);

/* Reads the policy in force without a lock. It may outlive the store. consilia_policy_reader_free().
 * Threading: confined. */
typedef struct consilia_policy_reader consilia_policy_reader_t;

CONSILIA_C_API consilia_status_t consilia_policy_store_reader(const consilia_policy_store_t* store,
                                                              consilia_policy_reader_t** out_reader,
                                                              consilia_error_t** out_error);
CONSILIA_C_API void consilia_policy_reader_free(consilia_policy_reader_t* reader); /* NULL is allowed */
/* The policy in force, borrowed until the next call or the end of the reader. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_reader_policy(consilia_policy_reader_t* reader,
                                                               const consilia_policy_t** out_policy,
                                                               consilia_error_t** out_error);

/* Creates what is missing of `consilia_policy_roles`, `consilia_policy_rules` and
 * `consilia_policy_settings`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_tables_create(consilia_database_t* database,
                                                               consilia_error_t** out_error);
/* Replaces the policy in the tables, within a transaction (`database.transaction`). Returns also as
 * consilia_policy_open(), before anything is changed. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_tables_save(consilia_session_t* session, consilia_str_t json,
                                                             consilia_error_t** out_error);
/* The policy in the tables as JSON. Returns _OK or _VALIDATION (`policy.syntax`) naming table, row and column
 * of what cannot be read. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_policy_tables_load(consilia_session_t* session,
                                                             consilia_buffer_t* out_json,
                                                             consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
