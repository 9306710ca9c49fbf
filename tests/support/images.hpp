#pragma once
// Small images for tests: written with libjpeg and zlib directly, so that they do not depend on what they
// test.
#include <jpeglib.h>
#include <zlib.h>
#include <cstdio>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/imaging/image.hpp"

namespace consilia::test {

using ByteVector = std::vector<std::byte>;

inline void append(ByteVector& bytes, std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}
inline void append(ByteVector& bytes, std::string_view text) {
    append(bytes, std::as_bytes(std::span(text)));
}
inline void append_big_endian_32(ByteVector& bytes, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes.push_back(static_cast<std::byte>(value >> shift & 0xFFU));
}

/// A soft asymmetric gradient with noise: every orientation of it differs from every other.
inline imaging::Image phantom(std::int32_t width, std::int32_t height, std::int32_t channels,
                              unsigned seed = 1) {
    imaging::Image image{width, height, channels, {}};
    std::mt19937 random(seed);
    for (std::int32_t y = 0; y < height; ++y) {
        for (std::int32_t x = 0; x < width; ++x) {
            for (std::int32_t c = 0; c < channels; ++c) {
                const unsigned shade = static_cast<unsigned>(160 * x / width + 60 * y / height + 10 * c);
                image.pixels.push_back(static_cast<std::uint8_t>(shade + random() % 16));
            }
        }
    }
    return image;
}

// ---- PNG
// ----------------------------------------------------------------------------------------------------------

inline constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);

inline ByteVector png_chunk(std::string_view type, std::span<const std::byte> content) {
    ByteVector chunk;
    append_big_endian_32(chunk, static_cast<std::uint32_t>(content.size()));
    append(chunk, type);
    append(chunk, content);
    const auto* start = reinterpret_cast<const unsigned char*>(chunk.data()) + 4;
    append_big_endian_32(chunk, static_cast<std::uint32_t>(crc32_z(0, start, chunk.size() - 4)));
    return chunk;
}
inline ByteVector png_chunk(std::string_view type, std::string_view content) {
    return png_chunk(type, std::as_bytes(std::span(content)));
}

/// How the samples of a PNG are laid out; `rows` is what follows the filter byte of each row.
struct PngSpec {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    int bit_depth = 8;
    int color_type = 0;  // 0 gray, 2 RGB, 3 palette, 4 gray + alpha, 6 RGB + alpha
    bool interlaced = false;
    ByteVector before_data{};  // whole chunks: PLTE, tRNS, tEXt
};

inline ByteVector png_header(const PngSpec& spec) {
    ByteVector header;
    append_big_endian_32(header, spec.width);
    append_big_endian_32(header, spec.height);
    for (const int value : {spec.bit_depth, spec.color_type, 0, 0, spec.interlaced ? 1 : 0}) {
        header.push_back(static_cast<std::byte>(value));
    }
    return png_chunk("IHDR", header);
}

/// The same file with right checksums, so that damage is looked for behind them.
inline ByteVector with_checksums(ByteVector png) {
    std::size_t at = kPngSignature.size();
    while (at + 12 <= png.size()) {
        std::size_t length = 0;
        for (std::size_t i = 0; i < 4; ++i) length = length << 8 | std::to_integer<std::size_t>(png[at + i]);
        if (length > png.size() - at - 12) break;
        const auto* start = reinterpret_cast<const unsigned char*>(png.data()) + at + 4;
        const auto sum = static_cast<std::uint32_t>(crc32_z(0, start, length + 4));
        for (std::size_t i = 0; i < 4; ++i)
            png[at + 8 + length + i] = static_cast<std::byte>(sum >> (24 - 8 * i) & 0xFFU);
        at += length + 12;
    }
    return png;
}

inline ByteVector deflated(std::span<const std::byte> bytes, int level = 6) {
    uLongf size = compressBound(bytes.size());
    ByteVector packed(size);
    if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                  reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), level) != Z_OK) {
        throw std::runtime_error("compress2 failed");
    }
    packed.resize(size);
    return packed;
}

/// `filtered`: the rows, each after its filter byte, as they are deflated.
inline ByteVector png_of_rows(const PngSpec& spec, std::span<const std::byte> filtered, int level = 6) {
    ByteVector png;
    append(png, kPngSignature);
    append(png, png_header(spec));
    append(png, spec.before_data);
    append(png, png_chunk("IDAT", deflated(filtered, level)));
    append(png, png_chunk("IEND", std::string_view()));
    return png;
}

