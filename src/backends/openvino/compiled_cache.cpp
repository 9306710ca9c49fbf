#include "openvino/compiled_cache.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace consilia::backends {

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(data_, size_);
}

void MappedFile::drop_pages() const noexcept {
    if (data_ != nullptr) ::madvise(data_, size_, MADV_DONTNEED);
}

CompiledCache::CompiledCache(std::filesystem::path folder, std::string_view key)
    : path_(std::move(folder) / ("openvino-" + sha256_hex(key.data(), key.size()) + ".blob")) {}

std::optional<MappedFile> CompiledCache::find() const noexcept {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return std::nullopt;
    std::optional<MappedFile> found;
    struct stat status {};
    const bool is_ours = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
                         status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    if (is_ours && status.st_size > 0) {
        const auto size = static_cast<std::size_t>(status.st_size);
        // Private: the runtime gets a pointer that it might write through.
        void* const data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
        if (data != MAP_FAILED) found.emplace(data, size);
    }
    ::close(file);
    return found;
}

void CompiledCache::store(const std::function<void(std::ostream&)>& write) const {
    std::error_code ignored;
    std::filesystem::create_directories(path_.parent_path(), ignored);
    std::string temporary = path_.string() + ".XXXXXX";
    const int file = ::mkostemp(temporary.data(), O_CLOEXEC);  // Made with mode 0600.
    if (file < 0) return;
    try {
        std::ofstream stream(temporary, std::ios::binary);
        write(stream);
        stream.close();
        const bool is_kept =
            stream.good() && ::fsync(file) == 0 && ::rename(temporary.c_str(), path_.c_str()) == 0;
        if (!is_kept) ::unlink(temporary.c_str());
        ::close(file);
    } catch (...) {
        ::unlink(temporary.c_str());
        ::close(file);
        throw;
    }
}

void CompiledCache::remove() const noexcept {
    ::unlink(path_.c_str());
}

}  // namespace consilia::backends
