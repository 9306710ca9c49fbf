#pragma once
// The checks of `lint`, one after the other.
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/policy_questions.hpp"

namespace consilia::access {

/// Threading: confined.
class PolicyLint {
public:
    /// @throws ValidationError as `Policy` does.
    PolicyLint(const PolicyDocument& document, const AnalysisOptions& options);
    std::vector<Finding> run();

private:
    void check_fields();
    bool check_field(const std::string& path, const std::string& resource, const std::string& rule);
    bool check_types(const core::Expression& condition, const NamedTypes& types, const std::string& rule);
    void check_rule(std::uint32_t number);
    void check_allow(std::uint32_t number);
    void check_deny(std::uint32_t number);
    void check_field_rules();
    void check_roles();
    void check_actions();
    void check_separations();
    void check_separation(const CompiledSeparation& separation);
    void check_never();

    Finding& add(Severity severity, std::string code, std::string message,
                 std::vector<std::string> rules = {});
    void report_redundant(std::uint32_t number, const std::set<std::uint32_t>& coverers,
                          std::string_view verb);
    void report_overridden(std::uint32_t number, std::vector<std::uint32_t> deniers);

    [[nodiscard]] AccessQuestions::Question question(std::uint32_t column,
                                                     std::vector<Requirement> requirements,
                                                     std::vector<std::string> roles = {}) const;
    bool is_impossible(std::uint32_t column, std::vector<Requirement> requirements);
    bool is_unreachable(std::uint32_t number);
    /// Whether the role may do it to some object; true where that is not known.
    bool may_do(std::uint32_t role, std::uint32_t column);
    template <class Visit>
    void for_each_cell(const Rule& rule, const Visit& visit) const;
    [[nodiscard]] std::vector<std::uint32_t> without(std::vector<std::uint32_t> rules,
                                                     std::uint32_t number) const;
    bool covers(std::uint32_t column, const std::vector<std::uint32_t>& others,
                std::vector<Requirement> requirements, Wanted uncovered, std::set<std::uint32_t>& coverers);
    [[nodiscard]] std::vector<std::string> names_of(std::span<const std::uint32_t> rules) const;

    const PolicyDocument& document_;
    const AnalysisOptions& options_;
    PolicyModel model_;
    AccessQuestions questions_;
    std::vector<Finding> findings_;
    std::set<std::uint32_t> redundant_;
    std::set<std::pair<std::string, std::string>> unknown_;  // Rule and field, once reported.
    std::vector<signed char> may_do_;                        // By cell; -1: not asked yet.
};

}  // namespace consilia::access
