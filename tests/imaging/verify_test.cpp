// Goal: `verify` accepts exactly what `check_structure` and `decode` both accept, in memory and work that the
// file's own size bounds. Method: both are asked about images of every kind and thousands of damaged ones;
// the peak of resident memory is that of a child process, forgotten before the call.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "consilia/core/error.hpp"
#include "consilia/imaging/codec.hpp"
#include "support/peak_memory.hpp"
#include "support/sample_images.hpp"

namespace consilia::imaging {
namespace {

using test::append;
using test::ByteVector;

struct Verdict {
    std::string code;  ///< Empty: accepted.
    std::string reason;
    std::int64_t offset = -1;
    std::int64_t scan = -1;
};

Verdict verdict(const std::function<void()>& action) {
    Verdict found;
    try {
        action();
    } catch (const core::Error& error) {
        found.code = error.code();
        for (const auto& each : error.details()) {
            if (each.name == "reason") found.reason = each.value.as<std::string>();
            if (each.name == "offset") found.offset = each.value.as<std::int64_t>();
            if (each.name == "scan") found.scan = each.value.as<std::int64_t>();
        }
    }
    return found;
}
std::string code_of(const std::function<void()>& action) {
    return verdict(action).code;
}
std::string verify_code(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) {
    return code_of([&] { (void)verify(bytes, limits); });
}

/// Whether the image data of a PNG is one zlib stream that ends with the chunks: an oracle of its own.
bool ends_with_its_pixels(std::span<const std::byte> png) {
    ByteVector data;
    for (std::size_t at = 8; at + 12 <= png.size();) {
        std::size_t length = 0;
        for (std::size_t i = 0; i < 4; ++i) length = length << 8 | std::to_integer<std::size_t>(png[at + i]);
        if (std::memcmp(png.data() + at + 4, "IDAT", 4) == 0) test::append(data, png.subspan(at + 8, length));
        at += length + 12;
    }
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) throw std::runtime_error("inflateInit failed");
    std::vector<unsigned char> rows(1 << 20);
    stream.next_in = reinterpret_cast<Bytef*>(data.data());
    stream.avail_in = static_cast<uInt>(data.size());
    stream.next_out = rows.data();
    stream.avail_out = static_cast<uInt>(rows.size());
    const bool has_ended = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0;
    const std::size_t made = stream.total_out;
    inflateEnd(&stream);
    const ImageInfo info = probe(png);
    const std::uint64_t color_type = std::to_integer<std::uint64_t>(png[25]);
    const std::uint64_t samples = color_type == 2 ? 3 : color_type == 4 ? 2 : color_type == 6 ? 4 : 1;
    const auto row_bytes = [&](std::uint64_t width) {
        return width == 0 ? 0 : 1 + (width * samples * static_cast<std::uint64_t>(info.bit_depth) + 7) / 8;
    };
    std::uint64_t wanted = row_bytes(info.width) * info.height;
    if (info.interlaced) {
        wanted = 0;
        for (const auto& [x, y, dx, dy] : std::vector<std::array<std::uint64_t, 4>>{{0, 0, 8, 8},
                                                                                    {4, 0, 8, 8},
                                                                                    {0, 4, 4, 8},
                                                                                    {2, 0, 4, 4},
                                                                                    {0, 2, 2, 4},
                                                                                    {1, 0, 2, 2},
                                                                                    {0, 1, 1, 2}}) {
            const auto count = [](std::uint64_t size, std::uint64_t from, std::uint64_t step) {
                return size <= from ? 0 : (size - from + step - 1) / step;
            };
            wanted += row_bytes(count(info.width, x, dx)) * count(info.height, y, dy);
        }
    }
    return has_ended && made == wanted;
}

/// Both verdicts agree, code and all; but for a PNG whose data does not end where its pixels do.
/// Returns whether the image is accepted.
bool expect_agreement(std::span<const std::byte> bytes, const std::string& name) {
    std::string both = code_of([&] { (void)check_structure(bytes); });
    if (both.empty()) both = code_of([&] { (void)decode(bytes); });
    const std::string ours = verify_code(bytes);
    if (both.empty() && !ours.empty() && detect_format(bytes) == ImageFormat::Png) {
        EXPECT_FALSE(ends_with_its_pixels(bytes)) << name << ": " << ours;
        return false;
    }
    EXPECT_EQ(ours, both) << name;
    return ours.empty();
}

// ---- The same verdict

TEST(Verify, AcceptsEveryKindOfImageAndSaysWhatItIs) {
    for (const auto& [name, bytes] : test::sample_images()) {
        ASSERT_EQ(verify_code(bytes), "") << name;
        const ImageInfo info = verify(bytes);
        const Image image = decode(bytes);
        EXPECT_EQ(info.width, static_cast<std::uint32_t>(image.width)) << name;
        EXPECT_EQ(info.height, static_cast<std::uint32_t>(image.height)) << name;
        EXPECT_EQ(info.channels, image.channels) << name;
        EXPECT_EQ(info.format, probe(bytes).format) << name;
    }
}

TEST(Verify, AgreesWithStructureAndDecodingOnDamagedImages) {
    int accepted = 0;
    int refused = 0;
    for (const auto& [name, whole] : test::sample_images()) {
        for (std::uint64_t seed = 0; seed < 60; ++seed) {
            ByteVector bytes = test::mutated(whole, seed);
            if (detect_format(bytes) == ImageFormat::Png) bytes = test::with_checksums(std::move(bytes));
            ++(expect_agreement(bytes, name + ", seed " + std::to_string(seed)) ? accepted : refused);
        }
    }
    EXPECT_GT(accepted, 10) << "some damage leaves an image";
    EXPECT_GT(refused, 1000);
}

TEST(Verify, AgreesOnEveryFlippedByteOfSmallImages) {
    for (const auto& [name, whole] : test::sample_images()) {
        for (std::size_t at = 0; at<whole.size(); at += whole.size()> 700 ? 13 : 1) {
            ByteVector bytes = whole;
            bytes[at] ^= std::byte{0x21};
            if (detect_format(bytes) == ImageFormat::Png) bytes = test::with_checksums(std::move(bytes));
            (void)expect_agreement(bytes, name + ", byte " + std::to_string(at));
        }
    }
}

TEST(Verify, AgreesOnRadiographsAndTheirCuts) {
    const auto radiographs = test::sample_radiographs();
    if (radiographs.empty()) GTEST_SKIP() << "the sample set is not here";
    std::uint64_t seed = 0;
    for (const auto& [name, bytes] : radiographs) {
        EXPECT_TRUE(expect_agreement(bytes, name));
        (void)expect_agreement(test::mutated(bytes, seed++), name + ", damaged");
    }
}

// ---- What decoding alone does not see

class VerifyHidden : public ::testing::Test {
protected:
    static constexpr std::string_view kSecret = "PK\x03\x04 a second file";

