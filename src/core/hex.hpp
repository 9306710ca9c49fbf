#pragma once
// Bytes as text.
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace consilia::core {

/// Two lower-case hexadecimal digits for each byte.
inline std::string hex(std::span<const std::byte> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::byte byte : bytes) {
        text += kDigits[std::to_integer<unsigned>(byte) >> 4U];
        text += kDigits[std::to_integer<unsigned>(byte) & 15U];
    }
    return text;
}

}  // namespace consilia::core
