#pragma once
// The segments of a JPEG, one after the other (ITU-T T.81, annex B).
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "imaging/structure.hpp"

namespace consilia::imaging {

enum JpegMarker : std::uint32_t {
    kTem = 0x01,
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
    kDqt = 0xDB,
    kDnl = 0xDC,
    kDri = 0xDD,
    kDhp = 0xDE,
    kExp = 0xDF,
    kApp0 = 0xE0,
    kApp1 = 0xE1,
    kApp14 = 0xEE,
};

inline bool is_frame_header(std::uint32_t marker) {
    return marker >= kSof0 && marker <= kSof15 && marker != kDht && marker != kJpg && marker != kDac;
}

/// One marker and what belongs to it.
struct JpegSegment {
    std::uint32_t marker = 0;
    std::size_t offset = 0;  ///< Of the segment's length, or after EOI.
    Bytes body;              ///< Without marker and length; empty for EOI.
    Bytes coded;             ///< After SOS: the coded data with its restart markers.
};

/// A table of DQT or DHT (B.2.4): a number of four, for DHT of DC and then of AC coefficients.
struct JpegTable {
    std::size_t slot = 0;
    Bytes bytes;  ///< With the byte that numbers it.
};
constexpr std::size_t kJpegTables = 4;

/// Takes the first table off `rest`, the body of a segment; nothing if it makes no sense.
std::optional<JpegTable> take_table(std::uint32_t marker, Bytes& rest);

/// Cuts a file, from after SOI to EOI.
class JpegSegments {
public:
    explicit JpegSegments(Bytes bytes) : bytes_(bytes) {}

    /// The next segment, EOI the last one; nothing where the file is damaged.
    std::optional<JpegSegment> next();

    [[nodiscard]] std::string_view damage() const noexcept { return damage_; }
    [[nodiscard]] std::size_t offset() const noexcept { return at_; }

private:
    std::optional<JpegSegment> damaged(std::string_view reason);
    std::size_t end_of_coded_data(std::size_t at) const;

    Bytes bytes_;
    std::size_t at_ = 2;  ///< After SOI, by which the format was detected.
    std::string_view damage_;
};

}  // namespace consilia::imaging
