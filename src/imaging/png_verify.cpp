// A PNG decoded to its end without its pixels: spng judges the chunks, zlib the compressed rows.
#include <spng.h>
#define ZLIB_CONST  // next_in is a pointer to const
#include <zlib.h>

#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "consilia/core/error.hpp"
#include "imaging/png_chunks.hpp"
#include "imaging/png_codec.hpp"

namespace consilia::imaging {
namespace {

constexpr std::size_t kWindowBytes = 64 << 10;  ///< What is inflated at once.

// ---- Chunks

/// The file as spng is to read it: as it is, but of one pixel, which `bytes` holds.
class OnePixelFile {
public:
    /// `data`: the first run of IDAT chunks.
    OnePixelFile(Bytes file, const PngHeader& header, Bytes data) {
        static constexpr std::array<unsigned char, 4> kOne = {0, 0, 0, 1};
        std::memcpy(start_.data(), file.data(), start_.size());
        std::memcpy(start_.data() + 16, kOne.data(), kOne.size());
        std::memcpy(start_.data() + 20, kOne.data(), kOne.size());
        start_[28] = std::byte{0};  // no interlacing
        make_pixel(1 + (header.bits_per_pixel() + 7) / 8);
        const auto data_at = static_cast<std::size_t>(data.data() - file.data());
        parts_ = {start_, file.subspan(start_.size(), data_at - start_.size()), pixel_,
                  file.subspan(data_at + data.size())};
    }
    OnePixelFile(const OnePixelFile&) = delete;
    OnePixelFile& operator=(const OnePixelFile&) = delete;
    ~OnePixelFile() = default;

    /// Of type spng_read_fn.
    static int read(spng_ctx*, void* user, void* target, std::size_t size) {
        auto& self = *static_cast<OnePixelFile*>(user);
        auto* out = static_cast<std::byte*>(target);
        while (size > 0) {
            while (self.part_ < self.parts_.size() && self.parts_[self.part_].empty()) ++self.part_;
            if (self.part_ == self.parts_.size()) return SPNG_IO_EOF;
            Bytes& part = self.parts_[self.part_];
            const std::size_t taken = std::min(size, part.size());
            std::memcpy(out, part.data(), taken);
            part = part.subspan(taken);
            out += taken;
            size -= taken;
        }
        return 0;
    }

private:
    /// IDAT with a stored block (RFC 1951, 3.2.4) of `size` zeros. Checksums of chunks are not looked at.
    void make_pixel(std::size_t size) {
        const auto byte = [this](std::size_t value) { pixel_.push_back(static_cast<std::byte>(value)); };
        for (int i = 0; i < 3; ++i) byte(0);
        byte(size + 11);
        for (const char c : {'I', 'D', 'A', 'T'}) pixel_.push_back(static_cast<std::byte>(c));
        for (const std::size_t value : {std::size_t{0x78}, std::size_t{1}, std::size_t{1}, size,
                                        std::size_t{0}, 0xFF - size, std::size_t{0xFF}}) {
            byte(value);
        }
        pixel_.resize(pixel_.size() + size);
        for (const std::size_t value : {std::size_t{0}, size, std::size_t{0}, std::size_t{1}}) byte(value);
        pixel_.resize(pixel_.size() + 4);
    }

    std::array<std::byte, kPngHeaderBytes> start_{};
    std::vector<std::byte> pixel_;
    std::array<Bytes, 4> parts_;
    std::size_t part_ = 0;
};

/// What decoding would say of every chunk but the compressed rows: palettes, order, text that inflates.
void check_chunks(Bytes bytes, const PngHeader& header, Bytes data) {
    OnePixelFile file(bytes, header, data);
    const PngContext context = make_png_context(0);
    check_png(spng_set_crc_action(context.get(), SPNG_CRC_USE, SPNG_CRC_USE));  // the walk did
    check_png(spng_set_chunk_limits(context.get(), kMaxAncillaryBytes, kMaxAncillaryBytes));
    check_png(spng_set_png_stream(context.get(), &OnePixelFile::read, &file));
    std::array<unsigned char, 8> pixel{};  // of up to four samples with 16 bits
    std::size_t size = 0;
    check_png(spng_decoded_image_size(context.get(), SPNG_FMT_RAW, &size));
    check_png(spng_decode_image(context.get(), pixel.data(), size, SPNG_FMT_RAW, 0));
    check_png(spng_decode_chunks(context.get()));
}

// ---- Rows

/// Takes the inflated rows as they come and looks at their filter bytes (9.2).
class Rows {
public:
    explicit Rows(const PngHeader& header) : passes_(png_passes(header)) {}

