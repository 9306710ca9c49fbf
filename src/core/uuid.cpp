#include "consilia/core/uuid.hpp"

#include <openssl/rand.h>

#include "consilia/core/error.hpp"

namespace consilia::core {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_group_start(std::size_t byte) noexcept {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

Uuid random_bytes() {
    Uuid uuid;
    if (RAND_bytes(uuid.bytes.data(), static_cast<int>(uuid.bytes.size())) != 1) {
        throw Unavailable("random.unavailable", "the system gives no random bytes");
    }
    return uuid;
}

void set_version(Uuid& uuid, unsigned version) noexcept {
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0FU) | version << 4);
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3FU) | 0x80U);
}

constexpr unsigned kNoDigit = 16;

unsigned digit(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return kNoDigit;
}

}  // namespace

Uuid random_uuid() {
    Uuid uuid = random_bytes();
    set_version(uuid, 4);
    return uuid;
}

Uuid time_ordered_uuid(Timestamp now) {
    Uuid uuid = random_bytes();
    const auto milliseconds = static_cast<std::uint64_t>(now.microseconds / 1000);
    for (std::size_t i = 0; i < 6; ++i)
        uuid.bytes[i] = static_cast<std::uint8_t>(milliseconds >> (40 - 8 * i));
    set_version(uuid, 7);
    return uuid;
}

std::string to_string(const Uuid& uuid) {
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (is_group_start(i)) text += '-';
        text += kHex[uuid.bytes[i] >> 4];
        text += kHex[uuid.bytes[i] & 15U];
    }
    return text;
}

std::optional<Uuid> try_parse_uuid(std::string_view text) noexcept {
    if (text.size() != 36) return std::nullopt;
    Uuid uuid;
    std::size_t at = 0;
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (is_group_start(i) && text[at++] != '-') return std::nullopt;
        const unsigned high = digit(text[at]);
        const unsigned low = digit(text[at + 1]);
        if (high == kNoDigit || low == kNoDigit) return std::nullopt;
        uuid.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
        at += 2;
    }
    return uuid;
}

Uuid parse_uuid(std::string_view text) {
    const std::optional<Uuid> uuid = try_parse_uuid(text);
    if (!uuid) throw InvalidArgument("uuid.syntax", "the text is not a UUID");
    return *uuid;
}

}  // namespace consilia::core
