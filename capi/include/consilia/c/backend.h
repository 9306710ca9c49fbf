#ifndef CONSILIA_C_BACKEND_H
#define CONSILIA_C_BACKEND_H
/* The table that a model backend fills: a shared object that exports one function, consilia_backend_entry().
 *
 * A model is opened from its code, without weights. Weights are views of memory that the engine owns and
 * accounts for; they are bound before a run and unbound when the engine wants the memory back. The code stays
 * open in between, so bringing a member back costs only its weights.
 *
 * Conventions
 * - Functions that can fail return CONSILIA_BACKEND_OK, or a failure; then they write a message of one line,
 *   cut to `error_size` bytes and zero-terminated, to `error`. No exception crosses. What is refused for want
 *   of memory is CONSILIA_BACKEND_OUT_OF_MEMORY, so that the engine can make room and ask again.
 * - Everything passed in is borrowed for the call, except the data of bound weights (see bind_weights).
 * - The engine calls one model on one thread at a time; different models may be opened and run on different
 *   threads at once. A backend leaves process-wide state (thread counts, locale, random seeds) as it found
 * it.
 * - Structs and the table grow only at the end. `struct_size` says how much of them the side that filled it
 *   knows; whoever reads a struct takes what lies beyond as zero. */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONSILIA_BACKEND_API_VERSION 1
#define CONSILIA_BACKEND_ENTRY "consilia_backend_entry"

/* What functions return; every other number counts as CONSILIA_BACKEND_FAILED. */
enum { CONSILIA_BACKEND_OK = 0, CONSILIA_BACKEND_FAILED = 1, CONSILIA_BACKEND_OUT_OF_MEMORY = 2 };

/* What a model computes in. Input and output stay f32. */
enum { CONSILIA_PRECISION_F32 = 0, CONSILIA_PRECISION_BF16 = 1, CONSILIA_PRECISION_F16 = 2 };

/* Kinds of memory that `allocate` gives. */
enum {
    CONSILIA_MEMORY_DEVICE = 0, /* the device's own: weights live there */
    CONSILIA_MEMORY_STAGING = 1 /* the host's, from which `upload` is fastest: pinned */
};

/* Element types; the numbers never change. */
enum {
    CONSILIA_DTYPE_F32 = 1,
    CONSILIA_DTYPE_F16 = 2,
    CONSILIA_DTYPE_BF16 = 3,
    CONSILIA_DTYPE_I64 = 4,
    CONSILIA_DTYPE_U8 = 5,
    CONSILIA_DTYPE_BOOL = 6
};

/* Dense, row-major memory that is borrowed. Frozen: it never grows. `data` is aligned to 64 bytes, and may be
 * NULL where the shape has no elements; `name` is NULL where it has no meaning. */
typedef struct consilia_tensor_view {
    const char* name;
    void* data;
    const int64_t* shape;
    int32_t rank;
    int32_t dtype;
} consilia_tensor_view_t;

/* One opened model: the backend's own type. */
typedef struct consilia_model consilia_model_t;

typedef struct consilia_backend_open_options {
    size_t struct_size;
    const char* format;    /* of the member: "torchscript", "torchscript-frozen", "openvino" */
    const char* device;    /* "cpu", "cuda:0" */
    const void* code;      /* the whole code file, its hash checked; not needed after open returns */
    size_t code_size;      /* bytes of it */
    const char* code_path; /* where it came from, for messages */
    /* Since 0.2. */
    int32_t precision;      /* CONSILIA_PRECISION_*; a backend refuses what it cannot do */
    int32_t threads;        /* within later runs, where that is fixed on opening; 0: as the process has it */
    const char* cache_path; /* a folder where what was compiled may be kept, its names chosen by the backend;
                               NULL or empty: nowhere */
} consilia_backend_open_options_t;

/* What a model says of itself after it was opened. */
typedef struct consilia_backend_description {
    size_t struct_size;
    uint64_t resident_bytes; /* memory of its own: code, constants, frozen weights */
    int32_t needs_weights;   /* 1: bind_weights must come before run */
    /* Since 0.2. 1: the runtime takes memory of the process that it cannot tell, for graphs, packed weights
     * or scratch. The engine then watches the process while the model opens and runs for the first times, and
     * takes the larger figures; release_cache gives back what the process keeps for later. */
    int32_t measure_process;
} consilia_backend_description_t;

