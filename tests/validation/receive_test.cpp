// Goal: what may not come in gets its own clear error, and nothing that was refused leaves a file behind.
#include "consilia/validation/receive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "consilia/core/error.hpp"
#include "support/images.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::validation {
namespace {

using test::ByteVector;

core::Value detail(const core::Error& error, std::string_view name) {
    for (const auto& each : error.details()) {
        if (each.name == name) return each.value;
    }
    return {};
}

class Receive : public testing::Test {
protected:
    ReceiveOptions options(std::optional<std::string> client_name = std::nullopt) const {
        return {.directory = stored_.path(), .prefix = "user_7", .client_name = std::move(client_name)};
    }

    /// The error of receiving these bytes, after checking that no file is left; null if they are accepted.
    std::optional<core::UploadRejected> refusal(const UploadSource& source,
                                                const ReceiveOptions& receive_options) {
        std::optional<core::UploadRejected> result;
        try {
            (void)receive(source, receive_options);
        } catch (const core::UploadRejected& error) {
            result = error;
            EXPECT_EQ(detail(error, "field"), core::Value(receive_options.field));
        }
        EXPECT_EQ(files(), 0) << "something is left behind";
        return result;
    }
    std::string code(const ByteVector& bytes, std::optional<std::string> client_name = std::nullopt) {
        const auto error = refusal(UploadSource::bytes(bytes), options(std::move(client_name)));
        return error ? error->code() : "";
    }

    [[nodiscard]] std::ptrdiff_t files() const {
        return std::distance(std::filesystem::directory_iterator(stored_.path()), {});
    }

    std::filesystem::path write(const std::string& name, const ByteVector& bytes) {
        const std::filesystem::path path = sent_ / name;
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return path;
    }

    test::TemporaryDirectory stored_;
    test::TemporaryDirectory sent_;
    ByteVector png_ = test::png(test::phantom(40, 30, 1));
    ByteVector jpeg_ = test::jpeg(test::phantom(40, 30, 3));
};

UploadSource::Pull pull_from(const ByteVector& bytes, std::size_t piece, std::size_t* pulled = nullptr) {
    return [&bytes, piece, pulled, at = std::size_t{0}](std::span<std::byte> buffer) mutable {
        const std::size_t size = std::min({piece, buffer.size(), bytes.size() - at});
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, buffer.begin());
        at += size;
        if (pulled != nullptr) *pulled = at;
        return size;
    };
}

/// A PNG of exactly this many bytes, padded with a text chunk.
ByteVector png_of_size(std::size_t size) {
    test::PngSpec spec;
    spec.width = spec.height = 1;
    const std::vector<std::uint8_t> sample(1);
    const std::size_t bare = test::png_of_samples(spec, sample).size() + 12;
    std::string text = "Comment";
    text.resize(size - bare, '\0');
    std::fill(text.begin() + 8, text.end(), 'x');
    spec.before_data = test::png_chunk("tEXt", text);
    return test::png_of_samples(spec, sample);
}

// ---- What comes in
// ---------------------------------------------------------------------------------------------

TEST_F(Receive, TellsWhatItReceived) {
    ReceivedFile file = receive(UploadSource::bytes(jpeg_), options("chest front.JPEG"));
    const FileFacts& facts = file.facts();
    EXPECT_THAT(facts.stored_name, testing::MatchesRegex("user_7_[0-9a-f]+\\.jpg"));
    EXPECT_EQ(facts.client_name, "chest front.JPEG");
    EXPECT_EQ(facts.sha256, core::sha256(jpeg_));
    EXPECT_EQ(facts.size_bytes, jpeg_.size());
    EXPECT_EQ(facts.type, FileType::Jpeg);
    EXPECT_EQ(facts.received_bytes, jpeg_.size());
    EXPECT_EQ(facts.received_sha256, core::sha256(jpeg_));
    EXPECT_EQ(facts.width, 40U);
    EXPECT_EQ(facts.height, 30U);
}

TEST_F(Receive, AFileIsThereWholeAfterCommit) {
    ReceivedFile file = receive(UploadSource::bytes(png_), options());
    const std::filesystem::path path = file.commit();
    EXPECT_EQ(path, stored_.path() / file.facts().stored_name);
    EXPECT_EQ(core::read_file(path), png_);
    EXPECT_EQ(files(), 1);
}

