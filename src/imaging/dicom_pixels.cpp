#include "imaging/dicom_pixels.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "imaging/dicom_codec.hpp"
#include "imaging/dicom_streams.hpp"

namespace consilia::imaging::dicom {
namespace {

constexpr std::uint32_t kSamplesPerPixel = 0x0028'0002;
constexpr std::uint32_t kPhotometric = 0x0028'0004;
constexpr std::uint32_t kPlanarConfiguration = 0x0028'0006;
constexpr std::uint32_t kNumberOfFrames = 0x0028'0008;
constexpr std::uint32_t kRows = 0x0028'0010;
constexpr std::uint32_t kColumns = 0x0028'0011;
constexpr std::uint32_t kBitsAllocated = 0x0028'0100;
constexpr std::uint32_t kBitsStored = 0x0028'0101;
constexpr std::uint32_t kHighBit = 0x0028'0102;
constexpr std::uint32_t kPixelRepresentation = 0x0028'0103;
constexpr double kMaxFrames = 1'000'000;

std::uint16_t require_16(const File& file, std::uint32_t tag, std::string_view reason) {
    const auto number = number_16(file.elements, tag, file.syntax.encoding.is_big_endian);
    if (!number) throw_damaged(reason, 0);
    return *number;
}

Photometric read_photometric(const File& file) {
    const std::string_view name = text_of(find(file.elements, kPhotometric));
    if (name == "MONOCHROME1") return Photometric::Monochrome1;
    if (name == "MONOCHROME2") return Photometric::Monochrome2;
    if (name == "RGB") return Photometric::Rgb;
    if (name == "YBR_FULL") return Photometric::YbrFull;
    if (name == "YBR_FULL_422") return Photometric::YbrFull422;
    if (name.empty()) throw_damaged("no photometric interpretation is named", 0);
    if (name == "PALETTE COLOR") throw_unsupported("a DICOM image with a palette");
    throw_unsupported("the photometric interpretation of the DICOM image");
}

std::uint32_t read_frames(const File& file) {
    const std::string_view text = text_of(find(file.elements, kNumberOfFrames));
    if (text.empty()) return 1;
    const std::optional<double> frames = to_number(text);
    if (!frames || *frames < 1 || *frames != static_cast<double>(static_cast<std::int64_t>(*frames))) {
        throw_damaged("the number of frames is none", 0);
    }
    if (*frames > kMaxFrames) throw_unsupported("a DICOM image of more than 1000000 frames");
    return static_cast<std::uint32_t>(*frames);
}

void check_agreement(const File& file, const PixelHeader& header, std::uint16_t high_bit) {
    if (header.columns == 0 || header.rows == 0) throw_damaged("the image has no size", 0);
    const bool is_color = header.photometric >= Photometric::Rgb;
    if (header.samples != (is_color ? 3 : 1)) {
        throw_damaged("samples and photometric interpretation do not agree", 0);
    }
    if (header.bits_allocated != 8 && header.bits_allocated != 16) {
        throw_unsupported("a DICOM image of other than 8 or 16 bits allocated");
    }
    if (header.bits_stored == 0 || header.bits_stored > header.bits_allocated) {
        throw_damaged("bits stored and allocated do not agree", 0);
    }
    if (high_bit + 1 != header.bits_stored)
        throw_unsupported("a DICOM image whose high bit is not the highest stored");
    if (is_color && (header.bits_allocated != 8 || header.bits_stored != 8 || header.is_signed)) {
        throw_unsupported("a DICOM image in colour of other than 8 unsigned bits");
    }
    const bool is_native = file.syntax.coding == PixelCoding::Native;
    const bool is_subsampled = header.photometric == Photometric::YbrFull422;
    if (is_subsampled && is_native && header.columns % 2 != 0) {
        throw_damaged("subsampled colour needs an even number of columns", 0);
    }
    if (is_subsampled &&
        (file.syntax.coding == PixelCoding::Rle || file.syntax.coding == PixelCoding::JpegLs)) {
        throw_unsupported("subsampled colour in this transfer syntax");
    }
}

std::size_t native_frame_bytes(const PixelHeader& header) {
    if (header.photometric == Photometric::YbrFull422) return header.pixels() * 2;
    return header.pixels() * header.samples * (header.bits_allocated / 8);
}

const Element& pixel_data_of(const File& file) {
    const Element* element = find(file.elements, tags::kPixelData);
    if (element == nullptr) throw_damaged("there are no pixel data", 0);
    const bool is_native = file.syntax.coding == PixelCoding::Native;
    if (element->is_sequence || element->is_encapsulated == is_native) {
        throw_damaged("pixel data and transfer syntax do not agree", element->offset);
    }
    return *element;
}

void mask_to(std::vector<std::uint16_t>& samples, std::uint16_t bits) {
    const auto mask = static_cast<std::uint16_t>((1U << bits) - 1);
    for (std::uint16_t& sample : samples) sample &= mask;
}

/// A byte of pixel data in its order on a little-endian machine: words of a big-endian file are turned.
std::size_t byte_index(std::size_t i, bool swaps) {
    return swaps ? i ^ 1U : i;
}

std::vector<std::uint16_t> read_native(const File& file, const PixelHeader& header, std::uint32_t index) {
    const Element& element = pixel_data_of(file);
    const std::size_t size = native_frame_bytes(header);
    const std::size_t base = size * index;
    const Bytes all = element.value;
    const bool swaps = file.syntax.encoding.is_big_endian && element.vr == vr_of("OW");
    const auto at = [&](std::size_t i) { return byte_at(all, byte_index(base + i, swaps)); };
    const std::size_t pixels = header.pixels();
    std::vector<std::uint16_t> out(pixels * header.samples);
    if (header.photometric == Photometric::YbrFull422) {  // Y Y Cb Cr for two pixels (PS3.3, C.7.6.3.1.2)
        for (std::size_t pair = 0; pair < pixels / 2; ++pair) {
            for (std::size_t i = 0; i < 2; ++i) {
                out[6 * pair + 3 * i] = static_cast<std::uint16_t>(at(4 * pair + i));
                out[6 * pair + 3 * i + 1] = static_cast<std::uint16_t>(at(4 * pair + 2));
                out[6 * pair + 3 * i + 2] = static_cast<std::uint16_t>(at(4 * pair + 3));
            }
        }
        return out;
    }
    if (header.bits_allocated == 16) {
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = static_cast<std::uint16_t>(at(2 * i) | at(2 * i + 1) << 8);
        }
        return out;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t from = header.is_planar ? i % 3 * pixels + i / 3 : i;
        out[i] = static_cast<std::uint16_t>(at(from));
    }
    return out;
}

/// The stream's header against the file's: what is decoded is what was measured.
JpegHeader check_stream(Bytes stream, const File& file, const PixelHeader& header,
                        const DecodeLimits& limits) {
    const JpegHeader found = walk_jpeg_stream(stream, file.syntax.coding, limits);
    if (found.width != header.columns || found.height != header.rows || found.components != header.samples) {
        throw_damaged("the compressed image has another size than the file says", 0);
    }
    if (found.precision < 2 || found.precision < header.bits_stored ||
        found.precision > header.bits_allocated) {
        throw_damaged("the compressed image has another depth than the file says", 0);
    }
    if (file.syntax.coding == PixelCoding::Jpeg && header.is_signed) {
        throw_unsupported("signed pixels in lossy JPEG");
    }
    return found;
}

bool is_jpeg(PixelCoding coding) {
    return coding == PixelCoding::Jpeg || coding == PixelCoding::JpegLossless ||
           coding == PixelCoding::JpegLs;
}

std::vector<std::uint16_t> read_jpeg(Bytes stream, const File& file, PixelHeader& header,
                                     const DecodeLimits& limits) {
    const JpegHeader found = check_stream(stream, file, header, limits);
    const bool is_ls = file.syntax.coding == PixelCoding::JpegLs;
    const bool is_ybr =
        header.photometric == Photometric::YbrFull || header.photometric == Photometric::YbrFull422;
    const consilia_dicom_frame_t frame{
        .data = stream.data(),
        .size = stream.size(),
        .coding = is_ls ? CONSILIA_DICOM_CODEC_JPEG_LS : CONSILIA_DICOM_CODEC_JPEG,
        .precision = static_cast<std::int32_t>(found.precision),
        .columns = header.columns,
        .rows = header.rows,
        .samples = header.samples,
        .converts_ybr = static_cast<std::uint16_t>(is_ybr && !is_ls),
    };
    if (frame.converts_ybr != 0) header.photometric = Photometric::Rgb;
    std::vector<std::uint16_t> out(header.pixels() * header.samples);
    if (found.precision > 8) {
        decode_with_codec(frame, std::as_writable_bytes(std::span(out)));
    } else {
        std::vector<std::byte> narrow(out.size());
        decode_with_codec(frame, narrow);
        std::ranges::transform(narrow, out.begin(),
                               [](std::byte b) { return std::to_integer<std::uint16_t>(b); });
    }
    // A lossy decoder may leave the range by a little; a mask would turn white into black.
    const auto highest = static_cast<std::uint16_t>((1U << header.bits_stored) - 1);
    if (file.syntax.coding == PixelCoding::Jpeg) {
        for (std::uint16_t& sample : out) sample = std::min(sample, highest);
    }
    return out;
}

}  // namespace

