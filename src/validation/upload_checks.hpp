#pragma once
// What is asked of an upload by its name, its first bytes and its content.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/imaging/codec.hpp"
#include "consilia/validation/receive.hpp"

namespace consilia::validation {

/// @throws InvalidArgument (`upload.options`).
void check_options(const ReceiveOptions& options);

/// The type by content, if it is allowed and the client says nothing else about it; of text the kind that the
/// client's name or media type tells.
/// @throws UploadRejected (`upload.unsupported_type`, `upload.extension_mismatch`,
///         `upload.media_type_mismatch`).
FileType check_type(std::span<const std::byte> head, const std::optional<std::string>& name,
                    const ReceiveOptions& options);

/// What decodes files of this type; nothing for what is no image.
std::optional<imaging::ImageFormat> image_format(FileType type) noexcept;

/// To the last byte and the last pixel. What imaging calls `image.x` is `upload.x` here, with its details.
/// @throws UploadRejected.
imaging::ImageInfo check_image(std::span<const std::byte> bytes, const ReceiveOptions& options);

/// A checked image as it is stored, or nothing where that is as it came.
/// @throws UploadRejected where the image cannot be without its metadata.
std::optional<std::vector<std::byte>> without_metadata(std::span<const std::byte> bytes,
                                                       imaging::ImageFormat format,
                                                       const ReceiveOptions& options);

/// @throws UploadRejected (`upload.infected`), Unavailable (`upload.scanner_unavailable`).
void scan(std::span<const std::byte> bytes, const ReceiveOptions& options);

}  // namespace consilia::validation
