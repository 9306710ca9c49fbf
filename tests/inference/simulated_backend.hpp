#pragma once
// A backend behind the real table whose models are a line of text: sizes, times and faults are what a test
// says. It keeps its own count of the memory that is truly taken, against which the ledger is checked, and
// its time is a clock's that only it moves. `simulated_backend` is a host without a device; `simulated_gpu`
// has `gpu:0` besides, with memory that is counted and never there, so that a card of any size can be
// simulated.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "consilia/c/backend.h"
#include "consilia/core/clock.hpp"
#include "consilia/inference/backend.hpp"

/// `code=100 activation=50 weights=1 fail=run`; sizes in bytes, what is not said is zero but for the times.
struct consilia_model {
    std::uint64_t code_bytes = 0;
    std::uint64_t activation_bytes = 0;
    std::uint64_t each_bytes = 0;  // Activations of each image.
    std::int64_t open_ms = 7;
    std::int64_t run_ms = 3;
    std::int64_t each_us = 0;  // Time of each image.
    bool measures = false;     // The runtime takes memory of the process that it cannot tell.
    bool is_on_gpu = false;
    std::int64_t needs_weights = 0;
    std::int64_t first_class = -1;  // The logit that is raised, whatever the weights say.
    std::int64_t sees = -1;         // The only value of an image that it sees: four times that is logit 0.
    std::string fail;
    std::vector<consilia_tensor_view_t> bound;
    std::vector<std::int64_t> bound_sizes;
};

namespace consilia::test {

/// What the simulated device has seen. One for the process: the table has no place for a context.
struct SimulatedDevice {
    std::mutex mutex;
    std::uint64_t held_bytes = 0;
    std::uint64_t peak_bytes = 0;
    int opened = 0;
    int released = 0;
    int bound = 0;
    int runs = 0;
    bool is_running = false;
    bool was_shared = false;   // Two runs at once.
    int fail_open_after = -1;  // Counts down at each opening; the one at zero fails.
    int fail_run_after = -1;
    std::int64_t batch_max = 0;            // Larger batches are refused for want of memory; zero: none is.
    int refused_runs = 0;                  // So many runs are, whatever their size.
    std::vector<std::int64_t> batches;     // Of each run.
    std::vector<std::int32_t> precisions;  // Of each opening.
    core::ManualClock* clock = nullptr;    // Moved by what opens, runs and is uploaded.
    // Of the GPU:
    std::uint64_t total_bytes = 0;    // Zero: there is none.
    std::uint64_t foreign_bytes = 0;  // Taken by another process.
    std::uint64_t host_bytes = 0;     // Of models that run beside it, which `held_bytes` leaves out.
    std::uint64_t upload_bytes_per_us = 1000;
    std::uintptr_t next_block = 1 << 20;  // Addresses that nobody reads.
    std::map<void*, std::uint64_t> blocks;

