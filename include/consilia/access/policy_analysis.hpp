#pragma once
// What is wrong with a policy, what a change of it changes, and whether it can ever allow what it must not:
// answers with examples.
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/policy_document.hpp"
#include "consilia/access/principal.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"

namespace consilia::access {

struct AnalysisOptions {
    /// The fields of resources that the document does not declare, by resource.
    std::map<std::string, NamedTypes, std::less<>> fields = {};
    std::uint64_t max_steps = 20'000;           ///< Of one question; see `WitnessOptions`.
    std::uint64_t max_steps_total = 5'000'000;  ///< Of all of them; what comes later is not decided.
};

/// An access that shows it: `Policy::check` answers it as is said. Delegations are not looked at.
struct AccessExample {
    Principal principal;
    std::string action;
    std::string resource;
    core::Parameters object;  ///< Fields; those that are absent are null.
    Context context;
};

enum class Severity : std::uint8_t { Info, Warning, Error };

/// Something that a policy's author should look at.
struct Finding {
    Severity severity = Severity::Warning;
    std::string code;                     ///< Stable: `lint.unreachable`; see docs/policy-analysis.md.
    std::string message;                  ///< One sentence for people.
    std::vector<std::string> rules = {};  ///< Names of the rules that it is about, the culprit first.
    std::optional<AccessExample> example = {};
};

/// Looks for mistakes: rules that change nothing, roles and actions that lead nowhere, unknown fields,
/// broken separations and `never` rules. A document that does not compile gives one finding, with the code of
/// the error that `Policy` throws. What could not be decided is no finding.
CONSILIA_API std::vector<Finding> lint(const PolicyDocument& document, const AnalysisOptions& options = {});

enum class ChangeKind : std::uint8_t { Gains, Loses };

/// Something that principals with this role alone may do after a change and could not before, or the other
/// way round. Both may be true of one permission, for different objects.
struct PolicyChange {
    std::string role;
    std::string resource;
    std::string action;
    std::string field;  ///< The field that is had or not; empty: the permission itself.
    ChangeKind kind = ChangeKind::Gains;
    /// An access that one policy allows and the other does not. Empty: it could not be decided whether there
    /// is one.
    std::optional<AccessExample> example = {};

    [[nodiscard]] bool is_certain() const noexcept { return example.has_value(); }
};

/// Every difference for every role, permission and field of both, in this order. What is not listed is proved
/// to be the same. Changes of `never`, `delegable` and separations show only in what one role may do.
/// @throws ValidationError as `Policy` does.
CONSILIA_API std::vector<PolicyChange> diff(const PolicyDocument& before, const PolicyDocument& after,
                                            const AnalysisOptions& options = {});

enum class Verdict : std::uint8_t { Proved, Violated, Unknown };

/// Whether a policy can ever allow what a `never` rule forbids.
struct NeverResult {
    std::string rule;  ///< Its name.
    Verdict verdict = Verdict::Unknown;
    std::optional<AccessExample> counterexample = {};  ///< Where violated: `Policy::check` allows it.
    std::string reason = {};                           ///< Why it is not known.
};

/// Proves or refutes each rule for principals with any roles that separations do not keep apart: nobody who
/// has the role, directly, by inheritance or beside others, is allowed the permission where the condition is
/// true.
/// @throws ValidationError as `Policy` does, for the document and for rules that do not fit it.
CONSILIA_API std::vector<NeverResult> find_violations(const PolicyDocument& document,
                                                      std::span<const NeverRule> rules,
                                                      const AnalysisOptions& options = {});
/// Those of the document itself.
CONSILIA_API std::vector<NeverResult> find_violations(const PolicyDocument& document,
                                                      const AnalysisOptions& options = {});

/// The lower-case names: `warning`, `gains`, `proved`.
CONSILIA_API std::string_view to_string(Severity severity) noexcept;
CONSILIA_API std::string_view to_string(ChangeKind kind) noexcept;
CONSILIA_API std::string_view to_string(Verdict verdict) noexcept;

/// As JSON arrays of objects with the names of the members; values as `core::to_json` writes them.
CONSILIA_API std::string to_json(std::span<const Finding> findings);
CONSILIA_API std::string to_json(std::span<const PolicyChange> changes);
CONSILIA_API std::string to_json(std::span<const NeverResult> results);

}  // namespace consilia::access
