#include "consilia/inference/member.hpp"

#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "inference/sizes.hpp"

namespace consilia::inference {

namespace {

constexpr std::uint64_t kMaxCodeBytes = std::uint64_t{4} << 30;  // A frozen member holds its weights too.

[[noreturn]] void not_found(const std::string& member, const std::filesystem::path& path) {
    throw core::NotFound("member.not_found",
                         "member `" + member + "` has no `" + path.filename().string() + "`",
                         {{"member", member}, {"file", path.string()}});
}

[[noreturn]] void damaged(const std::string& member, const MemberFile& file, core::Value expected,
                          core::Value found) {
    throw core::InferenceError(
        "member.damaged",
        "`" + file.path.filename().string() + "` of member `" + member + "` is not what its manifest says",
        {{"member", member},
         {"file", file.path.string()},
         {"expected", std::move(expected)},
         {"found", std::move(found)}});
}

/// A file of the package that is there, lies in it also when links are followed, and is as long as it should
/// be.
void check_file(const Manifest& manifest, const MemberFile& file, const std::filesystem::path& directory) {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(file.path, error);
    if (error || !std::filesystem::is_regular_file(real, error)) not_found(manifest.id, file.path);
    const std::filesystem::path relative = real.lexically_relative(directory);
    if (relative.empty() || *relative.begin() == "..") {
        throw core::InferenceError("member.damaged",
                                   "`" + file.path.filename().string() + "` of member `" + manifest.id +
                                       "` is a link that leaves the package",
                                   {{"member", manifest.id}, {"file", file.path.string()}});
    }
    const std::uint64_t size = std::filesystem::file_size(real, error);
    if (error) not_found(manifest.id, file.path);
    if (size != file.size_bytes) damaged(manifest.id, file, to_detail(file.size_bytes), to_detail(size));
}

void check_hash(const Manifest& manifest, const MemberFile& file, const std::string& found) {
    if (found != file.sha256) damaged(manifest.id, file, file.sha256, found);
}

/// What the weights' table says against, in the terms of members.
template <class Read>
auto as_member_error(const Manifest& manifest, const Read& read) {
    try {
        return read();
    } catch (const core::InferenceError& error) {
        const bool is_unsupported = error.code() == "safetensors.unsupported";
        core::Details details = error.details();
        details.push_back({"member", manifest.id});
        throw core::InferenceError(is_unsupported ? "member.incompatible" : "member.damaged",
                                   "member `" + manifest.id + "`: " + error.what(), std::move(details));
    }
}

}  // namespace

Member::Member(const std::filesystem::path& directory) {
    std::error_code error;
    directory_ = std::filesystem::canonical(directory, error);
    const std::string name = directory.filename().string();
    if (error || !std::filesystem::is_directory(directory_, error)) {
        throw core::NotFound("member.not_found", "there is no member package `" + name + "`",
                             {{"member", name}, {"file", directory.string()}});
    }
    const std::filesystem::path manifest_path = directory_ / "manifest.json";
    if (!std::filesystem::is_regular_file(manifest_path, error)) not_found(name, manifest_path);
    const std::uint64_t size_bytes = std::filesystem::file_size(manifest_path, error);
    if (error || size_bytes > Manifest::kMaxBytes) {
        throw core::InferenceError("member.damaged", "the manifest of `" + name + "` is longer than 1 MiB",
                                   {{"member", name}, {"file", manifest_path.string()}});
    }
    const std::string text = core::read_text_file(manifest_path, Manifest::kMaxBytes);
    manifest_ = parse_manifest(text, directory_);

    check_file(manifest_, manifest_.code, directory_);
    check_hash(manifest_, manifest_.code, core::sha256_file(manifest_.code.path));
    if (manifest_.weights) {
        check_file(manifest_, *manifest_.weights, directory_);
        weights_ = as_member_error(manifest_, [this] { return SafetensorsFile(manifest_.weights->path); });
        check_hash(manifest_, *manifest_.weights, weights_->sha256());
    }
    core::Sha256 hash;
    hash.update(core::sha256(std::string_view(text)));
    hash.update(manifest_.code.sha256);
    if (manifest_.weights) hash.update(manifest_.weights->sha256);
    hash_ = hash.finish();
}

std::vector<std::byte> Member::read_code() const {
    check_file(manifest_, manifest_.code, directory_);
    std::vector<std::byte> code = core::read_file(manifest_.code.path, kMaxCodeBytes);
    check_hash(manifest_, manifest_.code, core::sha256(std::span<const std::byte>(code)));
    return code;
}

void Member::check_unchanged() const {
    if (weights_ && !weights_->is_unchanged()) {
        throw core::InferenceError(
            "member.damaged", "the weights of member `" + id() + "` were written to after they were checked",
            {{"member", id()}, {"file", manifest_.weights->path.string()}});
    }
}

}  // namespace consilia::inference
