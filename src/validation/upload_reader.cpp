#include "validation/upload_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "validation/client_name.hpp"

namespace consilia::validation {
namespace {

core::Value number(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

[[noreturn]] void reject_too_large(const ReceiveOptions& options, std::uint64_t found) {
    reject(options.field, "upload.too_large",
           "the file is larger than the " + std::to_string(options.max_bytes) + " bytes that are allowed",
           {{"limit", number(options.max_bytes)}, {"found", number(found)}}, 413);
}

[[noreturn]] void throw_system(int error) {
    const std::string reason = std::generic_category().message(error);
    if (error == ENOENT || error == ENOTDIR)
        throw core::NotFound("file.not_found", "the file does not exist");
    throw core::StorageError("file.io", "the file cannot be read: " + reason, {{"reason", reason}});
}

}  // namespace

UploadReader::UploadReader(const UploadSource& source, const ReceiveOptions& options)
    : source_(source), options_(options) {
    if (const auto* bytes = std::get_if<std::span<const std::byte>>(&source.variant())) {
        if (bytes->size() > options.max_bytes) reject_too_large(options, bytes->size());
        given_ = *bytes;
        return;
    }
    if (const auto* path = std::get_if<std::filesystem::path>(&source.variant())) open_file(*path);
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(kPieceBytes);
}

void UploadReader::open_file(const std::filesystem::path& path) {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (opened < 0) {
        // ENXIO: a socket, or a device without a driver.
        if (errno == ENXIO || errno == ENODEV)
            reject(options_.field, "upload.not_a_file", "this is not a regular file");
        throw_system(errno);
    }
    file_ = core::Descriptor(opened);
    struct stat status {};
    if (::fstat(opened, &status) != 0) throw_system(errno);
    if (!S_ISREG(status.st_mode)) reject(options_.field, "upload.not_a_file", "this is not a regular file");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > options_.max_bytes) reject_too_large(options_, size);
}

std::size_t UploadReader::read_file(std::span<std::byte> into) {
    for (;;) {
        const ssize_t got = ::read(file_.get(), into.data(), into.size());
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) throw_system(errno);
    }
}

std::size_t UploadReader::pull(std::span<std::byte> into) {
    if (file_.get() >= 0) return read_file(into);
    const std::size_t got = std::get<UploadSource::Pull>(source_.variant())(into);
    if (got > into.size())
        throw core::InvalidArgument("upload.source", "a stream gave more bytes than were asked for");
    return got;
}

std::span<const std::byte> UploadReader::next() {
    if (!buffer_) {
        const std::span<const std::byte> piece =
            given_.subspan(read_bytes_, std::min<std::size_t>(kPieceBytes, given_.size() - read_bytes_));
        read_bytes_ += piece.size();
        is_at_end_ = read_bytes_ == given_.size();
        return piece;
    }
    std::size_t filled = 0;
    while (!is_at_end_ && filled < kPieceBytes) {
        const std::uint64_t room = options_.max_bytes - read_bytes_;  // INVARIANT: read_bytes_ <= max_bytes
        const std::size_t left = kPieceBytes - filled;
        const std::size_t wanted = room < left ? static_cast<std::size_t>(room) + 1 : left;
        const std::size_t got = pull({buffer_.get() + filled, wanted});
        is_at_end_ = got == 0;
        filled += got;
        if (got > room) reject_too_large(options_, read_bytes_ + got);
        read_bytes_ += got;
    }
    return {buffer_.get(), filled};
}

std::span<const std::byte> UploadReader::whole() const noexcept {
    if (!buffer_) return given_;
    if (is_at_end_ && read_bytes_ <= kPieceBytes) return {buffer_.get(), read_bytes_};
    return {};
}

}  // namespace consilia::validation
