#include "imaging/dicom_pseudonyms.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <utility>

#include "consilia/core/error.hpp"

namespace consilia::imaging::dicom {
namespace {

constexpr std::size_t kKeyBytesMin = 16;
constexpr std::uint64_t kMaxDays = 3650;

std::string random_key() {
    std::string key(32, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1) {
        throw core::Internal("dicom.random", "no random bytes could be had");
    }
    return key;
}

/// A big-endian number of 16 bytes in decimal.
std::string decimal(std::array<std::uint8_t, 16> number) {
    std::string digits;
    while (std::ranges::any_of(number, [](std::uint8_t byte) { return byte != 0; })) {
        unsigned rest = 0;
        for (std::uint8_t& byte : number) {
            rest = rest << 8 | byte;
            byte = static_cast<std::uint8_t>(rest / 10);
            rest %= 10;
        }
        digits += static_cast<char>('0' + rest);
    }
    std::ranges::reverse(digits);
    return digits.empty() ? "0" : digits;
}

std::optional<int> digits_of(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') return std::nullopt;
    return number;
}

}  // namespace

Pseudonyms::Pseudonyms(std::string key) : key_(std::move(key)) {
    if (key_.empty()) key_ = random_key();
    if (key_.size() < kKeyBytesMin) {
        throw core::InvalidArgument("dicom.key", "`key` has less than 16 bytes", {{"field", "key"}});
    }
}

std::array<std::uint8_t, 32> Pseudonyms::digest(std::string_view purpose, std::string_view text) const {
    const std::string message = std::string(purpose) + '\0' + std::string(text);
    std::array<std::uint8_t, 32> out{};
    unsigned size = 0;
    const auto* data = reinterpret_cast<const unsigned char*>(message.data());
    if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), data, message.size(), out.data(),
             &size) == nullptr ||
        size != out.size()) {
        throw core::Internal("dicom.hmac", "a stand-in could not be derived");
    }
    return out;
}

std::string Pseudonyms::uid(std::string_view original) const {
    const std::array<std::uint8_t, 32> whole = digest("uid", original);
    std::array<std::uint8_t, 16> uuid{};
    std::copy_n(whole.begin(), uuid.size(), uuid.begin());
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0FU) | 0x80U);  // RFC 9562: version 8, one's own making
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3FU) | 0x80U);
    return "2.25." + decimal(uuid);
}

std::int64_t Pseudonyms::days(std::string_view patient_id) const {
    const std::array<std::uint8_t, 32> whole = digest("days", patient_id);
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) number = number << 8 | whole[i];
    return static_cast<std::int64_t>(number % kMaxDays) + 1;
}

std::optional<std::string> moved_back(std::string_view date, std::int64_t days) {
    if (date.size() < 8) return std::nullopt;
    const std::optional<int> year = digits_of(date.substr(0, 4));
    const std::optional<int> month = digits_of(date.substr(4, 2));
    const std::optional<int> day = digits_of(date.substr(6, 2));
    if (!year || !month || !day) return std::nullopt;
    const std::chrono::year_month_day given{std::chrono::year(*year),
                                            std::chrono::month(static_cast<unsigned>(*month)),
                                            std::chrono::day(static_cast<unsigned>(*day))};
    if (!given.ok()) return std::nullopt;
    const std::chrono::year_month_day moved{std::chrono::sys_days(given) - std::chrono::days(days)};
    const int moved_year = static_cast<int>(moved.year());
    if (moved_year < 0) return std::nullopt;
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%04d%02u%02u", moved_year, static_cast<unsigned>(moved.month()),
                  static_cast<unsigned>(moved.day()));
    return std::string(text.data()) + std::string(date.substr(8));
}

}  // namespace consilia::imaging::dicom
