// The chunks of a PNG (W3C PNG specification, third edition, sections 5 and 11).
#include <zlib.h>

#include <array>

#include "imaging/structure.hpp"

namespace consilia::imaging {
namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kChunkOverhead = 12;  // length, type, CRC
constexpr std::uint32_t kMaxLength = 0x7FFF'FFFF;

constexpr std::uint32_t chunk_type(std::string_view name) {
    std::uint32_t type = 0;
    for (const char c : name) type = type << 8 | static_cast<unsigned char>(c);
    return type;
}

bool is_letter(std::uint32_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// Table 12: which depths a colour type may have, as a bit set.
bool allows_depth(std::uint32_t color_type, std::uint32_t depth) {
    switch (color_type) {
        case 0:
            return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
        case 3:
            return depth == 1 || depth == 2 || depth == 4 || depth == 8;
        case 2:
        case 4:
        case 6:
            return depth == 8 || depth == 16;
        default:
            return false;
    }
}

ImageInfo read_header(Bytes bytes) {
    const std::size_t at = kSignatureBytes;
    if (bytes.size() < at + kChunkOverhead + 13) throw_damaged("the header is cut", bytes.size());
    if (big_endian_32(bytes, at) != 13 || big_endian_32(bytes, at + 4) != chunk_type("IHDR")) {
        throw_damaged("no header chunk", at);
    }
    ImageInfo info;
    info.format = ImageFormat::Png;
    info.width = big_endian_32(bytes, at + 8);
    info.height = big_endian_32(bytes, at + 12);
    const std::uint32_t depth = byte_at(bytes, at + 16);
    const std::uint32_t color_type = byte_at(bytes, at + 17);
    const std::uint32_t interlace = byte_at(bytes, at + 20);
    if (info.width == 0 || info.height == 0) throw_damaged("the image has no size", at);
    if (info.width > kMaxLength || info.height > kMaxLength)
        throw_damaged("the size is not allowed in PNG", at);
    if (!allows_depth(color_type, depth) || byte_at(bytes, at + 18) != 0 || byte_at(bytes, at + 19) != 0 ||
        interlace > 1) {
        throw_damaged("the header has unknown values", at);
    }
    info.bit_depth = static_cast<int>(depth);
    info.channels = color_type == 0 || color_type == 4 ? 1 : 3;
    info.has_alpha = color_type >= 4;
    info.interlaced = interlace == 1;
    return info;
}

std::uint32_t checksum(Bytes bytes) {
    return static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));  // NOLINT
}

}  // namespace

Structure walk_png(Bytes bytes, Walk walk, std::uint32_t max_segments) {
    Structure found;
    found.info = read_header(bytes);
    std::size_t at = kSignatureBytes;
    bool has_data = false;
    const auto damaged = [&](std::string_view reason) {
        found.damage = reason;
        found.damage_offset = at;
        return found;
    };
    for (std::uint32_t chunks = 1;; ++chunks) {
        if (chunks > max_segments) throw_too_complex("segments", max_segments, chunks);
        if (bytes.size() - at < kChunkOverhead) return damaged("no end chunk");
        const std::size_t length = big_endian_32(bytes, at);
        const std::uint32_t type = big_endian_32(bytes, at + 4);
        for (std::size_t i = 4; i < 8; ++i) {
            if (!is_letter(byte_at(bytes, at + i))) return damaged("a chunk has no valid type");
        }
        if (length > kMaxLength || length > bytes.size() - at - kChunkOverhead)
            return damaged("a chunk is cut");
        if (type == chunk_type("tRNS")) found.info.has_alpha = true;
        if (type == chunk_type("IDAT")) {
            if (walk == Walk::Header) return found;
            has_data = true;
        }
        if (walk == Walk::Whole &&
            checksum(bytes.subspan(at + 4, length + 4)) != big_endian_32(bytes, at + 8 + length)) {
            return damaged("a chunk does not match its checksum");
        }
        at += length + kChunkOverhead;
        if (type == chunk_type("IEND")) {
            if (length != 0 || !has_data) return damaged("the end comes before the image");
            found.end = at;
            return found;
        }
    }
}

}  // namespace consilia::imaging
