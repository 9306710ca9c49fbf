#ifndef CONSILIA_C_UPLOADS_H
#define CONSILIA_C_UPLOADS_H
/* What may come in: files received within limits, checked to their end and scanned, kept in quarantine when
 * refused, stored with an owner, and handed out (docs/uploads.md). */
#include "consilia/c/core.h"
#include "consilia/c/data/database.h"
#include "consilia/c/data/row_set.h"
#include "consilia/c/file_type.h"
#include "consilia/c/imaging.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Scanners */

/* NONE, which a cleared verdict has, is no verdict: without one nothing comes in. */
enum {
    CONSILIA_SCAN_NONE = 0,
    CONSILIA_SCAN_CLEAN = 1,
    CONSILIA_SCAN_INFECTED = 2,
    CONSILIA_SCAN_FAILED = 3
};

/* Frozen: it does not grow. */
typedef struct consilia_scan_verdict {
    int32_t kind;        /* CONSILIA_SCAN_* */
    int32_t reserved;    /* zero */
    consilia_str_t name; /* INFECTED: of the signature; FAILED: why. Copied when the callback has returned */
} consilia_scan_verdict_t;

/* Looks at a whole file as it came, which is valid for the call; fills in a cleared verdict. Runs on the
 * thread of the call that receives; non-zero gives up (`upload.cancelled`), and nothing comes in. */
typedef int32_t (*consilia_scanner_fn)(const void* data, size_t size, consilia_scan_verdict_t* out_verdict,
                                       void* user_data);

/* ClamAV's daemon. Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_clamd_options {
    size_t struct_size;
    consilia_str_t address;     /* `unix:/path`, `tcp:host:port`; empty: unix:/run/clamav/clamd.ctl */
    int64_t connect_timeout_ms; /* 0: 2,000 */
    int64_t read_timeout_ms;    /* for each answer and each piece that is sent; 0: 30,000 */
} consilia_clamd_options_t;

/* Whether the daemon answers: 1 or 0. `options` may be NULL here and below. Returns _OK or _INVALID_ARGUMENT
 * (`scanner.options`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_clamd_ping(const consilia_clamd_options_t* options,
                                                     int32_t* out_answers, consilia_error_t** out_error);
/* Version of the daemon and of its signatures. Returns as ping, or _UNAVAILABLE
 * (`upload.scanner_unavailable`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_clamd_version(const consilia_clamd_options_t* options,
                                                        consilia_buffer_t* out_version,
                                                        consilia_error_t** out_error);
/* Asks the daemon about bytes. `out_kind` is _CLEAN, _INFECTED or _FAILED, `out_name` (NULL: not wanted) what
 * was found or why it failed. Returns as ping. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_clamd_scan(const consilia_clamd_options_t* options,
                                                     const void* data, size_t size, int32_t* out_kind,
                                                     consilia_buffer_t* out_name,
                                                     consilia_error_t** out_error);

/* ---- Receiving */

/* Fills the front of a buffer; `*out_size` is zero on entry, and zero at the end. Runs on the thread of the
 * call that receives; non-zero gives up (`upload.cancelled`). */
typedef int32_t (*consilia_upload_read_fn)(void* buffer, size_t size, size_t* out_size, void* user_data);

/* Where a file comes from: a path, a function, or else bytes, which may be none. Prepare with
 * CONSILIA_INIT(&source). */
typedef struct consilia_upload_source {
    size_t struct_size;
    consilia_str_t path; /* a regular file; its name counts as the client's unless another is given */
    const void* data;    /* borrowed for the call */
    size_t size;
    consilia_upload_read_fn read;
    void* user_data; /* handed back to `read`, never read */
} consilia_upload_source_t;

/* Where refused files are kept. Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_quarantine_options {
    size_t struct_size;
    consilia_str_t directory; /* existing, and served to nobody; required */
    uint64_t max_files;       /* 0: 1,000 */
    uint64_t max_bytes;       /* 0: 1 GiB */
} consilia_quarantine_options_t;

