#pragma once
// The store under `LruCache`: values of any type by key, bounded in bytes.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/clock.hpp"
#include "consilia/core/export.hpp"

namespace consilia::cache {

/// Limits of one cache.
struct CacheOptions {
    /// Most bytes held: of values, keys and tags, with `kEntryOverheadBytes` for each entry. Zero keeps
    /// nothing.
    std::uint64_t max_bytes = 64ULL << 20;
    const core::Clock* clock = nullptr;  ///< Null: the machine's. Must outlive the cache.
};

/// What belongs to one entry besides its value.
struct EntryOptions {
    std::chrono::microseconds ttl{0};  ///< How long it may be used; zero: until it is evicted or invalidated.
    std::vector<std::string> tags{};   ///< Names under which it can be invalidated together with others.
};

/// Counts since the cache was made, and what it holds now.
struct CacheStats {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;        ///< Lookups that found nothing usable.
    std::uint64_t computations = 0;  ///< Times that `get_or_compute` ran its function.
    std::uint64_t waits = 0;         ///< Times that it waited for another thread's computation instead.
    std::uint64_t evictions = 0;     ///< Entries that gave way to others.
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
};

/// A least-recently-used store of values whose type only its owner knows. Use `LruCache`. Threading: safe.
class CONSILIA_API LruStore {
public:
    static constexpr std::uint64_t kEntryOverheadBytes =
        256;  ///< Counted for each entry: nodes, index, strings.

    using Pointer = std::shared_ptr<const void>;
    struct Sized {
        Pointer value;
        std::uint64_t size_bytes = 0;
    };

    explicit LruStore(const CacheOptions& options);
    ~LruStore();
    LruStore(const LruStore&) = delete;
    LruStore& operator=(const LruStore&) = delete;

    [[nodiscard]] Pointer get(std::string_view key);
    void set(std::string_view key, Sized sized, EntryOptions entry);
    Pointer get_or_compute(std::string_view key, const std::function<Sized()>& compute, EntryOptions entry);
    bool invalidate(std::string_view key);
    std::size_t invalidate_prefix(std::string_view prefix);
    std::size_t invalidate_tag(std::string_view tag);
    void clear();
    [[nodiscard]] CacheStats stats() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace consilia::cache
