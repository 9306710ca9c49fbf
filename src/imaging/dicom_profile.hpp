#pragma once
// The Basic Application Level Confidentiality Profile (PS3.15, annex E), as a table.
#include <string_view>

#include "imaging/dicom_dataset.hpp"

namespace consilia::imaging::dicom {

/// The action codes of table E.1-1: X remove, Z empty, D dummy, U another UID. Combined ones leave the choice
/// to what the image's IOD demands, which is not known here.
enum class ProfileRule : std::uint8_t { X, Z, D, U, XZ, XD, ZD, XZD, XZU };

struct ProfileRow {
    std::uint32_t tag = 0;
    Vr vr = 0;  ///< Of the data dictionary.
    ProfileRule rule = ProfileRule::X;
    bool is_date = false;  ///< The option of modified dates keeps it, modified (`C` in its column).
};

inline constexpr std::string_view kProfileEdition = "2024e";

/// The row of a single attribute; null if the profile keeps it. Ranges (private attributes, curves, overlays)
/// have none.
const ProfileRow* find_profile_row(std::uint32_t tag) noexcept;

}  // namespace consilia::imaging::dicom
