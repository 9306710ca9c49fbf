#include "consilia/core/files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "consilia/core/error.hpp"
#include "consilia/core/text.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::core {
namespace {

using test::code_of;

void write_whole(const std::filesystem::path& path, std::string_view content) {
    std::ofstream(path, std::ios::binary) << content;
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
