#pragma once
// Whether bytes that come in pieces are plain text.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace consilia::validation {

/// Why bytes are not text, and where.
struct TextFault {
    std::string_view reason;
    std::uint64_t offset = 0;
};

/// UTF-8 (RFC 3629) without control characters other than tab, line feed and carriage return. Characters may
/// be cut between pieces.
class TextStreamCheck {
public:
    /// The first fault in this piece. Nothing may be added after one.
    std::optional<TextFault> add(std::span<const std::byte> piece) noexcept;
    /// A character that was cut at the end.
    [[nodiscard]] std::optional<TextFault> finish() const noexcept;

private:
    std::optional<TextFault> fault_in(std::string_view text, std::size_t& end) const noexcept;
    std::array<char, 4> cut_{};  // The first bytes of a character whose others are in the next piece.
    std::size_t cut_bytes_ = 0;
    std::uint64_t offset_ = 0;  // Of the next piece.
};

}  // namespace consilia::validation
