#pragma once
// What the torch backend's formats share: failures as messages, threads, borrowed tensors, metered
// allocations.
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/Allocator.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "consilia/c/backend.h"
#include "host.hpp"

namespace consilia::torch_backend {

/// The thread count is the process's: only one run at a time may change it.
inline std::mutex& thread_count_mutex() {
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

/// Follows what torch's allocator takes of a device and gives back on this thread; kernels allocate nothing
/// on their helpers.
class AllocationMeter final : public c10::MemoryReportingInfoBase {
public:
    explicit AllocationMeter(c10::DeviceType device) : device_(device) {}
    void reportMemoryUsage(void* /*address*/, std::int64_t size, std::size_t /*allocated*/,
                           std::size_t /*reserved*/, c10::Device device) override {
        if (device.type() != device_) return;
        held_ += size;
        peak_ = std::max(peak_, held_);
    }
    [[nodiscard]] bool memoryProfilingEnabled() const override { return true; }
    [[nodiscard]] std::uint64_t peak_bytes() const noexcept { return static_cast<std::uint64_t>(peak_); }

private:
    c10::DeviceType device_;
    std::int64_t held_ = 0;
    std::int64_t peak_ = 0;
};

/// Runs a body and turns what it throws into a message of one line: torch appends stack traces.
template <class Body>
int guarded(char* error, std::size_t error_size, Body&& body) noexcept {
    const auto report = [&](std::string_view message) { backends::write_error(message, error, error_size); };
    try {
        body();
        return CONSILIA_BACKEND_OK;
    } catch (const c10::OutOfMemoryError& caught) {
        report(caught.what_without_backtrace());
        return CONSILIA_BACKEND_OUT_OF_MEMORY;
    } catch (const std::bad_alloc&) {
        report("no memory is left");
        return CONSILIA_BACKEND_OUT_OF_MEMORY;
    } catch (const c10::Error& caught) {
        report(caught.what_without_backtrace());
    } catch (const std::exception& caught) {
        report(caught.what());
    } catch (...) {
        report("an unknown exception");
    }
    return CONSILIA_BACKEND_FAILED;
}

inline c10::ScalarType scalar_type(std::int32_t dtype) {
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

/// The memory of a view as a tensor.
inline at::Tensor borrow(const consilia_tensor_view_t& view, c10::Device device = c10::kCPU) {
    return at::from_blob(view.data, c10::IntArrayRef(view.shape, static_cast<std::size_t>(view.rank)),
                         at::TensorOptions().dtype(scalar_type(view.dtype)).device(device));
}

}  // namespace consilia::torch_backend
