#pragma once
// The policy in force: one for all threads, replaced as a whole while they ask.
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "consilia/access/policy.hpp"
#include "consilia/core/export.hpp"

namespace consilia::access {

/// Gives the document if it is another one than at the last call that gave one; the first call always does.
/// What it throws is told again by the next call, as long as the reason is there. Threading: confined.
using PolicyLoader = std::function<std::optional<PolicyDocument>()>;

/// Reads a policy from a JSON file. A file that is replaced (written beside it and renamed) is read once and
/// whole; one that is being written is read again until it rests.
/// The loader throws NotFound (`file.not_found`), ResourceExhausted above 16 MiB, InvalidArgument
/// (`policy.file`) for what is no regular file, Unavailable (`policy.unsettled`) for a file that does not
/// rest, and what `parse_policy` throws.
CONSILIA_API PolicyLoader policy_file(std::filesystem::path path);

/// How a store is kept fresh. The callbacks run on the watching thread, which holds no lock meanwhile; what
/// they throw is logged.
struct WatchOptions {
    std::chrono::milliseconds interval{1000};  ///< Between two looks; 1 ms to 1 day.
    std::function<void(const Policy& policy)> on_change = {};
    /// After every refresh that failed. The policy in force stays.
    std::function<void(const std::exception& error)> on_error = {};
};

/// Holds the policy in force. Whoever asks has one whole policy, the old or the new one, never a part of
/// each.
///
/// Every change, and every document that was refused, is told to the security log.
/// Policies that were given out live on after a change: a request takes one and asks it all of its questions.
/// After a fork the child makes a store of its own: policies and subjects may be used there, but the store
/// and its readers answer Unavailable (`policy.forked`), rather than never hear of a change. Threading: safe.
class CONSILIA_API PolicyStore {
public:
    class Reader;

    /// @throws as `Policy`.
    explicit PolicyStore(const PolicyDocument& document);
    /// Asks the loader for the first policy. @throws what it throws, as `Policy`, and InvalidArgument
    /// (`policy.loader`) if it is empty or gives nothing.
    explicit PolicyStore(PolicyLoader loader);
    PolicyStore(const PolicyStore&) = delete;
    PolicyStore& operator=(const PolicyStore&) = delete;
    /// Ends the watch, and waits for a callback that runs, unless it is the callback that destroys the store.
    ~PolicyStore();

    /// The policy in force: a shared copy, taken under a lock. @throws Unavailable (`policy.forked`), as all
    /// below.
    [[nodiscard]] Policy current() const;
    /// A place to read from without a lock, for one thread. It may outlive the store.
    [[nodiscard]] Reader reader() const;
    /// The number of the policy in force: 1 at first, one more with each change.
    [[nodiscard]] std::uint64_t version() const;

    /// Puts a policy of one's own in force; a loader is heard again when it has another document.
    /// @return its version. @throws as `Policy`; the policy in force then stays.
    std::uint64_t replace(const PolicyDocument& document);
    /// Asks the loader now. @return whether there was a change. @throws what the loader throws, and as
    /// `Policy` for a document that makes none, again with each call until the source is mended; the policy
    /// in force then stays. InvalidArgument (`policy.loader`) for a store without a loader.
    bool refresh();
    /// Refreshes from now on, on a thread of its own.
    /// @throws InvalidArgument (`policy.watch`) for an interval out of bounds, or if it is watched already;
    /// (`policy.loader`) for a store without a loader.
    void watch(WatchOptions options = {});
    /// Ends the watch, as the destructor does; without one it does nothing.
    void stop_watching();

private:
    struct State;
    class Watch;
    static std::uint64_t put_in_force(State& state, const PolicyDocument& document);
    static bool refresh(State& state);
    std::shared_ptr<State> state_;
    std::unique_ptr<Watch> watch_;
};

/// Reads the policy of a store. Keeps alive what it reads. Threading: confined.
class CONSILIA_API PolicyStore::Reader {
public:
    Reader(Reader&&) noexcept;
    Reader& operator=(Reader&&) noexcept;
    ~Reader();
    /// The policy in force, valid until the next call: while it was not changed, this costs two loads.
    /// @throws Unavailable (`policy.forked`).
    [[nodiscard]] const Policy& policy();
    /// The version of what `policy` gave last.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

private:
    friend class PolicyStore;
    explicit Reader(std::shared_ptr<const State> state);
    Reader(std::shared_ptr<const State> state, std::pair<Policy, std::uint64_t> now);
    std::shared_ptr<const State> state_;
    Policy policy_;
    std::uint64_t version_;
};

}  // namespace consilia::access
