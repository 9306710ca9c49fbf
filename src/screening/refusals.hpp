#pragma once
// Refusals that the security log is told of on their way out.
#include "consilia/access/refusal_log.hpp"
#include "consilia/core/error.hpp"

namespace consilia::screening {

using access::Attempt;

/// Gives what `action` gives. A refused upload or a used-up quota is logged; a guard logs its own denials.
template <class Action>
auto with_refusals_logged(const Attempt& attempt, const Action& action) {
    try {
        return action();
    } catch (const core::UploadRejected& error) {
        access::log_refusal("upload refused", attempt, error.code());
        throw;
    } catch (const core::ResourceExhausted& error) {
        if (error.http_status() == 429) access::log_refusal("quota used up", attempt, error.code());
        throw;
    }
}

}  // namespace consilia::screening