    static ByteVector png_with(std::span<const std::byte> data, std::span<const std::byte> after = {}) {
        ByteVector png;
        append(png, test::kPngSignature);
        append(png, test::png_header(test::spec_of(test::phantom(9, 9, 1))));
        append(png, test::png_chunk("IDAT", data));
        append(png, after);
        append(png, test::png_chunk("IEND", std::string_view()));
        return png;
    }
    static void expect_only_verify_refuses(const ByteVector& png, const char* code) {
        EXPECT_EQ(code_of([&] { (void)check_structure(png); }), "");
        EXPECT_EQ(code_of([&] { (void)decode(png); }), "");
        EXPECT_EQ(verify_code(png), code);
    }

    const ByteVector pixels_ = test::deflated(ByteVector(9 * 10));
};

TEST_F(VerifyHidden, DataAfterTheCompressedPixels) {
    ByteVector data = pixels_;
    append(data, kSecret);
    expect_only_verify_refuses(png_with(data), "image.trailing_data");
    expect_only_verify_refuses(png_with(pixels_, test::png_chunk("IDAT", kSecret)), "image.trailing_data");
    EXPECT_EQ(verify_code(png_with(pixels_, test::png_chunk("IDAT", std::string_view()))), "");
}

TEST_F(VerifyHidden, MoreRowsThanTheImageHas) {
    expect_only_verify_refuses(png_with(test::deflated(ByteVector(9 * 10 + 1))), "image.trailing_data");
    expect_only_verify_refuses(png_with(test::deflated(ByteVector(1 << 20))), "image.trailing_data");
}

TEST_F(VerifyHidden, AWrongOrMissingChecksumOfThePixels) {
    ByteVector wrong = pixels_;
    wrong.back() ^= std::byte{1};
    EXPECT_EQ(verify_code(png_with(wrong)), "image.damaged");
    const ByteVector missing(pixels_.begin(), pixels_.end() - 4);
    EXPECT_EQ(verify_code(png_with(missing)), "image.damaged");
}

TEST(Verify, FindsWhatFollowsTheCodedPixelsOfAJpeg) {
    for (const test::JpegSpec& spec : {test::JpegSpec{}, test::JpegSpec{.progressive = true}}) {
        const ByteVector whole = test::jpeg(test::phantom(40, 40, 3), spec);
        const ByteVector hidden(64, std::byte{'A'});
        EXPECT_EQ(verify_code(test::inserted(whole, whole.size() - 2, hidden)), "image.damaged");
    }
}

// ---- Memory

using test::kCountsMemory;
using test::kMebibyte;

/// As `test::peak_growth`; what is thrown is let go.
std::int64_t peak_growth(const std::function<void()>& action) {
    return test::peak_growth([&] { (void)code_of(action); });
}

Image flat(std::int32_t side, std::int32_t channels) {
    const auto count = static_cast<std::size_t>(side) * static_cast<std::size_t>(side * channels);
    return {side, side, channels, std::vector<std::uint8_t>(count, 128)};
}

TEST(VerifyMemory, IsSmallAndConstantForBaselineJpegAndPng) {
    if (!kCountsMemory) GTEST_SKIP() << "sanitized";
    for (const std::int32_t side : {1000, 3000}) {
        for (const ByteVector& bytes : {test::jpeg(flat(side, 3)), test::jpeg(flat(side, 1)),
                                        test::png(flat(side, 1)), test::interlaced_png(flat(side, 1))}) {
            ASSERT_EQ(verify_code(bytes), "");
            EXPECT_LT(peak_growth([&] { (void)verify(bytes); }), kMebibyte) << side;
        }
    }
    const ByteVector jpeg = test::jpeg(flat(3000, 1));
    EXPECT_GT(peak_growth([&] { (void)decode(jpeg); }), 8 * kMebibyte) << "the measure sees an image";
}

TEST(VerifyMemory, OfAProgressiveJpegIsItsCoefficientsAndCheckedBeforehand) {
    const ByteVector bytes = test::jpeg(flat(1600, 3), {.progressive = true});  // 4:2:0, 1.5 samples a pixel
    constexpr std::int64_t kCoefficients = 1600 * 1600 * 3 / 2 * 2;
    constexpr std::int64_t kDecoding = kCoefficients + 1600 * 1600 * 3;
    EXPECT_EQ(verify_code(bytes, {.max_memory_bytes = kDecoding}), "");
    EXPECT_EQ(verify_code(bytes, {.max_memory_bytes = kDecoding - 1}), "image.too_complex");
    if (!kCountsMemory) return;
    const std::int64_t growth = peak_growth([&] { (void)verify(bytes); });
    EXPECT_LT(growth, kCoefficients + kMebibyte);
    EXPECT_GT(growth, kCoefficients / 2) << "the measure sees the coefficients";
}

// ---- Bombs: what is refused before it costs, and where

/// A JPEG of 16 x 16 whose header says something else.
ByteVector jpeg_claiming(std::uint32_t side, const test::JpegSpec& spec = {}) {
    ByteVector bytes = test::jpeg(test::phantom(16, 16, 1), spec);
    const std::size_t frame = test::find_in(bytes, spec.progressive ? "\xFF\xC2" : "\xFF\xC0");
    for (std::size_t i = 0; i < 4; ++i) bytes[frame + 5 + i] = std::byte(side >> (i % 2 == 0 ? 8 : 0) & 0xFF);
    return bytes;
}

TEST(VerifyBombs, ASmallFileThatClaimsALargeImageIsFoundByItsLength) {
    for (const bool progressive : {false, true}) {
        const ByteVector bytes = jpeg_claiming(7900, {.progressive = progressive});
        for (const auto& action :
             {std::function([&] { (void)check_structure(bytes); }),
              std::function([&] { (void)decode(bytes); }), std::function([&] { (void)verify(bytes); })}) {
            const Verdict found = verdict(action);
            EXPECT_EQ(found.code, "image.damaged");
            EXPECT_EQ(found.reason, "the coded data is too short for the image");
            EXPECT_LT(peak_growth(action), kMebibyte);
        }
    }
    const ByteVector png = test::png_bomb(7900, 7900);
    const Verdict found = verdict([&] { (void)check_structure(png); });
    EXPECT_EQ(found.code, "image.damaged");
    EXPECT_EQ(found.reason, "the compressed data is too short for the image");
    EXPECT_LT(peak_growth([&] { (void)decode(png); }), kMebibyte);
}

TEST(VerifyBombs, TheShortestCodedDataPasses) {
    // Flat blocks cost two bits each with codes made for the image.
    EXPECT_EQ(verify_code(encode_jpeg(flat(2048, 1))), "");
    EXPECT_EQ(verify_code(test::jpeg(flat(2048, 1), {.progressive = true})), "");
    EXPECT_EQ(verify_code(test::png(flat(2048, 1))), "");
}

TEST(VerifyBombs, ScansAreCountedBeforeAnyIsDecoded) {
    const ByteVector bytes = test::jpeg(test::phantom(64, 64, 1), {.scans = 600});
    EXPECT_EQ(verify_code(bytes), "image.too_complex");
    const ByteVector many = test::jpeg(test::phantom(64, 64, 1), {.scans = 60});
    EXPECT_EQ(verify_code(many), "");
    EXPECT_EQ(verify_code(many, {.max_scan_pixels = 60 * 64 * 64 - 1}), "image.too_complex");
}

TEST(VerifyBombs, LinesCountedBehindTheImageAreUnsupported) {
    const ByteVector bytes = test::jpeg(test::phantom(16, 16, 1));
    const ByteVector counted =
        test::inserted(bytes, bytes.size() - 2, test::jpeg_segment(0xDC, std::string_view("\x00\x10", 2)));
    EXPECT_EQ(verify_code(counted), "image.unsupported_type");
    ByteVector unsized = bytes;
    const std::size_t frame = test::find_in(bytes, "\xFF\xC0");
    unsized[frame + 5] = unsized[frame + 6] = std::byte{0};
    EXPECT_EQ(verify_code(unsized), "image.damaged");
}

TEST(VerifyBombs, RestartMarkersWithoutDataEndAtTheFirst) {
    EXPECT_EQ(verify_code(test::jpeg(test::phantom(64, 64, 3), {.restart = 1})), "");
    ByteVector bytes = test::jpeg(test::phantom(64, 64, 1), {.restart = 1});
    const std::size_t scan = test::find_in(bytes, "\xFF\xDA");
    bytes.resize(scan + 10);
    for (int i = 0; i < 100'000; ++i) append(bytes, std::string{'\xFF', static_cast<char>(0xD0 + i % 8)});
    append(bytes, std::string_view("\xFF\xD9"));
    const Verdict found = verdict([&] { (void)verify(bytes); });
    EXPECT_EQ(found.code, "image.damaged");
    EXPECT_EQ(found.scan, 1);
    EXPECT_LT(found.offset, static_cast<std::int64_t>(scan + 10 + 16)) << "nothing is read behind it";
}

ByteVector png_with_chunk(std::string_view type, std::span<const std::byte> content, int times = 1) {
    test::PngSpec spec = test::spec_of(flat(1, 1));
    for (int i = 0; i < times; ++i) append(spec.before_data, test::png_chunk(type, content));
    return test::png_of_samples(spec, std::vector<std::uint8_t>(1));
}

TEST(VerifyBombs, TextAndProfilesInflateToTheirBoundAtMost) {
    constexpr std::int64_t kBound = 16 * kMebibyte;
    for (const std::string_view type : {"zTXt", "iCCP", "iTXt"}) {
        ByteVector content;
        append(content, type == "iTXt" ? std::string_view("Comment\0\1\0\0\0", 12)
                                       : std::string_view("Comment\0\0", 9));
        append(content, test::deflated(ByteVector(64 << 20)));
        const ByteVector bytes = png_with_chunk(type, content);
        EXPECT_TRUE(expect_agreement(bytes, std::string(type)) || verify_code(bytes) == "image.damaged")
            << type;
        EXPECT_LT(peak_growth([&] { (void)verify(bytes); }), 2 * kBound) << type;
        EXPECT_LT(peak_growth([&] { (void)decode(bytes); }), 2 * kBound) << type;
    }
    ByteVector text;
    append(text, std::string_view("Comment\0\0", 9));
    append(text, test::deflated(ByteVector(1 << 20)));
    EXPECT_EQ(verify_code(png_with_chunk("zTXt", text, 10)), "");
    EXPECT_EQ(verify_code(png_with_chunk("zTXt", text, 20)), "image.damaged") << "together, too";
}

TEST(VerifyBombs, EmptyDataChunksCountAsSegments) {
    const ByteVector none;
    EXPECT_EQ(verify_code(png_with_chunk("IDAT", none, 1000)), "");
    EXPECT_EQ(verify_code(png_with_chunk("IDAT", none, 16'384)), "image.too_complex");
    test::PngSpec spec = test::spec_of(flat(1, 1));
    ByteVector empty;
    append(empty, test::kPngSignature);
    append(empty, test::png_header(spec));
    append(empty, test::png_chunk("IDAT", none));
    append(empty, test::png_chunk("IEND", none));
    EXPECT_EQ(verify_code(empty), "image.damaged");
}

TEST(VerifyBombs, FramesOfAnAnimationAreNotDecoded) {
    test::PngSpec spec = test::spec_of(flat(1, 1));
    append(spec.before_data, test::png_chunk("acTL", std::string_view("\xFF\xFF\xFF\xFF\0\0\0\0", 8)));
    append(spec.before_data, test::png_chunk("fcTL", std::string(26, '\x7F')));
    ByteVector bytes = test::png_of_samples(spec, std::vector<std::uint8_t>(1));
    ByteVector frame(4);
    append(frame, test::deflated(ByteVector(64 << 20)));
    bytes = test::inserted(std::move(bytes), bytes.size() - 12, test::png_chunk("fdAT", frame));
    EXPECT_TRUE(expect_agreement(bytes, "animation"));
    EXPECT_LT(peak_growth([&] { (void)verify(bytes); }), kMebibyte);
}

}  // namespace
}  // namespace consilia::imaging
