#ifndef CONSILIA_C_DATA_DATABASE_H
#define CONSILIA_C_DATA_DATABASE_H
/* A database, SQLite or PostgreSQL, and the sessions that statements run on. */
#include "consilia/c/data/row_set.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A database behind a bounded pool of connections, opened when they are needed. consilia_database_free().
 * After a fork the child must open its own: every call answers _UNAVAILABLE (`database.forked`) there.
 * Threading: safe. */
typedef struct consilia_database consilia_database_t;

/* A transaction, a read scope, or single statements: one connection of the pool until it is freed.
 * consilia_session_free(). Threading: confined to one thread at a time. */
typedef struct consilia_session consilia_session_t;

enum { CONSILIA_DIALECT_SQLITE = 0, CONSILIA_DIALECT_POSTGRESQL = 1 };

/* Zero means default in every field. */
typedef struct consilia_database_options {
    size_t struct_size;
    uint64_t connections_max;    /* open at once; a caller waits for a free one. 0: 8 */
    int64_t busy_timeout_ms;     /* longest wait for a connection, a lock or a writer. 0: 10,000 */
    uint64_t statements_max;     /* prepared statements kept for each connection. 0: 128 */
    int32_t without_prepared;    /* 1: behind PgBouncer in transaction mode, nothing is prepared */
    int32_t reserved;            /* zero */
    int64_t idle_check_after_ms; /* PostgreSQL: idle for so long, a connection is asked whether it lives
                                    before it is used again. 0: 500; -1: always */
} consilia_database_options_t;

/* Opens a database. `url`: `sqlite:/path/to/file.db`, relative `sqlite:file.db`, `sqlite::memory:`, or
 * `postgresql://user@host/database?option=value` as libpq has it. `options` may be NULL.
 * Returns _OK, _INVALID_ARGUMENT (`database.url`, `database.options`), _STORAGE (`database.open`) or
 * _UNAVAILABLE (`database.lost`, `database.two_sqlite`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_database_open(consilia_str_t url,
                                                        const consilia_database_options_t* options,
                                                        consilia_database_t** out_database,
                                                        consilia_error_t** out_error);
/* Sessions that are open keep what they need. NULL is allowed. */
CONSILIA_C_API void consilia_database_free(consilia_database_t* database);
/* CONSILIA_DIALECT_...; SQLITE for NULL. */
CONSILIA_C_API int32_t consilia_database_dialect(const consilia_database_t* database);

/* What a writing transaction is protected from. SQLite has one writer at a time: always serializable. */
enum {
    CONSILIA_READ_COMMITTED = 0, /* each statement sees what was committed before it */
    CONSILIA_SERIALIZABLE = 1    /* as if one after another; some then fail with `database.serialization` */
};

typedef struct consilia_transaction_options {
    size_t struct_size;
    int32_t isolation; /* CONSILIA_READ_COMMITTED, CONSILIA_SERIALIZABLE */
    int32_t reserved;  /* zero */
} consilia_transaction_options_t;

/* Begins a writing transaction; rolled back when freed without consilia_session_commit(). On SQLite it waits
 * for other writers now, never later. `options` may be NULL. Returns _OK or _UNAVAILABLE (`database.busy`,
 * `database.pool`, `database.lost`), here and below. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_database_begin(consilia_database_t* database,
                                                         const consilia_transaction_options_t* options,
                                                         consilia_session_t** out_session,
                                                         consilia_error_t** out_error);
/* Begins one snapshot for any number of reads; writing on it is `database.read_scope`. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_database_read(consilia_database_t* database,
                                                        consilia_session_t** out_session,
                                                        consilia_error_t** out_error);
/* A connection on which each statement commits by itself. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_database_autocommit(consilia_database_t* database,
                                                              consilia_session_t** out_session,
                                                              consilia_error_t** out_error);

/* The body of a transaction, called on the thread of consilia_database_transact(), holding no lock of the
 * library. `session` is borrowed for the call: it is neither committed nor freed by it. Return the status of
 * what failed, and its error in `*out_error`, which is taken over; a status that is not _OK rolls back. */
