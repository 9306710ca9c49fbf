#include "imaging/dicom_streams.hpp"

#include <algorithm>
#include <array>

#include "consilia/core/error.hpp"

namespace consilia::imaging::dicom {
namespace {

enum Marker : std::uint32_t {
    kStart = 0xD8,
    kEnd = 0xD9,
    kScan = 0xDA,
    kLossless = 0xC3,
    kLsFrame = 0xF7,
    kLsPreset = 0xF8,
};

bool is_frame_marker(std::uint32_t marker) {
    return (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) ||
           marker == kLsFrame;
}

bool belongs(std::uint32_t marker, PixelCoding coding) {
    switch (coding) {
        case PixelCoding::Jpeg:
            return marker == 0xC0 || marker == 0xC1;
        case PixelCoding::JpegLossless:
            return marker == kLossless;
        case PixelCoding::JpegLs:
            return marker == kLsFrame;
        default:
            return false;
    }
}

/// The position after entropy-coded data: of the next marker that is neither a restart nor stuffing. A JPEG
/// stuffs a zero byte after 0xFF, JPEG-LS a zero bit (ITU-T T.87, C.3): no marker of either is below 0x80.
std::size_t after_entropy(Bytes bytes, std::size_t at) {
    while (at + 1 < bytes.size()) {
        const std::uint32_t next = byte_at(bytes, at + 1);
        const bool is_marker = byte_at(bytes, at) == 0xFF && next >= 0x80 && next != 0xFF;
        if (is_marker && (next < 0xD0 || next > 0xD7)) return at;
        ++at;
    }
    throw_damaged("a JPEG stream is cut", bytes.size());
}

JpegHeader read_frame_segment(Bytes bytes, std::size_t at, std::size_t length) {
    if (length < 8) throw_damaged("a JPEG frame header is cut", at);
    const JpegHeader header{.width = big_endian_16(bytes, at + 5),
                            .height = big_endian_16(bytes, at + 3),
                            .components = byte_at(bytes, at + 7),
                            .precision = byte_at(bytes, at + 2)};
    if (length != 8 + 3 * std::size_t{header.components}) {
        throw_damaged("a JPEG frame header has another length", at);
    }
    return header;
}

}  // namespace

JpegHeader walk_jpeg_stream(Bytes bytes, PixelCoding coding, const DecodeLimits& limits) {
    if (bytes.size() < 4 || byte_at(bytes, 0) != 0xFF || byte_at(bytes, 1) != kStart) {
        throw_damaged("pixel data hold no JPEG stream", 0);
    }
    std::optional<JpegHeader> header;
    std::uint32_t scans = 0;
    std::size_t at = 2;
    for (std::uint32_t segments = 1;; ++segments) {
        if (segments > limits.max_segments) throw_too_complex("segments", limits.max_segments, segments);
        while (at + 1 < bytes.size() && byte_at(bytes, at) == 0xFF && byte_at(bytes, at + 1) == 0xFF) ++at;
        if (bytes.size() - at < 2) throw_damaged("a JPEG stream is cut", bytes.size());
        const std::uint32_t marker = byte_at(bytes, at + 1);
        if (byte_at(bytes, at) != 0xFF || marker < 0xC0) throw_damaged("a JPEG marker is missing", at);
        at += 2;
        if (marker == kEnd) break;
        if (marker >= 0xD0 && marker <= kStart) throw_damaged("a JPEG marker is misplaced", at);
        if (bytes.size() - at < 2) throw_damaged("a JPEG stream is cut", bytes.size());
        const std::size_t length = big_endian_16(bytes, at);
        if (length < 2 || length > bytes.size() - at) throw_damaged("a JPEG segment is cut", at);
        if (is_frame_marker(marker)) {
            if (header) throw_damaged("a JPEG stream has two frames", at);
            if (!belongs(marker, coding))
                throw_unsupported("a JPEG process other than the transfer syntax's");
            header = read_frame_segment(bytes, at, length);
        }
        // T.87, C.2.4.1.4: an oversize image; its sizes would come after those that were checked.
        const bool is_oversize = marker == kLsPreset && length > 2 && byte_at(bytes, at + 2) == 4;
        if (is_oversize || marker == 0xDC) throw_unsupported("a JPEG stream that changes its size");
        at += length;
        if (marker == kScan) {
            if (!header) throw_damaged("a JPEG scan comes before its frame", at);
            if (++scans > limits.max_scans) throw_too_complex("scans", limits.max_scans, scans);
            at = after_entropy(bytes, at);
        }
    }
    if (scans == 0) throw_damaged("a JPEG stream has no scan", at);
    const Bytes rest = bytes.subspan(at);
    if (std::ranges::any_of(rest, [](std::byte b) { return b != std::byte{0}; })) {
        throw core::ValidationError(
            "image.trailing_data", "something follows the JPEG stream",
            {{"offset", static_cast<std::int64_t>(at)}, {"found", static_cast<std::int64_t>(rest.size())}});
    }
    return *header;
}

namespace {

constexpr std::size_t kRleHeaderBytes = 64;
constexpr std::uint32_t kMaxRleSegments = 15;

/// One segment into every `stride`-th byte of the samples, at `shift`; exactly `pixels` of them.
void decode_rle_segment(Bytes packed, std::size_t pixels, const auto& put) {
    std::size_t at = 0;
    std::size_t done = 0;
    while (done < pixels) {
        if (at >= packed.size()) throw_damaged("an RLE segment is cut", at);
        const std::uint32_t control = byte_at(packed, at++);
        if (control == 128) continue;
        const std::size_t count = control < 128 ? control + 1 : 257 - control;
        if (count > pixels - done) throw_damaged("an RLE segment holds more than its plane", at);
        const std::size_t needed = control < 128 ? count : 1;
        if (needed > packed.size() - at) throw_damaged("an RLE segment is cut", at);
        for (std::size_t i = 0; i < count; ++i) put(done++, byte_at(packed, at + (control < 128 ? i : 0)));
        at += needed;
    }
    // A segment is padded to an even length with one zero; writers also leave a no-operation there.
    const Bytes rest = packed.subspan(at);
    const auto is_padding = [](std::byte b) { return b == std::byte{0} || b == std::byte{0x80}; };
    if (rest.size() > 2 || !std::ranges::all_of(rest, is_padding)) {
        throw_damaged("an RLE segment holds more than its plane", at);
    }
}

}  // namespace

std::vector<std::uint16_t> decode_rle(Bytes bytes, const RleShape& shape) {
    const std::uint32_t segments = shape.samples * shape.bytes_per_sample;
    if (bytes.size() < kRleHeaderBytes) throw_damaged("an RLE header is cut", 0);
    if (read_32(bytes, 0, false) != segments || segments > kMaxRleSegments) {
        throw_damaged("an RLE header has another number of segments", 0);
    }
    std::vector<std::uint16_t> samples(shape.pixels * shape.samples);
    std::size_t previous = kRleHeaderBytes;
    for (std::uint32_t segment = 0; segment < segments; ++segment) {
        const std::size_t start = read_32(bytes, 4 + std::size_t{4} * segment, false);
        const std::size_t end =
            segment + 1 < segments ? read_32(bytes, 8 + std::size_t{4} * segment, false) : bytes.size();
        const bool is_next = segment == 0 ? start == kRleHeaderBytes : start == previous;
        if (!is_next || end < start || end > bytes.size()) throw_damaged("an RLE offset is wrong", 0);
        previous = end;
        const std::uint32_t sample = segment / shape.bytes_per_sample;
        const bool is_high = shape.bytes_per_sample == 2 && segment % 2 == 0;
        decode_rle_segment(bytes.subspan(start, end - start), shape.pixels,
                           [&](std::size_t pixel, std::uint32_t value) {
                               std::uint16_t& out = samples[pixel * shape.samples + sample];
                               out = static_cast<std::uint16_t>(out | (is_high ? value << 8 : value));
                           });
    }
    return samples;
}

Fragments::Fragments(const Element& pixel_data, std::uint32_t frames, bool is_big_endian) {
    std::vector<std::size_t> offsets;  // of each fragment's item, from the first
    Bytes table;
    std::size_t at = 0;
    const Bytes bytes = pixel_data.value;
    for (bool is_table = true; bytes.size() - at >= 16; is_table = false) {  // the delimiter has 8
        const std::size_t length = read_32(bytes, at + 4, is_big_endian);
        const Bytes content = bytes.subspan(at + 8, length);
        if (is_table) {
            table = content;
        } else {
            offsets.push_back(at - 8 - table.size());
            fragments_.push_back(content);
        }
        at += 8 + length;
    }
    if (fragments_.empty()) throw_damaged("pixel data hold no fragment", pixel_data.offset);
    if (!table.empty() && table.size() != std::size_t{4} * frames) {
        throw_damaged("the offset table has another number of frames", pixel_data.offset);
    }
    for (std::uint32_t frame = 0; frame < frames && !table.empty(); ++frame) {
        const std::size_t offset = read_32(table, std::size_t{4} * frame, is_big_endian);
        const auto found = std::ranges::lower_bound(offsets, offset);
        const auto index = static_cast<std::size_t>(found - offsets.begin());
        const bool is_after = frame == 0 ? index == 0 : index > first_.back();
        if (found == offsets.end() || *found != offset || !is_after) {
            throw_damaged("the offset table leads nowhere", pixel_data.offset);
        }
        first_.push_back(index);
    }
    if (table.empty() && frames == 1) first_ = {0};
    if (table.empty() && frames > 1) {
        if (fragments_.size() != frames) throw_unsupported("frames in fragments without an offset table");
        for (std::size_t frame = 0; frame < frames; ++frame) first_.push_back(frame);
    }
    first_.push_back(fragments_.size());
}

Bytes Fragments::frame(std::uint32_t index, std::vector<std::byte>& joined) const {
    const std::size_t first = first_[index];
    const std::size_t end = first_[index + 1];
    if (end - first == 1) return fragments_[first];
    for (std::size_t i = first; i < end; ++i) {
        joined.insert(joined.end(), fragments_[i].begin(), fragments_[i].end());
    }
    return joined;
}

}  // namespace consilia::imaging::dicom
