#pragma once
// Tensors of files, computed once: cached under the hash of the file and the hash of the pipeline.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "consilia/cache/lru_cache.hpp"
#include "consilia/core/export.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/imaging/pipeline.hpp"

namespace consilia::imaging {

/// What a preprocessor may keep and read.
struct PreprocessorOptions {
    std::uint64_t tensor_cache_bytes = 256ULL << 20;  ///< Zero: nothing is kept.
    /// Decoded images, so that members with different pipelines share one decoding. Zero: nothing is kept.
    std::uint64_t image_cache_bytes = 64ULL << 20;
    std::uint64_t max_file_bytes = 64ULL << 20;  ///< Longest file that is read.
    DecodeLimits limits{};
};

/// Decodes files and applies pipelines, each combination once however many threads ask for it.
/// Threading: safe.
class CONSILIA_API Preprocessor {
public:
    explicit Preprocessor(const PreprocessorOptions& options = {});

    /// The tensor of a stored file. `sha256` is what was recorded when it came in; the file is only read, and
    /// checked against it, when neither the tensor nor the image is cached.
    /// @throws NotFound, StorageError (`image.hash_mismatch`: the file is no longer what was recorded),
    ///         ValidationError as `decode`.
    [[nodiscard]] std::shared_ptr<const Tensor> prepare(const Pipeline& pipeline,
                                                        const std::filesystem::path& file,
                                                        std::string_view sha256);
    /// The tensor of bytes in memory, which are hashed each time.
    /// @throws ValidationError as `decode`.
    [[nodiscard]] std::shared_ptr<const Tensor> prepare(const Pipeline& pipeline,
                                                        std::span<const std::byte> bytes);

    /// The decoded image of a stored file, from the cache where it is.
    /// @throws as `prepare`.
    [[nodiscard]] std::shared_ptr<const Image> image(const std::filesystem::path& file,
                                                     std::string_view sha256);

    /// Forgets everything that came from this file: after its removal.
    void forget(std::string_view sha256);

    [[nodiscard]] cache::CacheStats tensor_cache_stats() const { return tensors_.stats(); }
    [[nodiscard]] cache::CacheStats image_cache_stats() const { return images_.stats(); }

private:
    PreprocessorOptions options_;
    cache::LruCache<Image> images_;
    cache::LruCache<Tensor> tensors_;
};

}  // namespace consilia::imaging
