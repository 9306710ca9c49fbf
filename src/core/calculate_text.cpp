// Functions of text, and LIKE.
#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/core/text.hpp"
#include "core/calculate.hpp"
#include "core/compare.hpp"

namespace consilia::core {
namespace {

constexpr std::size_t kPatternBytesMax = 50'000;  ///< SQLite's limit for LIKE.

/// The byte after the UTF-8 character that starts at `at`.
std::size_t next_character(std::string_view text, std::size_t at) noexcept {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    return at;
}

/// SQLite's LIKE reads up to a zero byte.
std::string_view until_zero(std::string_view text) noexcept {
    return text.substr(0, text.find('\0'));
}

template <class Change>
std::string changed(std::string text, Change change) {
    std::transform(text.begin(), text.end(), text.begin(), change);
    return text;
}

Value substr(std::string_view text, std::span<const Value> where) {
    const auto* first = where[0].if_as<std::int64_t>();
    const auto* count = where.size() == 1 ? &kPositionMax : where[1].if_as<std::int64_t>();
    if (first == nullptr || count == nullptr) throw_type("`substr`", where[0], where.back());
    if (*first < -kPositionMax || *first > kPositionMax || *count < 0 || *count > kPositionMax) return {};
    const std::int64_t end = where.size() == 1 ? 2 * kPositionMax : *first + *count;
    std::size_t from = 0;
    std::int64_t position = 1;
    for (; position < *first && from < text.size(); ++position) from = next_character(text, from);
    std::size_t to = from;
    for (; position < end && to < text.size(); ++position) to = next_character(text, to);
    return text.substr(from, to - from);
}

Value replaced(std::string_view text, std::string_view what, std::string_view by) {
    if (what.empty()) return text;
    std::string result;
    while (true) {
        const std::size_t found = text.find(what);
        result += text.substr(0, found);
        if (found == std::string_view::npos) return result;
        result += by;
        text.remove_prefix(found + what.size());
    }
}

Value without_spaces(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return std::string_view{};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Value joined(std::span<const Value> texts) {
    std::string result;
    for (const Value& text : texts) result += text.as<std::string>();
    return result;
}

}  // namespace

/// Linear in text times pattern: on a mismatch only the last `%` is tried again.
bool is_like(std::string_view text, std::string_view pattern) noexcept {
    text = until_zero(text);
    pattern = until_zero(pattern);
    std::size_t t = 0;
    std::size_t p = 0;
    std::size_t retry_pattern = std::string_view::npos;
    std::size_t retry_text = 0;
    while (true) {
        if (p < pattern.size() && pattern[p] == '%') {
            retry_pattern = ++p;
            retry_text = t;
            continue;
        }
        if (t == text.size() && p == pattern.size()) return true;
        bool advanced = false;
        if (p < pattern.size() && t < text.size()) {
            const bool escaped = pattern[p] == '\\' && p + 1 < pattern.size();
            const std::size_t literal = escaped ? p + 1 : p;
            if (!escaped && pattern[p] == '_') {
                t = next_character(text, t);
                ++p;
                advanced = true;
            } else if (pattern[literal] == text[t]) {
                p = literal + 1;
                ++t;
                advanced = true;
            }
        }
        if (advanced) continue;
        if (retry_pattern == std::string_view::npos || retry_text >= text.size()) return false;
        retry_text = next_character(text, retry_text);
        t = retry_text;
        p = retry_pattern;
    }
}

void check_pattern(const Value& pattern) {
    const std::string* text = pattern.if_as<std::string>();
    if (text == nullptr || text->size() <= kPatternBytesMax) return;
    throw InvalidArgument("expression.pattern_too_long", "the pattern of `like` is too long",
                          {{"limit_bytes", static_cast<std::int64_t>(kPatternBytesMax)}});
}

Value calculate_text(Operator op, std::span<const Value> operands) {
    const std::size_t text_count = op == Operator::Substr ? 1 : operands.size();
    for (const Value& operand : operands.first(text_count)) {
        if (operand.type() != ValueType::Text) throw_type("a function of text", operand);
    }
    const std::string& text = operands[0].as<std::string>();
    const auto second = [&]() -> const std::string& { return operands[1].as<std::string>(); };
    switch (op) {
        case Operator::Like:
            check_pattern(operands[1]);
            return is_like(text, second());
        case Operator::Lower:
            return changed(text, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        case Operator::Upper:
            return changed(text, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
        case Operator::Length:
            return count_code_points(text);
        case Operator::Substr:
            return substr(text, operands.subspan(1));
        case Operator::Trim:
            return without_spaces(text);
        case Operator::Replace:
            return replaced(text, second(), operands[2].as<std::string>());
        case Operator::StartsWith:
            return text.starts_with(second());
        case Operator::EndsWith:
            return text.ends_with(second());
        case Operator::Contains:
            return text.find(second()) != std::string::npos;
        default:
            return joined(operands);
    }
}

}  // namespace consilia::core
