#pragma once
// What addresses, numbers and names of people look like.
#include <string>
#include <string_view>

#include "consilia/core/export.hpp"

namespace consilia::validation {

/// Why a text is no email address; empty: it is one. One of `no_at`, `local_empty`, `local_too_long` (64
/// bytes, RFC 5321 4.5.3.1.1), `local_character`, `local_dots`, `domain_empty`, `domain_too_long` (255),
/// `domain_label`, `domain_no_dot`, `domain_unknown` (not IDNA 2008), `too_long` (254).
///
/// The local part is a dot-atom of RFC 5322, or of RFC 6531 in any script; quoted parts and address literals
/// are refused.
[[nodiscard]] CONSILIA_API std::string_view check_email(std::string_view text);
/// The address with its domain in lower case and, where it is international, in Unicode (U-labels): one
/// spelling of one mailbox. For an address that `check_email` takes.
[[nodiscard]] CONSILIA_API std::string normalized_email(std::string_view email);
/// The address with its domain in ASCII (A-labels): for programs that send mail.
[[nodiscard]] CONSILIA_API std::string ascii_email(std::string_view email);

/// `^\+?1?\d{9,15}$`
[[nodiscard]] CONSILIA_API bool is_phone(std::string_view text) noexcept;

/// Whether the text can be a person's name: letters of any script with their marks, digits, single spaces and
/// what names are written with (`'` `’` `ʼ` `-` `‐` `.` `,` `·` `・` `׳` `״`, joiners between letters); at
/// least one letter.
[[nodiscard]] CONSILIA_API bool is_person_name(std::string_view text) noexcept;

/// `http://` or `https://`, a host name or address, optionally a port, path, query and fragment (RFC 3986);
/// no user, no spaces, ASCII or international host. At most 2,000 bytes.
[[nodiscard]] CONSILIA_API bool is_url(std::string_view text);

/// The text in Unicode's normal form C.
[[nodiscard]] CONSILIA_API std::string to_nfc(std::string_view text);

}  // namespace consilia::validation
