#include "consilia/validation/receive.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "consilia/core/error.hpp"
#include "validation/client_name.hpp"
#include "validation/upload_reader.hpp"

namespace consilia::validation {
namespace {

using imaging::ImageFormat;

constexpr int kUnsupportedMediaType = 415;

void check_options(const ReceiveOptions& options) {
    const auto refuse = [](const char* what) { throw core::InvalidArgument("upload.options", what); };
    if (options.directory.empty()) refuse("a directory for the received files is needed");
    if (options.allowed.empty()) refuse("at least one type must be allowed");
    if (options.max_bytes == 0) refuse("the limit of bytes must be above zero");
}

/// The client's name as the options or the path give it.
std::optional<std::string> client_name(const UploadSource& source, const ReceiveOptions& options) {
    if (options.client_name) return options.client_name;
    if (const auto* path = std::get_if<std::filesystem::path>(&source.variant()))
        return path->filename().string();
    return std::nullopt;
}

std::string_view extension_of(ImageFormat format) {
    return format == ImageFormat::Jpeg ? ".jpg" : ".png";
}

void check_extension(const std::string& name, ImageFormat format, const ReceiveOptions& options) {
    const std::string extension = core::file_extension(name);
    const bool matches =
        extension == extension_of(format) || (format == ImageFormat::Jpeg && extension == ".jpeg");
    if (matches) return;
    reject(options.field, "upload.extension_mismatch",
           "the content is " + std::string(to_string(format)) + ", the extension of the name says otherwise",
           {{"expected", extension_of(format)}, {"found", core::safe_file_name(extension)}});
}

ImageFormat check_type(std::span<const std::byte> bytes, const ReceiveOptions& options) {
    const std::optional<ImageFormat> format = imaging::detect_format(bytes);
    if (format && std::ranges::find(options.allowed, *format) != options.allowed.end()) return *format;
    std::string allowed;
    for (const ImageFormat each : options.allowed) {
        allowed += (allowed.empty() ? "" : ", ") + std::string(to_string(each));
    }
    reject(options.field, "upload.unsupported_type",
           "the content is not of an allowed type (" + allowed + ")",
           {{"allowed", allowed}, {"found", format ? to_string(*format) : "unknown"}}, kUnsupportedMediaType);
}

/// To the last byte and the last pixel. What imaging calls `image.x` is `upload.x` here, with its details.
imaging::ImageInfo check_content(std::span<const std::byte> bytes, const ReceiveOptions& options) {
    try {
        const imaging::ImageInfo info = imaging::check_structure(bytes, options.limits);
        (void)imaging::decode(bytes, options.limits);
        return info;
    } catch (const core::ValidationError& error) {
        static constexpr std::string_view kArea = "image.";
        const std::string code = "upload." + error.code().substr(kArea.size());
        const int status = code == "upload.unsupported_type" ? kUnsupportedMediaType : 0;
        reject(options.field, code, error.what(), error.details(), status);
    }
}

}  // namespace

ReceivedFile receive(const UploadSource& source, const ReceiveOptions& options) {
    check_options(options);
    const std::optional<std::string> name = client_name(source, options);
    if (name) check_client_name(*name, options.field);

    const UploadBytes upload = read_upload(source, options);
    if (upload.bytes.empty()) reject(options.field, "upload.empty", "the file is empty");
    const ImageFormat format = check_type(upload.bytes, options);
    if (name) check_extension(*name, format, options);
    const imaging::ImageInfo info = check_content(upload.bytes, options);

    FileFacts facts;
    facts.stored_name = core::unique_file_name(options.prefix, extension_of(format));
    facts.client_name = core::safe_file_name(name.value_or(""));
    facts.sha256 = core::sha256(upload.bytes);
    facts.size_bytes = upload.bytes.size();
    facts.format = format;
    facts.width = info.width;
    facts.height = info.height;
    core::AtomicFile file(options.directory);
    file.write(upload.bytes);
    return {std::move(facts), std::move(file)};
}

std::filesystem::path ReceivedFile::commit() {
    return file_.commit(facts_.stored_name);
}

void discard(const std::filesystem::path& path) {
    // Not std::filesystem::remove, which would also take an empty directory.
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return;
    const std::string reason = std::generic_category().message(errno);
    throw core::StorageError("file.io", "the file cannot be removed: " + reason, {{"reason", reason}});
}

}  // namespace consilia::validation