TEST_F(Receive, WithoutCommitNothingStays) {
    {
        const ReceivedFile file = receive(UploadSource::bytes(png_), options());
        EXPECT_FALSE(std::filesystem::exists(stored_.path() / file.facts().stored_name));
    }
    EXPECT_EQ(files(), 0);
}

TEST_F(Receive, ACommittedFileCanBeDiscarded) {
    ReceivedFile file = receive(UploadSource::bytes(png_), options());
    const std::filesystem::path path = file.commit();
    discard(path);
    EXPECT_EQ(files(), 0);
    EXPECT_NO_THROW(discard(path)) << "already gone";
    EXPECT_THROW(discard(stored_.path()), core::StorageError) << "a directory is never removed";
    EXPECT_TRUE(std::filesystem::exists(stored_.path()));
}

TEST_F(Receive, TheSameContentTwiceHasTwoNamesAndOneHash) {
    ReceivedFile first = receive(UploadSource::bytes(png_), options());
    ReceivedFile second = receive(UploadSource::bytes(png_), options());
    EXPECT_NE(first.commit(), second.commit());
    EXPECT_EQ(first.facts().sha256, second.facts().sha256);
    EXPECT_EQ(files(), 2);
}

TEST_F(Receive, ABufferAFileAndAStreamAreTheSame) {
    const std::string expected = receive(UploadSource::bytes(png_), options()).facts().sha256;
    EXPECT_EQ(receive(UploadSource::file(write("a.png", png_)), options()).facts().sha256, expected);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
        EXPECT_EQ(receive(UploadSource::stream(pull_from(png_, piece)), options()).facts().sha256, expected);
    }
}

TEST_F(Receive, AFileIsNamedByItsPathUnlessTheClientNamedIt) {
    EXPECT_EQ(receive(UploadSource::file(write("a.png", png_)), options()).facts().client_name, "a.png");
    EXPECT_EQ(receive(UploadSource::file(write("spool.tmp", png_)), options("b.png")).facts().client_name,
              "b.png");
}

TEST_F(Receive, WithoutANameTheContentDecides) {
    const ReceivedFile file = receive(UploadSource::bytes(png_), options());
    EXPECT_EQ(file.facts().client_name, "file");
    EXPECT_THAT(file.facts().stored_name, testing::EndsWith(".png"));
}

TEST_F(Receive, TheOrientationIsInTheSize) {
    const ByteVector turned = test::jpeg(test::phantom(40, 30, 1), {.exif = test::exif_with_orientation(6)});
    const ReceivedFile file = receive(UploadSource::bytes(turned), options());
    EXPECT_EQ(file.facts().width, 30U);
    EXPECT_EQ(file.facts().height, 40U);
}

// ---- Size
// ------------------------------------------------------------------------------------------------------

TEST_F(Receive, TenMebibytesPassAndOneByteMoreDoesNot) {
    constexpr std::size_t kLimit = 10 << 20;
    const ByteVector fits = png_of_size(kLimit);
    const ByteVector large = png_of_size(kLimit + 1);
    ASSERT_EQ(fits.size(), kLimit);
    ASSERT_EQ(large.size(), kLimit + 1);
    EXPECT_EQ(code(fits), "");
    const std::filesystem::path path = write("large.png", large);
    for (const auto& source : {UploadSource::bytes(large), UploadSource::file(path),
                               UploadSource::stream(pull_from(large, 1 << 16))}) {
        const auto error = refusal(source, options());
        ASSERT_TRUE(error);
        EXPECT_EQ(error->code(), "upload.too_large");
        EXPECT_EQ(error->http_status(), 413);
        EXPECT_EQ(detail(*error, "limit"), core::Value(10'485'760));
        EXPECT_EQ(detail(*error, "found"), core::Value(10'485'761));
    }
    const UploadSource stream = UploadSource::stream(pull_from(fits, 1 << 16));
    EXPECT_FALSE(refusal(stream, options()));
}

