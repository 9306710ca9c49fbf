// Goal: a file that clamd did not call clean does not come in, whatever clamd does. A clamd of the test's own
// speaks the protocol, or breaks it.
#include "consilia/validation/scanner.hpp"

#include <gtest/gtest.h>

#include "consilia/core/error.hpp"
#include "consilia/validation/receive.hpp"
#include "support/fake_clamd.hpp"
#include "support/images.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::validation {
namespace {

using namespace std::chrono_literals;
using test::FakeClamd;
using Kind = ScanVerdict::Kind;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

ScanVerdict scan_with(FakeClamd::Answer answer, std::string_view content = "content",
                      ClamdOptions options = {}) {
    const FakeClamd clamd(std::move(answer));
    options.address = clamd.address();
    return ClamdScanner(options).scan(bytes_of(content));
}

FakeClamd::Answer say(std::string text) {
    return [text = std::move(text)](const std::string&, const std::string&) { return text + '\0'; };
}

TEST(ClamdScanner, TellsCleanFromInfected) {
    EXPECT_EQ(scan_with(say("stream: OK")).kind, Kind::Clean);
    const ScanVerdict found = scan_with(say("stream: Win.Test.EICAR_HDB-1 FOUND"));
    EXPECT_EQ(found.kind, Kind::Infected);
    EXPECT_EQ(found.name, "Win.Test.EICAR_HDB-1");
}

TEST(ClamdScanner, SendsTheFileInPiecesAndItsEnd) {
    std::string content;
    for (int i = 0; i < 100'000; ++i) content += static_cast<char>(i * 31 % 251);
    for (const std::size_t piece : {std::size_t{1} << 10, std::size_t{100'000}, std::size_t{1} << 20}) {
        std::string got;
        const FakeClamd clamd([&got](const std::string& command, const std::string& sent) {
            got = command + "|" + sent;
            return std::string("stream: OK\0", 11);
        });
        const ClamdScanner scanner({.address = clamd.address(), .piece_bytes = piece});
        EXPECT_EQ(scanner.scan(bytes_of(content)).kind, Kind::Clean);
        EXPECT_EQ(got, "zINSTREAM|" + content) << piece;
    }
    EXPECT_EQ(scan_with(say("stream: OK"), "").kind, Kind::Clean) << "nothing but the end";
}

TEST(ClamdScanner, SpeaksOverTcpToo) {
    const FakeClamd clamd(say("stream: OK"), FakeClamd::Transport::Tcp);
    EXPECT_TRUE(clamd.address().starts_with("tcp:127.0.0.1:"));
    EXPECT_EQ(ClamdScanner({.address = clamd.address()}).scan(bytes_of("x")).kind, Kind::Clean);
}

TEST(ClamdScanner, AsksForVersionAndLife) {
    const FakeClamd clamd([](const std::string& command, const std::string&) {
        return (command == "zPING" ? "PONG" : "ClamAV 1.0.3/27000/Mon Jan  1 08:00:00 2026") +
               std::string(1, '\0');
    });
    const ClamdScanner scanner({.address = clamd.address()});
    EXPECT_TRUE(scanner.ping());
    EXPECT_EQ(scanner.version(), "ClamAV 1.0.3/27000/Mon Jan  1 08:00:00 2026");
}

TEST(ClamdScanner, AnythingElseIsNoVerdict) {
    const std::vector<std::string> answers = {
        "",
        "stream: ",
        "stream:  FOUND",
        "FOUND",
        "stream: OK or not",
        "other: OK",
        "INSTREAM size limit exceeded. ERROR",
        "UNKNOWN COMMAND",
        std::string(100'000, 'x'),
        "\xFF\xFE\x01garbage",
    };
    for (const std::string& answer : answers) {
        const ScanVerdict verdict = scan_with(say(answer));
        EXPECT_EQ(verdict.kind, Kind::Failed) << answer.substr(0, 40);
        EXPECT_LT(verdict.name.size(), 300U);
        EXPECT_TRUE(std::ranges::all_of(verdict.name, [](char c) { return c >= ' ' && c <= '~'; }));
    }
    EXPECT_NE(scan_with(say("INSTREAM size limit exceeded. ERROR")).name.find("StreamMaxLength"),
              std::string::npos);
}

TEST(ClamdScanner, AConnectionThatIsCutIsNoVerdict) {
    EXPECT_EQ(scan_with([](const std::string&, const std::string&) { return std::string(); }).kind,
              Kind::Failed);
    EXPECT_EQ(scan_with([](const std::string&, const std::string&) { return std::string("stream: O"); }).kind,
              Kind::Failed)
        << "an answer without its end";
}

// clamd answers and closes while the file is still being sent: when it is too large, or after a first hit.
TEST(ClamdScanner, AnAnswerThatComesEarlyIsRead) {
    const std::string large(8'000'000, 'l');
    const FakeClamd clamd(say("INSTREAM size limit exceeded. ERROR"), FakeClamd::Transport::Unix,
                          FakeClamd::Reading::OnlyTheCommand);
    const ScanVerdict verdict = ClamdScanner({.address = clamd.address()}).scan(bytes_of(large));
    EXPECT_EQ(verdict.kind, Kind::Failed);
}

TEST(ClamdScanner, GivesUpOnADaemonThatSaysNothing) {
    const FakeClamd silent(say("stream: OK"), FakeClamd::Transport::Unix, FakeClamd::Reading::Nothing);
    const ClamdScanner scanner({.address = silent.address(), .read_timeout = 30ms});
    const ScanVerdict verdict = scanner.scan(bytes_of("x"));
    EXPECT_EQ(verdict.kind, Kind::Failed);
    EXPECT_NE(verdict.name.find("too long"), std::string::npos) << verdict.name;
    EXPECT_EQ(scanner.scan(bytes_of(std::string(8'000'000, 's'))).kind, Kind::Failed)
        << "it does not read either";
    EXPECT_FALSE(scanner.ping());
}

TEST(ClamdScanner, ADaemonThatIsNotThereIsNoVerdict) {
    const test::TemporaryDirectory directory;
    const ClamdScanner scanner({.address = "unix:" + (directory / "absent").string()});
    EXPECT_EQ(scanner.scan(bytes_of("x")).kind, Kind::Failed);
    EXPECT_FALSE(scanner.ping());
    try {
        (void)scanner.version();
        FAIL();
    } catch (const core::Unavailable& error) {
        EXPECT_EQ(error.code(), "upload.scanner_unavailable");
    }
    EXPECT_EQ(ClamdScanner({.address = "tcp:127.0.0.1:1"}).scan(bytes_of("x")).kind, Kind::Failed);
}

TEST(ClamdScanner, RefusesOptionsThatMakeNoSense) {
    for (const char* address : {"", "/run/clamd", "unix:", "tcp:", "tcp:host", "tcp::3310",
                                "tcp:host:", "tcp:host:http", "http://clamd"}) {
        EXPECT_THROW(ClamdScanner({.address = address}), core::InvalidArgument) << address;
    }
    EXPECT_THROW(ClamdScanner({.address = "unix:" + std::string(200, 'a')}), core::InvalidArgument);
    EXPECT_THROW(ClamdScanner({.connect_timeout = 0ms}), core::InvalidArgument);
    EXPECT_THROW(ClamdScanner({.read_timeout = -1ms}), core::InvalidArgument);
    EXPECT_THROW(ClamdScanner({.piece_bytes = 0}), core::InvalidArgument);
    EXPECT_NO_THROW(ClamdScanner({.address = "tcp:[::1]:3310"}));
}

// ---- In `receive`
// ----------------------------------------------------------------------------------------------

class ScannedReceive : public testing::Test {
protected:
    std::string code_with(Scanner scanner) {
        try {
            (void)receive(UploadSource::bytes(png_),
                          {.directory = stored_.path(), .scanner = std::move(scanner)});
        } catch (const core::Error& error) {
            EXPECT_EQ(std::distance(std::filesystem::directory_iterator(stored_.path()), {}), 0);
            details_ = error.details_json();
            return error.code();
        }
        return "";
    }
    test::TemporaryDirectory stored_;
    test::ByteVector png_ = test::png(test::phantom(20, 20, 1));
    std::string details_;
};

TEST_F(ScannedReceive, OnlyWhatIsCleanComesIn) {
    EXPECT_EQ(code_with([](auto) { return ScanVerdict::clean(); }), "");
    EXPECT_EQ(code_with([](auto) { return ScanVerdict::infected("Eicar-Signature"); }), "upload.infected");
    EXPECT_NE(details_.find("Eicar-Signature"), std::string::npos);
    EXPECT_EQ(code_with([](auto) { return ScanVerdict::failed("no daemon"); }), "upload.scanner_unavailable");
    EXPECT_THROW(code_with([](auto) -> ScanVerdict { throw std::runtime_error("broken"); }),
                 std::runtime_error);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(stored_.path()), {}), 0);
}

TEST_F(ScannedReceive, TheScannerSeesWhatCameIn) {
    test::ByteVector seen;
    EXPECT_EQ(code_with([&seen](std::span<const std::byte> bytes) {
                  seen.assign(bytes.begin(), bytes.end());
                  return ScanVerdict::clean();
              }),
              "");
    EXPECT_EQ(seen, png_);
}

TEST_F(ScannedReceive, ClamdIsOneOfThem) {
    const FakeClamd clamd(say("stream: Eicar-Signature FOUND"));
    EXPECT_EQ(code_with(ClamdScanner({.address = clamd.address()})), "upload.infected");
    EXPECT_EQ(code_with(ClamdScanner({.address = "unix:" + (stored_ / "absent").string()})),
              "upload.scanner_unavailable");
}

}  // namespace
}  // namespace consilia::validation
