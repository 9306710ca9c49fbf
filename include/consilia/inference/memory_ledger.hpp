#pragma once
// Accounting of device memory: what a plan may take, and who holds it now.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"

namespace consilia::inference {

struct LedgerTenants;

/// Limits of one ledger. All sizes are in bytes.
struct LedgerOptions {
    std::uint64_t budget_bytes = 0;   ///< Most that may be held at once. Required: zero is refused.
    std::uint64_t reserve_bytes = 0;  ///< Part of the budget kept back for the driver and other processes.
};

/// What one owner holds.
struct LedgerHolder {
    std::string owner{};
    std::uint64_t held_bytes = 0;
    friend bool operator==(const LedgerHolder&, const LedgerHolder&) = default;
};

/// Reserves device memory before it is allocated, so that a plan never fails halfway.
///
/// Knows nothing of any backend: a byte counts once it is reserved, whether or not it has been allocated.
/// Engines that share one run in turns, member by member, in the order in which they ask; see
/// `EngineOptions::ledger_share` for what each of them keeps.
/// Threading: safe. Any thread may reserve; a Reservation is confined to one thread at a time.
///
///     MemoryLedger ledger({.budget_bytes = 512 << 20});
///     auto weights = ledger.reserve(98 << 20, "resnet50");  // given back when `weights` goes
class CONSILIA_API MemoryLedger {
public:
    class Reservation;  ///< Move-only; gives its bytes back when destroyed. Must not outlive the ledger.

    /// @throws InvalidArgument (`ledger.budget`) unless the reserve is smaller than the budget.
    explicit MemoryLedger(const LedgerOptions& options);
    MemoryLedger(const MemoryLedger&) = delete;
    MemoryLedger& operator=(const MemoryLedger&) = delete;
    ~MemoryLedger();

    /// Reserves `size_bytes` for `owner` (a member id, shown in traces and errors). Zero bytes are allowed.
    /// Never waits: a caller that can wait asks the planner instead.
    /// @throws ResourceExhausted (`memory.exhausted`) with `owner`, `requested_bytes`, `available_bytes` and
    ///         the largest `holders` in its details.
    [[nodiscard]] Reservation reserve(std::uint64_t size_bytes, std::string_view owner);

    /// What may be held at once: the budget less the reserve.
    [[nodiscard]] std::uint64_t limit_bytes() const noexcept;
    /// Bytes that could be reserved at this instant; stale as soon as another thread reserves.
    [[nodiscard]] std::uint64_t available_bytes() const noexcept;
    [[nodiscard]] std::uint64_t held_bytes() const noexcept;
    /// The most that was ever held at once: at most `limit_bytes()`.
    [[nodiscard]] std::uint64_t peak_bytes() const noexcept;
    /// Who holds how much, the largest first, then by name; owners that hold nothing are not listed.
    [[nodiscard]] std::vector<LedgerHolder> holders() const;

private:
    friend class LedgerTenant;
    struct State;
    std::unique_ptr<State> state_;
    std::unique_ptr<LedgerTenants> tenants_;
};

class CONSILIA_API MemoryLedger::Reservation {
public:
    Reservation() noexcept = default;  ///< Holds nothing.
    Reservation(Reservation&& other) noexcept;
    Reservation& operator=(Reservation&& other) noexcept;
    ~Reservation();

    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    /// Takes more or gives some back, under the same owner. After a failure nothing has changed.
    /// @throws ResourceExhausted as `reserve`; InvalidArgument (`ledger.empty`) if nothing was ever reserved.
    void resize(std::uint64_t size_bytes);
    /// Gives back what is beyond this size; a size that is not smaller changes nothing.
    void shrink(std::uint64_t size_bytes) noexcept;
    /// Gives everything back now.
    void release() noexcept;

private:
    friend class MemoryLedger;
    Reservation(State* state, std::uint64_t size_bytes, std::size_t owner) noexcept
        : state_(state), size_bytes_(size_bytes), owner_(owner) {}

    State* state_ = nullptr;
    std::uint64_t size_bytes_ = 0;
    std::size_t owner_ = 0;
};

}  // namespace consilia::inference
