#pragma once
// Decoding with libjpeg-turbo.
#include "imaging/structure.hpp"

namespace consilia::imaging {

/// The pixels as stored: without the orientation. `info` is of these bytes and within the limits.
/// @throws ValidationError (`image.damaged`).
Image decode_jpeg(Bytes bytes, const ImageInfo& info, const DecodeLimits& limits);

/// Decodes every coefficient of every scan, and keeps nothing: the inverse transform, which cannot fail, is
/// done for one pixel of each block. Memory: a row of blocks; for several scans all coefficients.
/// @throws ValidationError (`image.damaged`) exactly where `decode_jpeg` does.
void verify_jpeg(Bytes bytes, const ImageInfo& info, const DecodeLimits& limits);

/// Turns and mirrors as EXIF orientation 2 to 8 says; 1 changes nothing.
Image apply_orientation(Image image, int orientation);

}  // namespace consilia::imaging
