// Every cut and every flipped bit of the samples: an error with a code, or an image; never anything else. Run
// under the sanitizers too.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "consilia/core/error.hpp"
#include "consilia/imaging/dicom.hpp"
#include "support/dicom.hpp"

namespace consilia::imaging {
namespace {

using test::ByteVector;

const std::set<std::string> kCodes = {
    "image.damaged",         "image.unsupported_type", "image.trailing_data",       "image.foreign_preamble",
    "image.too_many_pixels", "image.too_complex",      "dicom.burned_in_annotation"};

#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kStep = 17;  // There is one thread, and each read takes many times as long.
#else
constexpr std::size_t kStep = 1;
#endif

/// What a call came to: `accepted`, or the code of its error.
template <class Call>
std::string outcome(const Call& call) {
    try {
        call();
        return "accepted";
    } catch (const core::ValidationError& error) {
        EXPECT_TRUE(kCodes.contains(error.code())) << error.code();
        return error.code();
    }
}

/// All that outside bytes can reach. What `check_structure` lets in, `probe` lets in too.
void read_all(const ByteVector& file) {
    const bool is_whole = outcome([&] { (void)check_structure(file); }) == "accepted";
    const std::string probed = outcome([&] { (void)probe(file); });
    if (is_whole) {
        EXPECT_EQ(probed, "accepted");
    }
    outcome([&] {
        const Image image = decode(file);
        const ImageInfo info = probe(file);
        ASSERT_EQ(image.pixels.size(), info.pixels() * static_cast<std::size_t>(info.channels));
    });
    outcome([&] { (void)dicom_values(file); });
    outcome([&] { (void)dicom_info(file); });
    outcome([&] { (void)read_tags(file); });
    outcome([&] {
        // What comes out can be read again, by the same rules.
        const ByteVector clean = deidentify(file, {.key = "sixteen bytes or more"});
        (void)read_tags(clean);
        ASSERT_FALSE(clean.empty());
    });
}

class DamagedDicom : public testing::TestWithParam<const char*> {};

TEST_P(DamagedDicom, IsRefusedOrReadAtEveryCut) {
    const ByteVector file = test::dicom_sample(GetParam());
    for (std::size_t size = 0; size < file.size(); size += kStep) {
        const ByteVector cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_NE(outcome([&] { (void)check_structure(cut); }), "accepted") << size;
        EXPECT_NE(outcome([&] { (void)decode(cut); }), "accepted") << size;
        read_all(cut);
    }
}

TEST_P(DamagedDicom, IsRefusedOrReadWithEveryBitFlipped) {
    ByteVector file = test::dicom_sample(GetParam());
    for (std::size_t bit = 0; bit < file.size() * 8; bit += kStep) {
        SCOPED_TRACE(bit);
        file[bit / 8] ^= std::byte{1} << bit % 8;
        read_all(file);
        file[bit / 8] ^= std::byte{1} << bit % 8;
    }
}

TEST_P(DamagedDicom, IsRefusedOrReadHoweverItIsMutated) {
    const ByteVector file = test::dicom_sample(GetParam());
    for (std::uint64_t seed = 0; seed < 2000; seed += kStep) {
        SCOPED_TRACE(seed);
        read_all(test::mutated(file, seed));
    }
}

INSTANTIATE_TEST_SUITE_P(Samples, DamagedDicom,
                         testing::Values("gray_8", "signed_16_implicit", "gray_12_big_endian",
                                         "gray_12_deflated", "gray_12_rle", "rgb_8_rle",
                                         "gray_8_jpeg_baseline", "gray_12_jpeg_extended",
                                         "gray_12_jpeg_lossless", "gray_16_jpeg_lossless_sv1",
                                         "gray_12_jpeg_ls", "rgb_8_jpeg_ls", "rgb_8_jpeg_ybr_422"),
                         [](const auto& sample) { return std::string(sample.param); });

}  // namespace
}  // namespace consilia::imaging
