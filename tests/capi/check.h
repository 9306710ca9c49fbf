#ifndef CONSILIA_TESTS_CAPI_CHECK_H
#define CONSILIA_TESTS_CAPI_CHECK_H
/* What the C tests check with. A program has one `error`, counts what is not so, and returns the number. */
#include <stdio.h>
#include <stdlib.h>

#include "consilia.h"

static int failures = 0;

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            ++failures;                                                             \
        }                                                                           \
    } while (0)

static int is(consilia_str_t text, const char* wanted) {
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

/* Checks status and code of a call that must fail, and frees the error. */
static void check_failure(const char* what, consilia_status_t status, consilia_error_t* error,
                          consilia_status_t wanted, const char* code) {
    if (status != wanted || consilia_error_status(error) != wanted || !is(consilia_error_code(error), code)) {
        consilia_str_t found = consilia_error_code(error);
        fprintf(stderr, "%s: wanted %d %s, found %d %.*s\n", what, (int)wanted, code, (int)status,
                (int)found.size, found.data);
        ++failures;
    }
    CHECK(consilia_error_message(error).size > 0);
    CHECK(consilia_error_http_status(error) >= 400);
    CHECK(consilia_error_details_json(error).data[0] == '{');
    consilia_error_free(error);
}

static void check_ok(const char* what, consilia_status_t status, consilia_error_t* error) {
    if (status != CONSILIA_OK) {
        consilia_str_t message = consilia_error_message(error);
        fprintf(stderr, "%s: status %d: %.*s\n", what, (int)status, (int)message.size, message.data);
        consilia_error_free(error);
        exit(1);
    }
}

/* The whole of a file, to be freed. */
static inline void read_file(const char* path, unsigned char** data, size_t* size) {
    FILE* file = fopen(path, "rb");
    CHECK(file != NULL);
    CHECK(fseek(file, 0, SEEK_END) == 0);
    *size = (size_t)ftell(file);
    rewind(file);
    *data = malloc(*size);
    CHECK(*data != NULL && fread(*data, 1, *size, file) == *size);
    fclose(file);
}

/* Arguments have no order in C: the call must end before its error is read. */
#define EXPECT(what, call, wanted, code)                         \
    do {                                                         \
        consilia_status_t status_ = (call);                      \
        check_failure((what), status_, error, (wanted), (code)); \
        error = NULL;                                            \
    } while (0)
#define OK(what, call)                      \
    do {                                    \
        consilia_status_t status_ = (call); \
        check_ok((what), status_, error);   \
    } while (0)

#endif
