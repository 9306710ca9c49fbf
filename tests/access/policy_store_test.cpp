// Goal: one whole policy answers, whatever happens to the store meanwhile. Method: two policies whose answers
// fit together only within one of them, threads that ask while they are exchanged, loaders and files that
// fail. Watching is awaited through its callbacks, never by time.
#include "consilia/access/policy_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "consilia/core/error.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace consilia::access {
namespace {

using core::field;
using core::Value;
using test::code_of;
using testing::ElementsAre;
using testing::HasSubstr;

// Under `odd`, the odd ones of ten permissions are allowed and objects above 5; without it, the others.
PolicyDocument half(bool odd) {
    PolicyDocument document;
    document.roles = {{"user"}};
    Resource& resource = document.resources["thing"];
    for (int i = 0; i < 10; ++i) {
        resource.actions.push_back("act" + std::to_string(i));
        if ((i % 2 == 1) == odd)
            document.rules.push_back({"", Effect::Allow, "user", "thing:act" + std::to_string(i)});
    }
    resource.actions.emplace_back("read");
    document.rules.push_back({odd ? "above" : "below", Effect::Allow, "user", "thing:read",
                              odd ? field("size") > 5 : field("size") <= 5});
    return document;
}
PolicyDocument broken() {
    PolicyDocument document = half(true);
    document.rules.front().role = "nobody";
    return document;
}

// What a policy answers to all of its questions: "odd", "even", or "mixed" for one that is in parts.
std::string answers_of(const Policy& policy) {
    const Subject subject = policy.subject({1, {"user"}});
    std::array<int, 2> votes{};
    for (int i = 0; i < 10; ++i) {
        const bool allowed =
            policy.check(subject, policy.permission("act" + std::to_string(i), "thing")).allowed;
        ++votes[static_cast<std::size_t>(allowed == (i % 2 == 1))];
    }
    const std::vector<Decision> page = policy.check_many(
        subject, policy.permission("read", "thing"), 10,
        [](std::size_t index, std::string_view) { return Value(static_cast<std::int64_t>(index)); });
    for (std::size_t i = 0; i < page.size(); ++i)
        ++votes[static_cast<std::size_t>(page[i].allowed == (i > 5))];
    return votes[0] == 0 ? "odd" : votes[1] == 0 ? "even" : "mixed";
}

// Whether something was told, by whichever thread.
class Bell {
public:
    void ring(std::string what) {
        const std::scoped_lock lock(mutex_);
        told_.push_back(std::move(what));
        rung_.notify_all();  // Under the lock: whoever hears it may take the bell down.
    }
    std::string next() {
        std::unique_lock lock(mutex_);
        rung_.wait(lock, [&] { return !told_.empty(); });
        std::string what = std::move(told_.front());
        told_.pop_front();
        return what;
    }

private:
    std::mutex mutex_;
    std::condition_variable rung_;
    std::deque<std::string> told_;
};

// A source that gives what was put into it, once.
class Source {
public:
    explicit Source(PolicyDocument first) : next_(std::move(first)) {}
    void put(PolicyDocument document) {
        const std::scoped_lock lock(mutex_);
        failure_.clear();
        next_ = std::move(document);
    }
    void fail(std::string code) {
        const std::scoped_lock lock(mutex_);
        failure_ = std::move(code);
    }
    PolicyLoader loader() {
        return [this]() -> std::optional<PolicyDocument> {
            const std::scoped_lock lock(mutex_);
            if (!failure_.empty()) throw core::StorageError(failure_, "the source is gone");
            return std::exchange(next_, std::nullopt);
        };
    }

private:
    std::mutex mutex_;
    std::optional<PolicyDocument> next_;
    std::string failure_;
};

TEST(PolicyStore, EveryDecisionOfSixteenThreadsIsMadeByOneWholePolicyWhileItIsSwapped) {
    constexpr int kThreads = 16;
    constexpr std::uint64_t kSwaps = 1'000;
    PolicyStore store(half(true));
    std::atomic<bool> is_done = false;
    std::atomic<int> ready = 0;
    std::vector<std::array<std::uint64_t, 3>> seen(kThreads);  // odd, even, mixed
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            PolicyStore::Reader reader = store.reader();
            std::uint64_t last = 0;
            ++ready;
            do {
                const Policy policy = i % 2 == 0 ? reader.policy() : store.current();
                const std::string answers = answers_of(policy);
                ++seen[i][answers == "odd" ? 0 : answers == "even" ? 1 : 2];
                if (i % 2 == 0) {
                    // Odd versions hold the odd policy, and versions only grow.
                    if (reader.version() < last || (reader.version() % 2 == 1) != (answers == "odd"))
                        ++seen[i][2];
                    last = reader.version();
                }
            } while (!is_done);
        });
    }
    while (ready != kThreads) std::this_thread::yield();
    for (std::uint64_t swap = 1; swap <= kSwaps; ++swap)
        EXPECT_EQ(store.replace(half(swap % 2 == 0)), swap + 1);
    is_done = true;
    for (std::thread& thread : threads) thread.join();
    for (const auto& [odd, even, mixed] : seen) {
        EXPECT_EQ(mixed, 0U);
        EXPECT_GT(odd + even, 0U);
    }
    EXPECT_EQ(store.version(), kSwaps + 1);
}

