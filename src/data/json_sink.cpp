#include "data/json_sink.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "consilia/core/clock.hpp"
#include "core/utf8.hpp"

namespace consilia::data {
namespace {

constexpr std::size_t kPiece = 1024;      // Of a text; six times as much when each byte is escaped.
constexpr std::size_t kNumberBytes = 32;  // The shortest form of any double (24) or int64 (20).
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Whether the byte needs more than copying: a control, a quote, a backslash, or part of a longer character.
constexpr bool is_special(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
}

/// Copies up to the first special byte. @return how many. What lies behind them, up to `size`, is
/// overwritten.
std::size_t copy_plain(char* to, const char* from, std::size_t size) noexcept {
    std::size_t at = 0;
#ifdef __SSE2__
    constexpr std::size_t kStep = 16;
    for (; at + kStep <= size; at += kStep) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), bytes);
        // Signed: controls and the bytes of longer characters are both below a space.
        const __m128i special = _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
                                             _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                                          _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
        if (mask != 0) return at + static_cast<std::size_t>(std::countr_zero(mask));
    }
#else
    constexpr std::size_t kStep = 8;
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kHighs = 0x8080808080808080;
    // The high bit of a byte is set if it is zero (Hacker's Delight, 6-1). Of several, the first found may
    // come after the first there is, so the loop below looks at each.
    const auto has_zero = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighs; };
    for (; at + kStep <= size; at += kStep) {
        std::uint64_t word = 0;
        std::memcpy(&word, from + at, kStep);
        std::memcpy(to + at, &word, kStep);
        const std::uint64_t special = (word & kHighs) | ((word - kOnes * 0x20) & ~word & kHighs) |
                                      has_zero(word ^ (kOnes * '"')) | has_zero(word ^ (kOnes * '\\'));
        if (special != 0) break;
    }
#endif
    for (; at < size && !is_special(from[at]); ++at) to[at] = from[at];
    return at;
}

}  // namespace

void JsonSink::raw(std::string_view text) {
    if (text.size() > buffer_.size()) {
        flush();
        out_ += text;
        return;
    }
    make_room(text.size());
    if (!text.empty()) std::memcpy(buffer_.data() + used_, text.data(), text.size());
    used_ += text.size();
}

void JsonSink::integer(std::int64_t number) {
    make_room(kNumberBytes);
    char* to = buffer_.data() + used_;
    used_ += static_cast<std::size_t>(std::to_chars(to, to + kNumberBytes, number).ptr - to);
}

void JsonSink::number(double number) {
    if (!std::isfinite(number)) return raw("null");
    make_room(kNumberBytes + 2);
    char* to = buffer_.data() + used_;
    const auto size = static_cast<std::size_t>(std::to_chars(to, to + kNumberBytes, number).ptr - to);
    used_ += size;
    if (std::string_view(to, size).find_first_of(".e") == std::string_view::npos) raw(".0");
}

void JsonSink::escaped(char c) {
    constexpr std::string_view kShort = "\"\"\\\\\bb\ff\nn\rr\tt";  // A character, and its letter.
    buffer_[used_++] = '\\';
    for (std::size_t i = 0; i < kShort.size(); i += 2) {
        if (kShort[i] == c) {
            buffer_[used_++] = kShort[i + 1];
            return;
        }
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    for (const char next : {'u', '0', '0', kHex[byte >> 4U], kHex[byte & 0xFU]}) buffer_[used_++] = next;
}

void JsonSink::text(std::string_view text) {
    put('"');
    for (std::size_t at = 0; at < text.size();) {
        make_room(kPiece * 6);
        const std::size_t end = std::min(text.size(), at + kPiece);
        while (at < end) {
            const std::size_t plain = copy_plain(buffer_.data() + used_, text.data() + at, end - at);
            used_ += plain;
            at += plain;
            if (at == end) break;
            if (static_cast<unsigned char>(text[at]) < 0x80) {
                escaped(text[at++]);
                continue;
            }
            const core::CodePoint c =
                core::decode_utf8(text, at);  // May end past `end`, never past the text.
            const std::string_view bytes = c.is_valid ? text.substr(at, c.size) : kReplacement;
            std::memcpy(buffer_.data() + used_, bytes.data(), bytes.size());
            used_ += bytes.size();
            at += c.size;
        }
    }
    put('"');
}

void JsonSink::digits(unsigned number, std::size_t count) noexcept {
    for (std::size_t i = count; i-- > 0; number /= 10) {
        buffer_[used_ + i] = static_cast<char>('0' + number % 10);
    }
    used_ += count;
}

void JsonSink::day(core::Date d) {
    const std::chrono::year_month_day day{std::chrono::sys_days(std::chrono::days(d.days))};
    const int year = static_cast<int>(day.year());
    if (year < 0 || year > 9999 || !day.ok()) return raw(core::to_iso8601(d));
    digits(static_cast<unsigned>(year), 4);
    buffer_[used_++] = '-';
    digits(static_cast<unsigned>(day.month()), 2);
    buffer_[used_++] = '-';
    digits(static_cast<unsigned>(day.day()), 2);
}

void JsonSink::date(core::Date d) {
    make_room(64);
    buffer_[used_++] = '"';
    day(d);
    buffer_[used_++] = '"';
}

void JsonSink::timestamp(core::Timestamp t) {
    constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
    const core::Date date = core::date_of(t);
    const std::int64_t in_day = t.microseconds - date.days * kMicrosPerDay;
    const auto seconds = static_cast<unsigned>(in_day / 1'000'000);
    make_room(64);
    buffer_[used_++] = '"';
    day(date);
    buffer_[used_++] = 'T';
    digits(seconds / 3600, 2);
    buffer_[used_++] = ':';
    digits(seconds / 60 % 60, 2);
    buffer_[used_++] = ':';
    digits(seconds % 60, 2);
    buffer_[used_++] = '.';
    digits(static_cast<unsigned>(in_day % 1'000'000), 6);
    buffer_[used_++] = 'Z';
    buffer_[used_++] = '"';
}

}  // namespace consilia::data
