#pragma once
// Sizes compared, and in messages and details.
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>

#include "consilia/core/value.hpp"

namespace consilia::inference {

/// What `value` has more than `other`; zero if it has not.
constexpr std::uint64_t beyond(std::uint64_t value, std::uint64_t other) noexcept {
    return value > other ? value - other : 0;
}

/// `812.0 MiB`, `96.5 KiB`, `12 B`.
inline std::string to_size_text(std::uint64_t bytes) {
    char text[32];
    const auto value = static_cast<double>(bytes);
    if (bytes < 1024) {
        std::snprintf(text, sizeof text, "%llu B", static_cast<unsigned long long>(bytes));
    } else if (bytes < 1 << 20) {
        std::snprintf(text, sizeof text, "%.1f KiB", value / 1024);
    } else {
        std::snprintf(text, sizeof text, "%.1f MiB", value / (1 << 20));
    }
    return text;
}

/// A size as a detail of an error; beyond what a value holds it is cut.
inline core::Value to_detail(std::uint64_t bytes) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    return core::Value(static_cast<std::int64_t>(bytes < kMost ? bytes : kMost));
}

}  // namespace consilia::inference
