#include "consilia/core/files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "consilia/core/error.hpp"
#include "consilia/core/text.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::core {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

void write_whole(const std::filesystem::path& path, std::string_view content) {
    std::ofstream(path, std::ios::binary) << content;
}

std::size_t count_files(const std::filesystem::path& directory) {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()));
}

std::string code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return "nothing thrown";
}

TEST(Sha256, GivesTheDigestsOfTheStandard) {
    EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Sha256 hash;
    for (int i = 0; i < 1'000'000; ++i) hash.update("a");
    EXPECT_EQ(hash.finish(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileIsThatOfItsContentWhateverItsSize) {
    const test::TemporaryDirectory directory;
    for (const std::size_t size : {0U, 1U, 262'144U, 262'145U, 1'000'000U}) {
        const std::string content(size, 'x');
        write_whole(directory / "f", content);
        EXPECT_EQ(sha256_file(directory / "f"), sha256(content)) << size;
    }
}

TEST(Sha256, RefusesMoreAfterItsEnd) {
    Sha256 hash;
    (void)hash.finish();
    EXPECT_THROW(hash.update("more"), InvalidArgument);
    EXPECT_THROW((void)hash.finish(), InvalidArgument);
}

TEST(ReadFile, SaysWhatIsWrong) {
    const test::TemporaryDirectory directory;
    EXPECT_EQ(code_of([&] { (void)read_file(directory / "absent"); }), "file.not_found");
    EXPECT_EQ(code_of([&] { (void)sha256_file(directory / "absent/inside"); }), "file.not_found");
    EXPECT_EQ(code_of([&] { (void)read_file(directory.path()); }), "file.io");
    write_whole(directory / "f", "12345");
    EXPECT_EQ(read_text_file(directory / "f", 5), "12345");
    EXPECT_EQ(code_of([&] { (void)read_text_file(directory / "f", 4); }), "file.too_large");
}

TEST(AtomicFile, AppearsWholeUnderItsName) {
    const test::TemporaryDirectory directory;
    AtomicFile file(directory.path());
    file.write(bytes_of("one "));
    file.write(bytes_of("two"));
    EXPECT_EQ(file.size_bytes(), 7U);
    EXPECT_FALSE(std::filesystem::exists(directory / "f"));
    EXPECT_EQ(file.commit("f"), directory / "f");
    EXPECT_EQ(read_text_file(directory / "f"), "one two");
    EXPECT_EQ(count_files(directory.path()), 1U);
}

TEST(AtomicFile, LeavesNothingBehindWithoutACommit) {
    const test::TemporaryDirectory directory;
    {
        AtomicFile file(directory.path());
        file.write(bytes_of("lost"));
        EXPECT_EQ(count_files(directory.path()), 1U);
        AtomicFile moved = std::move(file);
        moved.write(bytes_of(" too"));
    }
    EXPECT_EQ(count_files(directory.path()), 0U);
}

TEST(AtomicFile, NeverOverwrites) {
    const test::TemporaryDirectory directory;
    write_whole(directory / "f", "first");
    {
        AtomicFile file(directory.path());
        file.write(bytes_of("second"));
        EXPECT_EQ(code_of([&] { file.commit("f"); }), "file.exists");
    }
    EXPECT_EQ(read_text_file(directory / "f"), "first");
    EXPECT_EQ(count_files(directory.path()), 1U);
}

TEST(AtomicFile, ANameIsOneComponent) {
    const test::TemporaryDirectory directory;
    AtomicFile file(directory.path());
    for (const char* name : {"", ".", "..", "a/b", "../f", "/f"}) {
        EXPECT_EQ(code_of([&] { file.commit(name); }), "file.name") << name;
    }
    EXPECT_EQ(code_of([&] { file.commit(std::string_view("a\0b", 3)); }), "file.name");
}

TEST(AtomicFile, NeedsItsDirectory) {
    const test::TemporaryDirectory directory;
    EXPECT_EQ(code_of([&] { AtomicFile file(directory / "absent"); }), "file.io");
}

TEST(UniqueFileName, HoldsNothingThatTheClientChose) {
    const std::string name = unique_file_name("../../etc/passwd", ".PNG");
    EXPECT_EQ(name.find('/'), std::string::npos);
    EXPECT_TRUE(name.starts_with("______etc_passwd_")) << name;
    EXPECT_TRUE(name.ends_with(".png"));
    std::set<std::string> names;
    for (int i = 0; i < 1000; ++i) names.insert(unique_file_name("x", ".png"));
    EXPECT_EQ(names.size(), 1000U);
}

TEST(SafeFileName, KeepsWhatPeopleReadAndNothingElse) {
    EXPECT_EQ(safe_file_name("scan 1.png"), "scan 1.png");
    EXPECT_EQ(safe_file_name("Röntgen 胸部.jpg"), "Röntgen 胸部.jpg");
    EXPECT_EQ(safe_file_name("../../etc/passwd"), "passwd");
    EXPECT_EQ(safe_file_name("C:\\Users\\me\\a.png"), "a.png");
    EXPECT_EQ(safe_file_name("...hidden"), "hidden");
    EXPECT_EQ(safe_file_name("a\r\nSet-Cookie: x.png"), "aSet-Cookie x.png");
    EXPECT_EQ(safe_file_name("a\"b<c>|d?*.png"), "abcd.png");
    EXPECT_EQ(safe_file_name("invoice\u202Egnp.exe"), "invoicegnp.exe") << "no reversed reading";
    EXPECT_EQ(safe_file_name("a\xFF\xC3.png"), "a.png") << "broken UTF-8 is dropped";
    for (const char* nothing : {"", ".", "..", "/", "a/", "\x01\x02", "   ", "???"}) {
        EXPECT_EQ(safe_file_name(nothing), "file") << nothing;
    }
}

TEST(SafeFileName, CutsALongNameBetweenCharactersAndKeepsItsExtension) {
    std::string long_name;
    for (int i = 0; i < 200; ++i) long_name += "é";
    const std::string name = safe_file_name(long_name + ".JPEG");
    EXPECT_LE(name.size(), 150U);
    EXPECT_TRUE(name.ends_with("é.jpeg")) << name;
    EXPECT_TRUE(is_valid_utf8(name));
}

TEST(FileExtension, IsLowerCaseAndOfTheLastComponent) {
    EXPECT_EQ(file_extension("a.PNG"), ".png");
    EXPECT_EQ(file_extension("a.tar.gz"), ".gz");
    EXPECT_EQ(file_extension("dir.d/file"), "");
    EXPECT_EQ(file_extension("a."), "");
    EXPECT_EQ(file_extension(""), "");
    EXPECT_EQ(file_extension("a." + std::string(50, 'x')), "");
}

}  // namespace
}  // namespace consilia::core
