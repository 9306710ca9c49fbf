#pragma once
// What terms may still be, during a search.
#include <cstdint>
#include <span>
#include <vector>

#include "access/witness_values.hpp"

namespace consilia::access {

/// Where the bits of each term stand: null first, then the candidates of its component, ascending.
struct DomainLayout {
    explicit DomainLayout(const WitnessFormula& formula);

    /// The value at a place, as the term's type wants it. `place` zero is null.
    [[nodiscard]] core::Value value(const WitnessFormula& formula, std::uint32_t term,
                                    std::uint32_t place) const;
    [[nodiscard]] bool is_preferred(const WitnessFormula& formula, std::uint32_t term,
                                    std::uint32_t place) const noexcept {
        return candidates[formula.terms[term].component][place - 1].is_preferred;
    }
    [[nodiscard]] std::uint32_t word_count(std::uint32_t term) const noexcept {
        return (sizes[term] + 63) / 64;
    }

    std::vector<std::vector<Candidate>> candidates;  ///< By component.
    std::vector<std::uint32_t> first_words;          ///< By term.
    std::vector<std::uint32_t> sizes;                ///< By term: places, null included; 1 for constants.
    std::uint32_t words = 0;
};

/// A set of places for each term. Copied at each branch of a search. Threading: confined.
class Domains {
public:
    Domains(const WitnessFormula& formula, const DomainLayout& layout);

    [[nodiscard]] bool has(std::uint32_t term, std::uint32_t place) const noexcept {
        return (words_[layout_->first_words[term] + place / 64] >> (place % 64) & 1U) != 0;
    }
    [[nodiscard]] bool may_be_null(std::uint32_t term) const noexcept { return has(term, 0); }
    /// The least and the greatest place of a value; zero: there is none.
    [[nodiscard]] std::uint32_t first(std::uint32_t term) const noexcept;
    [[nodiscard]] std::uint32_t last(std::uint32_t term) const noexcept;
    [[nodiscard]] bool is_empty(std::uint32_t term) const noexcept {
        return first(term) == 0 && !may_be_null(term);
    }
    [[nodiscard]] std::uint32_t count(std::uint32_t term) const noexcept;
    [[nodiscard]] bool share_value(std::uint32_t a, std::uint32_t b) const noexcept;
    [[nodiscard]] std::span<const std::uint64_t> bits(std::uint32_t term) const noexcept {
        return std::span(words_).subspan(layout_->first_words[term], layout_->word_count(term));
    }

    // What follows narrows a term, and says whether anything changed.
    bool keep(std::uint32_t term, std::span<const std::uint64_t> places) noexcept;
    bool keep_only(std::uint32_t term, std::uint32_t place) noexcept;
    bool remove(std::uint32_t term, std::uint32_t place) noexcept;
    /// Values from `low` to `high`; null stays as it is.
    bool keep_between(std::uint32_t term, std::uint32_t low, std::uint32_t high) noexcept;
    /// Values that `with` may be; null stays as it is.
    bool intersect(std::uint32_t term, std::uint32_t with) noexcept;

private:
    [[nodiscard]] std::span<std::uint64_t> words(std::uint32_t term) noexcept {
        return std::span(words_).subspan(layout_->first_words[term], layout_->word_count(term));
    }
    const DomainLayout* layout_;
    std::vector<std::uint64_t> words_;
};

}  // namespace consilia::access
