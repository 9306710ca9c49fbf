// Goal: what decodes is exactly what was written, and what is damaged, hidden or too large is refused before
// it costs.
#include "consilia/imaging/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <numeric>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "support/images.hpp"

namespace consilia::imaging {
namespace {

using test::ByteVector;

std::string code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const core::Error& error) {
        return error.code();
    }
    return "";
}

core::Value detail(const core::Error& error, std::string_view name) {
    for (const auto& each : error.details()) {
        if (each.name == name) return each.value;
    }
    return {};
}

double mean_difference(const Image& a, const Image& b) {
    if (a.pixels.size() != b.pixels.size()) return 1e9;
    double sum = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(int{a.pixels[i]} - int{b.pixels[i]});
    return sum / static_cast<double>(a.pixels.size());
}

test::PngSpec png_spec(std::uint32_t width, std::uint32_t height, int color_type, int bit_depth) {
    test::PngSpec spec;
    spec.width = width;
    spec.height = height;
    spec.color_type = color_type;
    spec.bit_depth = bit_depth;
    return spec;
}

Image decode_samples(const test::PngSpec& spec, const std::vector<std::uint8_t>& samples) {
    return decode(test::png_of_samples(spec, samples));
}

TEST(Codec, DetectsAFormatByItsFirstBytesOnly) {
    EXPECT_EQ(detect_format(test::png(test::phantom(4, 4, 1))), ImageFormat::Png);
    EXPECT_EQ(detect_format(test::jpeg(test::phantom(4, 4, 1))), ImageFormat::Jpeg);
    EXPECT_EQ(detect_format(std::as_bytes(std::span("\xFF\xD8\xFF", 3))), ImageFormat::Jpeg);
    EXPECT_EQ(detect_format(std::as_bytes(std::span("\xFF\xD8", 2))), std::nullopt);
    EXPECT_EQ(detect_format(std::as_bytes(std::span("\x89PNG\r\n\x1a", 7))), std::nullopt);
    EXPECT_EQ(detect_format(std::as_bytes(std::span("GIF89a..", 8))), std::nullopt);
    EXPECT_EQ(detect_format({}), std::nullopt);
}

TEST(Codec, ProbesAPngWithoutItsPixels) {
    ByteVector bytes = test::png(test::phantom(30, 20, 3));
    bytes.resize(8 + 25 + 8);  // signature, header, and the length and type of the first data chunk
    test::append(bytes, std::string_view("\0\0\0\0", 4));
    const ImageInfo info = probe(bytes);
    EXPECT_EQ(info.format, ImageFormat::Png);
    EXPECT_EQ(info.width, 30U);
    EXPECT_EQ(info.height, 20U);
    EXPECT_EQ(info.channels, 3);
    EXPECT_EQ(info.bit_depth, 8);
    EXPECT_FALSE(info.has_alpha);
    EXPECT_FALSE(info.interlaced);
    EXPECT_EQ(code_of([&] { (void)decode(bytes); }), "image.damaged");
}

TEST(Codec, ProbesDepthAlphaAndInterlacing) {
    EXPECT_EQ(probe(test::png_of_samples(png_spec(8, 1, 0, 1), std::vector<std::uint8_t>(1))).bit_depth, 1);
    const ImageInfo deep = probe(test::png_of_samples(png_spec(1, 1, 6, 16), std::vector<std::uint8_t>(8)));
    EXPECT_EQ(deep.bit_depth, 16);
    EXPECT_EQ(deep.channels, 3);
    EXPECT_TRUE(deep.has_alpha);
    test::PngSpec transparent = png_spec(1, 1, 0, 8);
    transparent.before_data = test::png_chunk("tRNS", std::string_view("\0\0", 2));
    EXPECT_TRUE(probe(test::png_of_samples(transparent, std::vector<std::uint8_t>(1))).has_alpha);
    EXPECT_TRUE(probe(test::interlaced_png(test::phantom(9, 9, 1))).interlaced);
}

