#pragma once
// Two members whose code is a line of text, and the backend that runs them: a panel without a model runtime.
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "consilia/core/files.hpp"
#include "consilia/inference/backend.hpp"
#include "consilia/screening/service.hpp"

namespace consilia::screening {

/// The table of a backend whose models always answer `Normal`.
class TestBackend {
public:
    static const consilia_backend_v1_t& table() {
        static const consilia_backend_v1_t kTable = [] {
            consilia_backend_v1_t made{};
            made.struct_size = sizeof made;
            made.api_version = CONSILIA_BACKEND_API_VERSION;
            made.name = "test";
            made.version = "1";
            made.formats = "test";
            made.query_device = [](const char*, consilia_backend_device_t* device, char*, std::size_t) {
                device->total_bytes = device->free_bytes = std::uint64_t{1} << 30;
                return 0;
            };
            made.open = [](const consilia_backend_open_options_t*, consilia_model_t** model, char*,
                           std::size_t) {
                static int state = 0;  // The models have none of their own.
                *model = reinterpret_cast<consilia_model_t*>(&state);
                return 0;
            };
            made.describe = [](consilia_model_t*, consilia_backend_description_t* description, char*,
                               std::size_t) {
                description->resident_bytes = 1000;
                description->needs_weights = 0;
                return 0;
            };
            made.bind_weights = [](consilia_model_t*, const consilia_tensor_view_t*, std::size_t, char*,
                                   std::size_t) { return 0; };
            made.unbind_weights = [](consilia_model_t*) {};
            made.run = [](consilia_model_t*, const consilia_tensor_view_t* input,
                          const consilia_tensor_view_t* output, consilia_backend_run_options_t*, char*,
                          std::size_t) {
                auto* logits = static_cast<float*>(output->data);
                for (std::int64_t i = 0; i < input->shape[0] * output->shape[1]; ++i) {
                    logits[i] = i % output->shape[1] == 1 ? 5.0F : 0.0F;
                }
                return 0;
            };
            made.release = [](consilia_model_t*) {};
            return made;
        }();
        return kTable;
    }
};

/// Packages of two members in a directory, which can be damaged and repaired.
class TestPanel {
public:
    explicit TestPanel(std::filesystem::path directory) : directory_(std::move(directory)) {
        for (const char* id : {"first", "second"}) {
            std::filesystem::create_directories(directory_ / id);
            write_code(id, kCode);
            const nlohmann::json manifest = {
                {"manifest_version", 1},
                {"id", id},
                {"architecture", "a line of text"},
                {"format", "test"},
                {"files",
                 {{"code",
                   {{"path", "code"}, {"sha256", core::sha256(kCode)}, {"size_bytes", kCode.size()}}}}},
                {"input",
                 {{"shape", {1, 8, 8}},
                  {"dtype", "float32"},
                  {"pipeline",
                   {{"version", 1},
                    {"steps",
                     {{{"op", "grayscale"}},
                      {{"op", "resize"}, {"width", 8}, {"height", 8}},
                      {{"op", "tensor"}, {"channels", 1}}}}}}}},
                {"classes", {"COVID", "Normal", "Viral Pneumonia", "Lung Opacity"}},
                {"weight", 1.0},
                {"temperature", 1.0}};
            std::ofstream(directory_ / id / "manifest.json") << manifest.dump();
        }
    }

    void install(ServiceOptions& options) const {
        options.members = {directory_ / "first", directory_ / "second"};
        options.engine.backends = {std::make_shared<const inference::Backend>(TestBackend::table())};
        options.budget_bytes = std::uint64_t{64} << 20;
    }

    void damage() const {
        for (const char* id : {"first", "second"}) write_code(id, "something else");
    }
    void repair() const {
        for (const char* id : {"first", "second"}) write_code(id, kCode);
    }

private:
    static constexpr std::string_view kCode = "answers `Normal`";

    void write_code(const char* id, std::string_view code) const {
        std::ofstream(directory_ / id / "code", std::ios::binary) << code;
    }

    std::filesystem::path directory_;
};

}  // namespace consilia::screening
