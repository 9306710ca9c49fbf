#include "consilia/validation/download.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"

namespace consilia::validation {
namespace {

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// `token` of RFC 9110, as in media types.
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

/// What stands between quotes: ASCII without quotes and backslashes; a character of UTF-8 is one `_`.
std::string ascii_name(std::string_view name) {
    std::string ascii;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0U) == 0x80U) continue;
        ascii += byte < 0x20 || byte >= 0x7F || c == '"' || c == '\\' || c == '%' ? '_' : c;
    }
    return ascii;
}

/// `value-chars` of RFC 8187.
std::string percent_encoded(std::string_view name) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_alphanumeric(c) || std::string_view("!#$&+-.^_`|~").find(c) != std::string_view::npos) {
            encoded += c;
        } else {
            encoded += '%';
            encoded += kHex[byte >> 4U];
            encoded += kHex[byte & 15U];
        }
    }
    return encoded;
}

}  // namespace

std::string content_disposition(std::string_view name, bool is_inline) {
    const std::string safe = core::safe_file_name(name);
    const std::string ascii = ascii_name(safe);
    std::string field = is_inline ? "inline" : "attachment";
    field += "; filename=\"" + ascii + '"';
    if (ascii != safe) field += "; filename*=UTF-8''" + percent_encoded(safe);
    return field;
}

std::vector<std::pair<std::string, std::string>> download_headers(std::string_view name,
                                                                  const DownloadOptions& options) {
    const std::size_t slash = options.media_type.find('/');
    const std::string_view type = std::string_view(options.media_type).substr(0, slash);
    if (slash == std::string::npos || !is_token(type) ||
        !is_token(std::string_view(options.media_type).substr(slash + 1)))
        throw core::InvalidArgument("download.media_type", "a media type is like `image/png`");
    return {{"Content-Type", options.media_type},
            {"Content-Disposition", content_disposition(name, options.is_inline)},
            {"X-Content-Type-Options", "nosniff"},
            {"Content-Security-Policy", "default-src 'none'; sandbox"},
            {"Cross-Origin-Resource-Policy", "same-origin"},
            {"Cache-Control", "private, no-store"}};
}

}  // namespace consilia::validation
