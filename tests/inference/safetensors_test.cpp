// The header comes from outside: each way in which it can lie is refused, and no seeded damage gets past the
// rules.
#include "consilia/inference/safetensors.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "consilia/core/error.hpp"
#include "inference/packages.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::inference {
namespace {

std::string code_of(std::string_view header, std::uint64_t data_bytes, const SafetensorsLimits& limits = {}) {
    try {
        (void)parse_safetensors_header(header, data_bytes, limits);
        return "";
    } catch (const core::InferenceError& error) {
        return error.code();
    }
}

constexpr std::string_view kDamaged = "safetensors.damaged";
constexpr std::string_view kUnsupported = "safetensors.unsupported";

TEST(Safetensors, ReadsTensorsByTheirPlace) {
    const auto tensors = parse_safetensors_header(
        R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},)"
        R"("a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"c":{"dtype":"I64","shape":[],"data_offsets":[28,36]}}  )",
        36);
    ASSERT_EQ(tensors.size(), 3U);
    EXPECT_EQ(tensors[0], (TensorEntry{"a", ElementType::BF16, {2}, 0, 4}));
    EXPECT_EQ(tensors[1], (TensorEntry{"b", ElementType::F32, {2, 3}, 4, 24}));
    EXPECT_EQ(tensors[2], (TensorEntry{"c", ElementType::I64, {}, 28, 8}));
}

TEST(Safetensors, ReadsEveryElementTypeThatItNames) {
    for (const ElementType type : {ElementType::F32, ElementType::F16, ElementType::BF16, ElementType::I64,
                                   ElementType::U8, ElementType::Bool}) {
        const std::string size = std::to_string(element_size(type));
        const std::string header = R"({"a":{"dtype":")" + std::string(to_string(type)) +
                                   R"(","shape":[1],"data_offsets":[0,)" + size + "]}}";
        EXPECT_EQ(parse_safetensors_header(header, element_size(type))[0].type, type);
    }
}

TEST(Safetensors, RefusesTensorsThatOverlapLeaveAGapOrReachTooFar) {
    const auto two = [](int a0, int a1, int b0, int b1) {
        return nlohmann::json({{"a", {{"dtype", "U8"}, {"shape", {a1 - a0}}, {"data_offsets", {a0, a1}}}},
                               {"b", {{"dtype", "U8"}, {"shape", {b1 - b0}}, {"data_offsets", {b0, b1}}}}})
            .dump();
    };
    EXPECT_EQ(code_of(two(0, 4, 4, 8), 8), "");
    EXPECT_EQ(code_of(two(0, 4, 3, 8), 8), kDamaged);
    EXPECT_EQ(code_of(two(0, 4, 0, 4), 8), kDamaged);
    EXPECT_EQ(code_of(two(0, 4, 5, 8), 8), kDamaged);
    EXPECT_EQ(code_of(two(1, 4, 4, 8), 8), kDamaged);
    EXPECT_EQ(code_of(two(0, 4, 4, 8), 7), kDamaged);
    EXPECT_EQ(code_of(two(0, 4, 4, 8), 9), kDamaged);
}

TEST(Safetensors, RefusesHeadersWithoutAMeaning) {
    const auto tensor = [](const std::string& body) { return "{\"a\":{" + body + "}}"; };
    EXPECT_EQ(code_of("", 0), kDamaged);
    EXPECT_EQ(code_of("[]", 0), kDamaged);
    EXPECT_EQ(code_of(" {}", 0), kDamaged);
    EXPECT_EQ(code_of("{", 0), kDamaged);
    EXPECT_EQ(code_of("{}", 0), "");
    EXPECT_EQ(code_of("{}", 1), kDamaged);
    EXPECT_EQ(code_of(R"({"a":1})", 0), kDamaged);
    EXPECT_EQ(code_of(tensor(R"("dtype":"U8","shape":[1])"), 1), kDamaged);
    EXPECT_EQ(code_of(tensor(R"("dtype":"U8","shape":[2],"data_offsets":[0,1])"), 1), kDamaged);
    EXPECT_EQ(code_of(tensor(R"("dtype":"U8","shape":[-1],"data_offsets":[0,1])"), 1), kDamaged);
    EXPECT_EQ(code_of(tensor(R"("dtype":"U8","shape":[1.5],"data_offsets":[0,1])"), 1), kDamaged);
    EXPECT_EQ(code_of(tensor(R"("dtype":"U8","shape":1,"data_offsets":[0,1])"), 1), kDamaged);
    EXPECT_EQ(code_of(tensor(R"("dtype":"U8","shape":[1],"data_offsets":[0])"), 1), kDamaged);
    EXPECT_EQ(code_of(tensor(R"("dtype":"U8","shape":[1],"data_offsets":[1,0])"), 1), kDamaged);
    EXPECT_EQ(code_of(tensor(R"("dtype":"F64","shape":[1],"data_offsets":[0,8])"), 8), kUnsupported);
    // 2³² × 2³² elements would wrap round to none.
    EXPECT_EQ(code_of(tensor(R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0])"), 0),
              kDamaged);
    EXPECT_EQ(code_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                      R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                      1),
              kDamaged);
}

