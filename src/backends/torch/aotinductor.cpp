// Models that AOTInductor compiled.
#include <torch/csrc/inductor/aoti_torch/utils.h>
#include <torch/version.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common.hpp"
#include "compiled_code.hpp"
#include "consilia/c/backend.h"
#include "device.hpp"
#include "model.hpp"

namespace consilia::torch_backend {

namespace {

/// The compiler rounds sizes of constants up to it, where it packs some (align in torch/_inductor/graph.py).
constexpr std::uint64_t kAlignment = 64;

/// A container makes a tensor for each constant that its user manages and never deletes it
/// (MaybeOwningAtenTensorHandle in aoti_runtime/utils.h): 300 bytes for each, each time. Code is compiled
/// with the headers of the torch that is compiled against here, so that the version tells.
constexpr bool kLeavesHandles = TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 13;

const char* precision_name(std::int32_t precision) {
    return precision == CONSILIA_PRECISION_F16    ? "f16"
           : precision == CONSILIA_PRECISION_BF16 ? "bf16"
                                                  : "f32";
}

/// One set of constants over code that all models of it share.
class Container {
public:
    explicit Container(const CompiledCode& code) : code_(code) {
        code.check(code.create(&handle_, 1, "cpu", nullptr));
    }
    ~Container() { (void)code_.destroy(handle_); }
    Container(const Container&) = delete;
    Container& operator=(const Container&) = delete;
    [[nodiscard]] AOTInductorModelContainerHandle get() const noexcept { return handle_; }

private:
    const CompiledCode& code_;
    AOTInductorModelContainerHandle handle_ = nullptr;
};

/// A constant that the code was compiled without.
struct Place {
    std::string name;  ///< As the code calls it.
    c10::ScalarType dtype = c10::kFloat;
    std::uint64_t size_bytes = 0;
};

class CompiledModel final : public consilia_model {
public:
    ~CompiledModel() override {
        guarded(nullptr, 0, [&] { unbind(); });
    }

    CompiledModel(const CompiledCode& code, bool is_frozen) : code_(code), container_(code) {
        std::size_t inputs = 0;
        std::size_t outputs = 0;
        code_.check(code_.count_inputs(container_.get(), &inputs));
        code_.check(code_.count_outputs(container_.get(), &outputs));
        if (inputs != 1 || outputs != 1)
            throw std::invalid_argument("the compiled code does not take one tensor and give one");
        resident_bytes_ = code_.size_bytes;
        std::size_t count = 0;
        code_.check(code_.count_constants(container_.get(), &count));
        for (std::size_t i = 0; i < count; ++i) {
            bool is_folded = false;
            code_.check(code_.constant_is_folded(container_.get(), i, &is_folded));
            if (is_folded)
                throw std::invalid_argument("the compiled code folds constants of its own, which grow stale");
            Place place = read_place(i);
            if (is_frozen) {
                resident_bytes_ += place.size_bytes;
            } else {
                add_place(i, std::move(place));
            }
        }
    }

    void describe(consilia_backend_description_t& out) const override {
        out.resident_bytes = resident_bytes_;
        out.needs_weights = places_.empty() ? 0 : 1;
        out.measure_process = 1;  // oneDNN keeps scratch past torch's allocator.
    }

    void bind(std::span<const consilia_tensor_view_t> weights) override {
        const auto dtype_of = [](const Place& place) { return place.dtype; };
        auto matched = match_weights(places_, weights, device, dtype_of);
        for (const auto& [place, given] : matched) {
            const std::uint64_t padded = (given.nbytes() + kAlignment - 1) / kAlignment * kAlignment;
            if (given.nbytes() == place->size_bytes || padded == place->size_bytes) continue;
            throw std::invalid_argument("the tensor for `" + place->name + "` has " +
                                        std::to_string(given.nbytes()) + " bytes, the code wants " +
                                        std::to_string(place->size_bytes));
        }
        unbind();
        std::vector<AOTInductorConstantMapEntry> entries;
        for (auto& [place, given] : matched) {
            entries.push_back(
                {place->name.c_str(), torch::aot_inductor::tensor_pointer_to_tensor_handle(&given)});
        }
        code_.check(code_.set_constants(container_.get(), entries.data(), entries.size(), false, true));
        is_bound_ = true;
    }

