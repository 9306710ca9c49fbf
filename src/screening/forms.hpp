#pragma once
// What the forms of users and patients share: rules of a text, and rows whose unique column may be taken.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/records.hpp"

namespace consilia::screening {

// Refuses a field of a form, naming it and never its content.
[[noreturn]] inline void refuse(const char* code, const char* name, const char* rule) {
    throw core::ValidationError(code, std::string("`") + name + "` " + rule, {{"field", core::Value(name)}});
}

inline void require_text(const std::string& text, const char* code, const char* name, std::size_t bytes_min,
                         std::size_t bytes_max) {
    const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
    });
    if (has_control) refuse(code, name, "must not hold control characters");
    if (text.size() < bytes_min) refuse(code, name, "is required");
    if (text.size() > bytes_max) refuse(code, name, "is too long");
}

/// Gives what `write` gives; a value that is taken is a Conflict with this code.
template <class Write>
auto unless_taken(const char* code, const char* message, const Write& write) {
    try {
        return write();
    } catch (const core::Conflict& error) {
        if (error.code() != "database.unique") throw;
        throw core::Conflict(code, message);
    }
}

}  // namespace consilia::screening