/* What becomes of what an image tells beside its pixels. */
enum {
    CONSILIA_METADATA_STRIP = 0,   /* removed without touching a pixel */
    CONSILIA_METADATA_KEEP = 1,    /* stored byte for byte as it came */
    CONSILIA_METADATA_REENCODE = 2 /* only the decoded pixels survive */
};

/* What is accepted and where it goes. Zero means default in every field. Prepare with
 * CONSILIA_INIT(&options).
 */
typedef struct consilia_receive_options {
    size_t struct_size;
    consilia_str_t directory;   /* existing; required */
    consilia_str_t prefix;      /* of the stored name; empty: `file` */
    consilia_str_t client_name; /* as it came, unchecked; NULL data: the client sent none */
    consilia_str_t client_type; /* the declared media type; NULL data: none */
    consilia_str_t field;       /* of the form, for errors; empty: `file` */
    uint64_t max_bytes;         /* 0: 10 MiB */
    const int32_t* allowed;     /* CONSILIA_FILE_*; NULL: JPEG and PNG */
    size_t allowed_count;
    const consilia_image_limits_t* limits; /* NULL: defaults */
    consilia_scanner_fn scanner;           /* asked last; may be NULL */
    void* scanner_user_data;               /* handed back to `scanner`, never read */
    const consilia_clamd_options_t* clamd; /* asked when `scanner` called the file clean; NULL: not asked */
    const consilia_quarantine_options_t* quarantine; /* NULL: refused files are not kept */
    int32_t metadata;                                /* CONSILIA_METADATA_* */
    int32_t reserved;                                /* zero */
} consilia_receive_options_t;

/* What is known of a received file; texts live as long as its handle. Prepare with CONSILIA_INIT(&facts). */
typedef struct consilia_file_facts {
    size_t struct_size;
    consilia_str_t stored_name;     /* `{prefix}_{random}.png`: no text of the client is in it */
    consilia_str_t client_name;     /* sanitised, for display only */
    consilia_str_t sha256;          /* of what is stored */
    consilia_str_t received_sha256; /* of what came in */
    uint64_t size_bytes;            /* of what is stored */
    uint64_t received_bytes;        /* of what came in */
    uint32_t width;                 /* of an image; otherwise 0 */
    uint32_t height;
    int32_t type; /* CONSILIA_FILE_* */
    int32_t reserved;
} consilia_file_facts_t;

/* A checked file that has no name yet. consilia_received_file_free(), which leaves nothing of a file that was
 * not committed. Threading: confined. */
typedef struct consilia_received_file consilia_received_file_t;

/* Reads one file within the limit, and refuses it unless name, type, structure and content are sound. Returns
 * _OK, _UPLOAD_REJECTED (the codes of docs/uploads.md), _UNAVAILABLE (`upload.scanner_unavailable`),
 * _CANCELLED (`upload.cancelled`), _NOT_FOUND (`file.not_found`), _STORAGE or _INVALID_ARGUMENT
 * (`upload.options`, `upload.source`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_receive(const consilia_upload_source_t* source,
                                                         const consilia_receive_options_t* options,
                                                         consilia_received_file_t** out_file,
                                                         consilia_error_t** out_error);
CONSILIA_C_API void consilia_received_file_free(consilia_received_file_t* file); /* NULL is allowed */
CONSILIA_C_API consilia_status_t consilia_received_file_facts(const consilia_received_file_t* file,
                                                              consilia_file_facts_t* out_facts,
                                                              consilia_error_t** out_error);
/* Brings the file to the disk, so that the commit takes less time in a transaction. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_received_file_sync(consilia_received_file_t* file,
                                                             consilia_error_t** out_error);
/* Gives the file its name, once: inside the transaction that records it, before that commits. Returns _OK,
 * _STORAGE, _CONFLICT (`file.exists`) or _INVALID_ARGUMENT (`file.committed`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_received_file_commit(consilia_received_file_t* file,
                                                               consilia_buffer_t* out_path,
                                                               consilia_error_t** out_error);
/* Removes a committed file whose transaction failed; one that is gone is no error. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_discard(consilia_str_t path, consilia_error_t** out_error);
/* Checks a name that a client sent; `field` may be empty. Returns _OK or _UPLOAD_REJECTED
 * (`upload.unsafe_name`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_check_client_name(consilia_str_t name, consilia_str_t field,
                                                                   consilia_error_t** out_error);

/* ---- Quarantine */

