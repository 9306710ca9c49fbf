#pragma once
// What every backend must do, whoever wrote it: run over one member package of a format that it opens.
//
//     backend_suite --member=DIR [--backends=DIR] [--device=cpu] [--cycles=60]
//
// The package holds, beside what the engine reads, `logits.txt`: what the model gives for `example_image(0)`,
// as numbers that strtof reads. Programs that make such packages: tests/inference/make_torch_members.py,
// examples/backend_template/make_member.py.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consilia/inference/backend.hpp"
#include "consilia/inference/member.hpp"
#include "inference/weight_slab.hpp"

namespace consilia::inference {

struct SuiteOptions {
    std::filesystem::path member{};
    BackendSearch search{};
    std::string device = "cpu";
    int cycles = 60;  ///< Of loading and unloading, after as many to settle.
};
SuiteOptions& suite_options();

/// A model with its weights.
class LoadedModel {
public:
    LoadedModel(const std::shared_ptr<const Backend>& backend, const Member& member,
                Precision precision = Precision::F32, std::int32_t threads = 1);

    [[nodiscard]] Model& model() noexcept { return model_; }
    [[nodiscard]] bool has_weights() const noexcept { return slab_.has_value(); }
    [[nodiscard]] std::vector<consilia_tensor_view_t> weights() const;
    void bind() { model_.bind_weights(weights()); }
    /// The logits of a batch, one image after the other.
    std::vector<float> run(std::vector<float> images, std::size_t batch);
    [[nodiscard]] std::uint64_t activation_bytes() const noexcept { return activation_bytes_; }

private:
    const Member& member_;
    std::optional<WeightSlab> slab_;  // Outlives the model, which borrows from it.
    Model model_;
    std::uint64_t activation_bytes_ = 0;
};

class BackendSuite : public ::testing::Test {
protected:
    BackendSuite();
    [[nodiscard]] const Manifest& manifest() const { return member_.manifest(); }
    [[nodiscard]] LoadedModel load(Precision precision = Precision::F32, std::int32_t threads = 1) const {
        return {backend_, member_, precision, threads};
    }
    /// Opens without weights; `code` in place of the member's own.
    [[nodiscard]] Model open(const std::vector<std::byte>& code, const std::string& device) const;
    /// `(i + 3 * number) % 7 / 7` at index i.
    [[nodiscard]] std::vector<float> example_image(int number) const;
    [[nodiscard]] std::vector<float> example_batch(int count) const;
    /// Of the package.
    [[nodiscard]] std::vector<float> expected_logits() const;

    Member member_;
    std::shared_ptr<const Backend> backend_;
};

/// Whether `found` is as close to `expected` as float32 sums in another order are.
void expect_close(const std::vector<float>& found, const std::vector<float>& expected, float tolerance);
/// Private memory of this process, in bytes.
std::uint64_t private_bytes();
/// What a call that must fail says; fails the test if it does not throw or says more than one line.
template <class Call>
std::string message_of(const Call& call) {
    try {
        call();
    } catch (const std::exception& error) {
        const std::string message = error.what();
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        EXPECT_EQ(message.find("gave no reason"), std::string::npos) << message;
        return message;
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}

}  // namespace consilia::inference
