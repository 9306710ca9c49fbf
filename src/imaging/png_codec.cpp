#include "imaging/png_codec.hpp"

#include <spng.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "consilia/core/error.hpp"
#include "imaging/image_shape.hpp"

namespace consilia::imaging {

void PngContextDeleter::operator()(spng_ctx* context) const noexcept {
    spng_ctx_free(context);
}

PngContext make_png_context(int flags) {
    PngContext context(spng_ctx_new(flags));
    if (!context) throw std::bad_alloc();
    return context;
}

void check_png(int status) {
    if (status == SPNG_OK) return;
    if (status == SPNG_EMEM) throw std::bad_alloc();
    throw core::ValidationError("image.damaged", "the file is damaged",
                                {{"reason", spng_strerror(status)}, {"format", "png"}});
}

namespace {

/// `value` over black with this opacity, rounded to nearest.
std::uint8_t blend(std::uint32_t value, std::uint32_t alpha) {
    return static_cast<std::uint8_t>((value * alpha + 127) / 255);
}

/// RGBA to gray or RGB in the front of the same buffer.
void blend_over_black(std::vector<std::uint8_t>& pixels, std::size_t channels) {
    const std::size_t count = pixels.size() / 4;
    std::uint8_t* out = pixels.data();
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* in = pixels.data() + 4 * i;
        const std::uint32_t alpha = in[3];
        for (std::size_t c = 0; c < channels; ++c) *out++ = blend(in[c], alpha);
    }
    pixels.resize(count * channels);
}

/// 16-bit samples of this machine's byte order to their high bytes, in the front of the same buffer.
void keep_high_bytes(std::vector<std::uint8_t>& pixels) {
    const std::size_t count = pixels.size() / 2;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint16_t sample = 0;
        std::memcpy(&sample, pixels.data() + 2 * i, 2);
        pixels[i] = static_cast<std::uint8_t>(sample >> 8);
    }
    pixels.resize(count);
}

/// The buffer format that spng converts to; what is left is done in place.
spng_format buffer_format(const ImageInfo& info) {
    if (info.has_alpha) return SPNG_FMT_RGBA8;
    if (info.channels == 3) return SPNG_FMT_RGB8;
    return info.bit_depth == 16 ? SPNG_FMT_PNG : SPNG_FMT_G8;
}

}  // namespace

Image decode_png(Bytes bytes, const ImageInfo& info) {
    const PngContext context = make_png_context(0);
    check_png(spng_set_crc_action(context.get(), SPNG_CRC_ERROR, SPNG_CRC_ERROR));
    check_png(spng_set_image_limits(context.get(), info.width, info.height));
    check_png(spng_set_chunk_limits(context.get(), kMaxAncillaryBytes, kMaxAncillaryBytes));
    check_png(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()));
    const spng_format format = buffer_format(info);
    std::size_t size = 0;
    check_png(spng_decoded_image_size(context.get(), format, &size));
    const std::uint64_t bytes_per_pixel = format == SPNG_FMT_RGBA8  ? 4
                                          : format == SPNG_FMT_RGB8 ? 3
                                          : format == SPNG_FMT_PNG  ? 2
                                                                    : 1;
    if (size != info.pixels() * bytes_per_pixel) {
        throw core::Internal("image.buffer", "the PNG decoder wants another buffer size");
    }

    Image image;
    image.width = static_cast<std::int32_t>(info.width);
    image.height = static_cast<std::int32_t>(info.height);
    image.channels = info.channels;
    image.pixels.resize(size);
    check_png(spng_decode_image(context.get(), image.pixels.data(), size, format, SPNG_DECODE_TRNS));
    check_png(spng_decode_chunks(context.get()));  // what follows the pixels, to IEND
    if (format == SPNG_FMT_RGBA8) blend_over_black(image.pixels, static_cast<std::size_t>(image.channels));
    if (format == SPNG_FMT_PNG) keep_high_bytes(image.pixels);
    return image;
}

std::vector<std::byte> encode_png(const Image& image) {
    check_shape(image);
    const PngContext context = make_png_context(SPNG_CTX_ENCODER);
    spng_ihdr header{};
    header.width = static_cast<std::uint32_t>(image.width);
    header.height = static_cast<std::uint32_t>(image.height);
    header.bit_depth = 8;
    header.color_type = image.channels == 1 ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR;
    const auto check = [](int status) {
        if (status == SPNG_EMEM) throw std::bad_alloc();
        if (status != SPNG_OK) {
            throw core::Internal("image.encode",
                                 std::string("the PNG encoder failed: ") + spng_strerror(status));
        }
    };
    check(spng_set_ihdr(context.get(), &header));
    check(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
    check(spng_encode_image(context.get(), image.pixels.data(), image.pixels.size(), SPNG_FMT_PNG,
                            SPNG_ENCODE_FINALIZE));
    std::size_t size = 0;
    int status = SPNG_OK;
    const std::unique_ptr<void, decltype(&std::free)> png(spng_get_png_buffer(context.get(), &size, &status),
                                                          &std::free);
    check(status);
    const auto* first = static_cast<const std::byte*>(png.get());
    return {first, first + size};
}

}  // namespace consilia::imaging
