#pragma once
// JPEG, PNG and DICOM: what a file says that it is, whether it is whole and decodes, its pixels, and files of
// pixels.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/imaging/image.hpp"

namespace consilia::imaging {

/// The formats that are decoded.
enum class ImageFormat : std::uint8_t { Jpeg, Png, Dicom };

/// `jpeg`, `png`, `dicom`.
CONSILIA_API std::string_view to_string(ImageFormat format) noexcept;
/// `image/jpeg`, `image/png`, `application/dicom`.
CONSILIA_API std::string_view media_type(ImageFormat format) noexcept;
/// The usual one of a file's name: `.jpg`, `.png`, `.dcm`.
CONSILIA_API std::string_view file_extension(ImageFormat format) noexcept;

/// What the header of a file says, read without decoding a pixel.
struct ImageInfo {
    ImageFormat format = ImageFormat::Png;
    std::uint32_t width = 0;   ///< Of the decoded image: with `orientation` applied.
    std::uint32_t height = 0;  ///< Of the decoded image: with `orientation` applied.
    int channels = 1;          ///< Of the decoded image: 1 (gray) or 3. Alpha is blended away.
    int bit_depth = 8;         ///< As stored: 8 in JPEG; 1, 2, 4, 8 or 16 in PNG.
    bool has_alpha = false;    ///< PNG: an alpha channel or a transparent colour.
    bool interlaced = false;   ///< Progressive JPEG or Adam7 PNG.
    int orientation = 1;       ///< EXIF orientation of a JPEG, 1 to 8; 1 if absent or nonsense.
    std::uint32_t scans = 1;   ///< JPEG: number of scans found; a PNG has 1.

    [[nodiscard]] std::uint64_t pixels() const noexcept { return std::uint64_t{width} * height; }
};

/// What a file may ask for. Checked against its header before anything is allocated or decoded.
struct DecodeLimits {
    std::uint64_t max_pixels = 64'000'000;  ///< 8000 × 8000; large radiography detectors have 17 million.
    std::uint32_t max_width = 20'000;
    std::uint32_t max_height = 20'000;
    /// Image, codec and conversion together, as estimated from the header.
    std::uint64_t max_memory_bytes = 768ULL << 20;
    std::uint32_t max_scans = 64;  ///< Of a JPEG; encoders write up to about 12, an attack thousands.
    /// Scans × pixels: bounds the time that a progressive JPEG takes, however small the file; 12 scans of 40
    /// million pixels pass.
    std::uint64_t max_scan_pixels = 500'000'000;
    std::uint32_t max_segments = 16'384;  ///< JPEG segments, PNG chunks, DICOM elements and items.
};

/// The format by the first bytes, and nothing else. Reads at most 132 of them.
CONSILIA_API std::optional<ImageFormat> detect_format(std::span<const std::byte> bytes) noexcept;

/// Reads the header: format, size, depth; of a JPEG also the number of scans, as far as the file goes.
/// A file that is cut after its header can still be probed: `check_structure` and `decode` find such damage.
/// @throws ValidationError: `image.unsupported_type` if it is not a JPEG or PNG, or of a kind that is not
///         decoded (12-bit, lossless, arithmetic or four-channel JPEG); `image.damaged` if the header is;
///         `image.too_complex` past the default number of segments.
CONSILIA_API ImageInfo probe(std::span<const std::byte> bytes);

/// Walks the container to its end: every marker of a JPEG to EOI, every chunk of a PNG with its CRC to IEND,
/// every element of a DICOM file to its pixels, and nothing after it. What hides behind an image (a ZIP, a
/// page, a program) is found here; pixels are not decoded.
/// @throws ValidationError: as `probe`; `image.too_many_pixels` and `image.too_complex` with `limit` and
///         `found` in the details; `image.damaged`, `image.trailing_data` with `offset`;
///         `image.foreign_preamble` for a DICOM file whose first 128 bytes are not zero.
CONSILIA_API ImageInfo check_structure(std::span<const std::byte> bytes, const DecodeLimits& limits = {});

/// What lets a file in: `check_structure`, and decoding to the end without keeping a pixel.
///
/// Accepts what `check_structure` and `decode` both accept, with one exception: the compressed data of a PNG
/// has to end with its last pixel and its own checksum, where decoding alone stops looking.
/// Memory does not grow with a baseline JPEG of one scan (a row of blocks) or with a PNG, interlaced or not
/// (64 KiB, and text as it inflates: 16 MiB, twice that while it grows). A JPEG of several scans takes its
/// coefficients: two bytes a sample, counted in `max_memory_bytes` before they are taken. Quicker than
/// decoding. A DICOM file is decoded whole.
/// @throws ValidationError: as `check_structure` and `decode`; of a JPEG `image.damaged` has `scan` and
///         `offset` in its details. @since 0.2
CONSILIA_API ImageInfo verify(std::span<const std::byte> bytes, const DecodeLimits& limits = {});

/// Decodes to 8-bit gray or RGB. The EXIF orientation of a JPEG is applied, transparency is blended over
/// black, 16-bit samples keep their high byte, embedded gamma and colour profiles are ignored. Anything that
/// the codec would only warn of is damage; what follows the end marker is not looked at. The same bytes give
/// the same pixels.
/// @throws ValidationError: as `probe`; `image.too_many_pixels`, `image.too_complex`, `image.damaged`.
CONSILIA_API Image decode(std::span<const std::byte> bytes, const DecodeLimits& limits = {});

/// An 8-bit PNG of a gray or RGB image, without metadata.
/// @throws InvalidArgument (`image.shape`) if size, channels and pixels do not agree.
CONSILIA_API std::vector<std::byte> encode_png(const Image& image);

/// Of a JPEG that is written without being asked for another.
constexpr int kJpegQuality = 90;

/// A baseline JPEG of a gray or RGB image, without metadata: optimised Huffman codes, colour at full
/// resolution. The same pixels give the same bytes with the same libjpeg.
/// @param quality 1 to 100.
/// @throws InvalidArgument (`image.shape`, also for more than 65,500 pixels a side; `image.quality`).
///         @since 0.2
CONSILIA_API std::vector<std::byte> encode_jpeg(const Image& image, int quality = kJpegQuality);

/// A file of the same pixels and of nothing else: decodes and encodes again, so that no byte of `bytes`
/// survives. The orientation is applied, transparency is blended away, 16-bit samples keep their high byte.
/// JPEG is written with quality 90 and loses detail; PNG loses nothing more. For what is served to others.
/// @throws ValidationError as `decode`; InvalidArgument as the encoders. @since 0.2
CONSILIA_API std::vector<std::byte> reencode(std::span<const std::byte> bytes, ImageFormat format,
                                             const DecodeLimits& limits = {});

}  // namespace consilia::imaging