TEST_F(Receive, AnEndlessStreamIsReadOneBytePastTheLimit) {
    std::size_t pulled = 0;
    const auto endless = [&pulled](std::span<std::byte> buffer) {
        pulled += buffer.size();
        return buffer.size();
    };
    ReceiveOptions limited = options();
    for (const std::uint64_t limit :
         {std::uint64_t{1}, std::uint64_t{65'535}, std::uint64_t{65'536}, std::uint64_t{100'000}}) {
        limited.max_bytes = limit;
        pulled = 0;
        const auto error = refusal(UploadSource::stream(endless), limited);
        ASSERT_TRUE(error);
        EXPECT_EQ(error->code(), "upload.too_large");
        EXPECT_EQ(pulled, limit + 1);
    }
}

TEST_F(Receive, EmptyContentIsRefused) {
    EXPECT_EQ(code({}), "upload.empty");
    EXPECT_EQ(refusal(UploadSource::file(write("empty.png", {})), options())->code(), "upload.empty");
    EXPECT_EQ(
        refusal(UploadSource::stream([](std::span<std::byte>) { return std::size_t{0}; }), options())->code(),
        "upload.empty");
}

TEST_F(Receive, WhatAStreamThrowsPassesThrough) {
    const auto broken = [](std::span<std::byte>) -> std::size_t {
        throw std::runtime_error("connection lost");
    };
    EXPECT_THROW((void)receive(UploadSource::stream(broken), options()), std::runtime_error);
    EXPECT_EQ(files(), 0);
}

TEST_F(Receive, AStreamThatClaimsTooMuchIsRefused) {
    const auto liar = [](std::span<std::byte> buffer) { return buffer.size() + 1; };
    EXPECT_THROW((void)receive(UploadSource::stream(liar), options()), core::InvalidArgument);
}

// ---- What is not a file
// ----------------------------------------------------------------------------------------

TEST_F(Receive, OnlyRegularFilesAreRead) {
    const auto code_of_path = [&](const std::filesystem::path& path) {
        const auto error = refusal(UploadSource::file(path), options("a.png"));
        return error ? error->code() : "";
    };
    EXPECT_EQ(code_of_path(sent_.path()), "upload.not_a_file");
    EXPECT_EQ(code_of_path("/dev/zero"), "upload.not_a_file");
    const std::filesystem::path fifo = sent_ / "fifo.png";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(code_of_path(fifo), "upload.not_a_file") << "and without waiting for a writer";
    EXPECT_THROW((void)receive(UploadSource::file(sent_ / "absent.png"), options()), core::NotFound);
}

// ---- Names
// -----------------------------------------------------------------------------------------------------

TEST_F(Receive, UnsafeNamesAreRefusedBeforeAnythingIsRead) {
    const std::vector<std::string> names = {
        "../../etc/passwd",
        "/etc/passwd",
        "a/b.png",
        "..\\..\\a.png",
        "C:\\a.png",
        "..",
        ".",
        "",
        std::string("a\0.png", 6),
        "a\n.png",
        "a\x7F.png",
        "a\xC2\x85.png",         // C1 control
        "a\xE2\x80\xAEgnp.exe",  // right-to-left override
        "a\xE2\x81\xA6.png",     // isolate
        "a\xFF.png",
        "a\xC0\xAF.png",      // not UTF-8; an overlong slash
        "a\xED\xA0\x80.png",  // surrogate
        std::string(252, 'a') + ".png",
    };
    for (const std::string& name : names) {
        bool was_read = false;
        const auto source = UploadSource::stream([&was_read](std::span<std::byte>) {
            was_read = true;
            return std::size_t{0};
        });
        const auto error = refusal(source, options(name));
        ASSERT_TRUE(error) << name;
        EXPECT_EQ(error->code(), "upload.unsafe_name") << name;
        EXPECT_EQ(error->http_status(), 400);
        EXPECT_FALSE(was_read) << name;
        if (name.size() > 2) {
            EXPECT_EQ(error->to_json().find("passwd"), std::string::npos) << "the name is not repeated";
        }
    }
}

TEST_F(Receive, NamesInAnyScriptPass) {
    for (const std::string name :
         {"röntgen 2024.png", "胸部.png", "рентген (1).PNG", "x.y.z.png", "a'b.png", "🫁.png"}) {
        EXPECT_EQ(code(png_, name), "") << name;
    }
    EXPECT_EQ(code(png_, std::string(251, 'a') + ".png"), "") << "255 bytes are the most";
}

TEST_F(Receive, NoTextOfTheClientReachesTheStoredName) {
    ReceivedFile file = receive(UploadSource::bytes(png_), options("secret name.png"));
    EXPECT_EQ(file.commit().filename().string().find("secret"), std::string::npos);
}

TEST_F(Receive, TheExtensionMustSayWhatTheContentIs) {
    EXPECT_EQ(code(png_, "a.jpg"), "upload.extension_mismatch");
    EXPECT_EQ(code(jpeg_, "a.png"), "upload.extension_mismatch");
    EXPECT_EQ(code(png_, "a.png.exe"), "upload.extension_mismatch");
    EXPECT_EQ(code(png_, "a"), "upload.extension_mismatch");
    EXPECT_EQ(code(png_, "a.PNG"), "");
    EXPECT_EQ(code(jpeg_, "a.jpg"), "");
    EXPECT_EQ(code(jpeg_, "a.jpeg"), "");
    const auto error = refusal(UploadSource::bytes(png_), options("a.jpg"));
    ASSERT_TRUE(error);
    EXPECT_EQ(detail(*error, "expected"), core::Value(".png"));
}

// ---- Content
// ---------------------------------------------------------------------------------------------------

TEST_F(Receive, OtherContentIsAnUnsupportedType) {
    const std::vector<std::pair<std::string_view, std::string_view>> contents = {
        {"just text", "text"}, {"GIF89a\1\2\1\2", "gif"}, {"%PDF-1.7", "pdf"},
        {"PK\3\4", "zip"},     {"\x89PN", "unknown"},     {"<svg/>", "svg"}};
    for (const auto& [content, found] : contents) {
        ByteVector bytes;
        test::append(bytes, content);
        const auto error = refusal(UploadSource::bytes(bytes), options("a.png"));
        ASSERT_TRUE(error) << content;
        EXPECT_EQ(error->code(), "upload.unsupported_type");
        EXPECT_EQ(error->http_status(), 415);
        EXPECT_EQ(detail(*error, "found"), core::Value(found));
    }
}

TEST_F(Receive, OnlyAllowedTypesComeIn) {
    ReceiveOptions only_jpeg = options();
    only_jpeg.allowed = {FileType::Jpeg};
    EXPECT_EQ(refusal(UploadSource::bytes(png_), only_jpeg)->code(), "upload.unsupported_type");
    EXPECT_FALSE(refusal(UploadSource::bytes(jpeg_), only_jpeg));
}

TEST_F(Receive, JpegOfKindsThatAreNotDecodedIsAnUnsupportedType) {
    const auto error =
        refusal(UploadSource::bytes(test::jpeg(test::phantom(8, 8, 3), {.as_cmyk = true})), options());
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), "upload.unsupported_type");
    EXPECT_EQ(error->http_status(), 415);
}

