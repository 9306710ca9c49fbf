// TorchScript behind the backend table. The only translation unit that sees torch.
#include <ATen/Parallel.h>
#include <c10/core/Allocator.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/script.h>
#include <torch/version.h>

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <istream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consilia/c/backend.h"

struct consilia_model {
    torch::jit::Module module;
    std::map<std::string, at::Tensor>
        missing;  ///< What the code was saved without; the tensors are the module's own.
    std::uint64_t resident_bytes = 0;
};

namespace {

/// The thread count is the process's: only one run at a time may change it.
std::mutex& thread_count_mutex() {
    static std::mutex mutex;
    return mutex;
}

class ThreadCountScope {
public:
    explicit ThreadCountScope(int wanted) {
        if (wanted <= 0 || wanted == at::get_num_threads()) return;
        lock_ = std::unique_lock(thread_count_mutex());
        before_ = at::get_num_threads();
        at::set_num_threads(wanted);
    }
    ~ThreadCountScope() {
        if (lock_.owns_lock()) at::set_num_threads(before_);
    }
    ThreadCountScope(const ThreadCountScope&) = delete;
    ThreadCountScope& operator=(const ThreadCountScope&) = delete;

private:
    std::unique_lock<std::mutex> lock_;
    int before_ = 0;
};

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

/// Follows what torch's allocator takes and gives back on this thread; kernels allocate nothing on their
/// helpers.
class AllocationMeter final : public c10::MemoryReportingInfoBase {
public:
    void reportMemoryUsage(void* /*address*/, std::int64_t size, std::size_t /*allocated*/,
                           std::size_t /*reserved*/, c10::Device /*device*/) override {
        held_ += size;
        peak_ = std::max(peak_, held_);
    }
    [[nodiscard]] bool memoryProfilingEnabled() const override { return true; }
    [[nodiscard]] std::uint64_t peak_bytes() const noexcept { return static_cast<std::uint64_t>(peak_); }

private:
    std::int64_t held_ = 0;
    std::int64_t peak_ = 0;
};

/// Runs a body and turns what it throws into a message of one line: torch appends stack traces.
template <class Body>
int guarded(char* error, std::size_t error_size, Body&& body) noexcept {
    const auto report = [&](const char* message) {
        if (error == nullptr || error_size == 0) return;
        const std::size_t length = std::min(std::strcspn(message, "\n"), error_size - 1);
        std::memcpy(error, message, length);
        error[length] = '\0';
    };
    try {
        body();
        return 0;
    } catch (const c10::Error& caught) {
        report(caught.what_without_backtrace());
    } catch (const std::exception& caught) {
        report(caught.what());
    } catch (...) {
        report("an unknown exception");
    }
    return 1;
}

c10::ScalarType scalar_type(std::int32_t dtype) {
    switch (dtype) {
        case CONSILIA_DTYPE_F32:
            return c10::kFloat;
        case CONSILIA_DTYPE_F16:
            return c10::kHalf;
        case CONSILIA_DTYPE_BF16:
            return c10::kBFloat16;
        case CONSILIA_DTYPE_I64:
            return c10::kLong;
        case CONSILIA_DTYPE_U8:
            return c10::kByte;
        case CONSILIA_DTYPE_BOOL:
            return c10::kBool;
        default:
            throw std::invalid_argument("unknown element type " + std::to_string(dtype));
    }
}

at::Tensor borrow(const consilia_tensor_view_t& view) {
    return at::from_blob(view.data, c10::IntArrayRef(view.shape, static_cast<std::size_t>(view.rank)),
                         at::TensorOptions().dtype(scalar_type(view.dtype)));
}

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

void check_device(std::string_view device) {
    if (device != "cpu")
        throw std::invalid_argument("this backend runs on `cpu`, not on `" + std::string(device) + "`");
}

int query_device(const char* device, consilia_backend_device_t* out, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
        check_device(device);
        const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        out->total_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page_bytes;
        out->free_bytes = static_cast<std::uint64_t>(::sysconf(_SC_AVPHYS_PAGES)) * page_bytes;
    });
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

int open(const consilia_backend_open_options_t* options, consilia_model_t** out_model, char* error,
         size_t error_size) {
    return guarded(error, error_size, [&] {
        *out_model = nullptr;
        check_device(options->device);
        auto model = std::make_unique<consilia_model_t>();
        MemoryBuffer code(options->code, options->code_size);
        std::istream stream(&code);
        model->module = torch::jit::load(stream, c10::Device(c10::kCPU));
        for (const auto& parameter : model->module.named_parameters()) {
            parameter.value.set_requires_grad(false);
            add_tensor(*model, parameter.name, parameter.value);
        }
        for (const auto& buffer : model->module.named_buffers())
            add_tensor(*model, buffer.name, buffer.value);
        model->resident_bytes += constant_bytes(*model->module.get_method("forward").graph()->block());
        *out_model = model.release();
    });
}

int describe(consilia_model_t* model, consilia_backend_description_t* out, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
        out->resident_bytes = model->resident_bytes;
        out->needs_weights = model->missing.empty() ? 0 : 1;
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
            at::Tensor given = borrow(weights[i]);
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
        const auto meter = std::make_shared<AllocationMeter>();
        std::optional<c10::DebugInfoGuard> metered;
        // A profiler of the host program holds its own state there, and would take ours for it.
        if (c10::ThreadLocalDebugInfo::get(c10::DebugInfoKind::PROFILER_STATE) == nullptr) {
            metered.emplace(c10::DebugInfoKind::PROFILER_STATE, meter);
        }

        std::vector<c10::IValue> arguments{borrow(*input)};
        const at::Tensor logits = model->module.forward(std::move(arguments)).toTensor().contiguous();
        const c10::IntArrayRef wanted(output->shape, static_cast<std::size_t>(output->rank));
        if (logits.scalar_type() != c10::kFloat || logits.sizes() != wanted) {
            throw std::runtime_error("the model gave " + c10::str(logits.scalar_type(), ' ', logits.sizes()) +
                                     ", wanted Float " + c10::str(wanted));
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
                                        nullptr,
                                        nullptr,
                                        nullptr,
                                        nullptr,
                                        nullptr};

}  // namespace

extern "C" __attribute__((visibility("default"))) const consilia_backend_v1_t* consilia_backend_entry(
    uint32_t api_version) {
    return api_version == CONSILIA_BACKEND_API_VERSION ? &kBackend : nullptr;
}
