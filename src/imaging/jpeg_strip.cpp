// A JPEG written anew from what decoding needs.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "imaging/jpeg_segments.hpp"
#include "imaging/metadata.hpp"

namespace consilia::imaging {
namespace {

bool starts_with(Bytes bytes, std::string_view text) {
    return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

/// Segments in the order in which they are needed. A table that is defined again before a scan uses it, or
/// that no scan uses, is never written: there is room for a foreign format in such.
class JpegStrip {
public:
    JpegStrip(Bytes bytes, const ImageInfo& info) : segments_(bytes), info_(info) {
        out_.reserve(bytes.size());
    }

    std::vector<std::byte> run() {
        append(out_, std::string_view("\xFF\xD8", 2));
        while (const std::optional<JpegSegment> segment = segments_.next()) {
            if (segment->marker == kEoi) break;
            take(*segment);
        }
        append(out_, std::string_view("\xFF\xD9", 2));
        return std::move(out_);
    }

private:
    void take(const JpegSegment& segment) {
        const Bytes body = segment.body;
        if (is_frame_header(segment.marker)) {
            frame_marker_ = segment.marker;
            frame_ = body;
        }
        if (segment.marker == kDqt) keep_tables(quantisation_, segment);
        if (segment.marker == kDht) keep_tables(huffman_, segment);
        if (segment.marker == kDri) restart_ = body;
        // libjpeg takes both for what they are from these lengths on (`examine_app0`, `examine_app14`).
        if (segment.marker == kApp0 && jfif_.empty() && body.size() >= 14 &&
            starts_with(body, std::string_view("JFIF\0", 5))) {
            jfif_ = body;
        }
        if (segment.marker == kApp14 && body.size() >= 12 && starts_with(body, "Adobe")) adobe_ = body;
        if (segment.marker == kSos) write_scan(segment);
    }

    template <std::size_t N>
    static void keep_tables(std::array<Bytes, N>& tables, const JpegSegment& segment) {
        for (Bytes rest = segment.body; !rest.empty();) {
            const std::optional<JpegTable> table = take_table(segment.marker, rest);
            if (!table) throw_damaged("a table makes no sense", segment.offset);  // the walk found none such
            tables[table->slot] = table->bytes;
        }
    }

    void write_scan(const JpegSegment& scan) {
        const bool is_first = !std::exchange(has_scan_, true);
        if (is_first) write_head();
        const std::size_t count = byte_at(scan.body, 0);
        std::size_t at = 6;  // of the component in the frame header, in whose order they come (B.2.3)
        for (std::size_t i = 0; i < count; ++i, at += 3) {
            while (byte_at(frame_, at) != byte_at(scan.body, 1 + 2 * i)) at += 3;  // the walk found it
            write_used(kDqt, quantisation_, byte_at(frame_, at + 2));
        }
        if (is_first) write(frame_marker_, frame_);
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t tables = byte_at(scan.body, 2 + 2 * i);
            write_used(kDht, huffman_, tables >> 4);
            write_used(kDht, huffman_, kJpegTables + (tables & 15));
        }
        if (!restart_.empty()) write(kDri, std::exchange(restart_, {}));
        write(kSos, scan.body);
        append(out_, scan.coded);
    }

    void write_head() {
        if (!jfif_.empty()) {  // version, unit and density; without a thumbnail
            append(out_, std::string_view("\xFF\xE0\0\x10", 4));
            append(out_, jfif_.first(12));
            append(out_, std::string_view("\0\0", 2));
        }
        if (!adobe_.empty()) {  // of its fields only the colour transform means anything to a decoder
            append(out_, std::string_view("\xFF\xEE\0\x0E"
                                          "Adobe\0\x64\0\0\0\0",
                                          15));
            out_.push_back(adobe_[11]);
        }
        if (info_.orientation == 1) return;
        append(out_, std::string_view("\xFF\xE1\0\x22"
                                      "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0",
                                      29));
        append_byte(out_, static_cast<std::uint32_t>(info_.orientation));
        append(out_, std::string_view("\0\0\0\0\0\0", 6));
    }

    template <std::size_t N>
    void write_used(std::uint32_t marker, std::array<Bytes, N>& tables, std::size_t number) {
        if (number < N && !tables[number].empty()) write(marker, std::exchange(tables[number], {}));
    }

    void write(std::uint32_t marker, Bytes body) {
        const std::size_t length = body.size() + 2;
        for (const std::size_t value : {std::size_t{0xFF}, std::size_t{marker}, length >> 8, length & 0xFF}) {
            append_byte(out_, static_cast<std::uint32_t>(value));
        }
        append(out_, body);
    }

    JpegSegments segments_;
    ImageInfo info_;
    std::uint32_t frame_marker_ = 0;
    Bytes frame_;
    bool has_scan_ = false;
    Bytes jfif_;
    Bytes adobe_;
    Bytes restart_;
    std::array<Bytes, kJpegTables> quantisation_{};
    std::array<Bytes, 2 * kJpegTables> huffman_{};
    std::vector<std::byte> out_;
};

}  // namespace

std::vector<std::byte> strip_jpeg(Bytes bytes, const ImageInfo& info) {
    return JpegStrip(bytes, info).run();
}

}  // namespace consilia::imaging
