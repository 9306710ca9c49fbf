#ifndef CONSILIA_C_INFERENCE_H
#define CONSILIA_C_INFERENCE_H
/* Ensembles within a memory budget: member packages are opened as an engine, planned, and run on images. */
#include "consilia/c/core.h"
#include "consilia/c/drift.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A panel of members on a device; a dispatcher keeps it alive. consilia_engine_free(). Threading: safe; free
 * it when no call is in progress. */
typedef struct consilia_engine consilia_engine_t;

/* Called after each member of a run, on the running thread, holding no lock; texts are borrowed for the call.
 * Return non-zero to stop the run, which then ends with CONSILIA_CANCELLED. */
typedef struct consilia_run_progress {
    size_t struct_size;
    consilia_str_t member_id;
    size_t members_done;
    size_t members_total;
} consilia_run_progress_t;
typedef int32_t (*consilia_run_progress_fn)(const consilia_run_progress_t* progress, void* user_data);

enum { CONSILIA_EARLY_STOP_NEVER = 0, CONSILIA_EARLY_STOP_LOSSLESS = 1, CONSILIA_EARLY_STOP_BOUNDED = 2 };
enum { CONSILIA_PREFETCH_AUTO = 0, CONSILIA_PREFETCH_ON = 1, CONSILIA_PREFETCH_OFF = 2 };

/* The memory that several engines share. They run in turns, member by member; what one keeps beyond its share
 * goes when another needs it. consilia_memory_ledger_free(). Threading: safe. */
typedef struct consilia_memory_ledger consilia_memory_ledger_t;

/* `reserve_bytes` of the budget are kept back. Returns _OK or _INVALID_ARGUMENT (`ledger.budget`). @since 0.2
 */
CONSILIA_C_API consilia_status_t consilia_memory_ledger_new(uint64_t budget_bytes, uint64_t reserve_bytes,
                                                            consilia_memory_ledger_t** out_ledger,
                                                            consilia_error_t** out_error);
/* Engines that were opened with it keep it. NULL is allowed. */
CONSILIA_C_API void consilia_memory_ledger_free(consilia_memory_ledger_t* ledger);
/* Who holds how much, the largest first: `[{"owner", "held_bytes"}]`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_memory_ledger_holders(const consilia_memory_ledger_t* ledger,
                                                                consilia_buffer_t* out_json,
                                                                consilia_error_t** out_error);

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_engine_options {
    size_t struct_size;
    uint64_t
        budget_bytes; /* 0: half of the machine's memory, or nine tenths of what another device has free */
    consilia_str_t device;     /* "cpu", "cuda:0"; empty: "cpu" */
    int32_t threads;           /* within one member's run; 0: as the process has it */
    int32_t early_stop;        /* CONSILIA_EARLY_STOP_* */
    double early_stop_epsilon; /* of BOUNDED; 0: 0.01 */
    consilia_str_t consensus;  /* "weighted_soft_vote" (empty), "majority", "log_opinion_pool" */
    consilia_str_t
        opinion_model_json; /* what was fitted to this panel; replaces consensus, weights and threshold */
    double confidence_threshold;      /* below it a diagnosis needs review; 0: 0.75, negative: never */
    int32_t is_deterministic;         /* 1: images of a batch run one by one */
    int32_t may_use_processor;        /* 1: members may step down to the processor */
    consilia_str_t precision;         /* "f32", "bf16", "f16"; empty: as each manifest says */
    consilia_str_t lower_precision;   /* what members may step down to; empty: nothing */
    uint64_t staging_bytes;           /* of the host, for fast copies of weights to a device */
    int32_t prefetch;                 /* CONSILIA_PREFETCH_* */
    uint32_t idle_release_ms;         /* memory is given back when nothing has run for so long; 0: never */
    consilia_str_t profile_directory; /* where measured sizes and times are kept; empty: nowhere */
    consilia_str_t cache_directory;   /* where backends keep what they compiled; empty: nowhere */
    consilia_str_t backend_directory; /* where libconsilia_backend_*.so lie; empty: beside this library */
    /* Each opinion is a mean over views of the image, which run as a batch and count as one: */
    double augment_shift;            /* also shifted four ways by this share of a side, to 0.25; 0: not */
    double augment_rotation_degrees; /* also turned by so much each way, to 45; 0: not */
    int32_t augment_mirrors; /* 1: also mirrored; not for chest radiographs: the heart's side matters */
    /* Shared with other engines; it has the budget then. NULL: its own. Either may be freed first. */
    const consilia_memory_ledger_t* ledger;
    double ledger_share; /* against the others' that hold anything: 2 keeps twice as much as 1; 0: 1 */
    /* Told of each diagnosis (docs/opinions.md has the series); either may be freed first. NULL: nobody is.
     */
    const consilia_drift_monitor_t* drift;
    const consilia_str_t* classes; /* that every member must have, in this order; NULL: the first member's */
    size_t class_count;
} consilia_engine_options_t;

