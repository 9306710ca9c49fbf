#include "consilia/access/policy_store.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "consilia/core/error.hpp"
#include "consilia/core/log.hpp"
#include "data/process_mark.hpp"

namespace consilia::access {

namespace {

constexpr std::chrono::milliseconds kMaxInterval = std::chrono::hours(24);
constexpr const char* kLogger = "access.policy";

PolicyDocument first_of(const PolicyLoader& loader) {
    if (!loader) throw core::InvalidArgument("policy.loader", "the loader of the policy is empty");
    std::optional<PolicyDocument> document = loader();
    if (!document)
        throw core::InvalidArgument("policy.loader", "the first call of the loader gave no policy");
    return *std::move(document);
}

core::Value count_of(std::size_t number) {
    return core::Value(static_cast<std::int64_t>(number));
}

}  // namespace

struct PolicyStore::State {
    State(const PolicyDocument& document, PolicyLoader given)
        : loader(std::move(given)), policy(document), version(1) {}

    void require_process() const {
        if (data::process_mark() == process) return;
        throw core::Unavailable("policy.forked",
                                "this policy store was made before a fork: make another one in this process");
    }
    void require_loader() const {
        if (!loader)
            throw core::InvalidArgument("policy.loader", "this policy store was made without a loader");
    }
    // INVARIANT: a version is read together with its policy.
    [[nodiscard]] std::pair<Policy, std::uint64_t> now() const {
        require_process();
        const std::scoped_lock lock(mutex);
        return {policy, version.load(std::memory_order_relaxed)};
    }

    const std::uint64_t process = data::process_mark();
    std::mutex changing;          // One change at a time; of all up to the next mutex.
    const PolicyLoader loader;    // Empty: none.
    std::exception_ptr rejected;  // Why the newest document of the loader makes no policy.
    std::string refusal;          // What the security log was told last.
    mutable std::mutex mutex;     // Of the policy. Held for a copy, never for longer.
    Policy policy;
    std::atomic<std::uint64_t> version;
};

// The thread that refreshes. What it shares outlives a store that is destroyed by a callback.
class PolicyStore::Watch {
public:
    Watch(std::shared_ptr<State> state, WatchOptions options)
        : shared_(std::make_shared<Shared>(std::move(state), std::move(options))),
          thread_([shared = shared_] { shared->run(); }) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() {
        {
            const std::scoped_lock lock(shared_->mutex);
            shared_->is_stopping = true;
        }
        shared_->stopped.notify_one();
        if (thread_.get_id() == std::this_thread::get_id()) {
            thread_.detach();  // Destroyed by a callback: it ends by itself.
        } else {
            thread_.join();
        }
    }

private:
    struct Shared {
        Shared(std::shared_ptr<State> watched, WatchOptions given)
            : state(std::move(watched)), options(std::move(given)) {}

        void run() {
            while (wait()) look();
        }
        // Whether to go on.
        bool wait() {
            if (data::process_mark() != state->process)
                return false;  // A callback forked: this is the child.
            std::unique_lock lock(mutex);
            return !stopped.wait_for(lock, options.interval, [&] { return is_stopping; });
        }
        void look() {
            bool is_changed = false;
            try {
                is_changed = refresh(*state);
                failure.clear();
            } catch (const std::exception& error) {
                tell(error);
            } catch (...) {
                tell(core::Internal("policy.loader", "the loader threw what is no exception"));
            }
            if (is_changed && options.on_change) call([&] { options.on_change(state->now().first); });
        }
        // A source that is gone for an hour is one line of the log, not one for each look.
        void tell(const std::exception& error) {
            if (std::exchange(failure, error.what()) != error.what()) {
                core::log(core::LogLevel::Error, kLogger, "the policy was not refreshed and stays as it was",
                          {{"error", core::Value(error.what())}});
            }
            if (options.on_error) call([&] { options.on_error(error); });
        }
        template <class F>
        static void call(const F& callback) {
            try {
                callback();
            } catch (const std::exception& error) {
                core::log(core::LogLevel::Error, kLogger, "a callback failed",
                          {{"error", core::Value(error.what())}});
            } catch (...) {
                core::log(core::LogLevel::Error, kLogger, "a callback failed");
            }
        }

