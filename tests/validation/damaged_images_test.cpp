// Goal: whatever happened to an image, it is kept whole or refused with a code of its own, within a stated
// memory, and nothing is left behind.
//
// Method: seeded damage of every kind to generated images and, where development has them, to radiographs. An
// ordinary run takes 2,000 variants; CONSILIA_DAMAGED_IMAGES=20000 takes as many, and then no case may take
// over a second. A failure names the image, the damage and the seed that replay it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <regex>
#include <set>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "consilia/data/database.hpp"
#include "consilia/validation/receive.hpp"
#include "consilia/validation/upload_store.hpp"
#include "support/damage.hpp"
#include "support/images.hpp"
#include "support/peak_memory.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::validation {
namespace {

using test::ByteVector;

struct NamedImage {
    std::string name;
    ByteVector bytes;
};

// Of the sample set the largest needs less than 1 MiB; an attacker's header may ask for anything.
constexpr std::uint64_t kMemoryLimit = 8ULL << 20;
/// The library's own structures, and what the allocator keeps beyond what is asked for.
constexpr std::uint64_t kMemorySlack = 4ULL << 20;

test::PngSpec spec(std::uint32_t width, std::uint32_t height, int bit_depth, int color_type) {
    test::PngSpec result;
    result.width = width;
    result.height = height;
    result.bit_depth = bit_depth;
    result.color_type = color_type;
    return result;
}

/// A PNG of this depth and type with rows of noise.
ByteVector noise_png(test::PngSpec png) {
    static constexpr std::array kSamples = {1, 0, 3, 1, 2, 0, 4};
    const auto samples = static_cast<std::uint32_t>(kSamples[static_cast<std::size_t>(png.color_type)]);
    const std::uint32_t row_bytes = (png.width * samples * static_cast<std::uint32_t>(png.bit_depth) + 7) / 8;
    std::vector<std::uint8_t> rows(std::size_t{row_bytes} * png.height);
    std::mt19937 random(png.height * 16 + static_cast<unsigned>(png.bit_depth));
    for (std::uint8_t& value : rows) value = static_cast<std::uint8_t>(random() & 0xFFU);
    if (png.color_type == 3) {
        const std::string palette(std::size_t{3} << png.bit_depth, 'p');
        test::append(png.before_data, test::png_chunk("PLTE", palette));
        test::append(png.before_data, test::png_chunk("tRNS", std::string(2, '\x40')));
    }
    return test::png_of_samples(png, rows);
}

std::vector<NamedImage> generated_images() {
    const imaging::Image gray = test::phantom(90, 70, 1);
    const imaging::Image color = test::phantom(70, 90, 3);
    std::vector<NamedImage> images = {
        {"jpeg gray", test::jpeg(gray)},
        {"jpeg color", test::jpeg(color)},
        {"jpeg progressive gray", test::jpeg(gray, {.progressive = true})},
        {"jpeg progressive color", test::jpeg(color, {.progressive = true})},
        {"jpeg of 40 scans", test::jpeg(gray, {.scans = 40})},
        {"jpeg with exif", test::jpeg(color, {.exif = test::exif_with_orientation(6)})},
        {"png gray", test::png(gray)},
        {"png color", test::png(color)},
        {"png adam7", test::interlaced_png(color)},
    };
    for (const int depth : {1, 2, 4, 16})
        images.push_back({"png gray " + std::to_string(depth), noise_png(spec(61, 47, depth, 0))});
    for (const int depth : {1, 2, 4, 8})
        images.push_back({"png palette " + std::to_string(depth), noise_png(spec(61, 47, depth, 3))});
    for (const int type : {2, 4, 6})
        images.push_back({"png type " + std::to_string(type) + " 16", noise_png(spec(40, 30, 16, type))});
    for (const int type : {4, 6})
        images.push_back({"png alpha " + std::to_string(type), noise_png(spec(40, 30, 8, type))});
    return images;
}

std::vector<NamedImage> radiographs() {
    std::vector<NamedImage> images;
    const std::filesystem::path folder =
        std::filesystem::path(CONSILIA_SOURCE_DIR) / "../shared/data/cxr/images";
    if (!std::filesystem::exists(folder)) return images;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file())
            images.push_back({entry.path().filename().string(), core::read_file(entry.path())});
    }
    std::ranges::sort(images, {}, &NamedImage::name);
    return images;
}

/// Every code that docs/uploads.md lists.
const std::set<std::string>& documented_codes() {
    static const std::set<std::string> kCodes = [] {
        const std::string page =
            core::read_text_file(std::filesystem::path(CONSILIA_SOURCE_DIR) / "docs/uploads.md");
        const std::regex code("`(upload\\.[a-z_]+)`");
        std::set<std::string> codes;
        for (auto each = std::sregex_iterator(page.begin(), page.end(), code); each != std::sregex_iterator();
             ++each)
            codes.insert((*each)[1]);
        return codes;
    }();
    return kCodes;
}

class DamagedImages : public testing::Test {
protected:
    using Seconds = std::chrono::duration<double>;

    /// Variants of each kind of image: half of what is asked for.
    static std::size_t variants() {
        const char* const asked = std::getenv("CONSILIA_DAMAGED_IMAGES");
        return asked == nullptr ? 1'000 : std::strtoull(asked, nullptr, 10) / 2;
    }
    static bool is_long_run() { return std::getenv("CONSILIA_DAMAGED_IMAGES") != nullptr; }

