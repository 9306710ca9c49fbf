#pragma once
// What this process holds of the machine's memory, as the kernel counts it.
#include <cstdint>
#include <fstream>
#include <string>

namespace consilia::benchmarks {

/// A line of /proc/self/status in bytes: `VmRSS`, `VmHWM`.
inline std::uint64_t status_bytes(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.compare(0, key.size() + 1, key + ':') == 0)
            return std::stoull(line.substr(key.size() + 1)) * 1024;
    }
    return 0;
}

/// Resident now.
inline std::uint64_t resident_bytes() {
    return status_bytes("VmRSS");
}

/// The most that was resident since `forget_peak`.
inline std::uint64_t peak_resident_bytes() {
    return status_bytes("VmHWM");
}

inline void forget_peak() {
    std::ofstream("/proc/self/clear_refs") << 5;
}

}  // namespace consilia::benchmarks
