// Goal: stripping removes whatever is not needed to decode and to show an image, and changes no pixel.
// Method: every kind of metadata and of foreign content, with a text that is looked for in the result.
#include "consilia/imaging/metadata.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "consilia/core/error.hpp"
#include "support/sample_images.hpp"

namespace consilia::imaging {
namespace {

using test::append;
using test::ByteVector;

constexpr std::string_view kMarker = "GPS 51.4778N Pat One";

bool holds(const ByteVector& bytes, std::string_view text) {
    return test::find_in(bytes, text) < bytes.size();
}
std::string code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const core::Error& error) {
        return error.code();
    }
    return "";
}

/// What holds of every stripped file.
ByteVector expect_stripped(const ByteVector& bytes, const std::string& name) {
    ByteVector stripped = strip_metadata(bytes);
    EXPECT_EQ(code_of([&] { (void)verify(stripped); }), "") << name;
    EXPECT_EQ(decode(stripped), decode(bytes)) << name;
    EXPECT_EQ(strip_metadata(stripped), stripped) << name << ": again";
    EXPECT_LE(stripped.size(), bytes.size() + 32) << name;
    return stripped;
}

TEST(StripMetadata, KeepsEveryPixelOfEveryKindOfImage) {
    for (const auto& [name, bytes] : test::sample_images()) (void)expect_stripped(bytes, name);
}

TEST(StripMetadata, KeepsEveryPixelOfRadiographs) {
    const auto radiographs = test::sample_radiographs();
    if (radiographs.empty()) GTEST_SKIP() << "the sample set is not here";
    for (const auto& [name, bytes] : radiographs) (void)expect_stripped(bytes, name);
}

// ---- JPEG

std::string with_marker(std::string_view start) {
    return std::string(start) + std::string(kMarker) + "PK\x03\x04<script>";
}

/// Segments that tell more than the pixels, each with the marker in it.
std::vector<ByteVector> telling_segments() {
    const auto segment = [](int marker, std::string_view start) {
        return test::jpeg_segment(marker, with_marker(start));
    };
    return {
        segment(0xE0, std::string_view("JFXX\0\x10", 6)),                       // a thumbnail
        segment(0xE1, std::string_view("http://ns.adobe.com/xap/1.0/\0", 29)),  // XMP
        segment(0xE1, std::string_view("Exif\0\0", 6)),                         // not a TIFF
        segment(0xE2, std::string_view("ICC_PROFILE\0\x01\x01", 14)),           // a profile
        segment(0xE2, std::string_view("MPF\0", 4)),                            // further pictures
        segment(0xED, std::string_view("Photoshop 3.0\0008BIM\x04\x04", 20)),   // IPTC
        segment(0xEE, "not Adobe "),
        segment(0xE5, ""),
        segment(0xFE, ""),  // a comment
    };
}

TEST(StripMetadata, RemovesEverySegmentThatIsNotNeeded) {
    for (const bool progressive : {false, true}) {
        const ByteVector clean = test::jpeg(test::phantom(40, 30, 3), {.progressive = progressive});
        const ByteVector bare = strip_metadata(clean);
        ByteVector told = clean;
        for (const ByteVector& segment : telling_segments()) {
            const std::size_t before_last_scan = told.size() - 2;  // before EOI
            told = test::inserted(std::move(told), before_last_scan, segment);
            told = test::inserted(std::move(told), 20, segment);  // after JFIF
        }
        ASSERT_EQ(code_of([&] { (void)verify(told); }), "");
        const ByteVector stripped = expect_stripped(told, "all segments");
        EXPECT_EQ(stripped, bare) << "as if they had never been there";
        EXPECT_FALSE(holds(stripped, kMarker));
        EXPECT_FALSE(holds(stripped, "PK\x03\x04"));
        EXPECT_FALSE(holds(stripped, "<script>"));
    }
}

TEST(StripMetadata, KeepsTheOrientationAndNothingElseOfExif) {
    const Image image = test::phantom(37, 21, 1);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        for (const bool little_endian : {true, false}) {
            ByteVector exif = test::exif_with_orientation(orientation, little_endian);
            append(exif, kMarker);
            const ByteVector stripped =
                expect_stripped(test::jpeg(image, {.exif = exif}), std::to_string(orientation));
            EXPECT_EQ(probe(stripped).orientation, orientation);
            EXPECT_EQ(holds(stripped, "Exif"), orientation != 1);
            EXPECT_FALSE(holds(stripped, kMarker));
        }
    }
}

