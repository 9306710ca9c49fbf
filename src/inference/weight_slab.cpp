#include "inference/weight_slab.hpp"

#include <sys/mman.h>

#include <utility>

#include "consilia/core/error.hpp"
#include "inference/sizes.hpp"

namespace consilia::inference {

namespace {

constexpr std::uint64_t kAlignmentBytes =
    64;  // What the backend table promises; a cache line, an AVX-512 register.

std::uint64_t aligned(std::uint64_t size_bytes) {
    return (size_bytes + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes;
}

}  // namespace

std::uint64_t WeightSlab::size_for(std::span<const TensorEntry> tensors) {
    std::uint64_t size_bytes = 0;
    for (const TensorEntry& tensor : tensors) size_bytes += aligned(tensor.size_bytes);
    return size_bytes;
}

WeightSlab::WeightSlab(const SafetensorsFile& file) {
    const std::uint64_t size_bytes = size_for(file.tensors());
    if (size_bytes > 0) {
        // Mapped, not taken from the heap, which would keep what it is given back.
        void* block = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) {
            throw core::ResourceExhausted("memory.exhausted",
                                          "the system refused " + to_size_text(size_bytes) + " for weights",
                                          {{"requested_bytes", to_detail(size_bytes)}});
        }
        // Large pages where the system has them: a tenth of the page faults' time. A refusal changes nothing.
        (void)::madvise(block, size_bytes, MADV_HUGEPAGE);
        data_ = static_cast<std::byte*>(block);
        size_bytes_ = size_bytes;
    }
    try {
        std::uint64_t offset = 0;
        for (const TensorEntry& tensor : file.tensors()) {
            std::byte* place = tensor.size_bytes == 0 ? nullptr : data_ + offset;
            if (place != nullptr) file.read(tensor, {place, static_cast<std::size_t>(tensor.size_bytes)});
            views_.push_back({tensor.name.c_str(), place, tensor.shape.data(),
                              static_cast<std::int32_t>(tensor.shape.size()),
                              static_cast<std::int32_t>(tensor.type)});
            offset += aligned(tensor.size_bytes);
        }
    } catch (...) {
        reset();
        throw;
    }
}

WeightSlab::WeightSlab(WeightSlab&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      views_(std::move(other.views_)) {}

WeightSlab& WeightSlab::operator=(WeightSlab&& other) noexcept {
    if (this == &other) return *this;
    reset();
    data_ = std::exchange(other.data_, nullptr);
    size_bytes_ = std::exchange(other.size_bytes_, 0);
    views_ = std::move(other.views_);
    return *this;
}

WeightSlab::~WeightSlab() {
    reset();
}

void WeightSlab::reset() noexcept {
    if (data_ != nullptr) ::munmap(std::exchange(data_, nullptr), std::exchange(size_bytes_, 0));
    views_.clear();
}

}  // namespace consilia::inference
