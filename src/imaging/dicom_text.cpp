#include "imaging/dicom_text.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace consilia::imaging::dicom {
namespace {

constexpr std::uint32_t kSpecificCharacterSet = 0x0008'0005;
constexpr char kEscape = '\x1B';
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

struct NamedSet {
    std::string_view name;      // defined term without `ISO_IR ` or `ISO 2022 IR `
    std::string_view encoding;  // as iconv calls it
};
/// PS3.3, C.12.1.1.2: sets of one byte, which are also initial states with code extensions.
constexpr auto kSets = std::to_array<NamedSet>({
    {"6", "ASCII"},
    {"100", "ISO-8859-1"},
    {"101", "ISO-8859-2"},
    {"109", "ISO-8859-3"},
    {"110", "ISO-8859-4"},
    {"144", "ISO-8859-5"},
    {"127", "ISO-8859-6"},
    {"126", "ISO-8859-7"},
    {"138", "ISO-8859-8"},
    {"148", "ISO-8859-9"},
    {"203", "ISO-8859-15"},
    {"13", "CP932"},  // its single bytes are JIS X 0201
    {"166", "TIS-620"},
    {"192", "UTF-8"},
});

struct Escape {
    std::string_view sequence;  // after ESC
    std::string_view encoding;
    bool keeps_escape;  // the converter reads the sequence itself
    bool is_wide;       // two bytes a character in the lower half: 0x5C is no backslash
};
constexpr auto kEscapes = std::to_array<Escape>({
    {"(B", "ASCII", false, false},
    {"-A", "ISO-8859-1", false, false},
    {"-B", "ISO-8859-2", false, false},
    {"-C", "ISO-8859-3", false, false},
    {"-D", "ISO-8859-4", false, false},
    {"-L", "ISO-8859-5", false, false},
    {"-G", "ISO-8859-6", false, false},
    {"-F", "ISO-8859-7", false, false},
    {"-H", "ISO-8859-8", false, false},
    {"-M", "ISO-8859-9", false, false},
    {"-b", "ISO-8859-15", false, false},
    {"-T", "TIS-620", false, false},
    {"(J", "CP932", false, false},
    {")I", "CP932", false, false},
    {"$B", "ISO-2022-JP-2", true, true},
    {"$(D", "ISO-2022-JP-2", true, true},
    {"$)C", "EUC-KR", false, false},
    {"$)A", "EUC-CN", false, false},
});

/// One converter of iconv; not valid if the C library does not know the encoding.
class Converter {
public:
    explicit Converter(std::string_view encoding)
        : handle_(::iconv_open("UTF-8", std::string(encoding).c_str())) {}
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;
    ~Converter() {
        if (is_valid()) ::iconv_close(handle_);
    }
    [[nodiscard]] bool is_valid() const noexcept {
        return handle_ != reinterpret_cast<iconv_t>(-1);  // NOLINT(performance-no-int-to-ptr)
    }

    void append(std::string_view text, std::string& out) const {
        // SAFETY: iconv's input is not const in POSIX, but it is not written to.
        char* in = const_cast<char*>(text.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        std::size_t left = text.size();
        std::array<char, 512> buffer{};
        for (;;) {
            char* to = buffer.data();
            std::size_t room = buffer.size();
            const std::size_t status = ::iconv(handle_, &in, &left, &to, &room);
            const int reason = errno;
            out.append(buffer.data(), buffer.size() - room);
            if (status != static_cast<std::size_t>(-1)) return;
            if (reason == E2BIG) continue;
            out += kReplacement;
            if (left == 0) return;
            ++in;
            --left;
        }
    }

private:
    iconv_t handle_;
};

void append_ascii(std::string_view text, std::string& out) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x80) {
            out += c;
        } else {
            out += kReplacement;
        }
    }
}

void append_as(std::string_view encoding, std::string_view text, std::string& out) {
    if (text.empty()) return;
    const Converter converter(encoding);
    if (converter.is_valid()) {
        converter.append(text, out);
    } else {
        append_ascii(text, out);
    }
}

std::string_view encoding_of(std::string_view name) {
    if (name == "GB18030" || name == "GBK") return name == "GBK" ? "GBK" : "GB18030";
    for (const std::string_view prefix : {std::string_view("ISO_IR "), std::string_view("ISO 2022 IR ")}) {
        if (!name.starts_with(prefix)) continue;
        const auto found = std::ranges::find(kSets, name.substr(prefix.size()), &NamedSet::name);
        if (found != kSets.end()) return found->encoding;
    }
    return "ASCII";
}

/// Where the run of one set ends: at the next escape, or at a delimiter, which goes back to the initial set
/// (PS3.5, 6.1.2.5.3).
std::size_t run_end(std::string_view text, std::size_t from, bool is_wide) {
    return is_wide ? text.find(kEscape, from) : text.find_first_of("\x1B\\^=\r\n\f\t", from);
}

std::string with_extensions(std::string_view text, std::string_view initial) {
    std::string out;
    std::string_view encoding = initial;
    bool is_wide = false;
    std::string_view kept;  // the escape sequence that the converter wants to see
    while (!text.empty()) {
        const std::size_t end = std::min(run_end(text, 0, is_wide), text.size());
        append_as(encoding, std::string(kept) + std::string(text.substr(0, end)), out);
        text.remove_prefix(end);
        if (text.empty()) return out;
        kept = {};
        if (text.front() != kEscape) {
            out += text.front();
            text.remove_prefix(1);
            encoding = initial;
            is_wide = false;
            continue;
        }
        const auto known = std::ranges::find_if(
            kEscapes, [&](const Escape& escape) { return text.substr(1).starts_with(escape.sequence); });
        if (known == kEscapes.end()) {
            out += kReplacement;
            text.remove_prefix(1);
            continue;
        }
        encoding = known->encoding;
        is_wide = known->is_wide;
        if (known->keeps_escape) kept = text.substr(0, 1 + known->sequence.size());
        text.remove_prefix(1 + known->sequence.size());
    }
    return out;
}

}  // namespace

std::string to_utf8(std::string_view text, std::string_view character_sets) {
    const std::string_view first = split_values(character_sets).front();
    const std::string_view encoding = encoding_of(first);
    if (text.find(kEscape) != std::string_view::npos && encoding != "UTF-8" && !encoding.starts_with("GB")) {
        return with_extensions(text, encoding);
    }
    std::string out;
    append_as(encoding, text, out);
    return out;
}

std::string text_in_utf8(const Elements& elements, std::uint32_t tag) {
    const std::string_view text = text_of(find(elements, tag));
    return text.empty() ? std::string() : to_utf8(text, text_of(find(elements, kSpecificCharacterSet)));
}

}  // namespace consilia::imaging::dicom