typedef struct consilia_backend_run_options {
    size_t struct_size;
    int32_t threads;       /* within one run; 0: as the process has it */
    int32_t deterministic; /* 1: the same input must give the same bits; refuse what cannot */
    /* Set by the backend: the most bytes that the run held beyond weights, input and output; 0: not known. */
    uint64_t activation_bytes_peak;
} consilia_backend_run_options_t;

typedef struct consilia_backend_device {
    size_t struct_size;
    uint64_t total_bytes; /* 0: not known */
    uint64_t free_bytes;
} consilia_backend_device_t;

typedef struct consilia_backend_v1 {
    size_t struct_size;
    uint32_t api_version; /* CONSILIA_BACKEND_API_VERSION */
    uint32_t reserved;    /* zero */
    const char* name;     /* "torch" */
    const char* version;  /* of the runtime: "2.13.0" */
    const char* formats;  /* member formats that it opens, separated by spaces */

    /* Memory of a device, or a failure if there is no such device. */
    int (*query_device)(const char* device, consilia_backend_device_t* out_device, char* error,
                        size_t error_size);
    /* Opens the code. `*out_model` is NULL after a failure. */
    int (*open)(const consilia_backend_open_options_t* options, consilia_model_t** out_model, char* error,
                size_t error_size);
    int (*describe)(consilia_model_t* model, consilia_backend_description_t* out_description, char* error,
                    size_t error_size);
    /* Binds every tensor that the code lacks, by name. The views' data must stay, unchanged, until
     * unbind_weights or release; names and shapes may go when the call returns. Fails, binding nothing, if a
     * tensor is missing or unknown, or has another element type than the code wants. */
    int (*bind_weights)(consilia_model_t* model, const consilia_tensor_view_t* weights, size_t count,
                        char* error, size_t error_size);
    /* Forgets the bound tensors: the model holds no reference to their data afterwards. */
    void (*unbind_weights)(consilia_model_t* model);
    /* Runs on one input [N, C, H, W] f32 and writes the logits [N, classes] f32 to `output->data`; a result
     * of another shape than `output` has is a failure. `options` carries an answer back and may be NULL. */
    int (*run)(consilia_model_t* model, const consilia_tensor_view_t* input,
               const consilia_tensor_view_t* output, consilia_backend_run_options_t* options, char* error,
               size_t error_size);
    /* Closes a model; bound weights are forgotten. NULL is allowed. */
    void (*release)(consilia_model_t* model);

    /* Since 0.2. A backend whose only device is the host's memory leaves the next four NULL: the engine then
     * owns the memory of weights itself. Otherwise all are given, `device` is one that query_device knows,
     * and the data of bound weights lie in blocks of CONSILIA_MEMORY_DEVICE. */

    /* A block of at least `size_bytes`, aligned to 64 bytes. */
    int (*allocate)(const char* device, int32_t kind, uint64_t size_bytes, void** out_block, char* error,
                    size_t error_size);
    void (*deallocate)(const char* device, int32_t kind, void* block);
    /* Copies from the host's memory into a block of the device. May return before it is done; `source` must
     * stay until finish_uploads. May be called while a model runs. */
    int (*upload)(const char* device, void* target, const void* source, uint64_t size_bytes, char* error,
                  size_t error_size);
    /* Waits until every upload so far is there; later runs see the data. */
    int (*finish_uploads)(const char* device, char* error, size_t error_size);
    /* Gives memory that is kept for later use back to the device; may be given or NULL by itself. */
    void (*release_cache)(const char* device);
} consilia_backend_v1_t;

/* The one exported function, consilia_backend_entry(). Returns a table that lives as long as the shared
 * object, or NULL if `api_version` is one that the backend does not know. Called before anything else,
 * perhaps more than once. */
typedef const consilia_backend_v1_t* (*consilia_backend_entry_fn)(uint32_t api_version);

#ifdef __cplusplus
}
#endif
#endif
