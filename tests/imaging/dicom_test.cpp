// DICOM without an oracle: what is read, and what is refused, of files made by hand. The values themselves
// are held to pydicom's in tests/python/imaging/test_dicom.py.
#include "consilia/imaging/dicom.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consilia/core/error.hpp"
#include "support/dicom.hpp"

namespace consilia::imaging {
namespace {

using test::ByteVector;
using test::dicom;
using test::DicomSpec;
using test::DicomWriter;

template <class Call>
std::string code_of(const Call& call) {
    try {
        call();
    } catch (const core::Error& error) {
        return error.code();
    }
    return "accepted";
}
std::string code_of(const ByteVector& file) {
    return code_of([&] { (void)check_structure(file); });
}

ByteVector elements(const std::function<void(DicomWriter&)>& write) {
    DicomWriter writer;
    write(writer);
    return writer.bytes;
}

TEST(Dicom, IsDetectedBehindItsPreamble) {
    EXPECT_EQ(detect_format(dicom()), ImageFormat::Dicom);
    EXPECT_EQ(to_string(ImageFormat::Dicom), "dicom");
    EXPECT_EQ(media_type(ImageFormat::Dicom), "application/dicom");
    const ByteVector file = dicom();
    EXPECT_EQ(detect_format(std::span(file).first(131)), std::nullopt);
    EXPECT_EQ(detect_format(std::span(file).first(132)), ImageFormat::Dicom);
}

TEST(Dicom, IsProbedCheckedAndDecodedLikeOtherImages) {
    const ByteVector file = dicom({.bits_allocated = 16, .bits_stored = 12});
    for (const ImageInfo& info : {probe(file), check_structure(file)}) {
        EXPECT_EQ(info.format, ImageFormat::Dicom);
        EXPECT_EQ(info.width, 4U);
        EXPECT_EQ(info.height, 3U);
        EXPECT_EQ(info.channels, 1);
        EXPECT_EQ(info.bit_depth, 12);
    }
    const Image image = decode(dicom());
    EXPECT_EQ(image.width, 4);
    EXPECT_EQ(image.height, 3);
    EXPECT_THAT(image.pixels, ::testing::ElementsAre(0, 23, 46, 70, 93, 116, 139, 162, 185, 209, 232, 255));
}

TEST(Dicom, IsProbedWhereItsPixelsAreCut) {
    const ByteVector whole = dicom({.columns = 100, .rows = 100});
    const ByteVector cut(whole.begin(), whole.end() - 5000);
    EXPECT_EQ(probe(cut).width, 100U);
    EXPECT_EQ(code_of(cut), "image.damaged");
    EXPECT_EQ(code_of([&] { (void)decode(cut); }), "image.damaged");
}

TEST(Dicom, RefusesAForeignPreamble) {
    std::string preamble(128, '\0');
    for (const std::string_view foreign : {"MZ\x90", "II*\0\x08", "<!--"}) {
        preamble.replace(0, foreign.size(), foreign);
        EXPECT_EQ(code_of(dicom({.preamble = preamble})), "image.foreign_preamble");
    }
    preamble.assign(128, '\0');
    preamble.back() = 1;
    const ByteVector file = dicom({.preamble = preamble});
    EXPECT_EQ(code_of(file), "image.foreign_preamble");
    EXPECT_TRUE(dicom_info(file).has_foreign_preamble);
    const ByteVector clean = deidentify(file);
    EXPECT_EQ(check_structure(clean).width, 4U);
}

TEST(Dicom, RefusesWhatFollowsThePixels) {
    const auto with = [](std::string_view after) {
        ByteVector file = dicom();
        test::append(file, after);
        return file;
    };
    EXPECT_EQ(code_of(with("PK\x03\x04 an archive")), "image.trailing_data");
    EXPECT_EQ(code_of(with("x")), "image.trailing_data");
    EXPECT_EQ(code_of(with(std::string_view("\0\0\0\0\0\0\0\0", 8))), "image.trailing_data");
    const auto padded = [](std::string_view padding) {
        return dicom(
            {.after_pixels = elements([&](DicomWriter& set) { set.element(0xFFFCFFFC, "OB", padding); })});
    };
    EXPECT_EQ(code_of(padded(std::string(64, '\0'))), "accepted");
    EXPECT_EQ(code_of(padded(std::string(63, '\0') + "x")), "image.trailing_data");
    ByteVector twice = padded(std::string(2, '\0'));
    test::append(twice, elements([](DicomWriter& set) { set.element(0xFFFCFFFC, "OB", ""); }));
    EXPECT_EQ(code_of(twice), "image.trailing_data");
    EXPECT_EQ(code_of(dicom({.after_pixels = elements([](DicomWriter& set) {
                                 set.header(0xFFFAFFFA, "SQ", 0);
                                 set.element(0xFFFCFFFC, "OB", "");
                             })})),
              "accepted");
    EXPECT_EQ(code_of(dicom({.after_pixels = elements(
                                 [](DicomWriter& set) { set.element(0x7FE11001, "OB", "private"); })})),
              "image.trailing_data");
}

TEST(Dicom, HoldsPixelDataToTheirHeader) {
    const std::string twelve(12, 'a');
    EXPECT_EQ(code_of(dicom({.pixels = twelve})), "accepted");
    EXPECT_EQ(code_of(dicom({.pixels = twelve + "aa"})), "image.damaged");
    EXPECT_EQ(code_of(dicom({.rows = 4, .pixels = twelve + "aaaaaa"})), "image.damaged");
    EXPECT_EQ(code_of(dicom({.columns = 3, .rows = 3, .pixels = "123456789"})), "accepted");  // padded to ten
    EXPECT_EQ(code_of(dicom({.frames = "2", .pixels = twelve + twelve})), "image.unsupported_type");
    EXPECT_EQ(code_of(dicom({.frames = "0"})), "image.damaged");
    EXPECT_EQ(code_of(dicom({.frames = "1.5"})), "image.damaged");
    EXPECT_EQ(code_of(dicom({.without_pixels = true})), "image.damaged");
    EXPECT_EQ(code_of(dicom({.columns = 0})), "image.damaged");
    EXPECT_EQ(code_of(dicom({.samples = 3})), "image.damaged");
    EXPECT_EQ(code_of(dicom({.bits_stored = 9})), "image.damaged");
    EXPECT_EQ(code_of(dicom({.photometric = "PALETTE COLOR"})), "image.unsupported_type");
}

TEST(Dicom, HoldsImagesToTheLimits) {
    const ByteVector file = dicom({.columns = 40, .rows = 30});
    EXPECT_EQ(check_structure(file, {.max_pixels = 1200}).pixels(), 1200U);
    for (const DecodeLimits& limits :
         {DecodeLimits{.max_pixels = 1199}, DecodeLimits{.max_width = 39}, DecodeLimits{.max_height = 29}}) {
        EXPECT_EQ(code_of([&] { (void)check_structure(file, limits); }), "image.too_many_pixels");
        EXPECT_EQ(code_of([&] { (void)decode(file, limits); }), "image.too_many_pixels");
    }
    EXPECT_EQ(code_of([&] { (void)decode(file, {.max_memory_bytes = 9000}); }), "image.too_complex");
    EXPECT_EQ(code_of([&] { (void)decode(file, {.max_segments = 8}); }), "image.too_complex");
}

TEST(Dicom, BoundsWhatADeflatedDataSetInflatesTo) {
    DicomSpec spec{.syntax = "1.2.840.10008.1.2.1.99", .columns = 2000, .rows = 2000};
    spec.pixels = std::string(4'000'000, 'a');
    const auto packed = [](const ByteVector& set) {  // without zlib's header and checksum
        const ByteVector whole = test::deflated(set);
        ByteVector raw(whole.begin() + 2, whole.end() - 4);
        if (raw.size() % 2 != 0) raw.push_back(std::byte{0});
        return raw;
    };
    const ByteVector file = test::dicom_file(spec, packed(test::dicom_data_set(spec)));
    ASSERT_LT(file.size(), 10'000U);
    EXPECT_EQ(decode(file).pixels.size(), 4'000'000U);
    EXPECT_EQ(code_of([&] { (void)decode(file, {.max_memory_bytes = 12'000'000}); }), "image.too_complex");
    ByteVector trailing = file;
    test::append(trailing, "PK");
    EXPECT_EQ(code_of(trailing), "image.trailing_data");
    const ByteVector cut(file.begin(), file.end() - 100);
    EXPECT_EQ(code_of(cut), "image.damaged");
}

TEST(Dicom, WalksSequencesOfEveryForm) {
    const auto in_sequence = [](std::uint32_t length, const std::function<void(DicomWriter&)>& inside) {
        return code_of(dicom({.before_image = elements([&](DicomWriter& set) {
                                  set.header(0x00081140, "SQ", length);
                                  inside(set);
                              })}));
    };
    EXPECT_EQ(in_sequence(0, [](DicomWriter&) {}), "accepted");
    EXPECT_EQ(
        in_sequence(18, [](DicomWriter& set) { set.item(0xFFFEE000, 10).element(0x00100020, "LO", "AB"); }),
        "accepted");
    EXPECT_EQ(in_sequence(0xFFFFFFFF,
                          [](DicomWriter& set) {
                              set.item(0xFFFEE000, 0xFFFFFFFF).element(0x00100020, "LO", "AB");
                              set.item(0xFFFEE00D, 0).item(0xFFFEE0DD, 0);
                          }),
              "accepted");
    EXPECT_EQ(
        in_sequence(18, [](DicomWriter& set) { set.item(0xFFFEE000, 12).element(0x00100020, "LO", "AB"); }),
        "image.damaged");  // the item ends outside of its sequence
    EXPECT_EQ(in_sequence(0xFFFFFFFF, [](DicomWriter& set) { set.item(0xFFFEE000, 0); }), "image.damaged");
    EXPECT_EQ(in_sequence(8, [](DicomWriter& set) { set.item(0xFFFEE0DD, 0); }), "image.damaged");
    EXPECT_EQ(in_sequence(8, [](DicomWriter& set) { set.item(0x00100020, 0); }), "image.damaged");
    EXPECT_EQ(in_sequence(0xFFFFFFFF, [](DicomWriter& set) { set.item(0xFFFEE0DD, 2); }), "image.damaged");
}

TEST(Dicom, BoundsTheNestingOfSequences) {
    const auto nested = [](int depth) {
        return dicom({.before_image = elements([&](DicomWriter& set) {
                          for (int i = 0; i < depth; ++i) {
                              set.header(0x00081140, "SQ", 0xFFFFFFFF);
                              set.item(0xFFFEE000, 0xFFFFFFFF);
                          }
                          for (int i = 0; i < depth; ++i) set.item(0xFFFEE00D, 0).item(0xFFFEE0DD, 0);
                      })});
    };
    EXPECT_EQ(code_of(nested(16)), "accepted");
    EXPECT_EQ(code_of(nested(17)), "image.too_complex");
    EXPECT_EQ(code_of(nested(5000)), "image.too_complex");
}

TEST(Dicom, RefusesElementsThatAreNotInOrder) {
    const auto with = [](const std::function<void(DicomWriter&)>& write) {
        return code_of(dicom({.before_image = elements(write)}));
    };
    EXPECT_EQ(
        with([](DicomWriter& set) { set.element(0x00100010, "PN", "A").element(0x00100020, "LO", "B"); }),
        "accepted");
    EXPECT_EQ(
        with([](DicomWriter& set) { set.element(0x00100020, "LO", "A").element(0x00100010, "PN", "B"); }),
        "image.damaged");
    EXPECT_EQ(
        with([](DicomWriter& set) { set.element(0x00100020, "LO", "A").element(0x00100020, "LO", "B"); }),
        "image.damaged");
    EXPECT_EQ(with([](DicomWriter& set) { set.element(0x00100020, "ZZ", "A"); }), "image.damaged");
    EXPECT_EQ(with([](DicomWriter& set) { set.header(0x00100020, "LO", 1).bytes.push_back(std::byte{'A'}); }),
              "image.damaged");
}

TEST(Dicom, HoldsGroupLengthsToTheirGroups) {
    const auto with = [](std::uint32_t length) {
        return code_of(dicom({.before_image = elements([&](DicomWriter& set) {
                                  set.header(0x00100000, "UL", 4).put_32(length);
                                  set.element(0x00100010, "PN", "A ").element(0x00100020, "LO", "B ");
                              })}));
    };
    EXPECT_EQ(with(20), "accepted");
    EXPECT_EQ(with(10), "image.damaged");
    EXPECT_EQ(with(0), "image.damaged");
    EXPECT_EQ(with(0xFFFFFFFF), "image.damaged");
    ByteVector file = dicom();
    file[132 + 8] ^= std::byte{2};  // of the file meta information
    EXPECT_EQ(code_of(file), "image.damaged");
}

TEST(Dicom, ReadsTheSamplesOfEveryTransferSyntax) {
    const Image gray = decode(test::dicom_sample("gray_12"));
    for (const char* name : {"gray_12_big_endian", "gray_12_deflated", "gray_12_rle"}) {
        EXPECT_EQ(decode(test::dicom_sample(name)), gray) << name;
        EXPECT_EQ(check_structure(test::dicom_sample(name)).width, 28U) << name;
    }
    EXPECT_EQ(decode(test::dicom_sample("rgb_8_rle")), decode(test::dicom_sample("rgb_8")));
}

TEST(Dicom, DecodesCompressedFramesThroughTheCodec) {
    const Image gray = decode(test::dicom_sample("gray_12"));
    for (const char* name : {"gray_12_jpeg_lossless", "gray_12_jpeg_ls"}) {
        EXPECT_EQ(decode(test::dicom_sample(name)), gray) << name;
    }
    EXPECT_EQ(decode(test::dicom_sample("rgb_8_jpeg_ls")), decode(test::dicom_sample("rgb_8")));
    EXPECT_EQ(decode(test::dicom_sample("gray_8_jpeg_baseline")).pixels.size(), 560U);
}

/// The place of a JPEG frame header's number: marker, length, precision, height, width.
std::size_t frame_header(const ByteVector& file, std::uint8_t marker) {
    for (std::size_t i = 0; i + 9 < file.size(); ++i) {
        if (file[i] == std::byte{0xFF} && file[i + 1] == std::byte{marker} && file[i + 2] == std::byte{0})
            return i;
    }
    throw std::runtime_error("no frame header");
}

TEST(Dicom, HoldsCompressedFramesToTheHeader) {
    for (const auto& [name, marker] : {std::pair("gray_8_jpeg_baseline", std::uint8_t{0xC0}),
                                       std::pair("gray_12_jpeg_lossless", std::uint8_t{0xC3}),
                                       std::pair("gray_12_jpeg_ls", std::uint8_t{0xF7})}) {
        const ByteVector file = test::dicom_sample(name);
        const std::size_t at = frame_header(file, marker);
        for (const std::size_t offset : {4U, 5U, 6U, 7U, 8U, 9U}) {  // precision, height, width, components
            ByteVector changed = file;
            changed[at + offset] = std::byte{0xF0};
            EXPECT_EQ(code_of(changed), "image.damaged") << name << " at " << offset;
            EXPECT_EQ(code_of([&] { (void)decode(changed); }), "image.damaged") << name << " at " << offset;
        }
        ByteVector other = file;
        other[at + 1] = std::byte{0xC2};  // progressive
        EXPECT_EQ(code_of(other), "image.unsupported_type") << name;
    }
}

TEST(Dicom, DoesNotInventPixelsOfACutStream) {
    // The entropy-coded data lose their end, and the end marker moves up: a decoder would fill the rest.
    for (const char* name : {"gray_8_jpeg_baseline", "gray_12_jpeg_extended", "gray_12_jpeg_lossless",
                             "gray_16_jpeg_lossless_sv1", "gray_12_jpeg_ls"}) {
        ByteVector file = test::dicom_sample(name);
        std::size_t end = file.size() - 8;
        while (file[end - 2] != std::byte{0xFF} || file[end - 1] != std::byte{0xD9}) --end;
        std::fill(file.begin() + static_cast<std::ptrdiff_t>(end - 60),
                  file.begin() + static_cast<std::ptrdiff_t>(end), std::byte{0});
        file[end - 60] = std::byte{0xFF};
        file[end - 59] = std::byte{0xD9};
        EXPECT_EQ(code_of(file), "accepted") << name;  // the container is whole
        EXPECT_EQ(code_of([&] { (void)decode(file); }), "image.damaged") << name;
    }
}

}  // namespace
}  // namespace consilia::imaging
