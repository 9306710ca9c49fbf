#pragma once
// The safetensors format: named tensors in one file, read without running anything.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"

namespace consilia::inference {

/// Element types; the numbers are those of the backend table.
enum class ElementType : std::int32_t { F32 = 1, F16 = 2, BF16 = 3, I64 = 4, U8 = 5, Bool = 6 };

/// `F32`, as in the format.
CONSILIA_API std::string_view to_string(ElementType type) noexcept;
CONSILIA_API std::size_t element_size(ElementType type) noexcept;

/// One tensor of a file: dense, row-major, little-endian.
struct TensorEntry {
    std::string name;
    ElementType type = ElementType::F32;
    std::vector<std::int64_t> shape{};
    std::uint64_t offset = 0;  ///< In the data that follow the header.
    std::uint64_t size_bytes = 0;
    friend bool operator==(const TensorEntry&, const TensorEntry&) = default;
};

/// What a header may ask for.
struct SafetensorsLimits {
    std::uint64_t header_bytes_max = 16ULL
                                     << 20;  ///< The format's own bound is 100 MB; a ViT-B/16 needs 20 KB.
    std::size_t tensors_max = 100'000;
    std::size_t rank_max = 8;
};

/// Reads the JSON header; `data_bytes` is what follows it in the file.
/// @return the tensors by offset.
/// @throws InferenceError (`safetensors.damaged`) unless the tensors lie one after the other, without gap or
/// overlap,
///         from the first data byte to the last, each as long as its type and shape say;
///         (`safetensors.unsupported`) for other element types and past a limit.
CONSILIA_API std::vector<TensorEntry> parse_safetensors_header(std::string_view header,
                                                               std::uint64_t data_bytes,
                                                               const SafetensorsLimits& limits = {});

/// An open file of tensors whose table has been checked. Threading: safe.
///
/// The data are read, not mapped: a mapping of a file that somebody cuts short kills the process.
class CONSILIA_API SafetensorsFile {
public:
    /// @throws NotFound (`file.not_found`), StorageError, InferenceError as `parse_safetensors_header`.
    explicit SafetensorsFile(const std::filesystem::path& path, const SafetensorsLimits& limits = {});
    SafetensorsFile(SafetensorsFile&&) noexcept;
    SafetensorsFile& operator=(SafetensorsFile&&) noexcept;
    ~SafetensorsFile();

    [[nodiscard]] std::span<const TensorEntry> tensors() const noexcept;
    /// Bytes of all tensors together.
    [[nodiscard]] std::uint64_t data_bytes() const noexcept;
    /// SHA-256 of the whole file as it is now, read in pieces. @throws StorageError.
    [[nodiscard]] std::string sha256() const;
    /// False once the file has been written to or cut since it was opened.
    [[nodiscard]] bool is_unchanged() const noexcept;

    /// Reads one tensor into `target`, which is `size_bytes` long.
    /// @throws StorageError if the file has become too short or cannot be read.
    void read(const TensorEntry& tensor, std::span<std::byte> target) const;
    /// Reads `target.size()` bytes of one tensor from `offset` bytes into it.
    /// @throws InvalidArgument (`safetensors.range`) past its end; StorageError as above.
    void read(const TensorEntry& tensor, std::uint64_t offset, std::span<std::byte> target) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace consilia::inference