/* Reads and verifies member packages; paths and options are copied. One that cannot be used is reported by
 * consilia_engine_members(), and the rest goes on. Returns CONSILIA_OK, _INVALID_ARGUMENT or _UNAVAILABLE (no
 * such device). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_engine_open(const consilia_str_t* member_paths, size_t member_count,
                                                      const consilia_engine_options_t* options,
                                                      consilia_engine_t** out_engine,
                                                      consilia_error_t** out_error);
CONSILIA_C_API void consilia_engine_free(consilia_engine_t* engine); /* NULL is allowed */

/* The diagnosis of one encoded image as JSON: label, confidence, probabilities, opinions, trace, memory
 * (docs/inference.md). `progress` may be NULL. Returns _OK, _NOT_FOUND, _VALIDATION, _INFERENCE, _CANCELLED
 * or _UNAVAILABLE. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_engine_run_file(consilia_engine_t* engine, consilia_str_t path,
                                                          consilia_run_progress_fn progress, void* user_data,
                                                          consilia_buffer_t* out_json,
                                                          consilia_error_t** out_error);
/* The same from memory, borrowed for the call. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_engine_run_bytes(consilia_engine_t* engine, const void* data,
                                                           size_t size, consilia_run_progress_fn progress,
                                                           void* user_data, consilia_buffer_t* out_json,
                                                           consilia_error_t** out_error);

/* An encoded image in memory. Frozen: this struct does not grow. */
typedef struct consilia_image_bytes {
    const void* data;
    size_t size;
} consilia_image_bytes_t;

/* Both are called on the running thread, holding no lock, and may be NULL. */
typedef struct consilia_batch_options {
    size_t struct_size;
    consilia_run_progress_fn
        progress; /* after each member; non-zero stops all images, as CONSILIA_CANCELLED does one */
    int32_t (*is_cancelled)(size_t image,
                            void* user_data); /* asked before each member: non-zero leaves this image out */
    void* user_data;                          /* handed back to both, never read */
} consilia_batch_options_t;

/* Several images in one pass: each member is brought in once for all of them. `options` may be NULL.
 * `out_json`: an array with `{"diagnosis": …}` or `{"error": {"code", "message", "http_status"}}` for each
 * image. Returns _OK also if some or all images failed; _INVALID_ARGUMENT for no image or more than 1024.
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_engine_run_batch(
    consilia_engine_t* engine, const consilia_image_bytes_t* images, size_t image_count,
    const consilia_batch_options_t* options, consilia_buffer_t* out_json, consilia_error_t** out_error);

/* Runs every member on empty images of these batch sizes, so that plans rest on measurements. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_engine_warm_up(consilia_engine_t* engine, const size_t* batches,
                                                         size_t batch_count, consilia_error_t** out_error);

/* What stays, what is brought in and in which order for batches of this size, with the predicted peak and
 * time: as JSON, and as a drawing of `columns` characters (0: 60). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_engine_plan(const consilia_engine_t* engine, size_t batch,
                                                      consilia_buffer_t* out_json,
                                                      consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_engine_plan_text(const consilia_engine_t* engine, size_t batch,
                                                           size_t columns, consilia_buffer_t* out_text,
                                                           consilia_error_t** out_error);

/* Every package in the order given, the failed ones too: `[{"id", "format", "hash", "error_code", …}]`.
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_engine_members(const consilia_engine_t* engine,
                                                         consilia_buffer_t* out_json,
                                                         consilia_error_t** out_error);

/* Bytes of the engine's device. Frozen: this struct does not grow. */
typedef struct consilia_memory_use {
    uint64_t budget_bytes;
    uint64_t held_bytes;
    uint64_t peak_bytes; /* the most that was ever held: at most the budget */
} consilia_memory_use_t;
CONSILIA_C_API consilia_status_t consilia_engine_memory(const consilia_engine_t* engine,
                                                        consilia_memory_use_t* out_memory,
                                                        consilia_error_t** out_error);
/* Gives back weights and code of every member; the next run loads them again. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_engine_release_memory(consilia_engine_t* engine,
                                                                consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
