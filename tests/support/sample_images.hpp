#pragma once
// One image of every kind that is decoded, and the radiographs that development has beside the repository.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/files.hpp"
#include "support/images.hpp"

namespace consilia::test {

struct NamedImage {
    std::string name;
    ByteVector bytes;
};

inline NamedImage sample_png(int color_type, int bit_depth, bool has_transparency) {
    static constexpr std::array<int, 7> kSamples = {1, 0, 3, 1, 2, 0, 4};
    PngSpec spec;
    spec.width = 21;
    spec.height = 13;
    spec.color_type = color_type;
    spec.bit_depth = bit_depth;
    if (color_type == 3) {
        std::string palette;
        for (int i = 0; i < 3 * (1 << bit_depth); ++i) palette += static_cast<char>(7 * i);
        append(spec.before_data, png_chunk("PLTE", palette));
    }
    if (has_transparency) {
        const std::string content(color_type == 2 ? 6 : 2, '\x01');
        append(spec.before_data, png_chunk("tRNS", content));
    }
    const std::size_t row_bits = 21 * static_cast<std::size_t>(kSamples[std::size_t(color_type)] * bit_depth);
    std::vector<std::uint8_t> samples((row_bits + 7) / 8 * spec.height);
    std::mt19937 random(static_cast<unsigned>(10 * color_type + bit_depth));
    std::ranges::generate(samples, [&] { return static_cast<std::uint8_t>(random()); });
    return {"png " + std::to_string(color_type) + "/" + std::to_string(bit_depth) +
                (has_transparency ? " transparent" : ""),
            png_of_samples(spec, samples)};
}

inline std::vector<NamedImage> sample_images() {
    std::vector<NamedImage> images;
    for (const std::int32_t channels : {1, 3}) {
        const imaging::Image image = phantom(61, 47, channels);
        const std::string suffix = channels == 1 ? " gray" : " colour";
        const auto add = [&](const char* name, ByteVector bytes) {
            images.push_back({name + suffix, std::move(bytes)});
        };
        add("jpeg", jpeg(image));
        add("jpeg progressive", jpeg(image, {.progressive = true}));
        add("jpeg turned", jpeg(image, {.exif = exif_with_orientation(6)}));
        add("jpeg with restarts", jpeg(image, {.restart = 3}));
        add("jpeg progressive with restarts", jpeg(image, {.progressive = true, .restart = 3}));
        add("png interlaced", interlaced_png(image));
    }
    images.push_back({"jpeg of 40 scans", jpeg(phantom(40, 40, 1), {.scans = 40})});
    images.push_back({"jpeg rgb", jpeg(phantom(33, 20, 3), {.as_rgb = true})});
    for (const auto& [color_type, depths] : std::vector<std::pair<int, std::vector<int>>>{
             {0, {1, 2, 4, 8, 16}}, {2, {8, 16}}, {3, {1, 2, 4, 8}}, {4, {8, 16}}, {6, {8, 16}}}) {
        for (const int depth : depths) {
            images.push_back(sample_png(color_type, depth, false));
            if (color_type < 4) images.push_back(sample_png(color_type, depth, true));
        }
    }
    return images;
}

/// Empty where the repository stands alone: what is generated stands for them.
inline std::vector<NamedImage> sample_radiographs() {
    std::vector<NamedImage> images;
    const std::filesystem::path folder =
        std::filesystem::path(CONSILIA_SOURCE_DIR) / "../shared/data/cxr/images";
    if (!std::filesystem::exists(folder)) return images;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        images.push_back({entry.path().filename().string(), core::read_file(entry.path())});
    }
    return images;
}

}  // namespace consilia::test
