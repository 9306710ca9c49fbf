#ifndef CONSILIA_TESTS_CAPI_REQUESTS_H
#define CONSILIA_TESTS_CAPI_REQUESTS_H
/* What the tests of requests share: an engine of the template's backend, submissions and their answers. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "consilia.h"

static consilia_error_t* error = NULL;
static consilia_str_t image;

/* What callbacks were told. */
typedef struct told {
    consilia_dispatcher_t* dispatcher;
    const consilia_request_t* waits_for; /* asked in the callback, where that is refused */
    size_t members_done;
    int32_t stops;
    int answers;
    consilia_status_t status;
    int has_diagnosis;
} told_t;

static int32_t note_progress(const consilia_run_progress_t* at, void* user_data) {
    told_t* told = user_data;
    CHECK(at->struct_size == sizeof *at && is(at->member_id, "linear") && at->members_total == 1);
    told->members_done = at->members_done;
    return told->stops;
}

static void note_answer(consilia_str_t diagnosis_json, const consilia_error_t* failure, void* user_data) {
    told_t* told = user_data;
    double due_ms = 0;
    int32_t is_done = 0;
    ++told->answers;
    told->status = consilia_error_status(failure);
    told->has_diagnosis = diagnosis_json.size > 0 && diagnosis_json.data[0] == '{';
    if (told->waits_for == NULL) return;
    EXPECT("wait in a callback", consilia_request_wait(told->waits_for, -1, &is_done, &error),
           CONSILIA_INVALID_ARGUMENT, "dispatcher.waiting");
    EXPECT("run in a callback", consilia_dispatcher_run_pending(told->dispatcher, &due_ms, &error),
           CONSILIA_INVALID_ARGUMENT, "dispatcher.waiting");
}

static consilia_request_t* submit(consilia_dispatcher_t* dispatcher,
                                  const consilia_request_options_t* options) {
    consilia_request_t* request = NULL;
    OK("submit", consilia_dispatcher_submit_file(dispatcher, image, options, &request, &error));
    return request;
}

static void check_answer(consilia_request_t* request, consilia_status_t wanted, const char* code) {
    consilia_buffer_t json = {0};
    int32_t is_done = 0;
    OK("wait", consilia_request_wait(request, 0, &is_done, &error));
    CHECK(is_done == 1 && consilia_request_stage(request) == CONSILIA_REQUEST_DONE);
    if (wanted == CONSILIA_OK) {
        OK("result", consilia_request_result(request, &json, &error));
        CHECK(strstr(json.data, "\"label\":") != NULL);
        consilia_buffer_free(&json);
    } else {
        EXPECT(code, consilia_request_result(request, &json, &error), wanted, code);
        CHECK(json.data == NULL);
    }
    consilia_request_free(request);
}

static void refuse_submission(consilia_dispatcher_t* dispatcher, const consilia_request_options_t* options,
                              consilia_status_t wanted, const char* code) {
    consilia_request_t* request = NULL;
    EXPECT(code, consilia_dispatcher_submit_file(dispatcher, image, options, &request, &error), wanted, code);
    CHECK(request == NULL);
}

/* An engine that judges by a model which is made here. */
static consilia_engine_t* open_engine(const char* member, const char* backends) {
    static const char* const names[] = {"COVID", "Normal", "Viral Pneumonia", "Lung Opacity"};
    const consilia_str_t members[] = {consilia_str_of("linear")};
    const consilia_str_t path = consilia_str_of(member);
    consilia_engine_options_t options;
    consilia_opinion_model_t* model = NULL;
    consilia_engine_t* engine = NULL;
    consilia_buffer_t json = {0};
    consilia_buffer_t hash = {0};
    consilia_buffer_t diagnosis = {0};
    consilia_str_t classes[4];
    size_t i;
    for (i = 0; i < 4; ++i) classes[i] = consilia_str_of(names[i]);
    OK("model", consilia_opinion_model_new(members, 1, classes, 4, NULL, &model, &error));
    OK("json", consilia_opinion_model_json(model, &json, &error));
    OK("hash", consilia_opinion_model_hash(model, &hash, &error));
    consilia_opinion_model_free(model);
    CONSILIA_INIT(&options);
    options.threads = 1;
    options.backend_directory = consilia_str_of(backends);
    options.opinion_model_json.data = json.data;
    options.opinion_model_json.size = json.size;
    OK("engine", consilia_engine_open(&path, 1, &options, &engine, &error));
    OK("run", consilia_engine_run_file(engine, image, NULL, NULL, &diagnosis, &error));
    CHECK(strstr(diagnosis.data, hash.data) != NULL);
    consilia_buffer_free(&diagnosis);
    consilia_buffer_free(&hash);
    consilia_buffer_free(&json);
    return engine;
}

#endif
