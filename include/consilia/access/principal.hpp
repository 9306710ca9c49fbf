#pragma once
// Who asks, and in what circumstances: what a policy is told beside the object.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::access {

/// Values by name.
using Attributes = std::map<std::string, core::Value, std::less<>>;

/// A permission that somebody lends, until it ends: the borrower may do what the lender may, and no more.
/// It counts only for permissions that the policy declares delegable, and is not lent on.
struct Delegation {
    core::Value from_id = {};             ///< The lender: `:principal_id` while its rules are looked at.
    std::vector<std::string> from_roles;  ///< The lender's roles.
    std::string permission;               ///< `resource:action`; either part may be `*`.
    core::Timestamp ends_at;              ///< From here on it counts no more. Required.
    core::Timestamp starts_at = {};       ///< From here on it counts.
    std::string from_name = {};
    Attributes from_attributes = {};
};

/// On whose behalf something is done.
struct Principal {
    core::Value user_id = {};  ///< Null: nobody in particular; conditions that compare it are never true.
    std::vector<std::string> roles = {};  ///< An undeclared one denies everything.
    std::string name = {};                ///< For logs and conditions; not an identity.
    Attributes attributes = {};           ///< Those that the policy declares; absent ones are null.
    std::vector<Delegation> delegations = {};

    /// The first role, which is `:principal_role`; empty without one.
    [[nodiscard]] std::string_view role() const noexcept {
        return roles.empty() ? std::string_view() : std::string_view(roles.front());
    }
};

/// The circumstances of a question.
struct Context {
    std::optional<core::Timestamp> now = {};  ///< Empty: the machine's clock, read where a rule asks.
    std::string address = {};                 ///< Of the client, as text; empty: null to conditions.
    Attributes attributes = {};               ///< Those that the policy declares; absent ones are null.
};

}  // namespace consilia::access