TEST(PolicyStore, ADocumentThatMakesNoPolicyLeavesTheOldOneInForce) {
    PolicyStore store(half(true));
    EXPECT_EQ(code_of([&] { store.replace(broken()); }), "policy.unknown_role");
    EXPECT_EQ(store.version(), 1U);
    EXPECT_EQ(answers_of(store.current()), "odd");
    EXPECT_EQ(code_of([] { const PolicyStore none(broken()); }), "policy.unknown_role");
}

TEST(PolicyStore, AReaderSeesAChangeAndOutlivesTheStore) {
    auto store = std::make_unique<PolicyStore>(half(true));
    PolicyStore::Reader reader = store->reader();
    const Policy before = reader.policy();
    store->replace(half(false));
    EXPECT_EQ(answers_of(reader.policy()), "even");
    EXPECT_EQ(reader.version(), 2U);
    EXPECT_EQ(answers_of(before), "odd") << "a policy that was given out does not change";
    store.reset();
    EXPECT_EQ(answers_of(reader.policy()), "even");
}

TEST(PolicyStore, RefreshSaysWhetherThereWasAChangeAndRepeatsARefusal) {
    Source source(half(true));
    PolicyStore store(source.loader());
    EXPECT_FALSE(store.refresh());
    source.put(half(false));
    EXPECT_TRUE(store.refresh());
    EXPECT_EQ(store.version(), 2U);
    source.put(broken());
    EXPECT_EQ(code_of([&] { store.refresh(); }), "policy.unknown_role");
    EXPECT_EQ(code_of([&] { store.refresh(); }), "policy.unknown_role") << "the source is still broken";
    EXPECT_EQ(answers_of(store.current()), "even");
    source.fail("source.gone");
    EXPECT_EQ(code_of([&] { store.refresh(); }), "source.gone");
    source.put(half(true));
    EXPECT_TRUE(store.refresh());
    EXPECT_FALSE(store.refresh());
    EXPECT_EQ(answers_of(store.current()), "odd");
}

TEST(PolicyStore, ALoaderMustBeThereAndGiveAFirstPolicy) {
    EXPECT_EQ(code_of([] { PolicyStore store{PolicyLoader()}; }), "policy.loader");
    EXPECT_EQ(code_of([] { PolicyStore store{PolicyLoader([] { return std::nullopt; })}; }), "policy.loader");
    PolicyStore fixed(half(true));
    EXPECT_EQ(code_of([&] { fixed.refresh(); }), "policy.loader");
    EXPECT_EQ(code_of([&] { fixed.watch(); }), "policy.loader");
}

TEST(PolicyStore, WatchingFollowsTheSourceThroughItsFailures) {
    Source source(half(true));
    Bell bell;
    PolicyStore store(source.loader());
    store.watch({.interval = std::chrono::milliseconds(1),
                 .on_change = [&](const Policy& policy) { bell.ring("changed to " + answers_of(policy)); },
                 .on_error =
                     [&](const std::exception& error) {
                         source.put(half(true));  // Mended: told of once.
                         bell.ring(error.what());
                     }});
    source.put(half(false));
    EXPECT_EQ(bell.next(), "changed to even");
    EXPECT_EQ(answers_of(store.current()), "even");
    source.fail("source.gone");
    EXPECT_EQ(bell.next(), "the source is gone");
    EXPECT_EQ(bell.next(), "changed to odd");
    source.put(broken());
    EXPECT_THAT(bell.next(), HasSubstr("`nobody`"));
    EXPECT_EQ(bell.next(), "changed to odd");
    EXPECT_EQ(store.version(), 4U);
}

TEST(PolicyStore, ACallbackThatThrowsDoesNotEndTheWatch) {
    Source source(half(true));
    Bell bell;
    PolicyStore store(source.loader());
    store.watch({.interval = std::chrono::milliseconds(1), .on_change = [&](const Policy& policy) {
                     bell.ring(answers_of(policy));
                     throw std::runtime_error("from a callback");
                 }});
    source.put(half(false));
    EXPECT_EQ(bell.next(), "even");
    source.put(half(true));
    EXPECT_EQ(bell.next(), "odd");
}

TEST(PolicyStore, ACallbackMayDestroyTheStore) {
    Source source(half(true));
    Bell bell;
    auto store = std::make_unique<PolicyStore>(source.loader());
    store->watch({.interval = std::chrono::milliseconds(1), .on_change = [&](const Policy&) {
                      store.reset();
                      bell.ring("gone");
                  }});
    source.put(half(false));
    EXPECT_EQ(bell.next(), "gone");
}

