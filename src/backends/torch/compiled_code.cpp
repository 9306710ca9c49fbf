#include "compiled_code.hpp"

#include <ATen/cpu/Utils.h>
#include <caffe2/serialize/inline_container.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "consilia/c/backend.h"
#include "sha256.hpp"

namespace consilia::torch_backend {

namespace {

/// What consilia/models/aotinductor.py writes into the archive's metadata.
constexpr const char* kTorchKey = "consilia.torch";
constexpr const char* kInstructionSetKey = "consilia.instruction_set";
constexpr const char* kInputShapeKey = "consilia.input_shape";
constexpr const char* kPrecisionKey = "consilia.precision";

class MemoryReader final : public caffe2::serialize::ReadAdapterInterface {
public:
    MemoryReader(const void* data, std::size_t size) : data_(static_cast<const char*>(data)), size_(size) {}
    std::size_t size() const override { return size_; }
    std::size_t read(std::uint64_t position, void* buffer, std::size_t n, const char*) const override {
        if (position >= size_) return 0;
        const std::size_t length = std::min(n, size_ - static_cast<std::size_t>(position));
        std::memcpy(buffer, data_ + position, length);
        return length;
    }

private:
    const char* data_;
    std::size_t size_;
};

/// The only record whose name ends so.
std::string record_name(caffe2::serialize::PyTorchStreamReader& reader, std::string_view ending) {
    std::string found;
    for (std::string& name : reader.getAllRecords()) {
        if (!name.ends_with(ending)) continue;
        if (!found.empty())
            throw std::invalid_argument("the archive has two records `*" + std::string(ending) + "`");
        found = std::move(name);
    }
    if (found.empty())
        throw std::invalid_argument("the archive has no record `*" + std::string(ending) + "`");
    return found;
}

std::string text_of(const nlohmann::json& metadata, const char* key) {
    const auto found = metadata.find(key);
    if (found == metadata.end() || !found->is_string())
        throw std::invalid_argument(std::string("the metadata of the compiled code lack `") + key + "`");
    return found->get<std::string>();
}

std::string running_torch() {
    const std::string version = TORCH_VERSION;
    return version.substr(0, version.find('+'));
}

bool has_capability(const std::unordered_map<std::string, c10::IValue>& capabilities,
                    const std::string& name) {
    const auto found = capabilities.find(name);
    if (found == capabilities.end()) return false;
    if (found->second.isBool()) return found->second.toBool();
    return false;
}

/// @throws std::invalid_argument if the code is for another torch, or uses what this processor lacks.
void check_key(const nlohmann::json& metadata) {
    const std::string torch = text_of(metadata, kTorchKey);
    const std::string wanted = text_of(metadata, kInstructionSetKey);
    const auto capabilities = at::cpu::get_cpu_capabilities();
    std::string lacking;
    std::istringstream words(wanted);
    for (std::string word; words >> word;) {
        const auto architecture = capabilities.find("architecture");
        const bool is_architecture = architecture != capabilities.end() && architecture->second.isString() &&
                                     architecture->second.toStringRef() == word;
        if (!is_architecture && !has_capability(capabilities, word))
            lacking += (lacking.empty() ? "" : " ") + word;
    }
    if (torch == running_torch() && lacking.empty() && !wanted.empty()) return;
    std::string reason = "it was compiled for torch " + torch + " and the instruction set `" + wanted +
                         "`; here is torch " + running_torch();
    if (!lacking.empty()) reason += ", and the processor lacks `" + lacking + "`";
    throw std::invalid_argument(reason + "; `consilia models rebuild` compiles it again");
}

std::vector<std::int64_t> parse_shape(const std::string& text) {
    std::vector<std::int64_t> shape;
    std::istringstream words(text);
    for (std::int64_t side = 0; words >> side;) shape.push_back(side);
    const bool is_positive = std::all_of(shape.begin(), shape.end(), [](std::int64_t n) { return n > 0; });
    if (shape.size() != 3 || !is_positive || !words.eof())
        throw std::invalid_argument(std::string("the metadata's `") + kInputShapeKey + "` is no shape");
    return shape;
}

std::int32_t parse_precision(const std::string& name) {
    if (name == "f32") return CONSILIA_PRECISION_F32;
    if (name == "bf16") return CONSILIA_PRECISION_BF16;
    if (name == "f16") return CONSILIA_PRECISION_F16;
    throw std::invalid_argument(std::string("the metadata's `") + kPrecisionKey + "` is no precision");
}

/// A file in a folder of its own, readable by its user alone, that is gone when this ends.
class TemporaryObject {
public:
    TemporaryObject(const std::filesystem::path& directory, const void* data, std::size_t size) {
        std::string folder = (directory / "consilia-code-XXXXXX").string();
        if (::mkdtemp(folder.data()) == nullptr) fail(folder, std::strerror(errno));
        folder_ = folder;
        std::ofstream file(path(), std::ios::binary);
        file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
        file.close();
        if (!file) {
            remove();
            fail(path(), "no space, or no permission");
        }
    }
    ~TemporaryObject() { remove(); }
    TemporaryObject(const TemporaryObject&) = delete;
    TemporaryObject& operator=(const TemporaryObject&) = delete;

