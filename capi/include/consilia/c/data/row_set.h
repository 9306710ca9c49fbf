#ifndef CONSILIA_C_DATA_ROW_SET_H
#define CONSILIA_C_DATA_ROW_SET_H
/* Results: typed columns in the layout of Arrow, read by cell or by column, as JSON, or through Arrow. */
#include "consilia/c/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* https://arrow.apache.org/docs/format/CDataInterface.html: the definitions are part of the interface, and
 * guarded so that each program has them once. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char* format;
    const char* name;
    const char* metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema** children;
    struct ArrowSchema* dictionary;
    void (*release)(struct ArrowSchema*);
    void* private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void** buffers;
    struct ArrowArray** children;
    struct ArrowArray* dictionary;
    void (*release)(struct ArrowArray*);
    void* private_data;
};
#endif /* ARROW_C_DATA_INTERFACE */

/* https://arrow.apache.org/docs/format/CStreamInterface.html */
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
    int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
    const char* (*get_last_error)(struct ArrowArrayStream*);
    void (*release)(struct ArrowArrayStream*);
    void* private_data;
};
#endif /* ARROW_C_STREAM_INTERFACE */

/* Rows of a result. consilia_row_set_free(). What is borrowed from it lives as long as it does.
 * Threading: compatible; any number of threads may read. */
typedef struct consilia_row_set consilia_row_set_t;

/* A column by name and type. Frozen: this struct does not grow. */
typedef struct consilia_row_column {
    consilia_str_t name; /* a dotted path from the queried model: `patient.full_name` */
    int32_t type;        /* CONSILIA_TYPE_...; NULL: not declared, as for trusted SQL */
    int32_t reserved;    /* zero */
} consilia_row_column_t;

/* An empty row set to be filled, for consilia_repository_insert_rows(). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_new(const consilia_row_column_t* columns,
                                                      size_t column_count, consilia_row_set_t** out_rows,
                                                      consilia_error_t** out_error);
CONSILIA_C_API void consilia_row_set_free(consilia_row_set_t* rows); /* NULL is allowed */
/* Appends a row: one value for each column, in their order; they are copied. Only to a row set of
 * consilia_row_set_new(), and only until it is given to Arrow (`row.result`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_append(consilia_row_set_t* rows,
                                                         const consilia_value_t* values, size_t value_count,
                                                         consilia_error_t** out_error);

/* Number of rows; 0 for NULL. */
CONSILIA_C_API size_t consilia_row_set_size(const consilia_row_set_t* rows);
CONSILIA_C_API size_t consilia_row_set_column_count(const consilia_row_set_t* rows);
/* Name and declared type of a column; borrowed. All zero past the last. */
CONSILIA_C_API consilia_row_column_t consilia_row_set_column(const consilia_row_set_t* rows, size_t column);
/* Returns _OK or _INVALID_ARGUMENT (`row.unknown_column`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_find_column(const consilia_row_set_t* rows,
                                                              consilia_str_t name, size_t* out_column,
                                                              consilia_error_t** out_error);

/* One cell, borrowed. Returns _OK or _INVALID_ARGUMENT (`row.range`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_value(const consilia_row_set_t* rows, size_t row,
                                                        size_t column, consilia_value_t* out_value,
                                                        consilia_error_t** out_error);

/* The cells of a column as they lie, in Arrow's layout; borrowed. Frozen: this struct does not grow.
 *
 * `values` is, by type: bits of bools, int64_t, double, int32_t days, int64_t microseconds, 16 bytes of an
 * identifier, or `size + 1` offsets (`offset_bits`) into `bytes` of text, JSON and blobs; a null cell is
 * zero. A buffer without content may be NULL. */
typedef struct consilia_column_data {
    int32_t type;     /* of all cells that are not null; NULL: there is none */
    int32_t is_mixed; /* 1: cells of several types; read them by consilia_row_set_value(), no buffer is set */
    size_t size;
    size_t null_count;
    const uint8_t* validity; /* bit i of a column is bit i % 8 of byte i / 8; 0: null. See
                                consilia_column_is_null() */
    const void* values;
    const char* bytes;
    int32_t offset_bits; /* 32, or 64 where there are more than 2 GiB; 0: no offsets */
    int32_t reserved;    /* zero */
} consilia_column_data_t;

/* Whether a cell of a column that is not mixed is null; checks nothing. */
static inline int consilia_column_is_null(const consilia_column_data_t* column, size_t row) {
    return column->null_count != 0 &&
           (column->validity == NULL || (column->validity[row / 8] >> (row % 8) & 1) == 0);
}

/* Returns _OK or _INVALID_ARGUMENT (`row.range`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_column_data(const consilia_row_set_t* rows, size_t column,
                                                              consilia_column_data_t* out_column,
                                                              consilia_error_t** out_error);

/* All rows as a JSON array of objects; the columns `a.b` and `a.c` become {"a": {"b": …, "c": …}}.
 * @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_json(const consilia_row_set_t* rows,
                                                       consilia_buffer_t* out_json,
                                                       consilia_error_t** out_error);
/* One row as a JSON object. Returns _OK or _INVALID_ARGUMENT (`row.range`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_row_json(const consilia_row_set_t* rows, size_t row,
                                                           consilia_buffer_t* out_json,
                                                           consilia_error_t** out_error);

/* The rows as one struct array, without a copy: the arrays keep the rows alive, and are the caller's to
 * release. Returns _OK or _INVALID_ARGUMENT (`arrow.mixed_column`). @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_export_arrow(const consilia_row_set_t* rows,
                                                               struct ArrowSchema* out_schema,
                                                               struct ArrowArray* out_array,
                                                               consilia_error_t** out_error);
/* The same as a stream of one chunk; see consilia_query_stream_arrow() for large results. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_stream_arrow(const consilia_row_set_t* rows,
                                                               struct ArrowArrayStream* out_stream,
                                                               consilia_error_t** out_error);
/* The rows of a struct array; values are copied, nothing is rounded. The memory is trusted to be what the
 * schema says. Takes both over: they are released whatever comes of it, unless an argument is NULL. Returns
 * _OK or _INVALID_ARGUMENT (`arrow.type`, `arrow.range`, `arrow.structure`) naming the column. @since 0.1 */
CONSILIA_C_API consilia_status_t consilia_row_set_import_arrow(struct ArrowArray* array,
                                                               struct ArrowSchema* schema,
                                                               consilia_row_set_t** out_rows,
                                                               consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
