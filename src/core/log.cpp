#include "consilia/core/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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

std::string_view name_of(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::Debug: return "DEBUG";
        case LogLevel::Info: return "INFO";
        case LogLevel::Warning: return "WARNING";
        case LogLevel::Error: return "ERROR";
    }
    return "ERROR";
}

/// A JSON string without its quotes: control characters and quotes are escaped, broken UTF-8 is replaced.
std::string escaped(std::string_view text) {
    const std::string quoted = to_json(Value(text));
    return quoted.substr(1, quoted.size() - 2);
}

template <class Append>
void for_each_field(const Details& fields, Append&& append) {
    for (const Details* part : {&std::as_const(context()), &fields}) {
        for (const Detail& field : *part) append(field);
    }
}

std::string json_line(const Logging& /*logging*/, LogLevel level, std::string_view logger, std::string_view message,
                      const Details& fields, Timestamp now) {
    std::string line = R"({"time":")" + to_iso8601(now) + R"(","level":")" + std::string(name_of(level)) +
                       R"(","logger":)" + to_json(Value(logger)) + R"(,"message":)" + to_json(Value(message)) +
                       R"(,"fields":{)";
    bool is_first = true;
    for_each_field(fields, [&](const Detail& field) {
        if (!std::exchange(is_first, false)) line += ',';
        line += to_json(Value(field.name)) + ':' + to_json(field.value);
    });
    return line + "}}";
}

std::string text_line(const Logging& logging, LogLevel level, std::string_view logger, std::string_view message,
                      const Details& fields, Timestamp now) {
    std::string line;
    if (logging.options.format == LogFormat::Verbose) line = to_iso8601(now) + ' ';
    line += name_of(level);
    if (logging.options.format == LogFormat::Verbose) line += " [" + escaped(logger) + ']';
    line += ' ' + escaped(message);
    for_each_field(fields, [&](const Detail& field) { line += ' ' + escaped(field.name) + '=' + to_json(field.value); });
    return line;
}

void write(const Logging& to, LogLevel level, std::string_view logger, std::string_view message, const Details& fields,
           bool is_security) {
    const Clock& clock = to.options.clock != nullptr ? *to.options.clock : SystemClock::instance();
    const auto line_of = to.options.format == LogFormat::Json ? &json_line : &text_line;
    const std::string line = line_of(to, level, logger, message, fields, clock.now());
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

spdlog::sink_ptr rotating_file(const std::filesystem::path& path, const LogOptions& options) {
    return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path.string(),
                                                                  static_cast<std::size_t>(options.rotate_bytes),
                                                                  options.rotate_files);
}

}  // namespace

void configure_logging(const LogOptions& options) {
    auto made = std::make_shared<Logging>();
    made->options = options;
    try {
        std::vector<spdlog::sink_ptr> sinks;
        if (options.to_stderr) sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
        if (!options.file.empty()) sinks.push_back(rotating_file(options.file, options));
        made->main = make_logger("consilia", std::move(sinks));
        if (!options.security_file.empty()) {
            made->security = make_logger("consilia.security", {rotating_file(options.security_file, options)});
        }
    } catch (const std::exception& error) {
        throw StorageError("log.open", std::string("the log cannot be opened: ") + error.what());
    }
    const std::lock_guard lock(logging_mutex());
    current_logging() = std::move(made);
}

void log(LogLevel level, std::string_view logger, std::string_view message, const Details& fields) noexcept {
    counting_losses([&] {
        const auto to = logging();
        if (to && level >= to->options.level) write(*to, level, logger, message, fields, false);
    });
}

void log_security(std::string_view event, const Details& fields) noexcept {
    counting_losses([&] {
        if (const auto to = logging()) write(*to, LogLevel::Warning, "security", event, fields, true);
    });
}

std::uint64_t lost_log_lines() noexcept { return lost_lines().load(); }

LogContext::LogContext(Details fields) : outer_size_(context().size()) {
    Details& all = context();
    all.insert(all.end(), std::make_move_iterator(fields.begin()), std::make_move_iterator(fields.end()));
}

LogContext::~LogContext() { context().resize(outer_size_); }

}  // namespace consilia::core
