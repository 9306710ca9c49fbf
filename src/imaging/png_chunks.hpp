#pragma once
// The header and the chunks of a PNG, one after the other (W3C PNG specification, third edition, sections 5
// and 11).
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "imaging/structure.hpp"

namespace consilia::imaging {

constexpr std::size_t kPngSignatureBytes = 8;
constexpr std::size_t kPngHeaderBytes = 33;    ///< Signature and IHDR.
constexpr std::size_t kPngChunkOverhead = 12;  ///< Length, type, CRC.

constexpr std::uint32_t png_chunk_type(std::string_view name) {
    std::uint32_t type = 0;
    for (const char c : name) type = type << 8 | static_cast<unsigned char>(c);
    return type;
}

/// What IHDR says.
struct PngHeader {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint32_t depth = 8;
    std::uint32_t color_type = 0;
    bool interlaced = false;

    [[nodiscard]] std::uint32_t bits_per_pixel() const noexcept;
};

/// The rows of one pass, each after its filter byte; an image without interlacing has one pass.
struct PngPass {
    std::uint64_t row_bytes = 0;  ///< With the filter byte.
    std::uint64_t rows = 0;       ///< Zero: the pass is empty.

    [[nodiscard]] std::uint64_t bytes() const noexcept { return row_bytes * rows; }
};
std::array<PngPass, 7> png_passes(const PngHeader& header) noexcept;

/// @throws ValidationError (`image.damaged`).
PngHeader read_png_header(Bytes bytes);

struct PngChunk {
    std::uint32_t type = 0;
    std::size_t offset = 0;  ///< Of the length.
    Bytes body;
    Bytes whole;  ///< From the length to the checksum.

    [[nodiscard]] bool is(std::string_view name) const { return type == png_chunk_type(name); }
    [[nodiscard]] bool is_critical() const noexcept { return (type >> 24 & 0x20) == 0; }
    [[nodiscard]] bool matches_checksum() const;
};

/// Cuts a file, from IHDR to IEND.
class PngChunks {
public:
    explicit PngChunks(Bytes bytes) : bytes_(bytes) {}

    /// The next chunk; nothing after IEND, and where the file is damaged.
    std::optional<PngChunk> next();

    [[nodiscard]] std::string_view damage() const noexcept { return damage_; }
    [[nodiscard]] std::size_t offset() const noexcept { return at_; }

private:
    std::optional<PngChunk> damaged(std::string_view reason);

    Bytes bytes_;
    std::size_t at_ = kPngSignatureBytes;
    std::string_view damage_;
    bool has_ended_ = false;
};

}  // namespace consilia::imaging
