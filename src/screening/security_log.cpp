#include "screening/security_log.hpp"

#include <string>

#include "consilia/core/log.hpp"

namespace consilia::screening {

void log_refusal(std::string_view event, const Attempt& attempt, std::string_view code) noexcept {
    try {
        std::string roles;
        for (const std::string& role : attempt.principal.roles) roles += (roles.empty() ? "" : ",") + role;
        core::Details fields = {{"user_id", attempt.principal.user_id},
                                {"roles", roles},
                                {"action", attempt.action},
                                {"resource", attempt.resource},
                                {"code", code}};
        if (attempt.resource_id) fields.push_back({"resource_id", *attempt.resource_id});
        core::log_security(event, fields);
    } catch (...) {
        core::log_security(event);  // No memory for the fields: the event alone is better than nothing.
    }
}

void refuse_unseen(const data::Session& session, const data::Model& model, const Attempt& attempt) {
    const std::int64_t id = attempt.resource_id.value_or(0);
    const std::string resource(attempt.resource);
    const std::string code = resource + ".not_found";
    if (data::Query(model).where(core::field("id") == id).exists(session)) {
        log_refusal("record hidden", attempt, code);
    }
    throw core::NotFound(code, "no " + resource + " " + std::to_string(id));
}

}  // namespace consilia::screening
