#pragma once
// Reading an upload, with a hard limit.
#include <cstddef>
#include <span>
#include <vector>

#include "consilia/validation/receive.hpp"

namespace consilia::validation {

/// The bytes of an upload: its own, or those of the caller.
struct UploadBytes {
    std::vector<std::byte> owned;
    std::span<const std::byte> bytes;
};

/// Never reads more than one byte past `options.max_bytes`.
/// @throws UploadRejected (`upload.too_large`, `upload.not_a_file`), NotFound, StorageError.
UploadBytes read_upload(const UploadSource& source, const ReceiveOptions& options);

}  // namespace consilia::validation
