#include "backends/suite.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "consilia/core/files.hpp"

namespace consilia::inference {

SuiteOptions& suite_options() {
    static SuiteOptions options;
    return options;
}

namespace {

Model open_member(const std::shared_ptr<const Backend>& backend, const Member& member, Precision precision,
                  std::int32_t threads) {
    const auto code = member.read_code();
    return backend->open({.member_id = member.id(),
                          .format = member.manifest().format,
                          .device = suite_options().device,
                          .code = code,
                          .code_path = &member.manifest().code.path,
                          .precision = precision,
                          .threads = threads});
}

}  // namespace

LoadedModel::LoadedModel(const std::shared_ptr<const Backend>& backend, const Member& member,
                         Precision precision, std::int32_t threads)
    : member_(member), model_(open_member(backend, member, precision, threads)) {
    if (!model_.description().needs_weights) return;
    slab_.emplace(*member.weights(), SlabPlace{.backend = backend, .device = suite_options().device});
    slab_->load(slab_->size_bytes());
    bind();
}

std::vector<consilia_tensor_view_t> LoadedModel::weights() const {
    if (!slab_) return {};
    const auto views = slab_->views();
    return {views.begin(), views.end()};
}

std::vector<float> LoadedModel::run(std::vector<float> images, std::size_t batch) {
    const auto& side = member_.manifest().input_shape;
    const auto classes = static_cast<std::int64_t>(member_.manifest().classes.size());
    const auto count = static_cast<std::int64_t>(batch);
    const std::int64_t input_shape[] = {count, side[0], side[1], side[2]};
    const std::int64_t output_shape[] = {count, classes};
    std::vector<float> logits(batch * static_cast<std::size_t>(classes), std::nanf(""));
    activation_bytes_ = model_.run({nullptr, images.data(), input_shape, 4, CONSILIA_DTYPE_F32},
                                   {nullptr, logits.data(), output_shape, 2, CONSILIA_DTYPE_F32});
    return logits;
}

BackendSuite::BackendSuite()
    : member_(suite_options().member),
      backend_(Backend::load(Backend::name_for_format(member_.manifest().format), suite_options().search)) {}

Model BackendSuite::open(const std::vector<std::byte>& code, const std::string& device) const {
    return backend_->open({.member_id = "x", .format = manifest().format, .device = device, .code = code});
}

std::vector<float> BackendSuite::example_image(int number) const {
    const auto& side = manifest().input_shape;
    std::vector<float> image;
    for (std::int64_t i = 0; i < side[0] * side[1] * side[2]; ++i)
        image.push_back(static_cast<float>(static_cast<double>((i + 3 * number) % 7) / 7.0));
    return image;
}

std::vector<float> BackendSuite::example_batch(int count) const {
    std::vector<float> batch;
    for (int number = 0; number < count; ++number) {
        const auto image = example_image(number);
        batch.insert(batch.end(), image.begin(), image.end());
    }
    return batch;
}

std::vector<float> BackendSuite::expected_logits() const {
    std::ifstream file(suite_options().member / "logits.txt");
    std::vector<float> logits;
    for (std::string word; file >> word;) logits.push_back(std::strtof(word.c_str(), nullptr));
    return logits;
}

void expect_close(const std::vector<float>& found, const std::vector<float>& expected, float tolerance) {
    ASSERT_EQ(found.size(), expected.size());
    float largest = 1;
    for (const float value : expected) largest = std::max(largest, std::fabs(value));
    for (std::size_t i = 0; i < found.size(); ++i)
        EXPECT_NEAR(found[i], expected[i], tolerance * largest) << "at " << i;
}

std::uint64_t private_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("RssAnon:")) return std::strtoull(line.c_str() + 8, nullptr, 10) * 1024;
    }
    return 0;
}

}  // namespace consilia::inference
