#include "imaging/dicom_file.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

#include "consilia/core/error.hpp"

namespace consilia::imaging::dicom {
namespace {

constexpr std::uint32_t kTransferSyntaxTag = 0x0002'0010;
constexpr std::size_t kInflateStep = 1ULL << 20;

constexpr auto kSyntaxes = std::to_array<TransferSyntax>({
    {.uid = "1.2.840.10008.1.2", .name = "implicit VR little endian", .encoding = {.is_implicit = true}},
    {.uid = "1.2.840.10008.1.2.1", .name = "explicit VR little endian"},
    {.uid = "1.2.840.10008.1.2.1.99", .name = "deflated explicit VR little endian", .is_deflated = true},
    {.uid = "1.2.840.10008.1.2.2", .name = "explicit VR big endian", .encoding = {.is_big_endian = true}},
    {.uid = "1.2.840.10008.1.2.4.50", .name = "JPEG baseline", .coding = PixelCoding::Jpeg},
    {.uid = "1.2.840.10008.1.2.4.51", .name = "JPEG extended", .coding = PixelCoding::Jpeg},
    {.uid = "1.2.840.10008.1.2.4.57", .name = "JPEG lossless", .coding = PixelCoding::JpegLossless},
    {.uid = "1.2.840.10008.1.2.4.70", .name = "JPEG lossless SV1", .coding = PixelCoding::JpegLossless},
    {.uid = "1.2.840.10008.1.2.4.80", .name = "JPEG-LS lossless", .coding = PixelCoding::JpegLs},
    {.uid = "1.2.840.10008.1.2.4.81", .name = "JPEG-LS near-lossless", .coding = PixelCoding::JpegLs},
    {.uid = "1.2.840.10008.1.2.5", .name = "RLE lossless", .coding = PixelCoding::Rle},
    // Known, so that the refusal has a name, tags are read and the file is de-identified.
    {.uid = "1.2.840.10008.1.2.4.90", .name = "JPEG 2000 lossless", .coding = PixelCoding::Unsupported},
    {.uid = "1.2.840.10008.1.2.4.91", .name = "JPEG 2000", .coding = PixelCoding::Unsupported},
    {.uid = "1.2.840.10008.1.2.4.92",
     .name = "JPEG 2000 part 2 lossless",
     .coding = PixelCoding::Unsupported},
    {.uid = "1.2.840.10008.1.2.4.93", .name = "JPEG 2000 part 2", .coding = PixelCoding::Unsupported},
    {.uid = "1.2.840.10008.1.2.4.201", .name = "HTJ2K lossless", .coding = PixelCoding::Unsupported},
    {.uid = "1.2.840.10008.1.2.4.202", .name = "HTJ2K lossless RPCL", .coding = PixelCoding::Unsupported},
    {.uid = "1.2.840.10008.1.2.4.203", .name = "HTJ2K", .coding = PixelCoding::Unsupported},
    {.uid = "1.2.840.10008.1.2.4.110", .name = "JPEG XL lossless", .coding = PixelCoding::Unsupported},
    {.uid = "1.2.840.10008.1.2.4.111", .name = "JPEG XL recompression", .coding = PixelCoding::Unsupported},
    {.uid = "1.2.840.10008.1.2.4.112", .name = "JPEG XL", .coding = PixelCoding::Unsupported},
});

const TransferSyntax& syntax_of(const Elements& meta, std::size_t offset) {
    const Element* element = find(meta, kTransferSyntaxTag);
    if (element == nullptr) throw_damaged("no transfer syntax is named", offset);
    const std::string_view uid = text_of(element);
    const auto found = std::ranges::find(kSyntaxes, uid, &TransferSyntax::uid);
    if (found == kSyntaxes.end()) throw_unsupported("the transfer syntax of the DICOM file");
    return *found;
}

struct Inflater {
    z_stream stream{};
    Inflater() {
        if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { inflateEnd(&stream); }
};

/// The data set, never longer than `max_bytes`. After the stream comes at most one zero, to an even length.
std::vector<std::byte> inflated(Bytes bytes, std::size_t offset, std::uint64_t max_bytes) {
    Inflater inflater;
    z_stream& stream = inflater.stream;
    const Bytes packed = bytes.subspan(offset);
    if (packed.size() > UINT32_MAX) throw_too_complex("deflated_bytes", UINT32_MAX, packed.size());
    // SAFETY: zlib does not write to its input.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));  // NOLINT
    stream.avail_in = static_cast<uInt>(packed.size());
    std::vector<std::byte> out;
    for (;;) {
        const std::size_t used = out.size();
        if (used >= max_bytes) throw_too_complex("inflated_bytes", max_bytes, used + 1);
        const auto step = static_cast<std::size_t>(
            std::min<std::uint64_t>(std::max(kInflateStep, used / 2), max_bytes - used));
        out.resize(used + step);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
        stream.avail_out = static_cast<uInt>(step);
        const int status = inflate(&stream, Z_NO_FLUSH);
        out.resize(used + step - stream.avail_out);
        if (status == Z_STREAM_END) break;
        if (status == Z_MEM_ERROR) throw std::bad_alloc();
        const bool is_starved = stream.avail_in == 0 && stream.avail_out != 0;
        if (status != Z_OK || is_starved) throw_damaged("the deflated data set is broken", offset);
    }
    const std::size_t end = bytes.size() - stream.avail_in;
    const bool is_padded = stream.avail_in == 1 && bytes.back() == std::byte{0};
    if (stream.avail_in != 0 && !is_padded) {
        throw core::ValidationError("image.trailing_data", "something follows the data set",
                                    {{"offset", static_cast<std::int64_t>(end)},
                                     {"found", static_cast<std::int64_t>(stream.avail_in)}});
    }
    return out;
}

}  // namespace

File read_file(Bytes bytes, const DecodeLimits& limits, bool stops_at_pixels) {
    if (detect_format(bytes) != ImageFormat::Dicom) {
        throw core::ValidationError("image.unsupported_type", "the content is not DICOM");
    }
    File file;
    file.has_clear_preamble =
        std::ranges::all_of(bytes.first(kPreambleBytes), [](std::byte b) { return b == std::byte{0}; });
    std::size_t at = kPreambleBytes + 4;
    file.meta = read_meta_elements(bytes, at, limits.max_segments);
    file.syntax = syntax_of(file.meta, at);
    WalkOptions options{.encoding = file.syntax.encoding,
                        .allows_encapsulated = is_encapsulated(file.syntax),
                        .stops_at_pixels = stops_at_pixels,
                        .max_elements = limits.max_segments};
    if (file.syntax.is_deflated) {
        // The image's own share of the memory is held against what is left.
        file.inflated = inflated(bytes, at, limits.max_memory_bytes / 4);
        file.elements = read_elements(file.inflated, 0, options);
    } else {
        file.elements = read_elements(bytes, at, options);
    }
    if (!file.elements.empty() && file.elements.front().group() < 0x0008) {
        throw_damaged("the data set begins with a group that is not its own", file.elements.front().offset);
    }
    return file;
}

std::vector<std::byte> deflated(Bytes bytes) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
    }
    std::vector<std::byte> out(deflateBound(&stream, bytes.size()));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));  // NOLINT
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int status = deflate(&stream, Z_FINISH);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    if (status != Z_STREAM_END) throw core::Internal("image.deflate", "a data set could not be deflated");
    if (out.size() % 2 != 0) out.push_back(std::byte{0});
    return out;
}

}  // namespace consilia::imaging::dicom
