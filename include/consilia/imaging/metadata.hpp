#pragma once
// Files without what they tell besides their pixels: places, names, times, comments, second pictures.
#include <cstddef>
#include <span>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/imaging/codec.hpp"

namespace consilia::imaging {

/// The same image without metadata, bit for bit: no pixel is decoded, none changes.
///
/// Only what decoding and showing need is written anew; everything else goes, known or not. Of a JPEG stay
/// the frame, the tables that a scan uses, the scans, the pixel density, how colours are coded, and the
/// orientation as the only entry of an EXIF segment; of a PNG the header, the palette of an indexed image,
/// the pixels, a transparent colour, and how samples are to be shown (`gAMA`, `cHRM`, `sRGB`, `cICP`, `sBIT`,
/// `pHYs`). ICC profiles go: nothing here reads them, and they name devices and dates.
/// A foreign format in a segment goes with the segment; one in the compressed pixels of a PNG is what
/// `verify` finds. What quantisation tables, palettes and pixels themselves spell stays: for that `reencode`.
/// Stripping twice changes nothing more. Memory: the result, never longer than `bytes` by more than 32 bytes.
/// A DICOM file is de-identified (`deidentify`, with its defaults): each time it gets other UIDs.
/// @throws ValidationError as `check_structure`; `dicom.burned_in_annotation`. @since 0.2
CONSILIA_API std::vector<std::byte> strip_metadata(std::span<const std::byte> bytes,
                                                   const DecodeLimits& limits = {});

}  // namespace consilia::imaging
