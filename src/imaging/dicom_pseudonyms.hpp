#pragma once
// What stands in for UIDs and dates: derived from them with a secret.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consilia::imaging::dicom {

/// HMAC-SHA-256 under one key. Without the key nobody can tell whether a stand-in belongs to an original.
class Pseudonyms {
public:
    /// An empty key: a random one. @throws InvalidArgument (`dicom.key`) for one of less than 16 bytes.
    explicit Pseudonyms(std::string key);

    /// `2.25.` and a number of 122 bits, which is a UUID (PS3.5, B.2): the same for the same UID.
    [[nodiscard]] std::string uid(std::string_view original) const;
    /// 1 to 3650: how many days the dates of a patient go back.
    [[nodiscard]] std::int64_t days(std::string_view patient_id) const;

private:
    [[nodiscard]] std::array<std::uint8_t, 32> digest(std::string_view purpose, std::string_view text) const;

    std::string key_;
};

/// `YYYYMMDD`, then perhaps a time, with the date moved back; empty if it does not begin with a date.
std::optional<std::string> moved_back(std::string_view date, std::int64_t days);

}  // namespace consilia::imaging::dicom