TEST(Safetensors, KeepsItsLimitsAtThemAndOnePast) {
    const std::string header = R"({"a":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]}})";
    EXPECT_EQ(code_of(header, 1, {.header_bytes_max = header.size()}), "");
    EXPECT_EQ(code_of(header, 1, {.header_bytes_max = header.size() - 1}), kUnsupported);
    EXPECT_EQ(code_of(header, 1, {.rank_max = 2}), "");
    EXPECT_EQ(code_of(header, 1, {.rank_max = 1}), kUnsupported);
    EXPECT_EQ(code_of(header, 1, {.tensors_max = 1}), "");
    EXPECT_EQ(code_of(header, 1, {.tensors_max = 0}), kUnsupported);
    EXPECT_NE(code_of(std::string(100'000, '{'), 0), "");
}

TEST(Safetensors, NoSeededDamageGivesATableThatReachesOutside) {
    const std::string good = R"({"a":{"dtype":"F32","shape":[4,2],"data_offsets":[0,32]},)"
                             R"("b":{"dtype":"U8","shape":[9],"data_offsets":[32,41]}})";
    int accepted = 0;
    for (unsigned seed = 0; seed < 20'000; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        std::string header = good;
        for (unsigned i = 0; i < 1 + random() % 3; ++i) {
            header[random() % header.size()] =
                static_cast<char>(random() % 2 == 0 ? '0' + random() % 10 : random() % 128);
        }
        try {
            std::uint64_t end = 0;
            for (const TensorEntry& tensor : parse_safetensors_header(header, 41)) {
                ASSERT_EQ(tensor.offset, end);
                std::uint64_t bytes = element_size(tensor.type);
                for (const auto side : tensor.shape) bytes *= static_cast<std::uint64_t>(side);
                ASSERT_EQ(tensor.size_bytes, bytes);
                end += tensor.size_bytes;
            }
            ASSERT_EQ(end, 41U);
            ++accepted;
        } catch (const core::InferenceError&) {
        }
    }
    EXPECT_GT(accepted, 0);  // Damage to a name is none.
}

class SafetensorsFileTest : public testing::Test {
protected:
    std::filesystem::path write(const std::string& content) {
        const auto path = directory_ / "w.safetensors";
        test::write_text(path, content);
        return path;
    }
    test::TemporaryDirectory directory_;
};

TEST_F(SafetensorsFileTest, ReadsTheBytesOfATensor) {
    const std::string content = test::one_tensor(64, 7);
    const SafetensorsFile file(write(content));
    ASSERT_EQ(file.tensors().size(), 1U);
    EXPECT_EQ(file.data_bytes(), 64U);
    std::vector<std::byte> data(64);
    file.read(file.tensors()[0], data);
    EXPECT_EQ(std::memcmp(data.data(), content.data() + content.size() - 64, 64), 0);
    EXPECT_EQ(file.sha256(), core::sha256(content));
}

TEST_F(SafetensorsFileTest, RefusesAFileCutAtAnyByte) {
    const std::string content = test::one_tensor(64, 7);
    for (std::size_t size = 0; size < content.size(); ++size) {
        EXPECT_THROW(SafetensorsFile(write(content.substr(0, size))), core::InferenceError) << size;
    }
    EXPECT_THROW(SafetensorsFile(write(content + "x")), core::InferenceError);
    EXPECT_THROW(SafetensorsFile(directory_ / "absent"), core::NotFound);
    EXPECT_THROW(SafetensorsFile(directory_.path()), core::Error);
}

TEST_F(SafetensorsFileTest, NoticesThatItsFileWasCutOrWrittenTo) {
    const auto path = write(test::one_tensor(64, 7));
    const SafetensorsFile file(path);
    EXPECT_TRUE(file.is_unchanged());
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 32);
    EXPECT_FALSE(file.is_unchanged());
    std::vector<std::byte> data(64);
    EXPECT_THROW(file.read(file.tensors()[0], data), core::StorageError);
}

}  // namespace
}  // namespace consilia::inference
