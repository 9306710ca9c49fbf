#pragma once
// Member packages for tests: small files, real hashes.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "consilia/core/files.hpp"

namespace consilia::test {

inline void write_text(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

/// A safetensors file: the length of its header, the header, the data.
inline std::string safetensors(const std::string& header, const std::string& data) {
    const std::uint64_t length = header.size();
    std::string file(8, '\0');
    std::memcpy(file.data(), &length, 8);
    return file + header + data;
}

/// One float32 tensor `w` of this many bytes, of a content that `seed` chooses.
inline std::string one_tensor(std::uint64_t bytes, unsigned seed) {
    std::string data(static_cast<std::size_t>(bytes), '\0');
    for (char& byte : data) byte = static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24);
    const nlohmann::json header = {
        {"w", {{"dtype", "F32"}, {"shape", {bytes / 4}}, {"data_offsets", {0, bytes}}}}};
    return safetensors(header.dump(), data);
}

/// Writes tensors of 4 MiB and a rest, all zero: a file of any size that takes no room on disk.
inline void write_sparse_tensors(const std::filesystem::path& path, std::uint64_t bytes) {
    constexpr std::uint64_t kTensorBytes = 4 << 20;
    nlohmann::ordered_json header;
    for (std::uint64_t begin = 0; begin < bytes; begin += kTensorBytes) {
        const std::uint64_t end = std::min(begin + kTensorBytes, bytes);
        header["w" + std::to_string(begin)] = {
            {"dtype", "F32"}, {"shape", {(end - begin) / 4}}, {"data_offsets", {begin, end}}};
    }
    const std::string text = safetensors(header.dump(), "");
    write_text(path, text);
    std::filesystem::resize_file(path, text.size() + bytes);
}

struct PackageSpec {
    std::string id = "a";
    std::string code = "code=0 weights=1";  // What the simulated backend reads.
    std::uint64_t weights_bytes = 640;      // A multiple of 64, as in a slab. Zero: no weights file.
    unsigned seed = 1;
    bool is_sparse = false;              // Weights of zeros.
    std::uint64_t activation_bytes = 0;  // That the manifest states for each image; zero: it does not.
    std::string format = "simulated";
    std::vector<std::string> classes = {"COVID", "Normal", "Viral Pneumonia", "Lung Opacity"};
    int side = 4;  // Of the input, in pixels.
};

inline nlohmann::json file_entry(const std::filesystem::path& path) {
    return {{"path", path.filename().string()},
            {"sha256", core::sha256_file(path)},
            {"size_bytes", std::filesystem::file_size(path)}};
}

inline nlohmann::json read_manifest(const std::filesystem::path& package) {
    return nlohmann::json::parse(core::read_text_file(package / "manifest.json"));
}
inline void write_manifest(const std::filesystem::path& package, const nlohmann::json& manifest) {
    write_text(package / "manifest.json", manifest.dump(2));
}

/// Writes `<parent>/<id>.member` and returns its path.
inline std::filesystem::path write_package(const std::filesystem::path& parent, const PackageSpec& spec) {
    const std::filesystem::path package = parent / (spec.id + ".member");
    std::filesystem::create_directories(package);
    write_text(package / "code.pt", spec.code);
    nlohmann::json files = {{"code", file_entry(package / "code.pt")}};
    if (spec.weights_bytes > 0) {
        const std::filesystem::path weights = package / "weights.safetensors";
        if (spec.is_sparse) {
            write_sparse_tensors(weights, spec.weights_bytes);
        } else {
            write_text(weights, one_tensor(spec.weights_bytes, spec.seed));
        }
        files["weights"] = file_entry(weights);
    }
    const nlohmann::json pipeline = {{"version", 1},
                                     {"steps",
                                      {{{"op", "grayscale"}},
                                       {{"op", "resize"}, {"width", spec.side}, {"height", spec.side}},
                                       {{"op", "tensor"}, {"channels", 1}}}}};
    nlohmann::json manifest = {
        {"manifest_version", 1},
        {"id", spec.id},
        {"architecture", "Simulated"},
        {"format", spec.format},
        {"files", files},
        {"input", {{"shape", {1, spec.side, spec.side}}, {"dtype", "float32"}, {"pipeline", pipeline}}},
        {"classes", spec.classes},
        {"weight", 1.0},
        {"temperature", 1.0},
        {"weights_bytes", spec.weights_bytes},
        {"created_with", {{"simulated", "2.5.0"}}},
        {"notes", ""}};
    if (spec.activation_bytes > 0) manifest["activation_bytes"] = spec.activation_bytes;
    write_manifest(package, manifest);
    return package;
}

}  // namespace consilia::test
