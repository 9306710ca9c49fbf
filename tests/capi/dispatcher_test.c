/* Requests over the C ABI, before an engine of the template's backend: `capi_dispatcher MEMBER BACKENDS
 * IMAGE`.
 *
 * The dispatchers are driven by the test itself, so that nothing depends on when a thread runs. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <time.h>

#include "requests.h"

static void run_all(consilia_dispatcher_t* dispatcher) {
    double due_ms = 0;
    while (due_ms >= 0) OK("run_pending", consilia_dispatcher_run_pending(dispatcher, &due_ms, &error));
}

static consilia_dispatcher_t* open_driven(consilia_engine_t* engine, size_t queue_max, size_t batch_max) {
    consilia_dispatcher_options_t options;
    consilia_dispatcher_t* dispatcher = NULL;
    CONSILIA_INIT(&options);
    options.name = consilia_str_of("ward");
    options.queue_max = queue_max;
    options.batch_max = batch_max;
    options.batch_wait_ms = -1;
    options.is_caller_driven = 1;
    OK("open", consilia_dispatcher_open(engine, &options, &dispatcher, &error));
    return dispatcher;
}

static void options_are_checked(consilia_engine_t* engine) {
    consilia_dispatcher_options_t options;
    consilia_dispatcher_t* dispatcher = NULL;
    EXPECT("engine", consilia_dispatcher_open(NULL, NULL, &dispatcher, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    EXPECT("out", consilia_dispatcher_open(engine, NULL, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    memset(&options, 0, sizeof options);
    EXPECT("size", consilia_dispatcher_open(engine, &options, &dispatcher, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.struct_size");
    CONSILIA_INIT(&options);
    options.queue_max = 65537;
    EXPECT("queue_max", consilia_dispatcher_open(engine, &options, &dispatcher, &error),
           CONSILIA_INVALID_ARGUMENT, "dispatcher.options");
    CONSILIA_INIT(&options);
    options.age_after_ms = -1;
    EXPECT("age_after", consilia_dispatcher_open(engine, &options, &dispatcher, &error),
           CONSILIA_INVALID_ARGUMENT, "dispatcher.options");
    CONSILIA_INIT(&options);
    options.batch_wait_ms = NAN;
    EXPECT("batch_wait", consilia_dispatcher_open(engine, &options, &dispatcher, &error),
           CONSILIA_INVALID_ARGUMENT, "dispatcher.options");
    CHECK(dispatcher == NULL);
    consilia_dispatcher_free(NULL);
    consilia_request_free(NULL);
    CHECK(consilia_request_stage(NULL) == CONSILIA_REQUEST_DONE);
}

static void requests_wait_and_are_cancelled(consilia_engine_t* engine) {
    consilia_dispatcher_t* dispatcher = open_driven(engine, 2, 1);
    consilia_request_t* first = submit(dispatcher, NULL);
    consilia_request_t* second = submit(dispatcher, NULL);
    consilia_request_t* third = second;
    consilia_buffer_t json = {0};
    consilia_status_t status;
    int32_t is_done = 1;
    int32_t is_cancelled = 0;
    CHECK(consilia_request_stage(first) == CONSILIA_REQUEST_QUEUED);
    OK("look", consilia_request_wait(first, 0, &is_done, &error));
    CHECK(is_done == 0);
    EXPECT("pending", consilia_request_result(first, &json, &error), CONSILIA_CONFLICT, "request.pending");
    EXPECT("wait", consilia_request_wait(first, 1, &is_done, &error), CONSILIA_INVALID_ARGUMENT,
           "dispatcher.waiting");
    EXPECT("infer", consilia_dispatcher_infer_file(dispatcher, image, NULL, &json, &error),
           CONSILIA_INVALID_ARGUMENT, "dispatcher.waiting");
    status = consilia_dispatcher_submit_file(dispatcher, image, NULL, &third, &error);
    CHECK(strstr(consilia_error_details_json(error).data, "\"queue_length\":2") != NULL);
    CHECK(strstr(consilia_error_details_json(error).data, "\"retry_after_ms\":") != NULL);
    check_failure("full", status, error, CONSILIA_UNAVAILABLE, "dispatcher.overloaded");
    error = NULL;
    CHECK(third == NULL);
    OK("cancel", consilia_request_cancel(second, &is_cancelled, &error));
    CHECK(is_cancelled == 1);
    OK("cancel", consilia_request_cancel(second, &is_cancelled, &error));
    CHECK(is_cancelled == 0);
    run_all(dispatcher);
    OK("cancel", consilia_request_cancel(first, NULL, &error));
    check_answer(first, CONSILIA_OK, NULL);
    check_answer(second, CONSILIA_CANCELLED, "request.cancelled");
    EXPECT("no request", consilia_request_cancel(NULL, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    EXPECT("no request", consilia_request_result(NULL, &json, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    EXPECT("no request", consilia_request_wait(NULL, 0, &is_done, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    consilia_dispatcher_free(dispatcher);
}

static void submissions_are_checked(consilia_engine_t* engine) {
    consilia_dispatcher_t* dispatcher = open_driven(engine, 0, 0);
    consilia_request_options_t options;
    consilia_request_t* request = NULL;
    consilia_buffer_t json = {0};
    told_t told = {0};
    refuse_submission(NULL, NULL, CONSILIA_INVALID_ARGUMENT, "c_api.null");
    EXPECT("no answer", consilia_dispatcher_submit_file(dispatcher, image, NULL, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "request.callback");
    CONSILIA_INIT(&options);
    options.priority = consilia_str_of("urgent");
    refuse_submission(dispatcher, &options, CONSILIA_INVALID_ARGUMENT, "request.priority");
    CONSILIA_INIT(&options);
    options.deadline_ms = -1;
    refuse_submission(dispatcher, &options, CONSILIA_INVALID_ARGUMENT, "request.deadline");
    options.deadline_ms = NAN;
    refuse_submission(dispatcher, &options, CONSILIA_INVALID_ARGUMENT, "request.deadline");
    options.deadline_ms = 1e-3; /* no plan is as fast */
    refuse_submission(dispatcher, &options, CONSILIA_UNAVAILABLE, "dispatcher.deadline");
    CONSILIA_INIT(&options);
    options.answer = note_answer;
    options.user_data = &told;
    EXPECT("infer", consilia_dispatcher_infer_file(dispatcher, image, &options, &json, &error),
           CONSILIA_INVALID_ARGUMENT, "request.callback");
    EXPECT("file",
           consilia_dispatcher_submit_file(dispatcher, consilia_str_of("no/such.png"), &options, &request,
                                           &error),
           CONSILIA_NOT_FOUND, "file.not_found");
    EXPECT("bytes", consilia_dispatcher_submit_bytes(dispatcher, NULL, 7, &options, &request, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    EXPECT("no image",
           consilia_dispatcher_submit_bytes(dispatcher, "no image", 8, &options, &request, &error),
           CONSILIA_VALIDATION, "image.unsupported_type");
    CHECK(request == NULL);
    run_all(dispatcher);
    CHECK(told.answers == 0);
    consilia_dispatcher_free(dispatcher);
}

/* Admitted while nothing has been measured, and too late when its turn comes. */
static void a_deadline_passes(consilia_engine_t* engine) {
    consilia_dispatcher_t* dispatcher = open_driven(engine, 0, 0);
    consilia_request_options_t options;
    consilia_request_t* request = NULL;
    struct timespec nap;
    CONSILIA_INIT(&options);
    options.deadline_ms = 100;
    while (consilia_dispatcher_submit_file(dispatcher, image, &options, &request, NULL) != CONSILIA_OK) {
        options.deadline_ms *= 2; /* a busy machine took longer to decode the image */
    }
    nap.tv_sec = (time_t)(options.deadline_ms / 1e3);
    nap.tv_nsec = (long)((options.deadline_ms - 1e3 * (double)nap.tv_sec) * 1e6);
    CHECK(nanosleep(&nap, NULL) == 0);
    run_all(dispatcher);
    check_answer(request, CONSILIA_TIMED_OUT, "request.deadline");
    consilia_dispatcher_free(dispatcher);
}

static void callbacks_are_told(consilia_engine_t* engine) {
    consilia_dispatcher_t* dispatcher = open_driven(engine, 0, 1);
    consilia_request_options_t options;
    consilia_request_t* last = NULL;
    told_t urgent = {0};
    told_t stopped = {0};
    urgent.dispatcher = dispatcher;
    stopped.stops = 1;
    CONSILIA_INIT(&options);
    options.priority = consilia_str_of("low");
    last = submit(dispatcher, &options);
    CONSILIA_INIT(&options);
    options.priority = consilia_str_of("high");
    options.progress = note_progress;
    options.answer = note_answer;
    options.user_data = &urgent;
    urgent.waits_for = last;
    OK("urgent", consilia_dispatcher_submit_file(dispatcher, image, &options, NULL, &error));
    options.priority = consilia_str_of("normal");
    options.user_data = &stopped;
    OK("stopped", consilia_dispatcher_submit_file(dispatcher, image, &options, NULL, &error));
    run_all(dispatcher);
    CHECK(urgent.answers == 1 && urgent.status == CONSILIA_OK && urgent.has_diagnosis);
    CHECK(urgent.members_done == 1);
    CHECK(stopped.answers == 1 && stopped.status == CONSILIA_CANCELLED && !stopped.has_diagnosis);
    check_answer(last, CONSILIA_OK, NULL);
    consilia_dispatcher_free(dispatcher);
}

static void it_tells_what_happened(consilia_engine_t* engine) {
    consilia_dispatcher_t* dispatcher = open_driven(engine, 0, 2);
    consilia_request_counts_t counts;
    consilia_buffer_t text = {0};
    consilia_request_t* request;
    double due_ms = 0;
    OK("warm_up", consilia_dispatcher_warm_up(dispatcher, &error));
    OK("run_pending", consilia_dispatcher_run_pending(dispatcher, &due_ms, &error));
    CHECK(due_ms < 0);
    request = submit(dispatcher, NULL);
    run_all(dispatcher);
    check_answer(request, CONSILIA_OK, NULL);
    request = submit(dispatcher, NULL);
    CONSILIA_INIT(&counts);
    OK("counts", consilia_dispatcher_counts(dispatcher, &counts, &error));
    CHECK(counts.submitted == 2 && counts.admitted == 2 && counts.completed == 1 && counts.queued == 1);
    CHECK(counts.batches == 1 && counts.queued_bytes > 0 && counts.running == 0);
    OK("metrics", consilia_dispatcher_metrics(dispatcher, &text, &error));
    CHECK(strstr(text.data, "consilia_inference_submitted_total{dispatcher=\"ward\"} 2\n") != NULL);
    consilia_buffer_free(&text);
    OK("trace", consilia_dispatcher_trace(dispatcher, &text, &error));
    CHECK(strstr(text.data, "\"traceEvents\"") != NULL && strstr(text.data, "run linear") != NULL);
    consilia_buffer_free(&text);
    EXPECT("mode", consilia_dispatcher_stop(dispatcher, 2, &error), CONSILIA_INVALID_ARGUMENT, "c_api.enum");
    OK("stop", consilia_dispatcher_stop(dispatcher, CONSILIA_STOP_CANCEL, &error));
    check_answer(request, CONSILIA_CANCELLED, "dispatcher.stopped");
    refuse_submission(dispatcher, NULL, CONSILIA_UNAVAILABLE, "dispatcher.stopped");
    counts.struct_size = 0;
    EXPECT("size", consilia_dispatcher_counts(dispatcher, &counts, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.struct_size");
    EXPECT("null", consilia_dispatcher_metrics(NULL, &text, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    EXPECT("null", consilia_dispatcher_trace(dispatcher, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    EXPECT("null", consilia_dispatcher_warm_up(NULL, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    consilia_dispatcher_free(dispatcher);
}

static void requests_outlive_their_dispatcher(consilia_engine_t* engine) {
    consilia_dispatcher_t* dispatcher = open_driven(engine, 0, 0);
    consilia_request_t* request = submit(dispatcher, NULL);
    int32_t is_done = 0;
    consilia_dispatcher_free(dispatcher);
    OK("wait", consilia_request_wait(request, -1, &is_done, &error));
    CHECK(is_done == 1);
    OK("cancel", consilia_request_cancel(request, &is_done, &error));
    CHECK(is_done == 0);
    check_answer(request, CONSILIA_CANCELLED, "dispatcher.stopped");
}

int main(int count, char** arguments) {
    consilia_engine_t* engine;
    CHECK(count == 4);
    image = consilia_str_of(arguments[3]);
    engine = open_engine(arguments[1], arguments[2]);
    options_are_checked(engine);
    requests_wait_and_are_cancelled(engine);
    submissions_are_checked(engine);
    a_deadline_passes(engine);
    callbacks_are_told(engine);
    it_tells_what_happened(engine);
    requests_outlive_their_dispatcher(engine);
    consilia_engine_free(engine);
    return failures;
}
