#pragma once
// What the security log is told of a refusal: who wanted to do what to which record, and the code of the
// answer. Never a patient's data, a file's name or the content of a form.
#include <cstdint>
#include <optional>
#include <string_view>

#include "consilia/core/error.hpp"
#include "consilia/data/query.hpp"
#include "consilia/screening/service.hpp"

namespace consilia::screening {

/// What somebody wants to do. Borrows its texts for the call.
struct Attempt {
    const Principal& principal;
    std::string_view action;
    std::string_view resource;
    std::optional<std::int64_t> resource_id = {};  ///< Empty: none in particular.
};

void log_refusal(std::string_view event, const Attempt& attempt, std::string_view code) noexcept;

/// Throws NotFound (`<resource>.not_found`), the same for a row that the caller's scope hides and for one
/// that does not exist; the security log is told of the first.
[[noreturn]] void refuse_unseen(const data::Session& session, const data::Model& model,
                                const Attempt& attempt);

/// Gives what `action` gives. A denial, a refused upload or a used-up quota is logged on its way out.
template <class Action>
auto with_refusals_logged(const Attempt& attempt, const Action& action) {
    try {
        return action();
    } catch (const core::PermissionDenied& error) {
        log_refusal("access denied", attempt, error.code());
        throw;
    } catch (const core::UploadRejected& error) {
        log_refusal("upload refused", attempt, error.code());
        throw;
    } catch (const core::ResourceExhausted& error) {
        if (error.http_status() == 429) log_refusal("quota used up", attempt, error.code());
        throw;
    }
}

}  // namespace consilia::screening
