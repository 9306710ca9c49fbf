#pragma once
// Devices of torch: found by name, and the memory that weights take on them. The processor needs none of it.
#include <c10/core/Device.h>

#include <cstdint>

#include "consilia/c/backend.h"

namespace consilia::torch_backend {

/// Loads what torch needs for it. @throws std::invalid_argument if there is no such device.
c10::Device find_device(const char* name);

// The functions of the table.
int query_device(const char* device, consilia_backend_device_t* out, char* error, std::size_t error_size);
int allocate(const char* device, std::int32_t kind, std::uint64_t size_bytes, void** out_block, char* error,
             std::size_t error_size);
void deallocate(const char* device, std::int32_t kind, void* block);
int upload(const char* device, void* target, const void* source, std::uint64_t size_bytes, char* error,
           std::size_t error_size);
int finish_uploads(const char* device, char* error, std::size_t error_size);
void release_cache(const char* device);

}  // namespace consilia::torch_backend
