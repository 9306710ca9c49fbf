/* A whole backend, to start others from: one linear layer, on the processor, for members of format `linear`.
 *
 * The code file is one line, `linear CHANNELS HEIGHT WIDTH CLASSES`; the weights are `weight` [classes,
 * inputs] and `bias` [classes]. docs/backends.md goes through the table function by function;
 * consilia/c/backend.h is the reference. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consilia/c/backend.h"

enum { SIDES = 3, MAX_SIDE = 1 << 16 };

struct consilia_model {
    int64_t sides[SIDES]; /* channels, height, width */
    int64_t inputs;
    int64_t classes;
    const float* weight; /* borrowed while weights are bound, otherwise NULL */
    const float* bias;
};

/* Every failure goes through here: a message of one line, and the status to return. */
static int fail(char* error, size_t error_size, const char* format, ...) {
    va_list arguments;
    if (error == NULL || error_size == 0) return CONSILIA_BACKEND_FAILED;
    va_start(arguments, format);
    vsnprintf(error, error_size, format, arguments);
    va_end(arguments);
    return CONSILIA_BACKEND_FAILED;
}

static int query_device(const char* device, consilia_backend_device_t* out_device, char* error,
                        size_t error_size) {
    const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    if (strcmp(device, "cpu") != 0)
        return fail(error, error_size, "this backend runs on `cpu`, not on `%.40s`", device);
    out_device->total_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * page_bytes;
    out_device->free_bytes = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * page_bytes;
    return CONSILIA_BACKEND_OK;
}

/* A number from 1 to MAX_SIDE after a space; 0 if there is none. */
static int64_t next_number(const char** text) {
    char* end;
    long long number;
    if (**text != ' ') return 0;
    errno = 0;
    number = strtoll(*text + 1, &end, 10);
    if (errno != 0 || end == *text + 1 || number < 1 || number > MAX_SIDE) return 0;
    *text = end;
    return number;
}

static int read_code(const void* code, size_t code_size, struct consilia_model* model) {
    static const char kind[] = "linear";
    char line[128];
    const char* rest = line + sizeof kind - 1;
    if (code_size == 0 || code_size >= sizeof line) return 0;
    memcpy(line, code, code_size); /* What is passed in is neither terminated nor ours to change. */
    line[code_size] = '\0';
    if (strncmp(line, kind, sizeof kind - 1) != 0) return 0;
    model->inputs = 1;
    for (int i = 0; i < SIDES; ++i) {
        model->sides[i] = next_number(&rest);
        model->inputs *= model->sides[i];
    }
    model->classes = next_number(&rest);
    return model->inputs > 0 && model->classes > 0 && strcmp(rest, "\n") == 0;
}

/* What an engine of an older release does not fill in counts as zero. */
static int32_t precision_of(const consilia_backend_open_options_t* options) {
    const size_t known = offsetof(consilia_backend_open_options_t, precision) + sizeof options->precision;
    return options->struct_size >= known ? options->precision : CONSILIA_PRECISION_F32;
}

static int open_model(const consilia_backend_open_options_t* options, consilia_model_t** out_model,
                      char* error, size_t error_size) {
    static const char* const names[] = {"f32", "bf16", "f16"};
    const int32_t precision = precision_of(options);
    struct consilia_model* model;
    *out_model = NULL;
    if (strcmp(options->device, "cpu") != 0)
        return fail(error, error_size, "this backend runs on `cpu`, not on `%.40s`", options->device);
    if (precision != CONSILIA_PRECISION_F32) {
        if (precision < 0 || precision > CONSILIA_PRECISION_F16)
            return fail(error, error_size, "unknown precision %d", (int)precision);
        return fail(error, error_size, "this backend does not compute in %s", names[precision]);
    }
    model = calloc(1, sizeof *model);
    if (model == NULL) {
        fail(error, error_size, "there is not enough memory");
        return CONSILIA_BACKEND_OUT_OF_MEMORY;
    }
    if (!read_code(options->code, options->code_size, model)) {
        free(model);
        return fail(error, error_size, "the code is not a line `linear CHANNELS HEIGHT WIDTH CLASSES`");
    }
    *out_model = model;
    return CONSILIA_BACKEND_OK;
}