TEST_F(Receive, ManyPixelsInAFewBytesAreRefused) {
    const ByteVector bomb = test::png_bomb(30'000, 30'000);
    ASSERT_LT(bomb.size(), 4096U);
    const auto error = refusal(UploadSource::bytes(bomb), options("bomb.png"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), "upload.too_many_pixels");
    EXPECT_EQ(detail(*error, "limit"), core::Value(64'000'000));
    EXPECT_EQ(detail(*error, "found"), core::Value(900'000'000));
}

TEST_F(Receive, ManyScansAreRefused) {
    EXPECT_EQ(code(test::jpeg(test::phantom(64, 64, 1), {.scans = 600})), "upload.too_complex");
    EXPECT_EQ(code(test::jpeg(test::phantom(64, 64, 1), {.scans = 30})), "");
}

TEST_F(Receive, PolyglotsAreRefused) {
    const std::vector<std::string> tails = {std::string("PK\3\4\x14\0\0\0", 8) + "evil.exe",
                                            "<html><script>alert(1)</script>", "%PDF-1.7\n",
                                            std::string(1, '\0'), "\n"};
    for (const std::string& tail : tails) {
        for (ByteVector bytes : {png_, jpeg_}) {
            test::append(bytes, tail);
            EXPECT_EQ(code(bytes), "upload.trailing_data") << tail;
        }
    }
    ByteVector two_images = jpeg_;
    test::append(two_images, jpeg_);
    EXPECT_EQ(code(two_images), "upload.trailing_data");
    ByteVector prepended;
    test::append(prepended, std::string_view("GIF89a"));
    test::append(prepended, png_);
    EXPECT_EQ(code(prepended), "upload.unsupported_type");
}

TEST_F(Receive, EveryCutIsDamage) {
    for (const ByteVector& whole :
         {test::png(test::phantom(150, 100, 3)), test::jpeg(test::phantom(150, 100, 3)),
          test::jpeg(test::phantom(150, 100, 3), {.progressive = true})}) {
        for (std::size_t cut = whole.size() - 1; cut > 8; cut = cut > 97 ? cut - 97 : 0) {
            const ByteVector bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
            ASSERT_EQ(code(bytes), "upload.damaged") << cut;
        }
    }
}

