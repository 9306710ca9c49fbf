// Reads manifest.json: outside text, of which every key is checked.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/inference/member.hpp"

namespace consilia::inference {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxIdBytes = 64;
constexpr std::size_t kMaxTextBytes = 200;
constexpr int kMaxDepth = 16;
constexpr std::int64_t kMaxSide = 1 << 16;

/// Walks one manifest; carries what an error must name.
class Reader {
public:
    Reader(std::string_view text, const std::filesystem::path& directory) : directory_(directory) {
        member_ = directory.filename().string();
        // Deeper than this is no manifest, and writing it back would recurse as deep.
        const auto is_shallow = [this](int depth, json::parse_event_t, json&) {
            if (depth > kMaxDepth) damaged("", "is nested too deeply");
            return true;
        };
        document_ = json::parse(text, is_shallow, false);
        if (!document_.is_object()) damaged("", "is not a JSON object");
    }

    Manifest read() {
        check_version();
        Manifest manifest;
        manifest.id = read_id();
        member_ = manifest.id;
        manifest.architecture = text(document_, "architecture", kMaxTextBytes);
        manifest.format = text(document_, "format", kMaxIdBytes);
        read_files(manifest);
        read_input(manifest);
        read_classes(manifest);
        manifest.weight = positive_number("weight");
        manifest.temperature = positive_number("temperature");
        read_precision(manifest);
        if (document_.contains("activation_bytes"))
            manifest.activation_bytes = size(document_, "activation_bytes");
        read_created_with(manifest);
        return manifest;
    }

private:
    [[noreturn]] void fail(const char* code, const std::string& key, const std::string& what) const {
        throw core::InferenceError(
            code, "the manifest of `" + member_ + "`: " + (key.empty() ? "it" : "`" + key + "`") + " " + what,
            {{"member", member_}, {"key", key}});
    }
    [[noreturn]] void damaged(const std::string& key, const std::string& what) const {
        fail("member.damaged", key, what);
    }

    const json& require(const json& object, const char* key) const {
        const auto found = object.find(key);
        if (found == object.end()) damaged(key, "is missing");
        return *found;
    }
    const json& require_object(const json& object, const char* key) const {
        const json& value = require(object, key);
        if (!value.is_object()) damaged(key, "must be an object");
        return value;
    }
    std::string text(const json& object, const char* key, std::size_t bytes_max) const {
        const json& value = require(object, key);
        if (!value.is_string()) damaged(key, "must be text");
        auto result = value.get<std::string>();
        if (result.empty() || result.size() > bytes_max) {
            damaged(key, "must be of 1 to " + std::to_string(bytes_max) + " bytes");
        }
        return result;
    }
    std::uint64_t size(const json& object, const char* key) const {
        const json& value = require(object, key);
        constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost)
            damaged(key, "must be a size in bytes");
        return value.get<std::uint64_t>();
    }
    double positive_number(const char* key) const {
        const auto found = document_.find(key);
        if (found == document_.end()) return 1.0;
        const double value = found->is_number() ? found->get<double>() : 0.0;
        if (!(value > 0) || !std::isfinite(value)) damaged(key, "must be a number above zero");
        return value;
    }

    void check_version() const {
        const json& version = require(document_, "manifest_version");
        if (!version.is_number_integer()) damaged("manifest_version", "must be a whole number");
        const auto found = version.get<std::int64_t>();
        if (found != Manifest::kVersion) {
            fail("member.incompatible", "manifest_version",
                 "is " + std::to_string(found) + ", " + std::to_string(Manifest::kVersion) + " is read");
        }
    }