TEST(Codec, ProbesAJpegAndCountsItsScans) {
    const ImageInfo baseline = probe(test::jpeg(test::phantom(33, 17, 3)));
    EXPECT_EQ(baseline.format, ImageFormat::Jpeg);
    EXPECT_EQ(baseline.width, 33U);
    EXPECT_EQ(baseline.height, 17U);
    EXPECT_EQ(baseline.channels, 3);
    EXPECT_EQ(baseline.scans, 1U);
    EXPECT_FALSE(baseline.interlaced);
    const ImageInfo progressive = probe(test::jpeg(test::phantom(33, 17, 1), {.scans = 37}));
    EXPECT_EQ(progressive.channels, 1);
    EXPECT_EQ(progressive.scans, 37U);
    EXPECT_TRUE(progressive.interlaced);
}

TEST(Codec, DecodesPngExactly) {
    for (const std::int32_t channels : {1, 3}) {
        for (const std::int32_t width : {1, 7, 64, 129}) {
            const Image image = test::phantom(width, 31, channels);
            EXPECT_EQ(decode(test::png(image)), image) << width << "x" << channels;
            EXPECT_EQ(decode(test::interlaced_png(image)), image) << width << "x" << channels;
        }
    }
}

TEST(Codec, ScalesSmallDepthsToEightBits) {
    EXPECT_EQ(decode_samples(png_spec(8, 1, 0, 1), {0b10110001}).pixels,
              (std::vector<std::uint8_t>{255, 0, 255, 255, 0, 0, 0, 255}));
    EXPECT_EQ(decode_samples(png_spec(4, 1, 0, 2), {0b00011011}).pixels,
              (std::vector<std::uint8_t>{0, 85, 170, 255}));
    EXPECT_EQ(decode_samples(png_spec(2, 1, 0, 4), {0x1F}).pixels, (std::vector<std::uint8_t>{17, 255}));
}

TEST(Codec, KeepsTheHighByteOfSixteenBits) {
    EXPECT_EQ(decode_samples(png_spec(2, 1, 0, 16), {0x12, 0xFF, 0xFE, 0x01}).pixels,
              (std::vector<std::uint8_t>{0x12, 0xFE}));
    EXPECT_EQ(decode_samples(png_spec(1, 1, 2, 16), {0x12, 0xFF, 0xFE, 0x80, 0x00, 0xFF}).pixels,
              (std::vector<std::uint8_t>{0x12, 0xFE, 0x00}));
}

TEST(Codec, DecodesAPalette) {
    test::PngSpec spec = png_spec(3, 1, 3, 8);
    spec.before_data = test::png_chunk("PLTE", std::string_view("\x01\x02\x03\x0A\x0B\x0C", 6));
    const Image image = decode_samples(spec, {1, 0, 1});
    EXPECT_EQ(image.channels, 3);
    EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{10, 11, 12, 1, 2, 3, 10, 11, 12}));
    EXPECT_EQ(decode_samples(spec, {1, 0, 2}).pixels,
              (std::vector<std::uint8_t>{10, 11, 12, 1, 2, 3, 0, 0, 0}))
        << "an index past the palette is black";
}

TEST(Codec, BlendsTransparencyOverBlack) {
    EXPECT_EQ(decode_samples(png_spec(3, 1, 4, 8), {200, 255, 200, 0, 200, 128}).pixels,
              (std::vector<std::uint8_t>{200, 0, 100}));
    EXPECT_EQ(decode_samples(png_spec(2, 1, 6, 8), {10, 20, 30, 255, 10, 20, 30, 0}).pixels,
              (std::vector<std::uint8_t>{10, 20, 30, 0, 0, 0}));
    test::PngSpec spec = png_spec(2, 1, 0, 8);
    spec.before_data = test::png_chunk("tRNS", std::string_view("\0\x07", 2));
    EXPECT_EQ(decode_samples(spec, {7, 8}).pixels, (std::vector<std::uint8_t>{0, 8}));
}

