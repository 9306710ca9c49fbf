#pragma once
// Where JSON text is put together: a buffer on the stack in front of a string, so that most writes are plain
// stores and the string grows in large steps.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "consilia/core/value.hpp"

namespace consilia::data {

/// Appends to a string; complete after `flush`. Threading: confined.
class JsonSink {
public:
    explicit JsonSink(std::string& out) noexcept : out_(out) {}
    JsonSink(const JsonSink&) = delete;
    JsonSink& operator=(const JsonSink&) = delete;

    void put(char c) {
        make_room(1);
        buffer_[used_++] = c;
    }
    /// Text as it is.
    void raw(std::string_view text);
    void integer(std::int64_t number);
    /// As `core::to_json` has it: null unless finite, and with a point or exponent.
    void number(double number);
    /// In quotes and escaped; a byte that is not part of a character becomes U+FFFD.
    void text(std::string_view text);
    /// In quotes, as `core::to_iso8601` has it.
    void timestamp(core::Timestamp t);
    /// In quotes, as `core::to_iso8601` has it.
    void date(core::Date d);
    void flush() {
        out_.append(buffer_.data(), used_);
        used_ = 0;
    }

private:
    void make_room(std::size_t bytes) {
        if (buffer_.size() - used_ < bytes) flush();
    }
    void escaped(char c);
    void day(core::Date d);
    void digits(unsigned number, std::size_t count) noexcept;

    std::string& out_;
    std::size_t used_ = 0;
    std::array<char, 16'384> buffer_;  // Not initialised: clearing it would cost as much as a page.
};

}  // namespace consilia::data
