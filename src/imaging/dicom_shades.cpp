#include "imaging/dicom_shades.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "consilia/core/error.hpp"
#include "imaging/dicom_text.hpp"

namespace consilia::imaging::dicom {
namespace {

constexpr std::uint32_t kPaddingValue = 0x0028'0120;
constexpr std::uint32_t kPaddingRangeLimit = 0x0028'0121;
constexpr std::uint32_t kWindowCenter = 0x0028'1050;
constexpr std::uint32_t kWindowWidth = 0x0028'1051;
constexpr std::uint32_t kRescaleIntercept = 0x0028'1052;
constexpr std::uint32_t kRescaleSlope = 0x0028'1053;
constexpr std::uint32_t kExplanation = 0x0028'1055;
constexpr std::uint32_t kFunction = 0x0028'1056;
constexpr std::uint32_t kModalityLuts = 0x0028'3000;
constexpr std::uint32_t kLutDescriptor = 0x0028'3002;
constexpr std::uint32_t kLutData = 0x0028'3006;
constexpr std::uint32_t kVoiLuts = 0x0028'3010;
constexpr double kWhite = 255;
/// Of a modality value: fits a float, and differences of two of them are finite.
constexpr double kMaxValue = std::numeric_limits<float>::max();

double number_of(const Element* element, double otherwise, std::string_view reason) {
    const std::string_view text = text_of(element);
    if (text.empty()) return otherwise;
    const std::optional<double> number = to_number(text);
    if (!number) throw_damaged(reason, element->offset);
    return *number;
}

const Element* luts_of(const File& file, LutKind kind) noexcept {
    return find(file.elements, kind == LutKind::Modality ? kModalityLuts : kVoiLuts);
}

std::int32_t as_signed_16(std::uint32_t value) {
    return value < 0x8000 ? static_cast<std::int32_t>(value) : static_cast<std::int32_t>(value) - 0x10000;
}

std::int32_t stored_value(std::size_t code, const PixelHeader& header) {
    const auto value = static_cast<std::int32_t>(code);
    const std::int32_t sign = 1 << (header.bits_stored - 1);
    return header.is_signed && value >= sign ? value - 2 * sign : value;
}

std::uint8_t rounded(double shade) {
    return static_cast<std::uint8_t>(std::lround(std::clamp(shade, 0.0, kWhite)));
}

/// PS3.3, C.11.2.1.2.1, C.11.2.1.3.1 (sigmoid) and C.11.2.1.3.2 (exact), for the shades 0 to 255.
double windowed(double value, const Window& window) {
    if (window.function == WindowFunction::Sigmoid) {
        return kWhite / (1 + std::exp(-4 * (value - window.center) / window.width));
    }
    const bool is_exact = window.function == WindowFunction::LinearExact;
    const double center = is_exact ? window.center : window.center - 0.5;
    const double width = is_exact ? window.width : window.width - 1;
    if (value <= center - width / 2) return 0;
    if (value > center + width / 2) return kWhite;
    return ((value - center) / width + 0.5) * kWhite;
}

bool is_valid(const Window& window) {
    const double least = window.function == WindowFunction::Linear ? 1 : 0;
    const bool is_wide =
        window.function == WindowFunction::Linear ? window.width >= least : window.width > least;
    return std::isfinite(window.center) && std::isfinite(window.width) && is_wide;
}

/// Codes that stand for no value; they do not count for the full range.
class Padding {
public:
    Padding(const File& file, const PixelHeader& header) {
        const bool is_big_endian = file.syntax.encoding.is_big_endian;
        const auto value = number_16(file.elements, kPaddingValue, is_big_endian);
        if (!value) return;
        const auto limit = number_16(file.elements, kPaddingRangeLimit, is_big_endian).value_or(*value);
        const auto as_stored = [&](std::uint16_t number) {
            return header.is_signed ? as_signed_16(number) : std::int32_t{number};
        };
        std::tie(low_, high_) = std::minmax(as_stored(*value), as_stored(limit));
    }
    [[nodiscard]] bool has(std::int32_t value) const noexcept { return value >= low_ && value <= high_; }

private:
    std::int32_t low_ = 1;
    std::int32_t high_ = 0;
};

/// From the least to the greatest value of the frame.
std::vector<double> full_range(const File& file, const Frame& frame, const std::vector<double>& values) {
    std::vector<bool> occurs(values.size());
    for (const std::uint16_t sample : frame.samples) occurs[sample] = true;
    const Padding padding(file, frame.header);
    std::optional<std::pair<double, double>> range;
    for (std::size_t code = 0; code < values.size(); ++code) {
        if (!occurs[code] || padding.has(stored_value(code, frame.header))) continue;
        if (!range) range = {values[code], values[code]};
        range = {std::min(range->first, values[code]), std::max(range->second, values[code])};
    }
    std::vector<double> out(values.size());
    if (!range || range->first == range->second) return out;
    for (std::size_t code = 0; code < values.size(); ++code) {
        out[code] = (values[code] - range->first) / (range->second - range->first) * kWhite;
    }
    return out;
}

std::vector<double> through_window(const std::vector<double>& values, const Window& window) {
    if (!is_valid(window)) {
        throw core::InvalidArgument("dicom.window", "the window has no width", {{"field", "window"}});
    }
    std::vector<double> out(values.size());
    std::ranges::transform(values, out.begin(), [&](double value) { return windowed(value, window); });
    return out;
}

std::vector<double> through_lut(const std::vector<double>& values, const Lut& lut) {
    const double highest = static_cast<double>((1U << lut.bits) - 1);
    std::vector<double> out(values.size());
    std::ranges::transform(values, out.begin(),
                           [&](double value) { return lut.at(value) / highest * kWhite; });
    return out;
}

std::vector<double> as_the_file_says(const File& file, const Frame& frame, const std::vector<double>& values,
                                     std::uint32_t index) {
    const bool is_signed =
        frame.header.is_signed || std::ranges::any_of(values, [](double v) { return v < 0; });
    if (const std::optional<Lut> lut = read_lut(file, LutKind::Voi, index, is_signed)) {
        return through_lut(values, *lut);
    }
    const std::vector<Window> windows = read_windows(file);
    const bool has_luts = count_luts(file, LutKind::Voi) != 0;
    if (has_luts || (index != 0 && index >= windows.size())) {
        throw core::InvalidArgument("dicom.window", "the file has no such window",
                                    {{"field", "index"},
                                     {"index", static_cast<std::int64_t>(index)},
                                     {"windows", static_cast<std::int64_t>(windows.size())}});
    }
    if (windows.empty()) return full_range(file, frame, values);
    if (!is_valid(windows[index])) throw_damaged("a window has no width", 0);
    return through_window(values, windows[index]);
}

}  // namespace

Rescale read_rescale(const File& file) {
    Rescale rescale;
    rescale.slope = number_of(find(file.elements, kRescaleSlope), 1, "the rescale slope is no number");
    rescale.intercept =
        number_of(find(file.elements, kRescaleIntercept), 0, "the rescale intercept is no number");
    if (rescale.slope == 0) throw_damaged("the rescale slope is zero", 0);
    return rescale;
}

double Lut::at(double input) const noexcept {
    const double last = static_cast<double>(entries.size() - 1);
    return entries[static_cast<std::size_t>(std::clamp(std::trunc(input) - first, 0.0, last))];
}

std::size_t count_luts(const File& file, LutKind kind) noexcept {
    const Element* luts = luts_of(file, kind);
    return luts == nullptr ? 0 : luts->items.size();
}

std::optional<Lut> read_lut(const File& file, LutKind kind, std::size_t index, bool is_signed) {
    if (index >= count_luts(file, kind)) return std::nullopt;
    const Elements& item = luts_of(file, kind)->items[index];
    const Element* descriptor = find(item, kLutDescriptor);
    const Element* data = find(item, kLutData);
    const bool is_big_endian = file.syntax.encoding.is_big_endian;
    if (descriptor == nullptr || data == nullptr || descriptor->value.size() != 6) {
        throw_damaged("a lookup table is not whole", 0);
    }
    const std::uint32_t stored_count = read_16(descriptor->value, 0, is_big_endian);
    const std::size_t count = stored_count == 0 ? 65536 : stored_count;
    const std::uint32_t first = read_16(descriptor->value, 2, is_big_endian);
    const bool first_is_signed =
        descriptor->vr == vr_of("SS") || (descriptor->vr != vr_of("US") && is_signed);
    Lut lut;
    lut.first = first_is_signed ? as_signed_16(first) : static_cast<std::int32_t>(first);
    lut.bits = read_16(descriptor->value, 4, is_big_endian);
    if (lut.bits < 8 || lut.bits > 16) throw_damaged("a lookup table has no valid depth", descriptor->offset);
    // Entries of 8 bits may be packed two to a word, low byte first (PS3.3, C.11.1.1).
    const bool is_packed = lut.bits == 8 && data->value.size() == count + count % 2;
    if (!is_packed && data->value.size() != 2 * count) {
        throw_damaged("a lookup table has another length than it says", data->offset);
    }
    const auto highest = static_cast<std::uint16_t>((1U << lut.bits) - 1);
    lut.entries.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const bool swaps = is_big_endian && data->vr != vr_of("OB");
        const auto entry = is_packed ? static_cast<std::uint16_t>(byte_at(data->value, swaps ? i ^ 1U : i))
                                     : read_16(data->value, 2 * i, is_big_endian);
        lut.entries[i] = std::min(entry, highest);
    }
    return lut;
}

