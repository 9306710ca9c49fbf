#include "consilia/validation/text_checks.hpp"

#include <arpa/inet.h>
#include <idn2.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <new>

#include "core/utf8.hpp"

namespace consilia::validation {
namespace {

// RFC 5321, 4.5.3.1: local part, domain, and a path of 256 with its brackets.
constexpr std::size_t kLocalMax = 64;
constexpr std::size_t kDomainMax = 255;
constexpr std::size_t kEmailMax = 254;
constexpr std::size_t kLabelMax = 63;
constexpr std::size_t kUrlMax = 2'000;

bool is_ascii(std::string_view text) noexcept {
    return std::ranges::none_of(text, [](char c) { return (c & 0x80) != 0; });
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// `atext` of RFC 5322, 3.2.3.
constexpr std::array<bool, 128> kAtom = [] {
    std::array<bool, 128> allowed{};
    for (const char c : std::string_view("!#$%&'*+-/=?^_`{|}~0123456789abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        allowed[static_cast<std::size_t>(c)] = true;
    return allowed;
}();

/// Letters, marks and numbers: what RFC 6531 leaves of UTF-8 in a local part that people can read.
bool is_word(char32_t c) noexcept {
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
            return true;
        default:
            return false;
    }
}

std::string_view check_local(std::string_view local) {
    if (local.empty()) return "local_empty";
    if (local.size() > kLocalMax) return "local_too_long";
    if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos)
        return "local_dots";
    for (std::size_t at = 0; at < local.size();) {
        const core::CodePoint c = core::decode_utf8(local, at);
        at += c.size;
        const bool is_allowed =
            c.value < 0x80 ? kAtom[c.value] || c.value == U'.' : c.is_valid && is_word(c.value);
        if (!is_allowed) return "local_character";
    }
    return {};
}

/// A host name of letters, digits and hyphens (RFC 1123) with at least one dot and a name at its end.
std::string_view check_ascii_domain(std::string_view domain) noexcept {
    if (domain.empty()) return "domain_empty";
    if (domain.size() > kDomainMax) return "domain_too_long";
    std::size_t labels = 0;
    std::string_view label;
    for (std::size_t at = 0; at <= domain.size(); at += label.size() + 1, ++labels) {
        label = domain.substr(at, domain.find('.', at) - at);
        const bool is_host =
            std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
        if (label.empty() || label.size() > kLabelMax || !is_host || label.front() == '-' ||
            label.back() == '-')
            return "domain_label";
    }
    if (labels < 2) return "domain_no_dot";
    return std::ranges::all_of(label, is_digit) ? "domain_label" : std::string_view();
}

bool is_international(std::string_view domain) noexcept {
    if (!is_ascii(domain)) return true;
    constexpr std::string_view kPrefix = "xn--";
    const auto same = [](char a, char b) { return (a | 0x20) == b; };
    return !std::ranges::search(domain, kPrefix, same).empty();
}

using IdnText = std::unique_ptr<char, decltype([](char* text) { idn2_free(text); })>;

/// The A-labels of a domain by IDNA 2008 with the mapping of UTS 46; null for none.
IdnText ascii_domain(std::string_view domain) {
    char* made = nullptr;
    const int status = idn2_to_ascii_8z(std::string(domain).c_str(), &made,
                                        IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
    if (status == IDN2_MALLOC) throw std::bad_alloc();
    return IdnText(status == IDN2_OK ? made : nullptr);
}

std::string_view check_domain(std::string_view domain) {
    if (!is_international(domain)) return check_ascii_domain(domain);
    if (domain.size() > 4 * kDomainMax || domain.find('\0') != std::string_view::npos)
        return "domain_too_long";
    const IdnText ascii = ascii_domain(domain);
    if (!ascii) return "domain_unknown";
    return check_ascii_domain(ascii.get());
}

std::string lower_ascii(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    return lower;
}

/// What names are written with besides letters.
bool joins_names(char32_t c) noexcept {
    static constexpr std::u32string_view kMarks = U" '\u2019\u02BC-\u2010.,\u00B7\u30FB\u05F3\u05F4";
    return kMarks.find(c) != std::u32string_view::npos;
}

bool is_port(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_digit) &&
           std::atol(std::string(text).c_str()) <= 65'535;
}

bool is_ipv4(std::string_view text) {
    in_addr address{};
    return ::inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

bool is_ipv6(std::string_view text) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_host(std::string_view host) {
    if (!host.empty() && host.front() == '[')
        return host.size() > 2 && host.back() == ']' && is_ipv6(host.substr(1, host.size() - 2));
    if (std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; })) return is_ipv4(host);
    const std::string_view problem = check_domain(host);
    return problem.empty() || problem == "domain_no_dot";
}

}  // namespace

std::string_view check_email(std::string_view text) {
    if (text.size() > 4 * kEmailMax) return "too_long";
    const std::size_t at = text.rfind('@');
    if (at == std::string_view::npos) return "no_at";
    if (const std::string_view problem = check_local(text.substr(0, at)); !problem.empty()) return problem;
    if (const std::string_view problem = check_domain(text.substr(at + 1)); !problem.empty()) return problem;
    return text.size() > kEmailMax ? "too_long" : std::string_view();
}

std::string normalized_email(std::string_view email) {
    const std::size_t at = email.rfind('@') + 1;
    const std::string_view domain = email.substr(at);
    std::string normal(email.substr(0, at));
    if (!is_international(domain)) return normal += lower_ascii(domain);
    const IdnText ascii = ascii_domain(domain);
    char* unicode = nullptr;
    if (!ascii || idn2_to_unicode_8z8z(ascii.get(), &unicode, 0) != IDN2_OK) return std::string(email);
    return normal += IdnText(unicode).get();
}

std::string ascii_email(std::string_view email) {
    const std::size_t at = email.rfind('@') + 1;
    const std::string_view domain = email.substr(at);
    std::string ascii(email.substr(0, at));
    if (!is_international(domain)) return ascii += lower_ascii(domain);
    const IdnText made = ascii_domain(domain);
    return made ? ascii += made.get() : std::string(email);
}

bool is_phone(std::string_view text) noexcept {
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    if (!std::ranges::all_of(text, is_digit)) return false;
    return (text.size() >= 9 && text.size() <= 15) || (text.size() == 16 && text.front() == '1');
}

bool is_person_name(std::string_view text) noexcept {
    bool has_letter = false;
    bool after_letter = false;
    bool after_space = true;
    for (std::size_t at = 0; at < text.size();) {
        const core::CodePoint c = core::decode_utf8(text, at);
        at += c.size;
        const bool is_joiner = c.value == 0x200C || c.value == 0x200D;
        const bool is_space = c.value == U' ';
        const bool is_digit_of_name = c.value >= U'0' && c.value <= U'9';
        const bool is_part = c.value < 0x80 ? is_letter(static_cast<char>(c.value)) || is_digit_of_name
                                            : c.is_valid && is_word(c.value);
        if (!is_part && !joins_names(c.value) && !(is_joiner && after_letter && at < text.size()))
            return false;
        if (is_space && after_space) return false;
        after_space = is_space;
        after_letter = (is_part && !is_digit_of_name) || (is_joiner && after_letter);
        has_letter = has_letter || (is_part && !is_digit_of_name);
    }
    return has_letter && !after_space;
}

bool is_url(std::string_view text) {
    if (text.size() > kUrlMax) return false;
    const std::string scheme = lower_ascii(text.substr(0, 8));
    if (!scheme.starts_with("http://") && scheme != "https://") return false;
    std::string_view rest = text.substr(scheme == "https://" ? 8 : 7);
    const auto is_unfit = [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F ||
               std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos;
    };
    if (std::ranges::any_of(text, is_unfit)) return false;
    std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) return false;
    const std::size_t colon = authority.rfind(':');
    if (colon != std::string_view::npos && authority.back() != ']') {
        if (!is_port(authority.substr(colon + 1))) return false;
        authority = authority.substr(0, colon);
    }
    return !authority.empty() && is_host(authority);
}

std::string to_nfc(std::string_view text) {
    utf8proc_uint8_t* made = nullptr;
    const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &made,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(made, &std::free);
    if (size == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
    if (size < 0) return std::string(text);
    return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(size)};
}

}  // namespace consilia::validation
