#pragma once
// Names that clients send with their files.
#include <string>
#include <string_view>

#include "consilia/core/error.hpp"

namespace consilia::validation {

/// An UploadRejected about the field, with `field` in its details.
[[noreturn]] void reject(std::string_view field, std::string_view code, const std::string& message,
                         core::Details details = {}, int http_status = 0);

}  // namespace consilia::validation
