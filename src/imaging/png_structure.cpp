// What the chunks of a PNG say.
#include <optional>
#include <utility>

#include "imaging/png_chunks.hpp"
#include "imaging/structure.hpp"

namespace consilia::imaging {
namespace {

/// Two bits give 258 bytes at most (RFC 1951, 3.2.5): a file that claims more is not worth its memory.
constexpr std::uint64_t kMaxDeflateRatio = 1032;

ImageInfo info_of(const PngHeader& header) {
    ImageInfo info;
    info.format = ImageFormat::Png;
    info.width = header.width;
    info.height = header.height;
    info.bit_depth = static_cast<int>(header.depth);
    info.channels = header.color_type == 0 || header.color_type == 4 ? 1 : 3;
    info.has_alpha = header.color_type >= 4;
    info.interlaced = header.interlaced;
    return info;
}

std::uint64_t inflated_bytes(const PngHeader& header) {
    std::uint64_t sum = 0;
    for (const PngPass& pass : png_passes(header)) sum += pass.bytes();
    return sum;
}

class PngWalk {
public:
    PngWalk(Bytes bytes, Walk how, std::uint32_t max_segments)
        : chunks_(bytes), header_(read_png_header(bytes)), how_(how), max_segments_(max_segments) {
        found_.info = info_of(header_);
    }

    Structure run() {
        std::uint32_t count = 0;
        std::optional<PngChunk> chunk = chunks_.next();
        for (; chunk; chunk = chunks_.next()) {
            if (++count > max_segments_) throw_too_complex("segments", max_segments_, count);
            if (!take(*chunk)) break;
        }
        if (!chunk) damaged(chunks_.damage(), chunks_.offset());
        return found_;
    }

private:
    bool damaged(std::string_view reason, std::size_t offset) {
        found_.damage = reason;
        found_.damage_offset = offset;
        return false;
    }

    /// False at the end, at damage, and at the first pixels if the header is all that is wanted.
    bool take(const PngChunk& chunk) {
        if (how_ == Walk::Header && chunk.is("IDAT")) return false;
        if (how_ == Walk::Whole && !chunk.matches_checksum())
            return damaged("a chunk does not match its checksum", chunk.offset);
        if (chunk.is("tRNS")) found_.info.has_alpha = true;
        const bool goes_on = chunk.is_critical() ? take_critical(chunk) : true;
        has_data_ended_ = has_data_ && !chunk.is("IDAT");
        return goes_on;
    }

    bool take_critical(const PngChunk& chunk) {
        if (chunk.is("IDAT")) return take_data(chunk);
        if (chunk.is("PLTE")) return take_palette(chunk);
        if (chunk.is("IEND")) return take_end(chunk);
        if (chunk.is("IHDR") && !std::exchange(has_header_, true)) return true;
        return damaged("a critical chunk is unknown or doubled", chunk.offset);
    }

    bool take_data(const PngChunk& chunk) {
        if (has_data_ended_) return damaged("the image data is not in one run", chunk.offset);
        if (header_.color_type == 3 && !has_palette_) return damaged("the palette is missing", chunk.offset);
        has_data_ = true;
        data_bytes_ += chunk.body.size();
        return true;
    }

    bool take_palette(const PngChunk& chunk) {
        const std::size_t size = chunk.body.size();
        const std::size_t most = header_.color_type == 3 ? std::size_t{3} << header_.depth : 3 * 256;
        if (has_palette_ || has_data_ || size == 0 || size % 3 != 0 || size > most)
            return damaged("a palette is doubled, late or of the wrong length", chunk.offset);
        has_palette_ = true;
        return true;
    }

    bool take_end(const PngChunk& chunk) {
        found_.end = chunks_.offset();
        if (!chunk.body.empty() || data_bytes_ == 0)
            return damaged("the end comes before the image", chunk.offset);
        if (inflated_bytes(header_) > kMaxDeflateRatio * data_bytes_)
            return damaged("the compressed data is too short for the image", chunk.offset);
        return false;
    }

    PngChunks chunks_;
    PngHeader header_;
    Walk how_;
    std::uint32_t max_segments_;
    bool has_header_ = false;
    bool has_palette_ = false;
    bool has_data_ = false;
    bool has_data_ended_ = false;
    std::uint64_t data_bytes_ = 0;
    Structure found_;
};

}  // namespace

Structure walk_png(Bytes bytes, Walk how, std::uint32_t max_segments) {
    return PngWalk(bytes, how, max_segments).run();
}

}  // namespace consilia::imaging
