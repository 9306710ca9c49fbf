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
#include "consilia/validation/file_type.hpp"
#include "consilia/validation/quarantine.hpp"
#include "consilia/validation/scanner.hpp"

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

/// What becomes of what a file tells beside its pixels: places, names, devices, text, previews.
enum class MetadataMode : std::uint8_t {
    Strip,     ///< Removed without touching a pixel (`imaging::strip_metadata`).
    Keep,      ///< Stored byte for byte as it came: for an archive that nobody is served from.
    Reencode,  ///< Only the decoded pixels survive (`imaging::reencode`); of a JPEG they change a little.
};

/// What is accepted and where it goes.
struct ReceiveOptions {
    std::filesystem::path directory{};  ///< Existing directory of the stored files. Required.
    std::string prefix = "file";        ///< Of the stored name; by convention `user_{id}`.
    /// As the client sent it, unchecked. Nothing: the client sent none.
    std::optional<std::string> client_name{};
    /// The media type that the client declared, unchecked. Nothing: the client declared none.
    std::optional<std::string> client_type{};
    std::string field = "file";                                       ///< Name of the form field, for errors.
    std::uint64_t max_bytes = 10ULL << 20;                            ///< Longest file that passes.
    std::vector<FileType> allowed = {FileType::Jpeg, FileType::Png};  ///< See `is_receivable`.
    imaging::DecodeLimits limits{};
    MetadataMode metadata = MetadataMode::Strip;
    Scanner scanner{};               ///< Asked last, about the file as it came. Empty: none.
    QuarantineOptions quarantine{};  ///< Where refused files are kept; without a directory they are not.
};

/// What is known of a received file.
struct FileFacts {
    std::string stored_name;       ///< `{prefix}_{random}.png`: nothing of it comes from the client.
    std::string client_name;       ///< For display only: sanitised; `file` if the client sent none.
    std::string sha256;            ///< Of what is stored: 64 lower-case hexadecimal digits.
    std::uint64_t size_bytes = 0;  ///< Of what is stored.
    std::string received_sha256;   ///< Of what came in; the same unless metadata was removed.
    std::uint64_t received_bytes = 0;
    FileType type = FileType::Unknown;
    std::uint32_t width = 0;  ///< Of an image, with the orientation applied, as decoded. Otherwise zero.
    std::uint32_t height = 0;
};

/// A checked file that has no name yet. It becomes permanent with `commit`, inside the caller's transaction
/// and before that commits; destroyed without it, nothing of it is left. Threading: confined.
class CONSILIA_API ReceivedFile {
public:
    [[nodiscard]] const FileFacts& facts() const noexcept { return facts_; }
    /// Brings the file to the disk, so that `commit` takes less time inside a transaction. @throws
    /// StorageError.
    void sync() { file_.sync(); }
    /// Syncs the file and gives it its stored name. Call once; if the transaction fails after it, `discard`.
    /// @throws StorageError, Conflict (`file.exists`), InvalidArgument (`file.committed`).
    std::filesystem::path commit();

private:
    friend ReceivedFile receive(const UploadSource&, const ReceiveOptions&);
    ReceivedFile(FileFacts facts, core::AtomicFile file) : facts_(std::move(facts)), file_(std::move(file)) {}
    FileFacts facts_;
    core::AtomicFile file_;
};

/// Whether files of this type can be received: those that are checked to their last byte. JPEG, PNG, DICOM
/// and UTF-8 text (`Text`, `Csv`).
CONSILIA_API bool is_receivable(FileType type) noexcept;

/// Reads one file within the limit, and refuses it unless name, type, structure and content are sound.
///
/// In this order: the client's name, type by the first bytes, extension and media type that the client gave,
/// size while reading; then of an image its dimensions, structure to the last byte and every pixel, of text
/// every character; then the scanner. What is read is hashed and written at once, in pieces, to a file that
/// has no name and is gone with the process; memory is one piece of 256 KiB, and what checking an image
/// takes (see `imaging::verify`). Nothing is written of what is refused by its first bytes, and of an image
/// that is in memory (`bytes`, or at most one piece) before all of it holds.
/// @throws UploadRejected with `field`, and `limit` and `found` where they have a meaning, in its details:
///         `upload.unsafe_name`, `upload.not_a_file`, `upload.empty`, `upload.too_large` (413),
///         `upload.unsupported_type` (415), `upload.extension_mismatch`, `upload.media_type_mismatch`,
///         `upload.too_many_pixels`, `upload.too_complex`, `upload.damaged`, `upload.trailing_data`,
///         `upload.foreign_preamble`, `upload.burned_in_annotation`, `upload.not_text`, `upload.infected`.
///         With a quarantine `quarantined` is the name under which it was kept, or empty if it could not be.
/// @throws Unavailable (`upload.scanner_unavailable`) if the scanner failed: nothing comes in unscanned.
/// @throws NotFound (`file.not_found`), StorageError, InvalidArgument (`upload.options`), and whatever the
///         stream or the scanner throws.
CONSILIA_API ReceivedFile receive(const UploadSource& source, const ReceiveOptions& options);

/// Removes a committed file whose transaction failed. A file that is already gone is no error.
/// @throws StorageError.
CONSILIA_API void discard(const std::filesystem::path& path);

/// Checks a name that a client sent: not empty, at most 255 bytes of UTF-8 without control characters, path
/// separators or text-direction overrides, and not `.` or `..`.
/// @throws UploadRejected (`upload.unsafe_name`); the name itself is not in the error.
CONSILIA_API void check_client_name(std::string_view name, std::string_view field = "file");

}  // namespace consilia::validation
