#pragma once
// Engines that share a ledger: whose turn it is, and what each may keep of it.
#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "consilia/inference/memory_ledger.hpp"

namespace consilia::inference {

struct RunRecord;

/// A mutex that threads get in the order in which they asked for it. Threading: safe.
class FairMutex {
public:
    void lock() {
        std::unique_lock lock(mutex_);
        const std::uint64_t ticket = next_ticket_++;
        condition_.wait(lock, [&] { return serving_ == ticket; });
    }
    void unlock() {
        {
            const std::lock_guard lock(mutex_);
            ++serving_;
        }
        condition_.notify_all();
    }
    /// Threads that have asked and wait.
    [[nodiscard]] std::uint64_t waiting() {
        const std::lock_guard lock(mutex_);
        return next_ticket_ - serving_ - (next_ticket_ > serving_ ? 1 : 0);
    }

private:
    std::mutex mutex_;
    std::condition_variable condition_;
    std::uint64_t next_ticket_ = 0;
    std::uint64_t serving_ = 0;
};

/// What holds memory of a ledger and can give it back. Called with the ledger's turn held.
class LedgerHoldings {
public:
    [[nodiscard]] virtual std::uint64_t held_bytes() const = 0;
    /// Gives back until the ledger has `wanted_bytes` available or no more than `kept_bytes` are held.
    virtual void give_back(std::uint64_t wanted_bytes, std::uint64_t kept_bytes, RunRecord& record) = 0;

protected:
    ~LedgerHoldings() = default;
};

/// One engine among those that share a ledger.
///
/// Whoever has the turn is the only one that runs, so that all that the others hold can be given back. A
/// tenant's share is the limit by weights among those that hold anything: what it keeps beyond that goes when
/// another needs it, the rest only for a member that does not fit otherwise. Threading: all but `turn` with
/// the turn held.
class LedgerTenant {
public:
    /// Waits for the turn. `ledger` and `holdings` must outlive it.
    /// @throws Unavailable (`ledger.forked`) for a ledger that was made before a fork.
    LedgerTenant(MemoryLedger& ledger, double weight, LedgerHoldings& holdings);
    ~LedgerTenant();
    LedgerTenant(const LedgerTenant&) = delete;
    LedgerTenant& operator=(const LedgerTenant&) = delete;

    [[nodiscard]] FairMutex& turn() noexcept;
    [[nodiscard]] std::uint64_t share_bytes() const;
    /// Has others give back what they hold beyond their shares until `wanted_bytes` are available, those
    /// first who are farthest beyond.
    void reclaim_excess(std::uint64_t wanted_bytes, RunRecord& record);
    /// The same with what their shares are.
    void reclaim_all(std::uint64_t wanted_bytes, RunRecord& record);

private:
    [[nodiscard]] std::uint64_t share_of(const LedgerTenant& tenant) const;

    MemoryLedger& ledger_;
    double weight_;
    LedgerHoldings& holdings_;
};

/// Of one ledger.
struct LedgerTenants {
    FairMutex turn;
    std::vector<LedgerTenant*> all;  // Guarded by the turn.
    ::pid_t pid;
};

}  // namespace consilia::inference
