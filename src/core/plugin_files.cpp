#include "core/plugin_files.hpp"

#include <dlfcn.h>

#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace consilia::core {
namespace {

namespace fs = std::filesystem;

/// The folder of the program or shared object that this code is linked into.
fs::path own_directory() {
    Dl_info info{};
    static const int marker = 0;
    if (::dladdr(&marker, &info) == 0 || info.dli_fname == nullptr) return {};
    std::error_code error;
    // The program itself is named as it was called, which may be without a folder.
    const fs::path name = info.dli_fname;
    fs::path own = fs::canonical(name.has_parent_path() ? name : fs::path("/proc/self/exe"), error);
    return error ? fs::path() : own.parent_path();
}

}  // namespace

std::vector<fs::path> directories_from_environment(const char* variable) {
    std::vector<fs::path> directories;
    const char* value = std::getenv(variable);
    std::string_view rest = value == nullptr ? "" : value;
    while (!rest.empty()) {
        const std::size_t end = rest.find(':');
        if (end != 0) directories.emplace_back(rest.substr(0, end));
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    return directories;
}

std::vector<fs::path> plugin_directories() {
    std::vector<fs::path> directories = directories_from_environment("CONSILIA_BACKEND_PATH");
    const fs::path own = own_directory();
    if (own.empty()) return directories;
    for (const char* relative :
         {"backends", "consilia/backends", "../backends", "../../backends", "../lib/consilia/backends"}) {
        directories.push_back((own / relative).lexically_normal());
    }
    return directories;
}

fs::path find_file(const std::string& name, const std::vector<fs::path>& directories) {
    for (const fs::path& directory : directories) {
        std::error_code error;
        fs::path path = directory / name;
        if (fs::is_regular_file(path, error)) return path;
    }
    return {};
}

std::string joined(const std::vector<fs::path>& paths) {
    std::string text;
    for (const fs::path& path : paths) text += (text.empty() ? "" : ":") + path.string();
    return text;
}

std::string loader_message() {
    const char* message = ::dlerror();
    return message == nullptr ? "the loader gave no reason" : message;
}

}  // namespace consilia::core
