#ifndef CONSILIA_TESTS_CAPI_UPLOADS_H
#define CONSILIA_TESTS_CAPI_UPLOADS_H
/* What the tests of uploads share: folders, PNGs made from pixels, and a refusal that leaves nothing. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

static consilia_error_t* error = NULL;
static char stored[500];
static consilia_buffer_t png;
static uint8_t samples[16 * 8];

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

static void refused(const char* code, const void* data, size_t size, consilia_receive_options_t* options) {
    consilia_upload_source_t source;
    consilia_received_file_t* file = NULL;
    CONSILIA_INIT(&source);
    source.data = data;
    source.size = size;
    EXPECT(code, consilia_upload_receive(&source, options, &file, &error), CONSILIA_UPLOAD_REJECTED, code);
    CHECK(file == NULL && count_files(stored) == 0);
}

#endif
