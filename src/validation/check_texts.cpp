// Texts: how they are cleaned, how long they may be, and what they look like.
#include <re2/re2.h>

#include <algorithm>
#include <cstring>

#include "consilia/core/text.hpp"
#include "consilia/validation/text_checks.hpp"
#include "core/utf8.hpp"
#include "validation/form_check.hpp"

namespace consilia::validation {
namespace {

struct TextFacts {
    bool is_ascii = true;
    bool has_control = false;  ///< Of ASCII: below the space, or DEL.
};

/// Eight bytes at a time: most texts are short and plain.
TextFacts facts_of(std::string_view text) noexcept {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kHigh = 0x8080808080808080;
    TextFacts facts;
    const auto look = [&](std::uint64_t word) {
        // Of a byte below 0x80: its high bit in `below` is set where it is less than a space; in `del` where
        // it is DEL.
        const std::uint64_t below = (word - kOnes * 0x20) & ~word & kHigh;
        const std::uint64_t del = ((word ^ kOnes * 0x7F) - kOnes) & ~(word ^ kOnes * 0x7F) & kHigh;
        facts.is_ascii = facts.is_ascii && (word & kHigh) == 0;
        facts.has_control = facts.has_control || (below | del) != 0;
    };
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, 8);
        look(word);
    }
    if (at < text.size()) {
        std::uint64_t word = kOnes * 0x20;
        std::memcpy(&word, text.data() + at, text.size() - at);
        look(word);
    }
    return facts;
}

/// Controls, and what turns the direction of the text around it; line ends and tabs only of several lines.
bool has_hidden_control(std::string_view text, bool is_multiline) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const core::CodePoint c = core::decode_utf8(text, at);
        at += c.size;
        const bool is_line_end =
            c.value == '\n' || c.value == '\r' || c.value == '\t' || c.value == 0x2028 || c.value == 0x2029;
        const bool is_mark = c.value == 0x061C || c.value == 0x200E || c.value == 0x200F;  // of plain text
        if (core::is_hidden_control(c.value) && !is_mark && !(is_multiline && is_line_end)) return true;
    }
    return false;
}

/// Two spaces together, or a byte that begins a space beyond ASCII.
bool may_have_runs_of_space(std::string_view text) noexcept {
    char previous = 0;
    for (const char c : text) {
        const bool is_lead = c == '\xC2' || c == '\xE1' || c == '\xE2' || c == '\xE3';
        if (is_lead || c == '\t' || c == '\n' || (c == ' ' && previous == ' ')) return true;
        previous = c;
    }
    return false;
}

/// In lower case, and not international: as almost all are written.
bool is_normal_email(std::string_view email) noexcept {
    const std::string_view domain = email.substr(email.rfind('@') + 1);
    return domain.find("xn--") == std::string_view::npos &&
           std::ranges::all_of(domain, [](char c) { return (c & 0x80) == 0 && !(c >= 'A' && c <= 'Z'); });
}

/// Below U+0300, the first mark that composes, everything is in form C (UAX 15).
bool is_surely_nfc(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0xCC; });
}

std::string without_carriage_returns(std::string_view text) {
    std::string lines;
    lines.reserve(text.size());
    for (const char c : text) {
        while (c == '\n' && !lines.empty() && lines.back() == '\r') lines.pop_back();
        lines += c;
    }
    return lines;
}

}  // namespace

/// As it is kept: trimmed, NFC, line ends of one kind. In a name, each run of white space is one space.
std::string_view FormCheck::clean_text(const FieldPlan& plan, std::string_view text, bool is_ascii) {
    if (is_strict_ || plan.field->is_secret) return text;
    const auto replace = [&](const std::string& by) {
        if (by != text) text = stored(by);
    };
    text = core::trimmed(text);
    if (plan.field->is_multiline && text.find('\r') != std::string_view::npos)
        replace(without_carriage_returns(text));
    if (plan.field->kind == FieldKind::PersonName && may_have_runs_of_space(text))
        replace(core::normalized_space(text));
    if (!is_ascii && !is_surely_nfc(text)) replace(to_nfc(text));
    return text;
}

Input FormCheck::check_text(const FieldPlan& plan, const Input& given, const Step& at) {
    if (given.kind != InputKind::Text) return fail_type(plan, at, given);
    const Field& field = *plan.field;
    const TextFacts facts = facts_of(given.text);
    // The longest that could hold as many code points; what is longer is not worth cleaning.
    if (given.text.size() > 4 * plan.length_max + 4'096)
        return fail(plan, at, "too_long", {{"limit", plan.length_max}});

    const std::string_view text = clean_text(plan, given.text, facts.is_ascii);
    if (text.empty() && !field.allows_blank) return blank(plan, at);
    if (text.empty()) return Input::of(text, given.text.empty() ? given.node : nullptr);
    if ((facts.has_control || !facts.is_ascii) && has_hidden_control(text, field.is_multiline))
        return fail(plan, at, "control_character");

    const std::size_t length = facts.is_ascii ? text.size() : core::count_code_points(text);
    if (length < plan.length_min)
        fail(plan, at, "too_short", {{"limit", plan.length_min}, {"found", length}});
    if (length > plan.length_max) fail(plan, at, "too_long", {{"limit", plan.length_max}, {"found", length}});
    Input clean = Input::of(text);
    if (field.kind != FieldKind::Text && !text.empty()) check_format(plan, clean, at);
    if (plan.pattern && !re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *plan.pattern))
        fail(plan, at, "pattern");
    if (!plan.text_choices.empty() && !std::ranges::binary_search(plan.text_choices, text, std::less<>()))
        fail(plan, at, "choice", {{"choices", plan.choices}});
    if (clean.text.data() == given.text.data() && clean.text.size() == given.text.size())
        clean.node = given.node;
    return clean;
}

void FormCheck::check_format(const FieldPlan& plan, Input& text, const Step& at) {
    switch (plan.field->kind) {
        case FieldKind::Email: {
            const std::string_view problem = check_email(text.text);
            if (!problem.empty()) {
                fail(plan, at, "email", {{"reason", problem}});
            } else if (!is_strict_) {
                if (is_normal_email(text.text)) return;
                const std::string normal = normalized_email(text.text);
                if (normal != text.text) text = Input::of(stored(normal));
            }
            return;
        }
        case FieldKind::Phone:
            if (!is_phone(text.text)) fail(plan, at, "phone");
            return;
        case FieldKind::PersonName:
            if (!is_person_name(text.text)) fail(plan, at, "person_name");
            return;
        default:
            if (!is_url(text.text)) fail(plan, at, "url");
            return;
    }
}

}  // namespace consilia::validation
