#ifndef CONSILIA_C_DICOM_H
#define CONSILIA_C_DICOM_H
/* DICOM: what a file says, its pixels as shades or in modality units, its tags, the file without its patient.
 * Every function takes a whole file in memory, borrowed for the call, and is thread-safe. */
#include "consilia/c/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a file says of its image as one JSON object: `transfer_syntax`, `transfer_syntax_name`,
 * `photometric_interpretation`, `width`, `height`, `frames`, `channels`, `bits_allocated`, `bits_stored`,
 * `is_signed`, `rescale_slope`, `rescale_intercept`, `has_modality_lut`, `has_voi_lut`, `windows` (each
 * `center`, `width`, `function`, `explanation`), `has_foreign_preamble`, `has_burned_in_annotation`. Returns
 * _OK or _VALIDATION. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dicom_info_json(const void* data, size_t size,
                                                          consilia_buffer_t* out_json,
                                                          consilia_error_t** out_error);

/* Where the shades of a gray image come from. */
enum {
    CONSILIA_DICOM_WINDOW_FILE = 0,       /* the file's VOI LUT, else its window, else the full range */
    CONSILIA_DICOM_WINDOW_FULL_RANGE = 1, /* from the least to the greatest value that is not padding */
    CONSILIA_DICOM_WINDOW_GIVEN = 2       /* `center`, `width` and `function` */
};
/* How values become shades. */
enum { CONSILIA_DICOM_LINEAR = 0, CONSILIA_DICOM_LINEAR_EXACT = 1, CONSILIA_DICOM_SIGMOID = 2 };

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_dicom_decode_options {
    size_t struct_size;
    int32_t source;    /* CONSILIA_DICOM_WINDOW_* */
    int32_t function;  /* of WINDOW_GIVEN: CONSILIA_DICOM_LINEAR, … */
    double center;     /* of WINDOW_GIVEN, in modality units */
    double width;      /* of WINDOW_GIVEN */
    uint32_t index;    /* of WINDOW_FILE: which VOI LUT or window */
    int32_t has_frame; /* 1: `frame` counts; 0: the file must have one frame */
    uint32_t frame;    /* from 0 */
} consilia_dicom_decode_options_t;

/* Of decoded pixels. Frozen: it does not grow. */
typedef struct consilia_dicom_size {
    uint32_t width;
    uint32_t height;
    uint32_t channels; /* 1 or 3, interleaved */
} consilia_dicom_size_t;

/* One frame as bytes from black to white, rows from the top, more being brighter; `options` may be NULL.
 * Returns _OK, _VALIDATION, _INVALID_ARGUMENT (`dicom.frame`, `dicom.window`) or _UNAVAILABLE
 * (`image.dicom_unavailable`: compressed, and the codec is not installed). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dicom_decode(const void* data, size_t size,
                                                       const consilia_dicom_decode_options_t* options,
                                                       consilia_dicom_size_t* out_size,
                                                       consilia_buffer_t* out_pixels,
                                                       consilia_error_t** out_error);
/* A gray frame in modality units, not windowed: `width * height` floats of this machine. Of the options only
 * the frame counts. Returns as consilia_dicom_decode(). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dicom_values(const void* data, size_t size,
                                                       const consilia_dicom_decode_options_t* options,
                                                       consilia_dicom_size_t* out_size,
                                                       consilia_buffer_t* out_values,
                                                       consilia_error_t** out_error);

/* Attributes of patient, study, series, equipment and image as a JSON array of `tag` ("00100010"), `keyword`,
 * `vr` and `text` in UTF-8. This is patient data. Returns _OK or _VALIDATION. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dicom_tags_json(const void* data, size_t size,
                                                          consilia_buffer_t* out_json,
                                                          consilia_error_t** out_error);

/* What becomes of dates. */
enum { CONSILIA_DICOM_DATES_REMOVE = 0, CONSILIA_DICOM_DATES_SHIFT = 1 };

/* Zero means default in every field. Prepare with CONSILIA_INIT(&options). */
typedef struct consilia_dicom_deidentify_options {
    size_t struct_size;
    consilia_str_t key;      /* secret of at least 16 bytes; empty: a random one, thrown away */
    int32_t dates;           /* CONSILIA_DICOM_DATES_*; SHIFT needs a key */
    int32_t allow_burned_in; /* 1: take files that say that their pixels show text */
} consilia_dicom_deidentify_options_t;

/* The file without what identifies the patient, by the basic profile of PS3.15; `options` may be NULL.
 * Returns _OK, _VALIDATION (`dicom.burned_in_annotation` too) or _INVALID_ARGUMENT (`dicom.key`).
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_dicom_deidentify(const void* data, size_t size,
                                                           const consilia_dicom_deidentify_options_t* options,
                                                           consilia_buffer_t* out_file,
                                                           consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
