#ifndef CONSILIA_IMAGING_DICOM_CODEC_TABLE_H
#define CONSILIA_IMAGING_DICOM_CODEC_TABLE_H
/* The table that the DICOM codec fills: a shared object that exports one function,
 * consilia_dicom_codec_entry(). It is built with the library, and no part of the C ABI.
 *
 * It sees one compressed frame at a time, whose stream was walked and whose sizes were compared before; it
 * never sees a file. No exception crosses; threads may call at once. */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONSILIA_DICOM_CODEC_API_VERSION 1
#define CONSILIA_DICOM_CODEC_ENTRY "consilia_dicom_codec_entry"

enum { CONSILIA_DICOM_CODEC_JPEG = 0, CONSILIA_DICOM_CODEC_JPEG_LS = 1 };

/* What a call came to. */
enum {
    CONSILIA_DICOM_CODEC_OK = 0,
    CONSILIA_DICOM_CODEC_DAMAGED = 1,
    CONSILIA_DICOM_CODEC_OUT_OF_MEMORY = 2
};

/* One compressed frame, borrowed for the call. */
typedef struct consilia_dicom_frame {
    const void* data;
    size_t size;
    int32_t coding;    /* CONSILIA_DICOM_CODEC_* */
    int32_t precision; /* bits a sample, 2 to 16, as the stream says */
    uint16_t columns;
    uint16_t rows;
    uint16_t samples;      /* 1 or 3 */
    uint16_t converts_ybr; /* 1: YCbCr becomes RGB; of JPEG only */
} consilia_dicom_frame_t;

typedef struct consilia_dicom_codec {
    size_t struct_size;
    uint32_t api_version;
    uint32_t reserved;   /* zero */
    const char* version; /* of the runtime: "DCMTK 3.6.7" */

    /* Writes `rows * columns * samples` samples, interleaved: bytes where the precision is at most 8, else
     * 16-bit words of this machine. `size` is that of `samples` in bytes. What a decoder only warns of is
     * damage. `error` gets one line, cut and terminated. */
    int (*decode)(const consilia_dicom_frame_t* frame, void* samples, size_t size, char* error,
                  size_t error_size);
} consilia_dicom_codec_t;

/* Returns a table that lives as long as the process, or NULL for a version that it does not know. */
typedef const consilia_dicom_codec_t* (*consilia_dicom_codec_entry_fn)(uint32_t api_version);

#ifdef __cplusplus
}
#endif
#endif
