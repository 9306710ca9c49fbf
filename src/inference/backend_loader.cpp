// Finds and loads backends. They are loaded once and never unloaded: libtorch does not survive it.
#include <dlfcn.h>

#include <map>
#include <mutex>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/inference/backend.hpp"
#include "core/plugin_files.hpp"

namespace consilia::inference {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxMissingLibraries = 16;

// A runtime must find its own symbols first. OpenCV brings the reference BLAS of the distribution into this
// process, and libtorch, which has one of its own under the same names, would otherwise call that: some 20
// times slower, and with other last bits. The sanitizers replace functions of the process and refuse the
// flag.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kOpenMode = RTLD_NOW | RTLD_LOCAL;
#else
constexpr int kOpenMode = RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND;
#endif

struct Loaded {
    std::map<std::string, std::shared_ptr<const Backend>, std::less<>> by_name;
    std::mutex mutex;
};

Loaded& loaded() {
    static auto* const instance = new Loaded;  // Never destroyed: models may outlive static objects.
    return *instance;
}

std::vector<fs::path> concatenated(std::vector<fs::path> first, const std::vector<fs::path>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

/// The library that the loader missed: `libx.so: cannot open shared object file: …`; empty for other
/// failures.
std::string missing_library(const std::string& message) {
    const std::size_t end = message.find(": cannot open shared object file");
    return end == std::string::npos ? std::string() : message.substr(0, end);
}

/// Loads a library. Those that it needs and the loader does not find are taken from `runtimes`: once one is
/// mapped, the loader finds it by its name.
void* open_library(const fs::path& path, const std::vector<fs::path>& runtimes, int depth,
                   std::string& message) {
    for (int attempt = 0; attempt < kMaxMissingLibraries; ++attempt) {
        if (void* handle = ::dlopen(path.c_str(), kOpenMode)) return handle;
        message = core::loader_message();
        const std::string missing = missing_library(message);
        if (depth >= kMaxMissingLibraries || missing.empty() || missing == path) return nullptr;
        const fs::path found = core::find_file(missing, runtimes);
        if (found.empty() || open_library(found, runtimes, depth + 1, message) == nullptr) return nullptr;
    }
    return nullptr;
}

std::string installation_hint(std::string_view name) {
    if (name == "torch")
        return ": install it with `pip install torch`, or name its `lib` folder in CONSILIA_RUNTIME_PATH";
    if (name == "openvino")
        return ": install it with `pip install openvino`, or name its `libs` folder in CONSILIA_RUNTIME_PATH";
    return "";
}

std::shared_ptr<const Backend> load_now(const std::string& name, const BackendSearch& search) {
    const std::string file_name = "libconsilia_backend_" + name + ".so";
    const std::vector<fs::path> directories =
        concatenated(search.backend_directories, core::plugin_directories());
    const fs::path path = core::find_file(file_name, directories);
    if (path.empty()) {
        throw core::Unavailable(
            "backend.unavailable", "the backend `" + name + "` was not found",
            {{"backend", name}, {"file", file_name}, {"searched", core::joined(directories)}});
    }
    const std::vector<fs::path> runtimes =
        concatenated(search.runtime_directories, core::directories_from_environment("CONSILIA_RUNTIME_PATH"));
    std::string message;
    void* handle = open_library(path, runtimes, 0, message);
    if (handle == nullptr) {
        const std::string missing = missing_library(message);
        throw core::Unavailable(
            "backend.unavailable",
            missing.empty() ? "the backend `" + name + "` does not fit the runtime that was found"
                            : "the backend `" + name + "` needs `" + missing + "`" + installation_hint(name),
            {{"backend", name},
             {"file", path.string()},
             {"loader", message},
             {"searched", core::joined(runtimes)}});
    }
    const auto entry = reinterpret_cast<consilia_backend_entry_fn>(::dlsym(handle, CONSILIA_BACKEND_ENTRY));
    const consilia_backend_v1_t* table = entry == nullptr ? nullptr : entry(CONSILIA_BACKEND_API_VERSION);
    if (table == nullptr) {
        throw core::Unavailable("backend.incompatible",
                                entry == nullptr
                                    ? "`" + file_name + "` is not a backend"
                                    : "the backend `" + name + "` does not know this version of the table",
                                {{"backend", name}, {"file", path.string()}});
    }
    return std::make_shared<const Backend>(*table);
}

}  // namespace

std::shared_ptr<const Backend> Backend::load(std::string_view name, const BackendSearch& search) {
    const bool is_plain =
        !name.empty() && name.size() <= 64 &&
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
    if (!is_plain) {
        throw core::Unavailable("backend.unavailable", "a backend's name is of `a-z 0-9 _`",
                                {{"backend", name.substr(0, 64)}});
    }
    const std::lock_guard lock(loaded().mutex);
    auto found = loaded().by_name.find(name);
    if (found == loaded().by_name.end()) {
        found = loaded().by_name.emplace(std::string(name), load_now(std::string(name), search)).first;
    }
    return found->second;
}

}  // namespace consilia::inference
