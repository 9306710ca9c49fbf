#pragma once
// A DICOM data set as a tree of views: what PS3.5 says of elements, items and their lengths.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imaging/structure.hpp"

namespace consilia::imaging::dicom {

/// A value representation as its two letters; zero where implicit VR leaves it open.
using Vr = std::uint16_t;
constexpr Vr vr_of(const char (&name)[3]) {
    return static_cast<Vr>(static_cast<unsigned char>(name[0]) << 8 | static_cast<unsigned char>(name[1]));
}
std::string vr_name(Vr vr);

/// Whether an explicit VR has a length of 32 bits; empty for letters that are no VR (PS3.5, 7.1.2).
std::optional<bool> has_long_length(Vr vr) noexcept;

/// Whether the data dictionary (PS3.6) calls the attribute a sequence: implicit VR does not say so itself.
bool is_sequence_tag(std::uint32_t tag) noexcept;
/// Whether the data dictionary has the attribute.
bool is_known_tag(std::uint32_t tag) noexcept;

namespace tags {
inline constexpr std::uint32_t kItem = 0xFFFE'E000;
inline constexpr std::uint32_t kItemEnd = 0xFFFE'E00D;
inline constexpr std::uint32_t kSequenceEnd = 0xFFFE'E0DD;
inline constexpr std::uint32_t kPixelData = 0x7FE0'0010;
inline constexpr std::uint32_t kSignatures = 0xFFFA'FFFA;
inline constexpr std::uint32_t kTrailingPadding = 0xFFFC'FFFC;
}  // namespace tags

inline constexpr std::uint32_t kUndefinedLength = 0xFFFF'FFFF;

/// How elements are written.
struct Encoding {
    bool is_implicit = false;  ///< Without VR.
    bool is_big_endian = false;
};

struct Element {
    std::uint32_t tag = 0;
    Vr vr = 0;               ///< As stored; of implicit VR `SQ` where it is a sequence, else zero.
    std::size_t offset = 0;  ///< Of the tag, from the start of what was read.
    /// The value; of encapsulated pixel data everything to its delimiter, that included. Empty for sequences.
    Bytes value{};
    bool is_sequence = false;
    bool is_encapsulated = false;               ///< Pixel data in fragments.
    std::vector<std::vector<Element>> items{};  ///< Of a sequence.

    [[nodiscard]] std::uint32_t group() const noexcept { return tag >> 16; }
};
using Elements = std::vector<Element>;

/// What a walk holds to. The bounds are DecodeLimits' and, for nesting, `kMaxDepth`.
struct WalkOptions {
    Encoding encoding{};
    bool allows_encapsulated = false;  ///< The transfer syntax has pixel data in fragments.
    bool stops_at_pixels = false;      ///< Pixel data that are cut end the walk instead of failing it.
    std::uint32_t max_elements = 16'384;
};

inline constexpr int kMaxDepth = 16;  ///< Sequences in sequences; structured reports reach about 8.

/// Reads all of `bytes` from `at` as a data set. Holds it to: elements in ascending order, known VRs, even
/// lengths within what encloses them, group lengths that are right, nothing after pixel data but signatures
/// and a padding of zeros.
/// @throws ValidationError: `image.damaged`, `image.too_complex`, `image.trailing_data` with `offset`.
Elements read_elements(Bytes bytes, std::size_t at, const WalkOptions& options);
/// The file meta information, group 0002, from `at`, which is moved behind it.
Elements read_meta_elements(Bytes bytes, std::size_t& at, std::uint32_t max_elements);

/// The element of a tag, by binary search; null if there is none.
const Element* find(const Elements& elements, std::uint32_t tag) noexcept;

std::uint16_t read_16(Bytes bytes, std::size_t at, bool is_big_endian);
std::uint32_t read_32(Bytes bytes, std::size_t at, bool is_big_endian);

/// Text as stored, without padding at its end and spaces at its start.
std::string_view trimmed(Bytes value) noexcept;
inline std::string_view text_of(const Element* element) noexcept {
    return element == nullptr ? std::string_view{} : trimmed(element->value);
}
/// The values between backslashes.
std::vector<std::string_view> split_values(std::string_view text);
/// A decimal string (DS, IS); empty if it is none or not finite.
std::optional<double> to_number(std::string_view text) noexcept;

}  // namespace consilia::imaging::dicom
