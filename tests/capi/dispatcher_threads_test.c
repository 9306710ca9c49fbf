/* Requests over the C ABI before a dispatcher with its thread, and in a child made by fork:
 * `capi_dispatcher_threads MEMBER BACKENDS IMAGE`. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "requests.h"

/* Holds the dispatcher's thread between members until it is opened. */
typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int has_begun;
    int is_open;
} gate_t;

static int32_t wait_at_gate(const consilia_run_progress_t* at, void* user_data) {
    gate_t* gate = user_data;
    (void)at;
    pthread_mutex_lock(&gate->mutex);
    gate->has_begun = 1;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->is_open) pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    return 0;
}

/* In a child made by fork: nothing is waited for that could never come. */
static int child_is_told(consilia_dispatcher_t* dispatcher, consilia_request_t* request) {
    consilia_buffer_t json = {0};
    int32_t is_done = 0;
    refuse_submission(dispatcher, NULL, CONSILIA_UNAVAILABLE, "engine.forked");
    EXPECT("infer", consilia_dispatcher_infer_file(dispatcher, image, NULL, &json, &error),
           CONSILIA_UNAVAILABLE, "engine.forked");
    EXPECT("wait", consilia_request_wait(request, -1, &is_done, &error), CONSILIA_UNAVAILABLE,
           "engine.forked");
    EXPECT("cancel", consilia_request_cancel(request, NULL, &error), CONSILIA_UNAVAILABLE, "engine.forked");
    EXPECT("stop", consilia_dispatcher_stop(dispatcher, CONSILIA_STOP_DRAIN, &error), CONSILIA_UNAVAILABLE,
           "engine.forked");
    EXPECT("metrics", consilia_dispatcher_metrics(dispatcher, &json, &error), CONSILIA_UNAVAILABLE,
           "engine.forked");
    consilia_request_free(request);
    consilia_dispatcher_free(dispatcher);
    return failures;
}

static void running_requests_and_forks(consilia_dispatcher_t* dispatcher) {
    gate_t gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    consilia_request_options_t options;
    consilia_request_t* request;
    int32_t is_done = 0;
    int status = -1;
    pid_t child;
    CONSILIA_INIT(&options);
    options.progress = wait_at_gate;
    options.user_data = &gate;
    request = submit(dispatcher, &options);
    pthread_mutex_lock(&gate.mutex);
    while (!gate.has_begun) pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
    CHECK(consilia_request_stage(request) == CONSILIA_REQUEST_RUNNING);
    OK("wait", consilia_request_wait(request, 1, &is_done, &error));
    CHECK(is_done == 0);
    EXPECT("timeout", consilia_request_wait(request, NAN, &is_done, &error), CONSILIA_INVALID_ARGUMENT,
           "request.timeout");
    fflush(stderr);
    child = fork();
    if (child == 0) _exit(child_is_told(dispatcher, request));
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK("cancel", consilia_request_cancel(request, &is_done, &error));
    CHECK(is_done == 1);
    pthread_mutex_lock(&gate.mutex);
    gate.is_open = 1;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
    OK("wait", consilia_request_wait(request, -1, &is_done, &error));
    check_answer(request, CONSILIA_CANCELLED, "request.cancelled");
}

static unsigned char* read_image(size_t* size) {
    char path[512];
    unsigned char* data;
    FILE* file;
    snprintf(path, sizeof path, "%.*s", (int)image.size, image.data);
    file = fopen(path, "rb");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    *size = (size_t)ftell(file);
    rewind(file);
    data = malloc(*size);
    CHECK(data != NULL && fread(data, 1, *size, file) == *size);
    fclose(file);
    return data;
}

/* With a thread. The engine's handle goes first. */
static void a_thread_answers(consilia_engine_t* engine) {
    consilia_dispatcher_t* dispatcher = NULL;
    consilia_request_options_t options;
    consilia_request_t* request = NULL;
    consilia_buffer_t json = {0};
    consilia_buffer_t again = {0};
    told_t told = {0};
    size_t size = 0;
    unsigned char* data = read_image(&size);
    int32_t is_done = 0;
    double due_ms = 0;
    OK("open", consilia_dispatcher_open(engine, NULL, &dispatcher, &error));
    consilia_engine_free(engine);
    EXPECT("driven", consilia_dispatcher_run_pending(dispatcher, &due_ms, &error), CONSILIA_INVALID_ARGUMENT,
           "dispatcher.driven");
    OK("infer_file", consilia_dispatcher_infer_file(dispatcher, image, NULL, &json, &error));
    OK("infer_bytes", consilia_dispatcher_infer_bytes(dispatcher, data, size, NULL, &again, &error));
    CHECK(strncmp(json.data, again.data, 20) == 0); /* {"label":"… */
    consilia_buffer_free(&again);
    consilia_buffer_free(&json);
    CONSILIA_INIT(&options);
    options.deadline_ms = 3600e3;
    options.progress = note_progress;
    options.answer = note_answer;
    options.user_data = &told;
    OK("submit", consilia_dispatcher_submit_bytes(dispatcher, data, size, &options, &request, &error));
    free(data); /* was borrowed for the call */
    OK("wait", consilia_request_wait(request, -1, &is_done, &error));
    CHECK(is_done == 1 && told.answers == 1 && told.has_diagnosis && told.members_done == 1);
    check_answer(request, CONSILIA_OK, NULL);
    running_requests_and_forks(dispatcher);
    request = submit(dispatcher, NULL);
    OK("drain", consilia_dispatcher_stop(dispatcher, CONSILIA_STOP_DRAIN, &error));
    check_answer(request, CONSILIA_OK, NULL);
    consilia_dispatcher_free(dispatcher);
}

int main(int count, char** arguments) {
    CHECK(count == 4);
    image = consilia_str_of(arguments[3]);
    a_thread_answers(open_engine(arguments[1], arguments[2]));
    return failures;
}
