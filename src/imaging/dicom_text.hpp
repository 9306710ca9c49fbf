#pragma once
// Text of a data set in its character sets (PS3.5, 6.1), as UTF-8.
#include <string>

#include "imaging/dicom_dataset.hpp"

namespace consilia::imaging::dicom {

/// Converts from the sets that (0008,0005) names, code extensions by ISO 2022 included. What is not valid
/// becomes U+FFFD, a set that is not known is read as ASCII.
std::string to_utf8(std::string_view text, std::string_view character_sets);

/// The text of an attribute of these elements; empty if there is none.
std::string text_in_utf8(const Elements& elements, std::uint32_t tag);

}  // namespace consilia::imaging::dicom
