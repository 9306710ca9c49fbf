#pragma once
// Who may do what: one compiled policy that checks objects in memory and scopes queries, with the same
// answer.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/policy_document.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/value.hpp"

namespace consilia::access {

/// On whose behalf something is done.
struct Principal {
    core::Value user_id;  ///< Null: nobody in particular; conditions that compare it are never true.
    std::string role;
    std::string name;  ///< For logs and conditions; not an identity.
};

/// Why a decision came out as it did.
enum class Reason : std::uint8_t {
    AllowedByRule,
    DeniedByRule,  ///< A deny rule applied, or could not be shown not to apply (its condition is unknown).
    NoRule,        ///< Nothing allows it: default deny.
    UnknownRole,   ///< The principal's role is not declared.
    UnknownPermission,  ///< The resource or its action is not declared.
};

/// The lower-case name of a reason: `denied_by_rule`.
CONSILIA_API std::string_view to_string(Reason reason) noexcept;

/// The answer to one question. A denial is an answer, not an error.
struct Decision {
    bool allowed = false;
    Reason reason = Reason::NoRule;
    std::string rule;     ///< Name of the rule that decided; empty where none did.
    std::string explain;  ///< One sentence for people: rule and condition, never the object's values.

    explicit operator bool() const noexcept { return allowed; }
};

/// A compiled, immutable policy. Copies share it. Default deny; a deny rule overrides every allow rule.
///
/// The logic is that of SQL: an allow rule applies where its condition is true, a deny rule everywhere except
/// where its condition is false. So `check` on an object and `scope` in a query agree on nulls too.
/// Threading: safe.
class CONSILIA_API Policy {
public:
    static constexpr std::size_t kMaxRules = 100'000;  ///< Most rules of a document.
    static constexpr std::size_t kMaxRoles = 1'000;    ///< Most roles of a document.

    /// @throws ValidationError with the offending name in its details: `policy.duplicate`,
    /// `policy.unknown_role`,
    ///         `policy.cycle`, `policy.unknown_permission`, `policy.unknown_parameter`, `policy.name`,
    ///         `policy.field`, `policy.too_large`.
    explicit Policy(const PolicyDocument& document);

    /// May `principal` do `action` to this object of `resource`? `object` gives the fields that conditions
    /// name; without one every field is null, as for an object that does not exist yet.
    /// @throws InvalidArgument if a condition compares types that cannot be compared.
    [[nodiscard]] Decision check(const Principal& principal, std::string_view action,
                                 std::string_view resource, const core::FieldSource& object = {}) const;

    /// As `check`, but a denial is thrown.
    /// @throws PermissionDenied (`access.denied`) with role, permission, reason and rule in its details.
    /// Where even the
    ///         existence of the object must not show, call `check` and throw NotFound instead.
    void require(const Principal& principal, std::string_view action, std::string_view resource,
                 const core::FieldSource& object = {}) const;

    /// The condition that holds for exactly the objects that `check` allows, with the principal's values
    /// bound: for the WHERE clause of a query. Literal false where nothing can be allowed.
    [[nodiscard]] core::Expression scope(const Principal& principal, std::string_view action,
                                         std::string_view resource) const;

    /// The fields named for the role under `resource:action`, sorted, those of inherited roles included.
    /// Empty: none.
    [[nodiscard]] std::vector<std::string> fields(const Principal& principal, std::string_view action,
                                                  std::string_view resource) const;

    [[nodiscard]] bool has_role(std::string_view role) const noexcept;

private:
    struct Compiled;
    std::shared_ptr<const Compiled> compiled_;
};

}  // namespace consilia::access
