#include "access/witness_domains.hpp"

#include <algorithm>
#include <bit>

namespace consilia::access {

namespace {

// The bits of a word that stand for values: the first bit of the first word is null.
std::uint64_t values_of(std::span<const std::uint64_t> words, std::size_t i) noexcept {
    return i == 0 ? words[i] & ~std::uint64_t{1} : words[i];
}

}  // namespace

DomainLayout::DomainLayout(const WitnessFormula& formula) {
    for (std::uint32_t i = 0; i < formula.components.size(); ++i)
        candidates.push_back(candidates_of(formula, i));
    for (const WitnessTerm& term : formula.terms) {
        first_words.push_back(words);
        const std::size_t values = term.is_constant() ? 0 : candidates[term.component].size();
        sizes.push_back(static_cast<std::uint32_t>(values + 1));
        words += (sizes.back() + 63) / 64;
    }
}

core::Value DomainLayout::value(const WitnessFormula& formula, std::uint32_t term,
                                std::uint32_t place) const {
    if (place == 0) return {};
    const WitnessTerm& known = formula.terms[term];
    return as_declared(candidates[known.component][place - 1].value, known.declared);
}

Domains::Domains(const WitnessFormula& formula, const DomainLayout& layout)
    : layout_(&layout), words_(layout.words) {
    for (std::uint32_t term = 0; term < formula.terms.size(); ++term) {
        for (std::uint32_t place = 0; place < layout.sizes[term]; ++place) {
            if (place != 0 && layout.value(formula, term, place).is_null()) continue;
            words(term)[place / 64] |= std::uint64_t{1} << (place % 64);
        }
    }
}

std::uint32_t Domains::first(std::uint32_t term) const noexcept {
    const auto words = bits(term);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::uint64_t values = values_of(words, i);
        if (values != 0)
            return static_cast<std::uint32_t>(i * 64) + static_cast<std::uint32_t>(std::countr_zero(values));
    }
    return 0;
}

std::uint32_t Domains::last(std::uint32_t term) const noexcept {
    const auto words = bits(term);
    for (std::size_t i = words.size(); i-- > 0;) {
        const std::uint64_t values = values_of(words, i);
        if (values != 0)
            return static_cast<std::uint32_t>(i * 64) + 63 -
                   static_cast<std::uint32_t>(std::countl_zero(values));
    }
    return 0;
}

std::uint32_t Domains::count(std::uint32_t term) const noexcept {
    std::uint32_t total = 0;
    for (const std::uint64_t word : bits(term)) total += static_cast<std::uint32_t>(std::popcount(word));
    return total;
}

bool Domains::share_value(std::uint32_t a, std::uint32_t b) const noexcept {
    const auto left = bits(a);
    const auto right = bits(b);
    for (std::size_t i = 0; i < left.size(); ++i) {
        if ((values_of(left, i) & right[i]) != 0) return true;
    }
    return false;
}

bool Domains::keep(std::uint32_t term, std::span<const std::uint64_t> places) noexcept {
    bool changed = false;
    const auto own = words(term);
    for (std::size_t i = 0; i < own.size(); ++i) {
        changed |= (own[i] & places[i]) != own[i];
        own[i] &= places[i];
    }
    return changed;
}

bool Domains::keep_only(std::uint32_t term, std::uint32_t place) noexcept {
    const bool had = has(term, place);
    const bool changed = count(term) != (had ? 1U : 0U);
    const auto own = words(term);
    std::fill(own.begin(), own.end(), std::uint64_t{0});
    if (had) own[place / 64] = std::uint64_t{1} << (place % 64);
    return changed;
}

bool Domains::remove(std::uint32_t term, std::uint32_t place) noexcept {
    const bool had = has(term, place);
    words(term)[place / 64] &= ~(std::uint64_t{1} << (place % 64));
    return had;
}

bool Domains::keep_between(std::uint32_t term, std::uint32_t low, std::uint32_t high) noexcept {
    bool changed = false;
    const auto own = words(term);
    for (std::size_t i = 0; i < own.size(); ++i) {
        const std::uint64_t start = i * 64;
        std::uint64_t mask = ~std::uint64_t{0};
        if (low > start) mask = low - start >= 64 ? 0 : mask << (low - start);
        if (high < start) mask = 0;
        if (high >= start && high - start < 63) mask &= (std::uint64_t{1} << (high - start + 1)) - 1;
        if (i == 0) mask |= 1;
        changed |= (own[i] & mask) != own[i];
        own[i] &= mask;
    }
    return changed;
}

bool Domains::intersect(std::uint32_t term, std::uint32_t with) noexcept {
    bool changed = false;
    const auto own = words(term);
    const auto other = bits(with);
    for (std::size_t i = 0; i < own.size(); ++i) {
        const std::uint64_t mask = other[i] | (i == 0 ? 1U : 0U);
        changed |= (own[i] & mask) != own[i];
        own[i] &= mask;
    }
    return changed;
}

}  // namespace consilia::access
