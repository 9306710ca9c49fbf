#pragma once
// DICOM: what a file says of itself, its pixels as a display or a model wants them, and the file without its
// patient. `codec.hpp` takes DICOM files too: `probe`, `check_structure` and `decode` need nothing of this.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/imaging/codec.hpp"

namespace consilia::imaging {

/// How values of interest become shades (PS3.3, C.11.2.1.2 and C.11.2.1.3).
enum class WindowFunction : std::uint8_t { Linear, LinearExact, Sigmoid };

/// `linear`, `linear_exact`, `sigmoid`.
CONSILIA_API std::string_view to_string(WindowFunction function) noexcept;
/// @throws InvalidArgument (`dicom.window`) for another name.
CONSILIA_API WindowFunction window_function(std::string_view name);

/// A window: values around `center` fill the shades from black to white. In modality units.
struct Window {
    double center = 0;
    double width = 1;  ///< At least 1 for `Linear`, above 0 otherwise.
    WindowFunction function = WindowFunction::Linear;
    std::string explanation{};  ///< Of a file's own window, in UTF-8: `BONE`.
};

/// What a file says of its image.
struct DicomInfo {
    std::string transfer_syntax{};       ///< Its UID.
    std::string transfer_syntax_name{};  ///< `explicit VR little endian`, `JPEG-LS lossless`.
    std::string photometric_interpretation{};
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint32_t frames = 1;
    int channels = 1;
    int bits_allocated = 8;
    int bits_stored = 8;
    bool is_signed = false;
    double rescale_slope = 1;
    double rescale_intercept = 0;
    bool has_modality_lut = false;
    bool has_voi_lut = false;
    std::vector<Window> windows{};
    bool has_foreign_preamble = false;      ///< The 128 bytes before the magic number are not all zero.
    bool has_burned_in_annotation = false;  ///< The file says so: (0028,0301) is YES.
};

/// Reads the header of a DICOM image; pixel data may be cut, and of several frames.
/// @throws ValidationError as `probe`.
CONSILIA_API DicomInfo dicom_info(std::span<const std::byte> bytes);

/// Where the shades of a gray image come from.
enum class WindowSource : std::uint8_t {
    File,       ///< The file's VOI LUT, else its window, else as `FullRange`.
    FullRange,  ///< From the least to the greatest value that is not padding.
    Given,      ///< `DicomDecodeOptions::window`.
};

struct DicomDecodeOptions {
    /// From 0. Empty: the file must have one frame, and another is refused as `image.unsupported_type`.
    std::optional<std::uint32_t> frame{};
    WindowSource source = WindowSource::File;
    std::uint32_t index = 0;  ///< Which of the file's VOI LUTs or windows, from 0.
    Window window{};          ///< For `WindowSource::Given`.
    DecodeLimits limits{};
};

/// 8-bit gray or RGB. Gray goes through the modality LUT or rescale and the window, and is turned so that
/// more is brighter (MONOCHROME1 becomes MONOCHROME2); YBR becomes RGB. `decode` does this with the defaults.
/// @throws ValidationError as `decode`; InvalidArgument (`dicom.frame`, `dicom.window`) for what the file
///         does not have; Unavailable (`image.dicom_unavailable`) if the image is compressed as JPEG or
///         JPEG-LS and the codec is not installed.
CONSILIA_API Image decode_dicom(std::span<const std::byte> bytes, const DicomDecodeOptions& options = {});

/// A gray frame in the units of its modality: Hounsfield units of CT, detector values of an X-ray.
struct ModalityValues {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::vector<float> values{};  ///< Rows from the top. Not windowed, and MONOCHROME1 is not turned.
};

/// The values after the modality LUT or rescale, padding included. Only frame and limits of the options
/// count.
/// @throws as `decode_dicom`; `image.unsupported_type` for colour.
CONSILIA_API ModalityValues dicom_values(std::span<const std::byte> bytes,
                                         const DicomDecodeOptions& options = {});

/// One attribute of the data set, as text.
struct DicomTag {
    std::uint32_t tag = 0;       ///< `0x00100010`.
    std::string_view keyword{};  ///< `PatientName`.
    std::string_view vr{};       ///< `PN`.
    std::string text{};          ///< UTF-8; several values are separated by backslashes.
};

inline constexpr std::size_t kDicomTextMax = 1024;  ///< Bytes of a tag's text; the rest is cut off.

/// The attributes of patient, study, series, equipment and image that the file has and that are not empty, in
/// their order. Text is converted from the file's character sets (PS3.5, 6.1); what is not valid there
/// becomes U+FFFD. This is patient data: do not log it.
/// @throws ValidationError if the file is not DICOM or damaged. An image is not needed.
CONSILIA_API std::vector<DicomTag> read_tags(std::span<const std::byte> bytes,
                                             const DecodeLimits& limits = {});

/// What becomes of dates and times.
enum class DeidentifyDates : std::uint8_t {
    Remove,  ///< As the basic profile: emptied, removed or 1900-01-01.
    /// Dates go back by a number of days, 1 to 3650, that is the same for all files of a patient (by patient
    /// id and key); times of day stay. PS3.15's option of modified dates.
    Shift,
};

struct DeidentifyOptions {
    /// Secret that new UIDs and the shift of dates are derived from: files that name each other still do when
    /// they get the same key. At least 16 bytes. Empty: a random key, thrown away: nothing links the result
    /// to the file or to other files of the study.
    std::string key{};
    DeidentifyDates dates = DeidentifyDates::Remove;  ///< `Shift` needs a key.
    bool allow_burned_in = false;                     ///< Take files that say that their pixels show text.
    DecodeLimits limits{};
};

/// The file without what identifies the patient: PS3.15, annex E, Basic Application Level Confidentiality
/// Profile, table E.1-1, in sequences too. Private attributes, overlays, curves, signatures, attributes that
/// the data dictionary does not know and the preamble are removed; UIDs are replaced; the file says so in
/// (0012,0062), (0012,0063), (0012,0064) and (0028,0303). Pixel data stay byte for byte, so that text in the
/// pixels and comments inside compressed streams stay too. The same key gives the same bytes.
/// @throws ValidationError: as `read_tags`; `dicom.burned_in_annotation`. InvalidArgument (`dicom.key`).
CONSILIA_API std::vector<std::byte> deidentify(std::span<const std::byte> bytes,
                                               const DeidentifyOptions& options = {});

}  // namespace consilia::imaging
