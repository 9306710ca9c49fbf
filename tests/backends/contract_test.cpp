// What a backend says of itself, and what it refuses.
#include <dlfcn.h>

#include <fstream>
#include <set>

#include "backends/suite.hpp"
#include "consilia/core/error.hpp"

namespace consilia::inference {
namespace {

/// The mapped file of a backend, asked by its own handle: its symbols are local.
consilia_backend_entry_fn entry_of(std::string_view backend) {
    std::ifstream maps("/proc/self/maps");
    const std::string name = "/libconsilia_backend_" + std::string(backend) + ".so";
    for (std::string line; std::getline(maps, line);) {
        if (!line.ends_with(name)) continue;
        void* handle = ::dlopen(line.substr(line.find('/')).c_str(), RTLD_NOW | RTLD_NOLOAD);
        if (handle == nullptr) return nullptr;
        return reinterpret_cast<consilia_backend_entry_fn>(::dlsym(handle, CONSILIA_BACKEND_ENTRY));
    }
    return nullptr;
}

TEST_F(BackendSuite, TheTableIsWholeAndForOneVersion) {
    const auto entry = entry_of(backend_->name());
    ASSERT_NE(entry, nullptr);
    const consilia_backend_v1_t* const table = entry(CONSILIA_BACKEND_API_VERSION);
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(entry(CONSILIA_BACKEND_API_VERSION), table);
    EXPECT_EQ(entry(CONSILIA_BACKEND_API_VERSION + 1), nullptr);
    EXPECT_EQ(table->api_version, std::uint32_t{CONSILIA_BACKEND_API_VERSION});
    EXPECT_EQ(table->reserved, 0U);
    EXPECT_EQ(std::string(table->name), Backend::name_for_format(manifest().format));
    EXPECT_NE(std::string(table->version), "");
    EXPECT_TRUE(backend_->opens(manifest().format));
    EXPECT_FALSE(backend_->opens(manifest().format + "x"));
    if (table->struct_size < sizeof *table) return;
    const bool has_memory = table->allocate != nullptr;
    EXPECT_EQ(table->deallocate != nullptr, has_memory);
    EXPECT_EQ(table->upload != nullptr, has_memory);
    EXPECT_EQ(table->finish_uploads != nullptr, has_memory);
}

TEST_F(BackendSuite, ItsSymbolsStayLocal) {
    void* const handle = ::dlopen(nullptr, RTLD_NOW);
    EXPECT_EQ(::dlsym(handle, CONSILIA_BACKEND_ENTRY), nullptr);
}

TEST_F(BackendSuite, KnowsItsDeviceAndNoOther) {
    const auto device = backend_->query_device(suite_options().device);
    EXPECT_GT(device.total_bytes, 0U);
    EXPECT_LE(device.free_bytes, device.total_bytes);
    for (const char* other : {"", "cpus", "cuda:99", "nowhere"}) {
        EXPECT_THROW((void)backend_->query_device(other), core::Unavailable) << other;
        EXPECT_THROW((void)open(member_.read_code(), other), core::InferenceError) << other;
    }
}

TEST_F(BackendSuite, RefusesCodeThatIsNone) {
    const auto whole = member_.read_code();
    std::vector<std::vector<std::byte>> damaged = {{}, std::vector<std::byte>(3, std::byte{7})};
    for (const std::size_t size : {std::size_t{8}, whole.size() / 2, whole.size() - 1})
        damaged.emplace_back(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string text = "this is no model";
    const auto bytes = std::as_bytes(std::span(text));
    damaged.emplace_back(bytes.begin(), bytes.end());
    for (const auto& code : damaged) {
        SCOPED_TRACE(code.size());
        EXPECT_NE(message_of([&] { (void)open(code, suite_options().device); }), "");
    }
    EXPECT_NO_THROW((void)open(whole, suite_options().device));
}

TEST_F(BackendSuite, RefusesAPrecisionThatItDoesNotKnow) {
    EXPECT_NE(message_of([&] { (void)load(static_cast<Precision>(7)); }), "");
}

TEST_F(BackendSuite, AsksForWeightsIfThePackageHasThem) {
    const Model model = open(member_.read_code(), suite_options().device);
    EXPECT_EQ(model.description().needs_weights, member_.weights() != nullptr);
    if (!model.description().needs_weights) {
        EXPECT_GT(model.description().resident_bytes, 0U) << "it holds its weights";
    }
}

TEST_F(BackendSuite, RefusesTensorsThatTheCodeHasNoPlaceFor) {
    LoadedModel loaded = load();
    const float value = 1;
    const std::int64_t shape[] = {1};
    auto views = loaded.weights();
    views.push_back({"nobody", const_cast<float*>(&value), shape, 1, CONSILIA_DTYPE_F32});
    const std::string message = message_of([&] { loaded.model().bind_weights(views); });
    EXPECT_NE(message.find("nobody"), std::string::npos) << message;
}

TEST_F(BackendSuite, RefusesMissingDoubledAndMistypedTensors) {
    LoadedModel loaded = load();
    if (!loaded.has_weights()) GTEST_SKIP() << "the code holds its weights";
    const auto views = loaded.weights();
    loaded.model().unbind_weights();
    const auto missing = std::span(views).first(views.size() - 1);
    const std::string message = message_of([&] { loaded.model().bind_weights(missing); });
    EXPECT_NE(message.find(views.back().name), std::string::npos) << message;
    auto changed = views;
    changed.push_back(views[0]);
    EXPECT_NE(message_of([&] { loaded.model().bind_weights(changed); }), "");
    changed = views;
    changed[0].dtype = CONSILIA_DTYPE_I64;
    EXPECT_NE(message_of([&] { loaded.model().bind_weights(changed); }), "");
    loaded.bind();
    expect_close(loaded.run(example_image(0), 1), expected_logits(), 1e-4F);
}

TEST_F(BackendSuite, RefusesOtherShapesAndGoesOn) {
    LoadedModel loaded = load();
    const auto expected = loaded.run(example_image(0), 1);
    const auto& side = manifest().input_shape;
    const auto classes = static_cast<std::int64_t>(manifest().classes.size());
    std::vector<float> space(4 * example_image(0).size());
    const auto run = [&](std::int64_t channels, std::int64_t logits) {
        const std::int64_t input_shape[] = {1, channels, side[1], side[2]};
        const std::int64_t output_shape[] = {1, logits};
        std::vector<float> answer(static_cast<std::size_t>(logits));
        loaded.model().run({nullptr, space.data(), input_shape, 4, CONSILIA_DTYPE_F32},
                           {nullptr, answer.data(), output_shape, 2, CONSILIA_DTYPE_F32});
    };
    EXPECT_NE(message_of([&] { run(side[0] + 1, classes); }), "");
    EXPECT_NE(message_of([&] { run(side[0], classes + 1); }), "");
    EXPECT_NE(message_of([&] { run(side[0], classes - 1); }), "");
    EXPECT_EQ(loaded.run(example_image(0), 1), expected);
}

}  // namespace
}  // namespace consilia::inference