/* A directory of refused files. consilia_quarantine_free(). Threading: safe, for any number of processes. */
typedef struct consilia_quarantine consilia_quarantine_t;

/* Returns _OK or _INVALID_ARGUMENT (`quarantine.options`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_quarantine_open(const consilia_quarantine_options_t* options,
                                                          consilia_quarantine_t** out_quarantine,
                                                          consilia_error_t** out_error);
CONSILIA_C_API void consilia_quarantine_free(consilia_quarantine_t* quarantine); /* NULL is allowed */
/* The oldest first: `name`, `code`, `message`, `details_json`, `client_name`, `sha256`, `size_bytes`,
 * `refused_at`. Returns _OK or _STORAGE. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_quarantine_list(const consilia_quarantine_t* quarantine,
                                                          consilia_row_set_t** out_rows,
                                                          consilia_error_t** out_error);
/* One row, as list. Returns _OK, _NOT_FOUND (`quarantine.not_found`) or _INVALID_ARGUMENT
 * (`quarantine.name`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_quarantine_get(const consilia_quarantine_t* quarantine,
                                                         consilia_str_t name, consilia_row_set_t** out_rows,
                                                         consilia_error_t** out_error);
/* Removes a file and what is known of it; `out_was_there` may be NULL. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_quarantine_remove(consilia_quarantine_t* quarantine,
                                                            consilia_str_t name, int32_t* out_was_there,
                                                            consilia_error_t** out_error);
/* Moves a file out, for one that was refused wrongly. Returns as get, or _CONFLICT (`file.exists`) or
 * _STORAGE. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_quarantine_release(consilia_quarantine_t* quarantine,
                                                             consilia_str_t name, consilia_str_t directory,
                                                             consilia_str_t file_name,
                                                             consilia_buffer_t* out_path,
                                                             consilia_error_t** out_error);

/* ---- A store of uploads */

enum { CONSILIA_UPLOAD_STORED = 0, CONSILIA_UPLOAD_QUARANTINED = 1 };
/* Among whose uploads the same bytes are looked for. */
enum { CONSILIA_DUPLICATES_OWNER = 0, CONSILIA_DUPLICATES_GLOBAL = 1, CONSILIA_DUPLICATES_NONE = 2 };

/* Stored files and their rows, which appear together or not at all; keeps its database alive.
 * consilia_upload_store_free(). Threading: safe; free it when no call is in progress. */
typedef struct consilia_upload_store consilia_upload_store_t;

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_upload_store_options {
    size_t struct_size;
    const consilia_receive_options_t* receive; /* required; copied. Its directory belongs to the store alone;
                                                  prefix, names and field are set for each upload. The scanner
                                                  must be there as long as the store, for any thread */
    int64_t files_per_day_max;                 /* of one owner on one UTC day; 0: no limit */
    int64_t bytes_per_day_max;                 /* of what is stored; 0: no limit */
    int32_t duplicates;                        /* CONSILIA_DUPLICATES_* */
    int32_t reserved;                          /* zero */
} consilia_upload_store_options_t;

/* Frozen: it does not grow. */
typedef struct consilia_stored_upload {
    int64_t id;
    int32_t is_duplicate; /* 1: an older one with the same bytes; nothing was stored */
    int32_t reserved;
} consilia_stored_upload_t;

/* What else is written in the transaction that records an upload; borrows both for the call. Non-zero undoes
 * everything (`upload.cancelled`). */
typedef int32_t (*consilia_upload_record_fn)(consilia_session_t* transaction,
                                             const consilia_stored_upload_t* stored, void* user_data);

