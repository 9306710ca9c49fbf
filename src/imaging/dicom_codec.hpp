#pragma once
// The codec of compressed DICOM frames, loaded when the first of them is decoded.
#include <span>

#include "imaging/dicom_codec_table.h"

namespace consilia::imaging::dicom {

/// The loaded table; it is never unloaded. Threading: safe.
/// @throws Unavailable (`image.dicom_unavailable`) if it or its libraries are not installed.
const consilia_dicom_codec_t& load_codec();

/// Decodes a frame into `samples`, whose size is the frame's.
/// @throws ValidationError (`image.damaged`); Unavailable; std::bad_alloc.
void decode_with_codec(const consilia_dicom_frame_t& frame, std::span<std::byte> samples);

}  // namespace consilia::imaging::dicom
