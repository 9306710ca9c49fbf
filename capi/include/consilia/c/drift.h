#ifndef CONSILIA_C_DRIFT_H
#define CONSILIA_C_DRIFT_H
/* Do inputs and opinions still look as they did when the panel was judged? */
#include "consilia/c/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Histograms of named series against their reference. consilia_drift_monitor_free(). Threading: safe; free it
 * when no call is in progress. */
typedef struct consilia_drift_monitor consilia_drift_monitor_t;

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_drift_options {
    size_t struct_size;
    uint32_t bins;           /* of equal width over a series' range, 2 to 1000; 0: 20 */
    uint32_t max_series;     /* most series; 0: 256 */
    uint64_t window_size;    /* values a tumbling window; 0: 1000 */
    uint64_t reference_size; /* a reference ends by itself after so many values; 0: when asked */
} consilia_drift_options_t;

/* `options` may be NULL. Returns _OK or _INVALID_ARGUMENT (`drift.bins`, …). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_drift_monitor_new(const consilia_drift_options_t* options,
                                                            consilia_drift_monitor_t** out_monitor,
                                                            consilia_error_t** out_error);
CONSILIA_C_API void consilia_drift_monitor_free(consilia_drift_monitor_t* monitor); /* NULL is allowed */

/* Declares a series with values from `low` to `high`; others count in the outermost bins. It begins with its
 * reference. Returns _OK, _INVALID_ARGUMENT (`drift.range`), _CONFLICT (`drift.series`: it exists) or
 * _RESOURCE_EXHAUSTED (`drift.max_series`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_drift_monitor_declare(consilia_drift_monitor_t* monitor,
                                                                consilia_str_t series, double low,
                                                                double high, consilia_error_t** out_error);
/* Returns _OK, _NOT_FOUND (`drift.series`) or _INVALID_ARGUMENT (`drift.value`: not finite). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_drift_monitor_add(consilia_drift_monitor_t* monitor,
                                                            consilia_str_t series, double value,
                                                            consilia_error_t** out_error);
/* From here on values are judged against those added so far. Returns _OK, _NOT_FOUND or _INVALID_ARGUMENT
 * (`drift.reference`: there are none). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_drift_monitor_end_reference(consilia_drift_monitor_t* monitor,
                                                                      consilia_str_t series,
                                                                      consilia_error_t** out_error);
/* Of every series that has values. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_drift_monitor_end_references(consilia_drift_monitor_t* monitor,
                                                                       consilia_error_t** out_error);

/* One series against its reference. Prepare with CONSILIA_INIT(&statistics). */
typedef struct consilia_drift_statistics {
    size_t struct_size;
    uint64_t reference_count;
    uint64_t window_count; /* of the last full window, or else of the current one */
    double reference_mean;
    double window_mean;
    double psi; /* population stability index: by habit below 0.1 is stable, above 0.25 a shift */
} consilia_drift_statistics_t;

/* Returns _OK, _NOT_FOUND (`drift.series`) or _INVALID_ARGUMENT (`c_api.struct_size`). @since 0.2 */
CONSILIA_C_API consilia_status_t
consilia_drift_monitor_statistics(const consilia_drift_monitor_t* monitor, consilia_str_t series,
                                  consilia_drift_statistics_t* out_statistics, consilia_error_t** out_error);
/* The names of all series, a JSON array. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_drift_monitor_series(const consilia_drift_monitor_t* monitor,
                                                               consilia_buffer_t* out_json,
                                                               consilia_error_t** out_error);

/* Adds the counts of a monitor with the same options and series, of another process: _INVALID_ARGUMENT
 * (`drift.merge`) if they differ. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_drift_monitor_merge(consilia_drift_monitor_t* monitor,
                                                              const consilia_drift_monitor_t* other,
                                                              consilia_error_t** out_error);
/* The whole state; read back, it goes on where it was. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_drift_monitor_json(const consilia_drift_monitor_t* monitor,
                                                             consilia_buffer_t* out_json,
                                                             consilia_error_t** out_error);
/* Replaces the content of a monitor. Returns _OK or _INVALID_ARGUMENT (`drift.json`, `drift.version`):
 * nothing has changed then. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_drift_monitor_read_json(consilia_drift_monitor_t* monitor,
                                                                  consilia_str_t json,
                                                                  consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
