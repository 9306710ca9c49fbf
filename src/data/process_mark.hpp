#pragma once
#include <cstdint>

namespace consilia::data {

/// A number that no other process has, children made by fork included.
[[nodiscard]] std::uint64_t process_mark() noexcept;

}  // namespace consilia::data
