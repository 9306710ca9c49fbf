#pragma once
// The order in which waiting requests are served.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "inference/pending_request.hpp"

namespace consilia::inference {

/// Waiting requests by level, then by due, then by submission. A sorted run of small entries a level: at the
/// lengths that are allowed, moving entries costs less than a tree's allocations, and a place in the order is
/// a binary search. Threading: confined; the dispatcher holds its lock.
class RequestQueue {
public:
    RequestQueue(std::chrono::microseconds age_after, std::chrono::microseconds patience) noexcept
        : age_after_us_(age_after.count()), patience_us_(patience.count()) {}

    /// Either it is queued or nothing has changed.
    void push(RequestPointer request);
    /// Takes a request out wherever it stands; null if it is not here.
    RequestPointer remove(const PendingRequest& request) noexcept;
    /// The first in the order; the queue must not be empty.
    RequestPointer pop() noexcept;
    [[nodiscard]] const PendingRequest& front() const noexcept;

    /// Moves up what has waited long enough.
    void promote(std::int64_t now_us);
    /// Appends to `out` and takes out what has a deadline before `limit_us`, probes excepted.
    void take_before(std::int64_t limit_us, std::vector<RequestPointer>& out);

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t size(std::size_t level) const noexcept { return levels_[level].size(); }
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    /// How many would go before a request submitted now.
    [[nodiscard]] std::size_t count_ahead(std::size_t level, std::int64_t now_us,
                                          std::int64_t deadline_us) const noexcept;
    /// Calls `visit(position, deadline_us)` for those of `level` from the place `first` of the whole order
    /// on.
    template <class Visit>
    void visit_level_from(std::size_t level, std::size_t first, const Visit& visit) const {
        std::size_t before = 0;
        for (std::size_t l = 0; l < level; ++l) before += levels_[l].size();
        const auto& entries = levels_[level];
        for (std::size_t i = first - before; i < entries.size(); ++i) {
            visit(before + i, entries[entries.size() - 1 - i].deadline_us);
        }
    }
    /// Calls `visit(request)` for the first `count` in the order.
    template <class Visit>
    void visit_first(std::size_t count, const Visit& visit) const {
        for (const auto& entries : levels_) {
            for (auto entry = entries.rbegin(); entry != entries.rend() && count > 0; ++entry, --count) {
                visit(*entry->request);
            }
        }
    }

private:
    struct Entry {
        std::int64_t due_us = 0;
        std::uint64_t id = 0;
        std::int64_t deadline_us = kNever;
        std::int64_t promote_us = kNever;
        RequestPointer request{};
    };
    /// Later in the order first, so that the next one is at the end.
    static bool is_later(const Entry& a, const Entry& b) noexcept {
        return a.due_us != b.due_us ? a.due_us > b.due_us : a.id > b.id;
    }
    [[nodiscard]] std::int64_t due_us(std::int64_t submitted_us, std::int64_t deadline_us) const noexcept {
        return std::min(deadline_us, submitted_us + patience_us_);
    }
    void insert(std::size_t level, Entry entry);
    void forget(const Entry& entry) noexcept;

    std::int64_t age_after_us_;
    std::int64_t patience_us_;
    std::array<std::vector<Entry>, kPriorityLevels> levels_{};
    std::size_t size_ = 0;
    std::uint64_t size_bytes_ = 0;
    std::int64_t next_promotion_us_ = kNever;
};

}  // namespace consilia::inference
