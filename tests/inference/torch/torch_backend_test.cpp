// The engine over real libtorch: the same logits as Python's torch, the same bits resident and streamed,
// nothing of the process changed. What every backend must do is in tests/backends. The packages are made by
// make_torch_members.py, as a fixture.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "consilia/core/error.hpp"
#include "consilia/inference/engine.hpp"

namespace consilia::inference {
namespace {

const std::filesystem::path kMembers = CONSILIA_TORCH_MEMBERS;

std::vector<std::filesystem::path> streamable() {
    return {kMembers / "w300.member", kMembers / "w400.member", kMembers / "w500.member"};
}

/// The input that the fixture gave to Python: i % 7 / 7.
std::shared_ptr<const imaging::Tensor> example(const Manifest& manifest) {
    imaging::Tensor tensor{manifest.input_shape, imaging::Layout::Chw, {}};
    for (int i = 0; i < 256; ++i) tensor.values.push_back(static_cast<float>(i % 7 / 7.0));
    return std::make_shared<const imaging::Tensor>(std::move(tensor));
}

std::vector<float> logits_of_python(const std::string& id) {
    std::ifstream file(kMembers / (id + ".member") / "logits.txt");
    std::vector<float> logits;
    for (std::string word; file >> word;) logits.push_back(std::strtof(word.c_str(), nullptr));
    return logits;
}

/// Mapped files whose name begins so.
std::set<std::string> mapped(const std::string& prefix) {
    std::ifstream maps("/proc/self/maps");
    std::set<std::string> found;
    for (std::string line; std::getline(maps, line);) {
        const std::size_t at = line.rfind('/');
        if (at != std::string::npos && line.compare(at + 1, prefix.size(), prefix) == 0) {
            found.insert(line.substr(line.find('/')));
        }
    }
    return found;
}

EngineOptions options(std::uint64_t budget_bytes = 0) {
    EngineOptions options;
    options.budget_bytes = budget_bytes;
    return options;
}

TEST(TorchBackend, IsLoadedByTheFirstRunAndOnlyOnce) {
    // Runs first in its own process: ctest starts one for each test.
    ASSERT_TRUE(mapped("libtorch_cpu.so").empty());
    Engine engine(streamable(), options());
    EXPECT_TRUE(mapped("libtorch_cpu.so").empty());
    (void)engine.run(&example);
    EXPECT_EQ(mapped("libtorch_cpu.so").size(), 1U);
    EXPECT_EQ(mapped("libgomp").size(), 1U);
    EXPECT_EQ(mapped("libtorch_python.so").size(), 0U);
}

TEST(TorchBackend, CompiledCodeThatCannotBeWrittenSaysWhere) {
    // Before others map the code in this process.
    const auto backend = Backend::load("torch");
    const Member member(kMembers / "compiled-frozen.member");
    const auto code = member.read_code();
    const std::filesystem::path folder = "/nowhere";
    try {
        (void)backend->open(
            {.member_id = "x", .format = member.manifest().format, .code = code, .cache_path = &folder});
        FAIL() << "code was written to a folder that is not there";
    } catch (const core::InferenceError& error) {
        EXPECT_NE(std::string(error.what()).find("/nowhere"), std::string::npos) << error.what();
    }
}

TEST(TorchBackend, GivesWhatPythonGives) {
    auto members = streamable();
    members.push_back(kMembers / "frozen.member");
    Engine engine(members, options());
    const Diagnosis diagnosis = engine.run(&example);
    for (const Opinion& opinion : diagnosis.opinions) {
        SCOPED_TRACE(opinion.member_id);
        ASSERT_EQ(opinion.error_message, "");
        const auto expected = softmax(logits_of_python(opinion.member_id));
        for (std::size_t i = 0; i < expected.size(); ++i)
            EXPECT_NEAR(opinion.probabilities[i], expected[i], 1e-5);
    }
}

TEST(TorchBackend, CompiledMembersGiveWhatPythonGives) {
    Engine engine({kMembers / "compiled.member", kMembers / "compiled-frozen.member",
                   kMembers / "compiled-bf16.member"},
                  options());
    const Diagnosis diagnosis = engine.run(&example);
    for (const Opinion& opinion : diagnosis.opinions) {
        SCOPED_TRACE(opinion.member_id);
        ASSERT_EQ(opinion.error_message, "");
        const double tolerance = opinion.precision == "bf16" ? 0.02 : 1e-5;
        const auto expected = softmax(logits_of_python(opinion.member_id));
        for (std::size_t i = 0; i < expected.size(); ++i)
            EXPECT_NEAR(opinion.probabilities[i], expected[i], tolerance);
    }
}

TEST(TorchBackend, CompiledCodeIsMappedOnceAndLeavesNoFile) {
    const std::filesystem::path folder = ::testing::TempDir() + "consilia_compiled_code";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    EngineOptions there = options();
    there.cache_directory = folder;
    const std::size_t before = mapped("model.so").size();
    const std::vector<std::filesystem::path> members = {kMembers / "compiled.member"};
    std::vector<double> expected;
    {
        Engine engine(members, there);
        expected = engine.run(&example).opinions[0].probabilities;
        Engine beside(members, there);
        EXPECT_EQ(beside.run(&example).opinions[0].probabilities, expected);
    }
    const std::size_t after = mapped("model.so").size();
    EXPECT_GE(after, 1U);
    EXPECT_LE(after, before + 1);
    Engine again(members, there);
    EXPECT_EQ(again.run(&example).opinions[0].probabilities, expected);
    EXPECT_EQ(mapped("model.so").size(), after);
    for (const auto& left : std::filesystem::recursive_directory_iterator(folder))
        EXPECT_FALSE(left.path().filename() == "model.so") << left.path();
    std::filesystem::remove_all(folder);
}

TEST(TorchBackend, CompiledMembersAreStreamedWithinTheBudget) {
    const std::vector<std::filesystem::path> members = {kMembers / "w500.member",
                                                        kMembers / "compiled.member"};
    Engine resident(members, options());
    (void)resident.run(&example);
    const Diagnosis expected = resident.run(&example);
    std::uint64_t weights = 0;
    for (const auto& planned : resident.plan().members) weights += planned.cost.weights_bytes;
    Engine streaming(members, options(resident.memory().peak_bytes - weights / 4));
    for (int pass = 0; pass < 5; ++pass) {
        const Diagnosis found = streaming.run(&example);
        for (std::size_t i = 0; i < found.opinions.size(); ++i) {
            EXPECT_EQ(found.opinions[i].error_message, "");
            EXPECT_EQ(found.opinions[i].probabilities, expected.opinions[i].probabilities);
        }
    }
}

TEST(TorchBackend, StreamingGivesTheSameBitsWithinTheBudget) {
    Engine resident(streamable(), options());
    Diagnosis expected = resident.run(&example);
    expected = resident.run(&example);
    std::uint64_t largest = 0;
    for (const auto& planned : resident.plan().members) {
        EXPECT_GT(planned.cost.activation_bytes, 0U);
        largest = std::max(
            largest, planned.cost.code_bytes + planned.cost.weights_bytes + planned.cost.activation_bytes);
    }
    // Opened code of the others, and the moment at which a code file is read.
    const std::uint64_t budget = largest + 64 * 1024;
    Engine streaming(streamable(), options(budget));
    for (int pass = 0; pass < 5; ++pass) {
        const Diagnosis found = streaming.run(&example);
        for (std::size_t i = 0; i < found.opinions.size(); ++i) {
            EXPECT_EQ(found.opinions[i].error_message, "");
            EXPECT_EQ(found.opinions[i].probabilities, expected.opinions[i].probabilities);
        }
        EXPECT_LE(found.peak_bytes, budget);
    }
    EXPECT_FALSE(streaming.plan().is_all_resident());
    EXPECT_LE(streaming.memory().peak_bytes, budget);
}

TEST(TorchBackend, LeavesTheThreadCountOfTheProcessAlone) {
    Engine engine(streamable(), options());
    (void)engine.run(&example);
    // The runtime is mapped with local symbols: asked for by its own handle.
    void* torch = ::dlopen(mapped("libtorch_cpu.so").begin()->c_str(), RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(torch, nullptr);
    const auto threads = reinterpret_cast<int (*)()>(::dlsym(torch, "_ZN2at15get_num_threadsEv"));
    ASSERT_NE(threads, nullptr);
    const int before = threads();
    EngineOptions one = options();
    one.threads = before + 1;
    Engine other(streamable(), one);
    (void)other.run(&example);
    EXPECT_EQ(threads(), before);
}

TEST(TorchBackend, AnAbsentBackendSaysWhereItWasLookedFor) {
    try {
        (void)Backend::load("absent", {.backend_directories = {"/nowhere"}});
        FAIL() << "a backend that is not there was loaded";
    } catch (const core::Unavailable& error) {
        EXPECT_EQ(error.code(), "backend.unavailable");
        EXPECT_NE(error.details_json().find("/nowhere"), std::string::npos);
    }
    EXPECT_THROW((void)Backend::load("../torch"), core::Unavailable);
}

}  // namespace
}  // namespace consilia::inference
