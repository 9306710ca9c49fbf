#include "consilia/core/text.hpp"

#include <algorithm>
#include <array>

#include "core/utf8.hpp"

namespace consilia::core {
namespace {

constexpr char32_t kZeroWidthJoiner = 0x200D;

bool is_space(char32_t c) noexcept {
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

struct Range {
    char32_t first;
    char32_t last;
};

/// Marks and modifiers that never stand alone, for the scripts in common use; sorted.
constexpr std::array kExtending = std::to_array<Range>({
    {0x0300, 0x036F},   {0x0483, 0x0489},   {0x0591, 0x05BD},   {0x05BF, 0x05BF}, {0x05C1, 0x05C2},
    {0x05C4, 0x05C5},   {0x05C7, 0x05C7},   {0x0610, 0x061A},   {0x064B, 0x065F}, {0x0670, 0x0670},
    {0x06D6, 0x06DC},   {0x06DF, 0x06E4},   {0x06E7, 0x06E8},   {0x06EA, 0x06ED}, {0x0900, 0x0903},
    {0x093A, 0x093C},   {0x093E, 0x094F},   {0x0951, 0x0957},   {0x0962, 0x0963}, {0x0981, 0x0983},
    {0x09BC, 0x09BC},   {0x09BE, 0x09CD},   {0x0A01, 0x0A03},   {0x0A3C, 0x0A4D}, {0x0B82, 0x0B82},
    {0x0BBE, 0x0BCD},   {0x0C00, 0x0C04},   {0x0C3E, 0x0C56},   {0x0D3E, 0x0D4D}, {0x0E31, 0x0E31},
    {0x0E34, 0x0E3A},   {0x0E47, 0x0E4E},   {0x1AB0, 0x1AFF},   {0x1DC0, 0x1DFF}, {0x200C, 0x200D},
    {0x20D0, 0x20F0},   {0x302A, 0x302F},   {0x3099, 0x309A},   {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    {0x1F3FB, 0x1F3FF}, {0xE0020, 0xE007F}, {0xE0100, 0xE01EF},
});

bool is_extending(char32_t c) noexcept {
    if (c < kExtending.front().first) return false;
    const auto* after =
        std::upper_bound(kExtending.begin(), kExtending.end(), c,
                         [](char32_t value, const Range& range) { return value < range.first; });
    return after != kExtending.begin() && c <= std::prev(after)->last;
}

bool is_regional_indicator(char32_t c) noexcept {
    return c >= 0x1F1E6 && c <= 0x1F1FF;
}

/// The byte after the character that starts at `at`.
std::size_t end_of_character(std::string_view text, std::size_t at) noexcept {
    const CodePoint first = decode_utf8(text, at);
    at += first.size;
    if (first.value == U'\r' && at < text.size() && text[at] == '\n') return at + 1;
    if (first.value < 0x20) return at;
    bool is_flag_open = is_regional_indicator(first.value);
    char32_t previous = first.value;
    while (at < text.size()) {
        const CodePoint next = decode_utf8(text, at);
        const bool closes_flag = is_flag_open && is_regional_indicator(next.value);
        const bool is_joined = previous == kZeroWidthJoiner && next.value >= 0x80;
        if (!closes_flag && !is_joined && !is_extending(next.value)) break;
        is_flag_open = false;
        previous = next.value;
        at += next.size;
    }
    return at;
}

/// The byte after the first `count` characters.
std::size_t end_of_characters(std::string_view text, std::size_t count) noexcept {
    std::size_t at = 0;
    for (; count > 0 && at < text.size(); --count) at = end_of_character(text, at);
    return at;
}

std::string_view trim_end(std::string_view text) noexcept {
    std::size_t end = 0;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = decode_utf8(text, at);
        at += c.size;
        if (!is_space(c.value)) end = at;
    }
    return text.substr(0, end);
}

}  // namespace

bool is_valid_utf8(std::string_view bytes) noexcept {
    for (std::size_t at = 0; at < bytes.size();) {
        const CodePoint c = decode_utf8(bytes, at);
        if (!c.is_valid) return false;
        at += c.size;
    }
    return true;
}

std::string to_valid_utf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        const CodePoint c = decode_utf8(bytes, at);
        text += c.is_valid ? bytes.substr(at, c.size) : std::string_view("\xEF\xBF\xBD");
        at += c.size;
    }
    return text;
}

std::string_view trimmed(std::string_view text) noexcept {
    // Most texts have nothing to trim, and say so by their first and last byte.
    const auto is_plain = [](char c) { return c > ' ' && c < 0x7F; };
    if (!text.empty() && is_plain(text.front()) && is_plain(text.back())) return text;
    while (!text.empty()) {
        const CodePoint c = decode_utf8(text, 0);
        if (!is_space(c.value)) break;
        text.remove_prefix(c.size);
    }
    return trim_end(text);
}

std::size_t count_code_points(std::string_view text) noexcept {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string normalized_space(std::string_view text) {
    std::string normal;
    normal.reserve(text.size());
    bool is_space_pending = false;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = decode_utf8(text, at);
        if (is_space(c.value)) {
            is_space_pending = !normal.empty();
        } else {
            if (is_space_pending) normal += ' ';
            is_space_pending = false;
            normal += text.substr(at, c.size);
        }
        at += c.size;
    }
    return normal;
}

std::size_t count_characters(std::string_view text) noexcept {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); at = end_of_character(text, at)) ++count;
    return count;
}

std::string ellipsized(std::string_view text, std::size_t limit, std::string_view ellipsis) {
    const std::size_t end = end_of_characters(text, limit);
    if (end == text.size()) return std::string(text);
    const std::size_t ellipsis_size = count_characters(ellipsis);
    if (ellipsis_size > limit) return std::string(text.substr(0, end));
    const std::size_t kept = end_of_characters(text, limit - ellipsis_size);
    return std::string(trim_end(text.substr(0, kept))) + std::string(ellipsis);
}

std::string_view truncated(std::string_view text, std::size_t limit) noexcept {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
    return text.substr(0, limit);
}

}  // namespace consilia::core
