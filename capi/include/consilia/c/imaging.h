#ifndef CONSILIA_C_IMAGING_H
#define CONSILIA_C_IMAGING_H
/* Encoded images in memory: what they are, whether they are whole, their pixels, the same image without what
 * it tells besides, and files of pixels. Every function may be called from any thread; encoded bytes are
 * borrowed for the call, and results are buffers that the caller owns. */
#include "consilia/c/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* NONE: of another kind; only consilia_image_detect() gives it. The numbers never change. */
enum { CONSILIA_IMAGE_NONE = 0, CONSILIA_IMAGE_JPEG = 1, CONSILIA_IMAGE_PNG = 2, CONSILIA_IMAGE_DICOM = 3 };

/* What a file may ask for. Zero means default in every field. Prepare with CONSILIA_INIT(&limits). */
typedef struct consilia_image_limits {
    size_t struct_size;
    uint64_t max_pixels;       /* 0: 64 million */
    uint64_t max_memory_bytes; /* of decoding, as estimated from the header; 0: 768 MiB */
    uint64_t max_scan_pixels;  /* of a JPEG of several scans: scans times pixels; 0: 500 million */
    uint32_t max_width;        /* 0: 20,000 */
    uint32_t max_height;       /* 0: 20,000 */
    uint32_t max_scans;        /* of a JPEG; 0: 64 */
    uint32_t max_segments;     /* JPEG segments or PNG chunks; 0: 16,384 */
} consilia_image_limits_t;

/* What a file is. Frozen: this struct does not grow. */
typedef struct consilia_image_info {
    uint32_t width;      /* of the decoded image: with the orientation applied */
    uint32_t height;     /* of the decoded image: with the orientation applied */
    uint32_t scans;      /* of a JPEG: as many as were found */
    int32_t format;      /* CONSILIA_IMAGE_* */
    int32_t channels;    /* of the decoded image: 1 (gray) or 3 */
    int32_t bit_depth;   /* as stored */
    int32_t orientation; /* EXIF orientation of a JPEG, 1 to 8 */
    int32_t has_alpha;   /* 1: an alpha channel or a transparent colour, which decoding blends over black */
    int32_t interlaced;  /* 1: progressive JPEG or Adam7 PNG */
} consilia_image_info_t;

/* Pixels on their way in: rows from the top, channels interleaved, without padding. Frozen. */
typedef struct consilia_pixels {
    const uint8_t* data; /* borrowed for the call */
    size_t size;         /* width * height * channels */
    int32_t width;
    int32_t height;
    int32_t channels; /* 1 (gray) or 3 (red, green, blue) */
} consilia_pixels_t;

/* The format by the first bytes, and nothing else; reads at most 8 of them. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_image_detect(const void* data, size_t size, int32_t* out_format,
                                                       consilia_error_t** out_error);

/* Reads the header; what follows may be cut. Returns _OK or _VALIDATION (`image.unsupported_type`,
 * `image.damaged`, `image.too_complex`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_image_probe(const void* data, size_t size,
                                                      consilia_image_info_t* out_info,
                                                      consilia_error_t** out_error);

/* Walks every segment or chunk to the end, and finds what follows it; decodes nothing. `limits` may be NULL
 * here and below. Returns _OK or _VALIDATION (as probe; `image.too_many_pixels`, `image.trailing_data`).
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_image_check_structure(const void* data, size_t size,
                                                                const consilia_image_limits_t* limits,
                                                                consilia_image_info_t* out_info,
                                                                consilia_error_t** out_error);

/* What lets a file in: as consilia_image_check_structure(), and decodes to the end without keeping a pixel.
 * Memory does not grow with the image, but for a JPEG of several scans: two bytes a sample, within the
 * limits.
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_image_verify(const void* data, size_t size,
                                                       const consilia_image_limits_t* limits,
                                                       consilia_image_info_t* out_info,
                                                       consilia_error_t** out_error);

/* Decodes to 8 bits, gray or red, green, blue, as consilia_pixels_t has them; `out_info` tells the size.
 * Returns _OK or _VALIDATION. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_image_decode(const void* data, size_t size,
                                                       const consilia_image_limits_t* limits,
                                                       consilia_image_info_t* out_info,
                                                       consilia_buffer_t* out_pixels,
                                                       consilia_error_t** out_error);

/* The same image without metadata, bit for bit: places, names, times, comments, profiles, second pictures and
 * whatever else is not needed to show it are gone; the orientation stays. Returns _OK or _VALIDATION (as
 * check_structure). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_image_strip_metadata(const void* data, size_t size,
                                                               const consilia_image_limits_t* limits,
                                                               consilia_buffer_t* out_bytes,
                                                               consilia_error_t** out_error);

/* A file of the same pixels and of nothing else, as CONSILIA_IMAGE_JPEG (quality 90) or CONSILIA_IMAGE_PNG.
 * Returns _OK, _VALIDATION (as decode) or _INVALID_ARGUMENT. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_image_reencode(const void* data, size_t size, int32_t format,
                                                         const consilia_image_limits_t* limits,
                                                         consilia_buffer_t* out_bytes,
                                                         consilia_error_t** out_error);

/* An 8-bit PNG without metadata. Returns _OK or _INVALID_ARGUMENT (`image.shape`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_image_encode_png(const consilia_pixels_t* pixels,
                                                           consilia_buffer_t* out_bytes,
                                                           consilia_error_t** out_error);

/* A baseline JPEG without metadata, colour at full resolution. `quality`: 1 to 100; 0: 90. Returns _OK or
 * _INVALID_ARGUMENT (`image.shape`, `image.quality`). @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_image_encode_jpeg(const consilia_pixels_t* pixels, int32_t quality,
                                                            consilia_buffer_t* out_bytes,
                                                            consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
