#pragma once
// What programs that run a panel of models have in common.
#include <cstddef>
#include <random>

namespace consilia::benchmarks {

/// Passes that do not count: runtimes compile, sizes are measured in the first three, plans settle.
inline constexpr std::size_t kWarmUpPasses = 5;

/// An image of noise, the same for every program that is compared.
inline void fill_with_noise(float* values, std::size_t count, unsigned seed) {
    std::minstd_rand random(seed);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(random() % 4096) / 2048.0F - 1.0F;
}

}  // namespace consilia::benchmarks