typedef consilia_status_t (*consilia_transaction_fn)(consilia_session_t* session,
                                                     consilia_error_t** out_error, void* user_data);

/* How often and how soon a transaction is tried again; the wait doubles, less a random part. */
typedef struct consilia_retry_options {
    size_t struct_size;
    int32_t attempts_max; /* 0: 5 */
    int32_t isolation;    /* CONSILIA_READ_COMMITTED, CONSILIA_SERIALIZABLE */
    int64_t wait_min_ms;  /* 0: 5 */
    int64_t wait_max_ms;  /* 0: 500 */
} consilia_retry_options_t;

/* Runs `body` in a transaction of its own and commits it. Where the database asks for it
 * (`database.serialization`, `database.busy`) everything is rolled back and `body` runs again: it must change
 * nothing but the database, and hand on the errors it meets. Returns _OK, what the last error says, or
 * _CANCELLED (`database.cancelled`) for a status without an error. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_database_transact(consilia_database_t* database,
                                                            consilia_transaction_fn body, void* user_data,
                                                            const consilia_retry_options_t* options,
                                                            consilia_error_t** out_error);

/* Ends a session: a transaction that was not committed is rolled back. NULL is allowed. */
CONSILIA_C_API void consilia_session_free(consilia_session_t* session);

/* The rest of a transaction's life. On other sessions, and on the one that consilia_database_transact() lends
 * for commit and rollback, they are _INVALID_ARGUMENT (`database.transaction`). */

/* Makes all changes permanent, then calls what consilia_session_on_commit() was given. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_session_commit(consilia_session_t* session,
                                                         consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_session_rollback(consilia_session_t* session,
                                                           consilia_error_t** out_error);
/* Savepoints: what is begun is released or undone once, the innermost first. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_session_begin_savepoint(consilia_session_t* session,
                                                                  consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_session_release_savepoint(consilia_session_t* session,
                                                                    consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_session_undo_savepoint(consilia_session_t* session,
                                                                 consilia_error_t** out_error);
/* Says who acts from here to the end of the transaction: for models with audit or history. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_session_act_as(consilia_session_t* session, int64_t actor,
                                                         consilia_error_t** out_error);
/* Called after a successful commit, on the thread that commits; never after a rollback. */
typedef void (*consilia_commit_fn)(void* user_data);
CONSILIA_C_API consilia_status_t consilia_session_on_commit(consilia_session_t* session,
                                                            consilia_commit_fn action, void* user_data,
                                                            consilia_error_t** out_error);

/* Trusted SQL, written for the database that it runs on: placeholders are `?` in SQLite, `$1` in PostgreSQL.
 * The text must never hold outside input. Failures: _CONFLICT (`database.unique`, `database.foreign_key`),
 * _VALIDATION (`database.not_null`, `database.check`, `database.value`), _STORAGE, _UNAVAILABLE. @since 0.1
 */
CONSILIA_C_API consilia_status_t consilia_session_query(consilia_session_t* session, consilia_str_t sql,
                                                        const consilia_value_t* values, size_t value_count,
                                                        consilia_row_set_t** out_rows,
                                                        consilia_error_t** out_error);
/* `out_count`: rows that were changed; may be NULL. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_session_execute(consilia_session_t* session, consilia_str_t sql,
                                                          const consilia_value_t* values, size_t value_count,
                                                          int64_t* out_count, consilia_error_t** out_error);

/* A read with its values, and the names and types of its result. Frozen: this struct does not grow. */
typedef struct consilia_statement {
    consilia_str_t sql;
    const consilia_value_t* values;
    size_t value_count;
    const consilia_row_column_t* columns; /* NULL: names of the statement, types as stored */
    size_t column_count;
} consilia_statement_t;

/* Runs independent reads in one round trip on PostgreSQL, one after another on SQLite. `out_rows` has
 * `statement_count` places; after a failure all are NULL. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_session_query_all(consilia_session_t* session,
                                                            const consilia_statement_t* statements,
                                                            size_t statement_count,
                                                            consilia_row_set_t** out_rows,
                                                            consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
