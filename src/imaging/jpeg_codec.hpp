#pragma once
// Decoding with libjpeg-turbo.
#include "imaging/structure.hpp"

namespace consilia::imaging {

/// The pixels as stored: without the orientation. `info` is of these bytes and within the limits.
/// @throws ValidationError (`image.damaged`).
Image decode_jpeg(Bytes bytes, const ImageInfo& info, const DecodeLimits& limits);

/// Turns and mirrors as EXIF orientation 2 to 8 says; 1 changes nothing.
Image apply_orientation(Image image, int orientation);

}  // namespace consilia::imaging
