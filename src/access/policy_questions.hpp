#pragma once
// A policy as its analysis asks about it: which rules concern whom, and whether an access exists.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "access/compiled_policy.hpp"
#include "consilia/access/policy_analysis.hpp"
#include "consilia/access/witness.hpp"

namespace consilia::access {

/// Numbers of the rules and field rules of one role and one permission, ascending.
struct Concerned {
    std::vector<std::uint32_t> allows;
    std::vector<std::uint32_t> denies;
    std::vector<std::uint32_t> fields;
    friend bool operator==(const Concerned&, const Concerned&) = default;
    friend auto operator<=>(const Concerned&, const Concerned&) = default;
};

/// Threading: compatible.
class PolicyModel {
public:
    /// @throws ValidationError as `Policy` does.
    PolicyModel(const PolicyDocument& document, const AnalysisOptions& options);

    [[nodiscard]] const Policy& policy() const noexcept { return policy_; }
    [[nodiscard]] const CompiledPolicy& compiled() const noexcept { return compiled_; }
    [[nodiscard]] const std::string& role_name(std::uint32_t role) const noexcept {
        return compiled_.roles.names()[role];
    }
    [[nodiscard]] const Concerned& concerned(std::uint32_t role, std::uint32_t column) const noexcept {
        return table_[std::size_t{role} * compiled_.width() + column];
    }
    /// The rows of a rule's role, and its columns.
    [[nodiscard]] std::vector<std::uint32_t> rows_of(const std::string& role) const;

    /// Whether a separation denies this to whoever has these roles.
    [[nodiscard]] bool is_separated(const std::vector<std::uint32_t>& roles, std::uint32_t column) const;
    /// Some of the rules are true; false without rules.
    [[nodiscard]] core::Expression any_of(std::span<const std::uint32_t> rules) const;
    /// What is true exactly where `Policy::check` allows it to whoever has these roles; false where no object
    /// can be allowed.
    [[nodiscard]] core::Expression scope(const std::vector<std::uint32_t>& roles, std::uint32_t column) const;
    /// As `scope`, for one role and a field of the objects.
    [[nodiscard]] core::Expression field_scope(std::uint32_t role, std::uint32_t column,
                                               const std::string& field) const;
    /// What is true of every object for which all field rules can be asked: values of types that fit.
    [[nodiscard]] std::vector<Requirement> field_conditions(std::uint32_t role, std::uint32_t column) const;
    /// The fields that rules name for the role and permission.
    [[nodiscard]] std::vector<std::string> named_fields(std::uint32_t role, std::uint32_t column) const;
    /// The types of a resource's fields: declared, or given with the options.
    [[nodiscard]] const NamedTypes& field_types(const std::string& resource) const;
    /// The types of parameters.
    [[nodiscard]] NamedTypes parameter_types() const;

private:
    [[nodiscard]] bool names_field(const CompiledFieldRule& rule, std::uint32_t column,
                                   const std::string& field) const;

    const AnalysisOptions& options_;
    Policy policy_;
    CompiledPolicy compiled_;
    std::vector<Concerned> table_;
};

/// Asks for accesses, within the steps that are left. Threading: confined.
class AccessQuestions {
public:
    explicit AccessQuestions(const AnalysisOptions& options) noexcept : options_(options) {}

    struct Question {
        std::vector<Requirement> requirements;
        /// Of the principal, the first one first. Without roles `:principal_role` may be any text.
        std::vector<std::string> roles = {};
        std::string action;
        std::string resource;
        NamedTypes fields = {};
        NamedTypes parameters = {};
    };
    struct Reply {
        WitnessAnswer answer = WitnessAnswer::Unknown;
        AccessExample example = {};  ///< Where found.
        std::string reason = {};
    };
    Reply ask(const Question& question);
    [[nodiscard]] bool is_exhausted() const noexcept { return steps_ >= options_.max_steps_total; }

private:
    const AnalysisOptions& options_;
    std::uint64_t steps_ = 0;
};

/// Whether the policy allows it; empty for values that it cannot compare.
std::optional<bool> is_allowed(const Policy& policy, const AccessExample& example);
/// Whether the principal has the field of this object; empty as above.
std::optional<bool> has_field(const Policy& policy, const AccessExample& example, const std::string& field);
/// Types that both say, or one.
NamedTypes joined_types(NamedTypes types, const NamedTypes& others);
bool uses_parameter(const core::Expression& expression, std::string_view name);

}  // namespace consilia::access
