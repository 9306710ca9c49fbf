/* Goal: the main job as a C program sees it, and what the C ABI promises of errors, outputs and options.
 * Method: a service in the folder named on the command line; the only member of the panel is missing, so a
 * prediction fails with a reason. */
#define _POSIX_C_SOURCE 200809L /* opendir */
#include <dirent.h>

#include "check.h"

/* The smallest grey PNG: 1 x 1. */
static const unsigned char kPng[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00,
    0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81,
    0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

/* Appends a chunk of a PNG at `at` and returns the end. The checksum is that of RFC 2083, chapter 15. */
static unsigned char* put_chunk(unsigned char* at, const char* type, const unsigned char* content,
                                uint32_t size) {
    uint32_t crc = 0xffffffffu;
    uint32_t i;
    int bit;
    for (bit = 24; bit >= 0; bit -= 8) *at++ = (unsigned char)(size >> bit);
    memcpy(at, type, 4);
    if (size > 0) memcpy(at + 4, content, size);
    for (i = 0; i < size + 4; ++i) {
        crc ^= at[i];
        for (bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
    }
    at += size + 4;
    for (bit = 24; bit >= 0; bit -= 8) *at++ = (unsigned char)(~crc >> bit);
    return at;
}

/* A PNG that claims 30,000 x 30,000 pixels of one bit and holds its first row; needs 4 KiB. */
static size_t make_huge_png(unsigned char* out) {
    enum { ROW = 3751 }; /* the filter's byte and 30,000 bits */
    static const unsigned char header[13] = {0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30, 1, 0, 0, 0, 0};
    /* zlib: two bytes, one stored block with its size and the size's complement, Adler-32 of zeros. */
    unsigned char stream[7 + ROW + 4] = {
        0x78, 0x01, 0x01, ROW & 0xff, ROW >> 8, ~ROW & 0xff, (~ROW >> 8) & 0xff};
    unsigned char* at = out;
    stream[7 + ROW] = ROW >> 8;
    stream[7 + ROW + 1] = ROW & 0xff;
    stream[7 + ROW + 3] = 1;
    memcpy(at, "\x89PNG\r\n\x1a\n", 8);
    at = put_chunk(at + 8, "IHDR", header, sizeof header);
    at = put_chunk(at, "IDAT", stream, sizeof stream);
    at = put_chunk(at, "IEND", NULL, 0);
    return (size_t)(at - out);
}

static int count_files(const char* folder) {
    DIR* directory = opendir(folder);
    int count = 0;
    CHECK(directory != NULL);
    if (directory == NULL) return -1;
    while (readdir(directory) != NULL) ++count;
    closedir(directory);
    return count;
}

static void test_bad_uploads(consilia_service_t* service, const consilia_principal_t* staff, int64_t patient,
                             const char* folder) {
    enum { LARGE = 11 << 20 };
    static unsigned char huge[4096];
    unsigned char* large = calloc(LARGE, 1);
    const struct {
        const char* name;
        const void* bytes;
        size_t size;
        const char* code;
    } cases[] = {
        {"cut.jpg", "\xff\xd8\xff\xe0\x00\x10JFIF", 10, "upload.damaged"},
        {"image.jpg", kPng, sizeof kPng, "upload.extension_mismatch"},
        {"text.png", "just text, no image", 19, "upload.unsupported_type"},
        {"large.png", large, LARGE, "upload.too_large"},
        {"huge.png", huge, make_huge_png(huge), "upload.too_many_pixels"},
        {"empty.png", "", 0, "upload.empty"},
        {"../../etc/passwd", kPng, sizeof kPng, "upload.unsafe_name"},
    };
    const int files_before = count_files(folder);
    consilia_buffer_t json = {NULL, 0};
    consilia_error_t* error = NULL;
    size_t i;
    if (large == NULL) exit(1);
    memcpy(large, kPng, sizeof kPng);
    for (i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        consilia_submission_t submission = {7, 7, 7, 7};
        consilia_status_t status =
            consilia_service_submit_bytes(service, staff, patient, cases[i].bytes, cases[i].size,
                                          consilia_str_of(cases[i].name), &submission, &error);
        check_failure(cases[i].name, status, error, CONSILIA_UPLOAD_REJECTED, cases[i].code);
        error = NULL;
        CHECK(submission.prediction_id == 0 && submission.image_id == 0 && submission.is_duplicate == 0);
    }
    free(large);
    CHECK(count_files(folder) == files_before);
    OK("list", consilia_service_list_json(service, staff, NULL, &json, &error));
    CHECK(strstr(json.data, "\"count\":0") != NULL);
    consilia_buffer_free(&json);
}

static void test_misuse(const char* folder) {
    consilia_service_t* service = (consilia_service_t*)1;
    consilia_error_t* error = NULL;
    consilia_service_options_t options;
    struct {
        consilia_service_options_t known;
        uint64_t unknown;
    } longer;

    CONSILIA_INIT(&options);
    EXPECT("no database", consilia_service_open(&options, &service, &error), CONSILIA_INVALID_ARGUMENT,
           "screening.options");
    CHECK(service == NULL);

    memset(&options, 0, sizeof options);
    options.database_url = consilia_str_of("sqlite::memory:");
    options.files_directory = consilia_str_of(folder);
    EXPECT("no struct_size", consilia_service_open(&options, &service, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.struct_size");

    memset(&longer, 0, sizeof longer);
    longer.known.struct_size = sizeof longer;
    longer.unknown = 1;
    EXPECT("an unknown option", consilia_service_open(&longer.known, &service, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.struct_size");
    EXPECT("no output", consilia_service_open(&options, NULL, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    CHECK(consilia_service_open(&options, NULL, NULL) == CONSILIA_INVALID_ARGUMENT);

    consilia_service_free(NULL);
    consilia_error_free(NULL);
    consilia_buffer_free(NULL);
    CHECK(consilia_error_status(NULL) == CONSILIA_OK);
    CHECK(strlen(consilia_version()) >= 5);
}

int main(int argc, char** argv) {
    consilia_service_options_t options;
    consilia_service_t* service = NULL;
    consilia_engine_t* engine = NULL;
    consilia_error_t* error = NULL;
    consilia_principal_t admin = {0, {NULL, 0}};
    consilia_principal_t patient_principal = {0, {NULL, 0}};
    consilia_new_user_t user;
    consilia_new_patient_t patient;
    consilia_submission_t first = {0, 0, 0, 0};
    consilia_submission_t second = {0, 0, 0, 0};
    consilia_list_options_t list;
    consilia_assignment_t changes[2];
    consilia_policy_store_t* store = NULL;
    consilia_buffer_t json = {NULL, 0};
    consilia_str_t missing_member;
    int64_t patient_id = 0;
    size_t worked = 0;

    if (argc != 2) return 2;
    test_misuse(argv[1]);

    CONSILIA_INIT(&options);
    options.database_url = consilia_str_of("sqlite::memory:");
    options.files_directory = consilia_str_of(argv[1]);
    missing_member = consilia_str_of("no-such.member");
    options.member_paths = &missing_member;
    options.member_count = 1;
    OK("default policy", consilia_screening_default_policy(&json, &error));
    OK("store", consilia_policy_store_open((consilia_str_t){json.data, json.size}, &store, &error));
    options.policy_store = store;
    options.policy_json.data = json.data;
    options.policy_json.size = json.size;
    EXPECT("a policy and a store", consilia_service_open(&options, &service, &error),
           CONSILIA_INVALID_ARGUMENT, "screening.options");
    options.policy_json.size = 0;
    consilia_buffer_free(&json);
    options.is_audited = 1;
    options.audit_key.data = "short";
    options.audit_key.size = 5;
    EXPECT("a short key", consilia_service_open(&options, &service, &error), CONSILIA_INVALID_ARGUMENT,
           "audit.options");
    options.audit_key.data = "0123456789abcdef";
    options.audit_key.size = 16;
    OK("open", consilia_service_open(&options, &service, &error));
    consilia_policy_store_free(store); /* The service keeps it. */

    admin.role = consilia_str_of("admin");
    OK("first admin",
       consilia_service_create_first_admin(service, consilia_str_of("root"), &admin.user_id, &error));
    CONSILIA_INIT(&user);
    user.username = consilia_str_of("pat");
    user.role = consilia_str_of("patient");
    OK("user", consilia_service_create_user(service, &admin, &user, &patient_principal.user_id, &error));
    patient_principal.role = consilia_str_of("patient");
    {
        int64_t ignored = 9;
        EXPECT("the same name again", consilia_service_create_user(service, &admin, &user, &ignored, &error),
               CONSILIA_CONFLICT, "user.exists");
        CHECK(ignored == 0);
    }
    CONSILIA_INIT(&patient);
    patient.record_number = consilia_str_of("R-1");
    patient.full_name = consilia_str_of("Pat One");
    patient.birth_date = consilia_str_of("1980-02-29");
    patient.user_id = patient_principal.user_id;
    OK("patient", consilia_service_create_patient(service, &admin, &patient, &patient_id, &error));

    test_bad_uploads(service, &admin, patient_id, argv[1]);

    OK("submit", consilia_service_submit_bytes(service, &admin, patient_id, kPng, sizeof kPng,
                                               consilia_str_of("chest.png"), &first, &error));
    OK("submit again", consilia_service_submit_bytes(service, &admin, patient_id, kPng, sizeof kPng,
                                                     consilia_str_of("other.png"), &second, &error));
    CHECK(!first.is_duplicate && second.is_duplicate && first.prediction_id == second.prediction_id);

    changes[0] = consilia_set("full_name", consilia_text("Bob B. Example"));
    changes[1] = consilia_set("birth_date", consilia_date(3650));
    OK("update a patient", consilia_service_update_patient(service, &admin, patient_id, changes, 2, &error));
    EXPECT("by the patient",
           consilia_service_update_patient(service, &patient_principal, patient_id, changes, 2, &error),
           CONSILIA_PERMISSION_DENIED, "access.denied");
    OK("get a patient",
       consilia_service_get_patient_json(service, &patient_principal, patient_id, &json, &error));
    CHECK(strstr(json.data, "Bob B. Example") != NULL && strstr(json.data, "user_id") == NULL);
    consilia_buffer_free(&json);
    EXPECT("another patient",
           consilia_service_get_patient_json(service, &patient_principal, 4711, &json, &error),
           CONSILIA_NOT_FOUND, "patient.not_found");

    OK("list", consilia_service_list_json(service, &patient_principal, NULL, &json, &error));
    CHECK(strstr(json.data, "\"count\":1") != NULL && strlen(json.data) == json.size);
    consilia_buffer_free(&json);
    consilia_buffer_free(&json);
    CHECK(json.data == NULL && json.size == 0);

    CONSILIA_INIT(&list);
    list.where = consilia_str_of("requested_by.email like '%'");
    EXPECT("a hidden field", consilia_service_list_json(service, &patient_principal, &list, &json, &error),
           CONSILIA_INVALID_ARGUMENT, "access.field");
    EXPECT("somebody else's", consilia_service_get_json(service, &patient_principal, 4711, &json, &error),
           CONSILIA_NOT_FOUND, "prediction.not_found");
    EXPECT("retry of a pending one", consilia_service_retry(service, &admin, first.prediction_id, &error),
           CONSILIA_CONFLICT, "prediction.not_failed");

    OK("work", consilia_service_work(service, 0, &worked, &error));
    CHECK(worked == 1);
    EXPECT("delete by the patient",
           consilia_service_delete_prediction(service, &patient_principal, first.prediction_id, &error),
           CONSILIA_PERMISSION_DENIED, "access.denied");
    OK("get", consilia_service_get_json(service, &admin, first.prediction_id, &json, &error));
    CHECK(strstr(json.data, "\"failure_code\":\"ensemble.no_opinion\"") != NULL);
    consilia_buffer_free(&json);
    OK("retry", consilia_service_retry(service, &admin, first.prediction_id, &error));

    OK("engine", consilia_service_engine(service, &engine, &error));
    consilia_service_free(service);
    OK("members", consilia_engine_members(engine, &json, &error));
    CHECK(strncmp(json.data, "[{\"id\":", 7) == 0);
    consilia_buffer_free(&json);
    consilia_engine_free(engine);
    if (failures == 0) printf("the main job works from C\n");
    return failures == 0 ? 0 : 1;
}