TEST(Codec, DecodesJpegCloseToTheOriginal) {
    for (const std::int32_t channels : {1, 3}) {
        const Image image = test::phantom(61, 47, channels);
        const Image decoded = decode(test::jpeg(image));
        EXPECT_EQ(decoded.channels, channels);
        EXPECT_LT(mean_difference(decoded, image), 6.0) << channels;
    }
}

// A progressive file holds the same coefficients as a baseline one: the pixels must be identical.
TEST(Codec, DecodesProgressiveJpegToTheSamePixels) {
    for (const std::int32_t channels : {1, 3}) {
        const Image image = test::phantom(61, 47, channels);
        EXPECT_EQ(decode(test::jpeg(image, {.progressive = true})), decode(test::jpeg(image))) << channels;
    }
    EXPECT_EQ(decode(test::jpeg(test::phantom(40, 40, 1), {.scans = 50})),
              decode(test::jpeg(test::phantom(40, 40, 1))));
}

Image mirrored(const Image& image) {
    Image out = image;
    for (int y = 0; y < image.height; ++y) {
        for (int x = 0; x < image.width; ++x) {
            out.pixels[static_cast<std::size_t>(y * image.width + x)] =
                image.pixels[static_cast<std::size_t>(y * image.width + image.width - 1 - x)];
        }
    }
    return out;
}

Image rotated_clockwise(const Image& image, int quarters) {
    if (quarters == 0) return image;
    Image out{image.height, image.width, 1, std::vector<std::uint8_t>(image.pixels.size())};
    for (int y = 0; y < image.height; ++y) {
        for (int x = 0; x < image.width; ++x) {
            out.pixels[static_cast<std::size_t>(x * out.width + image.height - 1 - y)] =
                image.pixels[static_cast<std::size_t>(y * image.width + x)];
        }
    }
    return rotated_clockwise(out, quarters - 1);
}

// Exif's eight orientations as "mirror, then turn clockwise", written apart from the code that is tested.
TEST(Codec, AppliesTheExifOrientation) {
    struct Turn {
        bool is_mirrored;
        int quarters;
    };
    constexpr std::array<Turn, 8> kTurns = {
        {{false, 0}, {true, 0}, {false, 2}, {true, 2}, {true, 3}, {false, 1}, {true, 1}, {false, 3}}};
    const Image image = test::phantom(37, 21, 1);
    const Image stored = decode(test::jpeg(image));
    for (int orientation = 1; orientation <= 8; ++orientation) {
        for (const bool little_endian : {true, false}) {
            const auto& turn = kTurns[static_cast<std::size_t>(orientation - 1)];
            const ByteVector bytes =
                test::jpeg(image, {.exif = test::exif_with_orientation(orientation, little_endian)});
            const Image expected =
                rotated_clockwise(turn.is_mirrored ? mirrored(stored) : stored, turn.quarters);
            EXPECT_EQ(decode(bytes), expected) << orientation;
            const ImageInfo info = probe(bytes);
            EXPECT_EQ(info.orientation, orientation);
            EXPECT_EQ(info.width, static_cast<std::uint32_t>(expected.width));
            EXPECT_EQ(info.height, static_cast<std::uint32_t>(expected.height));
        }
    }
}

TEST(Codec, IgnoresAnOrientationThatMakesNoSense) {
    const Image image = test::phantom(16, 8, 1);
    const ByteVector whole = test::exif_with_orientation(6);
    for (const int orientation : {0, 9, 127}) {
        EXPECT_EQ(probe(test::jpeg(image, {.exif = test::exif_with_orientation(orientation)})).orientation,
                  1);
    }
    for (std::size_t size = 1; size < 24; ++size) {  // cut before the value: never read past the segment
        const ByteVector cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(probe(test::jpeg(image, {.exif = cut})).orientation, 1) << size;
    }
    ByteVector far = whole;
    far[10] = std::byte{0xFF};  // the directory's offset, past the end
    EXPECT_EQ(probe(test::jpeg(image, {.exif = far})).orientation, 1);
}

