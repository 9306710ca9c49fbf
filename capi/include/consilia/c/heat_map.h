#ifndef CONSILIA_C_HEAT_MAP_H
#define CONSILIA_C_HEAT_MAP_H
/* Where a member of an engine, or the whole panel, looked: heat maps from forward runs alone. */
#include "consilia/c/inference.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A finished map; it does not need the engine any more. consilia_heat_map_free(). Threading: compatible. */
typedef struct consilia_heat_map consilia_heat_map_t;

/* OCCLUSION: a moving window covers the input; heat is how much the probability of the class falls (Zeiler &
 * Fergus 2014). RANDOM_MASKS: heat is its mean where random masks keep a place (RISE, Petsiuk et al. 2018).
 */
enum { CONSILIA_HEAT_MAP_OCCLUSION = 0, CONSILIA_HEAT_MAP_RANDOM_MASKS = 1 };

/* Called after each member of a batch, on the running thread, holding no lock. Return non-zero to stop, which
 * ends with CONSILIA_CANCELLED. */
typedef int32_t (*consilia_heat_map_progress_fn)(size_t masks_done, size_t masks_total, void* user_data);

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). Pixels are those of the input
 * tensor of the member that is explained, or of the panel's first one. */
typedef struct consilia_heat_map_options {
    size_t struct_size;
    int32_t method;            /* CONSILIA_HEAT_MAP_* */
    int32_t has_fill;          /* 1: covered places hold `fill`; 0: the mean of each channel */
    consilia_str_t member_id;  /* empty: the probability that the panel pools */
    consilia_str_t class_name; /* empty: the diagnosis of that member or of the panel */
    double fill;               /* in the unit of the prepared tensor */
    int32_t window;            /* of OCCLUSION: its side; 0: an eighth of the input's shorter side */
    int32_t stride;            /* of OCCLUSION: how far it moves; 0: half of the window */
    size_t masks;              /* of RANDOM_MASKS: how many; 0: 1000; at most 100000 */
    double keep_probability;   /* of RANDOM_MASKS: of each point of the grid; 0: 0.5; below 1 */
    uint64_t seed;             /* of RANDOM_MASKS: the same masks for the same seed */
    size_t batch_max;          /* covered inputs that are handed to the engine together; 0: 16 */
    int32_t cells;             /* of RANDOM_MASKS: along each side; 0: 8 */
    consilia_heat_map_progress_fn progress; /* may be NULL */
    void* user_data;                        /* handed back to `progress`, never read */
} consilia_heat_map_options_t;

/* Explains an encoded image in memory, borrowed for the call; `options` may be NULL. It runs once as it is
 * and once for each mask, in batches, within the engine's budget and between its other callers. Returns _OK,
 * _INVALID_ARGUMENT (`heat_map.<field>` with the reason), _VALIDATION, _INFERENCE, _CANCELLED or
 * _UNAVAILABLE.
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_engine_explain(consilia_engine_t* engine, const void* data,
                                                         size_t size,
                                                         const consilia_heat_map_options_t* options,
                                                         consilia_heat_map_t** out_map,
                                                         consilia_error_t** out_error);
CONSILIA_C_API void consilia_heat_map_free(consilia_heat_map_t* map); /* NULL is allowed */

/* The numbers of a map. Frozen: this struct does not grow. */
typedef struct consilia_heat_values {
    const float* values; /* [height, width], rows from the top; borrowed from the map */
    size_t width;
    size_t height;
    float min;
    float max;
    double noise;       /* of RANDOM_MASKS: how far a value strays if the place makes no difference */
    double probability; /* of the class, nothing being covered */
} consilia_heat_values_t;
CONSILIA_C_API consilia_status_t consilia_heat_map_values(const consilia_heat_map_t* map,
                                                          consilia_heat_values_t* out_values,
                                                          consilia_error_t** out_error);

/* Everything but the values: class, member, method with its parameters, hash of the input and the diagnosis
 * with members, pipelines and versions (docs/heat-maps.md). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_heat_map_json(const consilia_heat_map_t* map,
                                                        consilia_buffer_t* out_json,
                                                        consilia_error_t** out_error);

/* The map by itself as PNG, in its own resolution. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_heat_map_draw_png(const consilia_heat_map_t* map,
                                                            consilia_buffer_t* out_png,
                                                            consilia_error_t** out_error);
/* The map over the encoded image that was explained, as PNG in the image's resolution. `opacity`: to 1; 0:
 * 0.6. Returns _OK, _INVALID_ARGUMENT (`heat.opacity`) or _VALIDATION. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_heat_map_draw_over_png(const consilia_heat_map_t* map,
                                                                 const void* data, size_t size,
                                                                 double opacity, consilia_buffer_t* out_png,
                                                                 consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
