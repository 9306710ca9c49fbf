#include "consilia/cache/lru_store.hpp"

#include <algorithm>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "consilia/core/error.hpp"

namespace consilia::cache {
namespace {

using Pointer = LruStore::Pointer;

struct Entry {
    std::string key;
    Pointer value;
    std::uint64_t charge = 0;
    std::optional<core::Timestamp> expires;
    std::vector<std::string> tags;
};
using Entries = std::list<Entry>;  // most recently used first

/// A computation that is under way, for those who wait for it.
struct Flight {
    std::promise<Pointer> promise;
    std::shared_future<Pointer> outcome = promise.get_future().share();
    std::thread::id owner = std::this_thread::get_id();
    std::vector<std::string> tags;
};

struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
};

bool contains(const std::vector<std::string>& tags, std::string_view tag) {
    return std::ranges::find(tags, tag) != tags.end();
}

}  // namespace

struct LruStore::State {
    explicit State(const CacheOptions& options)
        : max_bytes(options.max_bytes),
          clock(options.clock != nullptr ? *options.clock : core::SystemClock::instance()) {}

    const std::uint64_t max_bytes;
    const core::Clock& clock;

    mutable std::mutex mutex;  // guards all below; never held while a value is computed or destroyed
    Entries entries;
    std::unordered_map<std::string_view, Entries::iterator>
        index;  // views of Entry::key: list nodes do not move
    std::unordered_map<std::string, std::shared_ptr<Flight>, TextHash, std::equal_to<>> flights;
    CacheStats stats;

    /// The value, now the most recently used; an expired entry goes to `gone`.
    Pointer lookup(std::string_view key, Entries& gone) {
        const auto found = index.find(key);
        if (found == index.end()) return nullptr;
        const auto entry = found->second;
        if (entry->expires && clock.now() >= *entry->expires) {
            take(entry, gone);
            return nullptr;
        }
        entries.splice(entries.begin(), entries, entry);
        return entry->value;
    }

    /// Moves an entry to `gone`, which is destroyed after the lock is released.
    void take(Entries::iterator entry, Entries& gone) {
        stats.bytes -= entry->charge;
        index.erase(entry->key);
        gone.splice(gone.end(), entries, entry);
    }

    void insert(std::string_view key, Sized sized, EntryOptions options, Entries& gone) {
        if (const auto found = index.find(key); found != index.end()) take(found->second, gone);
        std::uint64_t names = key.size();
        for (const std::string& tag : options.tags) names += tag.size();
        const std::uint64_t overhead = kEntryOverheadBytes + names;
        if (overhead > max_bytes || sized.size_bytes > max_bytes - overhead) return;
        const std::uint64_t charge = overhead + sized.size_bytes;
        while (stats.bytes > max_bytes - charge) {
            take(std::prev(entries.end()), gone);
            ++stats.evictions;
        }
        std::optional<core::Timestamp> expires;
        if (options.ttl.count() > 0) expires = clock.now() + options.ttl;
        Entries fresh;
        fresh.push_back({std::string(key), std::move(sized.value), charge, expires, std::move(options.tags)});
        index.emplace(fresh.front().key, fresh.begin());
        entries.splice(entries.begin(), fresh);
        stats.bytes += charge;
    }

    /// Removes entries and detaches flights for which `matches(key, tags)`; the number of entries.
    template <class Matches>
    std::size_t remove_if(const Matches& matches, Entries& gone) {
        std::size_t count = 0;
        for (auto entry = entries.begin(); entry != entries.end();) {
            const auto next = std::next(entry);
            if (matches(entry->key, entry->tags)) {
                take(entry, gone);
                ++count;
            }
            entry = next;
        }
        std::erase_if(flights, [&](const auto& item) { return matches(item.first, item.second->tags); });
        return count;
    }

    /// Forgets a flight if it still is the one under its key; false if it was detached.
    bool land(std::string_view key, const std::shared_ptr<Flight>& flight) {
        const auto found = flights.find(key);
        if (found == flights.end() || found->second != flight) return false;
        flights.erase(found);
        return true;
    }
};

