#pragma once
// Data sets back to bytes.
#include "imaging/dicom_dataset.hpp"

namespace consilia::imaging::dicom {

/// Appends the elements as they stand; sequences and items get the lengths that they have, encapsulated pixel
/// data stay as they are.
void write_elements(const Elements& elements, Encoding encoding, std::vector<std::byte>& out);

}  // namespace consilia::imaging::dicom
