#pragma once
// How one entry of the log becomes one line.
#include <string>
#include <string_view>

#include "consilia/core/log.hpp"

namespace consilia::core {

/// What a line tells. The parts are borrowed for the call.
struct LogEntry {
    Timestamp time{};
    LogLevel level = LogLevel::Info;
    std::string_view logger{};
    std::string_view message{};
    const Details* context = nullptr;  ///< Fields of the thread; one that `fields` has too is left out.
    const Details* fields = nullptr;
};

/// One line without its end. Text is cut at 8 KiB, and 64 fields are written at most.
std::string format_line(const LogEntry& entry, LogFormat format);

}  // namespace consilia::core
