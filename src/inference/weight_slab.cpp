#include "inference/weight_slab.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>

#include "consilia/core/error.hpp"
#include "inference/sizes.hpp"

namespace consilia::inference {

namespace {

constexpr std::uint64_t kAlignmentBytes =
    64;  // What the backend table promises; a cache line, an AVX-512 register.
constexpr std::uint64_t kHugePageBytes = 2 << 20;
/// Smaller slabs do not gain from large pages and come in finer chunks.
constexpr std::uint64_t kHugeSlabBytes = 32 << 20;
constexpr std::uint64_t kSmallChunkBytes = 64 << 10;
/// Tensors of a device's chunk are at least so large together: a copy then takes far longer than its start.
constexpr std::uint64_t kDeviceChunkBytes = 8 << 20;
/// What is read at once for a device without a copy of its own on the host; two of them take turns.
constexpr std::uint64_t kPieceBytes = 16 << 20;
/// Below this a second thread costs more than it brings.
constexpr std::uint64_t kParallelReadBytes = 8 << 20;

std::uint64_t aligned(std::uint64_t size_bytes, std::uint64_t to = kAlignmentBytes) {
    return (size_bytes + to - 1) / to * to;
}

}  // namespace

/// The host's side of a slab on a device: a copy of all weights where the staging ledger has room for it, so
/// that the file is read once; otherwise two pieces.
class WeightSlab::Copy {
public:
    Copy(const SlabPlace& place, std::uint64_t slab_bytes) : place_(place) {
        if (place_.staging != nullptr && place_.staging->available_bytes() >= slab_bytes) {
            try {
                reservation_ = place_.staging->reserve(slab_bytes, "weights on the host");
                take(slab_bytes);
                is_whole_ = true;
                return;
            } catch (const core::ResourceExhausted&) {
                reservation_.release();  // Another slab was faster, or there is no pinned memory: pieces do.
            }
        }
        take(2 * kPieceBytes);
    }
    ~Copy() {
        if (memory_ != nullptr) place_.backend->deallocate(place_.device, CONSILIA_MEMORY_STAGING, memory_);
    }
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;

    /// Copies [begin, end) of the slab to `target`, read through `read(begin, end, to)`.
    template <class Read>
    void bring(std::uint64_t begin, std::uint64_t end, std::byte* target, const Read& read) {
        if (is_whole_) {
            if (end > filled_bytes_) {
                read(filled_bytes_, end, memory_ + filled_bytes_);
                filled_bytes_ = end;
            }
            place_.backend->upload(place_.device, target, memory_ + begin, end - begin);
            return;
        }
        for (std::uint64_t at = begin; at < end; at += kPieceBytes, is_second_ = !is_second_) {
            const std::uint64_t piece_end = std::min(at + kPieceBytes, end);
            std::byte* piece = memory_ + (is_second_ ? kPieceBytes : 0);
            read(at, piece_end, piece);
            // The other piece may still be on its way; this one must not be overwritten before it has gone.
            place_.backend->finish_uploads(place_.device);
            place_.backend->upload(place_.device, target + (at - begin), piece, piece_end - at);
        }
    }
    void abandon() noexcept { memory_ = nullptr; }

private:
    void take(std::uint64_t size_bytes) {
        memory_ = static_cast<std::byte*>(
            place_.backend->allocate(place_.device, CONSILIA_MEMORY_STAGING, size_bytes));
    }

