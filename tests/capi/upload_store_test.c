/* Goal: what is kept of uploads over the C ABI: refused files in quarantine, others with rows and quotas.
 * Method: PNGs made from pixels, on an empty database. `upload_store_test URL FOLDER`. */
#include <time.h>
#include <utime.h>

#include "uploads.h"

static char kept[500];

/* A copy of a text cell. */
static void cell(const consilia_row_set_t* rows, const char* column, char* out, size_t size) {
    consilia_value_t value;
    size_t index = 0;
    OK(column, consilia_row_set_find_column(rows, consilia_str_of(column), &index, &error));
    OK(column, consilia_row_set_value(rows, 0, index, &value, &error));
    CHECK(value.type == CONSILIA_TYPE_TEXT && value.as.text.size < size);
    memcpy(out, value.as.text.data, value.as.text.size);
    out[value.as.text.size] = '\0';
}

static void a_refused_file_is_kept_and_released(void) {
    consilia_receive_options_t options = options_for(stored);
    consilia_quarantine_options_t quarantine_options;
    consilia_quarantine_t* quarantine = NULL;
    consilia_row_set_t* rows = NULL;
    consilia_buffer_t path = {0};
    unsigned char* data = NULL;
    size_t size = 0;
    char name[100], code[100];
    int32_t was_there = -1;
    CONSILIA_INIT(&quarantine_options);
    EXPECT("no directory", consilia_quarantine_open(&quarantine_options, &quarantine, &error),
           CONSILIA_INVALID_ARGUMENT, "quarantine.options");
    options.quarantine = &quarantine_options;
    quarantine_options.directory = consilia_str_of(kept);
    quarantine_options.max_files = 1;
    OK("open", consilia_quarantine_open(&quarantine_options, &quarantine, &error));
    refused("upload.damaged", png.data, png.size - 1, &options);
    refused("upload.damaged", png.data, png.size - 2, &options); /* Past the bound: not kept. */
    OK("list", consilia_quarantine_list(quarantine, &rows, &error));
    CHECK(consilia_row_set_size(rows) == 1);
    cell(rows, "code", code, sizeof code);
    CHECK(strcmp(code, "upload.damaged") == 0);
    cell(rows, "name", name, sizeof name);
    consilia_row_set_free(rows);
    OK("get", consilia_quarantine_get(quarantine, consilia_str_of(name), &rows, &error));
    CHECK(consilia_row_set_size(rows) == 1);
    consilia_row_set_free(rows);
    OK("release", consilia_quarantine_release(quarantine, consilia_str_of(name), consilia_str_of(stored),
                                              consilia_str_of("back.png"), &path, &error));
    read_file(path.data, &data, &size);
    CHECK(size == png.size - 1 && memcmp(data, png.data, size) == 0);
    free(data);
    OK("discard", consilia_upload_discard(consilia_str_of(path.data), &error));
    consilia_buffer_free(&path);
    OK("gone", consilia_quarantine_remove(quarantine, consilia_str_of(name), &was_there, &error));
    CHECK(was_there == 0 && count_files(kept) == 0);
    EXPECT("get", consilia_quarantine_get(quarantine, consilia_str_of(name), &rows, &error),
           CONSILIA_NOT_FOUND, "quarantine.not_found");
    CHECK(rows == NULL);
    EXPECT("name", consilia_quarantine_remove(quarantine, consilia_str_of("../x"), NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "quarantine.name");
    consilia_quarantine_free(quarantine);
}

static int32_t note(consilia_session_t* transaction, const consilia_stored_upload_t* upload,
                    void* user_data) {
    int32_t* answer = user_data;
    CHECK(transaction != NULL && upload->id > 0);
    return *answer;
}

static void a_store_has_quotas_and_no_duplicates(consilia_database_t* database) {
    consilia_receive_options_t receive = options_for(stored);
    consilia_upload_store_options_t options;
    consilia_upload_store_t* store = NULL;
    consilia_upload_request_t request;
    consilia_stored_upload_t first, again;
    consilia_upload_usage_t usage;
    consilia_row_set_t* rows = NULL;
    consilia_buffer_t path = {0}, other = png_of(9);
    consilia_upload_source_t source = bytes_of(&png), second = bytes_of(&other);
    int32_t answer = 1, was_there = -1;
    char status[20];
    OK("tables", consilia_upload_tables_create(database, &error));
    CONSILIA_INIT(&options);
    EXPECT("no options", consilia_upload_store_open(database, &options, &store, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
    options.receive = &receive;
    options.files_per_day_max = 1;
    OK("open", consilia_upload_store_open(database, &options, &store, &error));
    CONSILIA_INIT(&request);
    request.owner_id = 7;
    request.record = note;
    request.user_data = &answer;
    EXPECT("undone", consilia_upload_store_receive(store, &source, &request, &first, &error),
           CONSILIA_CANCELLED, "upload.cancelled");
    CHECK(first.id == 0 && count_files(stored) == 0);
    answer = 0;
    OK("receive", consilia_upload_store_receive(store, &source, &request, &first, &error));
    CHECK(first.id > 0 && first.is_duplicate == 0 && count_files(stored) == 1);
    OK("list", consilia_upload_store_list(store, 7, CONSILIA_UPLOAD_STORED, 0, 0, &rows, &error));
    CHECK(consilia_row_set_size(rows) == 1);
    cell(rows, "status", status, sizeof status);
    CHECK(strcmp(status, "stored") == 0);
    consilia_row_set_free(rows);
    EXPECT("quota", consilia_upload_store_receive(store, &second, &request, &again, &error),
           CONSILIA_RESOURCE_EXHAUSTED, "quota.files");
    OK("usage", consilia_upload_store_usage(store, 7, &usage, &error));
    CHECK(usage.files == 1 && usage.bytes > 0 && usage.resets_at_us > 0);
    consilia_upload_store_free(store);
    options.files_per_day_max = 0;
    OK("open", consilia_upload_store_open(database, &options, &store, &error));
    OK("duplicate", consilia_upload_store_receive(store, &source, &request, &again, &error));
    CHECK(again.id == first.id && again.is_duplicate == 1 && count_files(stored) == 1);
    OK("path", consilia_upload_store_path(store, first.id, &path, &error));
    CHECK(strncmp(path.data, stored, strlen(stored)) == 0);
    consilia_buffer_free(&path);
    EXPECT("no path", consilia_upload_store_path(store, 999, &path, &error), CONSILIA_NOT_FOUND,
           "upload.not_found");
    OK("another's", consilia_upload_store_remove(store, 8, first.id, &was_there, &error));
    CHECK(was_there == 0 && count_files(stored) == 1);
    OK("remove", consilia_upload_store_remove(store, 7, first.id, &was_there, &error));
    CHECK(was_there == 1 && count_files(stored) == 0);
    OK("find", consilia_upload_store_find(store, first.id, &rows, &error));
    CHECK(rows == NULL);
    consilia_upload_store_free(store);
    options.bytes_per_day_max = 1;
    OK("open", consilia_upload_store_open(database, &options, &store, &error));
    EXPECT("bytes", consilia_upload_store_receive(store, &second, &request, &again, &error),
           CONSILIA_RESOURCE_EXHAUSTED, "quota.bytes");
    CHECK(count_files(stored) == 0);
    consilia_buffer_free(&other);
    consilia_upload_store_free(store);
}

/* What a crash leaves: a file that is two days old and that no row names. */
static void leave_an_orphan(void) {
    consilia_receive_options_t options = options_for(stored);
    consilia_upload_source_t source = bytes_of(&png);
    consilia_received_file_t* file = NULL;
    consilia_buffer_t path = {0};
    struct utimbuf times;
    OK("receive", consilia_upload_receive(&source, &options, &file, &error));
    OK("commit", consilia_received_file_commit(file, &path, &error));
    consilia_received_file_free(file);
    times.actime = times.modtime = time(NULL) - 2 * 24 * 3600;
    CHECK(utime(path.data, &times) == 0);
    consilia_buffer_free(&path);
}

static void orphans_are_swept(consilia_database_t* database) {
    consilia_receive_options_t receive = options_for(stored);
    consilia_upload_store_options_t options;
    consilia_upload_store_t* store = NULL;
    consilia_upload_request_t request;
    consilia_stored_upload_t upload;
    consilia_upload_source_t source = bytes_of(&png);
    int64_t swept = -1;
    CONSILIA_INIT(&options);
    options.receive = &receive;
    OK("open", consilia_upload_store_open(database, &options, &store, &error));
    CONSILIA_INIT(&request);
    request.owner_id = 7;
    OK("receive", consilia_upload_store_receive(store, &source, &request, &upload, &error));
    leave_an_orphan();
    CHECK(count_files(stored) == 2);
    OK("young", consilia_upload_store_sweep(store, 3 * 24 * 3600, &swept, &error));
    CHECK(swept == 0 && count_files(stored) == 2);
    OK("a day", consilia_upload_store_sweep(store, 0, &swept, &error));
    CHECK(swept == 1 && count_files(stored) == 1);
    OK("remove", consilia_upload_store_remove(store, 7, upload.id, NULL, &error));
    consilia_upload_store_free(store);
}

int main(int argc, char** argv) {
    consilia_database_t* database = NULL;
    if (argc != 3) return 2;
    make_folder(stored, sizeof stored, argv[2], "stored");
    make_folder(kept, sizeof kept, argv[2], "kept");
    png = png_of(3);
    a_refused_file_is_kept_and_released();
    OK("database", consilia_database_open(consilia_str_of(argv[1]), NULL, &database, &error));
    a_store_has_quotas_and_no_duplicates(database);
    orphans_are_swept(database);
    consilia_database_free(database);
    consilia_buffer_free(&png);
    return failures != 0;
}
