#ifndef CONSILIA_C_DATA_LISTENER_H
#define CONSILIA_C_DATA_LISTENER_H
/* Messages between the programs of one PostgreSQL database (LISTEN and NOTIFY). */
#include "consilia/c/data/database.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Waits for messages on a connection of its own. A hint, not a queue: what is sent while nobody listens is
 * never seen. consilia_listener_free(). Threading: confined, except for consilia_listener_interrupt(). */
typedef struct consilia_listener consilia_listener_t;

/* Frozen: this struct does not grow. */
typedef struct consilia_notification {
    consilia_str_t channel; /* {NULL, 0}: no message came */
    consilia_str_t payload;
    int64_t process; /* of the server, for the connection that sent it */
} consilia_notification_t;

/* Listens from now on. Returns _OK, _INVALID_ARGUMENT on SQLite (`database.unsupported`) or without a channel
 * (`database.options`), or _UNAVAILABLE (`database.lost`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_listener_open(consilia_database_t* database,
                                                        const consilia_str_t* channels, size_t channel_count,
                                                        consilia_listener_t** out_listener,
                                                        consilia_error_t** out_error);
CONSILIA_C_API void consilia_listener_free(consilia_listener_t* listener); /* NULL is allowed */
/* The next message, or none after the timeout or an interruption. Its texts are borrowed until the next call
 * or the end of the listener. Returns _OK or _UNAVAILABLE (`database.lost`): what was sent since the last
 * call may be missed, and the next call connects again. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_listener_wait(consilia_listener_t* listener, int64_t timeout_ms,
                                                        consilia_notification_t* out_notification,
                                                        consilia_error_t** out_error);
/* Makes the wait that runs, or else the next one, return at once. Safe from any thread and from signal
 * handlers, as long as the listener lives; NULL is allowed. */
CONSILIA_C_API void consilia_listener_interrupt(consilia_listener_t* listener);

/* Sends a message to all listeners, within a transaction when it commits. The payload is at most 8,000 bytes.
 * @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_session_notify(consilia_session_t* session, consilia_str_t channel,
                                                         consilia_str_t payload,
                                                         consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
