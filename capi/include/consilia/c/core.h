#ifndef CONSILIA_C_CORE_H
#define CONSILIA_C_CORE_H
/* The common ground of the C ABI: status, errors, strings, buffers and versioned option structs.
 *
 * Every function that can fail returns a status and takes `consilia_error_t **out_error` last (NULL: not
 * wanted). Outputs are NULL or zero from entry on: after a failure there is nothing to free but the error. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONSILIA_C_API __attribute__((visibility("default")))

/* Prepares an option struct: clears it, then sets its struct_size. Zero means default in every field. */
#define CONSILIA_INIT(options) \
    (memset((options), 0, sizeof *(options)), (options)->struct_size = sizeof *(options))

/* Text that is borrowed for the call: UTF-8, no terminator needed. {NULL, 0} is empty. */
typedef struct consilia_str {
    const char* data;
    size_t size;
} consilia_str_t;

/* The text of a C string; borrows it. NULL gives the empty text. */
static inline consilia_str_t consilia_str_of(const char* text) {
    consilia_str_t view;
    view.data = text;
    view.size = text == NULL ? 0 : strlen(text);
    return view;
}

/* Bytes that the caller owns; `data[size]` is a zero byte that does not count. */
typedef struct consilia_buffer {
    char* data;
    size_t size;
} consilia_buffer_t;

/* Gives a buffer's bytes back and clears it. NULL and cleared buffers are allowed. */
CONSILIA_C_API void consilia_buffer_free(consilia_buffer_t* buffer);

/* What a call came to; the numbers never change. */
typedef int32_t consilia_status_t;
enum {
    CONSILIA_OK = 0,
    CONSILIA_INVALID_ARGUMENT = 1,
    CONSILIA_VALIDATION = 2,
    CONSILIA_PERMISSION_DENIED = 3,
    CONSILIA_NOT_FOUND = 4,
    CONSILIA_CONFLICT = 5,
    CONSILIA_UPLOAD_REJECTED = 6,
    CONSILIA_UNAVAILABLE = 7,
    CONSILIA_RESOURCE_EXHAUSTED = 8,
    CONSILIA_CANCELLED = 9,
    CONSILIA_TIMED_OUT = 10,
    CONSILIA_INFERENCE = 11,
    CONSILIA_STORAGE = 12,
    CONSILIA_INTERNAL = 13,
    CONSILIA_OUT_OF_MEMORY = 14
};

/* What failed and why. Owned by whoever received it; consilia_error_free(). Its texts live as long as it
 * does. Threading: compatible; it may be freed on any thread. */
typedef struct consilia_error consilia_error_t;

CONSILIA_C_API consilia_status_t consilia_error_status(const consilia_error_t* error);
/* Stable, for programs: `upload.too_large`. */
CONSILIA_C_API consilia_str_t consilia_error_code(const consilia_error_t* error);
/* One line for people; may change. */
CONSILIA_C_API consilia_str_t consilia_error_message(const consilia_error_t* error);
/* The status that a web adapter answers with: 400 to 599. */
CONSILIA_C_API int32_t consilia_error_http_status(const consilia_error_t* error);
/* Structured facts as one JSON object: {"limit_bytes":10485760}. */
CONSILIA_C_API consilia_str_t consilia_error_details_json(const consilia_error_t* error);
CONSILIA_C_API void consilia_error_free(consilia_error_t* error); /* NULL is allowed */

/* The version of the library that is running, `0.1.0`; static. */
CONSILIA_C_API const char* consilia_version(void);

#ifdef __cplusplus
}
#endif
#endif
