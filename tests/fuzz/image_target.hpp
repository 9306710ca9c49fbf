#pragma once
// What is true of every JPEG and every PNG, whatever its bytes.
#include <optional>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/imaging/metadata.hpp"
#include "fuzz/target.hpp"

namespace consilia::fuzz {

/// Small, so that a run takes microseconds; every limit is still met by some input.
inline imaging::DecodeLimits small_limits() {
    imaging::DecodeLimits limits;
    limits.max_pixels = 1 << 16;
    limits.max_width = limits.max_height = 4096;
    limits.max_memory_bytes = 8 << 20;
    limits.max_scans = 16;
    limits.max_scan_pixels = 1 << 19;
    limits.max_segments = 64;
    return limits;
}

/// What is kept of a file is the same image, and nothing more goes when it is stripped again.
inline void check_stripped(std::span<const std::byte> bytes, const imaging::Image& image) {
    const imaging::DecodeLimits limits = small_limits();
    const std::vector<std::byte> stripped = imaging::strip_metadata(bytes, limits);
    holds(stripped.size() <= bytes.size() + 32, "stripping adds nothing");
    (void)imaging::verify(stripped, limits);
    holds(imaging::decode(stripped, limits).pixels == image.pixels, "stripping changes no pixel");
    holds(imaging::strip_metadata(stripped, limits) == stripped, "stripping twice changes nothing more");
}

inline void check_image(std::span<const std::byte> bytes, imaging::ImageFormat format) {
    using core::ValidationError;
    const auto detected = imaging::detect_format(bytes);
    std::optional<imaging::ImageInfo> probed;
    imaging::ImageInfo walked{};
    imaging::Image image;
    const imaging::DecodeLimits limits = small_limits();
    tolerate<ValidationError>("image.", [&] { probed = imaging::probe(bytes); });
    const bool is_whole =
        tolerate<ValidationError>("image.", [&] { walked = imaging::check_structure(bytes, limits); });
    const bool is_decoded =
        tolerate<ValidationError>("image.", [&] { image = imaging::decode(bytes, limits); });
    if (detected != format) {
        holds(detected.has_value() || !probed, "what has no format is not probed");
        return;
    }
    const bool is_verified =
        tolerate<ValidationError>("image.", [&] { (void)imaging::verify(bytes, limits); });
    if (is_whole) holds(probed && probed->pixels() == walked.pixels(), "what is whole can be probed");
    holds(!is_verified || (is_whole && is_decoded), "what is verified is whole and decodes");
    if (!is_decoded) return;
    holds(probed.has_value(), "what decodes can be probed");
    holds(image.pixels.size() == static_cast<std::size_t>(image.width) *
                                     static_cast<std::size_t>(image.height) *
                                     static_cast<std::size_t>(image.channels),
          "an image has all of its pixels");
    holds(probed->width == static_cast<std::uint32_t>(image.width) &&
              probed->height == static_cast<std::uint32_t>(image.height) &&
              probed->channels == image.channels,
          "an image has the size that its header says");
    holds(imaging::decode(bytes, limits).pixels == image.pixels, "the same bytes give the same pixels");
    if (is_verified) check_stripped(bytes, image);
}

}  // namespace consilia::fuzz
