#pragma once
// Walks over the containers of JPEG and PNG, without decoding.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "consilia/imaging/codec.hpp"

namespace consilia::imaging {

using Bytes = std::span<const std::byte>;

/// What a walk found. Damage after the header is a finding, not an exception: a probe does not mind it.
struct Structure {
    ImageInfo info;
    std::size_t end = 0;      ///< Offset after the end marker, if nothing is damaged.
    std::string_view damage;  ///< What is wrong; empty if nothing is. A literal.
    std::size_t damage_offset = 0;
    std::uint64_t coefficient_bytes = 0;  ///< JPEG: what several scans have to be collected in.
};

/// How far a walk goes.
enum class Walk : std::uint8_t {
    Header,     ///< What `ImageInfo` needs.
    Container,  ///< To the end marker; a decoder checks the rest.
    Whole,      ///< To the end marker, checksums included.
};

/// Both throw ValidationError: `image.damaged` for a broken header, `image.unsupported_type`,
/// `image.too_complex`.
Structure walk_jpeg(Bytes bytes, Walk walk, std::uint32_t max_segments);
Structure walk_png(Bytes bytes, Walk walk, std::uint32_t max_segments);

/// DICOM, which is a data set before it is an image: see dicom.hpp. The bytes are DICOM by their magic
/// number.
ImageInfo probe_dicom(Bytes bytes);
ImageInfo check_dicom(Bytes bytes, const DecodeLimits& limits);

/// `memory_bytes`: most that decoding holds at once.
/// @throws ValidationError (`image.too_many_pixels`, `image.too_complex`).
void check_limits(const ImageInfo& info, std::uint64_t memory_bytes, const DecodeLimits& limits);

/// `reason` is for people and programs: what is wrong, never content.
[[noreturn]] void throw_damaged(std::string_view reason, std::size_t offset);
[[noreturn]] void throw_unsupported(std::string_view reason);
[[noreturn]] void throw_too_complex(std::string_view what, std::uint64_t limit, std::uint64_t found);

inline std::uint32_t byte_at(Bytes bytes, std::size_t offset) {
    return std::to_integer<std::uint32_t>(bytes[offset]);
}
inline std::uint32_t big_endian_16(Bytes bytes, std::size_t offset) {
    return byte_at(bytes, offset) << 8 | byte_at(bytes, offset + 1);
}
inline std::uint32_t big_endian_32(Bytes bytes, std::size_t offset) {
    return big_endian_16(bytes, offset) << 16 | big_endian_16(bytes, offset + 2);
}

}  // namespace consilia::imaging
