/* DICOM over the C ABI: `capi_dicom SAMPLES`, the folder tests/imaging/dicom. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "consilia.h"

static consilia_error_t* error = NULL;

static void read_sample(const char* folder, const char* name, unsigned char** data, size_t* size) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.dcm", folder, name);
    read_file(path, data, size);
}

static int contains(consilia_buffer_t buffer, const char* text) {
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= buffer.size; ++i) {
        if (memcmp(buffer.data + i, text, length) == 0) return 1;
    }
    return 0;
}

static void check_header_and_tags(const unsigned char* data, size_t size) {
    consilia_buffer_t json = {NULL, 0};
    OK("info", consilia_dicom_info_json(data, size, &json, &error));
    CHECK(contains(json, "\"bits_stored\":16") && contains(json, "\"is_signed\":true"));
    CHECK(contains(json, "\"transfer_syntax\":\"1.2.840.10008.1.2\""));
    CHECK(contains(json, "\"explanation\":\"LUNG\""));
    consilia_buffer_free(&json);
    OK("tags", consilia_dicom_tags_json(data, size, &json, &error));
    CHECK(contains(json, "\"keyword\":\"PatientName\",\"tag\":\"00100010\""));
    CHECK(contains(json, "M\xC3\xBCller^\xC3\x84nne"));
    consilia_buffer_free(&json);
}

static void check_pixels(const unsigned char* data, size_t size) {
    consilia_dicom_size_t shape;
    consilia_buffer_t own = {NULL, 0};
    consilia_buffer_t given = {NULL, 0};
    consilia_buffer_t values = {NULL, 0};
    OK("decode", consilia_dicom_decode(data, size, NULL, &shape, &own, &error));
    CHECK(shape.width == 28 && shape.height == 20 && shape.channels == 1 && own.size == 28 * 20);
    consilia_dicom_decode_options_t options;
    CONSILIA_INIT(&options);
    options.source = CONSILIA_DICOM_WINDOW_GIVEN;
    options.center = 40;
    options.width = 400;
    OK("decode", consilia_dicom_decode(data, size, &options, &shape, &given, &error));
    CHECK(given.size == own.size && memcmp(given.data, own.data, own.size) == 0);
    OK("values", consilia_dicom_values(data, size, NULL, &shape, &values, &error));
    CHECK(values.size == 28 * 20 * sizeof(float));
    float lowest = 0;
    for (size_t i = 0; i < 28 * 20; ++i) {
        float value;
        memcpy(&value, values.data + i * sizeof value, sizeof value);
        if (value < lowest) lowest = value;
    }
    CHECK(lowest < -900 && lowest >= -1024);
    consilia_buffer_free(&own);
    consilia_buffer_free(&given);
    consilia_buffer_free(&values);

    options.width = 0;
    EXPECT("width", consilia_dicom_decode(data, size, &options, &shape, &own, &error),
           CONSILIA_INVALID_ARGUMENT, "dicom.window");
    CHECK(own.data == NULL && shape.width == 0);
    CONSILIA_INIT(&options);
    options.has_frame = 1;
    options.frame = 1;
    EXPECT("frame", consilia_dicom_values(data, size, &options, &shape, &own, &error),
           CONSILIA_INVALID_ARGUMENT, "dicom.frame");
    CONSILIA_INIT(&options);
    options.source = 3;
    EXPECT("source", consilia_dicom_decode(data, size, &options, &shape, &own, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.enum");
}

static void check_deidentified(const unsigned char* data, size_t size) {
    consilia_buffer_t first = {NULL, 0};
    consilia_buffer_t second = {NULL, 0};
    consilia_dicom_deidentify_options_t options;
    CONSILIA_INIT(&options);
    options.key = consilia_str_of("a secret of sixteen or more bytes");
    options.dates = CONSILIA_DICOM_DATES_SHIFT;
    OK("deidentify", consilia_dicom_deidentify(data, size, &options, &first, &error));
    OK("deidentify", consilia_dicom_deidentify(data, size, &options, &second, &error));
    CHECK(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    CHECK(!contains(first, "P-0001") && !contains(first, "nne") && !contains(first, "20240229"));
    consilia_buffer_free(&first);
    consilia_buffer_free(&second);
    OK("without options", consilia_dicom_deidentify(data, size, NULL, &first, &error));
    consilia_buffer_free(&first);
    options.key = consilia_str_of("short");
    EXPECT("key", consilia_dicom_deidentify(data, size, &options, &first, &error), CONSILIA_INVALID_ARGUMENT,
           "dicom.key");
    CHECK(first.data == NULL);
}

static void check_refusals(const unsigned char* data, size_t size) {
    consilia_buffer_t out = {NULL, 0};
    consilia_dicom_size_t shape;
    EXPECT("nothing", consilia_dicom_info_json(NULL, 0, &out, &error), CONSILIA_VALIDATION,
           "image.unsupported_type");
    EXPECT("null", consilia_dicom_tags_json(NULL, 9, &out, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    EXPECT("cut", consilia_dicom_decode(data, size - 2, NULL, &shape, &out, &error), CONSILIA_VALIDATION,
           "image.damaged");
    EXPECT("cut", consilia_dicom_deidentify(data, size - 2, NULL, &out, &error), CONSILIA_VALIDATION,
           "image.damaged");
    EXPECT("no output", consilia_dicom_decode(data, size, NULL, &shape, NULL, &error),
           CONSILIA_INVALID_ARGUMENT, "c_api.null");
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    unsigned char* data = NULL;
    size_t size = 0;
    read_sample(argv[1], "signed_16_implicit", &data, &size);
    check_header_and_tags(data, size);
    check_pixels(data, size);
    check_deidentified(data, size);
    check_refusals(data, size);
    free(data);

    /* Compressed: the codec lies beside the library. */
    consilia_dicom_size_t shape;
    consilia_buffer_t pixels = {NULL, 0};
    read_sample(argv[1], "gray_12_jpeg_ls", &data, &size);
    OK("compressed", consilia_dicom_decode(data, size, NULL, &shape, &pixels, &error));
    CHECK(pixels.size == 28 * 20);
    consilia_buffer_free(&pixels);
    free(data);
    return failures;
}
