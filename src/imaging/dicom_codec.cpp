// Finds and loads the codec, as inference does with backends: beside the library, loaded once, never
// unloaded.
#include "imaging/dicom_codec.hpp"

#include <dlfcn.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "core/plugin_files.hpp"

namespace consilia::imaging::dicom {
namespace {

constexpr const char* kFileName = "libconsilia_dicom_codec.so";

[[noreturn]] void throw_unavailable(const std::string& message, core::Details details) {
    throw core::Unavailable("image.dicom_unavailable", message, std::move(details));
}

const consilia_dicom_codec_t* load_now() {
    const std::vector<std::filesystem::path> directories = core::plugin_directories();
    const std::filesystem::path path = core::find_file(kFileName, directories);
    if (path.empty()) {
        throw_unavailable("the codec of compressed DICOM images is not installed",
                          {{"file", std::string(kFileName)}, {"searched", core::joined(directories)}});
    }
    void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const std::string reason = core::loader_message();
        throw_unavailable("the codec of compressed DICOM images cannot be loaded: " + reason,
                          {{"file", path.string()}, {"loader", reason}});
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
