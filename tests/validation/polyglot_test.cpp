// Goal: a file that is two things at once is refused, or stored as the one that it was received as.
//
// The kinds are those of Mitra (github.com/corkami/mitra): stack (one behind the other), parasite (inside a
// part of the other that is skipped), zipper (each inside a skipped part of the other) and cavity (inside a
// space that the other leaves).
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/validation/receive.hpp"
#include "support/images.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::validation {
namespace {

using test::ByteVector;
using namespace std::string_literals;

const ByteVector& jpeg() {
    static const ByteVector bytes = test::jpeg(test::phantom(40, 30, 3));
    return bytes;
}
const ByteVector& png() {
    static const ByteVector bytes = test::png(test::phantom(40, 30, 1));
    return bytes;
}

/// What hides; each can be told in what is stored.
const std::vector<std::pair<const char*, std::string>>& foreign() {
    static const std::vector<std::pair<const char*, std::string>> all = {
        {"zip", "PK\3\4\x14\0\0\0\0\0\0\0\0\0\xAB\xCD\xEF\x01\4\0\0\0\4\0\0\0\1\0\0\0aevilPK\1\2"s},
        {"html", "<html><script>alert('hidden page')</script></html>"},
        {"javascript", "*/alert('hidden script');/*"},
        {"pdf", "%PDF-1.7\n1 0 obj<</hidden/document>>endobj"},
        {"php", "<?php system($_GET['hidden']); ?>"},
        {"jar", "PK\3\4\x0A\0\0\0\0\0META-INF/MANIFEST.MF hidden"s},
        {"elf",
         "\x7F"
         "ELF\2\1\1\0hidden program"s},
        {"gif", "GIF89a/*hidden*/=1;"},
    };
    return all;
}

ByteVector bytes_of(std::string_view text) {
    ByteVector bytes;
    test::append(bytes, text);
    return bytes;
}

ByteVector joined(std::initializer_list<ByteVector> parts) {
    ByteVector all;
    for (const ByteVector& part : parts) test::append(all, part);
    return all;
}

ByteVector jpeg_segment(int marker, std::string_view content) {
    const std::size_t size = content.size() + 2;
    ByteVector segment = {std::byte{0xFF}, static_cast<std::byte>(marker), static_cast<std::byte>(size >> 8),
                          static_cast<std::byte>(size & 0xFF)};
    test::append(segment, content);
    return segment;
}

/// Behind the start of image.
ByteVector with_segment(int marker, std::string_view content) {
    ByteVector bytes = jpeg();
    const ByteVector segment = jpeg_segment(marker, content);
    bytes.insert(bytes.begin() + 2, segment.begin(), segment.end());
    return bytes;
}

/// Behind the header, 8 + 25 bytes.
ByteVector with_chunk(std::string_view type, std::string_view content) {
    ByteVector bytes = png();
    const ByteVector chunk = test::png_chunk(type, content);
    bytes.insert(bytes.begin() + 33, chunk.begin(), chunk.end());
    return bytes;
}

class Polyglots : public testing::Test {
protected:
    /// The code of the refusal; empty if it is accepted: then what is stored must decode to the same pixels.
    std::string code(const ByteVector& bytes, MetadataMode metadata = MetadataMode::Strip) {
        stored_bytes.clear();
        try {
            ReceivedFile file =
                receive(UploadSource::bytes(bytes), {.directory = stored.path(), .metadata = metadata});
            const std::filesystem::path path = file.commit();
            stored_bytes = core::read_file(path);
            EXPECT_EQ(core::sha256(stored_bytes), file.facts().sha256);
            EXPECT_EQ(core::sha256(bytes), file.facts().received_sha256);
            EXPECT_EQ(stored_bytes.size(), file.facts().size_bytes);
            EXPECT_EQ(bytes.size(), file.facts().received_bytes);
            if (metadata != MetadataMode::Reencode) {
                EXPECT_EQ(imaging::decode(stored_bytes).pixels, imaging::decode(bytes).pixels);
            }
            discard(path);
            return "";
        } catch (const core::UploadRejected& error) {
            return error.code();
        }
    }
    [[nodiscard]] bool holds(std::string_view text) const {
        const ByteVector wanted = bytes_of(text);
        return std::ranges::search(stored_bytes, wanted).begin() != stored_bytes.end();
    }
    test::TemporaryDirectory stored;
    ByteVector stored_bytes;
};

TEST_F(Polyglots, StacksAreRefused) {
    for (const auto& [name, other] : foreign()) {
        EXPECT_EQ(code(joined({jpeg(), bytes_of(other)})), "upload.trailing_data") << "JPEG+" << name;
        EXPECT_EQ(code(joined({png(), bytes_of(other)})), "upload.trailing_data") << "PNG+" << name;
        EXPECT_EQ(code(joined({bytes_of(other), jpeg()})), "upload.unsupported_type") << name << "+JPEG";
        EXPECT_EQ(code(joined({bytes_of(other), png()})), "upload.unsupported_type") << name << "+PNG";
    }
    EXPECT_EQ(code(joined({jpeg(), png()})), "upload.trailing_data");
    EXPECT_EQ(code(joined({png(), jpeg()})), "upload.trailing_data");
    EXPECT_EQ(code(joined({bytes_of("\r\n"), jpeg()})), "upload.unsupported_type") << "at an offset";
}

TEST_F(Polyglots, ParasitesAreGoneFromWhatIsStored) {
    for (const auto& [name, other] : foreign()) {
        for (const int marker : {0xFE, 0xE0, 0xE1, 0xE2, 0xED, 0xEF}) {
            const std::string code_of_jpeg = code(with_segment(marker, other));
            EXPECT_TRUE(code_of_jpeg.empty() || code_of_jpeg == "upload.damaged") << name;
            EXPECT_FALSE(holds(other)) << name << " in segment " << marker;
        }
        for (const char* type : {"tEXt", "zTXt", "iTXt", "eXIf", "iCCP", "prVt", "caFe"}) {
            const std::string code_of_png = code(with_chunk(type, "Comment\0"s + other));
            EXPECT_TRUE(code_of_png.empty() || code_of_png == "upload.damaged") << name;
            EXPECT_FALSE(holds(other)) << name << " in chunk " << type;
        }
    }
    EXPECT_EQ(code(with_segment(0xFE, "a comment")), "") << "metadata alone is no reason to refuse";
    EXPECT_EQ(stored_bytes, jpeg());
    EXPECT_EQ(code(with_chunk("tEXt", "Comment\0words"s)), "");
    EXPECT_EQ(stored_bytes, png());
}

TEST_F(Polyglots, ParasitesAreGoneAfterReencodingToo) {
    for (const auto& [name, other] : foreign()) {
        EXPECT_EQ(code(with_segment(0xFE, other), MetadataMode::Reencode), "") << name;
        EXPECT_FALSE(holds(other)) << name;
        EXPECT_EQ(code(with_chunk("tEXt", "Comment\0"s + other), MetadataMode::Reencode), "") << name;
        EXPECT_FALSE(holds(other)) << name;
    }
}

TEST_F(Polyglots, KeptMetadataIsKeptByteForByte) {
    const ByteVector bytes = with_segment(0xFE, "a comment");
    EXPECT_EQ(code(bytes, MetadataMode::Keep), "");
    EXPECT_EQ(stored_bytes, bytes);
}

// A comment of the first format holds the head of the second, whose body stands behind the first.
TEST_F(Polyglots, ZippersAreRefused) {
    EXPECT_EQ(code(joined({with_segment(0xFE, "PK\3\4 the head"), bytes_of("PK\5\6 the directory")})),
              "upload.trailing_data");
    EXPECT_EQ(code(joined({with_chunk("tEXt", "Comment\0%PDF-1.7 stream"s), bytes_of("endstream %%EOF")})),
              "upload.trailing_data");
    EXPECT_EQ(code(joined({bytes_of("%PDF-1.7\n1 0 obj<<>>stream\n"), jpeg(), bytes_of("\nendstream")})),
              "upload.unsupported_type");
}

// In the space behind the last pixel of a PNG's data, and between the segments of a JPEG.
TEST_F(Polyglots, CavitiesAreRefused) {
    test::PngSpec spec;
    spec.width = spec.height = 10;
    ByteVector rows(11 * 10);
    test::append(rows, std::string_view("PK\3\4 behind the last row"));
    EXPECT_NE(code(test::png_of_rows(spec, rows)), "") << "more rows than the header says";
    ByteVector between = jpeg();
    const ByteVector hidden = bytes_of("PK\3\4 between segments");
    between.insert(between.begin() + 20, hidden.begin(), hidden.end());
    EXPECT_EQ(code(between), "upload.damaged");
    ByteVector before_end = jpeg();
    before_end.insert(before_end.end() - 2, hidden.begin(), hidden.end());
    EXPECT_EQ(code(before_end), "upload.damaged");
}

// Where it is: in the thumbnail of a JFXX segment, in a palette behind its colours, in the name of a profile.
TEST_F(Polyglots, GifarsAreRefused) {
    ByteVector gifar = bytes_of("GIF89a\1\0\1\0");
    test::append(gifar, std::string_view("PK\3\4 archive"));
    EXPECT_EQ(code(gifar), "upload.unsupported_type");
}

}  // namespace
}  // namespace consilia::validation
