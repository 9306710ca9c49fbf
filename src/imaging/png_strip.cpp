// A PNG written anew from what decoding and showing need.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "imaging/metadata.hpp"
#include "imaging/png_chunks.hpp"

namespace consilia::imaging {
namespace {

/// A chunk that says how samples are shown, and its only length (PNG specification, 11.3): no room for more.
struct Shown {
    std::string_view type;
    std::size_t size;
};
constexpr std::array<Shown, 5> kShown = {{{"cHRM", 32}, {"gAMA", 4}, {"sRGB", 1}, {"cICP", 4}, {"pHYs", 9}}};

class PngStrip {
public:
    explicit PngStrip(Bytes bytes) : chunks_(bytes), header_(read_png_header(bytes)) {
        out_.reserve(bytes.size());
        append(out_, bytes.first(kPngSignatureBytes));
    }

    std::vector<std::byte> run() {
        while (const std::optional<PngChunk> chunk = chunks_.next()) {
            if (chunk->is_critical()) {
                take_critical(*chunk);
            } else if (!has_data_) {
                take_ancillary(*chunk);
            }
        }
        return std::move(out_);
    }

private:
    void take_critical(const PngChunk& chunk) {
        if (chunk.is("PLTE")) {  // only an indexed image needs it; elsewhere it is a suggestion (11.2.2)
            palette_entries_ = chunk.body.size() / 3;
            if (header_.color_type != 3) return;
        }
        if (chunk.is("IDAT")) has_data_ = true;
        if (chunk.is("IDAT") && chunk.body.empty()) return;
        append(out_, chunk.whole);
    }

    void take_ancillary(const PngChunk& chunk) {
        const auto shown =
            std::ranges::find_if(kShown, [&](const Shown& each) { return chunk.is(each.type); });
        const bool is_sound = shown != kShown.end() ? chunk.body.size() == shown->size
                              : chunk.is("tRNS")    ? is_transparency(chunk.body.size())
                              : chunk.is("sBIT")    ? chunk.body.size() == significant_samples()
                                                    : false;
        if (!is_sound || std::ranges::find(written_, chunk.type) != written_.end()) return;
        written_.push_back(chunk.type);
        append(out_, chunk.whole);
    }

    [[nodiscard]] bool is_transparency(std::size_t size) const {
        if (header_.color_type == 3) return size >= 1 && size <= palette_entries_;
        return (header_.color_type == 0 && size == 2) || (header_.color_type == 2 && size == 6);
    }

    /// How many bytes `sBIT` has (11.3.2.4).
    [[nodiscard]] std::size_t significant_samples() const {
        static constexpr std::array<std::size_t, 7> kSamples = {1, 0, 3, 3, 2, 0, 4};
        return kSamples[header_.color_type];
    }

    PngChunks chunks_;
    PngHeader header_;
    bool has_data_ = false;
    std::size_t palette_entries_ = 0;
    std::vector<std::uint32_t> written_;
    std::vector<std::byte> out_;
};

}  // namespace

std::vector<std::byte> strip_png(Bytes bytes) {
    return PngStrip(bytes).run();
}

}  // namespace consilia::imaging
