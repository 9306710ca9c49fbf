#pragma once
// Model backends behind their C function table: found, loaded once a process, and called with errors as
// exceptions.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/c/backend.h"
#include "consilia/core/export.hpp"

namespace consilia::inference {

/// Where backends and the runtimes that they need are looked for, before the places that need no naming.
struct BackendSearch {
    /// Of `libconsilia_backend_<name>.so`. After these: `CONSILIA_BACKEND_PATH` (separated by colons), then
    /// the places beside the program or extension that this code is linked into (docs/backends.md).
    std::vector<std::filesystem::path> backend_directories{};
    /// Of libraries that a backend needs and the system's loader does not find: torch's `lib` folder. After
    /// these: `CONSILIA_RUNTIME_PATH`.
    std::vector<std::filesystem::path> runtime_directories{};
};

/// What a model says of itself once it is open.
struct ModelDescription {
    std::uint64_t resident_bytes = 0;  ///< Memory of its own: code, constants, frozen weights.
    bool needs_weights = false;
    bool measures_process = false;  ///< It takes more of the process than it can tell.
};

/// What a member computes in; its input and its logits stay float32.
enum class Precision : std::int32_t { F32 = 0, Bf16 = 1, F16 = 2 };
/// `f32`, `bf16`, `f16`.
CONSILIA_API std::string_view to_string(Precision precision) noexcept;
/// @throws InvalidArgument (`precision.unknown`).
CONSILIA_API Precision parse_precision(std::string_view name);

struct ModelRunOptions {
    std::int32_t threads = 0;  ///< Zero: as the process has it.
    bool is_deterministic = true;
};

/// An opened model of a backend, which must outlive it. Closes it when destroyed. Threading: confined.
class CONSILIA_API Model {
public:
    Model(Model&& other) noexcept;
    Model& operator=(Model&& other) noexcept;
    ~Model();

    [[nodiscard]] const ModelDescription& description() const noexcept { return description_; }
    /// The views' data must stay until `unbind_weights` or the end of the model. After a failure nothing is
    /// bound.
    /// @throws InferenceError (`member.incompatible`).
    void bind_weights(std::span<const consilia_tensor_view_t> weights);
    void unbind_weights() noexcept;
    /// Runs on `[N, C, H, W]` float32 and fills `output`, `[N, classes]`.
    /// @return the most bytes that the run held beyond weights, input and output; zero if the backend cannot
    /// tell.
    /// @throws InferenceError (`member.run_failed`).
    std::uint64_t run(const consilia_tensor_view_t& input, const consilia_tensor_view_t& output,
                      const ModelRunOptions& options = {});
    /// Forgets the model without closing it: in a forked child, where the backend must not be called.
    void abandon() noexcept { model_ = nullptr; }

private:
    friend class Backend;
    Model(const consilia_backend_v1_t* table, consilia_model_t* model) noexcept
        : table_(table), model_(model) {}
    void reset() noexcept;

    const consilia_backend_v1_t* table_;
    consilia_model_t* model_;
    ModelDescription description_;
    std::string member_id_;
};

/// What to open. Everything is borrowed for the call.
struct ModelSource {
    std::string_view member_id;  ///< For errors.
    std::string_view format;
    std::string_view device = "cpu";
    std::span<const std::byte> code{};
    const std::filesystem::path* code_path = nullptr;  ///< For messages; may be null.
    Precision precision = Precision::F32;
    std::int32_t threads = 0;  ///< For backends that fix it on opening. Zero: as the process has it.
    /// Where a backend may keep what it compiled; null: nowhere.
    const std::filesystem::path* cache_path = nullptr;
};

/// A table that has been checked. Threading: safe.
class CONSILIA_API Backend {
public:
    /// A backend that is linked in; the table must live as long as the process needs it.
    /// @throws Unavailable (`backend.incompatible`) for another API version or a table without its functions.
    explicit Backend(const consilia_backend_v1_t& table);

    /// Loads `libconsilia_backend_<name>.so`, once a process: a backend is never unloaded, since runtimes
    /// such as libtorch do not survive it. Symbols stay local.
    /// @throws Unavailable (`backend.unavailable`: not found, or a library that it needs is not there;
    ///         `backend.incompatible`), with the places that were searched or what the loader said in its
    ///         details.
    static std::shared_ptr<const Backend> load(std::string_view name, const BackendSearch& search = {});
    /// The name of the backend that opens a format: `torch` for `torchscript…` and `aotinductor…`, otherwise
    /// the format up to its first hyphen.
    [[nodiscard]] static std::string name_for_format(std::string_view format);

    [[nodiscard]] std::string_view name() const noexcept { return table_.name; }
    [[nodiscard]] std::string_view version() const noexcept { return table_.version; }
    [[nodiscard]] bool opens(std::string_view format) const noexcept;
    /// @throws Unavailable (`device.unavailable`) if the backend has no such device.
    [[nodiscard]] consilia_backend_device_t query_device(const std::string& device) const;
    /// @throws InferenceError (`member.incompatible`) with the backend's reason; ResourceExhausted
    ///         (`device.out_of_memory`).
    [[nodiscard]] Model open(const ModelSource& source) const;

    /// Whether weights live in memory that only the backend can give; otherwise in the host's.
    [[nodiscard]] bool has_device_memory(std::string_view device) const noexcept;
    /// A block of kind `CONSILIA_MEMORY_*`, for `deallocate`.
    /// @throws ResourceExhausted (`device.out_of_memory`); InferenceError (`device.failed`).
    [[nodiscard]] void* allocate(const std::string& device, std::int32_t kind,
                                 std::uint64_t size_bytes) const;
    void deallocate(const std::string& device, std::int32_t kind, void* block) const noexcept;
    /// Begins to copy from the host into a block of the device. @throws InferenceError (`device.failed`).
    void upload(const std::string& device, void* target, const void* source, std::uint64_t size_bytes) const;
    /// Waits for every upload. @throws InferenceError (`device.failed`).
    void finish_uploads(const std::string& device) const;
    /// Gives kept memory back to the device.
    void release_cache(const std::string& device) const noexcept;

private:
    consilia_backend_v1_t table_{};
};

}  // namespace consilia::inference
