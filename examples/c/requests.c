/* Puts a dispatcher before an engine, and submits an image several times: waited for, and answered by a
 * callback.
 *
 *     requests IMAGE MEMBER...
 *
 * Backends are found beside the library or in CONSILIA_BACKEND_PATH. */
#include <consilia.h>
#include <stdio.h>

enum { REQUESTS = 8, MEMBERS_MAX = 64 };

static int failed(const char* step, consilia_error_t* error) {
    consilia_str_t code = consilia_error_code(error);
    consilia_str_t message = consilia_error_message(error);
    fprintf(stderr, "%s: %.*s (%.*s)\n", step, (int)message.size, message.data, (int)code.size, code.data);
    consilia_error_free(error);
    return 1;
}

#define TRY(step, call) \
    if ((call) != CONSILIA_OK) return failed((step), error)

/* On the dispatcher's thread; what is borrowed ends with the call. */
static void count_answer(consilia_str_t diagnosis_json, const consilia_error_t* failure, void* user_data) {
    if (failure == NULL && diagnosis_json.size > 0) ++*(int*)user_data;
}

int main(int argc, char** argv) {
    consilia_str_t members[MEMBERS_MAX];
    consilia_str_t image;
    consilia_engine_options_t engine_options;
    consilia_dispatcher_options_t dispatcher_options;
    consilia_request_options_t urgent;
    consilia_request_counts_t counts;
    consilia_engine_t* engine = NULL;
    consilia_dispatcher_t* dispatcher = NULL;
    consilia_request_t* request = NULL;
    consilia_buffer_t json;
    consilia_error_t* error = NULL;
    int answers = 0;
    int32_t is_done;
    int i;

    if (argc < 3 || argc - 2 > MEMBERS_MAX) {
        fprintf(stderr, "usage: %s IMAGE MEMBER...\n", argv[0]);
        return 2;
    }
    image = consilia_str_of(argv[1]);
    for (i = 2; i < argc; ++i) members[i - 2] = consilia_str_of(argv[i]);

    CONSILIA_INIT(&engine_options);
    engine_options.budget_bytes = 512 << 20;
    TRY("engine", consilia_engine_open(members, (size_t)argc - 2, &engine_options, &engine, &error));
    CONSILIA_INIT(&dispatcher_options);
    dispatcher_options.batch_max = 4;
    TRY("dispatcher", consilia_dispatcher_open(engine, &dispatcher_options, &dispatcher, &error));
    consilia_engine_free(engine); /* the dispatcher keeps it */
    TRY("warm up", consilia_dispatcher_warm_up(dispatcher, &error));

    CONSILIA_INIT(&urgent);
    urgent.priority = consilia_str_of("high");
    urgent.deadline_ms = 60e3;
    TRY("infer", consilia_dispatcher_infer_file(dispatcher, image, &urgent, &json, &error));
    printf("%.60s...\n", json.data);
    consilia_buffer_free(&json);

    urgent.answer = count_answer;
    urgent.user_data = &answers;
    for (i = 1; i < REQUESTS; ++i) {
        TRY("submit", consilia_dispatcher_submit_file(dispatcher, image, &urgent, NULL, &error));
    }
    TRY("submit", consilia_dispatcher_submit_file(dispatcher, image, NULL, &request, &error));
    TRY("wait", consilia_request_wait(request, -1, &is_done, &error));
    TRY("result", consilia_request_result(request, &json, &error));
    consilia_buffer_free(&json);
    consilia_request_free(request);

    TRY("stop", consilia_dispatcher_stop(dispatcher, CONSILIA_STOP_DRAIN, &error));
    CONSILIA_INIT(&counts);
    TRY("counts", consilia_dispatcher_counts(dispatcher, &counts, &error));
    printf("%d answers by callback, %d requests completed\n", answers, (int)counts.completed);
    consilia_dispatcher_free(dispatcher);
    return 0;
}
