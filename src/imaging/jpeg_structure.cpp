// What the segments of a JPEG say (ITU-T T.81, annex B), and the orientation in its EXIF segment.
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "imaging/jpeg_segments.hpp"
#include "imaging/structure.hpp"

namespace consilia::imaging {
namespace {

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

/// A component of the frame, as its header describes it (B.2.2).
struct Component {
    std::uint32_t id = 0;
    std::uint64_t across = 1;  ///< Sampling factors.
    std::uint64_t down = 1;
    std::uint64_t blocks_across = 0;
    std::uint64_t blocks_down = 0;

    [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_across * blocks_down; }
};

std::uint64_t divided_up(std::uint64_t value, std::uint64_t by) {
    return (value + by - 1) / by;
}

class JpegWalk {
public:
    JpegWalk(Bytes bytes, std::uint32_t max_segments) : segments_(bytes), max_segments_(max_segments) {
        found_.info.format = ImageFormat::Jpeg;
        found_.info.scans = 0;
    }

    Structure run() {
        std::uint32_t count = 0;
        std::optional<JpegSegment> segment = segments_.next();
        for (; segment; segment = segments_.next()) {
            if (++count > max_segments_) throw_too_complex("segments", max_segments_, count);
            if (!take(*segment)) break;
        }
        if (!segment) damaged(segments_.damage(), segments_.offset());
        if (!has_frame_) throw_damaged(found_.damage, found_.damage_offset);
        if (found_.info.orientation >= 5) std::swap(found_.info.width, found_.info.height);
        return found_;
    }

private:
    bool damaged(std::string_view reason, std::size_t offset) {
        found_.damage = reason;
        found_.damage_offset = offset;
        return false;
    }

    /// False at the end and at damage.
    bool take(const JpegSegment& segment) {
        const std::uint32_t marker = segment.marker;
        if (marker == kEoi) {
            found_.end = segment.offset;
            const bool is_complete = has_frame_ && found_.info.scans > 0;
            return is_complete ? false : damaged("the end comes before the image", segment.offset);
        }
        if (marker == kDac || marker == kDnl || marker == kDhp || marker == kExp) {
            throw_unsupported("arithmetic, hierarchical or line-counted JPEG");
        }
        if (is_frame_header(marker)) return take_frame(segment);
        if (marker == kApp1 && !has_exif_) {
            found_.info.orientation = exif_orientation(segment.body);
            has_exif_ = segment.body.size() >= 4 && std::memcmp(segment.body.data(), "Exif", 4) == 0;
        }
        if (marker == kDqt || marker == kDht) return take_tables(segment);
        if (marker == kDri && segment.body.size() != 2)
            return damaged("a restart interval has the wrong length", segment.offset);
        return marker == kSos ? take_scan(segment) : true;
    }

    bool take_tables(const JpegSegment& segment) {
        for (Bytes rest = segment.body; !rest.empty();) {
            if (!take_table(segment.marker, rest)) return damaged("a table makes no sense", segment.offset);
        }
        return true;
    }

    bool take_frame(const JpegSegment& segment) {
        const Bytes body = segment.body;
        if (has_frame_) return damaged("a second frame header", segment.offset);
        if (segment.marker > kSof2) throw_unsupported("lossless, hierarchical or arithmetic JPEG");
        if (body.size() < 6) throw_damaged("the frame header is cut", segment.offset);
        const std::uint32_t components = byte_at(body, 5);
        found_.info.height = big_endian_16(body, 1);
        found_.info.width = big_endian_16(body, 3);
        found_.info.interlaced = segment.marker == kSof2;
        if (byte_at(body, 0) != 8) throw_unsupported("JPEG with other than 8 bits a sample");
        if (components != 1 && components != 3) throw_unsupported("JPEG with other than 1 or 3 channels");
        if (found_.info.width == 0 || found_.info.height == 0)
            throw_damaged("the image has no size", segment.offset);
        if (body.size() != 6 + 3 * components)
            throw_damaged("the frame header has the wrong length", segment.offset);
        found_.info.channels = static_cast<int>(components);
        take_components(segment);
        has_frame_ = true;
        return true;
    }

    void take_components(const JpegSegment& segment) {
        std::uint64_t most_across = 1;
        std::uint64_t most_down = 1;
        for (std::size_t at = 6; at < segment.body.size(); at += 3) {
            Component component;
            component.id = byte_at(segment.body, at);
            component.across = byte_at(segment.body, at + 1) >> 4;
            component.down = byte_at(segment.body, at + 1) & 15;
            const auto is_factor = [](std::uint64_t n) { return n >= 1 && n <= 4; };
            if (!is_factor(component.across) || !is_factor(component.down))
                throw_damaged("a sampling factor makes no sense", segment.offset);
            most_across = std::max(most_across, component.across);
            most_down = std::max(most_down, component.down);
            components_.push_back(component);
        }
        for (Component& each : components_) {  // A.1.1 and A.2.4
            each.blocks_across = divided_up(found_.info.width * each.across, 8 * most_across);
            each.blocks_down = divided_up(found_.info.height * each.down, 8 * most_down);
            const std::uint64_t padded = divided_up(each.blocks_across, each.across) * each.across *
                                         divided_up(each.blocks_down, each.down) * each.down;
            found_.coefficient_bytes += padded * 64 * sizeof(std::int16_t);
        }
    }

    /// Every block costs at least one bit for its DC coefficient, and a sequential one another for the end
    /// of the others: what is shorter cannot be whole, and is not worth the memory that it asks for.
    bool take_scan(const JpegSegment& segment) {
        if (!has_frame_) return damaged("a scan comes before the frame header", segment.offset);
        ++found_.info.scans;
        const Bytes body = segment.body;
        const std::size_t count = body.empty() ? 0 : byte_at(body, 0);
        if (body.size() != 4 + 2 * count)
            return damaged("a scan header has the wrong length", segment.offset);
        std::uint64_t blocks = 0;
        std::size_t at = 0;  // of the component: in the order of the frame header (B.2.3)
        for (std::size_t i = 0; i < count; ++i, ++at) {
            while (at < components_.size() && components_[at].id != byte_at(body, 1 + 2 * i)) ++at;
            if (at == components_.size()) return damaged("a scan is of an unknown component", segment.offset);
            blocks += components_[at].blocks();
        }
        const bool is_progressive = found_.info.interlaced;
        const bool has_dc = !is_progressive || byte_at(body, 1 + 2 * count) == 0;
        const std::uint64_t bits = has_dc ? blocks * (is_progressive ? 1 : 2) : 0;
        if (bits > 8 * std::uint64_t{segment.coded.size()})
            return damaged("the coded data is too short for the image", segment.offset);
        return true;
    }

    JpegSegments segments_;
    std::uint32_t max_segments_;
    bool has_frame_ = false;
    bool has_exif_ = false;
    std::vector<Component> components_;
    Structure found_;
};

}  // namespace

// The number of scans is part of the header's facts here, and is only known at the end: both walks are the
// same.
Structure walk_jpeg(Bytes bytes, Walk, std::uint32_t max_segments) {
    return JpegWalk(bytes, max_segments).run();
}

}  // namespace consilia::imaging
