#pragma once
// Memory for one member's weights: one block, given back to the system the moment it is not needed.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "consilia/c/backend.h"
#include "consilia/inference/safetensors.hpp"

namespace consilia::inference {

/// Holds the tensors of a file, each aligned to 64 bytes: kernels then take the same path, and give the same
/// bits, each time a member is brought in. Threading: confined.
class WeightSlab {
public:
    /// Bytes that these tensors take in a slab: what has to be reserved before one is made.
    [[nodiscard]] static std::uint64_t size_for(std::span<const TensorEntry> tensors);

    WeightSlab() noexcept = default;
    /// Reads every tensor; `file` must outlive the slab, whose views point at its names and shapes.
    /// @throws ResourceExhausted (`memory.exhausted`) if the system refuses the block; StorageError.
    explicit WeightSlab(const SafetensorsFile& file);
    WeightSlab(WeightSlab&& other) noexcept;
    WeightSlab& operator=(WeightSlab&& other) noexcept;
    ~WeightSlab();

    [[nodiscard]] std::span<const consilia_tensor_view_t> views() const noexcept { return views_; }
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

private:
    void reset() noexcept;

    std::byte* data_ = nullptr;
    std::uint64_t size_bytes_ = 0;
    std::vector<consilia_tensor_view_t> views_;
};

}  // namespace consilia::inference