TEST_F(Receive, AWrongChecksumIsDamage) {
    for (const std::size_t from_end : {std::size_t{1}, std::size_t{13}}) {  // of IEND, of IDAT
        ByteVector bytes = png_;
        bytes[bytes.size() - from_end] ^= std::byte{1};
        EXPECT_EQ(code(bytes), "upload.damaged");
    }
}

// The container is whole and every checksum is right; only decoding finds it.
TEST_F(Receive, PixelsThatDoNotDecodeAreDamage) {
    test::PngSpec spec;
    spec.width = spec.height = 10;
    EXPECT_EQ(code(test::png_of_rows(spec, ByteVector(11 * 9))), "upload.damaged") << "a row is missing";
    EXPECT_EQ(code(test::png_of_rows(spec, ByteVector(11 * 10, std::byte{9}))), "upload.damaged")
        << "no such filter";
    ByteVector jpeg = jpeg_;
    std::fill(jpeg.end() - 200, jpeg.end() - 2, std::byte{0x55});
    EXPECT_EQ(code(jpeg), "upload.damaged");
}

// ---- Options
// ---------------------------------------------------------------------------------------------------

TEST_F(Receive, RefusesOptionsThatMakeNoSense) {
    const auto refuses = [&](const std::function<void(ReceiveOptions&)>& change) {
        ReceiveOptions changed = options();
        change(changed);
        EXPECT_THROW((void)receive(UploadSource::bytes(png_), changed), core::InvalidArgument);
    };
    refuses([](ReceiveOptions& o) { o.directory.clear(); });
    refuses([](ReceiveOptions& o) { o.allowed.clear(); });
    refuses([](ReceiveOptions& o) { o.max_bytes = 0; });
    refuses([](ReceiveOptions& o) { o.allowed = {FileType::Jpeg, FileType::Zip}; });
    EXPECT_TRUE(is_receivable(FileType::Csv));
    EXPECT_FALSE(is_receivable(FileType::Svg));
}

TEST_F(Receive, AMissingDirectoryIsAStorageError) {
    ReceiveOptions elsewhere = options();
    elsewhere.directory = stored_.path() / "absent";
    EXPECT_THROW((void)receive(UploadSource::bytes(png_), elsewhere), core::StorageError);
}

TEST_F(Receive, TheFieldIsNamedInErrors) {
    ReceiveOptions named = options();
    named.field = "xray";
    const auto error = refusal(UploadSource::bytes({}), named);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), "upload.empty");
}

// ---- Damage of every kind
// --------------------------------------------------------------------------------------

// What is accepted was accepted whole: it decodes, it is stored byte for byte. What is refused has a code of
// its own and leaves nothing. A failure prints the seed that replays it.
TEST_F(Receive, HoldsForTwoHundredDamagedFiles) {
    const imaging::Image gray = test::phantom(70, 50, 1);
    const imaging::Image color = test::phantom(50, 70, 3);
    const std::vector<ByteVector> originals = {test::png(gray),
                                               test::png(color),
                                               test::interlaced_png(color),
                                               test::jpeg(gray),
                                               test::jpeg(color),
                                               test::jpeg(color, {.progressive = true}),
                                               test::jpeg(gray, {.scans = 40}),
                                               test::jpeg(color, {.exif = test::exif_with_orientation(8)})};
    const std::set<std::string> known = {"upload.empty",           "upload.unsupported_type",
                                         "upload.too_many_pixels", "upload.damaged",
                                         "upload.too_complex",     "upload.trailing_data"};
    std::set<std::string> seen;
    ReceiveOptions as_it_came = options();
    as_it_came.metadata = MetadataMode::Keep;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const ByteVector bytes = test::mutated(originals[seed % originals.size()], seed);
        SCOPED_TRACE(seed);
        try {
            ReceivedFile file = receive(UploadSource::bytes(bytes), as_it_came);
            EXPECT_NO_THROW((void)imaging::decode(bytes));
            const std::filesystem::path path = file.commit();
            EXPECT_EQ(core::read_file(path), bytes);
            discard(path);
            seen.insert("accepted");
        } catch (const core::UploadRejected& error) {
            EXPECT_TRUE(known.contains(error.code())) << error.code();
            seen.insert(error.code());
        }
        ASSERT_EQ(files(), 0);
    }
    EXPECT_GE(seen.size(), 4U) << "the damage is not varied enough to show anything";
}

}  // namespace
}  // namespace consilia::validation
