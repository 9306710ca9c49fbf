#include "consilia/imaging/preprocessor.hpp"

#include <string>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"

namespace consilia::imaging {
namespace {

std::string tensor_key(std::string_view sha256, const Pipeline& pipeline) {
    return std::string(sha256) + ":" + pipeline.hash();
}

}  // namespace

Preprocessor::Preprocessor(const PreprocessorOptions& options)
    : options_(options),
      images_({.max_bytes = options.image_cache_bytes}),
      tensors_({.max_bytes = options.tensor_cache_bytes}) {}

std::shared_ptr<const Tensor> Preprocessor::prepare(const Pipeline& pipeline,
                                                    const std::filesystem::path& file,
                                                    std::string_view sha256) {
    return tensors_.get_or_compute(tensor_key(sha256, pipeline),
                                   [&] { return pipeline.apply(*image(file, sha256)); });
}

std::shared_ptr<const Tensor> Preprocessor::prepare(const Pipeline& pipeline,
                                                    std::span<const std::byte> bytes) {
    const std::string sha256 = core::sha256(bytes);
    return tensors_.get_or_compute(tensor_key(sha256, pipeline), [&] {
        const auto decoded = images_.get_or_compute(sha256, [&] { return decode(bytes, options_.limits); });
        return pipeline.apply(*decoded);
    });
}

std::shared_ptr<const Image> Preprocessor::image(const std::filesystem::path& file, std::string_view sha256) {
    return images_.get_or_compute(sha256, [&] {
        const std::vector<std::byte> bytes = core::read_file(file, options_.max_file_bytes);
        if (core::sha256(bytes) != sha256) {
            throw core::StorageError("image.hash_mismatch", "a stored image is no longer what was recorded",
                                     {{"expected", sha256}});
        }
        return decode(bytes, options_.limits);
    });
}

void Preprocessor::forget(std::string_view sha256) {
    images_.invalidate(sha256);
    tensors_.invalidate_prefix(std::string(sha256) + ":");
}

}  // namespace consilia::imaging
