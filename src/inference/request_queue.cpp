#include "inference/request_queue.hpp"

#include <algorithm>
#include <iterator>

namespace consilia::inference {

void RequestQueue::insert(std::size_t level, Entry entry) {
    auto& entries = levels_[level];
    entry.promote_us = level == 0 ? kNever : entry.promote_us;
    next_promotion_us_ = std::min(next_promotion_us_, entry.promote_us);
    PendingRequest& request = *entry.request;
    entries.insert(std::upper_bound(entries.begin(), entries.end(), entry, &is_later), std::move(entry));
    request.level = level;
}

void RequestQueue::push(RequestPointer request) {
    const PendingRequest& pending = *request;
    Entry entry{.due_us = due_us(pending.submitted_us, pending.deadline_us),
                .id = pending.id,
                .deadline_us = pending.deadline_us,
                .promote_us = pending.submitted_us + age_after_us_,
                .request = std::move(request)};
    insert(static_cast<std::size_t>(pending.priority), std::move(entry));
    ++size_;
    size_bytes_ += pending.size_bytes;
}

void RequestQueue::forget(const Entry& entry) noexcept {
    --size_;
    size_bytes_ -= entry.request->size_bytes;
}

RequestPointer RequestQueue::remove(const PendingRequest& request) noexcept {
    auto& entries = levels_[request.level];
    const Entry wanted{.due_us = due_us(request.submitted_us, request.deadline_us), .id = request.id};
    const auto found = std::lower_bound(entries.begin(), entries.end(), wanted, &is_later);
    if (found == entries.end() || found->id != request.id) return nullptr;
    forget(*found);
    RequestPointer taken = std::move(found->request);
    entries.erase(found);
    return taken;
}

RequestPointer RequestQueue::pop() noexcept {
    auto& entries = *std::find_if(levels_.begin(), levels_.end(), [](const auto& l) { return !l.empty(); });
    forget(entries.back());
    RequestPointer taken = std::move(entries.back().request);
    entries.pop_back();
    return taken;
}

const PendingRequest& RequestQueue::front() const noexcept {
    const auto level = std::find_if(levels_.begin(), levels_.end(), [](const auto& l) { return !l.empty(); });
    return *level->back().request;
}

void RequestQueue::promote(std::int64_t now_us) {
    if (now_us < next_promotion_us_) return;
    next_promotion_us_ = kNever;
    for (std::size_t level = 1; level < kPriorityLevels; ++level) {
        auto& entries = levels_[level];
        // Room first: what is taken out below must not be lost.
        levels_[level - 1].reserve(levels_[level - 1].size() + entries.size());
        for (std::size_t i = 0; i < entries.size();) {
            if (entries[i].promote_us > now_us) {
                next_promotion_us_ = std::min(next_promotion_us_, entries[i].promote_us);
                ++i;
                continue;
            }
            Entry risen = std::move(entries[i]);
            entries.erase(std::next(entries.begin(), static_cast<std::ptrdiff_t>(i)));
            risen.promote_us += age_after_us_;
            insert(level - 1, std::move(risen));
        }
    }
}

void RequestQueue::take_before(std::int64_t limit_us, std::vector<RequestPointer>& out) {
    for (auto& entries : levels_) {
        const auto is_lost = [limit_us](const Entry& entry) {
            return entry.deadline_us < limit_us && !entry.request->is_probe;
        };
        const auto count = std::count_if(entries.begin(), entries.end(), is_lost);
        if (count == 0) continue;
        out.reserve(out.size() + static_cast<std::size_t>(count));
        auto kept = entries.begin();
        for (Entry& entry : entries) {
            if (is_lost(entry)) {
                forget(entry);
                out.push_back(std::move(entry.request));
            } else {
                if (&*kept != &entry) *kept = std::move(entry);
                ++kept;
            }
        }
        entries.erase(kept, entries.end());
    }
}

std::size_t RequestQueue::count_ahead(std::size_t level, std::int64_t now_us,
                                      std::int64_t deadline_us) const noexcept {
    std::size_t count = 0;
    for (std::size_t l = 0; l < level; ++l) count += levels_[l].size();
    const auto& entries = levels_[level];
    const Entry wanted{.due_us = due_us(now_us, deadline_us), .id = ~std::uint64_t{0}};
    const auto place = std::lower_bound(entries.begin(), entries.end(), wanted, &is_later);
    return count + static_cast<std::size_t>(entries.end() - place);
}

}  // namespace consilia::inference
