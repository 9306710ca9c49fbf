#pragma once
// A DICOM file (PS3.10): preamble, file meta information, transfer syntax, data set.
#include "imaging/dicom_dataset.hpp"

namespace consilia::imaging::dicom {

/// What the bytes of pixel data are.
enum class PixelCoding : std::uint8_t {
    Native,
    Rle,
    Jpeg,          ///< Baseline or extended, sequential.
    JpegLossless,  ///< Processes 14.
    JpegLs,
    Unsupported,
};

/// A transfer syntax (PS3.6, table A-1).
struct TransferSyntax {
    std::string_view uid;
    std::string_view name;
    Encoding encoding{};
    PixelCoding coding = PixelCoding::Native;
    bool is_deflated = false;
};

/// Everything but `Native` is in fragments.
inline bool is_encapsulated(const TransferSyntax& syntax) noexcept {
    return syntax.coding != PixelCoding::Native;
}

/// One file, read. Movable: the views point into the caller's bytes or into `inflated`, which stay.
struct File {
    bool has_clear_preamble = true;
    TransferSyntax syntax{};
    Elements meta{};
    Elements elements{};
    std::vector<std::byte> inflated{};  ///< The data set of a deflated file.
};

inline constexpr std::size_t kPreambleBytes = 128;

/// Reads a file to its end, or, for a probe, to pixel data that are cut.
/// @throws ValidationError: `image.unsupported_type` for a transfer syntax that is not known,
///         `image.damaged`, `image.too_complex`, `image.trailing_data`.
File read_file(Bytes bytes, const DecodeLimits& limits, bool stops_at_pixels = false);

/// Raw deflate, as PS3.5, A.5 wants it, without a header.
std::vector<std::byte> deflated(Bytes bytes);

}  // namespace consilia::imaging::dicom