    void run(const std::vector<NamedImage>& images) {
        for (std::size_t seed = 1; seed <= variants() && !HasFailure(); ++seed) {
            const NamedImage& image = images[seed % images.size()];
            test::Damage damage(seed);
            const ByteVector bytes = damage.apply(image.bytes);
            SCOPED_TRACE(image.name + ", " + std::string(damage.name()) + ", seed " + std::to_string(seed));
            receive_one(bytes);
        }
        report();
    }

    void receive_one(const ByteVector& bytes) {
        const std::string verdict = verdict_of(bytes);
        ++counts_[verdict];
        EXPECT_LE(most_bytes_, kMemoryLimit + kMemorySlack);
        EXPECT_TRUE(std::filesystem::is_empty(stored_.path())) << "something is left behind";
    }

    std::string verdict_of(const ByteVector& bytes) {
        try {
            ReceivedFile file = measured_receive(bytes);
            check_kept(file, bytes);
            return "accepted";
        } catch (const core::UploadRejected& error) {
            EXPECT_TRUE(documented_codes().contains(error.code())) << error.code() << ": " << error.what();
            return error.code();
        } catch (const std::exception& error) {
            ADD_FAILURE() << "neither kept nor refused: " << error.what();
            return "failed";
        }
    }

    ReceivedFile measured_receive(const ByteVector& bytes) {
        /// Takes note when the call ends, whichever way.
        struct Note {
            DamagedImages& test;
            test::PeakMemory memory{};
            std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
            ~Note() {
                test.longest_ = std::max(test.longest_, Seconds(std::chrono::steady_clock::now() - start));
                test.most_bytes_ = std::max(test.most_bytes_, memory.bytes());
            }
        };
        ReceiveOptions options{.directory = stored_.path(), .prefix = "user_7"};
        options.limits.max_memory_bytes = kMemoryLimit;
        const Note note{*this};
        return receive(UploadSource::bytes(bytes), options);
    }

    /// What was accepted decodes to its end, before and after it was stored.
    static void check_kept(ReceivedFile& file, const ByteVector& bytes) {
        imaging::Image image;
        ASSERT_NO_THROW(image = imaging::decode(bytes));
        EXPECT_EQ(static_cast<std::uint32_t>(image.width), file.facts().width);
        EXPECT_EQ(static_cast<std::uint32_t>(image.height), file.facts().height);
        const FileFacts facts = file.facts();
        const std::filesystem::path path = file.commit();
        const ByteVector stored = core::read_file(path);
        EXPECT_EQ(core::sha256(stored), facts.sha256);
        EXPECT_EQ(stored.size(), facts.size_bytes);
        ASSERT_NO_THROW((void)imaging::check_structure(stored));
        ASSERT_NO_THROW(EXPECT_EQ(imaging::decode(stored).pixels, image.pixels));
        discard(path);
    }

    void report() {
        for (const auto& [verdict, count] : counts_) {
            std::cout << verdict << ": " << count << '\n';
            RecordProperty(verdict, static_cast<int>(count));
        }
        std::cout << "most memory: " << (most_bytes_ >> 10)
                  << " KiB; longest case: " << longest_.count() * 1e3 << " ms\n";
        EXPECT_GE(counts_.size(), 5U) << "the damage is not varied enough to show anything";
        EXPECT_GT(counts_["accepted"], 0U);
        if (is_long_run()) {
            EXPECT_LT(longest_.count(), 1.0);
        }
    }

    test::TemporaryDirectory stored_;
    test::TemporaryDirectory rows_;
    std::map<std::string, std::size_t> counts_;
    std::uint64_t most_bytes_ = 0;
    Seconds longest_{};
};

TEST_F(DamagedImages, ThatWereGeneratedAreKeptWholeOrRefused) {
    run(generated_images());
}

TEST_F(DamagedImages, ThatWereRadiographsAreKeptWholeOrRefused) {
    const std::vector<NamedImage> images = radiographs();
    if (images.empty()) GTEST_SKIP() << "the sample set is not here";
    run(images);
}

// The same with rows: a file and its row are there together, or neither is.
TEST_F(DamagedImages, LeaveNoRowWhereTheyAreRefused) {
    const std::vector<NamedImage> images = generated_images();
    data::Database database("sqlite:" + (rows_ / "uploads.db").string());
    create_upload_tables(database);
    UploadStoreOptions options;
    options.receive.directory = stored_.path();
    options.duplicates = DuplicateScope::None;
    UploadStore store(database, options);
    std::int64_t kept = 0;
    for (std::size_t seed = 1; seed <= variants() / 4 && !HasFailure(); ++seed) {
        const NamedImage& image = images[seed % images.size()];
        test::Damage damage(seed);
        const ByteVector bytes = damage.apply(image.bytes);
        SCOPED_TRACE(image.name + ", " + std::string(damage.name()) + ", seed " + std::to_string(seed));
        try {
            const Upload upload = store.receive(UploadSource::bytes(bytes), {.owner_id = 7}).upload;
            ++kept;
            EXPECT_EQ(core::sha256_file(store.path_of(upload)), upload.sha256);
            EXPECT_TRUE(std::filesystem::remove(store.path_of(upload)));
        } catch (const core::UploadRejected&) {
            // What it says is looked at above.
        }
        EXPECT_TRUE(std::filesystem::is_empty(stored_.path())) << "a file is left behind";
        EXPECT_EQ(database.query("SELECT count(*) AS n FROM consilia_uploads").int64(0, 0), kept);
    }
    EXPECT_GT(kept, 0);
}

// Otherwise the variants would show only how a broken generator is refused.
TEST_F(DamagedImages, AreMadeFromSoundOnes) {
    for (const NamedImage& image : generated_images())
        EXPECT_EQ(verdict_of(image.bytes), "accepted") << image.name;
}

}  // namespace
}  // namespace consilia::validation
