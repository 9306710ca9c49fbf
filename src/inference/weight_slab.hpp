#pragma once
// Memory for one member's weights, of which as much is there as there is room for.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "consilia/c/backend.h"
#include "consilia/inference/backend.hpp"
#include "consilia/inference/memory_ledger.hpp"
#include "consilia/inference/safetensors.hpp"

namespace consilia::inference {

/// Where slabs lie, and what they are filled through.
struct SlabPlace {
    std::shared_ptr<const Backend> backend{};  ///< Gives the memory of devices.
    std::string device = "cpu";
    /// Host memory that slabs of a device may keep for fast copies; null: only for as long as a copy takes.
    MemoryLedger* staging = nullptr;
    std::int32_t threads = 1;  ///< That read together, on the host.
};

/// The tensors of a file in their order, each aligned to 64 bytes: kernels then take the same path, and give
/// the same bits, each time a member is brought in.
///
/// A prefix of it is there; it grows and shrinks by chunks. In the host's memory the addresses never change
/// and what is dropped goes back to the system at once. On a device each chunk is a block of whole tensors.
/// Threading: confined.
class WeightSlab {
public:
    /// Bytes that these tensors take when all are there.
    [[nodiscard]] static std::uint64_t size_for(std::span<const TensorEntry> tensors);

    /// Takes address space, no memory. `file` must outlive the slab, whose views point at its names and
    /// shapes.
    /// @throws ResourceExhausted (`memory.exhausted`) if the system refuses even that.
    WeightSlab(const SafetensorsFile& file, SlabPlace place);
    ~WeightSlab();
    WeightSlab(const WeightSlab&) = delete;
    WeightSlab& operator=(const WeightSlab&) = delete;

    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    [[nodiscard]] std::uint64_t loaded_bytes() const noexcept;
    /// What `load` would make of it: the end of the last chunk that ends within `wanted_bytes`.
    [[nodiscard]] std::uint64_t chunks_within(std::uint64_t wanted_bytes) const noexcept;
    /// The usual size of a chunk, for plans.
    [[nodiscard]] std::uint64_t chunk_bytes() const noexcept { return chunk_bytes_; }

    /// Reads whole chunks until all that end within `wanted_bytes` are there.
    /// @throws StorageError; ResourceExhausted (`device.out_of_memory`, `memory.exhausted`). What was there
    /// stays.
    void load(std::uint64_t wanted_bytes);
    /// Drops chunks from the end until no more than `kept_bytes` are there.
    void drop(std::uint64_t kept_bytes) noexcept;
    /// Valid once all is loaded and until the next drop.
    [[nodiscard]] std::span<const consilia_tensor_view_t> views() const noexcept { return views_; }
    /// In a forked child: forgets memory that only the backend can free.
    void abandon() noexcept;

private:
    struct Chunk {
        std::uint64_t end = 0;  // In the slab; it begins where the one before ends.
        std::size_t first_tensor = 0;
        std::size_t tensors_end = 0;
        void* block = nullptr;  // On a device.
    };
    class Copy;

    void lay_out();
    void map_host();
    void read(std::uint64_t begin, std::uint64_t end, std::byte* target) const;
    void load_on_host(std::uint64_t begin, std::uint64_t end);
    void load_on_device(Chunk& chunk, std::uint64_t begin);

    const SafetensorsFile& file_;
    SlabPlace place_;
    bool is_on_host_;
    std::uint64_t size_bytes_ = 0;
    std::uint64_t chunk_bytes_ = 0;
    std::vector<std::uint64_t> offsets_;  // Of each tensor in the slab.
    std::vector<Chunk> chunks_;
    std::size_t loaded_chunks_ = 0;
    std::vector<consilia_tensor_view_t> views_;
    void* mapping_ = nullptr;  // On the host: the whole address space.
    std::uint64_t mapping_bytes_ = 0;
    std::byte* data_ = nullptr;   // On the host: an aligned place in it.
    std::unique_ptr<Copy> copy_;  // For a device: what is copied from.
};

}  // namespace consilia::inference
