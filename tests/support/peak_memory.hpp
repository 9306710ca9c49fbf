#pragma once
// How much memory something takes at most: exact under the address sanitizer, by the system's count
// elsewhere.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

#if defined(__SANITIZE_ADDRESS__)
#define CONSILIA_COUNTS_ALLOCATIONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONSILIA_COUNTS_ALLOCATIONS 1
#endif
#endif
#ifdef CONSILIA_COUNTS_ALLOCATIONS
// As in <sanitizer/allocator_interface.h>, which GCC does not have.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void* pointer,
                                                                           std::size_t size),
                                                         void (*on_free)(const volatile void* pointer));
extern "C" std::size_t __sanitizer_get_allocated_size(const volatile void* pointer);
#endif

namespace consilia::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kCountsMemory = false;  // the sanitizer's own memory would be counted
#else
inline constexpr bool kCountsMemory = true;
#endif
inline constexpr std::int64_t kMebibyte = 1 << 20;

/// The most that the process held since the construction, beyond what it held then. One at a time.
///
/// Under the address sanitizer every byte from malloc is counted, C libraries included, and nothing else.
/// Elsewhere it is the high-water mark of resident memory (proc(5), VmHWM), which `restart` resets.
class PeakMemory {
public:
    PeakMemory() { restart(); }
    PeakMemory(const PeakMemory&) = delete;
    PeakMemory& operator=(const PeakMemory&) = delete;

#ifdef CONSILIA_COUNTS_ALLOCATIONS
    void restart() {
        static const int kInstalled = __sanitizer_install_malloc_and_free_hooks(&count_new, &count_freed);
        if (kInstalled == 0) throw std::runtime_error("allocations cannot be counted");
        start_ = held_;
        peak_ = held_.load();
    }
    [[nodiscard]] std::uint64_t bytes() const {
        return static_cast<std::uint64_t>(peak_ - start_);
    }

private:
    static void count_new(const volatile void*, std::size_t size) {
        const auto now = held_.fetch_add(static_cast<std::int64_t>(size)) + static_cast<std::int64_t>(size);
        if (now > peak_) peak_ = now;
    }
    static void count_freed(const volatile void* pointer) {
        const auto* const plain = const_cast<const void*>(pointer);
        held_ -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(plain));
    }
    static inline std::atomic<std::int64_t> held_{0};  // negative where older memory was freed
    static inline std::atomic<std::int64_t> peak_{0};
    std::int64_t start_ = 0;
#else
    void restart() {
        std::ofstream("/proc/self/clear_refs") << "5";  // resets VmHWM
        start_ = status("VmRSS:");
    }
    [[nodiscard]] std::uint64_t bytes() const {
        const std::uint64_t peak = status("VmHWM:");
        return peak > start_ ? peak - start_ : 0;
    }

private:
    static std::uint64_t status(const std::string& wanted) {
        std::ifstream lines("/proc/self/status");
        for (std::string name; lines >> name;) {
            std::uint64_t kib = 0;
            if (name == wanted && lines >> kib) return kib << 10;
            std::getline(lines, name);
        }
        throw std::runtime_error("the system does not say " + wanted);
    }
    std::uint64_t start_ = 0;
#endif
};

/// By how much the memory of a fresh child grows at most while it runs `action`, whatever this process freed
/// before; nothing where it is not counted. `action` runs twice and must not throw.
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
            const PeakMemory memory;
            action();
            growth = static_cast<std::int64_t>(memory.bytes());
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
