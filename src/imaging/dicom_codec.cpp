// Finds and loads the codec, as inference does with backends: beside the library, loaded once, never
// unloaded.
#include "imaging/dicom_codec.hpp"

#include <dlfcn.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"

namespace consilia::imaging::dicom {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFileName = "libconsilia_dicom_codec.so";

/// The folder of the program or shared object that this code is linked into.
fs::path own_directory() {
    Dl_info info{};
    static const int marker = 0;
    if (::dladdr(&marker, &info) == 0 || info.dli_fname == nullptr) return {};
    std::error_code error;
    const fs::path name = info.dli_fname;
    fs::path own = fs::canonical(name.has_parent_path() ? name : fs::path("/proc/self/exe"), error);
    return error ? fs::path() : own.parent_path();
}

/// `CONSILIA_BACKEND_PATH`, then where backends lie: see `src/inference/backend_loader.cpp`.
std::vector<fs::path> directories() {
    std::vector<fs::path> found;
    const char* value = std::getenv("CONSILIA_BACKEND_PATH");
    std::string_view rest = value == nullptr ? "" : value;
    while (!rest.empty()) {
        const std::size_t end = rest.find(':');
        if (end != 0) found.emplace_back(rest.substr(0, end));
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    const fs::path own = own_directory();
    if (own.empty()) return found;
    for (const char* relative :
         {"backends", "consilia/backends", "../backends", "../../backends", "../lib/consilia/backends"}) {
        found.push_back((own / relative).lexically_normal());
    }
    return found;
}

[[noreturn]] void throw_unavailable(const std::string& message, core::Details details) {
    throw core::Unavailable("image.dicom_unavailable", message, std::move(details));
}

const consilia_dicom_codec_t* load_now() {
    std::string searched;
    for (const fs::path& directory : directories()) {
        const fs::path path = directory / kFileName;
        std::error_code error;
        searched += (searched.empty() ? "" : ":") + directory.string();
        if (!fs::is_regular_file(path, error)) continue;
        void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) {
            const char* reason = ::dlerror();
            throw_unavailable(
                "the codec of compressed DICOM images needs a library that is not installed",
                {{"file", path.string()}, {"loader", std::string(reason == nullptr ? "" : reason)}});
        }
        const auto entry =
            reinterpret_cast<consilia_dicom_codec_entry_fn>(::dlsym(handle, CONSILIA_DICOM_CODEC_ENTRY));
        const auto* table = entry == nullptr ? nullptr : entry(CONSILIA_DICOM_CODEC_API_VERSION);
        if (table == nullptr) {
            throw_unavailable("the codec of compressed DICOM images is of another version",
                              {{"file", path.string()}});
        }
        return table;
    }
    throw_unavailable("the codec of compressed DICOM images is not installed",
                      {{"file", std::string(kFileName)}, {"searched", searched}});
}

}  // namespace

const consilia_dicom_codec_t& load_codec() {
    static std::mutex mutex;
    static const consilia_dicom_codec_t* table =
        nullptr;  // A failure is not kept: it may be installed later.
    const std::lock_guard lock(mutex);
    if (table == nullptr) table = load_now();
    return *table;
}

void decode_with_codec(const consilia_dicom_frame_t& frame, std::span<std::byte> samples) {
    std::array<char, 256> reason{};
    const int status =
        load_codec().decode(&frame, samples.data(), samples.size(), reason.data(), reason.size());
    if (status == CONSILIA_DICOM_CODEC_OK) return;
    if (status == CONSILIA_DICOM_CODEC_OUT_OF_MEMORY) throw std::bad_alloc();
    throw core::ValidationError("image.damaged", "the compressed pixel data are damaged",
                                {{"reason", std::string(reason.data())}, {"format", "dicom"}});
}

}  // namespace consilia::imaging::dicom
