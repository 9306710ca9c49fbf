#pragma once
// What a policy is once it is compiled: a table of roles × permissions whose cells hold their rules.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "access/name_index.hpp"
#include "consilia/access/policy.hpp"

namespace consilia::access {

inline constexpr std::uint32_t kNone = NameIndex::kNone;

struct CompiledRule {
    std::string name;
    Effect effect = Effect::Allow;
    core::Expression condition;
    std::string text;  ///< Of the condition; empty where it is always true.

    [[nodiscard]] bool is_always() const noexcept { return text.empty(); }
};

struct CompiledFieldRule {
    Effect effect = Effect::Allow;
    core::Expression condition;
    std::vector<std::string> fields;  ///< Empty: all that the resource declares.

    [[nodiscard]] bool is_always() const noexcept { return condition.is_always_true(); }
};

struct CompiledSeparation {
    std::string name;
    std::vector<std::uint32_t> roles;
    std::vector<std::uint32_t> columns;
    std::uint32_t at_most = 1;
};

/// Rules of one role and one permission where the object decides; numbers in ascending order.
struct Conditional {
    std::vector<std::uint32_t> denies;
    std::vector<std::uint32_t> allows;  ///< Those with a condition.
    std::uint32_t always_allows = kNone;
};

enum class CellKind : std::uint32_t { Nothing, Allowed, Denied, Conditional };

/// One role and one permission.
struct Cell {
    CellKind kind = CellKind::Nothing;
    std::uint32_t first = kNone;  ///< The rule that decides, or the number of the conditional.
};

struct Permission {
    std::string resource;
    std::string action;
    [[nodiscard]] std::string text() const { return resource + ":" + action; }
    /// `pattern` is `resource:action`, where either part may be `*`.
    [[nodiscard]] bool is_named_by(std::string_view pattern) const noexcept {
        const std::size_t colon = pattern.find(':');
        if (colon == std::string_view::npos) return false;
        const std::string_view first = pattern.substr(0, colon);
        const std::string_view second = pattern.substr(colon + 1);
        return (first == "*" || first == resource) && (second == "*" || second == action);
    }
};

struct CompiledPolicy {
    explicit CompiledPolicy(const PolicyDocument& given);

    [[nodiscard]] std::uint32_t width() const noexcept {
        return static_cast<std::uint32_t>(permissions.size());
    }
    [[nodiscard]] std::uint32_t column(std::string_view action, std::string_view resource) const noexcept;
    /// Whether some rule may allow it to the role, for some object.
    [[nodiscard]] bool may_allow(std::uint32_t role, std::uint32_t column) const noexcept;
    /// The separation of roles that these, with what they inherit, break; kNone: none.
    [[nodiscard]] std::uint32_t broken_by(const std::vector<std::uint32_t>& held) const;
    /// Calls `visit(cell)` for each cell of the roles that a name stands for, and of these columns.
    template <class Visit>
    void for_each_cell(const std::string& role, const std::vector<std::uint32_t>& about, const Visit& visit);
    /// The columns of `resource:action`. @throws ValidationError (`policy.unknown_permission`).
    [[nodiscard]] std::vector<std::uint32_t> columns_of(const std::string& permission) const;

    PolicyDocument document;
    NameIndex roles;
    NameIndex resources;
    NameIndex actions;
    std::vector<std::uint32_t> columns;  ///< resource × action
    std::vector<Permission> permissions;
    std::vector<std::vector<std::uint32_t>> heirs;  ///< By role: itself and all that have its permissions.
    std::vector<std::vector<std::uint32_t>> ancestors;  ///< By role: itself and all that it inherits from.
    std::vector<CompiledRule> rules;
    std::vector<Cell> cells;  ///< role × permission
    std::vector<Conditional> conditionals;
    std::vector<CompiledFieldRule> field_rules;
    std::vector<std::vector<std::uint32_t>> fields;  ///< role × permission: numbers of field rules.
    std::vector<CompiledSeparation> separations;
    std::vector<bool> delegable;  ///< By column.

private:
    void declare_permissions();
    void declare_roles();
    void require_acyclic(const std::vector<std::vector<std::uint32_t>>& parents) const;
    void add_rules();
    void add_field_rules();
    void add_separations();
    void require_sound(const core::Expression& condition, const std::vector<std::uint32_t>& about,
                       const std::string& rule) const;
    void require_field(std::string_view path, std::uint32_t column, const std::string& rule) const;
    [[nodiscard]] std::vector<std::uint32_t> roles_of(const std::string& name) const;
    [[nodiscard]] std::uint32_t role_of(const std::string& name) const;

    std::size_t applications_ = 0;
};

/// Whether a scope holds for no object: it is a literal, and not true.
inline bool is_never(const core::Expression& scope) noexcept {
    return scope.op() == core::Operator::Literal && !scope.is_always_true();
}

/// Refuses a document, naming what is wrong in it.
[[noreturn]] void refuse_policy(std::string code, const std::string& message, std::string name);

}  // namespace consilia::access
