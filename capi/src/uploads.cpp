#include "uploads.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "consilia/validation/download.hpp"
#include "imaging.hpp"

namespace core = consilia::core;
namespace validation = consilia::validation;
using consilia::capi::borrow;
using consilia::capi::cleared;
using consilia::capi::cleared_sized;
using consilia::capi::copy_options;
using consilia::capi::fill_sized;
using consilia::capi::guard;
using consilia::capi::items;
using consilia::capi::receive_options;
using consilia::capi::require;
using consilia::capi::source_of;
using consilia::capi::to_buffer;
using consilia::capi::view;
using validation::FileType;
using validation::ScanVerdict;

struct consilia_received_file {
    validation::ReceivedFile file;
};

static_assert(static_cast<int>(FileType::Dicom) == CONSILIA_FILE_DICOM);
static_assert(static_cast<int>(FileType::Zip) == CONSILIA_FILE_ZIP);
static_assert(static_cast<int>(FileType::Elf) == CONSILIA_FILE_ELF);
static_assert(static_cast<int>(FileType::Sqlite) == CONSILIA_FILE_SQLITE);
static_assert(static_cast<int>(validation::kLastFileType) == CONSILIA_FILE_CSV);
static_assert(static_cast<int>(validation::MetadataMode::Reencode) == CONSILIA_METADATA_REENCODE);
static_assert(static_cast<int>(ScanVerdict::Kind::Clean) + 1 == CONSILIA_SCAN_CLEAN);
static_assert(static_cast<int>(ScanVerdict::Kind::Infected) + 1 == CONSILIA_SCAN_INFECTED);
static_assert(static_cast<int>(ScanVerdict::Kind::Failed) + 1 == CONSILIA_SCAN_FAILED);
static_assert(sizeof(consilia_scan_verdict_t) == 24 && sizeof(consilia_clamd_options_t) == 40);
static_assert(sizeof(consilia_upload_source_t) == 56 && sizeof(consilia_quarantine_options_t) == 40);
static_assert(offsetof(consilia_receive_options_t, max_bytes) == 88);
static_assert(offsetof(consilia_receive_options_t, metadata) == 152);
static_assert(offsetof(consilia_file_facts_t, type) == 96);

namespace {

std::span<const std::byte> bytes_of(const void* data, size_t size) {
    return items(static_cast<const std::byte*>(data), size, "data");
}

/// Static texts go out as views.
consilia_str_t lend_static(std::string_view text) {
    return {text.data(), text.size()};
}

/// Unknown for a number that is none.
FileType known_type(int32_t number) noexcept {
    const bool is_known = number >= 0 && number <= static_cast<int32_t>(validation::kLastFileType);
    return is_known ? static_cast<FileType>(number) : FileType::Unknown;
}

[[noreturn]] void throw_cancelled() {
    throw core::Cancelled("upload.cancelled", "the caller's function gave up");
}

validation::ClamdScanner clamd_of(const consilia_clamd_options_t* given) {
    const consilia_clamd_options_t known = copy_options(given);
    validation::ClamdOptions options;
    if (known.address.size != 0) options.address = view(known.address);
    if (known.connect_timeout_ms != 0)
        options.connect_timeout = std::chrono::milliseconds(known.connect_timeout_ms);
    if (known.read_timeout_ms != 0) options.read_timeout = std::chrono::milliseconds(known.read_timeout_ms);
    return validation::ClamdScanner(std::move(options));
}

/// What the caller's function says. No verdict is none that lets a file in.
ScanVerdict ask(consilia_scanner_fn scanner, void* user_data, std::span<const std::byte> bytes) {
    consilia_scan_verdict_t verdict{};
    if (scanner(bytes.data(), bytes.size(), &verdict, user_data) != 0) throw_cancelled();
    switch (verdict.kind) {
        case CONSILIA_SCAN_CLEAN:
            return ScanVerdict::clean();
        case CONSILIA_SCAN_INFECTED:
            return ScanVerdict::infected(std::string(view(verdict.name)));
        case CONSILIA_SCAN_FAILED:
            return ScanVerdict::failed(std::string(view(verdict.name)));
        default:
            return ScanVerdict::failed("the scanner gave no verdict");
    }
}

/// The caller's function and then clamd; whatever is not clean ends it.
validation::Scanner scanner_of(const consilia_receive_options_t& given) {
    validation::Scanner clamd;
    if (given.clamd != nullptr) clamd = clamd_of(given.clamd);
    if (given.scanner == nullptr) return clamd;
    return [scanner = given.scanner, user_data = given.scanner_user_data,
            clamd = std::move(clamd)](std::span<const std::byte> bytes) {
        ScanVerdict verdict = ask(scanner, user_data, bytes);
        if (verdict.kind == ScanVerdict::Kind::Clean && clamd) verdict = clamd(bytes);
        return verdict;
    };
}

FileType allowed_type(int32_t number) {
    const FileType type = known_type(number);
    if (type == FileType::Unknown)
        throw core::InvalidArgument("upload.options", "`allowed` has a number that is no type",
                                    {{"field", "allowed"}, {"found", number}});
    return type;
}

}  // namespace

