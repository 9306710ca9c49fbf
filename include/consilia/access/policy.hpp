#pragma once
// Who may do what: one compiled policy that checks objects in memory and scopes queries, with the same
// answer.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/policy_document.hpp"
#include "consilia/access/principal.hpp"
#include "consilia/core/error.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"
#include "consilia/core/value.hpp"

namespace consilia::data {
class RowSet;
}  // namespace consilia::data

namespace consilia::access {

/// Why a decision came out as it did.
enum class Reason : std::uint8_t {
    AllowedByRule,
    DeniedByRule,  ///< A deny rule applied, or could not be shown not to apply (its condition is unknown).
    NoRule,        ///< Nothing allows it: default deny.
    UnknownRole,   ///< A role of the principal is not declared.
    UnknownPermission,    ///< The resource or its action is not declared.
    AllowedByDelegation,  ///< A rule allows it to somebody who lent it.
    SeparationOfDuties,   ///< The principal's roles together break a separation.
};

/// The lower-case name of a reason: `denied_by_rule`.
CONSILIA_API std::string_view to_string(Reason reason) noexcept;

/// The answer to one question. A denial is an answer, not an error. `Policy::name_of` tells which rule it
/// was, `Policy::explain` everything.
struct Decision {
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

    bool allowed = false;
    Reason reason = Reason::NoRule;
    std::uint32_t rule = kNone;  ///< The number of the rule, or of the separation, that decided.

    explicit operator bool() const noexcept { return allowed; }
    friend bool operator==(const Decision&, const Decision&) = default;
};

/// A rule that was looked at, and what its condition was: empty is unknown.
struct RuleTrace {
    std::string rule;
    Effect effect = Effect::Allow;
    std::string condition;  ///< As text; empty: always true.
    std::optional<bool> truth;
};

/// A decision with its reasons.
struct Explanation {
    Decision decision;
    std::string rule;       ///< Of the rule or separation that decided; empty where none did.
    std::string condition;  ///< Of that rule, as text; empty where it has none.
    std::string sentence;   ///< One sentence for people: rule and condition, never the object's values.
    std::vector<RuleTrace> rules;  ///< Every rule that concerns the question.
    /// The fields and parameters that the conditions of these rules name, with their values: for whoever
    /// writes policies, not for whoever was refused.
    core::Details values;
};
/// As one JSON object.
CONSILIA_API std::string to_json(const Explanation& explanation);

/// A permission of one policy by its number; see `Policy::permission`.
enum class PermissionId : std::uint32_t {};
inline constexpr PermissionId kUnknownPermission{std::numeric_limits<std::uint32_t>::max()};

/// What a principal may do, and to which objects.
struct PermissionGrant {
    std::string resource;
    std::string action;
    core::Expression condition;       ///< The scope; always true where it is allowed for every object.
    std::vector<std::string> fields;  ///< `Policy::fields`.
};

/// A role that may do something, and to which objects.
struct RoleGrant {
    std::string role;
    core::Expression condition;  ///< With the principal's parameters, not their values.
};

struct BoundPrincipal;  // Private.
struct CompiledPolicy;  // Private.

/// A principal whose names were looked up in one policy: what a request makes once and then asks with.
/// Threading: safe.
class CONSILIA_API Subject {
public:
    Subject(const Subject&);
    Subject(Subject&&) noexcept;
    Subject& operator=(const Subject&);
    Subject& operator=(Subject&&) noexcept;
    ~Subject();
    [[nodiscard]] const Principal& principal() const noexcept;

private:
    friend class Policy;
    explicit Subject(std::shared_ptr<const BoundPrincipal> bound) noexcept;
    std::shared_ptr<const BoundPrincipal> bound_;
};

/// Gives a field of object `index` of a page.
using PageSource = std::function<core::Value(std::size_t index, std::string_view path)>;

/// A compiled, immutable policy. Copies share it. Default deny; a deny rule overrides every allow rule.
///
/// The logic is that of SQL: an allow rule applies where its condition is true, a deny rule everywhere except
/// where its condition is false. So `check` on an object and `scope` in a query agree on nulls too. Of
/// several rules that apply, the first one without a condition is named, else the first one.
/// A question costs the same whatever the number of rules: those of a role and a permission stand together.
/// Threading: safe.
class CONSILIA_API Policy {
public:
    static constexpr std::size_t kMaxRules = 100'000;  ///< Most rules of a document.
    static constexpr std::size_t kMaxRoles = 1'000;    ///< Most roles of a document.

    /// @throws ValidationError with the offending name in its details: `policy.duplicate`,
    ///         `policy.unknown_role`, `policy.cycle`, `policy.unknown_permission`,
    ///         `policy.unknown_parameter`, `policy.unknown_field`, `policy.name`, `policy.field`,
    ///         `policy.separation`, `policy.condition`, `policy.too_large`.
    explicit Policy(const PolicyDocument& document);

    /// May `principal` do `action` to this object of `resource`? `object` gives the fields that conditions
    /// name; without one every field is null, as for an object that does not exist yet.
    /// @throws InvalidArgument (`expression.type`) if a condition compares types that cannot be compared, and
    /// what `object` throws.
    [[nodiscard]] Decision check(const Principal& principal, std::string_view action,
                                 std::string_view resource, const core::FieldSource& object = nothing(),
                                 const Context& context = now()) const;
    /// As above, for names that were looked up before: a table's cell.
    /// @throws also InvalidArgument (`access.subject`) for a subject of another policy.
    [[nodiscard]] Decision check(const Subject& subject, PermissionId permission,
                                 const core::FieldSource& object = nothing(),
                                 const Context& context = now()) const;
    /// As `check`, for each object of a page.
    [[nodiscard]] std::vector<Decision> check_many(const Subject& subject, PermissionId permission,
                                                   std::size_t count, const PageSource& objects,
                                                   const Context& context = now()) const;
    /// As `check`, for each row of a result: its columns are the fields, by their dotted paths.
    /// @throws also InvalidArgument (`access.missing_field`) with the field that a condition may ask for and
    ///         that is no column, whatever the rows hold.
    [[nodiscard]] std::vector<Decision> check_rows(const Subject& subject, PermissionId permission,
                                                   const data::RowSet& rows,
                                                   const Context& context = now()) const;

