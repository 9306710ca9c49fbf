#pragma once
// The image of a DICOM file: what its header says of the pixels, and one frame as it was stored.
#include "imaging/dicom_file.hpp"

namespace consilia::imaging::dicom {

enum class Photometric : std::uint8_t { Monochrome1, Monochrome2, Rgb, YbrFull, YbrFull422 };

/// The Image Pixel module (PS3.3, C.7.6.3), checked.
struct PixelHeader {
    std::uint16_t columns = 0;
    std::uint16_t rows = 0;
    std::uint16_t samples = 1;         ///< 1 or 3.
    std::uint16_t bits_allocated = 8;  ///< 8 or 16.
    std::uint16_t bits_stored = 8;
    bool is_signed = false;
    bool is_planar = false;  ///< Native colour: planes, one after the other.
    Photometric photometric = Photometric::Monochrome2;
    std::uint32_t frames = 1;

    [[nodiscard]] std::size_t pixels() const noexcept { return std::size_t{columns} * rows; }
    [[nodiscard]] bool is_gray() const noexcept { return samples == 1; }
};

/// One frame: samples interleaved, masked to the bits stored; of a signed image in two's complement of these
/// bits. `photometric` is `Rgb` where decompression has converted the colours.
struct Frame {
    PixelHeader header{};
    std::vector<std::uint16_t> samples{};
};

/// @throws ValidationError: `image.damaged` for what is missing or does not agree, `image.unsupported_type`
///         for what is not decoded.
PixelHeader read_pixel_header(const File& file);

/// Holds the pixel data to the header, every frame of them, without decoding: their length, the fragments,
/// the headers of compressed streams.
void check_pixel_data(const File& file, const PixelHeader& header, const DecodeLimits& limits);

/// @throws as `check_pixel_data`; Unavailable (`image.dicom_unavailable`).
Frame read_frame(const File& file, const PixelHeader& header, std::uint32_t index,
                 const DecodeLimits& limits);

/// An attribute of one unsigned 16-bit number; empty if it is absent or empty.
/// @throws ValidationError (`image.damaged`) for another length.
std::optional<std::uint16_t> number_16(const Elements& elements, std::uint32_t tag, bool is_big_endian);

}  // namespace consilia::imaging::dicom