validation::UploadSource consilia::capi::source_of(const consilia_upload_source_t* given) {
    const consilia_upload_source_t known = copy_options(&require(given, "source"));
    const int sources = (known.path.size != 0 ? 1 : 0) + (known.read != nullptr ? 1 : 0) +
                        (known.data != nullptr || known.size != 0 ? 1 : 0);
    if (sources > 1)
        throw core::InvalidArgument("upload.source", "a source is one of `path`, `data` and `read`");
    if (known.path.size != 0) return validation::UploadSource::file(view(known.path));
    if (known.read == nullptr) return validation::UploadSource::bytes(bytes_of(known.data, known.size));
    return validation::UploadSource::stream([read = known.read,
                                             user_data = known.user_data](std::span<std::byte> buffer) {
        std::size_t filled = 0;
        if (read(buffer.data(), buffer.size(), &filled, user_data) != 0) throw_cancelled();
        if (filled > buffer.size())
            throw core::InvalidArgument("upload.source", "`read` says that it filled more than the buffer");
        return filled;
    });
}

validation::QuarantineOptions consilia::capi::quarantine_of(const consilia_quarantine_options_t* given) {
    const consilia_quarantine_options_t known = copy_options(given);
    validation::QuarantineOptions options;
    options.directory = view(known.directory);
    if (known.max_files != 0) options.max_files = known.max_files;
    if (known.max_bytes != 0) options.max_bytes = known.max_bytes;
    return options;
}

validation::ReceiveOptions consilia::capi::receive_options(const consilia_receive_options_t* given) {
    const consilia_receive_options_t known = copy_options(&require(given, "options"));
    validation::ReceiveOptions options;
    options.directory = view(known.directory);
    if (known.prefix.size != 0) options.prefix = view(known.prefix);
    options.client_name = sent_text(known.client_name);
    options.client_type = sent_text(known.client_type);
    if (known.field.size != 0) options.field = view(known.field);
    if (known.max_bytes != 0) options.max_bytes = known.max_bytes;
    if (known.allowed_count != 0) {
        options.allowed.clear();
        for (const int32_t number : items(known.allowed, known.allowed_count, "allowed"))
            options.allowed.push_back(allowed_type(number));
    }
    options.limits = limits_of(known.limits);
    options.metadata = enumerator(known.metadata, validation::MetadataMode::Reencode, "metadata");
    options.scanner = scanner_of(known);
    if (known.quarantine != nullptr) {
        options.quarantine = quarantine_of(known.quarantine);
        if (options.quarantine.directory.empty())
            throw core::InvalidArgument("upload.options", "`quarantine` has no directory",
                                        {{"field", "quarantine"}});
    }
    return options;
}

extern "C" {

consilia_status_t consilia_file_detect(const void* data, size_t size, int32_t* out_type,
                                       consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int32_t& out = cleared(out_type, "out_type");
        out = static_cast<int32_t>(validation::detect_type(bytes_of(data, size)));
    });
}

consilia_str_t consilia_file_type_name(int32_t type) {
    return lend_static(to_string(known_type(type)));
}

consilia_str_t consilia_file_type_media_type(int32_t type) {
    return lend_static(validation::media_type(known_type(type)));
}

consilia_str_t consilia_file_type_extension(int32_t type, size_t index) {
    const std::span<const std::string_view> all = validation::extensions(known_type(type));
    return index < all.size() ? lend_static(all[index]) : consilia_str_t{};
}

