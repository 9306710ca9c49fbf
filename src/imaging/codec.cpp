#include "consilia/imaging/codec.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "consilia/core/error.hpp"
#include "consilia/imaging/dicom.hpp"
#include "imaging/jpeg_codec.hpp"
#include "imaging/png_codec.hpp"
#include "imaging/structure.hpp"

namespace consilia::imaging {
namespace {

core::Value number(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

Structure walk(Bytes bytes, Walk how, std::uint32_t max_segments) {
    const std::optional<ImageFormat> format = detect_format(bytes);
    if (!format) {
        throw core::ValidationError("image.unsupported_type", "the content is neither JPEG, PNG nor DICOM");
    }
    return *format == ImageFormat::Jpeg ? walk_jpeg(bytes, how, max_segments)
                                        : walk_png(bytes, how, max_segments);
}

/// Most that decoding holds at once, besides rows: see `decode_jpeg` and `decode_png`.
std::uint64_t memory_bytes(const Structure& found) {
    const ImageInfo& info = found.info;
    const auto channels = static_cast<std::uint64_t>(info.channels);
    if (info.format == ImageFormat::Png)
        return info.pixels() * (info.has_alpha ? 4 : channels == 1 && info.bit_depth == 16 ? 2 : channels);
    const std::uint64_t pixels = info.pixels() * channels;
    const std::uint64_t coefficients = info.interlaced || info.scans > 1 ? found.coefficient_bytes : 0;
    const std::uint64_t turned = info.orientation > 1 ? pixels : 0;
    return pixels + std::max(coefficients, turned);  // the coefficients are gone when the image is turned
}

/// The walk, held against the limits first and then against its own findings.
Structure walk_to_end(Bytes bytes, Walk how, const DecodeLimits& limits) {
    const Structure found = walk(bytes, how, limits.max_segments);
    check_limits(found.info, memory_bytes(found), limits);
    if (!found.damage.empty()) throw_damaged(found.damage, found.damage_offset);
    return found;
}

bool is_dicom(Bytes bytes) {
    return detect_format(bytes) == ImageFormat::Dicom;
}

}  // namespace

void check_limits(const ImageInfo& info, std::uint64_t memory_bytes, const DecodeLimits& limits) {
    if (info.pixels() > limits.max_pixels || info.width > limits.max_width ||
        info.height > limits.max_height) {
        throw core::ValidationError("image.too_many_pixels",
                                    "the image has " + std::to_string(info.width) + " × " +
                                        std::to_string(info.height) + " pixels, " +
                                        std::to_string(limits.max_pixels) + " are allowed",
                                    {{"limit", number(limits.max_pixels)},
                                     {"found", number(info.pixels())},
                                     {"width", number(info.width)},
                                     {"height", number(info.height)},
                                     {"max_width", number(limits.max_width)},
                                     {"max_height", number(limits.max_height)}});
    }
    const auto at_most = [](std::string_view what, std::uint64_t limit, std::uint64_t needed) {
        if (needed > limit) throw_too_complex(what, limit, needed);
    };
    at_most("scans", limits.max_scans, info.scans);
    // One scan is what every image costs; the product bounds what a progressive one adds.
    if (info.scans > 1) at_most("scan_pixels", limits.max_scan_pixels, info.scans * info.pixels());
    at_most("memory_bytes", limits.max_memory_bytes, memory_bytes);
}

std::string_view to_string(ImageFormat format) noexcept {
    return format == ImageFormat::Jpeg ? "jpeg" : format == ImageFormat::Png ? "png" : "dicom";
}

std::string_view media_type(ImageFormat format) noexcept {
    return format == ImageFormat::Jpeg  ? "image/jpeg"
           : format == ImageFormat::Png ? "image/png"
                                        : "application/dicom";
}

std::string_view file_extension(ImageFormat format) noexcept {
    return format == ImageFormat::Jpeg ? ".jpg" : format == ImageFormat::Png ? ".png" : ".dcm";
}

void throw_damaged(std::string_view reason, std::size_t offset) {
    throw core::ValidationError("image.damaged", "the file is damaged: " + std::string(reason),
                                {{"reason", reason}, {"offset", number(offset)}});
}

void throw_unsupported(std::string_view reason) {
    throw core::ValidationError("image.unsupported_type", std::string(reason) + " is not supported",
                                {{"reason", reason}});
}

void throw_too_complex(std::string_view what, std::uint64_t limit, std::uint64_t found) {
    throw core::ValidationError(
        "image.too_complex", "the image needs more than " + std::to_string(limit) + " " + std::string(what),
        {{"what", what}, {"limit", number(limit)}, {"found", number(found)}});
}

std::optional<ImageFormat> detect_format(Bytes bytes) noexcept {
    static constexpr std::array<unsigned char, 3> kJpeg = {0xFF, 0xD8, 0xFF};
    static constexpr std::array<unsigned char, 8> kPng = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    const auto starts_with = [bytes](const auto& magic) {
        return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
    };
    if (starts_with(kJpeg)) return ImageFormat::Jpeg;
    if (starts_with(kPng)) return ImageFormat::Png;
    // PS3.10, 7.1: 128 bytes that may be anything come first.
    constexpr std::size_t kDicomAt = 128;
    if (bytes.size() >= kDicomAt + 4 && std::memcmp(bytes.data() + kDicomAt, "DICM", 4) == 0) {
        return ImageFormat::Dicom;
    }
    return std::nullopt;
}

ImageInfo probe(Bytes bytes) {
    if (is_dicom(bytes)) return probe_dicom(bytes);
    return walk(bytes, Walk::Header, DecodeLimits{}.max_segments).info;
}

ImageInfo check_structure(Bytes bytes, const DecodeLimits& limits) {
    if (is_dicom(bytes)) return check_dicom(bytes, limits);
    const Structure found = walk_to_end(bytes, Walk::Whole, limits);
    if (found.end != bytes.size()) {
        throw core::ValidationError(
            "image.trailing_data", "something follows the end of the image",
            {{"offset", number(found.end)}, {"found", number(bytes.size() - found.end)}});
    }
    return found.info;
}

ImageInfo verify(Bytes bytes, const DecodeLimits& limits) {
    const ImageInfo info = check_structure(bytes, limits);
    if (info.format == ImageFormat::Dicom) {
        (void)decode_dicom(bytes, {.limits = limits});
    } else if (info.format == ImageFormat::Png) {
        verify_png(bytes);
    } else {
        verify_jpeg(bytes, info, limits);
    }
    return info;
}

Image decode(Bytes bytes, const DecodeLimits& limits) {
    if (is_dicom(bytes)) return decode_dicom(bytes, {.limits = limits});
    const ImageInfo info = walk_to_end(bytes, Walk::Container, limits).info;
    if (info.format == ImageFormat::Png) return decode_png(bytes, info);
    return apply_orientation(decode_jpeg(bytes, info, limits), info.orientation);
}

std::vector<std::byte> reencode(Bytes bytes, ImageFormat format, const DecodeLimits& limits) {
    if (format == ImageFormat::Dicom) {
        throw core::InvalidArgument("image.format", "an image is encoded as JPEG or PNG",
                                    {{"field", "format"}});
    }
    const Image image = decode(bytes, limits);
    return format == ImageFormat::Jpeg ? encode_jpeg(image) : encode_png(image);
}

}  // namespace consilia::imaging
