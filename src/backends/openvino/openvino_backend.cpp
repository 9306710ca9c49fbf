// OpenVINO behind the backend table. The only translation unit that sees its runtime.
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <openvino/openvino.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/c/backend.h"
#include "host.hpp"
#include "openvino/code_file.hpp"
#include "openvino/compiled_cache.hpp"

struct consilia_model {
    consilia::backends::MappedFile cached;  ///< What `compiled` was imported from, which borrows from it.
    ov::CompiledModel compiled;
    ov::InferRequest request;
    std::uint64_t resident_bytes = 0;
    std::map<std::int64_t, std::uint64_t> activation_bytes;  ///< By size of batch, as first measured.
};

namespace {

using namespace consilia::backends;

/// Threads and plugins of the runtime are the process's. Never destroyed: models may outlive static objects.
ov::Core& core() {
    static auto* const instance = [] {
        auto made = std::make_unique<ov::Core>();
        (void)made->get_property("CPU", ov::device::full_name);  // Loads the plugin: no cost of a model.
        return made.release();
    }();
    return *instance;
}

/// What OpenVINO says without where in its sources it says it: the lines `Exception from …`, `Check … failed
/// at …`.
std::string without_places(std::string_view message) {
    std::string text;
    while (!message.empty()) {
        const std::size_t end = std::min(message.find('\n'), message.size());
        const std::string_view line = message.substr(0, end);
        message.remove_prefix(std::min(end + 1, message.size()));
        if (line.empty() || line.starts_with("Exception from ") || line.find("' failed at ") != line.npos)
            continue;
        text += (text.empty() ? "" : "; ") + std::string(line);
    }
    return text.empty() ? "OpenVINO gave no reason" : text;
}

template <class Body>
int guarded(char* error, std::size_t error_size, Body&& body) noexcept {
    try {
        body();
        return CONSILIA_BACKEND_OK;
    } catch (const std::bad_alloc&) {
        write_error("there is not enough memory", error, error_size);
        return CONSILIA_BACKEND_OUT_OF_MEMORY;
    } catch (const ov::Exception& caught) {
        try {
            write_error(without_places(caught.what()), error, error_size);
        } catch (...) {
            write_error("there is not enough memory", error, error_size);
        }
    } catch (const std::exception& caught) {
        write_error(caught.what(), error, error_size);
    } catch (...) {
        write_error("an unknown exception", error, error_size);
    }
    return CONSILIA_BACKEND_FAILED;
}

/// Frees the buffers between layers, which OpenVINO would keep for the next run. They are taken by malloc
/// within a run, and given back here within microseconds, so that other threads hardly disturb the
/// difference.
std::uint64_t release_activations(consilia_model& model) {
    // More than this goes back to the system, which the next run pays with page faults. Less than this stays
    // with malloc, once a process, whatever the number of models.
    constexpr std::uint64_t kKeptByMalloc = 16 << 20;
    const std::uint64_t before = allocated_bytes();
    model.compiled.release_memory();
    const std::uint64_t released = difference(before, allocated_bytes());
    if (released > kKeptByMalloc) ::malloc_trim(0);
    return released;
}

int query_device(const char* device, consilia_backend_device_t* out, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
        check_host_device(device);
        query_host_memory(*out);
    });
}

/// A request for another precision than the processor computes in would be answered in float32.
ov::element::Type precision_for(std::int32_t precision) {
    if (precision == CONSILIA_PRECISION_F32) return ov::element::f32;
    const bool is_bf16 = precision == CONSILIA_PRECISION_BF16;
    if (!is_bf16 && precision != CONSILIA_PRECISION_F16)
        throw std::invalid_argument("unknown precision " + std::to_string(precision));
    const auto capabilities = core().get_property("CPU", ov::device::capabilities);
    const char* const wanted = is_bf16 ? ov::device::capability::BF16 : ov::device::capability::FP16;
    if (std::find(capabilities.begin(), capabilities.end(), wanted) == capabilities.end())
        throw std::invalid_argument(std::string("the processor does not compute in ") +
                                    (is_bf16 ? "bf16" : "f16"));
    return is_bf16 ? ov::element::bf16 : ov::element::f16;
}

/// One stream for the answer of one run; threads stay where the operating system puts them, as the host's do.
ov::AnyMap properties_for(const consilia_backend_open_options_t& options) {
    ov::AnyMap properties = {ov::hint::inference_precision(precision_for(options.precision)),
                             ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
                             ov::num_streams(1), ov::hint::enable_cpu_pinning(false)};
    if (options.threads > 0) {
        properties.insert(ov::inference_num_threads(options.threads));
        properties.insert(ov::hint::enable_hyper_threading(true));  // Otherwise at most one thread a core.
    }
    return properties;
}

using Ports = std::vector<ov::Output<const ov::Node>>;

