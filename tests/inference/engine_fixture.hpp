#pragma once
// Panels of simulated members, and what tests read from their diagnoses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "consilia/inference/engine.hpp"
#include "inference/packages.hpp"
#include "inference/simulated_backend.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::inference {

class EngineFixture : public testing::Test {
protected:
    void SetUp() override { test::SimulatedDevice::reset(); }

    std::filesystem::path add(const test::PackageSpec& spec) {
        packages_.push_back(test::write_package(directory_.path(), spec));
        return packages_.back();
    }
    /// Pixels that `shade` chooses.
    static imaging::Image image(unsigned shade = 1) {
        imaging::Image image{4, 4, 1, {}};
        for (unsigned i = 0; i < 16; ++i) image.pixels.push_back(static_cast<std::uint8_t>(i * shade));
        return image;
    }
    static std::vector<std::string> error_codes(const Diagnosis& diagnosis) {
        std::vector<std::string> codes;
        for (const Opinion& opinion : diagnosis.opinions) codes.push_back(opinion.error_code);
        return codes;
    }
    static void expect_same_bits(const Diagnosis& a, const Diagnosis& b) {
        EXPECT_EQ(a.label, b.label);
        EXPECT_EQ(a.probabilities, b.probabilities);
        ASSERT_EQ(a.opinions.size(), b.opinions.size());
        for (std::size_t i = 0; i < a.opinions.size(); ++i) {
            EXPECT_EQ(a.opinions[i].probabilities, b.opinions[i].probabilities);
        }
    }
    static std::vector<Inputs> images(const Engine& engine, unsigned count) {
        std::vector<Inputs> batch;
        for (unsigned i = 0; i < count; ++i) {
            imaging::Image image{4, 4, 1, {}};
            for (unsigned j = 0; j < 16; ++j) image.pixels.push_back(static_cast<std::uint8_t>(i * 16 + j));
            batch.push_back(engine.prepare(image));
        }
        return batch;
    }
    /// What members did to get along with less memory.
    static std::vector<std::string> notes(const Diagnosis& diagnosis) {
        std::vector<std::string> notes;
        for (const TraceEvent& event : diagnosis.trace) {
            if (event.kind == TraceKind::StepDown) notes.push_back(event.note);
        }
        return notes;
    }

    test::TemporaryDirectory directory_;
    std::vector<std::filesystem::path> packages_;
};

}  // namespace consilia::inference
