#pragma once
// Requirements in negation normal form: and/or trees over relations between terms, all of them wanted.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/witness.hpp"

namespace consilia::access {

/// A field, a parameter, a literal, or a function whose result is taken for a value of its own.
struct WitnessTerm {
    enum class Kind : std::uint8_t { Field, Parameter, Constant, Function };

    Kind kind = Kind::Field;
    core::Expression expression;
    core::ValueType declared = core::ValueType::Null;  ///< Null: not known.
    std::uint32_t component = 0;
    std::vector<std::uint32_t> inputs = {};  ///< Of a function: the fields and parameters in it.
    std::vector<core::Value> hints = {};     ///< Of a field or parameter: literals beside it in functions.

    [[nodiscard]] bool is_constant() const noexcept { return kind == Kind::Constant; }
    [[nodiscard]] bool is_variable() const noexcept { return kind == Kind::Field || kind == Kind::Parameter; }
};

/// Of two terms, or of the first alone. Every relation but IsNull says that its terms are not null.
enum class Relation : std::uint8_t { IsNull, IsNotNull, Less, LessEqual, Equal, NotEqual };

struct WitnessNode {
    enum class Kind : std::uint8_t { True, False, Relation, And, Or };

    Kind kind = Kind::True;
    Relation relation = Relation::IsNull;
    std::uint32_t left = 0;
    std::uint32_t right = 0;
    std::vector<std::uint32_t> children = {};
};

/// Terms that are compared with each other, whose values therefore come from one list.
struct WitnessComponent {
    core::ValueType type = core::ValueType::Null;  ///< Double: numbers of any kind.
    bool has_conflict = false;                     ///< Two types that cannot be compared meet.
    bool uses_order = false;
    std::uint32_t terms = 0;  ///< Without constants.
    std::vector<core::Value> constants = {};
};

struct WitnessFormula {
    std::vector<WitnessTerm> terms;
    std::vector<WitnessNode> nodes;
    std::vector<WitnessComponent> components;
    std::uint32_t root = 0;
    std::string unsupported = {};  ///< What cannot be reasoned about; empty: nothing.
};

WitnessFormula make_formula(std::span<const Requirement> requirements, const WitnessOptions& options);

/// Borrows the fields; one that is absent is null.
inline core::FieldSource field_source(const core::Parameters& fields) {
    return [&fields](std::string_view path) {
        const auto found = fields.find(path);
        return found == fields.end() ? core::Value() : found->second;
    };
}

/// The relation as an expression that is wanted to be true.
core::Expression expression_of(const WitnessFormula& formula, const WitnessNode& node);

}  // namespace consilia::access
