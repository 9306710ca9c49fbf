#pragma once
// Logging: structured fields, three formats, rotating files, and a log of its own for what concerns security.
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/export.hpp"

namespace consilia::core {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

enum class LogFormat : std::uint8_t {
    Simple,   ///< `WARNING message key="value"`
    Verbose,  ///< `2026-01-31T12:00:00.000000Z WARNING [logger] message key="value"`
    Json,     ///< One object a line: time, level, logger, message, and the fields.
};

/// Where lines go. Nothing is written before this was configured: a library does not print by itself.
struct LogOptions {
    LogLevel level = LogLevel::Info;  ///< Lines below it are dropped.
    LogFormat format = LogFormat::Verbose;
    bool to_stderr = false;
    std::filesystem::path file{};              ///< Empty: none. Folders are made.
    std::filesystem::path security_file{};     ///< Empty: security events go to `file` alone.
    std::uint64_t rotate_bytes = 10ULL << 20;  ///< A file that reaches it becomes `name.1.ext`, and so on.
    std::size_t rotate_files = 10;             ///< Older ones kept.
    const Clock* clock = nullptr;              ///< Must outlive logging. Null: the machine's.
};

/// Replaces the configuration of the process; lines in flight finish under the old one. Threading: safe.
/// The files belong to one process: rotation by two would lose lines. The security file is readable by its
/// owner only.
/// @throws StorageError (`log.open`) if a file cannot be written; InvalidArgument (`log.rotation`,
/// `log.file`). The old
///         configuration then stays.
CONSILIA_API void configure_logging(const LogOptions& options);
/// Whether lines of this level are written: to be asked before fields that cost something are gathered.
[[nodiscard]] CONSILIA_API bool is_logged(LogLevel level) noexcept;

/// Writes one line: message, then the fields of the context and of the call; of two with one name the later
/// stays.
///
/// Control characters are escaped, so that one call is one line whatever the text holds. The value of a field
/// whose name speaks of a password, secret, token, credential, API key or authorization is not written. Never
/// throws and never waits for more than the disk; what cannot be written is counted. Threading: safe.
CONSILIA_API void log(LogLevel level, std::string_view logger, std::string_view message,
                      const Details& fields = {}) noexcept;
/// A refused upload, a denied access, a changed policy: written at every level, to the security file too.
CONSILIA_API void log_security(std::string_view event, const Details& fields = {}) noexcept;
/// Lines that could not be written since the start.
CONSILIA_API std::uint64_t lost_log_lines() noexcept;

/// Fields that every line of this thread carries while the object lives: a request's id, a user's. Nests.
/// Confined.
class CONSILIA_API LogContext {
public:
    explicit LogContext(Details fields);
    ~LogContext();
    LogContext(const LogContext&) = delete;
    LogContext& operator=(const LogContext&) = delete;

private:
    std::size_t outer_size_;
};

}  // namespace consilia::core