TEST(StripMetadata, KeepsThePixelDensityOfJfifButNoThumbnail) {
    ByteVector bytes = test::jpeg(test::phantom(20, 20, 3));
    const std::string thumbnail(3 * 7 * 1, '\x55');
    ByteVector jfif = test::jpeg_segment(
        0xE0, std::string("JFIF\0\1\2\1\0\x60\0\x48\7\1", 14) + thumbnail + std::string(kMarker));
    bytes.erase(bytes.begin() + 2, bytes.begin() + 20);
    const ByteVector stripped = expect_stripped(test::inserted(bytes, 2, jfif), "thumbnail");
    EXPECT_TRUE(holds(stripped, std::string_view("JFIF\0\1\2\1\0\x60\0\x48\0\0\xFF", 15)));
    EXPECT_FALSE(holds(stripped, kMarker));
}

TEST(StripMetadata, KeepsHowColoursAreCoded) {
    const ByteVector bytes = test::jpeg(test::phantom(20, 20, 3), {.as_rgb = true});
    ASSERT_TRUE(holds(bytes, "Adobe"));
    EXPECT_TRUE(holds(expect_stripped(bytes, "RGB"), "Adobe")) << "without it the colours would be turned";
}

TEST(StripMetadata, RemovesTablesThatNoScanUses) {
    const ByteVector bytes = test::jpeg(test::phantom(20, 20, 1));
    std::string unused(1, '\3');
    unused += std::string(kMarker);
    unused.resize(65, ' ');
    std::string overwritten = unused;
    overwritten[0] = '\0';
    std::string codes(1, '\x13');
    codes += std::string("\0\0\0\0\0\x14\0\0\0\0\0\0\0\0\0\0", 16) + std::string(kMarker);
    ByteVector told = bytes;
    for (const ByteVector& segment : {test::jpeg_segment(0xDB, unused), test::jpeg_segment(0xDB, overwritten),
                                      test::jpeg_segment(0xC4, codes)}) {
        told = test::inserted(std::move(told), 20, segment);
    }
    const ByteVector stripped = expect_stripped(told, "tables");
    EXPECT_EQ(stripped, strip_metadata(bytes));
    EXPECT_FALSE(holds(stripped, kMarker));
}

TEST(StripMetadata, RemovesFillBytes) {
    const ByteVector bytes = test::jpeg(test::phantom(20, 20, 1));
    const ByteVector filled = test::inserted(bytes, 20, ByteVector(300, std::byte{0xFF}));
    EXPECT_EQ(expect_stripped(filled, "filled"), strip_metadata(bytes));
}

// ---- PNG

struct Chunk {
    std::string_view type;
    std::string content;
    bool is_kept;
};

/// One of each, in an order that the specification allows before the pixels of an RGB image.
std::vector<Chunk> chunks_before_data() {
    return {
        {"cHRM", std::string(32, '\1'), true},
        {"gAMA", std::string("\0\0\xB1\x8F", 4), true},
        {"sBIT", std::string("\5\6\5", 3), true},
        {"sRGB", std::string("\0", 1), true},
        {"cICP", std::string("\1\x0D\0\1", 4), true},
        {"tRNS", std::string("\0\1\0\2\0\3", 6), true},
        {"pHYs", std::string("\0\0\x0B\x13\0\0\x0B\x13\1", 9), true},
        {"iCCP", with_marker(std::string_view("name\0\0", 6)), false},
        {"bKGD", std::string(6, '\0'), false},
        {"sPLT", with_marker(std::string_view("name\0\x08", 6)), false},
        {"eXIf", with_marker(std::string_view("MM\0*\0\0\0\x08\0\0\0\0\0\0", 14)), false},
        {"tIME", std::string("\x07\xEA\1\2\3\4\5", 7), false},
        {"tEXt", with_marker(std::string_view("Comment\0", 8)), false},
        {"iTXt", with_marker(std::string_view("Comment\0\0\0\0\0", 12)), false},
        {"oFFs", std::string(9, '\0'), false},
        {"acTL", std::string("\0\0\0\2\0\0\0\0", 8), false},
        {"fcTL", std::string(26, '\0'), false},
        {"prIv", with_marker(""), false},
        {"gAMA", std::string("\0\0\0\1", 4), false},  // doubled
        {"pHYs", with_marker("of the wrong length"), false},
    };
}

