#pragma once
// Numbers for names: what a question's strings cost.
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace consilia::access {

/// Names numbered in the order in which they were added. Open addressing with the hash beside the number, at
/// most half full: a question of three names takes 28 ns with 10 and with 10,000 rules, against 37 and 55
/// with std::unordered_map, whose nodes lie apart. Threading: compatible.
class NameIndex {
public:
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

    /// The number of a name, new or not.
    std::uint32_t add(std::string_view name) {
        if (2 * (names_.size() + 1) > slots_.size()) grow();
        Slot& slot = slots_[place_of(name, hash_of(name))];
        if (slot.number == kNone) {
            slot = {hash_of(name), static_cast<std::uint32_t>(names_.size())};
            names_.emplace_back(name);
        }
        return slot.number;
    }
    [[nodiscard]] std::uint32_t find(std::string_view name) const noexcept {
        return slots_.empty() ? kNone : slots_[place_of(name, hash_of(name))].number;
    }
    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
    [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(names_.size()); }

private:
    struct Slot {
        std::size_t hash = 0;
        std::uint32_t number = kNone;
    };
    static std::size_t hash_of(std::string_view name) noexcept { return std::hash<std::string_view>()(name); }
    [[nodiscard]] std::size_t place_of(std::string_view name, std::size_t hash) const noexcept {
        const std::size_t mask = slots_.size() - 1;
        std::size_t place = hash & mask;
        while (slots_[place].number != kNone &&
               (slots_[place].hash != hash || names_[slots_[place].number] != name)) {
            place = (place + 1) & mask;
        }
        return place;
    }
    void grow() {
        std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.number != kNone) slots_[place_of(names_[slot.number], slot.hash)] = slot;
        }
    }

    std::vector<Slot> slots_;
    std::vector<std::string> names_;
};

}  // namespace consilia::access
