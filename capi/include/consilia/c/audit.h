#ifndef CONSILIA_C_AUDIT_H
#define CONSILIA_C_AUDIT_H
/* An audit log: who read or changed which record, when, from where, and why it was allowed; append-only, with
 * entries that are chained by their hashes (docs/audit.md). */
#include "consilia/c/data/database.h"
#include "consilia/c/data/query.h"
#include "consilia/c/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The log of a database, which it keeps alive. consilia_audit_log_free(). Threading: safe; free it when no
 * call is in progress. */
typedef struct consilia_audit_log consilia_audit_log_t;

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_audit_options {
    size_t struct_size;
    consilia_bytes_t key;       /* of the hashes (HMAC-SHA-256), 16 bytes or more; empty: plain SHA-256 */
    uint64_t details_bytes_max; /* of one entry's details, 1024 to 65536; 0: 4096 */
} consilia_audit_options_t;

/* A place in the chain: 64 digits and a zero byte; all zero: before the first entry. Kept elsewhere, it
 * proves the entries up to it. Frozen: this struct does not grow. */
typedef struct consilia_audit_anchor {
    int64_t sequence;
    char hash[72];
} consilia_audit_anchor_t;

enum { CONSILIA_AUDIT_ALLOWED = 0, CONSILIA_AUDIT_DENIED = 1 };

/* What is to be written down; never the values of the record. Prepare with CONSILIA_INIT(&event). */
typedef struct consilia_audit_event {
    size_t struct_size;
    consilia_value_t user_id;   /* INT64, TEXT or UUID; null: nobody in particular */
    consilia_str_t user_name;   /* texts: at most 200 bytes */
    consilia_str_t roles;       /* with a space between */
    consilia_str_t action;      /* required: "read" */
    consilia_str_t resource;    /* required: "prediction" */
    consilia_value_t record_id; /* as user_id; null: no single one */
    consilia_str_t rule;        /* of a decision: consilia_policy_decision_name() */
    consilia_str_t reason;      /* consilia_reason_name(); at most 1000 bytes */
    consilia_str_t address;
    consilia_str_t details_json; /* one JSON object; empty: {} */
    int32_t outcome;             /* CONSILIA_AUDIT_ALLOWED or _DENIED */
    int32_t reserved;            /* zero */
} consilia_audit_event_t;

/* Which entries; what is zero does not matter. Prepare with CONSILIA_INIT(&filter). */
typedef struct consilia_audit_filter {
    size_t struct_size;
    consilia_str_t resource;
    consilia_value_t record_id; /* with `resource`: who saw this record */
    consilia_value_t user_id;   /* what this user did */
    consilia_str_t action;
    int64_t since_us; /* at or after, microseconds since 1970-01-01T00:00:00Z; 0: any time */
    int64_t until_us; /* before; 0: any time */
    int32_t denied_only;
    int32_t allowed_only;
} consilia_audit_filter_t;

/* What is wrong with a log; the numbers never change. */
enum {
    CONSILIA_AUDIT_SOUND = 0,
    CONSILIA_AUDIT_CHANGED = 1,
    CONSILIA_AUDIT_REMOVED = 2,
    CONSILIA_AUDIT_REORDERED = 3,
    CONSILIA_AUDIT_ADDED = 4,
    CONSILIA_AUDIT_CUT_TAIL = 5,
    CONSILIA_AUDIT_REWRITTEN = 6
};

/* What a verification found. Prepare with CONSILIA_INIT(&report). */
typedef struct consilia_audit_report {
    size_t struct_size;
    int64_t entries;               /* that were found good, one after the other */
    consilia_audit_anchor_t begin; /* the place before the first of them */
    consilia_audit_anchor_t end;   /* the last of them */
    int64_t sequence;              /* the first that is bad; 0: none */
    int32_t fault;                 /* CONSILIA_AUDIT_... */
    int32_t reserved;              /* zero */
} consilia_audit_report_t;

/* Which entries go into an archive: the oldest, as far as all that is set allows. Prepare with CONSILIA_INIT.
 */
typedef struct consilia_audit_rotate_options {
    size_t struct_size;
    consilia_str_t file; /* required: the path of a new file */
    int64_t before_us;   /* up to the first entry that is not older; 0: any age */
    int64_t keep;        /* all but so many of the newest; 0: all of that age */
    consilia_value_t user_id;
    consilia_str_t user_name;
    consilia_str_t roles;
} consilia_audit_rotate_options_t;

