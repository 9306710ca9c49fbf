#pragma once
// The files of migrations, read as a whole.
#include <filesystem>
#include <string>
#include <vector>

#include "operation.hpp"

namespace consilia::data {

struct MigrationFile {
    std::string name;      ///< `0002_add_notes`
    std::string checksum;  ///< Of the content; blanks and line ends do not count.
    std::vector<Operation> operations;
};

/// In the order of their numbers. @throws InvalidArgument (`migration.file`).
[[nodiscard]] std::vector<MigrationFile> read_migrations(const std::filesystem::path& directory);
/// @throws Conflict (`file.exists`).
std::filesystem::path write_migration(const std::filesystem::path& directory, const std::string& name,
                                      const std::vector<Operation>& operations);

}  // namespace consilia::data
