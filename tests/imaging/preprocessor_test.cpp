// Goal: each file is decoded once and each tensor made once, and never from a file that is not what was
// recorded.
#include "consilia/imaging/preprocessor.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "support/images.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::imaging {
namespace {

class PreprocessorTest : public testing::Test {
protected:
    std::filesystem::path write(const std::string& name, const test::ByteVector& bytes) {
        const std::filesystem::path path = directory_ / name;
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return path;
    }

    template <class Action>
    static std::string code_of(const Action& action) {
        try {
            action();
        } catch (const core::Error& error) {
            return error.code();
        }
        return "";
    }

    test::TemporaryDirectory directory_;
    Image picture_ = test::phantom(120, 90, 1);
    test::ByteVector bytes_ = test::png(picture_);
    std::string sha256_ = core::sha256(bytes_);
    std::filesystem::path file_ = write("a.png", bytes_);
    Pipeline small_{{Grayscale{}, Resize{32, 32}, ToTensor{}}};
    Pipeline large_{{Grayscale{}, Resize{64, 64}, ToTensor{}}};
};

TEST_F(PreprocessorTest, GivesWhatThePipelineGives) {
    Preprocessor preprocessor;
    EXPECT_EQ(*preprocessor.prepare(small_, file_, sha256_), small_.apply(picture_));
    EXPECT_EQ(*preprocessor.prepare(large_, bytes_), large_.apply(picture_));
}

TEST_F(PreprocessorTest, MakesATensorOnceAndDecodesAFileOnce) {
    Preprocessor preprocessor;
    const auto first = preprocessor.prepare(small_, file_, sha256_);
    std::filesystem::remove(file_);
    EXPECT_EQ(preprocessor.prepare(small_, file_, sha256_), first);
    EXPECT_EQ(preprocessor.prepare(small_, bytes_), first) << "the same content under another door";
    EXPECT_NE(preprocessor.prepare(large_, file_, sha256_), nullptr);
    EXPECT_EQ(preprocessor.image_cache_stats().computations, 1U);
    EXPECT_EQ(preprocessor.tensor_cache_stats().computations, 2U);
}

TEST_F(PreprocessorTest, ManyThreadsShareOneComputation) {
    Preprocessor preprocessor;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back(
                [&, i] { (void)preprocessor.prepare(i % 2 == 0 ? small_ : large_, file_, sha256_); });
        }
    }
    EXPECT_EQ(preprocessor.image_cache_stats().computations, 1U);
    EXPECT_EQ(preprocessor.tensor_cache_stats().computations, 2U);
}

TEST_F(PreprocessorTest, RefusesAFileThatIsNotWhatWasRecorded) {
    Preprocessor preprocessor;
    write("a.png", test::png(test::phantom(120, 90, 1, 2)));
    EXPECT_EQ(code_of([&] { (void)preprocessor.prepare(small_, file_, sha256_); }), "image.hash_mismatch");
    EXPECT_EQ(preprocessor.tensor_cache_stats().entries, 0U);
}

TEST_F(PreprocessorTest, AFailureIsNotKept) {
    Preprocessor preprocessor;
    std::filesystem::remove(file_);
    EXPECT_EQ(code_of([&] { (void)preprocessor.prepare(small_, file_, sha256_); }), "file.not_found");
    write("a.png", bytes_);
    EXPECT_EQ(*preprocessor.prepare(small_, file_, sha256_), small_.apply(picture_));
}

TEST_F(PreprocessorTest, ForgetsAFile) {
    Preprocessor preprocessor;
    const std::string other = core::sha256("another file");
    (void)preprocessor.prepare(small_, file_, sha256_);
    (void)preprocessor.prepare(large_, file_, sha256_);
    preprocessor.forget(other);
    EXPECT_EQ(preprocessor.tensor_cache_stats().entries, 2U);
    preprocessor.forget(sha256_);
    EXPECT_EQ(preprocessor.tensor_cache_stats().entries, 0U);
    EXPECT_EQ(preprocessor.image_cache_stats().entries, 0U);
}

TEST_F(PreprocessorTest, WorksWithoutCaches) {
    Preprocessor preprocessor({.tensor_cache_bytes = 0, .image_cache_bytes = 0});
    EXPECT_EQ(*preprocessor.prepare(small_, file_, sha256_), small_.apply(picture_));
    EXPECT_EQ(*preprocessor.prepare(small_, file_, sha256_), small_.apply(picture_));
    EXPECT_EQ(preprocessor.tensor_cache_stats().entries, 0U);
}

TEST_F(PreprocessorTest, KeepsToItsLimits) {
    Preprocessor preprocessor({.max_file_bytes = bytes_.size() - 1});
    EXPECT_EQ(code_of([&] { (void)preprocessor.prepare(small_, file_, sha256_); }), "file.too_large");
    Preprocessor narrow({.limits = {.max_width = 119}});
    EXPECT_EQ(code_of([&] { (void)narrow.prepare(small_, file_, sha256_); }), "image.too_many_pixels");
}

}  // namespace
}  // namespace consilia::imaging
