#include "consilia/c/drift.h"

#include <memory>

#include "inference.hpp"

namespace inference = consilia::inference;
using consilia::capi::cleared;
using consilia::capi::cleared_sized;
using consilia::capi::copy_options;
using consilia::capi::fill_sized;
using consilia::capi::guard;
using consilia::capi::require;
using consilia::capi::to_buffer;
using consilia::capi::view;

static_assert(offsetof(consilia_drift_options_t, window_size) == 16);
static_assert(offsetof(consilia_drift_statistics_t, psi) == 40);

extern "C" {

consilia_status_t consilia_drift_monitor_new(const consilia_drift_options_t* options,
                                             consilia_drift_monitor_t** out_monitor,
                                             consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_drift_monitor_t*& out = cleared(out_monitor, "out_monitor");
        const consilia_drift_options_t known = copy_options(options);
        inference::DriftOptions made;
        if (known.bins != 0) made.bins = known.bins;
        if (known.max_series != 0) made.max_series = known.max_series;
        if (known.window_size != 0) made.window_size = known.window_size;
        made.reference_size = known.reference_size;
        out = new consilia_drift_monitor_t{std::make_shared<inference::DriftMonitor>(made)};
    });
}

void consilia_drift_monitor_free(consilia_drift_monitor_t* monitor) {
    delete monitor;
}

consilia_status_t consilia_drift_monitor_declare(consilia_drift_monitor_t* monitor, consilia_str_t series,
                                                 double low, double high, consilia_error_t** out_error) {
    return guard(out_error, [&] { require(monitor, "monitor").monitor->declare(view(series), low, high); });
}

consilia_status_t consilia_drift_monitor_add(consilia_drift_monitor_t* monitor, consilia_str_t series,
                                             double value, consilia_error_t** out_error) {
    return guard(out_error, [&] { require(monitor, "monitor").monitor->add(view(series), value); });
}

consilia_status_t consilia_drift_monitor_end_references(consilia_drift_monitor_t* monitor,
                                                        consilia_error_t** out_error) {
    return guard(out_error, [&] { require(monitor, "monitor").monitor->end_references(); });
}

consilia_status_t consilia_drift_monitor_end_reference(consilia_drift_monitor_t* monitor,
                                                       consilia_str_t series, consilia_error_t** out_error) {
    return guard(out_error, [&] { require(monitor, "monitor").monitor->end_reference(view(series)); });
}

consilia_status_t consilia_drift_monitor_statistics(const consilia_drift_monitor_t* monitor,
                                                    consilia_str_t series,
                                                    consilia_drift_statistics_t* out_statistics,
                                                    consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_drift_statistics_t& out = cleared_sized(out_statistics, "out_statistics");
        const inference::DriftStatistics found =
            require(monitor, "monitor").monitor->statistics(view(series));
        fill_sized(out, {.struct_size = 0,
                         .reference_count = found.reference_count,
                         .window_count = found.window_count,
                         .reference_mean = found.reference_mean,
                         .window_mean = found.window_mean,
                         .psi = found.psi});
    });
}

consilia_status_t consilia_drift_monitor_series(const consilia_drift_monitor_t* monitor,
                                                consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(consilia::capi::json_list(require(monitor, "monitor").monitor->series()));
    });
}

consilia_status_t consilia_drift_monitor_merge(consilia_drift_monitor_t* monitor,
                                               const consilia_drift_monitor_t* other,
                                               consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { require(monitor, "monitor").monitor->merge(*require(other, "other").monitor); });
}

consilia_status_t consilia_drift_monitor_json(const consilia_drift_monitor_t* monitor,
                                              consilia_buffer_t* out_json, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_json, "out_json");
        out = to_buffer(require(monitor, "monitor").monitor->to_json());
    });
}

consilia_status_t consilia_drift_monitor_read_json(consilia_drift_monitor_t* monitor, consilia_str_t json,
                                                   consilia_error_t** out_error) {
    return guard(out_error, [&] { require(monitor, "monitor").monitor->read_json(view(json)); });
}

}  // extern "C"
