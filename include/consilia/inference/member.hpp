#pragma once
// Member packages: a directory with a manifest, code and weights, checked before any of it is opened.
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/imaging/pipeline.hpp"
#include "consilia/inference/backend.hpp"
#include "consilia/inference/safetensors.hpp"

namespace consilia::inference {

/// One file of a package, as its manifest records it.
struct MemberFile {
    std::filesystem::path path{};  ///< Absolute, inside the package.
    std::string sha256{};          ///< 64 lower-case hexadecimal digits.
    std::uint64_t size_bytes = 0;
};

/// What `manifest.json` says. docs/inference.md lists its keys.
struct Manifest {
    static constexpr std::int64_t kVersion = 1;          ///< The only `manifest_version` that is read.
    static constexpr std::uint64_t kMaxBytes = 1 << 20;  ///< Longest manifest that is read.
    static constexpr std::size_t kMaxClasses = 1000;

    std::string id{};            ///< 1 to 64 of `a-z 0-9 . _ -`.
    std::string architecture{};  ///< For people.
    std::string format{};        ///< Chooses the backend: `torchscript`, `torchscript-frozen`, …
    MemberFile code{};
    std::optional<MemberFile> weights{};        ///< Safetensors; none if the code holds the weights.
    std::array<std::int64_t, 3> input_shape{};  ///< `[C, H, W]`, float32.
    imaging::Pipeline pipeline{};               ///< From an image to `input_shape`.
    std::vector<std::string> classes;           ///< In the order of the logits.
    double weight = 1.0;                        ///< Of its voice in a soft vote. Above 0.
    Precision precision = Precision::F32;       ///< What it computes in.
    double temperature = 1.0;                   ///< Logits are divided by it. Above 0.
    /// The most that one run of one image holds beyond weights, input and output; empty: measured at the
    /// first run.
    std::optional<std::uint64_t> activation_bytes{};
    std::map<std::string, std::string, std::less<>> created_with;  ///< Runtime and its version.
};

/// Reads a manifest; `directory` is the package that it lies in. Nothing but the text is looked at.
/// @throws InferenceError (`member.incompatible`: another manifest version; `member.damaged`: not JSON, a key
/// that is
///         missing or has no meaning, a file path that leaves the package) with `member` and `key` in its
///         details.
CONSILIA_API Manifest parse_manifest(std::string_view text, const std::filesystem::path& directory);

/// A package whose files are whole and are what the manifest says. Threading: compatible.
class CONSILIA_API Member {
public:
    /// Reads the manifest, checks size and SHA-256 of each file and the table of the weights. Weights are
    /// hashed in pieces and not kept; about 0.7 s a GB.
    /// @throws NotFound (`member.not_found`: no package, no manifest or a file missing); InferenceError
    ///         (`member.damaged` with `file`, `expected` and `found`; `member.incompatible`).
    explicit Member(const std::filesystem::path& directory);

    [[nodiscard]] const Manifest& manifest() const noexcept { return manifest_; }
    [[nodiscard]] const std::string& id() const noexcept { return manifest_.id; }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    /// SHA-256 over the hashes of manifest, code and weights: names exactly this member.
    [[nodiscard]] const std::string& hash() const noexcept { return hash_; }

    /// The code, its hash checked again. @throws as the constructor.
    [[nodiscard]] std::vector<std::byte> read_code() const;
    /// The weights, or null if the code holds them.
    [[nodiscard]] const SafetensorsFile* weights() const noexcept { return weights_ ? &*weights_ : nullptr; }
    /// Refuses weights that were written to since they were hashed: their file's size, inode or time of
    /// change differs.
    /// @throws InferenceError (`member.damaged`).
    void check_unchanged() const;

private:
    std::filesystem::path directory_;
    Manifest manifest_;
    std::string hash_;
    std::optional<SafetensorsFile> weights_;
};

}  // namespace consilia::inference