/// The rows without interlacing: `samples` holds whole rows of `row_bytes`.
inline ByteVector png_of_samples(const PngSpec& spec, std::span<const std::uint8_t> samples, int level = 6) {
    const std::size_t row_bytes = samples.size() / spec.height;
    ByteVector rows;
    for (std::size_t y = 0; y < spec.height; ++y) {
        rows.push_back(std::byte{0});
        append(rows, std::as_bytes(samples.subspan(y * row_bytes, row_bytes)));
    }
    return png_of_rows(spec, rows, level);
}

inline PngSpec spec_of(const imaging::Image& image) {
    PngSpec spec;
    spec.width = static_cast<std::uint32_t>(image.width);
    spec.height = static_cast<std::uint32_t>(image.height);
    spec.color_type = image.channels == 1 ? 0 : 2;
    return spec;
}

inline ByteVector png(const imaging::Image& image) {
    return png_of_samples(spec_of(image), image.pixels);
}

/// The seven passes of Adam7 (PNG specification, 8.2).
inline ByteVector interlaced_png(const imaging::Image& image) {
    static constexpr std::array<std::array<int, 4>, 7> kPasses = {
        {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
    ByteVector rows;
    for (const auto& [x0, y0, dx, dy] : kPasses) {
        if (x0 >= image.width) continue;
        for (int y = y0; y < image.height; y += dy) {
            rows.push_back(std::byte{0});
            for (int x = x0; x < image.width; x += dx) {
                for (int c = 0; c < image.channels; ++c) {
                    const auto at = static_cast<std::size_t>((y * image.width + x) * image.channels + c);
                    rows.push_back(static_cast<std::byte>(image.pixels[at]));
                }
            }
        }
    }
    PngSpec spec = spec_of(image);
    spec.interlaced = true;
    return png_of_rows(spec, rows);
}

/// A file of some hundred bytes that claims to be of this size.
inline ByteVector png_bomb(std::uint32_t width, std::uint32_t height) {
    PngSpec spec;
    spec.width = width;
    spec.height = height;
    return png_of_rows(spec, ByteVector(4096));
}

// ---- JPEG
// ---------------------------------------------------------------------------------------------------------

struct JpegSpec {
    int quality = 90;
    bool progressive = false;
    int scans = 0;            // of a gray progressive one: 2 to 600; 0: libjpeg's own script
    ByteVector exif{};        // of an APP1 segment
    bool as_cmyk = false;     // from three channels
    bool arithmetic = false;  // arithmetic coding instead of Huffman
    bool as_rgb = false;      // stored as RGB, which an Adobe segment says
    unsigned restart = 0;     // a restart marker after so many coded units
};

/// A script for gray images: one scan for DC, one for each of 63 AC coefficients without their low bits, and
/// then their refinements one by one. At most `count` of them; those left out belong to the last AC scan.
inline std::vector<jpeg_scan_info> many_scans(int count) {
    const auto scan = [](int first, int last, int high, int low) {
        jpeg_scan_info info{};
        info.comps_in_scan = 1;
        info.Ss = first;
        info.Se = last;
        info.Ah = high;
        info.Al = low;
        return info;
    };
    std::vector<jpeg_scan_info> scans = {scan(0, 0, 0, 0)};
    constexpr int kLowBits = 9;
    if (count < 64) {
        for (int k = 1; k < count; ++k) scans.push_back(scan(k, k + 1 == count ? 63 : k, 0, 0));
        return scans;
    }
    for (int k = 1; k <= 63; ++k) scans.push_back(scan(k, k, 0, kLowBits));
    for (int low = kLowBits - 1; low >= 0; --low) {
        for (int k = 1; k <= 63; ++k) scans.push_back(scan(k, k, low + 1, low));
    }
    scans.resize(static_cast<std::size_t>(count));
    return scans;
}

inline ByteVector jpeg(const imaging::Image& image, const JpegSpec& spec = {}) {
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg.err = jpeg_std_error(&errors);
    errors.error_exit = [](j_common_ptr) { throw std::runtime_error("libjpeg cannot write this"); };
    jpeg_create_compress(&jpeg);
    unsigned char* buffer = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&jpeg, &buffer, &size);
    jpeg.image_width = static_cast<JDIMENSION>(image.width);
    jpeg.image_height = static_cast<JDIMENSION>(image.height);
    jpeg.input_components = image.channels;
    jpeg.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    if (spec.as_cmyk) {
        jpeg.input_components = 4;
        jpeg.in_color_space = JCS_CMYK;
    }
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, spec.quality, TRUE);
    if (spec.as_rgb) jpeg_set_colorspace(&jpeg, JCS_RGB);
    jpeg.arith_code = spec.arithmetic ? TRUE : FALSE;
    jpeg.restart_interval = spec.restart;
    std::vector<jpeg_scan_info> scans;
    if (spec.scans > 0) {
        scans = many_scans(spec.scans);
        jpeg.scan_info = scans.data();
        jpeg.num_scans = static_cast<int>(scans.size());
    } else if (spec.progressive) {
        jpeg_simple_progression(&jpeg);
    }
    jpeg_start_compress(&jpeg, TRUE);
    if (!spec.exif.empty()) {
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(spec.exif.data()),
                          static_cast<unsigned>(spec.exif.size()));
    }
    const std::size_t stride =
        static_cast<std::size_t>(image.width) * static_cast<std::size_t>(jpeg.input_components);
    std::vector<unsigned char> row(stride, 128);
    while (jpeg.next_scanline < jpeg.image_height) {
        if (!spec.as_cmyk) {
            std::copy_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(stride * jpeg.next_scanline),
                        stride, row.begin());
        }
        JSAMPROW pointer = row.data();
        jpeg_write_scanlines(&jpeg, &pointer, 1);
    }
    jpeg_finish_compress(&jpeg);
    const auto* first = reinterpret_cast<const std::byte*>(buffer);
    ByteVector bytes(first, first + size);
    jpeg_destroy_compress(&jpeg);
    std::free(buffer);
    return bytes;
}

