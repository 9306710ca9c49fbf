// What is particular to the OpenVINO backend: its code file, its cache of compiled models, and that opening
// takes what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "backends/openvino/code_file.hpp"
#include "backends/openvino/compiled_cache.hpp"
#include "backends/suite.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::inference {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kMembers = CONSILIA_TORCH_MEMBERS;

// ---- the code file

std::vector<std::byte> code_file(const std::string& header, const std::string& data) {
    const std::uint64_t length = header.size();
    std::string text(sizeof length, '\0');
    std::memcpy(text.data(), &length, sizeof length);
    text += header + data;
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::string entry(const char* name, const std::string& begin, const std::string& end,
                  const std::string& type = "\"U8\"") {
    return "\"" + std::string(name) + R"(":{"dtype":)" + type + R"(,"shape":[1],"data_offsets":[)" + begin +
           "," + end + "]}";
}

TEST(OpenVinoCodeFile, GivesBothPartsAndTheStatedHash) {
    const auto file = code_file(R"({"__metadata__":{"constants_sha256":"ab"},)" + entry("xml", "2", "5") +
                                    "," + entry("constants", "0", "2") + "}",
                                "zzxml");
    const backends::CodeFile code = backends::read_code_file(file);
    EXPECT_EQ(code.xml, "xml");
    EXPECT_EQ(code.constants.size(), 2U);
    EXPECT_EQ(code.constants_sha256, "ab");
    const auto silent =
        code_file("{" + entry("xml", "0", "1") + "," + entry("constants", "1", "1") + "}", "x");
    EXPECT_EQ(backends::read_code_file(silent).constants_sha256, "");
}

TEST(OpenVinoCodeFile, RefusesWhatHasAnotherForm) {
    const std::string xml = entry("xml", "0", "1");
    const std::vector<std::string> headers = {
        "",
        "[]",
        "{",
        "{" + xml + "}",
        "{" + entry("constants", "0", "1") + "}",
        "{" + xml + "," + entry("constants", "0", "3") + "}",
        "{" + xml + "," + entry("constants", "2", "1") + "}",
        "{" + xml + "," + entry("constants", "-1", "1") + "}",
        "{" + xml + "," + entry("constants", "0.5", "1") + "}",
        "{" + xml + "," + entry("constants", "0", "18446744073709551615") + "}",
        "{" + xml + "," + entry("constants", "0", "1", "\"F32\"") + "}",
        "{" + xml + "," + entry("constants", "0", "1", "8") + "}",
        "{" + xml + R"(,"constants":[0,1]})",
        "{" + xml + R"(,"constants":{"dtype":"U8"}})",
    };
    for (const std::string& header : headers)
        EXPECT_THROW((void)backends::read_code_file(code_file(header, "zz")), std::invalid_argument)
            << header;
    auto file = code_file("{}", "");
    file[0] = std::byte{3};  // A header that is longer than the file.
    EXPECT_THROW((void)backends::read_code_file(file), std::invalid_argument);
    EXPECT_THROW((void)backends::read_code_file(std::span(file).first(7)), std::invalid_argument);
    const std::string deep = "{\"a\":" + std::string(40'000, '[');
    EXPECT_THROW((void)backends::read_code_file(code_file(deep, "")), std::invalid_argument);
}

// ---- the cache

std::vector<fs::path> files_in(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(folder)) files.push_back(item.path());
    return files;
}

void write_word(std::ostream& stream) {
    stream << "word";
}

TEST(OpenVinoCache, GivesBackWhatWasStored) {
    const test::TemporaryDirectory folder;
    const backends::CompiledCache cache(folder / "made" / "here", "key");
    EXPECT_FALSE(cache.find());
    cache.store(write_word);
    const auto found = cache.find();
    ASSERT_TRUE(found);
    EXPECT_EQ(std::string(static_cast<const char*>(found->data()), found->size()), "word");
    found->drop_pages();
    EXPECT_EQ(std::string(static_cast<const char*>(found->data()), found->size()), "word");
    EXPECT_FALSE(backends::CompiledCache(folder / "made" / "here", "another key").find());
    cache.remove();
    EXPECT_FALSE(cache.find());
    EXPECT_EQ(std::string(static_cast<const char*>(found->data()), found->size()), "word");
}

TEST(OpenVinoCache, ReadsNothingThatOthersCouldHaveWritten) {
    const test::TemporaryDirectory folder;
    const backends::CompiledCache cache(folder.path(), "key");
    cache.store(write_word);
    const fs::path file = files_in(folder.path()).at(0);
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
    EXPECT_FALSE(cache.find());
    fs::permissions(file, fs::perms::group_write, fs::perm_options::remove);
    EXPECT_TRUE(cache.find());
    fs::rename(file, folder / "elsewhere");
    fs::create_symlink(folder / "elsewhere", file);
    EXPECT_FALSE(cache.find());
}

TEST(OpenVinoCache, ANeverFinishedEntryIsNone) {
    const test::TemporaryDirectory folder;
    const backends::CompiledCache cache(folder.path(), "key");
    EXPECT_THROW(cache.store([](std::ostream& stream) {
        stream << "half of it";
        throw std::runtime_error("broke off");
    }),
                 std::runtime_error);
    EXPECT_THAT(files_in(folder.path()), ::testing::IsEmpty());
    std::ofstream(folder / "file") << "no folder";
    const backends::CompiledCache nowhere(folder / "file", "key");
    EXPECT_NO_THROW(nowhere.store(write_word));
    EXPECT_FALSE(nowhere.find());
}

// ---- the backend

struct Opened {
    std::vector<float> logits;
    std::uint64_t resident_bytes = 0;
};

Model open_model(const std::string& member, const std::vector<std::byte>& code, const fs::path* cache,
                 Precision precision = Precision::F32) {
    return Backend::load("openvino")
        ->open({.member_id = member,
                .format = "openvino",
                .code = code,
                .precision = precision,
                .threads = 1,
                .cache_path = cache});
}

Opened run_once(Model model) {
    std::vector<float> image(256);
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i % 7) / 7.0F;
    const std::int64_t input_shape[] = {1, 1, 16, 16};
    const std::int64_t output_shape[] = {1, 4};
    Opened opened{std::vector<float>(4), model.description().resident_bytes};
    model.run({nullptr, image.data(), input_shape, 4, CONSILIA_DTYPE_F32},
              {nullptr, opened.logits.data(), output_shape, 2, CONSILIA_DTYPE_F32});
    return opened;
}

std::vector<std::byte> code_of(const std::string& member) {
    return Member(kMembers / (member + ".member")).read_code();
}

TEST(OpenVinoBackend, FromTheCacheComeTheSameBitsAndLessMemory) {
    const test::TemporaryDirectory folder;
    const fs::path cache = folder / "cache";
    const auto code = code_of("openvino-wide");
    const Opened plain = run_once(open_model("wide", code, nullptr));
    const Opened stored = run_once(open_model("wide", code, &cache));
    const auto files = files_in(cache);
    ASSERT_EQ(files.size(), 1U);
    const auto written = fs::last_write_time(files[0]);
    const Opened read = run_once(open_model("wide", code, &cache));
    EXPECT_EQ(files_in(cache), files);
    EXPECT_EQ(fs::last_write_time(files[0]), written);
    EXPECT_EQ(stored.logits, plain.logits);
    EXPECT_EQ(read.logits, plain.logits);
    EXPECT_LT(read.resident_bytes * 10, plain.resident_bytes * 6);
}

TEST(OpenVinoBackend, ADamagedCacheEntryIsMadeAnew) {
    const test::TemporaryDirectory folder;
    const auto code = code_of("openvino");
    const Opened expected = run_once(open_model("x", code, &folder.path()));
    const fs::path file = files_in(folder.path()).at(0);
    const auto size = fs::file_size(file);
    fs::resize_file(file, 100);
    EXPECT_EQ(run_once(open_model("x", code, &folder.path())).logits, expected.logits);
    EXPECT_GT(fs::file_size(file), size / 2);
}

TEST(OpenVinoBackend, EveryPrecisionHasAnEntryOfItsOwn) {
    const test::TemporaryDirectory folder;
    const auto code = code_of("openvino");
    (void)open_model("x", code, &folder.path());
    try {
        (void)open_model("x", code, &folder.path(), Precision::Bf16);
    } catch (const core::InferenceError& error) {
        GTEST_SKIP() << error.what();
    }
    EXPECT_EQ(files_in(folder.path()).size(), 2U);
}

TEST(OpenVinoBackend, CodeThatStatesTheHashOfOtherConstantsIsNotKept) {
    const test::TemporaryDirectory folder;
    auto code = code_of("openvino");
    const backends::CodeFile parts = backends::read_code_file(code);
    const auto place = static_cast<std::size_t>(parts.constants.data() - code.data());
    code[place] ^= std::byte{1};
    try {
        (void)open_model("x", code, &folder.path());
        FAIL() << "another's hash was believed";
    } catch (const core::InferenceError& error) {
        EXPECT_THAT(error.what(), HasSubstr("hash"));
    }
    EXPECT_THAT(files_in(folder.path()), ::testing::IsEmpty());
}

/// Within 5 %, and 2 MiB for what malloc keeps in between.
TEST(OpenVinoBackend, OpeningTakesWhatIsDescribed) {
    const test::TemporaryDirectory folder;
    const auto code = code_of("openvino-wide");
    for (const fs::path* cache : {static_cast<const fs::path*>(nullptr), &folder.path()}) {
        SCOPED_TRACE(cache == nullptr ? "compiled" : "from the cache");
        (void)run_once(open_model("wide", code, cache));
        const std::uint64_t before = private_bytes();
        const Model model = open_model("wide", code, cache);
        const std::uint64_t described = model.description().resident_bytes;
        const std::uint64_t taken = private_bytes() - before;
        const std::uint64_t slack = described / 20 + (2 << 20);
        EXPECT_GT(described, std::uint64_t{30} << 20);
        EXPECT_LE(taken, described + slack);
        EXPECT_GE(taken + slack, described);
    }
}

}  // namespace
}  // namespace consilia::inference
