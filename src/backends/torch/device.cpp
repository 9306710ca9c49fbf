#include "device.hpp"

#include <ATen/Context.h>
#include <ATen/core/CachingHostAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/Stream.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <malloc.h>

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "common.hpp"

namespace consilia::torch_backend {

namespace {

/// The library that brings a kind of device; loading it makes the kind known to the core that is already
/// there.
void load_library_of(c10::DeviceType type, const char* name) {
    if (type != c10::kCUDA)
        throw std::invalid_argument(std::string("this backend does not run on `") + name + "`");
    static std::once_flag once;
    static std::string failure;
    std::call_once(once, [] {
        if (::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return;
        const char* why = ::dlerror();
        failure = why == nullptr ? "the loader gave no reason" : why;
    });
    if (!failure.empty()) throw std::invalid_argument("the installed torch has no CUDA: " + failure);
}

/// Copies have a stream of their own, so that they run beside the kernels.
class CopyStreams {
public:
    c10::Stream of(c10::Device device) {
        const std::lock_guard lock(mutex_);
        auto found = streams_.find(device.index());
        if (found == streams_.end()) {
            const c10::impl::VirtualGuardImpl guard(device.type());
            found = streams_.emplace(device.index(), guard.getStreamFromGlobalPool(device, false)).first;
        }
        return found->second;
    }
    static CopyStreams& instance() {
        static auto* const streams = new CopyStreams;  // Models may outlive static objects.
        return *streams;
    }

private:
    std::mutex mutex_;
    std::map<c10::DeviceIndex, c10::Stream> streams_;
};

/// Pinned blocks by address: torch gives them as objects.
class StagingBlocks {
public:
    void* take(c10::Device device, std::size_t size_bytes) {
        c10::DataPtr data = at::getHostAllocator(device.type())->allocate(size_bytes);
        void* block = data.get();
        const std::lock_guard lock(mutex_);
        blocks_.emplace(block, std::move(data));
        return block;
    }
    void give_back(void* block) {
        const std::lock_guard lock(mutex_);
        blocks_.erase(block);
    }
    static StagingBlocks& instance() {
        static auto* const blocks = new StagingBlocks;
        return *blocks;
    }

private:
    std::mutex mutex_;
    std::unordered_map<void*, c10::DataPtr> blocks_;
};

at::Tensor bytes_at(void* data, std::uint64_t size_bytes, c10::Device device) {
    return at::from_blob(data, {static_cast<std::int64_t>(size_bytes)},
                         at::TensorOptions().dtype(c10::kByte).device(device));
}

}  // namespace

c10::Device find_device(const char* name) {
    std::optional<c10::Device> device;
    try {
        device.emplace(std::string(name));
    } catch (const c10::Error&) {
        throw std::invalid_argument(std::string("`") + name + "` is not the name of a device");
    }
    if (device->type() == c10::kCPU) return c10::kCPU;
    load_library_of(device->type(), name);
    at::globalContext().lazyInitDevice(device->type());
    const c10::impl::VirtualGuardImpl guard(device->type());
    if (!device->has_index()) device.emplace(device->type(), c10::DeviceIndex{0});
    if (device->index() >= guard.deviceCount()) {
        throw std::invalid_argument("there are " + std::to_string(guard.deviceCount()) + " of its kind");
    }
    return *device;
}

int query_device(const char* device, consilia_backend_device_t* out, char* error, std::size_t error_size) {
    return guarded(error, error_size, [&] {
        const c10::Device found = find_device(device);
        if (found.type() == c10::kCPU) {
            backends::query_host_memory(*out);
            return;
        }
        const auto [free_bytes, total_bytes] =
            at::getDeviceAllocator(found.type())->getMemoryInfo(found.index());
        out->total_bytes = total_bytes;
        out->free_bytes = free_bytes;
    });
}

int allocate(const char* device, std::int32_t kind, std::uint64_t size_bytes, void** out_block, char* error,
             std::size_t error_size) {
    return guarded(error, error_size, [&] {
        *out_block = nullptr;
        const c10::Device found = find_device(device);
        if (kind == CONSILIA_MEMORY_STAGING) {
            *out_block = StagingBlocks::instance().take(found, size_bytes);
            return;
        }
        const c10::DeviceGuard guard(found);
        *out_block = c10::GetAllocator(found.type())->raw_allocate(size_bytes);
    });
}

void deallocate(const char* device, std::int32_t kind, void* block) {
    // Nothing to report to: giving back does not fail.
    guarded(nullptr, 0, [&] {
        if (kind == CONSILIA_MEMORY_STAGING) return StagingBlocks::instance().give_back(block);
        const c10::Device found = find_device(device);
        const c10::DeviceGuard guard(found);
        c10::GetAllocator(found.type())->raw_deallocate(block);
    });
}

int upload(const char* device, void* target, const void* source, std::uint64_t size_bytes, char* error,
           std::size_t error_size) {
    return guarded(error, error_size, [&] {
        const c10::InferenceMode inference;
        const c10::Device found = find_device(device);
        const c10::StreamGuard stream(CopyStreams::instance().of(found));
        at::Tensor to = bytes_at(target, size_bytes, found);
        to.copy_(bytes_at(const_cast<void*>(source), size_bytes, c10::kCPU), true);
    });
}

int finish_uploads(const char* device, char* error, std::size_t error_size) {
    return guarded(error, error_size, [&] { CopyStreams::instance().of(find_device(device)).synchronize(); });
}

void release_cache(const char* device) {
    guarded(nullptr, 0, [&] {
        const c10::Device found = find_device(device);
        if (found.type() == c10::kCPU) {
            (void)::malloc_trim(0);
        } else {
            at::getDeviceAllocator(found.type())->emptyCache();
        }
    });
}

}  // namespace consilia::torch_backend
