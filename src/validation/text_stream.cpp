#include "validation/text_stream.hpp"

#include <algorithm>

#include "core/utf8.hpp"

namespace consilia::validation {
namespace {

constexpr std::string_view kNotUtf8 = "not UTF-8";
constexpr std::string_view kControl = "a control character";

bool is_control(char32_t c) noexcept {
    return (c < 0x20 && c != U'\t' && c != U'\n' && c != U'\r') || (c >= 0x7F && c < 0xA0);
}

/// Whether 32 bytes are printable ASCII, tabs or line ends; without branches, so that it becomes vectors.
bool is_plain(const char* at) noexcept {
    unsigned char bad = 0;
    for (int i = 0; i < 32; ++i) {
        const auto c = static_cast<unsigned char>(at[i]);
        const auto is_printable = static_cast<unsigned char>((c >= 0x20) & (c < 0x7F));
        const auto is_space = static_cast<unsigned char>((c == '\t') | (c == '\n') | (c == '\r'));
        bad |= static_cast<unsigned char>(1U ^ (is_printable | is_space));
    }
    return bad == 0;
}

/// How many bytes the character takes that this byte begins; 1 for what begins none.
std::size_t length_of(char first) noexcept {
    const auto byte = static_cast<unsigned char>(first);
    return byte < 0xC2 || byte > 0xF4 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

/// Sets `end` to where a character is cut, or to the size.
std::optional<TextFault> TextStreamCheck::fault_in(std::string_view text, std::size_t& end) const noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
        if (at + 32 <= text.size() && is_plain(text.data() + at)) {
            at += 32;
            continue;
        }
        // A stretch at a time, so that text in other scripts is not tried as ASCII at each character.
        const std::size_t stop = std::min(at + 32, text.size());
        while (at < stop) {
            const core::CodePoint c = core::decode_utf8(text, at);
            if (!c.is_valid && length_of(text[at]) > text.size() - at) {
                end = at;
                return std::nullopt;
            }
            if (!c.is_valid) return TextFault{kNotUtf8, offset_ + at};
            if (is_control(c.value)) return TextFault{kControl, offset_ + at};
            at += c.size;
        }
    }
    end = text.size();
    return std::nullopt;
}

std::optional<TextFault> TextStreamCheck::add(std::span<const std::byte> piece) noexcept {
    std::string_view text(reinterpret_cast<const char*>(piece.data()), piece.size());
    while (cut_bytes_ != 0 && !text.empty()) {
        cut_[cut_bytes_++] = text.front();
        text.remove_prefix(1);
        if (cut_bytes_ < length_of(cut_[0])) continue;
        const core::CodePoint c = core::decode_utf8({cut_.data(), cut_bytes_}, 0);
        if (!c.is_valid) return TextFault{kNotUtf8, offset_};
        if (is_control(c.value)) return TextFault{kControl, offset_};
        offset_ += cut_bytes_;
        cut_bytes_ = 0;
    }
    if (text.empty()) return std::nullopt;
    std::size_t end = 0;
    if (const auto fault = fault_in(text, end)) return fault;
    offset_ += end;
    cut_bytes_ = std::min(text.size() - end, cut_.size());
    std::copy_n(text.data() + end, cut_bytes_, cut_.begin());
    return std::nullopt;
}

std::optional<TextFault> TextStreamCheck::finish() const noexcept {
    return cut_bytes_ == 0 ? std::nullopt : std::optional(TextFault{kNotUtf8, offset_});
}

}  // namespace consilia::validation
