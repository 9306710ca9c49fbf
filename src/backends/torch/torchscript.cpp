// TorchScript behind the backend table.
#include <ATen/autocast_mode.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/lower_graph.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/script.h>
#include <torch/version.h>

#include <algorithm>
#include <cstring>
#include <istream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "common.hpp"
#include "consilia/c/backend.h"
#include "device.hpp"

struct consilia_model {
    /// One flat graph whose inputs after the first are the tensors of the module. The module itself, its
    /// classes and the text that they were parsed from are gone: several times as much memory as the graph.
    std::optional<torch::jit::Code> code;
    std::vector<c10::IValue> attributes;
    std::optional<torch::jit::Module> module;  ///< Of code that cannot be flattened.
    std::map<std::string, at::Tensor>
        missing;  ///< What the code was saved without; the tensors are the module's own.
    std::uint64_t resident_bytes = 0;
    c10::Device device = c10::kCPU;
    std::int32_t precision = CONSILIA_PRECISION_F32;
};

namespace {

using namespace consilia::torch_backend;

/// Runs the graph as it was saved. The optimising executor would profile the first runs and change later
/// ones, so that results and memory would depend on how often a model has run. The switch is the thread's
/// own.
class PlainExecutionScope {
public:
    PlainExecutionScope() : before_(torch::jit::getGraphExecutorOptimize()) {
        torch::jit::setGraphExecutorOptimize(false);
    }
    ~PlainExecutionScope() { torch::jit::setGraphExecutorOptimize(before_); }
    PlainExecutionScope(const PlainExecutionScope&) = delete;
    PlainExecutionScope& operator=(const PlainExecutionScope&) = delete;

private:
    bool before_;
};

std::uint64_t constant_bytes(const torch::jit::Block& block) {
    std::uint64_t bytes = 0;
    for (const torch::jit::Node* node : block.nodes()) {
        if (node->kind() == c10::prim::Constant && node->hasAttribute(c10::attr::value) &&
            node->kindOf(c10::attr::value) == torch::jit::AttributeKind::t) {
            bytes += node->t(c10::attr::value).nbytes();
        }
        for (const torch::jit::Block* inner : node->blocks()) bytes += constant_bytes(*inner);
    }
    return bytes;
}

void add_tensor(consilia_model& model, const std::string& name, const at::Tensor& tensor) {
    if (tensor.numel() == 0) {
        model.missing.emplace(name, tensor);
    } else {
        model.resident_bytes += tensor.nbytes();
    }
}

/// Autocast around the run of one member. What it casted is forgotten at its end: a scope around all members
/// would keep a copy of everybody's weights.
class PrecisionScope {
public:
    PrecisionScope(c10::DeviceType device, std::int32_t precision) : device_(device) {
        if (precision == CONSILIA_PRECISION_F32) return;
        is_on_ = true;
        was_enabled_ = at::autocast::is_autocast_enabled(device);
        dtype_before_ = at::autocast::get_autocast_dtype(device);
        at::autocast::set_autocast_enabled(device, true);
        at::autocast::set_autocast_dtype(device,
                                         precision == CONSILIA_PRECISION_BF16 ? c10::kBFloat16 : c10::kHalf);
        at::autocast::increment_nesting();
    }
    ~PrecisionScope() {
        if (!is_on_) return;
        if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
        at::autocast::set_autocast_dtype(device_, dtype_before_);
        at::autocast::set_autocast_enabled(device_, was_enabled_);
    }
    PrecisionScope(const PrecisionScope&) = delete;
    PrecisionScope& operator=(const PrecisionScope&) = delete;

private:
    c10::DeviceType device_;
    at::ScalarType dtype_before_ = c10::kFloat;
    bool is_on_ = false;
    bool was_enabled_ = false;
};

std::int32_t checked_precision(const consilia_backend_open_options_t& options) {
    if (options.struct_size < sizeof options) return CONSILIA_PRECISION_F32;
    if (options.precision < CONSILIA_PRECISION_F32 || options.precision > CONSILIA_PRECISION_F16) {
        throw std::invalid_argument("there is no precision " + std::to_string(options.precision));
    }
    return options.precision;
}

/// Reads memory as a stream, without a copy.
class MemoryBuffer final : public std::streambuf {
public:
    MemoryBuffer(const void* data, std::size_t size) {
        char* begin = const_cast<char*>(static_cast<const char*>(data));  // The get area is never written to.
        setg(begin, begin, begin + size);
    }

protected:
    pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
        const off_type base = from == std::ios_base::beg   ? 0
                              : from == std::ios_base::cur ? gptr() - eback()
                                                           : egptr() - eback();
        const off_type target = base + offset;
        if (target < 0 || target > egptr() - eback()) return pos_type(off_type(-1));
        setg(eback(), eback() + target, egptr());
        return pos_type(target);
    }
    pos_type seekpos(pos_type position, std::ios_base::openmode mode) override {
        return seekoff(off_type(position), std::ios_base::beg, mode);
    }
};

