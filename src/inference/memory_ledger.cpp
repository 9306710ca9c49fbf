#include "consilia/inference/memory_ledger.hpp"

#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "consilia/core/error.hpp"
#include "inference/ledger_tenant.hpp"
#include "inference/sizes.hpp"

namespace consilia::inference {

namespace {

constexpr std::size_t kHoldersInErrors = 3;

}  // namespace

struct MemoryLedger::State {
    LedgerOptions options;
    mutable std::mutex mutex;
    std::uint64_t held_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::vector<LedgerHolder> owners;  // An owner keeps its index: reservations refer to it.

    [[nodiscard]] std::uint64_t limit() const noexcept {
        return options.budget_bytes - options.reserve_bytes;
    }

    [[nodiscard]] std::vector<LedgerHolder> sorted_holders() const {
        std::vector<LedgerHolder> holders;
        std::copy_if(owners.begin(), owners.end(), std::back_inserter(holders),
                     [](const LedgerHolder& holder) { return holder.held_bytes > 0; });
        std::sort(holders.begin(), holders.end(), [](const LedgerHolder& a, const LedgerHolder& b) {
            return a.held_bytes != b.held_bytes ? a.held_bytes > b.held_bytes : a.owner < b.owner;
        });
        return holders;
    }

    // Called with the mutex held.
    void take(std::uint64_t size_bytes, std::size_t owner) {
        const std::uint64_t available = limit() - held_bytes;
        if (size_bytes > available) refuse(size_bytes, available, owners[owner].owner);
        held_bytes += size_bytes;
        owners[owner].held_bytes += size_bytes;
        peak_bytes = std::max(peak_bytes, held_bytes);
    }

    void give_back(std::uint64_t size_bytes, std::size_t owner) noexcept {
        held_bytes -= size_bytes;
        owners[owner].held_bytes -= size_bytes;
    }

    [[noreturn]] void refuse(std::uint64_t wanted, std::uint64_t available, const std::string& owner) const {
        std::string holders;
        const auto sorted = sorted_holders();
        for (std::size_t i = 0; i < std::min(sorted.size(), kHoldersInErrors); ++i) {
            holders += (i == 0 ? "" : ", ") + sorted[i].owner + " " + to_size_text(sorted[i].held_bytes);
        }
        throw core::ResourceExhausted("memory.exhausted",
                                      "`" + owner + "` needs " + to_size_text(wanted) + ", " +
                                          to_size_text(available) + " of " + to_size_text(limit()) +
                                          " are free",
                                      {{"owner", owner},
                                       {"requested_bytes", to_detail(wanted)},
                                       {"available_bytes", to_detail(available)},
                                       {"limit_bytes", to_detail(limit())},
                                       {"holders", holders}});
    }
};

MemoryLedger::MemoryLedger(const LedgerOptions& options)
    : state_(std::make_unique<State>()), tenants_(std::make_unique<LedgerTenants>()) {
    if (options.reserve_bytes >= options.budget_bytes) {
        throw core::InvalidArgument("ledger.budget",
                                    "the reserve of a ledger must be smaller than its budget",
                                    {{"budget_bytes", to_detail(options.budget_bytes)},
                                     {"reserve_bytes", to_detail(options.reserve_bytes)}});
    }
    state_->options = options;
    tenants_->pid = ::getpid();
}

MemoryLedger::~MemoryLedger() = default;

MemoryLedger::Reservation MemoryLedger::reserve(std::uint64_t size_bytes, std::string_view owner) {
    const std::lock_guard lock(state_->mutex);
    auto& owners = state_->owners;
    auto found = std::find_if(owners.begin(), owners.end(),
                              [owner](const LedgerHolder& holder) { return holder.owner == owner; });
    if (found == owners.end()) found = owners.insert(owners.end(), {std::string(owner), 0});
    const auto index = static_cast<std::size_t>(found - owners.begin());
    state_->take(size_bytes, index);
    return Reservation(state_.get(), size_bytes, index);
}

std::uint64_t MemoryLedger::limit_bytes() const noexcept {
    return state_->limit();
}

std::uint64_t MemoryLedger::available_bytes() const noexcept {
    const std::lock_guard lock(state_->mutex);
    return state_->limit() - state_->held_bytes;
}

std::uint64_t MemoryLedger::held_bytes() const noexcept {
    const std::lock_guard lock(state_->mutex);
    return state_->held_bytes;
}

std::uint64_t MemoryLedger::peak_bytes() const noexcept {
    const std::lock_guard lock(state_->mutex);
    return state_->peak_bytes;
}

std::vector<LedgerHolder> MemoryLedger::holders() const {
    const std::lock_guard lock(state_->mutex);
    return state_->sorted_holders();
}

MemoryLedger::Reservation::Reservation(Reservation&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      owner_(other.owner_) {}

MemoryLedger::Reservation& MemoryLedger::Reservation::operator=(Reservation&& other) noexcept {
    if (this == &other) return *this;
    release();
    state_ = std::exchange(other.state_, nullptr);
    size_bytes_ = std::exchange(other.size_bytes_, 0);
    owner_ = other.owner_;
    return *this;
}

MemoryLedger::Reservation::~Reservation() {
    release();
}

void MemoryLedger::Reservation::resize(std::uint64_t size_bytes) {
    if (state_ == nullptr) {
        throw core::InvalidArgument("ledger.empty", "a reservation that holds nothing cannot be resized");
    }
    if (size_bytes <= size_bytes_) return shrink(size_bytes);
    const std::lock_guard lock(state_->mutex);
    state_->take(size_bytes - size_bytes_, owner_);
    size_bytes_ = size_bytes;
}

void MemoryLedger::Reservation::shrink(std::uint64_t size_bytes) noexcept {
    if (state_ == nullptr || size_bytes >= size_bytes_) return;
    const std::lock_guard lock(state_->mutex);
    state_->give_back(size_bytes_ - size_bytes, owner_);
    size_bytes_ = size_bytes;
}

void MemoryLedger::Reservation::release() noexcept {
    if (state_ == nullptr) return;
    const std::lock_guard lock(state_->mutex);
    state_->give_back(std::exchange(size_bytes_, 0), owner_);
    state_ = nullptr;
}

}  // namespace consilia::inference
