// Goal: what is encoded decodes to the same or nearly the same pixels, and nothing of an upload but its
// pixels survives encoding it again.
#include <gtest/gtest.h>

#include <functional>

#include "consilia/core/error.hpp"
#include "consilia/imaging/codec.hpp"
#include "support/sample_images.hpp"

namespace consilia::imaging {
namespace {

using test::append;
using test::ByteVector;

std::string code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const core::Error& error) {
        return error.code();
    }
    return "";
}

int largest_difference(const Image& a, const Image& b) {
    int largest = a.pixels.size() == b.pixels.size() ? 0 : 256;
    for (std::size_t i = 0; largest < 256 && i < a.pixels.size(); ++i)
        largest = std::max(largest, std::abs(int{a.pixels[i]} - int{b.pixels[i]}));
    return largest;
}

TEST(EncodeJpeg, KeepsThePixelsCloserWithHigherQuality) {
    for (const std::int32_t channels : {1, 3}) {
        const Image image = test::phantom(101, 67, channels);
        const std::vector<std::byte> fine = encode_jpeg(image, 100);
        const std::vector<std::byte> usual = encode_jpeg(image);
        const std::vector<std::byte> coarse = encode_jpeg(image, 20);
        EXPECT_LE(largest_difference(decode(fine), image), 4) << channels;
        EXPECT_LE(largest_difference(decode(usual), image), 32) << channels;
        EXPECT_GT(fine.size(), usual.size());
        EXPECT_GT(usual.size(), coarse.size());
        EXPECT_EQ(encode_jpeg(image), usual) << "the same bytes each time";
    }
}

TEST(EncodeJpeg, WritesABaselineImageWithItsOwnCodes) {
    const Image image = test::phantom(200, 200, 3);
    const std::vector<std::byte> bytes = encode_jpeg(image);
    const ImageInfo info = verify(bytes);
    EXPECT_EQ(info.format, ImageFormat::Jpeg);
    EXPECT_EQ(info.scans, 1U);
    EXPECT_FALSE(info.interlaced);
    EXPECT_EQ(info.orientation, 1);
    const Image gray = test::phantom(200, 200, 1);
    EXPECT_LT(encode_jpeg(gray).size(), test::jpeg(gray).size()) << "smaller than with the usual codes";
}

TEST(EncodeJpeg, KeepsColourAtFullResolution) {
    Image image{64, 64, 3, {}};
    for (int i = 0; i < 64 * 64; ++i) {
        const bool is_red = i % 2 == 0;
        for (const bool channel : {is_red, !is_red, false}) image.pixels.push_back(channel ? 200 : 0);
    }
    EXPECT_LE(largest_difference(decode(encode_jpeg(image, 100)), image), 8) << "half of it would be a mix";
}

TEST(EncodeJpeg, RefusesWhatAJpegCannotBe) {
    EXPECT_EQ(code_of([] { (void)encode_jpeg({2, 2, 1, {1, 2, 3}}); }), "image.shape");
    EXPECT_EQ(code_of([] { (void)encode_jpeg({}); }), "image.shape");
    for (const int quality : {-1, 0, 101}) {
        EXPECT_EQ(code_of([&] { (void)encode_jpeg(test::phantom(2, 2, 1), quality); }), "image.quality");
    }
    for (const int quality : {1, 100}) {
        EXPECT_EQ(code_of([&] { (void)encode_jpeg(test::phantom(2, 2, 1), quality); }), "");
    }
    const auto row = [](std::int32_t width) {
        return Image{width, 1, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(width))};
    };
    EXPECT_EQ(code_of([&] { (void)encode_jpeg(row(65'500)); }), "");
    EXPECT_EQ(code_of([&] { (void)encode_jpeg(row(65'501)); }), "image.shape");
}

TEST(Reencode, KeepsThePixelsAndNothingElse) {
    constexpr std::string_view kMarker = "GPS 51.4778N Pat One";
    for (const auto& [name, whole] : test::sample_images()) {
        const bool is_png = detect_format(whole) == ImageFormat::Png;
        ByteVector text;
        append(text, std::string_view("Comment\0", 8));
        append(text, kMarker);
        const ByteVector told = is_png
                                    ? test::inserted(whole, whole.size() - 12, test::png_chunk("tEXt", text))
                                    : test::inserted(whole, 2, test::jpeg_segment(0xFE, kMarker));
        const Image image = decode(told);
        const std::vector<std::byte> png = reencode(told, ImageFormat::Png);
        EXPECT_EQ(decode(png), image) << name << ": turned as it is seen, transparency blended";
        EXPECT_EQ(png, encode_png(image)) << name;
        const std::vector<std::byte> jpeg = reencode(told, ImageFormat::Jpeg);
        EXPECT_EQ(jpeg, encode_jpeg(image)) << name;
        for (const auto& bytes : {png, jpeg}) {
            EXPECT_EQ(test::find_in(bytes, kMarker), bytes.size()) << name;
            EXPECT_EQ(verify(bytes).orientation, 1) << name;
        }
    }
}

TEST(Reencode, RefusesAsDecodingDoes) {
    const ByteVector bytes = test::png(test::phantom(8, 8, 1));
    EXPECT_EQ(code_of([&] { (void)reencode(bytes, ImageFormat::Jpeg, {.max_pixels = 63}); }),
              "image.too_many_pixels");
    EXPECT_EQ(code_of([&] { (void)reencode(std::span(bytes).first(40), ImageFormat::Png); }),
              "image.damaged");
}

}  // namespace
}  // namespace consilia::imaging
