// The table of the torch backend: what is alike for every format.
#include <c10/core/InferenceMode.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/version.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "common.hpp"
#include "consilia/c/backend.h"
#include "device.hpp"
#include "model.hpp"

namespace {

using namespace consilia::torch_backend;

int open(const consilia_backend_open_options_t* options, consilia_model_t** out_model, char* error,
         size_t error_size) {
    return guarded(error, error_size, [&] {
        *out_model = nullptr;
        const bool is_compiled = std::string_view(options->format).starts_with("aotinductor");
        *out_model = (is_compiled ? open_aotinductor(*options) : open_torchscript(*options)).release();
    });
}

int describe(consilia_model_t* model, consilia_backend_description_t* out, char* error, size_t error_size) {
    return guarded(error, error_size, [&] { model->describe(*out); });
}

int bind_weights(consilia_model_t* model, const consilia_tensor_view_t* weights, size_t count, char* error,
                 size_t error_size) {
    return guarded(error, error_size, [&] { model->bind({weights, count}); });
}

void unbind_weights(consilia_model_t* model) {
    guarded(nullptr, 0, [&] { model->unbind(); });  // Nothing to report to: forgetting does not fail.
}

int run(consilia_model_t* model, const consilia_tensor_view_t* input, const consilia_tensor_view_t* output,
        consilia_backend_run_options_t* options, char* error, size_t error_size) {
    return guarded(error, error_size, [&] {
        const c10::InferenceMode inference;
        const ThreadCountScope threads(options == nullptr ? 0 : options->threads);
        const auto meter = std::make_shared<AllocationMeter>(model->device.type());
        std::optional<c10::DebugInfoGuard> metered;
        // A profiler of the host program holds its own state there, and would take ours for it.
        if (c10::ThreadLocalDebugInfo::get(c10::DebugInfoKind::PROFILER_STATE) == nullptr) {
            metered.emplace(c10::DebugInfoKind::PROFILER_STATE, meter);
        }

        const at::Tensor logits =
            model->forward(borrow(*input).to(model->device)).to(c10::kCPU, c10::kFloat).contiguous();
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
                                        "torchscript torchscript-frozen aotinductor aotinductor-frozen",
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
