#include "openvino/code_file.hpp"

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace consilia::backends {

namespace {

using nlohmann::json;

// The header names two tensors; whatever is longer is none of ours.
constexpr std::uint64_t kMaxHeaderBytes = 1 << 16;

[[noreturn]] void refuse(const std::string& why) {
    throw std::invalid_argument("the code is not a safetensors file of `xml` and `constants`: " + why);
}

std::span<const std::byte> find_bytes(const json& header, const char* name, std::span<const std::byte> data) {
    const auto entry = header.find(name);
    if (entry == header.end()) refuse("`" + std::string(name) + "` is missing");
    const json& offsets = entry->is_object() ? entry->value("data_offsets", json()) : json();
    const bool is_pair = offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() &&
                         offsets[1].is_number_unsigned();
    if (!is_pair || entry->value("dtype", json()) != "U8") {
        refuse("`" + std::string(name) + "` is no tensor of bytes");
    }
    const auto begin = offsets[0].get<std::uint64_t>();
    const auto end = offsets[1].get<std::uint64_t>();
    if (begin > end || end > data.size()) refuse("`" + std::string(name) + "` lies outside the file");
    return data.subspan(begin, end - begin);
}

}  // namespace

CodeFile read_code_file(std::span<const std::byte> file) {
    std::uint64_t header_bytes = 0;
    if (file.size() < sizeof header_bytes) refuse("it is too short");
    std::memcpy(&header_bytes, file.data(), sizeof header_bytes);
    file = file.subspan(sizeof header_bytes);
    if (header_bytes > kMaxHeaderBytes || header_bytes > file.size()) refuse("its header is too long");
    const auto* const text = reinterpret_cast<const char*>(file.data());
    const json header = json::parse(text, text + header_bytes, nullptr, false);
    if (!header.is_object()) refuse("its header is not a JSON object");
    const auto data = file.subspan(header_bytes);
    const auto xml = find_bytes(header, "xml", data);
    CodeFile code{
        {reinterpret_cast<const char*>(xml.data()), xml.size()}, find_bytes(header, "constants", data), {}};
    const auto metadata = header.find("__metadata__");
    if (metadata != header.end() && metadata->is_object() && metadata->contains("constants_sha256")) {
        const json& digest = metadata->at("constants_sha256");
        if (digest.is_string()) code.constants_sha256 = digest.get<std::string>();
    }
    return code;
}

}  // namespace consilia::backends