    const SlabPlace& place_;
    MemoryLedger::Reservation reservation_;
    std::byte* memory_ = nullptr;
    std::uint64_t filled_bytes_ = 0;
    bool is_whole_ = false;
    bool is_second_ = false;
};

std::uint64_t WeightSlab::size_for(std::span<const TensorEntry> tensors) {
    std::uint64_t size_bytes = 0;
    for (const TensorEntry& tensor : tensors) size_bytes += aligned(tensor.size_bytes);
    return size_bytes;
}

WeightSlab::WeightSlab(const SafetensorsFile& file, SlabPlace place)
    : file_(file),
      place_(std::move(place)),
      is_on_host_(place_.backend == nullptr || !place_.backend->has_device_memory(place_.device)),
      size_bytes_(size_for(file.tensors())) {
    lay_out();
    if (is_on_host_) map_host();
}

WeightSlab::~WeightSlab() {
    drop(0);
    if (mapping_ != nullptr) ::munmap(mapping_, mapping_bytes_);
}

void WeightSlab::lay_out() {
    const auto tensors = file_.tensors();
    std::uint64_t offset = 0;
    for (const TensorEntry& tensor : tensors) {
        offsets_.push_back(offset);
        offset += aligned(tensor.size_bytes);
        views_.push_back({tensor.name.c_str(), nullptr, tensor.shape.data(),
                          static_cast<std::int32_t>(tensor.shape.size()),
                          static_cast<std::int32_t>(tensor.type)});
    }
    if (is_on_host_) {
        chunk_bytes_ = size_bytes_ >= kHugeSlabBytes ? kHugePageBytes : kSmallChunkBytes;
        for (std::uint64_t end = chunk_bytes_; end < size_bytes_; end += chunk_bytes_)
            chunks_.push_back({.end = end});
        if (size_bytes_ > 0) chunks_.push_back({.end = size_bytes_});
        return;
    }
    std::uint64_t begin = 0;
    std::size_t first = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::uint64_t end = i + 1 < tensors.size() ? offsets_[i + 1] : size_bytes_;
        if (end - begin < kDeviceChunkBytes && i + 1 < tensors.size()) continue;
        chunks_.push_back({end, first, i + 1, nullptr});
        first = i + 1;
        begin = end;
    }
    chunk_bytes_ = chunks_.empty() ? 1 : size_bytes_ / chunks_.size();
}

void WeightSlab::map_host() {
    if (size_bytes_ == 0) return;
    const bool is_huge = chunk_bytes_ == kHugePageBytes;
    mapping_bytes_ = size_bytes_ + (is_huge ? kHugePageBytes : 0);
    // Mapped, not taken from the heap, which would keep what it is given back. Memory comes when it is
    // written to.
    mapping_ = ::mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping_ == MAP_FAILED) {
        mapping_ = nullptr;
        throw core::ResourceExhausted("memory.exhausted",
                                      "the system refused " + to_size_text(size_bytes_) + " for weights",
                                      {{"requested_bytes", to_detail(size_bytes_)}});
    }
    data_ = static_cast<std::byte*>(mapping_);
    if (is_huge) {
        const auto address = reinterpret_cast<std::uintptr_t>(mapping_);
        data_ += aligned(address, kHugePageBytes) - address;
        // Large pages where the system has them: a tenth of the page faults' time. A refusal changes nothing.
        (void)::madvise(data_, size_bytes_, MADV_HUGEPAGE);
    }
    for (std::size_t i = 0; i < views_.size(); ++i) {
        if (file_.tensors()[i].size_bytes > 0) views_[i].data = data_ + offsets_[i];
    }
}

std::uint64_t WeightSlab::loaded_bytes() const noexcept {
    return loaded_chunks_ == 0 ? 0 : chunks_[loaded_chunks_ - 1].end;
}

std::uint64_t WeightSlab::chunks_within(std::uint64_t wanted_bytes) const noexcept {
    const auto past =
        std::upper_bound(chunks_.begin(), chunks_.end(), wanted_bytes,
                         [](std::uint64_t bytes, const Chunk& chunk) { return bytes < chunk.end; });
    return past == chunks_.begin() ? 0 : std::prev(past)->end;
}

void WeightSlab::load(std::uint64_t wanted_bytes) {
    const std::uint64_t end = chunks_within(wanted_bytes);
    const std::uint64_t begin = loaded_bytes();
    if (end <= begin) return;
    if (is_on_host_) {
        load_on_host(begin, end);
        while (loaded_bytes() < end) ++loaded_chunks_;
        return;
    }
    if (!copy_) copy_ = std::make_unique<Copy>(place_, size_bytes_);
    try {
        while (loaded_bytes() < end) {
            load_on_device(chunks_[loaded_chunks_], loaded_bytes());
            ++loaded_chunks_;
        }
    } catch (...) {
        try {
            place_.backend->finish_uploads(place_.device);
        } catch (const core::Error&) {
            // The first failure is the one to tell.
        }
        throw;
    }
    place_.backend->finish_uploads(place_.device);
}

