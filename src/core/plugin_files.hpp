#pragma once
// Where the shared objects lie that are loaded on first use: backends and codecs.
#include <filesystem>
#include <string>
#include <vector>

namespace consilia::core {

/// The folders that an environment variable names, separated by colons; none where it is not set.
std::vector<std::filesystem::path> directories_from_environment(const char* variable);

/// `CONSILIA_BACKEND_PATH`, then the places beside the program or shared object that this code is linked
/// into. Built: `<build>/backends` beside `tests`, `capi` and `python/consilia`. Installed:
/// `lib/consilia/backends`, or `backends` inside the Python package.
std::vector<std::filesystem::path> plugin_directories();

/// The path of the file in the first of the folders that has it; empty if none has.
std::filesystem::path find_file(const std::string& name,
                                const std::vector<std::filesystem::path>& directories);

/// `a:b:c`, for messages.
std::string joined(const std::vector<std::filesystem::path>& paths);

/// Why the last `dlopen` of this thread failed.
std::string loader_message();

}  // namespace consilia::core