std::vector<Window> read_windows(const File& file) {
    const std::string_view centers = text_of(find(file.elements, kWindowCenter));
    const std::string_view widths = text_of(find(file.elements, kWindowWidth));
    if (centers.empty() || widths.empty()) return {};
    const std::vector<std::string_view> center = split_values(centers);
    const std::vector<std::string_view> width = split_values(widths);
    if (center.size() != width.size()) throw_damaged("window centers and widths do not agree", 0);
    const std::string_view name = text_of(find(file.elements, kFunction));
    const WindowFunction function = name == "SIGMOID"        ? WindowFunction::Sigmoid
                                    : name == "LINEAR_EXACT" ? WindowFunction::LinearExact
                                                             : WindowFunction::Linear;
    const std::string explanations = text_in_utf8(file.elements, kExplanation);
    const std::vector<std::string_view> explanation = split_values(explanations);
    std::vector<Window> windows;
    for (std::size_t i = 0; i < center.size(); ++i) {
        const std::optional<double> c = to_number(center[i]);
        const std::optional<double> w = to_number(width[i]);
        if (!c || !w) throw_damaged("a window is no number", 0);
        windows.push_back({*c, *w, function, std::string(i < explanation.size() ? explanation[i] : "")});
    }
    return windows;
}

std::vector<double> modality_values(const File& file, const PixelHeader& header) {
    std::vector<double> values(std::size_t{1} << header.bits_stored);
    const std::optional<Lut> lut = read_lut(file, LutKind::Modality, 0, header.is_signed);
    const Rescale rescale = read_rescale(file);
    for (std::size_t code = 0; code < values.size(); ++code) {
        const double stored = stored_value(code, header);
        values[code] = lut ? lut->at(stored) : stored * rescale.slope + rescale.intercept;
        if (std::abs(values[code]) > kMaxValue) throw_damaged("the rescale leads out of every range", 0);
    }
    return values;
}

std::vector<std::uint8_t> shades(const File& file, const Frame& frame, const DicomDecodeOptions& options) {
    const std::vector<double> values = modality_values(file, frame.header);
    const std::vector<double> shown = [&] {
        switch (options.source) {
            case WindowSource::FullRange:
                return full_range(file, frame, values);
            case WindowSource::Given:
                return through_window(values, options.window);
            case WindowSource::File:
                break;
        }
        return as_the_file_says(file, frame, values, options.index);
    }();
    const bool is_inverted = frame.header.photometric == Photometric::Monochrome1;
    std::vector<std::uint8_t> out(shown.size());
    std::ranges::transform(shown, out.begin(), [&](double shade) {
        const std::uint8_t gray = rounded(shade);
        return static_cast<std::uint8_t>(is_inverted ? 255 - gray : gray);
    });
    return out;
}

}  // namespace consilia::imaging::dicom
