#ifndef CONSILIA_C_DISPATCHER_H
#define CONSILIA_C_DISPATCHER_H
/* Requests of many callers before one engine: a bounded queue, batches, deadlines, priorities, cancellation;
 * refused at once where waiting is in vain (docs/requests.md). */
#include "consilia/c/inference.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the batches of its requests on a thread of its own, on which all callbacks are called too, holding no
 * lock. They may submit, cancel, read, stop and free, but not wait. After a fork the child's calls return
 * CONSILIA_UNAVAILABLE (`engine.forked`); freeing is allowed there. consilia_dispatcher_free(). Threading:
 * safe; free it when no call is in progress. */
typedef struct consilia_dispatcher consilia_dispatcher_t;

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_dispatcher_options {
    size_t struct_size;
    consilia_str_t name;      /* the label `dispatcher` of its metrics; empty: "default" */
    size_t queue_max;         /* requests that may wait, at most 65536; 0: 256 */
    uint64_t queue_bytes_max; /* their tensors together; 0: 512 MiB */
    size_t batch_max;         /* requests run together, at most 256; 0: 8 */
    double batch_wait_ms; /* longest that a request waits, on an idle device, for others to share its batch,
                             at most 10000; 0: 2, negative: not at all */
    double age_after_ms;  /* a waiting request rises one level each time; 0: 2000 */
    double patience_ms;   /* what a request without a deadline counts as due after; 0: 10000 */
    int64_t trace_max;    /* spans that the trace can tell of, the newest; 0: 4096, negative: none */
    int32_t is_caller_driven; /* 1: no thread; consilia_dispatcher_run_pending() is called, and calls back */
} consilia_dispatcher_options_t;

/* Opens a dispatcher before an engine, which it keeps alive: either may be freed first. Several may share
 * one. `options` may be NULL. Returns _OK, _INVALID_ARGUMENT (`dispatcher.options`, with `option`) or
 * _UNAVAILABLE (`engine.forked`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_open(consilia_engine_t* engine,
                                                          const consilia_dispatcher_options_t* options,
                                                          consilia_dispatcher_t** out_dispatcher,
                                                          consilia_error_t** out_error);
/* Cancels what waits and runs, and returns when the thread has ended; in a callback it does not wait. NULL is
 * allowed. */
CONSILIA_C_API void consilia_dispatcher_free(consilia_dispatcher_t* dispatcher);

/* Called once an admitted request, on the dispatcher's thread: the diagnosis as JSON, or the error. Both are
 * borrowed for the call; the one that there is not is empty or NULL. */
typedef void (*consilia_answer_fn)(consilia_str_t diagnosis_json, const consilia_error_t* error,
                                   void* user_data);

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_request_options {
    size_t struct_size;
    consilia_str_t priority; /* "high", "normal" (empty), "low" */
    double deadline_ms;      /* from the submission, at most a day; 0: none */
    consilia_run_progress_fn
        progress; /* after each member, on the dispatcher's thread: non-zero cancels the request */
    consilia_answer_fn answer; /* may be NULL */
    void* user_data;           /* handed back to both, never read; not used once the answer has been given */
} consilia_request_options_t;

/* A submitted request and its answer. It may outlive the dispatcher. Freeing it does not cancel.
 * consilia_request_free(). Threading: safe; free it when no call is in progress. */
typedef struct consilia_request consilia_request_t;

