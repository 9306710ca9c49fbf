#pragma once
// A formula over finite domains: what it says of one term is a set of values.
#include <cstdint>
#include <optional>
#include <vector>

#include "access/witness_domains.hpp"

namespace consilia::access {

struct ProgramNode {
    enum class Kind : std::uint8_t { True, False, Set, Relation, And, Or };

    Kind kind = Kind::True;
    Relation relation = Relation::Equal;  ///< Of two terms that are not constant.
    std::uint32_t left = 0;               ///< Of a set too.
    std::uint32_t right = 0;
    std::vector<std::uint64_t> places = {};
    std::vector<std::uint32_t> children = {};
    /// The same as a condition that is wanted to be true, where functions are in it.
    std::optional<core::Expression> call = {};
};

/// Sets of the same term in one `and` or `or` become one set, so that what a disjunction says of a term is
/// known before one of its cases is chosen.
class WitnessProgram {
public:
    explicit WitnessProgram(const WitnessFormula& formula);

    [[nodiscard]] const ProgramNode& node(std::uint32_t number) const noexcept { return nodes_[number]; }
    [[nodiscard]] std::uint32_t root() const noexcept { return root_; }
    [[nodiscard]] const WitnessFormula& formula() const noexcept { return formula_; }
    [[nodiscard]] const DomainLayout& layout() const noexcept { return layout_; }
    [[nodiscard]] const Domains& full() const noexcept { return full_; }

private:
    std::uint32_t put(ProgramNode node);
    std::uint32_t compile(std::uint32_t number);
    std::uint32_t compile_relation(const WitnessNode& node);
    std::uint32_t compile_junction(const WitnessNode& node);
    std::uint32_t set_of(ProgramNode set);
    void merge(ProgramNode& into, const ProgramNode& other, bool is_union) const;
    [[nodiscard]] bool is_function(std::uint32_t term) const noexcept {
        return formula_.terms[term].kind == WitnessTerm::Kind::Function;
    }

    const WitnessFormula& formula_;
    DomainLayout layout_;
    Domains full_;
    std::vector<ProgramNode> nodes_;
    std::uint32_t root_;
};

}  // namespace consilia::access