    /// As `check`, but a denial is thrown.
    /// @throws PermissionDenied (`access.denied`) with role, permission, reason and rule in its details.
    ///         Where even the existence of the object must not show, use `Guard`, or `check` and NotFound.
    void require(const Principal& principal, std::string_view action, std::string_view resource,
                 const core::FieldSource& object = nothing(), const Context& context = now()) const;

    /// The same question as `check`, with every reason. For people and logs: it costs microseconds.
    [[nodiscard]] Explanation explain(const Principal& principal, std::string_view action,
                                      std::string_view resource, const core::FieldSource& object = nothing(),
                                      const Context& context = now()) const;
    /// The name of the rule or separation that decided; empty where none did. Lives as long as the policy.
    [[nodiscard]] std::string_view name_of(const Decision& decision) const noexcept;

    /// The condition that holds for exactly the objects that `check` allows, with the principal's values
    /// bound: for the WHERE clause of a query. Literal false where nothing can be allowed.
    [[nodiscard]] core::Expression scope(const Principal& principal, std::string_view action,
                                         std::string_view resource, const Context& context = now()) const;

    /// The fields that the principal has under `resource:action` for every object, sorted: to select, filter
    /// and sort by. Empty: none.
    [[nodiscard]] std::vector<std::string> fields(const Principal& principal, std::string_view action,
                                                  std::string_view resource,
                                                  const Context& context = now()) const;
    /// Those for this object: `fields` and what conditions add.
    [[nodiscard]] std::vector<std::string> fields(const Principal& principal, std::string_view action,
                                                  std::string_view resource, const core::FieldSource& object,
                                                  const Context& context = now()) const;
    /// Those for any object: to select before `redact` decides row by row.
    [[nodiscard]] std::vector<std::string> possible_fields(const Principal& principal,
                                                           std::string_view action, std::string_view resource,
                                                           const Context& context = now()) const;
    /// Refuses what is written to fields that the principal does not have for this object.
    /// @throws PermissionDenied (`access.fields`) with all of their names.
    void require_fields(const Principal& principal, std::string_view action, std::string_view resource,
                        std::span<const std::string_view> names, const core::FieldSource& object = nothing(),
                        const Context& context = now()) const;
    /// A JSON object, or an array of them, without the members that the principal does not have: paths of
    /// nested objects are dotted, an array inside is one member. What an object lacks is null to conditions.
    /// @throws InvalidArgument (`access.json`).
    [[nodiscard]] std::string redact(const Principal& principal, std::string_view action,
                                     std::string_view resource, std::string_view json,
                                     const Context& context = now()) const;
    /// As `redact`, for a result whose columns are the fields: columns that the principal has for no object
    /// are dropped, cells that it does not have for the object of their row are null. Without a column left
    /// there are no rows either.
    /// @throws InvalidArgument (`access.missing_field`) as `check_rows`.
    [[nodiscard]] data::RowSet redact_rows(const Principal& principal, std::string_view action,
                                           std::string_view resource, const data::RowSet& rows,
                                           const Context& context = now()) const;

    /// Everything that the principal may do, in the order of names.
    [[nodiscard]] std::vector<PermissionGrant> permissions_of(const Principal& principal,
                                                              const Context& context = now()) const;
    /// The roles that may do `resource:action`, and to what; in the order of the document. Separations and
    /// delegations are a matter of principals.
    [[nodiscard]] std::vector<RoleGrant> who_can(std::string_view action, std::string_view resource) const;
    /// Which of these principals may do it to this object, by their positions.
    [[nodiscard]] std::vector<std::size_t> who_can(std::span<const Principal> principals,
                                                   std::string_view action, std::string_view resource,
                                                   const core::FieldSource& object = nothing(),
                                                   const Context& context = now()) const;

    /// Looks the principal's names up. @throws InvalidArgument (`access.attribute`) for an attribute of
    /// another type than the policy declares.
    [[nodiscard]] Subject subject(const Principal& principal) const;
    /// The number of `resource:action`; `kUnknownPermission` for one that is not declared.
    [[nodiscard]] PermissionId permission(std::string_view action, std::string_view resource) const noexcept;
    /// The paths that the conditions of `resource:action` name, for any role, sorted: what an object, or a
    /// query whose rows are checked, must have.
    [[nodiscard]] std::vector<std::string> condition_fields(std::string_view action,
                                                            std::string_view resource) const;

    [[nodiscard]] bool has_role(std::string_view role) const noexcept;
    /// The declared roles, in the order of the document.
    [[nodiscard]] std::span<const std::string> roles() const noexcept;
    /// What it was compiled from.
    [[nodiscard]] const PolicyDocument& document() const noexcept;

    static const core::FieldSource& nothing() noexcept;  ///< An object without fields.
    static const Context& now() noexcept;                ///< A context without facts but the time.

private:
    std::shared_ptr<const CompiledPolicy> compiled_;
};

}  // namespace consilia::access
