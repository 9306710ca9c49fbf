#ifndef CONSILIA_C_SCREENING_H
#define CONSILIA_C_SCREENING_H
/* The main job over the C ABI: open a service, submit images, work the queue, list what a person may see. */
#include "consilia/c/core.h"
#include "consilia/c/data/repository.h"
#include "consilia/c/inference.h"
#include "consilia/c/policy_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A screening service: its database, its files, its queue and its panel of models. consilia_service_free().
 * Threading: safe; free it when no call is in progress. */
typedef struct consilia_service consilia_service_t;

/* Who asks. Frozen: this struct does not grow. */
typedef struct consilia_principal {
    int64_t user_id;     /* of the users table; 0 for a principal that is not stored */
    consilia_str_t role; /* "admin", "staff", "patient" */
} consilia_principal_t;

/* Called after each member of each prediction, on the thread that called consilia_service_work(), holding no
 * lock. Texts are borrowed for the call. Return non-zero to stop after the prediction in progress was given
 * back. */
typedef struct consilia_progress {
    size_t struct_size;
    int64_t prediction_id;
    consilia_str_t member_id;
    size_t members_done; /* 0 before the first, whose member_id is empty */
    size_t members_total;
} consilia_progress_t;
typedef int32_t (*consilia_progress_fn)(const consilia_progress_t* progress, void* user_data);

typedef struct consilia_service_options {
    size_t struct_size;
    consilia_str_t database_url;    /* required: "sqlite:/var/lib/clinic/records.db" */
    consilia_str_t files_directory; /* required: where images are kept; created if absent */
    const consilia_str_t*
        member_paths; /* member packages; may be NULL in a process that never works the queue */
    size_t member_count;
    uint64_t budget_bytes;            /* most that models may take at once; 0: enough for all members */
    consilia_str_t backend_directory; /* where libconsilia_backend_*.so lie; empty: beside this library */
    consilia_str_t config_json;       /* settings that differ from the defaults (docs/configuration.md) */
    consilia_progress_fn progress;
    void* progress_user_data; /* handed back to `progress`, never read */
    /* 1: who read or changed which record, and who was refused, is written into an audit log in the database;
     * read it with consilia_audit_log_open(). @since 0.2 */
    int32_t is_audited;
    consilia_bytes_t audit_key; /* of its hashes, 16 bytes or more; empty: none. @since 0.2 */
    /* Who may do what; empty: consilia_screening_default_policy(). @since 0.2 */
    consilia_str_t policy_json;
    /* Instead of it: each call takes the policy that is in force. NULL: none. @since 0.2 */
    const consilia_policy_store_t* policy_store;
} consilia_service_options_t;

/* The founding rules as JSON: change them and hand them to a service. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_screening_default_policy(consilia_buffer_t* out_json,
                                                                   consilia_error_t** out_error);

/* Opens a service and creates its tables where they are missing. Options and their texts are copied.
 * Returns CONSILIA_OK, _INVALID_ARGUMENT, _STORAGE or _UNAVAILABLE. No model is loaded yet. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_open(const consilia_service_options_t* options,
                                                       consilia_service_t** out_service,
                                                       consilia_error_t** out_error);
CONSILIA_C_API void consilia_service_free(consilia_service_t* service); /* NULL is allowed */

/* Creates the first administrator of an empty database; _CONFLICT if there is a user already. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_create_first_admin(consilia_service_t* service,
                                                                     consilia_str_t username,
                                                                     int64_t* out_user_id,
                                                                     consilia_error_t** out_error);

typedef struct consilia_new_user {
    size_t struct_size;
    consilia_str_t username; /* required, unique */
    consilia_str_t role;     /* required */
    consilia_str_t display_name;
    consilia_str_t email;
} consilia_new_user_t;

/* Returns _OK, _VALIDATION, _PERMISSION_DENIED or _CONFLICT (the name is taken). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_create_user(consilia_service_t* service,
                                                              const consilia_principal_t* principal,
                                                              const consilia_new_user_t* user,
                                                              int64_t* out_user_id,
                                                              consilia_error_t** out_error);

typedef struct consilia_new_patient {
    size_t struct_size;
    consilia_str_t record_number; /* required, unique */
    consilia_str_t full_name;     /* required */
    consilia_str_t birth_date;    /* "1980-02-29" or empty */
    consilia_str_t sex;           /* "female", "male", "other" or empty: not stated */
    int64_t user_id;              /* the account that sees the records; 0: none */
} consilia_new_patient_t;

