#include "validation/upload_checks.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "consilia/imaging/metadata.hpp"
#include "validation/client_name.hpp"

namespace consilia::validation {
namespace {

using imaging::ImageFormat;

constexpr int kUnsupportedMediaType = 415;

/// The one place that knows which types are received, and which of them are images.
struct Receivable {
    FileType type;
    std::optional<ImageFormat> format;
    /// Media types that clients send for it, other than its own.
    std::array<std::string_view, 3> other_media_types;
};
constexpr auto kReceivable = std::to_array<Receivable>({
    {FileType::Jpeg, ImageFormat::Jpeg, {"image/jpg", "image/pjpeg"}},
    {FileType::Png, ImageFormat::Png, {"image/x-png"}},
    {FileType::Dicom, ImageFormat::Dicom, {}},
    {FileType::Text, std::nullopt, {}},
    // Windows declares what its registry says of `.csv`.
    {FileType::Csv, std::nullopt, {"text/plain", "application/csv", "application/vnd.ms-excel"}},
});

const Receivable* find(FileType type) noexcept {
    const auto found = std::ranges::find(kReceivable, type, &Receivable::type);
    return found == kReceivable.end() ? nullptr : &*found;
}

bool is_allowed(FileType type, const ReceiveOptions& options) {
    return std::ranges::find(options.allowed, type) != options.allowed.end();
}

bool has_extension(FileType type, std::string_view extension) {
    const std::span<const std::string_view> known = extensions(type);
    return std::ranges::find(known, extension) != known.end();
}

/// `text/csv` of ` Text/CSV; charset=utf-8`.
std::string bare_media_type(std::string_view declared) {
    declared = declared.substr(0, declared.find(';'));
    std::string bare;
    for (const char c : declared) {
        if (c == ' ' || c == '\t') continue;
        bare += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    return bare;
}

[[noreturn]] void refuse_type(FileType found, const ReceiveOptions& options) {
    std::string allowed;
    for (const FileType each : options.allowed) {
        allowed += (allowed.empty() ? "" : ", ") + std::string(to_string(each));
    }
    const std::string_view name = to_string(found);
    reject(options.field, "upload.unsupported_type",
           "the content is " + (found == FileType::Unknown ? "of no known type" : std::string(name)) +
               ", allowed is " + allowed,
           {{"allowed", allowed}, {"found", name}}, kUnsupportedMediaType);
}

/// Text in JSON's or another form is text too, and so is text that a name calls CSV.
FileType refined(FileType type, const std::optional<std::string>& name, const ReceiveOptions& options) {
    if (type == FileType::Json) type = FileType::Text;
    if (type != FileType::Text) return type;
    const bool is_named_csv = name && has_extension(FileType::Csv, core::file_extension(*name));
    const bool is_declared_csv =
        !name && options.client_type && bare_media_type(*options.client_type) == "text/csv";
    const bool is_only_csv = is_allowed(FileType::Csv, options) && !is_allowed(FileType::Text, options);
    return is_named_csv || is_declared_csv || is_only_csv ? FileType::Csv : FileType::Text;
}

void check_extension(const std::string& name, FileType type, const ReceiveOptions& options) {
    const std::string extension = core::file_extension(name);
    if (has_extension(type, extension)) return;
    reject(options.field, "upload.extension_mismatch",
           "the content is " + std::string(to_string(type)) + ", the extension of the name says otherwise",
           {{"expected", extensions(type).front()}, {"found", core::safe_file_name(extension)}});
}

void check_media_type(std::string_view declared, FileType type, const ReceiveOptions& options) {
    const std::string bare = bare_media_type(declared);
    // What a client sends that does not know.
    if (bare.empty() || bare == "application/octet-stream" || bare == media_type(type)) return;
    const auto& others = find(type)->other_media_types;
    if (std::ranges::find(others, bare) != others.end()) return;
    reject(options.field, "upload.media_type_mismatch",
           "the content is " + std::string(to_string(type)) + ", the declared media type says otherwise",
           {{"expected", media_type(type)}, {"found", core::safe_file_name(bare)}});
}

/// Runs `body`; what imaging calls `image.x` or `dicom.x` is `upload.x`.
template <class F>
auto as_upload(const ReceiveOptions& options, F&& body) {
    try {
        return body();
    } catch (const core::ValidationError& error) {
        const std::string code = "upload." + error.code().substr(error.code().find('.') + 1);
        const int status = code == "upload.unsupported_type" ? kUnsupportedMediaType : 0;
        reject(options.field, code, error.what(), error.details(), status);
    }
}

}  // namespace

bool is_receivable(FileType type) noexcept {
    return find(type) != nullptr;
}

std::optional<ImageFormat> image_format(FileType type) noexcept {
    const Receivable* const known = find(type);
    return known == nullptr ? std::nullopt : known->format;
}

void check_options(const ReceiveOptions& options) {
    const auto refuse = [](const std::string& what) { throw core::InvalidArgument("upload.options", what); };
    if (options.directory.empty()) refuse("a directory for the received files is needed");
    if (options.allowed.empty()) refuse("at least one type must be allowed");
    for (const FileType type : options.allowed) {
        if (!is_receivable(type))
            refuse("files of type `" + std::string(to_string(type)) + "` cannot be received");
    }
    if (options.max_bytes == 0) refuse("the limit of bytes must be above zero");
}

FileType check_type(std::span<const std::byte> head, const std::optional<std::string>& name,
                    const ReceiveOptions& options) {
    const FileType found = detect_type(head);
    const FileType type = refined(found, name, options);
    if (!is_allowed(type, options)) refuse_type(found, options);
    if (name) check_extension(*name, type, options);
    if (options.client_type) check_media_type(*options.client_type, type, options);
    return type;
}

imaging::ImageInfo check_image(std::span<const std::byte> bytes, const ReceiveOptions& options) {
    return as_upload(options, [&] { return imaging::verify(bytes, options.limits); });
}

std::optional<std::vector<std::byte>> without_metadata(std::span<const std::byte> bytes, ImageFormat format,
                                                       const ReceiveOptions& options) {
    if (options.metadata == MetadataMode::Keep) return std::nullopt;
    return as_upload(options, [&]() -> std::optional<std::vector<std::byte>> {
        // Nothing encodes DICOM: its pixels stay, its patient goes.
        const bool is_encoded = format != ImageFormat::Dicom;
        if (options.metadata == MetadataMode::Reencode && is_encoded)
            return imaging::reencode(bytes, format, options.limits);
        std::vector<std::byte> stripped = imaging::strip_metadata(bytes, options.limits);
        if (std::ranges::equal(stripped, bytes)) return std::nullopt;
        return stripped;
    });
}

void scan(std::span<const std::byte> bytes, const ReceiveOptions& options) {
    if (!options.scanner) return;
    const ScanVerdict verdict = options.scanner(bytes);
    if (verdict.kind == ScanVerdict::Kind::Clean) return;
    if (verdict.kind == ScanVerdict::Kind::Infected) {
        reject(options.field, "upload.infected", "the scanner found `" + verdict.name + "`",
               {{"signature", verdict.name}});
    }
    throw core::Unavailable("upload.scanner_unavailable", "the scanner failed: " + verdict.name,
                            {{"field", options.field}, {"reason", verdict.name}});
}

}  // namespace consilia::validation
