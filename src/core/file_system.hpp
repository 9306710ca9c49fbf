#pragma once
// What the sources of files share: descriptors that close themselves, and errors of the system.
#include <unistd.h>

#include <string>
#include <utility>

namespace consilia::core {

class Descriptor {
public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// @throws StorageError (`file.io`) always, with the reason of the system in its details.
[[noreturn]] void throw_storage(const char* what, int number);

/// 32 random hexadecimal digits. @throws Unavailable.
std::string random_hex();

}  // namespace consilia::core
