#ifndef CONSILIA_C_FILE_TYPE_H
#define CONSILIA_C_FILE_TYPE_H
/* What a file is, by its first bytes: never by the name or the header that a client sent. Every function may
 * be called from any thread. */
#include "consilia/c/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a file is. The numbers never change; more may be added. */
enum {
    CONSILIA_FILE_UNKNOWN = 0,
    /* Images */
    CONSILIA_FILE_JPEG = 1,
    CONSILIA_FILE_PNG = 2,
    CONSILIA_FILE_GIF = 3,
    CONSILIA_FILE_BMP = 4,
    CONSILIA_FILE_TIFF = 5,
    CONSILIA_FILE_WEBP = 6,
    CONSILIA_FILE_HEIC = 7,
    CONSILIA_FILE_AVIF = 8,
    CONSILIA_FILE_JP2 = 9,
    CONSILIA_FILE_JXL = 10,
    CONSILIA_FILE_ICO = 11,
    CONSILIA_FILE_PSD = 12,
    CONSILIA_FILE_DICOM = 13,
    CONSILIA_FILE_NIFTI = 14,
    /* Documents */
    CONSILIA_FILE_PDF = 15,
    CONSILIA_FILE_POSTSCRIPT = 16,
    CONSILIA_FILE_RTF = 17,
    CONSILIA_FILE_OLE2 = 18,
    /* Archives */
    CONSILIA_FILE_ZIP = 19,
    CONSILIA_FILE_GZIP = 20,
    CONSILIA_FILE_BZIP2 = 21,
    CONSILIA_FILE_XZ = 22,
    CONSILIA_FILE_ZSTD = 23,
    CONSILIA_FILE_LZ4 = 24,
    CONSILIA_FILE_7Z = 25,
    CONSILIA_FILE_RAR = 26,
    CONSILIA_FILE_TAR = 27,
    CONSILIA_FILE_CAB = 28,
    CONSILIA_FILE_ISO9660 = 29,
    CONSILIA_FILE_AR = 30,
    CONSILIA_FILE_ZLIB = 31,
    /* Programs */
    CONSILIA_FILE_ELF = 32,
    CONSILIA_FILE_PE = 33,
    CONSILIA_FILE_MACHO = 34,
    CONSILIA_FILE_WASM = 35,
    CONSILIA_FILE_JAVACLASS = 36,
    CONSILIA_FILE_DEX = 37,
    CONSILIA_FILE_SCRIPT = 38,
    CONSILIA_FILE_LNK = 39,
    /* Sound and video */
    CONSILIA_FILE_MP4 = 40,
    CONSILIA_FILE_WEBM = 41,
    CONSILIA_FILE_AVI = 42,
    CONSILIA_FILE_FLV = 43,
    CONSILIA_FILE_MPEG_TS = 44,
    CONSILIA_FILE_MP3 = 45,
    CONSILIA_FILE_OGG = 46,
    CONSILIA_FILE_WAV = 47,
    CONSILIA_FILE_FLAC = 48,
    CONSILIA_FILE_MIDI = 49,
    CONSILIA_FILE_AAC = 50,
    /* Data and fonts */
    CONSILIA_FILE_SQLITE = 51,
    CONSILIA_FILE_HDF5 = 52,
    CONSILIA_FILE_PARQUET = 53,
    CONSILIA_FILE_NPY = 54,
    CONSILIA_FILE_WOFF = 55,
    CONSILIA_FILE_WOFF2 = 56,
    CONSILIA_FILE_TTF = 57,
    CONSILIA_FILE_OTF = 58,
    CONSILIA_FILE_EOT = 59,
    /* Text, by what it begins with; Text and Csv are UTF-8 without control characters */
    CONSILIA_FILE_HTML = 60,
    CONSILIA_FILE_SVG = 61,
    CONSILIA_FILE_XML = 62,
    CONSILIA_FILE_PHP = 63,
    CONSILIA_FILE_JSON = 64,
    CONSILIA_FILE_TEXT = 65,
    CONSILIA_FILE_CSV = 66
};

/* The type by signature; 32,774 bytes are enough. A container is named as such: an office document is a ZIP.
 * @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_file_detect(const void* data, size_t size, int32_t* out_type,
                                                      consilia_error_t** out_error);
/* `jpeg`, `7z`; `unknown` for a number that is none. Static, as are the two below. */
CONSILIA_C_API consilia_str_t consilia_file_type_name(int32_t type);
/* `image/jpeg`; `application/octet-stream` where nothing is known. */
CONSILIA_C_API consilia_str_t consilia_file_type_media_type(int32_t type);
/* With the dot, the usual one at index 0; empty past the last. */
CONSILIA_C_API consilia_str_t consilia_file_type_extension(int32_t type, size_t index);
/* 1: files of this type can be received, because they are checked to their last byte. */
CONSILIA_C_API int32_t consilia_file_type_is_receivable(int32_t type);
/* The type of a name; CONSILIA_FILE_UNKNOWN for another. @since 0.2 */
CONSILIA_C_API consilia_status_t consilia_file_type_of(consilia_str_t name, int32_t* out_type,
                                                       consilia_error_t** out_error);

#ifdef __cplusplus
}
#endif
#endif