/// Where every node of a flat graph says that it comes from, when an error is shown. Lives as long as the
/// process.
const torch::jit::InlinedCallStackPtr& one_origin() {
    static auto* const unit = new torch::jit::CompilationUnit("def member(x):\n    return x\n");
    static const auto origin = c10::make_intrusive<torch::jit::InlinedCallStack>(
        &unit->get_function("member"),
        torch::jit::SourceRange(std::make_shared<torch::jit::Source>("member\n"), 0, 6));
    return origin;
}

/// Nodes that were inlined point at functions of the module, which goes.
void forget_sources(torch::jit::Block& block) {
    for (torch::jit::Node* node : block.nodes()) {
        node->setSourceRange(one_origin()->source_range());
        node->setCallStack(one_origin());
        for (torch::jit::Block* inner : node->blocks()) forget_sources(*inner);
    }
}

/// Makes one graph of the module's methods, or keeps the module where it holds what is no tensor.
void flatten(consilia_model& model, torch::jit::Module module) {
    try {
        std::shared_ptr<torch::jit::Graph> inlined = module.get_method("forward").graph()->copy();
        torch::jit::Inline(*inlined);
        auto [graph, attributes] = torch::jit::LowerGraph(*inlined, module._ivalue());
        TORCH_CHECK(graph->inputs().size() == attributes.size() + 1, "forward takes more than one image");
        forget_sources(*graph->block());
        model.attributes = std::move(attributes);
        model.code.emplace(graph, "forward");
    } catch (const c10::Error&) {
        model.module.emplace(std::move(module));
    }
}

at::Tensor forward(consilia_model& model, at::Tensor input) {
    if (model.module) return model.module->forward({std::move(input)}).toTensor();
    torch::jit::Stack stack;
    stack.reserve(model.attributes.size() + 1);
    stack.emplace_back(std::move(input));
    stack.insert(stack.end(), model.attributes.begin(), model.attributes.end());
    torch::jit::InterpreterState(*model.code).run(stack);
    return stack.front().toTensor();
}

int open(const consilia_backend_open_options_t* options, consilia_model_t** out_model, char* error,
         size_t error_size) {
    return guarded(error, error_size, [&] {
        *out_model = nullptr;
        auto model = std::make_unique<consilia_model_t>();
        model->device = find_device(options->device);
        model->precision = checked_precision(*options);
        MemoryBuffer code(options->code, options->code_size);
        std::istream stream(&code);
        torch::jit::Module module = torch::jit::load(stream, model->device);
        for (const auto& parameter : module.named_parameters()) {
            parameter.value.set_requires_grad(false);
            add_tensor(*model, parameter.name, parameter.value);
        }
        for (const auto& buffer : module.named_buffers()) add_tensor(*model, buffer.name, buffer.value);
        model->resident_bytes += constant_bytes(*module.get_method("forward").graph()->block());
        flatten(*model, std::move(module));
        *out_model = model.release();
    });
}

