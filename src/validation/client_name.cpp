#include "validation/client_name.hpp"

#include <cstddef>
#include <utility>

#include "consilia/validation/receive.hpp"
#include "core/utf8.hpp"

namespace consilia::validation {
namespace {

constexpr std::size_t kMaxNameBytes = 255;  // NAME_MAX of the usual file systems

/// Separators on any system, and what changes the order or the end of what is shown.
bool is_unsafe(const core::CodePoint& c) {
    return !c.is_valid || c.value == U'/' || c.value == U'\\' || core::is_hidden_control(c.value);
}

}  // namespace

void reject(std::string_view field, std::string_view code, const std::string& message, core::Details details,
            int http_status) {
    details.insert(details.begin(), {"field", field});
    throw core::UploadRejected(std::string(code), message, std::move(details), http_status);
}

void check_client_name(std::string_view name, std::string_view field) {
    const auto refuse = [&](const char* reason) {
        reject(field, "upload.unsafe_name", std::string("the file name ") + reason, {{"reason", reason}});
    };
    if (name.empty()) refuse("is empty");
    if (name.size() > kMaxNameBytes) refuse("is longer than 255 bytes");
    if (name == "." || name == "..") refuse("is a directory");
    for (std::size_t at = 0; at < name.size();) {
        const core::CodePoint character = core::decode_utf8(name, at);
        if (is_unsafe(character)) refuse("has a path separator, a control character or invalid text");
        at += character.size;
    }
}

}  // namespace consilia::validation
