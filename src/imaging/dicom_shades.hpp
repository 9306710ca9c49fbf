#pragma once
// From stored gray samples to values and shades (PS3.3, C.11.1 and C.11.2).
#include "consilia/imaging/dicom.hpp"
#include "imaging/dicom_pixels.hpp"

namespace consilia::imaging::dicom {

/// What turns stored values into modality values, as the file says.
struct Rescale {
    double slope = 1;
    double intercept = 0;
};
/// @throws ValidationError (`image.damaged`) for a slope of zero or what is no number.
Rescale read_rescale(const File& file);

/// A lookup table of the file (Modality LUT or VOI LUT sequence).
struct Lut {
    std::int32_t first = 0;  ///< The input that the first entry is for; others are clamped.
    std::uint32_t bits = 8;  ///< Of an entry.
    std::vector<std::uint16_t> entries{};

    [[nodiscard]] double at(double input) const noexcept;
};
enum class LutKind : std::uint8_t { Modality, Voi };
/// Empty if there is no such table; `index` counts the items of the sequence.
/// @throws ValidationError (`image.damaged`).
std::optional<Lut> read_lut(const File& file, LutKind kind, std::size_t index, bool is_signed);
std::size_t count_luts(const File& file, LutKind kind) noexcept;

/// The file's windows. @throws ValidationError (`image.damaged`).
std::vector<Window> read_windows(const File& file);

/// The modality value of each code that a sample may have.
std::vector<double> modality_values(const File& file, const PixelHeader& header);

/// The shade of each code. @throws InvalidArgument (`dicom.window`); ValidationError.
std::vector<std::uint8_t> shades(const File& file, const Frame& frame, const DicomDecodeOptions& options);

}  // namespace consilia::imaging::dicom