    /// False if there is more than the image has.
    /// `offset`: where the file is read, for errors.
    bool take(std::span<const unsigned char> bytes, std::size_t offset) {
        while (!bytes.empty()) {
            if (row_left_ == 0) {
                if (!begin_row()) return false;
                if (bytes[0] > 4) throw_damaged("a row has an unknown filter", offset);
            }
            const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(row_left_, bytes.size()));
            row_left_ -= taken;
            bytes = bytes.subspan(taken);
        }
        return true;
    }

    [[nodiscard]] bool is_complete() { return row_left_ == 0 && !has_row(); }

private:
    bool has_row() {
        while (pass_ < passes_.size() && row_ == passes_[pass_].rows) {
            ++pass_;
            row_ = 0;
        }
        return pass_ < passes_.size();
    }
    bool begin_row() {
        if (!has_row()) return false;
        ++row_;
        row_left_ = passes_[pass_].row_bytes;
        return true;
    }

    std::array<PngPass, 7> passes_;
    std::size_t pass_ = 0;
    std::uint64_t row_ = 0;
    std::uint64_t row_left_ = 0;
};

class Inflater {
public:
    Inflater() {
        const int status = inflateInit(&stream);
        if (status == Z_MEM_ERROR) throw std::bad_alloc();
        if (status != Z_OK) throw core::Internal("image.inflate", "zlib cannot begin");
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { inflateEnd(&stream); }

    z_stream stream{};
};

[[noreturn]] void throw_hidden(std::size_t offset, std::uint64_t found) {
    throw core::ValidationError(
        "image.trailing_data", "something follows the pixels in the image data",
        {{"offset", static_cast<std::int64_t>(offset)}, {"found", static_cast<std::int64_t>(found)}});
}

/// Inflates the bodies of `data`, a run of IDAT chunks that begins at `offset`, to the end of the stream.
void check_rows(const PngHeader& header, Bytes data, std::size_t offset) {
    Inflater inflater;
    z_stream& stream = inflater.stream;
    Rows rows(header);
    std::vector<unsigned char> window(kWindowBytes);
    bool has_ended = false;
    while (!data.empty()) {
        const std::size_t length = big_endian_32(data, 0);
        const Bytes body = data.subspan(8, length);
        if (has_ended && !body.empty()) throw_hidden(offset + 8, body.size());
        stream.next_in = reinterpret_cast<const Bytef*>(body.data());  // NOLINT: bytes as bytes
        stream.avail_in = static_cast<uInt>(length);
        bool is_full = true;
        while (!has_ended && (stream.avail_in > 0 || is_full)) {
            stream.next_out = window.data();
            stream.avail_out = static_cast<uInt>(window.size());
            const int status = inflate(&stream, Z_NO_FLUSH);
            if (status == Z_MEM_ERROR) throw std::bad_alloc();
            const std::size_t at = offset + 8 + length - stream.avail_in;
            if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
                throw_damaged("the compressed data does not inflate", at);
            const std::size_t made = window.size() - stream.avail_out;
            if (!rows.take({window.data(), made}, at)) throw_hidden(at, stream.avail_in);
            has_ended = status == Z_STREAM_END;
            is_full = stream.avail_out == 0;
            if (status == Z_BUF_ERROR) break;  // wants more than this chunk has
        }
        if (stream.avail_in > 0) throw_hidden(offset + 8 + length - stream.avail_in, stream.avail_in);
        data = data.subspan(length + kPngChunkOverhead);
        offset += length + kPngChunkOverhead;
    }
    if (!has_ended || !rows.is_complete()) throw_damaged("rows are missing", offset);
}

}  // namespace

void verify_png(Bytes bytes) {
    const PngHeader header = read_png_header(bytes);
    PngChunks chunks(bytes);
    std::size_t begin = 0;
    std::size_t end = 0;
    while (const std::optional<PngChunk> chunk = chunks.next()) {
        const bool is_data = chunk->is("IDAT");
        if (begin == 0 && is_data) begin = chunk->offset;
        if (begin != 0 && !is_data) break;
        end = chunks.offset();
    }
    const Bytes data = bytes.subspan(begin, end - begin);
    check_chunks(bytes, header, data);
    check_rows(header, data, begin);
}

}  // namespace consilia::imaging
