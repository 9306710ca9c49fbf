/* Goal: files over the C ABI: what comes in, what does not and why, and that nothing is left of the latter.
 * Method: PNGs made from pixels, whole, cut, with something behind them and with a foreign name; a scanner
 * that says what it is told to. `uploads_test URL FOLDER`, of which the database is not used. */
#include "uploads.h"

static char long_text[40000];

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

/* A PNG with a comment in front of its pixels. */
static char* commented(size_t* size) {
    static const char chunk[] = "\0\0\0\12tEXtComment\0by\105\372\240\210";
    const size_t header = 8 + 25, length = 12 + 10;
    char* file = malloc(png.size + length);
    CHECK(file != NULL && sizeof chunk == length + 1);
    memcpy(file, png.data, header);
    memcpy(file + header, chunk, length);
    memcpy(file + header + length, png.data + header, png.size - header);
    *size = png.size + length;
    return file;
}

static void metadata_is_removed_unless_it_is_kept(void) {
    const int32_t modes[] = {CONSILIA_METADATA_STRIP, CONSILIA_METADATA_REENCODE, CONSILIA_METADATA_KEEP};
    size_t size = 0, i;
    char* file = commented(&size);
    for (i = 0; i < 3; ++i) {
        consilia_receive_options_t options = options_for(stored);
        consilia_upload_source_t source;
        consilia_received_file_t* received = NULL;
        consilia_file_facts_t facts;
        CONSILIA_INIT(&source);
        CONSILIA_INIT(&facts);
        source.data = file;
        source.size = size;
        options.metadata = modes[i];
        OK("receive", consilia_upload_receive(&source, &options, &received, &error));
        OK("facts", consilia_received_file_facts(received, &facts, &error));
        CHECK(facts.received_bytes == size);
        CHECK((facts.size_bytes == size) == (modes[i] == CONSILIA_METADATA_KEEP));
        consilia_received_file_free(received);
    }
    free(file);
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
    if (argc != 3) return 2;
    make_folder(stored, sizeof stored, argv[2], "stored");
    png = png_of(3);
    types_are_told_by_content();
    a_good_file_is_stored();
    a_stream_is_read_piece_by_piece();
    what_is_not_sound_is_refused();
    metadata_is_removed_unless_it_is_kept();
    a_scanner_has_the_last_word();
    what_is_handed_out_has_headers();
    consilia_buffer_free(&png);
    return failures != 0;
}