/* `options` may be NULL. Nothing is read or created yet. Returns _OK or _INVALID_ARGUMENT (`audit.options`).
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_log_open(consilia_database_t* database,
                                                         const consilia_audit_options_t* options,
                                                         consilia_audit_log_t** out_log,
                                                         consilia_error_t** out_error);
CONSILIA_C_API void consilia_audit_log_free(consilia_audit_log_t* log); /* NULL is allowed */
/* Creates tables, indexes and triggers where they are missing, and binds a new log to the key. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_log_create_schema(consilia_audit_log_t* log,
                                                                  consilia_error_t** out_error);

/* Writes one entry for each event, all or none, which exist if the transaction is committed; NULL: in one of
 * their own. `out_anchor` (NULL: not wanted) is the place of the last. Returns _OK, _INVALID_ARGUMENT
 * (`audit.field`, `audit.details`, `audit.key`, `audit.too_many` above 10000), or as
 * consilia_session_execute(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_log_append(
    consilia_audit_log_t* log, consilia_session_t* transaction, const consilia_audit_event_t* const* events,
    size_t event_count, consilia_audit_anchor_t* out_anchor, consilia_error_t** out_error);
/* The newest place in the chain: to be kept elsewhere. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_log_head(consilia_audit_log_t* log,
                                                         consilia_audit_anchor_t* out_anchor,
                                                         consilia_error_t** out_error);
/* The entries as a query over the columns of an entry (`sequence`, `at`, `user_id`, …, `hash`), to be
 * ordered, paged, counted and run. `filter` may be NULL: all. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_log_query(consilia_audit_log_t* log,
                                                          const consilia_audit_filter_t* filter,
                                                          consilia_query_t** out_query,
                                                          consilia_error_t** out_error);
/* Writes a new file with one line of JSON for each entry, oldest first. `out_count` may be NULL. Returns _OK,
 * _CONFLICT (`file.exists`) or _STORAGE. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_log_export(consilia_audit_log_t* log,
                                                           const consilia_audit_filter_t* filter,
                                                           consilia_str_t file, int64_t* out_count,
                                                           consilia_error_t** out_error);
/* Reads the chain. `after`: where an earlier verification ended; `anchor`: kept elsewhere, must be part of
 * the chain; either may be NULL. A fault is an answer: the status is _OK. Returns also _INVALID_ARGUMENT
 * (`audit.key`) and _NOT_FOUND (`audit.anchor`: in an archive). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_log_verify(consilia_audit_log_t* log,
                                                           const consilia_audit_anchor_t* after,
                                                           const consilia_audit_anchor_t* anchor,
                                                           consilia_audit_report_t* out_report,
                                                           consilia_error_t** out_error);
/* The same for a file that an export or a rotation wrote; a `key` without bytes: none. Returns _OK,
 * _NOT_FOUND
 * (`file.not_found`, `audit.anchor`) or _INVALID_ARGUMENT. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_file_verify(consilia_str_t file, consilia_bytes_t key,
                                                            const consilia_audit_anchor_t* after,
                                                            const consilia_audit_anchor_t* anchor,
                                                            consilia_audit_report_t* out_report,
                                                            consilia_error_t** out_error);
/* Moves the oldest entries into a new file and removes them; at least `before_us` or `keep` is set.
 * `out_count` (NULL: not wanted) 0: none was old enough, and there is no file. Returns _OK, _INVALID_ARGUMENT
 * (`audit.rotate`), _CONFLICT (`audit.broken`, `audit.rotated`, `file.exists`) or _STORAGE. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_log_rotate(consilia_audit_log_t* log,
                                                           const consilia_audit_rotate_options_t* options,
                                                           int64_t* out_count, consilia_error_t** out_error);

/* What guards decide during one request, on its way into the log: what was allowed is written with the change
 * that it tells of, what was denied by itself, when the trail is freed. Make it before the transaction, and
 * free it after. consilia_audit_trail_free(). Threading: confined. */
typedef struct consilia_audit_trail consilia_audit_trail_t;

/* Begins a trail, which keeps its log; see consilia_guard_observed(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_trail_new(consilia_audit_log_t* log,
                                                          consilia_audit_trail_t** out_trail,
                                                          consilia_error_t** out_error);
/* Ends it: writes the denials that were not written. NULL is allowed. */
CONSILIA_C_API void consilia_audit_trail_free(consilia_audit_trail_t* trail);
/* Writes all so far: into this transaction, or with NULL by itself, before what was read is handed out.
 * Returns as consilia_audit_log_append(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_audit_trail_write(consilia_audit_trail_t* trail,
                                                            consilia_session_t* transaction,
                                                            consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
