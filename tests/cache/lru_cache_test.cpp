// Goal: a cold key is computed once, what is kept stays within its bytes, and nothing stale is ever handed
// out.
#include "consilia/cache/lru_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <latch>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "consilia/core/error.hpp"

namespace consilia::cache {
namespace {

using std::chrono::seconds;

struct Text {
    std::string text;
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return text.size(); }
};

constexpr std::uint64_t kOverhead = LruStore::kEntryOverheadBytes;

std::string code_of(const auto& action) {
    try {
        action();
    } catch (const core::Error& error) {
        return error.code();
    }
    return "";
}

TEST(LruCache, GivesBackWhatWasSet) {
    LruCache<Text> cache;
    EXPECT_EQ(cache.get("a"), nullptr);
    cache.set("a", Text{"one"});
    ASSERT_NE(cache.get("a"), nullptr);
    EXPECT_EQ(cache.get("a")->text, "one");
    cache.set("a", Text{"two"});
    EXPECT_EQ(cache.get("a")->text, "two");
    EXPECT_EQ(cache.stats().entries, 1U);
}

TEST(LruCache, RefusesNull) {
    LruCache<Text> cache;
    EXPECT_EQ(code_of([&] { cache.set("a", LruCache<Text>::Pointer{}); }), "cache.null_value");
}

TEST(LruCache, TheLeastRecentlyUsedGoesFirst) {
    LruCache<Text> cache({.max_bytes = 3 * (kOverhead + 1 + 10)});
    for (const char* key : {"a", "b", "c"}) cache.set(key, Text{std::string(10, 'x')});
    ASSERT_NE(cache.get("a"), nullptr);
    cache.set("d", Text{std::string(10, 'x')});
    EXPECT_EQ(cache.get("b"), nullptr);
    EXPECT_NE(cache.get("a"), nullptr);
    EXPECT_NE(cache.get("c"), nullptr);
    EXPECT_NE(cache.get("d"), nullptr);
    EXPECT_EQ(cache.stats().evictions, 1U);
}

TEST(LruCache, KeepsAnEntryOfExactlyItsLimitAndNotOneByteMore) {
    LruCache<Text> cache({.max_bytes = kOverhead + 1 + 100});
    cache.set("a", Text{std::string(100, 'x')});
    EXPECT_NE(cache.get("a"), nullptr);
    EXPECT_EQ(cache.stats().bytes, kOverhead + 1 + 100);
    cache.set("a", Text{std::string(101, 'x')});
    EXPECT_EQ(cache.get("a"), nullptr) << "the old value must not outlive a newer one that is too large";
    EXPECT_EQ(cache.stats().bytes, 0U);
}

TEST(LruCache, CountsKeysAndTags) {
    LruCache<Text> cache;
    cache.set("key", Text{"12345"}, {.tags = {"tag", "t"}});
    EXPECT_EQ(cache.stats().bytes, kOverhead + 3 + 5 + 4);
}

TEST(LruCache, WithoutRoomItStillComputes) {
    LruCache<Text> cache({.max_bytes = 0});
    EXPECT_EQ(cache.get_or_compute("a", [] { return Text{"x"}; })->text, "x");
    EXPECT_EQ(cache.get_or_compute("a", [] { return Text{"y"}; })->text, "y");
    EXPECT_EQ(cache.stats().entries, 0U);
}

TEST(LruCache, AValueOutlivesItsEntry) {
    LruCache<Text> cache;
    cache.set("a", Text{"one"});
    const auto held = cache.get("a");
    cache.clear();
    EXPECT_EQ(held->text, "one");
}

TEST(LruCache, AnEntryMayBeUsedUntilItsTimeAndNotAtIt) {
    core::ManualClock clock(core::Timestamp{1'000'000});
    LruCache<Text> cache({.clock = &clock});
    cache.set("short", Text{"x"}, {.ttl = seconds(10)});
    cache.set("endless", Text{"x"});
    clock.advance(seconds(10) - std::chrono::microseconds(1));
    EXPECT_NE(cache.get("short"), nullptr);
    clock.advance(std::chrono::microseconds(1));
    EXPECT_EQ(cache.get("short"), nullptr);
    EXPECT_NE(cache.get("endless"), nullptr);
    EXPECT_EQ(cache.stats().entries, 1U) << "an expired entry must give its bytes back";
    EXPECT_EQ(cache.get_or_compute("short", [] { return Text{"again"}; })->text, "again");
}

TEST(LruCache, RefusesANegativeTimeToLive) {
    LruCache<Text> cache;
    EXPECT_EQ(code_of([&] { cache.set("a", Text{"x"}, {.ttl = seconds(-1)}); }), "cache.ttl");
}

TEST(LruCache, InvalidatesByKeyPrefixAndTag) {
    LruCache<Text> cache;
    const auto fill = [&cache] {
        cache.set("user:1:name", Text{"x"}, {.tags = {"user:1"}});
        cache.set("user:1:list", Text{"x"}, {.tags = {"user:1", "lists"}});
        cache.set("user:10:name", Text{"x"}, {.tags = {"user:10"}});
        cache.set("other", Text{"x"});
    };
    fill();
    EXPECT_TRUE(cache.invalidate("other"));
    EXPECT_FALSE(cache.invalidate("other"));
    EXPECT_EQ(cache.invalidate_prefix("user:1:"), 2U);
    EXPECT_NE(cache.get("user:10:name"), nullptr);
    fill();
    EXPECT_EQ(cache.invalidate_tag("user:1"), 2U);
    EXPECT_EQ(cache.invalidate_tag("user:1"), 0U);
    EXPECT_EQ(cache.invalidate_tag("user"), 0U) << "a tag is not a prefix";
    EXPECT_NE(cache.get("user:10:name"), nullptr);
    cache.clear();
    EXPECT_EQ(cache.stats().entries, 0U);
    EXPECT_EQ(cache.stats().bytes, 0U);
}

TEST(LruCache, AColdKeyIsComputedOnceHoweverManyThreadsAsk) {
    constexpr int kThreads = 8;
    LruCache<Text> cache;
    std::atomic<int> computed = 0;
    std::vector<LruCache<Text>::Pointer> results(kThreads);
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < kThreads; ++i) {
            threads.emplace_back([&, i] {
                results[i] = cache.get_or_compute("key", [&] {
                    ++computed;
                    // Stays in flight until all others wait: then nobody can have come too late to share it.
                    while (cache.stats().waits + 1 < kThreads) std::this_thread::yield();
                    return Text{"value"};
                });
            });
        }
    }
    EXPECT_EQ(computed, 1);
    for (const auto& result : results) EXPECT_EQ(result, results[0]);
    EXPECT_EQ(cache.stats().computations, 1U);
    EXPECT_EQ(cache.stats().waits, kThreads - 1U);
}