    void unbind() override {
        if (!std::exchange(is_bound_, false) || !kLeavesHandles) return;
        const AOTInductorConstantMapEntry* entries = nullptr;
        std::size_t count = 0;
        code_.check(code_.get_constants(container_.get(), &entries, &count, false));
        for (const AOTInductorConstantMapEntry& entry : std::span(entries, count))
            delete torch::aot_inductor::tensor_handle_to_tensor_pointer(entry.handle);
        // The container still has their addresses, and reads none before others are set in their place.
    }

    at::Tensor forward(at::Tensor input) override {
        if (!places_.empty() && !is_bound_) throw std::runtime_error("weights are not bound");
        if (input.dim() != 4 || input.size(0) < 1 ||
            input.sizes().slice(1) != c10::IntArrayRef(code_.input_shape)) {
            throw std::invalid_argument(c10::str("the model was given ", input.sizes(), ", wants images of ",
                                                 c10::IntArrayRef(code_.input_shape)));
        }
        AtenTensorHandle given = torch::aot_inductor::new_tensor_handle(std::move(input));  // The code's.
        AtenTensorHandle made = nullptr;
        code_.check(code_.run(container_.get(), &given, 1, &made, 1, nullptr, nullptr));
        const std::unique_ptr<at::Tensor> logits(torch::aot_inductor::tensor_handle_to_tensor_pointer(made));
        return std::move(*logits);
    }

private:
    Place read_place(std::size_t index) const {
        const char* name = nullptr;
        std::int32_t dtype = 0;
        std::size_t size_bytes = 0;
        code_.check(code_.constant_name(container_.get(), index, &name));
        code_.check(code_.constant_dtype(container_.get(), index, &dtype));
        code_.check(code_.constant_size_bytes(container_.get(), index, &size_bytes));
        return {name, static_cast<c10::ScalarType>(dtype), size_bytes};
    }

    void add_place(std::size_t index, Place place) {
        const char* name = nullptr;
        code_.check(code_.constant_source_name(container_.get(), index, &name));
        if (!places_.emplace(name, std::move(place)).second)
            throw std::invalid_argument(std::string("the compiled code has two constants `") + name + "`");
    }

    const CompiledCode& code_;
    Container container_;
    std::map<std::string, Place> places_;
    std::uint64_t resident_bytes_ = 0;
    bool is_bound_ = false;
};

}  // namespace

std::unique_ptr<consilia_model> open_aotinductor(const consilia_backend_open_options_t& options) {
    const c10::Device device = find_device(options.device);
    if (device.type() != c10::kCPU)
        throw std::invalid_argument(std::string("it was compiled for `cpu`, not for `") + options.device +
                                    "`");
    const bool has_cache_path =
        options.struct_size >= sizeof options && options.cache_path != nullptr && *options.cache_path != '\0';
    const std::filesystem::path directory =
        has_cache_path ? std::filesystem::path(options.cache_path) : std::filesystem::temp_directory_path();
    const std::int32_t precision = checked_precision(options);
    const CompiledCode& code = map_compiled_code(options.code, options.code_size, directory);
    if (code.precision != precision) {
        throw std::invalid_argument(std::string("it was compiled for ") + precision_name(code.precision) +
                                    ", not for " + precision_name(precision));
    }
    const bool is_frozen = std::string_view(options.format) == "aotinductor-frozen";
    return std::make_unique<CompiledModel>(code, is_frozen);
}

}  // namespace consilia::torch_backend
