#pragma once
// What the security log is told of a refusal: who wanted to do what to which record, and the code of the
// answer. Never a patient's data, a file's name or the content of a form.
#include <cstdint>
#include <optional>
#include <string_view>

#include "consilia/access/principal.hpp"
#include "consilia/core/export.hpp"

namespace consilia::access {

/// What somebody wants to do. Borrows its texts for the call.
struct Attempt {
    const Principal& principal;
    std::string_view action;
    std::string_view resource;
    std::optional<std::int64_t> resource_id = {};  ///< Empty: none in particular.
};

/// A line in the security log: `user_id`, `roles`, `action`, `resource`, `code`, and `resource_id` if there
/// is one. `is_hidden`: whether a record that was not found is there nevertheless. Threading: safe.
CONSILIA_API void log_refusal(std::string_view event, const Attempt& attempt, std::string_view code,
                              std::optional<bool> is_hidden = {}) noexcept;

}  // namespace consilia::access
