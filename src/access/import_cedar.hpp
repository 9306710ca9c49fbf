#pragma once
// Cedar's policies, as they are read.
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/import_text.hpp"
#include "consilia/core/expression.hpp"

namespace consilia::access {

/// One `permit` or `forbid`.
struct CedarPolicy {
    std::string id;  ///< Of `@id("…")`; empty: none.
    Effect effect = Effect::Allow;
    std::string role;                  ///< `Role::"doctor"` without quotes and type; empty: anybody.
    std::vector<std::string> actions;  ///< Empty: every one.
    std::string resource;              ///< A type; empty: every one.
    core::Expression condition;        ///< True exactly where the policy is satisfied.
    bool is_total = true;              ///< The condition is never unknown.
    TextPlace place;
};

struct CedarText {
    std::vector<CedarPolicy> policies;
    AttributeTypes types;
    std::set<std::string> other_annotations;
    bool compares_principals = false;
};

/// Parameters are `:principal_<original name>` until names are known; `:principal_id` is the principal.
/// @throws ValidationError (`import.cedar`).
CedarText read_cedar(std::string_view text);

/// Reads an expression up to its end, for what it is when true and when false.
class CedarCondition {
public:
    CedarCondition(TokenReader& reader, CedarText& text) : reader_(reader), text_(text) {}

    /// A condition with its opposite. Cedar's `&&` and `||` look at the right side only if the left one does
    /// not decide, and fail where what they look at fails: each of these two is true where Cedar says so, and
    /// nowhere else.
    struct Both {
        core::Expression holds;
        core::Expression fails;
        bool is_total = false;  ///< One of them is true of everything.
        std::string role = {};  ///< `principal in Role::"…"` must hold beside it.
    };
    /// @throws ValidationError (`import.cedar`).
    Both read() { return any(); }

private:
    struct Operand;
    Both any();
    Both all();
    Both one();
    Both comparison();
    Both truth(const Operand& operand);
    Both contains(const Operand& list);
    Both has(const Operand& of);
    Both like(const Operand& text);
    Operand operand();
    Operand variable();
    Operand list();
    core::Expression term(const Operand& operand, core::ValueType type = core::ValueType::Null);
    void compare_types(const Operand& left, const Operand& right, core::ValueType wanted);
    static Both joined(const Both& a, const Both& b);
    static Both either(const Both& a, const Both& b);
    void refuse_role(const Both& side);

    TokenReader& reader_;
    CedarText& text_;
    int depth_ = 0;
};

}  // namespace consilia::access
