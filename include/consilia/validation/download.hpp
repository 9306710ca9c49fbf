#pragma once
// Handing out what came in: the header fields that keep a browser from taking a file for something else.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/core/export.hpp"

namespace consilia::validation {

/// How a file is handed out.
struct DownloadOptions {
    std::string media_type = "application/octet-stream";  ///< That of its facts.
    bool is_inline = false;                               ///< Shown in the page rather than saved.
};

/// The value of `Content-Disposition` for a name that a client once sent (RFC 6266): the name sanitised, in
/// ASCII, and in UTF-8 (RFC 8187) where it has more than that. Nothing in it ends the field or the quotes.
[[nodiscard]] CONSILIA_API std::string content_disposition(std::string_view name, bool is_inline = false);

/// The fields of a response: `Content-Type`, `Content-Disposition`, `X-Content-Type-Options: nosniff`,
/// `Content-Security-Policy: default-src 'none'; sandbox`, `Cross-Origin-Resource-Policy: same-origin` and
/// `Cache-Control: private, no-store`, since it may be of a patient.
/// @throws InvalidArgument (`download.media_type`) for a media type that is none.
[[nodiscard]] CONSILIA_API std::vector<std::pair<std::string, std::string>> download_headers(
    std::string_view name, const DownloadOptions& options = {});

}  // namespace consilia::validation