std::optional<std::uint16_t> number_16(const Elements& elements, std::uint32_t tag, bool is_big_endian) {
    const Element* element = find(elements, tag);
    if (element == nullptr || (element->value.empty() && !element->is_sequence)) return std::nullopt;
    if (element->value.size() != 2)
        throw_damaged("a number of the header has another length", element->offset);
    return read_16(element->value, 0, is_big_endian);
}

PixelHeader read_pixel_header(const File& file) {
    if (file.syntax.coding == PixelCoding::Unsupported) {
        throw_unsupported("the transfer syntax " + std::string(file.syntax.name));
    }
    PixelHeader header;
    header.rows = require_16(file, kRows, "the number of rows is missing");
    header.columns = require_16(file, kColumns, "the number of columns is missing");
    header.samples = require_16(file, kSamplesPerPixel, "the number of samples is missing");
    header.bits_allocated = require_16(file, kBitsAllocated, "the bits allocated are missing");
    header.bits_stored = require_16(file, kBitsStored, "the bits stored are missing");
    const std::uint16_t sign = require_16(file, kPixelRepresentation, "the pixel representation is missing");
    if (sign > 1) throw_damaged("the pixel representation is none", 0);
    header.is_signed = sign == 1;
    header.photometric = read_photometric(file);
    header.frames = read_frames(file);
    check_agreement(file, header, require_16(file, kHighBit, "the high bit is missing"));
    const bool is_big_endian = file.syntax.encoding.is_big_endian;
    const std::uint16_t planar = number_16(file.elements, kPlanarConfiguration, is_big_endian).value_or(0);
    if (planar > 1) throw_damaged("the planar configuration is none", 0);
    header.is_planar = !header.is_gray() && planar == 1;
    if (header.is_planar && header.photometric == Photometric::YbrFull422) {
        throw_damaged("subsampled colour is not in planes", 0);
    }
    return header;
}