TEST(Codec, EncodesWhatItDecodes) {
    for (const std::int32_t channels : {1, 3}) {
        const Image image = test::phantom(100, 61, channels);
        const std::vector<std::byte> bytes = encode_png(image);
        EXPECT_EQ(decode(bytes), image);
        EXPECT_EQ(check_structure(bytes).channels, channels);
    }
}

TEST(Codec, RefusesToEncodeAnImageThatDoesNotAgreeWithItself) {
    EXPECT_EQ(code_of([] { (void)encode_png({2, 2, 1, {1, 2, 3}}); }), "image.shape");
    EXPECT_EQ(code_of([] { (void)encode_png({1, 1, 2, {1, 2}}); }), "image.shape");
    EXPECT_EQ(code_of([] { (void)encode_png({-1, -1, 1, {1}}); }), "image.shape");
    EXPECT_EQ(code_of([] { (void)encode_png({}); }), "image.shape");
}

// ---- Limits: at each, and one past it
// --------------------------------------------------------------------------

TEST(CodecLimits, HoldAtTheLimitAndNotOnePast) {
    const ByteVector png = test::png(test::phantom(40, 30, 1));
    EXPECT_EQ(code_of([&] { (void)decode(png, {.max_pixels = 1200}); }), "");
    EXPECT_EQ(code_of([&] { (void)decode(png, {.max_pixels = 1199}); }), "image.too_many_pixels");
    EXPECT_EQ(code_of([&] { (void)decode(png, {.max_width = 40, .max_height = 30}); }), "");
    EXPECT_EQ(code_of([&] { (void)decode(png, {.max_width = 39}); }), "image.too_many_pixels");
    EXPECT_EQ(code_of([&] { (void)decode(png, {.max_height = 29}); }), "image.too_many_pixels");
    EXPECT_EQ(code_of([&] { (void)decode(png, {.max_memory_bytes = 1200}); }), "");
    EXPECT_EQ(code_of([&] { (void)decode(png, {.max_memory_bytes = 1199}); }), "image.too_complex");
    EXPECT_EQ(code_of([&] { (void)check_structure(png, {.max_segments = 3}); }), "");
    EXPECT_EQ(code_of([&] { (void)check_structure(png, {.max_segments = 2}); }), "image.too_complex");
    const ByteVector jpeg = test::jpeg(test::phantom(40, 30, 1), {.scans = 20});
    EXPECT_EQ(code_of([&] { (void)decode(jpeg, {.max_scans = 20}); }), "");
    EXPECT_EQ(code_of([&] { (void)decode(jpeg, {.max_scans = 19}); }), "image.too_complex");
    EXPECT_EQ(code_of([&] { (void)decode(jpeg, {.max_scan_pixels = 20 * 1200}); }), "");
    EXPECT_EQ(code_of([&] { (void)decode(jpeg, {.max_scan_pixels = 20 * 1200 - 1}); }), "image.too_complex");
}

TEST(CodecLimits, AreCheckedBeforeAnythingIsDecoded) {
    const ByteVector bomb = test::png_bomb(30'000, 30'000);
    ASSERT_LT(bomb.size(), 1000U);
    for (const auto& check :
         {std::function([&] { (void)decode(bomb); }), std::function([&] { (void)check_structure(bomb); })}) {
        try {
            check();
            FAIL();
        } catch (const core::ValidationError& error) {
            EXPECT_EQ(error.code(), "image.too_many_pixels");
            EXPECT_EQ(detail(error, "limit"), core::Value(64'000'000));
            EXPECT_EQ(detail(error, "found"), core::Value(900'000'000));
        }
    }
}

