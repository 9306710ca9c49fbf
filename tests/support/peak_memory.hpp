#pragma once
// How much memory something takes at most, as the kernel counts it.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

namespace consilia::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kCountsMemory = false;  // the sanitizer's own memory would be counted
#else
inline constexpr bool kCountsMemory = true;
#endif
inline constexpr std::int64_t kMebibyte = 1 << 20;

inline std::int64_t peak_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
    }
    return -1;
}

/// By how much the resident memory of a fresh child grows at most while it runs `action`; nothing where it is
/// not counted. `action` runs twice and must not throw.
inline std::int64_t peak_growth(const std::function<void()>& action) {
    if (!kCountsMemory) return 0;
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
        std::int64_t growth = -1;
        try {
            ::mallopt(M_MMAP_THRESHOLD, 64 << 10);
            action();          // a child has to map code anew, which would count
            ::malloc_trim(0);  // what is free must not be reused unseen
            std::ofstream("/proc/self/clear_refs") << 5;
            const std::int64_t before = peak_bytes();
            action();
            growth = peak_bytes() - before;
        } catch (...) {
            ::_exit(1);
        }
        const bool is_written = ::write(ends[1], &growth, sizeof growth) == sizeof growth;
        ::_exit(is_written ? 0 : 1);
    }
    ::close(ends[1]);
    std::int64_t growth = -1;
    const bool is_read = ::read(ends[0], &growth, sizeof growth) == sizeof growth;
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    if (!is_read) throw std::runtime_error("the child did not answer");
    return growth;
}

}  // namespace consilia::test
