#pragma once
// Decoding and encoding with libspng.
#include "imaging/structure.hpp"

namespace consilia::imaging {

/// `info` is of these bytes and within the limits.
/// @throws ValidationError (`image.damaged`).
Image decode_png(Bytes bytes, const ImageInfo& info);

}  // namespace consilia::imaging