int32_t consilia_file_type_is_receivable(int32_t type) {
    return validation::is_receivable(known_type(type)) ? 1 : 0;
}

consilia_status_t consilia_file_type_of(consilia_str_t name, int32_t* out_type,
                                        consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int32_t& out = cleared(out_type, "out_type");
        out = static_cast<int32_t>(validation::file_type_of(view(name)));
    });
}

consilia_status_t consilia_clamd_ping(const consilia_clamd_options_t* options, int32_t* out_answers,
                                      consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int32_t& out = cleared(out_answers, "out_answers");
        out = clamd_of(options).ping() ? 1 : 0;
    });
}

consilia_status_t consilia_clamd_version(const consilia_clamd_options_t* options,
                                         consilia_buffer_t* out_version, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_version, "out_version");
        out = to_buffer(clamd_of(options).version());
    });
}

consilia_status_t consilia_clamd_scan(const consilia_clamd_options_t* options, const void* data, size_t size,
                                      int32_t* out_kind, consilia_buffer_t* out_name,
                                      consilia_error_t** out_error) {
    return guard(out_error, [&] {
        int32_t& kind = cleared(out_kind, "out_kind");
        if (out_name != nullptr) *out_name = {};
        const ScanVerdict verdict = clamd_of(options).scan(bytes_of(data, size));
        if (out_name != nullptr) *out_name = to_buffer(verdict.name);
        kind = static_cast<int32_t>(verdict.kind) + 1;
    });
}

consilia_status_t consilia_upload_receive(const consilia_upload_source_t* source,
                                          const consilia_receive_options_t* options,
                                          consilia_received_file_t** out_file, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_received_file_t*& out = cleared(out_file, "out_file");
        out = new consilia_received_file_t{validation::receive(source_of(source), receive_options(options))};
    });
}

void consilia_received_file_free(consilia_received_file_t* file) {
    delete file;
}

consilia_status_t consilia_received_file_facts(const consilia_received_file_t* file,
                                               consilia_file_facts_t* out_facts,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_file_facts_t& out = cleared_sized(out_facts, "out_facts");
        const validation::FileFacts& facts = require(file, "file").file.facts();
        fill_sized(out, {.struct_size = 0,
                         .stored_name = borrow(facts.stored_name),
                         .client_name = borrow(facts.client_name),
                         .sha256 = borrow(facts.sha256),
                         .received_sha256 = borrow(facts.received_sha256),
                         .size_bytes = facts.size_bytes,
                         .received_bytes = facts.received_bytes,
                         .width = facts.width,
                         .height = facts.height,
                         .type = static_cast<int32_t>(facts.type),
                         .reserved = 0});
    });
}

consilia_status_t consilia_received_file_sync(consilia_received_file_t* file, consilia_error_t** out_error) {
    return guard(out_error, [&] { require(file, "file").file.sync(); });
}

consilia_status_t consilia_received_file_commit(consilia_received_file_t* file, consilia_buffer_t* out_path,
                                                consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_path, "out_path");
        out = to_buffer(require(file, "file").file.commit().native());
    });
}

consilia_status_t consilia_upload_discard(consilia_str_t path, consilia_error_t** out_error) {
    return guard(out_error, [&] { validation::discard(view(path)); });
}

consilia_status_t consilia_upload_check_client_name(consilia_str_t name, consilia_str_t field,
                                                    consilia_error_t** out_error) {
    return guard(out_error, [&] {
        validation::check_client_name(view(name), field.size == 0 ? std::string_view("file") : view(field));
    });
}

consilia_status_t consilia_content_disposition(consilia_str_t name, int32_t is_inline,
                                               consilia_buffer_t* out_value, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_value, "out_value");
        out = to_buffer(validation::content_disposition(view(name), is_inline != 0));
    });
}

consilia_status_t consilia_download_headers(consilia_str_t name, consilia_str_t media_type, int32_t is_inline,
                                            consilia_buffer_t* out_fields, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_buffer_t& out = cleared(out_fields, "out_fields");
        validation::DownloadOptions options;
        if (media_type.size != 0) options.media_type = view(media_type);
        options.is_inline = is_inline != 0;
        std::string fields;
        for (const auto& [field, value] : validation::download_headers(view(name), options))
            fields += field + ": " + value + "\r\n";
        out = to_buffer(fields);
    });
}

}  // extern "C"
