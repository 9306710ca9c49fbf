#include "imaging/jpeg_segments.hpp"

#include <cstring>

namespace consilia::imaging {

std::optional<JpegTable> take_table(std::uint32_t marker, Bytes& rest) {
    const std::uint32_t kind = byte_at(rest, 0) >> 4;
    const std::size_t number = byte_at(rest, 0) & 15;
    std::size_t values = kind == 0 ? 64 : 128;
    std::size_t start = 1;
    if (marker == kDht) {
        start = 17;
        values = 0;
        for (std::size_t i = 1; i < start && i < rest.size(); ++i) values += byte_at(rest, i);
        if (values > 256) return std::nullopt;
    }
    if (kind > 1 || number >= kJpegTables || start + values > rest.size()) return std::nullopt;
    const std::size_t slot = marker == kDht ? kind * kJpegTables + number : number;
    const JpegTable table{slot, rest.first(start + values)};
    rest = rest.subspan(start + values);
    return table;
}

std::optional<JpegSegment> JpegSegments::damaged(std::string_view reason) {
    damage_ = reason;
    return std::nullopt;
}

std::optional<JpegSegment> JpegSegments::next() {
    if (bytes_.size() - at_ < 2) return damaged("no end marker");
    if (byte_at(bytes_, at_) != 0xFF) return damaged("a marker is missing");
    while (at_ < bytes_.size() && byte_at(bytes_, at_) == 0xFF) ++at_;  // fill bytes, B.1.1.2
    if (at_ == bytes_.size()) return damaged("no end marker");
    JpegSegment segment;
    segment.marker = byte_at(bytes_, at_++);
    segment.offset = at_;
    if (segment.marker == kEoi) return segment;
    if (segment.marker == 0 || segment.marker == kTem || segment.marker == kSoi ||
        (segment.marker >= kRst0 && segment.marker <= kRst7)) {
        return damaged("a marker is out of place");
    }
    if (bytes_.size() - at_ < 2) return damaged("a segment is cut");
    const std::size_t length = big_endian_16(bytes_, at_);
    if (length < 2 || length > bytes_.size() - at_) return damaged("a segment is cut");
    segment.body = bytes_.subspan(at_ + 2, length - 2);
    at_ += length;
    if (segment.marker == kSos) {
        const std::size_t end = end_of_coded_data(at_);
        segment.coded = bytes_.subspan(at_, end - at_);
        at_ = end;
    }
    return segment;
}

/// The next marker that is not a restart or a stuffed zero (B.1.1.5).
std::size_t JpegSegments::end_of_coded_data(std::size_t at) const {
    while (at < bytes_.size()) {
        const void* ff = std::memchr(bytes_.data() + at, 0xFF, bytes_.size() - at);
        if (ff == nullptr) break;
        at = static_cast<std::size_t>(static_cast<const std::byte*>(ff) - bytes_.data());
        if (at + 1 == bytes_.size()) return at;
        const std::uint32_t next = byte_at(bytes_, at + 1);
        if (next != 0 && !(next >= kRst0 && next <= kRst7)) return at;
        at += 2;
    }
    return bytes_.size();
}

}  // namespace consilia::imaging
