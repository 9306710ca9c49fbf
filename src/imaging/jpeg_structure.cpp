// The markers of a JPEG (ITU-T T.81, annex B) and the orientation in its EXIF segment.
#include <algorithm>
#include <cstring>
#include <utility>

#include "imaging/structure.hpp"

namespace consilia::imaging {
namespace {

enum Marker : std::uint32_t {
    kSof0 = 0xC0,  // baseline
    kSof1 = 0xC1,  // extended sequential
    kSof2 = 0xC2,  // progressive
    kDht = 0xC4,
    kJpg = 0xC8,
    kDac = 0xCC,
    kSof15 = 0xCF,
    kRst0 = 0xD0,
    kRst7 = 0xD7,
    kSoi = 0xD8,
    kEoi = 0xD9,
    kSos = 0xDA,
    kDnl = 0xDC,
    kDhp = 0xDE,
    kExp = 0xDF,
    kApp1 = 0xE1,
    kTem = 0x01,
};

bool is_frame_header(std::uint32_t marker) {
    return marker >= kSof0 && marker <= kSof15 && marker != kDht && marker != kJpg && marker != kDac;
}

/// Reads 16 and 32 bit numbers in the byte order of a TIFF header.
struct Tiff {
    Bytes bytes;
    bool little;

    [[nodiscard]] std::uint32_t u16(std::size_t at) const {
        return little ? byte_at(bytes, at) | byte_at(bytes, at + 1) << 8 : big_endian_16(bytes, at);
    }
    [[nodiscard]] std::uint32_t u32(std::size_t at) const {
        return little ? u16(at) | u16(at + 2) << 16 : big_endian_32(bytes, at);
    }
};

/// Tag 0x0112 of the first directory (Exif 2.32, 4.6.4); 1 where it is absent or makes no sense.
int exif_orientation(Bytes segment) {
    static constexpr std::string_view kExif("Exif\0\0", 6);
    if (segment.size() < kExif.size() + 8 || std::memcmp(segment.data(), kExif.data(), kExif.size()) != 0)
        return 1;
    const Bytes body = segment.subspan(kExif.size());
    const std::uint32_t order = big_endian_16(body, 0);
    if (order != 0x4949 && order != 0x4D4D) return 1;
    const Tiff tiff{body, order == 0x4949};
    const std::size_t directory = tiff.u32(4);
    if (tiff.u16(2) != 42 || directory > body.size() || body.size() - directory < 2) return 1;
    const std::size_t entries =
        std::min<std::size_t>(tiff.u16(directory), (body.size() - directory - 2) / 12);
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t entry = directory + 2 + 12 * i;
        if (tiff.u16(entry) != 0x0112) continue;
        const std::uint32_t value = tiff.u16(entry + 8);
        const bool is_one_short = tiff.u16(entry + 2) == 3 && tiff.u32(entry + 4) == 1;
        return is_one_short && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    return 1;
}

class JpegWalk {
public:
    JpegWalk(Bytes bytes, std::uint32_t max_segments) : bytes_(bytes), max_segments_(max_segments) {
        found_.info.format = ImageFormat::Jpeg;
        found_.info.scans = 0;
    }

    Structure run() {
        at_ = 2;  // SOI, by which the format was detected
        while (step()) {
        }
        if (!has_frame_) throw_damaged(found_.damage.empty() ? "no frame header" : found_.damage, at_);
        if (found_.info.orientation >= 5) std::swap(found_.info.width, found_.info.height);
        return found_;
    }

private:
    bool damaged(std::string_view reason) {
        found_.damage = reason;
        found_.damage_offset = at_;
        return false;
    }

