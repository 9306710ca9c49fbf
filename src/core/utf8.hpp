#pragma once
// UTF-8, one code point at a time.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace consilia::core {

struct CodePoint {
    char32_t value = 0xFFFD;
    std::size_t size = 1;  ///< Bytes that it takes.
    bool is_valid = false;
};

/// The code point at `at`, which must be inside the text. What is not one is a single byte, U+FFFD.
constexpr CodePoint decode_utf8(std::string_view text, std::size_t at) noexcept {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    const std::uint32_t first = byte(0);
    if (first < 0x80) return {static_cast<char32_t>(first), 1, true};
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4) return {};
    std::uint32_t value = first & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return {};
        value = value << 6U | (byte(i) & 0x3FU);
    }
    const bool is_overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
    if (is_overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
    return {static_cast<char32_t>(value), size, true};
}

/// Characters that change what people see around them without being seen: controls, line separators and marks
/// of direction. They do not belong into a line of a log or the name of a file.
constexpr bool is_hidden_control(char32_t c) noexcept {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

}  // namespace consilia::core