/// Threads share the range; a page cache gives one of them half of what memory can.
void WeightSlab::load_on_host(std::uint64_t begin, std::uint64_t end) {
    const auto parts = static_cast<std::uint64_t>(std::clamp<std::int64_t>(
        place_.threads, 1, static_cast<std::int64_t>((end - begin) / kParallelReadBytes) + 1));
    const std::uint64_t step = aligned((end - begin + parts - 1) / parts, kHugePageBytes);
    std::vector<std::exception_ptr> failures(parts);
    const auto read_part = [&](std::uint64_t part) {
        const std::uint64_t from = std::min(begin + part * step, end);
        const std::uint64_t to = std::min(from + step, end);
        try {
            if (from < to) read(from, to, data_ + from);
        } catch (...) {
            failures[part] = std::current_exception();
        }
    };
    {
        std::vector<std::jthread> helpers;
        for (std::uint64_t part = 1; part < parts; ++part) helpers.emplace_back(read_part, part);
        read_part(0);
    }
    for (const std::exception_ptr& failure : failures) {
        if (!failure) continue;
        (void)::madvise(data_ + begin, end - begin, MADV_DONTNEED);
        std::rethrow_exception(failure);
    }
}

void WeightSlab::load_on_device(Chunk& chunk, std::uint64_t begin) {
    chunk.block = place_.backend->allocate(place_.device, CONSILIA_MEMORY_DEVICE, chunk.end - begin);
    auto* block = static_cast<std::byte*>(chunk.block);
    try {
        copy_->bring(
            begin, chunk.end, block,
            [this](std::uint64_t from, std::uint64_t to, std::byte* target) { read(from, to, target); });
    } catch (...) {
        place_.backend->deallocate(place_.device, CONSILIA_MEMORY_DEVICE,
                                   std::exchange(chunk.block, nullptr));
        throw;
    }
    for (std::size_t i = chunk.first_tensor; i < chunk.tensors_end; ++i) {
        if (file_.tensors()[i].size_bytes > 0) views_[i].data = block + (offsets_[i] - begin);
    }
}

/// Reads [begin, end) of the slab's layout to `target`, where `begin` lies.
void WeightSlab::read(std::uint64_t begin, std::uint64_t end, std::byte* target) const {
    const auto tensors = file_.tensors();
    auto at = static_cast<std::size_t>(std::upper_bound(offsets_.begin(), offsets_.end(), begin) -
                                       offsets_.begin());
    for (at = at == 0 ? 0 : at - 1; at < tensors.size() && offsets_[at] < end; ++at) {
        const std::uint64_t tensor_end = offsets_[at] + tensors[at].size_bytes;
        const std::uint64_t from = std::max(begin, offsets_[at]);
        const std::uint64_t to = std::min(end, tensor_end);
        if (from >= to) continue;
        file_.read(tensors[at], from - offsets_[at],
                   {target + (from - begin), static_cast<std::size_t>(to - from)});
    }
}

void WeightSlab::drop(std::uint64_t kept_bytes) noexcept {
    const std::uint64_t before = loaded_bytes();
    while (loaded_chunks_ > 0 && loaded_bytes() > kept_bytes) {
        Chunk& chunk = chunks_[--loaded_chunks_];
        if (is_on_host_) continue;
        place_.backend->deallocate(place_.device, CONSILIA_MEMORY_DEVICE,
                                   std::exchange(chunk.block, nullptr));
        for (std::size_t i = chunk.first_tensor; i < chunk.tensors_end; ++i) views_[i].data = nullptr;
    }
    const std::uint64_t after = loaded_bytes();
    if (is_on_host_ && before > after) (void)::madvise(data_ + after, before - after, MADV_DONTNEED);
}

void WeightSlab::abandon() noexcept {
    if (is_on_host_) return;
    for (Chunk& chunk : chunks_) chunk.block = nullptr;
    loaded_chunks_ = 0;
    if (copy_) copy_->abandon();
}

}  // namespace consilia::inference