TEST(LruCache, AnExceptionReachesAllWhoWaitAndIsNotKept) {
    constexpr int kThreads = 4;
    LruCache<Text> cache;
    std::atomic<int> caught = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < kThreads; ++i) {
            threads.emplace_back([&] {
                try {
                    cache.get_or_compute("key", [&]() -> Text {
                        while (cache.stats().waits + 1 < kThreads) std::this_thread::yield();
                        throw std::runtime_error("no");
                    });
                } catch (const std::runtime_error& error) {
                    caught += std::string_view(error.what()) == "no";
                }
            });
        }
    }
    EXPECT_EQ(caught, kThreads);
    EXPECT_EQ(cache.stats().computations, 1U);
    EXPECT_EQ(cache.get_or_compute("key", [] { return Text{"yes"}; })->text, "yes");
}

TEST(LruCache, RefusesAComputationThatAsksForItsOwnKey) {
    LruCache<Text> cache;
    const auto recurse = [&] { return Text{cache.get_or_compute("a", [] { return Text{"x"}; })->text}; };
    EXPECT_EQ(code_of([&] { cache.get_or_compute("a", recurse); }), "cache.recursion");
    EXPECT_EQ(cache.get_or_compute("a", [] { return Text{"fine"}; })->text, "fine");
}

TEST(LruCache, AComputationMayAskForAnotherKey) {
    LruCache<Text> cache;
    const auto outer = cache.get_or_compute("outer", [&] {
        return Text{cache.get_or_compute("inner", [] { return Text{"in"}; })->text + "+out"};
    });
    EXPECT_EQ(outer->text, "in+out");
}

