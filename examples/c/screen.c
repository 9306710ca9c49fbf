/* Judges one image over the C ABI and prints the record as JSON.
 *
 *     screen FOLDER IMAGE MEMBER...
 *
 * FOLDER gets the stored file; the records are kept in memory. The members of this repository are a
 * demonstration that was trained on generated images: what they say means nothing about a patient. */
#include <consilia.h>
#include <stdio.h>

static int failed(const char* step, consilia_error_t* error) {
    consilia_str_t code = consilia_error_code(error);
    consilia_str_t message = consilia_error_message(error);
    fprintf(stderr, "%s: %.*s (%.*s)\n", step, (int)message.size, message.data, (int)code.size, code.data);
    consilia_error_free(error);
    return 1;
}

static int32_t on_progress(const consilia_progress_t* progress, void* user_data) {
    (void)user_data;
    fprintf(stderr, "%u of %u: %.*s\n", (unsigned)progress->members_done, (unsigned)progress->members_total,
            (int)progress->member_id.size, progress->member_id.data);
    return 0;
}

int main(int argc, char** argv) {
    consilia_str_t members[16];
    consilia_service_options_t options;
    consilia_service_t* service = NULL;
    consilia_principal_t admin = {0, {NULL, 0}};
    consilia_new_patient_t patient;
    consilia_submission_t submission = {0, 0, 0, 0};
    consilia_buffer_t json = {NULL, 0};
    consilia_error_t* error = NULL;
    int64_t patient_id = 0;
    size_t count = 0;
    int i;

    if (argc < 4 || argc > 3 + 16) {
        fprintf(stderr, "usage: %s FOLDER IMAGE MEMBER...\n", argv[0]);
        return 2;
    }
    for (i = 3; i < argc; ++i) members[i - 3] = consilia_str_of(argv[i]);

    CONSILIA_INIT(&options);
    options.database_url = consilia_str_of("sqlite::memory:");
    options.files_directory = consilia_str_of(argv[1]);
    options.member_paths = members;
    options.member_count = (size_t)(argc - 3);
    options.budget_bytes = 64u << 20;
    options.progress = on_progress;
    if (consilia_service_open(&options, &service, &error) != CONSILIA_OK) return failed("open", error);

    admin.role = consilia_str_of("admin");
    CONSILIA_INIT(&patient);
    patient.record_number = consilia_str_of("R-1");
    patient.full_name = consilia_str_of("An Example");
    if (consilia_service_create_first_admin(service, consilia_str_of("root"), &admin.user_id, &error) !=
            CONSILIA_OK ||
        consilia_service_create_patient(service, &admin, &patient, &patient_id, &error) != CONSILIA_OK ||
        consilia_service_submit_file(service, &admin, patient_id, consilia_str_of(argv[2]),
                                     consilia_str_of(NULL), &submission, &error) != CONSILIA_OK ||
        consilia_service_work(service, 0, &count, &error) != CONSILIA_OK ||
        consilia_service_get_json(service, &admin, submission.prediction_id, &json, &error) != CONSILIA_OK) {
        consilia_service_free(service);
        return failed("screen", error);
    }
    printf("%s\n", json.data);
    consilia_buffer_free(&json);
    consilia_service_free(service);
    return 0;
}
