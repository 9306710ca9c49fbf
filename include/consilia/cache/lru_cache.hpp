#pragma once
// A cache in the process: least recently used goes first, bounded in bytes, each cold key computed once.
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "consilia/cache/lru_store.hpp"

namespace consilia::cache {

/// Keeps immutable values of one type, which must have `size_bytes()`.
///
/// A value stays alive for as long as somebody holds its pointer, also after it was evicted; only what the
/// cache holds is counted. A value larger than the whole cache is handed out and not kept.
///
/// Threading: safe. No lock is held while a value is computed or destroyed.
///
///     LruCache<Tensor> tensors({.max_bytes = 256 << 20});
///     auto tensor = tensors.get_or_compute(key, [&] { return pipeline.apply(decode(bytes)); });
template <class Value>
requires requires(const Value& value) {
    { value.size_bytes() } -> std::convertible_to<std::uint64_t>;
}
class LruCache {
public:
    using Pointer = std::shared_ptr<const Value>;

    explicit LruCache(const CacheOptions& options = {}) : store_(options) {}

    /// The value, or null if there is none that has not expired.
    [[nodiscard]] Pointer get(std::string_view key) { return typed(store_.get(key)); }

    /// Keeps a value, replacing the one under this key.
    /// @throws InvalidArgument (`cache.null_value`, `cache.ttl` if it is negative).
    void set(std::string_view key, Pointer value, EntryOptions entry = {}) {
        const std::uint64_t size_bytes = value ? value->size_bytes() : 0;
        store_.set(key, {std::move(value), size_bytes}, std::move(entry));
    }
    void set(std::string_view key, Value value, EntryOptions entry = {}) {
        set(key, std::make_shared<const Value>(std::move(value)), std::move(entry));
    }

    /// The value, computed by `compute()` (which returns a `Value`) if there is none. While one thread
    /// computes, others that ask for the same key wait for it. If it throws, all of them get the exception
    /// and nothing is kept. What is invalidated or set while it is being computed is not overwritten by the
    /// outcome.
    /// @throws what `compute` throws; Internal (`cache.recursion`) if `compute` asks for its own key.
    template <std::invocable Compute>
    Pointer get_or_compute(std::string_view key, const Compute& compute, EntryOptions entry = {}) {
        return typed(store_.get_or_compute(
            key,
            [&compute] {
                auto value = std::make_shared<const Value>(compute());
                const std::uint64_t size_bytes = value->size_bytes();
                return LruStore::Sized{std::move(value), size_bytes};
            },
            std::move(entry)));
    }

    /// True if there was an entry.
    bool invalidate(std::string_view key) { return store_.invalidate(key); }
    /// The number of entries removed. Looks at every entry.
    std::size_t invalidate_prefix(std::string_view prefix) { return store_.invalidate_prefix(prefix); }
    /// The number of entries removed. Looks at every entry.
    std::size_t invalidate_tag(std::string_view tag) { return store_.invalidate_tag(tag); }
    void clear() { store_.clear(); }

    [[nodiscard]] CacheStats stats() const { return store_.stats(); }

private:
    static Pointer typed(LruStore::Pointer pointer) { return std::static_pointer_cast<const Value>(pointer); }

    LruStore store_;
};

}  // namespace consilia::cache
