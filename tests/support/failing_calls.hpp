#pragma once
// Calls of the system that fail when a test says so. They stand before those of the C library in this
// program, and go straight to the kernel. Include it in one source file of a test program.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>

namespace consilia::test {

/// One call in a row of them fails; and whether files without a name may be made.
struct FailingCalls {
    static inline std::atomic<int> left = -1;  ///< The call that fails when it comes to zero; -1: none.
    static inline std::atomic<int> error = ENOSPC;
    static inline std::atomic<bool> knows_unnamed = true;

    /// The n-th call from here on fails, counted from one.
    static void fail(int n, int with) {
        error = with;
        left = n;
    }
    static void stop() { left = -1; }
    static bool is_next() {
        if (left < 0 || --left != 0) return false;
        left = -1;
        errno = error;
        return true;
    }
};

}  // namespace consilia::test

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
    if (fd > 2 && consilia::test::FailingCalls::is_next()) return -1;
    return ::syscall(SYS_write, fd, bytes, size);
}
int fsync(int fd) {
    if (consilia::test::FailingCalls::is_next()) return -1;
    return static_cast<int>(::syscall(SYS_fsync, fd));
}
int linkat(int from, const char* path, int to, const char* name, int flags) noexcept {
    if (consilia::test::FailingCalls::is_next()) return -1;
    return static_cast<int>(::syscall(SYS_linkat, from, path, to, name, flags));
}
int openat(int directory, const char* path, int flags, ...) {
    const bool is_unnamed = (flags & O_TMPFILE) == O_TMPFILE;
    va_list given;
    va_start(given, flags);
    const unsigned mode = (flags & O_CREAT) != 0 || is_unnamed ? va_arg(given, unsigned) : 0;
    va_end(given);
    if (is_unnamed && !consilia::test::FailingCalls::knows_unnamed) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (consilia::test::FailingCalls::is_next()) return -1;
    return static_cast<int>(::syscall(SYS_openat, directory, path, flags, mode));
}
}