/// A segment of a JPEG: marker, length, content.
inline ByteVector jpeg_segment(int marker, std::string_view content) {
    ByteVector segment;
    for (const std::size_t value : {std::size_t{0xFF}, static_cast<std::size_t>(marker),
                                    (content.size() + 2) >> 8, (content.size() + 2) & 0xFF}) {
        segment.push_back(static_cast<std::byte>(value));
    }
    append(segment, content);
    return segment;
}

/// The file with `more` at this offset.
inline ByteVector inserted(ByteVector bytes, std::size_t offset, std::span<const std::byte> more) {
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(offset), more.begin(), more.end());
    return bytes;
}

/// Where `text` first stands in a file; its size if nowhere.
inline std::size_t find_in(std::span<const std::byte> bytes, std::string_view text) {
    const auto wanted = std::as_bytes(std::span(text));
    return static_cast<std::size_t>(std::ranges::search(bytes, wanted).begin() - bytes.begin());
}

/// The EXIF segment of a file with this orientation, in either byte order.
inline ByteVector exif_with_orientation(int orientation, bool little_endian = true) {
    ByteVector exif;
    append(exif, std::string_view("Exif\0\0", 6));
    const auto value = static_cast<char>(orientation);
    if (little_endian) {
        append(exif, std::string_view("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18));
        append(exif, std::string{value, 0, 0, 0, 0, 0, 0, 0});
    } else {
        append(exif, std::string_view("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01", 18));
        append(exif, std::string{0, value, 0, 0, 0, 0, 0, 0});
    }
    return exif;
}

// ---- Damage
// -------------------------------------------------------------------------------------------------------

/// One seeded way of damaging a file: flipped bits, a cut, an overwritten, doubled or removed run, something
/// before or behind it.
inline ByteVector mutated(ByteVector bytes, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](std::size_t n) {
        return static_cast<std::size_t>(random() % std::max<std::size_t>(n, 1));
    };
    const auto at = [&](std::size_t offset) { return bytes.begin() + static_cast<std::ptrdiff_t>(offset); };
    switch (below(8)) {
        case 0:
            for (std::size_t i = 0; i < 1 + below(8); ++i)
                bytes[below(bytes.size())] ^= std::byte{1} << below(8);
            break;
        case 1:
            bytes.resize(below(bytes.size()));
            break;
        case 2: {  // in the header, where sizes and types are
            for (std::size_t i = 0; i < 4; ++i)
                bytes[below(std::min<std::size_t>(bytes.size(), 64))] = std::byte(random());
            break;
        }
        case 3: {
            const std::size_t from = below(bytes.size());
            std::fill(at(from), at(from + below(bytes.size() - from)), std::byte(random()));
            break;
        }
        case 4: {
            const std::size_t from = below(bytes.size());
            bytes.erase(at(from), at(from + below(bytes.size() - from)));
            break;
        }
        case 5: {
            const std::size_t from = below(bytes.size());
            const ByteVector run(at(from), at(from + below(bytes.size() - from)));
            bytes.insert(at(below(bytes.size())), run.begin(), run.end());
            break;
        }
        case 6:
            append(bytes, std::string_view("PK\x03\x04<script>alert(1)</script>"));
            break;
        default: {
            ByteVector other;
            append(other, std::string_view("%PDF-1.7\n"));
            bytes.insert(bytes.begin(), other.begin(), other.end());
        }
    }
    return bytes;
}

}  // namespace consilia::test
