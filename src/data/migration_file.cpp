#include "migration_file.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"

namespace consilia::data {
namespace {

constexpr int kFormat = 1;
constexpr std::size_t kDigits = 4;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 22;
constexpr std::size_t kFilesMax = 9999;

bool is_numbered(const std::string& name) {
    return name.size() > kDigits + 1 && name[kDigits] == '_' &&
           std::all_of(name.begin(), name.begin() + kDigits, [](char c) { return c >= '0' && c <= '9'; });
}

[[noreturn]] void throw_file(const std::string& name, const std::string& why) {
    throw core::InvalidArgument("migration.file", "migration `" + name + "` " + why, {{"migration", name}});
}

MigrationFile read(const std::filesystem::path& path) {
    MigrationFile file{.name = path.stem().string(), .checksum = {}, .operations = {}};
    const std::string text = core::read_text_file(path, kFileBytesMax);
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object() || json.size() != 2 || !json.contains("operations") ||
        json.value("format", 0) != kFormat || !json["operations"].is_array()) {
        throw_file(file.name, "is not an object with `format` 1 and `operations`");
    }
    file.checksum = core::sha256(json.dump());
    for (const Json& operation : json["operations"]) {
        try {
            file.operations.push_back(operation_from(operation));
        } catch (const core::InvalidArgument& error) {
            throw_file(file.name, std::string("cannot be read: ") + error.what());
        }
    }
    return file;
}

}  // namespace

std::vector<MigrationFile> read_migrations(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() != ".json") continue;
        if (!is_numbered(entry.path().stem().string())) {
            throw_file(entry.path().stem().string(), "is not called `0001_title.json`");
        }
        paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    if (paths.size() > kFilesMax) throw_file(paths.back().stem().string(), "is one too many");
    std::vector<MigrationFile> files;
    for (const auto& path : paths) {
        files.push_back(read(path));
        const std::size_t number = std::stoul(files.back().name.substr(0, kDigits));
        if (number != files.size()) {
            throw_file(files.back().name, "should have the number " + std::to_string(files.size()));
        }
    }
    return files;
}

std::filesystem::path write_migration(const std::filesystem::path& directory, const std::string& name,
                                      const std::vector<Operation>& operations) {
    Json json{{"format", kFormat}, {"operations", Json::array()}};
    for (const Operation& operation : operations) json["operations"].push_back(to_json(operation));
    core::AtomicFile file(directory);
    const std::string text = json.dump(2) + '\n';
    file.write(std::as_bytes(std::span(text)));
    return file.commit(name + ".json");
}

}  // namespace consilia::data
