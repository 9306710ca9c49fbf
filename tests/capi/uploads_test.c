/* Goal: uploads over the C ABI: what comes in, what does not and why, and that nothing is left of the latter.
 * Method: PNGs made from pixels, whole, cut, with something behind them and with a foreign name; a scanner
 * that says what it is told to. `uploads_test URL FOLDER`. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

static consilia_error_t* error = NULL;
static char stored[500], kept[500];
static consilia_buffer_t png;
static uint8_t samples[16 * 8];
static char long_text[40000];

static void make_folder(char* path, size_t size, const char* parent, const char* name) {
    snprintf(path, size, "%s/%s", parent, name);
    CHECK(mkdir(path, 0700) == 0);
}

static int count_files(const char* folder) {
    DIR* opened = opendir(folder);
    struct dirent* entry;
    int count = 0;
    CHECK(opened != NULL);
    while ((entry = readdir(opened)) != NULL) count += entry->d_name[0] != '.';
    closedir(opened);
    return count;
}

/* A PNG whose first pixels are these. */
static consilia_buffer_t png_of(uint8_t seed) {
    consilia_buffer_t file = {0};
    consilia_pixels_t pixels;
    memset(samples, seed, sizeof samples);
    pixels.data = samples;
    pixels.size = sizeof samples;
    pixels.width = 16;
    pixels.height = 8;
    pixels.channels = 1;
    OK("png", consilia_image_encode_png(&pixels, &file, &error));
    return file;
}

static consilia_upload_source_t bytes_of(const consilia_buffer_t* file) {
    consilia_upload_source_t source;
    CONSILIA_INIT(&source);
    source.data = file->data;
    source.size = file->size;
    return source;
}

static consilia_receive_options_t options_for(const char* directory) {
    consilia_receive_options_t options;
    CONSILIA_INIT(&options);
    options.directory = consilia_str_of(directory);
    options.prefix = consilia_str_of("user_7");
    return options;
}

