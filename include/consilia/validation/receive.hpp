#pragma once
// What may come in: one file, read with a hard limit, checked to its last byte, kept whole or not at all.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/files.hpp"
#include "consilia/imaging/codec.hpp"

namespace consilia::validation {

/// Where an upload comes from. Threading: confined.
class CONSILIA_API UploadSource {
public:
    /// Fills the front of the buffer and returns the number of bytes, zero at the end. Called on the thread
    /// of `receive`, never again after the end or after more than the limit; what it throws passes through.
    using Pull = std::function<std::size_t(std::span<std::byte> buffer)>;

    /// A regular file; its name counts as the client's unless the options give another.
    static UploadSource file(std::filesystem::path path) { return UploadSource(std::move(path)); }
    /// Bytes that stay valid until `receive` returns; they are not copied.
    static UploadSource bytes(std::span<const std::byte> bytes) { return UploadSource(bytes); }
    /// A stream that a web server feeds.
    static UploadSource stream(Pull pull) { return UploadSource(std::move(pull)); }

    using Variant = std::variant<std::filesystem::path, std::span<const std::byte>, Pull>;
    [[nodiscard]] const Variant& variant() const noexcept { return source_; }

private:
    explicit UploadSource(Variant source) : source_(std::move(source)) {}
    Variant source_;
};

/// What is accepted and where it goes.
struct ReceiveOptions {
    std::filesystem::path directory{};  ///< Existing directory of the stored files. Required.
    std::string prefix = "file";        ///< Of the stored name; by convention `user_{id}`.
    /// As the client sent it, unchecked. Nothing: the client sent none.
    std::optional<std::string> client_name{};
    std::string field = "file";             ///< Name of the form field, for errors.
    std::uint64_t max_bytes = 10ULL << 20;  ///< Longest file that passes.
    std::vector<imaging::ImageFormat> allowed = {imaging::ImageFormat::Jpeg, imaging::ImageFormat::Png};
    imaging::DecodeLimits limits{};
};

/// What is known of a received file.
struct FileFacts {
    std::string stored_name;  ///< `{prefix}_{random}.png`: nothing of it comes from the client.
    std::string client_name;  ///< For display only: sanitised; `file` if the client sent none.
    std::string sha256;       ///< 64 lower-case hexadecimal digits.
    std::uint64_t size_bytes = 0;
    imaging::ImageFormat format = imaging::ImageFormat::Png;
    std::uint32_t width = 0;  ///< With the orientation applied, as decoded.
    std::uint32_t height = 0;
};

/// A checked file under a temporary name. It becomes permanent with `commit`, inside the caller's transaction
/// and before that commits; destroyed without it, the file is removed. Threading: confined.
class CONSILIA_API ReceivedFile {
public:
    [[nodiscard]] const FileFacts& facts() const noexcept { return facts_; }
    /// Syncs the file and gives it its stored name. Call once; if the transaction fails after it, `discard`.
    /// @throws StorageError, Conflict (`file.exists`).
    std::filesystem::path commit();

private:
    friend ReceivedFile receive(const UploadSource&, const ReceiveOptions&);
    ReceivedFile(FileFacts facts, core::AtomicFile file) : facts_(std::move(facts)), file_(std::move(file)) {}
    FileFacts facts_;
    core::AtomicFile file_;
};

/// Reads one image within the limit, and refuses it unless name, type, structure and every pixel are sound.
///
/// In this order: the client's name, size while reading, type by content, extension, dimensions, structure to
/// the last byte, decoding to the last pixel. Nothing is written before all of it holds. Memory: the file
/// (not for `bytes`) and the decoded image, both bounded by the options.
/// @throws UploadRejected with `field`, and `limit` and `found` where they have a meaning, in its details:
///         `upload.unsafe_name`, `upload.not_a_file`, `upload.empty`, `upload.too_large` (413),
///         `upload.unsupported_type` (415), `upload.extension_mismatch`, `upload.too_many_pixels`,
///         `upload.too_complex`, `upload.damaged`, `upload.trailing_data`.
/// @throws NotFound (`file.not_found`), StorageError, InvalidArgument (`upload.options`), and whatever the
///         stream throws.
CONSILIA_API ReceivedFile receive(const UploadSource& source, const ReceiveOptions& options);

/// Removes a committed file whose transaction failed. A file that is already gone is no error.
/// @throws StorageError.
CONSILIA_API void discard(const std::filesystem::path& path);

/// Checks a name that a client sent: not empty, at most 255 bytes of UTF-8 without control characters, path
/// separators or text-direction overrides, and not `.` or `..`.
/// @throws UploadRejected (`upload.unsafe_name`); the name itself is not in the error.
CONSILIA_API void check_client_name(std::string_view name, std::string_view field = "file");

}  // namespace consilia::validation
