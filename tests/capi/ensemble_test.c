/* The engine over the C ABI, with the demonstration members and real torch: `capi_ensemble MEMBERS IMAGE`. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "consilia.h"

#define STR(text) ((consilia_str_t){(text), strlen(text)})

static int32_t stop_after_first(const consilia_run_progress_t* at, void* user_data) {
    *(size_t*)user_data = at->members_done;
    return 1;
}

static int32_t leave_out_second(size_t image, void* user_data) {
    (void)user_data;
    return image == 1;
}

int main(int count, char** arguments) {
    char first[512];
    char second[512];
    consilia_engine_options_t options;
    consilia_engine_t* engine = NULL;
    consilia_error_t* error = NULL;
    consilia_buffer_t json = {0};
    consilia_memory_use_t memory = {0};
    consilia_str_t members[2];
    consilia_image_bytes_t images[2];
    static consilia_image_bytes_t many[1025];
    consilia_batch_options_t batch;
    size_t i;
    unsigned char* image = NULL;
    size_t image_size = 0;
    size_t members_done = 0;
    consilia_status_t status;
    const size_t batches[] = {1, 2};
    CHECK(count == 3);
    snprintf(first, sizeof first, "%s/resnet50.member", arguments[1]);
    snprintf(second, sizeof second, "%s/vit_b16.member", arguments[1]);
    members[0] = STR(first);
    members[1] = STR(second);

    /* Bad input names what is wrong, and leaves nothing to free but the error. */
    status = consilia_engine_open(NULL, 0, NULL, &engine, &error);
    check_failure("no members", status, error, CONSILIA_INVALID_ARGUMENT, "engine.members");
    CHECK(engine == NULL);
    CONSILIA_INIT(&options);
    options.early_stop = 7;
    CHECK(consilia_engine_open(members, 2, &options, &engine, NULL) == CONSILIA_INVALID_ARGUMENT);
    CONSILIA_INIT(&options);
    options.precision = STR("f64");
    status = consilia_engine_open(members, 2, &options, &engine, &error);
    check_failure("f64", status, error, CONSILIA_INVALID_ARGUMENT, "precision.unknown");
    error = NULL;

    CONSILIA_INIT(&options);
    options.budget_bytes = 64 << 20;
    options.threads = 1;
    options.prefetch = CONSILIA_PREFETCH_OFF;
    check_ok("open", consilia_engine_open(members, 2, &options, &engine, &error), error);
    check_ok("warm_up", consilia_engine_warm_up(engine, batches, 2, &error), error);
    check_ok("run_file", consilia_engine_run_file(engine, STR(arguments[2]), NULL, NULL, &json, &error),
             error);
    CHECK(strstr(json.data, "\"label\"") != NULL && strstr(json.data, "\"backend\":\"torch ") != NULL);
    consilia_buffer_free(&json);

    status =
        consilia_engine_run_file(engine, STR(arguments[2]), stop_after_first, &members_done, &json, &error);
    check_failure("stopped", status, error, CONSILIA_CANCELLED, "run.cancelled");
    error = NULL;
    CHECK(members_done == 1 && json.data == NULL);

    read_file(arguments[2], &image, &image_size);
    images[0] = (consilia_image_bytes_t){image, image_size};
    images[1] = (consilia_image_bytes_t){"no image", 8};
    check_ok("run_batch", consilia_engine_run_batch(engine, images, 2, NULL, &json, &error), error);
    CHECK(strstr(json.data, "[{\"diagnosis\":") == json.data &&
          strstr(json.data, "{\"error\":{\"code\":") != NULL);
    consilia_buffer_free(&json);
    CONSILIA_INIT(&batch);
    batch.is_cancelled = leave_out_second;
    images[1] = images[0];
    check_ok("batch", consilia_engine_run_batch(engine, images, 2, &batch, &json, &error), error);
    CHECK(strstr(json.data, "[{\"diagnosis\":") == json.data &&
          strstr(json.data, "\"run.cancelled\"") != NULL);
    consilia_buffer_free(&json);
    for (i = 0; i < 1025; ++i) many[i] = images[0];
    CHECK(consilia_engine_run_batch(engine, many, 1025, NULL, &json, NULL) == CONSILIA_INVALID_ARGUMENT);
    for (i = 0; i < 1024; ++i) many[i] = (consilia_image_bytes_t){"no image", 8};
    check_ok("unreadable", consilia_engine_run_batch(engine, many, 1024, NULL, &json, &error), error);
    consilia_buffer_free(&json);
    CHECK(consilia_engine_run_batch(engine, NULL, 0, NULL, &json, NULL) == CONSILIA_INVALID_ARGUMENT);
    check_ok("run_bytes", consilia_engine_run_bytes(engine, image, image_size, NULL, NULL, &json, &error),
             error);
    consilia_buffer_free(&json);

    check_ok("plan", consilia_engine_plan(engine, 2, &json, &error), error);
    CHECK(strstr(json.data, "\"placement\":\"resident\"") != NULL);
    consilia_buffer_free(&json);
    check_ok("plan_text", consilia_engine_plan_text(engine, 1, 0, &json, &error), error);
    CHECK(strncmp(json.data, "budget 64.0 MiB", 15) == 0);
    consilia_buffer_free(&json);
    check_ok("members", consilia_engine_members(engine, &json, &error), error);
    CHECK(strstr(json.data, "\"id\":\"vit_b16\"") != NULL);
    consilia_buffer_free(&json);
    check_ok("memory", consilia_engine_memory(engine, &memory, &error), error);
    CHECK(memory.held_bytes > 0 && memory.peak_bytes <= memory.budget_bytes);
    check_ok("release_memory", consilia_engine_release_memory(engine, &error), error);
    check_ok("memory", consilia_engine_memory(engine, &memory, &error), error);
    CHECK(memory.held_bytes == 0);
    free(image);
    consilia_engine_free(engine);
    consilia_engine_free(NULL);
    return failures;
}
