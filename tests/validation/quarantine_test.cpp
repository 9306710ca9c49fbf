// Goal: what was refused is kept for those who look into it, within bounds, and reaches nobody else.
#include "consilia/validation/quarantine.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>

#include "consilia/core/files.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::validation {
namespace {

using test::code_of;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

class QuarantineTest : public testing::Test {
protected:
    [[nodiscard]] std::ptrdiff_t files() const {
        return std::distance(std::filesystem::directory_iterator(directory.path()), {});
    }
    test::TemporaryDirectory directory;
    core::ManualClock clock{core::parse_timestamp("2026-03-01T10:00:00Z")};
    core::UploadRejected reason{"upload.damaged", "it is damaged", {{"offset", 7}}};
};

TEST_F(QuarantineTest, KeepsAFileAndWhatIsKnownOfIt) {
    const Quarantine quarantine({.directory = directory.path()}, clock);
    const auto name = quarantine.keep(bytes_of("bad bytes"), reason, "../../a\n.png");
    ASSERT_TRUE(name);
    const QuarantineEntry entry = quarantine.get(*name);
    EXPECT_EQ(entry.name, *name);
    EXPECT_EQ(entry.code, "upload.damaged");
    EXPECT_EQ(entry.message, "it is damaged");
    EXPECT_EQ(entry.details_json, R"({"offset":7})");
    EXPECT_EQ(entry.client_name, "a.png");
    EXPECT_EQ(entry.sha256, core::sha256("bad bytes"));
    EXPECT_EQ(entry.size_bytes, 9U);
    EXPECT_EQ(entry.refused_at, clock.now());
    EXPECT_EQ(core::read_text_file(directory / *name), "bad bytes");
    for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
        struct ::stat facts {};
        ASSERT_EQ(::stat(file.path().c_str(), &facts), 0);
        EXPECT_EQ(facts.st_mode & 0777U, 0600U) << file.path();
    }
}

TEST_F(QuarantineTest, ListsTheOldestFirst) {
    const Quarantine quarantine({.directory = directory.path()}, clock);
    std::vector<std::string> names;
    for (int i = 0; i < 5; ++i) {
        names.push_back(*quarantine.keep(bytes_of("x"), reason, ""));
        clock.advance(std::chrono::seconds(1));
    }
    const std::vector<QuarantineEntry> entries = quarantine.list();
    ASSERT_EQ(entries.size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(entries[i].name, names[i]);
}

TEST_F(QuarantineTest, HoldsItsBounds) {
    const Quarantine two({.directory = directory.path(), .max_files = 2}, clock);
    EXPECT_TRUE(two.keep(bytes_of("1"), reason, ""));
    EXPECT_TRUE(two.keep(bytes_of("2"), reason, ""));
    EXPECT_FALSE(two.keep(bytes_of("3"), reason, ""));
    EXPECT_EQ(files(), 4);
    const Quarantine ten_bytes({.directory = directory.path(), .max_bytes = 10}, clock);
    EXPECT_FALSE(ten_bytes.keep(bytes_of("123456789"), reason, "")) << "two are there";
    EXPECT_TRUE(ten_bytes.keep(bytes_of("12345678"), reason, ""));
    EXPECT_FALSE(ten_bytes.keep(bytes_of("1"), reason, ""));
    EXPECT_FALSE(ten_bytes.keep(bytes_of("more than there is room for"), reason, ""));
}

TEST_F(QuarantineTest, RemovesAndReleases) {
    const Quarantine quarantine({.directory = directory.path()}, clock);
    const test::TemporaryDirectory elsewhere;
    const std::string first = *quarantine.keep(bytes_of("one"), reason, "");
    const std::string second = *quarantine.keep(bytes_of("two"), reason, "");
    EXPECT_TRUE(quarantine.remove(first));
    EXPECT_FALSE(quarantine.remove(first));
    const std::filesystem::path path = quarantine.release(second, elsewhere.path(), "case-7.bin");
    EXPECT_EQ(path, elsewhere / "case-7.bin");
    EXPECT_EQ(core::read_text_file(path), "two");
    EXPECT_EQ(files(), 0);
    EXPECT_EQ(code_of([&] { (void)quarantine.release(second, elsewhere.path(), "again"); }),
              "quarantine.not_found");
    const std::string third = *quarantine.keep(bytes_of("three"), reason, "");
    EXPECT_EQ(code_of([&] { (void)quarantine.release(third, elsewhere.path(), "case-7.bin"); }),
              "file.exists");
    EXPECT_EQ(quarantine.get(third).size_bytes, 5U) << "still there";
}

TEST_F(QuarantineTest, OnlyNamesOfItsOwnAreTouched) {
    const Quarantine quarantine({.directory = directory.path()}, clock);
    std::ofstream(directory / "other.txt") << "not ours";
    for (const char* name :
         {"", "other.txt", "../x.quarantined", "0123456789abcdef0123456789abcdeX.quarantined",
          "0123456789abcdef0123456789abcdef.json"}) {
        EXPECT_EQ(code_of([&] { (void)quarantine.get(name); }), "quarantine.name") << name;
        EXPECT_EQ(code_of([&] { (void)quarantine.remove(name); }), "quarantine.name") << name;
    }
    EXPECT_TRUE(quarantine.list().empty());
    EXPECT_EQ(files(), 1);
}

TEST_F(QuarantineTest, AFileWithoutItsDocumentIsListed) {
    const Quarantine quarantine({.directory = directory.path()}, clock);
    const std::string name = *quarantine.keep(bytes_of("x"), reason, "");
    for (const char* content : {"", "{}", "no json", R"({"code": 7})"}) {
        std::ofstream(directory / (name + ".json"), std::ios::trunc) << content;
        ASSERT_EQ(quarantine.list().size(), 1U);
        EXPECT_EQ(quarantine.list()[0].code, "quarantine.unknown") << content;
    }
    std::filesystem::remove(directory / (name + ".json"));
    EXPECT_EQ(quarantine.get(name).code, "quarantine.unknown");
}

TEST_F(QuarantineTest, RefusesOptionsThatMakeNoSense) {
    EXPECT_EQ(code_of([] { Quarantine({}); }), "quarantine.options");
    EXPECT_EQ(code_of([&] { Quarantine({.directory = directory.path(), .max_files = 0}); }),
              "quarantine.options");
    EXPECT_EQ(code_of([&] { Quarantine({.directory = directory.path(), .max_bytes = 0}); }),
              "quarantine.options");
    const Quarantine absent({.directory = directory / "absent"});
    EXPECT_EQ(code_of([&] { (void)absent.keep(bytes_of("x"), reason, ""); }), "file.io");
    EXPECT_THROW((void)absent.list(), core::StorageError);
}

}  // namespace
}  // namespace consilia::validation
