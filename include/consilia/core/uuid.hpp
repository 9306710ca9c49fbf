#pragma once
// Identifiers of RFC 9562: made, written and read.
#include <optional>
#include <string>
#include <string_view>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::core {

/// A random identifier (version 4), from the system's cryptographic generator. @throws Unavailable.
CONSILIA_API Uuid random_uuid();
/// An identifier that sorts by time (version 7): milliseconds of `now`, then random bits. @throws
/// Unavailable.
CONSILIA_API Uuid time_ordered_uuid(Timestamp now);

/// `f81d4fae-7dec-11d0-a765-00a0c91e6bf6`
CONSILIA_API std::string to_string(const Uuid& uuid);
/// @throws InvalidArgument (`uuid.syntax`) unless the text has 32 hexadecimal digits in groups of 8-4-4-4-12.
CONSILIA_API Uuid parse_uuid(std::string_view text);
/// As `parse_uuid`; nothing where that would throw.
[[nodiscard]] CONSILIA_API std::optional<Uuid> try_parse_uuid(std::string_view text) noexcept;

}  // namespace consilia::core