void check_pixel_data(const File& file, const PixelHeader& header, const DecodeLimits& limits) {
    const Element& element = pixel_data_of(file);
    if (file.syntax.coding == PixelCoding::Native) {
        const std::uint64_t size = std::uint64_t{native_frame_bytes(header)} * header.frames;
        if (element.value.size() != size + size % 2) {
            throw_damaged("pixel data have another length than the header says", element.offset);
        }
        const bool is_turned = file.syntax.encoding.is_big_endian && element.vr != vr_of("OW");
        if (is_turned && header.bits_allocated == 16)
            throw_damaged("pixel data have the wrong VR", element.offset);
        return;
    }
    const Fragments fragments(element, header.frames, file.syntax.encoding.is_big_endian);
    for (std::uint32_t index = 0; index < header.frames; ++index) {
        std::vector<std::byte> joined;
        const Bytes frame = fragments.frame(index, joined);
        if (is_jpeg(file.syntax.coding)) (void)check_stream(frame, file, header, limits);
    }
}

Frame read_frame(const File& file, const PixelHeader& header, std::uint32_t index,
                 const DecodeLimits& limits) {
    check_pixel_data(file, header, limits);
    Frame frame{.header = header};
    if (file.syntax.coding == PixelCoding::Native) {
        frame.samples = read_native(file, header, index);
    } else {
        const Fragments fragments(pixel_data_of(file), header.frames, file.syntax.encoding.is_big_endian);
        std::vector<std::byte> joined;
        const Bytes bytes = fragments.frame(index, joined);
        frame.samples = is_jpeg(file.syntax.coding)
                            ? read_jpeg(bytes, file, frame.header, limits)
                            : decode_rle(bytes, {.pixels = header.pixels(),
                                                 .samples = header.samples,
                                                 .bytes_per_sample = header.bits_allocated / 8U});
    }
    mask_to(frame.samples, header.bits_stored);
    return frame;
}

}  // namespace consilia::imaging::dicom