TEST(LruCache, WhatIsInvalidatedWhileItIsComputedIsNotKept) {
    using Action = void (*)(LruCache<Text>&);
    const std::map<std::string, Action> actions = {
        {"key", [](LruCache<Text>& cache) { cache.invalidate("a:1"); }},
        {"prefix", [](LruCache<Text>& cache) { cache.invalidate_prefix("a:"); }},
        {"tag", [](LruCache<Text>& cache) { cache.invalidate_tag("t"); }},
        {"clear", [](LruCache<Text>& cache) { cache.clear(); }},
    };
    for (const auto& [name, action] : actions) {
        LruCache<Text> cache;
        const auto stale = cache.get_or_compute("a:1",
                                                [&, act = action] {
                                                    act(cache);
                                                    return Text{"stale"};
                                                },
                                                {.tags = {"t"}});
        EXPECT_EQ(stale->text, "stale") << name;
        EXPECT_EQ(cache.get("a:1"), nullptr) << name;
    }
}

TEST(LruCache, WhatIsSetWhileItIsComputedIsNotOverwritten) {
    LruCache<Text> cache;
    cache.get_or_compute("a", [&] {
        cache.set("a", Text{"newer"});
        return Text{"older"};
    });
    EXPECT_EQ(cache.get("a")->text, "newer");
}

TEST(LruCache, WhoAsksAfterAnInvalidationDoesNotGetTheOldFlight) {
    LruCache<Text> cache;
    std::latch started(1);
    std::latch invalidated(1);
    std::jthread slow([&] {
        cache.get_or_compute("a", [&] {
            started.count_down();
            invalidated.wait();
            return Text{"stale"};
        });
    });
    started.wait();
    cache.invalidate("a");
    EXPECT_EQ(cache.get_or_compute("a", [] { return Text{"fresh"}; })->text, "fresh");
    invalidated.count_down();
    slow.join();
    EXPECT_EQ(cache.get("a")->text, "fresh");
}

// Against a model: any sequence of operations on one thread gives what a map with the same rules would.
TEST(LruCache, AgreesWithAMapWhereNothingIsEvicted) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        LruCache<Text> cache;
        std::map<std::string, std::string> model;
        for (int step = 0; step < 500; ++step) {
            const std::string key =
                std::string(1, static_cast<char>('a' + random() % 3)) + std::to_string(random() % 5);
            switch (random() % 5) {
                case 0:
                    cache.set(key, Text{std::to_string(step)});
                    model[key] = std::to_string(step);
                    break;
                case 1:
                    EXPECT_EQ(cache.invalidate(key), model.erase(key) == 1) << seed;
                    break;
                case 2:
                    EXPECT_EQ(cache.invalidate_prefix(key.substr(0, 1)),
                              std::erase_if(model, [&](const auto& item) { return item.first[0] == key[0]; }))
                        << seed;
                    break;
                default: {
                    const auto found = cache.get(key);
                    const auto expected = model.find(key);
                    ASSERT_EQ(found != nullptr, expected != model.end()) << seed;
                    if (found) {
                        EXPECT_EQ(found->text, expected->second) << seed;
                    }
                }
            }
        }
        EXPECT_EQ(cache.stats().entries, model.size()) << seed;
    }
}

// Many threads do everything at once; the value always fits its key, and the bytes stay within the limit.
TEST(LruCache, HoldsUnderManyThreads) {
    constexpr std::uint64_t kMaxBytes = 20 * (kOverhead + 40);
    constexpr unsigned kThreads = 8;
    LruCache<Text> cache({.max_bytes = kMaxBytes});
    std::atomic<int> wrong = 0;
    {
        std::barrier start(kThreads);
        std::vector<std::jthread> threads;
        for (unsigned t = 0; t < kThreads; ++t) {
            threads.emplace_back([&, t] {
                std::mt19937 random(t);
                start.arrive_and_wait();
                for (int i = 0; i < 2000; ++i) {
                    const std::string key = "k" + std::to_string(random() % 50);
                    switch (random() % 8) {
                        case 0:
                            cache.set(key, Text{key}, {.tags = {"t"}});
                            break;
                        case 1:
                            cache.invalidate(key);
                            break;
                        case 2:
                            cache.invalidate_prefix("k1");
                            break;
                        case 3: {
                            const auto value = cache.get(key);
                            wrong += value && value->text != key;
                            break;
                        }
                        default:
                            wrong += cache.get_or_compute(key, [&] { return Text{key}; })->text != key;
                    }
                    wrong += cache.stats().bytes > kMaxBytes;
                }
                cache.invalidate_tag("t");
            });
        }
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_LE(cache.stats().entries, 20U);
}

}  // namespace
}  // namespace consilia::cache