/* Returns _OK, _VALIDATION, _PERMISSION_DENIED or _CONFLICT (the record number is taken). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_create_patient(consilia_service_t* service,
                                                                 const consilia_principal_t* principal,
                                                                 const consilia_new_patient_t* patient,
                                                                 int64_t* out_patient_id,
                                                                 consilia_error_t** out_error);

/* One patient as JSON, with the fields that the principal may read; _NOT_FOUND also for one that it may not
 * see. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_get_patient_json(consilia_service_t* service,
                                                                   const consilia_principal_t* principal,
                                                                   int64_t patient_id,
                                                                   consilia_buffer_t* out_json,
                                                                   consilia_error_t** out_error);

/* Changes what is named, all or nothing: record_number, full_name, sex (texts), birth_date (date or null),
 * user_id (int64 or null). Returns _OK, _VALIDATION, _NOT_FOUND, _PERMISSION_DENIED (code "access.fields"
 * with the names of fields that the principal may not change) or _CONFLICT. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_update_patient(
    consilia_service_t* service, const consilia_principal_t* principal, int64_t patient_id,
    const consilia_assignment_t* changes, size_t change_count, consilia_error_t** out_error);

/* What came of a submission. Frozen: this struct does not grow. */
typedef struct consilia_submission {
    int64_t prediction_id;
    int64_t image_id;
    int32_t is_duplicate; /* 1: this image of this patient was known; the ids are the known ones */
    int32_t reserved;     /* zero */
} consilia_submission_t;

/* Receives one image, stores it and queues its prediction, in one transaction. `client_name` is the name that
 * the client gave: its extension must fit the content, and it never reaches the file system. Returns _OK,
 * _UPLOAD_REJECTED, _PERMISSION_DENIED, _NOT_FOUND (the patient), _RESOURCE_EXHAUSTED (the daily quota) or
 * _STORAGE; after any of these neither a row nor a file is left. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_submit_file(consilia_service_t* service,
                                                              const consilia_principal_t* principal,
                                                              int64_t patient_id, consilia_str_t path,
                                                              consilia_str_t client_name,
                                                              consilia_submission_t* out_submission,
                                                              consilia_error_t** out_error);
/* The same from memory. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_submit_bytes(consilia_service_t* service,
                                                               const consilia_principal_t* principal,
                                                               int64_t patient_id, const void* data,
                                                               size_t size, consilia_str_t client_name,
                                                               consilia_submission_t* out_submission,
                                                               consilia_error_t** out_error);

/* Takes up to `max_tasks` tasks (0: until the queue is empty) and judges each. `out_count`: how many were
 * taken, failed predictions included; a prediction that fails is a recorded answer, not an error of this
 * call. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_work(consilia_service_t* service, size_t max_tasks,
                                                       size_t* out_count, consilia_error_t** out_error);

typedef struct consilia_list_options {
    size_t struct_size;
    consilia_str_t where; /* an expression: "status = 'completed'"; empty: everything */
    consilia_str_t order; /* field names, `-` for descending: "-created_at"; empty: newest first */
    uint32_t page;        /* from 1; 0: the first */
    uint32_t page_size;   /* at most 100; 0: 25 */
} consilia_list_options_t;

/* The page of predictions that the principal may see, as the JSON of a paginated envelope. `options` may be
 * NULL. Returns _OK or _INVALID_ARGUMENT (a field that is unknown or not the role's to see). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_list_json(consilia_service_t* service,
                                                            const consilia_principal_t* principal,
                                                            const consilia_list_options_t* options,
                                                            consilia_buffer_t* out_json,
                                                            consilia_error_t** out_error);
/* One prediction as JSON; _NOT_FOUND also for one that the principal may not see. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_get_json(consilia_service_t* service,
                                                           const consilia_principal_t* principal,
                                                           int64_t prediction_id, consilia_buffer_t* out_json,
                                                           consilia_error_t** out_error);
/* Queues a failed prediction again; _CONFLICT unless it failed. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_retry(consilia_service_t* service,
                                                        const consilia_principal_t* principal,
                                                        int64_t prediction_id, consilia_error_t** out_error);

/* Deletes a prediction; by the default policy staff delete pending ones, administrators any. Returns _OK,
 * _NOT_FOUND or _PERMISSION_DENIED. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_service_delete_prediction(consilia_service_t* service,
                                                                    const consilia_principal_t* principal,
                                                                    int64_t prediction_id,
                                                                    consilia_error_t** out_error);

/* The engine of the service, opened now if it is not yet: its plan and memory, heat maps of its panel. The
 * handle is the caller's; either may be freed first. Returns as consilia_engine_open(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_service_engine(consilia_service_t* service,
                                                         consilia_engine_t** out_engine,
                                                         consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