TEST(PolicyStore, WatchingIsRefusedTwiceAndOutOfBounds) {
    Source source(half(true));
    PolicyStore store(source.loader());
    const auto watch = [&](std::chrono::milliseconds interval) {
        return code_of([&] { store.watch({.interval = interval}); });
    };
    using std::chrono::hours;
    EXPECT_EQ(watch(std::chrono::milliseconds(0)), "policy.watch");
    EXPECT_EQ(watch(hours(24) + std::chrono::milliseconds(1)), "policy.watch");
    EXPECT_EQ(watch(hours(24)), "nothing was thrown");
    EXPECT_EQ(watch(hours(1)), "policy.watch");
    store.stop_watching();
    store.stop_watching();
    EXPECT_EQ(watch(hours(1)), "nothing was thrown");
}  // Each ends at once, although the next look is far away.

TEST(PolicyStore, ACallbackMayEndTheWatch) {
    Source source(half(true));
    Bell bell;
    PolicyStore store(source.loader());
    const auto watch = [&] {
        store.watch({.interval = std::chrono::milliseconds(1), .on_change = [&](const Policy&) {
                         store.stop_watching();
                         bell.ring("ended");
                     }});
    };
    for (const bool odd : {false, true}) {
        watch();
        source.put(half(odd));
        EXPECT_EQ(bell.next(), "ended");
    }
}

TEST(PolicyStore, AForkedChildIsToldSoAndEndsWithoutWaiting) {
    Source source(half(true));
    auto store = std::make_unique<PolicyStore>(source.loader());
    PolicyStore::Reader reader = store->reader();
    const Policy policy = store->current();
    store->watch({.interval = std::chrono::milliseconds(1)});
    const ::pid_t child = ::fork();
    if (child == 0) {
        const bool is_told = code_of([&] { static_cast<void>(store->current()); }) == "policy.forked" &&
                             code_of([&] { static_cast<void>(store->reader()); }) == "policy.forked" &&
                             code_of([&] { static_cast<void>(store->version()); }) == "policy.forked" &&
                             code_of([&] { store->replace(half(false)); }) == "policy.forked" &&
                             code_of([&] { store->refresh(); }) == "policy.forked" &&
                             code_of([&] { store->watch(); }) == "policy.forked" &&
                             code_of([&] { store->stop_watching(); }) == "policy.forked" &&
                             code_of([&] { static_cast<void>(reader.policy()); }) == "policy.forked";
        const bool is_usable = answers_of(policy) == "odd";
        store.reset();
        ::_exit(is_told && is_usable ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
}
// As an administrator should: beside it, then renamed.
void put(const std::filesystem::path& path, const std::string& text) {
    write(path.string() + ".new", text);
    std::filesystem::rename(path.string() + ".new", path);
}

TEST(PolicyFile, GivesADocumentWhenTheContentIsAnotherOne) {
    const test::TemporaryDirectory directory;
    const std::filesystem::path path = directory / "policy.json";
    put(path, to_json(half(true)));
    PolicyStore store(policy_file(path));
    EXPECT_FALSE(store.refresh());
    put(path, to_json(half(true)));
    EXPECT_FALSE(store.refresh()) << "another file with the same content is no change";
    put(path, to_json(half(false)));
    EXPECT_TRUE(store.refresh());
    EXPECT_EQ(answers_of(store.current()), "even");
    write(path, to_json(half(true)));
    EXPECT_TRUE(store.refresh()) << "written in place, within a tick of the clock, is a change too";
}

TEST(PolicyFile, ABrokenOrMissingFileIsToldEachTimeAndLeavesThePolicy) {
    const test::TemporaryDirectory directory;
    const std::filesystem::path path = directory / "policy.json";
    EXPECT_EQ(code_of([&] { PolicyStore store(policy_file(path)); }), "file.not_found");
    EXPECT_EQ(code_of([&] { PolicyStore store(policy_file(directory.path())); }), "policy.file");
    const std::string text = to_json(half(true));
    put(path, text);
    PolicyStore store(policy_file(path));
    put(path, text.substr(0, text.size() / 2));
    EXPECT_EQ(code_of([&] { store.refresh(); }), "policy.syntax");
    EXPECT_EQ(code_of([&] { store.refresh(); }), "policy.syntax");
    put(path, to_json(broken()));
    EXPECT_EQ(code_of([&] { store.refresh(); }), "policy.unknown_role");
    EXPECT_EQ(code_of([&] { store.refresh(); }), "policy.unknown_role");
    std::filesystem::remove(path);
    EXPECT_EQ(code_of([&] { store.refresh(); }), "file.not_found");
    put(path, std::string((std::size_t{16} << 20) + 1, ' '));
    EXPECT_EQ(code_of([&] { store.refresh(); }), "file.too_large");
    EXPECT_EQ(store.version(), 1U);
    put(path, to_json(half(false)));
    EXPECT_TRUE(store.refresh());
    EXPECT_EQ(answers_of(store.current()), "even");
}

TEST(PolicyFile, IsWatched) {
    const test::TemporaryDirectory directory;
    const std::filesystem::path path = directory / "policy.json";
    put(path, to_json(half(true)));
    Bell bell;
    PolicyStore store(policy_file(path));
    store.watch({.interval = std::chrono::milliseconds(1),
                 .on_change = [&](const Policy& policy) { bell.ring(answers_of(policy)); }});
    put(path, to_json(half(false)));
    EXPECT_EQ(bell.next(), "even");
}

}  // namespace
}  // namespace consilia::access
