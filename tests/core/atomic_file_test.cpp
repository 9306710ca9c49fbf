// Goal: a file appears whole or not at all, whatever fails, with and without names for unfinished files.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "support/errors.hpp"
#include "support/failing_calls.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::core {
namespace {

using test::code_of;
using test::FailingCalls;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::ptrdiff_t count_files(const std::filesystem::path& directory) {
    return std::distance(std::filesystem::directory_iterator(directory), {});
}

/// On a file system that knows files without a name, and on one that does not.
class AtomicFiles : public testing::TestWithParam<bool> {
protected:
    AtomicFiles() { FailingCalls::knows_unnamed = GetParam(); }
    ~AtomicFiles() override {
        FailingCalls::stop();
        FailingCalls::knows_unnamed = true;
    }
    [[nodiscard]] std::ptrdiff_t files() const { return count_files(directory.path()); }
    test::TemporaryDirectory directory;
};
INSTANTIATE_TEST_SUITE_P(On, AtomicFiles, testing::Bool(),
                         [](const auto& test) { return test.param ? "Unnamed" : "Named"; });

TEST_P(AtomicFiles, AppearWholeUnderTheirName) {
    AtomicFile file(directory.path());
    file.write(bytes_of("one "));
    file.write(bytes_of("two"));
    EXPECT_EQ(file.size_bytes(), 7U);
    EXPECT_FALSE(std::filesystem::exists(directory / "f"));
    EXPECT_EQ(file.commit("f"), directory / "f");
    EXPECT_EQ(read_text_file(directory / "f"), "one two");
    EXPECT_EQ(files(), 1);
    struct ::stat facts {};
    ASSERT_EQ(::stat((directory / "f").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    EXPECT_EQ(facts.st_nlink, 1U);
}

TEST_P(AtomicFiles, HaveNoNameBeforeWhereThatIsPossible) {
    AtomicFile file(directory.path());
    file.write(bytes_of("x"));
    EXPECT_EQ(files(), GetParam() ? 0 : 1);
}

TEST_P(AtomicFiles, LeaveNothingBehindWithoutACommit) {
    {
        AtomicFile file(directory.path());
        file.write(bytes_of("lost"));
        AtomicFile moved = std::move(file);
        moved.write(bytes_of(" too"));
    }
    EXPECT_EQ(files(), 0);
}

TEST_P(AtomicFiles, AreSeenThroughAMapThatOutlivesThem) {
    std::optional<AtomicFile> file(std::in_place, directory.path());
    EXPECT_TRUE(file->map().bytes().empty());
    const std::string content(3'000'001, 'm');
    file->write(bytes_of(content));
    FileMap map = file->map();
    file.reset();
    FileMap moved = std::move(map);
    EXPECT_TRUE(map.bytes().empty());
    EXPECT_EQ(text_of(moved.bytes()), content);
    moved = FileMap();
    EXPECT_TRUE(moved.bytes().empty());
}

TEST_P(AtomicFiles, NeverOverwrite) {
    AtomicFile(directory.path()).commit("f");
    {
        AtomicFile file(directory.path());
        file.write(bytes_of("second"));
        EXPECT_EQ(code_of([&] { file.commit("f"); }), "file.exists");
    }
    EXPECT_EQ(read_text_file(directory / "f"), "");
    EXPECT_EQ(files(), 1);
}

TEST_P(AtomicFiles, AreCommittedOnce) {
    AtomicFile file(directory.path());
    file.commit("f");
    EXPECT_EQ(code_of([&] { file.commit("g"); }), "file.committed");
    EXPECT_EQ(files(), 1);
}

TEST_P(AtomicFiles, HaveANameOfOneComponent) {
    AtomicFile file(directory.path());
    for (const char* name : {"", ".", "..", "a/b", "../f", "/f"}) {
        EXPECT_EQ(code_of([&] { file.commit(name); }), "file.name") << name;
    }
    EXPECT_EQ(code_of([&] { file.commit(std::string_view("a\0b", 3)); }), "file.name");
}

TEST_P(AtomicFiles, NeedTheirDirectory) {
    EXPECT_EQ(code_of([&] { AtomicFile file(directory / "absent"); }), "file.io");
}

// Each call of the system fails once, until all went well: the file is there whole, or not at all.
TEST_P(AtomicFiles, AreWholeOrAbsentWhateverFails) {
    const std::string content(2'500'000, 'w');
    int failures = 0;
    for (int n = 1;; ++n) {
        FailingCalls::fail(n, EIO);
        const std::string code = code_of([&] {
            AtomicFile file(directory.path());
            for (std::size_t at = 0; at < content.size(); at += 500'000)
                file.write(bytes_of(std::string_view(content).substr(at, 500'000)));
            file.commit("f");
        });
        const bool has_failed = FailingCalls::left < 0;
        FailingCalls::stop();
        if (!has_failed) {
            EXPECT_EQ(code, "nothing was thrown");
            EXPECT_EQ(read_text_file(directory / "f"), content);
            break;
        }
        ++failures;
        // Where a file without a name cannot be made, one with a name is.
        const bool is_first_of_unnamed = n == 1;
        if (code == "nothing was thrown") {
            EXPECT_TRUE(is_first_of_unnamed) << n;
            EXPECT_EQ(read_text_file(directory / "f"), content);
            std::filesystem::remove(directory / "f");
        } else {
            EXPECT_EQ(code, "file.io") << n;
        }
        ASSERT_EQ(files(), 0) << "call " << n;
    }
    EXPECT_GE(failures, 8) << "open, five writes, two syncs and a link";
}

// Killed in the middle of a write, with no chance to clean up.
TEST(AtomicFile, LeavesNothingBehindWhenItsProcessIsKilled) {
    const test::TemporaryDirectory directory;
    const ::pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        AtomicFile file(directory.path());
        const std::string piece(1'000'000, 'k');
        for (int i = 0; i < 3; ++i) file.write(bytes_of(piece));
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    EXPECT_EQ(count_files(directory.path()), 0);
}

}  // namespace
}  // namespace consilia::core