TEST(StripMetadata, KeepsOfAPngWhatShowsAndNothingElse) {
    test::PngSpec spec = test::spec_of(test::phantom(8, 8, 3));
    const ByteVector samples(8 * 8 * 3, std::byte{7});
    const auto file = [&](bool only_kept) {
        spec.before_data.clear();
        for (const Chunk& chunk : chunks_before_data()) {
            if (!only_kept || chunk.is_kept)
                append(spec.before_data, test::png_chunk(chunk.type, chunk.content));
        }
        return test::png_of_samples(
            spec, std::span(reinterpret_cast<const std::uint8_t*>(samples.data()), samples.size()));
    };
    ByteVector told = file(false);
    for (const std::string_view type : {"tEXt", "eXIf", "fdAT", "gAMA"}) {
        const ByteVector chunk = test::png_chunk(type, with_marker(std::string_view("Comment\0", 8)));
        told = test::inserted(std::move(told), told.size() - 12, chunk);
    }
    ASSERT_EQ(code_of([&] { (void)verify(told); }), "");
    const ByteVector stripped = expect_stripped(told, "all chunks");
    EXPECT_EQ(stripped, file(true));
    EXPECT_FALSE(holds(stripped, kMarker));
    EXPECT_FALSE(holds(stripped, "PK\x03\x04"));
}

TEST(StripMetadata, KeepsThePaletteOfAnIndexedImageOnly) {
    const std::string palette(3 * 4, '\x42');
    test::PngSpec spec = test::spec_of(test::phantom(4, 4, 1));
    spec.before_data = test::png_chunk("PLTE", palette);
    for (const int color_type : {2, 3}) {
        spec.color_type = color_type;
        spec.bit_depth = color_type == 3 ? 2 : 8;
        const std::vector<std::uint8_t> samples(color_type == 3 ? 4 : 4 * 4 * 3);
        const ByteVector stripped = expect_stripped(test::png_of_samples(spec, samples), "palette");
        EXPECT_EQ(holds(stripped, "PLTE"), color_type == 3);
    }
}

TEST(StripMetadata, RemovesATransparencyThatNoDecoderTakes) {
    test::PngSpec spec = test::spec_of(test::phantom(4, 4, 1));
    spec.before_data = test::png_chunk("tRNS", kMarker);
    const ByteVector stripped =
        expect_stripped(test::png_of_samples(spec, std::vector<std::uint8_t>(16)), "tRNS");
    EXPECT_FALSE(holds(stripped, kMarker));
}

TEST(StripMetadata, RefusesAsTheStructureIsRefused) {
    const ByteVector jpeg = test::jpeg(test::phantom(8, 8, 1));
    ByteVector tailed = jpeg;
    append(tailed, kMarker);
    EXPECT_EQ(code_of([&] { (void)strip_metadata(tailed); }), "image.trailing_data");
    EXPECT_EQ(code_of([&] { (void)strip_metadata(std::span(jpeg).first(jpeg.size() - 2)); }),
              "image.damaged");
    EXPECT_EQ(code_of([&] { (void)strip_metadata(jpeg, {.max_pixels = 63}); }), "image.too_many_pixels");
    EXPECT_EQ(code_of([&] { (void)strip_metadata({}); }), "image.unsupported_type");
}

// Whatever was accepted can be stripped, and stays accepted.
TEST(StripMetadata, TakesWhateverVerifyAccepts) {
    int stripped = 0;
    for (const auto& [name, whole] : test::sample_images()) {
        for (std::uint64_t seed = 100; seed < 160; ++seed) {
            const ByteVector bytes = test::mutated(whole, seed);
            if (!code_of([&] { (void)verify(bytes); }).empty()) continue;
            (void)expect_stripped(bytes, name + ", seed " + std::to_string(seed));
            ++stripped;
        }
    }
    EXPECT_GT(stripped, 10);
}

}  // namespace
}  // namespace consilia::imaging
