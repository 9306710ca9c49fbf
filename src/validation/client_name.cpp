#include "validation/client_name.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "consilia/validation/receive.hpp"

namespace consilia::validation {
namespace {

constexpr std::size_t kMaxNameBytes = 255;  // NAME_MAX of the usual file systems
constexpr char32_t kInvalid = 0xFFFFFFFF;

/// The next character of UTF-8 (RFC 3629), removed from the front; `kInvalid` for anything that is not one.
char32_t take_character(std::string_view& text) {
    const auto byte = [&text](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(text[i]); };
    const std::uint32_t first = byte(0);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xC2 ? 0
                               : first < 0xE0 ? 2
                               : first < 0xF0 ? 3
                               : first < 0xF5 ? 4
                                              : 0;
    if (length == 0 || text.size() < length) return kInvalid;
    char32_t character = length == 1 ? first : first & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return kInvalid;
        character = character << 6 | (byte(i) & 0x3FU);
    }
    text.remove_prefix(length);
    static constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = character >= 0xD800 && character <= 0xDFFF;
    return character < kLeast[length] || character > 0x10FFFF || is_surrogate ? kInvalid : character;
}

/// Separators on any system, and what changes the order or the end of what is shown (Unicode 15, section 23).
bool is_unsafe(char32_t c) {
    const bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    const bool is_separator = c == U'/' || c == U'\\' || c == 0x2028 || c == 0x2029;
    const bool turns_direction = c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                                 (c >= 0x2066 && c <= 0x2069);
    return is_control || is_separator || turns_direction || c == kInvalid;
}

}  // namespace

void reject(std::string_view field, std::string_view code, const std::string& message, core::Details details,
            int http_status) {
    details.insert(details.begin(), {"field", field});
    throw core::UploadRejected(std::string(code), message, std::move(details), http_status);
}

void check_client_name(std::string_view name, std::string_view field) {
    const auto refuse = [&](const char* reason) {
        reject(field, "upload.unsafe_name", std::string("the file name ") + reason, {{"reason", reason}});
    };
    if (name.empty()) refuse("is empty");
    if (name.size() > kMaxNameBytes) refuse("is longer than 255 bytes");
    if (name == "." || name == "..") refuse("is a directory");
    for (std::string_view rest = name; !rest.empty();) {
        if (is_unsafe(take_character(rest)))
            refuse("has a path separator, a control character or invalid text");
    }
}

}  // namespace consilia::validation
