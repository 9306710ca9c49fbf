#include "process_mark.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

namespace consilia::data {

std::uint64_t process_mark() noexcept {
    using Mark = std::atomic<std::uint64_t>;
    static_assert(Mark::is_always_lock_free);
    // A page that the kernel clears in a forked child (madvise(2), MADV_WIPEONFORK): asking it costs a load,
    // asking for the process id a system call. The page is never unmapped.
    static Mark* const page = []() -> Mark* {
        void* memory =
            ::mmap(nullptr, sizeof(Mark), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return nullptr;
        if (::madvise(memory, sizeof(Mark), MADV_WIPEONFORK) != 0) {
            ::munmap(memory, sizeof(Mark));
            return nullptr;
        }
        return new (memory) Mark(0);
    }();
    if (page == nullptr) return static_cast<std::uint64_t>(::getpid());
    if (const std::uint64_t mark = page->load(std::memory_order_relaxed); mark != 0) return mark;
    const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    const std::uint64_t fresh = (now ^ (static_cast<std::uint64_t>(::getpid()) << 42)) | 1U;
    std::uint64_t mark = 0;
    return page->compare_exchange_strong(mark, fresh, std::memory_order_relaxed) ? fresh : mark;
}

}  // namespace consilia::data
