#pragma once
// What the fuzz targets share: the entry that libFuzzer and the replay call, and how a target says that
// something does not hold.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "consilia/core/error.hpp"

/// Runs one input. An exception that leaves it, a sanitizer's finding and a broken `holds` end the program.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace consilia::fuzz {

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
    return std::as_bytes(std::span(data, size));
}
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Ends the program unless `condition` is true; `what` should be true of every input.
inline void holds(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

/// What is true of every error: a code of its area, a message of one line, JSON that others can read.
inline void check_error(const core::Error& error, std::string_view area) {
    if (!error.code().starts_with(area)) {
        std::fprintf(stderr, "code `%s`, expected `%.*s…`: %s\n", error.code().c_str(),
                     static_cast<int>(area.size()), area.data(), error.what());
        std::abort();
    }
    const std::string_view message = error.what();
    holds(!message.empty() && std::ranges::none_of(message, [](char c) { return c >= 0 && c < ' '; }),
          "a message is one line");
    // Reading JSON is slow under sanitizers, and plain words need no proof.
    const std::string json = error.to_json();
    const bool is_plain =
        std::ranges::none_of(message, [](char c) { return c < 0 || c == '"' || c == '\\'; });
    holds(is_plain || nlohmann::json::accept(json), "an error is written as JSON");
}

/// Runs what may throw an error with a code that begins with `area`, and nothing else; false if it did.
template <class ErrorType = core::InvalidArgument, class Run>
bool tolerate(std::string_view area, Run run) {
    try {
        run();
        return true;
    } catch (const ErrorType& error) {
        check_error(error, area);
        return false;
    }
}

/// Gives all but the first byte to the entry that the first byte chooses.
template <class Entries>
void run_one_of(const Entries& entries, const std::uint8_t* data, std::size_t size) {
    if (size > 0) entries[data[0] % entries.size()](text_of(data + 1, size - 1));
}

}  // namespace consilia::fuzz