/// `[N, C, H, W]` f32 to `[N, classes]` f32, with N open and the rest fixed.
void check_signature(const Ports& inputs, const Ports& outputs) {
    if (inputs.size() != 1 || outputs.size() != 1)
        throw std::invalid_argument("the graph must have one input and one output");
    const auto check = [](const char* what, const ov::Output<const ov::Node>& port, std::size_t rank) {
        const ov::PartialShape& shape = port.get_partial_shape();
        bool is_fit = port.get_element_type() == ov::element::f32 && shape.rank().is_static() &&
                      shape.size() == rank && shape[0].is_dynamic();
        for (std::size_t i = 1; is_fit && i < rank; ++i) is_fit = shape[i].is_static();
        if (!is_fit) {
            throw std::invalid_argument("the graph's " + std::string(what) + " is " +
                                        port.get_element_type().get_type_name() + " " + shape.to_string() +
                                        ", wanted f32 of rank " + std::to_string(rank) +
                                        " with only the batch open");
        }
    };
    check("input", inputs[0], 4);
    check("output", outputs[0], 2);
}

/// The compiled model keeps the constants.
ov::CompiledModel compile(const CodeFile& code, const ov::AnyMap& properties) {
    ov::Tensor constants(ov::element::u8, {code.constants.size()});
    std::memcpy(constants.data(), code.constants.data(), code.constants.size());
    const auto graph = core().read_model(std::string(code.xml), constants);
    const std::shared_ptr<const ov::Model> read_only = graph;
    check_signature(read_only->inputs(), read_only->outputs());
    return core().compile_model(graph, "CPU", properties);
}

/// Everything that a compiled model depends on. The constants count by their hash in the file: it was checked
/// before the entry was made, so a file that states another's hash gets the other's model, and spoils none.
std::string cache_key(const CodeFile& code, std::int32_t precision) {
    std::string key = std::string(ov::get_openvino_version().buildNumber) + "\n" +
                      core().get_property("CPU", ov::device::full_name) + "\n";
    for (const std::string& capability : core().get_property("CPU", ov::device::capabilities))
        key += capability + " ";
    return key + "\n" + std::to_string(precision) + "\n" + code.constants_sha256 + "\n" +
           sha256_hex(code.xml.data(), code.xml.size());
}

bool import_cached(consilia_model& model, const CompiledCache& cache, const ov::AnyMap& properties) {
    auto found = cache.find();
    if (!found) return false;
    model.cached = std::move(*found);
    try {
        const ov::Tensor blob(ov::element::u8, {model.cached.size()}, model.cached.data());
        model.compiled = core().import_model(blob, "CPU", properties);
        return true;
    } catch (const ov::Exception&) {
        cache.remove();
        model.cached = {};
        return false;
    }
}

/// From the cache if it is there. Its constants then are pages of a file, which leave the process once they
/// are packed for the kernels; otherwise they stay beside the packed ones.
void compile_or_import(consilia_model& model, const CodeFile& code,
                       const consilia_backend_open_options_t& options, const ov::AnyMap& properties) {
    const bool has_cache = options.cache_path != nullptr && options.cache_path[0] != '\0';
    if (!has_cache || code.constants_sha256.empty()) {
        model.compiled = compile(code, properties);
        return;
    }
    const CompiledCache cache(options.cache_path, cache_key(code, options.precision));
    if (import_cached(model, cache, properties)) return;
    if (sha256_hex(code.constants.data(), code.constants.size()) != code.constants_sha256)
        throw std::invalid_argument("the constants are not those whose hash the code states");
    ov::CompiledModel compiled = compile(code, properties);
    cache.store([&compiled](std::ostream& stream) { compiled.export_model(stream); });
    if (!import_cached(model, cache, properties)) model.compiled = compiled;
}

/// Kernels get their weights packed in the first run. One of an empty image belongs to opening, or memory
/// would be taken later that nobody has accounted for.
void run_once(consilia_model& model) {
    model.request = model.compiled.create_infer_request();
    ov::Shape shape = model.compiled.input().get_partial_shape().get_min_shape();
    shape[0] = 1;
    ov::Tensor image(ov::element::f32, shape);
    std::memset(image.data(), 0, image.get_byte_size());
    model.request.set_input_tensor(image);
    model.request.infer();
    model.activation_bytes[1] = release_activations(model);
    model.cached.drop_pages();
}

/// What opening took, by malloc's own count. The host's other threads may allocate meanwhile: their part is
/// bounded, and where nothing can be counted the constants and a packed copy of them are assumed.
std::uint64_t plausible_resident_bytes(std::uint64_t measured, std::uint64_t constants, bool is_cached) {
    constexpr std::uint64_t kMaxOverhead = 64 << 20;
    const std::uint64_t kept = is_cached ? 0 : constants;
    if (measured <= kept) return kept + constants;
    return std::min(measured, kept + 2 * constants + kMaxOverhead);
}

