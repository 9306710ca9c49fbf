#ifndef CONSILIA_C_VALUE_H
#define CONSILIA_C_VALUE_H
/* Values: what a cell holds, a parameter carries and a statement binds. */
#include "consilia/c/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The types of values and columns; the numbers never change. */
enum {
    CONSILIA_TYPE_NULL = 0,
    CONSILIA_TYPE_BOOL = 1,
    CONSILIA_TYPE_INT64 = 2,
    CONSILIA_TYPE_DOUBLE = 3,
    CONSILIA_TYPE_TEXT = 4,
    CONSILIA_TYPE_BLOB = 5,
    CONSILIA_TYPE_DATE = 6,
    CONSILIA_TYPE_TIMESTAMP = 7,
    CONSILIA_TYPE_UUID = 8,
    CONSILIA_TYPE_JSON = 9
};

/* Bytes that are borrowed for the call. {NULL, 0} is empty. */
typedef struct consilia_bytes {
    const void* data;
    size_t size;
} consilia_bytes_t;

/* A null or one typed value; `type` says which member counts. Text, JSON and blobs are borrowed: for the call
 * where a value goes in, for the life of the row set where it comes out. Frozen: this struct does not grow.
 * All zero is null. */
typedef struct consilia_value {
    int32_t type;     /* CONSILIA_TYPE_... */
    int32_t reserved; /* zero */
    union {
        int32_t boolean; /* 0 or 1 */
        int64_t int64;
        double number;       /* DOUBLE */
        consilia_str_t text; /* TEXT and JSON, UTF-8 */
        consilia_bytes_t blob;
        int32_t days;         /* DATE: since 1970-01-01 */
        int64_t microseconds; /* TIMESTAMP: since 1970-01-01T00:00:00Z */
        uint8_t uuid[16];     /* in the order in which it is written */
    } as;
} consilia_value_t;

static inline consilia_value_t consilia_null(void) {
    consilia_value_t value;
    memset(&value, 0, sizeof value);
    return value;
}

static inline consilia_value_t consilia_bool(int is_true) {
    consilia_value_t value = consilia_null();
    value.type = CONSILIA_TYPE_BOOL;
    value.as.boolean = is_true != 0;
    return value;
}

static inline consilia_value_t consilia_int64(int64_t number) {
    consilia_value_t value = consilia_null();
    value.type = CONSILIA_TYPE_INT64;
    value.as.int64 = number;
    return value;
}

static inline consilia_value_t consilia_double(double number) {
    consilia_value_t value = consilia_null();
    value.type = CONSILIA_TYPE_DOUBLE;
    value.as.number = number;
    return value;
}

/* Borrows a text; see consilia_str_of() for C strings. */
static inline consilia_value_t consilia_text_of(consilia_str_t text) {
    consilia_value_t value = consilia_null();
    value.type = CONSILIA_TYPE_TEXT;
    value.as.text = text;
    return value;
}

/* Borrows a C string; NULL gives the empty text. */
static inline consilia_value_t consilia_text(const char* text) {
    return consilia_text_of(consilia_str_of(text));
}

/* Borrows the text of a JSON document. */
static inline consilia_value_t consilia_json(const char* text) {
    consilia_value_t value = consilia_text(text);
    value.type = CONSILIA_TYPE_JSON;
    return value;
}

/* Borrows the bytes. */
static inline consilia_value_t consilia_blob(const void* data, size_t size) {
    consilia_value_t value = consilia_null();
    value.type = CONSILIA_TYPE_BLOB;
    value.as.blob.data = data;
    value.as.blob.size = size;
    return value;
}

static inline consilia_value_t consilia_date(int32_t days) {
    consilia_value_t value = consilia_null();
    value.type = CONSILIA_TYPE_DATE;
    value.as.days = days;
    return value;
}

static inline consilia_value_t consilia_timestamp(int64_t microseconds) {
    consilia_value_t value = consilia_null();
    value.type = CONSILIA_TYPE_TIMESTAMP;
    value.as.microseconds = microseconds;
    return value;
}

/* Copies the 16 bytes. */
static inline consilia_value_t consilia_uuid(const uint8_t* bytes) {
    consilia_value_t value = consilia_null();
    value.type = CONSILIA_TYPE_UUID;
    memcpy(value.as.uuid, bytes, 16);
    return value;
}

/* A value that an expression refers to as `:name`. Frozen: this struct does not grow. */
typedef struct consilia_parameter {
    consilia_str_t name; /* without the colon */
    consilia_value_t value;
} consilia_parameter_t;

/* Names a value for an expression; borrows both. */
static inline consilia_parameter_t consilia_parameter_of(const char* name, consilia_value_t value) {
    consilia_parameter_t parameter;
    parameter.name = consilia_str_of(name);
    parameter.value = value;
    return parameter;
}

#ifdef __cplusplus
}
#endif
#endif
