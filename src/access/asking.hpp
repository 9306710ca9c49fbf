#pragma once
// One question on its way through a policy: who asks, with which rows of the table and which parameters.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/compiled_policy.hpp"
#include "consilia/access/policy.hpp"

namespace consilia::access {

/// The values of a question's parameters, made when a condition asks for them. Threading: confined.
class QuestionParameters {
public:
    QuestionParameters(const Principal& principal, const Context& context) noexcept
        : principal_(principal), context_(context) {}
    /// nullptr for a name that no policy has.
    [[nodiscard]] const core::Value* find(std::string_view name) const;
    [[nodiscard]] core::ParameterSource source() const {
        return [this](std::string_view name) { return find(name); };
    }

private:
    /// Most conditions ask for the principal's id alone.
    struct Made {
        core::Value role;
        core::Value name;
        core::Value now;
        core::Value today;
        core::Value address;
    };

    const Principal& principal_;
    const Context& context_;
    mutable std::optional<Made> made_;
};

/// When the question is asked: a delegation has an end.
core::Timestamp time_of(const Context& context);

/// What a lender gave, looked up.
struct BoundDelegation {
    Principal lender;
    std::vector<std::uint32_t> roles;
    std::vector<bool> columns;
    core::Timestamp starts_at;
    core::Timestamp ends_at;

    [[nodiscard]] bool covers(std::uint32_t column, core::Timestamp at) const noexcept {
        return columns[column] && starts_at <= at && at < ends_at;
    }
};

struct BoundPrincipal {
    std::shared_ptr<const CompiledPolicy> policy;
    Principal principal;
    std::vector<std::uint32_t> roles;
    /// Why everything is denied, if it is; with the separation.
    std::optional<Decision> refused;
    /// By column, the separation for which it is denied; empty: none is.
    std::vector<std::uint32_t> barred;
    std::vector<BoundDelegation> delegations;
};

/// @throws InvalidArgument (`access.subject`) for a subject of another policy.
inline void require_subject_of(const CompiledPolicy& policy, const BoundPrincipal& bound) {
    if (bound.policy.get() != &policy)
        throw core::InvalidArgument("access.subject", "the subject was made by another policy");
}

/// The delegations that count for this permission at the time of the question.
std::vector<const BoundDelegation*> lent_now(const BoundPrincipal& bound, std::uint32_t column,
                                             const Context& context);

/// Those who ask with one set of roles: the principal, or a lender. Borrows everything.
struct Asking {
    const Principal& principal;
    const Context& context;
    std::span<const std::uint32_t> roles;
};

/// Looks the principal's names up. @throws InvalidArgument (`access.attribute`).
BoundPrincipal bind_principal(std::shared_ptr<const CompiledPolicy> policy, const Principal& principal);

}  // namespace consilia::access
