#pragma once
// Results for pandas, polars, numpy and every other reader of Arrow, without a copy; and rows from them.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "consilia/core/export.hpp"
#include "consilia/data/row_set.hpp"

// https://arrow.apache.org/docs/format/CDataInterface.html: the definitions are part of the interface, and
// guarded so that each program has them once.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

extern "C" {
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
}
#endif  // ARROW_C_DATA_INTERFACE

// https://arrow.apache.org/docs/format/CStreamInterface.html
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

extern "C" {
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
    int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
    const char* (*get_last_error)(struct ArrowArrayStream*);
    void (*release)(struct ArrowArrayStream*);
    void* private_data;
};
}
#endif  // ARROW_C_STREAM_INTERFACE

namespace consilia::data {

/// Gives the rows as one struct array (a record batch): int64, double, bool, utf8, binary, `timestamp[us,
/// UTC]`, date32, `arrow.uuid` and `arrow.json`; utf8 and binary with 64-bit offsets above 2 GiB. Fields keep
/// their dotted names and may be null; an undeclared column without values has Arrow's null type.
///
/// Buffers are shared, not copied, and live until the last array is released, in whichever thread. Only a
/// column that mixes integers and doubles is copied, as doubles. Both outputs are written on success only,
/// and are the caller's to release.
/// @throws InvalidArgument (`arrow.mixed_column`) for a column whose cells have types that no one type holds
/// exactly.
CONSILIA_API void export_arrow(std::shared_ptr<const RowSet> rows, ArrowSchema* schema, ArrowArray* array);
CONSILIA_API void export_arrow(RowSet&& rows, ArrowSchema* schema, ArrowArray* array);

/// The next rows of a result, or none at its end.
using NextRows = std::function<std::optional<RowSet>()>;
/// Gives rows in chunks, as they are asked for. The first chunk (it may be empty) settles names and types, so
/// declare the types of columns that it may have nothing but nulls in; a chunk that does not fit is an error
/// of the stream. What `next` throws is one too: EINVAL, ENOMEM or EIO, and the message.
CONSILIA_API void export_arrow(NextRows next, ArrowArrayStream* stream);
/// Gives the rows as a stream of one chunk, for readers that take nothing else. Buffers are shared as above;
/// a column that has no form in Arrow is an error of the stream.
CONSILIA_API void export_arrow(std::shared_ptr<const RowSet> rows, ArrowArrayStream* stream);

/// The rows of a struct array, for bulk insertion. Integers, floats, bool, utf8, binary (32- and 64-bit
/// offsets, and views), fixed-size binary, timestamps of any unit (without a zone: taken as UTC), date32,
/// date64, null, and dictionaries of these; `arrow.uuid` and `arrow.json` come back as such. Values are
/// copied, nothing is rounded.
///
/// The memory is trusted to be what the schema says. Takes both over: they are released whether or not it
/// throws.
/// @throws InvalidArgument (`arrow.type`, `arrow.range`, `arrow.structure`) naming the column.
CONSILIA_API RowSet rows_of_arrow(ArrowArray* array, ArrowSchema* schema);
/// As above, chunk by chunk; takes the stream over. @throws as above, StorageError (`arrow.stream`) for what
/// the stream reports, and what `take` throws.
CONSILIA_API void rows_of_arrow(ArrowArrayStream* stream, const std::function<void(RowSet)>& take);

}  // namespace consilia::data