/* Submits an encoded image, which is decoded on the calling thread once there is room; that counts towards
 * the deadline. An admitted request has exactly one answer, after `answer` has returned also by
 * `out_request`, which may be NULL if there is a callback. Returns _OK, _INVALID_ARGUMENT
 * (`request.priority`, `request.deadline`, `request.callback`: neither way to an answer, `request.inputs`:
 * larger than the queue), _UNAVAILABLE (`dispatcher.overloaded`, `dispatcher.deadline`, `dispatcher.stopped`,
 * `engine.forked`; the details say when to try again), or as consilia_engine_run_file() for an image that
 * cannot be read. No callback is called for what was not admitted. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_submit_file(consilia_dispatcher_t* dispatcher,
                                                                 consilia_str_t path,
                                                                 const consilia_request_options_t* options,
                                                                 consilia_request_t** out_request,
                                                                 consilia_error_t** out_error);
/* The same from memory, borrowed for the call. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_submit_bytes(consilia_dispatcher_t* dispatcher,
                                                                  const void* data, size_t size,
                                                                  const consilia_request_options_t* options,
                                                                  consilia_request_t** out_request,
                                                                  consilia_error_t** out_error);
/* Submits and waits: the diagnosis as consilia_engine_run_file() gives it. `options->answer` must be NULL.
 * Returns what submitting and consilia_request_result() do, and _INVALID_ARGUMENT (`dispatcher.waiting`)
 * where consilia_request_wait() does. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_infer_file(consilia_dispatcher_t* dispatcher,
                                                                consilia_str_t path,
                                                                const consilia_request_options_t* options,
                                                                consilia_buffer_t* out_json,
                                                                consilia_error_t** out_error);
/* The same from memory, borrowed for the call. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_infer_bytes(consilia_dispatcher_t* dispatcher,
                                                                 const void* data, size_t size,
                                                                 const consilia_request_options_t* options,
                                                                 consilia_buffer_t* out_json,
                                                                 consilia_error_t** out_error);

/* Waits for the answer: `out_is_done` is 0 if it has not come within `timeout_ms` (0: only looks, negative:
 * as long as it takes). Returns _OK, _INVALID_ARGUMENT (`dispatcher.waiting`: in a callback, or the
 * dispatcher is caller-driven; `request.timeout`) or _UNAVAILABLE (`engine.forked`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_request_wait(const consilia_request_t* request, double timeout_ms,
                                                       int32_t* out_is_done, consilia_error_t** out_error);
/* The answer, as often as it is asked for: the diagnosis as consilia_engine_run_file() gives it. Returns _OK,
 * _CONFLICT (`request.pending`: there is none yet), _CANCELLED (`request.cancelled`, `dispatcher.stopped`),
 * _TIMED_OUT (`request.deadline`), _INFERENCE, … @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_request_result(const consilia_request_t* request,
                                                         consilia_buffer_t* out_json,
                                                         consilia_error_t** out_error);
/* Withdraws the request: from the queue at once, from a running batch before the next member.
 * `out_is_cancelled` is 0 if it is too late; it may be NULL. Returns _OK or _UNAVAILABLE (`engine.forked`).
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_request_cancel(const consilia_request_t* request,
                                                         int32_t* out_is_cancelled,
                                                         consilia_error_t** out_error);
enum { CONSILIA_REQUEST_QUEUED = 0, CONSILIA_REQUEST_RUNNING = 1, CONSILIA_REQUEST_DONE = 2 };
/* Where the request is; DONE once it has an answer, and for NULL. */
CONSILIA_C_API int32_t consilia_request_stage(const consilia_request_t* request);
CONSILIA_C_API void consilia_request_free(consilia_request_t* request); /* NULL is allowed */

/* Brings every member in and measures batches of one and of `batch_max`, on the calling thread: for before
 * the first request. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_warm_up(consilia_dispatcher_t* dispatcher,
                                                             consilia_error_t** out_error);
enum {
    CONSILIA_STOP_DRAIN = 0, /* what waits is run first */
    CONSILIA_STOP_CANCEL = 1 /* what waits is cancelled; the running batch stops before its next member */
};
/* Refuses requests from now on, deals with those that wait, and returns when the thread has ended; in a
 * callback it does not wait. A drain may be turned into a cancellation. Returns _OK, _INVALID_ARGUMENT
 * (`c_api.enum`) or _UNAVAILABLE (`engine.forked`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_stop(consilia_dispatcher_t* dispatcher, int32_t mode,
                                                          consilia_error_t** out_error);
/* In a caller-driven dispatcher: gives the answers that are due and runs at most one batch. `out_due_ms`:
 * when to call again, 0 for at once, negative while no request waits. Returns _OK, _INVALID_ARGUMENT
 * (`dispatcher.driven`: it has a thread; `dispatcher.waiting`: in a callback) or _UNAVAILABLE
 * (`engine.forked`). Threading: one call at a time. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_run_pending(consilia_dispatcher_t* dispatcher,
                                                                 double* out_due_ms,
                                                                 consilia_error_t** out_error);

/* What has become of the requests so far: `submitted` is `admitted` and the refused, `admitted` the sum of
 * `completed`, `failed`, `cancelled`, `timed_out`, `queued` and `running`. Prepare with
 * CONSILIA_INIT(&counts). */
typedef struct consilia_request_counts {
    size_t struct_size;
    uint64_t submitted;
    uint64_t admitted;
    uint64_t refused_overloaded;
    uint64_t refused_deadline;
    uint64_t refused_stopped;
    uint64_t completed;
    uint64_t completed_late; /* of the completed: after their deadline */
    uint64_t failed;
    uint64_t cancelled;
    uint64_t timed_out;
    uint64_t batches;
    uint64_t queued;
    uint64_t queued_bytes;
    uint64_t running;
} consilia_request_counts_t;
CONSILIA_C_API consilia_status_t consilia_dispatcher_counts(const consilia_dispatcher_t* dispatcher,
                                                            consilia_request_counts_t* out_counts,
                                                            consilia_error_t** out_error);
/* Prometheus' text exposition format: `consilia_inference_*`, listed in docs/requests.md. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_metrics(const consilia_dispatcher_t* dispatcher,
                                                             consilia_buffer_t* out_text,
                                                             consilia_error_t** out_error);
/* The newest spans as JSON in the Chrome trace event format. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dispatcher_trace(const consilia_dispatcher_t* dispatcher,
                                                           consilia_buffer_t* out_json,
                                                           consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
