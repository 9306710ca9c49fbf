#include <algorithm>
#include <atomic>
#include <bit>
#include <utility>

#include "consilia/validation/input.hpp"

namespace consilia::validation {
namespace {

/// Of length and both ends: names of one form seldom agree in these, and a wrong guess costs one comparison.
std::size_t hash_of(std::string_view name) noexcept {
    if (name.empty()) return 0;
    const auto at = [&](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(name[i]));
    };
    return (name.size() * 31 + at(0)) * 31 + at(name.size() - 1) * 7 + at(name.size() / 2);
}

std::uint64_t next_identity() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

}  // namespace

FormShape::FormShape(std::vector<Name> names, std::vector<std::string> ignored)
    : names_(std::move(names)), ignored_(std::move(ignored)), identity_(next_identity()) {
    slots_.assign(std::bit_ceil(names_.size() * 4), static_cast<std::uint16_t>(names_.size()));
    for (std::size_t i = 0; i < names_.size(); ++i) {
        std::size_t slot = hash_of(names_[i].text);
        while (slots_[slot & (slots_.size() - 1)] != names_.size()) ++slot;
        slots_[slot & (slots_.size() - 1)] = static_cast<std::uint16_t>(i);
    }
}

std::size_t FormShape::find(std::string_view name, std::size_t guess) const noexcept {
    if (guess < names_.size() && names_[guess].text == name) return guess;
    for (std::size_t slot = hash_of(name);; ++slot) {
        const std::size_t place = slots_[slot & (slots_.size() - 1)];
        if (place == names_.size() || names_[place].text == name) return place;
    }
}

bool FormShape::is_ignored(std::string_view name) const noexcept {
    return std::ranges::find(ignored_, name) != ignored_.end();
}

}  // namespace consilia::validation
