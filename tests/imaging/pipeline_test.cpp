// Goal: a pipeline is one value in JSON, in its hash and in its pixels; each step does what its name says, on
// any number of threads. Oracles: OpenCV called directly, and short loops.
#include "consilia/imaging/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <random>
#include <thread>

#include "consilia/core/error.hpp"
#include "support/images.hpp"

namespace consilia::imaging {
namespace {

constexpr std::string_view kFull = R"({"version": 1, "steps": [
    {"op": "grayscale"}, {"op": "clahe", "clip_limit": 2.0, "tiles": [8, 8]},
    {"op": "resize", "width": 96, "height": 64, "interpolation": "area"},
    {"op": "normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    {"op": "tensor", "layout": "CHW", "channels": 3}]})";

Pipeline steps(const std::string& list) {
    return Pipeline::from_json(R"({"version": 1, "steps": [)" + list + "]}");
}

cv::Mat view(const Image& image) {
    return {image.height, image.width, image.channels == 1 ? CV_8UC1 : CV_8UC3,
            const_cast<std::uint8_t*>(image.pixels.data())};
}

std::vector<std::uint8_t> pixels_of(const cv::Mat& mat) {
    return {mat.data, mat.data + mat.total() * mat.elemSize()};
}

// ---- JSON and hash
// ---------------------------------------------------------------------------------------------

TEST(Pipeline, WritesTheCanonicalForm) {
    EXPECT_EQ(Pipeline::from_json(kFull).to_json(),
              R"({"steps":[{"op":"grayscale"},{"clip_limit":2.0,"op":"clahe","tiles":[8,8]},)"
              R"({"height":64,"interpolation":"area","op":"resize","width":96},)"
              R"({"mean":[0.485,0.456,0.406],"op":"normalize","std":[0.229,0.224,0.225]},)"
              R"({"channels":3,"layout":"CHW","op":"tensor"}],"version":1})");
}

// A hash that changes orphans every cached tensor and every recorded manifest: change `kAlgorithmVersion` on
// purpose, never the text.
TEST(Pipeline, HasAStableHash) {
    EXPECT_EQ(Pipeline::from_json(kFull).hash(),
              "950a21468f9a5be33f2c8f96c0e1d65914fa70bf54a6c50ba3b5441bb223ff68");
    EXPECT_EQ(Pipeline().hash(), "5727f9cefda86cf824bd27e15f4ab88ea260178de1dabe49a6e7666df6e3e31d");
}

TEST(Pipeline, TheSameStepsAreTheSamePipelineHoweverTheyAreWritten) {
    const Pipeline spelt_out = Pipeline::from_json(kFull);
    const Pipeline with_defaults =
        Pipeline::from_json(R"({"steps":[{"op":"grayscale"},{"op":"clahe","clip_limit":2},
        {"height":64,"width":96,"op":"resize"},
        {"std":[0.229,0.224,0.225],"mean":[0.485,0.456,0.406],"op":"normalize"},{"op":"tensor"}],"version":1})");
    EXPECT_EQ(spelt_out, with_defaults);
    EXPECT_EQ(spelt_out.hash(), with_defaults.hash());
    const Pipeline built({Grayscale{}, Clahe{}, Resize{96, 64},
                          Normalize{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}, ToTensor{}});
    EXPECT_EQ(spelt_out, built);
    EXPECT_EQ(steps(R"({"op":"normalize","mean":[-0.0,0,0],"std":[1,1,1]},{"op":"tensor"})"),
              steps(R"({"op":"normalize","mean":[0,0,0],"std":[1,1,1]},{"op":"tensor"})"));
}

TEST(Pipeline, AnyDifferenceGivesAnotherHash) {
    const std::vector<std::string> lists = {
        R"({"op":"tensor"})",
        R"({"op":"tensor","layout":"HWC"})",
        R"({"op":"grayscale"},{"op":"tensor"})",
        R"({"op":"grayscale"},{"op":"tensor","channels":1})",
        R"({"op":"grayscale"},{"op":"clahe"},{"op":"tensor"})",
        R"({"op":"grayscale"},{"op":"clahe","clip_limit":2.5},{"op":"tensor"})",
        R"({"op":"grayscale"},{"op":"clahe","tiles":[8,4]},{"op":"tensor"})",
        R"({"op":"grayscale"},{"op":"clahe","tiles":[4,8]},{"op":"tensor"})",
        R"({"op":"resize","width":2,"height":3},{"op":"tensor"})",
        R"({"op":"resize","width":3,"height":2},{"op":"tensor"})",
        R"({"op":"resize","width":3,"height":2,"interpolation":"bilinear"},{"op":"tensor"})",
        R"({"op":"grayscale"},{"op":"resize","width":3,"height":2},{"op":"tensor"})",
        R"({"op":"resize","width":3,"height":2},{"op":"grayscale"},{"op":"tensor"})",
    };
    std::set<std::string> hashes;
    for (const std::string& list : lists) hashes.insert(steps(list).hash());
    EXPECT_EQ(hashes.size(), lists.size());
}

Pipeline random_pipeline(std::mt19937& random) {
    const auto chance = [&random] { return random() % 2 == 0; };
    const auto real = [&random] { return static_cast<double>(random() % 100'000 + 1) / 7919; };
    std::vector<Step> list;
    const bool is_gray = chance();
    const auto side = [&random] { return static_cast<std::int32_t>(1 + random() % 64); };
    if (chance())
        list.push_back(Resize{side(), side(), chance() ? Interpolation::Area : Interpolation::Bilinear});
    if (is_gray) list.push_back(Grayscale{});
    if (is_gray && chance()) list.push_back(Clahe{real(), side(), side()});
    const std::int32_t channels = is_gray && chance() ? 1 : 3;
    const auto n = static_cast<std::size_t>(channels);
    if (chance()) list.push_back(Normalize{std::vector<double>(n, -real()), std::vector<double>(n, real())});
    list.push_back(ToTensor{chance() ? Layout::Chw : Layout::Hwc, channels});
    return Pipeline(list);
}

TEST(Pipeline, ReadingWhatWasWrittenGivesTheSameSteps) {
    for (unsigned seed = 1; seed <= 500; ++seed) {
        std::mt19937 random(seed);
        const Pipeline pipeline = random_pipeline(random);
        const Pipeline read = Pipeline::from_json(pipeline.to_json());
        ASSERT_TRUE(std::ranges::equal(read.steps(), pipeline.steps())) << seed << ": " << pipeline.to_json();
        ASSERT_EQ(read.hash(), pipeline.hash()) << seed;
    }
}

struct Refusal {
    std::string steps;
    std::string code;
    std::int64_t step;
    std::string key;
};

TEST(Pipeline, RefusesWhatMakesNoSenseAndNamesStepAndKey) {
    const std::string tensor = R"(,{"op":"tensor"})";
    const std::string gray = R"({"op":"grayscale"},)";
    const std::vector<Refusal> refusals = {
        {R"({"op":"sharpen"})" + tensor, "pipeline.unknown", 0, "op"},
        {R"({"op":"grayscale","gamma":1})" + tensor, "pipeline.unknown", 0, "gamma"},
        {gray + R"({"op":"clahe","cliplimit":1})" + tensor, "pipeline.unknown", 1, "cliplimit"},
        {R"({})" + tensor, "pipeline.type", 0, "op"},
        {R"({"op":7})" + tensor, "pipeline.type", 0, "op"},
        {R"("grayscale")" + tensor, "pipeline.type", 0, "op"},
        {gray + R"({"op":"clahe","clip_limit":"2"})" + tensor, "pipeline.type", 1, "clip_limit"},
        {gray + R"({"op":"clahe","tiles":8})" + tensor, "pipeline.type", 1, "tiles"},
        {gray + R"({"op":"clahe","tiles":[8]})" + tensor, "pipeline.type", 1, "tiles"},
        {gray + R"({"op":"clahe","tiles":[8,8.5]})" + tensor, "pipeline.type", 1, "tiles"},
        {R"({"op":"resize","height":8})" + tensor, "pipeline.type", 0, "width"},
        {R"({"op":"resize","width":8})" + tensor, "pipeline.type", 0, "height"},
        {R"({"op":"resize","width":8.0,"height":8})" + tensor, "pipeline.type", 0, "width"},
        {R"({"op":"resize","width":8,"height":8,"interpolation":"cubic"})" + tensor, "pipeline.step", 0,
         "interpolation"},
        {R"({"op":"resize","width":8,"height":8,"interpolation":1})" + tensor, "pipeline.type", 0,
         "interpolation"},
        {R"({"op":"normalize","std":[1]})" + tensor, "pipeline.type", 0, "mean"},
        {R"({"op":"normalize","mean":["0"],"std":[1]})" + tensor, "pipeline.type", 0, "mean"},
        {R"({"op":"tensor","layout":"NCHW"})", "pipeline.step", 0, "layout"},
        {R"({"op":"tensor","channels":"3"})", "pipeline.type", 0, "channels"},
        // bounds
        {gray + R"({"op":"clahe","clip_limit":0})" + tensor, "pipeline.step", 1, "clip_limit"},
        {gray + R"({"op":"clahe","clip_limit":100.5})" + tensor, "pipeline.step", 1, "clip_limit"},
        {gray + R"({"op":"clahe","tiles":[0,8]})" + tensor, "pipeline.step", 1, "tiles"},
        {gray + R"({"op":"clahe","tiles":[8,65]})" + tensor, "pipeline.step", 1, "tiles"},
        {R"({"op":"resize","width":0,"height":8})" + tensor, "pipeline.step", 0, "width"},
        {R"({"op":"resize","width":8,"height":4097})" + tensor, "pipeline.step", 0, "height"},
        {R"({"op":"resize","width":-1,"height":8})" + tensor, "pipeline.step", 0, "width"},
        {R"({"op":"resize","width":18446744073709551615,"height":8})" + tensor, "pipeline.step", 0, "width"},
        {R"({"op":"resize","width":4294967304,"height":8})" + tensor, "pipeline.step", 0, "width"},
        {R"({"op":"normalize","mean":[0,0],"std":[1,1]})" + tensor, "pipeline.step", 0, "mean"},
        {R"({"op":"normalize","mean":[0,0,0],"std":[1]})" + tensor, "pipeline.step", 0, "std"},
        {R"({"op":"normalize","mean":[0,0,0],"std":[1,0,1]})" + tensor, "pipeline.step", 0, "std"},
        {R"({"op":"tensor","channels":2})", "pipeline.step", 0, "channels"},
        {R"({"op":"normalize","mean":[0],"std":[1]})" + tensor, "pipeline.step", 1, "channels"},
        // order
        {"", "pipeline.order", 0, "op"},
        {R"({"op":"grayscale"})", "pipeline.order", 1, "op"},
        {R"({"op":"clahe"})" + tensor, "pipeline.order", 0, "op"},
        {R"({"op":"grayscale"},{"op":"grayscale"})" + tensor, "pipeline.order", 1, "op"},
        {R"({"op":"tensor"},{"op":"grayscale"})", "pipeline.order", 1, "op"},
        {R"({"op":"normalize","mean":[0,0,0],"std":[1,1,1]},{"op":"grayscale"})" + tensor, "pipeline.order",
         1, "op"},
        {R"({"op":"tensor","channels":1})", "pipeline.order", 0, "op"},
    };
    for (const Refusal& refusal : refusals) {
        SCOPED_TRACE(refusal.steps);
        try {
            steps(refusal.steps);
            ADD_FAILURE() << "was accepted";
        } catch (const core::InvalidArgument& error) {
            EXPECT_EQ(error.code(), refusal.code) << error.what();
            ASSERT_EQ(error.details().size(), 2U);
            EXPECT_EQ(error.details()[0].value, core::Value(refusal.step));
            EXPECT_EQ(error.details()[1].value, core::Value(refusal.key));
        }
    }
}

TEST(Pipeline, AcceptsItsBounds) {
    EXPECT_NO_THROW(
        steps(R"({"op":"grayscale"},{"op":"clahe","clip_limit":100,"tiles":[64,1]},{"op":"tensor"})"));
    EXPECT_NO_THROW(steps(R"({"op":"resize","width":4096,"height":1},{"op":"tensor"})"));
}

TEST(Pipeline, RefusesADocumentThatIsNoPipeline) {
    const auto code = [](const std::string& text) -> std::string {
        try {
            Pipeline::from_json(text);
        } catch (const core::InvalidArgument& error) {
            return error.code();
        }
        return "";
    };
    EXPECT_EQ(code(""), "pipeline.syntax");
    EXPECT_EQ(code("{"), "pipeline.syntax");
    EXPECT_EQ(code("[]"), "pipeline.syntax");
    EXPECT_EQ(code(std::string(Pipeline::kMaxJsonBytes + 1, ' ')), "pipeline.syntax");
    EXPECT_EQ(code(std::string(60'000, '[')), "pipeline.syntax");
    EXPECT_EQ(code(R"({"steps":[{"op":"tensor"}]})"), "pipeline.version");
    EXPECT_EQ(code(R"({"version":2,"steps":[{"op":"tensor"}]})"), "pipeline.version");
    EXPECT_EQ(code(R"({"version":"1","steps":[{"op":"tensor"}]})"), "pipeline.version");
    EXPECT_EQ(code(R"({"version":1})"), "pipeline.type");
    EXPECT_EQ(code(R"({"version":1,"steps":{}})"), "pipeline.type");
    EXPECT_EQ(code(R"({"version":1,"steps":[{"op":"tensor"}],"name":"x"})"), "pipeline.unknown");
    std::string padded = R"({"version":1,"steps":[{"op":"tensor"}]})";
    padded.resize(Pipeline::kMaxJsonBytes, ' ');
    EXPECT_EQ(code(padded), "");
}

TEST(Pipeline, RefusesNumbersThatAreNotFinite) {
    EXPECT_THROW(Pipeline({Normalize{{NAN}, {1}}, ToTensor{}}), core::InvalidArgument);
    EXPECT_THROW(Pipeline({Normalize{{0}, {INFINITY}}, ToTensor{}}), core::InvalidArgument);
    EXPECT_THROW(Pipeline({Grayscale{}, Clahe{NAN}, ToTensor{}}), core::InvalidArgument);
}

// ---- Pixels
// ----------------------------------------------------------------------------------------------------

TEST(Pipeline, KnowsItsShapeBeforehand) {
    using Shape = std::array<std::int64_t, 3>;
    EXPECT_EQ(Pipeline::from_json(kFull).output_shape(), (Shape{3, 64, 96}));
    EXPECT_EQ(steps(R"({"op":"resize","width":5,"height":4},{"op":"tensor","layout":"HWC"})").output_shape(),
              (Shape{4, 5, 3}));
    EXPECT_EQ(Pipeline().output_shape(), std::nullopt);
    const Tensor tensor = Pipeline::from_json(kFull).apply(test::phantom(200, 150, 3));
    EXPECT_EQ(tensor.shape, (Shape{3, 64, 96}));
    EXPECT_EQ(tensor.values.size(), 3U * 64 * 96);
}

TEST(Pipeline, NormalisesEachChannel) {
    const Pipeline pipeline =
        steps(R"({"op":"normalize","mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]},{"op":"tensor"})");
    const Image image = test::phantom(7, 5, 3);
    const Tensor tensor = pipeline.apply(image);
    const std::array<double, 3> mean = {0.485, 0.456, 0.406};
    const std::array<double, 3> deviation = {0.229, 0.224, 0.225};
    for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t i = 0; i < 35; ++i) {
            const double expected = (image.pixels[3 * i + c] / 255.0 - mean[c]) / deviation[c];
            ASSERT_FLOAT_EQ(tensor.values[35 * c + i], static_cast<float>(expected));
        }
    }
}

TEST(Pipeline, WithoutNormalizeTheTensorIsBetweenZeroAndOne) {
    const Tensor tensor = Pipeline().apply({2, 1, 1, {0, 255}});
    EXPECT_EQ(tensor.values, (std::vector<float>{0, 1, 0, 1, 0, 1})) << "gray is repeated to three channels";
}

TEST(Pipeline, LaysOutByPlaneOrByPixel) {
    const Image image{2, 1, 3, {0, 51, 102, 153, 204, 255}};
    EXPECT_EQ(steps(R"({"op":"tensor","layout":"CHW"})").apply(image).values,
              (std::vector<float>{0, 0.6F, 0.2F, 0.8F, 0.4F, 1}));
    EXPECT_EQ(steps(R"({"op":"tensor","layout":"HWC"})").apply(image).values,
              (std::vector<float>{0, 0.2F, 0.4F, 0.6F, 0.8F, 1}));
    const Image gray{2, 1, 1, {0, 255}};
    EXPECT_EQ(steps(R"({"op":"tensor","layout":"HWC"})").apply(gray).values,
              (std::vector<float>{0, 0, 0, 1, 1, 1}));
    const Tensor one = steps(R"({"op":"grayscale"},{"op":"tensor","channels":1})").apply(gray);
    EXPECT_EQ(one.values, (std::vector<float>{0, 1}));
    EXPECT_EQ(one.shape[0], 1);
}

TEST(Pipeline, GrayscaleHasTheWeightsOfBt601) {
    const Image image = test::phantom(50, 40, 3);
    const Image gray = steps(R"({"op":"grayscale"},{"op":"tensor"})").apply_pixels(image);
    ASSERT_EQ(gray.channels, 1);
    for (std::size_t i = 0; i < gray.pixels.size(); ++i) {
        const double expected =
            0.299 * image.pixels[3 * i] + 0.587 * image.pixels[3 * i + 1] + 0.114 * image.pixels[3 * i + 2];
        ASSERT_NEAR(gray.pixels[i], expected, 0.51);
    }
}

TEST(Pipeline, ClaheIsThatOfOpenCv) {
    const Image image = test::phantom(301, 203, 1);
    cv::Mat expected;
    cv::createCLAHE(3.0, {8, 4})->apply(view(image), expected);
    const Image equalised =
        steps(R"({"op":"grayscale"},{"op":"clahe","clip_limit":3,"tiles":[8,4]},{"op":"tensor"})")
            .apply_pixels(image);
    EXPECT_EQ(equalised.pixels, pixels_of(expected));
    EXPECT_NE(equalised.pixels, image.pixels);
}

TEST(Pipeline, AreaResizeIsTheMeanOfWhatIsCovered) {
    const Image image = test::phantom(80, 60, 1);
    const Image half = steps(R"({"op":"resize","width":40,"height":30},{"op":"tensor"})").apply_pixels(image);
    for (std::size_t y = 0; y < 30; ++y) {
        for (std::size_t x = 0; x < 40; ++x) {
            const auto at = [&](std::size_t dx, std::size_t dy) {
                return image.pixels[(2 * y + dy) * 80 + 2 * x + dx];
            };
            const double mean = (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4.0;
            ASSERT_NEAR(half.pixels[y * 40 + x], mean, 0.51);
        }
    }
}

TEST(Pipeline, BilinearResizeIsThatOfOpenCv) {
    const Image image = test::phantom(81, 61, 3);
    cv::Mat expected;
    cv::resize(view(image), expected, {50, 90}, 0, 0, cv::INTER_LINEAR);
    const std::string list =
        R"({"op":"resize","width":50,"height":90,"interpolation":"bilinear"},{"op":"tensor"})";
    EXPECT_EQ(steps(list).apply_pixels(image).pixels, pixels_of(expected));
}

TEST(Pipeline, ApplyPixelsIsWhatTheTensorIsMadeOf) {
    const Pipeline pipeline = Pipeline::from_json(kFull);
    const Image image = test::phantom(300, 200, 3);
    const Pipeline only_last =
        steps(R"({"op":"normalize","mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]},{"op":"tensor"})");
    EXPECT_EQ(only_last.apply(pipeline.apply_pixels(image)), pipeline.apply(image));
}

TEST(Pipeline, LeavesItsInputAlone) {
    const Image image = test::phantom(64, 64, 1);
    const Image before = image;
    (void)Pipeline::from_json(kFull).apply(image);
    EXPECT_EQ(image, before);
}

TEST(Pipeline, TakesTheSmallestImages) {
    for (const std::int32_t channels : {1, 3}) {
        for (const auto& [width, height] :
             {std::pair(1, 1), std::pair(1, 9), std::pair(9, 1), std::pair(3, 2)}) {
            const Tensor tensor = Pipeline::from_json(kFull).apply(test::phantom(width, height, channels));
            EXPECT_EQ(tensor.values.size(), 3U * 64 * 96);
        }
    }
}

TEST(Pipeline, RefusesAnImageThatDoesNotAgreeWithItself) {
    EXPECT_THROW((void)Pipeline().apply({2, 2, 1, {1, 2, 3}}), core::InvalidArgument);
    EXPECT_THROW((void)Pipeline().apply({1, 1, 4, {1, 2, 3, 4}}), core::InvalidArgument);
    EXPECT_THROW((void)Pipeline().apply_pixels({}), core::InvalidArgument);
}

/// Sets OpenCV's number of threads, which is the process's, and puts it back.
class WithThreads {
public:
    explicit WithThreads(int count) : before_(cv::getNumThreads()) { cv::setNumThreads(count); }
    ~WithThreads() { cv::setNumThreads(before_); }
    WithThreads(const WithThreads&) = delete;
    WithThreads& operator=(const WithThreads&) = delete;

private:
    int before_;
};

// The library leaves OpenCV's threads as they are, so that its results may not depend on them.
TEST(Pipeline, IsTheSameOnAnyNumberOfThreads) {
    const std::vector<Pipeline> pipelines = {
        Pipeline::from_json(kFull),
        steps(
            R"({"op":"grayscale"},{"op":"clahe","clip_limit":2,"tiles":[7,5]},{"op":"resize","width":224,"height":224},{"op":"tensor"})"),
        steps(R"({"op":"resize","width":333,"height":777},{"op":"tensor"})"),
        steps(R"({"op":"resize","width":333,"height":777,"interpolation":"bilinear"},{"op":"tensor"})"),
    };
    for (const auto& [width, height] : {std::pair(97, 89), std::pair(640, 480), std::pair(1999, 1501)}) {
        const Image image = test::phantom(width, height, 3);
        for (const Pipeline& pipeline : pipelines) {
            const Tensor one = [&] {
                const WithThreads threads(1);
                return pipeline.apply(image);
            }();
            for (const int count : {2, 3, 8}) {
                const WithThreads threads(count);
                EXPECT_EQ(pipeline.apply(image), one) << width << " " << count << " " << pipeline.to_json();
            }
        }
    }
}

TEST(Pipeline, MayBeAppliedByManyThreadsAtOnce) {
    const Pipeline pipeline = Pipeline::from_json(kFull);
    const Image image = test::phantom(400, 300, 3);
    const Tensor expected = pipeline.apply(image);
    std::vector<Tensor> results(4);
    {
        std::vector<std::jthread> threads;
        for (Tensor& result : results) threads.emplace_back([&] { result = pipeline.apply(image); });
    }
    for (const Tensor& result : results) EXPECT_EQ(result, expected);
}

}  // namespace
}  // namespace consilia::imaging