        const std::shared_ptr<State> state;
        const WatchOptions options;
        std::string failure;  // The last one; empty after a success.
        std::mutex mutex;
        std::condition_variable stopped;
        bool is_stopping = false;
    };

    std::shared_ptr<Shared> shared_;
    std::thread thread_;
};

PolicyStore::PolicyStore(const PolicyDocument& document)
    : state_(std::make_shared<State>(document, PolicyLoader())) {}
PolicyStore::PolicyStore(PolicyLoader loader) {
    const PolicyDocument document = first_of(loader);
    state_ = std::make_shared<State>(document, std::move(loader));
}

PolicyStore::~PolicyStore() {
    if (data::process_mark() == state_->process) return;
    // SAFETY: the thread does not exist here, and whatever lock it held is never given back.
    static_cast<void>(watch_.release());
}

Policy PolicyStore::current() const {
    return state_->now().first;
}
PolicyStore::Reader PolicyStore::reader() const {
    return Reader(state_);
}
std::uint64_t PolicyStore::version() const {
    state_->require_process();
    return state_->version.load(std::memory_order_acquire);
}

// INVARIANT: `changing` is held.
std::uint64_t PolicyStore::put_in_force(State& state, const PolicyDocument& document) {
    Policy fresh(document);
    std::uint64_t version = 0;
    {
        const std::scoped_lock lock(state.mutex);
        std::swap(state.policy, fresh);
        version = state.version.fetch_add(1, std::memory_order_release) + 1;
    }
    state.refusal.clear();
    core::log_security("policy_changed", {{"version", core::Value(static_cast<std::int64_t>(version))},
                                          {"roles", count_of(document.roles.size())},
                                          {"rules", count_of(document.rules.size())}});
    return version;
}

std::uint64_t PolicyStore::replace(const PolicyDocument& document) {
    state_->require_process();
    const std::scoped_lock lock(state_->changing);
    return put_in_force(*state_, document);
}

bool PolicyStore::refresh() {
    return refresh(*state_);
}

bool PolicyStore::refresh(State& state) {
    state.require_process();
    state.require_loader();
    const std::scoped_lock lock(state.changing);
    try {
        const std::optional<PolicyDocument> document = state.loader();
        if (!document && state.rejected) std::rethrow_exception(state.rejected);
        if (!document) return false;
        try {
            put_in_force(state, *document);
            state.rejected = nullptr;
        } catch (...) {
            state.rejected = std::current_exception();
            throw;
        }
        return true;
    } catch (const core::ValidationError& error) {
        if (std::exchange(state.refusal, error.what()) != error.what()) {
            core::log_security("policy_refused",
                               {{"code", core::Value(error.code())}, {"reason", core::Value(error.what())}});
        }
        throw;
    }
}

void PolicyStore::watch(WatchOptions options) {
    state_->require_process();
    state_->require_loader();
    if (options.interval.count() < 1 || options.interval > kMaxInterval)
        throw core::InvalidArgument("policy.watch", "a policy is watched every millisecond to every day");
    const std::scoped_lock lock(state_->changing);
    if (watch_) throw core::InvalidArgument("policy.watch", "this policy store is watched already");
    watch_ = std::make_unique<Watch>(state_, std::move(options));
}

void PolicyStore::stop_watching() {
    state_->require_process();
    std::unique_ptr<Watch> ended;  // Waits for its thread, which may want the lock.
    const std::scoped_lock lock(state_->changing);
    ended = std::move(watch_);
}

PolicyStore::Reader::Reader(std::shared_ptr<const State> state) : Reader(state, state->now()) {}
PolicyStore::Reader::Reader(std::shared_ptr<const State> state, std::pair<Policy, std::uint64_t> now)
    : state_(std::move(state)), policy_(std::move(now.first)), version_(now.second) {}
PolicyStore::Reader::Reader(Reader&&) noexcept = default;
PolicyStore::Reader& PolicyStore::Reader::operator=(Reader&&) noexcept = default;
PolicyStore::Reader::~Reader() = default;

const Policy& PolicyStore::Reader::policy() {
    state_->require_process();
    if (state_->version.load(std::memory_order_acquire) != version_) {
        auto [policy, version] = state_->now();
        policy_ = std::move(policy);
        version_ = version;
    }
    return policy_;
}

}  // namespace consilia::access