    void take(std::uint64_t bytes) {
        held_bytes += bytes;
        peak_bytes = std::max(peak_bytes, held_bytes);
    }
    void take(const consilia_model& model, std::uint64_t bytes) {
        if (is_beside_gpu(model)) {
            host_bytes += bytes;
        } else {
            take(bytes);
        }
    }
    void give_back(const consilia_model& model, std::uint64_t bytes) {
        (is_beside_gpu(model) ? host_bytes : held_bytes) -= bytes;
    }
    [[nodiscard]] bool is_beside_gpu(const consilia_model& model) const {
        return total_bytes > 0 && !model.is_on_gpu;
    }
    [[nodiscard]] bool has_room(std::uint64_t bytes) const {
        return bytes <= total_bytes && held_bytes + foreign_bytes <= total_bytes - bytes;
    }
    void pass_time(std::int64_t us) const {
        if (clock != nullptr) clock->advance(std::chrono::microseconds(us));
    }
    static SimulatedDevice& instance() {
        static SimulatedDevice device;
        return device;
    }
    static void reset() {
        SimulatedDevice& device = instance();
        const std::lock_guard lock(device.mutex);
        device.held_bytes = device.peak_bytes = 0;
        device.opened = device.released = device.bound = device.runs = 0;
        device.is_running = device.was_shared = false;
        device.fail_open_after = device.fail_run_after = -1;
        device.batch_max = 0;
        device.refused_runs = 0;
        device.batches.clear();
        device.precisions.clear();
        device.clock = nullptr;
        device.total_bytes = device.foreign_bytes = device.host_bytes = 0;
        device.blocks.clear();
    }
};

namespace simulated {

inline int fail(const std::string& why, char* error, std::size_t error_size) {
    std::strncpy(error, why.c_str(), error_size - 1);
    error[error_size - 1] = '\0';
    return 1;
}

inline std::uint64_t byte_count(const consilia_tensor_view_t& view) {
    std::uint64_t count = 4;
    for (std::int32_t i = 0; i < view.rank; ++i) count *= static_cast<std::uint64_t>(view.shape[i]);
    return count;
}

inline int out_of_memory(char* error, std::size_t error_size) {
    (void)fail("no memory is left", error, error_size);
    return CONSILIA_BACKEND_OUT_OF_MEMORY;
}

inline int query_device(const char* device, consilia_backend_device_t* out, char* error,
                        std::size_t error_size) {
    if (std::strcmp(device, "cpu") != 0) return fail("only `cpu` is simulated", error, error_size);
    out->total_bytes = 1 << 20;
    out->free_bytes = 1 << 19;
    return 0;
}

inline int open(const consilia_backend_open_options_t* options, consilia_model_t** out, char* error,
                std::size_t error_size) {
    auto model = std::make_unique<consilia_model>();
    std::istringstream words(std::string(static_cast<const char*>(options->code), options->code_size));
    for (std::string word; words >> word;) {
        const std::string key = word.substr(0, word.find('='));
        const std::string value = word.substr(word.find('=') + 1);
        if (key == "code") model->code_bytes = std::stoull(value);
        if (key == "activation") model->activation_bytes = std::stoull(value);
        if (key == "each") model->each_bytes = std::stoull(value);
        if (key == "open_ms") model->open_ms = std::stoll(value);
        if (key == "run_ms") model->run_ms = std::stoll(value);
        if (key == "each_us") model->each_us = std::stoll(value);
        if (key == "weights") model->needs_weights = std::stoll(value);
        if (key == "measures") model->measures = value == "1";
        if (key == "first") model->first_class = std::stoll(value);
        if (key == "sees") model->sees = std::stoll(value);
        if (key == "fail") model->fail = value;
    }
    if (model->fail == "lower" && options->precision != CONSILIA_PRECISION_F32) {
        return fail("this code knows one precision", error, error_size);
    }
    if (model->fail == "open") return fail("the code cannot be read", error, error_size);
    SimulatedDevice& device = SimulatedDevice::instance();
    const std::lock_guard lock(device.mutex);
    if (device.fail_open_after >= 0 && device.fail_open_after-- == 0) {
        return fail("the device refused", error, error_size);
    }
    model->is_on_gpu = std::strcmp(options->device, "gpu:0") == 0;
    if (model->is_on_gpu && !device.has_room(model->code_bytes)) return out_of_memory(error, error_size);
    ++device.opened;
    device.precisions.push_back(options->precision);
    device.take(*model, model->code_bytes);
    device.pass_time(model->open_ms * 1000);
    *out = model.release();
    return 0;
}

inline int describe(consilia_model_t* model, consilia_backend_description_t* out, char*, std::size_t) {
    out->resident_bytes = model->code_bytes;
    out->needs_weights = model->needs_weights != 0 ? 1 : 0;
    out->measure_process = model->measures ? 1 : 0;
    return 0;
}

inline void unbind(consilia_model_t* model) {
    SimulatedDevice& device = SimulatedDevice::instance();
    const std::lock_guard lock(device.mutex);
    for (const std::int64_t size : model->bound_sizes) {
        if (!model->is_on_gpu) device.give_back(*model, static_cast<std::uint64_t>(size));
    }
    model->bound.clear();
    model->bound_sizes.clear();
}

inline int bind(consilia_model_t* model, const consilia_tensor_view_t* weights, std::size_t count,
                char* error, std::size_t error_size) {
    if (model->fail == "bind") return fail("the tensor `w` is missing", error, error_size);
    if (model->needs_weights == 0) return fail("the code has no place for weights", error, error_size);
    unbind(model);
    SimulatedDevice& device = SimulatedDevice::instance();
    const std::lock_guard lock(device.mutex);
    ++device.bound;
    for (std::size_t i = 0; i < count; ++i) {
        model->bound.push_back(weights[i]);
        model->bound_sizes.push_back(static_cast<std::int64_t>(byte_count(weights[i])));
        if (!model->is_on_gpu) device.take(*model, byte_count(weights[i]));
    }
    return 0;
}

/// Logits of each image that depend on every bit of the weights (on a GPU: on their sizes) and of it, and on
/// nothing beside it.
inline void answer(const consilia_model& model, const consilia_tensor_view_t& input,
                   const consilia_tensor_view_t& output) {
    const std::uint64_t image_bytes = byte_count(input) / static_cast<std::uint64_t>(input.shape[0]);
    for (std::int64_t image = 0; image < input.shape[0]; ++image) {
        std::uint64_t hash = 1469598103934665603ULL;
        const auto mix = [&hash](const void* data, std::uint64_t bytes) {
            for (std::uint64_t i = 0; i < bytes; ++i) {
                hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 1099511628211ULL;
            }
        };
        mix(static_cast<const unsigned char*>(input.data) + static_cast<std::uint64_t>(image) * image_bytes,
            image_bytes);
        for (std::size_t i = 0; i < model.bound.size(); ++i) {
            if (model.is_on_gpu) {
                mix(&model.bound_sizes[i], sizeof model.bound_sizes[i]);
            } else {
                mix(model.bound[i].data, static_cast<std::uint64_t>(model.bound_sizes[i]));
            }
        }
        auto* logits = static_cast<float*>(output.data) + image * output.shape[1];
        for (std::int64_t i = 0; i < output.shape[1]; ++i) {
            logits[i] = static_cast<float>(hash >> (i * 8) & 0xFFU) / 64.0F;
            if (i == model.first_class) logits[i] = 9.0F;
        }
        if (model.sees < 0) continue;
        std::fill_n(logits, output.shape[1], 0.0F);
        logits[0] =
            4 * static_cast<const float*>(input.data)[static_cast<std::uint64_t>(image) * image_bytes / 4 +
                                                      static_cast<std::uint64_t>(model.sees)];
    }
}

inline int run(consilia_model_t* model, const consilia_tensor_view_t* input,
               const consilia_tensor_view_t* output, consilia_backend_run_options_t* options, char* error,
               std::size_t error_size) {
    SimulatedDevice& device = SimulatedDevice::instance();
    const auto images = static_cast<std::uint64_t>(input->shape[0]);
    const std::uint64_t activation_bytes = model->activation_bytes + model->each_bytes * images;
    {
        const std::lock_guard lock(device.mutex);
        if (device.fail_run_after >= 0 && device.fail_run_after-- == 0) {
            return fail("the device refused", error, error_size);
        }
        const std::int64_t batch = input->shape[0];
        if (device.refused_runs > 0 || (device.batch_max > 0 && batch > device.batch_max)) {
            device.refused_runs -= device.refused_runs > 0 ? 1 : 0;
            return out_of_memory(error, error_size);
        }
        if (model->is_on_gpu && !device.has_room(activation_bytes)) return out_of_memory(error, error_size);
        device.batches.push_back(batch);
        if (model->fail == "run") return fail("a kernel failed", error, error_size);
        if (model->needs_weights != 0 && model->bound.empty()) return fail("no weights", error, error_size);
        if (reinterpret_cast<std::uintptr_t>(input->data) % 64 != 0)
            return fail("not aligned", error, error_size);
        ++device.runs;
        device.was_shared |= device.is_running;
        device.is_running = true;
        device.take(*model, activation_bytes);
        device.pass_time(model->run_ms * 1000 + model->each_us * batch);
    }
    answer(*model, *input, *output);
    if (model->fail == "nan") static_cast<float*>(output->data)[0] = std::numeric_limits<float>::quiet_NaN();
    const std::lock_guard lock(device.mutex);
    device.is_running = false;
    device.give_back(*model, activation_bytes);
    options->activation_bytes_peak = activation_bytes;
    return 0;
}

inline void release(consilia_model_t* model) {
    if (model == nullptr) return;
    unbind(model);
    SimulatedDevice& device = SimulatedDevice::instance();
    const std::lock_guard lock(device.mutex);
    ++device.released;
    device.give_back(*model, model->code_bytes);
    delete model;
}

inline int query_gpu(const char* device, consilia_backend_device_t* out, char* error,
                     std::size_t error_size) {
    if (std::strcmp(device, "gpu:0") != 0) return query_device(device, out, error, error_size);
    const SimulatedDevice& gpu = SimulatedDevice::instance();
    out->total_bytes = gpu.total_bytes;
    out->free_bytes = gpu.total_bytes - gpu.foreign_bytes - gpu.held_bytes;
    return 0;
}

inline int allocate(const char*, std::int32_t kind, std::uint64_t size_bytes, void** out, char* error,
                    std::size_t error_size) {
    if (kind == CONSILIA_MEMORY_STAGING) {
        *out = ::operator new(size_bytes, std::align_val_t(64));
        return 0;
    }
    SimulatedDevice& device = SimulatedDevice::instance();
    const std::lock_guard lock(device.mutex);
    if (!device.has_room(size_bytes)) return out_of_memory(error, error_size);
    device.take(size_bytes);
    *out = reinterpret_cast<void*>(device.next_block);
    device.next_block += (size_bytes + 63) / 64 * 64;
    device.blocks.emplace(*out, size_bytes);
    return 0;
}

inline void deallocate(const char*, std::int32_t kind, void* block) {
    if (kind == CONSILIA_MEMORY_STAGING) return ::operator delete(block, std::align_val_t(64));
    SimulatedDevice& device = SimulatedDevice::instance();
    const std::lock_guard lock(device.mutex);
    device.held_bytes -= device.blocks.extract(block).mapped();
}

inline int upload(const char*, void*, const void*, std::uint64_t size_bytes, char*, std::size_t) {
    SimulatedDevice& device = SimulatedDevice::instance();
    device.pass_time(static_cast<std::int64_t>(size_bytes / device.upload_bytes_per_us));
    return 0;
}

inline int finish_uploads(const char*, char*, std::size_t) {
    return 0;
}

inline const consilia_backend_v1_t kTable = {sizeof(consilia_backend_v1_t),
                                             CONSILIA_BACKEND_API_VERSION,
                                             0,
                                             "simulated",
                                             "2.5.1",
                                             "simulated simulated-frozen",
                                             &query_device,
                                             &open,
                                             &describe,
                                             &bind,
                                             &unbind,
                                             &run,
                                             &release,
                                             nullptr,
                                             nullptr,
                                             nullptr,
                                             nullptr,
                                             nullptr};

inline const consilia_backend_v1_t kGpuTable = [] {
    consilia_backend_v1_t table = kTable;
    table.query_device = &query_gpu;
    table.allocate = &allocate;
    table.deallocate = &deallocate;
    table.upload = &upload;
    table.finish_uploads = &finish_uploads;
    return table;
}();

}  // namespace simulated

inline std::shared_ptr<const inference::Backend> simulated_backend() {
    return std::make_shared<const inference::Backend>(simulated::kTable);
}

inline std::shared_ptr<const inference::Backend> simulated_gpu() {
    return std::make_shared<const inference::Backend>(simulated::kGpuTable);
}

}  // namespace consilia::test
