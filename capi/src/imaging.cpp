#include "consilia/c/imaging.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "consilia/imaging/codec.hpp"
#include "consilia/imaging/metadata.hpp"
#include "guard.hpp"
#include "imaging.hpp"

namespace core = consilia::core;
namespace imaging = consilia::imaging;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::limits_of;
using consilia::capi::require;
using consilia::capi::to_buffer;

static_assert(sizeof(consilia_image_limits_t) == 48);
static_assert(offsetof(consilia_image_limits_t, max_width) == 32);
static_assert(sizeof(consilia_image_info_t) == 36);
static_assert(sizeof(consilia_pixels_t) == 32);
static_assert(offsetof(consilia_pixels_t, channels) == 24);

imaging::DecodeLimits consilia::capi::limits_of(const consilia_image_limits_t* options) {
    const consilia_image_limits_t given = copy_options(options);
    imaging::DecodeLimits limits;
    const auto set = [](auto& limit, auto value) {
        if (value != 0) limit = value;
    };
    set(limits.max_pixels, given.max_pixels);
    set(limits.max_memory_bytes, given.max_memory_bytes);
    set(limits.max_scan_pixels, given.max_scan_pixels);
    set(limits.max_width, given.max_width);
    set(limits.max_height, given.max_height);
    set(limits.max_scans, given.max_scans);
    set(limits.max_segments, given.max_segments);
    return limits;
}

namespace {

std::span<const std::byte> encoded(const void* data, size_t size) {
    return items(static_cast<const std::byte*>(data), size, "data");
}

/// The numbers of C: those of C++ and one, so that none is the zero of an empty struct.
std::int32_t number_of(imaging::ImageFormat format) {
    return static_cast<std::int32_t>(format) + 1;
}
static_assert(static_cast<int>(imaging::ImageFormat::Jpeg) + 1 == CONSILIA_IMAGE_JPEG);
static_assert(static_cast<int>(imaging::ImageFormat::Png) + 1 == CONSILIA_IMAGE_PNG);
static_assert(static_cast<int>(imaging::ImageFormat::Dicom) + 1 == CONSILIA_IMAGE_DICOM);

imaging::ImageFormat written_format(std::int32_t number) {
    if (number == CONSILIA_IMAGE_JPEG) return imaging::ImageFormat::Jpeg;
    if (number == CONSILIA_IMAGE_PNG) return imaging::ImageFormat::Png;
    throw core::InvalidArgument("image.format", "`format` is none that images are written in",
                                {{"field", "format"}, {"found", number}});
}

consilia_image_info_t info_of(const imaging::ImageInfo& info) {
    consilia_image_info_t out{};
    out.width = info.width;
    out.height = info.height;
    out.scans = info.scans;
    out.format = number_of(info.format);
    out.channels = info.channels;
    out.bit_depth = info.bit_depth;
    out.orientation = info.orientation;
    out.has_alpha = info.has_alpha ? 1 : 0;
    out.interlaced = info.interlaced ? 1 : 0;
    return out;
}

imaging::Image image_of(const consilia_pixels_t* given) {
    const consilia_pixels_t& pixels = require(given, "pixels");
    const std::span<const std::uint8_t> samples = items(pixels.data, pixels.size, "pixels.data");
    imaging::Image image;
    image.width = pixels.width;
    image.height = pixels.height;
    image.channels = pixels.channels;
    image.pixels.assign(samples.begin(), samples.end());
    return image;
}

template <class T>
consilia_buffer_t buffer_of(const std::vector<T>& bytes) {
    return to_buffer({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

extern "C" {

consilia_status_t consilia_image_detect(const void* data, size_t size, int32_t* out_format,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int32_t& out = cleared(out_format, "out_format");
        const std::optional<imaging::ImageFormat> format = imaging::detect_format(encoded(data, size));
        out = format ? number_of(*format) : CONSILIA_IMAGE_NONE;
    });
}

consilia_status_t consilia_image_probe(const void* data, size_t size, consilia_image_info_t* out_info,
                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_image_info_t& out = cleared(out_info, "out_info");
        out = info_of(imaging::probe(encoded(data, size)));
    });
}

consilia_status_t consilia_image_check_structure(const void* data, size_t size,
                                                 const consilia_image_limits_t* limits,
                                                 consilia_image_info_t* out_info,
                                                 consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_image_info_t& out = cleared(out_info, "out_info");
        out = info_of(imaging::check_structure(encoded(data, size), limits_of(limits)));
    });
}

consilia_status_t consilia_image_verify(const void* data, size_t size, const consilia_image_limits_t* limits,
                                        consilia_image_info_t* out_info, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_image_info_t& out = cleared(out_info, "out_info");
        out = info_of(imaging::verify(encoded(data, size), limits_of(limits)));
    });
}

consilia_status_t consilia_image_decode(const void* data, size_t size, const consilia_image_limits_t* limits,
                                        consilia_image_info_t* out_info, consilia_buffer_t* out_pixels,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_image_info_t& out = cleared(out_info, "out_info");
        consilia_buffer_t& pixels = cleared(out_pixels, "out_pixels");
        const auto bytes = encoded(data, size);
        const imaging::Image image = imaging::decode(bytes, limits_of(limits));
        const consilia_image_info_t info = info_of(imaging::probe(bytes));
        pixels = buffer_of(image.pixels);
        out = info;
    });
}

consilia_status_t consilia_image_strip_metadata(const void* data, size_t size,
                                                const consilia_image_limits_t* limits,
                                                consilia_buffer_t* out_bytes, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_bytes, "out_bytes");
        out = buffer_of(imaging::strip_metadata(encoded(data, size), limits_of(limits)));
    });
}

consilia_status_t consilia_image_reencode(const void* data, size_t size, int32_t format,
                                          const consilia_image_limits_t* limits, consilia_buffer_t* out_bytes,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_bytes, "out_bytes");
        out = buffer_of(imaging::reencode(encoded(data, size), written_format(format), limits_of(limits)));
    });
}

consilia_status_t consilia_image_encode_png(const consilia_pixels_t* pixels, consilia_buffer_t* out_bytes,
                                            consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_bytes, "out_bytes");
        out = buffer_of(imaging::encode_png(image_of(pixels)));
    });
}

consilia_status_t consilia_image_encode_jpeg(const consilia_pixels_t* pixels, int32_t quality,
                                             consilia_buffer_t* out_bytes, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_bytes, "out_bytes");
        const imaging::Image image = image_of(pixels);
        out = buffer_of(quality == 0 ? imaging::encode_jpeg(image) : imaging::encode_jpeg(image, quality));
    });
}

}  // extern "C"