    [[nodiscard]] std::filesystem::path path() const { return folder_ / "model.so"; }

private:
    [[noreturn]] static void fail(const std::filesystem::path& path, const std::string& why) {
        throw std::runtime_error("compiled code could not be written to `" + path.string() + "`: " + why);
    }
    void remove() const noexcept {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::filesystem::path folder_;
};

template <class Function>
void find_symbol(void* library, const char* name, Function& out) {
    out = reinterpret_cast<Function>(::dlsym(library, name));
    if (out == nullptr)
        throw std::invalid_argument(std::string("the compiled code has no function `") + name + "`");
}

void find_symbols(void* library, CompiledCode& code) {
    find_symbol(library, "AOTInductorModelContainerCreateWithDevice", code.create);
    find_symbol(library, "AOTInductorModelContainerDelete", code.destroy);
    find_symbol(library, "AOTInductorModelContainerRunSingleThreaded", code.run);
    find_symbol(library, "AOTInductorModelContainerGetNumInputs", code.count_inputs);
    find_symbol(library, "AOTInductorModelContainerGetNumOutputs", code.count_outputs);
    find_symbol(library, "AOTInductorModelContainerGetNumConstants", code.count_constants);
    find_symbol(library, "AOTInductorModelContainerGetConstantName", code.constant_name);
    find_symbol(library, "AOTInductorModelContainerGetConstantOriginalFQN", code.constant_source_name);
    find_symbol(library, "AOTInductorModelContainerGetConstantFromFolded", code.constant_is_folded);
    find_symbol(library, "AOTInductorModelContainerGetConstantDtype", code.constant_dtype);
    find_symbol(library, "AOTInductorModelContainerGetConstantDataSize", code.constant_size_bytes);
    find_symbol(library, "AOTInductorModelContainerUpdateUserManagedConstantBufferPairs", code.set_constants);
    find_symbol(library, "AOTInductorModelContainerExtractConstantsMapEntries", code.get_constants);
    find_symbol(library, "AOTInductorGetLastError", code.last_error);
}

std::unique_ptr<CompiledCode> map_archive(const void* archive, std::size_t size,
                                          const std::filesystem::path& directory) {
    caffe2::serialize::PyTorchStreamReader reader(std::make_shared<MemoryReader>(archive, size));
    const auto [text, text_size] = reader.getRecord(record_name(reader, ".wrapper_metadata.json"));
    const std::string_view metadata_text(static_cast<const char*>(text.get()), text_size);
    const nlohmann::json metadata = nlohmann::json::parse(metadata_text, nullptr, false);
    if (!metadata.is_object()) throw std::invalid_argument("the metadata of the compiled code are no JSON");
    check_key(metadata);

    auto code = std::make_unique<CompiledCode>();
    code->input_shape = parse_shape(text_of(metadata, kInputShapeKey));
    code->precision = parse_precision(text_of(metadata, kPrecisionKey));
    const auto [object, object_size] = reader.getRecord(record_name(reader, ".wrapper.so"));
    code->size_bytes = object_size;
    const TemporaryObject file(directory, object.get(), object_size);
    void* const library = ::dlopen(file.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* why = ::dlerror();
        throw std::runtime_error(std::string("the compiled code could not be mapped: ") +
                                 (why == nullptr ? "the loader gave no reason" : why));
    }
    find_symbols(library, *code);
    return code;
}

}  // namespace

void CompiledCode::check(AOTIRuntimeError status) const {
    if (status == AOTI_RUNTIME_SUCCESS) return;
    const char* message = nullptr;
    (void)last_error(&message);
    throw std::runtime_error(message == nullptr || *message == '\0' ? "the compiled code gave no reason"
                                                                    : message);
}

const CompiledCode& map_compiled_code(const void* archive, std::size_t size,
                                      const std::filesystem::path& directory) {
    static std::mutex mutex;
    static auto* const mapped = new std::map<std::string, std::unique_ptr<CompiledCode>>;  // Outlives models.
    const std::string key = backends::sha256_hex(archive, size);
    const std::lock_guard lock(mutex);
    auto found = mapped->find(key);
    if (found == mapped->end()) found = mapped->emplace(key, map_archive(archive, size, directory)).first;
    return *found->second;
}

}  // namespace consilia::torch_backend