TEST(CodecLimits, AJpegOfTheLargestSizeIsRefused) {
    ByteVector bytes = test::jpeg(test::phantom(16, 16, 1));
    constexpr std::array kFrameMarker = {std::byte{0xFF}, std::byte{0xC0}};
    const auto frame = std::ranges::search(bytes, kFrameMarker).begin();
    ASSERT_NE(frame, bytes.end());
    std::fill(frame + 5, frame + 9, std::byte{0xFF});
    EXPECT_EQ(code_of([&] { (void)decode(bytes); }), "image.too_many_pixels");
}

TEST(CodecLimits, RefuseManyScans) {
    EXPECT_EQ(code_of([] { (void)decode(test::jpeg(test::phantom(64, 64, 1), {.scans = 64})); }), "");
    EXPECT_EQ(code_of([] { (void)decode(test::jpeg(test::phantom(64, 64, 1), {.scans = 65})); }),
              "image.too_complex");
    EXPECT_EQ(code_of([] { (void)decode(test::jpeg(test::phantom(64, 64, 1), {.scans = 600})); }),
              "image.too_complex");
}

TEST(CodecLimits, AllowOneLongDataChunk) {
    std::vector<std::uint8_t> noise(4500 * 4500);
    std::mt19937 random(1);
    std::ranges::generate(noise, [&] { return static_cast<std::uint8_t>(random()); });
    const ByteVector bytes = test::png_of_samples(png_spec(4500, 4500, 0, 8), noise, 0);
    EXPECT_EQ(decode(bytes).pixels, noise);
}

TEST(CodecLimits, AncillaryTextDoesNotInflateWithoutBound) {
    ByteVector text;
    test::append(text, std::string_view("Comment\0\0", 9));
    test::append(text, test::deflated(ByteVector(64 << 20)));
    test::PngSpec spec = png_spec(1, 1, 0, 8);
    spec.before_data = test::png_chunk("zTXt", text);
    EXPECT_EQ(code_of([&] { (void)decode(test::png_of_samples(spec, std::vector<std::uint8_t>(1))); }),
              "image.damaged");
}

// ---- Damage
// ----------------------------------------------------------------------------------------------------

TEST(CodecDamage, EveryCutIsFound) {
    const Image image = test::phantom(150, 100, 3);
    for (const ByteVector& whole : {test::png(image), test::interlaced_png(image), test::jpeg(image),
                                    test::jpeg(image, {.progressive = true})}) {
        ASSERT_EQ(code_of([&] { (void)check_structure(whole); }), "");
        std::vector<std::size_t> cuts = {whole.size() - 1, whole.size() - 2, whole.size() - 3};
        for (std::size_t cut = 3; cut < whole.size(); cut += 97) cuts.push_back(cut);
        for (const std::size_t cut : cuts) {
            const std::span<const std::byte> bytes(whole.data(), cut);
            const std::string expected = detect_format(bytes) ? "image.damaged" : "image.unsupported_type";
            EXPECT_EQ(code_of([&] { (void)check_structure(bytes); }), expected) << cut;
            EXPECT_EQ(code_of([&] { (void)decode(bytes); }), expected) << cut;
        }
    }
}

TEST(CodecDamage, AFlippedBitInAnyPngChunkIsFound) {
    test::PngSpec spec = png_spec(20, 20, 0, 8);
    spec.before_data = test::png_chunk("tEXt", std::string_view("Comment\0hello", 13));
    const ByteVector whole = test::png_of_samples(spec, test::phantom(20, 20, 1).pixels);
    for (std::size_t at = 8; at < whole.size(); ++at) {
        ByteVector bytes = whole;
        bytes[at] ^= std::byte{1};
        EXPECT_NE(code_of([&] { (void)check_structure(bytes); }), "") << at;
        EXPECT_NE(code_of([&] { (void)decode(bytes); }), "") << at;
    }
}