    /// Takes one marker with its segment and, after SOS, the coded data; false at the end or at damage.
    bool step() {
        if (bytes_.size() - at_ < 2) return damaged("no end marker");
        if (byte_at(bytes_, at_) != 0xFF) return damaged("a marker is missing");
        while (at_ < bytes_.size() && byte_at(bytes_, at_) == 0xFF) ++at_;  // fill bytes, B.1.1.2
        if (at_ == bytes_.size()) return damaged("no end marker");
        const std::uint32_t marker = byte_at(bytes_, at_++);
        if (++segments_ > max_segments_) throw_too_complex("segments", max_segments_, segments_);
        if (marker == kEoi) {
            found_.end = at_;
            return has_frame_ && found_.info.scans > 0 ? false : damaged("the end comes before the image");
        }
        if (marker == 0 || marker == kTem || marker == kSoi || (marker >= kRst0 && marker <= kRst7)) {
            return damaged("a marker is out of place");
        }
        if (bytes_.size() - at_ < 2) return damaged("a segment is cut");
        const std::size_t length = big_endian_16(bytes_, at_);
        if (length < 2 || length > bytes_.size() - at_) return damaged("a segment is cut");
        const Bytes segment = bytes_.subspan(at_ + 2, length - 2);
        if (!take(marker, segment)) return false;
        at_ += length;
        if (marker == kSos) skip_coded_data();
        return true;
    }

    bool take(std::uint32_t marker, Bytes segment) {
        if (marker == kDac || marker == kDnl || marker == kDhp || marker == kExp) {
            throw_unsupported("arithmetic, hierarchical or line-counted JPEG");
        }
        if (is_frame_header(marker)) return take_frame(marker, segment);
        if (marker == kApp1 && !has_exif_) {
            found_.info.orientation = exif_orientation(segment);
            has_exif_ = segment.size() >= 4 && std::memcmp(segment.data(), "Exif", 4) == 0;
        }
        if (marker == kSos) {
            if (!has_frame_) return damaged("a scan comes before the frame header");
            ++found_.info.scans;
        }
        return true;
    }

    bool take_frame(std::uint32_t marker, Bytes segment) {
        if (has_frame_) return damaged("a second frame header");
        if (marker > kSof2) throw_unsupported("lossless, hierarchical or arithmetic JPEG");
        if (segment.size() < 6) throw_damaged("the frame header is cut", at_);
        const std::uint32_t components = byte_at(segment, 5);
        found_.info.height = big_endian_16(segment, 1);
        found_.info.width = big_endian_16(segment, 3);
        found_.info.interlaced = marker == kSof2;
        if (byte_at(segment, 0) != 8) throw_unsupported("JPEG with other than 8 bits a sample");
        if (components != 1 && components != 3) throw_unsupported("JPEG with other than 1 or 3 channels");
        if (found_.info.width == 0 || found_.info.height == 0) throw_damaged("the image has no size", at_);
        if (segment.size() != 6 + 3 * components) throw_damaged("the frame header has the wrong length", at_);
        found_.info.channels = static_cast<int>(components);
        has_frame_ = true;
        return true;
    }

    /// To the next marker that is not a restart or a stuffed zero (B.1.1.5).
    void skip_coded_data() {
        while (at_ < bytes_.size()) {
            const void* ff = std::memchr(bytes_.data() + at_, 0xFF, bytes_.size() - at_);
            if (ff == nullptr) break;
            at_ = static_cast<std::size_t>(static_cast<const std::byte*>(ff) - bytes_.data());
            if (at_ + 1 == bytes_.size()) return;
            const std::uint32_t next = byte_at(bytes_, at_ + 1);
            if (next != 0 && !(next >= kRst0 && next <= kRst7)) return;
            at_ += 2;
        }
        at_ = bytes_.size();
    }

    Bytes bytes_;
    std::uint32_t max_segments_;
    std::uint32_t segments_ = 0;
    std::size_t at_ = 0;
    bool has_frame_ = false;
    bool has_exif_ = false;
    Structure found_;
};

}  // namespace

// The number of scans is part of the header's facts here, and is only known at the end: both walks are the
// same.
Structure walk_jpeg(Bytes bytes, Walk, std::uint32_t max_segments) {
    return JpegWalk(bytes, max_segments).run();
}

}  // namespace consilia::imaging
