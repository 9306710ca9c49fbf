/* Images over the C ABI: made from pixels, told apart, verified, stripped, decoded and made anew. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "consilia.h"

static consilia_error_t* error = NULL;
static uint8_t samples[16 * 8 * 3];

static int holds(const consilia_buffer_t* buffer, const char* text) {
    const size_t size = strlen(text);
    size_t i;
    for (i = 0; i + size <= buffer->size; ++i) {
        if (memcmp(buffer->data + i, text, size) == 0) return 1;
    }
    return 0;
}

/* The file with a comment segment behind SOI. */
static char* with_comment(const consilia_buffer_t* jpeg, const char* text, size_t* out_size) {
    const size_t size = strlen(text);
    char* file = malloc(jpeg->size + size + 4);
    memcpy(file, jpeg->data, 2);
    file[2] = (char)0xFF;
    file[3] = (char)0xFE;
    file[4] = 0;
    file[5] = (char)(size + 2);
    memcpy(file + 6, text, size);
    memcpy(file + 6 + size, jpeg->data + 2, jpeg->size - 2);
    *out_size = jpeg->size + size + 4;
    return file;
}

static void a_png_keeps_every_pixel(const consilia_pixels_t* pixels) {
    consilia_buffer_t png = {0};
    consilia_buffer_t decoded = {0};
    consilia_image_info_t info;
    consilia_image_limits_t limits;
    int32_t format = -1;
    OK("encode", consilia_image_encode_png(pixels, &png, &error));
    OK("detect", consilia_image_detect(png.data, png.size, &format, &error));
    CHECK(format == CONSILIA_IMAGE_PNG);
    OK("detect nothing", consilia_image_detect(NULL, 0, &format, &error));
    CHECK(format == CONSILIA_IMAGE_NONE);
    OK("probe", consilia_image_probe(png.data, 60, &info, &error));
    CHECK(info.format == CONSILIA_IMAGE_PNG && info.width == 16 && info.height == 8 && info.channels == 3);
    OK("decode", consilia_image_decode(png.data, png.size, NULL, &info, &decoded, &error));
    CHECK(decoded.size == sizeof samples && memcmp(decoded.data, samples, sizeof samples) == 0);
    CHECK(info.bit_depth == 8 && info.orientation == 1 && info.has_alpha == 0 && info.interlaced == 0);
    consilia_buffer_free(&decoded);
    CONSILIA_INIT(&limits);
    limits.max_pixels = 16 * 8 - 1;
    EXPECT("limit", consilia_image_decode(png.data, png.size, &limits, &info, &decoded, &error),
           CONSILIA_VALIDATION, "image.too_many_pixels");
    CHECK(decoded.data == NULL && info.width == 0);
    limits.max_pixels = 0;
    OK("verify", consilia_image_verify(png.data, png.size, &limits, &info, &error));
    CHECK(info.width == 16);
    EXPECT("cut", consilia_image_check_structure(png.data, png.size - 1, NULL, &info, &error),
           CONSILIA_VALIDATION, "image.damaged");
    consilia_buffer_free(&png);
}

static void a_comment_is_stripped(const consilia_pixels_t* pixels) {
    consilia_buffer_t jpeg = {0};
    consilia_buffer_t stripped = {0};
    consilia_buffer_t other = {0};
    consilia_image_info_t info;
    size_t size = 0;
    char* file = NULL;
    OK("encode", consilia_image_encode_jpeg(pixels, 0, &jpeg, &error));
    file = with_comment(&jpeg, "Pat One", &size);
    OK("verify", consilia_image_verify(file, size, NULL, &info, &error));
    CHECK(info.format == CONSILIA_IMAGE_JPEG && info.scans == 1);
    OK("strip", consilia_image_strip_metadata(file, size, NULL, &stripped, &error));
    CHECK(stripped.size == jpeg.size && memcmp(stripped.data, jpeg.data, jpeg.size) == 0);
    CHECK(!holds(&stripped, "Pat One"));
    OK("reencode", consilia_image_reencode(file, size, CONSILIA_IMAGE_PNG, NULL, &other, &error));
    CHECK(!holds(&other, "Pat One"));
    OK("verify the other", consilia_image_verify(other.data, other.size, NULL, &info, &error));
    CHECK(info.format == CONSILIA_IMAGE_PNG);
    consilia_buffer_free(&other);
    EXPECT("format", consilia_image_reencode(file, size, CONSILIA_IMAGE_NONE, NULL, &other, &error),
           CONSILIA_INVALID_ARGUMENT, "image.format");
    EXPECT("nothing", consilia_image_strip_metadata(file, 0, NULL, &other, &error), CONSILIA_VALIDATION,
           "image.unsupported_type");
    free(file);
    consilia_buffer_free(&stripped);
    consilia_buffer_free(&jpeg);
}

static void wrong_arguments_are_refused(consilia_pixels_t pixels) {
    consilia_buffer_t out = {0};
    consilia_image_info_t info;
    EXPECT("quality", consilia_image_encode_jpeg(&pixels, 101, &out, &error), CONSILIA_INVALID_ARGUMENT,
           "image.quality");
    EXPECT("null", consilia_image_probe(NULL, 1, &info, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    EXPECT("no output", consilia_image_probe("x", 1, NULL, &error), CONSILIA_INVALID_ARGUMENT, "c_api.null");
    EXPECT("no pixels", consilia_image_encode_png(NULL, &out, &error), CONSILIA_INVALID_ARGUMENT,
           "c_api.null");
    pixels.width += 1;
    EXPECT("shape", consilia_image_encode_png(&pixels, &out, &error), CONSILIA_INVALID_ARGUMENT,
           "image.shape");
    CHECK(out.data == NULL);
}

int main(void) {
    consilia_pixels_t pixels = {samples, sizeof samples, 16, 8, 3};
    size_t i;
    for (i = 0; i < sizeof samples; ++i) samples[i] = (uint8_t)(i * 7);
    a_png_keeps_every_pixel(&pixels);
    a_comment_is_stripped(&pixels);
    wrong_arguments_are_refused(pixels);
    return failures;
}