int describe(consilia_model_t* model, consilia_backend_description_t* out, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
        out->resident_bytes = model->resident_bytes;
        out->needs_weights = model->missing.empty() ? 0 : 1;
        // Graphs lie in the heap, and oneDNN reorders weights and keeps its scratch past torch's allocator.
        out->measure_process = model->device.type() == c10::kCPU ? 1 : 0;
    });
}

void unbind_weights(consilia_model_t* model) {
    // Nothing to report to: setting an empty tensor does not fail.
    guarded(nullptr, 0, [&] {
        for (auto& [name, tensor] : model->missing) tensor.set_data(at::empty({0}, tensor.options()));
    });
}

int bind_weights(consilia_model_t* model, const consilia_tensor_view_t* weights, size_t count, char* error,
                 size_t error_size) {
    return guarded(error, error_size, [&] {
        std::vector<std::pair<at::Tensor*, at::Tensor>> bound;
        for (std::size_t i = 0; i < count; ++i) {
            const auto found = model->missing.find(weights[i].name);
            if (found == model->missing.end()) {
                throw std::invalid_argument(std::string("the code has no place for the tensor `") +
                                            weights[i].name + "`");
            }
            at::Tensor given = borrow(weights[i], model->device);
            if (given.scalar_type() != found->second.scalar_type()) {
                throw std::invalid_argument("the tensor `" + found->first +
                                            "` has another element type than the code wants");
            }
            bound.emplace_back(&found->second, std::move(given));
        }
        if (bound.size() != model->missing.size()) {
            for (const auto& [name, tensor] : model->missing) {
                const bool is_given =
                    std::any_of(bound.begin(), bound.end(),
                                [&tensor = tensor](const auto& pair) { return pair.first == &tensor; });
                if (!is_given) throw std::invalid_argument("the tensor `" + name + "` is missing");
            }
            throw std::invalid_argument("a tensor is given twice");
        }
        for (auto& [place, given] : bound) place->set_data(given);
    });
}

int run(consilia_model_t* model, const consilia_tensor_view_t* input, const consilia_tensor_view_t* output,
        consilia_backend_run_options_t* options, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
        const c10::InferenceMode inference;
        const PlainExecutionScope plain;
        const ThreadCountScope threads(options == nullptr ? 0 : options->threads);
        const auto meter = std::make_shared<AllocationMeter>(model->device.type());
        std::optional<c10::DebugInfoGuard> metered;
        // A profiler of the host program holds its own state there, and would take ours for it.
        if (c10::ThreadLocalDebugInfo::get(c10::DebugInfoKind::PROFILER_STATE) == nullptr) {
            metered.emplace(c10::DebugInfoKind::PROFILER_STATE, meter);
        }

        const PrecisionScope precision(model->device.type(), model->precision);
        const at::Tensor logits =
            forward(*model, borrow(*input).to(model->device)).to(c10::kCPU, c10::kFloat).contiguous();
        const c10::IntArrayRef wanted(output->shape, static_cast<std::size_t>(output->rank));
        if (logits.sizes() != wanted) {
            throw std::runtime_error(c10::str("the model gave ", logits.sizes(), ", wanted ", wanted));
        }
        std::memcpy(output->data, logits.const_data_ptr<float>(), logits.nbytes());
        if (options != nullptr) options->activation_bytes_peak = metered ? meter->peak_bytes() : 0;
    });
}

void release(consilia_model_t* model) {
    delete model;
}

const consilia_backend_v1_t kBackend = {sizeof(consilia_backend_v1_t),
                                        CONSILIA_BACKEND_API_VERSION,
                                        0,
                                        "torch",
                                        TORCH_VERSION,
                                        "torchscript torchscript-frozen",
                                        &query_device,
                                        &open,
                                        &describe,
                                        &bind_weights,
                                        &unbind_weights,
                                        &run,
                                        &release,
                                        &allocate,
                                        &deallocate,
                                        &upload,
                                        &finish_uploads,
                                        &release_cache};

}  // namespace

extern "C" __attribute__((visibility("default"))) const consilia_backend_v1_t* consilia_backend_entry(
    uint32_t api_version) {
    return api_version == CONSILIA_BACKEND_API_VERSION ? &kBackend : nullptr;
}