namespace {

void check(const EntryOptions& options) {
    if (options.ttl.count() < 0)
        throw core::InvalidArgument("cache.ttl", "a time to live may not be negative");
}

void check_value(const Pointer& value) {
    if (!value) throw core::InvalidArgument("cache.null_value", "a cache holds no null");
}

}  // namespace

LruStore::LruStore(const CacheOptions& options) : state_(std::make_unique<State>(options)) {}
LruStore::~LruStore() = default;

Pointer LruStore::get(std::string_view key) {
    Entries gone;
    const std::scoped_lock lock(state_->mutex);
    Pointer value = state_->lookup(key, gone);
    ++(value ? state_->stats.hits : state_->stats.misses);
    return value;
}

void LruStore::set(std::string_view key, Sized sized, EntryOptions entry) {
    check(entry);
    check_value(sized.value);
    Entries gone;
    const std::scoped_lock lock(state_->mutex);
    if (const auto flight = state_->flights.find(key); flight != state_->flights.end())
        state_->flights.erase(flight);
    state_->insert(key, std::move(sized), std::move(entry), gone);
}

Pointer LruStore::get_or_compute(std::string_view key, const std::function<Sized()>& compute,
                                 EntryOptions entry) {
    check(entry);
    Entries gone;
    std::shared_ptr<Flight> flight;
    bool is_owner = false;
    {
        const std::scoped_lock lock(state_->mutex);
        if (Pointer value = state_->lookup(key, gone)) {
            ++state_->stats.hits;
            return value;
        }
        ++state_->stats.misses;
        if (const auto found = state_->flights.find(key); found != state_->flights.end()) {
            flight = found->second;
            if (flight->owner == std::this_thread::get_id()) {
                throw core::Internal("cache.recursion", "a computation asks the cache for its own key");
            }
            ++state_->stats.waits;
        } else {
            flight = std::make_shared<Flight>();
            flight->tags = entry.tags;
            state_->flights.emplace(key, flight);
            ++state_->stats.computations;
            is_owner = true;
        }
    }
    if (!is_owner) return flight->outcome.get();

    try {
        Sized sized = compute();
        check_value(sized.value);
        Pointer value = sized.value;
        {
            const std::scoped_lock lock(state_->mutex);
            if (state_->land(key, flight)) state_->insert(key, std::move(sized), std::move(entry), gone);
        }
        flight->promise.set_value(value);
        return value;
    } catch (...) {
        {
            const std::scoped_lock lock(state_->mutex);
            state_->land(key, flight);
        }
        flight->promise.set_exception(std::current_exception());
        throw;
    }
}

bool LruStore::invalidate(std::string_view key) {
    Entries gone;
    const std::scoped_lock lock(state_->mutex);
    if (const auto flight = state_->flights.find(key); flight != state_->flights.end())
        state_->flights.erase(flight);
    const auto found = state_->index.find(key);
    if (found == state_->index.end()) return false;
    state_->take(found->second, gone);
    return true;
}

std::size_t LruStore::invalidate_prefix(std::string_view prefix) {
    Entries gone;
    const std::scoped_lock lock(state_->mutex);
    return state_->remove_if([prefix](std::string_view key, const auto&) { return key.starts_with(prefix); },
                             gone);
}

std::size_t LruStore::invalidate_tag(std::string_view tag) {
    Entries gone;
    const std::scoped_lock lock(state_->mutex);
    return state_->remove_if([tag](std::string_view, const auto& tags) { return contains(tags, tag); }, gone);
}

void LruStore::clear() {
    Entries gone;
    const std::scoped_lock lock(state_->mutex);
    state_->remove_if([](std::string_view, const auto&) { return true; }, gone);
}

CacheStats LruStore::stats() const {
    const std::scoped_lock lock(state_->mutex);
    CacheStats stats = state_->stats;
    stats.entries = state_->entries.size();
    return stats;
}

}  // namespace consilia::cache