static int describe(consilia_model_t* model, consilia_backend_description_t* out_description, char* error,
                    size_t error_size) {
    (void)error;
    (void)error_size;
    out_description->resident_bytes = sizeof *model; /* The weights are the engine's, and counted there. */
    out_description->needs_weights = 1;
    return CONSILIA_BACKEND_OK;
}

static int has_shape(const consilia_tensor_view_t* view, int32_t rank, const int64_t* shape) {
    return view->dtype == CONSILIA_DTYPE_F32 && view->rank == rank &&
           memcmp(view->shape, shape, (size_t)rank * sizeof *shape) == 0;
}

static int bind_weights(consilia_model_t* model, const consilia_tensor_view_t* weights, size_t count,
                        char* error, size_t error_size) {
    const int64_t weight_shape[2] = {model->classes, model->inputs};
    const float* weight = NULL;
    const float* bias = NULL;
    for (size_t i = 0; i < count; ++i) {
        const int is_weight = strcmp(weights[i].name, "weight") == 0;
        const float** place = is_weight ? &weight : &bias;
        if (!is_weight && strcmp(weights[i].name, "bias") != 0)
            return fail(error, error_size, "the code has no place for the tensor `%.100s`", weights[i].name);
        if (*place != NULL) return fail(error, error_size, "the tensor `%s` is given twice", weights[i].name);
        if (!has_shape(&weights[i], is_weight ? 2 : 1, weight_shape))
            return fail(error, error_size, "the tensor `%s` has another type or shape than the code wants",
                        weights[i].name);
        *place = weights[i].data;
    }
    if (weight == NULL || bias == NULL)
        return fail(error, error_size, "the tensor `%s` is missing", weight == NULL ? "weight" : "bias");
    model->weight = weight; /* Only now: a call that fails binds nothing. */
    model->bias = bias;
    return CONSILIA_BACKEND_OK;
}

static void unbind_weights(consilia_model_t* model) {
    model->weight = NULL;
    model->bias = NULL;
}

static int run(consilia_model_t* model, const consilia_tensor_view_t* input,
               const consilia_tensor_view_t* output, consilia_backend_run_options_t* options, char* error,
               size_t error_size) {
    const int64_t batch = input->rank > 0 ? input->shape[0] : 0;
    const int64_t input_shape[4] = {batch, model->sides[0], model->sides[1], model->sides[2]};
    const int64_t output_shape[2] = {batch, model->classes};
    const float* image = input->data;
    float* logits = output->data;
    (void)options; /* One thread, the same sums each time, and no memory that could be counted. */
    if (model->weight == NULL) return fail(error, error_size, "no weights are bound");
    if (!has_shape(input, 4, input_shape))
        return fail(error, error_size, "the input is not float32 [N, %d, %d, %d]", (int)model->sides[0],
                    (int)model->sides[1], (int)model->sides[2]);
    if (!has_shape(output, 2, output_shape))
        return fail(error, error_size, "the output is not float32 [%d, %d]", (int)batch, (int)model->classes);
    for (int64_t n = 0; n < batch; ++n, image += model->inputs) {
        const float* row = model->weight;
        for (int64_t c = 0; c < model->classes; ++c, row += model->inputs) {
            double sum = model->bias[c];
            for (int64_t i = 0; i < model->inputs; ++i) sum += (double)row[i] * (double)image[i];
            *logits++ = (float)sum;
        }
    }
    return CONSILIA_BACKEND_OK;
}

static void release(consilia_model_t* model) {
    free(model);
}

static const consilia_backend_v1_t table = {
    .struct_size = sizeof(consilia_backend_v1_t),
    .api_version = CONSILIA_BACKEND_API_VERSION,
    .name = "linear",
    .version = "1.0.0",
    .formats = "linear",
    .query_device = query_device,
    .open = open_model,
    .describe = describe,
    .bind_weights = bind_weights,
    .unbind_weights = unbind_weights,
    .run = run,
    .release = release,
    /* The rest stays NULL: its only device is the host's memory. */
};

__attribute__((visibility("default"))) const consilia_backend_v1_t* consilia_backend_entry(
    uint32_t api_version) {
    return api_version == CONSILIA_BACKEND_API_VERSION ? &table : NULL;
}
