#include "consilia/access/refusal_log.hpp"

#include <string>

#include "consilia/core/log.hpp"

namespace consilia::access {

void log_refusal(std::string_view event, const Attempt& attempt, std::string_view code,
                 std::optional<bool> is_hidden) noexcept {
    try {
        std::string roles;
        for (const std::string& role : attempt.principal.roles) roles += (roles.empty() ? "" : ",") + role;
        core::Details fields = {{"user_id", attempt.principal.user_id},
                                {"roles", roles},
                                {"action", attempt.action},
                                {"resource", attempt.resource},
                                {"code", code}};
        if (attempt.resource_id) fields.push_back({"resource_id", *attempt.resource_id});
        if (is_hidden) fields.push_back({"is_hidden", *is_hidden});
        core::log_security(event, fields);
    } catch (...) {
        core::log_security(event);  // No memory for the fields: the event alone is better than nothing.
    }
}

}  // namespace consilia::access
