#include "plan_cache.hpp"

#include <array>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "consilia/core/subquery.hpp"

namespace consilia::data {
namespace {

constexpr std::size_t kShards = 16;

enum class Use : std::uint8_t { Sqlite, PostgreSql, Nested };

/// One part of the cache with a lock of its own, so that threads seldom meet.
class Shard {
public:
    std::shared_ptr<const Plan> find(std::uint64_t key, const QueryStep& last, Use use) {
        const std::lock_guard lock(mutex_);
        const auto [begin, end] = entries_.equal_range(key);
        for (auto entry = begin; entry != end; ++entry) {
            const Entry& known = entry->second;
            const bool is_same =
                known.use == use &&
                (use == Use::Nested ? same_nested_shape(*known.last, last) : same_shape(*known.last, last));
            if (is_same) return known.plan;
        }
        return nullptr;
    }

    void add(std::uint64_t key, std::shared_ptr<const QueryStep> last, Use use,
             std::shared_ptr<const Plan> plan) {
        std::vector<Entry> evicted;  // Destroyed behind the lock: a chain may be long.
        const std::lock_guard lock(mutex_);
        if (ages_.size() >= kPlansMax / kShards) {
            const auto oldest = entries_.find(ages_.front());
            evicted.push_back(std::move(oldest->second));
            entries_.erase(oldest);
            ages_.pop_front();
        }
        ages_.push_back(key);
        entries_.emplace(key, Entry{std::move(last), use, std::move(plan)});
    }

private:
    struct Entry {
        std::shared_ptr<const QueryStep> last;
        Use use;
        std::shared_ptr<const Plan> plan;
    };
    std::mutex mutex_;
    std::unordered_multimap<std::uint64_t, Entry> entries_;
    std::deque<std::uint64_t> ages_;  ///< Keys, the oldest entry's first.
};

Shard& shard_of(std::uint64_t key) {
    static std::array<Shard, kShards> shards;
    return shards[(key >> 32) % kShards];
}

template <class Make>
std::shared_ptr<const Plan> find_or_make(std::uint64_t hash, const std::shared_ptr<const QueryStep>& last,
                                         Use use, const Make& make) {
    const std::uint64_t key = hash + static_cast<std::uint64_t>(use);
    Shard& shard = shard_of(key);
    if (auto plan = shard.find(key, *last, use)) return plan;
    auto plan = std::make_shared<const Plan>(make());
    shard.add(key, without_values(last), use, plan);
    return plan;
}

}  // namespace

std::shared_ptr<const Plan> plan_of(const std::shared_ptr<const QueryStep>& last, core::SqlDialect dialect) {
    const Use use = dialect == core::SqlDialect::Sqlite ? Use::Sqlite : Use::PostgreSql;
    return find_or_make(last->hash, last, use, [&] { return compile(*last, {.dialect = dialect}); });
}

void keep_nested_plan(const std::shared_ptr<const QueryStep>& last, Plan plan) {
    (void)find_or_make(nested_hash(*last), last, Use::Nested, [&] { return std::move(plan); });
}

std::shared_ptr<const Plan> nested_plan_of(const std::shared_ptr<const QueryStep>& last) {
    return find_or_make(nested_hash(*last), last, Use::Nested, [&] {
        core::SubqueryContext around;
        around.outer_column = [](std::string_view) { return std::string("NULL"); };
        around.outer_type = [](std::string_view) { return core::ValueType::Null; };
        return compile(*last, {.around = &around, .names_columns = true});
    });
}

}  // namespace consilia::data
