#pragma once
// What is inside compressed pixel data: RLE, read here, and JPEG streams, only looked at.
#include "imaging/dicom_file.hpp"

namespace consilia::imaging::dicom {

/// Says of one frame of pixel data what its own header says.
struct JpegHeader {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint32_t components = 0;
    std::uint32_t precision = 0;
};

/// Walks one JPEG or JPEG-LS stream to its end marker: a process that belongs to the coding, one frame
/// header, and nothing but zeros after the end.
/// @throws ValidationError: `image.damaged`, `image.unsupported_type`, `image.too_complex`,
///         `image.trailing_data`.
JpegHeader walk_jpeg_stream(Bytes bytes, PixelCoding coding, const DecodeLimits& limits);

/// What a frame in RLE has to become.
struct RleShape {
    std::size_t pixels = 0;
    std::uint32_t samples = 1;
    std::uint32_t bytes_per_sample = 1;
};

/// Decodes a frame (PS3.5, annex G) to interleaved samples; each segment gives exactly its plane.
/// @throws ValidationError (`image.damaged`).
std::vector<std::uint16_t> decode_rle(Bytes bytes, const RleShape& shape);

/// The frames of encapsulated pixel data, as fragments that belong together.
class Fragments {
public:
    /// @throws ValidationError: `image.damaged` for an offset table that leads nowhere;
    ///         `image.unsupported_type` if frames cannot be told apart.
    Fragments(const Element& pixel_data, std::uint32_t frames, bool is_big_endian);

    /// The bytes of a frame; `joined` keeps them where they come from several fragments.
    [[nodiscard]] Bytes frame(std::uint32_t index, std::vector<std::byte>& joined) const;

private:
    std::vector<Bytes> fragments_;
    std::vector<std::size_t> first_;  // of each frame, and one past the last
};

}  // namespace consilia::imaging::dicom
