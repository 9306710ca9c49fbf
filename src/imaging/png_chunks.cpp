#include "imaging/png_chunks.hpp"

#include <zlib.h>

namespace consilia::imaging {
namespace {

constexpr std::uint32_t kMaxLength = 0x7FFF'FFFF;

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

}  // namespace

std::uint32_t PngHeader::bits_per_pixel() const noexcept {
    static constexpr std::array<std::uint32_t, 7> kSamples = {1, 0, 3, 1, 2, 0, 4};
    return kSamples[color_type] * depth;
}

std::array<PngPass, 7> png_passes(const PngHeader& header) noexcept {
    const auto pass = [&](std::uint64_t x0, std::uint64_t y0, std::uint64_t dx, std::uint64_t dy) {
        const auto count = [](std::uint64_t size, std::uint64_t from, std::uint64_t step) {
            return size > from ? (size - from + step - 1) / step : 0;
        };
        const std::uint64_t width = count(header.width, x0, dx);
        const std::uint64_t height = count(header.height, y0, dy);
        return width == 0 ? PngPass{} : PngPass{1 + (width * header.bits_per_pixel() + 7) / 8, height};
    };
    if (!header.interlaced) return {pass(0, 0, 1, 1)};
    return {pass(0, 0, 8, 8), pass(4, 0, 8, 8), pass(0, 4, 4, 8), pass(2, 0, 4, 4),  // 8.2, Adam7
            pass(0, 2, 2, 4), pass(1, 0, 2, 2), pass(0, 1, 1, 2)};
}

PngHeader read_png_header(Bytes bytes) {
    const std::size_t at = kPngSignatureBytes;
    if (bytes.size() < kPngHeaderBytes) throw_damaged("the header is cut", bytes.size());
    if (big_endian_32(bytes, at) != 13 || big_endian_32(bytes, at + 4) != png_chunk_type("IHDR")) {
        throw_damaged("no header chunk", at);
    }
    PngHeader header;
    header.width = big_endian_32(bytes, at + 8);
    header.height = big_endian_32(bytes, at + 12);
    header.depth = byte_at(bytes, at + 16);
    header.color_type = byte_at(bytes, at + 17);
    const std::uint32_t interlace = byte_at(bytes, at + 20);
    header.interlaced = interlace == 1;
    if (header.width == 0 || header.height == 0) throw_damaged("the image has no size", at);
    if (header.width > kMaxLength || header.height > kMaxLength)
        throw_damaged("the size is not allowed in PNG", at);
    if (!allows_depth(header.color_type, header.depth) || byte_at(bytes, at + 18) != 0 ||
        byte_at(bytes, at + 19) != 0 || interlace > 1) {
        throw_damaged("the header has unknown values", at);
    }
    return header;
}

bool PngChunk::matches_checksum() const {
    const Bytes covered = whole.subspan(4, body.size() + 4);
    const auto* first = reinterpret_cast<const unsigned char*>(covered.data());  // NOLINT: bytes as bytes
    return crc32_z(0, first, covered.size()) == big_endian_32(whole, whole.size() - 4);
}

std::optional<PngChunk> PngChunks::damaged(std::string_view reason) {
    damage_ = reason;
    return std::nullopt;
}

std::optional<PngChunk> PngChunks::next() {
    if (has_ended_) return std::nullopt;
    if (bytes_.size() - at_ < kPngChunkOverhead) return damaged("no end chunk");
    const std::size_t length = big_endian_32(bytes_, at_);
    for (std::size_t i = 4; i < 8; ++i) {
        if (!is_letter(byte_at(bytes_, at_ + i))) return damaged("a chunk has no valid type");
    }
    if (length > kMaxLength || length > bytes_.size() - at_ - kPngChunkOverhead)
        return damaged("a chunk is cut");
    PngChunk chunk;
    chunk.type = big_endian_32(bytes_, at_ + 4);
    chunk.offset = at_;
    chunk.body = bytes_.subspan(at_ + 8, length);
    chunk.whole = bytes_.subspan(at_, length + kPngChunkOverhead);
    at_ += chunk.whole.size();
    has_ended_ = chunk.is("IEND");
    return chunk;
}

}  // namespace consilia::imaging
