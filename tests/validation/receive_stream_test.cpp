// Goal: what comes as a stream is on the disk whole or not at all, in constant memory, whatever its type.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "consilia/core/error.hpp"
#include "consilia/validation/receive.hpp"
#include "support/failing_calls.hpp"
#include "support/images.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::validation {
namespace {

using test::ByteVector;
using test::FailingCalls;
using namespace std::string_literals;

ByteVector bytes_of(std::string_view text) {
    ByteVector bytes;
    test::append(bytes, text);
    return bytes;
}

/// A line of text that repeats to this many bytes, one piece at a time: nothing of it is held.
UploadSource text_stream(std::uint64_t size) {
    return UploadSource::stream([size, at = std::uint64_t{0}](std::span<std::byte> buffer) mutable {
        constexpr std::string_view kLine = "patient;age;finding\r\n";
        const std::size_t wanted = std::min<std::uint64_t>({buffer.size(), size - at, 10'007});
        for (std::size_t i = 0; i < wanted; ++i)
            buffer[i] = static_cast<std::byte>(kLine[(at + i) % kLine.size()]);
        at += wanted;
        return wanted;
    });
}

class ReceiveStream : public testing::Test {
protected:
    ~ReceiveStream() override { FailingCalls::stop(); }
    [[nodiscard]] ReceiveOptions options() const {
        return {.directory = stored.path(), .allowed = {FileType::Text, FileType::Csv}};
    }
    std::string code(const UploadSource& source, const ReceiveOptions& given) {
        std::string code;
        try {
            (void)receive(source, given);
        } catch (const core::Error& error) {
            code = error.code();
        }
        EXPECT_EQ(files(), 0) << "something is left behind";
        return code;
    }
    std::string code(std::string_view text, std::optional<std::string> name = std::nullopt) {
        const ByteVector bytes = bytes_of(text);
        ReceiveOptions given = options();
        given.client_name = std::move(name);
        return code(UploadSource::bytes(bytes), given);
    }
    [[nodiscard]] std::ptrdiff_t files() const {
        return std::distance(std::filesystem::directory_iterator(stored.path()), {});
    }
    test::TemporaryDirectory stored;
};

// ---- Text

TEST_F(ReceiveStream, TextIsStoredAsItCame) {
    const ByteVector bytes = bytes_of("Befund: Röntgen 胸部 🫁\r\n\tohne Befund\n");
    ReceivedFile file = receive(UploadSource::bytes(bytes), options());
    EXPECT_EQ(file.facts().type, FileType::Text);
    EXPECT_EQ(file.facts().width, 0U);
    EXPECT_THAT(file.facts().stored_name, testing::EndsWith(".txt"));
    EXPECT_EQ(core::read_file(file.commit()), bytes);
    EXPECT_EQ(file.facts().sha256, core::sha256(bytes));
}

TEST_F(ReceiveStream, ANameOrAMediaTypeMakesTextCsv) {
    const ByteVector bytes = bytes_of("a;b\n1;2\n");
    ReceiveOptions given = options();
    EXPECT_EQ(receive(UploadSource::bytes(bytes), given).facts().type, FileType::Text);
    given.client_type = "Text/CSV; charset=utf-8";
    EXPECT_EQ(receive(UploadSource::bytes(bytes), given).facts().type, FileType::Csv);
    given.client_type = std::nullopt;
    given.client_name = "table.CSV";
    EXPECT_EQ(receive(UploadSource::bytes(bytes), given).facts().type, FileType::Csv);
    given.allowed = {FileType::Csv};
    given.client_name = std::nullopt;
    const ReceivedFile file = receive(UploadSource::bytes(bytes), given);
    EXPECT_EQ(file.facts().type, FileType::Csv);
    EXPECT_THAT(file.facts().stored_name, testing::EndsWith(".csv"));
}

TEST_F(ReceiveStream, WhatIsNotTextIsRefusedWhereverItIs) {
    EXPECT_EQ(code("a\0b"s), "upload.unsupported_type");
    for (const std::size_t before : {600UL, 262'143UL, 262'144UL, 700'000UL}) {
        const std::string text(before, 'a');
        for (const std::string& fault :
             {"\0"s, "\x1B[2J"s, "\x7F"s, "\xC2\x85"s, "\xFF"s, "\xC0\xAF"s, "\xED\xA0\x80"s, "\xE8\x83"s}) {
            EXPECT_EQ(code(text + fault + "b"), "upload.not_text") << before;
            EXPECT_EQ(code(text + fault), "upload.not_text") << before << " at the end";
        }
        for (const std::string& fine : {"\xE8\x83\xB8"s, "\xF0\x9F\xAB\x81"s, "\t"s, "\xC2\xA0"s}) {
            EXPECT_EQ(code(text + fine + "b"), "") << before;
            EXPECT_EQ(code(text + fine), "") << before;
        }
    }
}

TEST_F(ReceiveStream, TheErrorSaysWhereTheTextEnds) {
    const ByteVector bytes = bytes_of(std::string(300'000, 'a') + "\x1B");
    try {
        (void)receive(UploadSource::bytes(bytes), options());
        FAIL();
    } catch (const core::UploadRejected& error) {
        EXPECT_EQ(error.code(), "upload.not_text");
        EXPECT_NE(error.details_json().find("\"offset\":300000"), std::string::npos) << error.details_json();
    }
}

TEST_F(ReceiveStream, MarkupAndScriptsAreNoText) {
    EXPECT_EQ(code("<html></html>"), "upload.unsupported_type");
    EXPECT_EQ(code("#!/bin/sh\n"), "upload.unsupported_type");
    EXPECT_EQ(code("<?php ?>"), "upload.unsupported_type");
    EXPECT_EQ(code("plain", "page.html"), "upload.extension_mismatch");
    EXPECT_EQ(code("plain", "note.txt"), "");
    EXPECT_EQ(code("{\"a\": 1}", "note.txt"), "") << "JSON is text";
}

// ---- What the client declares

TEST_F(ReceiveStream, TheDeclaredMediaTypeMustAgree) {
    const ByteVector png = test::png(test::phantom(8, 8, 1));
    ReceiveOptions given{.directory = stored.path()};
    const auto code_of = [&](const char* declared) {
        given.client_type = declared;
        return code(UploadSource::bytes(png), given);
    };
    for (const char* fine :
         {"image/png", "IMAGE/PNG", "image/png; x=y", "image/x-png", "", "application/octet-stream"})
        EXPECT_EQ(code_of(fine), "") << fine;
    for (const char* wrong : {"image/jpeg", "text/html", "image/pngx", "png", "image/svg+xml"})
        EXPECT_EQ(code_of(wrong), "upload.media_type_mismatch") << wrong;
}

// ---- Faults

// Each call of the system fails once. The same for what is read into one piece, and into many.
TEST_F(ReceiveStream, WhateverFailsNothingIsLeft) {
    for (const std::uint64_t size : {std::uint64_t{1'000}, std::uint64_t{2'000'000}}) {
        for (int n = 1;; ++n) {
            FailingCalls::fail(n, ENOSPC);
            std::string code;
            try {
                ReceivedFile file = receive(text_stream(size), options());
                file.commit();
            } catch (const core::StorageError& error) {
                code = error.code();
            }
            const bool has_failed = FailingCalls::left < 0;
            FailingCalls::stop();
            if (!has_failed) {
                EXPECT_EQ(code, "");
                ASSERT_EQ(files(), 1);
                EXPECT_GE(n, 5) << "open, write, two syncs and a link";
                std::filesystem::remove_all(stored.path());
                std::filesystem::create_directory(stored.path());
                break;
            }
            if (code.empty()) {  // A file without a name could not be made, and one with a name was.
                EXPECT_EQ(n, 1);
                ASSERT_EQ(files(), 1);
                std::filesystem::remove_all(stored.path());
                std::filesystem::create_directory(stored.path());
            }
            ASSERT_EQ(files(), 0) << "call " << n;
        }
    }
}

TEST_F(ReceiveStream, KilledInTheMiddleNothingIsLeft) {
    const ::pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        int pieces = 0;
        const auto source = UploadSource::stream([&pieces](std::span<std::byte> buffer) {
            if (++pieces == 5) ::kill(::getpid(), SIGKILL);
            std::ranges::fill(buffer, std::byte{'a'});
            return buffer.size();
        });
        (void)receive(source, options());
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(files(), 0);
}

// The high-water mark of a child that receives 256 MB, less that of one that receives 1 MB.
TEST_F(ReceiveStream, MemoryDoesNotGrowWithTheFile) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's own memory grows";
#endif
    const auto peak_kib = [this](std::uint64_t size) {
        const ::pid_t child = ::fork();
        if (child == 0) {
            ReceiveOptions given = options();
            given.max_bytes = size;
            ReceivedFile file = receive(text_stream(size), given);
            ::_exit(file.facts().size_bytes == size ? 0 : 1);
        }
        int status = 0;
        struct ::rusage usage {};
        EXPECT_EQ(::wait4(child, &status, 0, &usage), child);
        EXPECT_EQ(status, 0);
        return usage.ru_maxrss;
    };
    const long small = peak_kib(std::uint64_t{1} << 20);
    const long large = peak_kib(std::uint64_t{256} << 20);
    EXPECT_LT(large - small, 512) << "KiB";
}

// ---- Quarantine

TEST_F(ReceiveStream, WhatIsRefusedIsKeptWhole) {
    const test::TemporaryDirectory kept;
    ReceiveOptions given = options();
    given.quarantine.directory = kept.path();
    given.client_name = "evil.txt";
    const Quarantine quarantine(given.quarantine);
    const std::string at_the_front = "PK\3\4" + std::string(700'000, 'z');
    const std::string in_the_middle = std::string(400'000, 'a') + '\0' + std::string(400'000, 'b');
    for (const auto& [content, wanted] :
         {std::pair(at_the_front, "upload.unsupported_type"), std::pair(in_the_middle, "upload.not_text")}) {
        const ByteVector bytes = bytes_of(content);
        const std::vector<UploadSource> sources = {
            UploadSource::bytes(bytes),
            UploadSource::stream([&bytes, at = std::size_t{0}](std::span<std::byte> buffer) mutable {
                const std::size_t size = std::min({buffer.size(), bytes.size() - at, std::size_t{7'001}});
                std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, buffer.begin());
                at += size;
                return size;
            })};
        for (const UploadSource& source : sources) {
            EXPECT_EQ(code(source, given), wanted);
            const std::vector<QuarantineEntry> entries = quarantine.list();
            ASSERT_EQ(entries.size(), 1U);
            EXPECT_EQ(entries[0].code, wanted);
            EXPECT_EQ(entries[0].client_name, "evil.txt");
            EXPECT_EQ(entries[0].sha256, core::sha256(bytes));
            EXPECT_EQ(core::read_file(kept / entries[0].name), bytes);
            EXPECT_TRUE(quarantine.remove(entries[0].name));
        }
    }
    given.max_bytes = 1000;
    EXPECT_EQ(code(text_stream(5000), given), "upload.too_large");
    given.client_name = "../evil";
    EXPECT_EQ(code(text_stream(5), given), "upload.unsafe_name");
    given.client_name = "a.txt";
    EXPECT_EQ(code(text_stream(0), given), "upload.empty");
    EXPECT_TRUE(quarantine.list().empty()) << "nothing to look into";
}

TEST_F(ReceiveStream, AFullOrBrokenQuarantineLetsNothingIn) {
    const test::TemporaryDirectory kept;
    ReceiveOptions given = options();
    given.quarantine = {.directory = kept.path(), .max_files = 1};
    const ByteVector bytes = bytes_of("PK\3\4");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(code(UploadSource::bytes(bytes), given), "upload.unsupported_type");
    EXPECT_EQ(Quarantine(given.quarantine).list().size(), 1U);
    given.quarantine.directory = kept / "absent";
    EXPECT_EQ(code(UploadSource::bytes(bytes), given), "upload.unsupported_type");
}

}  // namespace
}  // namespace consilia::validation