static void types_are_told_by_content(void) {
    int32_t type = -1;
    OK("png", consilia_file_detect(png.data, png.size, &type, &error));
    CHECK(type == CONSILIA_FILE_PNG && is(consilia_file_type_media_type(type), "image/png"));
    OK("zip", consilia_file_detect("PK\3\4", 4, &type, &error));
    CHECK(type == CONSILIA_FILE_ZIP && is(consilia_file_type_name(type), "zip"));
    OK("nothing", consilia_file_detect(NULL, 0, &type, &error));
    CHECK(type == CONSILIA_FILE_UNKNOWN);
    EXPECT("null", consilia_file_detect(NULL, 4, &type, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    OK("7z", consilia_file_type_of(consilia_str_of("7z"), &type, &error));
    CHECK(type == CONSILIA_FILE_7Z);
    CHECK(is(consilia_file_type_extension(CONSILIA_FILE_JPEG, 0), ".jpg"));
    CHECK(consilia_file_type_extension(CONSILIA_FILE_JPEG, 99).size == 0);
    CHECK(consilia_file_type_is_receivable(CONSILIA_FILE_PNG) == 1);
    CHECK(consilia_file_type_is_receivable(CONSILIA_FILE_ZIP) == 0);
    CHECK(is(consilia_file_type_name(-1), "unknown") && is(consilia_file_type_name(9999), "unknown"));
    CHECK(is(consilia_file_type_name(CONSILIA_FILE_PARQUET), "parquet"));
    CHECK(is(consilia_file_type_name(CONSILIA_FILE_CSV), "csv"));
}

static void a_good_file_is_stored(void) {
    consilia_upload_source_t source = bytes_of(&png);
    consilia_receive_options_t options = options_for(stored);
    consilia_received_file_t* file = NULL;
    consilia_file_facts_t facts;
    consilia_buffer_t path = {0};
    unsigned char* data = NULL;
    size_t size = 0;
    options.client_name = consilia_str_of("scan.png");
    options.client_type = consilia_str_of("image/png");
    OK("receive", consilia_upload_receive(&source, &options, &file, &error));
    CHECK(count_files(stored) == 0);
    CONSILIA_INIT(&facts);
    OK("facts", consilia_received_file_facts(file, &facts, &error));
    CHECK(facts.type == CONSILIA_FILE_PNG && facts.width == 16 && facts.height == 8);
    CHECK(strncmp(facts.stored_name.data, "user_7_", 7) == 0 && is(facts.client_name, "scan.png"));
    CHECK(facts.sha256.size == 64 && facts.received_sha256.size == 64 && facts.received_bytes == png.size);
    OK("sync", consilia_received_file_sync(file, &error));
    OK("commit", consilia_received_file_commit(file, &path, &error));
    read_file(path.data, &data, &size);
    CHECK(size == facts.size_bytes && count_files(stored) == 1);
    free(data);
    {
        consilia_buffer_t again = {0};
        EXPECT("twice", consilia_received_file_commit(file, &again, &error), CONSILIA_INVALID_ARGUMENT,
               "file.committed");
        CHECK(again.data == NULL);
    }
    consilia_received_file_free(file);
    CHECK(count_files(stored) == 1);
    CONSILIA_INIT(&source);
    source.path = consilia_str_of(path.data);
    OK("from a path", consilia_upload_receive(&source, &options, &file, &error));
    consilia_received_file_free(file); /* Not committed. */
    CHECK(count_files(stored) == 1);
    OK("discard", consilia_upload_discard(consilia_str_of(path.data), &error));
    OK("discard again", consilia_upload_discard(consilia_str_of(path.data), &error));
    CHECK(count_files(stored) == 0);
    consilia_buffer_free(&path);
}

typedef struct pieces {
    const consilia_buffer_t* file;
    size_t at;
    size_t claims; /* more than the buffer has, if not 0 */
    int32_t answer;
} pieces_t;

static int32_t read_piece(void* buffer, size_t size, size_t* out_size, void* user_data) {
    pieces_t* pieces = user_data;
    size_t left = pieces->file->size - pieces->at;
    size_t count = left < 7 ? left : 7;
    CHECK(*out_size == 0);
    if (count > size) count = size;
    memcpy(buffer, pieces->file->data + pieces->at, count);
    pieces->at += count;
    *out_size = pieces->claims != 0 ? size + pieces->claims : count;
    return pieces->answer;
}

static void a_stream_is_read_piece_by_piece(void) {
    consilia_receive_options_t options = options_for(stored);
    consilia_received_file_t* file = NULL;
    consilia_upload_source_t source;
    pieces_t pieces = {0};
    pieces.file = &png;
    CONSILIA_INIT(&source);
    source.read = read_piece;
    source.user_data = &pieces;
    OK("stream", consilia_upload_receive(&source, &options, &file, &error));
    CHECK(pieces.at == png.size);
    consilia_received_file_free(file);
    pieces.at = 0;
    pieces.claims = 1;
    EXPECT("too much", consilia_upload_receive(&source, &options, &file, &error), CONSILIA_INVALID_ARGUMENT,
           "upload.source");
    pieces.at = 0;
    pieces.claims = 0;
    pieces.answer = 1;
    EXPECT("gives up", consilia_upload_receive(&source, &options, &file, &error), CONSILIA_CANCELLED,
           "upload.cancelled");
    CHECK(file == NULL && count_files(stored) == 0);
    source.path = consilia_str_of("both");
    EXPECT("two sources", consilia_upload_receive(&source, &options, &file, &error),
           CONSILIA_INVALID_ARGUMENT, "upload.source");
}

static void refused(const char* code, const void* data, size_t size, consilia_receive_options_t* options) {
    consilia_upload_source_t source;
    consilia_received_file_t* file = NULL;
    CONSILIA_INIT(&source);
    source.data = data;
    source.size = size;
    EXPECT(code, consilia_upload_receive(&source, options, &file, &error), CONSILIA_UPLOAD_REJECTED, code);
    CHECK(file == NULL && count_files(stored) == 0);
}

static void what_is_not_sound_is_refused(void) {
    consilia_receive_options_t options = options_for(stored);
    consilia_image_limits_t limits;
    const int32_t text_only[1] = {CONSILIA_FILE_TEXT};
    const int32_t no_type[1] = {4000};
    consilia_upload_source_t source = bytes_of(&png);
    consilia_received_file_t* file = NULL;
    char* polyglot = malloc(png.size + 4);
    memcpy(polyglot, png.data, png.size);
    memcpy(polyglot + png.size, "PK\3\4", 4);
    refused("upload.empty", NULL, 0, &options);
    refused("upload.unsupported_type", "PK\3\4 and more", 13, &options);
    refused("upload.trailing_data", polyglot, png.size + 4, &options);
    refused("upload.damaged", png.data, png.size - 1, &options);
    options.client_name = consilia_str_of("../scan.png");
    refused("upload.unsafe_name", png.data, png.size, &options);
    options.client_name = consilia_str_of("scan.jpg");
    refused("upload.extension_mismatch", png.data, png.size, &options);
    options.client_name = consilia_str_of("scan.png");
    options.client_type = consilia_str_of("image/jpeg");
    refused("upload.media_type_mismatch", png.data, png.size, &options);
    options.client_type = consilia_str_of(NULL);
    options.max_bytes = png.size - 1;
    refused("upload.too_large", png.data, png.size, &options);
    options.max_bytes = png.size;
    CONSILIA_INIT(&limits);
    limits.max_pixels = 16 * 8 - 1;
    options.limits = &limits;
    refused("upload.too_many_pixels", png.data, png.size, &options);
    options.client_name = consilia_str_of(NULL);
    options.allowed = text_only;
    options.allowed_count = 1;
    refused("upload.unsupported_type", png.data, png.size, &options);
    memset(long_text, 'a', sizeof long_text);
    long_text[sizeof long_text - 1] = 1; /* Behind what types are told by. */
    options.max_bytes = sizeof long_text;
    refused("upload.not_text", long_text, sizeof long_text, &options);
    options.allowed = no_type;
    EXPECT("no type", consilia_upload_receive(&source, &options, &file, &error), CONSILIA_INVALID_ARGUMENT,
           "upload.options");
    free(polyglot);
    OK("name", consilia_upload_check_client_name(consilia_str_of("a b.png"), consilia_str_of(NULL), &error));
    EXPECT("name", consilia_upload_check_client_name(consilia_str_of(".."), consilia_str_of("scan"), &error),
           CONSILIA_UPLOAD_REJECTED, "upload.unsafe_name");
}

static int32_t scan(const void* data, size_t size, consilia_scan_verdict_t* out_verdict, void* user_data) {
    const int32_t* says = user_data;
    CHECK(size == png.size && memcmp(data, png.data, size) == 0);
    CHECK(out_verdict->kind == CONSILIA_SCAN_NONE);
    out_verdict->kind = *says;
    out_verdict->name = consilia_str_of("Eicar");
    return *says < 0;
}

static void a_scanner_has_the_last_word(void) {
    consilia_receive_options_t options = options_for(stored);
    consilia_upload_source_t source = bytes_of(&png);
    consilia_received_file_t* file = NULL;
    consilia_clamd_options_t clamd;
    int32_t says = CONSILIA_SCAN_CLEAN;
    int32_t answers = -1;
    consilia_buffer_t text = {0};
    options.scanner = scan;
    options.scanner_user_data = &says;
    OK("clean", consilia_upload_receive(&source, &options, &file, &error));
    consilia_received_file_free(file);
    says = CONSILIA_SCAN_INFECTED;
    refused("upload.infected", png.data, png.size, &options);
    says = CONSILIA_SCAN_FAILED;
    EXPECT("failed", consilia_upload_receive(&source, &options, &file, &error), CONSILIA_UNAVAILABLE,
           "upload.scanner_unavailable");
    says = CONSILIA_SCAN_NONE;
    EXPECT("no verdict", consilia_upload_receive(&source, &options, &file, &error), CONSILIA_UNAVAILABLE,
           "upload.scanner_unavailable");
    says = -1;
    EXPECT("gives up", consilia_upload_receive(&source, &options, &file, &error), CONSILIA_CANCELLED,
           "upload.cancelled");
    CONSILIA_INIT(&clamd);
    clamd.address = consilia_str_of("unix:/nonexistent/clamd.ctl");
    options.clamd = &clamd;
    says = CONSILIA_SCAN_CLEAN;
    EXPECT("no daemon", consilia_upload_receive(&source, &options, &file, &error), CONSILIA_UNAVAILABLE,
           "upload.scanner_unavailable");
    OK("ping", consilia_clamd_ping(&clamd, &answers, &error));
    CHECK(answers == 0 && count_files(stored) == 0);
    OK("scan", consilia_clamd_scan(&clamd, png.data, png.size, &answers, &text, &error));
    CHECK(answers == CONSILIA_SCAN_FAILED && text.size > 0);
    consilia_buffer_free(&text);
    EXPECT("version", consilia_clamd_version(&clamd, &text, &error), CONSILIA_UNAVAILABLE,
           "upload.scanner_unavailable");
    clamd.address = consilia_str_of("http://x");
    EXPECT("address", consilia_clamd_ping(&clamd, &answers, &error), CONSILIA_INVALID_ARGUMENT,
           "scanner.options");
}

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
    int64_t swept = -1;
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
    OK("sweep", consilia_upload_store_sweep(store, 0, &swept, &error));
    CHECK(swept == 0);
    consilia_buffer_free(&other);
    consilia_upload_store_free(store);
}

static void what_is_handed_out_has_headers(void) {
    consilia_buffer_t text = {0};
    OK("disposition", consilia_content_disposition(consilia_str_of("a\"b\r\nc.png"), 0, &text, &error));
    CHECK(strncmp(text.data, "attachment", 10) == 0 && strpbrk(text.data, "\r\n") == NULL);
    consilia_buffer_free(&text);
    OK("headers", consilia_download_headers(consilia_str_of("scan.png"), consilia_str_of("image/png"), 1,
                                            &text, &error));
    CHECK(strstr(text.data, "Content-Type: image/png\r\n") != NULL);
    CHECK(strstr(text.data, "X-Content-Type-Options: nosniff\r\n") != NULL);
    CHECK(strstr(text.data, "Content-Disposition: inline") != NULL);
    consilia_buffer_free(&text);
    EXPECT("media type",
           consilia_download_headers(consilia_str_of("x"), consilia_str_of("a\r\nb"), 0, &text, &error),
           CONSILIA_INVALID_ARGUMENT, "download.media_type");
}

int main(int argc, char** argv) {
    consilia_database_t* database = NULL;
    if (argc != 3) return 2;
    make_folder(stored, sizeof stored, argv[2], "stored");
    make_folder(kept, sizeof kept, argv[2], "kept");
    png = png_of(3);
    types_are_told_by_content();
    a_good_file_is_stored();
    a_stream_is_read_piece_by_piece();
    what_is_not_sound_is_refused();
    a_scanner_has_the_last_word();
    a_refused_file_is_kept_and_released();
    OK("database", consilia_database_open(consilia_str_of(argv[1]), NULL, &database, &error));
    a_store_has_quotas_and_no_duplicates(database);
    consilia_database_free(database);
    what_is_handed_out_has_headers();
    consilia_buffer_free(&png);
    return failures != 0;
}
