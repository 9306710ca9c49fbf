/* A drift monitor over the C ABI. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "consilia.h"

static consilia_error_t* error = NULL;

static int near(double a, double b) {
    return a - b < 1e-12 && b - a < 1e-12;
}

static void drift_shows(void) {
    consilia_drift_options_t options;
    consilia_drift_statistics_t statistics;
    consilia_drift_monitor_t* monitor = NULL;
    consilia_drift_monitor_t* other = NULL;
    consilia_buffer_t json = {0};
    const consilia_str_t series = consilia_str_of("opinion.confidence");
    int i;
    CONSILIA_INIT(&options);
    options.bins = 1;
    EXPECT("bins", consilia_drift_monitor_new(&options, &monitor, &error), CONSILIA_INVALID_ARGUMENT,
           "drift.bins");
    options.bins = 10;
    options.window_size = 100;
    options.max_series = 1;
    OK("new", consilia_drift_monitor_new(&options, &monitor, &error));
    EXPECT("range", consilia_drift_monitor_declare(monitor, series, 1, 0, &error), CONSILIA_INVALID_ARGUMENT,
           "drift.range");
    EXPECT("undeclared", consilia_drift_monitor_add(monitor, series, 0.5, &error), CONSILIA_NOT_FOUND,
           "drift.series");
    OK("declare", consilia_drift_monitor_declare(monitor, series, 0, 1, &error));
    EXPECT("twice", consilia_drift_monitor_declare(monitor, series, 0, 1, &error), CONSILIA_CONFLICT,
           "drift.series");
    EXPECT("many", consilia_drift_monitor_declare(monitor, consilia_str_of("x"), 0, 1, &error),
           CONSILIA_RESOURCE_EXHAUSTED, "drift.max_series");
    EXPECT("nan", consilia_drift_monitor_add(monitor, series, NAN, &error), CONSILIA_INVALID_ARGUMENT,
           "drift.value");
    EXPECT("early", consilia_drift_monitor_end_reference(monitor, series, &error), CONSILIA_INVALID_ARGUMENT,
           "drift.reference");
    for (i = 0; i < 100; ++i) OK("add", consilia_drift_monitor_add(monitor, series, i / 100.0, &error));
    OK("end", consilia_drift_monitor_end_reference(monitor, series, &error));
    for (i = 0; i < 100; ++i) OK("add", consilia_drift_monitor_add(monitor, series, 0.95, &error));
    CONSILIA_INIT(&statistics);
    OK("statistics", consilia_drift_monitor_statistics(monitor, series, &statistics, &error));
    CHECK(statistics.reference_count == 100 && statistics.window_count == 100);
    CHECK(near(statistics.reference_mean, 0.495) && near(statistics.window_mean, 0.95));
    CHECK(statistics.psi > 0.25);
    OK("series", consilia_drift_monitor_series(monitor, &json, &error));
    CHECK(strcmp(json.data, "[\"opinion.confidence\"]") == 0);
    consilia_buffer_free(&json);

    OK("json", consilia_drift_monitor_json(monitor, &json, &error));
    OK("other", consilia_drift_monitor_new(&options, &other, &error));
    EXPECT("merge", consilia_drift_monitor_merge(monitor, other, &error), CONSILIA_INVALID_ARGUMENT,
           "drift.merge");
    EXPECT("read", consilia_drift_monitor_read_json(other, consilia_str_of("{}"), &error),
           CONSILIA_INVALID_ARGUMENT, "drift.json");
    OK("read", consilia_drift_monitor_read_json(other, (consilia_str_t){json.data, json.size}, &error));
    OK("merge", consilia_drift_monitor_merge(monitor, other, &error));
    OK("statistics", consilia_drift_monitor_statistics(monitor, series, &statistics, &error));
    CHECK(statistics.reference_count == 200);
    EXPECT("unknown", consilia_drift_monitor_statistics(monitor, consilia_str_of("x"), &statistics, &error),
           CONSILIA_NOT_FOUND, "drift.series");
    CHECK(statistics.reference_count == 0 && statistics.struct_size == sizeof statistics);
    EXPECT("null", consilia_drift_monitor_merge(monitor, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    consilia_buffer_free(&json);
    consilia_drift_monitor_free(monitor);
    consilia_drift_monitor_free(other);
    consilia_drift_monitor_free(NULL);
}

int main(void) {
    drift_shows();
    return failures;
}
