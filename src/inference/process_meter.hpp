#pragma once
// What this process takes of the host's memory around a piece of work, for runtimes that cannot tell it
// themselves.
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <thread>

#include "inference/sizes.hpp"

namespace consilia::inference {

/// Counts pages that are resident, all threads' together. Threading: confined.
class ProcessMeter {
public:
    /// Free pages of the heap go back first, so that work which takes them counts.
    ProcessMeter() {
        (void)::malloc_trim(0);
        begin_bytes_ = resident_bytes();
    }
    /// What stays of it: more than at the beginning, without free pages.
    [[nodiscard]] std::uint64_t grown_bytes() const {
        (void)::malloc_trim(0);
        return beyond(resident_bytes(), begin_bytes_);
    }

    /// Looks every now and then how much it is, from its beginning to its end. The kernel's own high-water
    /// mark would have to be reset, which belongs to the program.
    class Watch {
    public:
        explicit Watch(const ProcessMeter& meter)
            : begin_bytes_(meter.begin_bytes_), thread_([this](const std::stop_token& stop) {
                  while (!stop.stop_requested()) {
                      note();
                      std::this_thread::sleep_for(std::chrono::microseconds(200));
                  }
              }) {}
        /// The most so far beyond the meter's beginning.
        [[nodiscard]] std::uint64_t peak_bytes() {
            note();
            return peak_bytes_;
        }

    private:
        void note() {
            const std::uint64_t now = resident_bytes();
            const std::uint64_t grown = beyond(now, begin_bytes_);
            std::uint64_t seen = peak_bytes_;
            while (grown > seen && !peak_bytes_.compare_exchange_weak(seen, grown)) {
            }
        }

        std::uint64_t begin_bytes_;
        std::atomic<std::uint64_t> peak_bytes_{0};
        std::jthread thread_;  // Last: it ends before what it writes to.
    };

private:
    static std::uint64_t resident_bytes() {
        unsigned long long whole = 0;
        unsigned long long resident = 0;
        std::FILE* file = std::fopen("/proc/self/statm", "re");
        if (file == nullptr) return 0;
        const int read = std::fscanf(file, "%llu %llu", &whole, &resident);
        (void)std::fclose(file);
        return read == 2 ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
    }

    std::uint64_t begin_bytes_ = 0;
};

}  // namespace consilia::inference
