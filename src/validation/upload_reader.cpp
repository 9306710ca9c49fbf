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

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

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

class Descriptor {
public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const noexcept { return number_; }

private:
    int number_;
};

/// Pulls until the end or one byte past the limit. `expected` is only a hint for the first allocation.
std::vector<std::byte> pull_all(const UploadSource::Pull& pull, const ReceiveOptions& options,
                                std::size_t expected) {
    std::vector<std::byte> bytes;
    bytes.reserve(expected);
    for (;;) {
        const std::size_t have = bytes.size();
        const std::uint64_t room = options.max_bytes - have;  // INVARIANT: have <= max_bytes
        const auto piece = static_cast<std::size_t>(room < kPieceBytes ? room + 1 : kPieceBytes);
        bytes.resize(have + piece);
        const std::size_t got = pull(std::span(bytes).subspan(have));
        if (got > piece)
            throw core::InvalidArgument("upload.source", "a stream gave more bytes than were asked for");
        bytes.resize(have + got);
        if (got == 0) return bytes;
        if (bytes.size() > options.max_bytes) reject_too_large(options, bytes.size());
    }
}

std::vector<std::byte> read_path(const std::filesystem::path& path, const ReceiveOptions& options) {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) {
        // ENXIO: a socket, or a device without a driver.
        if (errno == ENXIO || errno == ENODEV)
            reject(options.field, "upload.not_a_file", "this is not a regular file");
        throw_system(errno);
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) throw_system(errno);
    if (!S_ISREG(status.st_mode)) reject(options.field, "upload.not_a_file", "this is not a regular file");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > options.max_bytes) reject_too_large(options, size);
    const auto pull = [&file](std::span<std::byte> buffer) {
        for (;;) {
            const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) throw_system(errno);
        }
    };
    return pull_all(pull, options, static_cast<std::size_t>(size) + 1);
}

}  // namespace

UploadBytes read_upload(const UploadSource& source, const ReceiveOptions& options) {
    if (const auto* bytes = std::get_if<std::span<const std::byte>>(&source.variant())) {
        if (bytes->size() > options.max_bytes) reject_too_large(options, bytes->size());
        return {{}, *bytes};
    }
    UploadBytes upload;
    if (const auto* path = std::get_if<std::filesystem::path>(&source.variant())) {
        upload.owned = read_path(*path, options);
    } else {
        upload.owned = pull_all(std::get<UploadSource::Pull>(source.variant()), options, 0);
    }
    upload.bytes = upload.owned;
    return upload;
}

}  // namespace consilia::validation