TEST(CodecDamage, WhatFollowsTheEndIsFound) {
    for (const std::string_view tail :
         {std::string_view("PK\x03\x04"), std::string_view("<html>"), std::string_view("\0", 1)}) {
        for (ByteVector bytes : {test::png(test::phantom(8, 8, 1)), test::jpeg(test::phantom(8, 8, 1))}) {
            const std::size_t end = bytes.size();
            test::append(bytes, tail);
            try {
                (void)check_structure(bytes);
                FAIL();
            } catch (const core::ValidationError& error) {
                EXPECT_EQ(error.code(), "image.trailing_data");
                EXPECT_EQ(detail(error, "offset"), core::Value(static_cast<std::int64_t>(end)));
            }
        }
    }
}

TEST(CodecDamage, TooFewRowsAreFound) {
    const test::PngSpec spec = png_spec(10, 10, 0, 8);
    EXPECT_EQ(code_of([&] { (void)decode(test::png_of_rows(spec, ByteVector(11 * 9))); }), "image.damaged");
    EXPECT_EQ(code_of([&] { (void)decode(test::png_of_rows(spec, ByteVector(11 * 10))); }), "");
}

TEST(CodecDamage, AnUnknownHeaderIsFound) {
    const auto code = [](int color_type, int bit_depth) {
        return code_of([&] {
            (void)probe(
                test::png_of_samples(png_spec(1, 1, color_type, bit_depth), std::vector<std::uint8_t>(8)));
        });
    };
    EXPECT_EQ(code(0, 8), "");
    EXPECT_EQ(code(0, 3), "image.damaged");
    EXPECT_EQ(code(1, 8), "image.damaged");
    EXPECT_EQ(code(3, 16), "image.damaged");
    EXPECT_EQ(code(6, 4), "image.damaged");
    EXPECT_EQ(code_of([] { (void)probe(test::png_bomb(0, 1)); }), "image.damaged");
}

TEST(CodecDamage, JpegOfKindsThatAreNotDecodedAreRefused) {
    const Image image = test::phantom(16, 16, 3);
    EXPECT_EQ(code_of([&] { (void)probe(test::jpeg(image, {.as_cmyk = true})); }), "image.unsupported_type");
    EXPECT_EQ(code_of([&] { (void)probe(test::jpeg(image, {.arithmetic = true})); }),
              "image.unsupported_type");
    ByteVector bytes = test::jpeg(image);
    for (std::size_t i = 0; i + 4 < bytes.size(); ++i) {
        if (bytes[i] == std::byte{0xFF} && bytes[i + 1] == std::byte{0xC0}) bytes[i + 4] = std::byte{12};
    }
    EXPECT_EQ(code_of([&] { (void)probe(bytes); }), "image.unsupported_type");
}

TEST(CodecDamage, OtherContentIsUnsupported) {
    for (const std::string_view content : {"", "hello", "GIF89a", "%PDF-1.7"}) {
        EXPECT_EQ(code_of([&] { (void)probe(std::as_bytes(std::span(content))); }), "image.unsupported_type");
    }
}

// The radiographs that development has beside the repository; elsewhere the generated images above stand for
// them.
TEST(Codec, DecodesEveryRadiographOfTheSampleSet) {
    const std::filesystem::path folder =
        std::filesystem::path(CONSILIA_SOURCE_DIR) / "../shared/data/cxr/images";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the sample set is not here";
    int count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        const auto bytes = core::read_file(entry.path());
        SCOPED_TRACE(entry.path().filename().string());
        try {
            const ImageInfo info = check_structure(bytes);
            const Image image = decode(bytes);
            EXPECT_EQ(static_cast<std::uint32_t>(image.width), info.width);
            EXPECT_EQ(static_cast<std::uint32_t>(image.height), info.height);
            EXPECT_EQ(image.channels, info.channels);
        } catch (const core::Error& error) {
            ADD_FAILURE() << error.code() << ": " << error.what();
        }
        ++count;
    }
    EXPECT_EQ(count, 197);
}

}  // namespace
}  // namespace consilia::imaging