/* Whose upload it is, and what the client said of it. Prepare with CONSILIA_INIT(&request). */
typedef struct consilia_upload_request {
    size_t struct_size;
    int64_t owner_id;
    consilia_str_t client_name;       /* NULL data: the client sent none */
    consilia_str_t client_type;       /* NULL data: none */
    consilia_str_t field;             /* empty: `file` */
    consilia_upload_record_fn record; /* may be NULL; called for duplicates too */
    void* user_data;                  /* handed back to `record`, never read */
} consilia_upload_request_t;

/* What an owner has used of the quotas of this UTC day. Frozen: it does not grow. */
typedef struct consilia_upload_usage {
    int64_t files;
    int64_t bytes;
    int64_t resets_at_us;
} consilia_upload_usage_t;

/* Creates what is missing of the table `consilia_uploads`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_tables_create(consilia_database_t* database,
                                                               consilia_error_t** out_error);
/* Returns _OK or _INVALID_ARGUMENT (`upload.options`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_store_open(consilia_database_t* database,
                                                            const consilia_upload_store_options_t* options,
                                                            consilia_upload_store_t** out_store,
                                                            consilia_error_t** out_error);
CONSILIA_C_API void consilia_upload_store_free(consilia_upload_store_t* store); /* NULL is allowed */
/* Receives a file and records it; one that is there already is given instead. Returns as
 * consilia_upload_receive(), or _RESOURCE_EXHAUSTED (`quota.files`, `quota.bytes`; HTTP 429). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_store_receive(consilia_upload_store_t* store,
                                                               const consilia_upload_source_t* source,
                                                               const consilia_upload_request_t* request,
                                                               consilia_stored_upload_t* out_stored,
                                                               consilia_error_t** out_error);
/* One row, or NULL where there is none: `id`, `owner_id`, `status`, `stored_name`, `client_name`,
 * `media_type`, `sha256`, `size_bytes`, `received_sha256`, `received_bytes`, `width`, `height`, `code`,
 * `reason`, `created_at`. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_store_find(const consilia_upload_store_t* store, int64_t id,
                                                            consilia_row_set_t** out_rows,
                                                            consilia_error_t** out_error);
/* Rows of an owner, the newest first, at most `limit` (0: 100) with ids below `before` (0: from the newest);
 * `status` is CONSILIA_UPLOAD_*. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_store_list(const consilia_upload_store_t* store,
                                                            int64_t owner_id, int32_t status, int64_t before,
                                                            int64_t limit, consilia_row_set_t** out_rows,
                                                            consilia_error_t** out_error);
/* Where the file of an upload is. Returns _OK or _NOT_FOUND (`upload.not_found`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_store_path(const consilia_upload_store_t* store, int64_t id,
                                                            consilia_buffer_t* out_path,
                                                            consilia_error_t** out_error);
CONSILIA_C_API consilia_status_t consilia_upload_store_usage(const consilia_upload_store_t* store,
                                                             int64_t owner_id,
                                                             consilia_upload_usage_t* out_usage,
                                                             consilia_error_t** out_error);
/* Deletes an upload of this owner and its file; `out_was_there` may be NULL. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_store_remove(consilia_upload_store_t* store,
                                                              int64_t owner_id, int64_t id,
                                                              int32_t* out_was_there,
                                                              consilia_error_t** out_error);
/* Removes files that no row names and that are older than so many seconds (0: a day); how many, if that is
 * wanted. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_upload_store_sweep(consilia_upload_store_t* store,
                                                             int64_t older_than_s, int64_t* out_count,
                                                             consilia_error_t** out_error);

/* ---- Handing out */

/* The value of `Content-Disposition` for a name that a client once sent: nothing in it ends the field or the
 * quotes. `is_inline`: shown in the page rather than saved. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_content_disposition(consilia_str_t name, int32_t is_inline,
                                                              consilia_buffer_t* out_value,
                                                              consilia_error_t** out_error);
/* The fields of a response, each `Name: value` and CR LF, that keep a browser from taking a file for
 * something else. An empty media type is `application/octet-stream`. Returns _OK or _INVALID_ARGUMENT
 * (`download.media_type`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_download_headers(consilia_str_t name, consilia_str_t media_type,
                                                           int32_t is_inline, consilia_buffer_t* out_fields,
                                                           consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
