#include "consilia/core/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/log_format.hpp"

namespace consilia::core {
namespace {

struct Logging {
    LogOptions options;
    std::shared_ptr<spdlog::logger> main;
    std::shared_ptr<spdlog::logger> security;  ///< Null: no file of its own.
};

std::mutex& logging_mutex() {
    static std::mutex mutex;
    return mutex;
}

std::shared_ptr<const Logging>& current_logging() {
    static std::shared_ptr<const Logging> logging;
    return logging;
}

std::shared_ptr<const Logging> logging() {
    const std::lock_guard lock(logging_mutex());
    return current_logging();
}

std::atomic<std::uint64_t>& lost_lines() {
    static std::atomic<std::uint64_t> count{0};
    return count;
}

Details& context() {
    thread_local Details fields;
    return fields;
}

/// The level below which nothing is written, read without a lock.
std::atomic<int>& threshold() {
    static std::atomic<int> level{std::numeric_limits<int>::max()};
    return level;
}

void write(const Logging& to, LogLevel level, std::string_view logger, std::string_view message,
           const Details& fields, bool is_security) {
    const Clock& clock = to.options.clock != nullptr ? *to.options.clock : SystemClock::instance();
    const LogEntry entry{clock.now(), level, logger, message, &context(), &fields};
    const std::string line = format_line(entry, to.options.format);
    to.main->log(spdlog::level::info, spdlog::string_view_t(line));
    if (is_security && to.security) to.security->log(spdlog::level::info, spdlog::string_view_t(line));
}

/// Runs a body that must not throw: losing a line is better than failing what it tells of.
template <class Body>
void counting_losses(Body&& body) noexcept {
    try {
        body();
    } catch (...) {
        ++lost_lines();
    }
}

std::shared_ptr<spdlog::logger> make_logger(const char* name, std::vector<spdlog::sink_ptr> sinks) {
    auto logger = std::make_shared<spdlog::logger>(name, sinks.begin(), sinks.end());
    logger->set_pattern("%v");  // Lines arrive whole.
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    logger->set_error_handler([](const std::string&) { ++lost_lines(); });
    return logger;
}

/// `is_private`: nobody but the owner may read it, whatever the process's mask says.
spdlog::sink_ptr rotating_file(const std::filesystem::path& path, const LogOptions& options,
                               bool is_private) {
    spdlog::file_event_handlers handlers;
    if (is_private) {
        handlers.after_open = [](const spdlog::filename_t&, std::FILE* file) {
            if (::fchmod(::fileno(file), S_IRUSR | S_IWUSR) != 0) ++lost_lines();
        };
    }
    return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        path.string(), static_cast<std::size_t>(options.rotate_bytes), options.rotate_files, false, handlers);
}

void check(const LogOptions& options) {
    constexpr std::size_t kFilesMax = 1000;
    if (options.rotate_bytes == 0 || options.rotate_files > kFilesMax) {
        throw InvalidArgument(
            "log.rotation", "a log file needs a size, and at most 1000 older ones",
            {{"rotate_bytes", options.rotate_bytes}, {"rotate_files", options.rotate_files}});
    }
    if (!options.file.empty() &&
        options.file.lexically_normal() == options.security_file.lexically_normal()) {
        throw InvalidArgument("log.file", "the security log needs a file of its own");
    }
}

}  // namespace

void configure_logging(const LogOptions& options) {
    check(options);
    auto made = std::make_shared<Logging>();
    made->options = options;
    try {
        std::vector<spdlog::sink_ptr> sinks;
        if (options.to_stderr) sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
        if (!options.file.empty()) sinks.push_back(rotating_file(options.file, options, false));
        made->main = make_logger("consilia", std::move(sinks));
        if (!options.security_file.empty()) {
            made->security =
                make_logger("consilia.security", {rotating_file(options.security_file, options, true)});
        }
    } catch (const std::exception& error) {
        throw StorageError("log.open", std::string("the log cannot be opened: ") + error.what());
    }
    const std::lock_guard lock(logging_mutex());
    current_logging() = std::move(made);
    threshold() = static_cast<int>(options.level);
}

bool is_logged(LogLevel level) noexcept {
    return static_cast<int>(level) >= threshold().load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view logger, std::string_view message, const Details& fields) noexcept {
    if (!is_logged(level)) return;
    counting_losses([&] {
        if (const auto to = logging()) write(*to, level, logger, message, fields, false);
    });
}

void log_security(std::string_view event, const Details& fields) noexcept {
    counting_losses([&] {
        if (const auto to = logging()) write(*to, LogLevel::Warning, "security", event, fields, true);
    });
}

std::uint64_t lost_log_lines() noexcept {
    return lost_lines().load();
}

LogContext::LogContext(Details fields) : outer_size_(context().size()) {
    Details& all = context();
    all.insert(all.end(), std::make_move_iterator(fields.begin()), std::make_move_iterator(fields.end()));
}

LogContext::~LogContext() {
    Details& all = context();
    if (all.size() > outer_size_)
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(outer_size_), all.end());
}

}  // namespace consilia::core