    std::string read_id() const {
        std::string id = text(document_, "id", kMaxIdBytes);
        const bool is_plain = std::all_of(id.begin(), id.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        });
        if (!is_plain || id.front() == '.' || id.front() == '-') {
            damaged("id", "must be of `a-z 0-9 . _ -`, beginning with a letter, digit or underscore");
        }
        return id;
    }

    MemberFile read_file_entry(const json& files, const char* key) const {
        const json& entry = require_object(files, key);
        const std::filesystem::path path = text(entry, "path", kMaxTextBytes);
        for (const auto& part : path) {
            if (part == ".." || path.is_absolute()) damaged(key, "must lie inside the package");
        }
        if (path.native().find('\0') != std::string::npos || !path.has_filename())
            damaged(key, "has no file name");
        std::string sha256 = text(entry, "sha256", 64);
        const bool is_hash = sha256.size() == 64 && std::all_of(sha256.begin(), sha256.end(), [](char c) {
                                 return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                             });
        if (!is_hash) damaged("sha256", "must be 64 lower-case hexadecimal digits");
        return {directory_ / path, std::move(sha256), size(entry, "size_bytes")};
    }

    void read_files(Manifest& manifest) const {
        const json& files = require_object(document_, "files");
        manifest.code = read_file_entry(files, "code");
        if (files.contains("weights")) manifest.weights = read_file_entry(files, "weights");
    }

    void read_input(Manifest& manifest) const {
        const json& input = require_object(document_, "input");
        if (text(input, "dtype", kMaxIdBytes) != "float32") {
            fail("member.incompatible", "input.dtype", "is not `float32`");
        }
        const json& shape = require(input, "shape");
        if (!shape.is_array() || shape.size() != 3) damaged("input.shape", "must be `[C, H, W]`");
        for (std::size_t i = 0; i < 3; ++i) {
            if (!shape[i].is_number_integer() || shape[i] < 1 || shape[i] > kMaxSide) {
                damaged("input.shape", "must be of sizes from 1 to " + std::to_string(kMaxSide));
            }
            manifest.input_shape[i] = shape[i].get<std::int64_t>();
        }
        try {
            manifest.pipeline = imaging::Pipeline::from_json(require_object(input, "pipeline").dump());
        } catch (const core::InvalidArgument& error) {
            fail("member.incompatible", "input.pipeline", std::string("cannot be used: ") + error.what());
        }
        const auto output = manifest.pipeline.output_shape();
        if (output && *output != manifest.input_shape) {
            damaged("input.pipeline", "gives another shape than `input.shape`");
        }
    }

    void read_classes(Manifest& manifest) const {
        const json& classes = require(document_, "classes");
        if (!classes.is_array() || classes.size() < 2 || classes.size() > Manifest::kMaxClasses) {
            damaged("classes", "must be a list of 2 to " + std::to_string(Manifest::kMaxClasses) + " names");
        }
        std::set<std::string> seen;
        for (const json& name : classes) {
            if (!name.is_string() || name.get_ref<const std::string&>().empty() ||
                name.get_ref<const std::string&>().size() > kMaxTextBytes ||
                !seen.insert(name.get<std::string>()).second) {
                damaged("classes",
                        "must be distinct names of 1 to " + std::to_string(kMaxTextBytes) + " bytes");
            }
            manifest.classes.push_back(name.get<std::string>());
        }
    }

    void read_precision(Manifest& manifest) const {
        if (!document_.contains("precision")) return;
        const std::string name = text(document_, "precision", kMaxIdBytes);
        try {
            manifest.precision = parse_precision(name);
        } catch (const core::InvalidArgument& error) {
            damaged("precision", std::string("cannot be used: ") + error.what());
        }
    }

    void read_created_with(Manifest& manifest) const {
        const auto found = document_.find("created_with");
        if (found == document_.end()) return;
        if (!found->is_object()) damaged("created_with", "must be an object");
        for (const auto& [runtime, version] : found->items()) {
            if (!version.is_string()) damaged("created_with", "must hold versions as text");
            manifest.created_with.emplace(runtime, version.get<std::string>());
        }
    }

    const std::filesystem::path& directory_;
    std::string member_;
    json document_;
};

}  // namespace

Manifest parse_manifest(std::string_view text, const std::filesystem::path& directory) {
    if (text.size() > Manifest::kMaxBytes) {
        throw core::InferenceError("member.damaged", "the manifest is longer than 1 MiB",
                                   {{"member", directory.filename().string()}, {"key", ""}});
    }
    return Reader(text, directory).read();
}

}  // namespace consilia::inference
