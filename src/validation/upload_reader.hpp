#pragma once
// Reading an upload in pieces, with a hard limit.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "consilia/validation/receive.hpp"
#include "core/file_system.hpp"

namespace consilia::validation {

/// The pieces of an upload, one after another. Never reads more than one byte past `options.max_bytes`.
/// Source and options are borrowed. Threading: confined.
class UploadReader {
public:
    static constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

    /// @throws UploadRejected (`upload.too_large` where the size is known, `upload.not_a_file`), NotFound,
    ///         StorageError.
    UploadReader(const UploadSource& source, const ReceiveOptions& options);

    /// The next piece, valid until the next call; all but the last have `kPieceBytes`. Empty at the end.
    /// @throws UploadRejected (`upload.too_large`), StorageError, InvalidArgument (`upload.source`), and what
    ///         the stream throws.
    std::span<const std::byte> next();
    /// Whether everything was read.
    [[nodiscard]] bool is_at_end() const noexcept { return is_at_end_; }
    /// All bytes, where they are in memory anyway: those of a buffer, or of a file in one piece after it was
    /// read. Otherwise empty.
    [[nodiscard]] std::span<const std::byte> whole() const noexcept;

private:
    void open_file(const std::filesystem::path& path);
    std::size_t pull(std::span<std::byte> into);
    std::size_t read_file(std::span<std::byte> into);

    const UploadSource& source_;
    const ReceiveOptions& options_;
    core::Descriptor file_;
    std::span<const std::byte> given_;  // Of a buffer: all of it.
    std::unique_ptr<std::byte[]> buffer_;
    std::uint64_t read_bytes_ = 0;
    bool is_at_end_ = false;
};

}  // namespace consilia::validation
