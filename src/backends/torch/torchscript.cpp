// Models of TorchScript.
#include <ATen/autocast_mode.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/lower_graph.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/script.h>

#include <algorithm>
#include <istream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "common.hpp"
#include "consilia/c/backend.h"
#include "device.hpp"
#include "host.hpp"
#include "model.hpp"

namespace consilia::torch_backend {

namespace {

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

class TorchScriptModel final : public consilia_model {
public:
    TorchScriptModel(torch::jit::Module module, c10::Device where, std::int32_t precision)
        : precision_(precision) {
        device = where;
        for (const auto& parameter : module.named_parameters()) {
            parameter.value.set_requires_grad(false);
            add_tensor(parameter.name, parameter.value);
        }
        for (const auto& buffer : module.named_buffers()) add_tensor(buffer.name, buffer.value);
        resident_bytes_ += constant_bytes(*module.get_method("forward").graph()->block());
        flatten(std::move(module));
    }

    /// What opening took of the heap, by malloc's own count: the graph has no size of its own.
    void note_heap(std::uint64_t bytes) {
        constexpr std::uint64_t kGraphBytesMax = 64 << 20;  // What is beyond came from other threads.
        resident_bytes_ = std::max(resident_bytes_, std::min(bytes, resident_bytes_ + kGraphBytesMax));
    }

    void describe(consilia_backend_description_t& out) const override {
        out.resident_bytes = resident_bytes_;
        out.needs_weights = missing_.empty() ? 0 : 1;
        // oneDNN reorders weights and keeps its scratch past torch's allocator.
        out.measure_process = device.type() == c10::kCPU ? 1 : 0;
    }

    void bind(std::span<const consilia_tensor_view_t> weights) override {
        const auto dtype_of = [](const at::Tensor& place) { return place.scalar_type(); };
        for (auto& [place, given] : match_weights(missing_, weights, device, dtype_of))
            place->set_data(given);
    }

    void unbind() override {
        for (auto& [name, tensor] : missing_) tensor.set_data(at::empty({0}, tensor.options()));
    }

    at::Tensor forward(at::Tensor input) override {
        const PlainExecutionScope plain;
        const PrecisionScope precision(device.type(), precision_);
        if (module_) return module_->forward({std::move(input)}).toTensor();
        torch::jit::Stack stack;
        stack.reserve(attributes_.size() + 1);
        stack.emplace_back(std::move(input));
        stack.insert(stack.end(), attributes_.begin(), attributes_.end());
        torch::jit::InterpreterState(*code_).run(stack);
        return stack.front().toTensor();
    }

private:
    void add_tensor(const std::string& name, const at::Tensor& tensor) {
        if (tensor.numel() == 0) {
            missing_.emplace(name, tensor);
        } else {
            resident_bytes_ += tensor.nbytes();
        }
    }

    /// Makes one graph of the module's methods, or keeps the module where it holds what is no tensor.
    void flatten(torch::jit::Module module) {
        try {
            std::shared_ptr<torch::jit::Graph> inlined = module.get_method("forward").graph()->copy();
            torch::jit::Inline(*inlined);
            auto [graph, attributes] = torch::jit::LowerGraph(*inlined, module._ivalue());
            TORCH_CHECK(graph->inputs().size() == attributes.size() + 1, "forward takes more than one image");
            forget_sources(*graph->block());
            attributes_ = std::move(attributes);
            code_.emplace(graph, "forward");
        } catch (const c10::Error&) {
            module_.emplace(std::move(module));
        }
    }

    /// One flat graph whose inputs after the first are the tensors of the module. The module itself, its
    /// classes and the text that they were parsed from are gone: several times as much memory as the graph.
    std::optional<torch::jit::Code> code_;
    std::vector<c10::IValue> attributes_;
    std::optional<torch::jit::Module> module_;  ///< Of code that cannot be flattened.
    /// What the code was saved without; the tensors are the module's own.
    std::map<std::string, at::Tensor> missing_;
    std::uint64_t resident_bytes_ = 0;
    std::int32_t precision_;
};

}  // namespace

std::unique_ptr<consilia_model> open_torchscript(const consilia_backend_open_options_t& options) {
    const c10::Device device = find_device(options.device);
    const std::int32_t precision = checked_precision(options);
    MemoryBuffer code(options.code, options.code_size);
    std::istream stream(&code);
    static std::mutex one_at_a_time;  // So that models do not count each other's memory.
    const std::lock_guard lock(one_at_a_time);
    (void)one_origin();  // The parser's and the operators' tables are no model's.
    const std::uint64_t before = backends::allocated_bytes();
    auto model = std::make_unique<TorchScriptModel>(torch::jit::load(stream, device), device, precision);
    if (device.is_cpu()) model->note_heap(backends::difference(backends::allocated_bytes(), before));
    return model;
}

}  // namespace consilia::torch_backend
