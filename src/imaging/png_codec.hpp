#pragma once
// Decoding with libspng, and judging with libspng and zlib.
#include <cstddef>
#include <memory>

#include "imaging/structure.hpp"

struct spng_ctx;

namespace consilia::imaging {

/// Bounds text, profile and EXIF chunks after inflation; real ones stay below 4 MiB.
constexpr std::size_t kMaxAncillaryBytes = 16ULL << 20;

struct PngContextDeleter {
    void operator()(spng_ctx* context) const noexcept;
};
using PngContext = std::unique_ptr<spng_ctx, PngContextDeleter>;

PngContext make_png_context(int flags);

/// Of a call of spng while decoding. @throws ValidationError (`image.damaged`), std::bad_alloc.
void check_png(int status);

/// `info` is of these bytes and within the limits.
/// @throws ValidationError (`image.damaged`).
Image decode_png(Bytes bytes, const ImageInfo& info);

/// Inflates every row and keeps none: filters, which cannot fail, are not undone. `bytes` were walked whole.
/// Memory: 64 KiB, zlib's own window, and text as it inflates, `kMaxAncillaryBytes`
/// and twice that while it grows.
/// @throws ValidationError: `image.damaged` where `decode_png` does, and where the compressed data has a
///         wrong checksum or no end; `image.trailing_data` where it goes on after the pixels.
void verify_png(Bytes bytes);

}  // namespace consilia::imaging
