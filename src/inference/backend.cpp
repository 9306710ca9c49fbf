#include "consilia/inference/backend.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "consilia/core/error.hpp"

namespace consilia::inference {

// The table is an ABI: backends built against an older header must still fit.
static_assert(sizeof(consilia_tensor_view_t) == 32);
static_assert(offsetof(consilia_tensor_view_t, data) == 8 && offsetof(consilia_tensor_view_t, shape) == 16);
static_assert(offsetof(consilia_tensor_view_t, rank) == 24 && offsetof(consilia_tensor_view_t, dtype) == 28);
static_assert(offsetof(consilia_backend_open_options_t, format) == 8);
static_assert(offsetof(consilia_backend_open_options_t, device) == 16);
static_assert(offsetof(consilia_backend_open_options_t, code) == 24);
static_assert(offsetof(consilia_backend_open_options_t, code_size) == 32);
static_assert(offsetof(consilia_backend_open_options_t, code_path) == 40);
static_assert(offsetof(consilia_backend_description_t, resident_bytes) == 8);
static_assert(offsetof(consilia_backend_description_t, needs_weights) == 16);
static_assert(offsetof(consilia_backend_run_options_t, threads) == 8);
static_assert(offsetof(consilia_backend_run_options_t, deterministic) == 12);
static_assert(offsetof(consilia_backend_run_options_t, activation_bytes_peak) == 16);
static_assert(offsetof(consilia_backend_device_t, total_bytes) == 8);
static_assert(offsetof(consilia_backend_device_t, free_bytes) == 16);
static_assert(offsetof(consilia_backend_v1_t, api_version) == 8 &&
              offsetof(consilia_backend_v1_t, name) == 16);
static_assert(offsetof(consilia_backend_v1_t, version) == 24 &&
              offsetof(consilia_backend_v1_t, formats) == 32);
static_assert(offsetof(consilia_backend_v1_t, query_device) == 40 &&
              offsetof(consilia_backend_v1_t, open) == 48);
static_assert(offsetof(consilia_backend_v1_t, describe) == 56);
static_assert(offsetof(consilia_backend_v1_t, bind_weights) == 64);
static_assert(offsetof(consilia_backend_v1_t, unbind_weights) == 72);
static_assert(offsetof(consilia_backend_v1_t, run) == 80 && offsetof(consilia_backend_v1_t, release) == 88);
static_assert(offsetof(consilia_backend_open_options_t, precision) == 48);
static_assert(offsetof(consilia_backend_open_options_t, threads) == 52);
static_assert(offsetof(consilia_backend_open_options_t, cache_path) == 56);
static_assert(offsetof(consilia_backend_v1_t, allocate) == 96);
static_assert(offsetof(consilia_backend_v1_t, deallocate) == 104);
static_assert(offsetof(consilia_backend_v1_t, upload) == 112);
static_assert(offsetof(consilia_backend_v1_t, finish_uploads) == 120);
static_assert(offsetof(consilia_backend_v1_t, release_cache) == 128);

namespace {

constexpr std::size_t kLeastTableBytes = offsetof(consilia_backend_v1_t, release) + sizeof(void*);

/// Where a backend writes what went wrong.
class ErrorText {
public:
    [[nodiscard]] char* data() noexcept { return text_.data(); }
    [[nodiscard]] static constexpr std::size_t size() noexcept { return kSize; }
    [[nodiscard]] std::string text() const {
        return text_.front() == '\0' ? "the backend gave no reason" : std::string(text_.data());
    }

private:
    static constexpr std::size_t kSize = 512;
    std::array<char, kSize + 1> text_{};  // The last byte stays zero, whatever a backend writes.
};

[[noreturn]] void throw_out_of_memory(std::string_view member_id, const char* doing, const std::string& why) {
    throw core::ResourceExhausted("device.out_of_memory",
                                  "the device refused memory for " + std::string(doing) + " member `" +
                                      std::string(member_id) + "`: " + why,
                                  {{"member", member_id}, {"step", doing}});
}

}  // namespace

std::string_view to_string(Precision precision) noexcept {
    return precision == Precision::F16 ? "f16" : precision == Precision::Bf16 ? "bf16" : "f32";
}

Precision parse_precision(std::string_view name) {
    for (const Precision precision : {Precision::F32, Precision::Bf16, Precision::F16}) {
        if (name == to_string(precision)) return precision;
    }
    throw core::InvalidArgument("precision.unknown", "a precision is `f32`, `bf16` or `f16`, not `" +
                                                         std::string(name.substr(0, 40)) + "`");
}

Model::Model(Model&& other) noexcept
    : table_(other.table_),
      model_(std::exchange(other.model_, nullptr)),
      description_(other.description_),
      member_id_(std::move(other.member_id_)) {}

Model& Model::operator=(Model&& other) noexcept {
    if (this == &other) return *this;
    reset();
    table_ = other.table_;
    model_ = std::exchange(other.model_, nullptr);
    description_ = other.description_;
    member_id_ = std::move(other.member_id_);
    return *this;
}

Model::~Model() {
    reset();
}

void Model::reset() noexcept {
    if (model_ != nullptr) table_->release(std::exchange(model_, nullptr));
}

void Model::bind_weights(std::span<const consilia_tensor_view_t> weights) {
    ErrorText error;
    const int status =
        table_->bind_weights(model_, weights.data(), weights.size(), error.data(), ErrorText::size());
    if (status == CONSILIA_BACKEND_OUT_OF_MEMORY) throw_out_of_memory(member_id_, "binding", error.text());
    if (status != CONSILIA_BACKEND_OK) {
        throw core::InferenceError(
            "member.incompatible",
            "the weights of member `" + member_id_ + "` do not fit its code: " + error.text(),
            {{"member", member_id_}});
    }
}

void Model::unbind_weights() noexcept {
    if (model_ != nullptr) table_->unbind_weights(model_);
}

std::uint64_t Model::run(const consilia_tensor_view_t& input, const consilia_tensor_view_t& output,
                         const ModelRunOptions& options) {
    consilia_backend_run_options_t given{};
    given.struct_size = sizeof given;
    given.threads = options.threads;
    given.deterministic = options.is_deterministic ? 1 : 0;
    ErrorText error;
    const int status = table_->run(model_, &input, &output, &given, error.data(), ErrorText::size());
    if (status == CONSILIA_BACKEND_OUT_OF_MEMORY) throw_out_of_memory(member_id_, "running", error.text());
    if (status != CONSILIA_BACKEND_OK) {
        throw core::InferenceError("member.run_failed", "member `" + member_id_ + "` failed: " + error.text(),
                                   {{"member", member_id_}});
    }
    return given.activation_bytes_peak;
}

Backend::Backend(const consilia_backend_v1_t& table) {
    const auto refuse = [](const std::string& why) { throw core::Unavailable("backend.incompatible", why); };
    if (table.struct_size < kLeastTableBytes)
        refuse("the table of a backend is shorter than its version says");
    if (table.api_version != CONSILIA_BACKEND_API_VERSION) {
        refuse("a backend has version " + std::to_string(table.api_version) + " of the table, " +
               std::to_string(CONSILIA_BACKEND_API_VERSION) + " is wanted");
    }
    std::memcpy(&table_, &table, std::min(table.struct_size, sizeof table_));
    const bool is_whole = table.name && table.version && table.formats && table.query_device && table.open &&
                          table.describe && table.bind_weights && table.unbind_weights && table.run &&
                          table.release;
    if (!is_whole) refuse("the table of a backend lacks a function");
    const bool gives_memory = table_.allocate || table_.deallocate || table_.upload || table_.finish_uploads;
    const bool gives_it_whole =
        table_.allocate && table_.deallocate && table_.upload && table_.finish_uploads;
    if (gives_memory && !gives_it_whole) refuse("the table of a backend lacks a function for device memory");
}

bool Backend::opens(std::string_view format) const noexcept {
    std::string_view rest = table_.formats;
    while (!rest.empty()) {
        const std::size_t end = rest.find(' ');
        if (rest.substr(0, end) == format) return !format.empty();
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    return false;
}

std::string Backend::name_for_format(std::string_view format) {
    for (const std::string_view of_torch : {"torchscript", "aotinductor"}) {
        if (format.starts_with(of_torch)) return "torch";
    }
    return std::string(format.substr(0, format.find('-')));
}

consilia_backend_device_t Backend::query_device(const std::string& device) const {
    consilia_backend_device_t answer{};
    answer.struct_size = sizeof answer;
    ErrorText error;
    if (table_.query_device(device.c_str(), &answer, error.data(), ErrorText::size()) != 0) {
        throw core::Unavailable("device.unavailable", "there is no device `" + device + "`: " + error.text(),
                                {{"device", device}, {"backend", name()}});
    }
    return answer;
}

Model Backend::open(const ModelSource& source) const {
    const std::string format(source.format);
    const std::string device(source.device);
    consilia_backend_open_options_t options{};
    options.struct_size = sizeof options;
    options.format = format.c_str();
    options.device = device.c_str();
    options.code = source.code.data();
    options.code_size = source.code.size();
    options.code_path = source.code_path == nullptr ? "" : source.code_path->c_str();
    options.precision = static_cast<std::int32_t>(source.precision);
    options.threads = source.threads;
    options.cache_path = source.cache_path == nullptr ? "" : source.cache_path->c_str();

    const auto refuse = [&](const ErrorText& error) {
        throw core::InferenceError(
            "member.incompatible",
            "member `" + std::string(source.member_id) + "` could not be opened: " + error.text(),
            {{"member", source.member_id}, {"backend", name()}, {"backend_version", version()}});
    };
    ErrorText error;
    consilia_model_t* opened = nullptr;
    const int status = table_.open(&options, &opened, error.data(), ErrorText::size());
    if (status == CONSILIA_BACKEND_OUT_OF_MEMORY)
        throw_out_of_memory(source.member_id, "opening", error.text());
    if (status != CONSILIA_BACKEND_OK || opened == nullptr) refuse(error);
    Model model(&table_, opened);
    model.member_id_ = source.member_id;
    consilia_backend_description_t description{};
    description.struct_size = sizeof description;
    if (table_.describe(opened, &description, error.data(), ErrorText::size()) != 0) refuse(error);
    model.description_ = {description.resident_bytes, description.needs_weights != 0,
                          description.measure_process != 0};
    return model;
}

bool Backend::has_device_memory(std::string_view device) const noexcept {
    return table_.allocate != nullptr && device != "cpu";
}

namespace {

/// Throws for a status of a device function.
void check_device(int status, const std::string& device, const char* doing, const ErrorText& error) {
    if (status == CONSILIA_BACKEND_OK) return;
    if (status == CONSILIA_BACKEND_OUT_OF_MEMORY) {
        throw core::ResourceExhausted("device.out_of_memory",
                                      "`" + device + "` refused memory: " + error.text(),
                                      {{"device", device}, {"step", doing}});
    }
    throw core::InferenceError("device.failed",
                               "`" + device + "` failed while " + doing + ": " + error.text(),
                               {{"device", device}, {"step", doing}});
}

}  // namespace

void* Backend::allocate(const std::string& device, std::int32_t kind, std::uint64_t size_bytes) const {
    ErrorText error;
    void* block = nullptr;
    check_device(table_.allocate(device.c_str(), kind, size_bytes, &block, error.data(), ErrorText::size()),
                 device, "allocating", error);
    return block;
}

void Backend::deallocate(const std::string& device, std::int32_t kind, void* block) const noexcept {
    if (block != nullptr) table_.deallocate(device.c_str(), kind, block);
}

void Backend::upload(const std::string& device, void* target, const void* source,
                     std::uint64_t size_bytes) const {
    ErrorText error;
    check_device(table_.upload(device.c_str(), target, source, size_bytes, error.data(), ErrorText::size()),
                 device, "uploading", error);
}

void Backend::finish_uploads(const std::string& device) const {
    ErrorText error;
    check_device(table_.finish_uploads(device.c_str(), error.data(), ErrorText::size()), device, "uploading",
                 error);
}

void Backend::release_cache(const std::string& device) const noexcept {
    if (table_.release_cache != nullptr) table_.release_cache(device.c_str());
}

}  // namespace consilia::inference
