// DICOM among the other formats: probe, structure, pixels.
#include "consilia/imaging/dicom.hpp"

#include <algorithm>
#include <cmath>

#include "consilia/core/error.hpp"
#include "imaging/dicom_codec.hpp"
#include "imaging/dicom_shades.hpp"
#include "imaging/structure.hpp"

namespace consilia::imaging {
namespace {

using namespace dicom;

ImageInfo info_of(const PixelHeader& header) {
    ImageInfo info;
    info.format = ImageFormat::Dicom;
    info.width = header.columns;
    info.height = header.rows;
    info.channels = header.samples;
    info.bit_depth = header.bits_stored;
    return info;
}

/// Most that a frame takes: as stored, from the codec, and as floats.
std::uint64_t memory_bytes(const PixelHeader& header) {
    return std::uint64_t{8} * header.pixels() * header.samples;
}

void refuse_frames(const PixelHeader& header) {
    if (header.frames > 1) throw_unsupported("a DICOM image of more than one frame");
}

/// What is inflated counts as memory too.
DecodeLimits remaining(const File& file, DecodeLimits limits) {
    limits.max_memory_bytes -= std::min<std::uint64_t>(limits.max_memory_bytes, file.inflated.size());
    return limits;
}

/// The file, its header and the frame that is asked for, within the limits.
struct Opened {
    File file;
    PixelHeader header;
    std::uint32_t frame = 0;
};

Opened open(Bytes bytes, const DicomDecodeOptions& options) {
    Opened opened{.file = read_file(bytes, options.limits), .header = {}};
    opened.header = read_pixel_header(opened.file);
    if (!options.frame) refuse_frames(opened.header);
    opened.frame = options.frame.value_or(0);
    if (opened.frame >= opened.header.frames) {
        throw core::InvalidArgument("dicom.frame", "the file has no such frame",
                                    {{"field", "frame"},
                                     {"frame", static_cast<std::int64_t>(opened.frame)},
                                     {"frames", static_cast<std::int64_t>(opened.header.frames)}});
    }
    check_limits(info_of(opened.header), memory_bytes(opened.header), remaining(opened.file, options.limits));
    return opened;
}

/// PS3.3, C.7.6.3.1.2: the full range of YCbCr, back to RGB.
void ybr_to_rgb(std::vector<std::uint8_t>& pixels) {
    const auto clamped = [](double value) {
        return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
    };
    for (std::size_t i = 0; i + 3 <= pixels.size(); i += 3) {
        const double y = pixels[i];
        const double cb = pixels[i + 1] - 128.0;
        const double cr = pixels[i + 2] - 128.0;
        pixels[i] = clamped(y + 1.402 * cr);
        pixels[i + 1] = clamped(y - 0.344136 * cb - 0.714136 * cr);
        pixels[i + 2] = clamped(y + 1.772 * cb);
    }
}

Image image_of(const PixelHeader& header) {
    Image image;
    image.width = header.columns;
    image.height = header.rows;
    image.channels = header.samples;
    return image;
}

}  // namespace

ImageInfo probe_dicom(Bytes bytes) {
    const PixelHeader header = read_pixel_header(read_file(bytes, {}, true));
    refuse_frames(header);
    return info_of(header);
}

ImageInfo check_dicom(Bytes bytes, const DecodeLimits& limits) {
    const bool is_clear =
        std::ranges::all_of(bytes.first(kPreambleBytes), [](std::byte b) { return b == std::byte{0}; });
    if (!is_clear) {
        throw core::ValidationError("image.foreign_preamble",
                                    "the preamble of the DICOM file is not empty: it may be another format");
    }
    const Opened opened = open(bytes, {.limits = limits});
    check_pixel_data(opened.file, opened.header, limits);
    return info_of(opened.header);
}

std::string_view to_string(WindowFunction function) noexcept {
    switch (function) {
        case WindowFunction::LinearExact:
            return "linear_exact";
        case WindowFunction::Sigmoid:
            return "sigmoid";
        case WindowFunction::Linear:
            break;
    }
    return "linear";
}

WindowFunction window_function(std::string_view name) {
    for (const auto function :
         {WindowFunction::Linear, WindowFunction::LinearExact, WindowFunction::Sigmoid}) {
        if (to_string(function) == name) return function;
    }
    throw core::InvalidArgument("dicom.window", "a window is `linear`, `linear_exact` or `sigmoid`",
                                {{"field", "function"}});
}

DicomInfo dicom_info(std::span<const std::byte> bytes) {
    const File file = read_file(bytes, {}, true);
    const PixelHeader header = read_pixel_header(file);
    const Rescale rescale = read_rescale(file);
    DicomInfo info;
    info.transfer_syntax = file.syntax.uid;
    info.transfer_syntax_name = file.syntax.name;
    info.photometric_interpretation = text_of(find(file.elements, 0x0028'0004));
    info.width = header.columns;
    info.height = header.rows;
    info.frames = header.frames;
    info.channels = header.samples;
    info.bits_allocated = header.bits_allocated;
    info.bits_stored = header.bits_stored;
    info.is_signed = header.is_signed;
    info.rescale_slope = rescale.slope;
    info.rescale_intercept = rescale.intercept;
    info.has_modality_lut = count_luts(file, LutKind::Modality) != 0;
    info.has_voi_lut = count_luts(file, LutKind::Voi) != 0;
    info.windows = read_windows(file);
    info.has_foreign_preamble = !file.has_clear_preamble;
    info.has_burned_in_annotation = text_of(find(file.elements, 0x0028'0301)) == "YES";
    return info;
}

Image decode_dicom(std::span<const std::byte> bytes, const DicomDecodeOptions& options) {
    const Opened opened = open(bytes, options);
    const Frame frame = read_frame(opened.file, opened.header, opened.frame, options.limits);
    Image image = image_of(opened.header);
    image.pixels.resize(frame.samples.size());
    if (opened.header.is_gray()) {
        const std::vector<std::uint8_t> table = shades(opened.file, frame, options);
        std::ranges::transform(frame.samples, image.pixels.begin(),
                               [&table](std::uint16_t code) { return table[code]; });
        return image;
    }
    std::ranges::transform(frame.samples, image.pixels.begin(),
                           [](std::uint16_t sample) { return static_cast<std::uint8_t>(sample); });
    if (frame.header.photometric != Photometric::Rgb) ybr_to_rgb(image.pixels);
    return image;
}

ModalityValues dicom_values(std::span<const std::byte> bytes, const DicomDecodeOptions& options) {
    const Opened opened = open(bytes, options);
    if (!opened.header.is_gray()) throw_unsupported("modality values of a colour image");
    const Frame frame = read_frame(opened.file, opened.header, opened.frame, options.limits);
    const std::vector<double> table = modality_values(opened.file, opened.header);
    ModalityValues out{.width = opened.header.columns, .height = opened.header.rows, .values = {}};
    out.values.resize(frame.samples.size());
    std::ranges::transform(frame.samples, out.values.begin(),
                           [&table](std::uint16_t code) { return static_cast<float>(table[code]); });
    return out;
}

}  // namespace consilia::imaging
