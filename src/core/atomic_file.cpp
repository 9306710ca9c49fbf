// Files that appear whole or not at all.
#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/files.hpp"
#include "core/file_system.hpp"
#include "core/hex.hpp"

namespace consilia::core {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWritebackBytes = std::uint64_t{4} << 20;  // Sent to the disk at once.

// The name of an open file for linkat: only this one needs no privilege.
std::string name_of(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

}  // namespace

void throw_storage(const char* what, int number) {
    const std::string reason = std::system_category().message(number);
    throw StorageError("file.io", std::string(what) + ": " + reason, {{"reason", reason}, {"errno", number}});
}

std::string random_hex() {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        throw Unavailable("random.unavailable", "the system gives no random bytes");
    }
    return hex(std::as_bytes(std::span(bytes)));
}

FileMap::~FileMap() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}
FileMap::FileMap(FileMap&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
FileMap& FileMap::operator=(FileMap&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
}

struct AtomicFile::State {
    fs::path directory;
    Descriptor opened_directory;
    std::string temporary;  // Empty: without a name.
    Descriptor file;
    std::uint64_t size_bytes = 0;
    std::uint64_t sent_bytes = 0;

    ~State() { unlink_temporary(); }
    void unlink_temporary() noexcept {
        if (file.get() >= 0 && !temporary.empty()) ::unlinkat(opened_directory.get(), temporary.c_str(), 0);
    }
    void open_file() {
        const int at = opened_directory.get();
        file = Descriptor(::openat(at, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        if (file.get() >= 0 && ::access(name_of(file.get()).c_str(), F_OK) == 0) return;
        temporary = ".incoming_" + random_hex();
        file = Descriptor(::openat(at, temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (file.get() < 0) throw_storage("a temporary file cannot be made", errno);
    }
    [[nodiscard]] int link(const char* name) const noexcept {
        const int at = opened_directory.get();
        if (!temporary.empty()) return ::linkat(at, temporary.c_str(), at, name, 0);
        return ::linkat(AT_FDCWD, name_of(file.get()).c_str(), at, name, AT_SYMLINK_FOLLOW);
    }
};

AtomicFile::AtomicFile(fs::path directory) : state_(std::make_unique<State>()) {
    state_->directory = std::move(directory);
    const char* const path = state_->directory.empty() ? "." : state_->directory.c_str();
    const int opened = ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) throw_storage("the directory cannot be opened", errno);
    state_->opened_directory = Descriptor(opened);
    state_->open_file();
}
AtomicFile::~AtomicFile() = default;
AtomicFile::AtomicFile(AtomicFile&&) noexcept = default;
AtomicFile& AtomicFile::operator=(AtomicFile&&) noexcept = default;

void AtomicFile::write(std::span<const std::byte> bytes) {
    const int fd = state_->file.get();
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw_storage("the file cannot be written", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        state_->size_bytes += static_cast<std::uint64_t>(written);
    }
    const std::uint64_t waiting = state_->size_bytes - state_->sent_bytes;
    if (waiting < kWritebackBytes) return;
    // Only a hint: what goes wrong on the way to the disk is told by fsync.
    (void)::sync_file_range(fd, static_cast<off_t>(state_->sent_bytes), static_cast<off_t>(waiting),
                            SYNC_FILE_RANGE_WRITE);
    state_->sent_bytes = state_->size_bytes;
}

std::uint64_t AtomicFile::size_bytes() const noexcept {
    return state_->size_bytes;
}

FileMap AtomicFile::map() const {
    const auto size = static_cast<std::size_t>(state_->size_bytes);
    if (size == 0) return FileMap();
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, state_->file.get(), 0);
    if (at == MAP_FAILED) throw_storage("the file cannot be mapped", errno);
    return FileMap({static_cast<const std::byte*>(at), size});
}

void AtomicFile::sync() {
    if (::fsync(state_->file.get()) != 0) throw_storage("the file cannot be synced", errno);
}

fs::path AtomicFile::commit(std::string_view given_name) {
    if (given_name.empty() || given_name.find('/') != std::string_view::npos || given_name == "." ||
        given_name == ".." || given_name.find('\0') != std::string_view::npos) {
        throw InvalidArgument("file.name", "the name must be one path component");
    }
    if (state_->file.get() < 0) throw InvalidArgument("file.committed", "the file is in its place already");
    const std::string name(given_name);
    sync();
    // A link refuses to replace what is there, which a rename would do silently.
    if (state_->link(name.c_str()) != 0) {
        if (errno == EEXIST) throw Conflict("file.exists", "a file of this name is there already");
        throw_storage("the file cannot be put in place", errno);
    }
    state_->unlink_temporary();
    state_->file = Descriptor();
    if (::fsync(state_->opened_directory.get()) != 0) {
        const int reason = errno;
        ::unlinkat(state_->opened_directory.get(), name.c_str(), 0);
        throw_storage("the directory cannot be synced", reason);
    }
    return state_->directory / name;
}

}  // namespace consilia::core
