/* What engines share over the C ABI, a ledger and a drift monitor: `capi_shared_ledger MEMBER BACKENDS
 * IMAGE`. */
#include <string.h>

#include "check.h"
#include "consilia.h"

static consilia_error_t* error = NULL;

static consilia_engine_t* open_engine(const char* member, const consilia_engine_options_t* options) {
    const consilia_str_t members[] = {consilia_str_of(member)};
    consilia_engine_t* engine = NULL;
    OK("open", consilia_engine_open(members, 1, options, &engine, &error));
    return engine;
}

int main(int count, char** arguments) {
    consilia_memory_ledger_t* ledger = NULL;
    consilia_drift_options_t drift_options;
    consilia_drift_monitor_t* drift = NULL;
    consilia_drift_statistics_t statistics;
    consilia_engine_options_t options;
    consilia_engine_t* first = NULL;
    consilia_engine_t* second = NULL;
    consilia_engine_t* none = NULL;
    consilia_buffer_t json = {0};
    consilia_memory_use_t memory = {0};
    const consilia_str_t members[] = {consilia_str_of(arguments[1])};
    const consilia_str_t classes[] = {consilia_str_of("one"), consilia_str_of("other")};
    CHECK(count == 4);

    EXPECT("budget", consilia_memory_ledger_new(1, 1, &ledger, &error), CONSILIA_INVALID_ARGUMENT,
           "ledger.budget");
    CHECK(ledger == NULL);
    OK("ledger", consilia_memory_ledger_new(8 << 20, 0, &ledger, &error));
    CONSILIA_INIT(&drift_options);
    drift_options.reference_size = 1;
    OK("drift", consilia_drift_monitor_new(&drift_options, &drift, &error));

    CONSILIA_INIT(&options);
    options.backend_directory = consilia_str_of(arguments[2]);
    options.ledger = ledger;
    options.drift = drift;
    options.ledger_share = -1;
    EXPECT("share", consilia_engine_open(members, 1, &options, &none, &error), CONSILIA_INVALID_ARGUMENT,
           "engine.options");
    options.ledger_share = 2;
    first = open_engine(arguments[1], &options);
    options.ledger_share = 0;
    second = open_engine(arguments[1], &options);

    OK("run", consilia_engine_run_file(first, consilia_str_of(arguments[3]), NULL, NULL, &json, &error));
    consilia_buffer_free(&json);
    OK("run", consilia_engine_run_file(second, consilia_str_of(arguments[3]), NULL, NULL, &json, &error));
    consilia_buffer_free(&json);
    OK("memory", consilia_engine_memory(second, &memory, &error));
    CHECK(memory.budget_bytes == 8 << 20 && memory.held_bytes > 0);
    OK("holders", consilia_memory_ledger_holders(ledger, &json, &error));
    CHECK(strstr(json.data, "[{\"owner\":\"") == json.data && strstr(json.data, "\"held_bytes\":") != NULL);
    consilia_buffer_free(&json);
    CONSILIA_INIT(&statistics);
    OK("statistics",
       consilia_drift_monitor_statistics(drift, consilia_str_of("opinion.confidence"), &statistics, &error));
    CHECK(statistics.reference_count == 1 && statistics.window_count == 1);
    OK("end", consilia_drift_monitor_end_references(drift, &error));

    /* Either goes first. */
    consilia_memory_ledger_free(ledger);
    consilia_drift_monitor_free(drift);
    OK("run", consilia_engine_run_file(first, consilia_str_of(arguments[3]), NULL, NULL, &json, &error));
    consilia_buffer_free(&json);
    consilia_engine_free(first);
    consilia_engine_free(second);

    /* Members of other classes are not ready. */
    CONSILIA_INIT(&options);
    options.backend_directory = consilia_str_of(arguments[2]);
    options.classes = classes;
    options.class_count = 2;
    first = open_engine(arguments[1], &options);
    OK("members", consilia_engine_members(first, &json, &error));
    CHECK(strstr(json.data, "member.incompatible") != NULL);
    consilia_buffer_free(&json);
    consilia_engine_free(first);
    EXPECT("null", consilia_memory_ledger_holders(NULL, &json, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    consilia_memory_ledger_free(NULL);
    return failures;
}