int open(const consilia_backend_open_options_t* options, consilia_model_t** out_model, char* error,
         size_t error_size) {
    return guarded(error, error_size, [&] {
        *out_model = nullptr;
        consilia_backend_open_options_t given{};
        std::memcpy(&given, options, std::min(options->struct_size, sizeof given));
        check_host_device(given.device);
        const CodeFile code = read_code_file({static_cast<const std::byte*>(given.code), given.code_size});
        const ov::AnyMap properties = properties_for(given);

        static std::mutex one_at_a_time;  // So that models do not count each other's memory.
        const std::lock_guard lock(one_at_a_time);
        const std::uint64_t before = allocated_bytes();
        auto model = std::make_unique<consilia_model_t>();
        compile_or_import(*model, code, given, properties);
        run_once(*model);
        ::malloc_trim(0);  // Compiling takes much that it gives back.
        model->resident_bytes = plausible_resident_bytes(
            difference(allocated_bytes(), before), code.constants.size(), model->cached.data() != nullptr);
        *out_model = model.release();
    });
}

int describe(consilia_model_t* model, consilia_backend_description_t* out, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
        out->resident_bytes = model->resident_bytes;
        out->needs_weights = 0;
    });
}

int bind_weights(consilia_model_t*, const consilia_tensor_view_t* weights, size_t count, char* error,
                 size_t error_size) {
    return guarded(error, error_size, [&] {
        if (count > 0) {
            throw std::invalid_argument("the code has no place for the tensor `" +
                                        std::string(weights[0].name) + "`: it holds its weights");
        }
    });
}

void unbind_weights(consilia_model_t*) {}

ov::Shape shape_of(const consilia_tensor_view_t& view) {
    ov::Shape shape;
    for (std::int32_t i = 0; i < view.rank; ++i) shape.push_back(static_cast<std::size_t>(view.shape[i]));
    return shape;
}

ov::Shape checked_input_shape(const consilia_model& model, const consilia_tensor_view_t& input) {
    const ov::PartialShape& wanted = model.compiled.input().get_partial_shape();
    ov::Shape shape = shape_of(input);
    if (input.dtype != CONSILIA_DTYPE_F32 || shape.empty() || shape[0] == 0 || !wanted.compatible(shape)) {
        throw std::invalid_argument("the input has shape " + ov::PartialShape(shape).to_string() +
                                    ", wanted f32 " + wanted.to_string());
    }
    return shape;
}

int run(consilia_model_t* model, const consilia_tensor_view_t* input, const consilia_tensor_view_t* output,
        consilia_backend_run_options_t* options, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
        const ov::Shape shape = checked_input_shape(*model, *input);
        model->request.set_input_tensor(ov::Tensor(ov::element::f32, shape, input->data));
        model->request.infer();
        const ov::Tensor logits = model->request.get_output_tensor();
        const ov::Shape wanted = shape_of(*output);
        if (output->dtype != CONSILIA_DTYPE_F32 || logits.get_shape() != wanted) {
            throw std::runtime_error("the model gave f32 " +
                                     ov::PartialShape(logits.get_shape()).to_string() + ", wanted " +
                                     ov::PartialShape(wanted).to_string());
        }
        std::memcpy(output->data, logits.data(), logits.get_byte_size());
        const std::uint64_t released = release_activations(*model);
        const auto known = model->activation_bytes.try_emplace(static_cast<std::int64_t>(shape[0]), released);
        if (options != nullptr && options->struct_size >= sizeof *options)
            options->activation_bytes_peak = known.first->second;
    });
}

void release(consilia_model_t* model) {
    if (model == nullptr) return;
    delete model;
    ::malloc_trim(0);  // Packed weights are many small blocks, which malloc would keep.
}

/// `2026.4.1` of `2026.4.1-22982-e213a147257-releases/2026/4`.
const char* version() {
    static const std::string text = [] {
        const std::string_view build = ov::get_openvino_version().buildNumber;
        return std::string(build.substr(0, build.find('-')));
    }();
    return text.c_str();
}

const consilia_backend_v1_t& table() {
    static const consilia_backend_v1_t table = {sizeof(consilia_backend_v1_t),
                                                CONSILIA_BACKEND_API_VERSION,
                                                0,
                                                "openvino",
                                                version(),
                                                "openvino",
                                                &query_device,
                                                &open,
                                                &describe,
                                                &bind_weights,
                                                &unbind_weights,
                                                &run,
                                                &release,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr};
    return table;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const consilia_backend_v1_t* consilia_backend_entry(
    uint32_t api_version) {
    return api_version == CONSILIA_BACKEND_API_VERSION ? &table() : nullptr;
}
