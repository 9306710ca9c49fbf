#pragma once
// Text in UTF-8: checked, counted and cut by what people read as characters.
#include <cstddef>
#include <string>
#include <string_view>

#include "consilia/core/export.hpp"

namespace consilia::core {

/// Whether the bytes are UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
[[nodiscard]] CONSILIA_API bool is_valid_utf8(std::string_view bytes) noexcept;

/// The text with each byte that is not part of a character replaced by U+FFFD.
[[nodiscard]] CONSILIA_API std::string to_valid_utf8(std::string_view bytes);

/// Without the white space at both ends (Unicode's, line ends and tabs included).
[[nodiscard]] CONSILIA_API std::string_view trimmed(std::string_view text) noexcept;

/// Code points of UTF-8: what databases and other languages take for the length of a text.
[[nodiscard]] CONSILIA_API std::size_t count_code_points(std::string_view text) noexcept;

/// Trims, and makes one space of each run of white space (Unicode's, line ends and tabs included).
[[nodiscard]] CONSILIA_API std::string normalized_space(std::string_view text);

/// How many characters people see: marks, joiners, skin tones and flags belong to what they follow.
///
/// The common cases of UAX 29, not its tables: a rare script may count more characters than its readers do.
[[nodiscard]] CONSILIA_API std::size_t count_characters(std::string_view text) noexcept;

/// The text if it has at most `limit` characters, else its beginning and `ellipsis`, `limit` characters
/// together.
///
/// No character is cut in two, and no space stays before the ellipsis. An ellipsis that does not fit is left
/// out.
[[nodiscard]] CONSILIA_API std::string ellipsized(std::string_view text, std::size_t limit,
                                                  std::string_view ellipsis = "…");

/// The longest beginning of at most `limit` bytes that does not cut a code point.
[[nodiscard]] CONSILIA_API std::string_view truncated(std::string_view text, std::size_t limit) noexcept;

}  // namespace consilia::core
