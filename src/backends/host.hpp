#pragma once
// What backends that compute on the host's processor have in common; needs no runtime.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "consilia/c/backend.h"

namespace consilia::backends {

/// @throws std::invalid_argument for any device but `cpu`.
inline void check_host_device(std::string_view device) {
    if (device != "cpu")
        throw std::invalid_argument("this backend runs on `cpu`, not on `" + std::string(device) + "`");
}

/// The machine's memory, and what of it is free.
inline void query_host_memory(consilia_backend_device_t& out) {
    const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    out.total_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page_bytes;
    out.free_bytes = static_cast<std::uint64_t>(::sysconf(_SC_AVPHYS_PAGES)) * page_bytes;
}

/// Writes the first line of a message to the caller's `error`, as backend.h wants it.
inline void write_error(std::string_view message, char* error, std::size_t error_size) noexcept {
    if (error == nullptr || error_size == 0) return;
    const std::size_t length = std::min(std::min(message.find('\n'), message.size()), error_size - 1);
    std::memcpy(error, message.data(), length);
    error[length] = '\0';
}

/// Bytes that malloc has given out in the whole process; zero where the host has replaced it.
inline std::uint64_t allocated_bytes() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

inline std::uint64_t difference(std::uint64_t larger, std::uint64_t smaller) {
    return larger > smaller ? larger - smaller : 0;
}

}  // namespace consilia::backends
